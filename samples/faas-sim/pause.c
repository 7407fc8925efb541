/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - time and waiting, in one place. */
#include "sim.h"

#include <stdio.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

int64_t now_ns(void)
{
	return ilu_clock_wall();
}

void pause_ns(int64_t ns)
{
	if (ns > 0)
		ilu_clock_sleep(ns);
}

void format_time(int64_t ns, char out[32])
{
	time_t seconds = ns / NS_PER_S;
	struct tm tm;
	size_t n;

	gmtime_r(&seconds, &tm);
	n = strftime(out, 32, "%Y-%m-%d %H:%M:%S", &tm);
	snprintf(out + n, 32 - n, ".%09d", (int)(ns % NS_PER_S));
}

void stop_init(struct stop *s, const char *name)
{
	ilu_mutex_init(&s->lock, name);
	ilu_cond_init(&s->cond, name);
	s->told = false;
}

/* Who waits for it on virtual time and is not told by the condition sees it at his next look, which is soon. */
void stop_tell(struct stop *s)
{
	bool locked = !ilu_mutex_lock(&s->lock);

	__atomic_store_n(&s->told, true, __ATOMIC_RELEASE);
	ilu_cond_broadcast(&s->cond);
	if (locked)
		ilu_mutex_unlock(&s->lock);
}

bool stop_told(struct stop *s)
{
	return __atomic_load_n(&s->told, __ATOMIC_ACQUIRE);
}

bool stop_wait(struct stop *s, int64_t ns)
{
	int64_t until = ilu_clock_after(ns);
	int rc = 0;

	ilu_mutex_lock(&s->lock);
	while (!stop_told(s) && !rc)
		rc = ilu_cond_wait_until(&s->cond, &s->lock, until);
	ilu_mutex_unlock(&s->lock);
	return stop_told(s);
}
