/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clocks.c - how far the clocks of hosts are apart, by spans of one that lie inside those of another.
 *
 * Who calls sends before the other receives, and has the answer after the other is done. So of a parent and a child on
 * two workers the child's clock is ahead by at most what it began later, and by at least what it ended later. All pairs
 * together leave a stretch; where they leave none (a clock that was set, or drifts) the median of the pairs' middles
 * counts. A child that took longer than its parent was not waited for: it says nothing. Nothing is moved by it. */
#include "base/array.h"
#include "base/intern.h"
#include "model/span.h"
#include "query/core/command.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define SPANS_MAX (16u << 20) /* that are looked at; those beyond are left out, and that is said */

struct one {
	int64_t run, id, parent, start_ns, end_ns;
	uint32_t worker;
};

struct pair {
	int64_t run;
	uint32_t of, against; /* of: the child's */
	int64_t low_ns, high_ns;
};

struct clocks {
	struct intern workers;
	struct one *spans; /* with both ends and a worker */
	size_t nspans, spans_room;
	struct pair *pairs;
	size_t npairs, pairs_room;
	bool more;
};

static int take(struct clocks *c, const struct span_row *row)
{
	struct one *to;
	uint32_t worker;
	int rc;

	if (row->start_ns == INT64_MIN || row->end_ns == INT64_MIN || !row->worker.ptr || row->certainty != SPAN_BY_ID)
		return 0;
	if (c->nspans == SPANS_MAX) {
		c->more = true;
		return 0;
	}
	if ((rc = intern_add(&c->workers, row->worker, &worker)))
		return rc;
	to = array_add(c->spans, c->nspans, c->spans_room);
	if (!to)
		return -ENOMEM;
	*to = (struct one){row->run, row->id, row->parent, row->start_ns, row->end_ns, worker};
	return 0;
}

static int by_id(const void *a, const void *b)
{
	const struct one *x = a, *y = b;

	return (x->id > y->id) - (x->id < y->id);
}

static int pair_of(struct clocks *c, const struct one *child)
{
	struct one key = {.id = child->parent};
	const struct one *parent =
	    child->parent == INT64_MIN ? NULL : bsearch(&key, c->spans, c->nspans, sizeof key, by_id);
	struct pair *to;
	bool turned;

	if (!parent || parent->worker == child->worker || parent->run != child->run ||
	    child->end_ns - child->start_ns > parent->end_ns - parent->start_ns)
		return 0;
	to = array_add(c->pairs, c->npairs, c->pairs_room);
	if (!to)
		return -ENOMEM;
	*to = (struct pair){child->run, child->worker, parent->worker, child->end_ns - parent->end_ns,
	                    child->start_ns - parent->start_ns};
	/* two hosts that call each other are one pair: the one that was met first is the one to hold against */
	turned = to->of < to->against;
	if (turned)
		*to = (struct pair){to->run, to->against, to->of, -to->high_ns, -to->low_ns};
	return 0;
}

static int64_t middle(const struct pair *p)
{
	return p->low_ns + (p->high_ns - p->low_ns) / 2;
}

static int by_hosts(const void *a, const void *b)
{
	const struct pair *x = a, *y = b;

	if (x->run != y->run)
		return (x->run > y->run) - (x->run < y->run);
	if (x->against != y->against)
		return (x->against > y->against) - (x->against < y->against);
	if (x->of != y->of)
		return (x->of > y->of) - (x->of < y->of);
	return (middle(x) > middle(y)) - (middle(x) < middle(y));
}

static const struct column columns[] = {
    {"run", UNIT_RUN},     {"worker", UNIT_WHOLE}, {"against", UNIT_WHOLE}, {"pairs", UNIT_COUNT},
    {"ahead_ns", UNIT_NS}, {"within_ns", UNIT_NS}, {"known_by", UNIT_NONE},
};

/* n pairs of the same hosts, by their middles. */
static bool put_hosts(struct query *q, struct table *t, const struct clocks *c, const struct pair *p, size_t n)
{
	struct slice of = intern_text(&c->workers, p->of), against = intern_text(&c->workers, p->against);
	int64_t low = INT64_MIN, high = INT64_MAX;
	bool bounds;

	for (size_t i = 0; i < n; i++) {
		low = p[i].low_ns > low ? p[i].low_ns : low;
		high = p[i].high_ns < high ? p[i].high_ns : high;
	}
	bounds = low <= high;
	return query_table_row(q, t,
	                       (struct cell[]){
	                           CELL_OF_INT(p->run),
	                           cell_of_bytes(of.ptr, of.len),
	                           cell_of_bytes(against.ptr, against.len),
	                           CELL_OF_INT((int64_t)n),
	                           CELL_OF_INT(bounds ? low + (high - low) / 2 : middle(&p[n / 2])),
	                           bounds ? CELL_OF_INT((high - low + 1) / 2) : CELL_OF_NULL,
	                           cell_of_text(bounds ? "bounds" : "median"),
	                       });
}

static void put(struct query *q, const struct clocks *c)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);
	bool more = true;

	for (size_t from = 0, to; more && from < c->npairs; from = to) {
		const struct pair *p = &c->pairs[from];

		for (to = from + 1; to < c->npairs; to++)
			if (c->pairs[to].run != p->run || c->pairs[to].of != p->of ||
			    c->pairs[to].against != p->against)
				break;
		more = put_hosts(q, t, c, p, to - from);
	}
	query_table_close(q, t);
}

static int gather(struct query *q, struct clocks *c)
{
	struct span_query sq = {.run = query_run(q)};
	struct span_reader *reader = NULL;
	struct span_row row;
	int rc = q->status ? 0 : span_reader_open(q->store, &sq, &reader);

	while (reader && !rc && (rc = span_reader_next(reader, &row)) == 1)
		rc = query_interrupted ? -EINTR : take(c, &row);
	span_reader_close(reader);
	if (rc || !c->nspans)
		return rc;
	qsort(c->spans, c->nspans, sizeof *c->spans, by_id);
	for (size_t i = 0; i < c->nspans && !rc; i++)
		rc = pair_of(c, &c->spans[i]);
	if (c->npairs)
		qsort(c->pairs, c->npairs, sizeof *c->pairs, by_hosts);
	return rc;
}

static void run(struct query *q)
{
	struct clocks c = {0};

	intern_init(&c.workers);
	if (query_ok(q, gather(q, &c), q->path)) {
		put(q, &c);
		if (c.more)
			query_note(q, "the first %u spans alone", SPANS_MAX);
		if (!q->status && !c.npairs)
			query_note(q, "no span of one worker lies in one of another: nothing tells their clocks");
	}
	free(c.spans);
	free(c.pairs);
	intern_done(&c.workers);
}

static const struct option_spec options[] = {
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_clocks = {
    .name = "clocks",
    .group = GROUP_ANSWERS,
    .help = "how far the clocks of workers are apart, by calls between them",
    .more =
        "A span in another worker's begins after that one and ends before it: ahead_ns is how far the clock of worker "
        "is before that of against, within_ns how sure that is. Where the calls contradict each other (a clock was "
        "set), it is their median. No time is moved by it.",
    .examples = "clocks\nclocks --run prod",
    .options = options,
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
