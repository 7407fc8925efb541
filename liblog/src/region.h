/* SPDX-License-Identifier: Apache-2.0 */
/* region.h - the one piece of memory that callers write to.
 *
 * Rings and span slots lie in one mapping, reserved at once and touched as needed, with a header that says where what
 * is, in offsets from its own beginning: nothing in it is a pointer. It is made by the first start (or the first span
 * before that) and stays for the life of the process, so a caller can never find it gone. */
#ifndef REGION_H
#define REGION_H

#include <stddef.h>
#include <stdint.h>

#define REGION_MAGIC   "ilu-ring"
#define REGION_VERSION 1
#define REGION_LINE    128 /* two cache lines: neighbours are fetched in pairs */

struct region_header {
	char magic[8];
	uint32_t version;
	uint32_t header_bytes;
	uint64_t bytes;
	uint64_t slots_at, slot_bytes, slots;
	uint64_t rings_at, ring_stride; /* a struct ring_shared, then ring_bytes of records */
	uint64_t ring_bytes, rings;
	uint64_t pid, started_ns;
	uint64_t tsc; /* 1: stamps are TSC ticks, 0: nanoseconds */
};

struct region {
	char *base;
	struct region_header *header;
};

extern struct region region;

/* Make it, if it is not there. Once only: later sizes are ignored. 0 or -ENOMEM. */
int region_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots);

/* Touch pages now, so that no caller pays for it later. */
void region_prefault(void *at, size_t bytes);

#endif
