/* SPDX-License-Identifier: GPL-3.0-or-later */
/* critical_path.c - see critical_path.h */
#include "query/timelines/critical_path.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { ROOTS_MOST = 1000 }; /* each is held against all spans */

/* A span among those of its parent. */
struct ended {
	int64_t end_ns;
	size_t span;
};

struct path {
	const struct transaction *tx;
	struct ended *by_end; /* children of span i: by_end[first[i]] to by_end[first[i + 1]], the last to end first */
	size_t *first;        /* of nspans + 3: the roots come after all children */
	struct critical_path *out;
};

/* Of those that ended at once, in the order of the log. */
static int by_end(const void *a, const void *b)
{
	const struct ended *x = a, *y = b;

	return x->end_ns != y->end_ns ? (x->end_ns < y->end_ns) - (x->end_ns > y->end_ns)
	                              : (x->span > y->span) - (x->span < y->span);
}

static int64_t length_of(const struct transaction *tx, size_t i)
{
	return tx->spans[i].end_ns - tx->spans[i].start_ns;
}

static bool is_within(const struct transaction *tx, size_t i, size_t j)
{
	return tx->spans[i].start_ns >= tx->spans[j].start_ns && tx->spans[i].end_ns <= tx->spans[j].end_ns;
}

static bool is_elsewhere(const struct transaction *tx, size_t i, size_t j)
{
	const char *a = tx->spans[i].worker, *b = tx->spans[j].worker;

	return a && b && strcmp(a, b) != 0;
}

/* Longer roots come before shorter ones, and of two that are as long the earlier: a tree goes into one that comes
 * before it alone, so that none goes into itself. */
static bool comes_before(const struct transaction *tx, size_t i, size_t j)
{
	int64_t a = length_of(tx, i), b = length_of(tx, j);

	return a != b ? a > b : i < j;
}

static bool is_deeper(const struct transaction *tx, size_t i, size_t j)
{
	return is_within(tx, i, j) && (length_of(tx, i) < length_of(tx, j) || tx->spans[i].depth > tx->spans[j].depth);
}

/* The innermost span of another worker that a root is within; SIZE_MAX: none. root_of: of each span. */
static size_t host_of(const struct transaction *tx, const size_t *root_of, size_t root)
{
	size_t host = SIZE_MAX;

	for (size_t j = 0; j < tx->nspans; j++)
		if (!tx->spans[j].open && is_within(tx, root, j) && is_elsewhere(tx, root, j) &&
		    comes_before(tx, root_of[j], root) && (host == SIZE_MAX || is_deeper(tx, j, host)))
			host = j;
	return host;
}

/* What each span is inside of, at parent[i]; nspans: nothing. Of one worker's spans the log tells that; another's
 * roots are where their times are. */
static void find_parents(struct path *p, size_t *root_of, size_t *parent)
{
	const struct transaction *tx = p->tx;
	size_t roots = 0;

	for (size_t i = 0; i < tx->nspans; i++) { /* parents come before their children */
		parent[i] = tx->spans[i].parent == SIZE_MAX ? tx->nspans : tx->spans[i].parent;
		root_of[i] = parent[i] == tx->nspans ? i : root_of[parent[i]];
		roots += root_of[i] == i;
	}
	for (size_t i = 0; i < tx->nspans && roots <= ROOTS_MOST; i++) {
		size_t host = root_of[i] == i && !tx->spans[i].open ? host_of(tx, root_of, i) : SIZE_MAX;

		p->out->joined |= host != SIZE_MAX;
		parent[i] = host == SIZE_MAX ? parent[i] : host;
	}
}

/* All children, and then the roots, each once: the walk below looks at none twice. */
static int order_spans(struct path *p)
{
	const struct transaction *tx = p->tx;
	size_t *parent = malloc((2 * tx->nspans + 1) * sizeof *parent), n = 0;

	p->by_end = malloc((tx->nspans + 1) * sizeof *p->by_end);
	p->first = calloc(tx->nspans + 3, sizeof *p->first);
	if (!p->by_end || !p->first || !parent) {
		free(parent);
		return -ENOMEM;
	}
	find_parents(p, parent + tx->nspans, parent);
	for (size_t i = 0; i < tx->nspans; i++)
		p->first[parent[i] + 2] += parent[i] == tx->nspans || !tx->spans[i].open;
	for (size_t i = 2; i < tx->nspans + 3; i++)
		p->first[i] += p->first[i - 1];
	for (size_t i = 0; i < tx->nspans; i++)
		if (parent[i] == tx->nspans || !tx->spans[i].open)
			p->by_end[p->first[parent[i] + 1]++] = (struct ended){tx->spans[i].end_ns, i};
	for (size_t i = 0; i <= tx->nspans; i++, n = p->first[i])
		qsort(p->by_end + n, p->first[i + 1] - n, sizeof *p->by_end, by_end);
	free(parent);
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
