/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result_set.h - the results of a run and the trace it was made by, as the database keeps them: the tables result_pack
 * and trace_pack.
 *
 * A run's rows are one BLOB each, which is read as a whole and written as a whole; the virtual tables result and trace
 * show them. All functions return 0 or a negative errno, -EBADMSG where the BLOB is damaged; what is read must be
 * released also after an error. */
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

struct result_set {
	struct intern tids, names;
	struct result_row *v; /* by number of the tid */
	uint32_t room;
};

int result_set_read(struct result_set *r, sqlite3 *db, int64_t run);
/* The row of a transaction, a new one of nothing if need be (*is_new, may be NULL); valid until the next. */
int result_set_row(struct result_set *r, struct slice tid, struct result_row **out, bool *is_new);
int result_set_write(const struct result_set *r, sqlite3 *db, int64_t run);
void result_set_done(struct result_set *r);

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
