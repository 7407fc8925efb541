/* SPDX-License-Identifier: GPL-3.0-or-later */
/* logs.h - which messages are of one log, and how many requests have lines in it.
 *
 * A file is of the log that has the messages of most of its lines: the parts of one that was rotated, those of several
 * workers. One message that two programs have in common makes them no log.
 * Where a daemon's log was cut off, or is of another level, only a few of the requests that its clients sent have lines
 * in it. What most of these few have is a step of theirs. */
#ifndef INFER_LOGS_H
#define INFER_LOGS_H

#include "infer/sample.h"

struct logs {
	uint32_t *of;       /* by key: its log; one of no lines where the requests do not have it */
	uint32_t *requests; /* by log: so many have lines there */
};

/* Of n transactions of the sample. 0 or -ENOMEM; logs_done in any case. */
int logs_find(struct logs *out, const struct sample *s, const uint32_t *tids, uint32_t n);
void logs_done(struct logs *l);

/* How many have lines in the log that the message is of. */
static inline uint32_t logs_requests(const struct logs *l, uint32_t key)
{
	return l->requests[l->of[key]];
}

#endif
