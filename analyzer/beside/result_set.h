/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result_set.h - the results of a run and the trace it was made by, as the database keeps them: the tables result_pack
 * and trace_pack.
 *
 * A run's trace is one BLOB, its results are one for so many rows; a BLOB is read as a whole and written as a whole.
 * The virtual tables result and trace show the rows. All functions return 0 or a negative errno, -EBADMSG where a BLOB
 * is damaged; what is read must be released also after an error. */
#ifndef BESIDE_RESULT_SET_H
#define BESIDE_RESULT_SET_H

#include "base/intern.h"
#include "store/store.h"

/* What a load generator wrote of one invocation. NO_NS, NaN, INTERN_NONE: nothing. */
struct result_row {
	int64_t ord; /* row of the result file, from 0 */
	int64_t success, was_cold;
	int64_t worker_duration_us, e2e_duration_us, client_latency_us;
	int64_t compute; /* bits: 1 CPU, 2 GPU */
	int64_t container_state;
	int64_t sent; /* ns, on the log's clock */
	double code_duration_sec;
	double body_start;      /* Unix seconds */
	uint32_t function_name; /* result_set.names */
};

/* Of one transaction; texts are borrowed. */
struct result_entry {
	struct slice tid, function; /* NONE: nothing */
	struct result_row v;        /* its function_name is of no use */
};

/* One part of a run's results. */
struct result_set {
	struct intern tids, names;
	struct result_row *v; /* by number of the tid */
	uint32_t room;
};

#define RESULT_PART 8192 /* rows, at most */

/* A run's part, from 0; one that is not there has no rows. */
int result_set_read(struct result_set *r, sqlite3 *db, int64_t run, uint32_t part);
/* The row of a transaction, a new one of nothing if need be (*is_new, may be NULL); valid until the next. */
int result_set_row(struct result_set *r, struct slice tid, struct result_row **out, bool *is_new);
/* Writes a part, nothing where there are no rows. */
int result_set_write(const struct result_set *r, sqlite3 *db, int64_t run, uint32_t part);
void result_set_done(struct result_set *r);

/* All rows of a run, one after the other: zeroed, then db and run set. Done also after an error. */
struct result_reader {
	sqlite3 *db;
	int64_t run;
	struct result_set set;
	uint32_t part, next; /* those that are read next */
};

/* 1: the next row, whose texts live until the call after it; 0: no more. */
int result_reader_next(struct result_reader *r, struct result_entry *out);
void result_reader_done(struct result_reader *r);

/* The rows of a trace, in their order. */
struct trace_row {
	int64_t invoke_time_ms; /* from the start of the load */
	uint32_t func_name;     /* trace_set.names */
};

struct trace_set {
	struct intern names;
	struct trace_row *v;
	uint32_t n, room;
};

int trace_set_read(struct trace_set *t, sqlite3 *db, int64_t run);
/* Row ord becomes this one; at the end, or one that is there. */
int trace_set_put(struct trace_set *t, uint32_t ord, struct slice func_name, int64_t invoke_time_ms);
int trace_set_write(const struct trace_set *t, sqlite3 *db, int64_t run);
void trace_set_done(struct trace_set *t);

#endif
