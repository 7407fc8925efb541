/* SPDX-License-Identifier: Apache-2.0 */
/* recorder.c - records that may be asked for; see recorder.h. */
#include "encode/recorder.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BUCKETS (1u << 16)
#define UNIT    16 /* all sizes are multiples of it, so that a head always fits */

enum kept_kind { KEPT_NOTHING /* up to the end of the round, or it was taken out */, KEPT_RECORD, KEPT_SPAN };

/* Before each record or span: one unit. */
struct kept {
	uint64_t before; /* of the same bucket, as there */
	uint32_t size;   /* of all of it */
	uint16_t kind;
	uint16_t owner_len; /* of a record: text behind it, as struct ring has it */
};

_Static_assert(sizeof(struct kept) == UNIT, "a head fits wherever anything does");

int recorder_init(struct recorder *r, const struct config_recorder *config)
{
	memset(r, 0, sizeof *r);
	if (!config->level)
		return 0;
	r->bytes = config->bytes & ~(uint64_t)(UNIT - 1);
	r->lines = config->lines;
	r->all = config->per == CONFIG_RECORDER_PROCESS;
	r->base = malloc(r->bytes + PUT_SLACK);
	r->bucket = calloc(BUCKETS, sizeof *r->bucket);
	r->found = calloc(r->lines, sizeof *r->found);
	if (!r->base || !r->bucket || !r->found) {
		recorder_done(r);
		return -ENOMEM;
	}
	r->on = config->on;
	return 0;
}

void recorder_done(struct recorder *r)
{
	free(r->base);
	free(r->bucket);
	free(r->found);
	memset(r, 0, sizeof *r);
}

static struct kept *at(const struct recorder *r, uint64_t position)
{
	return (struct kept *)(void *)(r->base + position % r->bytes);
}

/* ---- whose it is ---- */

static const void *tid_of(const struct ilu_record_ *record, size_t *len)
{
	*len = record->word & ILU_NAMED_ ? sizeof(ilu_tid) : 16;
	return record + 1;
}

static uint64_t hash_tid(const struct recorder *r, const struct ilu_record_ *record)
{
	size_t len;
	const char *tid = tid_of(record, &len);

	return r->all ? 0 : region_sum(tid, len);
}

static bool same_tid(const struct recorder *r, const struct ilu_record_ *a, const struct ilu_record_ *b)
{
	size_t a_len, b_len;
	const char *a_tid = tid_of(a, &a_len), *b_tid = tid_of(b, &b_len);

	return r->all || (a_len == b_len && !memcmp(a_tid, b_tid, a_len));
}

static struct recorder_bucket *bucket_of(const struct recorder *r, uint64_t hash)
{
	return r->bucket + (hash & (BUCKETS - 1));
}

static struct recorder_bucket *bucket_of_span(const struct recorder *r, uint64_t handle)
{
	return r->bucket + ((handle ^ handle >> 32) & (BUCKETS - 1));
}

/* ---- keeping ---- */

static void count_given_up(struct recorder *r, const struct ilu_record_ *record)
{
	uint64_t hash = hash_tid(r, record);
	struct recorder_bucket *b = bucket_of(r, hash);

	if (b->whose != hash)
		b->given_up = 0;
	b->whose = hash;
	b->given_up++;
}

/* The oldest gives way. */
static void drop_oldest(struct recorder *r)
{
	const struct kept *k = at(r, r->oldest);

	if (k->kind == KEPT_RECORD)
		count_given_up(r, (const struct ilu_record_ *)(const void *)(k + 1));
	r->oldest += k->size;
}

static uint64_t whole_units(uint64_t bytes)
{
	return (bytes + UNIT - 1) & ~(uint64_t)(UNIT - 1);
}

/* Room for `size` bytes, at most a quarter of all. */
static struct kept *make_room(struct recorder *r, uint64_t size)
{
	uint64_t tail = r->bytes - r->next % r->bytes;
	uint64_t need = tail < size ? tail + size : size;

	while (r->next + need - r->oldest > r->bytes)
		drop_oldest(r);
	if (tail < size) {
		*at(r, r->next) = (struct kept){0, (uint32_t)tail, KEPT_NOTHING, 0};
		r->next += tail;
	}
	return at(r, r->next);
}

/* Write the head of what is kept there now, the latest of its bucket. */
static void put_kept(struct recorder *r, struct kept *k, uint64_t *latest, uint64_t size, enum kept_kind kind)
{
	k->before = *latest;
	k->size = (uint32_t)size;
	k->kind = (uint16_t)kind;
	*latest = r->next + 1;
	r->next += size;
}

void recorder_keep(struct recorder *r, const struct ring *ring, const struct ilu_record_ *record)
{
	uint64_t size = whole_units(sizeof(struct kept) + record->size + ring->thread_json_len);
	struct kept *k;

	if (size > r->bytes / 4) {
		count_given_up(r, record);
		return;
	}
	k = make_room(r, size);
	memcpy(k + 1, record, record->size);
	memcpy((char *)(k + 1) + record->size, ring->thread_json, ring->thread_json_len);
	k->owner_len = (uint16_t)ring->thread_json_len;
	put_kept(r, k, &bucket_of(r, hash_tid(r, record))->last, size, KEPT_RECORD);
}

/* ---- spans ---- */

void recorder_keep_span(struct recorder *r, struct span_texts *texts, const struct span_text *span)
{
	uint64_t size = whole_units(sizeof(struct kept) + sizeof *span + span->json.len);
	struct span_text *parent = span_texts_get(texts, span->parent), *copy;
	struct kept *k;

	if (!span->recorded || size > r->bytes / 4)
		return;
	if (parent)
		parent->recorded = true; /* the list of spans is written, too */
	k = make_room(r, size);
	copy = (struct span_text *)(void *)(k + 1);
	*copy = *span;
	copy->json = (struct buf){(char *)(copy + 1), span->json.len, span->json.len, NULL};
	memcpy(copy->json.text, span->json.text, span->json.len);
	put_kept(r, k, &bucket_of_span(r, span->handle)->span, size, KEPT_SPAN);
}

struct span_text *recorder_span(struct recorder *r, uint64_t handle)
{
	struct kept *k;

	for (uint64_t p = bucket_of_span(r, handle)->span; p > r->oldest; p = k->before) {
		struct span_text *span;

		k = at(r, p - 1);
		span = (struct span_text *)(void *)(k + 1);
		if (span->handle == handle)
			return span;
	}
	return NULL;
}

/* ---- asking ---- */

uint32_t recorder_find(struct recorder *r, const struct ilu_record_ *event, struct recorder_missing *missing)
{
	uint64_t hash = hash_tid(r, event);
	struct recorder_bucket *b = bucket_of(r, hash);
	uint64_t *link = &b->last;
	uint32_t n = 0;

	*missing = (struct recorder_missing){0, 0};
	if (b->whose == hash) {
		missing->given_up = b->given_up;
		b->given_up = 0;
	}
	while (*link > r->oldest) {
		struct kept *k = at(r, *link - 1);

		if (!same_tid(r, event, (const struct ilu_record_ *)(const void *)(k + 1))) {
			link = &k->before;
			continue;
		}
		if (n < r->lines)
			r->found[n++] = *link - 1;
		else
			missing->over++;
		k->kind = KEPT_NOTHING;
		*link = k->before;
	}
	return n;
}

const struct ilu_record_ *recorder_read(struct recorder *r, uint32_t i, uint32_t found)
{
	const struct kept *k = at(r, r->found[found - 1 - i]);
	const struct ilu_record_ *record = (const struct ilu_record_ *)(const void *)(k + 1);

	memcpy(r->ring.thread_json, (const char *)record + record->size, k->owner_len);
	r->ring.thread_json_len = k->owner_len;
	return record;
}
