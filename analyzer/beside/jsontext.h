/* SPDX-License-Identifier: GPL-3.0-or-later */
/* jsontext.h - walks over JSON text without building a tree.
 *
 * For files of a hundred megabytes and for strings inside log lines. Texts are followed by SCAN_SLACK readable bytes.
 */
#ifndef BESIDE_JSONTEXT_H
#define BESIDE_JSONTEXT_H

#include "ingest/reader.h"
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

/* The member under a path like "queues.CPU.len"; kind JSON_TEXT_NONE where there is none. */
struct json_value jsontext_at(struct slice object, const char *path);

double jsontext_real(struct json_value v);                /* NaN: not a number */
bool jsontext_integer(struct json_value v, int64_t *out); /* whole numbers that fit */

/* The elements of one array that is a whole file, one at a time. */
struct json_file {
	struct reader *reader;
	char *buf;
	size_t n, at, room;
	bool end, entered, done;
	int64_t line;   /* of the element, from 1 */
	int64_t offset; /* of buf[0] in the text */
};
int jsontext_file_open(struct json_file *f, const char *path, const char **why);
void jsontext_file_close(struct json_file *f);
/* 1: *out is the next element, valid until the next call; 0: the array ended; -EBADMSG with *why: damage. */
int jsontext_file_next(struct json_file *f, struct json_value *out, const char **why);

#endif
