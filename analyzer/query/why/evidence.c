/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence.c - see evidence.h */
#include "query/why/evidence.h"
#include "base/aggregate.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* More alike than that stretches tell nothing at all. */
#define ALIKE_MOST 0.97

uint64_t draw_next(struct draw *d)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15u;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return z ^ (z >> 31);
}

void draw_stretches(struct draw *d, uint8_t begin[STRETCHES])
{
	for (int i = 0; i < STRETCHES; i++)
		begin[i] = (uint8_t)((draw_next(d) >> 32) * STRETCH_CELLS >> 32);
}

void draw_weights(struct draw *d, uint16_t weight[STRETCH_CELLS])
{
	uint8_t begin[STRETCHES];

	memset(weight, 0, STRETCH_CELLS * sizeof *weight);
	draw_stretches(d, begin);
	for (int i = 0; i < STRETCHES; i++)
		for (int k = 0; k < STRETCH_LENGTH; k++)
			weight[(begin[i] + k) % STRETCH_CELLS]++;
}

int stretch_cell(int64_t at_ns, int64_t first_ns, int64_t last_ns)
{
	double length = (double)last_ns - (double)first_ns, at = (double)at_ns - (double)first_ns;
	double cell = length > 0 ? at / length * STRETCH_CELLS : 0;

	return !(cell > 0) ? 0 : cell >= STRETCH_CELLS ? STRETCH_CELLS - 1 : (int)cell;
}

/* A stretch that has much of the count pulls the mean to itself, and so is nearer to it than it should be: as it would
 * be without it, 1 - its share goes into what a cell of it is off. */
void effect_add_mean(struct effect *e, int side, const double *sum, const double *count, double factor)
{
	double all = 0, n = 0, near = 0;

	for (int i = 0; i < STRETCH_CELLS; i++) {
		all += sum[i];
		n += count[i];
		near += i < STRETCH_LENGTH ? count[i] : 0;
	}
	for (int i = 0; i < STRETCH_CELLS && n > 0; i++) {
		int middle = (i + STRETCH_LENGTH / 2) % STRETCH_CELLS;

		e->count[side][i] += count[i];
		e->cell[side][middle] +=
		    factor * (sum[middle] - all / n * count[middle]) / n / fmax(1 - near / n, 0.25);
		near += count[(i + STRETCH_LENGTH) % STRETCH_CELLS] - count[i];
	}
}

/* ---- one difference ---- */

/* Cells become the stretches that begin in them. */
static void to_stretches(double cell[STRETCH_CELLS])
{
	double out[STRETCH_CELLS];

	for (int i = 0; i < STRETCH_CELLS; i++) {
		out[i] = 0;
		for (int k = 0; k < STRETCH_LENGTH; k++)
			out[i] += cell[(i + k) % STRETCH_CELLS];
	}
	memcpy(cell, out, sizeof out);
}

static void centre(double cell[STRETCH_CELLS])
{
	double mean = 0;

	for (int i = 0; i < STRETCH_CELLS; i++)
		mean += cell[i] / STRETCH_CELLS;
	for (int i = 0; i < STRETCH_CELLS; i++)
		cell[i] -= mean;
}

/* As how many stretches with the same number of things those of a side count. */
static double equal_stretches(const double count[STRETCH_CELLS])
{
	double n[STRETCH_CELLS], all = 0, squares = 0;

	memcpy(n, count, sizeof n);
	to_stretches(n);
	for (int i = 0; i < STRETCH_CELLS; i++) {
		all += n[i];
		squares += n[i] * n[i];
	}
	return squares > 0 ? all * all / squares / STRETCH_LENGTH : 1;
}

/* The variance, and of how many degrees of freedom it is: many where all stretches have their part, few where few have
 * most requests, or most of what is off. (The 3 is that of normal stretches: then the ratio is a third of their number.
 * Sides are put together as Satterthwaite and Welch do.) *pooled is the variance if what varies did so on both sides
 * alike: a side that has by chance none of the few slow requests would seem surer of its mean than it is. */
static double variance_of(struct effect *e, double *freedom, double *pooled)
{
	double squares[2] = {0}, n[2] = {0}, fourths = 0, per_freedom = 0, all;

	for (int s = 0; s < 2; s++) {
		to_stretches(e->cell[s]);
		centre(e->cell[s]);
		for (int i = 0; i < STRETCH_CELLS; i++) {
			double v = e->cell[s][i] * e->cell[s][i];

			squares[s] += v / STRETCH_LENGTH;
			fourths += v * v / STRETCH_LENGTH;
			n[s] += e->count[s][i];
		}
		per_freedom += squares[s] * squares[s] / (fmax(equal_stretches(e->count[s]), 1.5) - 1);
	}
	all = squares[0] + squares[1];
	*freedom = fourths > 0 ? fmin(3 * all * all / fourths, all * all / per_freedom) : 1;
	*freedom = fmax(*freedom, 1);
	*pooled = n[0] > 0 && n[1] > 0 ? (squares[0] * n[0] * n[0] + squares[1] * n[1] * n[1]) / (n[0] * n[1]) : all;
	*pooled *= (double)STRETCHES / (STRETCHES - 1);
	return all * STRETCHES / (STRETCHES - 1);
}

/* What the stretches of a side are off for each thing in them, so that it does not matter that some have more; n: how
 * many are in each. What grows all the time, as a queue where more comes than goes, is no chance that lasts: a straight
 * line that explains nine tenths of it is taken out. */
static void stretch_means(const struct effect *e, int s, double mean[STRETCH_CELLS], double n[STRETCH_CELLS])
{
	double all = 0, at = 0, x = 0, xx = 0, xy = 0, yy = 0, slope;

	memcpy(n, e->count[s], STRETCH_CELLS * sizeof *n);
	to_stretches(n);
	for (int i = 0; i < STRETCH_CELLS; i++) {
		mean[i] = n[i] > 0 ? e->cell[s][i] / n[i] : 0;
		/* a stretch that goes round is of both ends */
		if (i + STRETCH_LENGTH > STRETCH_CELLS)
			continue;
		all += n[i];
		at += n[i] * i;
		x += n[i] * mean[i];
	}
	at = all > 0 ? at / all : 0;
	x = all > 0 ? x / all : 0;
	for (int i = 0; i + STRETCH_LENGTH <= STRETCH_CELLS; i++) {
		xx += n[i] * (i - at) * (i - at);
		xy += n[i] * (i - at) * (mean[i] - x);
		yy += n[i] * (mean[i] - x) * (mean[i] - x);
	}
	slope = xx > 0 ? xy / xx : 0;
	for (int i = 0; i < STRETCH_CELLS && slope * xy >= 0.9 * yy; i++)
		mean[i] -= x + slope * (i - at);
}

/* How alike stretches are that begin `lag` stretches apart, on both sides: their correlation. */
static double correlation(const struct effect *e, int lag)
{
	double products = 0, squares = 0;

	for (int s = 0; s < 2; s++) {
		double mean[STRETCH_CELLS], n[STRETCH_CELLS];

		stretch_means(e, s, mean, n);
		for (int i = 0, k = lag * STRETCH_LENGTH; k + STRETCH_LENGTH <= STRETCH_CELLS; i++, k++) {
			double weight = n[i] > 0 && n[k] > 0 ? n[i] * n[k] / (n[i] + n[k]) : 0;

			products += mean[i] * mean[k] * weight;
			squares += (mean[i] * mean[i] + mean[k] * mean[k]) / 2 * weight;
		}
	}
	return squares > 0 ? products / squares : 0;
}

/* How much of a stretch is left in the next one; 0 where they have nothing to do with each other. Where few requests
 * are in each stretch they hide it: then it is seen in what is left in the one after that. Of few stretches it comes
 * out too small, the more so the larger it is (Marriott and Pope, 1954). */
static double alike(const struct effect *e)
{
	double r = correlation(e, 1), further = correlation(e, 2);

	if (further > 0.3)
		r = fmax(r, sqrt(further));
	r += (1 + 3 * r) / STRETCHES;
	return r < 0 ? 0 : r > ALIKE_MOST ? ALIKE_MOST : r;
}

/* Requests may be alike over a longer time than a stretch. Then stretches tell less than their number, by what is left
 * of each in the next one: as of a series in which each value is r of the one before. */
static double error_of(struct effect *e, double *drawn, double *freedom)
{
	double pooled, v = variance_of(e, freedom, &pooled), largest = fabs(e->difference), r;

	*drawn = sqrt(v);
	for (int s = 0; s < 2; s++)
		for (int i = 0; i < STRETCH_CELLS; i++)
			largest = fmax(largest, fabs(e->cell[s][i]));
	if (*drawn <= 1e-9 * largest)
		return 0;
	r = alike(e);
	*freedom = fmax(*freedom * (1 - r * r) / (1 + r * r), 1);
	return sqrt(fmax(v, pooled) * (1 + r) / (1 - r));
}

/* As far out in a normal distribution as t is in Student's (Wallace, 1959). */
static double normal_of(double t, double freedom)
{
	double z = sqrt(freedom * log1p(t * t / freedom)) * (8 * freedom + 1) / (8 * freedom + 3);

	return t < 0 ? -z : z;
}

/* The other way round, for the width of intervals. */
static double wider(double freedom)
{
	double low = 1.96, high = 64;

	for (int i = 0; i < 40; i++) {
		double mid = (low + high) / 2;

		*(normal_of(mid, freedom) < 1.96 ? &low : &high) = mid;
	}
	return low / 1.96;
}

/* The difference's errors in the draws, as multiples of what they are there. */
static void draw_errors(const struct effect *e, double error, const uint8_t (*begin)[2][STRETCHES], float *out)
{
	for (int r = 0; r < DRAWS; r++) {
		double sum = 0;

		for (int i = 0; i < STRETCHES; i++)
			sum += e->cell[1][begin[r][1][i]] - e->cell[0][begin[r][0][i]];
		out[r] = e->error > 0 ? (float)(sum / error) : 0;
	}
}

static void weigh_one(struct effect *e, const uint8_t (*begin)[2][STRETCHES], float *out)
{
	double sorted[DRAWS], freedom = 1, drawn = 0, scale;

	e->error = error_of(e, &drawn, &freedom);
	draw_errors(e, drawn, begin, out);
	e->z = e->error > 0    ? normal_of(e->difference / e->error, freedom)
	       : e->difference ? copysign(1e3, e->difference)
	                       : 0;
	for (int r = 0; r < DRAWS; r++)
		sorted[r] = out[r];
	scale = e->error * wider(freedom);
	e->low = e->difference - scale * quantile_of(sorted, DRAWS, 0.975);
	e->high = e->difference - scale * quantile_of(sorted, DRAWS, 0.025);
}

/* ---- all of them ---- */

struct rank {
	double z;
	size_t at;
};

static int smallest_first(const void *pa, const void *pb)
{
	const struct rank *a = pa, *b = pb;

	if (a->z != b->z)
		return a->z < b->z ? -1 : 1;
	return (a->at > b->at) - (a->at < b->at);
}

/* Step by step from the smallest: how often the largest of those that are no larger comes out that large. What is
 * larger is never less sure. */
static void correct(struct effect *v, size_t n, const struct rank *rank, const float *drawn)
{
	float most[DRAWS] = {0};
	double p = 0;

	for (size_t i = 0; i < n; i++) {
		struct effect *e = &v[rank[i].at];
		const float *own = drawn + rank[i].at * DRAWS;
		int above = 0;

		for (int r = 0; r < DRAWS; r++) {
			most[r] = fmaxf(most[r], fabsf(own[r]));
			above += most[r] >= rank[i].z;
		}
		e->p = rank[i].z > 0 ? (1.0 + above) / (1.0 + DRAWS) : 1;
	}
	for (size_t i = n; i-- > 0;) {
		p = fmax(p, v[rank[i].at].p);
		v[rank[i].at].p = p;
	}
}

int effects_weigh(struct effect *v, size_t n, uint64_t seed)
{
	uint8_t(*begin)[2][STRETCHES] = malloc(DRAWS * sizeof *begin);
	float *drawn = malloc((n + 1) * DRAWS * sizeof *drawn);
	struct rank *rank = malloc((n + 1) * sizeof *rank);
	struct draw d = {seed};
	int rc = begin && drawn && rank ? 0 : -ENOMEM;

	for (int r = 0; r < DRAWS && !rc; r++)
		for (int s = 0; s < 2; s++)
			draw_stretches(&d, begin[r][s]);
	for (size_t i = 0; i < n && !rc; i++) {
		weigh_one(&v[i], (const uint8_t(*)[2][STRETCHES])begin, drawn + i * DRAWS);
		rank[i] = (struct rank){fabs(v[i].z), i};
	}
	if (!rc) {
		qsort(rank, n, sizeof *rank, smallest_first);
		correct(v, n, rank, drawn);
	}
	free(begin);
	free(drawn);
	free(rank);
	return rc;
}
