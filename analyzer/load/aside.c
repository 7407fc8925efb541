/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "load/aside.h"
#include "beside/beside.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct aside {
	struct store *store;
	volatile const int *stop;
	pthread_mutex_t lock;
	pthread_cond_t more;
	pthread_t thread;
	bool threaded; /* the thread is there */
	bool may_thread;
	bool closed; /* no more will come; under the lock */
	size_t n;    /* under the lock; the reader alone touches those before it that are not read */
	struct aside_file v[];
};

static void file_read(struct aside *a, struct aside_file *f)
{
	if (*a->stop)
		return;
	f->rc = beside_file_load(a->store, f->run, f->in->path, &f->why);
	f->read = true;
}

static void *read_all(void *arg)
{
	struct aside *a = arg;

	for (size_t i = 0;; i++) {
		bool any;

		pthread_mutex_lock(&a->lock);
		while (i == a->n && !a->closed)
			pthread_cond_wait(&a->more, &a->lock);
		any = i < a->n;
		pthread_mutex_unlock(&a->lock);
		if (!any)
			return NULL;
		file_read(a, &a->v[i]);
	}
}

int aside_new(struct store *s, size_t room, unsigned threads, volatile const int *stop, struct aside **out)
{
	struct aside *a = calloc(1, sizeof *a + room * sizeof *a->v);

	if (!a)
		return -ENOMEM;
	a->store = s;
	a->stop = stop;
	a->may_thread = threads > 1;
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->more, NULL);
	*out = a;
	return 0;
}

void aside_add(struct aside *a, const struct input *in, int64_t run)
{
	struct aside_file *f;

	pthread_mutex_lock(&a->lock);
	f = &a->v[a->n++];
	*f = (struct aside_file){.in = in, .run = run};
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	if (a->may_thread && !a->threaded)
		a->threaded = a->may_thread = !pthread_create(&a->thread, NULL, read_all, a);
	if (!a->threaded)
		file_read(a, f);
}

const struct aside_file *aside_finish(struct aside *a, size_t *n)
{
	pthread_mutex_lock(&a->lock);
	a->closed = true;
	pthread_cond_signal(&a->more);
	pthread_mutex_unlock(&a->lock);
	if (a->threaded)
		pthread_join(a->thread, NULL);
	a->threaded = false;
	*n = a->n;
	return a->v;
}

void aside_free(struct aside *a)
{
	size_t n;

	if (!a)
		return;
	aside_finish(a, &n);
	for (size_t i = 0; i < n; i++)
		free(a->v[i].why);
	pthread_cond_destroy(&a->more);
	pthread_mutex_destroy(&a->lock);
	free(a);
}
