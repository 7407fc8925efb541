/* SPDX-License-Identifier: GPL-3.0-or-later */
/* critical_path.h - the chain of spans that a transaction's end waited for.
 *
 * It goes from the end backwards: at each instant the span that ended last is what the parent waited for. A span that
 * its parent did not wait for (still open when the parent closed) is not on it. Of several workers each has a tree of
 * its own: one whose root lies wholly within a span of another worker is taken to be what that span waited for, unless
 * there are more than a thousand roots. */
#ifndef QUERY_CRITICAL_PATH_H
#define QUERY_CRITICAL_PATH_H

#include "query/timelines/transaction.h"

struct critical_step {
	size_t span; /* index in the transaction's */
	int64_t from_ns, to_ns;
};

struct critical_path {
	struct critical_step *steps; /* the last one first; owned */
	size_t n, room;
	bool joined; /* spans of several workers, by their times alone */
};

/* 0 or -ENOMEM; critical_path_done in any case. A transaction without spans has no steps. */
int critical_path_find(const struct transaction *tx, struct critical_path *out);
void critical_path_done(struct critical_path *p);

#endif
