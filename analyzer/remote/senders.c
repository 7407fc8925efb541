/* SPDX-License-Identifier: GPL-3.0-or-later */
/* senders.c - see senders.h */
#include "remote/senders.h"
#include "remote/say.h"
#include "remote/schema.h"
#include <errno.h>
#include <pthread.h>
#include <string.h>

struct waiting {
	struct waiting *next;
	struct batch batch;
};

/* The thread of a shard. */
struct sender {
	struct senders *all;
	size_t shard;
	struct cluster c; /* the caller's, but for the connection to this shard */
	struct http *http;
	struct waiting *first, **last; /* under all->lock */
	pthread_t thread;
	bool runs;
};

struct senders {
	struct cluster *c;
	struct http_manner manner; /* the cluster's, as it was */
	pthread_mutex_t lock, talk;
	pthread_cond_t changed;
	size_t bytes, bytes_most; /* of memory of batches that were put, and are not there yet */
	bool end;
	int rc; /* of the first batch that failed */
	char *why;
	struct sender *sender;
	size_t n;
};

static size_t size_of(const struct waiting *w)
{
	return sizeof *w + w->batch.body.room;
}

static void waiting_free(struct waiting *w)
{
	free(w->batch.id);
	free(w->batch.seen);
	bytes_free(&w->batch.body);
	free(w);
}

/* ---- a batch ---- */

/* Whether the server has it: 1, 0 or negative. A row that two pushes at a time gave is there twice. */
static int is_there(struct sender *s, const struct batch *b, char **why)
{
	int64_t n = 0;
	int rc = cluster_numbers(&s->c, s->shard, b->seen, &n, 1, why);

	if (rc || n != 1)
		return rc ? rc : n >= 2;
	say(why, "%s: half a batch is there", http_name(s->http));
	return -EBADMSG;
}

static int send_batch(struct sender *s, const struct batch *b, char **why)
{
	struct text sql = {0};
	int64_t start = http_now();
	int rc;

	cluster_insert(&s->c, s->shard, "event", schema_event_columns, "Native", &sql);
	for (unsigned n = 0;; n++) {
		free(*why);
		*why = NULL;
		rc = sql.failed ? -ENOMEM : http_give(s->http, text_str(&sql), b->id, &b->body, why);
		if (rc != -EHOSTDOWN || (rc = http_wait(s->http, n, start, *why)))
			break;
		rc = is_there(s, b, why);
		if (rc) {
			rc = rc == 1 ? 0 : rc;
			break;
		}
	}
	text_done(&sql);
	return rc;
}

/* ---- threads ---- */

/* Under the lock. Once one has failed, the others' batches are not sent. */
static struct waiting *next_of(struct sender *s)
{
	struct waiting *w;

	while (!s->first && !s->all->end)
		pthread_cond_wait(&s->all->changed, &s->all->lock);
	w = s->first;
	if (w && !(s->first = w->next))
		s->last = &s->first;
	return w;
}

static void *work(void *arg)
{
	struct sender *s = arg;
	struct senders *all = s->all;
	struct waiting *w;

	pthread_mutex_lock(&all->lock);
	while ((w = next_of(s))) {
		size_t bytes = size_of(w);
		bool give_up = all->rc || all->end;
		char *why = NULL;
		int rc;

		pthread_mutex_unlock(&all->lock);
		rc = give_up ? 0 : send_batch(s, &w->batch, &why);
		waiting_free(w);
		pthread_mutex_lock(&all->lock);
		all->bytes -= bytes;
		if (rc && !all->rc) {
			all->rc = rc;
			all->why = why;
			why = NULL;
		}
		free(why);
		pthread_cond_broadcast(&all->changed);
	}
	pthread_mutex_unlock(&all->lock);
	return NULL;
}

static void tell_waiting(void *arg, const char *why)
{
	struct senders *s = arg;

	pthread_mutex_lock(&s->talk);
	s->manner.waiting(s->manner.arg, why);
	pthread_mutex_unlock(&s->talk);
}

/* A cluster that is reached through one host has a connection to it for each shard all the same. */
static int sender_begin(struct senders *all, size_t i, char **why)
{
	struct sender *s = &all->sender[i];
	int rc;

	*s = (struct sender){.all = all, .shard = i, .c = *all->c, .last = &s->first};
	s->c.shard = malloc(all->c->n * sizeof *s->c.shard);
	rc = s->c.shard ? http_new(&all->c->url, all->c->url.cluster ? 0 : i, &all->c->manner, &s->http, why) : -ENOMEM;
	if (rc)
		return rc;
	memcpy(s->c.shard, all->c->shard, all->c->n * sizeof *s->c.shard);
	s->c.shard[i].http = s->http;
	rc = -pthread_create(&s->thread, NULL, work, s);
	s->runs = !rc;
	if (rc)
		say(why, "%s: no thread: %s", http_name(s->http), strerror(-rc));
	return rc;
}

int senders_new(struct cluster *c, size_t bytes_most, struct senders **out, char **why)
{
	struct senders *s = *out = calloc(1, sizeof *s);
	int rc = 0;

	if (!s)
		return -ENOMEM;
	s->c = c;
	s->bytes_most = bytes_most;
	pthread_mutex_init(&s->lock, NULL);
	pthread_mutex_init(&s->talk, NULL);
	pthread_cond_init(&s->changed, NULL);
	s->manner = c->manner;
	if (c->manner.waiting)
		c->manner.waiting = tell_waiting;
	c->manner.arg = s;
	s->sender = calloc(c->n, sizeof *s->sender);
	for (size_t i = 0; s->sender && i < c->n && !rc; s->n = ++i)
		rc = sender_begin(s, i, why);
	return s->sender ? rc : -ENOMEM;
}

static void sender_end(struct sender *s)
{
	if (s->runs)
		pthread_join(s->thread, NULL);
	http_free(s->http);
	free(s->c.shard);
}

void senders_free(struct senders *s)
{
	if (!s)
		return;
	pthread_mutex_lock(&s->lock);
	s->end = true;
	pthread_cond_broadcast(&s->changed);
	pthread_mutex_unlock(&s->lock);
	for (size_t i = 0; i < s->n; i++)
		sender_end(&s->sender[i]);
	s->c->manner = s->manner;
	pthread_cond_destroy(&s->changed);
	pthread_mutex_destroy(&s->talk);
	pthread_mutex_destroy(&s->lock);
	free(s->sender);
	free(s->why);
	free(s);
}

/* ---- the caller's side ---- */

int senders_put(struct senders *s, struct batch *b)
{
	struct sender *to = &s->sender[b->shard];
	struct waiting *w = malloc(sizeof *w);
	size_t bytes;
	int rc;

	if (!w)
		return -ENOMEM;
	*w = (struct waiting){.batch = *b};
	*b = (struct batch){0};
	bytes = size_of(w);
	pthread_mutex_lock(&s->lock);
	while (s->bytes && s->bytes + bytes > s->bytes_most && !s->rc)
		pthread_cond_wait(&s->changed, &s->lock);
	rc = s->rc;
	if (!rc) {
		s->bytes += bytes;
		*to->last = w;
		to->last = &w->next;
		pthread_cond_broadcast(&s->changed);
	}
	pthread_mutex_unlock(&s->lock);
	if (rc)
		waiting_free(w);
	return rc;
}

int senders_wait(struct senders *s, char **why)
{
	int rc;

	pthread_mutex_lock(&s->lock);
	while (s->bytes)
		pthread_cond_wait(&s->changed, &s->lock);
	rc = s->rc;
	if (s->why) {
		free(*why);
		*why = s->why;
		s->why = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return rc;
}

void senders_hush(struct senders *s, bool on)
{
	if (on)
		pthread_mutex_lock(&s->talk);
	else
		pthread_mutex_unlock(&s->talk);
}
