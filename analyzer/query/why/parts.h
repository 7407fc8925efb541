/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.h - a difference of means taken apart, so that its parts add up to it.
 *
 * A mean over kinds of things is the sum of share times mean of each kind. What becomes of it from a to b is, of each
 * kind, (share b - share a) times the middle of both means, which is the mix, and (mean b - mean a) times the middle of
 * both shares, which is the kind's own: the sum of both is the whole, nothing is left over. Of a kind that only one
 * side has all is mix. */
#ifndef QUERY_WHY_PARTS_H
#define QUERY_WHY_PARTS_H

#include <stddef.h>
#include <stdint.h>

/* A kind's part of the mix; na, nb things of it among all_a, all_b. */
double part_of_mix(double na, double all_a, double mean_a, double nb, double all_b, double mean_b);
/* What the kind's own difference is to be multiplied with; 0 where a side has none of it. */
double part_weight(double na, double all_a, double nb, double all_b);

/* Whole numbers that add up to total, for parts that add up to about that: each is rounded down, and what is missing
 * then goes by ones to those that lost most, the first of equal ones; what is too much is taken from those that lost
 * least. rounded has n. 0 or -ENOMEM. */
int parts_round(const double *parts, size_t n, int64_t total, int64_t *rounded);

#endif
