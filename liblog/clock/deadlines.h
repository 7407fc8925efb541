/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines.h - deadlines, earliest first; equal ones in the order of their arrival.
 *
 * A radix queue. What comes next is a sorted run; all else lies unsorted in buckets, which are finer the nearer they
 * are: bucket (level, digit) holds the deadlines that differ from `base` first in their digit number `level`, of 6 bits
 * each. When the run is used up, the nearest bucket becomes the next one, or, when it is large, is dealt out to finer
 * ones. A deadline is written some two times and sorted once among few, all in memory that is read in order; in a heap
 * of 10^5 each step down was a cache miss. And a run tells who will be next, so that memory can be fetched ahead.
 *
 * Equal deadlines lie in one bucket or in the run, in the order in which they came, whatever moves. `base` never passes
 * what was popped last: what is pushed later is rarely before it, and goes into the run if it is.
 * Entries are not taken out when they are cancelled; the owner knows which count, and sweeps. */
#ifndef ILU_DEADLINES_H
#define ILU_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define DEADLINE_BITS   6
#define DEADLINE_DIGITS (1 << DEADLINE_BITS)
#define DEADLINE_LEVELS 11 /* of 63 bits */

struct deadline {
	int64_t at_ns;
	uint64_t arrival;
	uintptr_t item;
};

struct deadlines {
	struct deadline *run; /* sorted; [first, end) is left; room for all that there are */
	size_t first, end, cap;
	size_t len;      /* all, also those in buckets */
	int64_t limit;   /* what is before goes into the run */
	int64_t base;    /* no bucket holds anything before */
	uint32_t levels; /* that are not empty, and of each its digits that are not */
	uint64_t digits[DEADLINE_LEVELS];
	struct deadline_bucket {
		struct deadline_chunk *first, *last;
		size_t len;
	} bucket[DEADLINE_LEVELS][DEADLINE_DIGITS];
	struct deadline_chunk *unused;
	size_t unused_len;
	struct deadline_slab *slabs;
};

/* Room for one more push. 0 or -ENOMEM. */
int deadlines_reserve(struct deadlines *q);
/* After deadlines_reserve only. */
void deadlines_push(struct deadlines *q, struct deadline d);
/* The earliest; false: none. Borrowed until the next call. */
bool deadlines_top(struct deadlines *q, struct deadline *out);
bool deadlines_pop(struct deadlines *q, struct deadline *out);
/* Keep those that `counts` says yes to; it may also be used to look at all of them, in no order. */
void deadlines_sweep(struct deadlines *q, bool (*counts)(const struct deadline *d));
void deadlines_done(struct deadlines *q);

static inline size_t deadlines_len(const struct deadlines *q)
{
	return q->len;
}

/* Is there another one at the instant that was popped last? */
static inline bool deadlines_more_at(const struct deadlines *q, int64_t at_ns)
{
	return q->first < q->end && q->run[q->first].at_ns <= at_ns;
}

/* The item that will be popped after n others, unless something comes in between; 0: not known. */
static inline uintptr_t deadlines_ahead(const struct deadlines *q, size_t n)
{
	return q->first + n < q->end ? q->run[q->first + n].item : 0;
}

#endif
