/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.c - which virtual tables there are here. */
#include "tables/tables.h"

int tables_register(sqlite3 *db, struct store *s)
{
	static const struct rowtable *const tables[] = {&span_table, &phase_table, &histogram_table, &quantiles_table};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof tables / sizeof *tables; i++)
		rc = rowtable_register(db, s, tables[i]);
	return rc;
}
