/* SPDX-License-Identifier: Apache-2.0 */
/* clock_test.c - the clock's primitives: the same program on real and on virtual time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <ilu/clock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MS INT64_C(1000000)

static struct ilu_clock_options mode;

static void begin(void)
{
	assert_int_equal(ilu_clock_start(&mode), 0);
	assert_int_equal(ilu_clock_start(&mode), -EALREADY);
	assert_int_equal(ilu_clock_is_virtual(), mode.kind == ILU_CLOCK_VIRTUAL);
}

static void end(void)
{
	assert_int_equal(ilu_clock_stop(), 0);
	assert_int_equal(ilu_clock_stop(), -ESRCH);
}

/* `ns` later than `from`: exactly on virtual time, at least on real time. */
static void assert_later(int64_t from, int64_t ns)
{
	int64_t now = ilu_clock_now();

	if (mode.kind == ILU_CLOCK_VIRTUAL)
		assert_int_equal(now - from, ns);
	else
		assert_true(now - from >= ns);
}

static void test_time(void **state)
{
	int64_t from, wall;

	(void)state;
	begin();
	from = ilu_clock_now();
	wall = ilu_clock_wall();
	assert_true(wall > 0);
	assert_int_equal(ilu_clock_sleep(3 * MS), 0);
	assert_later(from, 3 * MS);
	assert_true(ilu_clock_wall() > wall);
	assert_int_equal(ilu_clock_sleep_until(from), 0);
	assert_int_equal(ilu_clock_sleep_until(INT64_MIN), 0);
	assert_int_equal(ilu_clock_sleep(-5), 0);
	assert_int_equal(ilu_clock_sleep(INT64_MIN), 0);
	assert_int_equal(ilu_clock_after(INT64_MAX), INT64_MAX);
	assert_true(ilu_clock_after(INT64_MIN) <= ilu_clock_now());
	end();
}

/* ---- threads ---- */

static unsigned given;

static int give(void *arg)
{
	char name[ILU_CLOCK_NAME];
	int result;

	ilu_clock_sleep(2 * MS);
	result = *(int *)arg + (int)strlen(ilu_thread_self(name));
	__atomic_add_fetch(&given, 1, __ATOMIC_RELEASE);
	return result;
}

static void test_join(void **state)
{
	ilu_thread *t[2];
	int seven = 7, result = 0;

	(void)state;
	begin();
	given = 0;
	assert_int_equal(ilu_thread_start(&t[0], "abc", 0, give, &seven), 0);
	assert_int_equal(ilu_task_start(&t[1], "a-very-long-name-that-is-cut-somewhere", 0, 0, give, &seven), 0);
	if (mode.kind == ILU_CLOCK_VIRTUAL)
		assert_int_equal(ilu_join_until(t[0], ilu_clock_now() - 1, &result), -ETIMEDOUT);
	assert_int_equal(ilu_join(t[0], &result), 0);
	assert_int_equal(result, 10);
	assert_int_equal(ilu_join_until(t[1], ilu_clock_after(60000 * MS), &result), 0);
	assert_int_equal(result, 7 + ILU_CLOCK_NAME - 1);
	assert_int_equal(ilu_thread_start(&t[0], NULL, ILU_DAEMON, give, &seven), 0);
	ilu_detach(t[0]);
	assert_int_equal(ilu_thread_start(&t[0], NULL, 8, give, &seven), -EINVAL);
	assert_int_equal(ilu_task_start(NULL, NULL, 0, 0, NULL, NULL), -EINVAL);
	while (__atomic_load_n(&given, __ATOMIC_ACQUIRE) < 3) /* nobody joins the last, which uses `seven` */
		ilu_clock_sleep(MS);
	end();
}

static int count_up(void *arg)
{
	ilu_clock_sleep(MS);
	__atomic_add_fetch((int *)arg, 1, __ATOMIC_RELAXED);
	return 0;
}

static void test_run(void **state)
{
	int count = 0;

	(void)state;
	begin();
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	for (int i = 0; i < 20; i++)
		assert_int_equal((i & 1 ? ilu_thread_start(NULL, NULL, 0, count_up, &count)
		                        : ilu_task_start(NULL, NULL, 0, 0, count_up, &count)),
		                 0);
	if (mode.kind == ILU_CLOCK_VIRTUAL)
		assert_int_equal(ilu_clock_run(ilu_clock_now()), -ETIMEDOUT);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(count, 20);
	end();
}

/* ---- locks ---- */

struct shared {
	ilu_mutex lock;
	ilu_rwlock rw;
	ilu_cond cond;
	ilu_sem sem;
	ilu_queue queue;
	int value, inside, most;
	bool go;
};

static void shared_init(struct shared *s, size_t capacity)
{
	memset(s, 0, sizeof *s);
	assert_int_equal(ilu_mutex_init(&s->lock, "lock"), 0);
	assert_int_equal(ilu_rwlock_init(&s->rw, "rw"), 0);
	assert_int_equal(ilu_cond_init(&s->cond, "cond"), 0);
	assert_int_equal(ilu_sem_init(&s->sem, "sem", 0), 0);
	assert_int_equal(ilu_queue_init(&s->queue, "queue", capacity), 0);
}

static void shared_done(struct shared *s)
{
	ilu_queue_done(&s->queue);
	ilu_sem_done(&s->sem);
	ilu_cond_done(&s->cond);
	ilu_rwlock_done(&s->rw);
	ilu_mutex_done(&s->lock);
}

/* A lock is held over a sleep. */
static int add_slowly(void *arg)
{
	struct shared *s = arg;

	for (int i = 0; i < 5; i++) {
		assert_int_equal(ilu_mutex_lock(&s->lock), 0);
		int seen = s->value;

		ilu_clock_sleep(MS / 10);
		s->value = seen + 1;
		assert_int_equal(ilu_mutex_unlock(&s->lock), 0);
	}
	return 0;
}

static int try_lock(void *arg)
{
	struct shared *s = arg;

	assert_int_equal(ilu_mutex_trylock(&s->lock), -EBUSY);
	if (mode.kind == ILU_CLOCK_VIRTUAL) /* the thread sanitizer does not like it on real time */
		assert_int_equal(ilu_mutex_unlock(&s->lock), -EPERM);
	return 0;
}

static void test_mutex(void **state)
{
	struct shared s;
	ilu_thread *t;

	(void)state;
	begin();
	shared_init(&s, 0);
	for (int i = 0; i < 8; i++)
		assert_int_equal((i & 1 ? ilu_thread_start(NULL, NULL, 0, add_slowly, &s)
		                        : ilu_task_start(NULL, NULL, 0, 0, add_slowly, &s)),
		                 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(s.value, 40);
	assert_int_equal(ilu_mutex_trylock(&s.lock), 0);
	assert_int_equal(ilu_mutex_lock(&s.lock), -EDEADLK);
	assert_int_equal(ilu_thread_start(&t, NULL, 0, try_lock, &s), 0);
	assert_int_equal(ilu_join(t, NULL), 0);
	assert_int_equal(ilu_mutex_unlock(&s.lock), 0);
	if (mode.kind == ILU_CLOCK_VIRTUAL)
		assert_int_equal(ilu_mutex_unlock(&s.lock), -EPERM);
	shared_done(&s);
	end();
}

static int read_slowly(void *arg)
{
	struct shared *s = arg;
	int inside;

	assert_int_equal(ilu_rwlock_rdlock(&s->rw), 0);
	inside = __atomic_add_fetch(&s->inside, 1, __ATOMIC_RELAXED);
	if (inside > __atomic_load_n(&s->most, __ATOMIC_RELAXED))
		__atomic_store_n(&s->most, inside, __ATOMIC_RELAXED);
	ilu_clock_sleep(20 * MS);
	__atomic_sub_fetch(&s->inside, 1, __ATOMIC_RELAXED);
	assert_int_equal(ilu_rwlock_unlock(&s->rw), 0);
	return 0;
}

static int write_slowly(void *arg)
{
	struct shared *s = arg;

	assert_int_equal(ilu_rwlock_wrlock(&s->rw), 0);
	assert_int_equal(__atomic_load_n(&s->inside, __ATOMIC_RELAXED), 0);
	s->value++;
	ilu_clock_sleep(MS);
	assert_int_equal(__atomic_load_n(&s->inside, __ATOMIC_RELAXED), 0);
	assert_int_equal(ilu_rwlock_unlock(&s->rw), 0);
	return 0;
}

static int try_both(void *arg)
{
	struct shared *s = arg;

	assert_int_equal(ilu_rwlock_tryrdlock(&s->rw), -EBUSY);
	assert_int_equal(ilu_rwlock_trywrlock(&s->rw), -EBUSY);
	return 0;
}

static void test_rwlock(void **state)
{
	struct shared s;
	ilu_thread *t;

	(void)state;
	begin();
	shared_init(&s, 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal(ilu_thread_start(NULL, NULL, 0, i < 4 ? read_slowly : write_slowly, &s), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(s.value, 2);
	if (mode.kind == ILU_CLOCK_VIRTUAL)
		assert_int_equal(s.most, 4);
	assert_int_equal(ilu_rwlock_trywrlock(&s.rw), 0);
	assert_int_equal(ilu_rwlock_wrlock(&s.rw), -EDEADLK);
	assert_int_equal(ilu_rwlock_rdlock(&s.rw), -EDEADLK);
	assert_int_equal(ilu_thread_start(&t, NULL, 0, try_both, &s), 0);
	assert_int_equal(ilu_join(t, NULL), 0);
	assert_int_equal(ilu_rwlock_unlock(&s.rw), 0);
	assert_int_equal(ilu_rwlock_tryrdlock(&s.rw), 0);
	assert_int_equal(ilu_rwlock_unlock(&s.rw), 0);
	shared_done(&s);
	end();
}

static int wait_for_go(void *arg)
{
	struct shared *s = arg;
	int rc = 0;

	assert_int_equal(ilu_mutex_lock(&s->lock), 0);
	while (!s->go && !rc)
		rc = ilu_cond_wait(&s->cond, &s->lock);
	assert_int_equal(rc, 0);
	s->value++;
	assert_int_equal(ilu_mutex_unlock(&s->lock), 0);
	return 0;
}

static void test_cond(void **state)
{
	struct shared s;
	int64_t from;
	int rc = 0;

	(void)state;
	begin();
	shared_init(&s, 0);
	for (int i = 0; i < 6; i++)
		assert_int_equal((i & 1 ? ilu_thread_start(NULL, NULL, 0, wait_for_go, &s)
		                        : ilu_task_start(NULL, NULL, 0, 0, wait_for_go, &s)),
		                 0);
	ilu_clock_sleep(MS);
	assert_int_equal(ilu_mutex_lock(&s.lock), 0);
	s.go = true;
	assert_int_equal(ilu_cond_signal(&s.cond), 0);
	assert_int_equal(ilu_cond_broadcast(&s.cond), 0);
	assert_int_equal(ilu_mutex_unlock(&s.lock), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(s.value, 6);

	/* nobody signals: the deadline ends it, and the mutex is ours */
	assert_int_equal(ilu_mutex_lock(&s.lock), 0);
	from = ilu_clock_now();
	while (!rc)
		rc = ilu_cond_wait_until(&s.cond, &s.lock, from + 4 * MS);
	assert_int_equal(rc, -ETIMEDOUT);
	assert_later(from, 4 * MS);
	assert_int_equal(ilu_cond_wait_until(&s.cond, &s.lock, 0), -ETIMEDOUT);
	assert_int_equal(ilu_mutex_unlock(&s.lock), 0);
	shared_done(&s);
	end();
}

static int post_later(void *arg)
{
	struct shared *s = arg;

	ilu_clock_sleep(2 * MS);
	return ilu_sem_post(&s->sem);
}

static void test_sem(void **state)
{
	struct shared s;
	int64_t from;

	(void)state;
	begin();
	shared_init(&s, 0);
	from = ilu_clock_now();
	assert_int_equal(ilu_sem_trywait(&s.sem), -EAGAIN);
	assert_int_equal(ilu_sem_wait_until(&s.sem, from + 3 * MS), -ETIMEDOUT);
	assert_later(from, 3 * MS);
	assert_int_equal(ilu_task_start(NULL, NULL, 0, 0, post_later, &s), 0);
	assert_int_equal(ilu_sem_wait(&s.sem), 0);
	assert_later(from, 5 * MS);
	assert_int_equal(ilu_sem_post(&s.sem), 0);
	assert_int_equal(ilu_sem_post(&s.sem), 0);
	assert_int_equal(ilu_sem_trywait(&s.sem), 0);
	assert_int_equal(ilu_sem_wait_until(&s.sem, ilu_clock_after(1000 * MS)), 0);
	assert_int_equal(ilu_sem_trywait(&s.sem), -EAGAIN);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	shared_done(&s);
	end();
}

/* ---- queues ---- */

static int push_some(void *arg)
{
	struct shared *s = arg;

	for (uintptr_t i = 1; i <= 100; i++)
		assert_int_equal(ilu_queue_push(&s->queue, (void *)i), 0);
	return 0;
}

static int pop_all(void *arg)
{
	struct shared *s = arg;
	void *item;
	int rc;

	while (!(rc = ilu_queue_pop(&s->queue, &item))) {
		__atomic_add_fetch(&s->value, (int)(uintptr_t)item, __ATOMIC_RELAXED);
		if ((uintptr_t)item % 10 == 0)
			ilu_clock_sleep(MS / 10);
	}
	assert_int_equal(rc, -EPIPE);
	return 0;
}

static void test_queue(void **state)
{
	static const size_t capacities[] = {0, 1, 3, 100};

	(void)state;
	for (size_t c = 0; c < sizeof capacities / sizeof *capacities; c++) {
		ilu_thread *pusher[3], *popper[3];
		struct shared s;

		begin();
		shared_init(&s, capacities[c]);
		for (int i = 0; i < 3; i++) {
			assert_int_equal(ilu_thread_start(&popper[i], NULL, 0, pop_all, &s), 0);
			assert_int_equal(ilu_task_start(&pusher[i], NULL, 0, 0, push_some, &s), 0);
		}
		for (int i = 0; i < 3; i++)
			assert_int_equal(ilu_join(pusher[i], NULL), 0);
		ilu_queue_close(&s.queue);
		for (int i = 0; i < 3; i++)
			assert_int_equal(ilu_join(popper[i], NULL), 0);
		assert_int_equal(s.value, 3 * 5050);
		assert_int_equal(ilu_queue_push(&s.queue, &s), -EPIPE);
		shared_done(&s);
		end();
	}
}

static void test_queue_limits(void **state)
{
	struct shared s;
	void *item = NULL;
	int64_t from;

	(void)state;
	begin();
	shared_init(&s, 2);
	assert_int_equal(ilu_queue_try_pop(&s.queue, &item), -EAGAIN);
	from = ilu_clock_now();
	assert_int_equal(ilu_queue_pop_until(&s.queue, &item, from + 2 * MS), -ETIMEDOUT);
	assert_later(from, 2 * MS);
	assert_int_equal(ilu_queue_try_push(&s.queue, &from), 0);
	assert_int_equal(ilu_queue_push(&s.queue, &item), 0);
	assert_int_equal(ilu_queue_try_push(&s.queue, &s), -EAGAIN);
	assert_int_equal(ilu_queue_push_until(&s.queue, &s, from + 5 * MS), -ETIMEDOUT);
	assert_later(from, 5 * MS);
	assert_int_equal(ilu_queue_len(&s.queue), 2);
	ilu_queue_close(&s.queue);
	assert_int_equal(ilu_queue_try_push(&s.queue, &s), -EPIPE);
	assert_int_equal(ilu_queue_pop(&s.queue, &item), 0);
	assert_ptr_equal(item, &from);
	assert_int_equal(ilu_queue_try_pop(&s.queue, &item), 0);
	assert_int_equal(ilu_queue_try_pop(&s.queue, &item), -EPIPE);
	shared_done(&s);
	end();
}

/* ---- timers ---- */

struct ticks {
	ilu_timer *timer;
	ilu_sem done;
	int left, count;
};

static void tick(void *arg)
{
	struct ticks *t = arg;

	t->count++;
	if (--t->left > 0)
		assert_int_equal(ilu_timer_set(t->timer, ilu_clock_after(MS)), 0);
	else
		assert_int_equal(ilu_sem_post(&t->done), 0);
}

static void test_timer(void **state)
{
	struct ticks t = {.left = 5};
	int64_t from;

	(void)state;
	begin();
	assert_int_equal(ilu_sem_init(&t.done, "done", 0), 0);
	assert_int_equal(ilu_timer_new(&t.timer, "tick", 0, tick, &t), 0);
	from = ilu_clock_now();
	assert_int_equal(ilu_timer_cancel(t.timer), 0);
	assert_int_equal(ilu_timer_set(t.timer, from + 3600000 * MS), 0);
	assert_int_equal(ilu_timer_set(t.timer, from + MS), 0);
	assert_int_equal(ilu_sem_wait(&t.done), 0);
	assert_later(from, 5 * MS);
	assert_int_equal(t.count, 5);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(ilu_timer_set(t.timer, ilu_clock_after(3600000 * MS)), 0);
	assert_int_equal(ilu_timer_cancel(t.timer), 1);
	assert_int_equal(ilu_timer_cancel(t.timer), 0);
	assert_int_equal(ilu_timer_set(t.timer, ilu_clock_after(3600000 * MS)), 0);
	ilu_timer_free(t.timer);
	ilu_timer_free(NULL);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	t.left = 1;
	assert_int_equal(ilu_clock_call_at(ilu_clock_after(MS), tick, &t), 0);
	assert_int_equal(ilu_sem_wait(&t.done), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(t.count, 6);
	ilu_sem_done(&t.done);
	end();
}

/* ---- the stop ---- */

static int work_on(void *arg)
{
	int rc;

	while (!(rc = ilu_clock_sleep(MS)))
		;
	__atomic_store_n((int *)arg, rc, __ATOMIC_RELAXED);
	return 0;
}

static void test_stop(void **state)
{
	static int ended;
	ilu_thread *t;

	(void)state;
	ended = 0;
	begin();
	assert_int_equal(ilu_thread_start(&t, "daemon", ILU_DAEMON, work_on, &ended), 0);
	assert_int_equal(ilu_clock_sleep(4 * MS), 0);
	if (mode.kind == ILU_CLOCK_REAL) {
		end();
		assert_int_equal(ilu_join(t, NULL), 0);
	} else {
		end();
	}
	assert_int_equal(__atomic_load_n(&ended, __ATOMIC_RELAXED), -ECANCELED);
}

enum stopped { COND, COND_UNTIL, SEM, SEM_UNTIL, POP, PUSH, JOIN, SLEEP, STOPPED };

static struct {
	ilu_mutex lock;
	ilu_cond cond;
	ilu_sem sem, begun;
	ilu_queue empty, full;
	ilu_thread *sleeper;
	int rc[STOPPED], again[STOPPED], ended;
} s;

static int wait_as(enum stopped how)
{
	void *item;
	int rc = 0;

	switch (how) {
	case COND:
	case COND_UNTIL:
		ilu_mutex_lock(&s.lock);
		rc = ilu_cond_wait_until(&s.cond, &s.lock,
		                         how == COND_UNTIL ? ilu_clock_after(3600000 * MS) : ILU_FOREVER);
		ilu_mutex_unlock(&s.lock);
		return rc;
	case SEM:
		return ilu_sem_wait(&s.sem);
	case SEM_UNTIL:
		return ilu_sem_wait_until(&s.sem, ilu_clock_after(3600000 * MS));
	case POP:
		return ilu_queue_pop(&s.empty, &item);
	case PUSH:
		return ilu_queue_push(&s.full, &s);
	case JOIN:
		return ilu_join(s.sleeper, NULL);
	default:
		return ilu_clock_sleep(3600000 * MS);
	}
}

static int wait_to_be_stopped(void *arg)
{
	enum stopped how = (enum stopped)(intptr_t)arg;

	ilu_sem_post(&s.begun);
	s.rc[how] = wait_as(how);
	s.again[how] = wait_as(how == JOIN ? SLEEP : how);
	__atomic_add_fetch(&s.ended, 1, __ATOMIC_RELEASE);
	return 0;
}

/* Whatever it waits for but a lock, a stop ends the wait, and those that come after. */
static void test_stop_wakes(void **state)
{
	(void)state;
	memset(&s, 0, sizeof s);
	begin();
	assert_int_equal(ilu_mutex_init(&s.lock, "lock") | ilu_cond_init(&s.cond, "cond") |
	                     ilu_sem_init(&s.sem, "sem", 0) | ilu_sem_init(&s.begun, "begun", 0) |
	                     ilu_queue_init(&s.empty, "empty", 0) | ilu_queue_init(&s.full, "full", 1),
	                 0);
	assert_int_equal(ilu_queue_push(&s.full, &s), 0);
	assert_int_equal(ilu_thread_start(&s.sleeper, "sleeper", ILU_DAEMON, wait_to_be_stopped, (void *)SLEEP), 0);
	for (intptr_t i = 0; i < STOPPED; i++)
		if (i != SLEEP)
			assert_int_equal(ilu_thread_start(NULL, NULL, 0, wait_to_be_stopped, (void *)i), 0);
	for (int i = 0; i < STOPPED; i++)
		assert_int_equal(ilu_sem_wait(&s.begun), 0);
	if (mode.kind == ILU_CLOCK_VIRTUAL)
		ilu_clock_sleep(MS);
	end();
	while (__atomic_load_n(&s.ended, __ATOMIC_ACQUIRE) < STOPPED)
		ilu_clock_sleep(MS);
	for (int i = 0; i < STOPPED; i++)
		if ((s.rc[i] != -ECANCELED && (i != JOIN || s.rc[i])) ||
		    s.again[i] != -ECANCELED) /* who is joined may have ended */
			fail_msg("wait %d ended with %d, then %d", i, s.rc[i], s.again[i]);
	if (mode.kind == ILU_CLOCK_REAL && s.rc[JOIN])
		ilu_detach(s.sleeper);
	ilu_queue_done(&s.empty);
	ilu_queue_done(&s.full);
	ilu_sem_done(&s.begun);
	ilu_sem_done(&s.sem);
	ilu_cond_done(&s.cond);
	ilu_mutex_done(&s.lock);
}

static void test_without_start(void **state)
{
	struct ilu_clock_options wrong = {.kind = (enum ilu_clock_kind)7};
	struct shared s;
	ilu_random a, b;

	(void)state;
	assert_int_equal(ilu_clock_start(&wrong), -EINVAL);
	wrong = (struct ilu_clock_options){.kind = ILU_CLOCK_VIRTUAL, .task_stack = 100};
	assert_int_equal(ilu_clock_start(&wrong), -EINVAL);
	assert_int_equal(ilu_clock_start(NULL), 0);
	end();
	assert_false(ilu_clock_is_virtual());
	shared_init(&s, 0);
	add_slowly(&s);
	assert_int_equal(s.value, 5);
	shared_done(&s);
	assert_int_equal(ilu_clock_io_begin("nothing"), 0);
	assert_int_equal(ilu_clock_io_end(), 0);
	ilu_random_seed(&a, 1, "a");
	ilu_random_seed(&b, 1, "b");
	assert_int_not_equal(ilu_random_next(&a), ilu_random_next(&b));
	for (int i = 0; i < 1000; i++) {
		double unit = ilu_random_unit(&a);

		assert_true(unit >= 0 && unit < 1);
		assert_true(ilu_random_below(&a, 7) < 7);
		assert_int_equal(ilu_random_below(&a, 1), 0);
		assert_int_equal(ilu_random_below(&a, 0), 0);
	}
}

static int on_real(void **state)
{
	(void)state;
	mode = (struct ilu_clock_options){.kind = ILU_CLOCK_REAL};
	return 0;
}

static int on_virtual(void **state)
{
	(void)state;
	mode = (struct ilu_clock_options){.kind = ILU_CLOCK_VIRTUAL, .seed = 3};
	return 0;
}

static int exploring(void **state)
{
	on_virtual(state);
	mode.order_seed = 9;
	return 0;
}

#define BOTH(test)                                                                                        \
	{#test " (real)", test, on_real, NULL, NULL}, {#test " (virtual)", test, on_virtual, NULL, NULL}, \
	{                                                                                                 \
#test " (exploring)", test, exploring, NULL, NULL                                         \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    BOTH(test_time),
	    BOTH(test_join),
	    BOTH(test_run),
	    BOTH(test_mutex),
	    BOTH(test_rwlock),
	    BOTH(test_cond),
	    BOTH(test_sem),
	    BOTH(test_queue),
	    BOTH(test_queue_limits),
	    BOTH(test_timer),
	    BOTH(test_stop),
	    BOTH(test_stop_wakes),
	    cmocka_unit_test(test_without_start),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
