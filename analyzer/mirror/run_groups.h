/* SPDX-License-Identifier: GPL-3.0-or-later */
/* run_groups.h - the runs of a cluster in groups of a few partitions: of a table that is read with FINAL a server
 * merges all partitions of a statement at once, and has memory for each column of each of them. */
#ifndef MIRROR_RUN_GROUPS_H
#define MIRROR_RUN_GROUPS_H

#include "base/arena.h"
#include "remote/cluster.h"

/* Zero-initialise: one group, of all runs. */
struct run_groups {
	struct arena texts;
	struct slice *end; /* the last run of each, but for the last group, in order */
	size_t n, room;    /* ends */
};

/* By what was folded. 0, or as http.h has it, with *why. */
int run_groups_of(struct cluster *c, struct run_groups *out, char **why);
void run_groups_done(struct run_groups *s);

/* Adds ` WHERE ...` for group i of 0..n; nothing where it is all. */
void run_groups_where(const struct run_groups *s, size_t i, struct text *sql);

#endif
