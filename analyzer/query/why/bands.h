/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bands.h - quantiles of both sides with 95 % intervals, and those of their differences: from resampled stretches of
 * time (evidence.h), each time the quantiles of all that is in them. */
#ifndef QUERY_WHY_BANDS_H
#define QUERY_WHY_BANDS_H

#include "query/why/comparison.h"

struct timed {
	int64_t ns; /* not negative */
	uint8_t cell;
};

/* Sorts by ns. 0 or -ENOMEM. */
int timed_sort(struct timed *v, size_t n);
/* Of sorted lists: quantile and within of each that is not empty, and difference where both are not. 0 or -ENOMEM. */
int bands_make(const struct timed *const v[SIDES], const size_t n[SIDES], uint64_t seed, struct figures f[SIDES],
               struct interval difference[BANDS]);

#endif
