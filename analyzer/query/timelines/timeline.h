/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timeline.h - a transaction as a timeline: what to show of it, and what to leave out. */
#ifndef QUERY_TIMELINE_H
#define QUERY_TIMELINE_H

#include "query/timelines/transaction.h"
#include "render/timeline.h"

struct timeline_options {
	bool all;  /* nothing is folded or left out */
	bool bars; /* phases and spans alone */
	bool path; /* with the critical path */
	bool utf8;
};

/* Rows and facts live in arena; the texts they point to in tx. 0 or -ENOMEM. */
int timeline_make(struct arena *arena, const struct transaction *tx, const struct timeline_options *o,
                  struct timeline *out);

#endif
