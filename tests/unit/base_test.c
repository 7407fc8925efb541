/* SPDX-License-Identifier: GPL-3.0-or-later */
/* base_test.c - the analyzer's ground floor: arrays, tables, interned text, arenas, hashes. */
#include "base/arena.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/keyed.h"
#include "column/narrow.h"
#include "base/table.h"
#include "base/tempfile.h"
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* Sizes that nobody has are to fail as malloc does, not to end the program. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

/* ---- array ---- */

static void an_array_grows_and_keeps_what_it_has(void **state)
{
	uint32_t *v = NULL, n = 0, room = 0;

	(void)state;
	for (uint32_t i = 0; i < 100000; i++) {
		uint32_t *p = array_add(v, n, room);

		assert_non_null(p);
		*p = i * 7;
	}
	assert_int_equal(n, 100000);
	assert_true(room >= n && room <= 2 * n);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(v[i], i * 7);
	free(v);
}

static void an_array_gives_what_is_wanted_at_once(void **state)
{
	char *v = NULL;
	size_t room = 0;

	(void)state;
	assert_int_equal(array_reserve(v, room, 5000), 0);
	assert_true(room >= 5000);
	v[4999] = 'x';
	char *before = v;

	assert_int_equal(array_reserve(v, room, 4000), 0);
	assert_ptr_equal(v, before);
	free(v);
}

static void what_is_new_in_an_array_is_zero(void **state)
{
	struct pair {
		int64_t a, b;
	} *v = NULL;
	uint32_t room = 0;

	(void)state;
	for (uint32_t want = 1; want < 5000; want = want * 3 + 1) {
		uint32_t before = room;

		assert_int_equal(array_reserve_zeroed(v, room, want), 0);
		for (uint32_t i = before; i < room; i++)
			assert_true(!v[i].a && !v[i].b);
		memset(v, 0xff, room * sizeof *v);
	}
	free(v);
}

static void an_array_that_can_not_grow_stays(void **state)
{
	int64_t *v = NULL, *p;
	size_t room = 0;
	uint8_t few = 0, used = 0;
	uint32_t some = 0;
	char *bytes = NULL;

	(void)state;
	assert_int_equal(array_reserve(v, room, 3), 0);
	v[2] = 42;
	p = v;
	size_t had = room;

	assert_int_equal(array_reserve(v, room, SIZE_MAX / 8), -ENOMEM);
	assert_int_equal(array_reserve(v, room, SIZE_MAX), -ENOMEM);
	assert_int_equal(array_reserve_zeroed(v, room, SIZE_MAX), -ENOMEM);
	assert_ptr_equal(v, p);
	assert_int_equal(room, had);
	assert_int_equal(v[2], 42);
	free(v);

	/* More than the counter can count: never a room that has wrapped. */
	while (array_add(bytes, used, few))
		;
	assert_int_equal(used, 127);
	assert_int_equal(few, 127);
	free(bytes);
	bytes = NULL;
	assert_int_equal(array_reserve(bytes, some, (size_t)1 << 31), -ENOMEM);
	assert_null(bytes);
	assert_int_equal(some, 0);
}

/* ---- table ---- */

static void a_table_finds_each_number_under_its_hash(void **state)
{
	struct table t = {0};
	struct table_walk w;
	enum { N = 20000 };

	(void)state;
	assert_int_equal(table_first(&w, &t, 1), TABLE_NONE);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(table_add(&t, hash_bytes(&i, sizeof i, 0), i), 0);
	assert_int_equal(t.n, N);
	assert_true(t.nslots * 3 >= t.n * 4);
	for (uint32_t i = 0; i < N + 1000; i++) {
		uint32_t at = table_first(&w, &t, hash_bytes(&i, sizeof i, 0));

		while (at != TABLE_NONE && at != i)
			at = table_next(&w);
		assert_int_equal(at, i < N ? i : TABLE_NONE);
	}
	table_clear(&t);
	assert_int_equal(t.n, 0);
	for (uint32_t i = 0; i < N; i++)
		assert_int_equal(table_first(&w, &t, hash_bytes(&i, sizeof i, 0)), TABLE_NONE);
	table_done(&t);
}

/* All under one hash, which wraps around the end of the slots: all are found, in their order, also after it grew. */
static void numbers_of_one_hash_keep_their_order(void **state)
{
	struct table t = {0};
	struct table_walk w;
	uint32_t at, n = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(table_add(&t, 0xffffffff, i), 0);
		assert_int_equal(table_add(&t, 0xfffffffd, 5000 + i), 0);
	}
	for (at = table_first(&w, &t, 0xffffffff); at != TABLE_NONE; at = table_next(&w))
		assert_int_equal(at, n++);
	assert_int_equal(n, 1000);
	table_done(&t);
}

/* ---- intern ---- */

static void interned_text_is_there_once(void **state)
{
	struct intern in = {0};
	char text[32];
	uint32_t i, again;

	(void)state;
	assert_int_equal(intern_find(&in, SLICE("a")), INTERN_NONE);
	for (int round = 0; round < 2; round++)
		for (uint32_t k = 0; k < 30000; k++) {
			struct slice s = {text, (size_t)snprintf(text, sizeof text, "text %u", k)};

			assert_int_equal(intern_add(&in, s, &i), 0);
			assert_int_equal(i, k);
		}
	assert_int_equal(in.n, 30000);
	assert_true(slice_is(intern_text(&in, 12345), "text 12345"));
	assert_string_equal(in.text[12345].ptr, "text 12345"); /* a NUL stands behind it */
	assert_null(intern_text(&in, INTERN_NONE).ptr);
	/* An empty text is a text; so is one with a NUL inside. */
	assert_int_equal(intern_add(&in, SLICE(""), &i), 0);
	assert_int_equal(intern_add(&in, SLICE_NONE, &again), 0);
	assert_int_equal(i, again);
	assert_non_null(in.text[i].ptr);
	assert_int_equal(intern_add(&in, SLICE("a\0b"), &i), 0);
	assert_int_equal(intern_add(&in, SLICE("a\0c"), &again), 0);
	assert_int_not_equal(i, again);
	assert_int_equal(intern_find(&in, SLICE("a\0c")), again);
	intern_done(&in);
	assert_int_equal(in.n, 0);
}

static void a_long_text_is_interned_whole(void **state)
{
	struct intern in = {0};
	size_t n = 1 << 20;
	char *text = malloc(n);
	uint32_t i, k;

	(void)state;
	memset(text, 'x', n);
	assert_int_equal(intern_add(&in, SLICE("short"), &i), 0);
	assert_int_equal(intern_add(&in, (struct slice){text, n}, &k), 0);
	text[n - 1] = 'y';
	assert_int_equal(intern_find(&in, (struct slice){text, n}), INTERN_NONE);
	assert_int_equal(in.text[k].len, n);
	assert_true(slice_is(in.text[i], "short"));
	free(text);
	intern_done(&in);
}

/* ---- arena ---- */

static void an_arena_gives_aligned_zeroes(void **state)
{
	struct arena a = {0};

	(void)state;
	for (size_t size = 0; size < 3000; size++) {
		unsigned char *p = arena_take(&a, size);

		assert_non_null(p);
		assert_int_equal((uintptr_t)p % 16, 0);
		for (size_t i = 0; i < size; i++)
			assert_int_equal(p[i], 0);
		memset(p, 0xff, size);
		assert_string_equal(arena_text(&a, "odd", 3), "odd");
	}
	arena_done(&a);
	assert_null(a.blocks);
}

static void an_arena_copies_text(void **state)
{
	struct arena a = {0};
	char *copy = arena_copy(&a, SLICE("a\0b"));

	(void)state;
	assert_memory_equal(copy, "a\0b", 3);
	assert_string_equal(arena_text(&a, "abcdef", 3), "abc");
	assert_string_equal(arena_text(&a, "", 0), "");
	assert_null(arena_text(&a, NULL, 0));
	assert_non_null(arena_copy(&a, SLICE_NONE));
	assert_false(a.failed);
	arena_done(&a);
}

static void an_arena_remembers_that_memory_was_out(void **state)
{
	struct arena a = {0};

	(void)state;
	assert_null(arena_take(&a, SIZE_MAX - 8));
	assert_true(a.failed);
	assert_non_null(arena_take(&a, 8));
	assert_true(a.failed);
	arena_done(&a);
	assert_false(a.failed);
}

/* ---- hash ---- */

/* Each byte counts, and so does their number; in every length, whichever way the bytes are read. */
static void keys_are_sorted_and_equal_ones_stay(void **state)
{
	enum { MANY = 5000 };
	static const struct {
		size_t n;
		int bits;
	} cases[] = {{0, 64}, {1, 64}, {2, 1}, {100, 64}, {257, 3}, {MANY, 64}, {MANY, 5}, {MANY, 33}};
	struct keyed *v = malloc(MANY * sizeof *v);
	uint64_t x = 1;

	(void)state;
	for (size_t c = 0; c < sizeof cases / sizeof *cases; c++) {
		for (size_t i = 0; i < cases[c].n; i++) {
			x = x * 6364136223846793005u + 1442695040888963407u;
			v[i] = (struct keyed){x >> (64 - cases[c].bits), (uint32_t)i};
		}
		assert_int_equal(keyed_sort(v, cases[c].n), 0);
		for (size_t i = 1; i < cases[c].n; i++)
			assert_true(v[i - 1].key < v[i].key ||
			            (v[i - 1].key == v[i].key && v[i - 1].value < v[i].value));
	}
	assert_true(keyed_signed(INT64_MIN) < keyed_signed(-1) && keyed_signed(-1) < keyed_signed(0));
	assert_true(keyed_number(keyed_signed(-7)) == -7);
	free(v);
}

static void a_hash_depends_on_each_byte(void **state)
{
	unsigned char b[80] = {0};

	(void)state;
	for (size_t n = 0; n < sizeof b; n++) {
		uint64_t h = hash_bytes(b, n, 0);

		assert_int_not_equal(h, hash_bytes(b, n + 1, 0));
		assert_int_not_equal(h, hash_bytes(b, n, 1));
		for (size_t i = 0; i < n; i++) {
			b[i] ^= 0x40;
			assert_int_not_equal(h, hash_bytes(b, n, 0));
			b[i] ^= 0x40;
		}
	}
}

/* Ids that count up fall into different slots: the longest run of full ones stays short. */
static void a_hash_spreads_numbers(void **state)
{
	enum { N = 1 << 16 };
	uint8_t *hit = calloc(N * 2, 1);
	unsigned twice = 0;
	char text[16];

	(void)state;
	for (unsigned i = 0; i < N; i++) {
		int len = snprintf(text, sizeof text, "%08x", i);
		uint8_t *p = &hit[hash_bytes(text, (size_t)len, 0) % (N * 2)];

		twice += *p;
		*p = 1;
	}
	/* At random: N - 2N(1 - e^-0.5), 21.3 % of them. */
	assert_in_range(twice, N * 20 / 100, N * 23 / 100);
	free(hit);
}

static void put_file(const char *dir, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	close(fd);
}

/* A process that makes one and ends without a word; its path. */
static void leave_over(char *path, size_t cap)
{
	struct tempdir d = {0};
	int fds[2], status;
	ssize_t n;

	assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
	if (!fork()) {
		if (tempdir_new("test", &d) || write(fds[1], d.path, strlen(d.path)) < 0)
			_exit(1);
		_exit(0);
	}
	close(fds[1]);
	n = read(fds[0], path, cap - 1);
	close(fds[0]);
	wait(&status);
	assert_true(n > 0);
	path[n] = '\0';
	assert_int_equal(status, 0);
}

/* An empty directory beside it, of which the name goes on otherwise. */
static void put_like(const char *left, size_t cut, const char *end)
{
	char path[256];

	snprintf(path, sizeof path, "%.*s%s", (int)(strlen(left) - cut), left, end);
	assert_int_equal(mkdir(path, 0700), 0);
}

/* It is there still; and gone now. */
static void take_like(const char *left, size_t cut, const char *end)
{
	char path[256];

	snprintf(path, sizeof path, "%.*s%s", (int)(strlen(left) - cut), left, end);
	assert_int_equal(rmdir(path), 0);
}

/* One that could not be locked for want of a descriptor would be taken for one that nobody has. */
static void without_descriptors(struct tempdir *d)
{
	struct rlimit was, none;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = (struct rlimit){0, was.rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	assert_int_equal(tempdir_new("test", d), -EMFILE);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &was), 0);
	assert_null(d->path);
}

static bool is_there(const char *dir, const char *name)
{
	char path[256];
	struct stat st;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	return !lstat(path, &st);
}

/* Directories in one another and links go; what links lead to stays, as does a directory that somebody has moved to
 * where ours was. */
static void a_directory_goes_and_nothing_else(void **state)
{
	char tmp[] = "/tmp/ilu-base-test-XXXXXX", other[64], inner[256], moved[64];
	const char *before = getenv("TMPDIR");
	char *kept = before ? strdup(before) : NULL;
	struct tempdir d = {0};

	(void)state;
	assert_non_null(mkdtemp(tmp));
	setenv("TMPDIR", tmp, 1);
	snprintf(other, sizeof other, "%s/other", tmp);
	snprintf(moved, sizeof moved, "%s/moved", tmp);
	assert_int_equal(mkdir(other, 0700), 0);
	put_file(other, "precious");
	for (int swapped = 0; swapped < 2; swapped++) {
		char path[256];

		assert_int_equal(tempdir_new("test", &d), 0);
		snprintf(path, sizeof path, "%s", d.path);
		put_file(d.path, "file");
		snprintf(inner, sizeof inner, "%s/link", d.path);
		assert_int_equal(symlink(other, inner), 0);
		for (char *p = stpcpy(inner, d.path), *end = p + 3 * 4; p < end;) {
			p = stpcpy(p, "/in");
			assert_int_equal(mkdir(inner, 0700), 0);
			put_file(inner, "file");
		}
		if (swapped) {
			assert_int_equal(rename(d.path, moved), 0);
			assert_int_equal(rename(other, path), 0);
		}
		tempdir_done(&d);
		if (swapped)
			assert_int_equal(rename(path, other), 0);
		else
			assert_int_not_equal(access(path, F_OK), 0);
		assert_true(is_there(other, "precious"));
	}
	assert_int_equal(rmdir(moved), 0); /* ours, and empty */
	snprintf(inner, sizeof inner, "%s/precious", other);
	assert_int_equal(unlink(inner), 0);
	assert_int_equal(rmdir(other), 0);
	assert_int_equal(rmdir(tmp), 0);
	if (kept)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	free(kept);
}

/* The next one takes it away, and nothing that somebody has. */
static void what_a_killed_process_left_goes(void **state)
{
	char tmp[] = "/tmp/ilu-base-test-XXXXXX", left[256];
	struct tempdir mine = {0}, next = {0};
	const char *before = getenv("TMPDIR");
	char *kept = before ? strdup(before) : NULL;

	(void)state;
	assert_non_null(mkdtemp(tmp));
	setenv("TMPDIR", tmp, 1);
	assert_int_equal(tempdir_new("test", &mine), 0);
	put_file(mine.path, "mine");
	put_file(tmp, "test.file");
	leave_over(left, sizeof left);
	put_file(left, "theirs");
	put_like(left, 6, "old");
	put_like(left, 0, ".old");
	put_like(left, strlen(strrchr(left, '/')), "/test.elsewhere.aB3dEf");
	put_like(left, strlen(strrchr(left, '/')), "/test.aB3dEf");
	assert_int_equal(tempdir_new("tes", &next), 0);
	assert_int_equal(access(left, F_OK), 0);
	tempdir_done(&next);
	assert_int_equal(tempdir_new("test", &next), 0);
	assert_int_not_equal(access(left, F_OK), 0);
	take_like(left, 6, "old");
	take_like(left, 0, ".old");
	take_like(left, strlen(strrchr(left, '/')), "/test.elsewhere.aB3dEf");
	take_like(left, strlen(strrchr(left, '/')), "/test.aB3dEf");
	assert_int_equal(access(mine.path, F_OK), 0);
	assert_int_equal(access(next.path, F_OK), 0);
	tempdir_done(&mine);
	tempdir_done(&next);
	tempdir_done(&next);
	setenv("TMPDIR", "/nonexistent", 1);
	assert_int_equal(tempdir_new("test", &next), -ENOENT);
	setenv("TMPDIR", tmp, 1);
	without_descriptors(&next);
	snprintf(left, sizeof left, "%s/test.file", tmp);
	assert_int_equal(unlink(left), 0);
	assert_int_equal(rmdir(tmp), 0); /* nothing else is there */
	if (kept)
		setenv("TMPDIR", kept, 1);
	else
		unsetenv("TMPDIR");
	free(kept);
}

/* ---- narrow ---- */

/* Numbers of all sizes, in any order, change, and are as wide as the widest. */
static void narrow_numbers_are_what_was_put(void **state)
{
	struct narrow c = {0};
	int64_t want[3000] = {0};
	uint64_t x = 1;

	(void)state;
	for (int k = 0; k < 20000; k++) {
		size_t i;

		x = x * 6364136223846793005u + 1442695040888963407u;
		i = (size_t)(x >> 33) % (k < 10000 ? 1500 : 3000);
		want[i] = (int64_t)x >> (k < 5000 ? 50 : k < 19000 ? 30 : 0);
		assert_int_equal(narrow_put(&c, i, want[i]), 0);
		if (k == 4999)
			assert_int_equal(c.width, 2);
		if (k == 18999)
			assert_int_equal(c.width, 5);
	}
	assert_int_equal(c.width, 8);
	for (size_t i = 0; i < c.n; i++)
		assert_true(narrow_at(&c, i) == want[i]);
	narrow_done(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_array_grows_and_keeps_what_it_has),
	    cmocka_unit_test(narrow_numbers_are_what_was_put),
	    cmocka_unit_test(an_array_gives_what_is_wanted_at_once),
	    cmocka_unit_test(what_is_new_in_an_array_is_zero),
	    cmocka_unit_test(an_array_that_can_not_grow_stays),
	    cmocka_unit_test(a_table_finds_each_number_under_its_hash),
	    cmocka_unit_test(numbers_of_one_hash_keep_their_order),
	    cmocka_unit_test(interned_text_is_there_once),
	    cmocka_unit_test(a_long_text_is_interned_whole),
	    cmocka_unit_test(an_arena_gives_aligned_zeroes),
	    cmocka_unit_test(an_arena_copies_text),
	    cmocka_unit_test(an_arena_remembers_that_memory_was_out),
	    cmocka_unit_test(keys_are_sorted_and_equal_ones_stay),
	    cmocka_unit_test(a_hash_depends_on_each_byte),
	    cmocka_unit_test(a_hash_spreads_numbers),
	    cmocka_unit_test(a_directory_goes_and_nothing_else),
	    cmocka_unit_test(what_a_killed_process_left_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
