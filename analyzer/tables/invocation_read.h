/* SPDX-License-Identifier: GPL-3.0-or-later */
/* invocation_read.h - all invocations and their attempts, one after the other, as their rows stand.
 *
 * The views `invocation` and `attempt` look up each row's transaction and sort by it. Who asks of all of them together,
 * and not which they are, reads the rows side by side, and what many share once (invocation_kind, work_kind). */
#ifndef TABLES_INVOCATION_READ_H
#define TABLES_INVOCATION_READ_H

#include "model/phase.h"
#include <sqlite3.h>

/* The columns of view `invocation` have the same names; INT64_MIN: NULL. */
struct invocation_read {
	int64_t place;
	size_t kind; /* from 0: the how manieth of invocation_kind, in the order of ids */
	int64_t sent_ns, controller_ns, dispatched_ns, arrived_ns, insert_ns, remove_ns, start_ns, end_ns, return_ns;
	int64_t queued_ns; /* from insert_ns to remove_ns: what queueing_sec is made of */
	int64_t e2e_duration_us;
	double code_duration_sec; /* NaN: NULL */
	double insert_load;       /* insert_cpu_load, else insert_gpu_load; NaN: NULL */
	const struct phase_attempt *attempt;
	int nattempts;
	bool ok; /* its status */
};

struct invocation_reader;

/* Those with places from first to last, in that order. 0 or a negative errno. */
int invocation_reader_open(sqlite3 *db, int64_t first, int64_t last, struct invocation_reader **out);
/* 1: *out is an invocation, until the next call; 0: no more; or a negative errno. */
int invocation_reader_next(struct invocation_reader *r, const struct invocation_read **out);
void invocation_reader_close(struct invocation_reader *r);

/* How long it took: by its result, else from its first to its last line; INT64_MIN: not known. The SQL is
 * INVOCATION_DURATION (query/core/query.h). */
int64_t invocation_duration_ns(const struct invocation_read *o);

/* A state of `attempt` as text that outlives the statement; NULL: none of those that are known. */
const char *attempt_state(struct slice v);

/* What queueing_sec is, for a number of nanoseconds: whole seconds and what is left, added as two doubles. */
double queueing_sec(int64_t queued_ns);

#endif
