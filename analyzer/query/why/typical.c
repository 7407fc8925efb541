/* SPDX-License-Identifier: GPL-3.0-or-later */
/* typical.c - see typical.h */
#include "query/why/typical.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

static int by_ns(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static bool is_one(const struct requests *r, const struct excess *e, uint32_t i, uint32_t function, bool slow)
{
	return r->v[i].function == function && e->slow[i] == slow;
}

static uint32_t nearest(const struct requests *r, const struct excess *e, uint32_t function, bool slow, int64_t *room)
{
	double median[REQUEST_PHASES] = {0}, least = INFINITY;
	uint32_t best = NO_REQUEST;

	for (uint32_t k = 0; k < r->phases.n; k++) {
		uint32_t n = 0;

		for (uint32_t i = 0; i < r->n; i++)
			if (is_one(r, e, i, function, slow))
				room[n++] = r->ns[k][i];
		qsort(room, n, sizeof *room, by_ns);
		median[k] = n ? (double)room[n / 2] : 0;
	}
	for (uint32_t i = 0; i < r->n; i++) {
		double far = 0;

		if (!is_one(r, e, i, function, slow))
			continue;
		for (uint32_t k = 0; k < r->phases.n; k++)
			far += fabs((double)r->ns[k][i] - median[k]);
		if (far < least) {
			least = far;
			best = i;
		}
	}
	return best;
}

int typical_find(const struct requests *r, const struct excess *e, uint32_t *slow, uint32_t *fast)
{
	double *sum = calloc((size_t)r->functions.n + 1, sizeof *sum);
	int64_t *room = malloc(((size_t)r->n + 1) * sizeof *room);
	uint32_t function = 0;

	*slow = *fast = NO_REQUEST;
	if (sum && room && e->nslow) {
		for (uint32_t i = 0; i < r->n; i++)
			sum[r->v[i].function] += e->slow[i] ? e->ns[i] + 1 : 0;
		for (uint32_t f = 1; f < r->functions.n; f++)
			function = sum[f] > sum[function] ? f : function;
		*slow = nearest(r, e, function, true, room);
		*fast = nearest(r, e, function, false, room);
	}
	free(sum);
	free(room);
	return sum && room ? 0 : -ENOMEM;
}
