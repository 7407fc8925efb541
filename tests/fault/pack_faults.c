/* SPDX-License-Identifier: Apache-2.0 */
/* pack_faults.c - old log files are packed while the n-th call of each kind fails. After each pass every file is there,
 * once and whole: plain, which was said with its reason, or packed, and nothing half done lies beside it. The next pass
 * packs them all. */
#include "faults.h"

#include "base/now.h"
#include "sinks/open.h"
#include "sinks/pack.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>
#include <cmocka.h>

enum { FILES = 2, BYTES = 1200000 /* two frames */ };

static const char *const names[FILES] = {"t.log.20260101T000000-000Z", "t.log.20260102T000000-000Z"};
static char directory[64], original[FILES][BYTES], bytes[2 * BYTES], text[BYTES];

static const char *path_of(const char *name)
{
	static char path[4][400];
	static int n;

	n = (n + 1) % 4;
	snprintf(path[n], sizeof path[n], "%s/%s", directory, name);
	return path[n];
}

/* ---- files ---- */

static void fill(char *to, int file)
{
	uint32_t seed = (uint32_t)file + 1;

	for (int i = 0; i < BYTES; i++) {
		seed = seed * 1664525 + 1013904223;
		to[i] = i % 100 == 99 ? '\n' : (char)('a' + (seed >> 24) % 16);
	}
}

/* As they were left, long ago. */
static void write_files(void)
{
	const struct timespec long_ago[2] = {{1500000000, 0}, {1500000000, 0}};

	for (int i = 0; i < FILES; i++) {
		FILE *f = fopen(path_of(names[i]), "w");

		assert_non_null(f);
		assert_int_equal(fwrite(original[i], 1, BYTES, f), BYTES);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(utimensat(AT_FDCWD, path_of(names[i]), long_ago, 0), 0);
	}
}

/* -1: it is not there. */
static long read_file(const char *name)
{
	FILE *f = fopen(path_of(name), "r");
	long n;

	if (!f)
		return -1;
	n = (long)fread(bytes, 1, sizeof bytes, f);
	fclose(f);
	return n;
}

/* Is it plain? It is that or packed, and whole. */
static bool check_file(int i, const char *what)
{
	char packed[100];
	long plain = read_file(names[i]), n;

	if (plain >= 0 && (plain != BYTES || memcmp(bytes, original[i], BYTES) != 0))
		fail_msg("%s: %s is not what it was", what, names[i]);
	snprintf(packed, sizeof packed, "%s.zst", names[i]);
	n = read_file(packed);
	if ((n >= 0) == (plain >= 0))
		fail_msg("%s: %s: plain and packed are %s there", what, names[i], n >= 0 ? "both" : "not");
	if (n >= 0 &&
	    (ZSTD_decompress(text, BYTES, bytes, (size_t)n) != BYTES || memcmp(text, original[i], BYTES) != 0))
		fail_msg("%s: %s is not what was packed", what, packed);
	return plain >= 0;
}

/* How many are plain. */
static int check_files(const char *what)
{
	DIR *dir = opendir(directory);
	int plain = 0;

	for (int i = 0; i < FILES; i++)
		plain += check_file(i, what);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		if (!strncmp(e->d_name, ".t.log.2", 8))
			fail_msg("%s: %s is left", what, e->d_name);
	closedir(dir);
	return plain;
}

static void remove_files(void)
{
	char command[200];

	snprintf(command, sizeof command, "rm -f %s/t.log* %s/.t.log*", directory, directory);
	assert_int_equal(system(command), 0);
}

/* ---- a pass ---- */

static int threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = 0;

	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir));)
		n += *e->d_name != '.';
	closedir(dir);
	return n;
}

/* Its news: how many, each with an error. */
static int make_pass(struct pack *p, const struct place *place, const char *what)
{
	int before = threads(), said = 0;
	bool ended = false;

	pack_wake(p);
	for (bool last = false; !last; usleep(200)) {
		struct pack_news news;

		last = ended;
		if (pack_look(p, place, &news)) {
			if (!news.error || strncmp(news.path, directory, strlen(directory)) != 0)
				fail_msg("%s: %s: %s, error %d", what, news.path, news.reason, news.error);
			said++;
		}
		ended = threads() == before;
	}
	return said;
}

static void test_kind(void **state)
{
	enum fault_kind kind = *(enum fault_kind *)*state;
	unsigned n = 1, calls, stayed = 0;
	struct place place;
	struct pack *p;
	char what[60];

	remove_files();
	assert_int_equal(place_init(&place, path_of("t.log")), 0);
	do {
		int said, plain;

		snprintf(what, sizeof what, "%s %u", fault_names[kind], n);
		write_files();
		assert_int_equal(pack_new(&p), 0);
		fault_arm(kind, n,
		          kind == FAULT_UNLINK || kind == FAULT_GONE ? 1
		                                                     : 1 + n % 3); /* whoever undoes something may */
		said = make_pass(p, &place, what);
		calls = fault_disarm();
		plain = check_files(what);
		if (plain && !said)
			fail_msg("%s: %d files are plain, and nothing was said", what, plain);
		stayed += (unsigned)plain;
		make_pass(p, &place, what);
		if (check_files(what))
			fail_msg("%s: without faults they stay plain", what);
		pack_free(p);
		remove_files();
		n++;
	} while (n <= calls + 1);
	place_done(&place);
	assert_true(kind == FAULT_SHORT || kind == FAULT_GONE || stayed > 0);
	print_message("%s: failed in %u runs; %u calls in the last; %u files stayed plain\n", fault_names[kind], n - 2,
	              calls, stayed);
}

/* What fails for long is not packed for nothing each time. */
static void test_fails_for_long(void **state)
{
	unsigned calls[4];
	struct place place;
	struct pack *p;

	(void)state;
	write_files();
	assert_int_equal(place_init(&place, path_of("t.log")), 0);
	assert_int_equal(pack_new(&p), 0);
	for (int i = 0; i < 4; i++) {
		fault_arm(FAULT_RENAME, 1, ~0u);
		make_pass(p, &place, "rename for long");
		calls[i] = fault_disarm();
		assert_int_equal(check_files("rename for long"), FILES);
	}
	assert_int_equal(calls[0], FILES);
	assert_int_equal(calls[1], FILES);
	assert_int_equal(calls[2] + calls[3], 0);
	pack_free(p);
	place_done(&place);
	remove_files();
}

static int setup(void **state)
{
	(void)state;
	for (int i = 0; i < FILES; i++)
		fill(original[i], i);
	strcpy(directory, access("/dev/shm", W_OK) ? "/tmp/pack_faults.XXXXXX" : "/dev/shm/pack_faults.XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	remove_files();
	return rmdir(directory);
}

int main(void)
{
	static enum fault_kind kinds[] = {FAULT_OPEN,  FAULT_NEXT,   FAULT_WRITE,  FAULT_WRITE_EIO,
	                                  FAULT_SHORT, FAULT_SYNC,   FAULT_RENAME, FAULT_UNLINK,
	                                  FAULT_GONE,  FAULT_MALLOC, FAULT_THREAD};
	enum { KINDS = sizeof kinds / sizeof *kinds };
	struct CMUnitTest tests[KINDS + 1];

	for (size_t i = 0; i < KINDS; i++)
		tests[i] = (struct CMUnitTest){fault_names[kinds[i]], test_kind, NULL, NULL, &kinds[i]};
	tests[KINDS] = (struct CMUnitTest)cmocka_unit_test(test_fails_for_long);
	return _cmocka_run_group_tests("pack_faults", tests, KINDS + 1, setup, teardown);
}
