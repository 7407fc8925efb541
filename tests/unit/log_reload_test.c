/* SPDX-License-Identifier: Apache-2.0 */
/* Reading the configuration again: from a handler of SIGHUP, with a good file, a bad one and none, while others log. */
#define ILU_TARGET "test::reload"
#include "log_util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>

static ilu_tid tid;
static volatile sig_atomic_t answer;

static void on_hup(int number)
{
	(void)number;
	answer = ilu_log_reload();
}

static void configure(const char *keys)
{
	char path[128];
	FILE *f;

	snprintf(path, sizeof path, "%s/ilulog.json", log_dir);
	f = fopen(path, "w");
	assert_non_null(f);
	fprintf(f, "{\"directory\":\"%s\",\"basename\":\"t\",%s}", log_dir, keys);
	fclose(f);
}

static void begin(const char *keys)
{
	char path[128];

	log_make_dir();
	configure(keys);
	snprintf(path, sizeof path, "%s/ilulog.json", log_dir);
	assert_int_equal(ilu_log_start_file(path), 0);
}

static void remove_config(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/ilulog.json", log_dir);
	unlink(path);
}

static void hup(void)
{
	answer = 1;
	raise(SIGHUP);
	assert_int_equal(answer, 0);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
}

/* The directives of the new file count, and after it was moved away the log goes on in a new one. */
static void test_levels_and_files(void **state)
{
	char old[128], old_sink[128], sink[128];
	json_t *lines;

	(void)state;
	begin("\"level\":\"info\",\"sinks\":[{\"file\":\"s.log\"}]");
	ilu_debug(&tid, "hidden");
	ilu_info(&tid, "shown");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	snprintf(old, sizeof old, "%s/t.old", log_dir);
	assert_int_equal(rename(log_file(), old), 0);
	snprintf(sink, sizeof sink, "%s/s.log", log_dir);
	snprintf(old_sink, sizeof old_sink, "%s/s.old", log_dir);
	assert_int_equal(rename(sink, old_sink), 0);
	configure("\"level\":\"warn,test::reload=debug\",\"sinks\":[{\"file\":\"other.log\"}]");
	hup();
	ilu_debug(&tid, "now shown");
	remove_config();
	assert_int_equal(ilu_log_stop(), 0);
	lines = log_lines();
	assert_string_equal(log_messages(lines), "Log file opened Configuration reloaded Filter changed now shown");
	assert_non_null(json_string_value(log_field(json_array_get(lines, 0), "reason"))); /* it may see it unasked */
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 0), "path")), log_file());
	assert_int_equal(json_integer_value(log_field(json_array_get(lines, 0), "next_seq")),
	                 json_integer_value(json_object_get(json_array_get(lines, 1), "seq")));
	assert_string_equal(json_string_value(log_field(json_array_get(lines, 1), "level")), "warn,test::reload=debug");
	json_decref(lines);
	assert_int_equal(access(sink, F_OK), 0); /* opened anew by its old name: other keys wait for a start */
	unlink(sink);
	unlink(old_sink);
	unlink(log_file());
	assert_int_equal(rename(old, log_file()), 0);
	lines = log_lines();
	assert_string_equal(log_messages(lines), "Logger initialized shown");
	json_decref(lines);
	log_remove();
}

/* A bad file changes nothing, and the log says what is wrong with it. */
static void test_bad_file(void **state)
{
	char expected[200];
	json_t *lines;

	(void)state;
	begin("\"level\":\"debug\"");
	configure("\"level\":\"loud=\\u0007\"");
	hup();
	ilu_debug(&tid, "still shown");
	configure("\"levle\":\"info\"");
	hup();
	remove_config();
	hup();
	lines = log_end();
	assert_string_equal(log_messages(lines), "Logger initialized Configuration not reloaded still shown "
	                                         "Configuration not reloaded Configuration not reloaded");
	snprintf(expected, sizeof expected, "%s/ilulog.json: key \"level\": directive 1", log_dir);
	assert_non_null(strstr(json_string_value(log_field(json_array_get(lines, 1), "error")), expected));
	assert_non_null(
	    strstr(json_string_value(log_field(json_array_get(lines, 3), "error")), "unknown key \"levle\""));
	assert_non_null(
	    strstr(json_string_value(log_field(json_array_get(lines, 4), "error")), "No such file or directory"));
	json_decref(lines);
}

/* A variable of the start goes over the file then too; the present ones are not looked at. */
static void test_environment(void **state)
{
	json_t *lines;

	(void)state;
	setenv("ILU_LOG__level", "warn", 1);
	begin("\"level\":\"info\"");
	setenv("ILU_LOG__level", "trace", 1);
	hup();
	unsetenv("ILU_LOG__level");
	hup();
	ilu_info(&tid, "hidden");
	remove_config();
	lines = log_end();
	assert_string_equal(log_messages(lines), "Logger initialized Configuration reloaded Configuration reloaded");
	json_decref(lines);
}

/* A relative name means what it meant at the start. */
static void test_relative(void **state)
{
	int here = open(".", O_RDONLY);
	json_t *lines;

	(void)state;
	log_make_dir();
	configure("\"level\":\"info\"");
	assert_int_equal(chdir(log_dir), 0);
	assert_int_equal(ilu_log_start_file("ilulog.json"), 0);
	assert_int_equal(fchdir(here), 0);
	close(here);
	hup();
	remove_config();
	lines = log_end();
	assert_string_equal(log_messages(lines), "Logger initialized Configuration reloaded");
	json_decref(lines);
}

static void test_without_file(void **state)
{
	json_t *lines;

	(void)state;
	assert_int_equal(ilu_log_reload(), -ESRCH);
	begin("\"level\":\"info\"");
	remove_config();
	json_decref(log_end());
	assert_int_equal(ilu_log_reload(), -ESRCH);
	log_begin("");
	assert_int_equal(ilu_log_reload(), -ENOENT); /* the file of an earlier start does not count */
	lines = log_end();
	assert_string_equal(log_messages(lines), "Logger initialized");
	json_decref(lines);
}

static void *log_and_ask(void *argument)
{
	(void)argument;
	for (int i = 0; i < 2000; i++) {
		ilu_info(&tid, "line", KV("i", i));
		if (i % 100 == 0)
			ilu_log_reload();
	}
	return NULL;
}

/* The level counts, but the file could not be opened anew: that is no "Configuration reloaded". */
static void test_files_that_cannot_be_opened(void **state)
{
	char old[128];
	json_t *lines;

	(void)state;
	begin("\"level\":\"info\"");
	snprintf(old, sizeof old, "%s/t.old", log_dir);
	assert_int_equal(rename(log_file(), old), 0);
	assert_int_equal(mkdir(log_file(), 0700), 0);
	configure("\"level\":\"debug\"");
	hup();
	ilu_debug(&tid, "now shown");
	assert_int_equal(ilu_log_stop(), 0);
	lines = log_lines_of(old);
	assert_int_equal(log_count(lines, "Configuration reloaded"), 0);
	assert_int_equal(log_count(lines, "Level reloaded, but files not opened anew"), 1);
	assert_true(log_count(lines, "Log file not opened anew") > 0);
	assert_int_equal(log_count(lines, "now shown"), 1);
	json_decref(lines);
	rmdir(log_file());
	unlink(old);
	remove_config();
	rmdir(log_dir);
}

/* Asked from many threads, with flushes and filters of others between, and while it stops. */
static void test_threads(void **state)
{
	pthread_t threads[4];
	json_t *lines;

	(void)state;
	begin("\"level\":\"info\"");
	for (int i = 0; i < 4; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, log_and_ask, NULL), 0);
	for (int i = 0; i < 50; i++) {
		assert_int_equal(ilu_log_set_filter("info"), 0);
		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	ilu_log_reload();
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0); /* a stop alone would not wait for it */
	ilu_log_reload();
	lines = log_end();
	remove_config();
	rmdir(log_dir);
	assert_int_equal(log_count(lines, "line"), 8000);
	assert_int_equal(log_count(lines, "Configuration not reloaded"), 0);
	assert_true(log_count(lines, "Configuration reloaded") > 0);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_levels_and_files), cmocka_unit_test(test_bad_file),
	    cmocka_unit_test(test_environment),      cmocka_unit_test(test_relative),
	    cmocka_unit_test(test_without_file),     cmocka_unit_test(test_files_that_cannot_be_opened),
	    cmocka_unit_test(test_threads),
	};
	struct sigaction action = {.sa_handler = on_hup};

	tid = ilu_tid_generate();
	sigaction(SIGHUP, &action, NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
