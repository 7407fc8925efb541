/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_sums.h - where the time of all invocations went, for those who put it into a sentence. */
#ifndef QUERY_PHASE_SUMS_H
#define QUERY_PHASE_SUMS_H

#include "query/core/query.h"

struct phase_sum {
	const char *name;    /* borrowed for the call */
	int64_t invocations; /* that had this phase */
	int64_t total_ns;
	double share; /* of all phases; 0 where they took no time */
};

typedef void phase_sum_fn(void *arg, const struct phase_sum *sum);

/* Each phase of the invocations of --run, or of all, in the order in which they come; the command `phases` shows the
 * same. A failure is latched in q. */
void phases_sums(struct query *q, phase_sum_fn *each, void *arg);

#endif
