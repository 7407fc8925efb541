/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - bytes into numbers, for tables in memory. Not for files: it may change. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

/* All bits of both, mixed. */
static inline uint64_t hash_mix(uint64_t a, uint64_t b)
{
	__uint128_t m = (__uint128_t)a * b;

	return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* Of two numbers, however small: hash_mix alone leaves a small one as it is. */
static inline uint64_t hash_pair(uint64_t a, uint64_t b)
{
	return hash_mix(a ^ 0xA0761D6478BD642Fu, b ^ 0xE7037ED1A0B428DBu);
}

static inline uint64_t hash_word(const unsigned char *p, size_t n)
{
	uint64_t v = 0;

	memcpy(&v, p, n);
	return v;
}

/* 64 bits that depend on all bytes; seed tells kinds of text apart. Sixteen bytes at a time; the rest is read as two
 * words, which overlap where it is no whole number of them. */
static inline uint64_t hash_bytes(const void *p, size_t n, uint64_t seed)
{
	const unsigned char *b = p;
	uint64_t h = seed ^ 0x9E3779B97F4A7C15u, low = 0, high = 0;
	size_t left = n;

	for (; left > 16; left -= 16, b += 16)
		h = hash_mix(hash_word(b, 8) ^ 0xA0761D6478BD642Fu, hash_word(b + 8, 8) ^ h);
	if (left >= 8) {
		low = hash_word(b, 8);
		high = hash_word(b + left - 8, 8);
	} else if (left >= 4) {
		low = hash_word(b, 4);
		high = hash_word(b + left - 4, 4);
	} else if (left) {
		low = (uint64_t)b[0] << 16 | (uint64_t)b[left / 2] << 8 | b[left - 1];
	}
	h = hash_mix(low ^ 0xE7037ED1A0B428DBu, high ^ h);
	return hash_mix(h ^ 0x8EBC6AF09C88C6E3u, 0x589965CC75374CC3u ^ n);
}

static inline uint64_t hash_slice(struct slice s, uint64_t seed)
{
	return hash_bytes(s.ptr, s.len, seed);
}

#endif
