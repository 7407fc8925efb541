/* SPDX-License-Identifier: Apache-2.0 */
/* pause.c - time and waiting, in one place. */
#include "sim.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>

#define NS_PER_S INT64_C(1000000000)

static int64_t clock_ns(clockid_t id)
{
	struct timespec t;

	clock_gettime(id, &t);
	return t.tv_sec * NS_PER_S + t.tv_nsec;
}

int64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

void pause_ns(int64_t ns)
{
	struct timespec left = {.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};

	if (ns > 0)
		while (nanosleep(&left, &left) < 0 && errno == EINTR)
			;
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

void stop_init(struct stop *s)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->cond, &attr);
	pthread_condattr_destroy(&attr);
	s->told = false;
}

void stop_tell(struct stop *s)
{
	pthread_mutex_lock(&s->lock);
	s->told = true;
	pthread_cond_broadcast(&s->cond);
	pthread_mutex_unlock(&s->lock);
}

bool stop_told(struct stop *s)
{
	pthread_mutex_lock(&s->lock);
	bool told = s->told;
	pthread_mutex_unlock(&s->lock);
	return told;
}

bool stop_wait(struct stop *s, int64_t ns)
{
	int64_t until = clock_ns(CLOCK_MONOTONIC) + (ns > 0 ? ns : 0);
	struct timespec t = {.tv_sec = until / NS_PER_S, .tv_nsec = until % NS_PER_S};
	int rc = 0;

	pthread_mutex_lock(&s->lock);
	while (!s->told && rc != ETIMEDOUT)
		rc = pthread_cond_timedwait(&s->cond, &s->lock, &t);
	bool told = s->told;
	pthread_mutex_unlock(&s->lock);
	return told;
}
