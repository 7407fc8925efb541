/* SPDX-License-Identifier: Apache-2.0 */
/* region.c - the mapping under sites, span slots and rings; see region.h. */
#include "box/region.h"

#include "box/slab.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE        4096
#define SITES_BYTES (UINT64_C(16) << 20) /* about 150 bytes a site */
#define BATCH_BYTES (UINT64_C(16) << 20)

struct region region;

static struct region_header plan;
static uint64_t sites_used; /* bytes */

/* What may grow. All of them but the slots are in the file, if there is one. */
static struct area {
	uint64_t at, bytes;
	uint64_t step; /* it grows by */
	uint64_t open; /* of it */
	bool left_out; /* a piece of it is not in the file */
	bool locked;   /* its pages were locked, when some were given back */
} areas[REGION_AREAS] = {{.step = 16 * PAGE}, {.step = 64 * PAGE}, {.step = 128 * PAGE}, {.step = PAGE}};

static uint64_t page_up(uint64_t bytes)
{
	return (bytes + PAGE - 1) & ~(uint64_t)(PAGE - 1);
}

static void describe(struct region_header *h, uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	memset(h, 0, sizeof *h);
	memcpy(h->magic, REGION_MAGIC, sizeof h->magic);
	h->version = REGION_VERSION;
	h->header_bytes = sizeof *h;
	h->record_bytes = sizeof(struct ilu_record_);
	h->ring_head_bytes = sizeof(struct region_ring);
	h->sites_at = page_up(sizeof *h);
	h->sites_bytes = SITES_BYTES;
	h->slots_at = h->sites_at + h->sites_bytes;
	h->slot_bytes = sizeof(struct slot);
	h->slots = slots;
	h->cells_at = page_up(h->slots_at + slots * h->slot_bytes);
	h->cell_bytes = sizeof(struct region_cell);
	h->batch_at = page_up(h->cells_at + slots * h->cell_bytes);
	h->batch_bytes = BATCH_BYTES;
	h->rings_at = h->batch_at + h->batch_bytes;
	h->ring_bytes = ring_bytes;
	h->rings = rings;
	h->ring_stride = page_up(sizeof(struct region_ring) + ring_bytes);
	h->bytes = h->rings_at + rings * h->ring_stride;
	h->pid = (uint64_t)getpid();
	h->clock_now = 2;
}

static void divide(const struct region_header *h)
{
	areas[REGION_SITES].at = 0;
	areas[REGION_SITES].bytes = h->slots_at;
	areas[REGION_CELLS].at = h->cells_at;
	areas[REGION_CELLS].bytes = h->batch_at - h->cells_at;
	areas[REGION_BATCH].at = h->batch_at;
	areas[REGION_BATCH].bytes = h->batch_bytes;
	areas[REGION_RINGS].at = h->rings_at;
	areas[REGION_RINGS].bytes = h->bytes - h->rings_at;
}

/* The magic last: who looks on sees a header that is whole. */
static void put_header(const struct region_header *h)
{
	uint64_t magic;

	memcpy(region.base + sizeof magic, (const char *)h + sizeof magic, sizeof *h - sizeof magic);
	memcpy(&magic, h->magic, sizeof magic);
	__atomic_store_n((uint64_t *)(void *)region.base, magic, __ATOMIC_RELEASE);
}

int region_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	char *base;

	if (region.base)
		return 0;
	describe(&plan, ring_bytes, rings, slots);
	divide(&plan);
	base = mmap(NULL, plan.bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (base == MAP_FAILED)
		return -ENOMEM;
	region.header = &plan;
	region.shared = (struct region_header *)(void *)base;
	region.base = base;
	if (mprotect(base + plan.slots_at, plan.cells_at - plan.slots_at, PROT_READ | PROT_WRITE) ||
	    !region_reach(REGION_SITES, plan.sites_at)) {
		munmap(base, plan.bytes);
		region = (struct region){.base = NULL};
		return -ENOMEM;
	}
	put_header(&plan);
	return 0;
}

/* ---- pages ---- */

/* Have memory for these pages, or say that there is none. With a file behind them this is what makes room in it:
 * touching a page without room is a SIGBUS. */
static bool populate(char *at, uint64_t bytes, bool must)
{
	int saved = errno;

#ifdef MADV_POPULATE_WRITE
	if (!madvise(at, bytes, MADV_POPULATE_WRITE))
		return true;
#endif
	errno = saved;
	if (must)
		return false;
	for (uint64_t i = 0; i < bytes; i += PAGE)
		__atomic_fetch_or(at + i, 0, __ATOMIC_RELAXED);
	return true;
}

void region_prefault(void *at, size_t bytes)
{
	char *first = (char *)((uintptr_t)at & ~(uintptr_t)(PAGE - 1));

	populate(first, page_up((uint64_t)((char *)at + bytes - first)), false);
}

/* Memory of our own at its place. */
static bool own_piece(char *at, uint64_t bytes, int protection)
{
	return mmap(at, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1, 0) !=
	       MAP_FAILED;
}

static bool open_piece(struct area *area, char *at, uint64_t bytes)
{
	if (mprotect(at, bytes, PROT_READ | PROT_WRITE))
		return false;
	if (populate(at, bytes, region.boxed))
		return true;
	area->left_out = true;
	__atomic_fetch_add(&region.left_out, bytes, __ATOMIC_RELAXED);
	return own_piece(at, bytes, PROT_READ | PROT_WRITE) && populate(at, bytes, false);
}

bool region_reach(enum region_area which, uint64_t bytes)
{
	struct area *area = &areas[which];
	uint64_t wanted;

	if (__builtin_expect(bytes <= area->open, 1))
		return true;
	if (bytes > area->bytes)
		return false;
	wanted = (bytes + area->step - 1) / area->step * area->step;
	if (wanted > area->bytes)
		wanted = area->bytes;
	if (!open_piece(area, region.base + area->at + area->open, wanted - area->open))
		return false;
	area->open = wanted;
	return true;
}

/* The file's, or our own. */
static bool give_back(char *first, uint64_t bytes)
{
	return (region.boxed && !madvise(first, bytes, MADV_REMOVE)) || !madvise(first, bytes, MADV_DONTNEED);
}

/* Of locked pages nothing is taken before they are unlocked; when they are needed again they are locked again. */
void region_close(enum region_area which, uint64_t at, uint64_t bytes)
{
	char *first = region.base + areas[which].at + at;
	int saved = errno;

	if (!give_back(first, bytes) && errno == EINVAL && !munlock(first, bytes)) {
		areas[which].locked = true;
		give_back(first, bytes);
	}
	errno = saved;
}

bool region_open(enum region_area which, uint64_t at, uint64_t bytes)
{
	struct area *area = &areas[which];
	char *first = region.base + area->at + at;
	int saved = errno;

	if (!open_piece(area, first, bytes))
		return false;
	if (area->locked)
		mlock(first, bytes); /* where that is still allowed */
	errno = saved;
	return true;
}

void region_shrink(enum region_area which, uint64_t bytes)
{
	areas[which].locked = false; /* that is not inherited */
	if (bytes < areas[which].open)
		areas[which].open = bytes;
}

bool region_kept(enum region_area which)
{
	return region.boxed && !areas[which].left_out;
}

/* ---- the file ---- */

static int reserve(int fd, uint64_t at, uint64_t bytes)
{
	int rc;

	do
		rc = posix_fallocate(fd, (off_t)at, (off_t)bytes);
	while (rc == EINTR);
	return -rc;
}

/* The open part, the rest closed until it is needed. */
static bool map_area(int fd, const struct area *area, int populate)
{
	char *at = region.base + area->at;

	if (area->open && mmap(at, area->open, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED | populate, fd,
	                       (off_t)area->at) == MAP_FAILED)
		return false;
	return area->open == area->bytes ||
	       mmap(at + area->open, area->bytes - area->open, PROT_NONE, MAP_SHARED | MAP_FIXED, fd,
	            (off_t)(area->at + area->open)) != MAP_FAILED;
}

int region_share(int fd, const struct region_header *header)
{
	int rc = ftruncate(fd, (off_t)plan.bytes) ? -errno : 0;

	for (int i = 0; i < REGION_AREAS && !rc; i++)
		if (areas[i].open && i != REGION_RINGS)
			rc = reserve(fd, areas[i].at, areas[i].open);
	for (int i = 0; i < REGION_AREAS && !rc; i++)
		if (!map_area(fd, &areas[i], i == REGION_RINGS ? 0 : MAP_POPULATE))
			rc = -errno;
	if (rc) {
		region_unshare();
		return rc;
	}
	region.boxed = true;
	region.changes++;
	sites_used = 0;
	for (int i = 0; i < REGION_AREAS; i++)
		areas[i].left_out = false;
	put_header(header);
	return 0;
}

void region_unshare(void)
{
	for (int i = 0; region.base && i < REGION_AREAS; i++) {
		const struct area *area = &areas[i];
		char *at = region.base + area->at;

		/* there is no instant without memory: somebody may be late */
		if (area->open)
			own_piece(at, area->open, PROT_READ | PROT_WRITE);
		if (area->open < area->bytes)
			own_piece(at + area->open, area->bytes - area->open, PROT_NONE);
	}
	region.boxed = false;
	region.changes++;
	sites_used = 0;
	if (region.base)
		put_header(&plan);
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
	struct region_site *to = (struct region_site *)(void *)(region.base + plan.sites_at + sites_used);
	uint64_t size = site_size(site);
	char *at = (char *)(to + 1);

	/* the end is a size of 0 */
	if (size + sizeof to->size > plan.sites_bytes - sites_used ||
	    !region_reach(REGION_SITES, plan.sites_at + sites_used + size + sizeof to->size)) {
		region.shared->sites_left_out++;
		return;
	}
	sites_used += size;
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
	to->sum = (uint32_t)region_sum(to + 1, (size_t)(at - (char *)(to + 1)));
	__atomic_store_n(&to->size, (uint32_t)size, __ATOMIC_RELEASE);
}

/* ---- the clock ---- */

void region_set_clock(const struct region_clock *clock)
{
	struct region_header *h = region.shared;
	uint64_t next = h->clock_now == 0;

	h->clock[next] = *clock;
	__atomic_store_n(&h->clock_now, next, __ATOMIC_RELEASE);
}

/* ---- checksums ---- */

uint64_t region_sum(const void *bytes, size_t len)
{
	const char *at = bytes;
	uint64_t sum = len, word;

	for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
		memcpy(&word, at, sizeof word);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	if (len) {
		word = 0;
		memcpy(&word, at, len);
		sum = (sum ^ word) * UINT64_C(0x9e3779b97f4a7c15);
		sum ^= sum >> 32;
	}
	return sum;
}
