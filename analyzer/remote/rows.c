/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.c - see rows.h */
#include "remote/rows.h"
#include "base/sql.h"

void row_text(struct bytes *b, struct slice v)
{
	unsigned char n[VARINT_MAX];

	bytes_add(b, n, varint_put(n, v.len));
	if (v.len)
		bytes_add(b, v.ptr, v.len);
}

void row_text_or_null(struct bytes *b, struct slice v)
{
	bytes_u8(b, !v.ptr);
	if (v.ptr)
		row_text(b, v);
}

static void column(struct bytes *b, sqlite3_stmt *st, int i, char kind)
{
	bool null = sqlite3_column_type(st, i) == SQLITE_NULL;
	double real;

	switch (kind) {
	case 't':
		row_text(b, column_slice(st, i));
		break;
	case 'T':
		row_text_or_null(b, null ? SLICE_NONE : column_slice(st, i));
		break;
	case 'N':
		bytes_u8(b, null);
		if (null)
			break;
		/* fall through */
	case 'n':
		bytes_u64(b, (uint64_t)sqlite3_column_int64(st, i));
		break;
	case 'D':
		bytes_u8(b, null);
		real = sqlite3_column_double(st, i);
		if (!null)
			bytes_add(b, &real, sizeof real);
		break;
	default:
		bytes_u8(b, sqlite3_column_int64(st, i) != 0);
	}
}

void row_columns(struct bytes *b, sqlite3_stmt *st, int from, const char *kinds)
{
	for (int i = 0; kinds[i]; i++)
		column(b, st, from + i, kinds[i]);
}
