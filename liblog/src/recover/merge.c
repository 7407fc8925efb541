/* SPDX-License-Identifier: Apache-2.0 */
/* merge.c - merges rings by time and encodes their records; see merge.h.
 *
 * What an event's line says depends on the record alone, on the spans as they were then, and on its number. So a worker
 * takes some thousand events that follow each other, with the lock, and encodes them without it, while others take and
 * encode the next ones; lines are given out in turns. A record that changes what lines say (of a span, or of a ring's
 * owner) is encoded with the lock, when nobody is at an earlier one. With one worker it is a loop like any other. */
#include "recover/merge.h"

#include "base/now.h"
#include "base/thread.h"
#include "box/slab.h"
#include "encode/sitetext.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <unistd.h>

#define BLOCK       4096 /* records at a time */
#define STREAK      64   /* with so many events in a row they are left to all again */
#define WORKERS     4
#define LITTLE      (UINT64_C(256) << 10) /* bytes of rings that one worker is enough for */
#define STACK_BYTES (1024 * 1024)

/* A heap of rings by the stamp of their next record. */
struct head {
	uint64_t stamp;
	struct dead_ring *ring;
	const struct ilu_record_ *record;
};

struct crew {
	struct merge *m;
	pthread_mutex_t lock;
	pthread_cond_t moved; /* some worker was done with something */
	struct head *heap;
	size_t n;
	uint64_t taken, given; /* blocks */
	unsigned encoding;     /* workers at one */
	int rc;
};

struct event {
	struct ring *ring;
	const struct ilu_record_ *record;
};

struct worker {
	struct crew *crew;
	pthread_t thread;
	struct encoder enc; /* the spans are those of crew->m->enc */
	size_t events;
	struct event event[BLOCK];
};

/* ---- the heap ---- */

static bool earlier(const struct head *a, const struct head *b)
{
	return a->stamp != b->stamp ? a->stamp < b->stamp : a->ring < b->ring;
}

static void sink_down(struct crew *c, size_t i)
{
	struct head moved = c->heap[i];

	for (;;) {
		size_t child = 2 * i + 1;

		if (child + 1 < c->n && earlier(&c->heap[child + 1], &c->heap[child]))
			child++;
		if (child >= c->n || !earlier(&c->heap[child], &moved))
			break;
		c->heap[i] = c->heap[child];
		i = child;
	}
	c->heap[i] = moved;
}

static int heap_make(struct crew *c)
{
	struct dead *d = c->m->dead;

	c->heap = calloc(d->rings + 1, sizeof *c->heap);
	if (!c->heap)
		return -ENOMEM;
	for (size_t i = 0; i < d->rings; i++) {
		const struct ilu_record_ *r = dead_peek(d, &d->ring[i]);

		if (r)
			c->heap[c->n++] = (struct head){r->stamp, &d->ring[i], r};
	}
	for (size_t i = c->n / 2; i-- > 0;)
		sink_down(c, i);
	return 0;
}

/* The earliest is done with. */
static void advance(struct crew *c)
{
	struct head *top = c->heap;

	if (top->stamp > c->m->last)
		c->m->last = top->stamp;
	dead_take(top->ring, top->record);
	top->record = dead_peek(c->m->dead, top->ring);
	if (top->record)
		top->stamp = top->record->stamp;
	else
		*top = c->heap[--c->n];
	if (c->n)
		sink_down(c, 0);
}

/* ---- taking ---- */

/* Does it make one line, and change nothing for others? */
static bool is_event(const struct ilu_record_ *r)
{
	unsigned operation = r->word & ILU_OP_MASK_;

	return (operation == ILU_OP_EVENT_ || operation == ILU_OP_ARRAY_) && !(r->word & ILU_RECORDED_);
}

static void take_events(struct crew *c, struct worker *w)
{
	w->enc.seq = c->m->enc->seq;
	for (w->events = 0; c->n && w->events < BLOCK && is_event(c->heap->record); advance(c))
		w->event[w->events++] = (struct event){&c->heap->ring->ring, c->heap->record};
	c->m->enc->seq += w->events;
}

/* Of a span that the box does not know nothing can be said; a new one that its slab has no place for is none. */
static bool is_known(const struct crew *c, const struct ilu_record_ *r)
{
	unsigned operation = r->word & ILU_OP_MASK_;

	if (operation == ILU_OP_NEW_ && !(r->word & ILU_RECORDED_))
		return SLAB_INDEX(r->span) < c->m->enc->spans.count;
	return operation < ILU_OP_ENTER_ || operation > ILU_OP_FOLLOWS_ || r->word & ILU_RECORDED_ ||
	       span_texts_get(&c->m->enc->spans, r->span);
}

/* With the lock, and nobody is at an earlier one: into the worker's text. */
static void encode_in_order(struct crew *c, struct worker *w)
{
	struct encoder *enc = c->m->enc;
	struct buf none = enc->out;
	unsigned streak = 0;

	enc->out = w->enc.out;
	for (int i = 0; c->n && i < BLOCK && streak < STREAK; i++, advance(c)) {
		const struct ilu_record_ *r = c->heap->record;

		streak = is_event(r) ? streak + 1 : 0;
		if (is_known(c, r))
			encode_record(enc, &c->heap->ring->ring, r);
		else
			c->m->dead->damaged++;
	}
	w->enc.out = enc->out;
	w->enc.lines = enc->lines;
	w->enc.unmade = enc->unmade;
	enc->out = none;
	enc->lines = 0;
}

/* ---- working ---- */

static void give(struct crew *c, struct worker *w, uint64_t turn)
{
	int rc = w->enc.unmade ? -ENOMEM : 0;

	while (c->given != turn)
		pthread_cond_wait(&c->moved, &c->lock);
	if (c->rc)
		rc = c->rc;
	if (!rc && w->enc.lines) {
		pthread_mutex_unlock(&c->lock);
		rc = c->m->give(c->m->to, w->enc.out.text, w->enc.out.len, w->enc.lines);
		pthread_mutex_lock(&c->lock);
	}
	w->enc.out.len = w->enc.lines = 0;
	c->rc = rc;
	c->given++;
	pthread_cond_broadcast(&c->moved);
}

static void work(struct worker *w)
{
	struct crew *c = w->crew;

	pthread_mutex_lock(&c->lock);
	while (c->n && !c->rc) {
		uint64_t turn;

		take_events(c, w);
		if (!w->events && c->encoding) {
			pthread_cond_wait(&c->moved, &c->lock);
			continue;
		}
		turn = c->taken++;
		if (w->events) {
			c->encoding++;
			pthread_mutex_unlock(&c->lock);
			for (size_t i = 0; i < w->events; i++)
				encode_record(&w->enc, w->event[i].ring, w->event[i].record);
			pthread_mutex_lock(&c->lock);
			c->encoding--;
			pthread_cond_broadcast(&c->moved);
		} else {
			encode_in_order(c, w);
		}
		give(c, w, turn);
	}
	pthread_mutex_unlock(&c->lock);
}

/* ---- workers ---- */

static struct worker *worker_new(struct crew *c)
{
	struct worker *w = calloc(1, sizeof *w);

	if (!w)
		return NULL;
	w->crew = c;
	w->enc = *c->m->enc;
	w->enc.out = (struct buf){.text = NULL};
	return w;
}

static void worker_free(struct worker *w)
{
	buf_done(&w->enc.out);
	free(w);
}

static void *run(void *argument)
{
	now_own_thread();
	work(argument);
	return NULL;
}

/* Those that cannot be had are done without. */
static unsigned hire(struct crew *c, struct worker *helper[WORKERS])
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = 0;

	if (c->m->dead->rings * c->m->dead->h.ring_bytes < LITTLE)
		return 0;
	for (; (long)n + 1 < processors && n + 1 < WORKERS && (helper[n] = worker_new(c)); n++) {
		if (!thread_start(&helper[n]->thread, STACK_BYTES, run, helper[n]))
			continue;
		worker_free(helper[n]);
		break;
	}
	return n;
}

/* What all of them read is made by one. */
static int render_sites(const struct dead *d)
{
	for (uint32_t i = 0; i < d->sites; i++)
		if (d->site[i] && !site_text(d->site[i]))
			return -ENOMEM;
	return 0;
}

int merge(struct merge *m)
{
	struct crew c = {.m = m, .lock = PTHREAD_MUTEX_INITIALIZER, .moved = PTHREAD_COND_INITIALIZER};
	struct worker *self = worker_new(&c), *helper[WORKERS];
	unsigned helpers;

	c.rc = self ? heap_make(&c) : -ENOMEM;
	if (!c.rc)
		c.rc = render_sites(m->dead);
	if (!c.rc) {
		helpers = hire(&c, helper);
		work(self);
		while (helpers-- > 0) {
			pthread_join(helper[helpers]->thread, NULL);
			worker_free(helper[helpers]);
		}
	}
	if (self)
		worker_free(self);
	free(c.heap);
	return c.rc;
}
