/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bands.c - see bands.h */
#include "query/why/bands.h"
#include "base/aggregate.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

const double band_at[BANDS] = {0.01, 0.05, 0.1,  0.15, 0.2,  0.25, 0.3,  0.35, 0.4,  0.45, 0.5,
                               0.55, 0.6,  0.65, 0.7,  0.75, 0.8,  0.85, 0.9,  0.95, 0.99};

/* ---- quantiles ---- */

/* Between two values in proportion, as pandas and numpy do by default. */
static double quantile_at(const struct keyed *v, size_t n, double q)
{
	double at = q * (double)(n - 1);
	size_t low = (size_t)at;

	if (low + 1 >= n)
		return (double)v[n - 1].key;
	return (double)v[low].key + (at - (double)low) * (double)(v[low + 1].key - v[low].key);
}

/* Sorted values in blocks, with how many of each cell are in each: a draw passes over whole blocks. */
enum { BLOCK = 512 };

struct blocks {
	const struct keyed *v;
	size_t n, nblocks;
	uint16_t (*count)[STRETCH_CELLS];
};

static int blocks_make(struct blocks *b, const struct keyed *v, size_t n)
{
	*b = (struct blocks){v, n, (n + BLOCK - 1) / BLOCK, NULL};
	b->count = calloc(b->nblocks, sizeof *b->count);
	if (!b->count)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		b->count[i / BLOCK][v[i].value]++;
	return 0;
}

static int64_t drawn_of_block(const struct blocks *b, size_t i, const uint16_t weight[STRETCH_CELLS])
{
	uint32_t sum = 0;

	for (int k = 0; k < STRETCH_CELLS; k++)
		sum += (uint32_t)b->count[i][k] * weight[k];
	return sum;
}

/* The quantiles of what was drawn, to the nearest value; out[k * stride]. drawn has room for nblocks. False: nothing
 * was drawn, as where all values lie in stretches that were not. */
static bool quantiles_drawn(const struct blocks *b, const uint16_t weight[STRETCH_CELLS], int64_t *drawn, double *out,
                            size_t stride)
{
	int64_t all = 0, before = 0, passed;
	size_t block = 0, at = 0;

	for (size_t i = 0; i < b->nblocks; i++)
		all += drawn[i] = drawn_of_block(b, i, weight);
	if (!all)
		return false;
	passed = 0;
	for (int k = 0; k < BANDS; k++) {
		int64_t target = (int64_t)floor(band_at[k] * (double)(all - 1) + 0.5);

		while (block < b->nblocks && before + drawn[block] <= target) {
			before += drawn[block++];
			passed = before;
			at = block * BLOCK;
		}
		while (at < b->n && passed <= target)
			passed += weight[b->v[at++].value];
		out[(size_t)k * stride] = (double)b->v[at ? at - 1 : 0].key;
	}
	return true;
}

/* Draws of a side, by quantile. */
static int draw_side(const struct keyed *v, size_t n, uint64_t seed, int draws, double *out)
{
	struct blocks b;
	struct draw d = {seed};
	int rc = blocks_make(&b, v, n);
	int64_t *drawn = rc ? NULL : malloc(b.nblocks * sizeof *drawn);

	for (int r = 0; r < draws && drawn; r++) {
		uint16_t weight[STRETCH_CELLS];

		do
			draw_weights(&d, weight);
		while (!quantiles_drawn(&b, weight, drawn, out + r, DRAWS));
	}
	rc = drawn ? 0 : -ENOMEM;
	free(drawn);
	free(b.count);
	return rc;
}

static struct interval interval_of(double *v, int n)
{
	struct interval i;

	i.low = quantile_of(v, (size_t)n, 0.025);
	i.high = quantile_of(v, (size_t)n, 0.975);
	return i;
}

/* As many as there is time for. */
static int draws_for(size_t n)
{
	double most = 4e8 / ((double)n + 1);

	return most > DRAWS ? DRAWS : most < 200 ? 200 : (int)most;
}

int bands_make(const struct keyed *const v[SIDES], const size_t n[SIDES], uint64_t seed, struct figures f[SIDES],
               struct interval difference[BANDS])
{
	double(*drawn)[BANDS][DRAWS] = calloc(3, sizeof *drawn);
	int draws = draws_for(n[A] + n[B]), rc = 0;

	if (!drawn)
		return -ENOMEM;
	for (int s = 0; s < SIDES && !rc; s++)
		if (n[s])
			rc = draw_side(v[s], n[s], seed + (uint64_t)s, draws, drawn[s][0]);
	for (int k = 0; k < BANDS && n[A] && n[B] && !rc; k++) {
		for (int r = 0; r < draws; r++)
			drawn[2][k][r] = drawn[B][k][r] - drawn[A][k][r];
		difference[k] = interval_of(drawn[2][k], draws);
	}
	for (int s = 0; s < SIDES; s++)
		for (int k = 0; k < BANDS && n[s] && !rc; k++) {
			f[s].quantile[k] = quantile_at(v[s], n[s], band_at[k]);
			f[s].within[k] = interval_of(drawn[s][k], draws);
		}
	free(drawn);
	return rc;
}
