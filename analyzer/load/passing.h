/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passing.h - a large file passes through memory, and leaves there what it found.
 *
 * What is read stays in the page cache, where a log that is larger than it drives out everything else, and each of its
 * own pages must be made anew for the next one to come. So what was read is given back behind the reader, and the
 * following pages take its place; but of a stretch of which somebody had pages in memory before, all stay. */
#ifndef LOAD_PASSING_H
#define LOAD_PASSING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PASSING_STRETCH (1 << 20) /* bytes */

struct passing {
	int fd; /* borrowed */
	int64_t size;
	int64_t at;      /* what is before was given back, or was not read */
	bool *in_memory; /* by stretch of the file: somebody had some of it; NULL: all stays */
};

/* Whether the text of so many bytes is too much to be left in memory. */
bool passing_is_worth(int64_t bytes);

/* Looks what is in memory of [from, size) of a file, before it is read. Where that can't be told, as of a file that is
 * not ours, all stays. passing_done it in any case. */
void passing_begin(struct passing *p, int fd, int64_t from, int64_t size);
void passing_done(struct passing *p);

/* What is before `to` was read and won't be any more. One thread at a time. */
void passing_behind(struct passing *p, int64_t to);

#endif
