/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.h - rows of the model's tables. Errors are sqlite's, as negative errno (sql_errno). */
#ifndef TABLES_WRITE_H
#define TABLES_WRITE_H

#include "base/sql.h"
#include "tables/kind.h"

struct writer {
	sqlite3 *db;
	sqlite3_stmt *invocation, *attempt, *moment, *nested, *lock, *batch, *place, *add_place, *function;
	struct kinds kinds;
	bool many_runs;
	int64_t *owner, nowners; /* by place.id: the run that has it, 0 none yet */
	int64_t last_place;      /* highest place.id, 0: not asked for yet */
};

/* A container held by a transaction; n from 0 among those of one transaction (place 0: of none). */
struct lock {
	int64_t place, run, n, from_ns, to_ns;
	struct slice container_id, worker;
};

/* many_runs: the same transaction may be in several, and has a row in table place for each then. */
int writer_open(struct writer *w, sqlite3 *db, bool many_runs);
void writer_close(struct writer *w);
/* place.id of a run's transaction, which gets a row there if need be; 0 without tid. */
int writer_place(struct writer *w, int64_t run, struct slice tid, int64_t *out);
/* The row of an invocation and those of its attempts; o->place is known, o->kind is set. */
int write_invocation(struct writer *w, struct invocation *o);
int write_lock(struct writer *w, const struct lock *l);
int write_batch(struct writer *w, int64_t run, struct slice worker, struct slice function_name, int64_t start_ns,
                int64_t len);
/* Gives an invocation that was written with a kind the function that the trace names. */
int write_function(struct writer *w, int64_t place, uint32_t kind, struct slice function_name);
/* The kinds, after the last row. */
int writer_finish(struct writer *w);

#endif
