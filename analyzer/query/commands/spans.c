/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spans.c - how long spans took: by name, or the slowest one by one. */
#include "model/span_times.h"
#include "base/array.h"
#include "model/parts.h"
#include "model/span.h"
#include "base/intern.h"
#include "query/core/command.h"
#include "query/core/quantile.h"
#include "query/core/select.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const struct column by_name[] = {
    {"name", UNIT_NONE},   {"target", UNIT_TARGET}, {"spans", UNIT_COUNT}, {"open", UNIT_NONE},
    {"total_ns", UNIT_NS}, {"busy_ns", UNIT_NS},    {"mean_ns", UNIT_NS},  {"p50_ns", UNIT_NS},
    {"p90_ns", UNIT_NS},   {"p99_ns", UNIT_NS},     {"max_ns", UNIT_NS},
};

struct group {
	char *name, *target;
	bool asked; /* --name and --target fit */
	int64_t open, busy_ns;
	struct sample times;
};

enum { RECENT = 256 };

struct groups {
	struct intern words, pairs; /* names and targets; two of their numbers, by which a group is found */
	struct group *all;          /* while they are counted, by number of the pair */
	size_t n, room;
	const char *name, *target; /* what is asked for, NULL: any */
	struct {
		struct slice name, target;
		size_t group;
	} recent[RECENT]; /* texts come again as the same pointers */
};

static bool fits(const char *pattern, const char *text)
{
	if (!pattern)
		return true;
	return text && (strpbrk(pattern, "*?") ? !sqlite3_strglob(pattern, text) : !strcmp(pattern, text));
}

static int number_of(struct groups *g, struct slice text, uint32_t *out)
{
	*out = INTERN_NONE;
	return text.ptr ? intern_add(&g->words, text, out) : 0;
}

static struct group *group_new(struct groups *g, struct slice name, struct slice target)
{
	struct group *x;

	if (array_reserve(g->all, g->room, g->n + 1))
		return NULL;
	x = &g->all[g->n];
	*x = (struct group){.name = name.ptr ? strndup(name.ptr, name.len) : NULL,
	                    .target = target.ptr ? strndup(target.ptr, target.len) : NULL};
	if ((name.ptr && !x->name) || (target.ptr && !x->target)) {
		free(x->name);
		free(x->target);
		return NULL;
	}
	x->asked = fits(g->name, x->name) && fits(g->target, x->target);
	g->n++;
	return x;
}

static struct group *find(struct groups *g, struct slice name, struct slice target)
{
	uint32_t key[2], pair;

	if (number_of(g, name, &key[0]) || number_of(g, target, &key[1]) ||
	    intern_add(&g->pairs, (struct slice){(const char *)key, sizeof key}, &pair))
		return NULL;
	return pair < g->n ? &g->all[pair] : group_new(g, name, target);
}

static bool same_text(struct slice a, struct slice b)
{
	return a.ptr == b.ptr && a.len == b.len;
}

static struct group *group_of(struct groups *g, const struct span_time *row)
{
	size_t i = ((uintptr_t)row->name.ptr >> 3 ^ (uintptr_t)row->target.ptr >> 5) % RECENT;
	struct group *x;

	if (g->n && g->recent[i].name.ptr && same_text(g->recent[i].name, row->name) &&
	    same_text(g->recent[i].target, row->target))
		return &g->all[g->recent[i].group];
	x = find(g, row->name, row->target);
	if (x) {
		g->recent[i].name = row->name;
		g->recent[i].target = row->target;
		g->recent[i].group = (size_t)(x - g->all);
	}
	return x;
}

static int count(void *arg, const struct span_time *row)
{
	struct groups *g = arg;
	struct group *x;

	if (query_interrupted)
		return -EINTR;
	x = group_of(g, row);
	if (!x)
		return -ENOMEM;
	if (!x->asked)
		return 0;
	x->busy_ns += row->busy_ns == INT64_MIN ? 0 : row->busy_ns;
	if (row->end_ns == INT64_MIN || row->start_ns == INT64_MIN) {
		x->open++;
		return 0;
	}
	return sample_add(&x->times, row->end_ns - row->start_ns);
}

/* Groups that are not asked for go. */
static void drop_others(struct groups *g)
{
	size_t n = 0;

	for (size_t i = 0; i < g->n; i++) {
		if (g->all[i].asked) {
			g->all[n++] = g->all[i];
			continue;
		}
		free(g->all[i].name);
		free(g->all[i].target);
	}
	g->n = n;
}

static int by_total(const void *a, const void *b)
{
	double x = sample_sum(&((const struct group *)a)->times), y = sample_sum(&((const struct group *)b)->times);

	const char *n = ((const struct group *)a)->name, *m = ((const struct group *)b)->name;

	return x != y ? (x < y) - (x > y) : strcmp(n ? n : "", m ? m : "");
}

static bool put_group(struct query *q, struct table *t, struct group *g)
{
	struct sample *s = &g->times;
	double sum = sample_sum(s);

	sample_sort(s);
	struct cell c[] = {
	    cell_of_text(g->name),
	    cell_of_text(g->target),
	    CELL_OF_INT((int64_t)s->n + g->open),
	    CELL_OF_INT(g->open),
	    CELL_OF_INT(sample_total(s)),
	    CELL_OF_INT(g->busy_ns),
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	};
	if (s->n) {
		c[6] = CELL_OF_INT((int64_t)(sum / (double)s->n));
		c[7] = CELL_OF_INT(sample_quantile(s, 0.5));
		c[8] = CELL_OF_INT(sample_quantile(s, 0.9));
		c[9] = CELL_OF_INT(sample_quantile(s, 0.99));
		c[10] = CELL_OF_INT(s->values[s->n - 1]);
	}
	return query_table_row(q, t, c);
}

static void put(struct query *q, struct groups *g)
{
	struct table *t = query_table_open(q, by_name, sizeof by_name / sizeof *by_name);

	for (size_t i = 0; i < g->n; i++)
		if (!put_group(q, t, &g->all[i]))
			break;
	query_table_close(q, t);
}

static void groups_done(struct groups *g)
{
	for (size_t i = 0; i < g->n; i++) {
		free(g->all[i].name);
		free(g->all[i].target);
		sample_done(&g->all[i].times);
	}
	free(g->all);
	intern_done(&g->words);
	intern_done(&g->pairs);
}

/* ---- sources apart, where spans have ids ---- */

struct parts {
	struct source_part of[PARTS_OF_SOURCES];
	struct groups groups[PARTS_OF_SOURCES];
};

static int read_part(void *arg, struct store *s, size_t i)
{
	struct parts *p = arg;

	return span_times_read(s, &p->of[i], count, &p->groups[i]);
}

static struct slice text_of(const char *s)
{
	return s ? (struct slice){s, strlen(s)} : SLICE_NONE;
}

/* The first part's times need not be in memory twice. */
static int join_times(struct sample *to, struct sample *from)
{
	int rc = 0;

	if (!to->n) {
		struct sample was = *to;

		*to = *from;
		*from = was;
	}
	for (size_t k = 0; k < from->n && !rc; k++)
		rc = sample_add(to, from->values[k]);
	sample_done(from);
	return rc;
}

/* As if its spans had been counted here. */
static int join(struct groups *g, struct groups *part)
{
	int rc = 0;

	for (size_t i = 0; i < part->n && !rc; i++) {
		struct group *from = &part->all[i];
		struct group *to = find(g, text_of(from->name), text_of(from->target));

		if (!to)
			return -ENOMEM;
		to->open += from->open;
		to->busy_ns += from->busy_ns;
		rc = join_times(&to->times, &from->times);
	}
	return rc;
}

/* -EAGAIN: the sources' spans must be paired from their lines; g is as it was then. */
static int gather_parts(struct query *q, struct groups *g)
{
	struct parts *p = calloc(1, sizeof *p);
	int n = p ? parts_of_sources(q->store, query_run(q), p->of) : -ENOMEM;
	int rc = n < 0 ? n : span_times_apart(q->store, query_run(q));

	for (int i = 0; i < n; i++)
		p->groups[i] = (struct groups){.name = g->name, .target = g->target};
	if (!rc)
		rc = parts_read(q->store, (size_t)n, read_part, p);
	for (int i = 0; i < n; i++) {
		rc = rc ? rc : join(g, &p->groups[i]);
		groups_done(&p->groups[i]);
	}
	free(p);
	return rc;
}

static int gather_lines(struct query *q, struct groups *g)
{
	struct span_query sq = {.run = query_run(q)};
	struct span_reader *reader = NULL;
	struct span_row row;
	int rc = span_reader_open(q->store, &sq, &reader);

	while (!rc && (rc = span_reader_next(reader, &row)) == 1)
		rc = count(g, &(struct span_time){row.name, row.target, row.start_ns, row.end_ns, row.busy_ns});
	span_reader_close(reader);
	return rc;
}

static void gather(struct query *q, struct groups *g)
{
	int rc = q->status ? 0 : gather_parts(q, g);

	if (rc == -EAGAIN)
		rc = gather_lines(q, g);
	query_ok(q, rc, q->path);
}

static void all_by_name(struct query *q)
{
	struct groups g = {.name = args_value(q->args, "name"), .target = args_value(q->args, "target")};

	gather(q, &g);
	drop_others(&g);
	if (g.n)
		qsort(g.all, g.n, sizeof *g.all, by_total);
	put(q, &g);
	if (!q->status && !g.n)
		query_note(q, g.name || g.target ? "no span is of that name and target"
		                                 : "no spans: the log was written without span lines");
	groups_done(&g);
}

static void slowest(struct query *q, const char *word)
{
	static const struct column columns[] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},     {"tid", UNIT_ID},        {"name", UNIT_NONE},
	    {"target", UNIT_TARGET},   {"worker", UNIT_NONE}, {"start_ns", UNIT_TIME}, {"duration_ns", UNIT_NS},
	    {"busy_ns", UNIT_NS},      {"idle_ns", UNIT_NS},
	};
	struct select s = {0};

	if (args_number(word, &s.most))
		query_fail(q, USAGE, "--slowest %s: not a number", word);
	select_add(&s, "SELECT " CLOCK_OF("span.run",
	                                  "start_ns") ", run, tid, name, target, worker, start_ns, end_ns - start_ns "
	                                              "AS d, busy_ns, idle_ns FROM span");
	select_like(&s, "name", args_value(q->args, "name"));
	select_like(&s, "target", args_value(q->args, "target"));
	select_run(q, &s, "run");
	select_add(&s, " ORDER BY d DESC, start_ns");
	select_table(q, &s, columns);
}

static void run(struct query *q)
{
	const char *n = args_value(q->args, "slowest");

	if (n)
		slowest(q, n);
	else
		all_by_name(q);
}

static const struct option_spec options[] = {
    {.name = "slowest", .value = "N", .help = "the N longest spans, one by one"},
    {.name = "name", .value = "NAME", .help = "spans of this name; * and ? stand for anything"},
    {.name = "target", .value = "TARGET", .help = "of this target; * and ? stand for anything", .hint = HINT_TARGET},
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_spans = {
    .name = "spans",
    .group = GROUP_ANSWERS,
    .help = "spans by name, with quantiles; or the slowest ones",
    .examples = "spans\nspans --slowest 10 --name acquire_container",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(by_name),
};
