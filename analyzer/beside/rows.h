/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.h - the virtual tables of this room: one in each vtab_NAME.c. */
#ifndef BESIDE_ROWS_H
#define BESIDE_ROWS_H

#include "tables/rowtable.h"

extern const struct rowtable series_table, result_table, trace_table;

#endif
