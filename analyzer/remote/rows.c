/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rows.c - see rows.h */
#include "remote/rows.h"
#include "base/sql.h"
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- Native ---- */

enum { HEAD_MOST = 128 }; /* of a column: its name and type */

static const struct type {
	char kind;
	const char *name;
} types[] = {
    {'t', "String"}, {'T', "Nullable(String)"}, {'n', "UInt64"}, {'i', "Int64"}, {'w', "UInt32"}, {'b', "UInt8"},
    {'d', "Date"},
};

static const struct type *type_of(char kind)
{
	const struct type *t = types;

	while (t->kind != kind)
		t++;
	return t;
}

void native_init(struct native *n, const char *names, const char *kinds)
{
	*n = (struct native){.names = names, .kinds = kinds};
}

void native_done(struct native *n)
{
	for (unsigned i = 0; n->kinds && n->kinds[i]; i++) {
		bytes_free(&n->value[i]);
		bytes_free(&n->null[i]);
	}
	n->rows = 0;
}

void native_text(struct native *n, unsigned column, struct slice v)
{
	if (n->kinds[column] == 'T')
		bytes_u8(&n->null[column], !v.ptr);
	row_text(&n->value[column], v);
}

/* Of a number. */
static unsigned bytes_of(char kind)
{
	switch (kind) {
	case 'n':
	case 'i':
		return 8;
	case 'w':
		return 4;
	case 'd':
		return 2;
	default:
		return 1;
	}
}

void native_number(struct native *n, unsigned column, uint64_t v)
{
	uint64_t little = htole64(v);

	bytes_add(&n->value[column], &little, bytes_of(n->kinds[column]));
}

/* A column's name, type, which of its values are NULL, and the values, which go from n. */
static void take_column(struct native *n, unsigned i, const char *name, size_t len, struct bytes *out)
{
	const char *type = type_of(n->kinds[i])->name;

	row_text(out, (struct slice){name, len});
	row_text(out, (struct slice){type, strlen(type)});
	bytes_add(out, n->null[i].ptr, n->null[i].len);
	bytes_add(out, n->value[i].ptr, n->value[i].len);
	out->failed |= n->null[i].failed || n->value[i].failed;
	bytes_free(&n->null[i]);
	bytes_free(&n->value[i]);
}

int native_take(struct native *n, struct bytes *out)
{
	unsigned char number[2 * VARINT_MAX];
	unsigned columns = (unsigned)strlen(n->kinds), len = varint_put(number, columns);
	size_t room = sizeof number;
	const char *name = n->names;

	for (unsigned i = 0; i < columns; i++)
		room += HEAD_MOST + n->null[i].len + n->value[i].len;
	*out = (struct bytes){.ptr = malloc(room), .room = room};
	if (!out->ptr)
		return -ENOMEM;
	len += varint_put(number + len, n->rows);
	bytes_add(out, number, len);
	for (unsigned i = 0; i < columns; i++) {
		size_t m = strcspn(name, ",");

		take_column(n, i, name, m, out);
		name += m + strspn(name + m, ", ");
	}
	n->rows = 0;
	return out->failed ? -ENOMEM : 0;
}
