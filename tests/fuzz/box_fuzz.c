/* SPDX-License-Identifier: Apache-2.0 */
/* box_fuzz.c - any black box comes to lines, or to an answer. A header that fits stands in front, and what has a
 * checksum gets the right one, so that the bytes behind it are looked at: sites, a span, the batch, a ring. */
#include "recover/replay.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SITES = 1024, CELL = sizeof(struct region_cell), BATCH = 512, RING = 4096, PAGE = 4096 };

static void describe(struct region_header *h)
{
	memset(h, 0, sizeof *h);
	memcpy(h->magic, REGION_MAGIC, sizeof h->magic);
	h->version = REGION_VERSION;
	h->header_bytes = sizeof *h;
	h->record_bytes = sizeof(struct ilu_record_);
	h->ring_head_bytes = sizeof(struct region_ring);
	h->sites_at = PAGE;
	h->sites_bytes = PAGE;
	h->slots_at = 2 * PAGE;
	h->slot_bytes = 8;
	h->slots = 8;
	h->cells_at = 3 * PAGE;
	h->cell_bytes = CELL;
	h->batch_at = 4 * PAGE + PAGE * (8 * CELL > PAGE);
	h->batch_bytes = PAGE;
	h->rings_at = h->batch_at + PAGE;
	h->ring_bytes = RING;
	h->rings = 2;
	h->ring_stride = 2 * PAGE;
	h->bytes = h->rings_at + 2 * h->ring_stride;
	h->spanning = 15;
	h->list = 1;
	h->sum = region_sum(&h->version, offsetof(struct region_header, sum) - offsetof(struct region_header, version));
	h->noted = 1;
	h->note[1] = (struct region_note){.next_seq = 5, .lines = 1, .text_bytes = BATCH};
	h->note[1].sum = region_sum(&h->note[1], offsetof(struct region_note, sum));
}

/* Sums of sites go over their texts, whose number the head says. */
static void sum_sites(char *at)
{
	for (char *end = at + SITES; at + sizeof(struct region_site) <= end;) {
		struct region_site site;
		const char *text = at + sizeof site;

		memcpy(&site, at, sizeof site);
		if (!site.size || site.size % 8 || site.size > (size_t)(end - at) || site.size < sizeof site)
			break;
		text += site.count;
		for (int i = 0; i < 4 + site.count && text < at + site.size; i++)
			text += strnlen(text, (size_t)(at + site.size - text)) + 1;
		if (text <= at + site.size) {
			site.sum = (uint32_t)region_sum(at + sizeof site, (size_t)(text - at) - sizeof site);
			memcpy(at, &site, sizeof site);
		}
		at += site.size;
	}
}

static void sum_cell(char *at)
{
	struct region_cell cell;

	memcpy(&cell, at, sizeof cell);
	cell.handle &= ~UINT64_C(0xffffff);
	cell.len %= sizeof cell.text + 1;
	cell.sum = region_sum(&cell.handle,
	                      offsetof(struct region_cell, text) - offsetof(struct region_cell, handle) + cell.len);
	memcpy(at, &cell, sizeof cell);
}

static int take(void *to, const char *bytes, size_t len, size_t lines)
{
	(void)bytes;
	(void)lines;
	*(size_t *)to += len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	static char box[16 * PAGE];
	struct region_header h;
	struct dead dead;
	size_t len = 0;
	struct replay r = {.write = take, .to = &len};

	if (fd < 0)
		fd = memfd_create("box", MFD_CLOEXEC);
	memset(box, 0, sizeof box);
	describe(&h);
	memcpy(box, &h, sizeof h);
	const struct {
		uint64_t at;
		size_t bytes;
	} parts[] = {{h.sites_at, SITES},
	             {h.cells_at, CELL},
	             {h.batch_at, BATCH},
	             {h.rings_at + sizeof(struct region_ring), RING}};

	for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
		size_t n = size < parts[i].bytes ? size : parts[i].bytes;

		memcpy(box + parts[i].at, data, n);
		data += n;
		size -= n;
	}
	sum_sites(box + h.sites_at);
	sum_cell(box + h.cells_at);
	if (pwrite(fd, box, h.bytes, 0) != (ssize_t)h.bytes)
		abort();
	if (!dead_read(fd, &dead) && replay(&dead, &r))
		abort();
	dead_done(&dead);
	return 0;
}
