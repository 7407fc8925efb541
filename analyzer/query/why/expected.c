/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expected.c - see expected.h */
#include "query/why/expected.h"
#include "base/keyed.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

enum { COMPARED = 512 }; /* functions that one is compared with, at most: those with the most requests */

int spreads_make(const struct requests *r, const struct attribute *of, struct spreads *s)
{
	uint32_t n = r->functions.n, many = 0;
	struct keyed *v = malloc(((size_t)r->n + 1) * sizeof *v);

	*s = (struct spreads){.ns = malloc(((size_t)r->n + 1) * sizeof *s->ns),
	                      .begin = calloc((size_t)n + 2, sizeof *s->begin),
	                      .median = calloc((size_t)n + 1, sizeof *s->median),
	                      .n = n};
	for (uint32_t i = 0; i < r->n && v && s->begin; i++)
		if (!of || attribute_at(of, i)) {
			v[many++] = (struct keyed){keyed_signed(request_ns(r, i)), request_function(r, i)};
			s->begin[request_function(r, i) + 2]++;
		}
	if (!v || !s->ns || !s->begin || !s->median || keyed_sort(v, many)) {
		free(v);
		return -ENOMEM;
	}
	for (uint32_t f = 0; f < n; f++)
		s->begin[f + 2] += s->begin[f + 1];
	for (uint32_t i = 0; i < many; i++) /* begin[f + 1] is where the next one of f goes, and at last where f ends */
		s->ns[s->begin[v[i].value + 1]++] = keyed_number(v[i].key);
	for (uint32_t f = 0; f < n; f++) {
		uint32_t of = s->begin[f + 1] - s->begin[f];

		s->median[f] = of ? (double)s->ns[s->begin[f] + of / 2] : 0;
	}
	free(v);
	return 0;
}

void spreads_done(struct spreads *s)
{
	free(s->ns);
	free(s->begin);
	free(s->median);
}

/* How many requests of f take longer. */
static uint32_t above(const struct spreads *s, uint32_t f, double ns)
{
	uint32_t lo = s->begin[f], hi = s->begin[f + 1];

	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2;

		if ((double)s->ns[mid] > ns)
			hi = mid;
		else
			lo = mid + 1;
	}
	return s->begin[f + 1] - lo;
}

/* The functions with the most requests: no fewer requests than the one at place COMPARED. */
static uint32_t least_compared(const struct spreads *s)
{
	uint32_t lo = 1, hi = UINT32_MAX;

	if (s->n <= COMPARED)
		return 1;
	while (lo < hi) {
		uint32_t mid = lo + (hi - lo) / 2, many = 0;

		for (uint32_t f = 0; f < s->n; f++)
			many += s->begin[f + 1] - s->begin[f] >= mid;
		if (many > COMPARED)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void spreads_expect(const struct spreads *s, int64_t over_ns, const uint32_t *value, double *out)
{
	uint32_t least = least_compared(s);

	for (uint32_t f = 0; f < s->n; f++) {
		double farther = 0, times = 0, all = 0, more;

		out[f] = NAN;
		if (!value[f] || s->begin[f + 1] == s->begin[f])
			continue;
		for (uint32_t g = 0; g < s->n; g++) {
			uint32_t many = s->begin[g + 1] - s->begin[g];

			if (value[g] == value[f] || many < least)
				continue;
			all += many;
			farther += above(s, g, s->median[g] + (double)over_ns - s->median[f]);
			times += above(s, g, (double)over_ns * s->median[g] / (s->median[f] > 1 ? s->median[f] : 1));
		}
		more = farther > times ? farther : times;
		out[f] = all > 0 ? more / all : (double)NAN;
	}
}
