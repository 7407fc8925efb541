/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.h - where things stand, by hash: the hash table of those who keep their things in an array.
 *
 * The table holds numbers under hashes. What stands under a number, and whether it is the thing that is looked for,
 * its owner knows:
 *
 *     for (i = table_first(&w, &l->at, hash); i != TABLE_NONE; i = table_next(&w))
 *             if (slice_same(l->v[i].name, name))
 *                     return i;
 *     rc = table_add(&l->at, hash, l->n);
 *
 * A zeroed table is an empty one. Numbers are not taken out one by one. One thread at a time, or readers alone. */
#ifndef BASE_TABLE_H
#define BASE_TABLE_H

#include <stdint.h>

#define TABLE_NONE UINT32_MAX

struct table {
	struct table_slot {
		uint32_t hash, number; /* number + 1; 0: free */
	} * slot;
	uint32_t n, nslots; /* nslots: 0 or a power of two */
};

struct table_walk {
	const struct table *table;
	uint32_t hash, at;
};

/* The next number under the hash, in the order in which they came; TABLE_NONE: no more. */
static inline uint32_t table_next(struct table_walk *w)
{
	const struct table *t = w->table;

	for (;;) {
		const struct table_slot *s = &t->slot[w->at];

		if (!s->number)
			return TABLE_NONE;
		w->at = (w->at + 1) & (t->nslots - 1);
		if (s->hash == w->hash)
			return s->number - 1;
	}
}

static inline uint32_t table_first(struct table_walk *w, const struct table *t, uint64_t hash)
{
	*w = (struct table_walk){t, (uint32_t)hash, t->nslots ? (uint32_t)hash & (t->nslots - 1) : 0};
	return t->nslots ? table_next(w) : TABLE_NONE;
}

/* One more number, below TABLE_NONE, under a hash. 0 or -ENOMEM: nothing has changed. */
int table_add(struct table *t, uint64_t hash, uint32_t number);
/* Forgets all numbers and keeps the room for them. */
void table_clear(struct table *t);
void table_done(struct table *t);

#endif
