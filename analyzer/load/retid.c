/* SPDX-License-Identifier: GPL-3.0-or-later */
/* retid.c - a log in which no line names a transaction as others do: a field that does is looked for, and where one is
 * clear the load begins anew with it, as if --tid had said so. */
#include "base/sql.h"
#include "infer/tidfield.h"
#include "load/pass.h"

#include <errno.h>
#include <string.h>

/* Files can be read once more, pipes can't. */
static bool can_repeat(const struct pass *p)
{
	for (size_t i = 0; i < p->found.ninputs; i++)
		if (p->found.inputs[i].file_bytes < 0)
			return false;
	return true;
}

static bool is_wanted(const struct pass *p)
{
	return !p->o->roles[ROLE_TID] && !p->o->no_tids && !p->again && p->lines && place_set_is_empty(p->places);
}

/* What was found of a run is kept, for lines that are added to it. A database has the table only where something was.
 */
int pass_tid_kept(struct pass *p, char **paths)
{
	sqlite3 *db = store_db(p->store);
	sqlite3_stmt *q;
	bool there = false;
	int rc = sql_has_table(db, "run_tid", &there);

	if (rc || !there || p->o->roles[ROLE_TID] || p->o->no_tids || p->found.nruns != 1)
		return rc;
	if ((rc = sql_prepare(db, "SELECT paths FROM run_tid WHERE run = ?", &q)))
		return rc;
	bind_word(q, 1, p->found.runs[0].real);
	if ((rc = sql_next(q)) == 1) {
		*paths = strndup(column_slice(q, 0).ptr, column_slice(q, 0).len);
		rc = *paths ? -ERESTART : -ENOMEM;
	}
	sqlite3_finalize(q);
	return rc;
}

/* Runs whose lines can't be parsed anew without what --tid said. */
static int given_keep(struct pass *p)
{
	sqlite3 *db = store_db(p->store);
	sqlite3_stmt *q;
	int rc;

	if (!p->o->roles[ROLE_TID] || !p->lines)
		return 0;
	rc = sql_exec_all(db, "CREATE TABLE IF NOT EXISTS tid_given(run INTEGER PRIMARY KEY, paths TEXT NOT NULL)");
	if (rc || (rc = sql_prepare(db, "INSERT OR REPLACE INTO tid_given(run, paths) VALUES(?, ?)", &q)))
		return rc;
	for (size_t i = 0; i < p->found.nruns && !rc; i++) {
		if (!p->run_ids[i])
			continue;
		sqlite3_bind_int64(q, 1, p->run_ids[i]);
		bind_word(q, 2, p->o->roles[ROLE_TID]);
		rc = sql_next(q);
		sqlite3_reset(q);
	}
	sqlite3_finalize(q);
	return rc < 0 ? rc : 0;
}

int pass_tid_keep(struct pass *p)
{
	sqlite3 *db = store_db(p->store);
	sqlite3_stmt *q;
	int rc = given_keep(p);

	if (rc)
		return rc;
	if (!p->tid_found || p->found.nruns != 1)
		return 0;
	rc = sql_exec_all(
	    db, "CREATE TABLE IF NOT EXISTS run_tid(run TEXT PRIMARY KEY, paths TEXT NOT NULL) WITHOUT ROWID");
	if (rc || (rc = sql_prepare(db, "INSERT OR REPLACE INTO run_tid(run, paths) VALUES(?, ?)", &q)))
		return rc;
	bind_word(q, 1, p->found.runs[0].real);
	bind_word(q, 2, p->o->roles[ROLE_TID]);
	return sql_finish(q);
}

int pass_tid_find(struct pass *p, char **paths)
{
	struct tidfield found;
	int rc;

	if (!is_wanted(p))
		return 0;
	if ((rc = store_refresh(p->store)))
		return rc;
	rc = tidfield_find(p->store, p->found.nruns == 1 ? p->run_ids[0] : 0, &found);
	if (!rc && found.n && found.paths && can_repeat(p)) {
		say_note(p, "%s; taken, as by --tid", found.why);
		*paths = found.paths;
		found.paths = NULL;
		rc = -ERESTART;
	} else if (!rc && found.paths) {
		say_note(p, "no line names a transaction; this can't be read again: load it with --tid %s",
		         found.paths);
	} else if (!rc && found.n) {
		say_note(p, "%s", found.why);
	}
	tidfield_done(&found);
	return rc;
}
