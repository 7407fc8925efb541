/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.h - memory that dies together. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include "base/slice.h"

struct arena_block;

/* Zero-initialise. A failed allocation is remembered, so that a builder asks once at the end. */
struct arena {
	struct arena_block *blocks;
	bool failed;
};

/* Zeroed, aligned for anything; NULL where memory is out. */
void *arena_take(struct arena *a, size_t size);
/* A copy of the bytes, without a NUL, aligned for nothing; NULL where memory is out. */
char *arena_copy(struct arena *a, struct slice s);
/* A copy with a NUL behind it; "" where memory is out, NULL for NULL. */
char *arena_text(struct arena *a, const char *bytes, size_t len);
void arena_done(struct arena *a);

#endif
