/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arena.c - see arena.h */
#include "base/arena.h"
#include <stdlib.h>
#include <string.h>

enum { BLOCK = 64 << 10, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ALIGN) char bytes[];
};

/* size bytes from a multiple of align on. */
static void *take(struct arena *a, size_t size, size_t align)
{
	struct arena_block *b = a->blocks;
	size_t at = b ? (b->used + align - 1) & ~(align - 1) : 0;

	if (!b || b->size < at || b->size - at < size) {
		size_t room = size > BLOCK ? size : BLOCK;

		b = room <= SIZE_MAX - sizeof *b ? malloc(sizeof *b + room) : NULL;
		if (!b) {
			a->failed = true;
			return NULL;
		}
		*b = (struct arena_block){.next = a->blocks, .size = room};
		a->blocks = b;
		at = 0;
	}
	b->used = at + size;
	return b->bytes + at;
}

void *arena_take(struct arena *a, size_t size)
{
	void *p = take(a, size, ALIGN);

	return p ? memset(p, 0, size) : NULL;
}

char *arena_copy(struct arena *a, struct slice s)
{
	char *p = take(a, s.len, 1);

	return p && s.len ? memcpy(p, s.ptr, s.len) : p;
}

char *arena_text(struct arena *a, const char *bytes, size_t len)
{
	static char empty[1];
	char *p;

	if (!bytes)
		return NULL;
	p = take(a, len + 1, 1);
	if (!p)
		return empty;
	if (len)
		memcpy(p, bytes, len);
	p[len] = 0;
	return p;
}

void arena_done(struct arena *a)
{
	while (a->blocks) {
		struct arena_block *next = a->blocks->next;

		free(a->blocks);
		a->blocks = next;
	}
	a->failed = false;
}
