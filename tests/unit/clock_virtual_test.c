/* SPDX-License-Identifier: Apache-2.0 */
/* clock_virtual_test.c - what holds on virtual time alone: order, exact deadlines, size, daemons, the stop. */
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
#include <unistd.h>

#define MS INT64_C(1000000)
#define S  INT64_C(1000000000)

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif
#ifdef SANITIZED /* which knows at most some thousand threads, and needs large stacks */
#define MANY_THREADS 500
#define MANY_TASKS   2000
#else
#define MANY_THREADS 10000
#define MANY_TASKS   100000
#endif

static char trace[4096];

static void begin(uint64_t order)
{
	struct ilu_clock_options o = {
	    .kind = ILU_CLOCK_VIRTUAL, .seed = 5, .order_seed = order, .thread_stack = 64 << 10};

	*trace = '\0';
	assert_int_equal(ilu_clock_start(&o), 0);
	assert_int_equal(ilu_clock_now(), 0);
	assert_int_equal(ilu_clock_wall(), 1767225600 * S);
}

static void end(void)
{
	assert_int_equal(ilu_clock_stop(), 0);
}

static void say(const char *what)
{
	snprintf(trace + strlen(trace), sizeof trace - strlen(trace), "%s%lld:%s", *trace ? " " : "",
	         (long long)ilu_clock_now(), what);
}

/* ---- order ---- */

/* An actor that sleeps and speaks by a script: a number sleeps so many ns, @n until then, y lets others run, a letter
 * speaks its name with it. */
static int act(void *arg)
{
	const char *at = arg;
	char name[ILU_CLOCK_NAME + 2];

	while (*at) {
		char *rest = (char *)(uintptr_t)at + 1;

		if (*at >= '0' && *at <= '9') {
			ilu_clock_sleep(strtoll(at, &rest, 10));
		} else if (*at == '@') {
			ilu_clock_sleep_until(strtoll(at + 1, &rest, 10));
		} else if (*at == 'y') {
			ilu_clock_sleep(0);
		} else if (*at != ' ') {
			ilu_thread_self(name);
			snprintf(name + strlen(name), 2, "%c", *at);
			say(name);
		}
		at = rest;
	}
	return 0;
}

static const struct order {
	const char *name;
	const char *script[4]; /* of a, b, c, d */
	const char *expect;
} orders[] = {
    {"in the order of starting", {"s", "s", "s"}, "0:as 0:bs 0:cs"},
    {"by deadline", {"30s", "10s", "20s"}, "10:bs 20:cs 30:as"},
    {"equal deadlines by arrival", {"10s", "10s", "10s"}, "10:as 10:bs 10:cs"},
    {"who came later to the same instant is later", {"5 5s", "10s", "1 9s"}, "10:bs 10:cs 10:as"},
    {"a yield goes behind the ready", {"sysys", "sys"}, "0:as 0:bs 0:as 0:bs 0:as"},
    {"what is due is ready before what a yield adds", {"10 sys", "10 s"}, "10:as 10:bs 10:as"},
    {"a deadline that is over is a yield", {"10 s@5 s", "10 s"}, "10:as 10:bs 10:as"},
    {"one nanosecond apart", {"1000000000000001s", "1000000000000000s"}, "1000000000000000:bs 1000000000000001:as"},
    {"one actor, many instants", {"1s1s1s"}, "1:as 2:as 3:as"},
};

static void run_order(const struct order *o, int kinds)
{
	static const char *const names[] = {"a", "b", "c", "d"};

	begin(0);
	for (int i = 0; i < 4 && o->script[i]; i++) {
		void *script = (void *)(uintptr_t)o->script[i];

		if (kinds >> i & 1)
			assert_int_equal(ilu_thread_start(NULL, names[i], 0, act, script), 0);
		else
			assert_int_equal(ilu_task_start(NULL, names[i], 0, 64 << 10, act, script), 0);
	}
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	if (strcmp(trace, o->expect))
		fail_msg("%s (kinds %d): %s", o->name, kinds, trace);
	end();
}

static void test_order(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof orders / sizeof *orders; i++)
		for (int kinds = 0; kinds < 16; kinds++)
			run_order(&orders[i], kinds);
}

static int order_under(uint64_t seed, char *out)
{
	begin(seed);
	for (int i = 0; i < 5; i++)
		assert_int_equal(ilu_task_start(NULL, (char[]){(char)('a' + i), 0}, 0, 64 << 10, act, "s10s"), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	strcpy(out, trace);
	end();
	return 0;
}

/* Other seeds, other orders; the same seed, the same. */
static void test_exploring(void **state)
{
	char first[4096], again[4096];
	int different = 0;

	(void)state;
	order_under(0, first);
	for (uint64_t seed = 1; seed <= 20; seed++) {
		order_under(seed, again);
		different += strcmp(first, again) != 0;
		strcpy(first, again);
		order_under(seed, again);
		assert_string_equal(first, again);
	}
	assert_true(different > 15);
}

/* Random deadlines come in order. */
static int check_sleep(void *arg)
{
	static int64_t last;
	ilu_random *r = arg;

	for (int i = 0; i < 40; i++) {
		int64_t deadline = ilu_clock_after((int64_t)ilu_random_below(r, 5000));

		assert_int_equal(ilu_clock_sleep_until(deadline), 0);
		assert_int_equal(ilu_clock_now(), deadline);
		assert_true(deadline >= last || last - deadline > 4000000);
		last = deadline;
	}
	return 0;
}

static void test_heap(void **state)
{
	ilu_random r;

	(void)state;
	begin(0);
	ilu_random_init(&r, "heap");
	for (int i = 0; i < 500; i++)
		assert_int_equal(ilu_task_start(NULL, NULL, 0, 64 << 10, check_sleep, &r), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	end();
}

static void count(void *arg)
{
	++*(int *)arg;
}

/* Times saturate at both ends, whatever they are added to. */
static void test_saturating(void **state)
{
	static const struct {
		const char *name;
		int64_t now, ns, after;
	} rows[] = {
	    {"nothing", 0, 0, 0},
	    {"less than nothing", 0, -1, 0},
	    {"the least", 5, INT64_MIN, 5},
	    {"the most", 0, INT64_MAX, INT64_MAX},
	    {"just not too much", 5, INT64_MAX - 5, INT64_MAX},
	    {"one too much", 5, INT64_MAX - 4, INT64_MAX},
	    {"the most and the most", INT64_MAX - 1, INT64_MAX, INT64_MAX},
	    {"one, at the end", INT64_MAX - 1, 1, INT64_MAX},
	    {"nothing, at the end", INT64_MAX - 1, 0, INT64_MAX - 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		begin(0);
		assert_int_equal(ilu_clock_sleep_until(rows[i].now), 0);
		if (ilu_clock_after(rows[i].ns) != rows[i].after)
			fail_msg("%s: %lld", rows[i].name, (long long)ilu_clock_after(rows[i].ns));
		end();
	}
}

/* Deadlines that were over before time began are over, those at its end come last; wall time has ends of its own. */
static void test_ends_of_time(void **state)
{
	struct ilu_clock_options late = {.kind = ILU_CLOCK_VIRTUAL, .start_wall_ns = INT64_MAX - 3};
	struct ilu_clock_options early = {.kind = ILU_CLOCK_VIRTUAL, .start_wall_ns = INT64_MIN};
	int called = 0;
	ilu_timer *t;
	ilu_sem sem;

	(void)state;
	begin(0);
	assert_int_equal(ilu_clock_sleep_until(INT64_MIN), 0);
	assert_int_equal(ilu_clock_sleep(INT64_MIN), 0);
	ilu_sem_init(&sem, "sem", 0);
	assert_int_equal(ilu_sem_wait_until(&sem, INT64_MIN), -ETIMEDOUT);
	assert_int_equal(ilu_timer_new(&t, "t", 0, count, &called), 0);
	assert_int_equal(ilu_timer_set(t, INT64_MIN), 0);
	assert_int_equal(ilu_clock_run(INT64_MIN), -ETIMEDOUT);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(called, 1);
	assert_int_equal(ilu_clock_now(), 0);
	assert_int_equal(ilu_timer_set(t, INT64_MAX), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(ilu_clock_now(), INT64_MAX);
	assert_int_equal(ilu_clock_sleep_until(INT64_MAX - 1), 0);
	assert_int_equal(called, 2);
	end();
	assert_int_equal(ilu_clock_start(&late), 0);
	assert_int_equal(ilu_clock_sleep(3), 0);
	assert_int_equal(ilu_clock_wall(), INT64_MAX);
	assert_int_equal(ilu_clock_sleep(3), 0);
	assert_int_equal(ilu_clock_wall(), INT64_MAX);
	assert_int_equal(ilu_clock_stop(), 0);
	assert_int_equal(ilu_clock_start(&early), 0);
	assert_int_equal(ilu_clock_sleep(3), 0);
	assert_int_equal(ilu_clock_wall(), INT64_MIN + 3);
	assert_int_equal(ilu_clock_stop(), 0);
}

static void test_far(void **state)
{
	(void)state;
	begin(0);
	assert_int_equal(ilu_clock_sleep_until(INT64_MAX - 1), 0);
	assert_int_equal(ilu_clock_now(), INT64_MAX - 1);
	assert_int_equal(ilu_clock_after(1000), INT64_MAX);
	assert_int_equal(ilu_clock_wall(), INT64_MAX);
	end();
}

/* ---- waiting with a deadline ---- */

struct pair {
	ilu_mutex lock;
	ilu_cond cond;
	int64_t deadline, signal_at;
	int rc;
};

static int wait_for_signal(void *arg)
{
	struct pair *p = arg;

	ilu_mutex_lock(&p->lock);
	p->rc = ilu_cond_wait_until(&p->cond, &p->lock, p->deadline);
	assert_int_equal(ilu_mutex_unlock(&p->lock), 0);
	return 0;
}

static void test_timeouts(void **state)
{
	static const struct {
		int64_t deadline, signal_at;
		int rc;
		int64_t over;
	} rows[] = {{10, 5, 0, 5}, {10, 10, -ETIMEDOUT, 10}, {10, 15, -ETIMEDOUT, 10}, {ILU_FOREVER, 7, 0, 7}};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct pair p = {.deadline = rows[i].deadline};
		ilu_thread *t;

		begin(0);
		ilu_mutex_init(&p.lock, "m");
		ilu_cond_init(&p.cond, "c");
		assert_int_equal(ilu_task_start(&t, "w", 0, 64 << 10, wait_for_signal, &p), 0);
		ilu_clock_sleep_until(rows[i].signal_at);
		assert_int_equal(ilu_cond_signal(&p.cond), 0);
		assert_int_equal(ilu_join(t, NULL), 0);
		assert_int_equal(p.rc, rows[i].rc);
		end();
	}
}

/* Cancelled deadlines do not pile up, and do not move time. */
static int wait_often(void *arg)
{
	ilu_queue *q = arg;
	void *item;

	while (!ilu_queue_pop_until(q, &item, ilu_clock_after(3600 * S)))
		;
	return 0;
}

static void test_cancelled(void **state)
{
	struct ilu_clock_stats stats;
	ilu_queue q;

	(void)state;
	begin(0);
	ilu_queue_init(&q, "q", 0);
	assert_int_equal(ilu_task_start(NULL, NULL, 0, 64 << 10, wait_often, &q), 0);
	for (int i = 0; i < 20000; i++) {
		ilu_queue_push(&q, &q);
		ilu_clock_sleep(1);
	}
	ilu_clock_stats(&stats);
	assert_int_equal(stats.pending, 1);
	ilu_queue_close(&q);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(ilu_clock_now(), 20000);
	ilu_queue_done(&q);
	end();
}

/* ---- timers at one instant ---- */

static ilu_timer *timers[3];

static void on_timer(void *arg)
{
	int i = (int)(intptr_t)arg;

	say((char[]){(char)('0' + i), 0});
	if (i == 0) {
		assert_int_equal(ilu_timer_cancel(timers[1]), 1);
		assert_int_equal(ilu_timer_cancel(timers[1]), 0);
		assert_int_equal(ilu_timer_set(timers[2], ilu_clock_after(5)), 0);
		assert_int_equal(ilu_clock_sleep(1), -EPERM);
	}
}

static void test_timers(void **state)
{
	(void)state;
	begin(0);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(ilu_timer_new(&timers[i], NULL, 0, on_timer, (void *)(intptr_t)i), 0);
		assert_int_equal(ilu_timer_set(timers[i], 10), 0);
	}
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_string_equal(trace, "10:0 15:2");
	for (int i = 0; i < 3; i++)
		ilu_timer_free(timers[i]);
	end();
}

/* ---- size ---- */

static int nap_twice(void *arg)
{
	ilu_clock_sleep(MS);
	ilu_clock_sleep(1 + (int64_t)((uintptr_t)arg & 1023));
	return 0;
}

static void test_many_threads(void **state)
{
	struct ilu_clock_stats stats;

	(void)state;
	begin(0);
	for (uintptr_t i = 0; i < MANY_THREADS; i++)
		assert_int_equal(ilu_thread_start(NULL, NULL, 0, nap_twice, (void *)i), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(ilu_clock_now(), MS + (MANY_THREADS > 1023 ? 1024 : MANY_THREADS));
	ilu_clock_stats(&stats);
	assert_int_equal(stats.peak, MANY_THREADS + 1);
	assert_int_equal(stats.actors, 1);
	end();
}

static void test_many_tasks(void **state)
{
	struct ilu_clock_stats stats;

	(void)state;
	begin(0);
	for (int round = 0; round < 2; round++) {
		for (uintptr_t i = 0; i < MANY_TASKS; i++)
			assert_int_equal(ilu_task_start(NULL, NULL, 0, 0, nap_twice, (void *)i), 0);
		assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	}
	assert_int_equal(ilu_clock_now(), 2 * (MS + 1024));
	ilu_clock_stats(&stats);
	assert_int_equal(stats.peak, MANY_TASKS + 1);
	end();
}

/* ---- daemons and the stop ---- */

static int tick_for_ever(void *arg)
{
	while (!ilu_clock_sleep(S))
		++*(int *)arg;
	return 0;
}

static int never_listen(void *unused)
{
	while (!unused)
		ilu_clock_sleep(S);
	return 0;
}

static int hold_for_ever(void *arg)
{
	ilu_mutex_lock(arg);
	ilu_clock_sleep(ILU_FOREVER);
	ilu_mutex_unlock(arg);
	return 0;
}

static void test_daemons(void **state)
{
	struct ilu_clock_stats stats;
	int ticks = 0;
	ilu_mutex m;

	(void)state;
	begin(0);
	ilu_mutex_init(&m, "m");
	assert_int_equal(ilu_thread_start(NULL, "ticker", ILU_DAEMON, tick_for_ever, &ticks), 0);
	assert_int_equal(ilu_task_start(NULL, "stubborn", ILU_DAEMON, 0, never_listen, NULL), 0);
	assert_int_equal(ilu_thread_start(NULL, "stubborn-2", ILU_DAEMON, never_listen, NULL), 0);
	assert_int_equal(ilu_thread_start(NULL, "holder", ILU_DAEMON, hold_for_ever, &m), 0);
	assert_int_equal(ilu_thread_start(NULL, "second", ILU_DAEMON, hold_for_ever, &m), 0);
	assert_int_equal(ilu_task_start(NULL, "worker", 0, 64 << 10, act, "10500000000"), 0);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	assert_int_equal(ilu_clock_now(), 10500 * MS);
	assert_int_equal(ticks, 10);
	assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
	ilu_clock_stats(&stats);
	end();
	ilu_clock_stats(&stats);
	assert_int_equal(stats.left, 2);
}

/* ---- the world outside ---- */

static int go_outside(void *arg)
{
	ilu_clock_sleep(S);
	say("out");
	assert_int_equal(ilu_clock_io_begin("a pipe"), 0);
	usleep((useconds_t)(uintptr_t)arg);
	assert_int_equal(ilu_clock_io_end(), 0);
	say((uintptr_t)arg > 2000 ? "slow" : "quick");
	ilu_clock_sleep(1);
	return 0;
}

static void test_io(void **state)
{
	(void)state;
	for (int i = 0; i < 5; i++) {
		begin(0);
		assert_int_equal(ilu_thread_start(NULL, "slow", 0, go_outside, (void *)30000), 0);
		assert_int_equal(ilu_thread_start(NULL, "quick", 0, go_outside, (void *)1000), 0);
		assert_int_equal(ilu_task_start(NULL, "task", 0, 64 << 10, act, "1000000000s"), 0);
		assert_int_equal(ilu_task_start(NULL, "later", 0, 64 << 10, act, "1000000001s"), 0);
		assert_int_equal(ilu_clock_run(ILU_FOREVER), 0);
		assert_string_equal(trace, "1000000000:out 1000000000:out 1000000000:tasks 1000000000:slow "
		                           "1000000000:quick 1000000001:laters");
		assert_int_equal(ilu_clock_io_end(), -EINVAL);
		end();
	}
}

static void *not_an_actor(void *unused)
{
	(void)unused;
	assert_int_equal(ilu_clock_sleep(1), -EPERM);
	assert_int_equal(ilu_clock_io_begin("x"), -EPERM);
	assert_int_equal(ilu_clock_run(1), -EPERM);
	return NULL;
}

static void test_strangers(void **state)
{
	pthread_t thread;

	(void)state;
	begin(0);
	assert_int_equal(pthread_create(&thread, NULL, not_an_actor, NULL), 0);
	pthread_join(thread, NULL);
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_order),        cmocka_unit_test(test_exploring),    cmocka_unit_test(test_heap),
	    cmocka_unit_test(test_saturating),   cmocka_unit_test(test_ends_of_time), cmocka_unit_test(test_far),
	    cmocka_unit_test(test_timeouts),     cmocka_unit_test(test_cancelled),    cmocka_unit_test(test_timers),
	    cmocka_unit_test(test_many_threads), cmocka_unit_test(test_many_tasks),   cmocka_unit_test(test_daemons),
	    cmocka_unit_test(test_io),           cmocka_unit_test(test_strangers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
