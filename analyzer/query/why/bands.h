/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bands.h - quantiles of both sides with 95 % intervals, and those of their differences: from resampled stretches of
 * time (evidence.h), each time the quantiles of all that is in them. */
#ifndef QUERY_WHY_BANDS_H
#define QUERY_WHY_BANDS_H

#include "base/keyed.h"
#include "query/why/comparison.h"

/* Of sorted lists, of each request its ns as key and its cell as value: quantile and within of each that is not empty,
 * and difference where both are not. 0 or -ENOMEM. */
int bands_make(const struct keyed *const v[SIDES], const size_t n[SIDES], uint64_t seed, struct figures f[SIDES],
               struct interval difference[BANDS]);

#endif
