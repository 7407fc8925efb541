/* SPDX-License-Identifier: Apache-2.0 */
/* clock_report_test.c - deadlocks and livelocks are reported and explained, and nothing else is.
 *
 * Each case runs in a child, whose status, stderr and log are looked at. ILU_CLEAN_RUNS says how many seeded runs
 * without a deadlock there are (100 at least). */
#include "log_util.h"

#include <errno.h>
#include <ilu/clock.h>
#include <signal.h>
#include <sys/wait.h>

#define S INT64_C(1000000000)

#if defined(__SANITIZE_THREAD__) || defined(__SANITIZE_ADDRESS__)
#define SANITIZED
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer)
#define SANITIZED
#endif
#endif

static char output[65536];

/* Run body(arg) in a child; returns its exit status, -1 when it was killed. What it said to stderr is in output. */
static int in_child(void (*body)(uint64_t), uint64_t arg)
{
	size_t len = 0;
	ssize_t n;
	int fd[2], status;
	pid_t pid;

	assert_int_equal(pipe(fd), 0);
	pid = fork();
	if (!pid) {
		dup2(fd[1], STDERR_FILENO);
		close(fd[0]);
		alarm(120);
		signal(SIGSEGV, SIG_DFL);
		body(arg);
		_exit(0);
	}
	close(fd[1]);
	while (len < sizeof output - 1 && (n = read(fd[0], output + len, sizeof output - 1 - len)) > 0)
		len += (size_t)n;
	output[len] = '\0';
	close(fd[0]);
	waitpid(pid, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void start(uint64_t seed)
{
	struct ilu_clock_options o = {
	    .kind = ILU_CLOCK_VIRTUAL, .seed = seed, .spin_limit = 1000, .daemon_limit = 5000};

	if (ilu_clock_start(&o))
		_exit(1);
}

/* ---- 50 deadlocks ---- */

#define LOCKS 6

static ilu_mutex locks[LOCKS];
static ilu_rwlock rw;
static ilu_sem sem;
static ilu_cond cond;
static ilu_queue queue;
static ilu_thread *threads[LOCKS];
static int ring; /* how many in the cycle */

static const char *const lock_names[] = {"lock-0", "lock-1", "lock-2", "lock-3", "lock-4", "lock-5"};
static const char *const actor_names[] = {"actor-0", "actor-1", "actor-2", "actor-3", "actor-4", "actor-5"};

static int lock_two(void *arg)
{
	uintptr_t i = (uintptr_t)arg;

	ilu_mutex_lock(&locks[i]);
	ilu_clock_sleep(S);
	ilu_mutex_lock(&locks[(i + 1) % (uintptr_t)ring]);
	return 0;
}

static int join_next(void *arg)
{
	ilu_clock_sleep(S);
	ilu_join(threads[((uintptr_t)arg + 1) % (uintptr_t)ring], NULL);
	return 0;
}

static int upgrade(void *unused)
{
	(void)unused;
	ilu_rwlock_rdlock(&rw);
	ilu_clock_sleep(S);
	ilu_rwlock_wrlock(&rw);
	return 0;
}

static int lose_wakeup(void *unused)
{
	(void)unused;
	ilu_clock_sleep(S);
	ilu_mutex_lock(&locks[0]);
	ilu_cond_wait(&cond, &locks[0]); /* the signal was before */
	return 0;
}

static int pop_nothing(void *unused)
{
	void *item;

	(void)unused;
	ilu_clock_sleep(S);
	ilu_queue_pop(&queue, &item);
	return 0;
}

static int wait_sem(void *unused)
{
	(void)unused;
	ilu_clock_sleep(S);
	ilu_sem_wait(&sem);
	return 0;
}

static const struct kind {
	int (*run)(void *);
	bool cycle;
	const char *says; /* of the first actor */
} kinds[] = {
    {lock_two, true, "waits for mutex \"lock-1\""},
    {join_next, true, "waits for the end of \"actor-1\""},
    {upgrade, true, "waits to write under lock \"rw\""},
    {lose_wakeup, false, "waits for condition \"cond\" with mutex \"lock-0\""},
    {pop_nothing, false, "waits for an item of queue \"queue\""},
    {wait_sem, false, "waits for semaphore \"sem\""},
};

static int idle_daemon(void *unused)
{
	(void)unused;
	ilu_queue_pop(&queue, &(void *){NULL});
	return 0;
}

static void deadlock(uint64_t seed)
{
	ilu_random r;
	size_t kind = seed % 6;

	start(seed);
	ilu_random_init(&r, "deadlock");
	ring = 2 + (int)ilu_random_below(&r, LOCKS - 1);
	for (int i = 0; i < LOCKS; i++)
		ilu_mutex_init(&locks[i], lock_names[i]);
	ilu_rwlock_init(&rw, "rw");
	ilu_sem_init(&sem, "sem", 0);
	ilu_cond_init(&cond, "cond");
	ilu_queue_init(&queue, "queue", 0);
	ilu_thread_start(NULL, "idle", ILU_DAEMON, idle_daemon, NULL);
	ilu_cond_broadcast(&cond);
	for (uintptr_t i = 0; i < (uintptr_t)ring; i++) {
		if (ilu_random_below(&r, 2))
			ilu_thread_start(&threads[i], actor_names[i], 0, kinds[kind].run, (void *)i);
		else
			ilu_task_start(&threads[i], actor_names[i], 0, 0, kinds[kind].run, (void *)i);
	}
	if (kinds[kind].run != join_next)
		for (int i = 0; i < ring; i++)
			ilu_detach(threads[i]);
	ilu_clock_run(ILU_FOREVER);
}

static void test_deadlocks(void **state)
{
	(void)state;
	for (uint64_t seed = 0; seed < 50; seed++) {
		const struct kind *k = &kinds[seed % 6];
		int status = in_child(deadlock, seed);
		char cycle[32];
		ilu_random r;

		ilu_random_seed(&r, seed, "deadlock");
		snprintf(cycle, sizeof cycle, "  cycle of %d: ", 2 + (int)ilu_random_below(&r, LOCKS - 1));
		if (k->run == upgrade || !k->cycle)
			strcpy(cycle, "  ");

		if (status != ILU_CLOCK_EXIT || !strstr(output, "deadlock") || !strstr(output, k->says) ||
		    !strstr(output, "actor-0") || !strstr(output, "actor-1") ||
		    (strstr(output, "  cycle of ") != NULL) != (k->cycle) || !strstr(output, cycle) ||
		    !strstr(output, "since 1.000000000 s"))
			fail_msg("seed %d ended with %d: %s", (int)seed, status, output);
	}
}

/* ---- what the log says ---- */

static int lock_two_in_span(void *arg)
{
	ilu_tid tid = ilu_tid_named(arg ? "second transaction" : "first transaction");

	ILU_SPAN(span, "work", &tid, KV("number", (int)(intptr_t)arg));
	return lock_two(arg);
}

static void logged_deadlock(uint64_t unused)
{
	(void)unused;
	start(1);
	log_begin("\"include_spans_json\":true");
	fprintf(stderr, "%s\n", log_dir);
	ring = 2;
	for (int i = 0; i < 2; i++)
		ilu_mutex_init(&locks[i], lock_names[i]);
	ilu_thread_start(NULL, "actor-0", 0, lock_two_in_span, NULL);
	ilu_task_start(NULL, "actor-1", 0, 64 << 10, lock_two_in_span, (void *)1);
	ilu_clock_run(ILU_FOREVER);
}

static void test_log(void **state)
{
	json_t *lines, *line;

	(void)state;
	assert_int_equal(in_child(logged_deadlock, 0), ILU_CLOCK_EXIT);
	assert_non_null(strstr(output, "transaction first transaction"));
	snprintf(log_dir, sizeof log_dir, "%.*s", (int)strcspn(output, "\n"), output);
	lines = log_lines();
	line = log_find(lines, "Virtual time cannot go on", 0);
	assert_non_null(line);
	assert_string_equal(json_string_value(json_object_get(line, "target")), "ilulog::clock");
	assert_int_equal(json_integer_value(log_field(line, "now_ns")), S);
	line = log_find(lines, "Cycle", 0);
	assert_non_null(line);
	assert_int_equal(json_integer_value(log_field(line, "length")), 2);
	line = log_find(lines, "Waits in vain", 2);
	assert_non_null(line);
	assert_string_equal(json_string_value(log_field(line, "tid")), "second transaction");
	assert_string_equal(json_string_value(log_field(line, "actor")), "actor-1");
	assert_string_equal(json_string_value(log_field(line, "object")), "lock-0");
	assert_string_equal(json_string_value(log_field(line, "held_by")), "actor-0");
	assert_int_equal(json_integer_value(log_field(line, "since_ns")), S);
	assert_int_equal(json_integer_value(log_field(line, "held_since_ns")), 0);
	assert_string_equal(json_string_value(json_object_get(json_object_get(line, "span"), "name")), "work");
	json_decref(lines);
	log_remove();
}

/* ---- instants that do not end ---- */

/* Item 6 of what real runs taught: an item fails for want of memory, goes back to the head of its queue, wakes the
 * queue's thread, and fails again. */
static int retry_for_ever(void *unused)
{
	void *item;

	(void)unused;
	while (!ilu_queue_pop(&queue, &item)) {
		ilu_queue_push(&queue, item);
		ilu_clock_sleep(0);
	}
	return 0;
}

static void livelock(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_queue_init(&queue, "queue", 0);
	ilu_queue_push(&queue, &queue);
	ilu_task_start(NULL, "monitor", 0, 0, retry_for_ever, NULL);
	ilu_clock_run(ILU_FOREVER);
}

/* The same between two: whoever is woken finds no memory, and wakes the other. */
static int fail_for_ever(void *arg)
{
	ilu_tid tid = ilu_tid_named("the item");

	ILU_SPAN(span, "run", &tid);
	ilu_mutex_lock(&locks[0]);
	for (;;) {
		if (arg)
			ilu_cond_signal(&cond);
		ilu_cond_wait_until(&cond, &locks[0], ilu_clock_after(S));
		if (!arg)
			ilu_cond_signal(&cond);
	}
	return 0;
}

static void livelock_of_two(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_mutex_init(&locks[0], "queue");
	ilu_cond_init(&cond, "woken");
	log_begin("");
	fprintf(stderr, "%s\n", log_dir);
	ilu_task_start(NULL, "monitor", 0, 64 << 10, fail_for_ever, NULL);
	ilu_task_start(NULL, "worker", 0, 64 << 10, fail_for_ever, (void *)1);
	ilu_clock_run(ILU_FOREVER);
}

static int ask_for_ever(void *unused)
{
	(void)unused;
	while (ilu_clock_now() < S)
		;
	return 0;
}

static void polling(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_task_start(NULL, "poller", 0, 0, ask_for_ever, NULL);
	ilu_clock_run(ILU_FOREVER);
}

static ilu_timer *timer;

static void again(void *unused)
{
	(void)unused;
	ilu_timer_set(timer, ilu_clock_now());
}

static void timer_spins(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_timer_new(&timer, "retry", 0, again, NULL);
	ilu_timer_set(timer, 1);
	ilu_clock_run(ILU_FOREVER);
}

static int breed(void *unused)
{
	(void)unused;
	ilu_task_start(NULL, NULL, 0, 0, breed, NULL);
	return 0;
}

static void breeding(uint64_t unused)
{
	(void)unused;
	start(1);
	breed(NULL);
	ilu_clock_run(ILU_FOREVER);
}

static int tick(void *unused)
{
	(void)unused;
	while (!ilu_clock_sleep(S))
		;
	return 0;
}

static void only_daemons(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_queue_init(&queue, "queue", 0);
	ilu_task_start(NULL, "status", ILU_DAEMON, 0, tick, NULL);
	ilu_thread_start(NULL, "worker", 0, pop_nothing, NULL);
	ilu_clock_run(ILU_FOREVER);
}

/* Each frame is less than a page, so that none steps over the guard. */
static __attribute__((noinline)) int dig(int depth)
{
	volatile char frame[512];

	memset((char *)(uintptr_t)frame, depth, sizeof frame);
	return depth ? dig(depth - 1) + frame[depth % 512] : frame[0];
}

static int dig_without_end(void *unused)
{
	(void)unused;
	return dig(1000);
}

/* Waits at each step, and steps are smaller than what the clock wants to be left. */
static __attribute__((noinline)) int wait_deeper(int depth)
{
	volatile char frame[256];

	frame[depth] = 0;
	ilu_clock_sleep(1);
	return depth ? wait_deeper(depth - 1) + frame[depth] : 0;
}

static int dig_and_wait(void *unused)
{
	return wait_deeper(unused ? 0 : 100);
}

static int wait_hundred_times(void *unused)
{
	for (int i = 0; i < 100; i++)
		ilu_clock_sleep(1);
	return unused != NULL;
}

static void overflow(uint64_t unused)
{
	(void)unused;
	start(1);
	log_begin("");
	fprintf(stderr, "%s\n", log_dir);
	ilu_task_start(NULL, "digger", 0, 0, dig_without_end, NULL);
	ilu_clock_run(ILU_FOREVER);
}

static void nearly(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_queue_init(&queue, "queue", 0);
	for (int i = 0; i < 1024; i++) /* they have the guard pages */
		ilu_task_start(NULL, NULL, ILU_DAEMON, 0, idle_daemon, NULL);
	ilu_task_start(NULL, "digger", 0, 0, dig_and_wait, NULL);
	ilu_task_start(NULL, "next", 0, 0, wait_hundred_times, NULL);
	ilu_clock_run(ILU_FOREVER);
}

static int step_on_nothing(void *unused)
{
	return *(volatile int *)unused;
}

static void exit_9(int unused)
{
	(void)unused;
	_exit(9);
}

static void other_fault(uint64_t unused)
{
	(void)unused;
	signal(SIGSEGV, exit_9);
	start(1);
	ilu_task_start(NULL, "stepper", 0, 0, step_on_nothing, (void *)16);
	ilu_clock_run(ILU_FOREVER);
}

static void test_stacks(void **state)
{
	json_t *lines, *line;

	(void)state;
#ifdef SANITIZED
	skip(); /* their frames are larger, and they report faults themselves */
#endif
	assert_int_equal(in_child(nearly, 0), ILU_CLOCK_EXIT);
	assert_non_null(strstr(output, "a task used more stack than it has, at 0."));
	assert_non_null(strstr(output, "digger (task 1026)"));
	assert_int_equal(in_child(other_fault, 0), 9);
	assert_string_equal(output, "");
	assert_int_equal(in_child(overflow, 0), ILU_CLOCK_EXIT);
	assert_non_null(strstr(output, "a task used more stack than it has, at 0."));
	assert_non_null(strstr(output, "digger (task 2)"));
	snprintf(log_dir, sizeof log_dir, "%.*s", (int)strcspn(output, "\n"), output);
	lines = log_lines();
	line = log_find(lines, "Virtual time cannot go on", 0);
	assert_non_null(line);
	assert_string_equal(json_string_value(log_field(line, "about")), "digger");
	json_decref(lines);
	log_remove();
}

static void self_lock(uint64_t unused)
{
	(void)unused;
	start(1);
	ilu_mutex_init(&locks[0], "lock-0");
	ilu_mutex_lock(&locks[0]);
	if (ilu_mutex_lock(&locks[0]) == -EDEADLK)
		_exit(7);
}

static void test_others(void **state)
{
	static const struct {
		const char *name;
		void (*body)(uint64_t);
		int status;
		const char *says[3];
	} rows[] = {
	    {"livelock",
	     livelock,
	     86,
	     {"livelock: an instant does not end, at 0.", "monitor (task 2) woke 1001 times"}},
	    {"two",
	     livelock_of_two,
	     86,
	     {"livelock: an instant does not end, at 0.", "monitor (task 2) woke", "transaction the item"}},
	    {"polling", polling, 86, {"asks again and again", "poller (task 2)"}},
	    {"timer", timer_spins, 86, {"an instant does not end", "timer \"retry\" was called 1001 times"}},
	    {"breeding", breeding, 86, {"an instant does not end"}},
	    {"daemons",
	     only_daemons,
	     86,
	     {"only daemons run", "worker (thread 3) waits for an item of queue \"queue\" since 1.0"}},
	    {"self", self_lock, 7, {""}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int status = in_child(rows[i].body, 0);

		if (status != rows[i].status)
			fail_msg("%s: ended with %d: %s", rows[i].name, status, output);
		for (int k = 0; k < 3 && rows[i].says[k]; k++)
			if (!strstr(output, rows[i].says[k]))
				fail_msg("%s: %s", rows[i].name, output);
		if (*output == '/') { /* it told where its log is */
			snprintf(log_dir, sizeof log_dir, "%.*s", (int)strcspn(output, "\n"), output);
			log_remove();
		}
	}
}

/* ---- runs without a deadlock ---- */

static int mix(void *arg)
{
	ilu_random r;
	void *item;

	ilu_random_init(&r, actor_names[(uintptr_t)arg]);
	for (int i = 0; i < 20; i++) {
		uint64_t low = ilu_random_below(&r, LOCKS - 1), high = low + 1 + ilu_random_below(&r, LOCKS - 1 - low);

		ilu_mutex_lock(&locks[low]); /* always in this order */
		ilu_clock_sleep((int64_t)ilu_random_below(&r, 3));
		ilu_mutex_lock(&locks[high]);
		if (ilu_random_below(&r, 2))
			ilu_rwlock_rdlock(&rw);
		else
			ilu_rwlock_wrlock(&rw);
		ilu_clock_sleep((int64_t)ilu_random_below(&r, 2));
		ilu_rwlock_unlock(&rw);
		ilu_mutex_unlock(&locks[high]);
		ilu_cond_broadcast(&cond);
		ilu_cond_wait_until(&cond, &locks[low], ilu_clock_after((int64_t)ilu_random_below(&r, 5)));
		ilu_mutex_unlock(&locks[low]);
		ilu_sem_post(&sem);
		ilu_queue_push(&queue, &queue);
		ilu_sem_wait(&sem);
		ilu_queue_pop(&queue, &item);
	}
	return 0;
}

static void clean(uint64_t seed)
{
	struct ilu_clock_options o = {.kind = ILU_CLOCK_VIRTUAL, .seed = seed, .order_seed = seed & 1 ? seed : 0};

	if (ilu_clock_start(&o))
		_exit(1);
	for (int i = 0; i < LOCKS; i++)
		ilu_mutex_init(&locks[i], lock_names[i]);
	ilu_rwlock_init(&rw, "rw");
	ilu_sem_init(&sem, "sem", 0);
	ilu_cond_init(&cond, "cond");
	ilu_queue_init(&queue, "queue", 0);
	for (uintptr_t i = 0; i < 6; i++) {
		if ((seed + i) % 3)
			ilu_task_start(NULL, actor_names[i], 0, 0, mix, (void *)i);
		else
			ilu_thread_start(NULL, actor_names[i], 0, mix, (void *)i);
	}
	ilu_task_start(NULL, "status", ILU_DAEMON, 0, tick, NULL);
	if (ilu_clock_run(ILU_FOREVER) || ilu_clock_stop())
		_exit(2);
}

static void test_no_false_alarm(void **state)
{
	const char *runs = getenv("ILU_CLEAN_RUNS");
	uint64_t asked = runs ? strtoull(runs, NULL, 10) : 0, n = asked > 100 ? asked : 100;

	(void)state;
	for (uint64_t seed = 0; seed < n; seed++) {
		int status = in_child(clean, seed);

		if (status || *output)
			fail_msg("seed %d ended with %d: %s", (int)seed, status, output);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_deadlocks),      cmocka_unit_test(test_log),
	    cmocka_unit_test(test_others),         cmocka_unit_test(test_stacks),
	    cmocka_unit_test(test_no_false_alarm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
