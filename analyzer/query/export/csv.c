/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.c - a directory with a file of CSV for each table, and a README.md that says what is in them. */
#include "query/export/export.h"
#include "query/commands/tables.h"
#include "query/core/outfile.h"
#include "render/number.h"
#include "render/text.h"
#include <stdlib.h>

static const struct file {
	const char *table;
	const char *select; /* NULL: all columns */
	struct export_columns filter;
} files[] = {
    {"run", NULL, {.run = "id", .from = "first_ns", .to = "last_ns"}},
    {"source", NULL, {.run = "run", .from = "first_ns", .to = "last_ns"}},
    {"reject", NULL, {.run = "(SELECT run FROM source WHERE id = reject.source)"}},
    {"event",
     "id, run, source, line, time_ns, level, level_text, kind, target, message, tid, fields, span, spans, \"foreign\"",
     {.run = "run", .tid = "tid", .from = "time_ns", .to = "time_ns"}},
    {"span", NULL, {.run = "run", .tid = "tid", .from = "start_ns", .to = "coalesce(end_ns, start_ns)"}},
    {"invocation",
     NULL,
     {.run = "run",
      .tid = "tid",
      .function = "function_name",
      .from = "coalesce(sent_ns, arrived_ns, insert_ns)",
      .to = "coalesce(return_ns, end_ns, start_ns, remove_ns, insert_ns, arrived_ns, sent_ns)"}},
    {"attempt",
     NULL,
     {.run = "run", .tid = "tid", .from = "insert_ns", .to = "coalesce(end_ns, start_ns, remove_ns, insert_ns)"}},
    {"nested", NULL, {.run = "run", .tid = "tid"}},
    {"phase", NULL, {.run = "run", .tid = "tid", .from = "start_ns", .to = "end_ns"}},
    {"function", NULL, {.run = "run", .function = "func_name"}},
    {"container", NULL, {.run = "run", .from = "created_ns", .to = "coalesce(removed_ns, 9223372036854775807)"}},
    {"lock", NULL, {.run = "run", .tid = "tid", .from = "from_ns", .to = "coalesce(to_ns, 9223372036854775807)"}},
    {"batch", NULL, {.run = "run", .function = "function_name", .from = "start_ns", .to = "start_ns"}},
    {"pattern", NULL, {.from = "first_ns", .to = "last_ns"}},
    {"series", NULL, {.run = "run", .from = "time_ns", .to = "time_ns"}},
};

enum { FILES = sizeof files / sizeof *files };

/* The next bytes that every reader of CSV takes: valid UTF-8, and no NUL, that ends a text for some. */
static size_t good_run(struct slice s, size_t from)
{
	size_t i = from, n;
	uint32_t code;

	while (i < s.len) {
		n = (signed char)s.ptr[i] > 0 ? 1 : s.ptr[i] ? utf8_decode(s.ptr + i, s.len - i, &code) : 0;
		if (!n)
			break;
		i += n;
	}
	return i - from;
}

void export_add_csv_text(struct export *x, struct slice value)
{
	size_t run = good_run(value, 0);

	if (!value.len)
		text_puts(&x->line, "\"\"");
	if (run < value.len) {
		text_reset(&x->plain);
		for (size_t i = 0; i < value.len; i += run + 1) {
			run = good_run(value, i);
			text_add(&x->plain, value.ptr + i, run);
			text_puts(&x->plain, i + run < value.len ? "\xef\xbf\xbd" : "");
		}
		value = (struct slice){text_str(&x->plain), x->plain.len};
		x->line.failed |= x->plain.failed;
	}
	export_add_csv(&x->line, value);
}

static void add_value(struct export *x, sqlite3_stmt *stmt, int i)
{
	char number[NUMBER_MAX];

	switch (sqlite3_column_type(stmt, i)) {
	case SQLITE_INTEGER:
		text_add_int(&x->line, sqlite3_column_int64(stmt, i));
		break;
	case SQLITE_FLOAT:
		text_add(&x->line, number, number_shortest(sqlite3_column_double(stmt, i), number));
		break;
	case SQLITE_NULL:
		break;
	default:
		export_add_csv_text(
		    x, (struct slice){sqlite3_column_blob(stmt, i), (size_t)sqlite3_column_bytes(stmt, i)});
	}
}

static void put_rows(struct export *x, sqlite3_stmt *stmt)
{
	int n = stmt ? sqlite3_column_count(stmt) : 0;

	for (int i = 0; i < n; i++) {
		const char *name = sqlite3_column_name(stmt, i);

		text_puts(&x->line, i ? "," : "");
		export_add_csv(&x->line, (struct slice){name, strlen(name)});
	}
	text_puts(&x->line, "\n");
	query_ok(x->q, export_put(x), x->directory);
	while (query_next(x->q, stmt)) {
		for (int i = 0; i < n; i++) {
			text_puts(&x->line, i ? "," : "");
			add_value(x, stmt, i);
		}
		text_puts(&x->line, "\n");
		if (!query_ok(x->q, export_put(x), x->directory))
			break;
	}
}

static void select_all(struct select *s, const struct file *f)
{
	select_add(s, "SELECT ");
	select_add(s, f->select ? f->select : "*");
	select_add(s, " FROM ");
	select_add(s, f->table);
}

static void put_table(struct export *x, const struct file *f)
{
	struct select s = {0};
	struct outfile file;
	sqlite3_stmt *stmt;
	char name[64];

	snprintf(name, sizeof name, "%s.csv", f->table);
	if (!export_open_file(x, &file, name))
		return;
	select_all(&s, f);
	export_select(x, &s, &f->filter);
	stmt = select_prepare(x->q, &s);
	put_rows(x, stmt);
	sqlite3_finalize(stmt);
	select_done(&s);
	outfile_close(x->q, &file);
}

static void put_readme_columns(struct export *x, const struct file *f)
{
	struct select s = {0};
	sqlite3_stmt *stmt;

	select_all(&s, f);
	stmt = select_prepare(x->q, &s);
	for (int i = 0; stmt && i < sqlite3_column_count(stmt); i++) {
		const char *name = sqlite3_column_name(stmt, i), *type = sqlite3_column_decltype(stmt, i);

		text_puts(&x->line, "| ");
		text_add_markdown(&x->line, name, strlen(name));
		text_printf(&x->line, " | %s |\n", type ? type : "");
	}
	sqlite3_finalize(stmt);
	select_done(&s);
}

static void put_readme(struct export *x)
{
	struct outfile file;

	if (!export_open_file(x, &file, "README.md"))
		return;
	text_puts(
	    &x->line,
	    "# Tables of ilu-logq " ILU_VERSION
	    "\n\nCSV as RFC 4180 has it, in UTF-8, with a line of names. Nothing between two commas is NULL, \"\" an "
	    "empty text.\n"
	    "Columns that end in `_ns` are nanoseconds: since 1970 in UTC where they name a moment, else how long "
	    "something took; `_us` and\n"
	    "`_sec` likewise. `fields`, `span` and `spans` are JSON as it stands in the log. `run` is `run.id`, "
	    "`source` is `source.id`, and\n"
	    "`tid` the transaction, in every table. docs/tables.md tells more of each column.\n");
	for (size_t i = 0; i < FILES && !x->q->status; i++) {
		if (!tables_is_here(x->q, files[i].table))
			continue;
		text_printf(&x->line, "\n## %s.csv\n\n%s\n\n| column | type |\n|---|---|\n", files[i].table,
		            tables_what(files[i].table));
		put_readme_columns(x, &files[i]);
	}
	query_ok(x->q, export_put(x), x->directory);
	outfile_close(x->q, &file);
}

void export_csv(struct export *x)
{
	for (size_t i = 0; i < FILES && !x->q->status; i++)
		if (tables_is_here(x->q, files[i].table))
			put_table(x, &files[i]);
	put_readme(x);
}
