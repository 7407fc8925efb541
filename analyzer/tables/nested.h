/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nested.h - table nested: which request is inside which other (docs/tables.md). */
#ifndef TABLES_NESTED_H
#define TABLES_NESTED_H

#include <sqlite3.h>
#include <stdbool.h>

/* Whether any request is inside another. Databases that were made before there was such a table lack it. 0 or a
 * negative errno. */
int nested_any(sqlite3 *db, bool *out);
/* Makes the table empty, and afterwards its index over the parents. */
int nested_clear(sqlite3 *db);
int nested_index(sqlite3 *db);

#endif
