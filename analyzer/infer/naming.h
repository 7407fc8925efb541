/* SPDX-License-Identifier: GPL-3.0-or-later */
/* naming.h - which field names a request's function. */
#ifndef INFER_NAMING_H
#define INFER_NAMING_H

#include "infer/requests.h"

enum { NAMING_PLACES = 4 };

struct naming {
	uint32_t name, second;       /* names; SAMPLE_NONE: there is none; second: the path behind a method */
	bool in_span, ids, known;    /* ids: are taken out; known: by its name */
	uint32_t key[NAMING_PLACES]; /* messages that have it */
	bool place_in_span[NAMING_PLACES];
	int nplaces;
	uint32_t values, requests; /* different ones; requests that have one */
	uint32_t alone, like_ids;  /* values that one request has; that look like ids */
	double explains;           /* of the variance of the logarithm of the duration */
};

/* Whether programs call a field so that says what a request is. */
bool naming_is_known(struct slice name);

/* 0 or -ENOMEM. */
int naming_find(struct naming *out, const struct sample *s, const struct requests *r, unsigned kind);

#endif
