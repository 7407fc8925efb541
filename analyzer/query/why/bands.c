/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bands.c - see bands.h */
#include "query/why/bands.h"
#include "base/aggregate.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

const double band_at[BANDS] = {0.01, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3,  0.35, 0.4,  0.45, 0.5,
                               0.55, 0.6,  0.65, 0.7,  0.75, 0.8,  0.85, 0.9,  0.95, 0.99};

/* ---- sorting: by eleven bits at a time, from the lowest ---- */

enum { DIGIT = 11, DIGITS = 1 << DIGIT };

static int by_ns(const void *pa, const void *pb)
{
	const struct timed *a = pa, *b = pb;

	return (a->ns > b->ns) - (a->ns < b->ns);
}

static void sort_digit(const struct timed *from, struct timed *to, size_t n, int shift)
{
	size_t at[DIGITS] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i].ns >> shift & (DIGITS - 1)]++;
	for (int i = 0; i < DIGITS; i++) {
		size_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].ns >> shift & (DIGITS - 1)]++] = from[i];
}

int timed_sort(struct timed *v, size_t n)
{
	struct timed *other, *from = v, *to;
	int64_t most = 0;

	if (n < 4 * DIGITS) {
		if (n)
			qsort(v, n, sizeof *v, by_ns);
		return 0;
	}
	other = to = malloc(n * sizeof *other);
	if (!other)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		most = v[i].ns > most ? v[i].ns : most;
	for (int shift = 0; shift < 63 && most >> shift; shift += DIGIT) {
		struct timed *swap = from;

		sort_digit(from, to, n, shift);
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof *v);
	free(other);
	return 0;
}

/* ---- quantiles ---- */

/* Between two values in proportion, as pandas and numpy do by default. */
static double quantile_at(const struct timed *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t low = (size_t)at;

	if (low + 1 >= n)
		return (double)v[n - 1].ns;
	return (double)v[low].ns + (at - (double)low) * (double)(v[low + 1].ns - v[low].ns);
}

/* The same of what was drawn, to the nearest value; out[k * stride]. */
static void quantiles_drawn(const struct timed *v, size_t n, const uint16_t weight[STRETCH_CELLS],
                            const double count[STRETCH_CELLS], double *out, size_t stride)
{
	double all = 0;
	int64_t passed = 0;
	int k = 0;

	for (int i = 0; i < STRETCH_CELLS; i++)
		all += count[i] * weight[i];
	for (size_t i = 0; i < n && k < BANDS; i++) {
		passed += weight[v[i].cell];
		while (k < BANDS && (double)passed > floor(band_at[k] * (all - 1) + 0.5))
			out[k++ * stride] = (double)v[i].ns;
	}
	/* nothing was drawn */
	for (; k < BANDS; k++)
		out[k * stride] = (double)v[n - 1].ns;
}

/* Draws of a side, by quantile. */
static void draw_side(const struct timed *v, size_t n, uint64_t seed, int draws, double *out)
{
	double count[STRETCH_CELLS] = {0};
	struct draw d = {seed};

	for (size_t i = 0; i < n; i++)
		count[v[i].cell]++;
	for (int r = 0; r < draws; r++) {
		uint16_t weight[STRETCH_CELLS];

		draw_weights(&d, weight);
		quantiles_drawn(v, n, weight, count, out + r, DRAWS);
	}
}

static struct interval interval_of(double *v, int n)
{
	struct interval i;

	i.low = quantile_of(v, (size_t)n, 0.025);
	i.high = quantile_of(v, (size_t)n, 0.975);
	return i;
}

/* So many that it takes no longer than a few values' worth of time. */
static int draws_for(size_t n)
{
	double most = 4e7 / ((double)n + 1);

	return most > DRAWS ? DRAWS : most < 200 ? 200 : (int)most;
}

int bands_make(const struct timed *const v[SIDES], const size_t n[SIDES], uint64_t seed, struct figures f[SIDES],
               struct interval difference[BANDS])
{
	double(*drawn)[BANDS][DRAWS] = calloc(3, sizeof *drawn);
	int draws = draws_for(n[A] + n[B]);

	if (!drawn)
		return -ENOMEM;
	for (int s = 0; s < SIDES; s++)
		if (n[s])
			draw_side(v[s], n[s], seed + (uint64_t)s, draws, drawn[s][0]);
	for (int k = 0; k < BANDS && n[A] && n[B]; k++) {
		for (int r = 0; r < draws; r++)
			drawn[2][k][r] = drawn[B][k][r] - drawn[A][k][r];
		difference[k] = interval_of(drawn[2][k], draws);
	}
	for (int s = 0; s < SIDES; s++)
		for (int k = 0; k < BANDS && n[s]; k++) {
			f[s].quantile[k] = quantile_at(v[s], n[s], band_at[k]);
			f[s].within[k] = interval_of(drawn[s][k], draws);
		}
	free(drawn);
	return 0;
}
