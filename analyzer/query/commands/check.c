/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - is the database whole: SQLite's structure, every block, every line, the ledger, the model's tables. */
#include "beside/beside.h"
#include "query/commands/commands.h"
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

static int open_table(struct checking *c)
{
	static const struct column columns[] = {{"fault", UNIT_WHOLE}};

	return table_open(c->q->out, columns, 1, &c->faults);
}

static void on_fault(void *arg, const char *text)
{
	struct checking *c = arg;
	struct cell cell = cell_of_text(text);

	clear_progress(c);
	if (c->faults || !open_table(c))
		table_row(c->faults, &cell);
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

static int summary(struct query *q)
{
	sqlite3_stmt *stmt = NULL;
	int64_t n[3];
	int status = query_prepare(q,
	                           "SELECT (SELECT count(*) FROM source), (SELECT count(*) FROM chunk), (SELECT "
	                           "coalesce(sum(lines), 0) FROM source)",
	                           &stmt);

	if (!status && (status = query_step(q, stmt)) == 1) {
		for (int i = 0; i < 3; i++)
			n[i] = sqlite3_column_int64(stmt, i);
		query_note(q, "%s is whole: %lld source%s, %lld chunk%s, %lld line%s", q->path, (long long)n[0],
		           n[0] == 1 ? "" : "s", (long long)n[1], n[1] == 1 ? "" : "s", (long long)n[2],
		           n[2] == 1 ? "" : "s");
		status = DONE;
	}
	sqlite3_finalize(stmt);
	return status;
}

int cmd_check(struct query *q)
{
	struct checking c = {.q = q, .shown = -1};
	bool people = q->out->format == FORMAT_TEXT || q->out->format == FORMAT_MARKDOWN;
	/* For people no table without a fault. */
	int rc = people ? 0 : open_table(&c);
	int faults = rc ? rc : store_check(q->store, on_fault, on_progress, &c);
	int more = faults ? 0 : beside_verify(q->store, on_fault, &c);

	faults = more ? more : faults;
	clear_progress(&c);
	rc = table_close(c.faults);
	if (faults > 0)
		return query_fail(q, DAMAGED, "%s: %d fault%s", q->path, faults, faults == 1 ? "" : "s");
	if (faults < 0 || rc)
		return query_errno(q, faults < 0 ? faults : rc, q->path);
	return summary(q);
}
