/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chains.h - things in an array that are found by a key, the newest first, and taken out again one by one.
 *
 * Each thing has a link for each of the keys that it is found by; things with the same key are found in the order
 * opposite to that in which they came. base/table.h is smaller, where nothing is taken out.
 *
 *     struct chains by_id = {0};
 *     rc = chains_reserve(&by_id, CHAIN_LINKS(open, link), n + 1);
 *     chains_add(&by_id, CHAIN_LINKS(open, link), i, key);
 *     for (i = chains_first(&by_id, links, key); i != CHAIN_END; i = chains_next(links, i))
 *
 * The array may move: links are named anew for each call. A zeroed struct is empty. One thread at a time. */
#ifndef MODEL_CHAINS_H
#define MODEL_CHAINS_H

#include "base/hash.h"

#include <stddef.h>
#include <stdint.h>

enum { CHAIN_END = -1 };

struct chain_link {
	uint64_t key;
	int32_t newer, older;
};

/* Where the links of an array's things are. */
struct chain_links {
	void *array; /* NULL: there are no things yet */
	size_t at, step;
};

#define CHAIN_LINKS(array, member) \
	((struct chain_links){(array), offsetof(__typeof__(*(array)), member), sizeof *(array)})

struct chains {
	int32_t *head;
	uint32_t nheads, n; /* nheads: 0 or a power of two */
};

static inline struct chain_link *chain_link(struct chain_links of, int32_t i)
{
	return (struct chain_link *)(void *)((char *)of.array + (size_t)i * of.step + of.at);
}

/* Where the chain of a key begins, in a struct that has room. */
static inline int32_t *chain_head(const struct chains *c, uint64_t key)
{
	return &c->head[hash_pair(key, 0) & (c->nheads - 1)];
}

/* From i on, the next older one with its key, i itself if it has it. */
static inline int32_t chains_from(struct chain_links of, int32_t i, uint64_t key)
{
	while (i != CHAIN_END && chain_link(of, i)->key != key)
		i = chain_link(of, i)->older;
	return i;
}

/* The newest one with a key, or CHAIN_END. */
static inline int32_t chains_first(const struct chains *c, struct chain_links of, uint64_t key)
{
	return c->n ? chains_from(of, *chain_head(c, key), key) : CHAIN_END;
}

/* The one with i's key that came before it, or CHAIN_END. */
static inline int32_t chains_next(struct chain_links of, int32_t i)
{
	const struct chain_link *l = chain_link(of, i);

	return chains_from(of, l->older, l->key);
}

/* Room for n things. 0 or -ENOMEM: nothing has changed. */
int chains_reserve(struct chains *c, struct chain_links of, uint32_t n);
/* One more, for which there is room. */
void chains_add(struct chains *c, struct chain_links of, int32_t i, uint64_t key);
void chains_remove(struct chains *c, struct chain_links of, int32_t i);
/* Forgets all and keeps the room. */
void chains_clear(struct chains *c);
void chains_done(struct chains *c);

#endif
