/* SPDX-License-Identifier: Apache-2.0 */
/* memory.c - makes the region and what lies in it; see memory.h. It stays for the life of the process, so that a late
 * caller touches nothing that is gone. */
#include "call/memory.h"

#include "box/box.h"
#include "box/slab.h"
#include "call/ring.h"
#include "call/site.h"
#include "call/state.h"

#include <errno.h>
#include <stdio.h>

#define ALL_RINGS_BYTES (256u << 20)
#define RINGS_MIN       16
#define RINGS_MAX       4096

static uint64_t rings_for(uint64_t ring_bytes)
{
	uint64_t rings = ALL_RINGS_BYTES / ring_bytes;

	return rings < RINGS_MIN ? RINGS_MIN : rings > RINGS_MAX ? RINGS_MAX : rings;
}

int memory_make(uint64_t ring_bytes, uint64_t rings, uint64_t slots)
{
	int rc;

	if (logger.ready)
		return 0;
	rc = region_make(ring_bytes, rings ? rings : rings_for(ring_bytes), slots);
	if (!rc)
		rc = sites_tell_region();
	if (!rc)
		rc = rings_init();
	if (rc)
		return rc;
	slab_init();
	__atomic_store_n(&logger.ready, 1, __ATOMIC_RELEASE);
	return 0;
}

static void hold(void)
{
	sites_hold();
	rings_hold();
}

static void release(void)
{
	rings_release();
	sites_release();
}

int memory_box(const struct box_of *of, char *why)
{
	int rc;

	hold();
	rc = box_open(of, why);
	if (!rc && !rings_box()) {
		rc = -ENOSPC;
		box_abandon();
		snprintf(why, BOX_WHY, "no room for rings");
	}
	rings_told_anew();
	release();
	return rc ? rc : sites_tell_region();
}

void memory_unbox(void)
{
	hold();
	if (region.boxed) {
		box_abandon();
		rings_told_anew();
	}
	release();
}

int memory_prepare(void)
{
	int rc = lock_take(&logger.control);

	if (rc)
		return rc;
	rc = memory_make(MEMORY_RING_BYTES, 0, MEMORY_SLOTS);
	lock_drop(&logger.control);
	return rc;
}
