/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.c - any SQL over the database, values as they are.
 *
 * Several statements may follow each other; each that has columns gives a table, and tables are parted by an empty
 * line. The database is opened for reading: a statement that writes fails, unless --write was given. */
#include "base/sql.h"
#include "query/commands/commands.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int read_all(struct query *q, FILE *in, struct text *sql)
{
	char buf[8192];
	size_t n;

	while ((n = fread(buf, 1, sizeof buf, in)) > 0)
		text_add(sql, buf, n);
	if (ferror(in))
		return query_errno(q, -errno, "standard input");
	return sql->failed ? query_errno(q, -ENOMEM, "standard input") : DONE;
}

/* Where in the text the statement that failed stands, so that a long script can be mended. */
static int say_where(struct query *q, const char *all, const char *rest)
{
	int line = 1;
	int status = query_sql_error(q);
	char *cause = q->error;

	for (const char *p = all; p < rest; p++)
		line += *p == '\n';
	if (line > 1 && cause) {
		q->error = NULL;
		query_fail(q, status, "line %d of the SQL: %s", line, cause);
		free(cause);
	}
	return status;
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

static int run_all(struct query *q, const char *sql)
{
	const char *rest = sql;
	int status = DONE, tables = 0;

	while (!status && *rest) {
		sqlite3_stmt *stmt = NULL;
		const char *from = rest + strspn(rest, " \t\r\n");

		if (sql_prepare_first(q->db, from, &stmt, &rest))
			return say_where(q, sql, from);
		if (!stmt)
			continue;
		if (sqlite3_column_count(stmt)) {
			if (tables++)
				fputc('\n', q->out->file);
			status = query_table(q, stmt, NULL);
		} else {
			status = query_step(q, stmt);
		}
		sqlite3_finalize(stmt);
		note_texts(q);
	}
	return status;
}

int cmd_sql(struct query *q)
{
	struct text sql = {0};
	int status = DONE;

	for (size_t i = 0; i < q->args->nwords; i++) {
		text_puts(&sql, q->args->words[i]);
		text_puts(&sql, i + 1 < q->args->nwords ? ";\n" : "");
	}
	if (!q->args->nwords)
		status = read_all(q, stdin, &sql);
	if (!status && sql.failed)
		status = query_errno(q, -ENOMEM, "sql");
	if (!status)
		status = run_all(q, text_str(&sql));
	text_done(&sql);
	return status;
}
