/* SPDX-License-Identifier: GPL-3.0-or-later */
/* evidence.c - see evidence.h */
#include "query/why/evidence.h"
#include "base/aggregate.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

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
	int cell = length > 0 ? (int)(at / length * STRETCH_CELLS) : 0;

	return cell < 0 ? 0 : cell >= STRETCH_CELLS ? STRETCH_CELLS - 1 : cell;
}

void effect_add_mean(double cell[STRETCH_CELLS], const double *sum, const double *count, double factor)
{
	double all = 0, n = 0;

	for (int i = 0; i < STRETCH_CELLS; i++) {
		all += sum[i];
		n += count[i];
	}
	for (int i = 0; i < STRETCH_CELLS && n > 0; i++)
		cell[i] += factor * (sum[i] - all / n * count[i]) / n;
}

/* ---- one difference ---- */

/* Cells become the stretches that begin in them, less what a stretch has on average. */
static void to_stretches(double cell[STRETCH_CELLS])
{
	double sum[STRETCH_CELLS] = {0}, mean = 0;

	for (int i = 0; i < STRETCH_CELLS; i++) {
		for (int k = 0; k < STRETCH_LENGTH; k++)
			sum[i] += cell[(i + k) % STRETCH_CELLS];
		mean += sum[i] / STRETCH_CELLS;
	}
	for (int i = 0; i < STRETCH_CELLS; i++)
		cell[i] = sum[i] - mean;
}

/* The error, and of how many degrees of freedom it is: all stretches' where each has its part, few where few have it
 * all. (The 3 is that of normal stretches: then the ratio is a third of their number.) */
static double error_of(struct effect *e, double *freedom)
{
	double squares = 0, fourths = 0, largest = fabs(e->difference);

	for (int s = 0; s < 2; s++) {
		to_stretches(e->cell[s]);
		for (int i = 0; i < STRETCH_CELLS; i++) {
			double v = e->cell[s][i] * e->cell[s][i];

			squares += v / STRETCH_LENGTH;
			fourths += v * v / STRETCH_LENGTH;
			largest = fmax(largest, fabs(e->cell[s][i]));
		}
	}
	*freedom = fourths > 0 ? 3 * squares * squares / fourths : 1;
	*freedom = fmin(fmax(*freedom, 1), 2 * STRETCHES - 2);
	squares *= (double)STRETCHES / (STRETCHES - 1);
	return sqrt(squares) > 1e-9 * largest ? sqrt(squares) : 0;
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

static void draw_errors(const struct effect *e, const uint8_t (*begin)[2][STRETCHES], float *out)
{
	for (int r = 0; r < DRAWS; r++) {
		double sum = 0;

		for (int i = 0; i < STRETCHES; i++)
			sum += e->cell[1][begin[r][1][i]] - e->cell[0][begin[r][0][i]];
		out[r] = e->error > 0 ? (float)(sum / e->error) : 0;
	}
}

static void weigh_one(struct effect *e, const uint8_t (*begin)[2][STRETCHES], float *out)
{
	double sorted[DRAWS], freedom, scale;

	e->error = error_of(e, &freedom);
	draw_errors(e, begin, out);
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
