/* SPDX-License-Identifier: Apache-2.0 */
/* Forked children that give up what their parent had: its user, its root, descriptors, threads, standard error. All
 * they say is in the parent's log. */
#define ILU_TARGET "test::process"
#include "log_util.h"
#include "tries.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define EACH 500
#define MANY 200 /* threads at once */

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
	const int forks = (int)tries(100, 1000, 1000);
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

/* The sum of the lines of all files of the log; they go. */
static int count_files(const char *message, int *files)
{
	struct dirent *entry;
	DIR *dir = opendir(log_dir);
	int n = 0;

	*files = 0;
	while ((entry = readdir(dir))) {
		json_t *lines;

		if (strncmp(entry->d_name, "t.log", 5) != 0)
			continue;
		lines = log_lines_of(log_path(entry->d_name));
		n += log_count(lines, message);
		json_decref(lines);
		++*files;
	}
	closedir(dir);
	return n;
}

/* The same while the log is rotated, about once a fork; how much each says is drawn. */
static void test_forks_and_rotations(void **state)
{
	const int forks = (int)tries(50, 200, 1000);
	uint32_t seed = getenv("ILU_TEST_SEED") ? (uint32_t)atoi(getenv("ILU_TEST_SEED")) : 1;
	int status, files, workers = 0, master = 0;

	(void)state;
	if (LOG_TSAN || LOG_ASAN)
		skip();
	fflush(NULL);
	log_begin("\"rotate\":{\"bytes\":65536},\"ring_bytes\":65536");
	for (int i = 0; i < forks; i++) {
		int theirs, ours;

		seed = seed * 1664525 + 1013904223;
		theirs = 1 + (int)(seed >> 16) % 40;
		ours = 300 + (int)(seed >> 8) % 400;
		if (!fork()) {
			for (int n = 0; n < theirs; n++)
				ilu_info(&tid, "worker", KV("i", i), KV("n", n));
			exit(0);
		}
		for (int n = 0; n < ours; n++)
			ilu_info(&tid, "master", KV("i", i), KV("n", n));
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		workers += theirs;
		master += ours;
	}
	assert_int_equal(ilu_log_stop(), 0);
	assert_int_equal(count_files("worker", &files), workers);
	assert_int_equal(count_files("master", &files), master);
	assert_true(files > forks / 2);
	print_message("%d of 1,000 forks, %d rotations: %d lines, as many as were said\n", forks, files - 1,
	              workers + master);
	assert_int_equal(log_remove_dir(), 0);
}

/* ---- the process itself ---- */

/* In a child that is no logger's child: `run`, whose exit status must be 0. Its lines; yours. */
static json_t *alone(void (*run)(void))
{
	json_t *lines;
	int status;

	fflush(NULL);
	log_make_dir();
	if (!fork())
		run();
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	lines = log_lines();
	log_remove();
	return lines;
}

static void begin(const char *keys)
{
	char config[400];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\"%s%s}", log_dir, *keys ? "," : "",
	         keys);
	if (ilu_log_start(config))
		_exit(9);
}

/* "VmRSS:", what is resident; "VmLck:", locked, pages that are not there included. */
static long status_kib(const char *name)
{
	FILE *f = fopen("/proc/self/status", "r");
	char line[200];
	long kib = -1;

	while (f && fgets(line, sizeof line, f))
		if (!strncmp(line, name, strlen(name)))
			kib = atol(line + strlen(name));
	if (f)
		fclose(f);
	return kib;
}

static void *in_a_thread(void *arg)
{
	ilu_info(&tid, "thread", KV("i", (int)(intptr_t)arg));
	return arg;
}

static pthread_barrier_t crowd;

static void *in_a_crowd(void *arg)
{
	ilu_info(&tid, "in a crowd");
	pthread_barrier_wait(&crowd);
	pthread_barrier_wait(&crowd);
	return arg;
}

/* Threads that have a ring each, at once. Returns what is locked then. */
static long be_many(int count)
{
	long locked;

	pthread_t thread[MANY];
	pthread_attr_t small;

	pthread_barrier_init(&crowd, NULL, (unsigned)count + 1);
	pthread_attr_init(&small);
	pthread_attr_setstacksize(&small, 32768);
	for (int i = 0; i < count; i++)
		if (pthread_create(&thread[i], &small, in_a_crowd, NULL))
			_exit(8);
	pthread_barrier_wait(&crowd);
	locked = status_kib("VmLck:");
	pthread_barrier_wait(&crowd);
	for (int i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
	pthread_attr_destroy(&small);
	pthread_barrier_destroy(&crowd);
	return locked;
}

/* The appender gives their rings back, one at a time, when it has nothing else to do. */
static long wait_until_they_are_given_back(void)
{
	while (status_kib("VmRSS:") > 150 * 1024)
		usleep(10000);
	return status_kib("VmLck:");
}

/* A child's memory is not locked, and stays so. */
static void lock_nothing(void)
{
	if (be_many(MANY))
		_exit(4);
	wait_until_they_are_given_back();
	if (be_many(MANY))
		_exit(3);
	_exit(ilu_log_stop() != 0);
}

/* Locked memory is that of rings somebody has, not of all there may be, 256 MiB; those of a crowd are given back when
 * it is gone, and what is used again is locked again. */
static void lock_memory(void)
{
	pthread_t thread[8];
	int status;
	pid_t child;
	long locked;

	begin("");
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		_exit(0);
	for (intptr_t i = 0; i < 8; i++)
		if (pthread_create(&thread[i], NULL, in_a_thread, (void *)i))
			_exit(8);
	for (int i = 0; i < 8; i++)
		pthread_join(thread[i], NULL);
	if (status_kib("VmRSS:") > 150 * 1024)
		_exit(7);
	locked = be_many(MANY);
	if (wait_until_they_are_given_back() > locked - 100 * 1024)
		_exit(6);
	if (be_many(MANY) < locked - 32 * 1024)
		_exit(5);
	wait_until_they_are_given_back();
	child = fork();
	if (!child)
		lock_nothing();
	if (waitpid(child, &status, 0) != child || status)
		_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 2);
	_exit(ilu_log_stop() != 0);
}

static void test_locked_memory(void **state)
{
	json_t *lines;

	(void)state;
	if (LOG_TSAN || LOG_ASAN) {
		print_message("skipped: the sanitizers' memory is not to be locked\n");
		skip();
	}
	lines = alone(lock_memory);
	assert_true(json_array_size(lines) == 1 || log_count(lines, "thread") == 8);
	json_decref(lines);
}

/* Without descriptors after the start the log goes on; a new file cannot be had, and that is said. */
static void no_more_descriptors(void)
{
	struct ilu_log_stats stats = {.size = sizeof stats};

	begin("");
	limit(RLIMIT_NOFILE, 0);
	ilu_info(&tid, "before");
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	if (rename(log_file(), log_path("t.old")))
		_exit(8);
	ilu_log_reopen();
	ilu_info(&tid, "after");
	if (ilu_log_flush(ILU_ACK_KERNEL, -1) || rename(log_path("t.old"), log_file()))
		_exit(7);
	ilu_log_stats(&stats);
	if (stats.lost || stats.reopen_failures < 1)
		_exit(6);
	_exit(ilu_log_stop() != 0);
}

static void test_no_descriptors_after_the_start(void **state)
{
	json_t *lines, *told;

	(void)state;
	if (LOG_TSAN || LOG_ASAN)
		skip();
	lines = alone(no_more_descriptors);
	assert_int_equal(log_count(lines, "before") + log_count(lines, "after"), 2);
	told = log_find(lines, "Log file not opened anew", 0);
	assert_int_equal(json_integer_value(log_field(told, "errno")), EMFILE);
	json_decref(lines);
}

/* Programs that are started have none of the library's descriptors, and write nothing of the log twice. */
static void start_programs(void)
{
	char *look[] = {"sh", "-c", "for n in 100 101 102 103 104 105; do test ! -e /proc/self/fd/$n || exit 1; done",
	                NULL};
	pid_t pid;
	int status;

	begin("");
	for (int i = 0; i < 20; i++) {
		ilu_info(&tid, "line", KV("i", i));
		if (i & 1) {
			pid = vfork();
			if (!pid) {
				execv("/bin/sh", look);
				_exit(9);
			}
		} else if (posix_spawn(&pid, "/bin/sh", NULL, NULL, look, environ)) {
			_exit(8);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			_exit(7);
	}
	_exit(ilu_log_stop() != 0);
}

static void test_programs(void **state)
{
	json_t *lines;

	(void)state;
	if (LOG_TSAN)
		skip();
	lines = alone(start_programs);
	assert_int_equal(log_count(lines, "line"), 20);
	assert_int_equal(log_check_numbers(lines, "t.log"), 0);
	json_decref(lines);
}

/* What was flushed is there; the exit handlers that write the rest do not run. */
static void leave_quickly(void)
{
	begin("");
	ilu_info(&tid, "flushed");
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		_exit(8);
	quick_exit(0);
}

static void test_quick_exit(void **state)
{
	json_t *lines;

	(void)state;
	lines = alone(leave_quickly);
	assert_int_equal(log_count(lines, "flushed"), 1);
	json_decref(lines);
}

/* Exit handlers that were registered after the start still log; those before it, and destructors, come after the stop.
 */
static void at_the_end(void)
{
	ilu_info(&tid, "in an exit handler");
}

static void leave_by_exit(void);
static bool is_leaving;

__attribute__((destructor)) static void destroy(void)
{
	if (!is_leaving)
		return;
	ilu_info(&tid, "in a destructor");
	ILU_SPAN(span, "late", &tid);
	ilu_span_release(ilu_span_share(span));
}

static void leave_by_exit(void)
{
	is_leaving = true;
	atexit(at_the_end);
	begin("");
	atexit(at_the_end);
	ilu_info(&tid, "last");
	leave();
}

static void test_exit_handlers(void **state)
{
	json_t *lines;

	(void)state;
	if (LOG_TSAN || LOG_ASAN)
		skip();
	lines = alone(leave_by_exit);
	assert_int_equal(log_count(lines, "last"), 1);
	assert_int_equal(log_count(lines, "in an exit handler"), 1);
	assert_int_equal(log_count(lines, "in a destructor"), 0);
	json_decref(lines);
}

/* _Fork(3) runs no handlers: the child keeps off its parent's rings, and has a log of its own from its first call. */
static atomic_bool end_of_load;

static void *load(void *arg)
{
	for (int i = 0; !atomic_load(&end_of_load); i++) {
		ilu_info(&tid, "load", KV("i", i));
		usleep(100);
	}
	return arg;
}

static void fork_without_handlers(void)
{
	pthread_t thread;
	int status;

	begin("");
	pthread_create(&thread, NULL, load, NULL);
	for (int i = 0; i < 20; i++) {
		pid_t pid = _Fork();

		if (!pid) {
			for (int n = 0; n < 20; n++)
				ilu_info(&tid, "child", KV("n", n));
			_exit(ilu_log_flush(ILU_ACK_KERNEL, -1) != 0);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			_exit(7);
	}
	atomic_store(&end_of_load, true);
	pthread_join(thread, NULL);
	_exit(ilu_log_stop() != 0);
}

static void test_fork_without_handlers(void **state)
{
	json_int_t first, next = 0;
	json_t *lines, *line;
	size_t i;

	(void)state;
	if (LOG_TSAN || LOG_ASAN) {
		print_message("skipped: the sanitizers' allocators want the handlers\n");
		skip();
	}
	lines = alone(fork_without_handlers);
	assert_int_equal(log_count(lines, "child"), 20 * 20);
	assert_int_equal(log_count(lines, "Logger initialized"), 21);
	first = json_integer_value(json_object_get(json_array_get(lines, 0), "pid"));
	json_array_foreach(lines, i, line)
	{
		if (json_integer_value(json_object_get(line, "pid")) != first)
			continue;
		assert_string_not_equal(log_message(line), "child");
		if (!strcmp(log_message(line), "load"))
			assert_int_equal(json_integer_value(log_field(line, "i")), next++);
	}
	assert_true(next > 0);
	json_decref(lines);
}

/* The parent has much to write to a slow reader: the fork waits for that, and the child knows the open spans. It does
 * not wait for one that does not read: when that one does, the parent goes on as the child did. */
static int slow_ends[2];

static void *read_slowly(void *arg)
{
	char bytes[16384];

	while (read(slow_ends[0], bytes, sizeof bytes) > 0)
		usleep(60000);
	return arg;
}

static void start_reader(void)
{
	pthread_t reader;

	if (pthread_create(&reader, NULL, read_slowly, NULL))
		_exit(9);
}

static void speak_in_a_child(bool flush)
{
	int status;

	if (!fork()) {
		ilu_info(&tid, "child");
		_exit(flush && ilu_log_flush(ILU_ACK_KERNEL, -1));
	}
	if (wait(&status) < 0 || status)
		_exit(7);
}

static void fork_beside_a_reader(bool reads)
{
	char keys[100];

	if (pipe(slow_ends))
		_exit(9);
	snprintf(keys, sizeof keys, "\"ring_bytes\":4194304,\"sinks\":[{\"fd\":%d}]", slow_ends[1]);
	begin(keys);
	if (reads)
		start_reader();
	{
		ILU_SPAN(span, "open", &tid, KV("field", 7));
		for (int i = 0; i < 2000; i++)
			ilu_info(&tid, "line", KV("i", i));
		speak_in_a_child(reads);
	}
	if (!reads)
		start_reader();
	ilu_info(&tid, "parent");
	_exit(ilu_log_stop() != 0);
}

static void fork_beside_a_slow_reader(void)
{
	fork_beside_a_reader(true);
}

static void fork_beside_nobody(void)
{
	fork_beside_a_reader(false);
}

static void test_fork_beside_a_slow_reader(void **state)
{
	json_t *lines, *line;

	(void)state;
	if (LOG_TSAN || LOG_ASAN)
		skip();
	lines = alone(fork_beside_a_slow_reader);
	line = log_find(lines, "child", 0);
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "span"), "field")), 7);
	assert_int_equal(log_count(lines, "line"), 2000);
	json_decref(lines);
	lines = alone(fork_beside_nobody);
	assert_int_equal(log_count(lines, "line"), 2000);
	assert_int_equal(log_count(lines, "parent"), 1);
	json_decref(lines);
}

static void *read_later(void *arg)
{
	usleep(300000);
	return read_slowly(arg);
}

/* A fork that gave up waiting, and another one while the appender still writes what it read for the first: that one
 * waits for what was logged between them. */
static void fork_after_one_in_vain(void)
{
	char keys[100];
	pthread_t reader;

	if (pipe(slow_ends))
		_exit(9);
	snprintf(keys, sizeof keys, "\"ring_bytes\":4194304,\"sinks\":[{\"fd\":%d}]", slow_ends[1]);
	begin(keys);
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	usleep(100000); /* the appender parks */
	for (int i = 0; i < 600; i++)
		ilu_info(&tid, "line", KV("i", i));
	speak_in_a_child(false);
	{
		ILU_SPAN(span, "open", &tid, KV("field", 7));
		if (pthread_create(&reader, NULL, read_later, NULL))
			_exit(9);
		speak_in_a_child(true);
	}
	_exit(ilu_log_stop() != 0);
}

static void test_fork_after_one_in_vain(void **state)
{
	json_t *lines;
	int known = 0;

	(void)state;
	if (LOG_TSAN || LOG_ASAN)
		skip();
	lines = alone(fork_after_one_in_vain);
	for (int i = 0, n = log_count(lines, "child"); i < n; i++) /* the first one has no span */
		known += json_object_get(log_find(lines, "child", i), "span") != NULL;
	assert_int_equal(known, 1);
	assert_int_equal(log_count(lines, "line"), 600);
	json_decref(lines);
}

/* A start without memory says which keys to look at. */
static void start_without_memory(void)
{
	char config[300];

	limit(RLIMIT_AS, 200 << 20);
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"ring_bytes\":16777216}", log_dir);
	if (ilu_log_start(config) != -ENOMEM)
		_exit(8);
	_exit(!strstr(ilu_log_error(), "\"rings\"") || !strstr(ilu_log_error(), "\"ring_bytes\""));
}

static void test_start_without_memory(void **state)
{
	int status;

	(void)state;
	if (LOG_TSAN || LOG_ASAN)
		skip();
	fflush(NULL);
	log_make_dir();
	if (!fork())
		start_without_memory();
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	log_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    /* before this process has rings */
	    cmocka_unit_test(test_start_without_memory),
	    cmocka_unit_test(test_locked_memory),
	    cmocka_unit_test(test_no_descriptors_after_the_start),
	    cmocka_unit_test(test_programs),
	    cmocka_unit_test(test_quick_exit),
	    cmocka_unit_test(test_exit_handlers),
	    cmocka_unit_test(test_fork_without_handlers),
	    cmocka_unit_test(test_fork_beside_a_slow_reader),
	    cmocka_unit_test(test_fork_after_one_in_vain),
	    cmocka_unit_test(test_setuid),
	    cmocka_unit_test(test_chroot),
	    cmocka_unit_test(test_no_descriptors),
	    cmocka_unit_test(test_no_threads),
	    cmocka_unit_test(test_no_stderr),
	    cmocka_unit_test(test_daemonize),
	    cmocka_unit_test(test_without_a_name),
	    cmocka_unit_test(test_no_threads_much),
	    cmocka_unit_test(test_many_forks),
	    cmocka_unit_test(test_forks_and_rotations),
	};

	tid = ilu_tid_named("Process");
	return cmocka_run_group_tests_name("log_process_test", tests, NULL, NULL);
}
