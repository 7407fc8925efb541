/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_result.c - result and trace: what a load generator wrote and read, row by row. */
#include "beside/result_set.h"
#include "beside/rows.h"
#include "base/sql.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* The runs that have any, one after the other. */
struct state {
	sqlite3 *db;
	sqlite3_stmt *runs;
	int64_t run;
	struct result_reader result;
	struct result_entry entry; /* of the current row */
	struct trace_set trace;
	uint32_t next; /* row + 1 is the current one */
};

static int open_runs(sqlite3 *db, const char *sql, sqlite3_value *const *value, void **out)
{
	struct state *t = calloc(1, sizeof *t);
	int rc;

	if (!t)
		return -ENOMEM;
	t->db = db;
	rc = sql_prepare(db, sql, &t->runs);
	if (!rc)
		rc = sql_bind_value(t->runs, 1, value[0]);
	if (rc) {
		sqlite3_finalize(t->runs);
		free(t);
		return rc;
	}
	*out = t;
	return 0;
}

static int open_result(struct store *s, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	(void)s;
	return open_runs(db, "SELECT DISTINCT run FROM result_pack WHERE ?1 IS NULL OR run = ?1 ORDER BY run", value,
	                 out);
}

static int open_trace(struct store *s, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	(void)s;
	return open_runs(db, "SELECT run FROM trace_pack WHERE ?1 IS NULL OR run = ?1 ORDER BY run", value, out);
}

static void close_runs(void *state)
{
	struct state *t = state;

	sqlite3_finalize(t->runs);
	result_reader_done(&t->result);
	trace_set_done(&t->trace);
	free(t);
}

/* 1: t->run is the next run, 0: no more. */
static int next_run(struct state *t)
{
	int rc = sqlite3_step(t->runs);

	if (rc != SQLITE_ROW)
		return sql_errno(rc);
	t->run = sqlite3_column_int64(t->runs, 0);
	t->next = 0;
	return 1;
}

static int next_result(void *state)
{
	struct state *t = state;
	int rc = 0;

	while (!t->result.db || !(rc = result_reader_next(&t->result, &t->entry))) {
		rc = next_run(t);
		if (rc != 1)
			return rc;
		result_reader_done(&t->result);
		t->result = (struct result_reader){.db = t->db, .run = t->run};
	}
	t->next++;
	return rc;
}

static int next_trace(void *state)
{
	struct state *t = state;
	int rc;

	while (t->next == t->trace.n) {
		rc = next_run(t);
		if (rc != 1)
			return rc;
		trace_set_done(&t->trace);
		rc = trace_set_read(&t->trace, t->db, t->run);
		if (rc)
			return rc;
	}
	t->next++;
	return 1;
}

static void real(sqlite3_context *c, double v)
{
	if (!isnan(v))
		sqlite3_result_double(c, v);
}

static void result_column(void *state, sqlite3_context *c, int i)
{
	const struct state *t = state;
	const struct result_row *v = &t->entry.v;

	switch (i) {
	case 0:
		sqlite3_result_int64(c, t->run);
		break;
	case 1:
		result_slice(c, t->entry.tid);
		break;
	case 2:
		result_ns(c, v->ord);
		break;
	case 3:
		result_ns(c, v->success);
		break;
	case 4:
		result_slice(c, t->entry.function);
		break;
	case 5:
		result_ns(c, v->was_cold);
		break;
	case 6:
		result_ns(c, v->worker_duration_us);
		break;
	case 7:
		real(c, v->code_duration_sec);
		break;
	case 8:
		result_ns(c, v->e2e_duration_us);
		break;
	case 9:
		result_ns(c, v->compute);
		break;
	case 10:
		result_ns(c, v->container_state);
		break;
	case 11:
		result_ns(c, v->sent);
		break;
	case 12:
		result_ns(c, v->client_latency_us);
		break;
	case 13:
		real(c, v->body_start);
		break;
	}
}

static void trace_column(void *state, sqlite3_context *c, int i)
{
	const struct state *t = state;
	const struct trace_row *v = &t->trace.v[t->next - 1];

	switch (i) {
	case 0:
		sqlite3_result_int64(c, t->run);
		break;
	case 1:
		sqlite3_result_int64(c, t->next - 1);
		break;
	case 2:
		result_slice(c, t->trace.names.text[v->func_name]);
		break;
	case 3:
		result_ns(c, v->invoke_time_ms);
		break;
	}
}

static int rowid(void *state, int64_t *out)
{
	const struct state *t = state;

	*out = (int64_t)((uint64_t)t->run << 32 | t->next);
	return 0;
}

const struct rowtable result_table = {
    .name = "result",
    .schema = "CREATE TABLE x(run INTEGER, tid TEXT, ord INTEGER, success INTEGER, function_name TEXT, was_cold "
              "INTEGER, worker_duration_us INTEGER,"
              " code_duration_sec REAL, e2e_duration_us INTEGER, compute INTEGER, container_state INTEGER, sent "
              "INTEGER, client_latency_us INTEGER,"
              " body_start REAL)",
    .pushed = {0, -1},
    .rows = 10000,
    .rows_of_one = 10000,
    .open = open_result,
    .next = next_result,
    .column = result_column,
    .rowid = rowid,
    .close = close_runs,
};

const struct rowtable trace_table = {
    .name = "trace",
    .schema = "CREATE TABLE x(run INTEGER, ord INTEGER, func_name TEXT, invoke_time_ms INTEGER)",
    .pushed = {0, -1},
    .rows = 10000,
    .rows_of_one = 10000,
    .open = open_trace,
    .next = next_trace,
    .column = trace_column,
    .rowid = rowid,
    .close = close_runs,
};
