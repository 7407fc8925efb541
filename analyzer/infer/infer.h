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
	char *why;  /* a sentence */
};

/* Looks at one run (0: all of them). Table place must have been written. Both texts are yours, also on error:
 * inferred_done. 0 or a negative errno. */
int infer_rules(struct store *s, int64_t run, struct inferred *out);
void inferred_done(struct inferred *i);

#endif
