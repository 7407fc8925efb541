/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tree.c - the span tree of a transaction, and its critical path.
 *
 * Own time is what no child covers. Where requests are inside others the tree is one of requests, each with its spans
 * below it. Each edge says how it is known: by id, by the printed stack, by order, or guessed.
 */
#include "query/core/command.h"
#include "query/timelines/critical_path.h"
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
    {"target", UNIT_TARGET},     {"tid", LESS(UNIT_ID)},
};

enum { COLUMNS = sizeof columns / sizeof *columns };

/* A tree that is being shown. Where requests are inside others it is theirs, and the spans of each are below it. */
struct growing {
	struct query *q;
	const struct transaction *top;
	struct table *table;
	struct text stem;  /* what is drawn before those below the one that is being shown */
	int base;          /* depth of the roots of the spans */
	bool others_below; /* beside these there are other requests */
};

/* What is drawn before a row's name. */
static void put_branch(struct growing *g, struct text *name)
{
	if (g->q->out->format == FORMAT_TEXT)
		text_add(name, text_str(&g->stem), g->stem.len);
}

static bool put(struct growing *g, const struct transaction *tx, size_t i)
{
	const struct tx_span *s = &tx->spans[i];
	struct text name = {0};
	bool more;

	put_branch(g, &name);
	text_puts(&name, s->name);
	struct cell c[COLUMNS] = {
	    CELL_OF_INT(tx->offset_s),
	    CELL_OF_INT(s->run),
	    cell_of_bytes(text_str(&name), name.len),
	    CELL_OF_INT(s->id),
	    s->parent_id ? CELL_OF_INT(s->parent_id) : CELL_OF_NULL,
	    CELL_OF_INT(g->base + s->depth),
	    CELL_OF_INT(s->start_ns),
	    s->open ? CELL_OF_NULL : CELL_OF_INT(s->end_ns - s->start_ns),
	    s->open ? CELL_OF_NULL : CELL_OF_INT(own_time(tx, i)),
	    s->busy_ns < 0 ? CELL_OF_NULL : CELL_OF_INT(s->busy_ns),
	    cell_of_text(s->certainty),
	    cell_of_text(s->worker),
	    cell_of_text(s->target),
	    cell_of_text(tx->tid),
	};
	more = query_wrote(g->q, name.failed || g->stem.failed ? -ENOMEM : 0) && query_table_row(g->q, g->table, c);
	text_done(&name);
	return more;
}

/* What is drawn before a row at this depth; below: before those below it. */
static void grow(struct growing *g, bool last, bool below)
{
	bool utf8 = g->q->out->utf8;

	if (below)
		text_puts(&g->stem, last ? "  " : utf8 ? "│ " : "| ");
	else
		text_puts(&g->stem, last ? utf8 ? "└ " : "`-" : utf8 ? "├ " : "|-");
}

/* In order of the tree: after a span all that is below it, then those beside it. */
static bool put_below(struct growing *g, const struct transaction *tx, size_t first)
{
	bool more = true;

	for (size_t i = first; i != SIZE_MAX && more; i = tx->spans[i].sibling) {
		bool root = !tx->spans[i].depth, below = g->base + tx->spans[i].depth > 0;
		bool last = tx->spans[i].sibling == SIZE_MAX && !(root && g->others_below);
		size_t len = g->stem.len;

		if (below)
			grow(g, last, false);
		more = put(g, tx, i);
		g->stem.len = len;
		if (below)
			grow(g, last, true);
		if (more && tx->spans[i].depth < 1000)
			more = put_below(g, tx, tx->spans[i].child);
		g->stem.len = len;
	}
	return more;
}

/* ---- requests inside each other ---- */

static bool put_request(struct growing *g, const struct transaction *tx, int depth)
{
	struct text name = {0};
	bool ended = tx->duration_ns >= 0, more;

	put_branch(g, &name);
	text_printf(&name, "%s%s%s", tx->function ? tx->function : "", tx->function ? " " : "", tx->tid);
	struct cell c[COLUMNS] = {
	    CELL_OF_INT(tx->offset_s),
	    CELL_OF_INT(tx->run),
	    cell_of_bytes(text_str(&name), name.len),
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	    CELL_OF_INT(depth),
	    CELL_OF_INT(tx->start_ns),
	    ended ? CELL_OF_INT(tx->duration_ns) : CELL_OF_NULL,
	    CELL_OF_NULL,
	    CELL_OF_NULL,
	    depth ? cell_of_text("id") : CELL_OF_NULL,
	    cell_of_text(tx->worker),
	    CELL_OF_NULL,
	    cell_of_text(tx->tid),
	};
	more = query_wrote(g->q, name.failed || g->stem.failed ? -ENOMEM : 0) && query_table_row(g->q, g->table, c);
	text_done(&name);
	return more;
}

static bool put_inside(struct growing *g, const struct transaction *tx, size_t from, size_t to, int depth);

/* A request and what is inside it, nested[at] and the rows up to `end`; its spans are read like those of any other. */
static bool put_one_inside(struct growing *g, size_t at, size_t end, bool last)
{
	const struct tx_nested *n = &g->top->nested[at];
	struct query_tid of = query_tid(g->q, n->tid);
	size_t len = g->stem.len;
	struct transaction tx;
	bool more;

	transaction_read(g->q, g->top->run, &of, 0, &tx);
	grow(g, last, false);
	more = !g->q->status && put_request(g, &tx, n->depth);
	g->stem.len = len;
	grow(g, last, true);
	more = more && put_inside(g, &tx, at + 1, end, n->depth);
	g->stem.len = len;
	transaction_done(&tx);
	query_tid_done(&of);
	return more;
}

/* Behind nested[at], which has this depth, the first row that is not inside it. */
static size_t end_of(const struct growing *g, size_t at, size_t to)
{
	int depth = g->top->nested[at++].depth;

	while (at < to && g->top->nested[at].depth > depth)
		at++;
	return at;
}

/* The spans of a request at this depth, then the requests right inside it, nested[from, to), each with what is inside
 * that. */
static bool put_inside(struct growing *g, const struct transaction *tx, size_t from, size_t to, int depth)
{
	bool more = true;

	g->base = depth + 1;
	g->others_below = from < to;
	if (tx->nspans)
		more = put_below(g, tx, tx->root);
	while (more && from < to) {
		size_t end = end_of(g, from, to);

		more = put_one_inside(g, from, end, end == to);
		from = end;
	}
	return more;
}

static void tree_of_run(struct query *q, const struct transaction *tx, void *table)
{
	struct growing g = {.q = q, .top = tx, .table = table};

	if (tx->more_spans)
		query_note(q, "the first %d spans alone; `spans` counts all", TRANSACTION_SPANS);
	if (tx->more_nested)
		query_note(q, "the first %d requests inside it alone; `invocations --inside` has all",
		           TRANSACTION_NESTED);
	if (!tx->nnested && tx->nspans)
		put_below(&g, tx, tx->root);
	else if (tx->nnested && put_request(&g, tx, 0))
		put_inside(&g, tx, 0, tx->nnested, 0);
	query_ok(q, g.stem.failed ? -ENOMEM : 0, q->command);
	text_done(&g.stem);
}

/* ---- critical path ---- */

static const struct column path_columns[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},       {"from_ns", LESS(UNIT_TIME)}, {"to_ns", LESS(UNIT_TIME)},
    {"duration_ns", UNIT_NS},  {"share", UNIT_SHARE},   {"span", UNIT_WHOLE},         {"depth", UNIT_NONE},
    {"known_by", UNIT_NONE},   {"target", UNIT_TARGET},
};

static bool put_step(struct query *q, const struct transaction *tx, const struct critical_step *step, double total,
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
static size_t little_steps(const struct critical_path *p, size_t i, double total)
{
	size_t n = 0;

	while (n <= i && (double)(p->steps[i - n].to_ns - p->steps[i - n].from_ns) < LITTLE * total)
		n++;
	return n;
}

static bool put_folded(struct query *q, const struct transaction *tx, const struct critical_path *p, size_t i, size_t n,
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

	more = query_wrote(q, name.failed ? -ENOMEM : 0) && query_table_row(q, t, c);
	text_done(&name);
	return more;
}

static void put_path(struct query *q, const struct transaction *tx, void *table)
{
	bool fold = q->out->format == FORMAT_TEXT && !args_has(q->args, "verbose"), more = true;
	struct critical_path p;
	double total = 0;

	query_ok(q, critical_path_find(tx, &p), q->command);
	if (p.joined)
		query_note(q,
		           "what one worker did for another is put into the span that waited for it, by their times");
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
	critical_path_done(&p);
}

/* Without spans of its own its end waited for the requests inside it. */
static void path_of_run(struct query *q, const struct transaction *tx, void *table)
{
	struct transaction requests;

	if (tx->nspans || !tx->nnested) {
		if (tx->nnested)
			query_note(q, "the requests inside it are not among its spans; `tree` has them");
		put_path(q, tx, table);
		return;
	}
	if (query_ok(q, transaction_of_requests(tx, &requests), q->command))
		put_path(q, &requests, table);
	transaction_done(&requests);
}

/* ---- the commands ---- */

struct showing {
	struct table *table;
	void (*put)(struct query *q, const struct transaction *tx, void *table);
	size_t spans; /* and requests inside it */
};

static void show_run(struct query *q, const struct transaction *tx, void *arg)
{
	struct showing *s = arg;

	s->spans += tx->nspans + tx->nnested;
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
	/* for people the ids of requests stand in the tree */
	show(q, columns, q->out->format == FORMAT_TEXT ? COLUMNS - 1 : COLUMNS, tree_of_run);
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
    .more = "Where other requests are inside it, by their parent's id, they and their spans are in the tree, too, each "
            "below its request.",
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
            "folds steps\nof less than 1 % where several follow each other. Without spans the requests inside it are "
            "taken for them.\nAnother worker's spans are put where their times lie within a span that waited for "
            "them, unless it has more than a thousand trees of them.",
    .examples = "critical-path 3a294129\ncritical-path 3a294129 -v",
    .options = path_options,
    .need = NEED_READ,
    .run = run_path,
    COLUMNS_OF(path_columns),
};
