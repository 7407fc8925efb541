/* SPDX-License-Identifier: Apache-2.0 */
/* heap.h - deadlines, earliest first; equal ones in the order of their arrival.
 *
 * A 4-ary heap of 24-byte entries. Whoever waits usually pushes and then has the earliest popped: so the last one pushed
 * stays beside the heap, and the pop puts it where the earliest was, in one walk down instead of one up and one down.
 * Entries are not taken out when they are cancelled; the owner knows which count, and sweeps. */
#ifndef ILU_HEAP_H
#define ILU_HEAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct deadline {
	int64_t at_ns;
	uint64_t arrival;
	uintptr_t item;
};

struct heap {
	struct deadline *entry;
	size_t len, cap;
	bool has_last;
	struct deadline last; /* pushed last, not in `entry` */
};

/* Room for one more push. 0 or -ENOMEM. */
int heap_reserve(struct heap *h);
/* After heap_reserve only. */
void heap_push(struct heap *h, struct deadline d);
/* The earliest; false: none. */
bool heap_top(const struct heap *h, struct deadline *out);
bool heap_pop(struct heap *h, struct deadline *out);
/* Keep those that `counts` says yes to. */
void heap_sweep(struct heap *h, bool (*counts)(const struct deadline *d));
void heap_done(struct heap *h);

static inline size_t heap_len(const struct heap *h)
{
	return h->len + h->has_last;
}

#endif
