/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.c - any SQL over the database, values as they are.
 *
 * Several statements may follow each other; each that has columns gives a table, and tables are parted by an empty
 * line. The database is opened for reading: a statement that writes fails, unless --write was given. */
#include "base/sql.h"
#include "query/core/sql_error.h"
#include "query/commands/sql_scan.h"
#include "query/core/command.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Where in the text the statement that failed stands, so that a long script can be mended. */
static void say_where(struct query *q, const char *all, const char *rest)
{
	char *cause = q->error;
	int line = 1;

	for (const char *p = all; p < rest; p++)
		line += *p == '\n';
	if (line == 1 || !cause)
		return;
	if (asprintf(&q->error, "line %d of the SQL: %s", line, cause) < 0)
		q->error = cause;
	else
		free(cause);
}

/* A sum over "830ms" is a sum of what SQLite reads of it: said, since it is rarely meant. */
static void note_texts(struct query *q)
{
	const char *function, *first;
	struct text safe = {0};
	int64_t n;

	if (!store_sums_texts(q->store, &n, &function, &first))
		return;
	text_add_terminal(&safe, first, strlen(first));
	query_note(q,
	           "%s() met %lld text%s that %s no number, first \"%s\", and took the digits in front; "
	           "duration_ns(text) reads durations",
	           function, (long long)n, n == 1 ? "" : "s", n == 1 ? "is" : "are", text_str(&safe));
	text_done(&safe);
}

/* What a statement does, as SQLite tells while it prepares it. */
struct deeds {
	bool known;        /* it changes rows (SQLite's own too), or says a pragma */
	bool event, other; /* it reads the table `event`, another */
};

static int note_deed(void *arg, int action, const char *a, const char *b, const char *database, const char *trigger)
{
	struct deeds *d = arg;

	(void)b, (void)database, (void)trigger;
	d->known |= action == SQLITE_INSERT || action == SQLITE_UPDATE || action == SQLITE_DELETE ||
	            action == SQLITE_PRAGMA || action == SQLITE_TRANSACTION || action == SQLITE_REINDEX;
	/* of the others the table `event` itself reads some, when it is met */
	if (action == SQLITE_READ && a && sqlite3_strnicmp(a, "sqlite_", 7) && sqlite3_stricmp(a, "chunk"))
		*(sqlite3_stricmp(a, "event") ? &d->other : &d->event) = true;
	return SQLITE_OK;
}

/* Also in a view that somebody made; ours has none with a condition on lines. */
static bool may_left_join(struct query *q, const char *sql)
{
	int64_t views = 0;

	if (strcasestr(sql, "left"))
		return true;
	return sql_number(
	           q->db,
	           "SELECT count(*) FROM (SELECT name, sql FROM sqlite_schema WHERE name <> 'invocation' UNION ALL "
	           "SELECT name, sql FROM sqlite_temp_schema) WHERE sql LIKE '%left%'",
	           &views) ||
	       views;
}

/* A parameter is NULL unless somebody binds it, and nobody does: mostly it was the shell's $name in single quotes. */
static void refuse_parameter(struct query *q, sqlite3_stmt *stmt)
{
	const char *name;

	if (!stmt || !sqlite3_bind_parameter_count(stmt) || sqlite3_stmt_isexplain(stmt))
		return;
	name = sqlite3_bind_parameter_name(stmt, sqlite3_bind_parameter_count(stmt));
	query_fail(q, USAGE, "%s is a parameter, and nothing gives it a value", name ? name : "?");
}

/* The database is opened for reading, so SQLite itself refuses to change it, and temporary tables are nobody's
 * business. But VACUUM INTO writes another file, which SQLite finds right: it is what neither reads nor changes rows.
 */
static sqlite3_stmt *prepare_first(struct query *q, const char *sql, const char **rest, bool *only_event)
{
	sqlite3_stmt *stmt = NULL;
	struct deeds deeds = {0};
	int offset = -1;

	store_left_joins(q->store, may_left_join(q, sql));
	sqlite3_set_authorizer(q->db, note_deed, &deeds);
	if (sql_prepare_first(q->db, sql, &stmt, rest)) {
		offset = sqlite3_error_offset(q->db);
		query_sql_error(q);
	}
	sqlite3_set_authorizer(q->db, NULL, NULL);
	if (q->status)
		sql_error_explain(q, sql, offset);
	*only_event = deeds.event && !deeds.other;
	if (stmt && !deeds.known && !sqlite3_stmt_readonly(stmt) && !sqlite3_stmt_isexplain(stmt) &&
	    !args_has(q->args, "write"))
		query_fail(q, USAGE, "VACUUM writes a file (--write allows it)");
	if (!q->status)
		refuse_parameter(q, stmt);
	return stmt;
}

/* Where all rows and columns are asked for: as they are. */
static bool takes_all(const struct query *q)
{
	return q->out->format == FORMAT_CSV && !q->out->columns && q->rows_most == INT64_MAX;
}

static void answer(struct query *q, sqlite3_stmt *stmt, bool only_event)
{
	enum event_column columns[SQL_SCAN_COLUMNS];
	size_t n = takes_all(q) ? sql_scan_of(stmt, only_event, columns) : 0;

	if (n)
		sql_scan_csv(q, stmt, columns, n);
	else
		query_table(q, stmt, NULL);
}

static void run_all(struct query *q, const char *sql)
{
	const char *rest = sql;
	int tables = 0;

	while (!q->status && *rest) {
		const char *from = rest + strspn(rest, " \t\r\n");
		bool only_event;
		sqlite3_stmt *stmt = prepare_first(q, from, &rest, &only_event);

		if (q->status) {
			say_where(q, sql, from);
		} else if (stmt && sqlite3_column_count(stmt)) {
			if (tables++)
				fputc('\n', q->out->file);
			answer(q, stmt, only_event);
		} else {
			query_next(q, stmt);
		}
		sqlite3_finalize(stmt);
		if (stmt)
			note_texts(q);
	}
}

static void run(struct query *q)
{
	struct text sql = {0};

	for (size_t i = 0; i < q->args->nwords; i++) {
		text_puts(&sql, q->args->words[i]);
		text_puts(&sql, i + 1 < q->args->nwords ? ";\n" : "");
	}
	if (!q->args->nwords)
		query_ok(q, text_add_stream(&sql, stdin, SIZE_MAX), "standard input");
	query_ok(q, sql.failed ? -ENOMEM : 0, q->command);
	run_all(q, text_str(&sql));
	text_done(&sql);
}

static const struct option_spec options[] = {
    {.name = "write", .help = "let statements change the database"},
    {0},
};

const struct command command_sql = {
    .name = "sql",
    .group = GROUP_LINES,
    .words = "'SELECT ...'",
    .most = ANY_NUMBER,
    .hint = HINT_SQL,
    .help = "run SQL; values as they are",
    .more =
        "Any SQLite. Several statements may follow each other, parted by ';'. Without a word, reads them from standard "
        "input. The\n"
        "tables and their columns: invocation, attempt, phase, span, event, run, source, reject, function, container, "
        "lock, batch,\n"
        "pattern, series, histogram, quantiles. field(event, 'NAME') reads a field of an event's line; WHERE "
        "has(event, "
        "'NAME=VALUE') and WHERE event\n"
        "MATCH 'TEXT' choose lines without reading the others; p50, p90, p95, p99 and quantile(x, q) are aggregates.",
    .examples =
        "sql 'SELECT status, count(*) FROM invocation GROUP BY 1'\n"
        "--format csv sql \"SELECT time_ns, field(event, 'queue_len') FROM event WHERE message = 'Item enqueued'\"\n"
        "sql \"SELECT level, start_ns, lines FROM histogram\"",
    .options = options,
    .need = NEED_READ,
    .run = run,
};
