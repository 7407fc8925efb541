/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lanes.c - see lanes.h
 *
 * The first lane that is free by now is found by a tree of the times until when they are taken. */
#include "query/export/lanes.h"
#include "base/array.h"
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

struct lane {
	uint64_t owner;
	uint32_t next; /* lane + 1 in the bucket of its owner, 0: the last */
	bool linked;
	int64_t *ends; /* of what is open in it, the outermost first */
	uint32_t n, room;
};

/* ---- until when ---- */

static void set_until(struct lanes *l, uint32_t lane, int64_t until)
{
	uint32_t i = l->leaves + lane;

	l->until[i] = until;
	while (i >>= 1)
		l->until[i] = l->until[2 * i] < l->until[2 * i + 1] ? l->until[2 * i] : l->until[2 * i + 1];
}

static int grow_tree(struct lanes *l)
{
	uint32_t leaves = l->leaves ? 2 * l->leaves : 64;
	int64_t *tree = malloc(2 * (size_t)leaves * sizeof *tree), *old = l->until;

	if (!tree)
		return -ENOMEM;
	for (uint32_t i = 0; i < 2 * leaves; i++)
		tree[i] = INT64_MAX; /* a lane that is not there is never free */
	l->until = tree;
	for (uint32_t i = 0; i < l->n; i++)
		tree[leaves + i] = old[l->leaves + i];
	l->leaves = leaves;
	for (uint32_t i = 0; i < l->n; i++)
		set_until(l, i, tree[leaves + i]);
	free(old);
	return 0;
}

static uint32_t first_free(const struct lanes *l, int64_t time)
{
	uint32_t i = 1;

	if (!l->leaves || l->until[1] > time)
		return LANE_NONE;
	while (i < l->leaves)
		i = l->until[2 * i] <= time ? 2 * i : 2 * i + 1;
	return i - l->leaves;
}

/* ---- owners ---- */

static void unlink_lane(struct lanes *l, uint32_t lane)
{
	uint32_t *at = &l->bucket[l->lane[lane].owner % LANE_BUCKETS];

	if (!l->lane[lane].linked)
		return;
	while (*at != lane + 1)
		at = &l->lane[*at - 1].next;
	*at = l->lane[lane].next;
}

static void link_lane(struct lanes *l, uint32_t lane, uint64_t owner)
{
	unlink_lane(l, lane);
	l->lane[lane].owner = owner;
	l->lane[lane].linked = true;
	l->lane[lane].next = l->bucket[owner % LANE_BUCKETS];
	l->bucket[owner % LANE_BUCKETS] = lane + 1;
}

/* ---- stretches ---- */

/* Whether it lies in what is open, once what has ended is gone. */
static bool fits(struct lane *lane, int64_t start, int64_t end)
{
	while (lane->n && lane->ends[lane->n - 1] <= start)
		lane->n--;
	return !lane->n || lane->ends[lane->n - 1] >= end;
}

static uint32_t of_owner(struct lanes *l, uint64_t owner, int64_t start, int64_t end)
{
	uint32_t found = LANE_NONE;

	for (uint32_t i = l->bucket[owner % LANE_BUCKETS]; i; i = l->lane[i - 1].next)
		if (l->lane[i - 1].owner == owner && fits(&l->lane[i - 1], start, end) &&
		    (found == LANE_NONE || l->lane[i - 1].n))
			found = i - 1;
	return found;
}

static int add_lane(struct lanes *l, uint32_t *lane)
{
	struct lane *to;

	if (l->n == l->leaves && grow_tree(l))
		return -ENOMEM;
	*lane = l->n;
	to = array_add(l->lane, l->n, l->room);
	if (!to)
		return -ENOMEM;
	*to = (struct lane){0};
	return 0;
}

int lanes_place(struct lanes *l, uint64_t owner, int64_t start, int64_t end, uint32_t *lane, int *is_new)
{
	uint32_t found = of_owner(l, owner, start, end);
	int64_t *to;
	int rc = 0;

	*is_new = 0;
	if (found == LANE_NONE) {
		found = first_free(l, start);
		*is_new = found == LANE_NONE;
		if (*is_new)
			rc = add_lane(l, &found);
		if (rc)
			return rc;
		link_lane(l, found, owner);
		fits(&l->lane[found], start, end);
	}
	to = array_add(l->lane[found].ends, l->lane[found].n, l->lane[found].room);
	if (!to)
		return -ENOMEM;
	*to = end;
	if (l->lane[found].n == 1)
		set_until(l, found, end);
	*lane = found;
	return 0;
}

uint32_t lanes_at(const struct lanes *l, uint64_t owner, int64_t time)
{
	for (uint32_t i = l->bucket[owner % LANE_BUCKETS]; i; i = l->lane[i - 1].next)
		if (l->lane[i - 1].owner == owner && l->lane[i - 1].n && l->lane[i - 1].ends[0] >= time)
			return i - 1;
	return LANE_NONE;
}

void lanes_done(struct lanes *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		free(l->lane[i].ends);
	free(l->lane);
	free(l->until);
}
