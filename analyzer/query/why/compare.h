/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare.h - a comparison written down: tables, JSON, a page. */
#ifndef QUERY_WHY_COMPARE_H
#define QUERY_WHY_COMPARE_H

#include "query/why/comparison.h"
#include "render/text.h"

/* The tables of a comparison; each goes to q->out, in its format. */
enum compare_table { TABLE_CLAIMS, TABLE_GROUPS, TABLE_PARTS, TABLE_LINES, TABLES };
const char *compare_table_name(enum compare_table t);
/* all: each row there is; else what people look at first. Returns how many rows were left out. */
size_t compare_table(struct query *q, const struct comparison *c, enum compare_table t, bool all);

/* Two sentences: the verdict, and what it rests on. Plain text. */
void compare_sentence(const struct comparison *c, const char *micro, struct text *out);
/* "paper-info.db, 1,594 requests in 5 min 18 s" */
void compare_side(const struct comparison *c, int side, const char *micro, struct text *out);
/* How a line's number changed: "new", "gone", "more", "less", "same". */
const char *compare_change(const struct comparison *c, const struct line_seen *l);

/* schema/compare.schema.json */
void compare_json(struct query *q, const struct comparison *c, FILE *to);
/* Text or, with headings, Markdown, by out->format. */
void compare_text(struct query *q, const struct comparison *c);
/* A page by itself. */
void compare_html(struct query *q, const struct comparison *c, FILE *to);

#endif
