/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rowsof.c - see rowsof.h */
#include "mirror/rowsof.h"
#include "base/sql.h"
#include "remote/rows.h"
#include <errno.h>

enum { BATCH_BYTES = 4 << 20 };

void rowsof_begin(struct rowsof *r, const char *table)
{
	r->table = schema_folded_named(table);
	schema_folded_kinds(r->table, r->kinds);
	text_reset(&r->columns);
	schema_folded_columns(r->table, &r->columns);
}

static void give(struct rowsof *r)
{
	if (!r->rc)
		r->rc = r->columns.failed
		            ? -ENOMEM
		            : cluster_give(r->c, r->shard, r->table->name, text_str(&r->columns), &r->data, r->why);
	r->data.len = 0;
}

void rowsof_open(struct rowsof *r)
{
	if (r->data.len >= BATCH_BYTES)
		give(r);
	row_text(&r->data, r->run);
	bytes_u16(&r->data, r->day);
	bytes_u64(&r->data, r->version);
	r->n++;
	if (!r->rc && cluster_stopped(r->c))
		r->rc = -EINTR;
}

void rowsof_row(struct rowsof *r, sqlite3_stmt *st, int from)
{
	rowsof_open(r);
	row_columns(&r->data, st, from, r->kinds);
}

int rowsof_end(struct rowsof *r)
{
	if (r->data.len || r->data.failed)
		give(r);
	return r->rc;
}

void rowsof_done(struct rowsof *r)
{
	text_done(&r->columns);
	bytes_free(&r->data);
}

int rowsof_all(struct rowsof *r, const char *table, sqlite3 *db, const char *sql)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st), end;

	rowsof_begin(r, table);
	while (!rc && !r->rc && (rc = sql_next(st)) == 1) {
		rowsof_row(r, st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	end = rowsof_end(r);
	return rc ? rc : end;
}

int rowsof_same(struct rowsof *r, const char *table, sqlite3 *db)
{
	struct text sql = {0};
	int rc;

	rowsof_begin(r, table);
	text_puts(&sql, "SELECT ");
	/* behind "run, day, version, " */
	text_puts(&sql, text_str(&r->columns) + (r->columns.failed ? 0 : sizeof "run, day, version, " - 1));
	text_printf(&sql, " FROM %s", table);
	rc = sql.failed || r->columns.failed ? -ENOMEM : rowsof_all(r, table, db, text_str(&sql));
	text_done(&sql);
	return rc;
}
