/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heap.h - a binary heap of numbers, the least on top, as merges of sorted runs keep their runs. */
#ifndef BASE_HEAP_H
#define BASE_HEAP_H

#include <stdint.h>

/* Below 0: a is less than b. */
typedef int heap_compare_fn(const void *of, uint32_t a, uint32_t b);

/* The heap is in order but for heap[i], which may be too great for its place. */
static inline void heap_sift(uint32_t *heap, uint32_t n, uint32_t i, heap_compare_fn *compare, const void *of)
{
	for (uint32_t least;; i = least) {
		uint32_t was;

		least = i;
		for (uint32_t k = 2 * i + 1; k <= 2 * i + 2 && k < n; k++)
			if (compare(of, heap[k], heap[least]) < 0)
				least = k;
		if (least == i)
			return;
		was = heap[i];
		heap[i] = heap[least];
		heap[least] = was;
	}
}

/* Numbers in any order become a heap. */
static inline void heap_make(uint32_t *heap, uint32_t n, heap_compare_fn *compare, const void *of)
{
	for (uint32_t i = n / 2; i-- > 0;)
		heap_sift(heap, n, i, compare, of);
}

#endif
