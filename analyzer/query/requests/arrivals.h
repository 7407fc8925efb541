/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arrivals.h - the requests in the order in which they came to their workers: conditions at an arrival are told by it.
 */
#ifndef REQUESTS_ARRIVALS_H
#define REQUESTS_ARRIVALS_H

#include "query/requests/requests.h"

/* Requests of one worker of a run, perhaps of one function: they stand one after the other. */
struct arrival_group {
	uint64_t key;
	uint32_t first, end; /* those with an arrival, by time; of which none is known stand from end to last */
	uint32_t last;
};

struct arrivals {
	uint32_t *request; /* by place: all of them */
	int64_t *ns;       /* by place: of the arrival */
	uint32_t n;
	struct arrival_group *group;
	uint32_t ngroups, groups_room;
	struct table at; /* groups by key */
};

/* The key of a worker's group. */
static inline uint64_t arrival_key(uint32_t run, uint32_t worker)
{
	return (uint64_t)run << 16 ^ (worker & 0xffff);
}

/* All requests by worker. 0 or -ENOMEM; arrivals_done in any case. */
int arrivals_make(const struct requests *r, struct arrivals *out);
/* The same ones by worker and function. */
int arrivals_by_function(const struct requests *r, const struct arrivals *by_worker, struct arrivals *out);
void arrivals_done(struct arrivals *a);

/* The number of a group, or INTERN_NONE. */
uint32_t arrivals_group(const struct arrivals *a, uint64_t key);
/* The first place in a group, not before `from`, whose request came after ns; the group's end: none did. Quick where it
 * is near. */
uint32_t arrivals_after(const struct arrivals *a, const struct arrival_group *g, uint32_t from, int64_t ns);

#endif
