/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.h - runs, sources and rejects of a cluster as rows here. All return 0 or a negative errno. */
#ifndef MIRROR_LEDGER_H
#define MIRROR_LEDGER_H

#include "base/sql.h"

/* run.id of a path; it is made if need be. */
int ledger_run(sqlite3 *db, struct slice path, int64_t *id);
/* source.id; 0: there is none. */
int ledger_source_id(sqlite3 *db, int64_t run, struct slice path, int64_t *id);

/* FETCH_REJECT_COLUMNS values; its source is there, or it is passed over. */
int ledger_reject(sqlite3 *db, const struct slice *v);

#endif
