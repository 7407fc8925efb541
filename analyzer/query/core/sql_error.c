/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql_error.c - see sql_error.h */
#include "query/core/sql_error.h"
#include "base/array.h"
#include "base/sql.h"
#include "query/core/suggest.h"
#include "render/text.h"
#include <stdlib.h>
#include <string.h>

/* Names that a query gives. */
struct names {
	char **v;
	size_t n, room;
};

static void gather(sqlite3 *db, const char *query, const char *statement, struct names *names)
{
	sqlite3_stmt *st = NULL;

	if (sql_prepare(db, query, &st))
		return;
	if (sqlite3_bind_parameter_count(st))
		sqlite3_bind_text(st, 1, statement, -1, SQLITE_STATIC);
	while (sqlite3_step(st) == SQLITE_ROW) {
		const char *name = (const char *)sqlite3_column_text(st, 0);
		char **place = name ? array_add(names->v, names->n, names->room) : NULL;

		if (place && !(*place = strdup(name)))
			names->n--;
	}
	sqlite3_finalize(st);
}

#define TABLES                                                                                                       \
	"SELECT name FROM sqlite_schema WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite%' UNION SELECT "   \
	"column1 FROM (VALUES ('event'), ('span'), ('phase'), ('series'), ('histogram'), ('quantiles'), ('blame'), " \
	"('result'), ('trace'))"
static const char tables_sql[] = TABLES;

/* Columns of the tables that the statement names, with the hidden ones. */
static const char columns_sql[] = "SELECT DISTINCT c.name FROM (" TABLES
                                  ") t JOIN pragma_table_xinfo(t.name) c WHERE instr(lower(?1), lower(t.name))";

static const struct {
	const char *message, *names;
} kinds[] = {
    {"no such column: ", columns_sql},
    {"no such table: ", tables_sql},
    {"no such function: ", "SELECT DISTINCT name FROM pragma_function_list ORDER BY 1"},
};

static void add_meant(struct query *q, const char *sql)
{
	struct names names = {0};
	const char *at = NULL, *near = NULL, *dot;
	char *longer;

	for (size_t i = 0; i < sizeof kinds / sizeof *kinds && !at; i++) {
		at = strstr(q->error, kinds[i].message);
		if (!at)
			continue;
		at += strlen(kinds[i].message);
		dot = strrchr(at, '.');
		gather(q->db, kinds[i].names, sql, &names);
		near = suggest_of(dot ? dot + 1 : at, names.v, names.n);
	}
	if (near && asprintf(&longer, "%s; did you mean %s?", q->error, near) >= 0) {
		free(q->error);
		q->error = longer;
	}
	for (size_t i = 0; i < names.n; i++)
		free(names.v[i]);
	free(names.v);
}

/* The line with the place, so much of it as can be looked at, and a mark below. */
static void show_place(struct query *q, const char *sql, size_t offset)
{
	enum { AROUND = 60 };
	size_t from = offset, to = offset;
	struct text line = {0}, before = {0};

	while (from > 0 && sql[from - 1] != '\n' && offset - from < AROUND)
		from--;
	while (sql[to] && sql[to] != '\n' && to - offset < AROUND)
		to++;
	while (from < offset && ((unsigned char)sql[from] & 0xc0) == 0x80)
		from++;
	while (to > offset && ((unsigned char)sql[to] & 0xc0) == 0x80)
		to--;
	text_add_terminal(&before, sql + from, offset - from);
	text_puts(&line, "  ");
	text_add_terminal(&line, sql + from, to - from);
	text_puts(&line, "\n  ");
	for (int i = text_columns(text_str(&before), before.len); i > 0; i--)
		text_puts(&line, " ");
	text_puts(&line, "^\n");
	if (!line.failed && !q->detail)
		q->detail = strdup(text_str(&line));
	text_done(&line);
	text_done(&before);
}

void sql_error_explain(struct query *q, const char *sql, int offset)
{
	if (!q->error || q->status != USAGE)
		return;
	if (offset >= 0 && (size_t)offset <= strlen(sql))
		show_place(q, sql, (size_t)offset);
	add_meant(q, sql);
}
