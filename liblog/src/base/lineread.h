/* SPDX-License-Identifier: Apache-2.0 */
/* lineread.h - an event line that was just encoded, read back by sinks that show it in another form.
 *
 * So there is one encoder, and every sink shows what the file holds. Only what the encoder writes is understood: JSON
 * without blanks. Everything points into the line. */
#ifndef LINEREAD_H
#define LINEREAD_H

#include <stdbool.h>
#include <stddef.h>

struct slice {
	const char *at;
	size_t len;
};

/* Where one is in an object or array. */
struct cursor {
	const char *at, *end;
};

struct cursor line_inside(struct slice value);
/* The next value; false: there is none. */
bool line_next_element(struct cursor *c, struct slice *value);
/* The next key, without quotes, and its value, as it stands. */
bool line_next_member(struct cursor *c, struct slice *key, struct slice *value);

bool line_is(struct slice s, const char *text);
/* Of an object; a NULL slice when it is not there. */
struct slice line_member(struct slice object, const char *name);
/* A string without its quotes, anything else as it is. */
struct slice line_text(struct slice value);

/* The values as they stand; NULL slices where there are none. */
struct line {
	struct slice timestamp, level, fields, target, span, spans, thread, seq;
};

/* The line without its newline. false: it is not one of ours. */
bool line_read(struct slice text, struct line *line);

/* The bytes of the string at *at, which begins with a quote; *at is then behind it. Nothing gets longer by it. Returns
 * one past them in `out`. */
char *line_unescape(char *out, const char **at);

#endif
