/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bytes.c - writing and reading little-endian bytes. */
#include "base/bytes.h"
#include "base/array.h"
#include <stdlib.h>
#include <string.h>

static bool reserve(struct bytes *b, size_t n)
{
	if (!b->failed && (n > SIZE_MAX - b->len || array_reserve(b->ptr, b->room, b->len + n)))
		b->failed = true;
	return !b->failed;
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (!n || !reserve(b, n))
		return;
	memcpy(b->ptr + b->len, p, n);
	b->len += n;
}

void bytes_u8(struct bytes *b, unsigned v)
{
	bytes_add(b, &(unsigned char){(unsigned char)v}, 1);
}

static void little(struct bytes *b, uint64_t v, unsigned n)
{
	unsigned char out[8];

	for (unsigned i = 0; i < n; i++)
		out[i] = (unsigned char)(v >> (8 * i));
	bytes_add(b, out, n);
}

void bytes_u16(struct bytes *b, unsigned v)
{
	little(b, v, 2);
}

void bytes_u32(struct bytes *b, uint32_t v)
{
	little(b, v, 4);
}

void bytes_u64(struct bytes *b, uint64_t v)
{
	little(b, v, 8);
}

void bytes_free(struct bytes *b)
{
	free(b->ptr);
	*b = (struct bytes){0};
}
