/* SPDX-License-Identifier: Apache-2.0 */
/* tid_test.c - transaction ids are unique wherever they are made, and equal text is an equal id. */
#include <ilu/tid.h>

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static void test_text(void **state)
{
	static const struct {
		const char *text;
		int rc;
	} rows[] = {
	    {"00000000000000000000000000000000", 0},
	    {"0123456789abcdeffedcba9876543210", 0},
	    {"0123456789ABCDEFFEDCBA9876543210", 0}, /* a name: upper case is not how we write ids */
	    {"0123456789abcdeffedcba987654321", 0},
	    {"LoadMonitor", 0},
	    {"0-aes-prewarm", 0},
	    {"a", 0},
	    {"gr\xc3\xbc\xc3\x9f", 0},
	    {"a name of forty-seven bytes, which is the most.", 0},
	    {"a name of forty-eight bytes, which is one more..", -EINVAL},
	    {"", -EINVAL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ilu_tid tid, other;
		char text[ILU_TID_MAX];

		memset(&tid, 0x55, sizeof tid);
		if (ilu_tid_parse(rows[i].text, strlen(rows[i].text), &tid) != rows[i].rc)
			fail_msg("row %zu: wrong result", i);
		if (rows[i].rc)
			continue;
		if (strcmp(ilu_tid_str(&tid, text), rows[i].text))
			fail_msg("row %zu: %s", i, text);
		other = ilu_tid_named(rows[i].text);
		if (!ilu_tid_equal(&tid, &other) || memcmp(&tid, &other, sizeof tid))
			fail_msg("row %zu: parsed and named differ", i);
	}
}

static void test_parse_leaves_output(void **state)
{
	ilu_tid tid = ilu_tid_named("before");
	char text[ILU_TID_MAX];

	(void)state;
	assert_int_equal(ilu_tid_parse("a\0b", 3, &tid), -EINVAL);
	assert_int_equal(ilu_tid_parse(NULL, 0, &tid), -EINVAL);
	assert_string_equal(ilu_tid_str(&tid, text), "before");
	assert_int_equal(sizeof tid, 48);
}

static void test_long_names(void **state)
{
	static const struct {
		const char *name, *text;
	} rows[] = {
	    {NULL, "unnamed"},
	    {"", "unnamed"},
	    {"01234567890123456789012345678901234567890123456789", "01234567890123456789012345678901234567890123456"},
	    {"0123456789012345678901234567890123456789012345\xc3\xa4",
	     "0123456789012345678901234567890123456789012345"},
	    {"01234567890123456789012345678901234567890123\xf0\x9f\x98\x80",
	     "01234567890123456789012345678901234567890123"},
	    {"0123456789012345678901234567890123456789012\xf0\x9f\x98\x80z",
	     "0123456789012345678901234567890123456789012\xf0\x9f\x98\x80"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		ilu_tid tid = ilu_tid_named(rows[i].name);
		char text[ILU_TID_MAX];

		if (strcmp(ilu_tid_str(&tid, text), rows[i].text))
			fail_msg("row %zu: \"%s\"", i, text);
	}
}

static void test_equal(void **state)
{
	ilu_tid a = ilu_tid_named("a"), b = ilu_tid_named("b"), ab = ilu_tid_named("ab");
	ilu_tid r = ilu_tid_generate(), copy = r;

	(void)state;
	assert_true(ilu_tid_equal(&a, &a));
	assert_false(ilu_tid_equal(&a, &b));
	assert_false(ilu_tid_equal(&a, &ab));
	assert_false(ilu_tid_equal(&a, &r));
	assert_true(ilu_tid_equal(&r, &copy));
}

/* ---- uniqueness ---- */

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, 16);
}

/* Sorts. */
static void expect_unique(unsigned char (*ids)[16], size_t count)
{
	qsort(ids, count, 16, compare);
	for (size_t i = 1; i < count; i++)
		if (!memcmp(ids[i - 1], ids[i], 16))
			fail_msg("an id was given twice");
}

static void generate(unsigned char *out)
{
	ilu_tid tid = ilu_tid_generate();

	memcpy(out, &tid, 16);
}

#define THREADS 4
#define EACH    50000

static unsigned char made[THREADS * EACH][16];

static void *make_many(void *arg)
{
	for (size_t i = 0; i < EACH; i++)
		generate(made[(size_t)arg * EACH + i]);
	return NULL;
}

static void test_threads(void **state)
{
	pthread_t threads[THREADS];
	unsigned ones = 0;

	(void)state;
	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, make_many, (void *)i), 0);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	expect_unique(made, THREADS * EACH);
	for (size_t i = 0; i < THREADS * EACH; i++)
		for (size_t b = 0; b < 16; b++)
			ones += (unsigned)__builtin_popcount(made[i][b]);
	/* 25.6 million fair bits: one thousandth of them is ten standard deviations */
	assert_in_range(ones, THREADS * EACH * 64 * 0.999, THREADS * EACH * 64 * 1.001);
}

/* Parent and child go on from one half-used pool. */
static void fork_once(int raw)
{
	enum { N = 200 };
	static unsigned char ids[2 * N][16];
	int pipes[2];
	pid_t pid;
	size_t got = 0;

	assert_int_equal(pipe(pipes), 0);
	generate(ids[0]);
	pid = raw ? (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) : fork();
	for (size_t i = 0; i < N; i++)
		generate(ids[i]);
	if (!pid) {
		if (write(pipes[1], ids, 16 * N) != 16 * N)
			_exit(1);
		_exit(0);
	}
	assert_true(pid > 0);
	while (got < 16 * N) {
		ssize_t n = read(pipes[0], (char *)ids[N] + got, 16 * N - got);

		assert_true(n > 0);
		got += (size_t)n;
	}
	waitpid(pid, NULL, 0);
	close(pipes[0]);
	close(pipes[1]);
	expect_unique(ids, 2 * N);
}

static void test_fork(void **state)
{
	(void)state;
	fork_once(0);
	fork_once(1);
}

static unsigned char in_handler[20000][16];
static volatile size_t handled;

static void on_alarm(int sig)
{
	(void)sig;
	if (handled < 20000) {
		generate(in_handler[handled]);
		handled++;
	}
}

static void test_signals(void **state)
{
	struct itimerval often = {{0, 200}, {0, 200}}, never = {{0, 0}, {0, 0}};
	struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART}, old;
	unsigned char(*all)[16] = malloc(sizeof made + sizeof in_handler);
	size_t n = 0;

	(void)state;
	sigaction(SIGALRM, &action, &old);
	setitimer(ITIMER_REAL, &often, NULL);
	while (n < THREADS * EACH)
		generate(all[n++]);
	setitimer(ITIMER_REAL, &never, NULL);
	sigaction(SIGALRM, &old, NULL);
	memcpy(all[n], in_handler, handled * 16);
	expect_unique(all, n + handled);
	free(all);
}

static void test_errno_kept(void **state)
{
	(void)state;
	errno = 77;
	for (int i = 0; i < 200; i++)
		ilu_tid_generate();
	assert_int_equal(errno, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_text),       cmocka_unit_test(test_parse_leaves_output),
	    cmocka_unit_test(test_long_names), cmocka_unit_test(test_equal),
	    cmocka_unit_test(test_threads),    cmocka_unit_test(test_fork),
	    cmocka_unit_test(test_signals),    cmocka_unit_test(test_errno_kept),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
