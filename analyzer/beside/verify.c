/* SPDX-License-Identifier: GPL-3.0-or-later */
/* verify.c - are the model's tables whole: packed results and traces open, and every row finds its kind and its
 * transaction. */
#include "base/sql.h"
#include "beside/beside.h"
#include "beside/result_set.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct verify {
	sqlite3 *db;
	void (*say)(void *, const char *);
	void *arg;
	int faults;
};

__attribute__((format(printf, 2, 3))) static void fault(struct verify *v, const char *format, ...)
{
	char text[256];
	va_list ap;

	va_start(ap, format);
	vsnprintf(text, sizeof text, format, ap);
	va_end(ap);
	v->say(v->arg, text);
	v->faults++;
}

static int open_results(sqlite3 *db, int64_t run)
{
	struct result_reader r = {.db = db, .run = run};
	struct result_entry e;
	int rc;

	while ((rc = result_reader_next(&r, &e)) == 1)
		;
	result_reader_done(&r);
	return rc;
}

static int open_trace(sqlite3 *db, int64_t run)
{
	struct trace_set set;
	int rc = trace_set_read(&set, db, run);

	trace_set_done(&set);
	return rc;
}

static int verify_packs(struct verify *v, const char *runs, int (*open)(sqlite3 *, int64_t), const char *what)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(v->db, runs, &st), step = SQLITE_DONE;

	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		int64_t run = sqlite3_column_int64(st, 0);

		rc = open(v->db, run);
		if (rc == -EBADMSG) {
			fault(v, "run %lld: its %s damaged", (long long)run, what);
			rc = 0;
		}
	}
	sqlite3_finalize(st);
	return rc ? rc : sql_errno(step);
}

/* A view has as many rows as the table behind it, unless one points to nowhere. */
static int verify_rows(struct verify *v, const char *view)
{
	sqlite3_stmt *st = NULL;
	char sql[128];
	int rc;

	snprintf(sql, sizeof sql, "SELECT (SELECT count(*) FROM %s_row) - (SELECT count(*) FROM %s)", view, view);
	rc = sql_prepare(v->db, sql, &st);
	if (!rc) {
		int step = sqlite3_step(st);

		if (step == SQLITE_ROW && sqlite3_column_int64(st, 0))
			fault(v, "table %s_row: %lld rows have lost their kind or transaction", view,
			      (long long)sqlite3_column_int64(st, 0));
		rc = sql_errno(step);
	}
	sqlite3_finalize(st);
	return rc;
}

/* What is inside another is a request itself; the other one's lines need not be there. Older databases lack the table.
 */
static int verify_nested(struct verify *v)
{
	int64_t there, strays = 0;
	int rc = sql_number(v->db, "SELECT count(*) FROM pragma_table_info('nested')", &there);

	if (!rc && there)
		rc =
		    sql_number(v->db,
		               "SELECT CASE WHEN EXISTS (SELECT 1 FROM nested) THEN (SELECT count(*) FROM (SELECT run, "
		               "tid FROM nested EXCEPT SELECT run, tid FROM invocation)) ELSE 0 END",
		               &strays);
	if (!rc && strays)
		fault(v, "table nested: %lld row%s of no request", (long long)strays, strays == 1 ? " is" : "s are");
	return rc;
}

int beside_verify(struct store *s, void (*say)(void *, const char *), void *arg)
{
	static const char *const views[] = {"invocation", "attempt", "lock", "batch"};
	struct verify v = {.db = store_db(s), .say = say, .arg = arg};
	int rc = verify_packs(&v, "SELECT DISTINCT run FROM result_pack", open_results, "results are");

	if (!rc)
		rc = verify_packs(&v, "SELECT run FROM trace_pack", open_trace, "trace is");
	for (size_t i = 0; !rc && i < sizeof views / sizeof *views; i++)
		rc = verify_rows(&v, views[i]);
	if (!rc)
		rc = verify_nested(&v);
	return rc ? rc : v.faults;
}
