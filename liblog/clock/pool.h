/* SPDX-License-Identifier: Apache-2.0 */
/* pool.h - many objects of one size, each at a cache line of its own, never given back before the end.
 *
 * So that whoever finds an old pointer to one may still ask it what it is. Chunks grow up to a huge page each: the
 * processor knows few small pages, and a hundred thousand objects in turn would need another each time. */
#ifndef ILU_POOL_H
#define ILU_POOL_H

#include <stddef.h>

struct pool {
	size_t size; /* of an object: a multiple of 64 */
	size_t link; /* where in an object that is not in use its next one stands */
	struct pool_chunk *chunks;
	void *unused;
	char *next, *end; /* never used so far */
};

/* One that is not in use, with what was in it (zeros at first). NULL: no memory. */
void *pool_take(struct pool *p);
void pool_give(struct pool *p, void *object);
/* All that were ever in use. */
void pool_each(const struct pool *p, void (*look)(void *object));
void pool_done(struct pool *p);

#endif
