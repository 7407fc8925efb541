/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chance.c - see chance.h */
#include "query/why/chance.h"
#include <math.h>

/* The continued fraction of the incomplete beta function, by Lentz's method (Numerical Recipes, 6.4). */
static double beta_fraction(double a, double b, double x)
{
	const double tiny = 1e-300;
	double c = 1, d = 1 - (a + b) * x / (a + 1), h;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	h = d;
	for (int m = 1; m < 300; m++) {
		double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
		       odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)), step;

		d = 1 + even * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + even / c;
		c = fabs(c) < tiny ? tiny : c;
		h *= d * c;
		d = 1 + odd * d;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = 1 + odd / c;
		c = fabs(c) < tiny ? tiny : c;
		step = d * c;
		h *= step;
		if (fabs(step - 1) < 1e-14)
			break;
	}
	return h;
}

/* The regularised incomplete beta function. */
static double beta(double a, double b, double x)
{
	double front;
	int sign;

	if (x <= 0 || x >= 1)
		return x >= 1;
	front = exp(lgamma_r(a + b, &sign) - lgamma_r(a, &sign) - lgamma_r(b, &sign) + a * log(x) + b * log1p(-x));
	return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a
	                                 : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double chance_t_above(double x, double df)
{
	double tail = beta(df / 2, 0.5, df / (df + x * x)) / 2;

	return x >= 0 ? tail : 1 - tail;
}

/* Places by p, the least first: n is some thousands at most, mostly few. */
static void sift(const double *p, size_t *order, size_t at, size_t n)
{
	for (size_t child; (child = 2 * at + 1) < n; at = child) {
		size_t x;

		if (child + 1 < n && p[order[child + 1]] > p[order[child]])
			child++;
		if (p[order[at]] >= p[order[child]])
			return;
		x = order[at];
		order[at] = order[child];
		order[child] = x;
	}
}

static void sort(const double *p, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n / 2; i-- > 0;)
		sift(p, order, i, n);
	for (size_t i = n; i-- > 1;) {
		size_t x = order[0];

		order[0] = order[i];
		order[i] = x;
		sift(p, order, 0, i);
	}
}

void chance_adjust(const double *p, size_t n, size_t m, double *q, size_t *order)
{
	double least = 1;

	sort(p, order, n);
	for (size_t i = n; i-- > 0;) {
		double x = p[order[i]] * (double)m / (double)(i + 1);

		least = x < least ? x : least;
		q[order[i]] = least;
	}
}
