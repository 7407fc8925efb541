/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.h - the virtual tables over the model and over the store's sums. */
#ifndef TABLES_TABLES_H
#define TABLES_TABLES_H

#include "tables/rowtable.h"

/* One in each vtab_NAME.c. */
extern const struct rowtable span_table, phase_table, histogram_table, quantiles_table;

/* Registers them on db; s stays the caller's and must outlive db's statements. 0 or a negative errno. */
int tables_register(sqlite3 *db, struct store *s);

#endif
