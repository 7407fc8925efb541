/* SPDX-License-Identifier: Apache-2.0 */
/* The logger's life: before the start, after the stop, exit, fork, kill, full rings, a full disk. Most of it happens in
 * child processes, whose log the test reads. */
#define ILU_TARGET "test::life"
#include "log_util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

static ilu_tid tid;

/* Run in a child; its log is t.log in log_dir. Returns the wait status. */
static int in_child(void (*run)(void))
{
	pid_t pid;
	int status;

	log_make_dir();
	fflush(NULL);
	pid = fork();
	if (!pid) {
		run();
		exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void start(const char *keys)
{
	char config[512];

	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\"%s%s}", log_dir, *keys ? "," : "",
	         keys);
	if (ilu_log_start(config))
		_exit(9);
}

static json_t *lines_of_child(void)
{
	json_t *lines = log_lines();

	log_remove();
	return lines;
}

static void log_and_return(void)
{
	start("");
	for (int i = 0; i < 1000; i++)
		ilu_info(&tid, "call", KV("i", i));
}

static void test_exit_drains(void **state)
{
	json_t *lines;

	(void)state;
	assert_int_equal(in_child(log_and_return), 0);
	lines = lines_of_child();
	assert_int_equal(log_count(lines, "call"), 1000);
	json_decref(lines);
}

static void before_and_after(void)
{
	char path[128];
	int saved = dup(2);

	snprintf(path, sizeof path, "%s/err", log_dir);
	assert_non_null(freopen(path, "w", stderr));
	ilu_warn(&tid, "early warning", KV("n", 1), KV("s", "a\nb"), KV("d", 0.5));
	for (int i = 0; i < 5; i++)
		ilu_info(&tid, "early info");
	start("");
	ilu_info(&tid, "running");
	ilu_log_stop();
	ilu_error(&tid, "late error");
	ilu_info(&tid, "late info");
	{
		ILU_SPAN(span, "late", &tid);
		if (!ilu_tid_equal(ilu_span_tid(span), &tid))
			_exit(8);
	}
	dup2(saved, 2);
}

static void test_before_and_after(void **state)
{
	char path[128], text[2048];
	json_t *lines;
	FILE *f;
	size_t n;

	(void)state;
	assert_int_equal(in_child(before_and_after), 0);
	snprintf(path, sizeof path, "%s/err", log_dir);
	f = fopen(path, "r");
	assert_non_null(f);
	n = fread(text, 1, sizeof text - 1, f);
	text[n] = '\0';
	fclose(f);
	unlink(path);
	assert_non_null(strstr(text, " WARN test::life: early warning tid="));
	assert_non_null(strstr(text, " n=1 s=\"a\\nb\" d=0.5\n"));
	assert_non_null(strstr(text, "ERROR test::life: late error tid="));
	assert_null(strstr(text, "info"));
	lines = lines_of_child();
	assert_string_equal(log_messages(lines), "Logger initialized running");
	assert_int_equal(json_integer_value(log_field(json_array_get(lines, 0), "calls_before")), 5);
	json_decref(lines);
}

static const char *at_start;

static void start_twice(void)
{
	for (int i = 0; i < 3; i++) {
		start(at_start);
		if (ilu_log_start(NULL) != -EALREADY)
			_exit(7);
		ilu_info(&tid, "again", KV("i", i));
		if (ilu_log_stop())
			_exit(6);
	}
}

static void test_restart(void **state)
{
	json_t *lines;

	(void)state;
	at_start = "\"at_start\":\"new\"";
	assert_int_equal(in_child(start_twice), 0);
	lines = lines_of_child();
	assert_string_equal(log_messages(lines), "Logger initialized again");
	assert_int_equal(json_integer_value(log_field(json_array_get(lines, 1), "i")), 2);
	assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, 0), "seq")), 1);
	json_decref(lines);
	at_start = "";
	assert_int_equal(in_child(start_twice), 0);
	lines = lines_of_child();
	assert_string_equal(log_messages(lines),
	                    "Logger initialized again Logger initialized again Logger initialized again");
	assert_int_equal(json_integer_value(json_object_get(json_array_get(lines, 4), "seq")), 1);
	json_decref(lines);
}

static void flush_and_die(void)
{
	start("");
	for (int i = 0; i < 500; i++)
		ilu_info(&tid, "call", KV("i", i));
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		_exit(5);
	kill(getpid(), SIGKILL);
}

static void test_kill_after_flush(void **state)
{
	(void)state;
	for (int round = 0; round < 20; round++) {
		int status = in_child(flush_and_die);
		json_t *lines;

		assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
		lines = lines_of_child();
		assert_int_equal(log_count(lines, "call"), 500);
		json_decref(lines);
	}
}

static off_t size_of_log(void)
{
	struct stat st;

	return stat(log_file(), &st) ? -1 : st.st_size;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 50 ms is the promise. The machine may be busy: not always. */
static void in_file_soon(void)
{
	bool soon = false;

	start("");
	for (int i = 0; i < 50 && !soon; i++) {
		off_t before;
		int64_t begin;

		ilu_log_flush(ILU_ACK_KERNEL, -1);
		usleep(100000); /* the appender parks */
		before = size_of_log();
		begin = now_ms();
		ilu_info(&tid, "soon");
		for (int k = 0; k < 20000 && size_of_log() == before; k++)
			usleep(1000);
		if (size_of_log() == before)
			_exit(2);
		soon = now_ms() - begin < 250;
	}
	_exit(!soon);
}

static void test_a_record_is_written_soon(void **state)
{
	(void)state;
	assert_int_equal(in_child(in_file_soon), 0);
	log_remove();
}

/* Soon after a record, on a busy machine a little later, nothing moves any more. */
static void idle(void)
{
	struct ilu_log_stats before = {.size = sizeof before}, after = before;
	bool quiet = false;

	start("");
	ilu_info(&tid, "one");
	usleep(300000);
	for (int i = 0; i < 6 && !quiet; i++) { /* each long enough for what happens once a second */
		ilu_log_stats(&before);
		usleep(1500000);
		ilu_log_stats(&after);
		quiet = after.wakeups == before.wakeups;
	}
	_exit(!quiet);
}

static void test_no_wakeups_without_records(void **state)
{
	(void)state;
	assert_int_equal(in_child(idle), 0);
	log_remove();
}

/* ---- the clock ---- */

static void on_this_clock(const char *clock)
{
	char keys[64];

	snprintf(keys, sizeof keys, "\"clock\":\"%s\"", clock);
	start(keys);
	for (int i = 0; i < 100; i++)
		ilu_info(&tid, "tick");
}

static void monotonic(void)
{
	on_this_clock("monotonic");
}

static void automatic(void)
{
	on_this_clock("auto");
}

/* Which clock it is, and why, is in the first line; times do not run backwards with either. */
static void test_clocks(void **state)
{
	static const struct {
		void (*run)(void);
		const char *clock, *reason; /* NULL: as the machine is */
	} rows[] = {{monotonic, "monotonic", "forced by the configuration"}, {automatic, NULL, NULL}};

	(void)state;
	for (size_t r = 0; r < sizeof rows / sizeof *rows; r++) {
		const char *before = "";
		json_t *lines, *line;
		size_t i;

		assert_int_equal(in_child(rows[r].run), 0);
		lines = lines_of_child();
		line = json_array_get(lines, 0);
		assert_non_null(log_field(line, "clock_reason"));
		if (rows[r].clock) {
			assert_string_equal(json_string_value(log_field(line, "clock")), rows[r].clock);
			assert_string_equal(json_string_value(log_field(line, "clock_reason")), rows[r].reason);
		}
		json_array_foreach(lines, i, line)
		{
			const char *now = json_string_value(json_object_get(line, "timestamp"));

			if (i && strcmp(before, now) > 0)
				fail_msg("row %zu: %s comes after %s", r, now, before);
			before = now;
		}
		assert_int_equal(log_count(lines, "tick"), 100);
		json_decref(lines);
	}
}

/* ---- fork ---- */

static atomic_int stop_logging;

static void *keep_logging(void *unused)
{
	while (!atomic_load(&stop_logging)) {
		ilu_info(&tid, "background");
		usleep(20);
	}
	return unused;
}

static void fork_often(void)
{
	pthread_t thread;

	start("\"spanning\":\"NEW+CLOSE\"");
	pthread_create(&thread, NULL, keep_logging, NULL);
	for (int i = 0; i < 20; i++) {
		ILU_SPAN(span, "parent", &tid, KV("i", i));
		pid_t pid = fork();

		if (!pid) {
			ilu_info(&tid, "in child", KV("i", i));
			if (i % 2 && ilu_log_flush(ILU_ACK_KERNEL, -1))
				_exit(1);
			if (i % 2)
				_exit(0);
			exit(0);
		}
		int status;

		waitpid(pid, &status, 0);
		if (status)
			_exit(4);
		ilu_info(&tid, "in parent", KV("i", i));
	}
	atomic_store(&stop_logging, 1);
	pthread_join(thread, NULL);
}

static void test_fork(void **state)
{
	json_t *lines, *line;
	long seq = 0;
	size_t i;

	(void)state;
	if (LOG_ASAN) {
		print_message(
		    "skipped: a fork under load may find the address sanitizer's allocator locked, for ever\n");
		skip();
	}
	if (LOG_TSAN) {
		print_message("skipped: the thread sanitizer allows no threads after a fork\n");
		skip();
	}
	assert_int_equal(in_child(fork_often), 0);
	lines = lines_of_child();
	assert_int_equal(log_count(lines, "Logger initialized"), 21);
	assert_int_equal(log_count(lines, "in parent"), 20);
	for (int n = 0; n < 20; n++) {
		line = log_find(lines, "in child", n);
		assert_int_equal(json_integer_value(log_field(line, "i")), n);
		assert_string_equal(log_stack(line), "parent");
	}
	assert_int_equal(log_count(lines, "in child"), 20);
	json_int_t parent = json_integer_value(json_object_get(json_array_get(lines, 0), "pid"));

	json_array_foreach(lines, i, line)
	{
		if (json_integer_value(json_object_get(line, "pid")) == parent)
			assert_int_equal(json_integer_value(json_object_get(line, "seq")), ++seq);
	}
	json_decref(lines);
}

/* Spans first, in the child of a fork: those it inherited, and those it opens before it has logged anything. */
static void fork_in_spans(void)
{
	start("\"spanning\":\"FULL\"");
	ILU_SPAN(outer, "outer", &tid);
	int status;
	pid_t pid = fork();

	if (!pid) {
		{
			ILU_SPAN(first, "first of the child", &tid, KV("n", 1));
			ilu_span_record(first, KV("m", 2));
			ilu_info(&tid, "in child");
		}
		ilu_log_stop();
		_exit(0);
	}
	waitpid(pid, &status, 0);
	pid = fork();
	if (!pid) {
		ilu_span shared = ilu_span_share(outer);

		{
			ILU_ENTER_TAKE(shared); /* another thread's way, and the first thing this child does */
		}
		ilu_log_stop();
		_exit(0);
	}
	waitpid(pid, &status, 0);
}

static void test_spans_first_in_a_child(void **state)
{
	json_t *lines, *line;

	(void)state;
	if (LOG_TSAN)
		skip();
	assert_int_equal(in_child(fork_in_spans), 0);
	lines = lines_of_child();
	assert_string_equal(
	    log_messages(lines),
	    "Logger initialized new:outer enter:outer "
	    "Logger initialized new:first of the child enter:first of the child in child:first of the child "
	    "exit:first of the child close:first of the child "
	    "Logger initialized enter:outer exit:outer exit:outer close:outer");
	line = log_find(lines, "in child", 0);
	assert_string_equal(log_stack(line), "outer,first of the child");
	assert_int_equal(json_integer_value(json_object_get(json_object_get(line, "span"), "m")), 2);
	line = log_find(lines, "new", 1);
	assert_int_not_equal(json_integer_value(json_object_get(line, "pid")),
	                     json_integer_value(json_object_get(json_array_get(lines, 0), "pid")));
	json_decref(lines);
}

/* ---- full rings ---- */

/* Reads into a file, when the other end of `go` is closed. */
static void read_late(int from, int go)
{
	char path[128], *text = malloc(1 << 16), byte;
	ssize_t n;
	int out;

	snprintf(path, sizeof path, "%s/out", log_dir);
	out = open(path, O_WRONLY | O_CREAT, 0600);
	if (read(go, &byte, 1))
		_exit(2);
	while ((n = read(from, text, 1 << 16)) > 0) {
		if (write(out, text, (size_t)n) != n)
			_exit(1);
	}
	_exit(0);
}

/* Nobody reads standard output: the console sink blocks, the ring fills. Calls that do not block come before the reader
 * begins. `errors_every`: an error after so many calls; 0: none. */
static void fill_a_pipe(const char *policies, bool blocks, int calls, int errors_every)
{
	char config[400];
	int ends[2], go[2];
	pid_t reader;

	if (pipe(ends) || pipe(go))
		_exit(3);
	reader = fork();
	if (!reader) {
		close(ends[1]);
		close(go[1]);
		if (blocks)
			usleep(300000);
		read_late(ends[0], go[0]);
	}
	dup2(ends[1], 1);
	close(ends[0]);
	close(ends[1]);
	snprintf(config, sizeof config,
	         "{\"stdout\":true,\"ring_bytes\":65536,\"full_ring\":{%s},\"directory\":\"%s\",\"basename\":\"t\"}",
	         policies, log_dir);
	if (ilu_log_start(config))
		_exit(9);
	if (blocks)
		close(go[1]);
	for (int i = 0; i < calls; i++) {
		ilu_info(&tid, "call", KV("i", i), KV("pad", "0123456789012345678901234567890123456789"));
		if (errors_every && i % errors_every == 0)
			ilu_error(&tid, "grave", KV("i", i));
	}
	if (!blocks)
		close(go[1]);
	ilu_log_stop();
	close(1);
	waitpid(reader, NULL, 0);
}

static void fill_blocking(void)
{
	fill_a_pipe("\"info\":\"block\"", true, 20000, 0);
}

static void fill_dropping(void)
{
	fill_a_pipe("\"info\":\"drop\"", false, 20000, 0);
}

static void fill_keeping_few(void)
{
	fill_a_pipe("\"info\":\"drop\",\"error\":\"keep\"", false, 20000, 400);
}

static void fill_keeping_many(void)
{
	fill_a_pipe("\"info\":\"drop\",\"error\":\"keep\"", false, 20000, 10);
}

static void remove_out(void)
{
	char path[128];

	snprintf(path, sizeof path, "%s/out", log_dir);
	unlink(path);
}

static void test_full_ring_blocks(void **state)
{
	json_t *lines;

	(void)state;
	assert_int_equal(in_child(fill_blocking), 0);
	remove_out();
	lines = lines_of_child();
	assert_int_equal(log_count(lines, "call"), 20000);
	assert_int_equal(log_count(lines, "Records lost"), 0);
	json_decref(lines);
}

/* How many were lost, and of them errors. */
static json_int_t lost_in(json_t *lines, json_int_t *errors)
{
	json_t *line;
	size_t i;

	*errors = 0;
	json_array_foreach(lines, i, line)
	{
		if (log_field(line, "lost"))
			*errors = json_integer_value(log_field(line, "errors")); /* so far */
	}
	return log_check_numbers(lines, "t.log");
}

static void test_full_ring_drops_and_tells(void **state)
{
	json_int_t lost, errors;
	json_t *lines;

	(void)state;
	assert_int_equal(in_child(fill_dropping), 0);
	remove_out();
	lines = lines_of_child();
	lost = lost_in(lines, &errors);
	assert_true(lost > 0);
	assert_int_equal(errors, 0);
	assert_int_equal(log_count(lines, "call") + lost, 20000);
	json_decref(lines);
}

/* A flood of what may be dropped leaves an eighth of the ring to what is to be kept: some 80 errors here. */
static void test_full_ring_keeps_the_grave(void **state)
{
	json_int_t lost, errors;
	json_t *lines;

	(void)state;
	assert_int_equal(in_child(fill_keeping_few), 0);
	remove_out();
	lines = lines_of_child();
	lost = lost_in(lines, &errors);
	assert_true(lost > 0);
	assert_int_equal(errors, 0);
	assert_int_equal(log_count(lines, "grave"), 50);
	assert_int_equal(log_count(lines, "call") + lost, 20000);
	json_decref(lines);
}

/* More of them than that: they are lost, too, and told as errors. */
static void test_full_ring_of_the_grave(void **state)
{
	json_int_t lost, errors;
	json_t *lines;

	(void)state;
	assert_int_equal(in_child(fill_keeping_many), 0);
	remove_out();
	lines = lines_of_child();
	lost = lost_in(lines, &errors);
	assert_true(errors > 0 && errors < lost);
	assert_int_equal(log_count(lines, "grave") + errors, 2000);
	assert_int_equal(log_count(lines, "call") + lost - errors, 20000);
	json_decref(lines);
}

/* ---- limits that the configuration sets ---- */

static void *call_once(void *unused)
{
	ilu_info(&tid, "from a thread");
	return unused;
}

static void meet_limits(void)
{
	static ilu_span kept[1000];
	pthread_t thread;

	start("\"rings\":2,\"span_slots\":1024");
	for (int i = 0; i < 1000; i++) {
		ILU_SPAN(span, "open", &tid, KV("i", i));

		kept[i] = ilu_span_share(span);
	}
	pthread_create(&thread, NULL, call_once, NULL); /* the first ring is the shared one, the second is ours */
	pthread_join(thread, NULL);
	for (int i = 0; i < 1000; i++)
		ilu_span_release(kept[i]);
}

static void test_limits_are_named(void **state)
{
	static const char full[] = "Spans left out of the log: the slab is full";
	json_t *lines, *line;

	(void)state;
	assert_int_equal(in_child(meet_limits), 0);
	lines = lines_of_child();
	line = json_array_get(lines, 0);
	assert_int_equal(json_integer_value(log_field(line, "rings")), 2);
	assert_int_equal(json_integer_value(log_field(line, "span_slots")), 1024);
	line = log_find(lines, full, log_count(lines, full) - 1); /* the last: it may be told on the way, too */
	assert_int_equal(json_integer_value(log_field(line, "total")), 1000 - (1024 - 1024 / 4));
	assert_int_equal(json_integer_value(log_field(line, "span_slots")), 1024);
	line = log_find(lines, "More threads than rings: records through the shared one", 0);
	assert_int_equal(json_integer_value(log_field(line, "count")), 1);
	assert_int_equal(json_integer_value(log_field(line, "rings")), 2);
	assert_non_null(log_find(lines, "from a thread", 0));
	json_decref(lines);
}

/* ---- programs of other versions ---- */

/* One compiled with older headers has a smaller struct, one with newer headers a larger: what is not both's stays. */
static void test_stats_of_any_size(void **state)
{
	struct {
		struct ilu_log_stats stats;
		char behind[64];
	} of, untouched;
	static const size_t sizes[] = {sizeof(size_t), offsetof(struct ilu_log_stats, early), sizeof of.stats,
	                               sizeof of};

	(void)state;
	for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
		size_t filled = sizes[i] < sizeof of.stats ? sizes[i] : sizeof of.stats;

		memset(&untouched, 0xa5, sizeof untouched);
		of = untouched;
		of.stats.size = sizes[i];
		assert_int_equal(ilu_log_stats(&of.stats), 0);
		assert_int_equal(of.stats.size, filled);
		assert_memory_equal((char *)&of + filled, (char *)&untouched + filled, sizeof of - filled);
		assert_true(filled < offsetof(struct ilu_log_stats, early) || of.stats.lost != untouched.stats.lost);
	}
	of = untouched;
	of.stats.size = 0;
	assert_int_equal(ilu_log_stats(&of.stats), -EINVAL);
	assert_int_equal(of.stats.lines, untouched.stats.lines);
	assert_string_equal(ilu_version(), ILU_VERSION);
}

/* ---- a disk that is full ---- */

static void full_device(void)
{
	struct ilu_log_stats stats = {.size = sizeof stats};
	char path[128];

	snprintf(path, sizeof path, "%s/t.log", log_dir);
	start("");
	if (ilu_log_flush(ILU_ACK_KERNEL, -1))
		_exit(2);
	/* the name leads to a device without room, and later to a file again */
	unlink(path);
	if (symlink("/dev/full", path))
		_exit(3);
	ilu_log_reopen();
	for (int i = 0; i < 100; i++)
		ilu_info(&tid, "lost?", KV("i", i));
	if (ilu_log_flush(ILU_ACK_KERNEL, -1) == 0) {
		/* a sink may refuse to follow the link; then nothing is lost */
		_exit(77);
	}
	unlink(path);
	ilu_log_reopen();
	ilu_info(&tid, "after");
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_stats(&stats);
	ilu_log_stop();
	/* The line that a new file begins with is one of them: twice, where the name was looked at before we asked. */
	_exit(stats.lost >= 101 && stats.lost <= 110 ? (int)(stats.lost - 101) : 50);
}

static void test_full_disk(void **state)
{
	json_t *lines;
	int status;

	(void)state;
	status = in_child(full_device);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77) {
		log_remove();
		print_message("skipped: the file sink does not follow links\n");
		skip();
	}
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 10);
	lines = lines_of_child();
	assert_string_equal(log_messages(lines), "Records lost Log file opened after");
	assert_int_equal(json_integer_value(log_field(json_array_get(lines, 0), "lost")), 101 + WEXITSTATUS(status));
	json_decref(lines);
}

/* ---- cancel ---- */

static atomic_int may_log;

static void *log_for_ever(void *unused)
{
	for (int i = 0;; i++) {
		ilu_info(&tid, "uncancelled");
		while (i % 100 == 0 && !atomic_exchange(&may_log, 0))
			pthread_testcancel(); /* not in usleep: the thread sanitizer loses its way when cancelled there
			                       */
		pthread_testcancel();
	}
	return unused;
}

static void cancel_often(void)
{
	start("");
	for (int i = 0; i < 50; i++) {
		pthread_t thread;

		pthread_create(&thread, NULL, log_for_ever, NULL);
		atomic_store(&may_log, 1);
		usleep(500);
		pthread_cancel(thread);
		pthread_join(thread, NULL);
		ilu_info(&tid, "cancelled");
		if (ilu_log_flush(ILU_ACK_KERNEL, -1))
			_exit(1);
	}
}

static void test_cancelled_threads(void **state)
{
	json_t *lines;

	(void)state;
	assert_int_equal(in_child(cancel_often), 0);
	lines = lines_of_child();
	assert_int_equal(log_count(lines, "cancelled"), 50);
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_exit_drains),
	    cmocka_unit_test(test_before_and_after),
	    cmocka_unit_test(test_restart),
	    cmocka_unit_test(test_kill_after_flush),
	    cmocka_unit_test(test_a_record_is_written_soon),
	    cmocka_unit_test(test_no_wakeups_without_records),
	    cmocka_unit_test(test_clocks),
	    cmocka_unit_test(test_fork),
	    cmocka_unit_test(test_spans_first_in_a_child),
	    cmocka_unit_test(test_full_ring_blocks),
	    cmocka_unit_test(test_full_ring_drops_and_tells),
	    cmocka_unit_test(test_full_ring_keeps_the_grave),
	    cmocka_unit_test(test_full_ring_of_the_grave),
	    cmocka_unit_test(test_limits_are_named),
	    cmocka_unit_test(test_stats_of_any_size),
	    cmocka_unit_test(test_full_disk),
	    cmocka_unit_test(test_cancelled_threads),
	};

	tid = ilu_tid_named("Life");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
