/* SPDX-License-Identifier: GPL-3.0-or-later */
/* quantile.c - see quantile.h */
#include "query/core/quantile.h"
#include "base/array.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

int sample_add(struct sample *s, int64_t value)
{
	if (array_reserve(s->values, s->room, s->n + 1))
		return -ENOMEM;
	s->values[s->n++] = value;
	return 0;
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

void sample_sort(struct sample *s)
{
	if (s->n)
		qsort(s->values, s->n, sizeof *s->values, by_value);
}

void sample_done(struct sample *s)
{
	free(s->values);
	*s = (struct sample){0};
}

int64_t sample_quantile(const struct sample *s, double q)
{
	double at = q * (double)(s->n - 1);
	size_t low = (size_t)floor(at);

	if (low + 1 >= s->n)
		return s->values[s->n - 1];
	return s->values[low] + (int64_t)llround((at - (double)low) * (double)(s->values[low + 1] - s->values[low]));
}

double sample_sum(const struct sample *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->n; i++)
		sum += (double)s->values[i];
	return sum;
}
