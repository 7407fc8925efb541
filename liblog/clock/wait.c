/* SPDX-License-Identifier: Apache-2.0 */
/* wait.c - lists of actors that wait for an object, in the order in which they came. */
#include "virtual.h"

#include <errno.h>

#define REFUSALS 1000 /* waits that fail after the stop; then an actor is left behind */

void wait_push(struct ilu_waiters_ *w, struct actor *a)
{
	a->next = NULL;
	a->prev = w->last;
	if (a->prev)
		a->prev->next = a;
	else
		w->first = a;
	w->last = a;
}

void wait_remove(struct ilu_waiters_ *w, struct actor *a)
{
	if (a->prev)
		a->prev->next = a->next;
	else
		w->first = a->next;
	if (a->next)
		a->next->prev = a->prev;
	else
		w->last = a->prev;
}

struct actor *wait_first(const struct ilu_waiters_ *w)
{
	return w->first;
}

bool wait_cancels(enum wait_kind kind)
{
	return kind != WAIT_NOTHING && kind != WAIT_MUTEX && kind != WAIT_READ && kind != WAIT_WRITE && kind != WAIT_IO;
}

int wait_refuse(struct actor *me)
{
	if (me != &vt.main && ++me->refused > REFUSALS) {
		me->wait = WAIT_NOTHING;
		turn_wait(me); /* for ever */
	}
	return -ECANCELED;
}

/* ---- who holds what others wait for ---- */

struct actor *wait_holder(const struct actor *a)
{
	struct actor *holder = NULL;
	void *at = NULL;

	if (a->armed)
		return NULL;
	switch ((enum wait_kind)a->wait) {
	case WAIT_MUTEX:
		holder = ((ilu_mutex *)a->object)->owner_;
		break;
	case WAIT_READ:
	case WAIT_WRITE:
		holder = ((ilu_rwlock *)a->object)->writer_;
		if (!holder && ((ilu_rwlock *)a->object)->reading_ == 1)
			holder = rwlock_reader(a->object, &at);
		break;
	case WAIT_JOIN:
		holder = a->object;
		break;
	default:
		break;
	}
	return holder && !holder->done ? holder : NULL;
}

/* Does somebody wait for `me` whom it waits for? */
static void look_for_cycle(struct actor *me)
{
	uint64_t steps = vt.actors;

	for (struct actor *a = wait_holder(me); a && steps--; a = wait_holder(a))
		if (a == me)
			turn_verdict(VERDICT_CYCLE, me);
}

/* ---- waiting ---- */

int wait_on(struct ilu_waiters_ *w, struct actor *me, enum wait_kind kind, void *object, int64_t deadline_ns)
{
	int result;

	if (vt.stopping && wait_cancels(kind))
		return wait_refuse(me);
	me->wait = (uint8_t)kind;
	me->object = object;
	me->since = vt.now;
	if (w)
		wait_push(w, me);
	if (deadline_ns != ILU_FOREVER)
		turn_arm(&me->armed, (uintptr_t)me, deadline_ns);
	else
		look_for_cycle(me);
	result = turn_wait(me);
	me->wait = WAIT_NOTHING;
	return result;
}

void wait_wake(struct ilu_waiters_ *w, struct actor *a, int result)
{
	if (w)
		wait_remove(w, a);
	turn_disarm(&a->armed);
	a->wait = WAIT_NOTHING;
	a->result = result;
	turn_ready((uintptr_t)a);
}

static struct ilu_waiters_ *list_of(const struct actor *a)
{
	switch ((enum wait_kind)a->wait) {
	case WAIT_SEM:
		return &((ilu_sem *)a->object)->waiters_;
	case WAIT_GET:
		return &((ilu_queue *)a->object)->getters_;
	case WAIT_PUT:
		return &((ilu_queue *)a->object)->putters_;
	case WAIT_JOIN:
		return &((struct actor *)a->object)->joiners;
	default:
		return NULL;
	}
}

void wait_expire(struct actor *a, int result)
{
	if (a->wait == WAIT_COND) {
		turn_disarm(&a->armed);
		wait_remove(&((ilu_cond *)a->object)->waiters_, a);
		mutex_pass_to(a->also, a, result);
		return;
	}
	if (a->wait == WAIT_RUN)
		vt.runner = NULL;
	wait_wake(list_of(a), a, result);
}
