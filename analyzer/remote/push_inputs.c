/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push_inputs.c - see push_inputs.h */
#include "remote/push_inputs.h"
#include "base/sql.h"
#include "remote/rows.h"
#include <errno.h>
#include <stdlib.h>

enum { BATCH_BYTES = 4 << 20 };

/* Rows of one table, each on the shard of its run. */
struct rows {
	struct cluster *c;
	const char *run; /* all are of it; NULL: as they say */
	const char *table, *columns, *kinds;
	struct bytes *data; /* by shard */
	char **why;
};

static int give(struct rows *r, size_t shard, size_t least)
{
	int rc = 0;

	if (r->data[shard].len > least || r->data[shard].failed) {
		rc = cluster_give(r->c, shard, r->table, r->columns, &r->data[shard], r->why);
		r->data[shard].len = 0;
	}
	return rc;
}

/* The statement's rows: run, then the table's other columns. */
static int give_rows(struct rows *r, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st);

	while (!rc && (rc = sql_next(st)) == 1) {
		struct slice run = r->run ? (struct slice){r->run, strlen(r->run)} : column_slice(st, 0);
		size_t shard = cluster_shard_of(r->c, SLICE_NONE, run, 0);

		row_text(&r->data[shard], run);
		row_columns(&r->data[shard], st, 1, r->kinds);
		rc = cluster_stopped(r->c) ? -EINTR : give(r, shard, BATCH_BYTES);
	}
	sqlite3_finalize(st);
	for (size_t i = 0; i < r->c->n && !rc; i++)
		rc = give(r, i, 0);
	return rc;
}

/* Each column of the metadata file is one of table function. */
static int give_metadata(struct rows *r, sqlite3 *db)
{
	sqlite3_stmt *names;
	int rc = sql_prepare(db,
	                     "SELECT name FROM pragma_table_info('function') WHERE name NOT IN ('run', 'func_name', "
	                     "'benchmark_name', 'avg_iat', 'iat_class')",
	                     &names);

	while (!rc && (rc = sql_next(names)) == 1) {
		const char *name = (const char *)sqlite3_column_text(names, 0);
		char *sql = sqlite3_mprintf(
		    "SELECT p.path, f.func_name, %Q, CASE typeof(f.\"%w\") WHEN 'real' THEN printf('%%!.17g', "
		    "f.\"%w\") ELSE f.\"%w\" END FROM function f JOIN run p ON p.id = f.run WHERE "
		    "f.\"%w\" IS NOT NULL",
		    name, name, name, name, name);

		rc = sql ? give_rows(r, db, sql) : -ENOMEM;
		sqlite3_free(sql);
	}
	sqlite3_finalize(names);
	return rc;
}

int push_inputs(struct cluster *c, sqlite3 *db, const char *run, char **why)
{
	struct rows r = {c, run, "trace", "run, ord, func_name, invoke_time_ms", "ntn", NULL, why};
	int rc;

	r.data = calloc(c->n, sizeof *r.data);
	rc = r.data
	         ? give_rows(&r, db,
	                     "SELECT p.path, t.ord, t.func_name, t.invoke_time_ms FROM run p JOIN trace t ON t.run = "
	                     "p.id")
	         : -ENOMEM;
	r.table = "metadata";
	r.columns = "run, func_name, name, value";
	r.kinds = "ttt";
	if (!rc)
		rc = give_metadata(&r, db);
	for (size_t i = 0; r.data && i < c->n; i++)
		bytes_free(&r.data[i]);
	free(r.data);
	return rc;
}

static int fetch(struct cluster *c, struct slice run, const char *select, const char *order, fetch_row *row, void *arg,
                 char **why)
{
	struct tsv t = {.columns = 3, .row = row, .arg = arg};
	struct text sql = {0};
	int rc;

	text_puts(&sql, select);
	cluster_quote(&sql, run);
	text_puts(&sql, order);
	rc = sql.failed ? -ENOMEM : cluster_ask(c, cluster_shard_of(c, SLICE_NONE, run, 0), text_str(&sql), &t, why);
	tsv_done(&t);
	text_done(&sql);
	return rc;
}

int fetch_trace(struct cluster *c, struct slice run, fetch_row *row, void *arg, char **why)
{
	return fetch(c, run, "SELECT ord, func_name, invoke_time_ms FROM $trace FINAL WHERE run = ",
	             " ORDER BY ord FORMAT TabSeparated", row, arg, why);
}

int fetch_metadata(struct cluster *c, struct slice run, fetch_row *row, void *arg, char **why)
{
	return fetch(c, run, "SELECT func_name, name, value FROM $metadata FINAL WHERE run = ",
	             " ORDER BY name, func_name FORMAT TabSeparated", row, arg, why);
}
