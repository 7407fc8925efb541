/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table_writer.h - private to the tables: one writer a format. */
#ifndef RENDER_TABLE_WRITER_H
#define RENDER_TABLE_WRITER_H

#include "render/table.h"
#include "render/text.h"

struct held; /* rows of text that wait for their widths */

struct table {
	struct output *out;
	struct column *columns; /* owned */
	size_t n;
	bool *less;            /* UNIT_LESS was added; owned */
	size_t *chosen;        /* of --columns: which of the caller's cells each is; NULL: all as they come; owned */
	struct cell *cells;    /* room for those; owned */
	int64_t rows;          /* so far */
	int64_t offset_s;      /* of the row being written */
	int64_t head_offset_s; /* that the heading names (Markdown) */
	int status;            /* the first error */
	struct text line;      /* of the row being written */
	struct held *held;     /* FORMAT_TEXT alone */
};

/* Each returns 0 or a negative errno. */
struct table_writer {
	int (*head)(struct table *t);
	int (*row)(struct table *t, const struct cell *cells);
	int (*tail)(struct table *t);
};

extern const struct table_writer table_text, table_csv, table_json, table_markdown, table_html, table_lines;

void table_text_done(struct held *held);

/* Writes t->line and empties it. */
int table_flush_line(struct table *t);
/* The same in the middle of a row that is a long one already: a large cell stands in memory once more, and no two. */
int table_flush_long(struct table *t);
/* How much of a time column's name stays for the RFC 3339 column. */
size_t column_time_name(const struct column *c);
/* Not shown: it is for the row's times, or for people goes without saying. */
bool column_hidden(const struct table *t, size_t i);
bool column_is_right(enum unit unit, enum cell_type type);
/* A value as people read it, safe for a terminal. */
void cell_human(struct text *out, const struct output *o, enum unit unit, const struct cell *c, int64_t offset_s);
/* A value as it is. */
void cell_exact(struct text *out, const struct cell *c);

#endif
