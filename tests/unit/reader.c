/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The reader: whatever the packing, the same text; broken packing gives what came before, and says where. */
#include "ingest/reader.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>
#include <cmocka.h>

struct bytes {
	char *p;
	size_t len, max;
};

static char folder[] = "/tmp/ilu-reader-XXXXXX";
static char path[64];

static uint32_t random32(void)
{
	static uint32_t s = 2463534242u;

	s ^= s << 13;
	s ^= s >> 17;
	s ^= s << 5;
	return s;
}

static void add(struct bytes *b, const void *p, size_t len)
{
	if (b->len + len > b->max || !b->p) {
		b->max = 2 * (b->len + len) + 64;
		b->p = realloc(b->p, b->max);
	}
	memcpy(b->p + b->len, p, len);
	b->len += len;
}

/* Lines that compress, but not to nothing. */
static struct bytes lines(size_t n)
{
	struct bytes b = {0};
	char line[128];

	while (n--) {
		snprintf(line, sizeof line, "{\"n\":%zu,\"message\":\"something happened\",\"tid\":\"%08x%08x\"}\n", n,
		         random32(), random32());
		add(&b, line, strlen(line));
	}
	return b;
}

static void add_zstd(struct bytes *to, const char *p, size_t len)
{
	ZSTD_CCtx *c = ZSTD_createCCtx();
	size_t max = ZSTD_compressBound(len), got;
	char *buf = malloc(max);

	ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, 1);
	got = ZSTD_compress2(c, buf, max, p, len);
	assert_false(ZSTD_isError(got));
	add(to, buf, got);
	free(buf);
	ZSTD_freeCCtx(c);
}

static void add_skippable(struct bytes *to, uint32_t len)
{
	unsigned char head[8] = {0x50 + random32() % 16, 0x2a, 0x4d, 0x18, len & 0xff, len >> 8 & 0xff,
	                         len >> 16 & 0xff,       0};

	add(to, head, 8);
	while (len--)
		add(to, "x", 1);
}

static void add_gzip(struct bytes *to, const char *p, size_t len)
{
	z_stream z = {0};
	size_t max = len + len / 100 + 200;
	unsigned char *buf = malloc(max);

	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_in = (unsigned char *)(uintptr_t)p;
	z.avail_in = (uInt)len;
	z.next_out = buf;
	z.avail_out = (uInt)max;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	add(to, buf, z.total_out);
	deflateEnd(&z);
	free(buf);
}

static void save(const char *p, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

	assert_int_equal(write(fd, p, len), len);
	close(fd);
}

/* Reads all there is, in pieces of n; *rc is how it ended. */
static struct bytes read_all(struct reader *r, size_t n, ssize_t *rc)
{
	struct bytes b = {malloc(1), 0, 1};
	char *buf = malloc(n);

	while ((*rc = reader_read(r, buf, n)) > 0)
		add(&b, buf, (size_t)*rc);
	assert_int_equal(reader_read(r, buf, n), *rc);
	assert_true((*rc < 0) == (*reader_why(r) != '\0'));
	free(buf);
	return b;
}

static struct bytes read_file(size_t n, ssize_t *rc, char *why)
{
	struct reader *r;
	struct bytes b;
	const char *cause;
	int64_t used, total;

	assert_int_equal(reader_open(path, &r, &cause), 0);
	b = read_all(r, n, rc);
	used = reader_file_bytes(r, &total);
	if (!*rc)
		assert_int_equal(used, total);
	if (why)
		strcpy(why, reader_why(r));
	reader_close(r);
	return b;
}

/* The file gives text, in pieces of any size. */
static void gives(const struct bytes *file, const struct bytes *text, const char *what)
{
	static const size_t sizes[] = {1, 7, 4096, READER_BLOCK, 8 << 20};
	size_t i;

	save(file->p, file->len);
	for (i = text->len > 100000; i < sizeof sizes / sizeof *sizes; i++) {
		ssize_t rc;
		struct bytes got = read_file(sizes[i], &rc, NULL);

		if (rc || got.len != text->len || memcmp(got.p, text->p, text->len))
			fail_msg("%s, by %zu: %zd, %zu bytes of %zu", what, sizes[i], rc, got.len, text->len);
		free(got.p);
	}
}

static void formats(void **state)
{
	struct bytes text = lines(20000), f = {0};
	size_t half = text.len / 2, i;

	(void)state;
	gives(&text, &text, "plain");
	add_zstd(&f, text.p, text.len);
	gives(&f, &text, "one frame");
	f.len = 0;
	add_skippable(&f, 300000);
	add_zstd(&f, text.p, half);
	add_skippable(&f, 0);
	add_zstd(&f, text.p, 0);
	add_zstd(&f, text.p + half, text.len - half);
	add_skippable(&f, 17);
	gives(&f, &text, "frames and skippable ones");
	f.len = 0;
	for (i = 0; i < text.len; i += 1000)
		add_zstd(&f, text.p + i, text.len - i < 1000 ? text.len - i : 1000);
	gives(&f, &text, "many frames");
	f.len = 0;
	add_gzip(&f, text.p, text.len);
	gives(&f, &text, "gzip");
	f.len = 0;
	add_gzip(&f, text.p, half);
	add_gzip(&f, text.p, 0);
	add_gzip(&f, text.p + half, text.len - half);
	add(&f, "\0\0\0\0\0\0\0", 7);
	gives(&f, &text, "gzip members and padding");
	free(f.p);
	free(text.p);
}

/* What is too short to be packed, or only nearly is. */
static void short_files(void **state)
{
	static const char *const plain[] = {"",     "a",     "\x28", "\x28\xb5", "\x28\xb5\x2f", "\x28\xb5\x2f\xfe",
	                                    "\x1f", "\x1f ", "\x50", "P*M",      "P*M\x19",      "{\n"};
	size_t i;

	(void)state;
	for (i = 0; i < sizeof plain / sizeof *plain; i++) {
		struct bytes b = {(char *)(uintptr_t)plain[i], strlen(plain[i]), 0};

		gives(&b, &b, plain[i]);
	}
}

static void cannot_open(void **state)
{
	struct reader *r;
	const char *why;

	(void)state;
	assert_int_equal(reader_open("/nonexistent/x", &r, &why), -ENOENT);
	assert_string_equal(why, "No such file or directory");
	assert_int_equal(reader_open(folder, &r, &why), -EISDIR);
	assert_string_equal(why, "is a directory");
}

/* Cut anywhere: a prefix comes, and an error that says so unless the cut is between two frames. */
static void cut(const struct bytes *f, const struct bytes *text, size_t border, const char *what)
{
	size_t n;

	for (n = 4; n < f->len; n += n < 50 || n + 50 > f->len || n - border + 5 < 10 ? 1 : 97) {
		char why[256];
		struct bytes got;
		ssize_t rc;

		save(f->p, n);
		got = read_file(4096, &rc, why);
		if (got.len > text->len || memcmp(got.p, text->p, got.len))
			fail_msg("%s cut at %zu: other text", what, n);
		/* One byte of the next member's magic is not told from garbage. */
		if (rc != (n == border ? 0 : -EBADMSG) || (rc && n != border + 1 && !strstr(why, "cut off at byte")))
			fail_msg("%s cut at %zu: %zd %s", what, n, rc, why);
		free(got.p);
	}
}

static void truncated(void **state)
{
	struct bytes text = lines(100), f = {0};
	size_t half = text.len / 2, border;

	(void)state;
	add_zstd(&f, text.p, half);
	border = f.len;
	add_zstd(&f, text.p + half, text.len - half);
	cut(&f, &text, border, "zstd");
	f.len = 0;
	add_gzip(&f, text.p, half);
	border = f.len;
	add_gzip(&f, text.p + half, text.len - half);
	cut(&f, &text, border, "gzip");
	free(f.p);
	free(text.p);
}

static const struct {
	const char *what, *tail, *why;
} tails[] = {
    {"zstd", "garbage", "no zstd frame at byte"},
    {"gzip", "garbage", "no gzip member at byte"},
    {"gzip", "\x1f", "no gzip member at byte"},
};

static void garbage_behind(void **state)
{
	struct bytes text = lines(3000);
	size_t i;

	(void)state;
	for (i = 0; i < sizeof tails / sizeof *tails; i++) {
		struct bytes f = {0}, got;
		char why[256];
		ssize_t rc;

		(*tails[i].what == 'z' ? add_zstd : add_gzip)(&f, text.p, text.len);
		add(&f, tails[i].tail, strlen(tails[i].tail));
		save(f.p, f.len);
		got = read_file(4096, &rc, why);
		assert_int_equal(rc, -EBADMSG);
		if (got.len != text.len || strncmp(why, tails[i].why, strlen(tails[i].why)))
			fail_msg("%s + %s: %zu bytes, %s", tails[i].what, tails[i].tail, got.len, why);
		free(got.p);
		free(f.p);
	}
	free(text.p);
}

/* A broken last block takes nothing of the blocks before it along, whatever the size of the caller's memory. */
static void before_damage(void **state)
{
	struct bytes text = lines(40000), f = {0}, got;
	ssize_t rc;
	char why[256];

	(void)state;
	add_zstd(&f, text.p, text.len);
	f.p[f.len - 5000] ^= 0x10;
	save(f.p, f.len);
	got = read_file(8 << 20, &rc, why);
	assert_int_equal(rc, -EBADMSG);
	assert_non_null(strstr(why, "broken zstd frame at byte"));
	assert_true(got.len >= text.len - 3 * 128 * 1024);
	free(got.p);
	free(f.p);
	free(text.p);
}

static void corrupted(void **state)
{
	struct bytes text = lines(500);
	int i;

	(void)state;
	for (i = 0; i < 300; i++) {
		struct bytes f = {0}, got;
		unsigned flips = 1 + random32() % 4;
		ssize_t rc;

		(i % 2 ? add_zstd : add_gzip)(&f, text.p, text.len / 3);
		(i % 2 ? add_zstd : add_gzip)(&f, text.p, text.len);
		while (flips--)
			f.p[2 + random32() % (f.len - 2)] ^= (char)(1 << random32() % 8);
		save(f.p, f.len);
		got = read_file(1000 + random32() % 70000, &rc, NULL);
		assert_true(!rc || rc == -EBADMSG || rc == -E2BIG || rc == -ENOMEM);
		free(got.p);
		free(f.p);
	}
	free(text.p);
}

/* Frames made by hand: a header with a window of 2^log, and blocks of 128 KiB of one byte. */
static struct bytes by_hand(unsigned window_log, size_t blocks)
{
	struct bytes f = {0};
	unsigned char head[6] = {0x28, 0xb5, 0x2f, 0xfd, 0, (unsigned char)((window_log - 10) << 3)};
	size_t i;

	add(&f, head, sizeof head);
	for (i = 1; i <= blocks; i++) {
		uint32_t block = 128u * 1024 << 3 | 1 << 1 | (i == blocks); /* size, RLE, last */
		unsigned char b[4] = {block & 0xff, block >> 8 & 0xff, block >> 16 & 0xff, 'z'};

		add(&f, b, sizeof b);
	}
	return f;
}

static void windows(void **state)
{
	struct bytes f = by_hand(27, 3), got;
	char why[256];
	ssize_t rc;

	(void)state;
	save(f.p, f.len);
	free(f.p);
	got = read_file(100000, &rc, why);
	assert_int_equal(rc, 0);
	assert_int_equal(got.len, 3 * 128 * 1024);
	free(got.p);
	f = by_hand(28, 3);
	save(f.p, f.len);
	free(f.p);
	got = read_file(100000, &rc, why);
	assert_int_equal(rc, -E2BIG);
	assert_non_null(strstr(why, "above the limit of 128 MiB"));
	assert_int_equal(got.len, 0);
	free(got.p);
}

static void bomb(void **state)
{
	struct bytes f = by_hand(20, 9000); /* 1.1 GiB from 36 kB */
	char *buf = malloc(READER_BLOCK);
	const char *why;
	struct reader *r;
	int64_t sum = 0;
	ssize_t n;

	(void)state;
	save(f.p, f.len);
	free(f.p);
	assert_int_equal(reader_open(path, &r, &why), 0);
	while ((n = reader_read(r, buf, READER_BLOCK)) > 0)
		sum += n;
	assert_int_equal(n, -E2BIG);
	assert_non_null(strstr(reader_why(r), "more than the limit of 4000 to 1"));
	assert_in_range(sum, INT64_C(1) << 30, (INT64_C(1) << 30) + READER_BLOCK);
	reader_close(r);
	free(buf);
}

/* Through a pipe, in small pieces, as standard input. */
static void piped(const struct bytes *file, const struct bytes *text)
{
	int ends[2], saved = dup(STDIN_FILENO), status;
	struct reader *r;
	struct bytes got;
	const char *why;
	int64_t total;
	ssize_t rc;
	pid_t pid;

	assert_int_equal(pipe(ends), 0);
	pid = fork();
	if (!pid) {
		size_t i, n;

		close(ends[0]);
		for (i = 0; i < file->len; i += n) {
			n = 1 + i % 5000 < file->len - i ? 1 + i % 5000 : file->len - i;
			if (write(ends[1], file->p + i, n) != (ssize_t)n)
				_exit(1);
		}
		_exit(0);
	}
	close(ends[1]);
	dup2(ends[0], STDIN_FILENO);
	close(ends[0]);
	assert_int_equal(reader_open("-", &r, &why), 0);
	got = read_all(r, READER_BLOCK, &rc);
	assert_int_equal(rc, 0);
	assert_int_equal(got.len, text->len);
	assert_memory_equal(got.p, text->p, text->len);
	assert_int_equal(reader_file_bytes(r, &total), file->len);
	assert_int_equal(total, -1);
	reader_close(r);
	free(got.p);
	dup2(saved, STDIN_FILENO);
	close(saved);
	waitpid(pid, &status, 0);
	assert_int_equal(status, 0);
}

static void pipes(void **state)
{
	struct bytes text = lines(5000), f = {0}, one = {(char *)(uintptr_t) "{", 1, 0};

	(void)state;
	piped(&text, &text);
	piped(&one, &one);
	add_zstd(&f, text.p, text.len);
	piped(&f, &text);
	f.len = 0;
	add_gzip(&f, text.p, text.len);
	piped(&f, &text);
	free(f.p);
	free(text.p);
}

static volatile sig_atomic_t stopped;

static void on_alarm(int sig)
{
	(void)sig;
	stopped++;
}

/* As the handler of a signal that has come to another thread than the one that reads. */
static void *stop_soon(void *arg)
{
	struct timespec soon = {0, 100 * 1000000};

	(void)arg;
	nanosleep(&soon, NULL);
	stopped = 1;
	return NULL;
}

/* What waits for a pipe ends when it is to stop, whoever got the signal, and can go on afterwards. */
static void interrupted(void **state)
{
	struct sigaction sa = {.sa_handler = on_alarm};
	pthread_t other;
	int ends[2], saved = dup(STDIN_FILENO);
	char buf[100];
	struct reader *r;
	const char *why;

	(void)state;
	sigaction(SIGALRM, &sa, NULL);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[0], STDIN_FILENO);
	stopped = 1;
	assert_int_equal(reader_open_until("-", &stopped, &r, &why), -EINTR);
	stopped = 0;
	alarm(1);
	assert_int_equal(reader_open_until("-", &stopped, &r, &why), -EINTR);
	stopped = 0;
	assert_int_equal(write(ends[1], "abc\n", 4), 4);
	assert_int_equal(reader_open_until("-", &stopped, &r, &why), 0);
	assert_int_equal(reader_read(r, buf, sizeof buf), 4);
	assert_int_equal(pthread_create(&other, NULL, stop_soon, NULL), 0);
	assert_int_equal(reader_read(r, buf, sizeof buf), -EINTR);
	pthread_join(other, NULL);
	stopped = 0;
	assert_int_equal(write(ends[1], "def\n", 4), 4);
	assert_int_equal(reader_read(r, buf, sizeof buf), 4);
	close(ends[1]);
	assert_int_equal(reader_read(r, buf, sizeof buf), 0);
	reader_close(r);
	dup2(saved, STDIN_FILENO);
	close(saved);
	close(ends[0]);
}

static void skipping(void **state)
{
	struct bytes text = lines(20000), f[3] = {{0}};
	int i;

	(void)state;
	add(&f[0], text.p, text.len);
	add_zstd(&f[1], text.p, text.len);
	add_gzip(&f[2], text.p, text.len);
	for (i = 0; i < 3; i++) {
		struct reader *r;
		struct bytes got;
		const char *why;
		char buf[10];
		ssize_t rc;

		save(f[i].p, f[i].len);
		assert_int_equal(reader_open(path, &r, &why), 0);
		assert_int_equal(reader_skip(r, 0), 0);
		assert_int_equal(reader_skip(r, 5), 0);
		assert_int_equal(reader_read(r, buf, sizeof buf), 10);
		assert_memory_equal(buf, text.p + 5, 10);
		assert_int_equal(reader_skip(r, 700000), 0);
		got = read_all(r, 1000, &rc);
		assert_int_equal(rc, 0);
		assert_int_equal(got.len, text.len - 700015);
		assert_memory_equal(got.p, text.p + 700015, got.len);
		free(got.p);
		reader_close(r);
		assert_int_equal(reader_open(path, &r, &why), 0);
		assert_int_equal(reader_skip(r, (int64_t)text.len + 1), -EPIPE);
		reader_close(r);
		free(f[i].p);
	}
	free(text.p);
}

/* A look ahead takes nothing away, whatever is read or passed over next. */
static void looking_ahead(void **state)
{
	struct bytes text = lines(3000), f[3] = {{0}};

	(void)state;
	add(&f[0], text.p, text.len);
	add_zstd(&f[1], text.p, text.len);
	add(&f[2], text.p, 300);
	for (int i = 0; i < 3; i++) {
		size_t len = i == 2 ? 300 : text.len, head = len < READER_HEAD ? len : READER_HEAD, over = len / 3;
		struct reader *r;
		struct bytes got;
		const char *why;
		char buf[2 * READER_HEAD];
		ssize_t rc;

		save(f[i].p, f[i].len);
		for (int skip = 0; skip < 2; skip++) {
			assert_int_equal(reader_open(path, &r, &why), 0);
			assert_int_equal(reader_peek(r, buf, 10), 10);
			assert_int_equal(reader_peek(r, buf, sizeof buf), head);
			assert_memory_equal(buf, text.p, head);
			if (skip)
				assert_int_equal(reader_skip(r, (int64_t)over), 0);
			got = read_all(r, 700, &rc);
			assert_int_equal(rc, 0);
			assert_int_equal(got.len, skip ? len - over : len);
			assert_memory_equal(got.p, text.p + (skip ? over : 0), got.len);
			free(got.p);
			reader_close(r);
		}
		free(f[i].p);
	}
	free(text.p);
}

static int setup(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof path, "%s/file", folder);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(formats),       cmocka_unit_test(short_files),    cmocka_unit_test(cannot_open),
	    cmocka_unit_test(truncated),     cmocka_unit_test(garbage_behind), cmocka_unit_test(before_damage),
	    cmocka_unit_test(corrupted),     cmocka_unit_test(windows),        cmocka_unit_test(bomb),
	    cmocka_unit_test(pipes),         cmocka_unit_test(interrupted),    cmocka_unit_test(skipping),
	    cmocka_unit_test(looking_ahead),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
