/* SPDX-License-Identifier: GPL-3.0-or-later */
/* series_read.h - values that a daemon logs again and again, one after the other: what the table `series` is made of.
 */
#ifndef BESIDE_SERIES_READ_H
#define BESIDE_SERIES_READ_H

#include "store/store.h"

#define SERIES_NO_RULE SIZE_MAX

struct series_row {
	int64_t run, time_ns;
	struct slice worker, name; /* worker: ptr NULL: none; borrowed until the next row */
	double value;
	bool limited;   /* it has a limit: a share of a whole, or the part whose share the rules make (a/b%) */
	size_t rule;    /* number of the value among those of the rules, which has its name; SERIES_NO_RULE: energy's */
	int64_t number; /* of the row */
};

struct series_reader;

/* name NULL: of all names; run 0: of all runs. 0 or a negative errno. */
int series_reader_open(struct store *s, const char *name, int64_t run, struct series_reader **out);
/* 1: *out is a row, until the next call, in the order of the log; 0: no more; or a negative errno. */
int series_reader_next(struct series_reader *r, const struct series_row **out);
void series_reader_close(struct series_reader *r);

/* The messages whose lines these are, by the built-in rules. 0, a negative errno, or what take returns, which ends it,
 * if that is not 0. */
typedef int series_message(void *arg, struct slice message);
int series_messages(series_message *take, void *arg);

#endif
