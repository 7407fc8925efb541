/* SPDX-License-Identifier: Apache-2.0 */
/* slab.h - the slots behind span handles.
 *
 * A handle is generation << 32 | ILU_SPAN_SAID_ | index. A slot's `state` is generation << 32 | references in one
 * word, so "is this handle still good, and one more reference please" is one compare-and-swap; the generation grows
 * when the last reference goes, and every old handle stops fitting.
 *
 * The last quarter of the slots is kept for spans that are not said in the log, so that a handle has its tid when the
 * slab is full of others; when even that is gone, all further spans share slot 0, whose tid is "span-slab-full". */
#ifndef SLAB_H
#define SLAB_H

#include <ilu/span.h>
#include <stdbool.h>

struct slot {
	uint64_t state;
	uint64_t id;     /* in the log */
	uint64_t parent; /* handle, one reference held; 0: a root */
	uint64_t remote; /* id of a parent in another process */
	uint64_t opened; /* stamps */
	uint64_t entered_at;
	uint64_t busy;
	uint32_t entered; /* threads inside */
	uint32_t next;    /* free list */
	uint32_t site;
	uint8_t enabled; /* the level that dynamic directives enable inside */
	uint8_t level;
	uint32_t closer;    /* atomic: the thread that dropped its last reference, 0: not known */
	uint64_t closed_at; /* atomic: the code that did, by slab_distance: the region has no addresses */
	ilu_tid tid;
};

#define SLAB_INDEX(handle) ((uint32_t)(handle)&0xffffffu)
#define SLAB_MAX           0x1000000u

/* Over the region, once. */
void slab_init(void);

/* A slot with one reference; its generation is in the state. NULL: none for this kind is left. */
struct slot *slab_take(bool said, uint32_t *index);
/* The last reference went: forget it. */
void slab_give(uint32_t index);

/* The slot of a handle in use; NULL (and counted) when its span is closed. */
struct slot *slab_get(uint64_t handle);
/* Has it references? */
bool slab_open(uint64_t handle);
/* One more reference; false (and counted) when it is closed. */
bool slab_hold(uint64_t handle);
/* One fewer; true when it was the last, false also (and counted) when it is closed. */
bool slab_drop(uint64_t handle);

/* The level enabled inside the span by dynamic directives; 0 outside all. */
unsigned slab_enabled(uint64_t handle);

uint64_t slab_misuse(void);

/* Where code is, as the distance from this library's; 0: NULL. */
uint64_t slab_distance(const void *code);

/* A handle that was used after its span had closed. */
struct slab_misused {
	uint32_t thread_id; /* who used it */
	bool known;         /* the slot is nobody else's yet, so that all of this is of the span */
	uint32_t site, closer;
	uint64_t id, closed_at; /* closed_at: an address */
	ilu_tid tid;
};

/* The first one since the last call; false: there was none, or it is being written down just now. */
bool slab_misused(struct slab_misused *out);
uint64_t slab_overflow(void);
void slab_count_overflow(void);
uint32_t slab_size(void);

#endif
