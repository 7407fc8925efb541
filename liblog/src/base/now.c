/* SPDX-License-Identifier: Apache-2.0 */
/* now.c - the system's clocks, unless somebody brings others. */
#include "base/now.h"

#include <stddef.h>
#include <time.h>

static const struct now_source *source;

static int64_t system_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (int64_t)ts.tv_sec * 1000000000 + ts.tv_nsec;
}

void now_replace(const struct now_source *other)
{
	__atomic_store_n(&source, other, __ATOMIC_RELEASE);
}

const struct now_source *now_replaced(void)
{
	return __atomic_load_n(&source, __ATOMIC_ACQUIRE);
}

uint64_t now_steady_ns(void)
{
	const struct now_source *s = now_replaced();

	return s ? s->steady_ns() : now_machine_ns();
}

int64_t now_wall_ns(void)
{
	const struct now_source *s = now_replaced();

	return s ? s->wall_ns() : system_ns(CLOCK_REALTIME);
}

void now_own_thread(void)
{
	const struct now_source *s = now_replaced();

	if (s)
		s->own_thread();
}

uint64_t now_machine_ns(void)
{
	return (uint64_t)system_ns(CLOCK_MONOTONIC);
}
