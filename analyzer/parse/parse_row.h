/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse_row.h - one line on its way into the chunk: what parse.c and foreign.c share. */
#ifndef PARSE_ROW_H
#define PARSE_ROW_H

#include "parse/parse.h"

struct row {
	struct slice text; /* without line end */
	size_t bytes;      /* with it */
	const struct shape *head, *tail;
	struct slice tid;
	int64_t stamp;
};

/* parse_reject.c: a line that should have been an event: a row of table reject; a long one is left to parser_give_up.
 */
int parse_reject_row(struct parser *p, const struct row *r, const char *reason);
/* A part of the line should have been an event. The line counts as rejected; its rows are still to be added. */
int parse_reject_part(struct parser *p, const struct row *r, struct slice part, const char *reason);

/* A repair that the user, or one of the line's formats (bits), has switched off: the line is to be rejected. */
static inline bool parse_may_not(const struct parser *p, enum repair r, unsigned bits)
{
	return (p->records.options.no_repair | bits) >> r & 1;
}

/* What is remembered of an event, for the text that may follow it. local: its stamp names no offset. */
static inline void parse_event_seen(struct parser *p, struct slice tid, int64_t stamp, bool local)
{
	p->last_tid = tid;
	p->last_stamp = stamp;
	p->last_local = local;
	p->records.near_ns = stamp; /* for a record whose time is not understood */
	p->records.has_near = true;
	p->records.near_local = local;
	p->has_last = p->after_record = true;
	p->continues = false;
}

/* foreign.c: takes what begins at text: one line, or the lines of one record. *used: bytes taken; 0 where more text is
 * needed to tell (never where last). */
int foreign_take(struct parser *p, const char *text, const char *end, bool last, size_t *used);

/* At the end of a file: what is still in pieces. */
int foreign_end(struct parser *p);

#endif
