/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slow.h - what `slow` found, and how it is told to people; for who asks it beside other questions, in one pass over
 * all invocations. */
#ifndef WHY_SLOW_H
#define WHY_SLOW_H

#include "query/core/command.h"
#include "query/why/causes.h"
#include "query/why/typical.h"

/* Beside other questions no more requests are compared: all of them are in memory. */
enum { SLOW_BESIDE_MOST = 50000 };

struct slow {
	struct requests_reading *reading; /* while the pass lasts */
	bool too_many;                    /* nothing was found: there are more than SLOW_BESIDE_MOST */
	struct requests r;
	struct excess e;
	struct attributes a;
	struct causes c;
	uint32_t slow, fast; /* the typical ones */
	char over[32];       /* how the limit was given, or chosen: "5s", "p99" */
};

#define SLOW_INIT ((struct slow){.slow = NO_REQUEST, .fast = NO_REQUEST})

/* Of --run, or of all runs; NULL: failed. slow_take takes part in the pass (whole/gathered.h), slow_finish finds what
 * is to be said after it. */
struct slow *slow_new(struct query *q);
int slow_take(void *slow, const struct invocation_read *of, const struct phases *phases);
void slow_finish(struct query *q, struct slow *s);
void slow_free(struct slow *s);

/* Shows what stands in query.gathered, where it does. */
extern const struct command command_slow;

/* For people, as text, Markdown or a part of a page. */
void slow_tell(struct query *q, const struct slow *s);

/* Of the whole excess. */
double slow_share_of(const struct slow *s, double ns);
/* Phases, the largest excess first; order has room for REQUEST_PHASES. */
size_t slow_order_phases(const struct slow *s, uint32_t *order);

#endif
