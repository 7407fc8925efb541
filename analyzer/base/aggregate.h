/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aggregate.h - SQL functions over many values that SQLite does not have. */
#ifndef BASE_AGGREGATE_H
#define BASE_AGGREGATE_H

#include <sqlite3.h>
#include <stddef.h>

/* quantile(x, q), 0 <= q <= 1, and p50(x), p90(x), p95(x), p99(x): between two values in proportion, as numpy and
 * pandas do by default (Hyndman and Fan, type 7). NULLs and texts that are no numbers are passed over; of nothing it is
 * NULL. 0 or an SQLite code. */
int aggregate_register(sqlite3 *db);

/* The quantile q (0 to 1) of n > 0 numbers, as pandas' by default; they are put into another order. */
double quantile_of(double *v, size_t n, double q);

#endif
