/* SPDX-License-Identifier: GPL-3.0-or-later */
/* functions.c - invocations by function: how many, how they ended, how long they took.
 *
 * Two things are called cold. `cold` is the function's own word for its first call in a container, prewarmed ones too.
 * `cold_starts` are the containers that were made while an invocation waited, also where that failed: what the phase
 * "container acquisition (cold)" is of. */
#include "query/core/command.h"
#include "query/core/quantile.h"
#include "query/core/select.h"
#include <errno.h>
#include <string.h>

struct function {
	char name[256];
	int64_t run, all, ok, failed, unfinished, cold, cold_starts;
	struct sample duration, queue, code;
};

static const struct column columns[] = {
    {"run", UNIT_RUN},         {"function_name", UNIT_NONE}, {"invocations", UNIT_COUNT}, {"ok", UNIT_COUNT},
    {"failed", UNIT_COUNT},    {"unfinished", UNIT_COUNT},   {"cold", UNIT_COUNT},        {"cold_starts", UNIT_COUNT},
    {"p50_ns", UNIT_NS},       {"p90_ns", UNIT_NS},          {"p99_ns", UNIT_NS},         {"max_ns", UNIT_NS},
    {"queue_p50_ns", UNIT_NS}, {"queue_p99_ns", UNIT_NS},    {"code_p50_ns", UNIT_NS},    {"code_p99_ns", UNIT_NS},
};

static struct cell quantile(const struct sample *s, double at)
{
	return s->n ? CELL_OF_INT(sample_quantile(s, at)) : CELL_OF_NULL;
}

static void put(struct query *q, struct table *t, struct function *f)
{
	sample_sort(&f->duration);
	sample_sort(&f->queue);
	sample_sort(&f->code);

	struct cell c[] = {
	    CELL_OF_INT(f->run),         cell_of_text(f->name),        CELL_OF_INT(f->all),
	    CELL_OF_INT(f->ok),          CELL_OF_INT(f->failed),       CELL_OF_INT(f->unfinished),
	    CELL_OF_INT(f->cold),        CELL_OF_INT(f->cold_starts),  quantile(&f->duration, 0.5),
	    quantile(&f->duration, 0.9), quantile(&f->duration, 0.99), quantile(&f->duration, 1),
	    quantile(&f->queue, 0.5),    quantile(&f->queue, 0.99),    quantile(&f->code, 0.5),
	    quantile(&f->code, 0.99),
	};

	if (f->all)
		query_table_row(q, t, c);
}

static void start(struct function *f, int64_t run, const char *name)
{
	f->run = run;
	snprintf(f->name, sizeof f->name, "%s", name);
	f->all = f->ok = f->failed = f->unfinished = f->cold = f->cold_starts = 0;
	sample_clear(&f->duration);
	sample_clear(&f->queue);
	sample_clear(&f->code);
}

static int measure(struct sample *s, sqlite3_stmt *stmt, int i)
{
	return sqlite3_column_type(stmt, i) == SQLITE_NULL ? 0 : sample_add(s, (int64_t)sqlite3_column_double(stmt, i));
}

static int count(struct query *q, struct table *t, struct function *f, sqlite3_stmt *stmt)
{
	const char *name = (const char *)sqlite3_column_text(stmt, 1),
	           *status = (const char *)sqlite3_column_text(stmt, 2);
	int64_t run = sqlite3_column_int64(stmt, 0);
	int rc;

	if (run != f->run || strcmp(f->name, name)) {
		put(q, t, f);
		start(f, run, name);
	}
	f->all++;
	f->ok += !strcmp(status, "ok");
	f->failed += !strcmp(status, "failed");
	f->unfinished += !strcmp(status, "unfinished");
	f->cold += sqlite3_column_int64(stmt, 3);
	f->cold_starts += sqlite3_column_int64(stmt, 7);
	rc = measure(&f->duration, stmt, 4);
	if (!rc)
		rc = measure(&f->queue, stmt, 5);
	return rc ? rc : measure(&f->code, stmt, 6);
}

static void run(struct query *q)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	struct function f = {.run = -1};
	struct select s = {0};
	sqlite3_stmt *stmt;

	select_add(
	    &s, "SELECT run, substr(coalesce(function_name, fqdn, '(unknown)'), 1, 200) AS f, status, "
	        "coalesce(was_cold, state = 'cold', 0), " INVOCATION_DURATION
	        ", queueing_sec * 1e9, coalesce(code_duration_sec * 1e9, end_ns - start_ns), c.starts FROM invocation"
	        " LEFT JOIN (SELECT run, tid, total(state = 'cold') AS starts FROM attempt GROUP BY run, tid) c USING "
	        "(run, tid)");
	select_run(q, &s, "run");
	select_add(&s, " ORDER BY run, f");
	stmt = select_prepare(q, &s);
	while (query_next(q, stmt))
		query_ok(q, count(q, t, &f, stmt), q->command);
	if (!q->status)
		put(q, t, &f);
	query_table_close(q, t);
	sqlite3_finalize(stmt);
	select_done(&s);
	sample_done(&f.duration);
	sample_done(&f.queue);
	sample_done(&f.code);
}

static const struct option_spec options[] = {OPTION_RUN, {0}};

const struct command command_functions = {
    .name = "functions",
    .group = GROUP_ANSWERS,
    .help = "invocations by function: outcomes and latency quantiles",
    .more =
        "cold counts calls that the function itself calls its first in a container, also in a prewarmed one; "
        "cold_starts "
        "the containers that were\n"
        "made while an invocation waited, also where that failed, as the phase \"container acquisition (cold)\" does.",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(columns),
};
