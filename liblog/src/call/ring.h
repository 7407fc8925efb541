/* SPDX-License-Identifier: Apache-2.0 */
/* ring.h - one ring for each thread: its owner writes records, the appender reads them.
 *
 * Ring 0 is shared under a lock: it takes the records of signal handlers that interrupted a call, and of threads for
 * which no ring is left. A thread gives its ring back when it ends; the next one goes on where it stopped.
 *
 * The public inline half (fill and commit) is in <ilu/detail/record.h>; here is all that is not the common case: a
 * thread's first call, the end of the ring, no room. */
#ifndef RING_H
#define RING_H

#include "box/region.h"

#include <ilu/detail/record.h>
#include <stdbool.h>

#define RING_NAME   REGION_NAME
#define RING_LEVELS 6

/* Bytes of a record beside its values: header, id, rounding, the next header's size, and one to make `<` do. */
#define RING_OVERHEAD (sizeof(struct ilu_record_) + sizeof(ilu_tid) + 8 + 8 + 1)

struct ring {
	/* the writer's */
	struct region_ring *shared; /* its head in the region */
	char *base;
	uint64_t bytes;
	uint64_t lap; /* position of `base` in this round */
	char *at;     /* where the writer is, while no thread owns the ring */
	struct ilu_producer_ *owner;
	struct ring *next_free;
	char name[RING_NAME]; /* the owner's, to be told in a record */
	uint32_t thread_id;
	bool told;
	bool cold;                  /* nobody has it, and its memory was given back */
	uint64_t turn;              /* the writer's last ILU_OP_TURN_ */
	uint64_t lost[RING_LEVELS]; /* records that found no room */
	uint64_t blocked;
	/* the reader's */
	_Alignas(REGION_LINE) uint64_t read; /* position of the next record */
	uint64_t turn_read;                  /* in which it was written */
	uint64_t published;
	struct region_taken owner_read; /* whose records they are */
	uint64_t woken;                 /* where `read` was when it last looked whether the writer waits */
	uint64_t lost_told;
	uint32_t thread_json_len;
	char thread_json[6 * RING_NAME + 128]; /* `,"threadName":"...","pid":1,"seq":` */
};

/* The payload of ILU_OP_OWNER_. */
struct ring_owner {
	uint32_t thread_id;
	char name[RING_NAME];
};

/* Over the region; once. 0 or -ENOMEM. */
int rings_init(void);
/* What full rings do, by level: enum config_full_ring. */
void rings_policy(const int policy[RING_LEVELS]);

uint32_t rings_count(void);
struct ring *rings_at(uint32_t i);
/* The calling thread got the turn (now.h): its next record says so. */
void ring_turned(void);
/* The logger is off: whether records will be stamped by the TSC from now on. */
void rings_clock(bool tsc);
/* Have a ring ready for the next new thread: touching a megabyte costs a millisecond, which no caller should pay. */
void rings_spare(void);
/* By the appender, when it rests: rings that nobody has, and that are read, give their memory back, but for a few. One
 * at a time; true: there may be more. */
bool rings_cool(void);
/* Rings that threads have now. */
uint32_t rings_owned(void);
/* Records that went through ring 0 because no ring was left for their thread. */
uint64_t rings_shared(void);
/* Calls for the flight recorder alone that found no room: no lines, so they are not among the lost ones. */
uint64_t rings_unrecorded(void);
/* Bytes a record's values may have. */
size_t ring_values_max(void);

/* The oldest record not yet taken, NULL when there is none. */
const struct ilu_record_ *ring_peek(struct ring *ring);
void ring_take(struct ring *ring, const struct ilu_record_ *record);
/* Give the room of what was taken back to the writer. A writer that waits for it is woken for a quarter of the ring at
 * a time, and when the reader rests: a wake costs both of them as much as some dozen records. */
void ring_publish(struct ring *ring, bool rest);
/* The region is in a box now: have memory there for those rings that had some. false: there is no room. */
bool rings_box(void);
/* The region is empty again: tell it how far each ring was read. */
void rings_told_anew(void);
/* Note that in one of the two places of the box (region.h). */
void rings_note(unsigned slot);

/* Did its owner, since the last time, see it more than half full? */
bool ring_presses(struct ring *ring);

/* Does some caller hold a half-written record? */
bool rings_busy(void);

/* Fork: hold the locks over it; then the child begins with empty rings, owned by nobody. */
void rings_hold(void);
void rings_release(void);
void rings_reset(void);

#endif
