/* SPDX-License-Identifier: Apache-2.0 */
/* Many threads: nothing lost, each thread's order kept, the merge in the order of time; thread churn; signals. */
#define ILU_TARGET "test::thread"
#include "log_util.h"

#include "call/ring.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/time.h>

#define THREADS 8
#define CALLS   5000

static ilu_tid tids[THREADS];

static void *speak(void *argument)
{
	int me = (int)(intptr_t)argument;

	for (int i = 0; i < CALLS; i++) {
		ILU_SPAN(span, "work", &tids[me], KV("i", i));
		ilu_info(&tids[me], "call", KV("thread", me), KV("i", i), KV("text", "some text"));
	}
	return NULL;
}

static void *change_filter(void *argument)
{
	atomic_int *stop = argument;

	while (!atomic_load(stop)) {
		ilu_log_set_filter("debug");
		ilu_log_set_filter("info,[work{i=7}]=trace");
	}
	return NULL;
}

/* Lines read one by one: there are many. */
static void check_lines(int threads, int calls)
{
	FILE *f = fopen(log_file(), "r");
	char *line = NULL, last[64] = "";
	size_t cap = 0;
	int next[THREADS] = {0}, late = 0;
	long seq = 0;

	assert_non_null(f);
	while (getline(&line, &cap, f) > 0) {
		char *at = strstr(line, "\"thread\":"), stamp[64];
		int thread, i;

		assert_int_equal(atol(strstr(line, "\"seq\":") + 6), ++seq);
		snprintf(stamp, sizeof stamp, "%.30s", line + 14);
		late += strcmp(stamp, last) < 0;
		strcpy(last, stamp);
		if (!at)
			continue;
		assert_int_equal(sscanf(at, "\"thread\":%d,\"i\":%d,", &thread, &i), 2);
		assert_int_equal(i, next[thread]++);
		assert_non_null(strstr(line, "\"span\":{\"i\":"));
	}
	for (int i = 0; i < threads; i++)
		assert_int_equal(next[i], calls);
	/* a caller that was interrupted for longer than the grace time, or met pressure, may be late; most are not */
	assert_in_range(late, 0, seq / 10);
	free(line);
	fclose(f);
}

static void test_nothing_lost_and_in_order(void **state)
{
	pthread_t thread[THREADS], filter;
	atomic_int stop = 0;
	struct ilu_log_stats stats = {.size = sizeof stats};

	(void)state;
	log_begin("\"ring_bytes\":1048576");
	pthread_create(&filter, NULL, change_filter, &stop);
	for (int i = 0; i < THREADS; i++) {
		tids[i] = ilu_tid_generate();
		pthread_create(&thread[i], NULL, speak, (void *)(intptr_t)i);
	}
	for (int i = 0; i < 20; i++)
		assert_int_equal(ilu_log_flush(i & 1 ? ILU_ACK_KERNEL : ILU_ACK_DISK, -1), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	atomic_store(&stop, 1);
	pthread_join(filter, NULL);
	ilu_log_stats(&stats);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(ilu_log_stop(), 0);
	check_lines(THREADS, CALLS);
	log_remove();
}

static atomic_int churned;

static void *one_line(void *argument)
{
	const ilu_tid *tid = argument;

	ilu_info(tid, "short life", KV("n", atomic_fetch_add(&churned, 1)));
	return NULL;
}

static void test_threads_come_and_go(void **state)
{
	enum { ROUNDS = 300, AT_ONCE = 16 };
	ilu_tid tid = ilu_tid_named("churn");
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines;

	(void)state;
	log_begin("");
	for (int round = 0; round < ROUNDS; round++) {
		pthread_t thread[AT_ONCE];

		for (int i = 0; i < AT_ONCE; i++)
			pthread_create(&thread[i], NULL, one_line, &tid);
		for (int i = 0; i < AT_ONCE; i++)
			pthread_join(thread[i], NULL);
	}
	ilu_log_stats(&stats);
	assert_in_range(stats.rings, 2, THREADS + AT_ONCE + 4);
	assert_in_range(stats.threads, 0, 2);
	lines = log_end();
	assert_int_equal(log_count(lines, "short life"), ROUNDS * AT_ONCE);
	json_decref(lines);
}

/* A hundred thousand threads, some at a time: every line is there once, rings go from hand to hand, and the process
 * does not grow. Under the thread sanitizer, which is slower than that, fewer. */
#define MANY_THREADS (LOG_TSAN ? 4000 : 100000)

static void *in_a_span(void *argument)
{
	int n = (int)(intptr_t)argument;
	ilu_tid tid = ilu_tid_named("brief");

	ILU_SPAN(span, "life", &tid, KV("n", n));
	ilu_info(&tid, "brief life", KV("thread", n), KV("text", "some text"));
	return NULL;
}

static long resident_kib(void)
{
	FILE *f = fopen("/proc/self/statm", "r");
	long pages[2] = {0, 0};

	assert_non_null(f);
	assert_int_equal(fscanf(f, "%ld %ld", &pages[0], &pages[1]), 2);
	fclose(f);
	return pages[1] * (sysconf(_SC_PAGESIZE) / 1024);
}

static void one_crowd(int from, int count, const pthread_attr_t *small)
{
	enum { AT_ONCE = 32 };
	pthread_t thread[AT_ONCE];

	for (int at = from; at < from + count; at += AT_ONCE) {
		int n = from + count - at < AT_ONCE ? from + count - at : AT_ONCE;

		for (int i = 0; i < n; i++)
			assert_int_equal(pthread_create(&thread[i], small, in_a_span, (void *)(intptr_t)(at + i)), 0);
		for (int i = 0; i < n; i++)
			pthread_join(thread[i], NULL);
	}
}

/* Every number exactly once, in a log that is numbered without a hole. */
static void check_brief_lives(void)
{
	FILE *f = fopen(log_file(), "r");
	unsigned char *seen = calloc(MANY_THREADS, 1);
	char *line = NULL;
	size_t cap = 0;
	long seq = 0, all = 0;

	assert_non_null(f);
	assert_non_null(seen);
	while (getline(&line, &cap, f) > 0) {
		char *at = strstr(line, "\"brief life\"");
		long n;

		assert_int_equal(atol(strstr(line, "\"seq\":") + 6), ++seq);
		if (!at)
			continue;
		n = atol(strstr(at, "\"thread\":") + 9);
		assert_in_range(n, 0, MANY_THREADS - 1);
		assert_int_equal(seen[n]++, 0);
		all++;
	}
	assert_int_equal(all, MANY_THREADS);
	free(seen);
	free(line);
	fclose(f);
}

static void test_a_hundred_thousand_threads(void **state)
{
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	pthread_attr_t small;
	long resident;

	(void)state;
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 128 * 1024);
	log_begin("");
	one_crowd(0, MANY_THREADS / 10, &small);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	ilu_log_stats(&before);
	resident = resident_kib();
	one_crowd(MANY_THREADS / 10, MANY_THREADS - MANY_THREADS / 10, &small);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	ilu_log_stats(&after);
	assert_int_equal(after.lost, before.lost);
	assert_int_equal(after.span_overflow, before.span_overflow);
	assert_in_range(after.threads, 0, 2);
	assert_in_range(after.rings, 2, 40); /* 32 at once, the main thread, the shared one, and one in reserve */
	/* rings that were not needed at first, and nothing that grows with threads: 1 KiB for each would be 90 MiB */
	assert_true(LOG_ASAN || resident_kib() - resident < 40 * 1024);
	assert_int_equal(ilu_log_stop(), 0);
	check_brief_lives();
	log_remove();
	pthread_attr_destroy(&small);
}

/* More threads than rings: the rest share one. */
static pthread_barrier_t barrier;

static void *wait_and_log(void *argument)
{
	const ilu_tid *tid = argument;

	ilu_info(tid, "first");
	pthread_barrier_wait(&barrier);
	ilu_info(tid, "second");
	return NULL;
}

static void test_more_threads_than_rings(void **state)
{
	enum { MANY = 400 };
	ilu_tid tid = ilu_tid_named("many");
	pthread_t *thread = malloc(MANY * sizeof *thread);
	pthread_attr_t small;
	json_t *lines, *told;

	(void)state;
	log_begin("");
	pthread_barrier_init(&barrier, NULL, MANY);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 256 * 1024);
	for (int i = 0; i < MANY; i++)
		assert_int_equal(pthread_create(&thread[i], &small, wait_and_log, &tid), 0);
	for (int i = 0; i < MANY; i++)
		pthread_join(thread[i], NULL);
	lines = log_end();
	assert_int_equal(log_count(lines, "first"), MANY);
	assert_int_equal(log_count(lines, "second"), MANY);
	told = log_find(lines, "More threads than rings: records through the shared one", 0);
	assert_non_null(told);
	assert_int_equal(json_integer_value(log_field(told, "rings")), 256);
	assert_int_equal(json_integer_value(log_field(json_array_get(lines, 0), "rings")), 256);
	json_decref(lines);
	free(thread);
}

/* ---- signal handlers ---- */

static ilu_tid signal_tid;
static atomic_int signals;

static void on_signal(int number)
{
	ilu_info(&signal_tid, "signal", KV("number", number), KV("n", atomic_fetch_add(&signals, 1)));
}

/* ---- memory of rings ---- */

enum { CROWD = 60, WARM = 16 };

static pthread_barrier_t crowd;

static void *speak_in_a_crowd(void *argument)
{
	ilu_tid tid = ilu_tid_named("crowd");

	ilu_info(&tid, "first", KV("i", (intptr_t)argument));
	pthread_barrier_wait(&crowd);
	for (int i = 0; i < 100; i++)
		ilu_info(&tid, "again", KV("i", i));
	return NULL;
}

static unsigned cold_rings(void)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < rings_count(); i++)
		n += __atomic_load_n(&rings_at(i)->cold, __ATOMIC_ACQUIRE);
	return n;
}

static void speak_all(void)
{
	pthread_t thread[CROWD];

	pthread_barrier_init(&crowd, NULL, CROWD);
	for (intptr_t i = 0; i < CROWD; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, speak_in_a_crowd, (void *)i), 0);
	for (int i = 0; i < CROWD; i++)
		pthread_join(thread[i], NULL);
	pthread_barrier_destroy(&crowd);
}

/* Rings of threads that are gone give their memory back, when the log has nothing to do, and are used again. */
static void test_memory_given_back(void **state)
{
	static const char *const box[] = {"\"black_box\":\"off\"", "\"black_box\":\"auto\""};

	(void)state;
	for (int b = 0; b < 2; b++) {
		unsigned before;
		json_t *lines;

		log_begin(box[b]);
		speak_all();
		before = rings_count();
		assert_true(before > CROWD);
		while (cold_rings() + WARM + 2 < before) /* the shared one, and perhaps one of this thread */
			usleep(1000);
		speak_all();
		assert_int_equal(rings_count(), before);
		lines = log_end();
		assert_int_equal(log_count(lines, "first"), 2 * CROWD);
		assert_int_equal(log_count(lines, "again"), 2 * CROWD * 100);
		assert_int_equal(log_check_numbers(lines, "log"), 0);
		json_decref(lines);
	}
}

static void test_signal_handlers_may_log(void **state)
{
	struct sigaction action = {.sa_handler = on_signal}, before;
	struct itimerval fast = {{0, 200}, {0, 200}}, off = {{0, 0}, {0, 0}};
	ilu_tid tid = ilu_tid_generate();
	struct ilu_log_stats stats = {.size = sizeof stats};
	int calls = 0;
	json_t *lines;

	(void)state;
	signal_tid = ilu_tid_named("handler");
	log_begin("");
	sigaction(SIGALRM, &action, &before);
	setitimer(ITIMER_REAL, &fast, NULL);
	while (atomic_load(&signals) < 300) {
		ILU_SPAN(span, "busy", &tid, KV("i", calls));

		ilu_info(&tid, "call", KV("i", calls++));
	}
	setitimer(ITIMER_REAL, &off, NULL);
	sigaction(SIGALRM, &before, NULL);
	ilu_log_stats(&stats);
	lines = log_end();
	assert_int_equal(log_count(lines, "call"), calls);
	/* one that came in the middle of another handler's record, in the shared ring, is counted */
	assert_int_equal(log_count(lines, "signal") + (int)stats.lost, atomic_load(&signals));
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_nothing_lost_and_in_order),  cmocka_unit_test(test_threads_come_and_go),
	    cmocka_unit_test(test_a_hundred_thousand_threads), cmocka_unit_test(test_more_threads_than_rings),
	    cmocka_unit_test(test_signal_handlers_may_log),    cmocka_unit_test(test_memory_given_back),
	};

	unsetenv("ILU_LOG__black_box"); /* the tests say where */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
