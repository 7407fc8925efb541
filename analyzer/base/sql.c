/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.c - SQLite with our errors: prepare, bind, step, read. */
#include "base/sql.h"
#include "base/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
	case SQLITE_CONSTRAINT: /* ours give the tables nothing that these do not take, as they were made */
	case SQLITE_MISMATCH:
		return -EBADMSG;
	default:
		return -EINVAL;
	}
}

int sql_code(int rc)
{
	switch (-rc) {
	case 0:
		return SQLITE_OK;
	case ENOMEM:
		return SQLITE_NOMEM;
	case EBADMSG:
		return SQLITE_CORRUPT;
	case EINTR:
		return SQLITE_INTERRUPT;
	case EBUSY:
		return SQLITE_BUSY;
	case ENOSPC:
		return SQLITE_FULL;
	case EINVAL: /* what was asked */
	case EDOM:
	case ERANGE:
		return SQLITE_ERROR;
	default:
		return SQLITE_IOERR;
	}
}

void sql_result_fail(sqlite3_context *ctx, int rc, const char *message)
{
	sqlite3_result_error(ctx, message, -1);
	sqlite3_result_error_code(ctx, sql_code(rc));
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

int sql_bind_value(sqlite3_stmt *st, int at, sqlite3_value *value)
{
	return value ? sql_errno(sqlite3_bind_value(st, at, value)) : 0;
}

int sql_next(sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	return rc == SQLITE_ROW ? 1 : sql_errno(rc);
}

int sql_has_table(sqlite3 *db, const char *name, bool *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?1", &st);

	if (rc)
		return rc;
	bind_word(st, 1, name);
	rc = sql_next(st);
	*out = rc == 1;
	sqlite3_finalize(st);
	return rc < 0 ? rc : 0;
}

int sql_has_tables(sqlite3 *db, const char *const *names, bool *out)
{
	bool there = true;
	int rc = 0;

	for (; !rc && there && *names; names++)
		rc = sql_has_table(db, *names, &there);
	*out = !rc && there;
	return rc;
}

int sql_integrity(sqlite3 *db, int most, void (*each)(void *arg, const char *text), void *arg)
{
	sqlite3_stmt *q;
	char sql[64];
	int rc;

	snprintf(sql, sizeof sql, "PRAGMA integrity_check(%d)", most);
	rc = sql_prepare(db, sql, &q);
	if (rc)
		return rc;
	while ((rc = sql_next(q)) == 1) {
		const char *text = (const char *)sqlite3_column_text(q, 0);

		if (!text) {
			rc = -ENOMEM;
			break;
		}
		if (strcmp(text, "ok"))
			each(arg, text);
	}
	sqlite3_finalize(q);
	return rc;
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
	return prepared(sqlite3_exec(db, sql, NULL, NULL, NULL));
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

/* ---- what a statement does ---- */

bool instruction_is(const struct instruction *i, const char *op)
{
	return !strcmp(i->op, op);
}

/* Jumps go by number: those of a trigger, which has numbers of its own, are not told apart. */
static int instruction_add(struct program *p, sqlite3_stmt *row)
{
	const char *op = (const char *)sqlite3_column_text(row, 1), *text = (const char *)sqlite3_column_text(row, 5);
	struct instruction *i;

	if (!op || p->n == PROGRAM_MAX || sqlite3_column_int64(row, 0) != (sqlite3_int64)p->n)
		return -E2BIG;
	i = array_add(p->v, p->n, p->room);
	if (!i)
		return -ENOMEM;
	*i = (struct instruction){.p1 = sqlite3_column_int(row, 2),
	                          .p2 = sqlite3_column_int(row, 3),
	                          .p3 = sqlite3_column_int(row, 4),
	                          .p5 = sqlite3_column_int(row, 6)};
	snprintf(i->op, sizeof i->op, "%s", op);
	i->text = text ? strdup(text) : NULL;
	return text && !i->text ? -ENOMEM : 0;
}

int program_read(sqlite3 *db, const char *sql, struct program *out)
{
	char *explain = sqlite3_mprintf("EXPLAIN %s", sql);
	sqlite3_stmt *stmt = NULL;
	struct program p = {0};
	int rc = explain ? sql_prepare(db, explain, &stmt) : -ENOMEM;

	while (!rc && (rc = sql_next(stmt)) == 1)
		rc = instruction_add(&p, stmt);
	sqlite3_finalize(stmt);
	sqlite3_free(explain);
	if (rc)
		program_done(&p);
	else
		*out = p;
	return rc;
}

void program_done(struct program *p)
{
	while (p->n)
		free(p->v[--p->n].text);
	free(p->v);
	*p = (struct program){0};
}
