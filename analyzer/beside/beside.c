/* SPDX-License-Identifier: GPL-3.0-or-later */
/* beside.c - which virtual tables there are over what lies beside the logs. */
#include "beside/beside.h"
#include "beside/rows.h"

int beside_register(sqlite3 *db, struct store *s)
{
	static const struct rowtable *const tables[] = {&series_table, &result_table, &trace_table};
	int rc = 0;

	for (size_t i = 0; !rc && i < sizeof tables / sizeof *tables; i++)
		rc = rowtable_register(db, s, tables[i]);
	return rc;
}
