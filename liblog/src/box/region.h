/* SPDX-License-Identifier: Apache-2.0 */
/* region.h - the one piece of memory that callers write to, and all it takes to read it.
 *
 * Sites, span slots and rings lie in one mapping, reserved at once and touched as needed, with a header that says where
 * what is, in offsets from its own beginning: nothing in it is a pointer, so that a copy of it, or a file it is mapped
 * from, can be read at another address and by another process. It is made by the first start (or the first span before
 * that) and stays for the life of the process, so a caller can never find it gone.
 *
 *   header     struct region_header
 *   sites      struct region_site one after the other, up to one of size 0
 *   slots      struct slot (slab.h) by the index in a span's handle: of that span while the handle's upper half is the
 *              state's, and while the state is that plus one without references: closed, but not used again
 *   rings      each a struct region_ring, then ring_bytes of records (<ilu/detail/record.h>)
 *
 * Records of a ring that are not in the log yet begin at `head` & (ring_bytes - 1), which is modulo a power of two, and
 * go on up to one of size 0; ILU_OP_PAD_ fills the end of a round. Numbers are in the machine's byte order. */
#ifndef REGION_H
#define REGION_H

#include <ilu/detail/site.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_MAGIC   "ilu-ring"
#define REGION_VERSION 2
#define REGION_LINE    128 /* two cache lines: neighbours are fetched in pairs */
#define REGION_NAME    64  /* of a thread, with its NUL */

/* Wall time of a stamp: wall_ns + (stamp - this stamp) * ns_per_tick. */
struct region_clock {
	uint64_t stamp;
	int64_t wall_ns;
	double ns_per_tick;
};

struct region_header {
	char magic[8]; /* written last */
	uint32_t version;
	uint32_t header_bytes, record_bytes /* of a record's header */, ring_head_bytes;
	uint64_t bytes;
	uint64_t sites_at, sites_bytes;
	uint64_t slots_at, slot_bytes, slots;
	uint64_t rings_at, ring_stride, ring_bytes, rings;
	uint64_t pid;            /* of the process whose logger runs */
	uint64_t tsc;            /* 1: stamps are TSC ticks, 0: nanoseconds */
	uint64_t sites_left_out; /* there was no room for them */
	struct region_clock clock[2];
	uint64_t clock_now; /* which of the two; 2: none yet */
};

/* Size first, as records have it: 0 until the rest is there. */
struct region_site {
	uint32_t size;   /* of all of it, a multiple of 8 */
	uint32_t number; /* in records: word >> 8 */
	uint32_t line;
	uint8_t level, kind, count, reserved;
	/* then `count` types (enum ilu_type_); then, each with its NUL: target, text, file, function, `count` keys */
};

/* Before the records of a ring. */
struct region_ring {
	uint64_t head;          /* read up to here: set by the appender when the lines are written */
	uint32_t waiting;       /* the owner sleeps for room; it waits on this word */
	uint32_t pressed;       /* the owner saw it more than half full */
	uint32_t thread_id;     /* whose records are at `head`; others follow after ILU_OP_OWNER_ */
	char name[REGION_NAME]; /* its name; "": none yet */
	char pad[REGION_LINE - 20 - REGION_NAME];
};

struct region {
	char *base;
	struct region_header *header;
};

extern struct region region;

/* Make it, if it is not there. Once only: later sizes are ignored. 0 or -ENOMEM. */
int region_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots);

/* Write a site down. One caller at a time; without room it is only counted. */
void region_add_site(const struct ilu_site_ *site, uint32_t number);

/* From now on stamps mean this. By one thread. */
void region_set_clock(const struct region_clock *clock);

/* Touch pages now, so that no caller pays for it later. */
void region_prefault(void *at, size_t bytes);

#endif
