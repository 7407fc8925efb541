/* SPDX-License-Identifier: Apache-2.0 */
/* pool.c - see pool.h. */
#include "pool.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define LINE  64
#define FIRST ((size_t)16 << 10)
#define HUGE  ((size_t)2 << 20)

struct pool_chunk {
	struct pool_chunk *next;
	char *end; /* of what was ever in use; of the latest chunk the pool knows better */
	size_t bytes;
} __attribute__((aligned(LINE)));

static bool more(struct pool *p)
{
	size_t bytes = p->chunks ? p->chunks->bytes * 2 : FIRST;
	struct pool_chunk *c;

	if (bytes > HUGE)
		bytes = HUGE;
	c = aligned_alloc(bytes == HUGE ? HUGE : LINE, bytes);
	if (!c)
		return false;
	if (bytes == HUGE)
		madvise(c, bytes, MADV_HUGEPAGE);
	memset(c, 0, bytes);
	if (p->chunks)
		p->chunks->end = p->next;
	c->next = p->chunks;
	c->bytes = bytes;
	p->chunks = c;
	p->next = (char *)(c + 1);
	p->end = p->next + (bytes - sizeof *c) / p->size * p->size;
	return true;
}

static void **link_of(const struct pool *p, void *object)
{
	return (void **)(void *)((char *)object + p->link);
}

void *pool_take(struct pool *p)
{
	void *object = p->unused;

	if (object) {
		p->unused = *link_of(p, object);
		return object;
	}
	if (p->next == p->end && !more(p))
		return NULL;
	object = p->next;
	p->next += p->size;
	return object;
}

void pool_give(struct pool *p, void *object)
{
	*link_of(p, object) = p->unused;
	p->unused = object;
}

void pool_each(const struct pool *p, void (*look)(void *object))
{
	for (struct pool_chunk *c = p->chunks; c; c = c->next) {
		char *end = c == p->chunks ? p->next : c->end;

		for (char *at = (char *)(c + 1); at < end; at += p->size)
			look(at);
	}
}

void pool_done(struct pool *p)
{
	while (p->chunks) {
		struct pool_chunk *c = p->chunks;

		p->chunks = c->next;
		free(c);
	}
	p->unused = p->next = p->end = NULL;
}
