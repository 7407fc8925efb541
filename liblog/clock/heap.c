/* SPDX-License-Identifier: Apache-2.0 */
/* heap.c - see heap.h. */
#include "heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define WAYS 4

/* Without a jump: which way it would go cannot be predicted. */
static inline bool before(const struct deadline *a, const struct deadline *b)
{
	return (a->at_ns < b->at_ns) | ((a->at_ns == b->at_ns) & (a->arrival < b->arrival));
}

/* The least of all four children, in two rounds. */
static inline size_t least_of_four(const struct deadline *c)
{
	size_t a = before(&c[1], &c[0]), b = 2 + (size_t)before(&c[3], &c[2]);
	size_t take_b = -(size_t)before(&c[b], &c[a]);

	return (b & take_b) | (a & ~take_b);
}

static void up(struct heap *h, size_t i)
{
	struct deadline d = h->entry[i];

	while (i) {
		size_t parent = (i - 1) / WAYS;

		if (!before(&d, &h->entry[parent]))
			break;
		h->entry[i] = h->entry[parent];
		i = parent;
	}
	h->entry[i] = d;
}

/* Put d at i, or below. */
static void down(struct heap *h, size_t i, struct deadline d)
{
	for (;;) {
		size_t child = i * WAYS + 1, end = child + WAYS, least = child;

		if (child >= h->len)
			break;
		if (end <= h->len) {
			least = child + least_of_four(&h->entry[child]);
		} else {
			for (size_t k = child + 1; k < h->len; k++)
				if (before(&h->entry[k], &h->entry[least]))
					least = k;
		}
		if (!before(&h->entry[least], &d))
			break;
		h->entry[i] = h->entry[least];
		i = least;
	}
	h->entry[i] = d;
}

int heap_reserve(struct heap *h)
{
	size_t cap = h->cap ? h->cap * 2 : 64;
	struct deadline *entry;

	if (h->len + 2 <= h->cap)
		return 0;
	entry = realloc(h->entry, cap * sizeof *entry);
	if (!entry)
		return -ENOMEM;
	h->entry = entry;
	h->cap = cap;
	return 0;
}

static void settle(struct heap *h)
{
	if (!h->has_last)
		return;
	h->entry[h->len++] = h->last;
	up(h, h->len - 1);
	h->has_last = false;
}

void heap_push(struct heap *h, struct deadline d)
{
	settle(h);
	h->last = d;
	h->has_last = true;
}

bool heap_top(const struct heap *h, struct deadline *out)
{
	if (h->has_last && (!h->len || before(&h->last, h->entry)))
		*out = h->last;
	else if (h->len)
		*out = h->entry[0];
	else
		return false;
	return true;
}

/* Whoever comes next is among the first: their memory may come in while the one that was popped runs. */
static inline void fetch_ahead(const struct heap *h)
{
	for (size_t i = 0; i < WAYS + 1 && i < h->len; i++)
		__builtin_prefetch((const void *)h->entry[i].item);
}

bool heap_pop(struct heap *h, struct deadline *out)
{
	if (!heap_top(h, out))
		return false;
	if (h->has_last && out->arrival == h->last.arrival) {
		h->has_last = false;
	} else if (h->has_last) {
		h->has_last = false;
		down(h, 0, h->last);
	} else if (--h->len) {
		down(h, 0, h->entry[h->len]);
	}
	fetch_ahead(h);
	return true;
}

void heap_sweep(struct heap *h, bool (*counts)(const struct deadline *d))
{
	size_t n = 0;

	settle(h);
	for (size_t i = 0; i < h->len; i++)
		if (counts(&h->entry[i]))
			h->entry[n++] = h->entry[i];
	h->len = n;
	for (size_t i = n < 2 ? 0 : (n - 2) / WAYS + 1; i-- > 0;)
		down(h, i, h->entry[i]);
}

void heap_done(struct heap *h)
{
	free(h->entry);
	memset(h, 0, sizeof *h);
}
