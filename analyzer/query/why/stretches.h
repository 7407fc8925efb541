/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stretches.h - time cut into stretches, and how requests of each function stand in them: what a test of neighbours
 * rests on. */
#ifndef WHY_STRETCHES_H
#define WHY_STRETCHES_H

#include "query/why/excess.h"

struct stretches {
	uint32_t *of; /* by request: number of its stretch */
	uint32_t n;
	uint32_t with_slow; /* so many have slow requests */
	int64_t ns;
	/* A stratum is a function, or all functions with few slow requests together. */
	uint32_t *stratum; /* by function */
	uint32_t nstrata;
	uint32_t *count, *slow; /* by stratum */
	double *beyond; /* by stretch, then stratum: the slow ones minus as many as the stratum has on average */
};

/* 0 or -ENOMEM; stretches_done in any case. */
int stretches_make(const struct requests *r, const struct excess *e, struct stretches *out);
void stretches_done(struct stretches *s);

/* Whether one of two things explains more of the excess than the other, beyond chance: each stretch is left out in turn
 * (jackknife), as requests of one are alike. has: by request, 1: it has the one, 2: the other, 3: both. 0 or -ENOMEM.
 */
int stretches_more(const struct stretches *s, const struct requests *r, const struct excess *e, const uint8_t *has,
                   bool *more);

#endif
