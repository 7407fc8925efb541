/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bytes.h - little-endian numbers and byte strings, written into a growing buffer and read with care. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include "base/slice.h"

/* A growing byte string that remembers its first failure. */
struct bytes {
	char *ptr;
	size_t len, room;
	bool failed; /* out of memory: nothing is added any more */
};

void bytes_add(struct bytes *b, const void *p, size_t n);
/* Room for n more, if there is any to be had. */
bool bytes_reserve(struct bytes *b, size_t n);
void bytes_str(struct bytes *b, const char *text);
/* Plain text as the inside of a JSON string: quotes, backslashes and control characters escaped. */
void bytes_escape(struct bytes *b, const char *p, size_t n);
void bytes_u8(struct bytes *b, unsigned v);
void bytes_u16(struct bytes *b, unsigned v);
void bytes_u32(struct bytes *b, uint32_t v);
void bytes_u64(struct bytes *b, uint64_t v);
/* Its length in 32 bits, then the bytes. */
void bytes_slice(struct bytes *b, struct slice s);
void bytes_free(struct bytes *b);

/* Bytes read with care: after reading past the end, bad is set and all reads give 0 or NULL. */
struct peek {
	const unsigned char *p, *end;
	bool bad;
};

static inline const void *peek_bytes(struct peek *k, size_t n)
{
	const void *p = k->p;

	if (k->bad || (size_t)(k->end - k->p) < n) {
		k->bad = true;
		return NULL;
	}
	k->p += n;
	return p;
}

static inline unsigned peek_u8(struct peek *k)
{
	const unsigned char *p = peek_bytes(k, 1);

	return p ? *p : 0;
}

/* A number of at most so many bits, seven a byte, the lowest first; the last byte is below 0x80. */
static inline uint64_t peek_varint(struct peek *k, unsigned bits)
{
	uint64_t v = 0;

	for (unsigned shift = 0; shift < bits; shift += 7) {
		unsigned b = peek_u8(k);

		v |= (uint64_t)(b & 0x7f) << shift;
		if (!(b & 0x80))
			return v;
	}
	k->bad = true;
	return 0;
}

/* The same number to `to`, which has VARINT_MAX bytes. Returns their number. */
#define VARINT_MAX 10
static inline unsigned varint_put(unsigned char *to, uint64_t v)
{
	unsigned n = 0;

	for (; v > 0x7f; v >>= 7)
		to[n++] = (unsigned char)(v | 0x80);
	to[n++] = (unsigned char)v;
	return n;
}

static inline unsigned peek_u16(struct peek *k)
{
	const unsigned char *p = peek_bytes(k, 2);

	return p ? (unsigned)(p[0] | p[1] << 8) : 0;
}

static inline uint32_t peek_u32(struct peek *k)
{
	const unsigned char *p = peek_bytes(k, 4);

	return p ? (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24 : 0;
}

static inline uint64_t peek_u64(struct peek *k)
{
	uint64_t low = peek_u32(k);

	return low | (uint64_t)peek_u32(k) << 32;
}

/* What bytes_slice wrote, borrowed. */
static inline struct slice peek_slice(struct peek *k)
{
	uint32_t len = peek_u32(k);
	const char *p = peek_bytes(k, len);

	return p ? (struct slice){p, len} : SLICE_NONE;
}

#endif
