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
	struct slow *slow;     /* query/why/slow.h */
	struct errors *errors; /* of the level that is asked for */
};

/* ---- for sentences and figures about all of them ---- */

enum { OVERALL_SLOWEST = 20, OVERALL_EARLIEST = 64, OVERALL_NAMED = 2000 };

struct overall_function {
	int64_t n;
	double ns; /* of those whose duration is known */
};

struct overall_named {
	int64_t place, ns;
};

/* Some of those that ended in one way: all of them, or the OVERALL_EARLIEST first and those that are as early as the
 * last of these. ns is when one was sent, or arrived, or was queued; NO_NS, not known, comes first. */
struct overall_early {
	struct overall_named *v;
	size_t n, room;
	bool cut;  /* later ones than last_ns went */
	bool many; /* even so they are too many */
	int64_t last_ns;
};

struct overall {
	int64_t all, ok, failed, unfinished;
	int64_t cold_starts;               /* attempts */
	struct sample durations;           /* of those that are known; sorted by overall_finish */
	struct overall_function *function; /* by number in names; the last one behind them: those without a name */
	struct intern names;
	struct overall_named *slow; /* who may be among the OVERALL_SLOWEST that ended */
	size_t nslow, slow_room;
	bool many_slow;
	struct overall_early failed_first, unfinished_first;
	int64_t least[OVERALL_SLOWEST]; /* a heap of the longest durations, the least of them first */
	size_t nleast;
	struct overall_kind *kinds;
	size_t nkinds, kinds_room;
};

struct overall *overall_new(struct query *q);
int overall_take(void *overall, const struct invocation_read *of, const struct phases *phases);
void overall_finish(struct overall *o);
void overall_free(struct overall *o);

/* SQL on `invocation`: a condition that all who are among the slowest fulfil, or those who did not end well, and few
 * others; of these, where all are of one run, at least the OVERALL_EARLIEST of each status. To be freed; NULL: they are
 * too many to be named, or memory is out. */
char *overall_slowest_sql(struct query *q, const struct overall *o);
char *overall_bad_sql(struct query *q, const struct overall *o, bool one_run);

#endif
