/* SPDX-License-Identifier: GPL-3.0-or-later */
/* threads.c - see threads.h */
#include "base/threads.h"
#include <pthread.h>
#include <unistd.h>

#define THREADS_MAX 16

struct work {
	size_t n, next; /* next: the first that nobody has taken */
	int (*work)(void *arg, size_t i);
	void *arg;
	pthread_mutex_t lock; /* next, failed, rc */
	size_t failed;        /* the first that failed; n: none so far */
	int rc;
};

/* Tells how the one before went, and takes the next; n: there is none, or no sense in it. */
static size_t take(struct work *w, size_t done, int rc)
{
	size_t i;

	pthread_mutex_lock(&w->lock);
	if (rc && done < w->failed) {
		w->failed = done;
		w->rc = rc;
	}
	i = w->rc || w->next == w->n ? w->n : w->next++;
	pthread_mutex_unlock(&w->lock);
	return i;
}

static void *run(void *arg)
{
	struct work *w = arg;
	int rc = 0;

	for (size_t i = take(w, 0, 0); i < w->n; i = take(w, i, rc))
		rc = w->work(w->arg, i);
	return NULL;
}

int threads_each(size_t n, int (*work)(void *arg, size_t i), void *arg)
{
	struct work w = {.n = n, .work = work, .arg = arg, .lock = PTHREAD_MUTEX_INITIALIZER, .failed = n};
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	size_t most = processors < 1 ? 1 : processors > THREADS_MAX ? THREADS_MAX : (size_t)processors, started = 0;
	pthread_t thread[THREADS_MAX];

	while (started + 1 < most && started + 1 < n && !pthread_create(&thread[started], NULL, run, &w))
		started++;
	run(&w);
	for (size_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&w.lock);
	return w.rc;
}
