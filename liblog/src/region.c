/* SPDX-License-Identifier: Apache-2.0 */
/* region.c - the mapping under rings and span slots; see region.h. */
#include "region.h"

#include "ring.h"
#include "slab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct region region;

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + 4095) & ~(uint64_t)4095;
}

static void describe(struct region_header *h, uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	memset(h, 0, sizeof *h);
	h->version = REGION_VERSION;
	h->header_bytes = sizeof *h;
	h->slots_at = page_up(sizeof *h);
	h->slot_bytes = sizeof(struct slot);
	h->slots = slots;
	h->rings_at = page_up(h->slots_at + slots * h->slot_bytes);
	h->ring_bytes = ring_bytes;
	h->rings = rings;
	h->ring_stride = page_up(sizeof(struct ring_shared) + ring_bytes);
	h->bytes = h->rings_at + rings * h->ring_stride;
}

int region_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	struct region_header h;
	char *base;

	if (region.base)
		return 0;
	describe(&h, ring_bytes, rings, slots);
	base = mmap(NULL, h.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	memcpy(base, &h, sizeof h);
	region.header = (struct region_header *)(void *)base;
	memcpy(region.header->magic, REGION_MAGIC, sizeof h.magic);
	__atomic_store_n(&region.base, base, __ATOMIC_RELEASE);
	return 0;
}

void region_prefault(void *at, size_t bytes)
{
	char *first = (char *)((uintptr_t)at & ~(uintptr_t)4095);
	size_t all = page_up((uint64_t)((char *)at + bytes - first));

#ifdef MADV_POPULATE_WRITE
	if (!madvise(first, all, MADV_POPULATE_WRITE))
		return;
#endif
	for (size_t i = 0; i < all; i += 4096)
		__atomic_fetch_or(first + i, 0, __ATOMIC_RELAXED);
}
