/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_read.h - the phases of one invocation after another, from `invocation` and `attempt` or their rows. */
#ifndef TABLES_PHASE_READ_H
#define TABLES_PHASE_READ_H

#include "tables/invocation_read.h"
#include <sqlite3.h>

/* The first columns of a statement that gives the invocations; it ends with PHASE_ORDER. */
#define PHASE_COLUMNS "run, tid, sent_ns, controller_ns, dispatched_ns, arrived_ns, end_ns, return_ns, status"
#define PHASE_ORDER   " ORDER BY run, tid"

struct phase_reader;

/* Of the invocations that a statement gives, which is the caller's and not yet stepped. tid, run: the only ones it
 * gives, so that no other attempts are read; NULL: all. */
int phase_reader_open(sqlite3 *db, sqlite3_stmt *invocations, sqlite3_value *tid, sqlite3_value *run,
                      struct phase_reader **out);
/* 1: *out has the phases of the invocation on which the statement stands, until the next call; 0: no more; or a
 * negative errno. */
int phase_reader_next(struct phase_reader *r, const struct phases **out);
/* The phases of all invocations with places from first to last, in that order: phase_reader_next, and the invocation
 * that they are of. */
int phase_reader_open_places(sqlite3 *db, int64_t first, int64_t last, struct phase_reader **out);
const struct invocation_read *phase_reader_at(const struct phase_reader *r);
void phase_reader_close(struct phase_reader *r);

#endif
