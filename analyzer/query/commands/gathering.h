/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gathering.h - commands that take part in one pass over all invocations (whole/gathered.h), and what they say to
 * others of it. */
#ifndef QUERY_GATHERING_H
#define QUERY_GATHERING_H

#include "query/whole/gathered.h"

/* Reads overall and phases of --run, or of all, for the verdict. gathered_done in any case. */
void gather_overall(struct query *q, struct gathered *g);
void gathered_done(struct gathered *g);

/* ---- for the command `functions` ---- */

/* Of --run, or of all; NULL: failed. */
struct functions *functions_new(struct query *q);
int functions_take(void *functions, const struct invocation_read *of, const struct phases *phases);
void functions_free(struct functions *f);

/* ---- for the command `phases`, without --by ---- */

struct phase_groups *phase_groups_new(struct query *q);
int phase_groups_take(void *groups, const struct invocation_read *of, const struct phases *phases);
void phase_groups_free(struct phase_groups *g);

/* ---- for the command `errors` ---- */

/* Of a run, or of all (0), down to a level; by any thread with a store of its own. 0 and *out, or a negative errno. */
int errors_read(struct store *s, int64_t run, const char *level, struct errors **out);
void errors_free(struct errors *e);

/* ---- where the time of all invocations went, for those who put it into a sentence ---- */

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
