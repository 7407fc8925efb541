/* SPDX-License-Identifier: Apache-2.0 */
/* deadlines.c - see deadlines.h. */
#include "deadlines.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define RUN   256 /* most that are sorted at once, if their bucket can be divided */
#define FEW   32  /* so many live in the run alone */
#define SHORT 12  /* sorted without dealing first */
#define CHUNK 20
#define SLAB  32

struct deadline_chunk {
	struct deadline_chunk *next;
	size_t len;
	struct deadline d[CHUNK];
};

struct deadline_slab {
	struct deadline_slab *next;
	struct deadline_chunk chunk[SLAB];
};

/* ---- chunks ---- */

static bool have_chunks(struct deadlines *q, size_t n)
{
	while (q->unused_len < n) {
		struct deadline_slab *s = malloc(sizeof *s);

		if (!s)
			return false;
		s->next = q->slabs;
		q->slabs = s;
		for (int i = SLAB; i-- > 0;) {
			s->chunk[i].next = q->unused;
			q->unused = &s->chunk[i];
		}
		q->unused_len += SLAB;
	}
	return true;
}

static struct deadline_chunk *chunk_take(struct deadlines *q)
{
	struct deadline_chunk *c = q->unused;

	q->unused = c->next;
	q->unused_len--;
	c->next = NULL;
	c->len = 0;
	return c;
}

static struct deadline_chunk *chunk_give(struct deadlines *q, struct deadline_chunk *c)
{
	struct deadline_chunk *next = c->next;

	c->next = q->unused;
	q->unused = c;
	q->unused_len++;
	return next;
}

/* ---- buckets ---- */

/* d is not before the base. */
static inline void deal(struct deadlines *q, const struct deadline *d)
{
	uint64_t differs = (uint64_t)d->at_ns ^ (uint64_t)q->base;
	unsigned level = (unsigned)(63 - __builtin_clzll(differs | 1)) / DEADLINE_BITS;
	unsigned digit = (unsigned)((uint64_t)d->at_ns >> level * DEADLINE_BITS) % DEADLINE_DIGITS;
	struct deadline_bucket *b = &q->bucket[level][digit];
	struct deadline_chunk *c = b->last;

	if (!c || c->len == CHUNK) {
		c = chunk_take(q);
		if (b->last) {
			b->last->next = c;
		} else {
			b->first = c;
			q->digits[level] |= UINT64_C(1) << digit;
			q->levels |= 1u << level;
		}
		b->last = c;
	}
	c->d[c->len++] = *d;
	b->len++;
}

/* Take it out of the table. */
static struct deadline_chunk *bucket_detach(struct deadlines *q, unsigned level, unsigned digit)
{
	struct deadline_bucket *b = &q->bucket[level][digit];
	struct deadline_chunk *c = b->first;

	*b = (struct deadline_bucket){NULL, NULL, 0};
	q->digits[level] &= ~(UINT64_C(1) << digit);
	if (!q->digits[level])
		q->levels &= ~(1u << level);
	return c;
}

/* ---- the run ---- */

static void insertion_sort(struct deadline *d, size_t n)
{
	for (size_t i = 1; i < n; i++) {
		struct deadline x = d[i];
		size_t k = i;

		for (; k && d[k - 1].at_ns > x.at_ns; k--)
			d[k] = d[k - 1];
		d[k] = x;
	}
}

/* The bucket's entries into the run, ordered by their next digit, which leaves little to sort. */
static void deal_into_run(struct deadlines *q, struct deadline_chunk *c, size_t n, unsigned shift)
{
	uint16_t at[DEADLINE_DIGITS + 1] = {0};
	struct deadline_chunk *k;

	for (k = c; k; k = k->next)
		for (size_t i = 0; i < k->len; i++)
			at[1 + ((uint64_t)k->d[i].at_ns >> shift) % DEADLINE_DIGITS]++;
	for (int i = 1; i < DEADLINE_DIGITS; i++)
		at[i + 1] = (uint16_t)(at[i + 1] + at[i]);
	while (c) {
		for (size_t i = 0; i < c->len; i++)
			q->run[at[((uint64_t)c->d[i].at_ns >> shift) % DEADLINE_DIGITS]++] = c->d[i];
		c = chunk_give(q, c);
	}
	insertion_sort(q->run, n);
}

static int by_deadline(const void *a, const void *b)
{
	const struct deadline *x = a, *y = b;

	if (x->at_ns != y->at_ns)
		return x->at_ns < y->at_ns ? -1 : 1;
	return x->arrival < y->arrival ? -1 : 1;
}

static void bucket_to_run(struct deadlines *q, unsigned level, unsigned digit)
{
	size_t n = q->bucket[level][digit].len, end = 0;
	struct deadline_chunk *c = bucket_detach(q, level, digit);

	q->first = 0;
	q->end = n;
	if (level && n > SHORT && n <= RUN) {
		deal_into_run(q, c, n, (level - 1) * DEADLINE_BITS);
		return;
	}
	for (; c; c = chunk_give(q, c)) {
		memcpy(&q->run[end], c->d, c->len * sizeof *c->d);
		end += c->len;
	}
	if (level && n <= RUN)
		insertion_sort(q->run, n);
	else if (level) /* no memory to deal it out */
		qsort(q->run, n, sizeof *q->run, by_deadline);
}

/* The run is used up: fill it from the nearest bucket. */
static void refill(struct deadlines *q)
{
	while (q->levels) {
		unsigned level = (unsigned)__builtin_ctz(q->levels);
		unsigned digit = (unsigned)__builtin_ctzll(q->digits[level]);
		uint64_t width = UINT64_C(1) << level * DEADLINE_BITS;
		uint64_t above = level + 1 < DEADLINE_LEVELS ? (uint64_t)q->base & -(width << DEADLINE_BITS) : 0;
		size_t n = q->bucket[level][digit].len;
		struct deadline_chunk *c;

		q->base = (int64_t)(above | digit * width);
		if (!level || n <= RUN ||
		    !have_chunks(q, n < level * DEADLINE_DIGITS ? n + 1 : level * DEADLINE_DIGITS + 1)) {
			q->limit = width > (uint64_t)(INT64_MAX - q->base) ? INT64_MAX : q->base + (int64_t)width;
			bucket_to_run(q, level, digit);
			return;
		}
		for (c = bucket_detach(q, level, digit); c; c = chunk_give(q, c))
			for (size_t i = 0; i < c->len; i++)
				deal(q, &c->d[i]);
	}
}

/* All into buckets again, seen from the run's first: many came that are before the base. */
static void rebase(struct deadlines *q)
{
	struct deadline_chunk *all = NULL, **end = &all;

	for (unsigned level = 0; level < DEADLINE_LEVELS; level++)
		while (q->digits[level]) {
			struct deadline_chunk *last = q->bucket[level][__builtin_ctzll(q->digits[level])].last;

			*end = bucket_detach(q, level, (unsigned)__builtin_ctzll(q->digits[level]));
			end = &last->next;
		}
	q->base = q->run[q->first].at_ns;
	for (; all; all = chunk_give(q, all))
		for (size_t i = 0; i < all->len; i++)
			deal(q, &all->d[i]);
}

/* What is in the run from `at` on goes back into buckets, if there is memory for that. */
static void shorten(struct deadlines *q, size_t at)
{
	bool before = q->run[q->first].at_ns < q->base;

	if (q->run[q->first].at_ns < 0)
		return;
	if (!have_chunks(q, (q->end - at) / CHUNK + (size_t)DEADLINE_LEVELS * DEADLINE_DIGITS + 2))
		return;
	if (before)
		rebase(q);
	q->limit = q->run[at].at_ns;
	for (size_t i = at; i < q->end; i++)
		deal(q, &q->run[i]);
	q->end = at;
}

/* Behind all that are not later. */
static void insert(struct deadlines *q, const struct deadline *d)
{
	size_t low, high;

	if (q->first == q->end)
		q->first = q->end = 0;
	low = q->first;
	high = q->end;
	if (low < high && q->run[high - 1].at_ns <= d->at_ns)
		low = high;
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (q->run[middle].at_ns <= d->at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	if (q->first && low - q->first < q->end - low) {
		memmove(&q->run[q->first - 1], &q->run[q->first], (low - q->first) * sizeof *d);
		q->first--;
		q->run[low - 1] = *d;
		return;
	}
	if (q->end - low > RUN)
		shorten(q, low);
	if (q->end == q->cap) {
		memmove(q->run, &q->run[q->first], (q->end - q->first) * sizeof *d);
		low -= q->first;
		q->end -= q->first;
		q->first = 0;
	}
	memmove(&q->run[low + 1], &q->run[low], (q->end - low) * sizeof *d);
	q->run[low] = *d;
	q->end++;
}

/* ---- all of it ---- */

int deadlines_reserve(struct deadlines *q)
{
	if (__builtin_expect(q->len + 2 > q->cap, 0)) {
		size_t cap = q->cap ? q->cap * 2 : 2 * FEW;
		struct deadline *run = realloc(q->run, cap * sizeof *run);

		if (!run)
			return -ENOMEM;
		q->run = run;
		q->cap = cap;
	}
	return __builtin_expect(q->unused_len != 0, 1) || have_chunks(q, 1) ? 0 : -ENOMEM;
}

void deadlines_push(struct deadlines *q, struct deadline d)
{
	q->len++;
	if (d.at_ns >= q->limit) {
		if (q->levels || q->end - q->first >= FEW) {
			deal(q, &d);
			return;
		}
		q->limit = d.at_ns == INT64_MAX ? d.at_ns : d.at_ns + 1;
	}
	insert(q, &d);
}

bool deadlines_top(struct deadlines *q, struct deadline *out)
{
	if (q->first == q->end)
		refill(q);
	if (q->first == q->end)
		return false;
	*out = q->run[q->first];
	return true;
}

bool deadlines_pop(struct deadlines *q, struct deadline *out)
{
	if (!deadlines_top(q, out))
		return false;
	q->first++;
	q->len--;
	return true;
}

static size_t sweep(struct deadline *d, size_t len, bool (*counts)(const struct deadline *d))
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++)
		if (counts(&d[i]))
			d[n++] = d[i];
	return n;
}

static void sweep_bucket(struct deadlines *q, unsigned level, unsigned digit, bool (*counts)(const struct deadline *d))
{
	struct deadline_bucket *b = &q->bucket[level][digit];
	struct deadline_chunk *c = bucket_detach(q, level, digit);

	while (c) {
		c->len = sweep(c->d, c->len, counts);
		if (!c->len) {
			c = chunk_give(q, c);
			continue;
		}
		b->len += c->len;
		if (b->last)
			b->last->next = c;
		else
			b->first = c;
		b->last = c;
		c = c->next;
		b->last->next = NULL;
	}
	if (!b->first)
		return;
	q->digits[level] |= UINT64_C(1) << digit;
	q->levels |= 1u << level;
	q->len += b->len;
}

void deadlines_sweep(struct deadlines *q, bool (*counts)(const struct deadline *d))
{
	q->end = q->first + sweep(&q->run[q->first], q->end - q->first, counts);
	q->len = q->end - q->first;
	for (unsigned level = 0; level < DEADLINE_LEVELS; level++)
		for (uint64_t left = q->digits[level]; left; left &= left - 1)
			sweep_bucket(q, level, (unsigned)__builtin_ctzll(left), counts);
}

void deadlines_done(struct deadlines *q)
{
	while (q->slabs) {
		struct deadline_slab *s = q->slabs;

		q->slabs = s->next;
		free(s);
	}
	free(q->run);
	memset(q, 0, sizeof *q);
}
