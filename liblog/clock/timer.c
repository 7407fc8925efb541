/* SPDX-License-Identifier: Apache-2.0 */
/* timer.c - timers: calls at a deadline, on the stack of an actor of their own. */
#include "virtual.h"

#include "pool.h"
#include "real.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Virtual time's; like actors they are never given back while it runs. */
static struct pool timers = {.size = sizeof(struct ilu_timer), .link = offsetof(struct ilu_timer, arg)};

static struct ilu_timer *virtual_new(void)
{
	struct ilu_timer *t = pool_take(&timers);

	if (!t)
		return NULL;
	memset(t, 0, sizeof *t);
	t->virtual_ = true;
	t->instant = UINT64_MAX;
	return t;
}

static void release(struct ilu_timer *t)
{
	free(t->name);
	t->name = NULL;
	t->fn = NULL;
	pool_give(&timers, t);
}

static struct ilu_timer *real_new(void)
{
	struct ilu_timer *t = aligned_alloc(64, sizeof *t);

	if (t)
		memset(t, 0, sizeof *t);
	return t;
}

const char *timer_name(const struct ilu_timer *t)
{
	return t->name ? t->name : "timer";
}

int ilu_timer_new(ilu_timer **out, const char *name, unsigned flags, void (*fn)(void *), void *arg)
{
	struct ilu_timer *t;

	if (!fn || flags & ~ILU_DAEMON)
		return -EINVAL;
	if (clock_virtual() && !wait_caller())
		return -EPERM;
	t = clock_virtual() ? virtual_new() : real_new();
	if (!t)
		return -ENOMEM;
	if (name && !(t->name = strndup(name, ILU_CLOCK_NAME - 1))) {
		ilu_timer_free(t);
		return -ENOMEM;
	}
	t->fn = fn;
	t->arg = arg;
	t->daemon = flags & ILU_DAEMON;
	*out = t;
	return 0;
}

int ilu_timer_set(ilu_timer *t, int64_t deadline_ns)
{
	if (!t->virtual_)
		return real_timer_set(t, deadline_ns);
	if (!wait_caller())
		return -EPERM;
	if (vt.stopping)
		return -ECANCELED;
	if (t->armed)
		turn_disarm(&t->armed);
	else if (!t->running && !t->daemon)
		turn_keep(1);
	t->running = false;
	turn_arm(&t->armed, (uintptr_t)t | ITEM_TIMER, deadline_ns > vt.now ? deadline_ns : vt.now);
	return 0;
}

int ilu_timer_cancel(ilu_timer *t)
{
	if (!t->virtual_)
		return real_timer_cancel(t);
	if (!wait_caller())
		return -EPERM;
	if (!t->armed && !t->running)
		return 0;
	turn_disarm(&t->armed);
	t->running = false;
	if (!t->daemon)
		turn_keep(-1);
	return 1;
}

void ilu_timer_free(ilu_timer *t)
{
	if (!t)
		return;
	if (!t->virtual_) {
		real_timer_free(t);
		return;
	}
	if (!wait_caller())
		return;
	ilu_timer_cancel(t);
	release(t);
}

int ilu_clock_call_at(int64_t deadline_ns, void (*fn)(void *), void *arg)
{
	struct ilu_timer *t;
	int rc;

	if (!clock_virtual()) {
		rc = ilu_timer_new(&t, NULL, 0, fn, arg);
		if (rc)
			return rc;
		t->once = true;
		return real_timer_set(t, deadline_ns);
	}
	if (!wait_caller())
		return -EPERM;
	if (!fn)
		return -EINVAL;
	t = virtual_new();
	if (!t)
		return -ENOMEM;
	t->fn = fn;
	t->arg = arg;
	t->once = true;
	rc = ilu_timer_set(t, deadline_ns);
	if (rc)
		release(t);
	return rc;
}

/* A timer that is due may have been cancelled, set anew or freed since. It cannot have become due again: time stands
 * until all that were ready with it have run. */
void timer_call(struct ilu_timer *t)
{
	void (*fn)(void *) = t->fn;
	void *arg = t->arg;
	bool daemon = t->daemon;

	if (!t->running)
		return;
	t->running = false;
	if (t->once)
		release(t);
	fn(arg);
	if (!daemon)
		turn_keep(-1);
}

static void unset(void *timer)
{
	struct ilu_timer *t = timer;

	turn_disarm(&t->armed);
	t->running = false;
}

void timer_due_left(void)
{
	pool_each(&timers, unset);
}

static void drop(void *timer)
{
	free(((struct ilu_timer *)timer)->name);
}

void timers_free(void)
{
	pool_each(&timers, drop);
	pool_done(&timers);
}
