/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - is the database whole: SQLite's structure, every block, every line, the ledger, the model's tables. */
#include "beside/beside.h"
#include "query/core/command.h"
#include "render/number.h"
#include <errno.h>
#include <unistd.h>

struct checking {
	struct query *q;
	struct table *faults;
	int64_t shown; /* percent on the terminal; -1: none */
};

static void clear_progress(struct checking *c)
{
	if (c->shown >= 0)
		fputs("\r\033[K", stderr);
	c->shown = -1;
}

static void open_table(struct checking *c)
{
	static const struct column columns[] = {{"fault", UNIT_WHOLE}};

	if (!c->faults)
		c->faults = query_table_open(c->q, columns, 1);
}

static void on_fault(void *arg, const char *text)
{
	struct checking *c = arg;
	struct cell cell = cell_of_text(text);

	clear_progress(c);
	open_table(c);
	query_table_row(c->q, c->faults, &cell);
}

static void on_progress(void *arg, int64_t done, int64_t total)
{
	struct checking *c = arg;
	int64_t percent = total ? done * 100 / total : 100;

	if (c->q->quiet || percent == c->shown || !isatty(STDERR_FILENO))
		return;
	c->shown = percent;
	fprintf(stderr, "\rchecking %3lld %%", (long long)percent);
}

static void summary(struct query *q)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT (SELECT count(*) FROM source), (SELECT count(*) FROM chunk), "
	                                      "(SELECT coalesce(sum(lines), 0) FROM source)");
	int64_t n[3];

	if (query_next(q, stmt)) {
		for (int i = 0; i < 3; i++)
			n[i] = sqlite3_column_int64(stmt, i);
		query_note(q, "%s is whole: %s source%s, %s chunk%s, %s line%s", q->path, number_count_text(n[0]).text,
		           n[0] == 1 ? "" : "s", number_count_text(n[1]).text, n[1] == 1 ? "" : "s",
		           number_count_text(n[2]).text, n[2] == 1 ? "" : "s");
	}
	sqlite3_finalize(stmt);
}

static void run(struct query *q)
{
	struct checking c = {.q = q, .shown = -1};
	bool people = q->out->format == FORMAT_TEXT || q->out->format == FORMAT_MARKDOWN;
	int faults, more;

	if (!people) /* for people no table without a fault */
		open_table(&c);
	faults = store_check(q->store, on_fault, on_progress, &c);
	more = faults ? 0 : beside_verify(q->store, on_fault, &c);
	faults = more ? more : faults;
	clear_progress(&c);
	query_table_close(q, c.faults);
	query_ok(q, faults, q->path);
	if (faults > 0)
		query_fail(q, DAMAGED, "%s: %d fault%s", q->path, faults, faults == 1 ? "" : "s");
	summary(q);
}

const struct command command_check = {
    .name = "check",
    .group = GROUP_DATABASE,
    .help = "verify the database: its structure, checksums, every line, the ledger",
    .more = "Prints a line for each fault; exit status 3 where there is one.",
    .need = NEED_READ,
    .run = run,
};
