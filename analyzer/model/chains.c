/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chains.c - see chains.h */
#include "model/chains.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { HEADS_FIRST = 1024 };

/* All heads are CHAIN_END, whose bytes are 0xff. */
static void heads_clear(int32_t *head, uint32_t n)
{
	if (n)
		memset(head, 0xff, n * sizeof *head);
}

static void put_newest(struct chains *c, struct chain_links of, int32_t i)
{
	struct chain_link *l = chain_link(of, i);
	int32_t *head = chain_head(c, l->key);

	l->newer = CHAIN_END;
	l->older = *head;
	if (*head != CHAIN_END)
		chain_link(of, *head)->newer = i;
	*head = i;
}

/* The oldest of a chain. */
static int32_t oldest(struct chain_links of, int32_t i)
{
	for (int32_t older; i != CHAIN_END && (older = chain_link(of, i)->older) != CHAIN_END;)
		i = older;
	return i;
}

/* Chains keep their order: each goes into the new heads oldest first. */
int chains_reserve(struct chains *c, struct chain_links of, uint32_t n)
{
	struct chains larger = {.nheads = c->nheads ? c->nheads : HEADS_FIRST, .n = c->n};

	if (n > UINT32_MAX / 8)
		return -ENOMEM;
	while (larger.nheads / 2 < n)
		larger.nheads *= 2;
	if (c->nheads == larger.nheads)
		return 0;
	larger.head = malloc(larger.nheads * sizeof *larger.head);
	if (!larger.head)
		return -ENOMEM;
	heads_clear(larger.head, larger.nheads);
	for (uint32_t b = 0; b < c->nheads; b++) {
		for (int32_t i = oldest(of, c->head[b]), next; i != CHAIN_END; i = next) {
			next = chain_link(of, i)->newer;
			put_newest(&larger, of, i);
		}
	}
	free(c->head);
	*c = larger;
	return 0;
}

void chains_add(struct chains *c, struct chain_links of, int32_t i, uint64_t key)
{
	chain_link(of, i)->key = key;
	put_newest(c, of, i);
	c->n++;
}

void chains_remove(struct chains *c, struct chain_links of, int32_t i)
{
	const struct chain_link *l = chain_link(of, i);

	if (l->newer == CHAIN_END)
		*chain_head(c, l->key) = l->older;
	else
		chain_link(of, l->newer)->older = l->older;
	if (l->older != CHAIN_END)
		chain_link(of, l->older)->newer = l->newer;
	c->n--;
}

void chains_clear(struct chains *c)
{
	heads_clear(c->head, c->nheads);
	c->n = 0;
}

void chains_done(struct chains *c)
{
	free(c->head);
	*c = (struct chains){0};
}
