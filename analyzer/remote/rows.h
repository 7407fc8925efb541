/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.h - rows as ClickHouse's formats have them: RowBinary, one after the other, and Native, a block of columns,
 * which costs a server half as much: it copies them as they stand. */
#ifndef REMOTE_ROWS_H
#define REMOTE_ROWS_H

#include "base/bytes.h"
#include "base/slice.h"
#include <sqlite3.h>

/* ---- RowBinary ---- */

void row_text(struct bytes *b, struct slice v);
/* Of a Nullable column; NONE is NULL. */
void row_text_or_null(struct bytes *b, struct slice v);
/* Columns of SQLite, from..to, one after the other, as `kinds` says: t text, T text or NULL, n a number of 64 bits, N
 * one or NULL, D a real number or NULL, b one of 8 bits. Text is borrowed from the statement's row. */
void row_columns(struct bytes *b, sqlite3_stmt *st, int from, const char *kinds);

/* ---- Native ---- */

enum { NATIVE_COLUMNS = 32 };

/* A block that grows. Values are put column by column, row after row: each column once a row. */
struct native {
	const char *names, *kinds; /* borrowed */
	struct bytes value[NATIVE_COLUMNS], null[NATIVE_COLUMNS];
	uint64_t rows; /* the caller's to count */
};

/* names: "a, b, c"; kinds, a letter for each: t String, T Nullable(String), n UInt64, i Int64, w UInt32, b UInt8, d
 * Date. */
void native_init(struct native *n, const char *names, const char *kinds);
void native_done(struct native *n);

/* Text, also of a Nullable column, where NONE is NULL. */
void native_text(struct native *n, unsigned column, struct slice v);
/* A number or a day, of as many bytes as its column has. */
void native_number(struct native *n, unsigned column, uint64_t v);

/* The whole block to *out (empty), and n is empty again. 0 or -ENOMEM, also for what was put before. */
int native_take(struct native *n, struct bytes *out);

#endif
