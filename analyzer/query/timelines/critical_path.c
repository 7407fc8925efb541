/* SPDX-License-Identifier: GPL-3.0-or-later */
/* critical_path.c - see critical_path.h */
#include "query/timelines/critical_path.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>

/* A span among those of its parent. */
struct ended {
	int64_t end_ns;
	size_t span;
};

struct path {
	const struct transaction *tx;
	struct ended *by_end; /* children of span i: by_end[first[i]] to by_end[first[i + 1]], the last to end first */
	size_t *first;        /* of nspans + 2: the roots come after all children */
	struct critical_path *out;
};

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
	struct critical_step *step;

	if (to <= from)
		return 0;
	step = array_add(p->out->steps, p->out->n, p->out->room);
	if (!step)
		return -ENOMEM;
	*step = (struct critical_step){span, from, to};
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

int critical_path_find(const struct transaction *tx, struct critical_path *out)
{
	struct path p = {.tx = tx, .out = out};
	int rc;

	*out = (struct critical_path){0};
	rc = find_path(&p);
	free(p.by_end);
	free(p.first);
	return rc;
}

void critical_path_done(struct critical_path *p)
{
	free(p->steps);
}
