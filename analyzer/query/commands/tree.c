/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tree.c - the span tree of a transaction, and its critical path.
 *
 * Own time is what no child covers. Each edge says how it is known: by id, by the printed stack, by order, or guessed.
 *
 * The critical path goes from the end backwards: at each instant the span that ended last is what the parent waited
 * for. A span that its parent did not wait for (still open when the parent closed) is not on it. */
#include "base/array.h"
#include "query/core/command.h"
#include "query/timelines/transaction.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int64_t clip(int64_t v, int64_t low, int64_t high)
{
	return v < low ? low : v > high ? high : v;
}

/* Children come sorted by start, so one sweep gives what they cover together. */
static int64_t own_time(const struct transaction *tx, size_t i)
{
	const struct tx_span *s = &tx->spans[i];
	int64_t covered = 0, upto = s->start_ns;

	for (size_t j = s->child; j != SIZE_MAX; j = tx->spans[j].sibling) {
		int64_t from, to;

		from = clip(tx->spans[j].start_ns, upto, s->end_ns);
		to = clip(tx->spans[j].end_ns, upto, s->end_ns);
		covered += to - from;
		upto = to > upto ? to : upto;
	}
	return s->end_ns - s->start_ns - covered;
}

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},   {"run", UNIT_RUN},          {"span", UNIT_WHOLE},          {"id", LESS(UNIT_NONE)},
    {"parent", LESS(UNIT_NONE)}, {"depth", LESS(UNIT_NONE)}, {"start_ns", LESS(UNIT_TIME)}, {"duration_ns", UNIT_NS},
    {"own_ns", UNIT_NS},         {"busy_ns", UNIT_NS},       {"known_by", UNIT_NONE},       {"worker", UNIT_NONE},
    {"target", UNIT_TARGET},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

/* branch: what is drawn before the name. */
static bool put(struct query *q, const struct transaction *tx, size_t i, struct table *t, const struct text *branch)
{
	const struct tx_span *s = &tx->spans[i];
	struct text name = {0};
	bool people = q->out->format == FORMAT_TEXT, more;

	if (people)
		text_add(&name, text_str(branch), branch->len);
	text_puts(&name, s->name);
	struct cell c[COLUMNS] = {
	    CELL_OF_INT(tx->offset_s),
	    CELL_OF_INT(s->run),
	    cell_of_bytes(text_str(&name), name.len),
	    CELL_OF_INT(s->id),
	    s->parent_id ? CELL_OF_INT(s->parent_id) : CELL_OF_NULL,
	    CELL_OF_INT(s->depth),
	    CELL_OF_INT(s->start_ns),
	    s->open ? CELL_OF_NULL : CELL_OF_INT(s->end_ns - s->start_ns),
	    s->open ? CELL_OF_NULL : CELL_OF_INT(own_time(tx, i)),
	    s->busy_ns < 0 ? CELL_OF_NULL : CELL_OF_INT(s->busy_ns),
	    cell_of_text(s->certainty),
	    cell_of_text(s->worker),
	    cell_of_text(s->target),
	};
	more = query_table_row(q, t, c);
	text_done(&name);
	return more;
}

/* In order of the tree: after a span all that is below it, then those beside it. stem: what is drawn before those below
 * the span that is being shown. */
static bool put_below(struct query *q, const struct transaction *tx, size_t first, struct table *t, struct text *stem)
{
	bool more = true, utf8 = q->out->utf8;

	for (size_t i = first; i != SIZE_MAX && more; i = tx->spans[i].sibling) {
		bool last = tx->spans[i].sibling == SIZE_MAX, below = tx->spans[i].depth > 0;
		size_t len = stem->len;

		if (below)
			text_puts(stem, last ? utf8 ? "└ " : "`-" : utf8 ? "├ " : "|-");
		more = put(q, tx, i, t, stem);
		stem->len = len;
		if (below)
			text_puts(stem, last ? "  " : utf8 ? "│ " : "| ");
		if (more && tx->spans[i].depth < 1000)
			more = put_below(q, tx, tx->spans[i].child, t, stem);
		stem->len = len;
	}
	return more;
}

static void tree_of_run(struct query *q, const struct transaction *tx, void *table)
{
	struct text stem = {0};

	if (tx->more_spans)
		query_note(q, "the first %d spans alone; `spans` counts all", TRANSACTION_SPANS);
	if (tx->nspans)
		put_below(q, tx, tx->root, table, &stem);
	query_ok(q, stem.failed ? -ENOMEM : 0, q->command);
	text_done(&stem);
}

/* ---- critical path ---- */

static const struct column path_columns[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},       {"from_ns", LESS(UNIT_TIME)}, {"to_ns", LESS(UNIT_TIME)},
    {"duration_ns", UNIT_NS},  {"share", UNIT_SHARE},   {"span", UNIT_WHOLE},         {"depth", UNIT_NONE},
    {"known_by", UNIT_NONE},   {"target", UNIT_TARGET},
};

struct step {
	size_t span;
	int64_t from_ns, to_ns;
};

/* A span among those of its parent. */
struct ended {
	int64_t end_ns;
	size_t span;
};

struct path {
	const struct transaction *tx;
	struct ended *by_end; /* children of span i: by_end[first[i]] to by_end[first[i + 1]], the last to end first */
	size_t *first;        /* of nspans + 2: the roots come after all children */
	struct step *steps;   /* the last one first */
	size_t n, room;
};

static void path_done(struct path *p)
{
	free(p->by_end);
	free(p->first);
	free(p->steps);
}

/* Of those that ended at once, in the order of the log. */
static int by_end(const void *a, const void *b)
{
	const struct ended *x = a, *y = b;

	return x->end_ns != y->end_ns ? (x->end_ns < y->end_ns) - (x->end_ns > y->end_ns)
	                              : (x->span > y->span) - (x->span < y->span);
}

/* All children, and then the roots, each once: the walk below looks at none twice. */
static int order_spans(struct path *p)
{
	const struct transaction *tx = p->tx;
	size_t n = 0;

	p->by_end = malloc((tx->nspans + 1) * sizeof *p->by_end);
	p->first = malloc((tx->nspans + 2) * sizeof *p->first);
	if (!p->by_end || !p->first)
		return -ENOMEM;
	for (size_t i = 0; i < tx->nspans; i++) {
		p->first[i] = n;
		for (size_t j = tx->spans[i].child; j != SIZE_MAX; j = tx->spans[j].sibling)
			if (!tx->spans[j].open)
				p->by_end[n++] = (struct ended){tx->spans[j].end_ns, j};
		qsort(p->by_end + p->first[i], n - p->first[i], sizeof *p->by_end, by_end);
	}
	p->first[tx->nspans] = n;
	for (size_t i = 0; i < tx->nspans; i++)
		if (tx->spans[i].parent == SIZE_MAX)
			p->by_end[n++] = (struct ended){tx->spans[i].end_ns, i};
	p->first[tx->nspans + 1] = n;
	qsort(p->by_end + p->first[tx->nspans], n - p->first[tx->nspans], sizeof *p->by_end, by_end);
	return 0;
}

static int add_step(struct path *p, size_t span, int64_t from, int64_t to)
{
	if (to <= from)
		return 0;
	if (array_reserve(p->steps, p->room, p->n + 1))
		return -ENOMEM;
	p->steps[p->n++] = (struct step){span, from, to};
	return 0;
}

/* Of the children of i the one that ended last, but not after `before`; *at: where to go on looking. */
static size_t last_child(const struct path *p, size_t i, int64_t before, size_t *at)
{
	for (; *at < p->first[i + 1]; ++*at) {
		const struct tx_span *span = &p->tx->spans[p->by_end[*at].span];

		if (span->end_ns <= before && span->end_ns > span->start_ns)
			return p->by_end[(*at)++].span;
	}
	return SIZE_MAX;
}

/* Backwards through span i, from `to` to its start, or to `from` where that is later. */
static int walk(struct path *p, size_t i, int64_t from, int64_t to, int depth)
{
	const struct tx_span *spans = p->tx->spans;
	int64_t start = spans[i].start_ns > from ? spans[i].start_ns : from;
	size_t at = p->first[i];
	int rc = 0;

	while (!rc && to > start) {
		size_t child = depth < 1000 ? last_child(p, i, to, &at) : SIZE_MAX;

		if (child == SIZE_MAX || spans[child].end_ns <= start)
			return add_step(p, i, start, to);
		rc = add_step(p, i, spans[child].end_ns, to);
		if (!rc)
			rc = walk(p, child, start, spans[child].end_ns, depth + 1);
		to = spans[child].start_ns;
	}
	return rc;
}

/* From the last root that ended back through the roots before it. */
static int find_path(struct path *p)
{
	size_t roots = p->tx->nspans, at, root;
	int64_t to = INT64_MAX;
	int rc = order_spans(p);

	for (at = rc ? 0 : p->first[roots]; !rc && (root = last_child(p, roots, to, &at)) != SIZE_MAX;) {
		rc = walk(p, root, INT64_MIN, p->tx->spans[root].end_ns, 0);
		to = p->tx->spans[root].start_ns;
	}
	return rc;
}

static bool put_step(struct query *q, const struct transaction *tx, const struct step *step, double total,
                     struct table *t)
{
	const struct tx_span *span = &tx->spans[step->span];
	int64_t ns = step->to_ns - step->from_ns;
	struct cell c[] = {
	    CELL_OF_INT(tx->offset_s),  CELL_OF_INT(tx->run),     CELL_OF_INT(step->from_ns),
	    CELL_OF_INT(step->to_ns),   CELL_OF_INT(ns),          CELL_OF_REAL((double)ns / total),
	    cell_of_text(span->name),   CELL_OF_INT(span->depth), cell_of_text(span->certainty),
	    cell_of_text(span->target),
	};

	return query_table_row(q, t, c);
}

/* Steps of less than this are folded for people, where several follow each other. */
#define LITTLE 0.01

/* From the step at i on (they go down) those that are folded into one row. */
static size_t little_steps(const struct path *p, size_t i, double total)
{
	size_t n = 0;

	while (n <= i && (double)(p->steps[i - n].to_ns - p->steps[i - n].from_ns) < LITTLE * total)
		n++;
	return n;
}

static bool put_folded(struct query *q, const struct transaction *tx, const struct path *p, size_t i, size_t n,
                       double total, struct table *t)
{
	struct text name = {0};
	int64_t ns = 0;
	bool more;

	for (size_t k = 0; k < n; k++)
		ns += p->steps[i - k].to_ns - p->steps[i - k].from_ns;
	text_printf(&name, "%s %zu short steps", q->out->utf8 ? "⋯" : "...", n);
	struct cell c[] = {
	    CELL_OF_INT(tx->offset_s),
	    CELL_OF_INT(tx->run),
	    CELL_OF_INT(p->steps[i].from_ns),
	    CELL_OF_INT(p->steps[i + 1 - n].to_ns),
	    CELL_OF_INT(ns),
	    CELL_OF_REAL((double)ns / total),
	    cell_of_bytes(text_str(&name), name.len),
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	};

	more = query_table_row(q, t, c);
	text_done(&name);
	return more;
}

static void path_of_run(struct query *q, const struct transaction *tx, void *table)
{
	bool fold = q->out->format == FORMAT_TEXT && !args_has(q->args, "verbose"), more = true;
	struct path p = {.tx = tx};
	double total = 0;

	query_ok(q, find_path(&p), q->command);
	for (size_t i = 0; i < p.n; i++)
		total += (double)(p.steps[i].to_ns - p.steps[i].from_ns);
	for (size_t i = p.n; i-- > 0 && more;) {
		size_t n = fold ? little_steps(&p, i, total) : 0;

		if (n < 2) {
			more = put_step(q, tx, &p.steps[i], total, table);
			continue;
		}
		more = put_folded(q, tx, &p, i, n, total, table);
		i -= n - 1;
	}
	path_done(&p);
}

/* ---- the commands ---- */

struct showing {
	struct table *table;
	void (*put)(struct query *q, const struct transaction *tx, void *table);
	size_t spans;
};

static void show_run(struct query *q, const struct transaction *tx, void *arg)
{
	struct showing *s = arg;

	s->spans += tx->nspans;
	s->put(q, tx, s->table);
}

static void show(struct query *q, const struct column *shown_columns, size_t n,
                 void (*put_run)(struct query *, const struct transaction *, void *))
{
	struct query_tid of = query_tid(q, q->args->words[0]);
	struct showing s = {.table = query_table_open(q, shown_columns, n), .put = put_run};

	transaction_each(q, &of, 0, show_run, &s);
	query_table_close(q, s.table);
	if (!q->status && !s.spans)
		query_note(q, "%s has no spans: the log was written without span lines, or at a level that hides them",
		           of.tid);
	query_tid_done(&of);
}

static void run_tree(struct query *q)
{
	show(q, columns, COLUMNS, tree_of_run);
}

static void run_path(struct query *q)
{
	show(q, path_columns, sizeof path_columns / sizeof *path_columns, path_of_run);
}

static const struct option_spec options[] = {OPTION_RUN, {0}};

static const struct option_spec path_options[] = {
    {.name = "verbose", .letter = 'v', .help = "every step; text folds those of less than 1 %"},
    OPTION_RUN,
    {0},
};

const struct command command_tree = {
    .name = "tree",
    .group = GROUP_ANSWERS,
    .words = "TID",
    .least = 1,
    .most = 1,
    .hint = HINT_TID,
    .help = "the span tree of a transaction, with own times and how each edge is known",
    .examples = "tree 3a294129",
    .options = options,
    .need = NEED_READ,
    .run = run_tree,
    COLUMNS_OF(columns),
};

const struct command command_critical_path = {
    .name = "critical-path",
    .group = GROUP_ANSWERS,
    .words = "TID",
    .least = 1,
    .most = 1,
    .hint = HINT_TID,
    .help = "the chain of spans that a transaction's end waited for",
    .more = "From the end backwards: at each instant the child that ended last is what its parent waited for. Text "
            "folds steps\nof less than 1 % where several follow each other.",
    .examples = "critical-path 3a294129\ncritical-path 3a294129 -v",
    .options = path_options,
    .need = NEED_READ,
    .run = run_path,
    COLUMNS_OF(path_columns),
};
