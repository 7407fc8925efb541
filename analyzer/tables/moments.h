/* SPDX-License-Identifier: GPL-3.0-or-later */
/* moments.h - the moments of one invocation as bytes: moment_row.times (docs/store-format.md). */
#ifndef TABLES_MOMENTS_H
#define TABLES_MOMENTS_H

#include "base/bytes.h"
#include "model/rules.h"

/* Appends them to out. */
void moments_pack(const struct named_moment *v, size_t n, struct bytes *out);

struct moments {
	struct named_moment *v;
	size_t n, room;
};

/* Reads them into out, which is used again: zero-initialise, free v at last. 0, -ENOMEM or -EBADMSG. */
int moments_unpack(const void *p, size_t len, struct moments *out);

#endif
