/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spans.c - how long spans took: by name, or the slowest one by one. */
#include "query/commands.h"
#include "query/quantile.h"
#include "query/select.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct column by_name[] = {
	{"name", UNIT_NONE},	{"target", UNIT_TARGET},	{"spans", UNIT_NONE}, {"open", UNIT_NONE},  {"total_ns", UNIT_NS}, {"busy_ns", UNIT_NS},
	{"mean_ns", UNIT_NS},	{"p50_ns", UNIT_NS},	{"p90_ns", UNIT_NS},  {"p99_ns", UNIT_NS},  {"max_ns", UNIT_NS},
};

struct group {
	char *name, *target;
	int64_t open, busy_ns;
	struct sample times;
};

struct groups {
	struct group *all;
	size_t n, cap;
};

static bool same(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static struct group *find(struct groups *g, const char *name, const char *target)
{
	struct group *x;

	for (size_t i = 0; i < g->n; i++)
		if (same(g->all[i].name, name) && same(g->all[i].target, target))
			return &g->all[i];
	if (g->n == g->cap) {
		x = reallocarray(g->all, g->cap * 2 + 64, sizeof *x);
		if (!x)
			return NULL;
		g->all = x;
		g->cap = g->cap * 2 + 64;
	}
	x = &g->all[g->n];
	*x = (struct group){.name = name ? strdup(name) : NULL, .target = target ? strdup(target) : NULL};
	if ((name && !x->name) || (target && !x->target)) {
		free(x->name);
		free(x->target);
		return NULL;
	}
	g->n++;
	return x;
}

static int count(struct groups *g, sqlite3_stmt *stmt)
{
	struct group *x = find(g, (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1));

	if (!x)
		return -ENOMEM;
	x->busy_ns += sqlite3_column_int64(stmt, 3);
	if (sqlite3_column_type(stmt, 2) == SQLITE_NULL) {
		x->open++;
		return 0;
	}
	return sample_add(&x->times, sqlite3_column_int64(stmt, 2));
}

static int by_total(const void *a, const void *b)
{
	double x = sample_sum(&((const struct group *)a)->times), y = sample_sum(&((const struct group *)b)->times);

	return x != y ? (x < y) - (x > y) : strcmp(((const struct group *)a)->name, ((const struct group *)b)->name);
}

static int put(struct query *q, struct groups *g, size_t limit)
{
	struct table *t = NULL;
	int rc = table_open(q->out, by_name, sizeof by_name / sizeof *by_name, &t), rc2;

	for (size_t i = 0; i < g->n && !rc && (!limit || i < limit); i++) {
		struct sample *s = &g->all[i].times;
		double sum = sample_sum(s);

		sample_sort(s);
		struct cell c[] = {
			cell_of_text(g->all[i].name), cell_of_text(g->all[i].target), CELL_OF_INT((int64_t)s->n + g->all[i].open),
			CELL_OF_INT(g->all[i].open), CELL_OF_INT((int64_t)sum), CELL_OF_INT(g->all[i].busy_ns), CELL_OF_NULL, CELL_OF_NULL,
			CELL_OF_NULL, CELL_OF_NULL, CELL_OF_NULL,
		};
		if (s->n) {
			c[6] = CELL_OF_INT((int64_t)(sum / (double)s->n));
			c[7] = CELL_OF_INT(sample_quantile(s, 0.5));
			c[8] = CELL_OF_INT(sample_quantile(s, 0.9));
			c[9] = CELL_OF_INT(sample_quantile(s, 0.99));
			c[10] = CELL_OF_INT(s->values[s->n - 1]);
		}
		rc = table_row(t, c);
	}
	rc2 = table_close(t);
	return query_errno(q, rc ? rc : rc2, "output");
}

static int conditions(struct query *q, struct select *s)
{
	select_like(s, "name", args_value(q->args, "name"));
	select_like(s, "target", args_value(q->args, "target"));
	return select_run(q, s, "run");
}

static int all_by_name(struct query *q)
{
	struct groups g = {0};
	struct select s = {0};
	sqlite3_stmt *stmt = NULL;
	int64_t limit = 0;
	int status = query_limit(q, 0, &limit);

	select_add(&s, "SELECT name, target, end_ns - start_ns, busy_ns FROM span");
	if (!status)
		status = conditions(q, &s);
	if (!status)
		status = select_prepare(q, &s, &stmt);
	while (!status && (status = query_step(q, stmt)) == 1)
		status = query_errno(q, count(&g, stmt), q->command);
	if (!status && g.n)
		qsort(g.all, g.n, sizeof *g.all, by_total);
	if (!status)
		status = put(q, &g, (size_t)limit);
	if (!status && !g.n)
		query_note(q, "no spans: the log was written without span lines");
	for (size_t i = 0; i < g.n; i++) {
		free(g.all[i].name);
		free(g.all[i].target);
		sample_done(&g.all[i].times);
	}
	free(g.all);
	sqlite3_finalize(stmt);
	select_done(&s);
	return status;
}

static int slowest(struct query *q, const char *word)
{
	static const struct column columns[] = {
		{"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},	  {"tid", UNIT_ID},	    {"name", UNIT_NONE},   {"target", UNIT_TARGET},
		{"worker", UNIT_NONE},	   {"start_ns", UNIT_TIME}, {"duration_ns", UNIT_NS}, {"busy_ns", UNIT_NS}, {"idle_ns", UNIT_NS},
	};
	struct select s = {0};
	int64_t n;
	int status;

	if (args_number(word, &n))
		return query_fail(q, USAGE, "--slowest %s: not a number", word);
	select_add(&s, "SELECT " OFFSET_OF("span.run") ", run, tid, name, target, worker, start_ns, end_ns - start_ns AS d, busy_ns, idle_ns FROM span");
	status = conditions(q, &s);
	text_printf(&s.sql, " ORDER BY d DESC, start_ns LIMIT %lld", (long long)n);
	if (!status)
		return select_table(q, &s, columns);
	select_done(&s);
	return status;
}

int cmd_spans(struct query *q)
{
	const char *n = args_value(q->args, "slowest");

	return n ? slowest(q, n) : all_by_name(q);
}
