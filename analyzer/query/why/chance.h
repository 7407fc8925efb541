/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chance.h - how likely it is that chance alone did it. */
#ifndef WHY_CHANCE_H
#define WHY_CHANCE_H

#include <stddef.h>

/* The probability of a Student's t above x with df > 0 degrees of freedom. */
double chance_t_above(double x, double df);

/* p-values that belong to m tests, n of which are given (the others are 1), to q-values by Benjamini and Hochberg:
 * those with q <= a are false in a share of at most a, on average. order: room for n. */
void chance_adjust(const double *p, size_t n, size_t m, double *q, size_t *order);

#endif
