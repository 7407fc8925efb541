/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.h - bytes from logs, made safe for the place where they are shown.
 *
 * Whoever writes a log line chooses its bytes: an escape sequence in a message must not reach a terminal, nor a tag
 * a browser. Each writer takes any bytes; what is not UTF-8 shows as U+FFFD (JSON, HTML) or \xNN (terminal). */
#ifndef RENDER_TEXT_H
#define RENDER_TEXT_H

#include "base/text.h"
#include <stdint.h>
#include <stdio.h>

/* One code point of UTF-8: its length in bytes, *code set; 0 where it is malformed. */
size_t utf8_decode(const char *p, size_t len, uint32_t *code);
/* Columns it takes on a terminal: 0, 1 or 2. */
int utf8_columns(uint32_t code);
/* C0, DEL, C1, bidi controls, line and paragraph separators, zero-width marks that hide text. */
bool utf8_dangerous(uint32_t code);

/* Columns of text that is safe already; colour sequences of our own take none. */
int text_columns(const char *safe, size_t len);

/* Adds bytes for a terminal: \n \t \r as written, other dangerous code points as \u{1b}, bad bytes as \xff. */
void text_add_terminal(struct text *t, const char *bytes, size_t len);
/* The same, cut to at most columns, with … (or ..) in place of what is missing. */
void text_add_cut(struct text *t, const char *safe, size_t len, int columns, bool utf8);
/* A JSON string with its quotes. */
void text_add_json(struct text *t, const char *bytes, size_t len);
/* JSON that is JSON already, out of a log: what no terminal or parser should meet is escaped, the rest stays. */
void text_add_json_value(struct text *t, const char *json, size_t len);
/* Text of HTML or SVG, also within a quoted attribute. */
void text_add_html(struct text *t, const char *bytes, size_t len);
/* A cell of a Markdown table. */
void text_add_markdown(struct text *t, const char *bytes, size_t len);

#endif
