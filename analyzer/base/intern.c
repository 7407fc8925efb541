/* SPDX-License-Identifier: GPL-3.0-or-later */
/* intern.c - each byte string once: an open hash table of numbers over blocks of bytes. */
#include "base/intern.h"
#include <errno.h>
#include <stdlib.h>

#define BLOCK_BYTES (256u * 1024)

static inline uint64_t mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *b = p;
	uint64_t h = seed ^ 0x9E3779B97F4A7C15u, v[2];

	for (; n >= 16; n -= 16, b += 16) {
		memcpy(v, b, 16);
		h = mix(v[0] ^ 0xA0761D6478BD642Fu, v[1] ^ h);
	}
	v[0] = v[1] = 0;
	if (n)
		memcpy(v, b, n);
	h = mix(v[0] ^ 0xE7037ED1A0B428DBu, v[1] ^ h);
	return mix(h ^ 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u ^ n);
}

void intern_init(struct intern *in)
{
	*in = (struct intern){0};
}

void intern_done(struct intern *in)
{
	for (size_t i = 0; i < in->nblocks; i++)
		free(in->block[i]);
	free(in->block);
	free(in->text);
	free(in->slot);
	intern_init(in);
}

/* The slot that holds text, or the free one where it belongs. The table is never full. */
static uint32_t *find_slot(const struct intern *in, struct slice text)
{
	uint32_t mask = in->nslots - 1, i = (uint32_t)hash_bytes(text.ptr, text.len, 0) & mask;

	while (in->slot[i] && !slice_same(in->text[in->slot[i] - 1], text))
		i = (i + 1) & mask;
	return &in->slot[i];
}

static int grow_slots(struct intern *in)
{
	uint32_t n = in->nslots ? in->nslots * 2 : 64, *old = in->slot;

	in->slot = calloc(n, sizeof *in->slot);
	if (!in->slot) {
		in->slot = old;
		return -ENOMEM;
	}
	in->nslots = n;
	for (uint32_t i = 0; i < in->n; i++)
		*find_slot(in, in->text[i]) = i + 1;
	free(old);
	return 0;
}

static int grow_text(struct intern *in)
{
	uint32_t n = in->room ? in->room * 2 : 64;
	struct slice *text = realloc(in->text, n * sizeof *text);

	if (!text)
		return -ENOMEM;
	in->text = text;
	in->room = n;
	return 0;
}

/* A copy of text in the current block, or in a new one. */
static char *copy(struct intern *in, struct slice text)
{
	if (!in->nblocks || in->size - in->used < text.len) {
		size_t size = text.len > BLOCK_BYTES ? text.len : BLOCK_BYTES;
		char **block = realloc(in->block, (in->nblocks + 1) * sizeof *block);

		if (!block)
			return NULL;
		in->block = block;
		block[in->nblocks] = malloc(size);
		if (!block[in->nblocks])
			return NULL;
		in->nblocks++;
		in->size = size;
		in->used = 0;
	}
	char *p = in->block[in->nblocks - 1] + in->used;

	if (text.len)
		memcpy(p, text.ptr, text.len);
	in->used += text.len;
	return p;
}

int intern_add(struct intern *in, struct slice text, uint32_t *out)
{
	if (in->n * 4 >= in->nslots * 3 && grow_slots(in))
		return -ENOMEM;
	uint32_t *slot = find_slot(in, text);

	if (!*slot) {
		if (in->n == in->room && grow_text(in))
			return -ENOMEM;
		char *p = copy(in, text);

		if (!p)
			return -ENOMEM;
		in->text[in->n++] = (struct slice){p, text.len};
		*slot = in->n;
	}
	*out = *slot - 1;
	return 0;
}

uint32_t intern_find(const struct intern *in, struct slice text)
{
	return in->nslots ? *find_slot(in, text) - 1 : INTERN_NONE;
}
