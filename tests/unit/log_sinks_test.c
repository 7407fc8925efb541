/* SPDX-License-Identifier: Apache-2.0 */
/* Sinks with filters of their own: which line goes where, that each file is numbered by itself, and that one which
 * fails loses its own lines and tells of them. */
#define ILU_TARGET "test::sinks"
#include "log_util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>
#include <sys/wait.h>

static ilu_tid tid;

/* The lines of a file, which is then removed, numbered by themselves. */
static json_t *lines_of(const char *name)
{
	json_t *lines = log_lines_of(log_path(name));

	log_check_numbers(lines, name);
	unlink(log_path(name));
	return lines;
}

static void expect(const char *name, const char *messages)
{
	json_t *lines = lines_of(name);

	if (strcmp(log_messages(lines), messages))
		fail_msg("%s: %s, expected %s", name, log_messages(lines), messages);
	json_decref(lines);
}

static void work(const char *worker, int n)
{
	ILU_SPAN(span, "worker", &tid, KV("worker", worker), KV("n", n));

	ilu_info(&tid, "hello");
	{
		ILU_SPAN(inner, "inner", &tid);
		ilu_debug(&tid, "deep");
	}
}

/* A worker's lines are in its own file, by the field of its span; and all are in the main log. */
static void test_by_span_field(void **state)
{
	(void)state;
	log_begin("\"level\":\"debug\",\"spanning\":\"NEW\",\"sinks\":["
	          "{\"file\":\"worker_0.log\",\"filter\":\"[{worker=worker_0}]=debug\"},"
	          "{\"file\":\"worker_1.log\",\"filter\":\"[worker{worker=worker_[1-9]}]=info\"},"
	          "{\"file\":\"all.log\"}, {\"file\":\"warn.log\",\"filter\":\"warn\"}, "
	          "{\"file\":\"none.log\",\"filter\":\"\"}]");
	work("worker_0", 1);
	work("worker_1", 2);
	ilu_info(&tid, "outside");
	ilu_warn(&tid, "trouble");
	assert_int_equal(ilu_log_stop(), 0);
	expect("worker_0.log", "Logger initialized new:worker hello:worker new:inner deep:inner");
	expect("worker_1.log", "Logger initialized new:worker hello:worker new:inner");
	expect("warn.log", "Logger initialized trouble");
	expect("none.log", "Logger initialized");
	expect("all.log",
	       "Logger initialized new:worker hello:worker new:inner deep:inner new:worker hello:worker new:inner "
	       "deep:inner outside trouble");
	expect("t.log",
	       "Logger initialized new:worker hello:worker new:inner deep:inner new:worker hello:worker new:inner "
	       "deep:inner outside trouble");
	log_remove();
}

/* Which filters see a span with one field of each type, and one that is recorded later. */
static void test_values(void **state)
{
	static const struct {
		const char *filter;
		bool before, after;
	} rows[] = {
	    {"[{u=7}]", true, true},
	    {"[{u=8}]", false, false},
	    {"[{i=-7}]", true, true},
	    {"[{f=0.5}]", true, true},
	    {"[{f=1.0}]", false, false},
	    {"[{b=true}]", true, true},
	    {"[{b=false}]", false, false},
	    {"[{big=9223372036854775807}]", true, true},
	    {"[{s=a.*z}]", true, true},
	    {"[{s=a.z}]", false, false},
	    {"[{quoted=\\\\x22\\u00e9.u202e]}]", false, false},
	    {"[{quoted=.\\u00e9\\u202e.}]", true, true},
	    {"[{tid=named}]", true, true},
	    {"[{tid=other}]", false, false},
	    {"[other{u=7}]", false, false},
	    {"[values{u=7,b=true}]", true, true},
	    {"test[values{u=7}]", true, true},
	    {"tests[values{u=7}]", false, false},
	    {"[{later=yes}]", false, true},
	    {"[{later}]=info", false, true},
	    {"[{u=7}]=warn", false, false},
	    {"[{u=7}]=warn,test=info", true, true},
	    {"[{nothing=1}]", false, false},
	    {"info,test::sinks=off", false, false},
	};
	ilu_tid named = ilu_tid_named("named");

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char keys[200];
		json_t *lines;

		snprintf(keys, sizeof keys, "\"sinks\":[{\"file\":\"s.log\",\"filter\":\"%s\"}]", rows[i].filter);
		log_begin(keys);
		{
			ILU_SPAN(span, "values", &named, KV("u", 7u), KV("i", -7), KV("f", 0.5), KV_BOOL("b", true),
			         KV("big", INT64_MAX), KV("s", "a to z"), KV("quoted", "\"\xc3\xa9\xe2\x80\xae\\"));
			ilu_info(&tid, "before");
			ilu_span_record(span, KV("later", "yes"));
			ilu_info(&tid, "after");
		}
		assert_int_equal(ilu_log_stop(), 0);
		lines = lines_of("s.log");
		if (log_count(lines, "before") != rows[i].before || log_count(lines, "after") != rows[i].after)
			fail_msg("%s: %s", rows[i].filter, log_messages(lines));
		json_decref(lines);
		log_remove();
	}
}

/* A sink that is a full device loses its lines, the others nothing; when it takes lines again it tells which. */
static void test_gap(void **state)
{
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	char keys[300], hole[] = "/tmp/ilu-sinks-XXXXXX";
	json_t *lines, *gap;
	int saved;

	(void)state;
	saved = mkstemp(hole);
	assert_true(saved >= 0);
	assert_int_equal(fcntl(saved, F_SETFL, O_APPEND), 0);
	snprintf(keys, sizeof keys, "\"sinks\":[{\"fd\":%d,\"filter\":\"[{n=1}]\"},{\"file\":\"good.log\"}]", 99);
	assert_int_equal(dup2(saved, 99), 99);
	log_begin(keys);
	ilu_log_stats(&before);
	work("a", 1);
	assert_int_equal(ilu_log_flush(ILU_ACK_DISK, -1), 0);
	close(99);
	assert_int_equal(dup2(open("/dev/full", O_WRONLY), 99), 99);
	work("a", 1); /* whatever that is, it is not what it was */
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), -EBADF);
	ilu_log_reopen(); /* unless one says so */
	for (int i = 0; i < 2; i++) {
		work("a", 1);
		assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), -ENOSPC);
	}
	assert_int_equal(dup2(saved, 99), 99);
	ilu_log_reopen();
	work("a", 1);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	assert_int_equal(ilu_log_stop(), 0);
	ilu_log_stats(&after);
	assert_int_equal(after.lost - before.lost, 3);
	close(99);
	close(saved);
	expect("good.log", "Logger initialized hello:worker hello:worker hello:worker hello:worker hello:worker");
	snprintf(keys, sizeof keys, "%s", log_dir);
	strcpy(log_dir, "/tmp");
	lines = lines_of(strrchr(hole, '/') + 1);
	strcpy(log_dir, keys);
	assert_string_equal(log_messages(lines), "Logger initialized hello:worker Records lost hello:worker");
	gap = log_find(lines, "Records lost", 0);
	assert_int_equal(json_integer_value(log_field(gap, "lost")), 3);
	assert_int_equal(json_integer_value(log_field(gap, "from_seq")), 3);
	assert_int_equal(json_integer_value(log_field(gap, "to_seq")), 5);
	json_decref(lines);
	log_remove();
}

static void point_stdout_at(int fd)
{
	assert_int_equal(dup2(fd, STDOUT_FILENO), STDOUT_FILENO);
}

/* Standard output is a full device: it was so in silence when asked for by its own key, where an entry of "sinks" told
 * of it. Now all sinks have one way out. */
static void own_gap(const char *keys, bool file)
{
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	int out = dup(STDOUT_FILENO), full = open("/dev/full", O_WRONLY), console, rc, late;
	char config[300], text[512];
	ssize_t len;

	log_make_dir();
	console = open(log_path("console"), O_RDWR | O_CREAT | O_APPEND, 0600);
	assert_true(out >= 0 && full >= 0 && console >= 0);
	snprintf(config, sizeof config, "{\"directory\":\"%s\",%s}", log_dir, keys);
	ilu_log_stats(&before);
	fflush(stdout);
	point_stdout_at(full);
	assert_int_equal(ilu_log_start(config), 0);
	for (int i = 0; i < 1000; i++)
		ilu_info(&tid, "to nowhere");
	rc = ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_stats(&after);
	point_stdout_at(console);
	ilu_info(&tid, "there again");
	late = ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_stop();
	point_stdout_at(out);
	assert_int_equal(rc, -ENOSPC);
	assert_int_equal(after.lost - before.lost, 1001);
	assert_int_equal(late, 0);
	len = pread(console, text, sizeof text - 1, 0);
	assert_true(len > 0);
	text[len] = '\0';
	assert_non_null(strstr(text, "Records lost"));
	assert_non_null(strstr(text, "lost=1001 reason=\"write failed\" errno=28 from_seq=1 to_seq=1001"));
	assert_non_null(strstr(text, "there again"));
	if (file) {
		json_t *lines = lines_of("t.log");

		assert_int_equal(json_array_size(lines), 1002);
		json_decref(lines);
	}
	close(console);
	close(full);
	close(out);
	unlink(log_path("console"));
	log_remove();
}

static void test_own_gap(void **state)
{
	(void)state;
	own_gap("\"stdout\":true", false);
	own_gap("\"sinks\":[{\"stdout\":true}]", false);
	own_gap("\"basename\":\"t\",\"stdout\":true", true);
}

/* All files are opened anew, and a file of sinks alone is a log: nothing on standard error. */
static void test_reopen(void **state)
{
	char config[300], moved[128];

	(void)state;
	log_make_dir();
	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"sinks\":[{\"file\":\"sub/a.log\"},{\"file\":\"b.log\"}]}", log_dir);
	assert_int_equal(ilu_log_start(config), 0);
	ilu_info(&tid, "one");
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	snprintf(moved, sizeof moved, "%s/a.old", log_dir);
	assert_int_equal(rename(log_path("sub/a.log"), moved), 0);
	snprintf(moved, sizeof moved, "%s/b.old", log_dir);
	assert_int_equal(rename(log_path("b.log"), moved), 0);
	assert_int_equal(ilu_log_reopen(), 0);
	ilu_info(&tid, "two");
	assert_int_equal(ilu_log_stop(), 0);
	expect("a.old", "Logger initialized one");
	expect("b.old", "Logger initialized one");
	assert_int_equal(access(log_path("sub/a.log"), F_OK), 0);
	assert_int_equal(access(log_path("b.log"), F_OK), 0);
	unlink(log_path("sub/a.log"));
	unlink(log_path("b.log"));
	rmdir(log_path("sub"));
	log_remove();
}

static void test_errors(void **state)
{
	(void)state;
	assert_int_equal(ilu_log_start("{\"sinks\":[{\"stdout\":true},{\"fd\":987654}]}"), -EBADF);
	assert_string_equal(ilu_log_error(), "sinks[1]: fd 987654: Bad file descriptor");
	assert_int_equal(ilu_log_start("{\"sinks\":[{\"file\":\"/dev/null/x\"}]}"), -ENOTDIR);
	assert_string_equal(ilu_log_error(), "sinks[0]: /dev/null/x: Not a directory");
}

static void *thread(void *argument)
{
	char name[16];

	snprintf(name, sizeof name, "w%d", *(int *)argument);
	for (int i = 0; i < 500; i++)
		work(name, i);
	return NULL;
}

/* Many threads, each with its own file. */
static void test_threads(void **state)
{
	pthread_t threads[4];
	int number[4];
	json_t *lines;

	(void)state;
	log_begin(
	    "\"level\":\"debug\",\"sinks\":[{\"file\":\"0\",\"filter\":\"[{worker=w0}]=info\"},"
	    "{\"file\":\"1\",\"filter\":\"[{worker=w1}]=info\"},{\"file\":\"2\",\"filter\":\"[{worker=w2}]=debug\"},"
	    "{\"file\":\"3\",\"filter\":\"[{worker=w3}]=debug\"}]");
	for (int i = 0; i < 4; i++) {
		number[i] = i;
		assert_int_equal(pthread_create(&threads[i], NULL, thread, &number[i]), 0);
	}
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	assert_int_equal(ilu_log_stop(), 0);
	for (int i = 0; i < 4; i++) {
		char name[2] = {(char)('0' + i), '\0'}, worker[3] = {'w', (char)('0' + i), '\0'};
		json_t *line;
		size_t at;

		lines = lines_of(name);
		assert_int_equal(json_array_size(lines), 1 + 500 * (1 + (i > 1)));
		json_array_foreach(lines, at, line)
		{
			json_t *outer = json_array_get(json_object_get(line, "spans"), 0);

			if (at)
				assert_string_equal(json_string_value(json_object_get(outer, "worker")), worker);
		}
		json_decref(lines);
	}
	log_remove();
}

/* A child goes on in the parent's files. */
static void test_fork(void **state)
{
	json_t *lines;
	int status;
	pid_t pid;

	(void)state;
	if (LOG_TSAN)
		skip(); /* it does not do threads in children */
	log_begin("\"sinks\":[{\"file\":\"s.log\",\"filter\":\"[{n=1}]\"}]");
	work("parent", 1);
	pid = fork();
	if (!pid) {
		ilu_info(&tid, "the first call starts it again");
		work("child", 1);
		ilu_log_stop();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(ilu_log_stop(), 0);
	lines = log_lines_of(log_path("s.log"));
	assert_string_equal(log_messages(lines), "Logger initialized hello:worker Logger initialized hello:worker");
	json_decref(lines);
	unlink(log_path("s.log"));
	log_remove();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_by_span_field), cmocka_unit_test(test_values), cmocka_unit_test(test_gap),
	    cmocka_unit_test(test_own_gap),       cmocka_unit_test(test_reopen), cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_threads),       cmocka_unit_test(test_fork),
	};

	tid = ilu_tid_generate();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
