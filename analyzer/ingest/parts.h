/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.h - which stretches of a line its reading was made of, and what else could stand there.
 *
 * A log repeats itself: of the next line of a program mostly some values differ. Where nothing but values differs that
 * no format looks at, its reading differs in the same places alone, and needs no format: see parse/recipe.h. The parts
 * of a line say which stretches those are, and what must hold of a value for all else to stay as it was. */
#ifndef INGEST_PARTS_H
#define INGEST_PARTS_H

#include "ingest/record.h"
#include "ingest/timeform.h"

enum part_scan {
	SCAN_CONST,   /* the same bytes */
	SCAN_STRING,  /* the inside of a JSON string */
	SCAN_ESCAPED, /* the same, of JSON that is itself inside of a string: up to \", without escapes */
	SCAN_NUMBER,
	SCAN_SCALAR, /* a number, true, false, null */
	SCAN_DIGITS, /* a whole number as JSON has it: without a sign, without a zero before it */
	SCAN_OBJECT,
	SCAN_ARRAY,
	SCAN_WORD,  /* up to the next blank or quote; no number, nor true, false or null */
	SCAN_PIECE, /* what a piece of a pattern takes, without what JSON escapes */
	SCAN_TIME
};

/* Besides, the value must not be ... */
enum part_guard {
	GUARD_NOTHING = 1, /* ... empty or all zeros (docs/formats.md) */
	GUARD_OBJECT = 2,  /* ... the beginning of an object, as text */
	GUARD_TID = 4,     /* ... longer than an id may be, nor true or false */
	GUARD_TAIL = 8,    /* ... a text that may end in fields (record_has_tail) */
};

enum part_role {
	PART_TEXT,  /* nothing of its own: it is the same in all such lines */
	PART_FIELD, /* of the reading's fields the field-th */
	PART_TIME,
	PART_MESSAGE,
	PART_TID,
	PART_OUTER_TIME, /* an envelope's, which the reading has not */
	PART_HIDDEN,     /* any other value that the reading has not */
};

struct record_part {
	struct slice value;
	uint8_t scan, guards, role;
	uint8_t kind;              /* enum slot_kind of the value in the reading */
	unsigned field;            /* PART_FIELD */
	struct time_form form;     /* SCAN_TIME; value is then what the form covers */
	const struct piece *piece; /* SCAN_PIECE */
	bool by_size;              /* the number's unit is told by its size */
	bool outer;                /* it is in the envelope */
};

#define RECORD_PARTS 128 /* lines with more values are read one by one */

struct record_parts {
	struct record_part *all; /* in the order of the text; RECORD_PARTS of them, the caller's */
	unsigned n, fields;      /* fields: of the reading */
	/* Of an envelope, or a line that a pattern fits: the part of each of its captures, none where all are NULL. */
	const struct log_format *format;
	const struct pattern *pattern;
	bool says;  /* an envelope's text, which is no record, is one of them */
	bool sure;  /* no other pattern can be the first that fits, whatever the values are */
	bool local; /* the time names no offset */
	bool yearless;
	bool inner_time; /* the time is of a record in an envelope, whose own counts where it is since a start */
	bool pieces;     /* lines in such envelopes may be pieces */
	unsigned use;    /* index of record_reader.uses */
};

/* The parts of the line that was read last, by a reader that watches (record_watch). text: what record_read was given.
 * False: there is more to it than parts can tell. */
bool record_parts(struct record_reader *rr, struct slice text, const struct record_result *r, struct record_parts *out);
void record_watch(struct record_reader *rr, bool on);

/* For a line that was told by its parts: whether the pattern is still the first that fits, with these captures. values:
 * of the parts that are `outer`, in order. */
bool record_pattern_same(const struct record_reader *rr, const struct record_parts *p, struct slice text,
                         const struct slice *values, unsigned n);

/* Whether a captured text that a format opens may end in pairs or an object, or stand in quotes; not empty. */
bool record_has_tail(struct slice text);

/* Whether a record is in pieces just now. */
bool record_in_pieces(const struct record_reader *rr);

/* Counts such a line as record_read would, and remembers its time. False: the zone has another offset then. */
bool record_told(struct record_reader *rr, const struct record_parts *p, int32_t offset_s, int64_t ns);

#endif
