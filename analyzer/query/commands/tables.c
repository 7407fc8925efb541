/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.c - the tables that SQL sees: what a row is of, and their columns. */
#include "query/commands/tables.h"
#include "query/core/command.h"
#include "tables/nested.h"
#include <string.h>

static const struct {
	const char *name, *what;
} known[] = {
    {"run", "one row a run that was loaded"},
    {"source", "one row a file, and what became of its lines"},
    {"reject", "one row a line that is no event"},
    {"event", "one row a line; field(event, 'NAME') reads a field of it"},
    {"span", "one row a span, with its parent"},
    {"invocation", "one row an invocation"},
    {"attempt", "one row for each time an invocation was tried"},
    {"nested", "one row a request that is inside another"},
    {"phase", "where an invocation's time went"},
    {"blame", "who made whom wait in a queue"},
    {"function", "one row a function"},
    {"container", "one row a container"},
    {"lock", "who held which container, from when to when"},
    {"batch", "invocations of one function in a row"},
    {"pattern", "messages as templates, with counts"},
    {"series", "values over time"},
    {"histogram", "lines by level and second"},
    {"quantiles", "quantiles('MESSAGE', 'FIELD', 'BY'): how a field's values are spread"},
};

enum { KNOWN = sizeof known / sizeof *known };

static size_t find(const char *name)
{
	size_t i = 0;

	while (i < KNOWN && strcmp(known[i].name, name))
		i++;
	return i;
}

bool tables_has(const char *name)
{
	return find(name) < KNOWN;
}

bool tables_is_here(struct query *q, const char *name)
{
	bool here = tables_has(name);

	if (here && !strcmp(name, "nested"))
		query_ok(q, nested_any(q->db, &here), q->path);
	return here;
}

const char *tables_name(size_t i)
{
	return i < KNOWN ? known[i].name : NULL;
}

const char *tables_what(const char *name)
{
	return find(name) < KNOWN ? known[find(name)].what : "";
}

void tables_describe(struct query *q, const char *name)
{
	static const struct column columns[] = {{"column", UNIT_WHOLE}, {"type", UNIT_NONE}};
	sqlite3_stmt *stmt =
	    query_prepare(q, "SELECT name, coalesce(nullif(type, ''), 'ANY') FROM pragma_table_info(?1)");

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	query_table(q, stmt, columns);
	sqlite3_finalize(stmt);
}

static void columns_of(struct query *q, const char *name, char *out, size_t size)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT group_concat(name, ', ') FROM pragma_table_info(?1)");
	const char *text = NULL;

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	if (query_next(q, stmt))
		text = (const char *)sqlite3_column_text(stmt, 0);
	snprintf(out, size, "%s", text ? text : "");
	sqlite3_finalize(stmt);
}

static const struct column table_columns[] = {{"table", UNIT_WHOLE}, {"rows", UNIT_NONE}, {"columns", LESS(UNIT_NONE)}};

static void run(struct query *q)
{
	struct table *t = query_table_open(q, table_columns, sizeof table_columns / sizeof *table_columns);
	char of[2048];

	for (size_t i = 0; i < KNOWN && !q->status; i++) {
		columns_of(q, known[i].name, of, sizeof of);

		struct cell c[] = {cell_of_text(known[i].name), cell_of_text(known[i].what), cell_of_text(of)};

		if (!query_table_row(q, t, c))
			break;
	}
	query_table_close(q, t);
}

const struct command command_tables = {
    .name = "tables",
    .group = GROUP_DATABASE,
    .help = "the tables that SQL sees: what a row is of, and their columns",
    .more = "`describe TABLE` has the columns of one with their types.",
    .examples = "tables\ndescribe invocation",
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(table_columns),
};
