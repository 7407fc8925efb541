/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.c - see ledger.h */
#include "mirror/ledger.h"
#include "remote/fetch.h"
#include <errno.h>

int ledger_run(sqlite3 *db, struct slice path, int64_t *id)
{
	sqlite3_stmt *st = NULL;
	int rc = 0;

	for (int i = 0; i < 2; i++) {
		rc = sql_prepare(db, "SELECT id FROM run WHERE path = ?1", &st);
		bind_slice(st, 1, path);
		if (!rc && (rc = sql_next(st)) == 1)
			*id = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
		if (rc)
			return rc < 0 ? rc : 0;
		rc = sql_prepare(db, "INSERT INTO run (path, kind) VALUES (?1, 'other')", &st);
		bind_slice(st, 1, path);
		rc = rc ? rc : sql_finish(st);
		if (rc)
			return rc;
	}
	return -EBADMSG;
}

int ledger_source_id(sqlite3 *db, int64_t run, struct slice path, int64_t *id)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT id FROM source WHERE run = ?1 AND path = ?2", &st);

	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, path);
	*id = 0;
	if (!rc && (rc = sql_next(st)) == 1) {
		*id = sqlite3_column_int64(st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

int ledger_reject(sqlite3 *db, const struct slice *v)
{
	sqlite3_stmt *st = NULL;
	int64_t run = 0, source = 0;
	int rc = ledger_run(db, v[0], &run);

	rc = rc ? rc : ledger_source_id(db, run, v[1], &source);
	if (rc || !source)
		return rc;
	rc = sql_prepare(db,
	                 "INSERT OR REPLACE INTO reject(source, line, offset, length, reason, sample) "
	                 "VALUES (?1, CAST(?2 AS INTEGER), CAST(?3 AS INTEGER), CAST(?4 AS INTEGER), ?5, ?6)",
	                 &st);
	sqlite3_bind_int64(st, 1, source);
	for (int i = 2; i < FETCH_REJECT_COLUMNS; i++)
		bind_slice(st, i, v[i]);
	return rc ? rc : sql_finish(st);
}
