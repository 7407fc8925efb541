/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bytes.c - writing and reading little-endian bytes. */
#include "base/bytes.h"
#include "base/array.h"
#include <stdlib.h>
#include <string.h>

bool bytes_reserve(struct bytes *b, size_t n)
{
	if (!b->failed && (n > SIZE_MAX - b->len || array_reserve(b->ptr, b->room, b->len + n)))
		b->failed = true;
	return !b->failed;
}

void bytes_add(struct bytes *b, const void *p, size_t n)
{
	if (!n || !bytes_reserve(b, n))
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

void bytes_str(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

void bytes_escape(struct bytes *b, const char *p, size_t n)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;

	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)p[i];
		char e[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};
		bool brief = c == '"' || c == '\\' || c == '\n' || c == '\t' || c == '\r';

		if (c >= 0x20 && !brief)
			continue;
		bytes_add(b, p + from, i - from);
		from = i + 1;
		if (brief)
			e[1] = c == '\n' ? 'n' : c == '\t' ? 't' : c == '\r' ? 'r' : (char)c;
		bytes_add(b, e, brief ? 2 : 6);
	}
	bytes_add(b, p + from, n - from);
}

void bytes_slice(struct bytes *b, struct slice s)
{
	bytes_u32(b, (uint32_t)s.len);
	bytes_add(b, s.ptr, s.len);
}
