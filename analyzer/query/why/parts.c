/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.c - see parts.h */
#include "query/why/parts.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

double part_of_mix(double na, double all_a, double mean_a, double nb, double all_b, double mean_b)
{
	double middle = na > 0 && nb > 0 ? (mean_a + mean_b) / 2 : na > 0 ? mean_a : mean_b;

	return (all_a > 0 && all_b > 0) ? (nb / all_b - na / all_a) * middle : 0;
}

double part_weight(double na, double all_a, double nb, double all_b)
{
	return na > 0 && nb > 0 ? (na / all_a + nb / all_b) / 2 : 0;
}

struct lost {
	double fraction;
	size_t at;
};

static int most_first(const void *pa, const void *pb)
{
	const struct lost *a = pa, *b = pb;

	if (a->fraction != b->fraction)
		return a->fraction > b->fraction ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

int parts_round(const double *parts, size_t n, int64_t total, int64_t *rounded)
{
	struct lost *lost = malloc((n + 1) * sizeof *lost);
	int64_t left = total;

	if (!lost)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		rounded[i] = (int64_t)floor(parts[i]);
		lost[i] = (struct lost){parts[i] - floor(parts[i]), i};
		left -= rounded[i];
	}
	if (n)
		qsort(lost, n, sizeof *lost, most_first);
	for (size_t i = 0; n && left > 0; left--, i = (i + 1) % n)
		rounded[lost[i].at]++;
	for (size_t i = n; n && left < 0; left++)
		rounded[lost[i = i ? i - 1 : n - 1].at]--;
	free(lost);
	return 0;
}
