/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.c - the stretches of some requests, added up by holder. */
#include "base/array.h"
#include "base/hash.h"
#include "blame/blame.h"
#include <errno.h>
#include <stdlib.h>

const char *blame_holder_name(enum blame_holder h)
{
	static const char *const names[] = {"executing", "ahead", "memory", "cold", "unknown"};

	return names[h];
}

struct rows {
	struct blame_row *v;
	uint32_t n, room;
	struct table at;
};

/* Whose time it is. */
struct waiter {
	uint32_t request;
	bool open, cold;
};

static int add(struct rows *r, struct waiter w, const struct blame_stretch *x, uint32_t holder, int64_t ns)
{
	enum blame_holder kind = x->kind;
	struct {
		uint32_t request, holder, kind, open;
	} key = {w.request, holder, kind, (uint32_t)w.open | (uint32_t)w.cold << 1};
	uint64_t hash = hash_bytes(&key, sizeof key, 0);
	struct blame_row *row;
	struct table_walk walk;

	if (!ns)
		return 0;
	for (uint32_t i = table_first(&walk, &r->at, hash); i != TABLE_NONE; i = table_next(&walk)) {
		row = &r->v[i];
		if (row->request == w.request && row->holder == holder && row->kind == kind && row->open == w.open &&
		    row->cold == w.cold) {
			row->ns += ns;
			row->last_ns = x->to_ns;
			return 0;
		}
	}
	row = array_add(r->v, r->n, r->room);
	if (!row || table_add(&r->at, hash, r->n - 1))
		return -ENOMEM;
	*row = (struct blame_row){ns, x->from_ns, x->to_ns, w.request, holder, (uint8_t)kind, w.open, w.cold};
	return 0;
}

static int put_all(struct rows *r, struct waiter w, const struct blame_stretch *x)
{
	int rc = x->n ? 0 : add(r, w, x, BLAME_NOBODY, x->to_ns - x->from_ns);

	for (uint32_t i = 0; !rc && i < x->n; i++)
		rc = add(r, w, x, x->holder[i], blame_part(x->to_ns - x->from_ns, x->n, i));
	return rc;
}

static int put(void *arg, const struct blame_wait *w, const struct blame_stretch *x)
{
	return put_all(arg, (struct waiter){w->request, w->open, false}, x);
}

/* Those of the starts in the order of requests. */
static int put_starts(struct rows *r, const struct blame_run *b, uint32_t first, uint32_t last)
{
	uint32_t low = 0, high = b->nstarts;
	int rc = 0;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (b->start[mid].request < first)
			low = mid + 1;
		else
			high = mid;
	}
	for (; !rc && low < b->nstarts && b->start[low].request < last; low++) {
		const struct blame_start *s = &b->start[low];

		rc = put_all(r, (struct waiter){s->request, s->open, true},
		             &(struct blame_stretch){s->from_ns, s->to_ns, s->kind, b->start_holder + s->first_holder,
		                                     s->nholders});
	}
	return rc;
}

static int by_request(const void *a, const void *b)
{
	const struct blame_row *x = a, *y = b;

	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	if (x->cold != y->cold)
		return x->cold ? 1 : -1;
	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind - y->kind;
	return x->holder != y->holder ? (x->holder > y->holder) - (x->holder < y->holder) : x->open - y->open;
}

int blame_rows(const struct blame_run *b, uint32_t first, uint32_t last, struct blame_row **out, size_t *n)
{
	struct rows r = {0};
	struct blame_sink sink = {.one = put, .arg = &r, .first = first, .last = last};
	int rc = blame_sweep(b, &sink);

	if (!rc)
		rc = put_starts(&r, b, first, last);
	table_done(&r.at);
	if (rc) {
		free(r.v);
		return rc;
	}
	if (r.n)
		qsort(r.v, r.n, sizeof *r.v, by_request);
	*out = r.v;
	*n = r.n;
	return 0;
}
