/* SPDX-License-Identifier: GPL-3.0-or-later */
/* passing_test.c - what a large file leaves in the page cache: what was there before, and nothing else. */
#include "load/passing.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#define STRETCHES 12
#define SIZE      (STRETCHES * (int64_t)PASSING_STRETCH - 5000) /* the last one is not whole */

struct file {
	int fd;
	bool was[STRETCHES]; /* in memory before it is read */
};

static void read_at(int fd, int64_t from, int64_t to)
{
	static char buf[64 << 10];

	while (from < to) {
		ssize_t got = pread(fd, buf, sizeof buf, from);

		assert_true(got > 0);
		from += got;
	}
}

/* Bytes of a stretch that are in memory, in pages. */
static size_t in_memory(int fd, int stretch)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), n = 0;
	size_t len = stretch == STRETCHES - 1 ? SIZE % PASSING_STRETCH : PASSING_STRETCH;
	static unsigned char there[PASSING_STRETCH / 4096];
	void *map = mmap(NULL, len, PROT_READ, MAP_SHARED, fd, (off_t)stretch * PASSING_STRETCH);

	assert_ptr_not_equal(map, MAP_FAILED);
	assert_int_equal(mincore(map, len, there), 0);
	for (size_t i = 0; i < (len + page - 1) / page; i++)
		n += (there[i] & 1) * page;
	munmap(map, len);
	return n;
}

/* Of a file system that lives in memory nothing goes. */
static void make_file(struct file *f)
{
	char name[] = "passing.XXXXXX";
	static char line[PASSING_STRETCH];

	memset(line, 'x', sizeof line);
	f->fd = mkstemp(name);
	assert_true(f->fd >= 0);
	unlink(name);
	for (int64_t at = 0; at < SIZE; at += PASSING_STRETCH) {
		size_t n = SIZE - at < PASSING_STRETCH ? (size_t)(SIZE - at) : PASSING_STRETCH;

		assert_int_equal(pwrite(f->fd, line, n, at), n);
	}
	assert_int_equal(fsync(f->fd), 0);
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_DONTNEED);
	/* each read gets what it asks for, and not what may be wanted next */
	posix_fadvise(f->fd, 0, 0, POSIX_FADV_RANDOM);
	for (int i = 0; i < STRETCHES; i++)
		if (in_memory(f->fd, i)) {
			close(f->fd);
			skip();
		}
}

/* Somebody has one page of stretches 3, 4 and 11. */
static void somebody_has(struct file *f)
{
	static const int those[] = {3, 4, STRETCHES - 1};

	for (size_t i = 0; i < sizeof those / sizeof *those; i++) {
		read_at(f->fd, those[i] * (int64_t)PASSING_STRETCH + 100, those[i] * (int64_t)PASSING_STRETCH + 101);
		f->was[those[i]] = true;
	}
}

static void check(const struct file *f, int from, int to)
{
	for (int i = from; i < to; i++) {
		bool there = in_memory(f->fd, i) > 0;

		if (there != f->was[i])
			fail_msg("stretch %d: %s", i, there ? "stays" : "is gone");
	}
}

/* Read a piece at a time, none of which ends with a stretch. */
static void what_was_there_stays(void **state)
{
	static const int64_t ends[] = {100, 1 << 20, (5 << 20) + 17, (5 << 20) + 18, (9 << 20) - 1, SIZE};
	struct file f = {0};
	struct passing p;
	int64_t at = 0;

	(void)state;
	make_file(&f);
	somebody_has(&f);
	passing_begin(&p, f.fd, 0, SIZE);
	for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
		read_at(f.fd, at, ends[i]);
		at = ends[i];
		passing_behind(&p, at);
		check(&f, 0, (int)(at / PASSING_STRETCH));
	}
	check(&f, 0, STRETCHES);
	passing_done(&p);
	close(f.fd);
}

/* What is before the place where the reading begins is not this reader's. */
static void a_rest_is_read(void **state)
{
	struct file f = {0};
	struct passing p;

	(void)state;
	make_file(&f);
	read_at(f.fd, 0, PASSING_STRETCH + 1);
	f.was[0] = f.was[1] = true;
	passing_begin(&p, f.fd, PASSING_STRETCH + 5000, SIZE);
	read_at(f.fd, PASSING_STRETCH + 5000, SIZE);
	passing_behind(&p, SIZE);
	check(&f, 0, STRETCHES);
	passing_done(&p);
	close(f.fd);
}

/* A file that is not there any more, or is none: all stays, nothing fails. */
static void nothing_can_be_told(void **state)
{
	struct passing p;
	int fds[2];

	(void)state;
	assert_int_equal(pipe(fds), 0);
	passing_begin(&p, fds[0], 0, SIZE);
	assert_null(p.in_memory);
	passing_behind(&p, SIZE);
	passing_done(&p);
	passing_begin(&p, -1, 0, 0);
	passing_behind(&p, 0);
	passing_done(&p);
	close(fds[0]);
	close(fds[1]);
}

static void a_load_is_large(void **state)
{
	(void)state;
	assert_false(passing_is_worth(-1));
	assert_false(passing_is_worth(1 << 20));
	assert_true(passing_is_worth(INT64_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(what_was_there_stays),
	    cmocka_unit_test(a_rest_is_read),
	    cmocka_unit_test(nothing_can_be_told),
	    cmocka_unit_test(a_load_is_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
