/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parents.h - which field of a request names the one that it is inside of.
 *
 * Its values are the ids of other transactions, each of which begins before the request does and is not over then. The
 * id of a request that was before (a redirect, a retry) is none: that one is over. */
#ifndef INFER_PARENTS_H
#define INFER_PARENTS_H

#include "infer/requests.h"

enum { PARENTS_LEAST = 5 };

struct parents {
	uint32_t field;          /* of the sample; SAMPLE_NONE: there is none */
	uint32_t looked, around; /* requests that were looked at; of these, those that are inside what it names */
};

/* The sample and its requests are of this store and run (0: all). 0 or a negative errno. */
int parents_find(struct parents *out, struct store *store, int64_t run, const struct sample *s,
                 const struct requests *r, unsigned kind);

#endif
