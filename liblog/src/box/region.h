/* SPDX-License-Identifier: Apache-2.0 */
/* region.h - the one piece of memory that callers write to, and all it takes to read it.
 *
 * Sites, span slots, texts of spans, the appender's batch and the rings lie in one stretch of addresses, reserved at
 * once and opened piece by piece, with a header that says where what is, in offsets from its own beginning: nothing in
 * it is a pointer, so that a copy of it, or a file it is mapped from (the black box, box.h), can be read at another
 * address and by another process. It is made by the first start (or the first span before that) and stays for the life
 * of the process, so a caller can never find it gone. What is written down here is docs/black-box-format.md.
 *
 *   header     struct region_header
 *   sites      struct region_site one after the other, up to one of size 0
 *   slots      struct slot (slab.h) by the index in a span's handle: of that span while the handle's upper half is the
 *              state's, and while the state is that plus one without references: closed, but not used again. They stay
 *              the process's own memory: a child goes on with the spans that its parent had open.
 *   cells      struct region_cell by the same index: a span as the appender knows it
 *   batch      the lines that are being written
 *   rings      each a struct region_ring, then ring_bytes of records (<ilu/detail/record.h>)
 *
 * Records of a ring that are not in the log yet begin at `head` & (ring_bytes - 1), which is modulo a power of two, and
 * go on up to one of size 0; ILU_OP_PAD_ fills the end of a round. Numbers are in the machine's byte order.
 *
 * Pieces are opened when they are needed: memory that nobody used costs nothing, also under mlockall(2). With a file
 * behind it each piece gets its room there first, so that a full file system is an answer and never a SIGBUS; a piece
 * that got none is the process's own memory and not in the box. */
#ifndef REGION_H
#define REGION_H

#include <ilu/detail/site.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REGION_MAGIC   "ilu-ring"
#define REGION_ENDED   "ilu-ends" /* instead, by a process that ended and may not remove its box any more */
#define REGION_VERSION 3
#define REGION_LINE    128 /* two cache lines: neighbours are fetched in pairs */
#define REGION_NAME    64  /* of a thread, with its NUL */

/* Wall time of a stamp: wall_ns + (stamp - this stamp) * ns_per_tick. */
struct region_clock {
	uint64_t stamp;
	int64_t wall_ns;
	double ns_per_tick;
};

/* What the appender is about to write, and what it took for that from the rings: noted in turns in one of two places
 * before a batch is written, so that one of them is always whole. */
struct region_note {
	uint64_t next_seq;   /* of the line after the batch */
	uint64_t text_bytes; /* of the batch, at batch_at; 0: none */
	uint64_t lines;      /* in it */
	uint64_t dev, ino;   /* the file it goes to */
	uint64_t size;       /* of that file before it */
	uint64_t last_stamp; /* about now */
	uint64_t sum;        /* region_sum of what is above */
};

struct region_header {
	char magic[8]; /* written last */
	uint32_t version;
	uint32_t header_bytes, record_bytes /* of a record's header */, ring_head_bytes;
	uint64_t bytes;
	uint64_t sites_at, sites_bytes;
	uint64_t slots_at, slot_bytes, slots;
	uint64_t cells_at, cell_bytes;
	uint64_t batch_at, batch_bytes;
	uint64_t rings_at, ring_stride, ring_bytes, rings;
	/* what follows is of the present start */
	uint64_t pid;       /* of the process whose logger runs */
	uint64_t tsc;       /* 1: stamps are TSC ticks, 0: nanoseconds */
	int64_t started_ns; /* wall time */
	uint32_t spanning;  /* which lines spans make: enum config_spanning */
	uint32_t list;      /* 1: lines have `spans` */
	uint32_t iluvatar;  /* 1: time stamps as Iluvatar's */
	int32_t offset_s;   /* of local time, for these */
	char boot_id[40], run[40], program[64];
	char log[1024]; /* its absolute path */
	uint64_t sum;   /* region_sum of all that is above, from version on */
	/* what follows changes */
	char alive[64];          /* a robust, process-shared pthread_mutex_t, held by the appender's thread */
	uint64_t sites_left_out; /* there was no room for them */
	struct region_clock clock[2];
	uint64_t clock_now; /* which of the two; 2: none yet */
	struct region_note note[2];
	uint64_t noted;   /* notes ever; the last one is note[noted & 1] */
	uint64_t written; /* of them, batches that are in the file, or given up */
};

/* Size first, as records have it: 0 until the rest is there. */
struct region_site {
	uint32_t size;   /* of all of it, a multiple of 8 */
	uint32_t number; /* in records: word >> 8 */
	uint32_t line;
	uint8_t level, kind, count, reserved;
	uint32_t sum; /* region_sum of what follows, its lower half */
	/* then `count` types (enum ilu_type_); then, each with its NUL: target, text, file, function, `count` keys */
};

/* A span as its lines show it. */
struct region_cell {
	uint64_t sum; /* region_sum of what follows, up to the text's end */
	uint64_t handle, parent, id;
	uint64_t opened; /* stamp */
	uint32_t site;
	uint32_t open;    /* 0: it was closed */
	uint32_t tail_at; /* in the text: where "name" begins */
	uint32_t len;     /* of the text; 0: it was too long, its fields are lost */
	char text[456];   /* JSON */
};

/* How far a batch took a ring, and whose records are there. */
struct region_taken {
	uint64_t at;
	uint32_t thread_id;
	char name[REGION_NAME]; /* "": none yet */
	uint32_t reserved;
};

/* Before the records of a ring. */
struct region_ring {
	uint64_t head;    /* read up to here: set by the appender when the lines are written */
	uint32_t waiting; /* the owner sleeps for room; it waits on this word */
	uint32_t pressed; /* the owner saw it more than half full */
	char pad[REGION_LINE - 16];
	struct region_taken taken[2]; /* as note[2]: of the last batch taken[noted & 1] */
	char pad_2[2 * REGION_LINE - 2 * sizeof(struct region_taken)];
};

/* What may grow, each by those who hold its lock. */
enum region_area {
	REGION_SITES, /* with the header; the table of sites' lock */
	REGION_CELLS, /* the appender's thread */
	REGION_BATCH,
	REGION_RINGS, /* the list of rings' lock */
	REGION_AREAS,
};

struct region {
	char *base;
	const struct region_header *header; /* its numbers, our own copy */
	struct region_header *shared;       /* in the mapping */
	bool boxed;                         /* there is a file behind it */
	uint32_t changes;                   /* how often it became empty */
	uint64_t left_out;                  /* bytes for which that file had no room; atomic */
};

extern struct region region;

/* Reserve it, if it is not there. Once only: later sizes are ignored. 0 or -ENOMEM. */
int region_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots);

/* Have the first `bytes` of an area open: touched, so that no caller pays for it later. false: no memory. */
bool region_reach(enum region_area area, uint64_t bytes);
/* Of an area's open part: give the memory of some pages back; they are zeros then, and not to be touched until
 * region_open has opened them again, as region_reach does; locked ones are locked again then. */
void region_close(enum region_area area, uint64_t at, uint64_t bytes);
bool region_open(enum region_area area, uint64_t at, uint64_t bytes);
/* In a child, which needs less than its parent had: open are so many bytes again, whole pages; none is locked. */
void region_shrink(enum region_area area, uint64_t bytes);
/* Is all of it in the file? */
bool region_kept(enum region_area area);

/* Put a file behind what is open, and what will be, but the slots; all begins as zeros but for the header. Of rings
 * each has yet to be opened again (region_open). With all locks of the areas. 0 or a negative errno: then it is plain
 * memory, empty. */
int region_share(int fd, const struct region_header *header);
/* Plain memory again, empty, with the same numbers: at the end, and in a child, which must not write to its parent's.
 * With all locks. */
void region_unshare(void);

/* Write a site down. One caller at a time; without room it is only counted. */
void region_add_site(const struct ilu_site_ *site, uint32_t number);

/* From now on stamps mean this. By one thread. */
void region_set_clock(const struct region_clock *clock);

/* Touch pages now, so that no caller pays for it later. */
void region_prefault(void *at, size_t bytes);

/* The checksum of the format: of whole words of 8 bytes, the last one filled up with zeros. */
uint64_t region_sum(const void *bytes, size_t len);

#endif
