/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse_state.h - what a parser knows of the lines before, so that another one can go on behind them. */
#ifndef PARSE_STATE_H
#define PARSE_STATE_H

#include "parse/parse.h"

/* Zero-initialised: the beginning of a file. */
struct parse_state {
	bool in_array, has_last, after_record, continues, last_local, peeked, has_near, near_local, has_tid;
	int64_t last_stamp, peeked_ns, near_ns, zone_prev, group_budget;
	size_t tid_len;
	char tid[RECORD_MAX_TID];
	struct record_pending pending[RECORD_PENDING];
	uint64_t pieces;
};

/* Counts of what was read and guessed, for going back to them. */
struct parse_mark {
	struct record_use uses[RECORD_USES];
	unsigned nuses;
	uint64_t no_time, odd_time, assumed_zone, assumed_year, either_day, tracing;
	struct record_hints hints;
};

/* Moves the parser's state to s, which is let go before; the parser is at the beginning of a file then. */
void parse_state_leave(struct parser *p, struct parse_state *s);
/* Moves s to the parser; s is as zero-initialised then. */
void parse_state_enter(struct parser *p, struct parse_state *s);
void parse_state_done(struct parse_state *s);

/* Whether records behind it come out the same without it, if they do not ask what was before (parser.depended). */
bool parse_state_is_clean(const struct parse_state *s);

void parse_mark_set(const struct parser *p, struct parse_mark *m);
/* The parser has seen nothing since; the builder is cleared. */
void parse_mark_return(struct parser *p, const struct parse_mark *m);

#endif
