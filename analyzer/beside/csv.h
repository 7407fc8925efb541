/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.h - rows of a CSV file (RFC 4180), one at a time, from plain or packed text. */
#ifndef BESIDE_CSV_H
#define BESIDE_CSV_H

#include "ingest/reader.h"
#include "base/slice.h"

#define CSV_FIELDS 64

struct csv {
	struct reader *reader;
	char *buf;
	size_t n, at, room; /* bytes in buf, first unused one */
	bool end;           /* of the file */
	int64_t next_line;
	/* The row: */
	int64_t line; /* on which it begins, from 1 */
	unsigned nfields;
	struct slice field[CSV_FIELDS]; /* without quotes; valid until the next row */
};

/* 0 or the negative errno of opening it; *why is then a static sentence. */
int csv_open(struct csv *c, const char *path, const char **why);
void csv_close(struct csv *c);

/* 1: a row; 0: the end; -EBADMSG with *why (static, or reader's): damage at c->line; or another negative errno. Empty
 * lines are passed over, a byte-order mark and CRLF too. */
int csv_next(struct csv *c, const char **why);

#endif
