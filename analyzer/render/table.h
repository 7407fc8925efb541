/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - rows of typed cells, streamed into whatever format the user asked for.
 *
 * Text is for people: units are spelled out, numbers stand right, a row fits the terminal. Its first rows are held back
 * to find the columns' widths; whatever comes later streams past, so a table of any length needs little memory. CSV and
 * JSON are for programs: values are exact, and a time is two columns, X_ns and X (RFC 3339). */
#ifndef RENDER_TABLE_H
#define RENDER_TABLE_H

#include "render/output.h"
#include <stddef.h>

/* What a column's numbers mean. Only text and Markdown spell it out, and drop the unit from the heading. */
enum unit {
	UNIT_NONE,
	UNIT_COUNT, /* how many: thousands apart */
	UNIT_WHOLE, /* text that is never shortened */
	UNIT_PATH,  /* text whose end tells most: shortened at its beginning */
	UNIT_ID,    /* the same, of an id */
	UNIT_TIME,  /* ns since 1970 UTC; shown on the log's clock */
	UNIT_NS,
	UNIT_US,
	UNIT_SEC, /* a duration */
	UNIT_BYTES,
	UNIT_SHARE,  /* 1.0 is 100 % */
	UNIT_VALUE,  /* measured: six digits are enough for people */
	UNIT_BOOL,   /* 0 or 1 */
	UNIT_JSON,   /* text that is JSON: stands unquoted in JSON */
	UNIT_OFFSET, /* not shown: UTC minus the log's clock, in seconds, for the times of the row */
	UNIT_LEVEL,  /* of an event: coloured */
	UNIT_TARGET, /* a::b::c: its last part in text */
	UNIT_RUN,    /* number of a run: not shown to people where there is only one */
	UNIT_MASK = 63,
	UNIT_LESS = 64, /* added to a unit: of the columns that do not fit, left out before the others */
};

/* A column that people miss least. */
#define LESS(u) ((enum unit)((u) | UNIT_LESS))

struct column {
	const char *name;
	enum unit unit;
};

enum cell_type { CELL_NULL, CELL_INT, CELL_REAL, CELL_TEXT, CELL_BLOB };

struct cell {
	enum cell_type type;
	int64_t i;
	double r;
	const char *text; /* borrowed for the call */
	size_t len;
};

#define CELL_OF_INT(v)  ((struct cell){.type = CELL_INT, .i = (v)})
#define CELL_OF_REAL(v) ((struct cell){.type = CELL_REAL, .r = (v)})
#define CELL_OF_NULL    ((struct cell){.type = CELL_NULL})
struct cell cell_of_text(const char *s); /* NULL: a null */
struct cell cell_of_bytes(const char *s, size_t len);

/* A column's name without its unit, as its heading has it for people; returns its length. */
size_t column_heading(const struct column *c, char *buf, size_t size);

struct table;

/* Which of the columns a user means, by its name or heading: its index, or n. */
size_t column_find(const struct column *columns, size_t n, const char *name, size_t len);

/* columns are copied, their names too. Of out->columns, where it names some, those are shown, in its order; a name that
 * is none is -EINVAL. */
int table_open(struct output *out, const struct column *columns, size_t n, struct table **t);
int table_row(struct table *t, const struct cell *cells);
/* How many rows it has got. */
int64_t table_rows(const struct table *t);
/* What is held back is not shown: the answer failed half-way. table_close is still to be called. */
void table_cancel(struct table *t);
/* Writes what was held back and frees t, also after an error. NULL is fine. */
int table_close(struct table *t);

#endif
