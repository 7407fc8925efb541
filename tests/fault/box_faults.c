/* SPDX-License-Identifier: Apache-2.0 */
/* box_faults.c - a process is killed, and the next start with its log meets the n-th failure of each kind of call,
 * while it makes its own black box and while it recovers the dead one's. The start may fail or go without a box; but
 * when another one, without faults, has been there, all that was said before the kill is in the log once, in whole
 * lines, and no box is left. */
#define ILU_TARGET "faulty"
#include <ilu/log.h>

#include "faults.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

enum { THREADS = 3, WRITTEN = 20, EACH = 60 };

/* What the child tells: shared memory. */
static struct report {
	unsigned calls;                  /* of the kind that fails */
	char complaint[FAULT_COMPLAINT]; /* why the child is not content */
} * report;

static char directory[64];
static char box_name[300];

static char *path_of(const char *name)
{
	static char path[2][400];
	static int n;

	n = (n + 1) % 2;
	snprintf(path[n], sizeof path[n], "%s/%s", directory, name);
	return path[n];
}

static int begin(void)
{
	char config[300];

	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"basename\":\"log\",\"black_box\":\"%s/box\",\"ring_bytes\":65536,\"rings\":8,"
	         "\"span_slots\":1024,\"spanning\":\"FULL\",\"grace_ms\":1000}",
	         directory, directory);
	return ilu_log_start(config);
}

/* ---- who dies ---- */

static pthread_barrier_t all_said;

static void *say(void *arg)
{
	ilu_tid tid = ilu_tid_generate();
	ILU_SPAN(span, "work", &tid, KV("of", *(int *)arg));

	for (int i = 0; i < EACH; i++)
		ilu_info(&tid, "Said", KV("t", *(int *)arg), KV("i", WRITTEN + i), KV("text", "with \"quotes\""));
	pthread_barrier_wait(&all_said);
	pause();
	return NULL;
}

static void say_and_die(void)
{
	static int numbers[THREADS];
	pthread_t thread;
	ilu_tid tid = ilu_tid_generate();

	if (begin())
		_exit(1);
	pthread_barrier_init(&all_said, NULL, THREADS + 1);
	for (int t = 0; t < THREADS; t++)
		for (int i = 0; i < WRITTEN; i++)
			ilu_info(&tid, "Said", KV("t", t), KV("i", i), KV("text", "written"));
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		_exit(1);
	for (int t = 0; t < THREADS; t++) {
		numbers[t] = t;
		if (pthread_create(&thread, NULL, say, &numbers[t]))
			_exit(1);
	}
	pthread_barrier_wait(&all_said);
	raise(SIGKILL);
}

/* ---- its log and box, as often as they are wanted ---- */

static struct {
	char *log;
	size_t log_len;
	char *box;
	size_t box_len;
} kept;

static char *read_file(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *bytes;

	*len = 0;
	if (fd < 0)
		return NULL;
	assert_int_equal(fstat(fd, &st), 0);
	bytes = mmap(NULL, (size_t)st.st_size + 1, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
	             -1, 0);
	assert_true(bytes != MAP_FAILED);
	for (off_t at = lseek(fd, 0, SEEK_DATA), hole; at >= 0 && at < st.st_size; at = lseek(fd, hole, SEEK_DATA)) {
		hole = lseek(fd, at, SEEK_HOLE);
		assert_int_equal(pread(fd, bytes + at, (size_t)(hole - at), at), hole - at);
	}
	close(fd);
	*len = (size_t)st.st_size;
	return bytes;
}

/* Pages of zeros stay holes. */
static void write_file(const char *path, const char *bytes, size_t len)
{
	static const char zeros[4096];
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)len), 0);
	for (size_t at = 0; at < len; at += sizeof zeros) {
		size_t n = len - at < sizeof zeros ? len - at : sizeof zeros;

		if (memcmp(bytes + at, zeros, n) != 0)
			assert_int_equal(pwrite(fd, bytes + at, n, (off_t)at), n);
	}
	close(fd);
}

/* How many files of boxes there are, and the name of one. */
static int boxes(char *name)
{
	DIR *d = opendir(path_of("box"));
	int n = 0;

	for (struct dirent *e; d && (e = readdir(d));) {
		if (*e->d_name == '.')
			continue;
		n++;
		if (name)
			snprintf(name, 300, "%s/%s", path_of("box"), e->d_name);
	}
	closedir(d);
	return n;
}

static void make_box(void)
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (!pid)
		say_and_die();
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	assert_int_equal(boxes(box_name), 1);
	kept.log = read_file(path_of("log.log"), &kept.log_len);
	kept.box = read_file(box_name, &kept.box_len);
}

/* ---- the next start ---- */

static void complain(const char *what, int rc)
{
	fault_complain(report->complaint, what, rc);
}

static int start_twice(enum fault_kind kind, unsigned first, unsigned count)
{
	ilu_tid tid = ilu_tid_named("Next");
	int rc;

	fault_arm(kind, first, count);
	rc = begin();
	for (int i = 0; i < 5; i++)
		ilu_info(&tid, "After", KV("i", i));
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	report->calls = fault_disarm();
	if (!rc)
		ilu_log_stop();
	complain("a start without faults", begin());
	complain("a stop without faults", ilu_log_stop());
	return *report->complaint != '\0';
}

/* ---- the log ---- */

static void check_line(const char *line, size_t len, int said[THREADS], const char *what, unsigned n)
{
	json_t *event = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL), *fields = json_object_get(event, "fields");
	const char *message = json_string_value(json_object_get(fields, "message"));

	if (!message)
		fail_msg("%s %u: no event line: %.*s", what, n, (int)len, line);
	if (!strcmp(message, "Said")) {
		int t = (int)json_integer_value(json_object_get(fields, "t"));
		int i = (int)json_integer_value(json_object_get(fields, "i"));

		if (said[t]++ != i)
			fail_msg("%s %u: thread %d: %d where %d was due", what, n, t, i, said[t] - 1);
	}
	json_decref(event);
}

static void check_log(const char *what, unsigned n)
{
	int said[THREADS] = {0};
	char left[300] = "";
	size_t len;
	char *text = read_file(path_of("log.log"), &len);

	for (char *at = text, *end = text + len; at < end;) {
		char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline)
			fail_msg("%s %u: cut: %s", what, n, at);
		check_line(at, (size_t)(newline - at), said, what, n);
		at = newline + 1;
	}
	munmap(text, len + 1);
	for (int t = 0; t < THREADS; t++)
		if (said[t] != WRITTEN + EACH)
			fail_msg("%s %u: thread %d: %d of %d are there", what, n, t, said[t], WRITTEN + EACH);
	if (boxes(left))
		fail_msg("%s %u: %s is left", what, n, left);
}

static void run_child(enum fault_kind kind, unsigned n, unsigned count)
{
	memset(report, 0, sizeof *report);
	write_file(path_of("log.log"), kept.log, kept.log_len);
	write_file(box_name, kept.box, kept.box_len);
	fault_try(start_twice, kind, n, count, report->complaint);
	check_log(fault_names[kind], n);
}

static void every(enum fault_kind kind, unsigned count)
{
	unsigned n = 1;

	do {
		run_child(kind, n, count);
		n++;
	} while (n <= report->calls + 1);
	print_message("%s: failed in %u runs, %u at a time; %u calls in the last\n", fault_names[kind], n - 2, count,
	              report->calls);
}

static void test_kind(void **state)
{
	enum fault_kind kind = *(enum fault_kind *)*state;

	every(kind, 1);
	every(kind, 4);
}

static int setup(void **state)
{
	(void)state;
	unsetenv("ILU_LOG__black_box"); /* it would go over ours */
	strcpy(directory, access("/dev/shm", W_OK) ? "/tmp/box_faults.XXXXXX" : "/dev/shm/box_faults.XXXXXX");
	report = mmap(NULL, sizeof *report, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (report == MAP_FAILED || !mkdtemp(directory) || mkdir(path_of("box"), 0700))
		return -1;
	make_box();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path_of("log.log"));
	unlink(box_name);
	rmdir(path_of("box"));
	return rmdir(directory);
}

int main(void)
{
	static enum fault_kind kinds[] = {FAULT_MALLOC,   FAULT_OPEN,     FAULT_WRITE,  FAULT_WRITE_EIO,
	                                  FAULT_SHORT,    FAULT_MMAP,     FAULT_THREAD, FAULT_TRUNCATE,
	                                  FAULT_ALLOCATE, FAULT_POPULATE, FAULT_RENAME, FAULT_READ};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct CMUnitTest tests[KINDS];

	for (size_t i = 0; i < KINDS; i++)
		tests[i] = (struct CMUnitTest){fault_names[kinds[i]], test_kind, NULL, NULL, &kinds[i]};
	return _cmocka_run_group_tests("box_faults", tests, KINDS, setup, teardown);
}
