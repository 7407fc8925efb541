/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rowtable.h - a read-only eponymous virtual table from a function that gives rows.
 *
 * Columns named in `pushed` are handed down when a query fixes them (=), so that a reader need not give rows that
 * cannot match; SQLite checks again. A condition is taken where it can only mean equality of the stored values: not
 * under a collation other than BINARY, and of a text column not with a number, which SQLite may compare as numbers
 * ('05' = 5, where the other side is an INTEGER column).
 *
 * SQLite puts the branches of an OR together by the rows' rowids, so a rowid is the row's own, whatever the plan. */
#ifndef TABLES_ROWTABLE_H
#define TABLES_ROWTABLE_H

#include "store/store.h"

#define ROWTABLE_PUSHED 4

struct rowtable {
	const char *name;
	const char *schema;          /* CREATE TABLE x(...) */
	int pushed[ROWTABLE_PUSHED]; /* columns, -1 ends the list */
	unsigned text;               /* bit p: pushed[p] is TEXT with values of its own (not an argument) */
	double rows;                 /* about how many there are, and how many of one value of pushed[0] */
	double rows_of_one;
	int arguments;       /* this hidden column and those behind it say what the table is; 0: none does */
	const char *refused; /* what is said of -EINVAL of open */
	/* value[i] is that of pushed[i], NULL where the query leaves it open. *state is passed to the others. 0 or a
	 * negative errno. */
	int (*open)(struct store *s, sqlite3 *db, sqlite3_value *const *value, void **state);
	int (*next)(void *state); /* 1: a row, 0: no more, or a negative errno */
	void (*column)(void *state, sqlite3_context *c, int column);
	/* A number of the current row alone, the same in every plan. 0 or a negative errno. */
	int (*rowid)(void *state, int64_t *out);
	void (*close)(void *state);
};

/* t and s must outlive db's use of them. 0 or a negative errno. */
int rowtable_register(sqlite3 *db, struct store *s, const struct rowtable *t);

/* A value that must be a whole number: NULL and SQL's NULL leave *out as it is, anything else is -EINVAL. */
int rowtable_integer(sqlite3_value *v, int64_t *out);

void result_slice(sqlite3_context *c, struct slice v);
/* NULL for INT64_MIN. */
void result_ns(sqlite3_context *c, int64_t v);

#endif
