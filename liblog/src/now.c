/* SPDX-License-Identifier: Apache-2.0 */
/* now.c - the system's clocks, unless somebody brings others. */
#include "now.h"

#include <stddef.h>
#include <time.h>

static uint64_t (*steady)(void);
static int64_t (*wall)(void);

static int64_t system_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

uint64_t now_steady_ns(void)
{
	return steady ? steady() : (uint64_t)system_ns(CLOCK_MONOTONIC);
}

int64_t now_wall_ns(void)
{
	return wall ? wall() : system_ns(CLOCK_REALTIME);
}

void now_replace(uint64_t (*steady_ns)(void), int64_t (*wall_ns)(void))
{
	steady = steady_ns;
	wall = wall_ns;
}

int now_replaced(void)
{
	return steady != NULL;
}
