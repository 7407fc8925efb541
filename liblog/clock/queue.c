/* SPDX-License-Identifier: Apache-2.0 */
/* queue.c - semaphores and queues, on both times.
 *
 * In virtual time a post or a push with somebody waiting hands over directly, so that who comes later cannot be first.
 */
#include "virtual.h"

#include "real.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- semaphores ---- */

int ilu_sem_init(ilu_sem *s, const char *name, uint64_t value)
{
	int rc;

	memset(s, 0, sizeof *s);
	actor_name(s->name_, name, "semaphore", 0);
	s->value_ = value;
	s->virtual_ = clock_virtual();
	if (s->virtual_)
		return 0;
	rc = real_cond_init(&s->real_);
	return rc ? rc : -pthread_mutex_init(&s->lock_, NULL);
}

void ilu_sem_done(ilu_sem *s)
{
	if (s->virtual_)
		return;
	pthread_cond_destroy(&s->real_);
	pthread_mutex_destroy(&s->lock_);
}

static int real_sem_wait(ilu_sem *s, int64_t deadline_ns)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock_);
	while (!s->value_ && !rc)
		rc = real_cond_wait(&s->real_, &s->lock_, deadline_ns);
	if (s->value_) {
		s->value_--;
		rc = 0;
	}
	pthread_mutex_unlock(&s->lock_);
	return rc;
}

int ilu_sem_wait_until(ilu_sem *s, int64_t deadline_ns)
{
	struct actor *me;

	if (!s->virtual_)
		return real_sem_wait(s, deadline_ns);
	me = wait_caller();
	if (!me)
		return -EPERM;
	turn_perhaps();
	if (s->value_) {
		s->value_--;
		return 0;
	}
	if (deadline_ns <= vt.now) {
		turn_poll();
		return -ETIMEDOUT;
	}
	if (me->kind == ACTOR_TIMERS)
		return -EPERM;
	return wait_on(&s->waiters_, me, WAIT_SEM, s, deadline_ns);
}

int ilu_sem_wait(ilu_sem *s)
{
	return ilu_sem_wait_until(s, ILU_FOREVER);
}

int ilu_sem_trywait(ilu_sem *s)
{
	int rc = ilu_sem_wait_until(s, INT64_MIN);

	return rc == -ETIMEDOUT ? -EAGAIN : rc;
}

static int real_sem_post(ilu_sem *s)
{
	int rc = 0;

	pthread_mutex_lock(&s->lock_);
	if (s->value_ == UINT64_MAX)
		rc = -EOVERFLOW;
	else
		s->value_++;
	pthread_cond_signal(&s->real_);
	pthread_mutex_unlock(&s->lock_);
	return rc;
}

int ilu_sem_post(ilu_sem *s)
{
	struct actor *first;

	if (!s->virtual_)
		return real_sem_post(s);
	if (!wait_caller())
		return -EPERM;
	first = wait_first(&s->waiters_);
	if (first)
		wait_wake(&s->waiters_, first, 0);
	else if (s->value_ == UINT64_MAX)
		return -EOVERFLOW;
	else
		s->value_++;
	turn_perhaps();
	return 0;
}

/* ---- the ring of a queue ---- */

int ilu_queue_init(ilu_queue *q, const char *name, size_t capacity)
{
	int rc;

	memset(q, 0, sizeof *q);
	actor_name(q->name_, name, "queue", 0);
	q->cap_ = capacity;
	q->room_ = capacity && capacity < 64 ? capacity : 64;
	q->items_ = malloc(q->room_ * sizeof *q->items_);
	if (!q->items_)
		return -ENOMEM;
	q->virtual_ = clock_virtual();
	if (q->virtual_)
		return 0;
	rc = real_cond_init(&q->get_);
	if (!rc)
		rc = real_cond_init(&q->put_);
	if (!rc)
		rc = -pthread_mutex_init(&q->lock_, NULL);
	if (rc)
		free(q->items_);
	return rc;
}

void ilu_queue_done(ilu_queue *q)
{
	free(q->items_);
	q->items_ = NULL;
	if (q->virtual_)
		return;
	pthread_cond_destroy(&q->get_);
	pthread_cond_destroy(&q->put_);
	pthread_mutex_destroy(&q->lock_);
}

static bool full(const ilu_queue *q)
{
	return q->cap_ && q->len_ >= q->cap_;
}

static int append(ilu_queue *q, void *item)
{
	if (q->len_ == q->room_) {
		size_t room = q->room_ * 2;
		void **items = malloc(room * sizeof *items);

		if (!items)
			return -ENOMEM;
		for (size_t i = 0; i < q->len_; i++)
			items[i] = q->items_[(q->first_ + i) % q->room_];
		free(q->items_);
		q->items_ = items;
		q->room_ = room;
		q->first_ = 0;
	}
	q->items_[(q->first_ + q->len_++) % q->room_] = item;
	return 0;
}

static void *take_first(ilu_queue *q)
{
	void *item = q->items_[q->first_];

	q->first_ = (q->first_ + 1) % q->room_;
	q->len_--;
	return item;
}

/* ---- real ---- */

static int real_push(ilu_queue *q, void *item, int64_t deadline_ns)
{
	int rc = 0;

	pthread_mutex_lock(&q->lock_);
	while (!q->closed_ && full(q) && !rc)
		rc = real_cond_wait(&q->put_, &q->lock_, deadline_ns);
	if (q->closed_)
		rc = -EPIPE;
	else if (!full(q))
		rc = append(q, item);
	if (!rc)
		pthread_cond_signal(&q->get_);
	pthread_mutex_unlock(&q->lock_);
	return rc;
}

static int real_pop(ilu_queue *q, void **item, int64_t deadline_ns)
{
	int rc = 0;

	pthread_mutex_lock(&q->lock_);
	while (!q->len_ && !q->closed_ && !rc)
		rc = real_cond_wait(&q->get_, &q->lock_, deadline_ns);
	if (q->len_) {
		rc = 0;
		*item = take_first(q);
		pthread_cond_signal(&q->put_);
	} else if (q->closed_) {
		rc = -EPIPE;
	}
	pthread_mutex_unlock(&q->lock_);
	return rc;
}

/* ---- both ---- */

int ilu_queue_push_until(ilu_queue *q, void *item, int64_t deadline_ns)
{
	struct actor *me, *getter;

	if (!q->virtual_)
		return real_push(q, item, deadline_ns);
	me = wait_caller();
	if (!me)
		return -EPERM;
	turn_perhaps();
	if (q->closed_)
		return -EPIPE;
	getter = wait_first(&q->getters_);
	if (getter) {
		getter->also = item;
		wait_wake(&q->getters_, getter, 0);
		return 0;
	}
	if (!full(q))
		return append(q, item);
	if (deadline_ns <= vt.now) {
		turn_poll();
		return -ETIMEDOUT;
	}
	if (me->kind == ACTOR_TIMERS)
		return -EPERM;
	me->also = item;
	return wait_on(&q->putters_, me, WAIT_PUT, q, deadline_ns);
}

int ilu_queue_push(ilu_queue *q, void *item)
{
	return ilu_queue_push_until(q, item, ILU_FOREVER);
}

int ilu_queue_try_push(ilu_queue *q, void *item)
{
	int rc = ilu_queue_push_until(q, item, INT64_MIN);

	return rc == -ETIMEDOUT ? -EAGAIN : rc;
}

static void *take_virtual(ilu_queue *q)
{
	void *item = take_first(q);
	struct actor *putter = wait_first(&q->putters_);

	if (putter) {
		append(q, putter->also); /* there is room: one was taken */
		wait_wake(&q->putters_, putter, 0);
	}
	return item;
}

int ilu_queue_pop_until(ilu_queue *q, void **item, int64_t deadline_ns)
{
	struct actor *me;
	int rc;

	if (!q->virtual_)
		return real_pop(q, item, deadline_ns);
	me = wait_caller();
	if (!me)
		return -EPERM;
	turn_perhaps();
	if (q->len_) {
		*item = take_virtual(q);
		return 0;
	}
	if (q->closed_)
		return -EPIPE;
	if (deadline_ns <= vt.now) {
		turn_poll();
		return -ETIMEDOUT;
	}
	if (me->kind == ACTOR_TIMERS)
		return -EPERM;
	rc = wait_on(&q->getters_, me, WAIT_GET, q, deadline_ns);
	if (!rc)
		*item = me->also;
	return rc;
}

int ilu_queue_pop(ilu_queue *q, void **item)
{
	return ilu_queue_pop_until(q, item, ILU_FOREVER);
}

int ilu_queue_try_pop(ilu_queue *q, void **item)
{
	int rc = ilu_queue_pop_until(q, item, INT64_MIN);

	return rc == -ETIMEDOUT ? -EAGAIN : rc;
}

size_t ilu_queue_len(ilu_queue *q)
{
	size_t n;

	if (q->virtual_) {
		turn_poll();
		return q->len_;
	}
	pthread_mutex_lock(&q->lock_);
	n = q->len_;
	pthread_mutex_unlock(&q->lock_);
	return n;
}

void ilu_queue_close(ilu_queue *q)
{
	struct actor *a;

	if (!q->virtual_) {
		pthread_mutex_lock(&q->lock_);
		q->closed_ = true;
		pthread_cond_broadcast(&q->get_);
		pthread_cond_broadcast(&q->put_);
		pthread_mutex_unlock(&q->lock_);
		return;
	}
	if (!wait_caller())
		return;
	q->closed_ = true;
	while ((a = wait_first(&q->getters_)))
		wait_wake(&q->getters_, a, -EPIPE);
	while ((a = wait_first(&q->putters_)))
		wait_wake(&q->putters_, a, -EPIPE);
}
