/* SPDX-License-Identifier: GPL-3.0-or-later */
/* query.c - see query.h */
#include "query/core/query.h"
#include "base/sql.h"
#include "base/text.h"
#include "render/fold.h"
#include "render/text.h"
#include "store/store.h"
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

volatile sig_atomic_t query_interrupted;

/* ---- what went wrong ---- */

void query_fail(struct query *q, enum status status, const char *format, ...)
{
	va_list ap;

	if (q->status)
		return;
	q->status = status;
	va_start(ap, format);
	if (vasprintf(&q->error, format, ap) < 0)
		q->error = NULL;
	va_end(ap);
}

void query_stop(struct query *q, enum status status)
{
	if (!q->status)
		q->status = status;
}

bool query_ok(struct query *q, int rc, const char *what)
{
	switch (rc < 0 ? -rc : 0) {
	case 0:
		break;
	case EINTR:
		query_stop(q, INTERRUPTED);
		break;
	case EPIPE:
		query_stop(q, ENOUGH);
		break;
	case EBADMSG:
		query_fail(q, DAMAGED, "%s: the database is damaged", what);
		break;
	case EPROTONOSUPPORT:
	case EMEDIUMTYPE:
		query_fail(q, DAMAGED, "%s: %s", what, strerror(-rc));
		break;
	case ENOENT:
	case EACCES:
	case EINVAL:
	case EISDIR:
	case ENOTDIR:
		query_fail(q, USAGE, "%s: %s", what, strerror(-rc));
		break;
	default:
		query_fail(q, SYSTEM, "%s: %s", what, strerror(-rc));
	}
	return !q->status;
}

bool query_wrote(struct query *q, int rc)
{
	return query_ok(q, rc, rc == -EBADMSG ? q->path : q->writes ? q->writes : "output");
}

int64_t query_number(struct query *q, const char *sql, int64_t id)
{
	int64_t n = 0;

	if (q->status)
		return 0;
	return query_ok(q, sql_number_of(q->db, sql, id, &n), q->command) ? n : 0;
}

void query_sql_error(struct query *q)
{
	const char *message = sqlite3_errmsg(q->db);
	char *cause;

	switch (sqlite3_errcode(q->db) & 0xff) {
	case SQLITE_INTERRUPT:
		query_stop(q, INTERRUPTED);
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_FORMAT:
		query_fail(q, DAMAGED, "%s: %s", q->path, message);
		break;
	case SQLITE_NOMEM:
	case SQLITE_FULL:
	case SQLITE_IOERR:
		cause = store_cause(q->db, 0);
		query_fail(q, SYSTEM, "%s: %s", q->path, cause ? cause : message);
		free(cause);
		break;
	case SQLITE_READONLY:
		query_fail(q, USAGE, "%s (--write allows it)", message);
		break;
	case SQLITE_OK: /* the statement failed, and the connection knows of nothing */
	case SQLITE_ROW:
	case SQLITE_DONE:
		query_fail(q, SYSTEM, "%s: SQLite failed and does not say why", q->path);
		break;
	default:
		query_fail(q, USAGE, "%s", message);
	}
}

enum status query_exit(const struct query *q)
{
	if (q->status && q->status != ENOUGH)
		return q->status;
	return q->alarm ? FINDINGS : DONE;
}

void query_note(const struct query *q, const char *format, ...)
{
	struct text t = {0}, lines = {0};
	char *said;
	va_list ap;

	if (q->quiet)
		return;
	if (q->out && q->out->file) /* where both go to one place, a note stands between lines */
		fflush(q->out->file);
	va_start(ap, format);
	if (vasprintf(&said, format, ap) >= 0) {
		text_printf(&t, "ilu-logq: %s", said);
		text_add_folded(&lines, text_str(&t), t.len, q->out ? q->out->width : 0, 2);
		fprintf(stderr, "%s\n", text_str(&lines));
		free(said);
	}
	text_done(&lines);
	text_done(&t);
	va_end(ap);
}

/* ---- statements ---- */

void query_renew(struct query *q)
{
	sqlite3_exec(q->db, "COMMIT; BEGIN", NULL, NULL, NULL);
	query_ok(q, store_refresh(q->store), q->path);
}

sqlite3_stmt *query_prepare(struct query *q, const char *sql)
{
	sqlite3_stmt *stmt = NULL;

	if (q->status || !sql_prepare(q->db, sql, &stmt))
		return stmt;
	if ((sqlite3_errcode(q->db) & 0xff) == SQLITE_ERROR) /* it is ours: the tables are at fault */
		query_fail(q, DAMAGED, "%s: the database is damaged: %s", q->path, sqlite3_errmsg(q->db));
	else
		query_sql_error(q);
	return NULL;
}

bool query_next(struct query *q, sqlite3_stmt *stmt)
{
	int rc;

	if (q->status || !stmt)
		return false;
	rc = query_interrupted ? SQLITE_INTERRUPT : sqlite3_step(stmt);
	if (rc == SQLITE_INTERRUPT)
		query_stop(q, INTERRUPTED);
	else if (rc != SQLITE_ROW && rc != SQLITE_DONE)
		query_sql_error(q);
	return rc == SQLITE_ROW;
}

/* SQLite gives no bytes of a value that has some where there is no memory for them. */
static struct cell cell_of_value(struct query *q, const void *bytes, int n)
{
	if (!bytes && n) {
		query_wrote(q, -ENOMEM);
		return CELL_OF_NULL;
	}
	return cell_of_bytes(bytes, (size_t)n);
}

struct cell query_cell(struct query *q, sqlite3_stmt *stmt, int i)
{
	const void *bytes;
	struct cell c;
	int n;

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		return CELL_OF_INT(sqlite3_column_int64(stmt, i));
	case SQLITE_FLOAT:
		return CELL_OF_REAL(sqlite3_column_double(stmt, i));
	case SQLITE_TEXT:
		/* as text it would get a NUL behind it, for which a text of the tables is copied */
		bytes = sqlite3_column_blob(stmt, i);
		n = sqlite3_column_bytes(stmt, i);
		return cell_of_value(q, n ? bytes : "", n);
	case SQLITE_BLOB:
		bytes = sqlite3_column_blob(stmt, i);
		c = cell_of_value(q, bytes, sqlite3_column_bytes(stmt, i));
		c.type = c.type == CELL_NULL ? CELL_NULL : CELL_BLOB;
		return c;
	default:
		return CELL_OF_NULL;
	}
}

/* ---- tables ---- */

/* A name in --columns that is none of these. */
static void check_columns(struct query *q, const struct column *columns, size_t n)
{
	const char *list = q->out->columns;

	while (list && *list && strcmp(list, "all") && !q->status) {
		size_t len = strcspn(list, ",");

		if (column_find(columns, n, list, len) == n)
			query_no_column(q, "--columns", list, len, &(struct column_set){columns, n, sizeof *columns});
		list += len + (list[len] == ',');
	}
}

struct table *query_table_open(struct query *q, const struct column *columns, size_t n)
{
	struct table *t = NULL;

	check_columns(q, columns, n);
	if (!q->status)
		query_wrote(q, table_open(q->out, columns, n, &t));
	return t;
}

bool query_table_row(struct query *q, struct table *t, const struct cell *cells)
{
	if (q->status || table_rows(t) >= q->rows_most)
		return false;
	return query_wrote(q, table_row(t, cells));
}

bool query_no_requests(struct query *q)
{
	bool none = !query_number(
	    q, "SELECT count(*) FROM (SELECT 1 FROM invocation_kind WHERE ?1 IN (0, run) LIMIT 1)", query_run(q));

	if (none && !q->status)
		query_note(q, "no requests: no rules know of one in these lines");
	return none && !q->status;
}

static bool is_one_of(const char *const *names, size_t n, const char *name)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* A table without rows looks the same where a name is spelled wrong and where nothing came to pass. What else chose its
 * rows is said too: each by itself may have some. */
static void say_none_fits(const struct query *q)
{
	static const char *const names[] = {"function", "fqdn", "worker", "status", "state"}, *const beside[] = {
	                                                                                          "inside", "where",
	                                                                                          "run", "at", "every"};
	const struct args *a = q->args;
	struct text t = {0};
	bool named = false;

	for (size_t i = 0; i < a->noptions; i++) {
		const struct option *o = &a->options[i];
		bool is_name = is_one_of(names, sizeof names / sizeof *names, o->spec->name);

		if (o->value != args_value(a, o->spec->name) ||
		    (!is_name && !is_one_of(beside, sizeof beside / sizeof *beside, o->spec->name)))
			continue;
		named |= is_name;
		text_printf(&t, " --%s ", o->spec->name);
		text_add_terminal(&t, o->value, strlen(o->value));
	}
	if (named && !t.failed && q->rows_most)
		query_note(q, "no row is of%s", text_str(&t));
	text_done(&t);
}

void query_table_close(struct query *q, struct table *t)
{
	bool empty = !q->status && t && !table_rows(t),
	     none = empty && q->of_requests && q->out->format == FORMAT_TEXT && query_no_requests(q);

	if (q->status || none)
		table_cancel(t);
	query_wrote(q, table_close(t));
	if (empty && !none && !q->status && q->args)
		say_none_fits(q);
}

void query_table(struct query *q, sqlite3_stmt *stmt, const struct column *columns)
{
	int n = stmt ? sqlite3_column_count(stmt) : 0;
	struct column *own = calloc((size_t)n + 1, sizeof *own);
	struct cell *cells = calloc((size_t)n + 1, sizeof *cells);
	struct table *t;

	query_wrote(q, own && cells ? 0 : -ENOMEM);
	for (int i = 0; i < n && own && !columns; i++)
		own[i].name = sqlite3_column_name(stmt, i);
	t = query_table_open(q, columns ? columns : own, (size_t)n);
	while (query_next(q, stmt)) {
		for (int i = 0; i < n; i++)
			cells[i] = query_cell(q, stmt, i);
		if (!query_table_row(q, t, cells))
			break;
	}
	query_table_close(q, t);
	free(own);
	free(cells);
}

void query_sql_table(struct query *q, const char *sql, const struct column *columns)
{
	sqlite3_stmt *stmt = query_prepare(q, sql);

	query_table(q, stmt, columns);
	sqlite3_finalize(stmt);
}

/* ---- runs ---- */

int64_t query_run(struct query *q)
{
	const char *word = args_value(q->args, "run");
	sqlite3_stmt *stmt;
	int64_t run = 0;

	if (!word)
		return 0;
	stmt = query_prepare(
	    q, "SELECT id FROM run WHERE CAST(id AS TEXT) = ?1 OR path = ?1 OR path LIKE '%/' || ?1 ORDER BY id");
	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	if (query_next(q, stmt))
		run = sqlite3_column_int64(stmt, 0);
	else
		query_fail(q, USAGE, "--run %s: no such run; `ilu-logq runs` lists them", word);
	sqlite3_finalize(stmt);
	return run;
}

int64_t query_offset(struct query *q, int64_t run)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT coalesce(offset_s, 0) FROM run WHERE id = ?1");
	int64_t offset_s;

	sqlite3_bind_int64(stmt, 1, run);
	offset_s = query_next(q, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return offset_s;
}

int64_t query_clock(struct query *q, int64_t run, int64_t ns)
{
	int64_t offset_s = 0;

	query_ok(q, q->store ? store_clock(q->store, run, ns, &offset_s) : 0, q->command);
	return offset_s;
}

bool query_inferred(struct query *q)
{
	int64_t there = 0;

	/* databases made before may lack the column */
	if (q->status ||
	    sql_number(q->db, "SELECT count(*) FROM pragma_table_info('run') WHERE name = 'rules'", &there) || !there)
		return false;
	return !sql_number(q->db, "SELECT count(*) FROM run WHERE rules = 'inferred'", &there) && there;
}
