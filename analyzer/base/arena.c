/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.c - see arena.h */
#include "base/arena.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 << 10 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(16) char bytes[];
};

void *arena_take(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	size_t want = (size + 15) & ~(size_t)15;
	void *p;

	if (!b || b->size - b->used < want) {
		size_t room = want > BLOCK ? want : BLOCK;

		b = malloc(sizeof *b + room);
		if (!b) {
			a->failed = 1;
			return NULL;
		}
		*b = (struct arena_block){.next = a->blocks, .size = room};
		a->blocks = b;
	}
	p = b->bytes + b->used;
	b->used += want;
	return memset(p, 0, want);
}

char *arena_text(struct arena *a, const char *bytes, size_t len)
{
	static char empty[1];
	char *p;

	if (!bytes)
		return NULL;
	p = arena_take(a, len + 1);
	if (!p)
		return empty;
	if (len)
		memcpy(p, bytes, len);
	return p;
}

void arena_done(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->failed = 0;
}
