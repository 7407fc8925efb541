/* SPDX-License-Identifier: Apache-2.0 */
/* Log files that were moved away become zstd's: every line is there at all times, in frames that can be read by
 * themselves, and a file that somebody writes to stays as it is, as does each where there is no libzstd. */
#define ILU_TARGET "test::pack"
#include "log_util.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <zstd.h>

static ilu_tid tid;
static bool no_zstd;

/* dlopen(3), as the library calls it. */
void *__real_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags);
void *__wrap_dlopen(const char *name, int flags)
{
	return no_zstd ? NULL : __real_dlopen(name, flags);
}

static int make_dir(void **state)
{
	(void)state;
	log_make_dir();
	return 0;
}

static int remove_dir(void **state)
{
	(void)state;
	return log_remove_dir();
}

static void start(const char *rotate)
{
	char config[400];

	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"basename\":\"t\",\"ring_bytes\":65536,\"rotate\":{%s,\"compress\":\"zstd\"}}",
	         log_dir, rotate);
	assert_int_equal(ilu_log_start(config), 0);
}

static bool ends(const char *name, const char *tail)
{
	size_t n = strlen(name), t = strlen(tail);

	return n > t && !strcmp(name + n - t, tail);
}

/* How many old files are plain, and how many packed; the plain ones look as if nobody had written to them for long. */
static void count_files(int *plain, int *packed)
{
	const struct timespec long_ago[2] = {{1500000000, 0}, {1500000000, 0}};
	struct dirent *entry;
	DIR *dir = opendir(log_dir);

	*plain = *packed = 0;
	assert_non_null(dir);
	while ((entry = readdir(dir))) {
		if (strncmp(entry->d_name, "t.log.", 6) != 0)
			continue;
		*(ends(entry->d_name, ".zst") ? packed : plain) += 1;
		if (!ends(entry->d_name, ".zst"))
			utimensat(dirfd(dir), entry->d_name, long_ago, AT_SYMLINK_NOFOLLOW);
	}
	closedir(dir);
}

static void tick(void)
{
	ilu_info(&tid, "tick");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	usleep(10000);
}

/* Until nothing is plain any more. Returns how many are packed. */
static int wait_for_packing(void)
{
	int plain, packed;

	for (int i = 0;; i++) {
		count_files(&plain, &packed);
		if (!plain && packed)
			return packed;
		/* a pass; not too often: who packs gets what others leave, and lines make old files, too */
		if (i % 100 == 0) {
			ilu_log_reopen();
			tick();
		}
		usleep(10000);
	}
}

/* ---- reading ---- */

static char *read_file(const char *path, size_t *len)
{
	struct stat st;
	FILE *f = fopen(path, "r");
	char *bytes;

	assert_non_null(f);
	assert_int_equal(fstat(fileno(f), &st), 0);
	bytes = malloc((size_t)st.st_size + 1);
	*len = fread(bytes, 1, (size_t)st.st_size, f);
	assert_int_equal(*len, (size_t)st.st_size);
	fclose(f);
	bytes[*len] = '\0';
	return bytes;
}

static uint32_t u32_at(const char *at)
{
	const unsigned char *b = (const unsigned char *)at;

	return b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

/* The text, by the table at the end: each frame by itself, ending with a line. */
static char *unpack(const char *path, size_t *len, uint32_t *frames)
{
	size_t n, at = 0, room = 0;
	char *bytes = read_file(path, &n), *text = NULL;
	const char *row, *table;

	*len = 0;
	assert_true(n >= 17);
	assert_int_equal(u32_at(bytes + n - 4), 0x8f92eab1);
	assert_int_equal(bytes[n - 5], 0);
	*frames = u32_at(bytes + n - 9);
	table = bytes + n - 9 - 8 * (size_t)*frames - 8;
	assert_int_equal(u32_at(table), 0x184d2a5e);
	assert_int_equal(u32_at(table + 4), 8 * *frames + 9);
	row = table + 8;
	for (uint32_t i = 0; i < *frames; i++, row += 8) {
		uint32_t packed = u32_at(row), plain = u32_at(row + 4);

		text = realloc(text, room += plain + 1);
		assert_int_equal(ZSTD_decompress(text + *len, plain, bytes + at, packed), plain);
		*len += plain;
		at += packed;
		assert_int_equal(text[*len - 1], '\n');
		assert_true(plain <= 1 << 20);
	}
	assert_ptr_equal(bytes + at, table);
	text = realloc(text, *len + 1);
	text[*len] = '\0';
	free(bytes);
	return text;
}

/* Lines with `what`. Line by line: the address sanitizer looks at all that a search may read. */
static int count_in(const char *text, size_t len, const char *what)
{
	const char *end = text + len, *newline;
	int n = 0;

	for (const char *at = text; (newline = memchr(at, '\n', (size_t)(end - at))); at = newline + 1)
		n += memmem(at, (size_t)(newline - at), what, strlen(what)) != NULL;
	return n;
}

/* In all files of the log; *frames: the most in one. */
static int count_all(const char *what, uint32_t *frames)
{
	struct dirent *entry;
	DIR *dir = opendir(log_dir);
	int n = 0;

	*frames = 0;
	while ((entry = readdir(dir))) {
		uint32_t of_this = 0;
		size_t len;
		char *text;

		if (strncmp(entry->d_name, "t.log", 5) != 0)
			continue;
		text = ends(entry->d_name, ".zst") ? unpack(log_path(entry->d_name), &len, &of_this)
		                                   : read_file(log_path(entry->d_name), &len);
		n += count_in(text, len, what);
		*frames = of_this > *frames ? of_this : *frames;
		free(text);
	}
	closedir(dir);
	return n;
}

/* ---- tests ---- */

static void test_packed(void **state)
{
	const int lines = 30000;
	uint32_t frames;

	(void)state;
	start("\"bytes\":\"3MiB\"");
	for (int n = 0; n < lines; n++)
		ilu_info(&tid, "line", KV("n", n), KV("pad", "................................................."));
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	assert_true(wait_for_packing() > 1);
	assert_int_equal(ilu_log_stop(), 0);
	assert_int_equal(count_all("\"message\":\"line\"", &frames), lines);
	assert_in_range(frames, 3, 5);
}

/* The old files' bytes are counted as they are on the disk. */
static void test_total_is_kept(void **state)
{
	uint64_t all = 0;
	struct dirent *entry;
	DIR *dir;
	int files = 0;

	(void)state;
	start("\"bytes\":65536,\"total\":250000");
	for (int round = 0; round < 6; round++) {
		for (int n = 0; n < 500; n++)
			ilu_info(&tid, "line", KV("n", n));
		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
		files = wait_for_packing();
	}
	assert_int_equal(ilu_log_stop(), 0);
	dir = opendir(log_dir);
	while ((entry = readdir(dir))) {
		struct stat st;

		if (!strncmp(entry->d_name, "t.log.", 6) && !fstatat(dirfd(dir), entry->d_name, &st, 0))
			all += (uint64_t)st.st_size;
	}
	closedir(dir);
	assert_in_range(all, 1, 250000);
	assert_true(files > 3); /* as many plain ones would be too many */
}

/* Who has the shared lock may still write. */
static void test_in_use(void **state)
{
	json_t *lines = NULL, *line = NULL;
	int fd, plain, packed;
	char *old = log_path("t.log.20200101T000000-000Z");

	(void)state;
	fd = open(old, O_RDWR | O_CREAT | O_APPEND, 0640);
	assert_int_equal(write(fd, "{}\n", 3), 3);
	assert_int_equal(flock(fd, LOCK_SH), 0);
	count_files(&plain, &packed);
	start("\"keep\":5");
	while (!line) {
		json_decref(lines);
		tick();
		lines = log_lines();
		line = log_find(lines, "Log file not packed", 0);
	}
	assert_string_equal(json_string_value(json_object_get(line, "level")), "WARN");
	assert_string_equal(json_string_value(log_field(line, "reason")), "somebody writes to it");
	assert_non_null(strstr(json_string_value(log_field(line, "path")), "/t.log.20200101T000000-000Z"));
	json_decref(lines);
	assert_int_equal(access(old, F_OK), 0);
	close(fd);
	assert_int_equal(wait_for_packing(), 1);
	assert_int_equal(ilu_log_stop(), 0);
	lines = log_lines();
	assert_int_equal(log_count(lines, "Log file not packed"), 1);
	json_decref(lines);
}

static void test_without_zstd(void **state)
{
	json_t *lines, *line;
	uint32_t frames;
	int status;

	(void)state;
	fflush(NULL);
	if (!fork()) { /* a process that has not found it before */
		no_zstd = true;
		start("\"bytes\":65536");
		for (int n = 0; n < 2000; n++)
			ilu_info(&tid, "line", KV("n", n));
		for (int i = 0; i < 50 || (i < 5000 && !count_all("Log file not packed", &frames)); i++)
			tick();
		_exit(ilu_log_stop() != 0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	lines = log_lines();
	line = log_find(lines, "Log file not packed", 0);
	if (!line) { /* it stands in an older one */
		assert_int_equal(count_all("Log file not packed", &frames), 1);
		assert_int_equal(count_all("there is no libzstd.so.1", &frames), 1);
	}
	json_decref(lines);
}

/* A forked child leaves it to its parent, and a stop in the middle leaves a plain file. */
static void test_stops_and_forks(void **state)
{
	uint32_t frames;
	int status;

	(void)state;
	if (LOG_TSAN)
		skip();
	fflush(NULL);
	for (int round = 0; round < 5; round++) {
		int plain, packed;

		start("\"bytes\":\"1MiB\"");
		for (int n = 0; n < 6000; n++)
			ilu_info(&tid, "line", KV("n", n),
			         KV("pad", "................................................."));
		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
		count_files(&plain, &packed);
		ilu_log_reopen();
		usleep(210000);
		tick();
		if (!fork()) {
			ilu_info(&tid, "child");
			_exit(ilu_log_stop() != 0);
		}
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
		assert_int_equal(ilu_log_stop(), 0);
	}
	start("\"bytes\":\"1MiB\"");
	wait_for_packing();
	assert_int_equal(ilu_log_stop(), 0);
	assert_int_equal(count_all("\"message\":\"line\"", &frames), 5 * 6000);
	assert_int_equal(count_all("\"message\":\"child\"", &frames), 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_without_zstd, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_packed, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_total_is_kept, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_in_use, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_stops_and_forks, make_dir, remove_dir),
	};

	tid = ilu_tid_named("Pack");
	return cmocka_run_group_tests_name("log_pack_test", tests, NULL, NULL);
}
