/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hint.h - what a user should hear about records that say less than they could: what to do about it. */
#ifndef INGEST_HINT_H
#define INGEST_HINT_H

#include "base/slice.h"

#define HINT_LEVELS 16 /* words that are named; more are "and others" */

struct record;

/* Texts are as they stand in the log, cut to their room; "" where there is nothing to say. */
struct record_hints {
	bool timeless;                /* the next two are of the first record without a time */
	char keys[256];               /* "when, lvl, msg" */
	char time_path[96];           /* of them, one whose value could be a time */
	char odd_time[64];            /* the first time that was not understood */
	char levels[HINT_LEVELS][32]; /* that no format knows */
	unsigned nlevels;
	bool more_levels;
};

/* Notes a record without a time; odd: what stood where its time should be, or SLICE_NONE. */
void hint_time(struct record_hints *h, struct record *r, struct slice odd);
void hint_level(struct record_hints *h, struct slice word);
/* What is in other and not in h. */
void hints_add(struct record_hints *h, const struct record_hints *other);

#endif
