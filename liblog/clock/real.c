/* SPDX-License-Identifier: Apache-2.0 */
/* real.c - real time: CLOCK_MONOTONIC and pthreads. The only file of this room, and of what claims to be simulated,
 * that may wait for the system's clock.
 *
 * A thread's end is kept here and not with pthread_join, which knows no deadline. */
#include "real.h"

#include "virtual.h"

#include "base/lock.h"
#include "base/now.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

#define NS_PER_S 1000000000
#define TRIES    1000 /* to find a mutex free, a millisecond each */

/* Futex: counts the stops. A thread that was started before the last one is to end. */
static uint32_t stops;
static __thread uint32_t self_stops;
static __thread const char *self_name; /* of a thread that was started here; NULL: not so */

static struct {
	pthread_mutex_t lock;
	pthread_cond_t changed; /* on CLOCK_MONOTONIC */
	pthread_once_t once;
	uint64_t keeping;
	size_t stack;
	/* timers */
	struct deadlines deadlines;
	uint64_t arrivals;
	bool runs, ends;
	pthread_t thread;
} real = {.lock = PTHREAD_MUTEX_INITIALIZER, .once = PTHREAD_ONCE_INIT};

static void init(void)
{
	real_cond_init(&real.changed);
}

static void enter(void)
{
	pthread_once(&real.once, init);
	pthread_mutex_lock(&real.lock);
}

static void leave(void)
{
	pthread_mutex_unlock(&real.lock);
}

/* ---- time ---- */

int64_t real_now(void)
{
	return (int64_t)now_machine_ns();
}

int64_t real_wall(void)
{
	return now_wall_ns();
}

int real_sleep_until(int64_t deadline_ns)
{
	for (;;) {
		uint32_t seen = __atomic_load_n(&stops, __ATOMIC_ACQUIRE);
		int64_t now = real_now();

		if (self_name && seen != self_stops)
			return -ECANCELED;
		if (deadline_ns <= now)
			return 0;
		futex_wait(&stops, seen, deadline_ns - now);
	}
}

int real_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;
	int rc;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	rc = -pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
	return rc;
}

/* ---- waits that a stop ends ---- */

/* On the stack of who waits, which is one of ours. */
struct waiter {
	pthread_cond_t *cond;
	pthread_mutex_t *mutex;
	bool told;
	struct waiter *next, *prev;
};

static struct {
	pthread_mutex_t lock; /* taken last */
	struct waiter *first;
} waits = {.lock = PTHREAD_MUTEX_INITIALIZER};

static bool stopped(void)
{
	return self_name && __atomic_load_n(&stops, __ATOMIC_ACQUIRE) != self_stops;
}

static void waiter_enter(struct waiter *w)
{
	pthread_mutex_lock(&waits.lock);
	w->next = waits.first;
	if (w->next)
		w->next->prev = w;
	waits.first = w;
	pthread_mutex_unlock(&waits.lock);
}

static void waiter_leave(struct waiter *w)
{
	pthread_mutex_lock(&waits.lock);
	if (w->prev)
		w->prev->next = w->next;
	else
		waits.first = w->next;
	if (w->next)
		w->next->prev = w->prev;
	pthread_mutex_unlock(&waits.lock);
}

/* Wake all once. A waiter that is listed may not wait yet, and then holds its mutex: true when there may be such a one.
 */
static bool wake_waiters(void)
{
	bool again = false;

	pthread_mutex_lock(&waits.lock);
	for (struct waiter *w = waits.first; w; w = w->next) {
		if (w->told)
			continue;
		if (!pthread_mutex_trylock(w->mutex)) {
			w->told = true;
			pthread_mutex_unlock(w->mutex);
		}
		again |= !w->told;
		pthread_cond_broadcast(w->cond);
	}
	pthread_mutex_unlock(&waits.lock);
	return again;
}

static int cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ns);

int real_cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ns)
{
	struct waiter w = {.cond = c, .mutex = m};
	int rc = -ECANCELED;

	if (!self_name)
		return cond_wait(c, m, deadline_ns);
	waiter_enter(&w);
	if (!stopped())
		rc = cond_wait(c, m, deadline_ns);
	if (stopped())
		rc = -ECANCELED;
	waiter_leave(&w);
	return rc;
}

static int cond_wait(pthread_cond_t *c, pthread_mutex_t *m, int64_t deadline_ns)
{
	struct timespec t;

	if (deadline_ns == ILU_FOREVER)
		return -pthread_cond_wait(c, m);
	if (deadline_ns < 0)
		deadline_ns = 0;
	t.tv_sec = deadline_ns / NS_PER_S;
	t.tv_nsec = deadline_ns % NS_PER_S;
	return -pthread_cond_timedwait(c, m, &t);
}

/* ---- start, run, stop ---- */

void real_start(size_t thread_stack)
{
	enter();
	real.stack = thread_stack;
	leave();
}

static void keep(int by)
{
	real.keeping += (uint64_t)(int64_t)by;
	if (!real.keeping)
		pthread_cond_broadcast(&real.changed);
}

int real_run(int64_t deadline_ns)
{
	int rc = 0;

	enter();
	while (real.keeping && !rc)
		rc = real_cond_wait(&real.changed, &real.lock, deadline_ns);
	leave();
	return rc;
}

static void nap(void)
{
	uint32_t never = 0;

	futex_wait(&never, 0, NS_PER_S / 1000);
}

/* All entries count: those that do not are swept away at once. */
static bool forget(const struct deadline *d)
{
	struct ilu_timer *t = (struct ilu_timer *)d->item;

	t->armed = 0;
	if (!t->daemon)
		keep(-1);
	if (t->once)
		free(t);
	return false;
}

void real_stop(void)
{
	bool runs;

	__atomic_add_fetch(&stops, 1, __ATOMIC_RELEASE);
	futex_wake(&stops, INT32_MAX);
	for (int i = 0; i < TRIES && wake_waiters(); i++)
		nap();
	enter();
	runs = real.runs;
	real.ends = true;
	pthread_cond_broadcast(&real.changed);
	leave();
	if (runs)
		pthread_join(real.thread, NULL);
	enter();
	deadlines_sweep(&real.deadlines, forget);
	deadlines_done(&real.deadlines);
	real.runs = real.ends = false;
	real.stack = 0;
	leave();
}

/* ---- threads ---- */

struct real_thread {
	int (*run)(void *);
	void *arg;
	int status;
	bool daemon, done;
	int holders; /* of this memory: the thread, and who has the handle */
	uint32_t stops;
	char name[ILU_CLOCK_NAME];
};

const char *real_self_name(void)
{
	return self_name ? self_name : "main";
}

static void let_go(struct real_thread *t)
{
	if (!--t->holders)
		free(t);
}

static void *thread_run(void *arg)
{
	struct real_thread *t = arg;
	char name[ILU_CLOCK_NAME];
	int status;

	memcpy(name, t->name, sizeof name);
	self_name = name;
	self_stops = t->stops;
	ilu_log_thread_name(name);
	name[15] = '\0'; /* what the system takes */
	prctl(PR_SET_NAME, name);
	memcpy(name, t->name, sizeof name);
	status = t->run(t->arg);
	self_name = NULL;
	enter();
	t->status = status;
	t->done = true;
	if (!t->daemon)
		keep(-1);
	pthread_cond_broadcast(&real.changed);
	let_go(t);
	leave();
	return NULL;
}

static int launch(struct real_thread *t, size_t stack)
{
	pthread_attr_t attr;
	pthread_t thread;
	int rc;

	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	rc = -pthread_attr_setstacksize(&attr, stack);
	if (!rc)
		rc = -pthread_create(&thread, &attr, thread_run, t);
	pthread_attr_destroy(&attr);
	return rc;
}

int real_thread_start(ilu_thread **out, const char *name, unsigned flags, size_t stack, int (*run)(void *), void *arg)
{
	static uint64_t ids;
	struct real_thread *t = calloc(1, sizeof *t);
	size_t least = (size_t)64 << 10;
	int rc;

	if (!t)
		return -ENOMEM;
	*t = (struct real_thread){.run = run, .arg = arg, .daemon = flags & ILU_DAEMON, .holders = out ? 2 : 1};
	t->stops = __atomic_load_n(&stops, __ATOMIC_ACQUIRE);
	actor_name(t->name, name, "thread", __atomic_add_fetch(&ids, 1, __ATOMIC_RELAXED));
	enter();
	if (!stack)
		stack = real.stack ? real.stack : (size_t)256 << 10;
	if (!t->daemon)
		keep(1);
	leave();
	rc = launch(t, (stack < least ? least : stack + 4095) & ~(size_t)4095);
	if (rc) {
		enter();
		if (!t->daemon)
			keep(-1);
		leave();
		free(t);
		return rc;
	}
	if (out)
		*out = (ilu_thread *)t;
	return 0;
}

int real_join(ilu_thread *thread, int64_t deadline_ns, int *result)
{
	struct real_thread *t = (struct real_thread *)thread;
	int rc = 0;

	enter();
	while (!t->done && !rc)
		rc = real_cond_wait(&real.changed, &real.lock, deadline_ns);
	if (t->done) {
		rc = 0;
		if (result)
			*result = t->status;
		let_go(t);
	}
	leave();
	return rc;
}

void real_detach(ilu_thread *thread)
{
	enter();
	let_go((struct real_thread *)thread);
	leave();
}

/* ---- timers ---- */

static bool counts(const struct deadline *d)
{
	return ((struct ilu_timer *)d->item)->armed == d->arrival;
}

static void call(struct ilu_timer *t)
{
	t->armed = 0;
	t->running = true;
	leave();
	t->fn(t->arg);
	enter();
	t->running = false;
	if (!t->daemon)
		keep(-1);
	if (t->once)
		free(t);
	pthread_cond_broadcast(&real.changed);
}

static void *timers_run(void *unused)
{
	struct deadline d;

	(void)unused;
	prctl(PR_SET_NAME, "ilu-timers");
	ilu_log_thread_name("timers");
	enter();
	while (!real.ends) {
		if (!deadlines_top(&real.deadlines, &d)) {
			pthread_cond_wait(&real.changed, &real.lock);
		} else if (d.at_ns > real_now()) {
			real_cond_wait(&real.changed, &real.lock, d.at_ns);
		} else {
			deadlines_pop(&real.deadlines, &d);
			call((struct ilu_timer *)d.item);
		}
	}
	leave();
	return NULL;
}

/* Its entry leaves with it: a timer's memory may go. */
static bool unset(struct ilu_timer *t)
{
	if (!t->armed)
		return false;
	t->armed = 0;
	deadlines_sweep(&real.deadlines, counts);
	return true;
}

int real_timer_set(ilu_timer *t, int64_t deadline_ns)
{
	int rc;

	enter();
	rc = deadlines_reserve(&real.deadlines);
	if (!rc && !real.runs) {
		rc = -pthread_create(&real.thread, NULL, timers_run, NULL);
		real.runs = !rc;
	}
	if (!rc) {
		if (!unset(t) && !t->daemon)
			keep(1);
		t->armed = ++real.arrivals;
		deadlines_push(&real.deadlines, (struct deadline){deadline_ns, t->armed, (uintptr_t)t});
		pthread_cond_broadcast(&real.changed);
	}
	leave();
	return rc;
}

int real_timer_cancel(ilu_timer *t)
{
	bool was;

	enter();
	was = unset(t);
	if (was && !t->daemon)
		keep(-1);
	leave();
	return was;
}

void real_timer_free(ilu_timer *t)
{
	enter();
	if (unset(t) && !t->daemon)
		keep(-1);
	while (t->running)
		pthread_cond_wait(&real.changed, &real.lock);
	leave();
	free(t->name);
	free(t);
}
