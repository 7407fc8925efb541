/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hash.h - texts into numbers, for tables in memory. Not for files: it may change. */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include "base/slice.h"

/* Never 0, so that 0 can mean a free place. seed tells kinds of text apart. Eight bytes at a time, mixed as in
 * MurmurHash3's finalizer. */
static inline uint64_t hash_text(struct slice t, uint64_t seed)
{
	uint64_t h = (t.len + 1) * 0x9e3779b97f4a7c15u ^ seed, v;

	for (; t.len >= 8; t.ptr += 8, t.len -= 8) {
		memcpy(&v, t.ptr, 8);
		h = (h ^ v) * 0xff51afd7ed558ccdu;
		h ^= h >> 32;
	}
	for (; t.len; t.ptr++, t.len--)
		h = (h ^ (unsigned char)*t.ptr) * 0x100000001b3u;
	h = (h ^ h >> 29) * 0xbf58476d1ce4e5b9u;
	h ^= h >> 32;
	return h ? h : 1;
}

#endif
