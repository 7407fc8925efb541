/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stretches.c - see stretches.h */
#include "query/why/stretches.h"
#include "query/why/chance.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More stretches would make nothing surer; more functions are put together, those with the fewest slow requests. */
enum { STRETCHES_MAX = 400, STRATA_MAX = 128 };

/* A difference is sure that chance alone makes no more often, on each side. */
#define SURE 0.025

struct extent {
	int64_t first_ns, last_ns;
	uint32_t base; /* number of its first stretch */
};

/* From one time to a later one: centuries apart they are no more than an int64_t has. */
static uint64_t between(int64_t from, int64_t to)
{
	return (uint64_t)to - (uint64_t)from;
}

/* About as long as a slow request takes: those that wait for the same thing wait as long as it does. */
static int64_t length(const struct requests *r, const struct excess *e, const struct extent *x)
{
	double sum = 0, span = 0, ns;

	for (uint32_t i = 0; i < r->n; i++)
		sum += e->slow[i] ? (double)request_ns(r, i) : 0;
	for (uint32_t k = 0; k < r->runs.n; k++)
		span += (double)between(x[k].first_ns, x[k].last_ns);
	ns = fmax(sum / (e->nslow ? e->nslow : 1), span / STRETCHES_MAX);
	return (int64_t)fmin(ns, 9e18) + 1;
}

static void find_extents(const struct requests *r, struct extent *x)
{
	for (uint32_t k = 0; k < r->runs.n; k++)
		x[k] = (struct extent){INT64_MAX, INT64_MIN, 0};
	for (uint32_t i = 0; i < r->n; i++) {
		struct extent *run = &x[request_kind(r, i)->run];
		int64_t began = request_began(r, i);

		run->first_ns = began < run->first_ns ? began : run->first_ns;
		run->last_ns = began > run->last_ns ? began : run->last_ns;
	}
}

static int by_slow(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return x[0] != y[0] ? (x[0] < y[0]) - (x[0] > y[0]) : (x[1] > y[1]) - (x[1] < y[1]);
}

static int find_strata(const struct requests *r, const struct excess *e, struct stretches *s)
{
	uint32_t n = r->functions.n, (*of)[2] = calloc((size_t)n + 1, sizeof *of);

	if (!of)
		return -ENOMEM;
	for (uint32_t f = 0; f < n; f++)
		of[f][1] = f;
	for (uint32_t i = 0; i < r->n; i++)
		of[request_function(r, i)][0] += e->slow[i];
	qsort(of, n, sizeof *of, by_slow);
	s->nstrata = n < STRATA_MAX ? n : STRATA_MAX;
	for (uint32_t k = 0; k < n; k++)
		s->stratum[of[k][1]] = k < s->nstrata ? k : s->nstrata - 1;
	free(of);
	return 0;
}

static int take(const struct requests *r, const struct excess *e, struct stretches *s)
{
	uint8_t *any = calloc((size_t)s->n + 1, 1);

	s->beyond = calloc((size_t)s->n * s->nstrata + 1, sizeof *s->beyond);
	if (!any || !s->beyond) {
		free(any);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t k = s->stratum[request_function(r, i)];

		any[s->of[i]] |= e->slow[i];
		s->beyond[(size_t)s->of[i] * s->nstrata + k] += e->slow[i] - (double)s->slow[k] / s->count[k];
	}
	for (uint32_t b = 0; b < s->n; b++)
		s->with_slow += any[b];
	free(any);
	return 0;
}

static void cut(const struct requests *r, const struct excess *e, struct extent *x, struct stretches *s)
{
	s->ns = length(r, e, x);
	for (uint32_t k = 0; k < r->runs.n; k++) {
		x[k].base = s->n;
		s->n += (uint32_t)(between(x[k].first_ns, x[k].last_ns) / (uint64_t)s->ns) + 1;
	}
	for (uint32_t i = 0; i < r->n; i++) {
		const struct extent *run = &x[request_kind(r, i)->run];

		s->of[i] = run->base + (uint32_t)(between(run->first_ns, request_began(r, i)) / (uint64_t)s->ns);
		s->count[s->stratum[request_function(r, i)]]++;
		s->slow[s->stratum[request_function(r, i)]] += e->slow[i];
	}
}

int stretches_make(const struct requests *r, const struct excess *e, struct stretches *s)
{
	struct extent *x = calloc((size_t)r->runs.n + 1, sizeof *x);
	size_t functions = (size_t)r->functions.n + 1;
	int rc;

	*s = (struct stretches){.of = calloc((size_t)r->n + 1, sizeof *s->of),
	                        .stratum = calloc(functions, sizeof *s->stratum),
	                        .count = calloc(functions, sizeof *s->count),
	                        .slow = calloc(functions, sizeof *s->slow)};
	rc = x && s->of && s->stratum && s->count && s->slow ? find_strata(r, e, s) : -ENOMEM;
	if (!rc) {
		find_extents(r, x);
		cut(r, e, x, s);
		rc = take(r, e, s);
	}
	free(x);
	return rc;
}

void stretches_done(struct stretches *s)
{
	free(s->of);
	free(s->stratum);
	free(s->count);
	free(s->slow);
	free(s->beyond);
}

/* ---- which explains more ---- */

/* What one stretch, or all, have of the requests; and of those that have a cause. */
struct having {
	double slow, others, excess;
};

struct stretch {
	struct having all, of[2];
};

static void add(struct having *h, const struct excess *e, uint32_t i)
{
	if (e->slow[i])
		h->excess += e->ns[i];
	*(e->slow[i] ? &h->slow : &h->others) += 1;
}

static void take_away(struct having *h, const struct having *other)
{
	h->slow -= other->slow;
	h->others -= other->others;
	h->excess -= other->excess;
}

static double explains(const struct having *all, const struct having *of)
{
	double slow = all->slow > 0 ? of->slow / all->slow : 0, others = all->others > 0 ? of->others / all->others : 0;

	return slow > others ? of->excess * (1 - others / slow) : 0;
}

/* By how much the first explains more than the second, without one stretch; NULL: with all. */
static double difference(const struct stretch *sum, const struct stretch *without)
{
	struct stretch rest = *sum;

	if (without) {
		take_away(&rest.all, &without->all);
		take_away(&rest.of[0], &without->of[0]);
		take_away(&rest.of[1], &without->of[1]);
	}
	return explains(&rest.all, &rest.of[0]) - explains(&rest.all, &rest.of[1]);
}

static void share_out(const struct requests *r, const struct excess *e, const struct stretches *s, const uint8_t *has,
                      struct stretch *v, struct stretch *sum)
{
	for (uint32_t i = 0; i < r->n; i++) {
		struct stretch *to[] = {&v[s->of[i]], sum};

		for (int k = 0; k < 2; k++) {
			add(&to[k]->all, e, i);
			if (has[i] & 1)
				add(&to[k]->of[0], e, i);
			if (has[i] & 2)
				add(&to[k]->of[1], e, i);
		}
	}
}

static bool surely_more(const struct stretches *s, const struct stretch *v, const struct stretch *sum)
{
	double more = difference(sum, NULL), mean = 0, squares = 0;

	for (uint32_t b = 0; b < s->n; b++)
		mean += difference(sum, &v[b]) / s->n;
	for (uint32_t b = 0; b < s->n; b++) {
		double off = difference(sum, &v[b]) - mean;

		squares += off * off * (s->n - 1) / s->n;
	}
	if (more <= 0 || s->with_slow < 2)
		return false;
	return squares <= 0 || chance_t_above(more / sqrt(squares), s->with_slow - 1) <= SURE;
}

int stretches_more(const struct stretches *s, const struct requests *r, const struct excess *e, const uint8_t *has,
                   bool *more)
{
	struct stretch *v = calloc((size_t)s->n + 1, sizeof *v), sum = {0};

	if (!v)
		return -ENOMEM;
	share_out(r, e, s, has, v, &sum);
	*more = surely_more(s, v, &sum);
	free(v);
	return 0;
}
