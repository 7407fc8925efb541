/* SPDX-License-Identifier: Apache-2.0 */
/* The disk under a log: what a power loss leaves of it, and a disk that is full now and then.
 *
 * The library's writes go through this file. They are written down in order, with each fdatasync and each flush that
 * came back; a state after a power loss is then a prefix of that: all bytes that were synced, and of those behind them
 * as many as one likes. And they come from a budget: when it is used up, the disk is full. */
#define ILU_TARGET "test::disk"
#include "log_util.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>

static ilu_tid tid;

/* ---- the disk ---- */

enum { NOTES = 1 << 20 };

/* Of the one file that is written to. */
static struct {
	pthread_mutex_t lock;
	bool recording;
	char *text;
	size_t len, cap;
	struct note {
		enum { SYNCED, ACKED } what;
		size_t at;  /* bytes written before */
		int number; /* ACKED: of so many lines */
	} * note;
	size_t notes;
} disk = {.lock = PTHREAD_MUTEX_INITIALIZER};

static atomic_long budget = -1; /* bytes; negative: no end */

static bool is_file(int fd)
{
	struct stat st;

	return !fstat(fd, &st) && S_ISREG(st.st_mode);
}

static void note(int what, size_t at, int number)
{
	pthread_mutex_lock(&disk.lock);
	if (disk.recording && disk.notes < NOTES)
		disk.note[disk.notes++] = (struct note){what, at, number};
	pthread_mutex_unlock(&disk.lock);
}

static size_t written(void)
{
	size_t len;

	pthread_mutex_lock(&disk.lock);
	len = disk.len;
	pthread_mutex_unlock(&disk.lock);
	return len;
}

static void record(const char *bytes, size_t len)
{
	pthread_mutex_lock(&disk.lock);
	if (disk.recording) {
		while (disk.len + len > disk.cap)
			disk.text = realloc(disk.text, disk.cap = disk.cap ? 2 * disk.cap : 1 << 20);
		memcpy(disk.text + disk.len, bytes, len);
		disk.len += len;
	}
	pthread_mutex_unlock(&disk.lock);
}

ssize_t __real_write(int fd, const void *bytes, size_t len);
ssize_t __wrap_write(int fd, const void *bytes, size_t len);
ssize_t __real_writev(int fd, const struct iovec *parts, int count);
ssize_t __wrap_writev(int fd, const struct iovec *parts, int count);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

/* So much of it has room; -1: nothing. */
static long take(size_t len)
{
	long left = atomic_load(&budget);

	if (left < 0)
		return (long)len;
	if ((size_t)left < len)
		len = (size_t)left;
	atomic_fetch_sub(&budget, (long)len);
	return len ? (long)len : -1;
}

ssize_t __wrap_write(int fd, const void *bytes, size_t len)
{
	long room = is_file(fd) ? take(len) : (long)len;
	ssize_t n;

	if (room < 0) {
		errno = ENOSPC;
		return -1;
	}
	n = __real_write(fd, bytes, (size_t)room);
	if (n > 0 && is_file(fd))
		record(bytes, (size_t)n);
	return n;
}

ssize_t __wrap_writev(int fd, const struct iovec *parts, int count)
{
	ssize_t all = 0;

	for (int i = 0; i < count; i++) {
		ssize_t n = __wrap_write(fd, parts[i].iov_base, parts[i].iov_len);

		if (n < 0)
			return all ? all : n;
		all += n;
		if ((size_t)n < parts[i].iov_len)
			break;
	}
	return all;
}

int __wrap_fdatasync(int fd)
{
	size_t at = written(); /* what comes meanwhile may be left out */
	int rc = __real_fdatasync(fd);

	if (!rc && is_file(fd))
		note(SYNCED, at, 0);
	return rc;
}

/* ---- power loss ---- */

enum { THREADS = 4, LINES = 400 };

static void *speak(void *arg)
{
	int me = (int)(intptr_t)arg;

	for (int i = 0; i < LINES; i++) {
		ilu_info(&tid, "line", KV("thread", me), KV("i", i),
		         KV("pad", "......................................"));
		if (i % 16 == 7) {
			assert_int_equal(ilu_log_flush(ILU_ACK_DISK, -1), 0);
			note(ACKED, 0, me * LINES + i);
		}
	}
	return NULL;
}

/* How many lines of each thread are whole in the first `len` bytes; they must come in order. */
static void count_whole(const char *text, size_t len, int count[THREADS])
{
	const char *end = text + len;

	memset(count, 0, THREADS * sizeof *count);
	for (const char *at = text, *newline; at < end && (newline = memchr(at, '\n', (size_t)(end - at)));
	     at = newline + 1) {
		const char *thread = memmem(at, (size_t)(newline - at), "\"thread\":", 9);
		int me, i;

		if (!thread)
			continue;
		assert_int_equal(sscanf(thread, "\"thread\":%d,\"i\":%d,", &me, &i), 2);
		assert_int_equal(i, count[me]++);
	}
}

/* A start on what is left: the line that was cut ends, the new run begins on a line of its own, nothing is missing. */
static void start_after(const char *text, size_t len, const int want[THREADS])
{
	char config[200], *all, *at;
	int count[THREADS];
	FILE *f = fopen(log_file(), "w");
	struct stat st;

	assert_int_equal(fwrite(text, 1, len, f), len);
	fclose(f);
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\"}", log_dir);
	assert_int_equal(ilu_log_start(config), 0);
	ilu_info(&tid, "again");
	assert_int_equal(ilu_log_stop(), 0);
	f = fopen(log_file(), "r");
	assert_int_equal(fstat(fileno(f), &st), 0);
	all = malloc((size_t)st.st_size + 1);
	assert_int_equal(fread(all, 1, (size_t)st.st_size, f), st.st_size);
	all[st.st_size] = '\0';
	fclose(f);
	assert_memory_equal(all, text, len);
	at = all + len;
	if (len && text[len - 1] != '\n')
		assert_int_equal(*at++, '\n');
	assert_int_equal(strncmp(at, "{\"timestamp\":", 13), 0);
	assert_non_null(strstr(at, "\"again\""));
	count_whole(all, len, count);
	assert_memory_equal(count, want, sizeof count);
	free(all);
	unlink(log_file());
}

static uint32_t seed = 1;

static uint32_t any(uint32_t below)
{
	seed = seed * 1664525u + 1013904223u;
	return below ? (uint32_t)(((uint64_t)(seed >> 8) * below) >> 24) : 0;
}

/* The power goes behind note `n`. */
static void lose_power(size_t n, bool start)
{
	size_t synced = 0, next = disk.len, len;
	int acked[THREADS] = {0}, count[THREADS];

	for (size_t i = 0; i < n; i++) {
		const struct note *o = &disk.note[i];

		if (o->what == SYNCED)
			synced = o->at > synced ? o->at : synced;
		else if (o->number % LINES + 1 > acked[o->number / LINES])
			acked[o->number / LINES] = o->number % LINES + 1;
	}
	if (n < disk.notes && disk.note[n].what == SYNCED)
		next = disk.note[n].at;
	len = synced + any((uint32_t)(next > synced ? next - synced + 1 : 1));
	count_whole(disk.text, len, count);
	for (int t = 0; t < THREADS; t++)
		if (count[t] < acked[t])
			fail_msg(
			    "power lost behind note %zu, %zu bytes: of thread %d %d lines, and %d were on the disk", n,
			    len, t, count[t], acked[t]);
	if (start)
		start_after(disk.text, len, count);
}

static void test_power_loss(void **state)
{
	const int states = getenv("ILU_TEST_ALL") ? 100000 : LOG_TSAN ? 200 : 2000;
	pthread_t thread[THREADS];

	(void)state;
	disk.note = malloc(NOTES * sizeof *disk.note);
	disk.recording = true;
	log_begin("");
	for (intptr_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, speak, (void *)i), 0);
	for (int i = 0; i < THREADS; i++)
		pthread_join(thread[i], NULL);
	assert_int_equal(ilu_log_stop(), 0);
	pthread_mutex_lock(&disk.lock);
	disk.recording = false;
	pthread_mutex_unlock(&disk.lock);
	assert_true(disk.notes > THREADS * LINES / 16);
	unlink(log_file());
	for (int i = 0; i < states; i++)
		lose_power(any((uint32_t)disk.notes + 1), i % 50 == 0);
	print_message("power loss: %d states of %d lines, %zu bytes, %zu syncs and acknowledgements\n", states,
	              THREADS * LINES, disk.len, disk.notes);
	log_remove();
	free(disk.note);
	free(disk.text);
}

/* ---- killed ---- */

/* What was flushed to the kernel is there when the process is killed in the next instant, without a black box. */
static void test_kernel(void **state)
{
	json_t *lines;
	int status;

	(void)state;
	fflush(NULL);
	log_make_dir();
	if (!fork()) {
		char config[200];

		snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"black_box\":\"off\"}",
		         log_dir);
		if (ilu_log_start(config))
			_exit(9);
		for (int i = 0; i < 100; i++)
			ilu_info(&tid, "line", KV("i", i));
		if (ilu_log_flush(ILU_ACK_KERNEL, -1))
			_exit(8);
		raise(SIGKILL);
	}
	assert_true(wait(&status) > 0);
	assert_true(WIFSIGNALED(status));
	lines = log_lines();
	assert_int_equal(log_count(lines, "line"), 100);
	json_decref(lines);
	log_remove();
}

/* ---- full ---- */

static int is_old(const struct dirent *entry)
{
	return !strncmp(entry->d_name, "t.log.", 6);
}

/* Lines of the test in all files, and of those that are told as lost; no old file is smaller than one that was due. */
static void tally(int *lines, long long *lost)
{
	struct dirent **list;
	int n = scandir(log_dir, &list, is_old, alphasort);
	json_int_t seq = 0;

	*lines = 0;
	*lost = 0;
	for (int i = 0; i <= n; i++) {
		char *path = i < n ? log_path(list[i]->d_name) : log_path("t.log");
		json_t *of = log_lines_of(path), *line;
		struct stat st;
		size_t k;

		assert_int_equal(stat(path, &st), 0);
		assert_true(i == n || st.st_size >= 65536);
		*lines += log_count(of, "line");
		json_array_foreach(of, k, line)
		{
			json_int_t missing = json_integer_value(log_field(line, "lost"));

			assert_int_equal(json_integer_value(json_object_get(line, "seq")),
			                 seq + (missing ? missing : 1));
			seq = json_integer_value(json_object_get(line, "seq"));
			*lost += missing;
		}
		json_decref(of);
		unlink(path);
		if (i < n)
			free(list[i]);
	}
	free(list);
}

/* How often standard error was told of the disk; the file goes. */
static int complaints(void)
{
	FILE *f = fopen(log_path("err"), "r");
	char line[500];
	int n = 0;

	assert_non_null(f);
	while (fgets(line, sizeof line, f))
		n += strstr(line, "t.log: No space left on device; ") && strstr(line, " lines lost so far");
	fclose(f);
	unlink(log_path("err"));
	return n;
}

/* A disk that fills and is freed three times, while the log is rotated: what was there stays whole, what did not fit is
 * counted, to the line, and logging goes on each time by itself. */
static void test_full_disk(void **state)
{
	enum { ROUNDS = 3, EACH = 3000 };
	int made = 0, lines, full = 0, err = dup(2), said;
	time_t began = time(NULL);
	long long lost;

	(void)state;
	log_begin("\"rotate\":{\"bytes\":65536},\"ring_bytes\":65536");
	assert_non_null(freopen(log_path("err"), "w", stderr));
	for (int round = 0; round < ROUNDS; round++) {
		int rc = 0;

		atomic_store(&budget, 150000 + 777 * round);
		for (int i = 0; i < EACH; i++, made++) {
			ilu_info(&tid, "line", KV("made", made));
			if (i % 100 == 99 && (rc = ilu_log_flush(ILU_ACK_KERNEL, -1)))
				assert_int_equal(rc, -ENOSPC);
		}
		full += rc == -ENOSPC;
		atomic_store(&budget, -1);
		for (int i = 0; i < 100; i++, made++)
			ilu_info(&tid, "line", KV("made", made));
		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	}
	assert_int_equal(full, ROUNDS);
	assert_int_equal(ilu_log_stop(), 0);
	fflush(stderr);
	dup2(err, 2);
	close(err);
	/* once, and then each minute */
	said = complaints();
	assert_in_range(said, 1, 1 + (time(NULL) - began) / 60);
	tally(&lines, &lost);
	/* the library's own lines may be among the lost ones: "Log file opened" */
	assert_in_range(lines + lost, made, made + 20);
	assert_true(lost > 1000 && lines > 1500);
	unlink(log_path(".t.log.lock"));
	rmdir(log_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_kernel),
	    cmocka_unit_test(test_power_loss),
	    cmocka_unit_test(test_full_disk),
	};

	tid = ilu_tid_named("Disk");
	return cmocka_run_group_tests_name("log_disk_test", tests, NULL, NULL);
}
