/* SPDX-License-Identifier: GPL-3.0-or-later */
/* excess.h - which requests are slow, and by how much the others of the same function were quicker. */
#ifndef WHY_EXCESS_H
#define WHY_EXCESS_H

#include "query/requests/requests.h"

struct excess {
	int64_t over_ns; /* what took longer is slow */
	uint8_t *slow;   /* by request */
	double *ns;      /* by request: of a slow one, its time minus the mean of the others of its function; else 0 */
	uint32_t nslow;
	uint32_t nalone;   /* slow ones of functions that have no others: their excess is not known, and counts as 0 */
	int64_t total_ns;  /* the phases add up to it */
	int64_t *phase_ns; /* by phase */
	double *others_mean; /* by function, ns; NAN: it has no others */
};

/* Whatever took longer than over_ns is slow. Sums are exact: by function and phase the sum over the slow ones, minus as
 * many times the mean of the others, rounded to a ns. 0 or -ENOMEM; excess_done in any case. */
int excess_make(const struct requests *r, int64_t over_ns, struct excess *out);
void excess_done(struct excess *e);

#endif
