/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leveled.h - how many lines of a cluster there are over time, which the servers count. */
#ifndef MIRROR_LEVELED_H
#define MIRROR_LEVELED_H

#include "remote/cluster.h"
#include <sqlite3.h>

/* Writes table folded_lines(run, level, time_ns, n), of all runs that have lines: of one with more than LEVELED_EXACT
 * by the second, which time_ns begins; level '': none. 0, or as http.h has it, with *why. */
enum { LEVELED_EXACT = 300000 };
int leveled_put(struct cluster *c, sqlite3 *db, char **why);

#endif
