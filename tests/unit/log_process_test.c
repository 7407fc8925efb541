/* SPDX-License-Identifier: Apache-2.0 */
/* Forked children that give up what their parent had: its user, its root, descriptors, threads, standard error. All
 * they say is in the parent's log. */
#define ILU_TARGET "test::process"
#include "log_util.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define EACH 500

static ilu_tid tid;

static void give_up_user(void)
{
	if (setgid(65534) || setuid(65534))
		_exit(9);
}

static void give_up_root(void)
{
	if (mkdir(log_path("jail"), 0755) || chroot(log_path("jail")) || chdir("/"))
		_exit(9);
}

static void limit(int resource, rlim_t most)
{
	struct rlimit r = {most, most};

	if (setrlimit((__rlimit_resource_t)resource, &r))
		_exit(9);
}

static void give_up_descriptors(void)
{
	limit(RLIMIT_NOFILE, 3);
}

static void give_up_threads(void)
{
	limit(RLIMIT_NPROC, 0);
	if (setgid(65534) || setuid(65533))
		_exit(9);
}

static void give_up_stderr(void)
{
	close(0);
	close(1);
	close(2);
}

static void give_up_names(void)
{
	unlink(log_path("t.log"));
}

static void daemonize(void)
{
	if (fork())
		_exit(0);
	setsid();
	if (fork())
		_exit(0);
	if (chdir("/"))
		_exit(9);
	give_up_stderr();
}

/* As `exit` does, which writes all; but the address sanitizer's look for leaks wants threads, descriptors and /proc. */
static void leave(void)
{
	if (!LOG_ASAN)
		exit(0);
	_exit(ilu_log_stop() != 0);
}

/* In the child: `give_up`, then speak. */
static void child(void (*give_up)(void))
{
	struct ilu_log_stats stats = {.size = sizeof stats};

	give_up();
	for (int i = 0; i < EACH; i++)
		ilu_info(&tid, "child", KV("i", i));
	ilu_warn(&tid, "child warns");
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		_exit(8);
	ilu_log_stats(&stats);
	if (stats.lost || stats.lines < EACH + 1)
		_exit(7);
	ilu_info(&tid, "child ends");
	leave();
}

static void expect_child(void (*give_up)(void), int needs_root)
{
	json_t *lines;
	int status;

	if (LOG_TSAN || (needs_root && geteuid())) {
		print_message("skipped: %s\n", LOG_TSAN ? "no threads after a fork" : "needs root");
		skip();
	}
	fflush(NULL);
	log_begin("");
	ilu_info(&tid, "parent");
	if (!fork())
		child(give_up);
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	for (;;) { /* one that has left its parent ends later */
		ilu_info(&tid, "parent waits");
		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
		lines = log_lines();
		if (log_count(lines, "child ends"))
			break;
		json_decref(lines);
		usleep(10000);
	}
	assert_int_equal(log_count(lines, "child"), EACH);
	assert_int_equal(log_count(lines, "child warns"), 1);
	assert_int_equal(log_count(lines, "Log file opened"), 0);
	assert_int_equal(log_count(lines, "Logger initialized"), 2);
	json_decref(lines);
	assert_int_equal(ilu_log_stop(), 0);
	rmdir(log_path("jail"));
	log_remove();
}

static void test_setuid(void **state)
{
	(void)state;
	expect_child(give_up_user, 1);
}

static void test_chroot(void **state)
{
	(void)state;
	expect_child(give_up_root, 1);
}

static void test_no_descriptors(void **state)
{
	(void)state;
	expect_child(give_up_descriptors, 0);
}

static void test_no_threads(void **state)
{
	(void)state;
	expect_child(give_up_threads, 1);
}

static void test_no_stderr(void **state)
{
	(void)state;
	expect_child(give_up_stderr, 0);
}

static void test_daemonize(void **state)
{
	(void)state;
	expect_child(daemonize, 0);
}

/* The file loses its name: the child may not make another. What it says is lost, and it is told so; or its parent has
 * made one, and sent it. */
static void test_without_a_name(void **state)
{
	json_t *lines;
	int status;

	(void)state;
	if (LOG_TSAN || geteuid()) {
		print_message("skipped: needs root, and threads after a fork\n");
		skip();
	}
	fflush(NULL);
	log_begin("");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	if (!fork()) {
		int rc;

		give_up_names();
		give_up_user();
		ilu_info(&tid, "somewhere");
		rc = ilu_log_flush(ILU_ACK_KERNEL, -1);
		_exit(rc == -EACCES ? 1 : rc ? 2 : 0);
	}
	assert_true(wait(&status) > 0);
	ilu_info(&tid, "parent");
	assert_int_equal(ilu_log_stop(), 0);
	assert_in_range(WEXITSTATUS(status), 0, 1);
	lines = log_lines();
	assert_int_equal(log_count(lines, "somewhere"), !status);
	assert_int_equal(log_count(lines, "parent"), 1);
	json_decref(lines);
	log_remove();
}

/* In a process without threads callers wait for nobody: not for room in a ring, not at a fork. */
static void test_no_threads_much(void **state)
{
	json_t *lines;
	int status;

	(void)state;
	if (LOG_TSAN || geteuid())
		skip();
	fflush(NULL);
	log_begin("\"ring_bytes\":65536");
	if (!fork()) {
		give_up_threads();
		for (int i = 0; i < 5000; i++)
			ilu_info(&tid, "much", KV("i", i),
			         KV("pad", "......................................................"));
		leave();
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	lines = log_end();
	assert_int_equal(log_count(lines, "much"), 5000);
	json_decref(lines);
}

/* Workers that come and go under load: every line of every one. */
static void test_many_forks(void **state)
{
	const int forks = getenv("ILU_TEST_MORE") ? 1000 : 100;
	json_t *lines;
	int status;

	(void)state;
	if (LOG_TSAN || LOG_ASAN) /* its allocator may be locked in the child, for ever */
		skip();
	fflush(NULL);
	log_begin("");
	for (int i = 0; i < forks; i++) {
		if (!fork()) {
			ilu_info(&tid, "worker", KV("i", i));
			exit(0);
		}
		ilu_info(&tid, "master", KV("i", i));
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	lines = log_end();
	assert_int_equal(log_count(lines, "worker"), forks);
	assert_int_equal(log_count(lines, "master"), forks);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_setuid),         cmocka_unit_test(test_chroot),
	    cmocka_unit_test(test_no_descriptors), cmocka_unit_test(test_no_threads),
	    cmocka_unit_test(test_no_stderr),      cmocka_unit_test(test_daemonize),
	    cmocka_unit_test(test_without_a_name), cmocka_unit_test(test_no_threads_much),
	    cmocka_unit_test(test_many_forks),
	};

	tid = ilu_tid_named("Process");
	return cmocka_run_group_tests_name("log_process_test", tests, NULL, NULL);
}
