/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tables.h - the model's virtual tables. */
#ifndef MODEL_TABLES_H
#define MODEL_TABLES_H

#include "model/rowtable.h"

extern const struct rowtable span_table, phase_table, series_table, histogram_table, quantiles_table, result_table,
    trace_table;

#endif
