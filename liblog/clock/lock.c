/* SPDX-License-Identifier: Apache-2.0 */
/* lock.c - mutexes, read-write locks and conditions, on both times.
 *
 * In virtual time a lock is handed to whoever waited longest, so it is never free while somebody waits for it; and a
 * condition's waiter that is signalled waits for the mutex at once, in the order of the signals. */
#include "virtual.h"

#include "real.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- mutexes ---- */

int ilu_mutex_init(ilu_mutex *m, const char *name)
{
	pthread_mutexattr_t attr;
	int rc;

	memset(m, 0, sizeof *m);
	actor_name(m->name_, name, "mutex", 0);
	m->virtual_ = clock_virtual();
	if (m->virtual_)
		return 0;
	pthread_mutexattr_init(&attr);
	pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_ERRORCHECK);
	rc = -pthread_mutex_init(&m->real_, &attr);
	pthread_mutexattr_destroy(&attr);
	return rc;
}

void ilu_mutex_done(ilu_mutex *m)
{
	if (!m->virtual_)
		pthread_mutex_destroy(&m->real_);
}

static void own(ilu_mutex *m, struct actor *a)
{
	m->owner_ = a;
	m->since_ = vt.now;
}

void mutex_pass_to(ilu_mutex *m, struct actor *a, int result)
{
	a->result = result;
	if (m->owner_) {
		a->wait = WAIT_MUTEX;
		a->object = m;
		a->since = vt.now;
		wait_push(&m->waiters_, a);
		return;
	}
	own(m, a);
	a->wait = WAIT_NOTHING;
	turn_ready((uintptr_t)a);
}

int ilu_mutex_lock(ilu_mutex *m)
{
	struct actor *me;

	if (!m->virtual_)
		return -pthread_mutex_lock(&m->real_);
	me = wait_caller();
	if (!me)
		return -EPERM;
	turn_perhaps();
	if (!m->owner_) {
		own(m, me);
		return 0;
	}
	if (m->owner_ == me)
		return -EDEADLK;
	if (me->kind == ACTOR_TIMERS)
		return -EPERM;
	me->result = 0;
	return wait_on(&m->waiters_, me, WAIT_MUTEX, m, ILU_FOREVER);
}

int ilu_mutex_trylock(ilu_mutex *m)
{
	struct actor *me;

	if (!m->virtual_)
		return -pthread_mutex_trylock(&m->real_);
	me = wait_caller();
	if (!me)
		return -EPERM;
	if (m->owner_) {
		turn_poll();
		return -EBUSY;
	}
	own(m, me);
	return 0;
}

static void mutex_release(ilu_mutex *m)
{
	struct actor *next = wait_first(&m->waiters_);

	m->owner_ = NULL;
	if (!next)
		return;
	own(m, next);
	/* its result says how the wait for a condition ended, if that was before */
	wait_wake(&m->waiters_, next, next->result);
}

int ilu_mutex_unlock(ilu_mutex *m)
{
	struct actor *me;

	if (!m->virtual_)
		return -pthread_mutex_unlock(&m->real_);
	me = wait_caller();
	if (!me || m->owner_ != me)
		return -EPERM;
	mutex_release(m);
	turn_perhaps();
	return 0;
}

/* ---- read-write locks ---- */

/* One for each reader, so that a report can name them. */
struct reader {
	struct actor *who;
	int64_t since;
	struct reader *next;
};

int ilu_rwlock_init(ilu_rwlock *l, const char *name)
{
	pthread_rwlockattr_t attr;
	int rc;

	memset(l, 0, sizeof *l);
	actor_name(l->name_, name, "rwlock", 0);
	l->virtual_ = clock_virtual();
	if (l->virtual_)
		return 0;
	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	rc = -pthread_rwlock_init(&l->real_, &attr);
	pthread_rwlockattr_destroy(&attr);
	return rc;
}

void ilu_rwlock_done(ilu_rwlock *l)
{
	struct reader *r = l->readers_;

	if (!l->virtual_)
		pthread_rwlock_destroy(&l->real_);
	while (r) {
		struct reader *next = r->next;

		free(r);
		r = next;
	}
	l->readers_ = NULL;
}

struct actor *rwlock_reader(const ilu_rwlock *l, void **at)
{
	struct reader *r = *at ? ((struct reader *)*at)->next : l->readers_;

	*at = r;
	return r ? r->who : NULL;
}

static void let_read(ilu_rwlock *l, struct actor *a, struct reader *r)
{
	r->who = a;
	r->since = vt.now;
	r->next = l->readers_;
	l->readers_ = r;
	if (!l->reading_++)
		l->since_ = vt.now;
}

static void let_write(ilu_rwlock *l, struct actor *a)
{
	l->writer_ = a;
	l->since_ = vt.now;
}

/* It was given back: whose turn is it now? */
static void rwlock_look(ilu_rwlock *l)
{
	struct actor *a;

	while ((a = wait_first(&l->waiters_)) && !l->writer_) {
		if (a->wait == WAIT_WRITE) {
			if (l->reading_)
				return;
			let_write(l, a);
		} else {
			let_read(l, a, a->also);
		}
		wait_wake(&l->waiters_, a, 0);
	}
}

static int rdlock(ilu_rwlock *l, bool wait)
{
	struct actor *me = wait_caller();
	struct reader *r;

	if (!me || (wait && me->kind == ACTOR_TIMERS && (l->writer_ || l->waiters_.first)))
		return -EPERM;
	if (l->writer_ == me)
		return wait ? -EDEADLK : -EBUSY;
	if (!wait && (l->writer_ || l->waiters_.first)) {
		turn_poll();
		return -EBUSY;
	}
	r = malloc(sizeof *r);
	if (!r)
		return -ENOMEM;
	if (!l->writer_ && !l->waiters_.first) {
		let_read(l, me, r);
		return 0;
	}
	me->also = r;
	return wait_on(&l->waiters_, me, WAIT_READ, l, ILU_FOREVER);
}

static int wrlock(ilu_rwlock *l, bool wait)
{
	struct actor *me = wait_caller();

	if (!me || (wait && me->kind == ACTOR_TIMERS && (l->writer_ || l->reading_)))
		return -EPERM;
	if (l->writer_ == me)
		return wait ? -EDEADLK : -EBUSY;
	if (!l->writer_ && !l->reading_) {
		let_write(l, me);
		return 0;
	}
	if (wait)
		return wait_on(&l->waiters_, me, WAIT_WRITE, l, ILU_FOREVER);
	turn_poll();
	return -EBUSY;
}

int ilu_rwlock_rdlock(ilu_rwlock *l)
{
	if (!l->virtual_)
		return -pthread_rwlock_rdlock(&l->real_);
	turn_perhaps();
	return rdlock(l, true);
}

int ilu_rwlock_wrlock(ilu_rwlock *l)
{
	if (!l->virtual_)
		return -pthread_rwlock_wrlock(&l->real_);
	turn_perhaps();
	return wrlock(l, true);
}

int ilu_rwlock_tryrdlock(ilu_rwlock *l)
{
	return l->virtual_ ? rdlock(l, false) : -pthread_rwlock_tryrdlock(&l->real_);
}

int ilu_rwlock_trywrlock(ilu_rwlock *l)
{
	return l->virtual_ ? wrlock(l, false) : -pthread_rwlock_trywrlock(&l->real_);
}

static int stop_reading(ilu_rwlock *l, const struct actor *me)
{
	struct reader *found = NULL, *last = NULL, *r;

	for (r = l->readers_; r; last = r, r = r->next)
		if (r->who == me)
			break;
	found = r;
	if (!found)
		return -EPERM;
	if (last)
		last->next = found->next;
	else
		l->readers_ = found->next;
	free(found);
	l->reading_--;
	return 0;
}

int ilu_rwlock_unlock(ilu_rwlock *l)
{
	struct actor *me;
	int rc = 0;

	if (!l->virtual_)
		return -pthread_rwlock_unlock(&l->real_);
	me = wait_caller();
	if (!me)
		return -EPERM;
	if (l->writer_ == me)
		l->writer_ = NULL;
	else
		rc = stop_reading(l, me);
	if (rc)
		return rc;
	rwlock_look(l);
	turn_perhaps();
	return 0;
}

/* ---- conditions ---- */

int ilu_cond_init(ilu_cond *c, const char *name)
{
	memset(c, 0, sizeof *c);
	actor_name(c->name_, name, "condition", 0);
	c->virtual_ = clock_virtual();
	return c->virtual_ ? 0 : real_cond_init(&c->real_);
}

void ilu_cond_done(ilu_cond *c)
{
	if (!c->virtual_)
		pthread_cond_destroy(&c->real_);
}

int ilu_cond_wait_until(ilu_cond *c, ilu_mutex *m, int64_t deadline_ns)
{
	struct actor *me;

	if (!c->virtual_)
		return real_cond_wait(&c->real_, &m->real_, deadline_ns);
	me = wait_self();
	if (!me || m->owner_ != me)
		return -EPERM;
	if (vt.stopping)
		return wait_refuse(me);
	if (deadline_ns <= vt.now) {
		turn_poll();
		return -ETIMEDOUT;
	}
	me->also = m;
	mutex_release(m);
	return wait_on(&c->waiters_, me, WAIT_COND, c, deadline_ns);
}

int ilu_cond_wait(ilu_cond *c, ilu_mutex *m)
{
	return ilu_cond_wait_until(c, m, ILU_FOREVER);
}

static void signal_one(ilu_cond *c)
{
	struct actor *a = wait_first(&c->waiters_);

	turn_disarm(&a->armed);
	wait_remove(&c->waiters_, a);
	mutex_pass_to(a->also, a, 0);
}

int ilu_cond_signal(ilu_cond *c)
{
	if (!c->virtual_)
		return -pthread_cond_signal(&c->real_);
	if (!wait_caller())
		return -EPERM;
	if (c->waiters_.first)
		signal_one(c);
	turn_perhaps();
	return 0;
}

int ilu_cond_broadcast(ilu_cond *c)
{
	if (!c->virtual_)
		return -pthread_cond_broadcast(&c->real_);
	if (!wait_caller())
		return -EPERM;
	while (c->waiters_.first)
		signal_one(c);
	turn_perhaps();
	return 0;
}
