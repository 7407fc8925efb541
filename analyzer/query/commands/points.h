/* SPDX-License-Identifier: GPL-3.0-or-later */
/* points.h - the lines of many transactions as points in time, however many there are.
 *
 * So many are held; what is more is written, dealt out to its transactions, as runs to a file without a name, and the
 * runs are read side by side. Each point is written and read once. One thread at a time; several have points of their
 * own, which are joined. */
#ifndef QUERY_POINTS_H
#define QUERY_POINTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* As short as it gets: millions of them are sorted. */
struct point {
	int64_t time_ns, id; /* what is earlier; of the same time, what has the lower id */
	uint32_t tid, text;  /* numbers: of the transaction, from 0, and what the caller likes */
};

#define POINTS_HELD ((size_t)1 << 19)

/* Zero-initialise; beside: as tempfile_open has it, borrowed. held: how many are in memory; 0: POINTS_HELD. */
struct points {
	const char *beside;
	size_t held;
	struct point *v, *dealt;
	size_t n, room, dealt_room;
	size_t *end; /* by number of the transaction, while they are dealt */
	size_t nends;
	struct points_run *runs;
	uint32_t nruns, runs_room;
	int fd; /* once it is open */
	bool open;
	off_t written;
	int *joined; /* files of others */
	uint32_t njoined, joined_room;
};
void points_done(struct points *p);

/* 0 or a negative errno, such as -ENOSPC. */
int points_add(struct points *p, const struct point *point);

/* Moves all points of `from`; it is empty then, whatever comes of it. 0 or a negative errno. */
int points_join(struct points *to, struct points *from);

/* Calls fn for each transaction that has points, in the order of their numbers, with all its points in order; goes on
 * while it returns 0. Once, and nothing is added after it. 0, a negative errno, or what fn returned. */
int points_each(struct points *p, int (*fn)(void *arg, const struct point *v, size_t n), void *arg);

#endif
