/* SPDX-License-Identifier: GPL-3.0-or-later */
/* What is no difference is rarely taken for one, also where neighbours are alike; what is one is found; and the numbers
 * that are said of it hold. */
#include "query/why/evidence.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

/* ---- evidence ---- */

static double unit(struct draw *d)
{
	return (double)(draw_next(d) >> 11) * 0x1p-53;
}

static double normal(struct draw *d)
{
	return sqrt(-2 * log(1 - unit(d))) * cos(6.283185307179586 * unit(d));
}

enum { SHOWN = 8 }; /* requests a cell */

/* A series in which each value is `alike` of the one before, as a side of an effect. */
static void series(struct draw *d, double alike, double mean, struct effect *e, int side, double *out)
{
	double sum[STRETCH_CELLS] = {0}, count[STRETCH_CELLS] = {0}, x = normal(d), all = 0;

	for (int i = 0; i < STRETCH_CELLS * SHOWN; i++) {
		x = alike * x + sqrt(1 - alike * alike) * normal(d);
		sum[i / SHOWN] += x + mean;
		count[i / SHOWN]++;
		all += x + mean;
	}
	effect_add_mean(e, side, sum, count, 1);
	*out = all / (STRETCH_CELLS * SHOWN);
}

static struct effect pair(struct draw *d, double alike, double shift)
{
	struct effect e = {0};
	double a, b;

	series(d, alike, 0, &e, 0, &a);
	series(d, alike, shift, &e, 1, &b);
	e.difference = b - a;
	return e;
}

/* In how many of `tries` families of n, of which the first has a shift, something is claimed of the first, of others;
 * and how often the interval has the truth. */
static void count_claims(double alike, double shift, int n, int tries, int *first, int *others, int *covered)
{
	struct effect v[64];
	struct draw d = {42};

	*first = *others = *covered = 0;
	for (int t = 0; t < tries; t++) {
		bool other = false;

		for (int i = 0; i < n; i++)
			v[i] = pair(&d, alike, i ? 0 : shift);
		assert_int_equal(effects_weigh(v, (size_t)n, (uint64_t)t), 0);
		*first += v[0].p <= 0.05;
		*covered += v[0].low <= shift && shift <= v[0].high;
		for (int i = 1; i < n; i++)
			other |= v[i].p <= 0.05;
		*others += other;
	}
}

static void chance_is_no_evidence(void **state)
{
	int first, others, covered;

	(void)state;
	count_claims(0, 0, 1, 200, &first, &others, &covered);
	assert_in_range(first, 0, 18);
	assert_in_range(covered, 182, 200);
	count_claims(0.8, 0, 1, 200, &first, &others, &covered);
	assert_in_range(first, 0, 18);
	count_claims(0.8, 0, 20, 100, &first, &others, &covered);
	assert_in_range(others, 0, 10);
}

static void what_differs_is_found_among_many(void **state)
{
	int first, others, covered;

	(void)state;
	count_claims(0, 0.4, 20, 50, &first, &others, &covered);
	assert_in_range(first, 48, 50);
	assert_in_range(others, 0, 6);
	assert_in_range(covered, 42, 50);
}

static void weigh_one_by_one(struct effect *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		assert_int_equal(effects_weigh(&v[i], 1, 7), 0);
}

static void more_comparisons_make_nothing_surer(void **state)
{
	struct effect alone[20], many[20];
	struct draw d = {5};

	(void)state;
	for (int i = 0; i < 20; i++)
		alone[i] = many[i] = pair(&d, 0.5, i * 0.02);
	weigh_one_by_one(alone, 20);
	assert_int_equal(effects_weigh(many, 20, 7), 0);
	for (int i = 0; i < 20; i++) {
		assert_true(many[i].p >= alone[i].p);
		assert_true(many[i].z == alone[i].z);
		for (int k = 0; k < 20; k++)
			assert_true(fabs(many[i].z) < fabs(many[k].z) || many[i].p <= many[k].p);
	}
}

static void the_same_seed_gives_the_same(void **state)
{
	struct draw d = {9};
	struct effect e = pair(&d, 0.5, 0.2), f = e, g = e;

	(void)state;
	assert_int_equal(effects_weigh(&e, 1, 1), 0);
	assert_int_equal(effects_weigh(&f, 1, 1), 0);
	assert_int_equal(effects_weigh(&g, 1, 2), 0);
	assert_memory_equal(&e, &f, sizeof e);
	assert_true(e.low != g.low);
	assert_true(e.error == g.error);
}

/* What never varies and differs is sure; what does not differ is nothing. */
static void constants_are_compared(void **state)
{
	struct effect v[2] = {{.difference = 25}, {.difference = 0}};

	(void)state;
	assert_int_equal(effects_weigh(v, 2, 1), 0);
	assert_true(v[0].p < 0.01);
	assert_true(v[0].low == 25 && v[0].high == 25);
	assert_true(v[1].p == 1);
}

/* One stretch in which all that differs stands is a single observation, however many requests are in it. */
static void one_stretch_alone_proves_nothing(void **state)
{
	double sum[STRETCH_CELLS] = {0}, count[STRETCH_CELLS];
	struct effect e = {0};

	(void)state;
	for (int i = 0; i < STRETCH_CELLS; i++)
		count[i] = 10;
	sum[40] = 1000;
	effect_add_mean(&e, 1, sum, count, 1);
	e.difference = 1000.0 / (10 * STRETCH_CELLS);
	assert_int_equal(effects_weigh(&e, 1, 1), 0);
	assert_true(e.p > 0.05);
}

static void draws_take_each_cell_as_often(void **state)
{
	struct draw d = {3};
	uint16_t weight[STRETCH_CELLS];
	int sum[STRETCH_CELLS] = {0}, all = 0;

	(void)state;
	for (int r = 0; r < 1000; r++) {
		draw_weights(&d, weight);
		for (int i = 0; i < STRETCH_CELLS; i++) {
			sum[i] += weight[i];
			all += weight[i];
		}
	}
	assert_int_equal(all, 1000 * STRETCH_CELLS);
	for (int i = 0; i < STRETCH_CELLS; i++)
		assert_in_range(sum[i], 800, 1200);
}

static void moments_have_their_cells(void **state)
{
	(void)state;
	assert_int_equal(stretch_cell(0, 0, 960), 0);
	assert_int_equal(stretch_cell(959, 0, 960), STRETCH_CELLS - 1);
	assert_int_equal(stretch_cell(960, 0, 960), STRETCH_CELLS - 1);
	assert_int_equal(stretch_cell(-5, 0, 960), 0);
	assert_int_equal(stretch_cell(480, 0, 960), STRETCH_CELLS / 2);
	assert_int_equal(stretch_cell(7, 7, 7), 0);
	assert_int_equal(stretch_cell(INT64_MAX, INT64_MIN, INT64_MAX), STRETCH_CELLS - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(chance_is_no_evidence),
	    cmocka_unit_test(what_differs_is_found_among_many),
	    cmocka_unit_test(more_comparisons_make_nothing_surer),
	    cmocka_unit_test(the_same_seed_gives_the_same),
	    cmocka_unit_test(constants_are_compared),
	    cmocka_unit_test(one_stretch_alone_proves_nothing),
	    cmocka_unit_test(draws_take_each_cell_as_often),
	    cmocka_unit_test(moments_have_their_cells),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
