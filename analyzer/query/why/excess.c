/* SPDX-License-Identifier: GPL-3.0-or-later */
/* excess.c - see excess.h. Sums of a long overload go beyond 64 bits: they are kept in 128. */
#include "query/why/excess.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

typedef __int128 wide;

/* What the requests of one function add up to, slow and others: [0] is the whole, [1 + k] phase k. */
struct sums {
	wide *slow, *others; /* by function, then phase */
	uint32_t *nslow, *nothers;
	size_t width;
};

static int64_t to_ns(wide x)
{
	return x > INT64_MAX ? INT64_MAX : x < INT64_MIN + 1 ? INT64_MIN + 1 : (int64_t)x;
}

static wide rounded(wide numerator, uint32_t by)
{
	wide half = by / 2;

	return (numerator + (numerator < 0 ? -half : half)) / by;
}

static void add_up(const struct requests *r, const struct excess *e, struct sums *s)
{
	for (uint32_t i = 0; i < r->n; i++) {
		uint32_t f = request_function(r, i);
		wide *sum = (e->slow[i] ? s->slow : s->others) + f * s->width;

		*(e->slow[i] ? &s->nslow[f] : &s->nothers[f]) += 1;
		sum[0] += request_ns(r, i);
		for (uint32_t k = 0; k < r->phases.n; k++)
			sum[1 + k] += request_phase(r, i, k);
	}
}

/* Of one function; what rounding leaves over goes to the phase that has most of it. */
static void take_function(const struct requests *r, const struct sums *s, uint32_t f, struct excess *e, wide *total)
{
	const wide *slow = s->slow + f * s->width, *others = s->others + f * s->width;
	uint32_t n = s->nslow[f], m = s->nothers[f], largest = 0;
	wide all = slow[0] - rounded(others[0] * n, m), left = all, most = -1;

	for (uint32_t k = 0; k < r->phases.n; k++) {
		wide x = slow[1 + k] - rounded(others[1 + k] * n, m);

		e->phase_ns[k] = to_ns(e->phase_ns[k] + x);
		left -= x;
		if ((x < 0 ? -x : x) > most) {
			most = x < 0 ? -x : x;
			largest = k;
		}
	}
	if (r->phases.n)
		e->phase_ns[largest] += (int64_t)left;
	*total += all;
}

static void take(const struct requests *r, const struct sums *s, struct excess *e)
{
	wide total = 0;

	for (uint32_t f = 0; f < r->functions.n; f++) {
		e->others_mean[f] = s->nothers[f] ? (double)s->others[f * s->width] / s->nothers[f] : (double)NAN;
		if (s->nslow[f] && s->nothers[f])
			take_function(r, s, f, e, &total);
		e->nalone += s->nothers[f] ? 0 : s->nslow[f];
	}
	e->total_ns = to_ns(total);
	for (uint32_t i = 0; i < r->n; i++)
		if (e->slow[i] && s->nothers[request_function(r, i)])
			e->ns[i] = (double)request_ns(r, i) - e->others_mean[request_function(r, i)];
}

int excess_make(const struct requests *r, int64_t over_ns, struct excess *e)
{
	size_t functions = (size_t)r->functions.n + 1;
	struct sums s = {.width = (size_t)r->phases.n + 1};
	int rc = 0;

	*e = (struct excess){.over_ns = over_ns,
	                     .slow = calloc((size_t)r->n + 1, 1),
	                     .ns = calloc((size_t)r->n + 1, sizeof(double)),
	                     .phase_ns = calloc(s.width, sizeof(int64_t)),
	                     .others_mean = calloc(functions, sizeof(double))};
	s.slow = calloc(functions * s.width, sizeof(wide));
	s.others = calloc(functions * s.width, sizeof(wide));
	s.nslow = calloc(functions, sizeof(uint32_t));
	s.nothers = calloc(functions, sizeof(uint32_t));
	if (!e->slow || !e->ns || !e->phase_ns || !e->others_mean || !s.slow || !s.others || !s.nslow || !s.nothers)
		rc = -ENOMEM;
	for (uint32_t i = 0; i < r->n && !rc; i++)
		e->nslow += e->slow[i] = request_ns(r, i) > over_ns;
	if (!rc) {
		add_up(r, e, &s);
		take(r, &s, e);
	}
	free(s.slow);
	free(s.others);
	free(s.nslow);
	free(s.nothers);
	return rc;
}

void excess_done(struct excess *e)
{
	free(e->slow);
	free(e->ns);
	free(e->phase_ns);
	free(e->others_mean);
}
