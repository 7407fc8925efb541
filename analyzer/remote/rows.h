/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.h - values as ClickHouse's format RowBinary has them. */
#ifndef REMOTE_ROWS_H
#define REMOTE_ROWS_H

#include "base/bytes.h"
#include "base/slice.h"
#include <sqlite3.h>

void row_text(struct bytes *b, struct slice v);
/* Of a Nullable column; NONE is NULL. */
void row_text_or_null(struct bytes *b, struct slice v);
/* Columns of SQLite, from..to, one after the other, as `kinds` says: t text, T text or NULL, n a number of 64 bits, N
 * one or NULL, D a real number or NULL, b one of 8 bits. Text is borrowed from the statement's row. */
void row_columns(struct bytes *b, sqlite3_stmt *st, int from, const char *kinds);

#endif
