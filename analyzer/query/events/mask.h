/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mask.h - texts of log lines without what varies in them (base/template.h). */
#ifndef QUERY_MASK_H
#define QUERY_MASK_H

#include "base/slice.h"
#include "render/text.h"

/* Adds a text as it stands in a line, escaped, with its values as value: "<*>" makes a template, "*" a pattern of
 * --message. */
void mask_escaped(struct text *out, struct slice escaped, const char *value);

/* The same of a text without escapes: of one that has none, or of no more than MASK_SAME bytes, both add the same. */
enum { MASK_SAME = 170 };
void mask_plain(struct text *out, struct slice plain, const char *value);

/* The same of a line that is no record: its text is escaped as a load does. */
void mask_line(struct text *out, struct slice plain, const char *value);

#endif
