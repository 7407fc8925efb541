/* SPDX-License-Identifier: GPL-3.0-or-later */
/* filter.c - which part of the database an export is of. */
#include "query/export/export.h"
#include <errno.h>
#include <string.h>

/* The transactions of a function's invocations: 100 bytes each, the one thing here that grows. */
static void read_function(struct export *x)
{
	struct select s = {0};
	sqlite3_stmt *stmt;

	select_add(&s, "SELECT tid FROM invocation");
	select_like(&s, "function_name", x->function);
	select_run(x->q, &s, "run");
	stmt = select_prepare(x->q, &s);
	while (query_next(x->q, stmt)) {
		uint32_t number;

		query_ok(x->q, intern_add(&x->tids, column_slice(stmt, 0), &number), x->q->command);
	}
	sqlite3_finalize(stmt);
	select_done(&s);
	if (!x->q->status && !x->tids.n)
		query_fail(x->q, USAGE, "--function %s: no invocation of it; `ilu-logq functions` lists them",
		           x->function);
}

void export_filter_init(struct export *x)
{
	const struct args *a = x->q->args;
	const char *tid = args_value(a, "tid");

	intern_init(&x->tids);
	x->run = query_run(x->q);
	x->since_ns = INT64_MIN;
	x->until_ns = INT64_MAX;
	query_between(x->q, x->run, &x->since_ns, &x->until_ns);
	x->function = args_value(a, "function");
	if (tid)
		x->tid = query_tid(x->q, tid);
	if (x->function && !x->q->status)
		read_function(x);
}

void export_filter_done(struct export *x)
{
	query_tid_done(&x->tid);
	intern_done(&x->tids);
}

bool export_wants_tid(const struct export *x, struct slice tid)
{
	if (x->tid.tid && !slice_is(tid, x->tid.tid))
		return false;
	return !x->function || (tid.ptr && intern_find(&x->tids, tid) != INTERN_NONE);
}

bool export_wants_time(const struct export *x, int64_t from_ns, int64_t to_ns)
{
	return to_ns >= x->since_ns && from_ns < x->until_ns;
}

void export_select(struct export *x, struct select *s, const struct export_columns *columns)
{
	char condition[160];

	if (columns->run && x->run) {
		snprintf(condition, sizeof condition, "%s = ?", columns->run);
		select_where_number(s, condition, x->run);
	}
	if (columns->tid && x->tid.tid) {
		snprintf(condition, sizeof condition, "%s = ?", columns->tid);
		select_where(s, condition, x->tid.tid);
	}
	if (columns->function && x->function) {
		select_like(s, columns->function, x->function);
	} else if (columns->tid && x->function) {
		snprintf(condition, sizeof condition, "%s IN (SELECT tid FROM invocation WHERE function_name GLOB ?)",
		         columns->tid);
		select_where(s, condition, x->function);
	}
	if (columns->to && x->since_ns > INT64_MIN) {
		snprintf(condition, sizeof condition, "%s >= ?", columns->to);
		select_where_number(s, condition, x->since_ns);
	}
	if (columns->from && x->until_ns < INT64_MAX) {
		snprintf(condition, sizeof condition, "%s < ?", columns->from);
		select_where_number(s, condition, x->until_ns);
	}
}

/* ---- spans ---- */

static bool wanted(const struct export *x, const struct span_row *row)
{
	int64_t from = row->start_ns == NO_NS ? row->end_ns : row->start_ns;

	/* one that is open lasts to the end */
	return export_wants_tid(x, row->tid) &&
	       export_wants_time(x, from, row->end_ns == NO_NS ? INT64_MAX : row->end_ns);
}

/* Of one transaction the table knows how much of the log has to be read. */
static void spans_of_tid(struct export *x, const struct export_spans *how)
{
	struct select s = {0};
	sqlite3_stmt *stmt;

	select_add(
	    &s, "SELECT run, source, id, tid, worker, target, name, level, start_ns, end_ns, busy_ns, idle_ns, parent "
	        "FROM span");
	export_select(x, &s, &(struct export_columns){.run = "run", .tid = "tid"});
	stmt = select_prepare(x->q, &s);
	while (query_next(x->q, stmt)) {
		struct span_row row = {.run = column_ns(stmt, 0),
		                       .source = column_ns(stmt, 1),
		                       .id = column_ns(stmt, 2),
		                       .tid = column_slice(stmt, 3),
		                       .worker = column_slice(stmt, 4),
		                       .target = column_slice(stmt, 5),
		                       .name = column_slice(stmt, 6),
		                       .level = column_slice(stmt, 7),
		                       .start_ns = column_ns(stmt, 8),
		                       .end_ns = column_ns(stmt, 9),
		                       .busy_ns = column_ns(stmt, 10),
		                       .idle_ns = column_ns(stmt, 11),
		                       .parent = column_ns(stmt, 12)};

		if (wanted(x, &row) && !query_wrote(x->q, how->each(how->arg, &row)))
			break;
	}
	sqlite3_finalize(stmt);
	select_done(&s);
}

void export_spans(struct export *x, const struct export_spans *how)
{
	struct span_query sq = {.run = x->run, .opened = how->opened, .opened_arg = how->arg};
	struct span_reader *reader = NULL;
	struct span_row row;
	int rc;

	if (x->tid.tid && !how->opened) {
		spans_of_tid(x, how);
		return;
	}
	rc = x->q->status ? 0 : span_reader_open(x->q->store, &sq, &reader);
	while (reader && !rc && (rc = span_reader_next(reader, &row)) == 1) {
		rc = query_interrupted ? -EINTR : 0;
		if (!rc && wanted(x, &row) && !query_wrote(x->q, how->each(how->arg, &row)))
			break;
	}
	span_reader_close(reader);
	query_ok(x->q, rc, x->q->path);
}

void export_events(const struct export *x, struct event_query *query)
{
	query->run = x->run;
	query->since_ns = x->since_ns > INT64_MIN ? x->since_ns : 0;
	query->until_ns = x->until_ns < INT64_MAX ? x->until_ns : 0;
	if (x->tid.tid) {
		query->tid = (struct slice){x->tid.tid, strlen(x->tid.tid)};
		query->places = &x->tid.places;
	}
}

int64_t export_end_of(struct export *x, int64_t run)
{
	sqlite3_stmt *stmt;

	if (x->end_run == run)
		return x->end_ns;
	stmt = query_prepare(x->q, "SELECT coalesce(last_ns, 0) FROM run WHERE id = ?1");
	sqlite3_bind_int64(stmt, 1, run);
	x->end_ns = query_next(x->q, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	x->end_run = run;
	sqlite3_finalize(stmt);
	return x->end_ns;
}
