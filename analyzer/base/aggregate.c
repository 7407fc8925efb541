/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aggregate.c - quantiles in SQL.
 *
 * A window function would sort a row for each value; this keeps the numbers alone and picks the two that it needs. */
#include "base/aggregate.h"
#include "base/array.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>

struct numbers {
	double *v;
	size_t n, room;
	double q;
	int failed;
};

static void add(sqlite3_context *c, sqlite3_value *x, double q)
{
	struct numbers *s = sqlite3_aggregate_context(c, sizeof *s);
	int type = sqlite3_value_numeric_type(x);

	if (!s || s->failed || (type != SQLITE_INTEGER && type != SQLITE_FLOAT))
		return;
	double *v = array_add(s->v, s->n, s->room);

	if (!v) {
		s->failed = 1;
		sqlite3_result_error_nomem(c);
		return;
	}
	*v = sqlite3_value_double(x);
	s->q = q;
}

static void step_quantile(sqlite3_context *c, int n, sqlite3_value **args)
{
	double q = sqlite3_value_double(args[1]);
	int type = sqlite3_value_numeric_type(args[1]);

	(void)n;
	if ((type != SQLITE_INTEGER && type != SQLITE_FLOAT) || !(q >= 0 && q <= 1))
		sqlite3_result_error(c, "quantile(x, q): q is from 0 to 1", -1);
	else
		add(c, args[0], q);
}

static void step_fixed(sqlite3_context *c, int n, sqlite3_value **args)
{
	(void)n;
	add(c, args[0], *(const double *)sqlite3_user_data(c));
}

/* Hoare's selection: afterwards v[k] is the k-th smallest, those before are not larger, those behind not smaller. */
static void pick(double *v, size_t n, size_t k)
{
	size_t low = 0, high = n - 1;

	while (low < high) {
		double pivot = v[low + (high - low) / 2], t;
		size_t i = low, j = high;

		for (;; i++, j--) {
			while (v[i] < pivot)
				i++;
			while (v[j] > pivot)
				j--;
			if (i >= j)
				break;
			t = v[i];
			v[i] = v[j];
			v[j] = t;
		}
		if (k <= j)
			high = j;
		else
			low = j + 1;
	}
}

/* part of the way from a to b. What is not finite (9e999, and the way between the largest doubles) has no part. */
static double between(double a, double b, double part)
{
	double way = b - a;

	if (!(part > 0) || a == b)
		return a + 0.0; /* not -0.0 */
	return isfinite(way) ? a + way * part : a * (1 - part) + b * part;
}

double quantile_of(double *v, size_t n, double q)
{
	double at = q * (double)(n - 1), next;
	size_t k = (size_t)floor(at);

	pick(v, n, k);
	next = v[k];
	if (k + 1 < n) {
		next = v[k + 1];
		for (size_t i = k + 2; i < n; i++)
			next = v[i] < next ? v[i] : next;
	}
	return between(v[k], next, at - (double)k);
}

static void final(sqlite3_context *c)
{
	struct numbers *s = sqlite3_aggregate_context(c, 0);

	if (!s || !s->n)
		return;
	sqlite3_result_double(c, quantile_of(s->v, s->n, s->q));
	free(s->v);
	s->v = NULL;
}

int aggregate_register(sqlite3 *db)
{
	static const struct {
		const char *name;
		double q;
	} fixed[] = {{"p50", 0.5}, {"p90", 0.9}, {"p95", 0.95}, {"p99", 0.99}};
	int flags = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
	int rc = sqlite3_create_function_v2(db, "quantile", 2, flags, NULL, NULL, step_quantile, final, NULL);

	for (unsigned i = 0; !rc && i < sizeof fixed / sizeof *fixed; i++)
		rc = sqlite3_create_function_v2(db, fixed[i].name, 1, flags, (void *)&fixed[i].q, NULL, step_fixed,
		                                final, NULL);
	return rc;
}
