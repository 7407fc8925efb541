/* SPDX-License-Identifier: GPL-3.0-or-later */
/* over_time.c - what the charts over time are drawn from, as a table: for Markdown, JSON and CSV. */
#include "query/report/measure.h"
#include "query/report/report.h"
#include <math.h>

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},   {"run", UNIT_RUN},      {"time_ns", UNIT_TIME},     {"length_ns", LESS(UNIT_NS)},
    {"invocations", UNIT_COUNT}, {"failed", UNIT_COUNT}, {"unfinished", UNIT_COUNT}, {"cold_starts", UNIT_COUNT},
    {"lines", UNIT_COUNT},       {"errors", UNIT_COUNT}, {"warnings", UNIT_COUNT},   {"p50_ns", UNIT_NS},
    {"p90_ns", UNIT_NS},         {"p99_ns", UNIT_NS},
};

static struct cell count_of(double v)
{
	return CELL_OF_INT((int64_t)v);
}

static struct cell ns_of(double v)
{
	return isnan(v) ? CELL_OF_NULL : CELL_OF_INT((int64_t)v);
}

static bool put_column(struct query *q, struct table *t, const struct measure *m, size_t i)
{
	struct cell c[] = {
	    CELL_OF_INT(m->offset_s),
	    CELL_OF_INT(m->run),
	    CELL_OF_INT(m->start_ns + m->step_ns * (int64_t)i),
	    CELL_OF_INT(m->step_ns),
	    count_of(m->ok_at[i] + m->failed_at[i] + m->unfinished_at[i]),
	    count_of(m->failed_at[i]),
	    count_of(m->unfinished_at[i]),
	    count_of(m->cold_at[i]),
	    count_of(m->lines_at[i]),
	    count_of(m->errors_at[i]),
	    count_of(m->warnings_at[i]),
	    ns_of(m->p50[i]),
	    ns_of(m->p90[i]),
	    ns_of(m->p99[i]),
	};

	return query_table_row(q, t, c);
}

static void put_run(struct query *q, struct table *t, int64_t run)
{
	struct measure m;

	measure_run(q, run, &m);
	for (size_t i = 0; i < m.n && !q->status; i++)
		if (!put_column(q, t, &m, i))
			break;
	measure_done(&m);
}

static void run(struct query *q)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	sqlite3_stmt *st = query_prepare(q, "SELECT id FROM run WHERE ?1 = 0 OR id = ?1 ORDER BY id");

	sqlite3_bind_int64(st, 1, query_run(q));
	while (query_next(q, st))
		put_run(q, t, sqlite3_column_int64(st, 0));
	sqlite3_finalize(st);
	query_table_close(q, t);
}

static const struct option_spec options[] = {OPTION_RUN, {0}};

const struct command over_time_of_report = {
    .name = "charts",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
