/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tidfield.h - which field of a log names its transactions, where no format and no option says so.
 *
 * Values of such a field come in short bursts over several messages, many different ones, few lines each. A thread's id
 * lives through many bursts, a constant has one value, a sequence number one line a value; none of these is one. */
#ifndef INFER_TIDFIELD_H
#define INFER_TIDFIELD_H

#include "store/store.h"

enum {
	TIDFIELD_LINES = 20000, /* of a run that are looked at, about, and never twice as many: see stretch.h */
	TIDFIELD_SHOWN = 5,     /* candidates */
};

struct tidfield_candidate {
	char *path; /* as for --tid */
	uint32_t values, lines;
	double lines_each; /* mean of those values that could be a transaction's */
	int64_t median_ns; /* from the first line of a value to its last */
	double share;      /* of the lines */
};

struct tidfield {
	char *paths; /* what --tid takes: the field, and others that name the same; NULL: none, or none is clear */
	char *why;   /* what speaks for it, or against choosing, a sentence */
	struct tidfield_candidate v[TIDFIELD_SHOWN];
	unsigned n; /* best first */
};

/* Looks at one run (0: all). Texts are the caller's, also on error: tidfield_done. 0 or a negative errno. */
int tidfield_find(struct store *s, int64_t run, struct tidfield *out);
void tidfield_done(struct tidfield *t);

#endif
