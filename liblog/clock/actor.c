/* SPDX-License-Identifier: Apache-2.0 */
/* actor.c - threads and tasks: their beginning, their end, and joining them.
 *
 * Their memory comes from a pool and is never given back while the clock runs, so that a deadline can be
 * asked whether its actor still means it, whatever the actor has become. */
#include "virtual.h"

#include "context.h"
#include "pool.h"
#include "real.h"
#include "sanitize.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static struct pool actors = {.size = sizeof(struct actor), .link = offsetof(struct actor, next)};

/* "worker-3", or "task-17" without a name. */
void actor_name(char out[ILU_CLOCK_NAME], const char *name, const char *kind, uint64_t id)
{
	if (name && *name) {
		size_t n = strnlen(name, ILU_CLOCK_NAME - 1);

		while (n == ILU_CLOCK_NAME - 1 && n && ((unsigned char)name[n] & 0xc0) == 0x80)
			n--; /* not inside a character */
		memcpy(out, name, n);
		memset(out + n, 0, ILU_CLOCK_NAME - n);
	} else if (id) {
		snprintf(out, ILU_CLOCK_NAME, "%s-%llu", kind, (unsigned long long)id);
	} else {
		snprintf(out, ILU_CLOCK_NAME, "%s", kind);
	}
}

struct actor *actor_new(enum actor_kind kind, const char *name, unsigned flags)
{
	struct actor *a = pool_take(&actors);

	if (!a)
		return NULL;
	fiber_end(a);
	context_drop(a->sp);
	memset(a, 0, sizeof *a);
	a->kind = (uint8_t)kind;
	a->daemon = flags & ILU_DAEMON;
	a->id = ++vt.ids;
	a->instant = UINT64_MAX;
	actor_name(a->name, name, kind == ACTOR_TASK ? "task" : "thread", a->id);
	return a;
}

static void release(struct actor *a)
{
	pool_give(&actors, a);
}

static void enlist(struct actor *a)
{
	a->older = vt.youngest;
	vt.youngest->younger = a;
	vt.youngest = a;
	if (++vt.actors > vt.peak)
		vt.peak = vt.actors;
	if (!a->daemon)
		turn_keep(1);
}

static void strike_off(struct actor *a)
{
	a->older->younger = a->younger; /* main is the oldest, and never struck off */
	if (a->younger)
		a->younger->older = a->older;
	else
		vt.youngest = a->older;
	vt.actors--;
}

void actor_over(struct actor *a)
{
	struct actor *joiner;

	strike_off(a);
	a->done = true;
	if (a->stack)
		stack_give(a->stack, a->stack_size);
	while ((joiner = wait_first(&a->joiners)))
		wait_wake(&a->joiners, joiner, 0);
	if (a->detached)
		release(a);
	if (!a->daemon)
		turn_keep(-1);
}

/* ---- tasks ---- */

static void task_run(void)
{
	struct actor *me = vt.current;

	fiber_enter(me, &vt.main, true);
	me->status = me->run(me->arg);
	actor_over(me);
	turn_end(me);
}

static int task_make(struct actor *a, size_t stack_size)
{
	/* stacks begin at different lines of the cache, or all tasks would use the same few; 64 bytes are stack.c's */
	size_t spread = (a->id & 7) * 128 + 64;

	a->stack_size = (stack_size ? stack_size : vt.options.task_stack) * STACK_FACTOR;
	a->stack = stack_take(&a->stack_size);
	if (!a->stack)
		return -ENOMEM;
	a->vehicle = vt.home;
	fiber_begin(a);
	a->sp = context_make(a->stack, a->stack_size - spread, task_run);
	if (a->sp)
		return 0;
	stack_give(a->stack, a->stack_size);
	return -ENOMEM;
}

/* ---- threads ---- */

static void *thread_run(void *arg)
{
	struct actor *me = arg;
	struct vehicle *mine = me->vehicle, *to;
	char short_name[16] = "";

	my_vehicle = mine;
	mine->tid = gettid();
	mine->producer = &ilu_producer_;
	memcpy(short_name, me->name, sizeof short_name - 1);
	prctl(PR_SET_NAME, short_name);
	ilu_log_thread_name(me->name);
	turn_take(mine);
	me->status = me->run(me->arg);
	ilu_producer_.span = 0;
	actor_over(me);
	to = turn_last(me);
	my_vehicle = NULL;
	free(mine);
	turn_give(to);
	return NULL;
}

static int thread_make(struct actor *a, size_t stack_size)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	a->vehicle = calloc(1, sizeof *a->vehicle);
	if (!a->vehicle)
		return -ENOMEM;
	a->vehicle->resident = a;
	pin_inherit(a->vehicle);
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = -pthread_attr_setstacksize(&attr, stack_size * STACK_FACTOR);
	if (!rc)
		rc = -pthread_create(&thread, &attr, thread_run, a);
	pthread_attr_destroy(&attr);
	if (rc)
		free(a->vehicle);
	return rc;
}

/* ---- both ---- */

static int start(ilu_thread **out, const char *name, unsigned flags, size_t stack_size, int (*run)(void *), void *arg,
                 enum actor_kind kind)
{
	struct actor *a;
	int rc;

	if (!run || flags & ~ILU_DAEMON)
		return -EINVAL;
	if (!clock_virtual())
		return real_thread_start(out, name, flags, stack_size, run, arg);
	if (!wait_caller())
		return -EPERM;
	if (vt.stopping)
		return -ECANCELED;
	a = actor_new(kind, name, flags);
	if (!a)
		return -ENOMEM;
	a->run = run;
	a->arg = arg;
	a->detached = !out;
	rc = kind == ACTOR_TASK ? task_make(a, stack_size) : thread_make(a, vt.options.thread_stack);
	if (rc) {
		release(a);
		return rc;
	}
	enlist(a);
	turn_ready((uintptr_t)a);
	if (out)
		*out = (ilu_thread *)a;
	turn_perhaps();
	return 0;
}

int ilu_thread_start(ilu_thread **out, const char *name, unsigned flags, int (*run)(void *), void *arg)
{
	return start(out, name, flags, 0, run, arg, ACTOR_THREAD);
}

int ilu_task_start(ilu_thread **out, const char *name, unsigned flags, size_t stack_size, int (*run)(void *), void *arg)
{
	return start(out, name, flags, stack_size, run, arg, ACTOR_TASK);
}

int ilu_join_until(ilu_thread *thread, int64_t deadline_ns, int *result)
{
	struct actor *me, *a = (struct actor *)thread;
	int rc = 0;

	if (!clock_virtual())
		return real_join(thread, deadline_ns, result);
	me = wait_self();
	if (!me)
		return -EPERM;
	if (a == me)
		return -EDEADLK;
	if (!a->done)
		rc = deadline_ns <= vt.now ? -ETIMEDOUT : wait_on(&a->joiners, me, WAIT_JOIN, a, deadline_ns);
	if (rc)
		return rc;
	if (result)
		*result = a->status;
	release(a);
	return 0;
}

int ilu_join(ilu_thread *thread, int *result)
{
	return ilu_join_until(thread, ILU_FOREVER, result);
}

void ilu_detach(ilu_thread *thread)
{
	struct actor *a = (struct actor *)thread;

	if (!clock_virtual()) {
		real_detach(thread);
		return;
	}
	if (!wait_caller())
		return;
	a->detached = true;
	if (a->done)
		release(a);
}

char *ilu_thread_self(char *out)
{
	const struct actor *me = clock_virtual() ? wait_caller() : NULL;

	actor_name(out, me ? me->name : real_self_name(), "thread", 0);
	return out;
}

static void drop(void *actor)
{
	struct actor *a = actor;

	fiber_end(a);
	context_drop(a->sp);
}

void actors_free(void)
{
	pool_each(&actors, drop);
	pool_done(&actors);
}
