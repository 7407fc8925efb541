/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lanes.h - stretches of time laid side by side: in a lane each lies within the one before it, or behind it.
 *
 * Those of one owner share a lane as long as they fit. Memory grows with what goes on at one time. */
#ifndef QUERY_EXPORT_LANES_H
#define QUERY_EXPORT_LANES_H

#include <stdint.h>

struct lane;

enum { LANE_BUCKETS = 1024 };

/* Zero-initialise; lanes_done in any case. */
struct lanes {
	struct lane *lane;
	uint32_t n, room;
	uint32_t bucket[LANE_BUCKETS]; /* by owner: a lane + 1, 0: none */
	int64_t *until;                /* a tree: of node i those of 2i and 2i+1, the lesser; leaves are lanes */
	uint32_t leaves;               /* a power of two, 0: no tree yet */
};

#define LANE_NONE UINT32_MAX

/* A lane for a stretch; they come by their start. *is_new: nothing was in it so far. 0 or -ENOMEM. */
int lanes_place(struct lanes *l, uint64_t owner, int64_t start, int64_t end, uint32_t *lane, int *is_new);
/* The owner's lane where something goes on at this time, which is not before any start so far; or LANE_NONE. */
uint32_t lanes_at(const struct lanes *l, uint64_t owner, int64_t time);
void lanes_done(struct lanes *l);

#endif
