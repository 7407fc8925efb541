/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsontext.h - walks over JSON text without building a tree.
 *
 * For files of a hundred megabytes and for strings inside log lines. Texts are followed by SCAN_SLACK readable bytes.
 */
#ifndef BASE_JSONTEXT_H
#define BASE_JSONTEXT_H

#include "base/slice.h"

enum json_kind { JSON_TEXT_NONE, JSON_TEXT_STRING, JSON_TEXT_SCALAR, JSON_TEXT_OBJECT, JSON_TEXT_ARRAY };

struct json_value {
	enum json_kind kind;
	struct slice text; /* a string's inside as it stands; with brackets; a number */
};

/* Takes the next member of an object (key and value) or element of an array (key NULL) that *at stands in; begin with
 * jsontext_enter. 1: one more, 0: no more, -EBADMSG: not JSON. */
struct json_walk {
	const char *p, *end;
	bool object, first;
};
int jsontext_enter(struct json_walk *w, struct slice text);
int jsontext_next(struct json_walk *w, struct slice *key, struct json_value *out);

/* The value that p stands at, up to end: returns what follows it, or NULL: not JSON. */
const char *jsontext_take(const char *p, const char *end, struct json_value *out);

/* The member under a path like "queues.CPU.len"; kind JSON_TEXT_NONE where there is none. */
struct json_value jsontext_at(struct slice object, const char *path);

/* A number of few digits without an exponent, as strtod would read it, some times as fast; false: it is none. */
bool jsontext_decimal(struct slice s, double *out);
double jsontext_real(struct json_value v);                /* NaN: not a number */
bool jsontext_integer(struct json_value v, int64_t *out); /* whole numbers that fit */

#endif
