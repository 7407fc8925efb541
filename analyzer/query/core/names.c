/* SPDX-License-Identifier: GPL-3.0-or-later */
/* names.c - see names.h: a hash table with open addressing, whose slots hold number + 1. */
#include "query/core/names.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>

static uint64_t hash(const char *p, size_t len)
{
	return hash_bytes(p, len, 0);
}

static int names_grow(struct names *n)
{
	uint32_t nslots = n->nslots ? n->nslots * 2 : 4096;
	uint32_t *slots = calloc(nslots, sizeof *slots);

	if (!slots)
		return -ENOMEM;
	for (uint32_t i = 0; i < n->n; i++) {
		uint32_t at = (uint32_t)hash(n->all[i], strlen(n->all[i])) & (nslots - 1);

		while (slots[at])
			at = (at + 1) & (nslots - 1);
		slots[at] = i + 1;
	}
	free(n->slots);
	n->slots = slots;
	n->nslots = nslots;
	return 0;
}

int names_put(struct names *n, const char *p, size_t len, uint32_t *out)
{
	uint32_t at;

	if (n->n * 2 >= n->nslots && names_grow(n))
		return -ENOMEM;
	at = (uint32_t)hash(p, len) & (n->nslots - 1);
	for (; n->slots[at]; at = (at + 1) & (n->nslots - 1)) {
		const char *have = n->all[n->slots[at] - 1];

		if (!strncmp(have, p, len) && !have[len]) {
			*out = n->slots[at] - 1;
			return 0;
		}
	}
	if (array_reserve(n->all, n->cap, n->n + 1))
		return -ENOMEM;
	n->all[n->n] = strndup(p, len);
	if (!n->all[n->n])
		return -ENOMEM;
	n->slots[at] = n->n + 1;
	*out = n->n++;
	return 0;
}

int64_t names_find(const struct names *n, struct slice s)
{
	uint32_t at;

	if (!n->nslots || !s.ptr)
		return -1;
	for (at = (uint32_t)hash(s.ptr, s.len) & (n->nslots - 1); n->slots[at]; at = (at + 1) & (n->nslots - 1))
		if (slice_is(s, n->all[n->slots[at] - 1]))
			return n->slots[at] - 1;
	return -1;
}

void names_done(struct names *n)
{
	for (uint32_t i = 0; i < n->n; i++)
		free(n->all[i]);
	free(n->all);
	free(n->slots);
}
