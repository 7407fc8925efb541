/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.c - see query.h */
#include "query/core/query.h"
#include "base/sql.h"
#include "store/store.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t query_interrupted;

int query_fail(struct query *q, int status, const char *format, ...)
{
	va_list ap;

	if (q->error)
		return status;
	va_start(ap, format);
	if (vasprintf(&q->error, format, ap) < 0)
		q->error = NULL;
	va_end(ap);
	return status;
}

int query_errno(struct query *q, int rc, const char *what)
{
	switch (rc) {
	case 0:
		return DONE;
	case -EINTR:
		return INTERRUPTED;
	case -EPIPE: /* whoever read our output has enough */
		return DONE;
	case -EBADMSG:
	case -EPROTONOSUPPORT:
	case -EMEDIUMTYPE:
		return query_fail(q, DAMAGED, "%s: %s", what,
		                  rc == -EBADMSG ? "the database is damaged" : strerror(-rc));
	case -ENOENT:
	case -EACCES:
	case -EINVAL:
	case -EISDIR:
	case -ENOTDIR:
		return query_fail(q, USAGE, "%s: %s", what, strerror(-rc));
	default:
		return query_fail(q, SYSTEM, "%s: %s", what, strerror(-rc));
	}
}

int query_sql_error(struct query *q)
{
	const char *message = sqlite3_errmsg(q->db);
	char *cause;

	switch (sqlite3_errcode(q->db) & 0xff) {
	case SQLITE_INTERRUPT:
		return INTERRUPTED;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		return query_fail(q, DAMAGED, "%s: %s", q->path, message);
	case SQLITE_NOMEM:
	case SQLITE_FULL:
	case SQLITE_IOERR:
		cause = store_cause(q->db, 0);
		query_fail(q, SYSTEM, "%s: %s", q->path, cause ? cause : message);
		free(cause);
		return SYSTEM;
	case SQLITE_READONLY:
		return query_fail(q, USAGE, "%s (--write allows it)", message);
	default:
		return query_fail(q, USAGE, "%s", message);
	}
}

void query_note(const struct query *q, const char *format, ...)
{
	va_list ap;

	if (q->quiet)
		return;
	va_start(ap, format);
	fputs("ilu-logq: ", stderr);
	vfprintf(stderr, format, ap);
	fputc('\n', stderr);
	va_end(ap);
}

void query_renew(struct query *q)
{
	sqlite3_exec(q->db, "COMMIT; BEGIN", NULL, NULL, NULL);
	store_refresh(q->store);
}

int query_prepare(struct query *q, const char *sql, sqlite3_stmt **stmt)
{
	return sql_prepare(q->db, sql, stmt) ? query_sql_error(q) : DONE;
}

int query_step(struct query *q, sqlite3_stmt *stmt)
{
	int rc = query_interrupted ? SQLITE_INTERRUPT : sqlite3_step(stmt);

	if (rc == SQLITE_INTERRUPT)
		return INTERRUPTED;
	return rc == SQLITE_ROW ? 1 : rc == SQLITE_DONE ? DONE : query_sql_error(q);
}

struct cell query_cell(sqlite3_stmt *stmt, int i)
{
	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return CELL_OF_INT(sqlite3_column_int64(stmt, i));
	case SQLITE_FLOAT:
		return CELL_OF_REAL(sqlite3_column_double(stmt, i));
	case SQLITE_TEXT:
		return cell_of_bytes((const char *)sqlite3_column_text(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));
	case SQLITE_BLOB: {
		struct cell c = cell_of_bytes(sqlite3_column_blob(stmt, i), (size_t)sqlite3_column_bytes(stmt, i));

		c.type = CELL_BLOB;
		return c;
	}
	default:
		return CELL_OF_NULL;
	}
}

static int put_rows(struct query *q, sqlite3_stmt *stmt, struct table *t, struct cell *cells, int n)
{
	int rc;

	while ((rc = query_step(q, stmt)) == 1) {
		for (int i = 0; i < n; i++)
			cells[i] = query_cell(stmt, i);
		rc = table_row(t, cells);
		if (rc)
			return query_errno(q, rc, "output");
	}
	return rc;
}

int query_table(struct query *q, sqlite3_stmt *stmt, const struct column *columns)
{
	int n = sqlite3_column_count(stmt);
	struct column *own = calloc((size_t)n + 1, sizeof *own);
	struct cell *cells = calloc((size_t)n + 1, sizeof *cells);
	struct table *t = NULL;
	int rc = own && cells ? 0 : -ENOMEM;
	int status;

	for (int i = 0; i < n && !rc && !columns; i++)
		own[i].name = sqlite3_column_name(stmt, i);
	if (!rc)
		rc = table_open(q->out, columns ? columns : own, (size_t)n, &t);
	status = rc ? query_errno(q, rc, "output") : put_rows(q, stmt, t, cells, n);
	if (status)
		table_cancel(t);
	rc = table_close(t);
	if (!status && rc)
		status = query_errno(q, rc, "output");
	free(own);
	free(cells);
	return status;
}

int query_sql_table(struct query *q, const char *sql, const struct column *columns)
{
	sqlite3_stmt *stmt = NULL;
	int status = query_prepare(q, sql, &stmt);

	if (!status)
		status = query_table(q, stmt, columns);
	sqlite3_finalize(stmt);
	return status;
}

int query_run(struct query *q, int64_t *run)
{
	const char *word = args_value(q->args, "run");
	sqlite3_stmt *stmt = NULL;
	int rc;

	*run = 0;
	if (!word)
		return DONE;
	rc = query_prepare(
	    q, "SELECT id FROM run WHERE CAST(id AS TEXT) = ?1 OR path = ?1 OR path LIKE '%/' || ?1 ORDER BY id",
	    &stmt);
	if (rc)
		return rc;
	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	rc = query_step(q, stmt);
	if (rc == 1) {
		*run = sqlite3_column_int64(stmt, 0);
		rc = DONE;
	} else if (!rc) {
		rc = query_fail(q, USAGE, "--run %s: no such run; `ilu-logq runs` lists them", word);
	}
	sqlite3_finalize(stmt);
	return rc;
}

int query_limit(struct query *q, int64_t fallback, int64_t *limit)
{
	const char *text = args_value(q->args, "limit");

	*limit = fallback;
	if (text && args_number(text, limit))
		return query_fail(q, USAGE, "--limit %s: not a number", text);
	return DONE;
}
