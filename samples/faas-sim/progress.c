/* SPDX-License-Identifier: Apache-2.0 */
/* progress.c - how far a run is, on a terminal that shows standard error.
 *
 * A thread of the world outside looks at counters now and then; on virtual time there may be hours between two looks.
 */
#include "sim.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define LOOK_NS INT64_C(200000000) /* the first look comes after three of these: a short run shows nothing */

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t ended;
	bool runs, ends;
	const struct sim *sim;
} show;

static void format_clock(double s, char out[32])
{
	long whole = (long)s;

	snprintf(out, 32, "%02ld:%02ld:%02ld", whole / 3600, whole / 60 % 60, whole % 60);
}

static void draw(const struct sim *sim)
{
	size_t sent = __atomic_load_n(&sim->nitems, __ATOMIC_RELAXED),
	       answered = __atomic_load_n(&sim->answered, __ATOMIC_RELAXED);
	char now[32], end[32];

	format_clock((double)__atomic_load_n(&sim->elapsed_ns, __ATOMIC_RELAXED) / 1e9, now);
	format_clock(sim->ntrace ? (double)sim->trace[sim->ntrace - 1].at_ns / 1e9 : sim->opt.seconds, end);
	fprintf(stderr, "\r%s of %s, %zu invocations, %zu without an answer%s\033[K", now, end, sent, sent - answered,
	        stop_told(&sim->stop) ? "; ending" : "");
}

/* Whether it has ended. */
static bool wait(int looks)
{
	struct timespec until;

	clock_gettime(CLOCK_MONOTONIC, &until); /* raw: the user's time */
	until.tv_nsec += LOOK_NS * looks;
	until.tv_sec += until.tv_nsec / 1000000000;
	until.tv_nsec %= 1000000000;
	while (!show.ends && !pthread_cond_timedwait(&show.ended, &show.lock, &until)) /* raw: the same */
		;
	return show.ends;
}

static void *watch(void *arg)
{
	bool drawn = false;

	(void)arg;
	pthread_mutex_lock(&show.lock); /* raw: the same */
	for (bool ended = wait(3); !ended; ended = wait(1)) {
		draw(show.sim);
		drawn = true;
	}
	pthread_mutex_unlock(&show.lock); /* raw: the same */
	if (drawn)
		fputs("\r\033[K", stderr);
	return NULL;
}

void progress_start(const struct sim *sim)
{
	const char *term = getenv("TERM");
	pthread_condattr_t attr;

	if (!isatty(STDERR_FILENO) || !term || !strcmp(term, "dumb"))
		return;
	show.sim = sim;
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&show.lock, NULL);  /* raw: of the world outside */
	pthread_cond_init(&show.ended, &attr); /* raw: the same */
	pthread_condattr_destroy(&attr);
	show.runs = !pthread_create(&show.thread, NULL, watch, NULL); /* raw: the same */
}

void progress_end(void)
{
	if (!show.runs)
		return;
	pthread_mutex_lock(&show.lock); /* raw: the same */
	show.ends = true;
	pthread_cond_signal(&show.ended); /* raw: the same */
	pthread_mutex_unlock(&show.lock); /* raw: the same */
	pthread_join(show.thread, NULL);  /* raw: the same */
	show.runs = false;
}
