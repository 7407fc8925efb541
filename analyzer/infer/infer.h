/* SPDX-License-Identifier: GPL-3.0-or-later */
/* infer.h - rules found in a log that no rules speak of.
 *
 * What came of it is the text of a rules file, with the evidence under "why": a person can read it, correct it and load
 * with it. It is a function of what is loaded. */
#ifndef INFER_INFER_H
#define INFER_INFER_H

#include "store/store.h"

struct inferred {
	char *text; /* of a rules file; NULL: no requests were found, and why says what was looked at */
	char *why;  /* a sentence; NULL: no line names a transaction, see infer_without_tids */
};

/* Looks at one run (0: all of them). Table place must have been written. Both texts are yours, also on error:
 * inferred_done. 0 or a negative errno. */
int infer_rules(struct store *s, int64_t run, struct inferred *out);
/* Where no line names a transaction: says in out->why which field may, or that none does. It is apart because load has
 * looked for that before. 0 or a negative errno. */
int infer_without_tids(struct store *s, int64_t run, struct inferred *out);
void inferred_done(struct inferred *i);

#endif
