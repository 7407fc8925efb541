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

/* The slow ones of a function, or its others; *v is yours. */
static int list(const struct requests *r, const struct excess *e, uint32_t function, bool slow, uint32_t **v,
                uint32_t *n)
{
	uint32_t *of = *v = malloc(((size_t)r->n + 1) * sizeof *of);

	*n = 0;
	for (uint32_t i = 0; of && i < r->n; i++)
		if (request_function(r, i) == function && e->slow[i] == slow)
			of[(*n)++] = i;
	return of ? 0 : -ENOMEM;
}

static uint32_t nearest(const struct requests *r, const uint32_t *v, uint32_t n, int64_t *room)
{
	double median[REQUEST_PHASES] = {0}, least = INFINITY;
	uint32_t best = NO_REQUEST;

	for (uint32_t k = 0; k < r->phases.n; k++) {
		for (uint32_t i = 0; i < n; i++)
			room[i] = request_phase(r, v[i], k);
		if (n)
			qsort(room, n, sizeof *room, by_ns);
		median[k] = n ? (double)room[n / 2] : 0;
	}
	for (uint32_t i = 0; i < n; i++) {
		double far = 0;

		for (uint32_t k = 0; k < r->phases.n; k++)
			far += fabs((double)request_phase(r, v[i], k) - median[k]);
		if (far < least) {
			least = far;
			best = v[i];
		}
	}
	return best;
}

static int find(const struct requests *r, const struct excess *e, uint32_t function, bool slow, int64_t *room,
                uint32_t *out)
{
	uint32_t *v, n;
	int rc = list(r, e, function, slow, &v, &n);

	if (!rc)
		*out = nearest(r, v, n, room);
	free(v);
	return rc;
}

int typical_find(const struct requests *r, const struct excess *e, uint32_t *slow, uint32_t *fast)
{
	double *sum = calloc((size_t)r->functions.n + 1, sizeof *sum);
	int64_t *room = malloc(((size_t)r->n + 1) * sizeof *room);
	uint32_t function = 0;
	int rc = sum && room ? 0 : -ENOMEM;

	*slow = *fast = NO_REQUEST;
	if (!rc && e->nslow) {
		for (uint32_t i = 0; i < r->n; i++)
			sum[request_function(r, i)] += e->slow[i] ? e->ns[i] + 1 : 0;
		for (uint32_t f = 1; f < r->functions.n; f++)
			function = sum[f] > sum[function] ? f : function;
		rc = find(r, e, function, true, room, slow);
		if (!rc)
			rc = find(r, e, function, false, room, fast);
	}
	free(sum);
	free(room);
	return rc;
}
