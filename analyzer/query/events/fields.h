/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.h - the members of a JSON object that stood in a log line, one by one. */
#ifndef QUERY_FIELDS_H
#define QUERY_FIELDS_H

#include "base/slice.h"
#include "render/text.h"

enum field_kind { FIELD_STRING = 1, FIELD_INTEGER, FIELD_REAL, FIELD_BOOL, FIELD_NULL, FIELD_OBJECT, FIELD_ARRAY };

struct field {
	struct slice key;   /* with its JSON escapes */
	struct slice value; /* a string without its quotes but with its escapes; else as written */
	enum field_kind kind;
};

/* Goes through `{...}`: start with *at = 0. False at the end, and at the first thing that is no JSON. */
bool fields_next(struct slice object, size_t *at, struct field *out);
/* Adds a value for people: a string without its escapes, safe for a terminal, in quotes where it has blanks or is
 * empty. */
void field_show(struct text *out, const struct field *f);
/* "string", "integer", ... */
const char *field_kind_name(enum field_kind kind);

#endif
