/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.h - one event line taken apart: where its values are, its time, its transaction.
 *
 * Understood are the event line of tracing-subscriber and libilulog (schema/event.schema.json), and its flattened form,
 * in which readings are (record.h). What is between the values is the line's shape (store/shape.h). */
#ifndef INGEST_LINE_H
#define INGEST_LINE_H

#include "base/slice.h"
#include "ingest/repair.h"

#define LINE_MAX_BYTES (64u << 20) /* a longer line is rejected by name */
#define LINE_MAX_KEYS  4096
#define LINE_MAX_TID   1024 /* a longer "tid" is a field like others */

enum slot_kind {
	SLOT_TID = 1,     /* a string: the line's transaction id */
	SLOT_STRING = 2,  /* a JSON string without its quotes, as escaped in the line */
	SLOT_SCALAR = 3,  /* a number, true, false or null */
	SLOT_JSON = 4,    /* an object or array */
	SLOT_STAMP = 5,   /* the line's time as Ilúvatar writes it: 2026-11-23 00:51:54.19069288 */
	SLOT_STAMP_Z = 6, /* the line's time as we write it: 2026-11-23T00:51:54.190692880Z */
	SLOT_KINDS
};

enum section { SECTION_TOP, SECTION_FIELDS, SECTION_SPAN, SECTION_SPANS };

/* A value in the line. */
struct token {
	uint32_t off, len; /* of the value; of a string without its quotes */
	uint32_t key_off, key_len;
	uint8_t kind; /* SLOT_STRING, SLOT_SCALAR or SLOT_JSON; the time is SLOT_STAMP, SLOT_STAMP_Z or a string */
	uint8_t section : 4; /* enum section */
	uint8_t named : 4;   /* may name the transaction, as the caller says (parse/tidname.h); else 0 */
	uint16_t element;    /* of SECTION_SPANS: which, from 0 */
};

enum line_verdict {
	LINE_OK,
	LINE_REPAIRED, /* an event, after the repair that `reason` names */
	LINE_REJECTED  /* not an event, for that reason */
};

struct line {
	const char *text; /* borrowed; SCAN_SLACK readable bytes follow */
	uint32_t len;
	uint32_t
	    tail_off; /* where span, spans, threadName, ... begin; len where there is nothing of them but the end */
	bool stamp_is_utc;                        /* the stamp names its offset */
	bool odd_order;                           /* something of the head stands behind span or spans */
	int64_t stamp;                            /* ns since 1970, as written or, where it names its offset, in UTC */
	struct slice level, target, message, tid; /* as they stand in the line; ptr NULL: absent */
	struct slice fields, span, spans;         /* the JSON values, with their brackets; ptr NULL: absent */
	unsigned nspans;                          /* elements of spans */
	unsigned ntokens;
	struct token *tokens; /* in the order of the text; of this struct */
	const char *reason;
	enum repair repair; /* of LINE_REPAIRED */
	bool any_length; /* in: a line that was made from a whole one, and may be a little longer than any from a log */
	/* private */
	unsigned room;
	int stamp_token, message_token, level_token, target_token;
	bool repairing, reading;
};

void line_init(struct line *l);
void line_done(struct line *l);

/* Takes text apart. The struct may be used again and again. -ENOMEM is the only error; a line that is no event is a
 * verdict. A line with invalid UTF-8 is repaired: whoever shows it shows U+FFFD. */
int line_parse(struct line *l, const char *text, size_t len, enum line_verdict *verdict);

/* The same for a reading (record.h): message and transaction are those of the top level, whatever the fields have. */
int line_parse_reading(struct line *l, const char *text, size_t len, enum line_verdict *verdict);

/* A JSON string's inside as plain UTF-8, invalid bytes as U+FFFD; buf has 3 * in.len bytes; returns the length. */
size_t json_unescape(struct slice in, char *buf);
/* Is a string's inside the text that it means: ASCII without a backslash? */
bool json_is_plain(struct slice in);
/* The text it means: `in` itself where that is so, else in buf. */
struct slice json_text(struct slice in, char *buf);

#endif
