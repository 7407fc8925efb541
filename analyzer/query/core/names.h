/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.h - strings as small numbers, so that millions of lines can be compared cheaply. */
#ifndef QUERY_NAMES_H
#define QUERY_NAMES_H

#include "base/slice.h"

/* Zero-initialise. */
struct names {
	char **all; /* by number; NUL-terminated */
	uint32_t n;
	/* private */
	uint32_t cap, nslots;
	uint32_t *slots;
};

/* The number of a string, a new one where it has none yet. 0 or -ENOMEM. */
int names_put(struct names *n, const char *p, size_t len, uint32_t *out);
/* -1: it has none */
int64_t names_find(const struct names *n, struct slice s);
void names_done(struct names *n);

#endif
