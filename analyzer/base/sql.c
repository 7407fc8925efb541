/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.c - SQLite with our errors: prepare, bind, step, read. */
#include "base/sql.h"
#include <errno.h>

int sql_errno(int rc)
{
	if (rc == SQLITE_IOERR_NOMEM)
		return -ENOMEM;
	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_IOERR:
		return -EIO;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_INTERRUPT:
		return -EINTR;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_AUTH:
		return -EACCES;
	case SQLITE_CANTOPEN:
		return -ENOENT;
	case SQLITE_NOTADB:
		return -EMEDIUMTYPE;
	case SQLITE_CORRUPT:
		return -EBADMSG;
	default:
		return -EINVAL;
	}
}

/* Of a statement of ours, that fits the tables as they were made. */
static int prepared(int rc)
{
	return (rc & 0xff) == SQLITE_ERROR ? -EBADMSG : sql_errno(rc);
}

int sql_prepare(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return prepared(sqlite3_prepare_v2(db, sql, -1, out, NULL));
}

int sql_prepare_kept(sqlite3 *db, const char *sql, sqlite3_stmt **out)
{
	return prepared(sqlite3_prepare_v3(db, sql, -1, SQLITE_PREPARE_PERSISTENT, out, NULL));
}

int sql_prepare_first(sqlite3 *db, const char *sql, sqlite3_stmt **out, const char **rest)
{
	return sql_errno(sqlite3_prepare_v2(db, sql, -1, out, rest));
}

int sql_next(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	return rc == SQLITE_ROW ? 1 : sql_errno(rc);
}

int sql_step_reset(sqlite3_stmt *st)
{
	int rc = sql_errno(sqlite3_step(st));

	sqlite3_reset(st);
	return rc;
}

static int first_number(sqlite3_stmt *st, int64_t *out)
{
	int rc = sql_next(st);

	if (rc == 1)
		*out = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == 1 ? 0 : rc ? rc : -ENOENT;
}

int sql_number(sqlite3 *db, const char *sql, int64_t *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st);

	return rc ? rc : first_number(st, out);
}

int sql_number_of(sqlite3 *db, const char *sql, int64_t id, int64_t *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, id);
	return first_number(st, out);
}

int sql_finish(sqlite3_stmt *st)
{
	int rc = sql_errno(sqlite3_step(st));

	sqlite3_finalize(st);
	return rc;
}

int sql_exec_all(sqlite3 *db, const char *sql)
{
	return sql_errno(sqlite3_exec(db, sql, NULL, NULL, NULL));
}

void bind_slice(sqlite3_stmt *st, int i, struct slice v)
{
	if (v.ptr)
		sqlite3_bind_text64(st, i, v.ptr, v.len, SQLITE_STATIC, SQLITE_UTF8);
	else
		sqlite3_bind_null(st, i);
}

void bind_word(sqlite3_stmt *st, int i, const char *v)
{
	if (v)
		sqlite3_bind_text(st, i, v, -1, SQLITE_STATIC);
	else
		sqlite3_bind_null(st, i);
}

void bind_ns(sqlite3_stmt *st, int i, int64_t v)
{
	if (v != NO_NS)
		sqlite3_bind_int64(st, i, v);
	else
		sqlite3_bind_null(st, i);
}

void bind_real(sqlite3_stmt *st, int i, double v)
{
	sqlite3_bind_double(st, i, v); /* NaN becomes NULL */
}

struct slice column_slice(sqlite3_stmt *st, int i)
{
	const char *p = (const char *)sqlite3_column_text(st, i);

	return p ? (struct slice){p, (size_t)sqlite3_column_bytes(st, i)} : SLICE_NONE;
}

int64_t column_ns(sqlite3_stmt *st, int i)
{
	return sqlite3_column_type(st, i) == SQLITE_NULL ? NO_NS : sqlite3_column_int64(st, i);
}
