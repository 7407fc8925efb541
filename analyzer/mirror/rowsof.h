/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rowsof.h - rows of a database here, onto a shard. */
#ifndef MIRROR_ROWSOF_H
#define MIRROR_ROWSOF_H

#include "base/bytes.h"
#include "remote/cluster.h"
#include "remote/schema.h"
#include <sqlite3.h>

/* Rows of one table on their way to one shard. */
struct rowsof {
	struct cluster *c;
	size_t shard;
	struct slice run;
	unsigned day;
	uint64_t version;
	char **why;
	int64_t n; /* that were given, of all tables */
	/* private */
	const struct schema_folded *table;
	char kinds[SCHEMA_COLUMNS];
	struct text columns;
	struct bytes data;
	int rc; /* the first failure */
};

/* Zeroed but for c to why. A table's rows: begin, a row or more, end; rowsof_done after all. What fails is remembered:
 * rowsof_end returns it. */
void rowsof_begin(struct rowsof *r, const char *table);
/* The row that the statement is at: the table's columns, from its column `from` on. */
void rowsof_row(struct rowsof *r, sqlite3_stmt *st, int from);
/* A row of values that are not in a statement: rowsof_open, then its values by row_text and others into r->data. */
void rowsof_open(struct rowsof *r);
int rowsof_end(struct rowsof *r);
void rowsof_done(struct rowsof *r);

/* All rows of a statement into a table. */
int rowsof_all(struct rowsof *r, const char *table, sqlite3 *db, const char *sql);
/* The table of the same name here, with the columns of the same names. */
int rowsof_same(struct rowsof *r, const char *table, sqlite3 *db);

#endif
