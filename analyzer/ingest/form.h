/* SPDX-License-Identifier: GPL-3.0-or-later */
/* form.h - how another program's line is written, where a shape is that of its reading.
 *
 * A reading (ingest/record.h) is stored as a line of ours is: shapes and values. The line it was made of has the same
 * values in other places, between other text: that is its form, which stands behind the skeleton of the reading's head.
 * So both come from one set of values. What the line has and the reading has not are values of the head too, behind
 * those of the reading. */
#ifndef INGEST_FORM_H
#define INGEST_FORM_H

#include "base/bytes.h"
#include "ingest/line.h"
#include "ingest/timeform.h"

#define FORM_START '\x0e' /* in a skeleton: the form begins */
#define FORM_MARK  '\x0f' /* in a form: a value, in one of the ways below; text has neither of them */

enum form_kind {
	FORM_TEXT = 't',  /* of the form itself */
	FORM_SLOT = 'h',  /* two digits of base 64: a value of the reading's head */
	FORM_TID = 'i',   /* the row's transaction */
	FORM_TIME = 's',  /* a time form: the row's time */
	FORM_OUTER = 'd', /* a time form: another time, kept as ns behind the row's */
	FORM_MORE = 'x',  /* a slot kind as a digit: a value that the reading has not */
};

struct form_piece {
	enum form_kind kind;
	uint16_t slot;
	struct slice text;
	struct time_form time;
};

struct form {
	struct form_piece *pieces;
	unsigned n, room;
	unsigned nmore; /* values that are not the reading's */
	uint8_t *more;  /* their enum slot_kind */
	unsigned more_room;
};

/* Reads a form; text is borrowed. nslots: of the reading's head. 0, -EBADMSG or -ENOMEM; form_done in any case. */
int form_parse(const char *text, size_t len, unsigned nslots, struct form *out);
void form_done(struct form *f);

/* Writing one: text as it is, and marks. */
void form_put_slot(struct bytes *b, unsigned slot);
void form_put_time(struct bytes *b, enum form_kind kind, const struct time_form *f);
void form_put_more(struct bytes *b, enum slot_kind kind);

#endif
