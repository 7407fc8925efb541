/* SPDX-License-Identifier: Apache-2.0 */
/* store.c - a hash table in parts, each with a lock. A request that has to wait for one says so, before and after. */
#define ILU_TARGET "kvd::store"
#include "kvd.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { PARTS = 16, BUCKETS_FIRST = 64 };

struct item {
	struct item *next;
	uint64_t hash;
	int64_t expires;
	uint32_t flags, nkey, nvalue;
	char bytes[]; /* key, then value */
};

struct part {
	pthread_mutex_t lock;
	struct item **bucket;
	size_t nbuckets, items, bytes;
};

struct store {
	size_t bytes_most; /* of each part */
	struct part part[PARTS];
};

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
static uint64_t hash(struct text key)
{
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < key.len; i++)
		h = (h ^ (unsigned char)key.at[i]) * 0x100000001b3;
	return h;
}

static struct part *part_of(struct store *s, uint64_t h)
{
	return &s->part[h >> 60];
}

_Static_assert(PARTS == 16, "four bits choose a part");

static void part_lock(struct store *s, struct part *p, const ilu_tid *tid)
{
	int number = (int)(p - s->part);

	if (!pthread_mutex_trylock(&p->lock))
		return;
	ilu_info(tid, "Waiting for a part of the store", KV("part", number));
	pthread_mutex_lock(&p->lock);
	ilu_info(tid, "Got a part of the store", KV("part", number));
}

static size_t size_of(const struct item *it)
{
	return sizeof *it + it->nkey + it->nvalue;
}

/* Where the item with this key hangs, or would. */
static struct item **find(struct part *p, struct text key, uint64_t h)
{
	struct item **at = &p->bucket[h & (p->nbuckets - 1)];

	while (*at && ((*at)->hash != h || (*at)->nkey != key.len || memcmp((*at)->bytes, key.at, key.len) != 0))
		at = &(*at)->next;
	return at;
}

static void unlink_item(struct part *p, struct item **at)
{
	struct item *it = *at;

	*at = it->next;
	p->items--;
	p->bytes -= size_of(it);
	free(it);
}

static bool is_over(const struct item *it, int64_t now)
{
	return it->expires && it->expires <= now;
}

/* Twice the buckets, under the lock: who comes meanwhile waits, and the log tells for what. */
static void grow(struct store *s, struct part *p, const ilu_tid *tid)
{
	size_t n = p->nbuckets * 2;
	struct item **bucket = calloc(n, sizeof(struct item *));

	if (!bucket)
		return; /* it only gets slower */
	for (size_t i = 0; i < p->nbuckets; i++)
		for (struct item *it = p->bucket[i], *next; it; it = next) {
			next = it->next;
			it->next = bucket[it->hash & (n - 1)];
			bucket[it->hash & (n - 1)] = it;
		}
	free(p->bucket);
	p->bucket = bucket;
	p->nbuckets = n;
	ilu_info(tid, "Part of the store has grown", KV("part", (int)(p - s->part)), KV("buckets", n),
	         KV("items", p->items));
}

static struct item *item_new(const struct request *r, uint64_t h)
{
	struct item *it = malloc(sizeof *it + r->key[0].len + r->value.len);

	if (!it)
		return NULL;
	*it = (struct item){.hash = h,
	                    .expires = r->expires,
	                    .flags = r->flags,
	                    .nkey = (uint32_t)r->key[0].len,
	                    .nvalue = (uint32_t)r->value.len};
	memcpy(it->bytes, r->key[0].at, r->key[0].len);
	memcpy(it->bytes + it->nkey, r->value.at, r->value.len);
	return it;
}

const char *store_set(struct store *s, const struct request *r)
{
	uint64_t h = hash(r->key[0]);
	struct part *p = part_of(s, h);
	struct item *it = item_new(r, h), **at;
	size_t over = 0;
	bool fits;

	part_lock(s, p, &r->tid);
	at = find(p, r->key[0], h);
	if (*at)
		over = size_of(*at);
	fits = it && p->bytes - over + size_of(it) <= s->bytes_most;
	if (fits) {
		if (*at)
			unlink_item(p, at);
		it->next = *at;
		*at = it;
		p->items++;
		p->bytes += size_of(it);
		if (p->items > p->nbuckets)
			grow(s, p, &r->tid);
	}
	pthread_mutex_unlock(&p->lock);
	if (fits) {
		ilu_info(&r->tid, "Value stored", KV_STR("key", r->key[0].at, r->key[0].len), KV("bytes", r->value.len),
		         KV_BOOL("replaced", over > 0));
		return "STORED";
	}
	free(it);
	ilu_warn_limited(ILU_RATE(1, 10), &r->tid, "No room for a value", KV("bytes", r->value.len),
	                 KV("bytes_most", s->bytes_most));
	return "SERVER_ERROR out of memory storing object";
}

/* One key of a get: 1 when it is there. */
static int get_one(struct store *s, const struct request *r, struct text key, struct buffer *reply)
{
	uint64_t h = hash(key);
	struct part *p = part_of(s, h);
	struct item *it;
	char head[KEY_MOST + 64];
	int n, rc = 0;

	part_lock(s, p, &r->tid);
	it = *find(p, key, h);
	if (it && !is_over(it, time(NULL))) {
		n = snprintf(head, sizeof head, "VALUE %.*s %u %u\r\n", (int)key.len, key.at, it->flags, it->nvalue);
		rc = reply->len > REPLY_MOST ? -ENOMEM : buffer_room(reply, (size_t)n + it->nvalue + 2);
		if (!rc) {
			buffer_append(reply, head, (size_t)n);
			buffer_append(reply, it->bytes + it->nkey, it->nvalue);
			buffer_append(reply, "\r\n", 2);
			rc = 1;
		}
	}
	pthread_mutex_unlock(&p->lock);
	return rc;
}

int store_get(struct store *s, const struct request *r, struct buffer *reply)
{
	int found = 0;

	for (unsigned i = 0; i < r->nkeys; i++) {
		int rc = get_one(s, r, r->key[i], reply);

		if (rc < 0)
			return rc;
		if (!rc)
			ilu_debug(&r->tid, "Key is not there", KV_STR("key", r->key[i].at, r->key[i].len));
		found += rc;
	}
	return found;
}

bool store_delete(struct store *s, const struct request *r)
{
	uint64_t h = hash(r->key[0]);
	struct part *p = part_of(s, h);
	struct item **at;
	bool there;

	part_lock(s, p, &r->tid);
	at = find(p, r->key[0], h);
	there = *at && !is_over(*at, time(NULL));
	if (*at)
		unlink_item(p, at);
	pthread_mutex_unlock(&p->lock);
	if (there)
		ilu_info(&r->tid, "Value deleted", KV_STR("key", r->key[0].at, r->key[0].len));
	return there;
}

size_t store_sweep(struct store *s)
{
	int64_t now = time(NULL);
	size_t removed = 0;

	for (int i = 0; i < PARTS; i++) {
		struct part *p = &s->part[i];

		pthread_mutex_lock(&p->lock);
		for (size_t b = 0; b < p->nbuckets; b++)
			for (struct item **at = &p->bucket[b]; *at;)
				if (is_over(*at, now)) {
					unlink_item(p, at);
					removed++;
				} else {
					at = &(*at)->next;
				}
		pthread_mutex_unlock(&p->lock);
	}
	return removed;
}

struct store_size store_size(struct store *s)
{
	struct store_size size = {0};

	for (int i = 0; i < PARTS; i++) {
		pthread_mutex_lock(&s->part[i].lock);
		size.items += s->part[i].items;
		size.bytes += s->part[i].bytes;
		pthread_mutex_unlock(&s->part[i].lock);
	}
	return size;
}

struct store *store_new(size_t bytes_most)
{
	struct store *s = calloc(1, sizeof *s);

	if (!s)
		return NULL;
	s->bytes_most = bytes_most / PARTS;
	for (int i = 0; i < PARTS; i++) {
		pthread_mutex_init(&s->part[i].lock, NULL);
		s->part[i].nbuckets = BUCKETS_FIRST;
		s->part[i].bucket = calloc(BUCKETS_FIRST, sizeof(struct item *));
		if (!s->part[i].bucket) {
			store_free(s);
			return NULL;
		}
	}
	return s;
}

void store_free(struct store *s)
{
	for (int i = 0; s && i < PARTS; i++) {
		struct part *p = &s->part[i];

		for (size_t b = 0; p->bucket && b < p->nbuckets; b++)
			while (p->bucket[b])
				unlink_item(p, &p->bucket[b]);
		free(p->bucket);
		pthread_mutex_destroy(&p->lock);
	}
	free(s);
}
