/* SPDX-License-Identifier: Apache-2.0 */
/* region.c - the mapping under sites, span slots and rings; see region.h. */
#include "box/region.h"

#include "box/slab.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define SITES_BYTES (UINT64_C(16) << 20) /* of which only what is written is ever touched: about 150 bytes a site */

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
	h->record_bytes = sizeof(struct ilu_record_);
	h->ring_head_bytes = sizeof(struct region_ring);
	h->sites_at = page_up(sizeof *h);
	h->sites_bytes = SITES_BYTES;
	h->slots_at = h->sites_at + h->sites_bytes;
	h->slot_bytes = sizeof(struct slot);
	h->slots = slots;
	h->rings_at = page_up(h->slots_at + slots * h->slot_bytes);
	h->ring_bytes = ring_bytes;
	h->rings = rings;
	h->ring_stride = page_up(sizeof(struct region_ring) + ring_bytes);
	h->bytes = h->rings_at + rings * h->ring_stride;
	h->pid = (uint64_t)getpid();
	h->clock_now = 2;
}

int region_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	struct region_header h;
	uint64_t magic;
	char *base;

	if (region.base)
		return 0;
	describe(&h, ring_bytes, rings, slots);
	base = mmap(NULL, h.bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	memcpy(base, &h, sizeof h);
	region.header = (struct region_header *)(void *)base;
	memcpy(&magic, REGION_MAGIC, sizeof magic);
	__atomic_store_n((uint64_t *)(void *)base, magic, __ATOMIC_RELEASE);
	__atomic_store_n(&region.base, base, __ATOMIC_RELEASE);
	return 0;
}

/* ---- sites ---- */

static uint64_t site_size(const struct ilu_site_ *site)
{
	uint64_t size = sizeof(struct region_site) + site->count + strlen(site->target) + strlen(site->text) +
	                strlen(site->file) + strlen(site->function) + 4;

	for (unsigned i = 0; i < site->count; i++)
		size += strlen(site->keys[i]) + 1;
	return (size + 7) & ~(uint64_t)7;
}

static char *put_text(char *at, const char *text)
{
	size_t len = strlen(text) + 1;

	memcpy(at, text, len);
	return at + len;
}

void region_add_site(const struct ilu_site_ *site, uint32_t number)
{
	static uint64_t used;
	struct region_header *h = region.header;
	struct region_site *to = (struct region_site *)(void *)(region.base + h->sites_at + used);
	uint64_t size = site_size(site);
	char *at = (char *)(to + 1);

	if (size + sizeof to->size > h->sites_bytes - used) { /* the end is a size of 0 */
		h->sites_left_out++;
		return;
	}
	used += size;
	to->number = number;
	to->line = site->line;
	to->level = site->level;
	to->kind = site->kind;
	to->count = site->count;
	memcpy(at, site->types, site->count);
	at = put_text(at + site->count, site->target);
	at = put_text(at, site->text);
	at = put_text(at, site->file);
	at = put_text(at, site->function);
	for (unsigned i = 0; i < site->count; i++)
		at = put_text(at, site->keys[i]);
	__atomic_store_n(&to->size, (uint32_t)size, __ATOMIC_RELEASE);
}

/* ---- the clock ---- */

void region_set_clock(const struct region_clock *clock)
{
	struct region_header *h = region.header;
	uint64_t next = h->clock_now == 0;

	h->clock[next] = *clock;
	__atomic_store_n(&h->clock_now, next, __ATOMIC_RELEASE);
}

/* ---- pages ---- */

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
