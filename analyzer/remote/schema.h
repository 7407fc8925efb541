/* SPDX-License-Identifier: GPL-3.0-or-later */
/* schema.h - the tables on each shard, one text for ClickHouse 18.16 and the current one. */
#ifndef REMOTE_SCHEMA_H
#define REMOTE_SCHEMA_H

#include "base/text.h"
#include <stdbool.h>

enum { SCHEMA_FORMAT = 3 };

/* Statements with $TABLE for a table; ends with NULL. */
extern const char *const schema_tables[];
/* Columns that tables of older formats lack: of the events, since format 2; of sources, and of what was finished, since
 * format 3. */
struct schema_later {
	const char *table, *column; /* NULL: after the last one */
	const char *sql;            /* adds it */
};
extern const struct schema_later schema_later[];

/* A table that the fold fills: as the one of the same name here (docs/tables.md), with run, day and version before its
 * columns. Read with FINAL: a later version of a row stands in the place of the one before. */
struct schema_folded {
	const char *name; /* NULL: after the last one */
	bool by_day;      /* rows of transactions, by the day of their first line; else of a whole run */
	const char *key;
	const char *columns; /* "name:kind ...", kinds as row_columns has them */
};
extern const struct schema_folded schema_folded[];
/* NULL: there is none. */
const struct schema_folded *schema_folded_named(const char *name);
enum { SCHEMA_COLUMNS = 64 };
/* The statement that makes it; the names of its columns; the kinds of those behind run, day and version. */
void schema_folded_create(const struct schema_folded *f, struct text *sql);
void schema_folded_columns(const struct schema_folded *f, struct text *sql);
void schema_folded_kinds(const struct schema_folded *f, char kinds[SCHEMA_COLUMNS]);

/* The columns of each in the order in which they are given: that of the table. */
extern const char schema_event_columns[], schema_source_columns[], schema_reject_columns[], schema_result_columns[];
/* Those of source as they are given, with what nobody reads who asks for the ledger: seen. */
extern const char schema_source_given[];

#endif
