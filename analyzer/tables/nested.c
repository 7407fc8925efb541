/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nested.c - see nested.h
 *
 * Rows come in the order of the table's key; those of an index over the parents would not, so it is made at the end. */
#include "tables/nested.h"
#include "base/sql.h"

int nested_any(sqlite3 *db, bool *out)
{
	bool there = false;
	int64_t n = 0;
	int rc = sql_has_table(db, "nested", &there);

	if (!rc && there)
		rc = sql_number(db, "SELECT EXISTS (SELECT 1 FROM nested)", &n);
	*out = !rc && n;
	return rc;
}

int nested_clear(sqlite3 *db)
{
	return sql_exec_all(db, "CREATE TABLE IF NOT EXISTS nested(run INTEGER NOT NULL, tid TEXT NOT NULL, "
	                        "parent TEXT NOT NULL, PRIMARY KEY (run, tid)) WITHOUT ROWID;"
	                        "DROP INDEX IF EXISTS nested_parent; DELETE FROM nested");
}

int nested_index(sqlite3 *db)
{
	return sql_exec_all(db, "CREATE INDEX nested_parent ON nested(parent, run)");
}
