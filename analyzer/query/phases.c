/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phases.c - where the time of invocations went: how long each phase took, over all or by function, worker or hour.
 *
 * A phase of an invocation is the sum over its attempts, so that the phases of each row group add up to its end-to-end time; share says
 * how much of it a phase is. */
#include "query/commands.h"
#include "query/quantile.h"
#include "query/select.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct group {
	char *key, *phase; /* key NULL: all */
	struct sample times;
};

struct groups {
	struct group *all;
	size_t n, cap;
};

static void groups_done(struct groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->all[i].key);
		free(g->all[i].phase);
		sample_done(&g->all[i].times);
	}
	free(g->all);
}

static struct group *group_new(struct groups *g, const char *key, const char *phase)
{
	struct group *x;

	if (g->n == g->cap) {
		size_t cap = g->cap ? g->cap * 2 : 32;

		x = reallocarray(g->all, cap, sizeof *x);
		if (!x)
			return NULL;
		g->all = x;
		g->cap = cap;
	}
	x = &g->all[g->n];
	*x = (struct group){.key = key ? strdup(key) : NULL, .phase = strdup(phase)};
	if (!x->phase || (key && !x->key)) {
		free(x->key);
		free(x->phase);
		return NULL;
	}
	g->n++;
	return x;
}

/* Rows come sorted by key and phase, so the group is the last one or new. */
static int add(struct groups *g, const char *key, const char *phase, int64_t ns)
{
	struct group *x = g->n ? &g->all[g->n - 1] : NULL;

	if (!x || strcmp(x->phase, phase) || !key != !x->key || (key && strcmp(key, x->key)))
		x = group_new(g, key, phase);
	return x ? sample_add(&x->times, ns) : -ENOMEM;
}

static const char *key_sql(struct query *q, int *status)
{
	const char *by = args_value(q->args, "by");

	*status = DONE;
	if (!by)
		return "NULL";
	if (!strcmp(by, "function"))
		return "coalesce(i.function_name, i.fqdn, '?')";
	if (!strcmp(by, "worker"))
		return "coalesce(i.worker, '?')";
	if (!strcmp(by, "hour"))
		return "strftime('%Y-%m-%d %H:00', coalesce(i.sent_ns, i.arrived_ns, p.first_ns) / 1000000000 - coalesce(r.offset_s, 0), 'unixepoch')";
	*status = query_fail(q, USAGE, "--by %s: it is one of function, worker, hour", by);
	return NULL;
}

static int gather(struct query *q, struct groups *g)
{
	struct select s = {0};
	sqlite3_stmt *stmt = NULL;
	int status;
	const char *key = key_sql(q, &status);

	if (status)
		return status;
	/* Where a phase stands is told by the invocations that needed one attempt. */
	text_printf(&s.sql,
		    "WITH p AS MATERIALIZED (SELECT run, tid, name, min(ord) AS ord, sum(end_ns - start_ns) AS ns, min(start_ns) AS first_ns"
		    " FROM phase GROUP BY run, tid, name),"
		    " o AS (SELECT p.name, coalesce(avg(CASE WHEN i.attempts <= 1 THEN p.ord END), 1e6 + avg(p.ord)) AS place"
		    " FROM p JOIN invocation i ON i.run = p.run AND i.tid = p.tid GROUP BY p.name)"
		    " SELECT %s AS k, p.name, p.ns FROM p JOIN invocation i ON i.run = p.run AND i.tid = p.tid JOIN run r ON r.id = p.run"
		    " JOIN o ON o.name = p.name",
		    key);
	status = select_run(q, &s, "p.run");
	select_like(&s, "i.function_name", args_value(q->args, "function"));
	select_like(&s, "i.worker", args_value(q->args, "worker"));
	text_printf(&s.sql, " ORDER BY k, p.name = 'unexplained', o.place, p.name");
	if (!status)
		status = select_prepare(q, &s, &stmt);
	while (!status && (status = query_step(q, stmt)) == 1)
		status = query_errno(q, add(g, (const char *)sqlite3_column_text(stmt, 0), (const char *)sqlite3_column_text(stmt, 1),
					    sqlite3_column_int64(stmt, 2)), "phases");
	sqlite3_finalize(stmt);
	select_done(&s);
	return status;
}

/* What the phases of the group that begins at i add up to; *end is the first of the next. */
static double total_of(const struct groups *g, size_t i, size_t *end)
{
	double sum = 0;
	size_t j = i;

	for (; j < g->n && !strcmp(g->all[j].key ? g->all[j].key : "", g->all[i].key ? g->all[i].key : ""); j++)
		sum += sample_sum(&g->all[j].times);
	*end = j;
	return sum;
}

static int put(struct query *q, struct groups *g)
{
	const char *by = args_value(q->args, "by");
	struct column columns[] = {
		{by ? by : "", UNIT_WHOLE}, {"phase", UNIT_WHOLE}, {"invocations", UNIT_NONE}, {"total_ns", UNIT_NS}, {"share", UNIT_SHARE},
		{"mean_ns", UNIT_NS},	    {"p50_ns", UNIT_NS},   {"p90_ns", UNIT_NS},	       {"p99_ns", UNIT_NS},   {"max_ns", UNIT_NS},
	};
	size_t first = by ? 0 : 1, n = sizeof columns / sizeof *columns;
	struct table *t = NULL;
	int rc = table_open(q->out, columns + first, n - first, &t), rc2;

	for (size_t i = 0, end; !rc && i < g->n; i = end) {
		double total = total_of(g, i, &end);

		for (size_t j = i; j < end && !rc; j++) {
			struct sample *s = &g->all[j].times;
			double sum = sample_sum(s);

			sample_sort(s);
			struct cell c[] = {
				cell_of_text(g->all[j].key), cell_of_text(g->all[j].phase), CELL_OF_INT((int64_t)s->n), CELL_OF_INT((int64_t)sum),
				total > 0 ? CELL_OF_REAL(sum / total) : CELL_OF_NULL, CELL_OF_INT((int64_t)(sum / (double)s->n)),
				CELL_OF_INT(sample_quantile(s, 0.5)), CELL_OF_INT(sample_quantile(s, 0.9)),
				CELL_OF_INT(sample_quantile(s, 0.99)), CELL_OF_INT(s->values[s->n - 1]),
			};

			rc = table_row(t, c + first);
		}
	}
	rc2 = table_close(t);
	return query_errno(q, rc ? rc : rc2, "output");
}

int cmd_phases(struct query *q)
{
	struct groups g = {0};
	int status = gather(q, &g);

	if (!status)
		status = put(q, &g);
	groups_done(&g);
	return status;
}
