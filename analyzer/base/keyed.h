/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keyed.h - many numbers put in order, each with a number beside it: some times as fast as qsort. */
#ifndef BASE_KEYED_H
#define BASE_KEYED_H

#include <stddef.h>
#include <stdint.h>

struct keyed {
	uint64_t key;
	uint32_t value;
};

/* A key for a signed number: in the same order. */
static inline uint64_t keyed_signed(int64_t x)
{
	return (uint64_t)x ^ (uint64_t)1 << 63;
}

static inline int64_t keyed_number(uint64_t key)
{
	return (int64_t)(key ^ (uint64_t)1 << 63);
}

/* By key; equal ones stay as they stand, so that what was sorted by less comes out sorted by both. 0 or -ENOMEM. */
int keyed_sort(struct keyed *v, size_t n);

#endif
