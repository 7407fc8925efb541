/* SPDX-License-Identifier: Apache-2.0 */
/* The log file and those who share its name: runs before this one, other processes, whoever moves, deletes or replaces
 * it, and programs that close descriptors that are not theirs. */
#define ILU_TARGET "test::files"
#include "log_util.h"

#include "sinks/away.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

static ilu_tid tid;

static void start(const char *keys)
{
	char config[512];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\"%s%s}", log_dir, *keys ? "," : "",
	         keys);
	assert_int_equal(ilu_log_start(config), 0);
}

static void flush(void)
{
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
}

static int remove_dir(void **state)
{
	(void)state;
	return log_remove_dir();
}

static int make_dir(void **state)
{
	(void)state;
	log_make_dir();
	return 0;
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static char *text_of(const char *path)
{
	static char text[1 << 16];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	text[fread(text, 1, sizeof text - 1, f)] = '\0';
	fclose(f);
	return text;
}

/* A file of the directory whose name begins so; its path, NULL: none. */
static char *named(const char *prefix)
{
	struct dirent *entry;
	DIR *dir = opendir(log_dir);
	char *found = NULL;

	assert_non_null(dir);
	while (!found && (entry = readdir(dir)))
		if (!strncmp(entry->d_name, prefix, strlen(prefix)))
			found = log_path(entry->d_name);
	closedir(dir);
	return found;
}

/* Log until the log file has a line with this message: whatever became of it is noticed soon. */
static json_t *log_until(const char *message)
{
	for (;;) {
		json_t *lines;

		ilu_info(&tid, "tick");
		ilu_log_flush(ILU_ACK_KERNEL, -1);
		usleep(10000);
		if (access(log_file(), F_OK))
			continue;
		lines = log_lines_of(log_file());
		if (log_count(lines, message))
			return lines;
		json_decref(lines);
	}
}

/* ---- runs before this one ---- */

static void test_append(void **state)
{
	json_t *lines;

	(void)state;
	for (int i = 0; i < 2; i++) {
		start("");
		ilu_info(&tid, "run");
		assert_int_equal(ilu_log_stop(), 0);
	}
	lines = log_lines_of(log_file());
	assert_string_equal(log_messages(lines), "Logger initialized run Logger initialized run");
	json_decref(lines);
}

static void test_cut_line_ends(void **state)
{
	char *text;

	(void)state;
	write_file(log_file(), "{\"whole\":1}\n{\"half\":");
	start("");
	ilu_info(&tid, "run");
	assert_int_equal(ilu_log_stop(), 0);
	text = text_of(log_file());
	assert_int_equal(strncmp(text, "{\"whole\":1}\n{\"half\":\n{\"timestamp\"", 33), 0);
	assert_null(strstr(text, "\n\n"));
}

static void test_rotate(void **state)
{
	char *old;

	(void)state;
	start("\"at_start\":\"rotate\"");
	assert_null(named("t.log.")); /* there was nothing */
	assert_int_equal(ilu_log_stop(), 0);
	write_file(log_file(), "old\n");
	start("\"at_start\":\"rotate\"");
	ilu_info(&tid, "run");
	assert_int_equal(ilu_log_stop(), 0);
	old = named("t.log.2");
	assert_non_null(old);
	assert_string_equal(text_of(old), "old\n");
	assert_int_equal(strlen(strrchr(old, '/')), strlen("/t.log.20261128T183312-123Z"));
	assert_null(strstr(text_of(log_file()), "old"));
}

static void test_new(void **state)
{
	(void)state;
	write_file(log_file(), "old\n");
	start("\"at_start\":\"new\"");
	assert_int_equal(ilu_log_stop(), 0);
	assert_null(strstr(text_of(log_file()), "old"));
	assert_null(named("t.log."));
}

/* ---- two processes ---- */

#define WRITERS 3
#define EACH    20000

static void test_processes_share_a_file(void **state)
{
	int count[WRITERS] = {0}, status;
	json_t *lines, *line;
	size_t n;

	(void)state;
	fflush(NULL);
	for (int w = 0; w < WRITERS; w++) {
		if (fork())
			continue;
		start("");
		for (int i = 0; i < EACH; i++)
			ilu_info(&tid, "mine", KV("w", w), KV("i", i), KV("pad", "................................"));
		_exit(ilu_log_stop() != 0);
	}
	for (int w = 0; w < WRITERS; w++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	lines = log_lines_of(log_file()); /* fails at a line that is no object */
	json_array_foreach(lines, n, line)
	{
		json_t *w = log_field(line, "w");

		if (!w)
			continue;
		assert_int_equal(json_integer_value(log_field(line, "i")), count[json_integer_value(w)]++);
	}
	for (int w = 0; w < WRITERS; w++)
		assert_int_equal(count[w], EACH);
	json_decref(lines);
}

/* ---- somebody moves it ---- */

static void test_deleted(void **state)
{
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines;

	(void)state;
	start("");
	flush();
	unlink(log_file());
	lines = log_until("Log file opened");
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 0), "reason")), "deleted");
	assert_string_equal(json_string_value(json_object_get(json_array_get(lines, 0), "level")), "WARN");
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 0), "path")), log_file());
	json_decref(lines);
	assert_int_equal(remove_dir(NULL), 0); /* and its directory */
	lines = log_until("Log file opened");
	json_decref(lines);
	ilu_log_stats(&stats);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(ilu_log_stop(), 0);
}

static void test_renamed_and_replaced(void **state)
{
	json_t *lines;

	(void)state;
	start("");
	flush();
	assert_int_equal(rename(log_file(), log_path("t.old")), 0);
	lines = log_until("Log file opened");
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 0), "reason")), "renamed");
	json_decref(lines);
	assert_int_equal(rename(log_file(), log_path("t.older")), 0);
	write_file(log_file(), "");
	lines = log_until("Log file opened");
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 0), "reason")), "replaced");
	json_decref(lines);
	assert_int_equal(ilu_log_stop(), 0);
}

/* What must not be written to is refused, and said in the file that is still open. */
static void test_refused(void **state)
{
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines, *line;

	(void)state;
	start("");
	flush();
	write_file(log_path("victim"), "mine\n");
	assert_int_equal(rename(log_file(), log_path("t.old")), 0);
	assert_int_equal(symlink(log_path("victim"), log_file()), 0);
	assert_int_equal(ilu_log_reopen(), 0);
	ilu_info(&tid, "goes on");
	flush();
	lines = log_lines_of(log_path("t.old"));
	line = log_find(lines, "Log file not opened anew", 0);
	assert_string_equal(json_string_value(json_object_get(line, "level")), "WARN");
	assert_int_equal(json_integer_value(log_field(line, "errno")), ELOOP);
	assert_string_equal(json_string_value(log_field(line, "path")), log_file());
	assert_int_equal(log_count(lines, "goes on"), 1);
	json_decref(lines);
	ilu_log_stats(&stats);
	assert_int_equal(stats.reopen_failures, 1);
	assert_string_equal(text_of(log_path("victim")), "mine\n");
	unlink(log_file()); /* and it comes back by itself */
	lines = log_until("Log file opened");
	json_decref(lines);
	assert_int_equal(ilu_log_stop(), 0);
}

static void test_refused_at_the_start(void **state)
{
	char config[300];

	(void)state;
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\"}", log_dir);
	write_file(log_path("victim"), "mine\n");
	assert_int_equal(symlink(log_path("victim"), log_file()), 0);
	assert_int_equal(ilu_log_start(config), -ELOOP);
	unlink(log_file());
	assert_int_equal(link(log_path("victim"), log_file()), 0);
	assert_int_equal(ilu_log_start(config), -EMLINK);
	unlink(log_file());
	write_file(log_file(), "");
	assert_int_equal(chmod(log_file(), 0666), 0);
	assert_int_equal(ilu_log_start(config), -EPERM);
	unlink(log_file());
	assert_int_equal(mkdir(log_file(), 0755), 0);
	assert_int_equal(ilu_log_start(config), -EISDIR);
	assert_string_equal(text_of(log_path("victim")), "mine\n");
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"../t\"}", log_dir);
	assert_int_equal(ilu_log_start(config), -EINVAL);
	assert_non_null(strstr(ilu_log_error(), "\"basename\""));
	if (!geteuid()) {
		snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"o\"}", log_dir);
		write_file(log_path("o.log"), "");
		assert_int_equal(chown(log_path("o.log"), 12345, 12345), 0);
		assert_int_equal(ilu_log_start(config), -EPERM);
		assert_int_equal(chown(log_dir, 12345, 12345),
		                 0); /* its directory's owner: a daemon that starts as root */
		assert_int_equal(ilu_log_start(config), 0);
		assert_int_equal(ilu_log_stop(), 0);
	}
}

/* The pattern of containers: the log file is a link to standard output, at the start and at each new opening. */
static void test_link_to_a_device(void **state)
{
	int ends[2], status;
	char text[8192];
	size_t len = 0;
	ssize_t n;

	(void)state;
	assert_int_equal(symlink("/dev/stdout", log_file()), 0);
	assert_int_equal(pipe(ends), 0);
	fflush(NULL);
	if (!fork()) {
		dup2(ends[1], 1);
		for (int i = 3; i < 100; i++)
			close(i);
		start("\"at_start\":\"new\"");
		ilu_info(&tid, "one");
		ilu_log_reopen();
		ilu_info(&tid, "two");
		_exit(ilu_log_stop() != 0);
	}
	close(ends[1]);
	while ((n = read(ends[0], text + len, sizeof text - 1 - len)) > 0)
		len += (size_t)n;
	close(ends[0]);
	text[len] = '\0';
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_non_null(strstr(text, "Logger initialized"));
	assert_non_null(strstr(text, "\"two\""));
}

/* ---- somebody closes what is not his ---- */

static void test_closed_descriptors(void **state)
{
	char *database = log_path("database");
	int db, status;
	json_t *lines;

	(void)state;
	if (LOG_TSAN) {
		print_message(
		    "skipped: the test closes what the library has open, as the thread sanitizer rightly says\n");
		skip();
	}
	fflush(NULL);
	if (!fork()) {
		start("\"run_directory\":\"auto\"");
		ilu_info(&tid, "before");
		flush();
		for (int fd = 3; fd < 1024; fd++)
			close(fd);
		while ((db = open(database, O_RDWR | O_CREAT | O_APPEND, 0600)) <
		       110) /* every number that was the log's */
			if (db < 0)
				_exit(3);
		for (int i = 0; i < 5; i++)
			ilu_info(&tid, "after", KV("i", i));
		flush();
		_exit(ilu_log_stop() != 0);
	}
	assert_true(wait(&status) > 0);
	assert_int_equal(status, 0);
	assert_string_equal(text_of(database), "");
	lines = log_lines_of(log_file());
	assert_int_equal(log_count(lines, "before"), 1);
	assert_int_equal(log_count(lines, "after"), 5);
	assert_string_equal(json_string_value(log_field(log_find(lines, "Log file opened", 0), "reason")),
	                    "descriptor closed");
	json_decref(lines);
}

/* ---- rotation ---- */

/* All files of the log, the old ones first, as one. */
static json_t *all_lines(size_t *files)
{
	struct dirent **list;
	int n = scandir(log_dir, &list, NULL, alphasort);
	json_t *all = json_array(), *lines;
	size_t before;

	*files = 0;
	for (int i = 0; i < n; i++) {
		if (!strncmp(list[i]->d_name, "t.log.", 6)) {
			lines = log_lines_of(log_path(list[i]->d_name));
			assert_string_equal(log_message(json_array_get(lines, 0)),
			                    *files ? "Log file opened" : "Logger initialized");
			json_array_extend(all, lines);
			json_decref(lines);
			++*files;
		}
		free(list[i]);
	}
	free(list);
	before = json_array_size(all);
	lines = log_lines_of(log_file());
	assert_true(!before || !strcmp(log_message(json_array_get(lines, 0)), "Log file opened"));
	json_array_extend(all, lines);
	json_decref(lines);
	++*files;
	return all;
}

/* By size: every line is in one of the files, in order, with its number. */
static void test_rotate_by_size(void **state)
{
	json_t *lines, *line;
	size_t files, i;
	json_int_t seq = 0;

	(void)state;
	start("\"rotate\":{\"bytes\":\"64KiB\"},\"ring_bytes\":65536");
	for (int n = 0; n < 20000; n++)
		ilu_info(&tid, "line", KV("n", n));
	assert_int_equal(ilu_log_stop(), 0);
	lines = all_lines(&files);
	assert_true(files > 5);
	assert_int_equal(log_count(lines, "line"), 20000);
	json_array_foreach(lines, i, line) assert_int_equal(json_integer_value(json_object_get(line, "seq")), ++seq);
	json_decref(lines);
}

static void test_rotate_keeps_some(void **state)
{
	size_t files;

	(void)state;
	write_file(log_path("t.log.20200101T000000-000Z.zst"), "very old");
	write_file(log_path("t.log.other"), "not ours");
	start("\"rotate\":{\"bytes\":\"64KiB\",\"keep\":3},\"ring_bytes\":65536");
	for (int n = 0; n < 20000; n++)
		ilu_info(&tid, "line", KV("n", n));
	assert_int_equal(ilu_log_stop(), 0);
	assert_int_equal(access(log_path("t.log.20200101T000000-000Z.zst"), F_OK), -1);
	assert_int_equal(unlink(log_path("t.log.other")), 0);
	files = 0;
	for (char *old; (old = named("t.log.")); files++)
		unlink(old);
	assert_int_equal(files, 3);
}

/* The clock was set back since a file got its name: later ones are called as if they were later, so that the oldest one
 * goes, and not what was just moved. */
static void test_rotate_after_the_clock_was_set_back(void **state)
{
	json_t *lines, *line;
	size_t i, last = 0;

	(void)state;
	write_file(log_path("t.log.20981231T235959-999Z"), "the oldest");
	write_file(log_path("t.log.20990101T000000-000Z.zst"), "old");
	start("\"rotate\":{\"bytes\":\"64KiB\",\"keep\":3},\"ring_bytes\":65536");
	for (int n = 0; n < 20000; n++)
		ilu_info(&tid, "line", KV("n", n));
	assert_int_equal(ilu_log_stop(), 0);
	assert_int_equal(access(log_path("t.log.20981231T235959-999Z"), F_OK), -1);
	assert_int_equal(access(log_path("t.log.20990101T000000-000Z.zst"), F_OK), -1);
	assert_non_null(named("t.log.20990101T000000-"));
	lines = json_array();
	for (char *path; (path = named("t.log")); unlink(path)) {
		json_t *some = log_lines_of(path);

		json_array_extend(lines, some);
		json_decref(some);
	}
	json_array_foreach(lines, i, line) last += json_integer_value(log_field(line, "n")) >= 19000;
	assert_int_equal(last, 1000);
	json_decref(lines);
}

static void test_rotate_by_time(void **state)
{
	json_t *lines;
	size_t files;

	(void)state;
	start("\"rotate\":{\"every\":\"1s\"}");
	lines = log_until("Log file opened");
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 0), "reason")), "rotated");
	json_decref(lines);
	assert_int_equal(ilu_log_stop(), 0);
	lines = all_lines(&files);
	assert_true(files > 1);
	json_decref(lines);
}

/* The file was last written to when the clock was far ahead. */
static void test_rotate_by_time_after_the_clock_was_set_back(void **state)
{
	static const struct timespec ahead[2] = {{4070908800, 0}, {4070908800, 0}}; /* 2099 */

	(void)state;
	write_file(log_file(), "{}\n");
	assert_int_equal(utimensat(AT_FDCWD, log_file(), ahead, 0), 0);
	start("\"rotate\":{\"every\":\"1d\"}");
	json_decref(log_until("Log file opened"));
	assert_int_equal(ilu_log_stop(), 0);
	for (char *old; (old = named("t.log.2")); unlink(old))
		;
}

/* A child that is forked while a file is moved has the lock's descriptor, and lives on. */
static void test_lock_is_not_inherited(void **state)
{
	struct place place;
	int lock, again;
	pid_t child;

	(void)state;
	assert_int_equal(place_init(&place, log_file()), 0);
	lock = away_lock(&place);
	assert_true(lock >= 0);
	child = fork();
	if (!child) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		pause();
		_exit(0);
	}
	away_unlock(lock);
	again = away_lock(&place);
	assert_true(again >= 0);
	away_unlock(again);
	place_done(&place);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
}

/* Several processes, and forked workers that gave up their user: one moves the file, all go on in the new one. */
static void worker(int w, bool drop)
{
	if (drop && (setgid(65534) || setuid(65534)))
		_exit(9);
	for (int i = 0; i < 3000; i++) {
		ilu_info(&tid, "shared", KV("w", w), KV("i", i));
		if (i % 10 == 0)
			usleep(1000);
	}
	exit(0);
}

static void test_rotate_together(void **state)
{
	bool root = !geteuid();
	json_t *lines;
	size_t files;
	int status;

	(void)state;
	if (LOG_TSAN)
		skip();
	fflush(NULL);
	if (!fork()) { /* one by itself */
		start("\"rotate\":{\"bytes\":\"64KiB\"}");
		worker(0, false);
	}
	start("\"rotate\":{\"bytes\":\"64KiB\"}");
	for (int w = 1; w < 4; w++)
		if (!fork())
			worker(w, root && w > 1);
	for (int w = 0; w < 4; w++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_int_equal(ilu_log_stop(), 0);
	files = 0;
	lines = json_array();
	for (char *path; (path = named("t.log")); files++) {
		json_t *some = log_lines_of(path);

		json_array_extend(lines, some);
		json_decref(some);
		unlink(path);
	}
	assert_true(files > 3);
	assert_int_equal(log_count(lines, "shared"), 4 * 3000);
	assert_int_equal(log_count(lines, "Log file not opened anew"), 0);
	json_decref(lines);
}

/* ---- the end ---- */

/* A pipe that nobody reads is given up, the file beside it is complete. */
static void test_stop_is_bounded(void **state)
{
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	char keys[100];
	json_t *lines;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	ilu_log_stats(&before);
	snprintf(keys, sizeof keys, "\"stop_timeout_ms\":2000,\"sinks\":[{\"fd\":%d}]", ends[1]);
	start(keys);
	for (int i = 0; i < 3000; i++)
		ilu_info(&tid, "line", KV("i", i));
	assert_int_equal(ilu_log_stop(), -ETIMEDOUT);
	ilu_log_stats(&after);
	assert_in_range(after.lost - before.lost, 1, 3001);
	lines = log_lines_of(log_file());
	assert_int_equal(log_count(lines, "line"), 3000);
	json_decref(lines);
	start(""); /* and the next run is not disturbed */
	ilu_info(&tid, "next");
	assert_int_equal(ilu_log_stop(), 0);
	if (LOG_TSAN) /* what hangs there still has them */
		return;
	close(ends[0]);
	close(ends[1]);
}

static void *read_slowly(void *argument)
{
	const int *fd = argument;
	size_t lines = 0;
	char text[16384];
	ssize_t n;

	while ((n = read(*fd, text, sizeof text)) > 0) {
		for (ssize_t i = 0; i < n; i++)
			lines += text[i] == '\n';
		usleep(200000);
	}
	return (void *)lines;
}

/* A pipe whose reader takes longer for a batch than a sink may hang, but always takes some of it. */
static void test_stop_waits_for_the_slow(void **state)
{
	char keys[160];
	pthread_t reader;
	void *lines;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	snprintf(keys, sizeof keys, "\"stop_timeout_ms\":2000,\"ring_bytes\":4194304,\"sinks\":[{\"fd\":%d}]", ends[1]);
	start(keys);
	for (int i = 0; i < 2500; i++)
		ilu_info(&tid, "line", KV("i", i));
	/* only now: what the pipe does not hold is in one batch */
	assert_int_equal(pthread_create(&reader, NULL, read_slowly, &ends[0]), 0);
	assert_int_equal(ilu_log_stop(), 0);
	close(ends[1]);
	pthread_join(reader, &lines);
	assert_in_range((size_t)lines, 2501, 2502);
	close(ends[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(test_append, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_cut_line_ends, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_new, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_processes_share_a_file, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_deleted, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_renamed_and_replaced, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_refused, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_refused_at_the_start, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_link_to_a_device, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_closed_descriptors, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate_by_size, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate_keeps_some, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate_after_the_clock_was_set_back, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate_by_time, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate_by_time_after_the_clock_was_set_back, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_lock_is_not_inherited, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_rotate_together, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_stop_is_bounded, make_dir, remove_dir),
	    cmocka_unit_test_setup_teardown(test_stop_waits_for_the_slow, make_dir, remove_dir),
	};

	tid = ilu_tid_named("Files");
	return cmocka_run_group_tests_name("log_files_test", tests, NULL, NULL);
}
