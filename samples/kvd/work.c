/* SPDX-License-Identifier: Apache-2.0 */
/* work.c - a queue of requests, and the threads that serve it. */
#define ILU_TARGET "kvd::worker"
#include "kvd.h"

#include <errno.h>
#include <ilu/version.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct list {
	struct request *first, **last;
};

struct work {
	pthread_mutex_t lock;
	pthread_cond_t filled;
	struct list todo, done;
	unsigned waiting;
	bool stopping;
	struct store *store;
	int wake, nthreads;
	pthread_t thread[];
};

static void list_add(struct list *l, struct request *r)
{
	r->next = NULL;
	*l->last = r;
	l->last = &r->next;
}

static void say(struct request *r, const char *text)
{
	if (!r->quiet && (buffer_append(&r->reply, text, strlen(text)) || buffer_append(&r->reply, "\r\n", 2)))
		r->status = "no memory";
}

/* What became of a request, as the log has it, is the answer's first words. */
static void perform(struct store *s, struct request *r)
{
	int found;

	switch (r->verb) {
	case VERB_GET:
		found = store_get(s, r, &r->reply);
		if (found < 0)
			buffer_done(&r->reply);
		r->status = found < 0 ? "no memory" : found ? "FOUND" : "NOT_FOUND";
		say(r, found < 0 ? "SERVER_ERROR out of memory" : "END");
		break;
	case VERB_SET:
		r->status = store_set(s, r);
		say(r, r->status);
		break;
	case VERB_DELETE:
		r->status = store_delete(s, r) ? "DELETED" : "NOT_FOUND";
		say(r, r->status);
		break;
	case VERB_VERSION:
		r->status = "OK";
		say(r, "VERSION kvd " ILU_VERSION);
		break;
	case VERB_QUIT: /* the loop's own */
		break;
	}
}

/* The span goes on here. The reference is dropped at the end: then the span closes. */
static void serve(struct work *w, struct request *r, int worker)
{
	ilu_span span = r->span;

	r->span = ILU_SPAN_NONE;
	ILU_ENTER_TAKE(span);
	ilu_info(&r->tid, "Request taken", KV("worker", worker));
	perform(w->store, r);
	ilu_span_record(span, KV("status", r->status), KV("reply_bytes", r->reply.len));
	if (!strncmp(r->status, "SERVER_ERROR", 12) || !strcmp(r->status, "no memory"))
		ilu_warn(&r->tid, "Request failed", KV("status", r->status));
	ilu_info(&r->tid, "Request done", KV("status", r->status), KV("reply_bytes", r->reply.len));
}

static struct request *take(struct work *w)
{
	struct request *r;

	pthread_mutex_lock(&w->lock);
	while (!w->todo.first && !w->stopping)
		pthread_cond_wait(&w->filled, &w->lock);
	r = w->todo.first;
	if (r) {
		w->todo.first = r->next;
		if (!r->next)
			w->todo.last = &w->todo.first;
		w->waiting--;
	}
	pthread_mutex_unlock(&w->lock);
	return r;
}

static void give(struct work *w, struct request *r)
{
	uint64_t one = 1;

	pthread_mutex_lock(&w->lock);
	list_add(&w->done, r);
	pthread_mutex_unlock(&w->lock);
	if (write(w->wake, &one, sizeof one) < 0)
		return; /* the counter is full: the loop is awake */
}

struct worker {
	struct work *work;
	int number;
};

static void *run(void *arg)
{
	struct worker me = *(struct worker *)arg;
	ilu_tid tid = ilu_tid_named("Worker");
	struct request *r;
	uint64_t served = 0;
	char name[16];

	free(arg);
	snprintf(name, sizeof name, "worker-%d", me.number);
	ilu_log_thread_name(name);
	ilu_debug(&tid, "Worker is ready", KV("worker", me.number));
	while ((r = take(me.work))) {
		serve(me.work, r, me.number);
		served++;
		give(me.work, r);
	}
	ilu_debug(&tid, "Worker has ended", KV("worker", me.number), KV("served", served));
	return NULL;
}

struct work *work_start(struct store *s, int workers, int wake)
{
	struct work *w = calloc(1, sizeof *w + (size_t)workers * sizeof w->thread[0]);
	int rc = 0;

	if (!w)
		return NULL;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->filled, NULL);
	w->todo.last = &w->todo.first;
	w->done.last = &w->done.first;
	w->store = s;
	w->wake = wake;
	while (!rc && w->nthreads < workers) {
		struct worker *me = malloc(sizeof *me);

		if (!me) {
			rc = ENOMEM;
			break;
		}
		*me = (struct worker){w, w->nthreads};
		rc = pthread_create(&w->thread[w->nthreads], NULL, run, me);
		if (rc)
			free(me);
		else
			w->nthreads++;
	}
	if (!rc)
		return w;
	work_stop(w);
	errno = rc;
	return NULL;
}

void work_put(struct work *w, struct request *r)
{
	unsigned waiting;

	pthread_mutex_lock(&w->lock);
	list_add(&w->todo, r);
	waiting = ++w->waiting;
	ilu_info(&r->tid, "Request queued", KV("queue_len", waiting)); /* under the lock: before "Request taken" */
	pthread_cond_signal(&w->filled);
	pthread_mutex_unlock(&w->lock);
}

struct request *work_done(struct work *w)
{
	struct request *r;

	pthread_mutex_lock(&w->lock);
	r = w->done.first;
	w->done.first = NULL;
	w->done.last = &w->done.first;
	pthread_mutex_unlock(&w->lock);
	return r;
}

unsigned work_waiting(struct work *w)
{
	unsigned n;

	pthread_mutex_lock(&w->lock);
	n = w->waiting;
	pthread_mutex_unlock(&w->lock);
	return n;
}

void work_stop(struct work *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stopping = true;
	pthread_cond_broadcast(&w->filled);
	pthread_mutex_unlock(&w->lock);
	for (int i = 0; i < w->nthreads; i++)
		pthread_join(w->thread[i], NULL);
	for (struct request *r = work_done(w), *next; r; r = next) {
		next = r->next;
		request_free(r);
	}
	pthread_cond_destroy(&w->filled);
	pthread_mutex_destroy(&w->lock);
	free(w);
}
