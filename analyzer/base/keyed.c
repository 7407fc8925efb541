/* SPDX-License-Identifier: GPL-3.0-or-later */
/* keyed.c - see keyed.h: by eleven bits at a time, from the lowest. */
#include "base/keyed.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { DIGIT = 11, DIGITS = 1 << DIGIT, FEW = 256 };

static int insert_each(struct keyed *v, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct keyed x = v[i];
		size_t at = i;

		for (; at && v[at - 1].key > x.key; at--)
			v[at] = v[at - 1];
		v[at] = x;
	}
	return 0;
}

static void sort_digit(const struct keyed *from, struct keyed *to, size_t n, int shift)
{
	size_t at[DIGITS] = {0}, sum = 0;

	for (size_t i = 0; i < n; i++)
		at[from[i].key >> shift & (DIGITS - 1)]++;
	for (int i = 0; i < DIGITS; i++) {
		size_t count = at[i];

		at[i] = sum;
		sum += count;
	}
	for (size_t i = 0; i < n; i++)
		to[at[from[i].key >> shift & (DIGITS - 1)]++] = from[i];
}

int keyed_sort(struct keyed *v, size_t n)
{
	struct keyed *other, *from = v, *to;
	uint64_t differ = 0;
	size_t i = 1;

	while (i < n && v[i - 1].key <= v[i].key)
		i++;
	if (i >= n)
		return 0;
	if (n <= FEW)
		return insert_each(v, n);
	other = to = malloc(n * sizeof *other);
	if (!other)
		return -ENOMEM;
	for (i = 1; i < n; i++)
		differ |= v[i].key ^ v[0].key;
	for (int shift = 0; shift < 64; shift += DIGIT) {
		struct keyed *swap = from;

		if (!(differ >> shift & (DIGITS - 1)))
			continue;
		sort_digit(from, to, n, shift);
		from = to;
		to = swap;
	}
	if (from != v)
		memcpy(v, from, n * sizeof *v);
	free(other);
	return 0;
}
