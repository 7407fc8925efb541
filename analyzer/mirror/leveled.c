/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leveled.c - see leveled.h */
#include "mirror/leveled.h"
#include "base/sql.h"
#include "remote/gather.h"

struct counting {
	int64_t run; /* whose lines come */
	sqlite3_stmt *insert;
};

static int put_count(void *arg, const struct slice *v)
{
	struct counting *k = arg;

	sqlite3_bind_int64(k->insert, 1, k->run);
	for (int i = 0; i < 3; i++)
		bind_slice(k->insert, i + 2, v[i]);
	return sql_step_reset(k->insert);
}

static int count_run(struct cluster *c, struct counting *k, struct slice path, bool exact, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "SELECT ifNull(level, '') AS name, %s AS at, count() FROM $event WHERE run = ",
	            exact ? "time_ns" : "intDiv(time_ns - if(time_ns < 0, 999999999, 0), 1000000000) * 1000000000");
	cluster_quote(&sql, path);
	text_puts(&sql, " GROUP BY name, at");
	rc = gather_rows(c, &sql, 3, put_count, k, NULL, why);
	text_done(&sql);
	return rc;
}

int leveled_put(struct cluster *c, sqlite3 *db, char **why)
{
	struct counting k = {0};
	sqlite3_stmt *runs = NULL;
	int rc = sql_exec_all(db, "CREATE TABLE folded_lines(run INTEGER, level TEXT, time_ns INTEGER, n INTEGER)");

	if (!rc)
		rc = sql_prepare(db, "INSERT INTO folded_lines VALUES (?1, ?2, ?3, ?4)", &k.insert);
	if (!rc)
		rc = sql_prepare(db, "SELECT id, path, (SELECT total(lines) FROM source WHERE run = run.id) FROM run",
		                 &runs);
	while (!rc && (rc = sql_next(runs)) == 1) {
		k.run = sqlite3_column_int64(runs, 0);
		rc = count_run(c, &k, column_slice(runs, 1), sqlite3_column_int64(runs, 2) <= LEVELED_EXACT, why);
	}
	sqlite3_finalize(runs);
	sqlite3_finalize(k.insert);
	return rc;
}
