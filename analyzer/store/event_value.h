/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_value.h - values of log lines as SQL sees them, the columns of events, and tests of one field. */
#ifndef STORE_EVENT_VALUE_H
#define STORE_EVENT_VALUE_H

#include "store/event_plan.h"
#include "store/store.h"

/* Makes v, which stands in a line in the way of kind, the result of ctx: integers as INTEGER (beyond 64 bits as TEXT),
 * other numbers as REAL, strings without their escapes as TEXT, true and false as 1 and 0, null and kind 0 as NULL,
 * nested JSON as TEXT. */
void event_value_result(sqlite3_context *ctx, enum slot_kind kind, struct slice v);

/* The same for a string as it stands in a line; NULL where ptr is NULL. */
void event_text_result(sqlite3_context *ctx, struct slice v);

/* The same for a string that outlives every statement, as those of shapes do: it need not be copied. */
void event_constant_result(sqlite3_context *ctx, struct slice v);

/* Is a string as it stands in a line, without its escapes, the same as text? 1, 0 or -ENOMEM. */
int event_text_is(struct slice escaped, const char *text, size_t len);

/* What the whole of v is as a number: true is 1, false 0. Returns false where it is none. */
bool event_number(struct slice v, double *out);

/* One test of a field: "name=value", also < > <= >= !=, or "name" alone: is it there? Numbers are compared as numbers,
 * by < and > also where the line has them in quotes; anything else as text, without escapes. A missing field passes no
 * test. */
struct event_test {
	char *name; /* ours */
	char op;    /* '=', '<', '>', 'l' (<=), 'g' (>=), '!', '?' (is there) */
	char *text; /* ours, behind name in the same memory */
	size_t len;
};

/* 0, -EINVAL (no name) or -ENOMEM. */
int event_test_parse(const char *text, struct event_test *out);
void event_test_done(struct event_test *t);
/* 1, 0, or the negative errno of reading the field. */
int event_test_passes(const struct event_test *t, const struct event *e);

/* MATCH of single events. What was found in the lines beside the last ones is remembered, for as many texts as a
 * statement has, mostly; of more texts single lines are searched. All zero at first. */
enum { EVENT_MATCHES = 64 };
struct event_matcher {
	struct event_hits {
		char *text;
		size_t len;
		int64_t first; /* id of the first line that hits are of */
		uint8_t *hits; /* of SEGMENT_ROWS lines; NULL: none yet */
		uint64_t used; /* the call that asked last */
	} of[EVENT_MATCHES];
	uint64_t calls, searched; /* lines, with those of groups */
};

/* Whether text is in the message or a string of the fields, however they spell it: 1, 0 or a negative errno. */
int event_matches(struct event_matcher *m, const struct event *e, struct slice text);
void event_matcher_done(struct event_matcher *m);

/* A column of the table `event`. */
struct event_datum {
	enum { DATUM_NULL, DATUM_INTEGER, DATUM_TEXT } type;
	int64_t integer;
	struct slice text; /* borrowed until the next event is read */
	bool escaped;      /* the inside of a JSON string: what it means is the value */
	bool lasting;      /* the text lives as long as the store, until store_refresh */
};

/* All columns but COL_OFFSET (event_offset). 0 or a negative errno. */
int event_datum(const struct event *e, enum event_column column, struct event_datum *out);

/* Offsets of lines that follow each other, each known from the one before. Zero-initialise. */
struct event_offsets {
	int64_t id, offset, next; /* of the event that was asked for last, and of the line behind it; id 0: none was */
};
/* As event_offset. */
int event_offset_next(struct event_offsets *o, const struct event *e, int64_t *out);

/* What a datum's text means, in *buf (free it) or itself. ptr NULL: it is none, or no memory (*failed then). */
struct slice event_datum_text(const struct event_datum *d, char **buf, bool *failed);

/* A time's column `second`: rounded down. */
static inline int64_t event_second(int64_t time_ns)
{
	return time_ns / 1000000000 - (time_ns % 1000000000 < 0);
}

#endif
