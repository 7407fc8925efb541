/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gathered.h - what several questions want of all invocations, read in one pass.
 *
 * A question that is asked by itself reads by itself. Who asks several of them (the verdict, the report) lets all of
 * them take part in one pass, and hands what they took on in query.gathered: there they answer from it. */
#ifndef QUERY_GATHERED_H
#define QUERY_GATHERED_H

#include "base/intern.h"
#include "query/core/quantile.h"
#include "query/core/query.h"
#include "tables/phase_read.h"

/* One who takes part: called for each invocation of all runs, in no particular order. 0 or a negative errno, which ends
 * the pass. Both are borrowed for the call. */
struct gather_part {
	int (*take)(void *arg, const struct invocation_read *of, const struct phases *phases);
	void *arg;
};

/* The pass. A failure is latched in q. */
void gather_invocations(struct query *q, const struct gather_part *parts, size_t n);

/* Members are NULL where nobody took part for them. */
struct gathered {
	struct functions *functions;
	struct phase_groups *phases;
	struct overall *overall;
	struct slow *slow; /* query/why/slow.h */
};

/* ---- for sentences and figures about all of them ---- */

enum { OVERALL_SLOWEST = 20, OVERALL_NAMED = 2000 };

struct overall_function {
	int64_t n;
	double ns; /* of those whose duration is known */
};

struct overall_named {
	int64_t place, ns;
};

struct overall {
	int64_t all, ok, failed, unfinished;
	int64_t cold_starts;               /* attempts */
	struct sample durations;           /* of those that are known; sorted by overall_finish */
	struct overall_function *function; /* by number in names; the last one behind them: those without a name */
	struct intern names;
	/* Who may be among the OVERALL_SLOWEST that ended, and the first of those that did not end well. */
	struct overall_named *slow, *bad;
	size_t nslow, slow_room, nbad, bad_room;
	bool many_slow;
	int64_t least[OVERALL_SLOWEST]; /* a heap of the longest durations, the least of them first */
	size_t nleast;
	struct overall_kind *kinds;
	size_t nkinds, kinds_room;
};

struct overall *overall_new(struct query *q);
int overall_take(void *overall, const struct invocation_read *of, const struct phases *phases);
void overall_finish(struct overall *o);
void overall_free(struct overall *o);

/* SQL on `invocation`: a condition that all who are among the slowest fulfil, or all who did not end well, and few
 * others. To be freed; NULL: they are too many to be named, or memory is out. */
char *overall_slowest_sql(struct query *q, const struct overall *o);
char *overall_bad_sql(struct query *q, const struct overall *o);

#endif
