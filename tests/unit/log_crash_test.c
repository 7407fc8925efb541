/* SPDX-License-Identifier: Apache-2.0 */
/* What is written at once: the lines of a process that a signal kills, with a line that tells it; and an event of a
 * level that does not wait. */
#define ILU_TARGET "test::crash"
#include "log_util.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>

#define LINES 2000

static ilu_tid tid;

static void *volatile nowhere = (void *)16; /* NULL itself is caught by a sanitizer */
static volatile int zero;

static void segv(void)
{
	*(volatile int *)nowhere = 1;
}

static void bus(void)
{
	FILE *f = tmpfile();
	volatile char *at = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);

	*at = 1; /* past the end of the file */
}

static void fpe(void)
{
#ifdef __x86_64__
	int one = 1;

	__asm__ volatile("cltd; idivl %1" : "+a"(one) : "r"(zero) : "edx", "cc"); /* as the sanitizers do not know it */
#else
	raise(SIGFPE);
#endif
}

static void ill(void)
{
	raise(SIGILL);
}

static void *crash_in_a_thread(void *how)
{
	ILU_SPAN(span, "request", &tid, KV("n", 1));

	ilu_debug(&tid, "before the end");
	((void (*)(void))how)();
	return NULL;
}

static void child(void (*how)(void), bool thread)
{
	const struct rlimit no_core = {0, 0};
	pthread_t t;

	setrlimit(RLIMIT_CORE, &no_core);
	for (int i = 0; i < LINES; i++)
		ilu_info(&tid, "line", KV("i", i));
	if (!thread)
		crash_in_a_thread((void *)how);
	if (pthread_create(&t, NULL, crash_in_a_thread, (void *)how))
		_exit(9);
	pthread_join(t, NULL);
	_exit(8);
}

/* Cmocka has some, and they go on with the next test. */
static void forget_handlers(void)
{
	static const int signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};

	for (size_t i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], SIG_DFL);
}

static void expect(void (*how)(void), int sig, const char *name, bool thread)
{
	json_t *lines, *line;
	char text[ILU_TID_MAX];
	int status;
	pid_t pid;

	if (LOG_TSAN) {
		print_message("skipped: no threads after a fork\n");
		skip();
	}
	fflush(NULL);
	tid = ilu_tid_generate();
	log_make_dir();
	pid = fork();
	if (!pid) {
		char config[300];

		forget_handlers();
		snprintf(config, sizeof config,
		         "{\"directory\":\"%s\",\"basename\":\"t\",\"crash_handler\":true,\"grace_ms\":1000,"
		         "\"recorder\":{\"level\":\"debug\"}}",
		         log_dir);
		if (ilu_log_start(config))
			_exit(7);
		child(how, thread);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == sig);
	lines = log_lines();
	log_remove();
	assert_int_equal(log_count(lines, "line"), LINES);
	assert_int_equal(log_count(lines, "Process killed by a signal"), 1);
	line = log_find(lines, "Process killed by a signal", 0);
	assert_string_equal(json_string_value(log_field(line, "signal")), name);
	assert_string_equal(json_string_value(log_field(line, "tid")), ilu_tid_str(&tid, text));
	assert_string_equal(json_string_value(json_object_get(line, "level")), "ERROR");
	assert_true(json_is_true(json_object_get(log_find(lines, "before the end", 0), "recorded")));
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

static void test_segv(void **state)
{
	(void)state;
	expect(segv, SIGSEGV, "SIGSEGV", false);
	expect(segv, SIGSEGV, "SIGSEGV", true);
}

static void test_bus(void **state)
{
	(void)state;
	expect(bus, SIGBUS, "SIGBUS", true);
}

static void test_abort(void **state)
{
	(void)state;
	expect(abort, SIGABRT, "SIGABRT", false);
}

static void test_fpe(void **state)
{
	(void)state;
	expect(fpe, SIGFPE, "SIGFPE", false);
}

static void test_ill(void **state)
{
	(void)state;
	expect(ill, SIGILL, "SIGILL", false);
}

static void mine(int sig)
{
	(void)sig;
	_exit(3);
}

/* A handler that was there before gets the signal after ours; after the stop it has it back. */
static void test_handlers_of_the_program(void **state)
{
	struct sigaction action = {.sa_handler = mine}, now;
	json_t *lines;
	int status;

	(void)state;
	if (LOG_TSAN)
		skip();
	log_make_dir();
	if (!fork()) {
		char config[300];

		snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"crash_handler\":true}",
		         log_dir);
		forget_handlers();
		sigaction(SIGABRT, &action, NULL);
		if (ilu_log_start(config) || ilu_log_stop() || sigaction(SIGABRT, NULL, &now) ||
		    now.sa_handler != mine || ilu_log_start(config))
			_exit(7);
		abort();
	}
	wait(&status);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 3);
	lines = log_lines();
	log_remove();
	assert_int_equal(log_count(lines, "Process killed by a signal"), 1);
	json_decref(lines);
}

/* ---- flush_on ---- */

static off_t size_of_log(void)
{
	struct stat st;

	return stat(log_file(), &st) ? 0 : st.st_size;
}

static double now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec * 1e-9;
}

/* Without it no line can be there before its grace window has passed; with it one of some is, on however slow a
 * machine. */
static void test_an_error_does_not_wait(void **state)
{
	bool soon = false;
	json_t *lines;
	int tries;

	(void)state;
	log_begin("\"grace_ms\":1000,\"flush_on\":\"warn\"");
	for (tries = 0; tries < 100 && !soon; tries++) {
		off_t before;
		double begin;

		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
		before = size_of_log();
		begin = now_s();
		ilu_info(&tid, "waits, but not behind an error", KV("i", tries));
		if (tries % 2)
			ilu_error(&tid, "at once", KV("i", tries));
		else
			ilu_warn(&tid, "at once", KV("i", tries));
		while (size_of_log() == before)
			usleep(1000);
		soon = now_s() - begin < 0.9;
	}
	assert_true(soon);
	lines = log_end();
	assert_int_equal(log_count(lines, "at once"), tries);
	assert_int_equal(log_count(lines, "waits, but not behind an error"), tries);
	json_decref(lines);
}

static void *speak(void *arg)
{
	for (int i = 0; i < 500; i++) {
		ilu_info(&tid, "step", KV("i", i));
		if (i % 10 == 0)
			ilu_error(&tid, "error", KV("i", i));
	}
	return arg;
}

/* Of many threads, none is lost or twice there. */
static void test_of_many_threads(void **state)
{
	pthread_t thread[6];
	json_t *lines;

	(void)state;
	log_begin(
	    "\"flush_on\":\"error\",\"rate_limits\":[{\"message\":\"limited\",\"per_second\":0.001,\"burst\":1}]");
	for (int t = 0; t < 6; t++)
		assert_int_equal(pthread_create(&thread[t], NULL, speak, NULL), 0);
	for (int t = 0; t < 6; t++)
		pthread_join(thread[t], NULL);
	for (int i = 0; i < 3; i++)
		ilu_error(&tid, "limited");
	lines = log_end();
	assert_int_equal(log_count(lines, "step"), 3000);
	assert_int_equal(log_count(lines, "error"), 300);
	assert_int_equal(log_count(lines, "limited"), 1);
	assert_int_equal(log_check_numbers(lines, "log"), 0);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_segv),
	    cmocka_unit_test(test_bus),
	    cmocka_unit_test(test_abort),
	    cmocka_unit_test(test_fpe),
	    cmocka_unit_test(test_ill),
	    cmocka_unit_test(test_handlers_of_the_program),
	    cmocka_unit_test(test_an_error_does_not_wait),
	    cmocka_unit_test(test_of_many_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
