/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gapped.h - the stretches between neighbouring lines of the invocations of a cluster, which the servers find. */
#ifndef MIRROR_GAPPED_H
#define MIRROR_GAPPED_H

#include "remote/cluster.h"
#include <sqlite3.h>

/* Writes table folded_gap, of a run (NONE: of all): for the same lines before and after one row or some,
 *
 *   after, after_span, before, before_span      what they say, as it is; of a line of a span the span's name, else NULL
 *   longest_ns, longest_run, longest_tid        the longest stretch; of several the first, by run and transaction
 *   first_run, first_tid, first_n               where the first one is: the transaction's n-th
 *   times                                       how long they are: an int64_t each; none: they stand for their texts
 *
 * Stretches of no length are not counted. *any: whether there are others. 0, or as http.h has it, with *why. */
int gapped_put(struct cluster *c, sqlite3 *db, struct slice run, bool *any, char **why);

#endif
