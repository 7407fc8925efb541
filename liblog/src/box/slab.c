/* SPDX-License-Identifier: Apache-2.0 */
/* slab.c - slots for spans; see slab.h.
 *
 * Free slots are a stack whose head carries a counter against reuse between two reads (ABA); slots never used are
 * taken in order, so that only pages that were needed are ever touched. */
#include "box/slab.h"

#include "base/lock.h"
#include "box/region.h"

#include <string.h>

static struct {
	struct slot *slot;
	uint32_t count, said_max;
	uint32_t fresh; /* slots from here on were never used */
	uint64_t free;  /* counter << 32 | index of the first free slot */
	uint32_t used;
	uint64_t misuse, overflow;
	struct slab_misused first; /* since somebody asked */
	char first_state;          /* atomic: enum first_state */
} slab;

enum first_state { FIRST_NONE, FIRST_WRITTEN_NOW, FIRST_THERE };

void slab_init(void)
{
	if (slab.slot)
		return;
	slab.count = (uint32_t)region.header->slots;
	slab.said_max = slab.count - slab.count / 4;
	slab.fresh = 1;
	slab.slot = (struct slot *)(void *)(region.base + region.header->slots_at);
	region_prefault(slab.slot, (slab.count < 1024 ? slab.count : 1024) * sizeof *slab.slot);
	slab.slot[0].state = 1;
	slab.slot[0].tid = ilu_tid_named("span-slab-full");
}

static uint32_t pop(void)
{
	uint64_t head = __atomic_load_n(&slab.free, __ATOMIC_ACQUIRE), next;

	while ((uint32_t)head) {
		next = (((head >> 32) + 1) << 32) | __atomic_load_n(&slab.slot[(uint32_t)head].next, __ATOMIC_RELAXED);
		if (__atomic_compare_exchange_n(&slab.free, &head, next, 1, __ATOMIC_ACQUIRE, __ATOMIC_ACQUIRE))
			return (uint32_t)head;
	}
	return 0;
}

static uint32_t take_fresh(void)
{
	uint32_t at = __atomic_load_n(&slab.fresh, __ATOMIC_RELAXED);

	while (at < slab.count) {
		if (__atomic_compare_exchange_n(&slab.fresh, &at, at + 1, 1, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
			return at;
	}
	return 0;
}

struct slot *slab_take(bool said, uint32_t *index)
{
	uint32_t i = 0;
	struct slot *slot;

	if (!said || __atomic_load_n(&slab.used, __ATOMIC_RELAXED) < slab.said_max)
		i = pop();
	if (!i && (!said || __atomic_load_n(&slab.used, __ATOMIC_RELAXED) < slab.said_max))
		i = take_fresh();
	if (!i)
		return NULL;
	__atomic_fetch_add(&slab.used, 1, __ATOMIC_RELAXED);
	slot = slab.slot + i;
	__atomic_store_n(&slot->state, (slot->state & ~(uint64_t)0xffffffff) | 1, __ATOMIC_RELAXED);
	*index = i;
	return slot;
}

void slab_give(uint32_t index)
{
	uint64_t head, next;

	if (!index)
		return;
	head = __atomic_load_n(&slab.free, __ATOMIC_RELAXED);
	do {
		__atomic_store_n(&slab.slot[index].next, (uint32_t)head, __ATOMIC_RELAXED);
		next = (((head >> 32) + 1) << 32) | index;
	} while (!__atomic_compare_exchange_n(&slab.free, &head, next, 1, __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	__atomic_fetch_sub(&slab.used, 1, __ATOMIC_RELAXED);
}

uint64_t slab_distance(const void *code)
{
	return code ? (uintptr_t)code - (uintptr_t)slab_init : 0;
}

static uint64_t address_of(uint64_t distance)
{
	return distance ? distance + (uintptr_t)slab_init : 0;
}

/* Nobody has the slot since the span of this handle closed. */
static bool is_last_of(const struct slot *slot, uint64_t handle)
{
	uint64_t state = __atomic_load_n(&slot->state, __ATOMIC_ACQUIRE);

	return state >> 32 == (uint32_t)((handle >> 32) + 1) && !(uint32_t)state;
}

static void note_misuse(uint64_t handle)
{
	uint32_t index = SLAB_INDEX(handle);
	const struct slot *slot = slab.slot && index && index < slab.count ? slab.slot + index : NULL;
	char none = FIRST_NONE;

	if (!__atomic_compare_exchange_n(&slab.first_state, &none, FIRST_WRITTEN_NOW, 0, __ATOMIC_ACQUIRE,
	                                 __ATOMIC_RELAXED))
		return;
	slab.first = (struct slab_misused){.thread_id = lock_self()};
	if (slot && is_last_of(slot, handle)) {
		slab.first.site = slot->site;
		slab.first.closer = __atomic_load_n(&slot->closer, __ATOMIC_RELAXED);
		slab.first.closed_at = address_of(__atomic_load_n(&slot->closed_at, __ATOMIC_RELAXED));
		slab.first.id = slot->id;
		slab.first.tid = slot->tid;
		slab.first.known = is_last_of(slot, handle);
	}
	__atomic_store_n(&slab.first_state, FIRST_THERE, __ATOMIC_RELEASE);
}

static struct slot *misused(uint64_t handle)
{
	__atomic_fetch_add(&slab.misuse, 1, __ATOMIC_RELAXED);
	note_misuse(handle);
	return NULL;
}

bool slab_misused(struct slab_misused *out)
{
	if (__atomic_load_n(&slab.first_state, __ATOMIC_ACQUIRE) != FIRST_THERE)
		return false;
	*out = slab.first;
	__atomic_store_n(&slab.first_state, FIRST_NONE, __ATOMIC_RELEASE);
	return true;
}

static bool fits(uint64_t state, uint64_t handle)
{
	return state >> 32 == handle >> 32 && (uint32_t)state;
}

struct slot *slab_get(uint64_t handle)
{
	uint32_t index = SLAB_INDEX(handle);

	if (!slab.slot || index >= slab.count || !handle)
		return handle ? misused(handle) : NULL;
	if (!fits(__atomic_load_n(&slab.slot[index].state, __ATOMIC_ACQUIRE), handle) && index)
		return misused(handle);
	return slab.slot + index;
}

bool slab_open(uint64_t handle)
{
	uint32_t index = SLAB_INDEX(handle);

	return slab.slot && index < slab.count &&
	       fits(__atomic_load_n(&slab.slot[index].state, __ATOMIC_ACQUIRE), handle);
}

bool slab_hold(uint64_t handle)
{
	struct slot *slot = slab_get(handle);
	uint64_t state;

	if (!slot || !SLAB_INDEX(handle))
		return slot != NULL;
	state = __atomic_load_n(&slot->state, __ATOMIC_RELAXED);
	do {
		if (!fits(state, handle))
			return misused(handle) != NULL;
	} while (!__atomic_compare_exchange_n(&slot->state, &state, state + 1, 1, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED));
	return true;
}

bool slab_drop(uint64_t handle)
{
	struct slot *slot = slab_get(handle);
	uint64_t state, next;

	if (!slot || !SLAB_INDEX(handle))
		return false;
	state = __atomic_load_n(&slot->state, __ATOMIC_RELAXED);
	do {
		if (!fits(state, handle))
			return misused(handle) != NULL;
		next = state - 1;
		if (!(uint32_t)next)
			next += (uint64_t)1 << 32;
	} while (!__atomic_compare_exchange_n(&slot->state, &state, next, 1, __ATOMIC_ACQ_REL, __ATOMIC_RELAXED));
	return !(uint32_t)next;
}

unsigned slab_enabled(uint64_t handle)
{
	uint32_t index = SLAB_INDEX(handle);

	if (!handle || !slab.slot || index >= slab.count ||
	    !fits(__atomic_load_n(&slab.slot[index].state, __ATOMIC_ACQUIRE), handle))
		return 0;
	return __atomic_load_n(&slab.slot[index].enabled, __ATOMIC_RELAXED);
}

uint64_t slab_misuse(void)
{
	return __atomic_load_n(&slab.misuse, __ATOMIC_RELAXED);
}

uint64_t slab_overflow(void)
{
	return __atomic_load_n(&slab.overflow, __ATOMIC_RELAXED);
}

void slab_count_overflow(void)
{
	__atomic_fetch_add(&slab.overflow, 1, __ATOMIC_RELAXED);
}

uint32_t slab_size(void)
{
	return slab.count;
}
