/* SPDX-License-Identifier: GPL-3.0-or-later */
/* kept.c - findings that were found elsewhere, and stand in tables of the database: the mirror of a cluster has them
 * so (mirror/folded.c), as the lines that they were found in are not here. */
#include "findings/finding.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

static const char *word(struct findings *f, struct slice v)
{
	uint32_t i;
	int rc = intern_add(&f->words, v, &i);

	f->rc = f->rc ? f->rc : rc;
	return rc ? "" : f->words.text[i].ptr;
}

static enum finding_level level_of(struct slice v)
{
	return slice_is(v, "error") ? FINDING_ERROR : slice_is(v, "warning") ? FINDING_WARNING : FINDING_NOTE;
}

static const char *text(sqlite3_stmt *st, int i)
{
	return (const char *)sqlite3_column_text(st, i);
}

/* Rows of the table behind a finding: `bind` are its run, command and number. */
static int each(sqlite3 *db, const char *sql, const char *command, const struct finding *x, int64_t n,
                void (*row)(struct findings *f, struct finding *x, sqlite3_stmt *st), struct findings *f)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st);

	sqlite3_bind_int64(st, 1, x->run);
	bind_word(st, 2, command);
	sqlite3_bind_int64(st, 3, n);
	while (!rc && (rc = sql_next(st)) == 1) {
		row(f, (struct finding *)x, st);
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

static void take_detail(struct findings *f, struct finding *x, sqlite3_stmt *st)
{
	finding_detail_text(x, word(f, column_slice(st, 0)), column_slice(st, 1));
}

static void take_evidence(struct findings *f, struct finding *x, sqlite3_stmt *st)
{
	(void)f;
	finding_evidence(x, sqlite3_column_int64(st, 0), text(st, 1));
}

static int take(sqlite3 *db, const char *command, sqlite3_stmt *st, struct findings *f)
{
	struct finding *x =
	    finding_add(f, word(f, column_slice(st, 2)), level_of(column_slice(st, 3)), sqlite3_column_int64(st, 0));
	int64_t n = sqlite3_column_int64(st, 1);
	int rc;

	finding_tid(x, column_slice(st, 4));
	if (text(st, 5))
		finding_cause(x, "%s", text(st, 5));
	x->count = sqlite3_column_int64(st, 6);
	if (text(st, 7))
		finding_message(x, "%s", text(st, 7));
	x->first_ns = column_ns(st, 8);
	x->last_ns = column_ns(st, 9);
	rc = each(db, "SELECT name, value FROM detail WHERE run = ?1 AND command = ?2 AND finding = ?3 ORDER BY n",
	          command, x, n, take_detail, f);
	return rc ? rc
	          : each(
	                db,
	                "SELECT coalesce(event, 0), remark FROM evidence WHERE run = ?1 AND command = ?2 AND finding = "
	                "?3 ORDER BY n",
	                command, x, n, take_evidence, f);
}

int findings_kept(struct store *s, const char *command, int64_t run, struct findings *out, bool *kept)
{
	static const char *const tables[] = {"finding", "detail", "evidence", NULL};
	sqlite3_stmt *st;
	int rc = sql_has_tables(store_db(s), tables, kept);

	if (rc || !*kept)
		return rc;
	rc = sql_prepare(store_db(s),
	                 "SELECT run, n, rule, level, tid, cause, count, message, first_ns, last_ns FROM finding WHERE "
	                 "command = ?1 AND (?2 = 0 OR run = ?2) ORDER BY run, n",
	                 &st);
	bind_word(st, 1, command);
	sqlite3_bind_int64(st, 2, run);
	while (!rc && (rc = sql_next(st)) == 1)
		rc = take(store_db(s), command, st, out);
	sqlite3_finalize(st);
	return rc ? rc : out->rc;
}
