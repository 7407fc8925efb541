/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tree.c - the span tree of a transaction, and its critical path.
 *
 * Own time is what no child covers. Each edge says how it is known: by id, by the printed stack, by order, or guessed.
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

	more = query_table_row(q, t, c);
	text_done(&name);
	return more;
}

static void path_of_run(struct query *q, const struct transaction *tx, void *table)
{
	bool fold = q->out->format == FORMAT_TEXT && !args_has(q->args, "verbose"), more = true;
	struct critical_path p;
	double total = 0;

	query_ok(q, critical_path_find(tx, &p), q->command);
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
