/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tidname.h - the transaction of a line of tracing's that has no "tid", under the names that other programs use.
 *
 * The names are those of the format "default", or what --tid says; each is looked for at the top level, then in
 * `fields`, then in the innermost span that has one of them. */
#ifndef PARSE_TIDNAME_H
#define PARSE_TIDNAME_H

#include "ingest/line.h"
#include "ingest/record.h"

/* A value that may be the transaction's: whether it is depends on what it says. */
struct tid_candidate {
	uint64_t rank; /* the highest that counts is it */
	uint32_t slot; /* of the shape that it stands in */
};

struct tid_names {
	struct tid_name *all;
	size_t n, room;
	uint64_t lengths; /* bits of the keys' lengths; 63: and longer */
	bool given;       /* by --tid: they go before "tid" */
	bool vague; /* of the line that was taken: what counts may be no value of it, but part of one, or several */
	bool deep, templates; /* some lead into objects; some are put together */
	bool ready;           /* they were looked up */
	struct bytes made;    /* a text that was put together */
	struct log_format own;
	bool has_own;
};

/* Looks up the names; o as a parser has it, and borrowed. 0, -EINVAL or -ENOMEM. */
int tid_names_init(struct tid_names *n, const struct record_options *o);
void tid_names_done(struct tid_names *n);

/* Marks the line's values under such names, and sets its tid where one is it. *made: it is no stretch of the line,
 * and stands until the next call. True where it was set. -ENOMEM shows in n->made.failed. */
bool tid_names_take(struct tid_names *n, struct line *l, bool *made);

/* How far a token goes before others, where it counts; 0: it is under none of the names. */
uint64_t tid_names_rank(const struct tid_names *n, const struct line *l, const struct token *t);

/* Is it an id? Not what is empty, null, all zeros, a truth or too long. */
bool tid_names_counts(enum slot_kind kind, struct slice value);

#endif
