/* SPDX-License-Identifier: GPL-3.0-or-later */
/* table.c - see table.h: open addressing, at most three quarters full, so that each search comes to a free slot. */
#include "base/table.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define FIRST 64
#define MOST  (UINT32_C(1) << 31)

static void put(struct table_slot *slot, uint32_t nslots, struct table_slot s)
{
	uint32_t at = s.hash & (nslots - 1);

	while (slot[at].number)
		at = (at + 1) & (nslots - 1);
	slot[at] = s;
}

/* Twice the slots. Those of one hash keep their order: the old ones are gone through from a free one on. */
static int grow(struct table *t)
{
	uint32_t n = t->nslots ? t->nslots * 2 : FIRST, start = 0;
	struct table_slot *slot;

	if (t->nslots == MOST)
		return -ENOMEM;
	slot = calloc(n, sizeof *slot);
	if (!slot)
		return -ENOMEM;
	while (start < t->nslots && t->slot[start].number)
		start++;
	for (uint32_t i = 0; i < t->nslots; i++) {
		const struct table_slot *s = &t->slot[(start + i) & (t->nslots - 1)];

		if (s->number)
			put(slot, n, *s);
	}
	free(t->slot);
	t->slot = slot;
	t->nslots = n;
	return 0;
}

int table_add(struct table *t, uint64_t hash, uint32_t number)
{
	int rc = (uint64_t)t->n * 4 >= (uint64_t)t->nslots * 3 ? grow(t) : 0;

	if (rc)
		return rc;
	put(t->slot, t->nslots, (struct table_slot){(uint32_t)hash, number + 1});
	t->n++;
	return 0;
}

void table_clear(struct table *t)
{
	if (t->n)
		memset(t->slot, 0, t->nslots * sizeof *t->slot);
	t->n = 0;
}

void table_done(struct table *t)
{
	free(t->slot);
	*t = (struct table){0};
}
