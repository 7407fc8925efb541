/* SPDX-License-Identifier: GPL-3.0-or-later */
/* intern.c - see intern.h: texts in an arena, by number in an array, found by a table. */
#include "base/intern.h"
#include "base/array.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>

void intern_init(struct intern *in)
{
	*in = (struct intern){0};
}

void intern_done(struct intern *in)
{
	arena_done(&in->bytes);
	table_done(&in->at);
	free(in->text);
	intern_init(in);
}

static uint32_t find(const struct intern *in, struct slice text, uint64_t hash)
{
	struct table_walk w;
	uint32_t i = table_first(&w, &in->at, hash);

	while (i != TABLE_NONE && !slice_same(in->text[i], text))
		i = table_next(&w);
	return i;
}

int intern_add(struct intern *in, struct slice text, uint32_t *out)
{
	uint64_t hash = hash_slice(text, 0);
	uint32_t i = find(in, text, hash);

	if (i == TABLE_NONE) {
		const char *p = array_reserve(in->text, in->room, in->n + (size_t)1)
		                    ? NULL
		                    : arena_text(&in->bytes, text.ptr ? text.ptr : "", text.len);

		if (!p || in->bytes.failed || table_add(&in->at, hash, in->n)) {
			in->bytes.failed = false;
			return -ENOMEM;
		}
		i = in->n++;
		in->text[i] = (struct slice){p, text.len};
	}
	*out = i;
	return 0;
}

uint32_t intern_find(const struct intern *in, struct slice text)
{
	return find(in, text, hash_slice(text, 0));
}
