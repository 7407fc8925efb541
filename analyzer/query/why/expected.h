/* SPDX-License-Identifier: GPL-3.0-or-later */
/* expected.h - how many requests of a function would be slow if it were spread as the other functions are. */
#ifndef WHY_EXPECTED_H
#define WHY_EXPECTED_H

#include "query/why/attribute.h"
#include "query/why/excess.h"

/* The times of each function, sorted. */
struct spreads {
	int64_t *ns;     /* by function */
	uint32_t *begin; /* by function, and one more: where its times begin in ns */
	double *median;  /* by function */
	uint32_t n;
};

/* Of the requests that have a value of it; NULL: of all. 0 or -ENOMEM; spreads_done in any case. */
int spreads_make(const struct requests *r, const struct attribute *of, struct spreads *out);
void spreads_done(struct spreads *s);

/* out[f]: the share of f's requests that would take longer than over_ns if they lay about f's median as those of the
 * functions with another value lie about theirs: as far from it, or as many times as far, whichever gives more.
 * value: by function; 0: not known. NAN where there is no function to compare with. */
void spreads_expect(const struct spreads *s, int64_t over_ns, const uint32_t *value, double *out);

#endif
