/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Samples and points of any number: what went through a file comes back as if it had been held in memory. */
#include "query/commands/points.h"
#include "query/core/quantile.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static uint64_t random64(void)
{
	static uint64_t s = 88172645463325252u;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

/* ---- samples ---- */

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

/* n values of so many bits, some of them negative. */
static void sorts(size_t n, unsigned bits, struct sample_file *file)
{
	struct sample s = {.file = file};
	int64_t *want = malloc((n + 1) * sizeof *want);
	double sum = 0;

	for (int times = 0; times < 2; times++) { /* a sample that was emptied is a new one */
		sum = 0;
		for (size_t i = 0; i < n; i++) {
			want[i] = (int64_t)random64() >> (64 - bits);
			sum += (double)want[i];
			assert_int_equal(sample_add(&s, want[i]), 0);
		}
		qsort(want, n, sizeof *want, by_value);
		assert_true(sample_sum(&s) == sum);
		assert_true(!file || s.room < 2 * SAMPLE_HELD || times);
		assert_int_equal(sample_sort(&s), 0);
		assert_int_equal(s.n, n);
		assert_true(!n || !memcmp(s.values, want, n * sizeof *want));
		if (n)
			assert_int_equal(sample_quantile(&s, 1), want[n - 1]);
		sample_clear(&s);
	}
	sample_done(&s);
	free(want);
}

static void samples_sort(void **state)
{
	static const size_t sizes[] = {0, 1, 2, 127, 128, 5000, SAMPLE_HELD, SAMPLE_HELD + 1, 5 * SAMPLE_HELD};
	static const unsigned bits[] = {1, 8, 9, 33, 64};
	struct sample_file file = {0};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
		for (size_t k = 0; k < sizeof bits / sizeof *bits; k++) {
			sorts(sizes[i], bits[k], NULL);
			sorts(sizes[i], bits[k], &file);
		}
	assert_true(file.open);
	sample_file_done(&file);
}

static void samples_without_place(void **state)
{
	struct sample_file file = {.beside = "/no/such/directory/db"};
	struct sample s = {.file = &file};
	int rc = 0;

	(void)state;
	for (size_t i = 0; i < SAMPLE_HELD; i++)
		assert_int_equal(sample_add(&s, 1), 0);
	rc = sample_add(&s, 1);
	assert_int_equal(rc, -ENOENT);
	sample_done(&s);
	sample_file_done(&file);
}

/* ---- points ---- */

enum { TIDS = 50 };

struct got {
	struct point *v;
	size_t n;
	int64_t last_tid;
};

static int take(void *arg, const struct point *v, size_t n)
{
	struct got *g = arg;

	assert_true(n > 0 && (int64_t)v->tid > g->last_tid);
	g->last_tid = v->tid;
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(v[i].tid, v->tid);
		g->v[g->n++] = v[i];
	}
	return 0;
}

static int by_all(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	return x->tid != y->tid           ? (x->tid > y->tid) - (x->tid < y->tid)
	       : x->time_ns != y->time_ns ? (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns)
	                                  : (x->id > y->id) - (x->id < y->id);
}

static void deals(size_t n, size_t held)
{
	struct point *want = calloc(n + 1, sizeof *want), *room = calloc(n + 1, sizeof *room);
	struct got got = {room, 0, -1};
	struct points p = {.held = held}, others = {.held = held};

	for (size_t i = 0; i < n; i++) {
		want[i] = (struct point){(int64_t)(random64() % 100) - 50, (int64_t)i,
		                         (uint32_t)(random64() % TIDS * 3), (uint32_t)i};
		assert_int_equal(points_add(i % 3 ? &others : &p, &want[i]), 0);
		if (i == n / 2) /* and once more at the end */
			assert_int_equal(points_join(&p, &others), 0);
		others.held = held;
	}
	assert_int_equal(points_join(&p, &others), 0);
	assert_int_equal(others.n, 0);
	qsort(want, n, sizeof *want, by_all);
	assert_int_equal(points_each(&p, take, &got), 0);
	assert_int_equal(got.n, n);
	assert_memory_equal(got.v, want, (n + 1) * sizeof *want);
	points_done(&p);
	free(want);
	free(room);
}

static void points_deal(void **state)
{
	static const size_t held[] = {1, 2, 100, 3000, 0};

	(void)state;
	for (size_t i = 0; i < sizeof held / sizeof *held; i++) {
		deals(0, held[i]);
		deals(1, held[i]);
		deals(3000, held[i]);
	}
}

static int stop(void *arg, const struct point *v, size_t n)
{
	(void)v;
	(void)n;
	return --*(int *)arg ? 0 : -EINTR;
}

static void points_end_early(void **state)
{
	(void)state;
	for (size_t held = 1; held < 100; held += 98) {
		struct points p = {.held = held}, nowhere = {.held = 1, .beside = "/no/such/directory/db"};
		int left = 2;

		for (uint32_t i = 0; i < 10; i++)
			assert_int_equal(points_add(&p, &(struct point){.tid = i}), 0);
		assert_int_equal(points_each(&p, stop, &left), -EINTR);
		points_done(&p);
		assert_int_equal(points_add(&nowhere, &(struct point){0}), 0);
		assert_int_equal(points_add(&nowhere, &(struct point){0}), -ENOENT);
		points_done(&nowhere);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(samples_sort), cmocka_unit_test(samples_without_place),
	                                   cmocka_unit_test(points_deal), cmocka_unit_test(points_end_early)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
