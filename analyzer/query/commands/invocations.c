/* SPDX-License-Identifier: GPL-3.0-or-later */
/* invocations.c - the invocation table: chosen, sorted, and with as many columns as are wanted.
 *
 * For people the few columns that tell slow from failed from missing; for programs all of them, unless --columns says
 * otherwise. */
#include "base/sql.h"
#include "query/core/command.h"
#include "query/core/select.h"
#include "tables/nested.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	struct column column;
	bool useful; /* in a table for people */
} known[] = {
    {{"run", UNIT_RUN}, false},
    {{"tid", UNIT_ID}, true},
    {{"worker", UNIT_NONE}, false},
    {{"function_name", UNIT_NONE}, true},
    {{"function_source", UNIT_NONE}, false},
    {{"fqdn", UNIT_NONE}, false},
    {{"status", UNIT_WHOLE}, true},
    {{"attempts", UNIT_COUNT}, false},
    {{"success", UNIT_BOOL}, false},
    {{"was_cold", UNIT_BOOL}, false},
    {{"compute", LESS(UNIT_NONE)}, true},
    {{"state", LESS(UNIT_WHOLE)}, true},
    {{"duration_ns", UNIT_NS}, true},
    {{"sent_ns", UNIT_TIME}, false},
    {{"controller_ns", UNIT_TIME}, false},
    {{"dispatched_ns", UNIT_TIME}, false},
    {{"arrived_ns", LESS(UNIT_TIME)}, true},
    {{"insert_ns", UNIT_TIME}, false},
    {{"remove_ns", UNIT_TIME}, false},
    {{"start_ns", UNIT_TIME}, false},
    {{"end_ns", UNIT_TIME}, false},
    {{"return_ns", UNIT_TIME}, false},
    {{"worker_duration_us", UNIT_US}, false},
    {{"code_duration_sec", UNIT_SEC}, true},
    {{"e2e_duration_us", UNIT_US}, false},
    {{"queueing_sec", UNIT_SEC}, true},
    {{"queue_exec_sec", UNIT_SEC}, false},
    {{"cpu_est_queue_sec", UNIT_SEC}, false},
    {{"cpu_est_runtime_sec", UNIT_SEC}, false},
    {{"gpu_est_queue_sec", UNIT_SEC}, false},
    {{"gpu_est_runtime_sec", UNIT_SEC}, false},
    {{"cpu_est_sec", UNIT_SEC}, false},
    {{"gpu_est_sec", UNIT_SEC}, false},
    {{"insert_cpu_load", UNIT_NONE}, false},
    {{"insert_gpu_load", UNIT_NONE}, false},
    {{"est_sec_diff", UNIT_SEC}, false},
    {{"cache_insertions", UNIT_NONE}, false},
    {{"e2e_sec", UNIT_SEC}, false},
    {{"e2e_overhead", UNIT_SEC}, false},
    {{"exec_overhead", UNIT_SEC}, false},
    {{"norm_e2e", UNIT_NONE}, false},
    {{"e2e_overhead_portion", UNIT_SHARE}, false},
    {{"queue_portion", UNIT_SHARE}, false},
    {{"exec_overhead_norm", UNIT_NONE}, false},
    {{"e2e_portion", UNIT_SHARE}, false},
    {{"e2e_norm_portion", UNIT_SHARE}, false},
    {{"parent", UNIT_ID}, false},
};

enum { KNOWN = sizeof known / sizeof *known };

static const struct column_set known_columns = {&known[0].column, KNOWN, sizeof *known};

/* By its name, or by the heading that people see. -1: none. */
static int find_column(const char *name, size_t len)
{
	char heading[64];

	for (int i = 0; i < KNOWN; i++)
		if (strlen(known[i].column.name) == len && !memcmp(known[i].column.name, name, len))
			return i;
	for (int i = 0; i < KNOWN; i++)
		if (column_heading(&known[i].column, heading, sizeof heading) == len && !memcmp(heading, name, len))
			return i;
	return -1;
}

/* Sorted by nothing, rows come in an order that says nothing. */
static void warn_if_null(struct query *q, const char *name, const char *expression)
{
	int64_t any = 0;
	char *sql;

	if (q->status || asprintf(&sql, "SELECT count(*) FROM (SELECT 1 FROM invocation WHERE %s IS NOT NULL LIMIT 1)",
	                          expression) < 0)
		return;
	sql_number(q->db, sql, &any);
	if (!any)
		query_note(q, "--sort: %s is NULL in every row: no loaded file says it", name);
	free(sql);
}

/* Whether any request is inside another: else there may be no table of them. */
static bool any_nested(struct query *q)
{
	bool any = false;

	return !q->status && query_ok(q, nested_any(q->db, &any), q->path) && any;
}

/* What stands for a column. Two are none of the table: what the user waited for, by the best that is known; and the
 * request that it is inside of. */
static const char *expression_of(struct query *q, const char *column)
{
	if (!strcmp(column, "duration_ns"))
		return INVOCATION_DURATION;
	if (strcmp(column, "parent"))
		return column;
	return any_nested(q) ? "(SELECT parent FROM nested n WHERE n.run = invocation.run AND n.tid = invocation.tid)"
	                     : "NULL";
}

static void add_column(struct query *q, struct select *s, int i)
{
	const char *name = known[i].column.name;

	text_printf(&s->sql, ", %s AS %s", expression_of(q, name), name);
}

static void choose(struct query *q, struct select *s, struct column *columns)
{
	const char *list = q->out->columns;
	bool machine = q->out->format == FORMAT_CSV || q->out->format == FORMAT_JSON;
	size_t n = 0;

	columns[n++] = (struct column){"offset_s", UNIT_OFFSET};
	if (!list || !strcmp(list, "all")) {
		for (int i = 0; i < KNOWN; i++) {
			if (!list && !machine && !known[i].useful)
				continue;
			columns[n++] = known[i].column;
			add_column(q, s, i);
		}
		return;
	}
	while (*list && !q->status) {
		size_t len = strcspn(list, ",");
		int i = find_column(list, len);

		if (i < 0) {
			query_no_column(q, "--columns", list, len, &known_columns);
		} else if (n > KNOWN) {
			query_fail(q, USAGE, "--columns: too many");
		} else {
			columns[n++] = known[i].column;
			add_column(q, s, i);
		}
		list += len + (list[len] == ',');
	}
}

static void order(struct query *q, struct select *s)
{
	const char *by = args_value(q->args, "sort"), *expression;
	bool down = by && *by == '-';
	int i;

	if (!by) {
		select_add(s, " ORDER BY run, coalesce(sent_ns, arrived_ns, insert_ns), tid");
		return;
	}
	by += down;
	i = find_column(by, strlen(by));
	if (i < 0)
		query_no_column(q, "--sort", by, strlen(by), &known_columns);
	if (i < 0)
		return;
	by = known[i].column.name;
	expression = expression_of(q, by);
	warn_if_null(q, by, expression);
	text_printf(&s->sql, " ORDER BY %s %s NULLS LAST, run, tid", expression, down ? "DESC" : "ASC");
}

/* A condition of the user's is wrong by itself, or else the tables are. */
static void check_condition(struct query *q, const char *where)
{
	struct text sql = {0};
	sqlite3_stmt *st = NULL;
	const char *rest;

	text_printf(&sql, "SELECT 1 FROM invocation WHERE (%s)", where);
	if (sql.failed)
		query_ok(q, -ENOMEM, q->path);
	else if (!q->status && sql_prepare_first(q->db, text_str(&sql), &st, &rest))
		query_sql_error(q);
	sqlite3_finalize(st);
	text_done(&sql);
}

/* Those right inside one request. */
static void inside(struct query *q, struct select *s, const struct query_tid *of)
{
	if (!of->tid)
		return;
	if (any_nested(q))
		select_where(s, "(run, tid) IN (SELECT run, tid FROM nested WHERE parent = ?)", of->tid);
	else
		query_fail(q, USAGE, "--inside: no request is inside another: no rule says where a parent's id stands");
}

static void conditions(struct query *q, struct select *s, const struct query_tid *around)
{
	const struct args *a = q->args;
	const char *where = args_value(a, "where"), *status = args_value(a, "status");

	if (status && strcmp(status, "ok") && strcmp(status, "failed") && strcmp(status, "unfinished") &&
	    !strpbrk(status, "*?"))
		query_fail(q, USAGE, "--status %s: it is one of ok, failed, unfinished", status);
	select_run(q, s, "run");
	select_like(s, "function_name", args_value(a, "function"));
	select_like(s, "worker", args_value(a, "worker"));
	select_like(s, "status", status);
	select_like(s, "state", args_value(a, "state"));
	inside(q, s, around);
	if (where) {
		check_condition(q, where);
		text_printf(&s->sql, " %s (%s)", s->where ? "AND" : "WHERE", where);
		s->where = true;
	}
}

static void run(struct query *q)
{
	const char *tid = args_value(q->args, "inside");
	struct query_tid around = {0};
	struct select s = {0};
	struct column columns[KNOWN + 2];

	if (tid)
		around = query_tid(q, tid);
	select_add(&s, "SELECT " CLOCK_OF("invocation.run", "coalesce(sent_ns, arrived_ns, start_ns)"));
	choose(q, &s, columns);
	select_add(&s, " FROM invocation");
	conditions(q, &s, &around);
	order(q, &s);
	select_table(q, &s, columns);
	query_tid_done(&around);
}

static const struct option_spec options[] = {
    OPTION_FUNCTION,
    OPTION_WORKER,
    {.name = "status", .value = "STATUS", .help = "ok, failed or unfinished"},
    {.name = "state", .value = "STATE", .help = "of the container: cold, prewarm, warm, ..."},
    {.name = "inside", .value = "TID", .hint = HINT_TID, .help = "right inside this request"},
    {.name = "where", .value = "SQL", .help = "any condition on the columns", .hint = HINT_COLUMN},
    {.name = "sort",
     .letter = 's',
     .value = "COLUMN",
     .help = "by this column, -COLUMN: the largest first; default by time",
     .hint = HINT_COLUMN},
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_invocations = {
    .name = "invocations",
    .group = GROUP_ANSWERS,
    .help = "the invocations: chosen, sorted, with the columns that matter",
    .more = "Text and Markdown have the useful columns, CSV and JSON all of them; --columns chooses. duration_ns is "
            "e2e_duration_us where a\n"
            "result file gave it, else from the first to the last line of the log.",
    .examples = "invocations --status failed\n"
                "invocations --sort -queueing_sec --limit 20\n"
                "invocations --where 'was_cold AND queueing_sec > 1' --columns tid,function_name,queueing_sec",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    .columns = &known[0].column,
    .ncolumns = KNOWN,
    .column_stride = sizeof *known,
};
