/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conditions.c - how things stood when a request came: what the others on its worker were at.
 *
 * An interval that begins at one moment is open for all that come after it, and no longer for those that come after its
 * end: one more from a place among the arrivals on, one less from another. So no moment is sorted but the arrivals. */
#include "base/sql.h"
#include "query/requests/arrivals.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What comes to a request. */
enum point { ARRIVED, REMOVED, STARTED, OVER, POINTS };

enum { AHEAD = 16 }; /* requests whose memory is fetched, of those that are gone through in another order */

enum only { ALL, COLD, FAILING };

/* From when to when a request is at it. */
struct interval {
	const char *what;
	enum point from, to;
	enum only only;
	bool same_function;
};

static const struct interval counts[] = {{"requests under way", ARRIVED, OVER, ALL, false},
                                         {"requests waiting", ARRIVED, REMOVED, ALL, false},
                                         {"requests executing", STARTED, OVER, ALL, false},
                                         {"cold starts under way", REMOVED, STARTED, COLD, false},
                                         {"failures under way", ARRIVED, OVER, FAILING, false},
                                         {"requests of its function under way", ARRIVED, OVER, ALL, true}};

enum { COUNTS = sizeof counts / sizeof *counts };

/* What is wanted of a request, by its place among the arrivals. */
struct visit {
	uint32_t from[POINTS]; /* the place from which on others came after it */
	uint8_t is;            /* a bit for each of counts: it has that interval */
};

_Static_assert(COUNTS <= 8, "bits of a visit");

struct sweep {
	const struct requests *r;
	const struct arrivals *a;
	uint32_t cold, failed; /* words */
	struct visit *visit;
	int32_t *change; /* by place: how many more are at it than at the place before */
	float *value;    /* by request */
};

static void sweep_done(struct sweep *s)
{
	free(s->visit);
	free(s->change);
	free(s->value);
}

static int sweep_init(struct sweep *s, const struct requests *r)
{
	size_t n = (size_t)r->n + 1;

	*s = (struct sweep){.r = r,
	                    .cold = intern_find(&r->words, SLICE("cold")),
	                    .failed = intern_find(&r->words, SLICE("failed")),
	                    .visit = malloc(n * sizeof *s->visit),
	                    .change = malloc(n * sizeof *s->change),
	                    .value = malloc(n * sizeof *s->value)};
	return s->visit && s->change && s->value ? 0 : -ENOMEM;
}

/* ---- where intervals begin and end ---- */

static bool is_at_it(const struct sweep *s, const struct request_kind *x, const int64_t at[POINTS],
                     const struct interval *of)
{
	if (at[of->from] == NO_NS || at[of->to] == NO_NS || at[of->to] < at[of->from])
		return false;
	if (of->only == COLD)
		return s->cold != INTERN_NONE && x->state == s->cold;
	return of->only == ALL || x->attempts > 1 || (s->failed != INTERN_NONE && x->status == s->failed);
}

static void find_visit(struct sweep *s, const struct arrival_group *g, uint32_t k)
{
	uint32_t request = s->a->request[k];
	int64_t at[POINTS] = {
	    request_moment(s->r, request, REQUEST_ARRIVED), request_moment(s->r, request, REQUEST_REMOVED),
	    request_moment(s->r, request, REQUEST_STARTED), request_moment(s->r, request, REQUEST_ENDED)};
	struct visit *v = &s->visit[k];

	if (at[OVER] == NO_NS)
		at[OVER] = request_began(s->r, request) + request_ns(s->r, request);
	v->is = 0;
	for (size_t i = 0; i < COUNTS; i++)
		v->is |= (uint8_t)(is_at_it(s, request_kind(s->r, request), at, &counts[i]) << i);
	for (int p = 0; p < POINTS; p++) {
		bool later = k < g->end && at[p] >= at[ARRIVED];

		v->from[p] = arrivals_after(s->a, g, later ? k : g->first, at[p]);
	}
}

static void fetch(const struct requests *r, uint32_t i)
{
	for (int k = REQUEST_BEGAN; k <= REQUEST_KIND; k++)
		__builtin_prefetch(r->column[k].bytes + (size_t)i * r->column[k].width);
}

static void find_visits(struct sweep *s, const struct arrivals *a)
{
	s->a = a;
	for (uint32_t i = 0; i < a->ngroups; i++)
		for (uint32_t k = a->group[i].first; k < a->group[i].last; k++) {
			if (k + AHEAD < a->n)
				fetch(s->r, a->request[k + AHEAD]);
			find_visit(s, &a->group[i], k);
		}
}

/* ---- counting ---- */

static void count_group(struct sweep *s, const struct arrival_group *g, size_t of)
{
	int32_t now = 0;

	for (uint32_t k = g->first; k < g->last; k++) {
		const struct visit *v = &s->visit[k];
		uint32_t from = v->from[counts[of].from], to = v->from[counts[of].to];

		if (!(v->is >> of & 1))
			continue;
		if (from < g->end)
			s->change[from]++;
		if (to < g->end)
			s->change[to]--;
	}
	for (uint32_t k = g->first; k < g->end; k++) {
		now += s->change[k];
		s->value[s->a->request[k]] = (float)now;
	}
}

static void count(struct sweep *s, size_t of)
{
	memset(s->change, 0, ((size_t)s->r->n + 1) * sizeof *s->change);
	for (uint32_t i = 0; i < s->r->n; i++)
		s->value[i] = NAN;
	for (uint32_t i = 0; i < s->a->ngroups; i++)
		count_group(s, &s->a->group[i], of);
}

/* Of those that are counted by worker, or by worker and function. */
static int count_all(struct sweep *s, bool same_function, struct attributes *out)
{
	int rc = 0;

	for (size_t k = 0; k < COUNTS && !rc; k++) {
		if (counts[k].same_function != same_function)
			continue;
		count(s, k);
		rc = attribute_add_condition(out, counts[k].what, ATTRIBUTE_COMPANY, s->value, s->r->n);
	}
	return rc;
}

static int load_of(const struct requests *r, float *value, struct attributes *out)
{
	for (uint32_t i = 0; i < r->n; i++)
		value[i] = request_load(r, i);
	return attribute_add_condition(out, "load at arrival", ATTRIBUTE_CONDITION, value, r->n);
}

int conditions_of_requests(const struct requests *r, const struct arrivals *by_worker, struct attributes *out)
{
	struct arrivals by_function = {0};
	struct sweep s;
	int rc = sweep_init(&s, r);

	if (!rc) {
		find_visits(&s, by_worker);
		rc = count_all(&s, false, out);
	}
	if (!rc)
		rc = arrivals_by_function(r, by_worker, &by_function);
	if (!rc) {
		find_visits(&s, &by_function);
		rc = count_all(&s, true, out);
	}
	if (!rc)
		rc = load_of(r, s.value, out);
	arrivals_done(&by_function);
	sweep_done(&s);
	return rc;
}
