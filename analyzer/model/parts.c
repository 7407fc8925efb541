/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.c - see parts.h */
#include "model/parts.h"
#include "base/sql.h"
#include "store/chunks.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define THREADS_MAX 16
#define CHUNKS_EACH 4 /* fewer are not worth a thread */

struct parts {
	size_t n, next; /* next: the first that nobody has taken; part 0 is the caller's */
	int (*read)(void *arg, struct store *s, size_t i);
	void *arg;
	const char *path;
	pthread_mutex_t lock; /* next, failed, rc */
	size_t failed;        /* the first part that failed; n: none so far */
	int rc;
};

/* The next part; n: there is none, or no sense in it. */
static size_t take(struct parts *p)
{
	size_t i;

	pthread_mutex_lock(&p->lock);
	i = p->rc || p->next >= p->n ? p->n : p->next++;
	pthread_mutex_unlock(&p->lock);
	return i;
}

static void fail(struct parts *p, size_t i, int rc)
{
	pthread_mutex_lock(&p->lock);
	if (i < p->failed) {
		p->failed = i;
		p->rc = rc;
	}
	pthread_mutex_unlock(&p->lock);
}

static void read_one(struct parts *p, struct store *s, size_t i)
{
	int rc = p->read(p->arg, s, i);

	if (rc)
		fail(p, i, rc);
}

static void read_parts(struct parts *p, struct store *s)
{
	for (size_t i; (i = take(p)) < p->n;)
		read_one(p, s, i);
}

/* Who writes waits for those who read, and lets nobody begin: a store that would have to wait is done without. */
static int never(void *arg, int n)
{
	(void)arg, (void)n;
	return 0;
}

/* A thread's own; NULL: it does without. */
static struct store *store_of_thread(const char *path)
{
	const struct store_wait wait = {.step = never};
	struct store *s;
	char *why;

	if (store_open_waiting(path, STORE_READ, &wait, &s, &why))
		s = NULL;
	else
		store_is_one_of_many(s);
	free(why);
	return s;
}

static void *read_thread(void *arg)
{
	struct parts *p = arg;
	struct store *s = store_of_thread(p->path);

	if (s)
		read_parts(p, s);
	store_close(s);
	return NULL;
}

static int64_t threads_for(struct store *s, const struct parts *p)
{
	int64_t most = sysconf(_SC_NPROCESSORS_ONLN), chunks;

	if (!p->path || !*p->path || sql_number(store_db(s), "SELECT count(*) FROM chunk", &chunks))
		return 1;
	most = most > THREADS_MAX ? THREADS_MAX : most;
	most = most > chunks / CHUNKS_EACH ? chunks / CHUNKS_EACH : most;
	return most > (int64_t)p->n ? (int64_t)p->n : most;
}

int parts_read(struct store *s, size_t n, int (*read)(void *arg, struct store *s, size_t i), void *arg)
{
	struct parts p = {.n = n,
	                  .next = 1,
	                  .read = read,
	                  .arg = arg,
	                  .path = sqlite3_db_filename(store_db(s), "main"),
	                  .lock = PTHREAD_MUTEX_INITIALIZER,
	                  .failed = n};
	pthread_t thread[THREADS_MAX];
	int64_t want = threads_for(s, &p), started = 0;

	while (started + 1 < want && !pthread_create(&thread[started], NULL, read_thread, &p))
		started++;
	if (n)
		read_one(&p, s, 0);
	read_parts(&p, s);
	for (int64_t i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	pthread_mutex_destroy(&p.lock);
	return p.rc;
}

struct beside {
	int (*read)(void *arg, struct store *s);
	void *arg;
	const char *path;
	int rc;
	bool done;
};

static void *beside_thread(void *arg)
{
	struct beside *b = arg;
	struct store *s = store_of_thread(b->path);

	b->done = s != NULL;
	if (s)
		b->rc = b->read(b->arg, s);
	store_close(s);
	return NULL;
}

int parts_beside(struct store *s, void (*here)(void *arg), void *here_arg, int (*read)(void *arg, struct store *s),
                 void *arg)
{
	struct beside b = {.read = read, .arg = arg, .path = sqlite3_db_filename(store_db(s), "main")};
	struct parts two = {.n = 2, .path = b.path};
	pthread_t thread;
	bool started = threads_for(s, &two) > 1 && !pthread_create(&thread, NULL, beside_thread, &b);

	here(here_arg);
	if (started)
		pthread_join(thread, NULL);
	return b.done ? b.rc : read(arg, s);
}

/* Source i of n opens part i * parts / n, where it is the first there. */
int parts_of_sources(struct store *s, int64_t run, struct source_part out[PARTS_OF_SOURCES])
{
	sqlite3_stmt *st;
	int64_t all = 0, i = 0;
	int n = 0,
	    rc = sql_prepare(store_db(s),
	                     "SELECT id, count(*) OVER () FROM source WHERE ?1 = 0 OR run = ?1 ORDER BY id", &st);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	while ((rc = sql_next(st)) == 1) {
		int64_t id = sqlite3_column_int64(st, 0), parts;

		all = sqlite3_column_int64(st, 1);
		parts = all < PARTS_OF_SOURCES ? all : PARTS_OF_SOURCES;
		if (n < parts && i * parts / all == n)
			out[n++] = (struct source_part){run, id, id};
		if (n)
			out[n - 1].last = id;
		i++;
	}
	sqlite3_finalize(st);
	return rc ? rc : n;
}
