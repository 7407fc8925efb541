/* SPDX-License-Identifier: Apache-2.0 */
/* sink_test.c - whole lines or none, and an exact account of which, whatever the system does.
 *
 * write, ftruncate, poll and clock_gettime of this program stand between the sinks and the C library and fail as the
 * tests want. */
#include "sinks/kind.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- faults ---- */

static int faulty_fd = -1; /* the only descriptor that faults are for */
static int fault_percent;  /* of its writes that are troubled */
static int fault_errno;    /* what they say, after taking a part */
static int truncate_fails;
static unsigned fault_seed = 1;

ssize_t write(int fd, const void *bytes, size_t len)
{
	size_t part;

	if (fd != faulty_fd || (int)(rand_r(&fault_seed) % 100) >= fault_percent)
		return syscall(SYS_write, fd, bytes, len);
	switch (rand_r(&fault_seed) % 3) {
	case 0:
		errno = EINTR;
		return -1;
	case 1: /* a part; the next write may be troubled again, and then say why */
		part = len > 1 ? 1 + (size_t)rand_r(&fault_seed) % (len - 1) : len;
		return syscall(SYS_write, fd, bytes, part);
	default:
		errno = fault_errno;
		return fault_errno ? -1 : syscall(SYS_write, fd, bytes, len);
	}
}

int ftruncate(int fd, off_t len)
{
	if (truncate_fails) {
		errno = EIO;
		return -1;
	}
	return (int)syscall(SYS_ftruncate, fd, len);
}

/* The thread that asks loses the processor for so long each time; nobody waits then, and the waits are noted. */
static int64_t late_ms, late_by_ms;
static int waits, shortest_wait, longest_wait;

int clock_gettime(clockid_t clock, struct timespec *now)
{
	int rc = (int)syscall(SYS_clock_gettime, clock, now);

	if (!late_ms)
		return rc;
	late_by_ms += late_ms;
	now->tv_sec += late_by_ms / 1000;
	now->tv_nsec += late_by_ms % 1000 * 1000000;
	now->tv_sec += now->tv_nsec / 1000000000;
	now->tv_nsec %= 1000000000;
	return rc;
}

int poll(struct pollfd *fds, nfds_t n, int timeout)
{
	const struct timespec wait = {timeout / 1000, timeout % 1000 * 1000000L};

	if (!late_ms)
		return (int)syscall(SYS_ppoll, fds, n, timeout < 0 ? NULL : &wait, NULL, 0);
	shortest_wait = !waits || timeout < shortest_wait ? timeout : shortest_wait;
	longest_wait = !waits || timeout > longest_wait ? timeout : longest_wait;
	waits++;
	return 0;
}

/* Whoever has the file open. */
static int descriptor_of(const char *path)
{
	struct stat file, st;

	assert_int_equal(stat(path, &file), 0);
	for (int fd = 1023; fd > 2; fd--)
		if (!fstat(fd, &st) && st.st_dev == file.st_dev && st.st_ino == file.st_ino)
			return fd;
	return -1;
}

/* ---- a directory of our own ---- */

static char directory[64];

static const char *in_dir(const char *name)
{
	static char path[16][200];
	static int turn;

	turn = (turn + 1) % 16;
	snprintf(path[turn], sizeof path[turn], "%s/%s", directory, name);
	return path[turn];
}

static int setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/sink_test.XXXXXX");
	faulty_fd = -1;
	truncate_fails = 0;
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	char command[100];

	(void)state;
	snprintf(command, sizeof command, "rm -rf %s", directory);
	return system(command);
}

static char *read_back(const char *path, size_t *len)
{
	static char text[4 << 20];
	int fd = open(path, O_RDONLY);
	ssize_t n;

	assert_true(fd >= 0);
	n = read(fd, text, sizeof text - 1);
	assert_true(n >= 0);
	close(fd);
	text[n] = '\0';
	*len = (size_t)n;
	return text;
}

static void expect_file(const char *path, const char *expected)
{
	size_t len;

	assert_string_equal(read_back(path, &len), expected);
}

static void put(struct sink *sink, const char *text, size_t lines)
{
	size_t written;

	assert_int_equal(sink_write(sink, text, strlen(text), lines, &written), 0);
	assert_int_equal(written, lines);
}

/* ---- plain use ---- */

static void test_fresh_and_append(void **state)
{
	const char *path = in_dir("a/b/c/log.log");
	struct sink *sink;
	struct stat st;

	(void)state;
	umask(022);
	assert_int_equal(sink_file_open(path, SINK_FILE_NEW, &sink), 0);
	put(sink, "one\ntwo\n", 2);
	assert_int_equal(sink_sync(sink), 0);
	assert_int_equal(sink->stats.lines, 2);
	assert_int_equal(sink->stats.bytes, 8);
	sink_close(sink);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(sink_file_open(path, SINK_FILE_APPEND, &sink), 0);
	put(sink, "three\n", 1);
	sink_close(sink);
	expect_file(path, "one\ntwo\nthree\n");
	assert_int_equal(link(path, in_dir("kept")), 0);
	assert_int_equal(sink_file_open(path, SINK_FILE_NEW, &sink), 0);
	put(sink, "new\n", 1);
	sink_close(sink);
	expect_file(path, "new\n");
	expect_file(in_dir("kept"), "one\ntwo\nthree\n"); /* removed, not truncated: who has it open keeps it */
	sink_close(NULL);
}

static void test_cannot_open(void **state)
{
	struct sink *sink = NULL;

	(void)state;
	assert_int_equal(mkdir(in_dir("d.log"), 0700), 0);
	assert_int_equal(sink_file_open(in_dir("d.log"), SINK_FILE_NEW, &sink), -EISDIR);
	close(open(in_dir("file"), O_CREAT | O_WRONLY, 0600));
	assert_int_equal(sink_file_open(in_dir("file/x.log"), SINK_FILE_NEW, &sink), -ENOTDIR);
	assert_int_equal(mkfifo(in_dir("fifo"), 0600), 0);
	assert_int_equal(sink_file_open(in_dir("fifo"), SINK_FILE_NEW, &sink), -ENXIO);
	assert_null(sink);
}

/* Until there is news: it looks some times a second. */
static bool look(struct sink *sink, struct sink_news *news)
{
	for (int i = 0; i < 1000; i++) {
		if (sink_look(sink, news))
			return true;
		usleep(1000);
	}
	return false;
}

static void test_reopen(void **state)
{
	const char *path = in_dir("r/log.log");
	struct sink_news news;
	struct sink *sink;

	(void)state;
	assert_int_equal(sink_file_open(path, SINK_FILE_NEW, &sink), 0);
	put(sink, "one\n", 1);
	assert_int_equal(rename(path, in_dir("r/log.1")), 0);
	put(sink, "two\n", 1); /* still the old file */
	sink_request_reopen(sink);
	assert_true(sink_look(sink, &news));
	assert_int_equal(news.error, 0);
	assert_string_equal(news.path, path);
	assert_false(sink_look(sink, &news));
	put(sink, "three\n", 1);
	expect_file(in_dir("r/log.1"), "one\ntwo\n");
	expect_file(path, "three\n");
	/* The directory becomes a file: the log goes on where it was, and comes back by itself. */
	assert_int_equal(rename(in_dir("r"), in_dir("s")), 0);
	close(open(in_dir("r"), O_CREAT | O_WRONLY, 0600));
	assert_true(look(sink, &news));
	assert_int_equal(news.error, ENOTDIR);
	assert_string_equal(news.reason, "renamed");
	assert_int_equal(sink->stats.refused, 1);
	put(sink, "four\n", 1);
	expect_file(in_dir("s/log.log"), "three\nfour\n");
	assert_int_equal(unlink(in_dir("r")), 0);
	assert_true(look(sink, &news));
	assert_int_equal(news.error, 0);
	put(sink, "five\n", 1);
	expect_file(path, "five\n");
	sink_close(sink);
}

/* ---- trouble ---- */

/* Batches of numbered lines through a troubled sink: what it says is written is in the file, in order, and nothing
 * else. */
struct account {
	unsigned next;
	unsigned kept[200000];
	unsigned kept_count;
};

static void batch(struct sink *sink, struct account *a, unsigned *seed)
{
	char text[64 * 80];
	size_t len = 0, lines = 1 + (size_t)rand_r(seed) % 60, written = 999;
	uint64_t lost = sink->stats.lost_lines;
	int rc;

	for (size_t i = 0; i < lines; i++)
		len += (size_t)sprintf(text + len, "%u %.*s\n", a->next + (unsigned)i, rand_r(seed) % 60,
		                       "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
	rc = sink_write(sink, text, len, lines, &written);
	assert_true(written <= lines);
	assert_true(rc <= 0);
	if (!rc)
		assert_int_equal(written, lines);
	assert_int_equal(sink->stats.lost_lines - lost, lines - written);
	for (size_t i = 0; i < written; i++)
		a->kept[a->kept_count++] = a->next + (unsigned)i;
	a->next += (unsigned)lines;
}

static void expect_account(const char *text, size_t len, const struct account *a)
{
	unsigned i = 0;

	for (const char *at = text, *end = text + len; at < end; i++) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		char *rest;

		if (!newline || i >= a->kept_count)
			fail_msg("line %u: %s", i, newline ? "more than was said" : "cut");
		if (strtoul(at, &rest, 10) != a->kept[i] || strspn(rest + 1, "x") != (size_t)(newline - rest) - 1)
			fail_msg("line %u is \"%.*s\", expected number %u", i, (int)(newline - at), at, a->kept[i]);
		at = newline + 1;
	}
	assert_int_equal(i, a->kept_count);
}

static void troubled_file(int error, int no_truncate)
{
	static struct account a;
	const char *path = in_dir("t.log");
	unsigned seed = 5;
	struct sink *sink;
	size_t len;
	char *text;

	memset(&a, 0, sizeof a);
	assert_int_equal(sink_file_open(path, SINK_FILE_NEW, &sink), 0);
	faulty_fd = descriptor_of(path);
	fault_errno = error;
	truncate_fails = no_truncate;
	for (int i = 0; i < 1500; i++) {
		fault_percent = i / 100 % 2 ? 60 : 0;
		batch(sink, &a, &seed);
	}
	fault_percent = 0;
	batch(sink, &a, &seed); /* resumed */
	assert_int_equal(sink->stats.lines, a.kept_count);
	assert_int_equal(sink->stats.lines + sink->stats.lost_lines, a.next);
	if (error) {
		assert_true(sink->stats.lost_lines > 1000);
		assert_int_equal(sink->stats.last_errno, error);
	} else {
		assert_int_equal(sink->stats.lost_lines, 0);
	}
	text = read_back(path, &len);
	expect_account(text, len, &a);
	if (!no_truncate)
		assert_int_equal(sink->stats.bytes, len);
	sink_close(sink);
	faulty_fd = -1;
	truncate_fails = 0;
}

static void test_short_writes(void **state)
{
	(void)state;
	troubled_file(0, 0);
}

static void test_full_disk(void **state)
{
	(void)state;
	troubled_file(ENOSPC, 0);
	troubled_file(EIO, 0);
}

static void test_cannot_cut_back(void **state)
{
	(void)state;
	troubled_file(ENOSPC, 1);
}

/* Somebody else appends to the same file: never cut his bytes off. */
static void test_shared_file(void **state)
{
	const char *path = in_dir("shared.log");
	struct sink *sink;
	size_t written;
	int other;

	(void)state;
	assert_int_equal(sink_file_open(path, SINK_FILE_APPEND, &sink), 0);
	other = open(path, O_WRONLY | O_APPEND);
	put(sink, "one\n", 1);
	assert_int_equal(syscall(SYS_write, other, "his\n", 4), 4);
	faulty_fd = descriptor_of(path);
	assert_int_not_equal(faulty_fd, other);
	fault_percent = 100;
	fault_errno = ENOSPC;
	while (sink_write(sink, "two\n", 4, 1, &written)) /* until a write takes a part and the next fails */
		if (written)
			break;
	faulty_fd = -1;
	put(sink, "three\n", 1);
	assert_non_null(strstr(read_back(path, &written), "one\nhis\n"));
	sink_close(sink);
	close(other);
}

static int pipe_ends[2];

static void *drain(void *arg)
{
	static char text[4 << 20];
	size_t *len = arg, n = 0;
	ssize_t got;

	while ((got = read(pipe_ends[0], text + n, sizeof text - n)) > 0) {
		n += (size_t)got;
		if (n % 7 == 0)
			usleep(100);
	}
	*len = n;
	return text;
}

static void troubled_pipe(int error)
{
	static struct account a;
	unsigned seed = 6;
	struct sink *sink;
	pthread_t thread;
	size_t len = 0;
	void *text;

	memset(&a, 0, sizeof a);
	assert_int_equal(pipe2(pipe_ends, O_CLOEXEC), 0);
	fcntl(pipe_ends[1], F_SETFL, O_NONBLOCK);
	assert_int_equal(pthread_create(&thread, NULL, drain, &len), 0);
	assert_int_equal(sink_fd_open(pipe_ends[1], true, &sink), 0);
	faulty_fd = pipe_ends[1];
	fault_errno = error;
	fault_percent = 50;
	for (int i = 0; i < 1000; i++)
		batch(sink, &a, &seed);
	fault_percent = 0;
	batch(sink, &a, &seed);
	assert_int_equal(sink_sync(sink), 0);
	assert_int_equal(sink_reopen(sink), 0);
	assert_int_equal(sink->stats.lost_lines > 0, error != 0);
	sink_close(sink);
	pthread_join(thread, &text);
	expect_account(text, len, &a);
	close(pipe_ends[0]);
}

static void test_pipe(void **state)
{
	(void)state;
	troubled_pipe(0);
	troubled_pipe(EIO);
}

static void test_reader_goes_away(void **state)
{
	struct sink *sink;
	size_t written;
	sigset_t pending;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(sink_fd_open(ends[1], true, &sink), 0);
	put(sink, "one\n", 1);
	close(ends[0]);
	assert_int_equal(sink_write(sink, "two\n", 4, 1, &written), -EPIPE); /* and we are still here */
	assert_int_equal(written, 0);
	sigpending(&pending);
	assert_int_equal(sigismember(&pending, SIGPIPE), 0);
	sink_close(sink);
}

/* ---- the slow: who stops sees them get on ---- */

enum { PIECE = 16384, SLOW = 6 * PIECE };

static void *write_slow(void *arg)
{
	static char text[SLOW];
	size_t written;

	memset(text, 'x', sizeof text);
	for (size_t i = 63; i < sizeof text; i += 64)
		text[i] = '\n';
	assert_int_equal(sink_write(arg, text, sizeof text, SLOW / 64, &written), 0);
	return NULL;
}

static void read_whole(int fd, size_t len)
{
	char text[4096];

	while (len) {
		ssize_t n = read(fd, text, len < sizeof text ? len : sizeof text);

		assert_true(n > 0);
		len -= (size_t)n;
	}
}

/* One batch, that the pipe does not hold: the first bytes of a piece are out when the pieces before it are counted. */
static void slow_pipe(bool console)
{
	struct sink *sink;
	pthread_t writer;
	int ends[2];

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(fcntl(ends[1], F_SETPIPE_SZ, PIECE), PIECE);
	if (console)
		assert_int_equal(sink_console_open(ends[1], SINK_COLOUR_NEVER, &sink), 0);
	else
		assert_int_equal(sink_fd_open(ends[1], false, &sink), 0);
	assert_int_equal(pthread_create(&writer, NULL, write_slow, sink), 0);
	read_whole(ends[0], 2 * PIECE + 1);
	assert_true(__atomic_load_n(&sink->took, __ATOMIC_ACQUIRE) >= 2);
	read_whole(ends[0], SLOW - 2 * PIECE - 1);
	pthread_join(writer, NULL);
	sink_close(sink);
	close(ends[0]);
	close(ends[1]);
}

static void test_slow_pipe(void **state)
{
	(void)state;
	slow_pipe(false);
	slow_pipe(true);
}

/* A socket of somebody who does not read. */
static int open_socket(const char *name, struct sink **sink)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sink_settings settings = {.kind = sink_kind_find(name), .text = address.sun_path};
	char what[100];

	snprintf(address.sun_path, sizeof address.sun_path, "%s", in_dir(name));
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	assert_int_equal(settings.kind->open(&settings, SINK_FILE_APPEND, sink, what, sizeof what), 0);
	return fd;
}

/* Each message. */
static void slow_socket(const char *name)
{
	struct sink *sink;
	int fd = open_socket(name, &sink);

	put(sink, "one\ntwo\nthree\n", 3);
	assert_in_range(sink->took, 3, 4);
	sink_close(sink);
	close(fd);
}

static void test_slow_socket(void **state)
{
	(void)state;
	slow_socket("journald");
	slow_socket("syslog");
}

/* Of who loses the processor between two looks at the clock the wait is over, not without an end. */
static void late_socket(const char *name)
{
	static char text[2 * 1000];
	struct sink *sink;
	size_t written;
	uint64_t took;
	int fd = open_socket(name, &sink);

	for (int i = 0; i < 1000; i++)
		memcpy(text + (size_t)2 * (size_t)i, "x\n", 2);
	waits = 0;
	late_ms = 600;
	assert_int_equal(sink_write(sink, text, sizeof text, 1000, &written), -EAGAIN);
	late_ms = 0;
	assert_in_range(waits, 1, 3);
	assert_in_range(shortest_wait, 1, 1000);
	assert_in_range(longest_wait, 1, 1000);
	/* Nothing goes any more, which is no progress to who forks. */
	took = sink->took;
	late_ms = 600;
	assert_int_equal(sink_write(sink, text, sizeof text, 1000, &written), -EAGAIN);
	late_ms = 0;
	assert_int_equal(written, 0);
	assert_int_equal(sink->took, took);
	assert_int_equal(sink->failed, 2);
	sink_close(sink);
	close(fd);
}

static void test_late_socket(void **state)
{
	(void)state;
	late_socket("journald");
	late_socket("syslog");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_fresh_and_append, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cannot_open, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reopen, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_short_writes, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_full_disk, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_cannot_cut_back, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_shared_file, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_pipe, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_reader_goes_away, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_slow_pipe, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_slow_socket, setup, teardown),
	    cmocka_unit_test_setup_teardown(test_late_socket, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
