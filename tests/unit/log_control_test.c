/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: what ilu-logctl's golden case does not reach. Stops with callers in it, forks, bad requests. */
#define ILU_TARGET "test::control"
#include "appender/audit.h"
#include "log_util.h"
#include "control/caller.h"
#include "control/filter.h"

#include <errno.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

static ilu_tid tid;
static char run_dir[80];
static const struct audit_who me = {.by = AUDIT_PROGRAM};

static void begin(const char *level)
{
	char keys[300];

	strcpy(run_dir, "/tmp/ilu-run-XXXXXX");
	assert_non_null(mkdtemp(run_dir));
	snprintf(keys, sizeof keys, "\"run_directory\":\"%s\",\"level\":\"%s\"", run_dir, level);
	log_begin(keys);
}

static const char *socket_path(pid_t pid)
{
	static char path[120];

	snprintf(path, sizeof path, "%s/%ld.sock", run_dir, (long)pid);
	return path;
}

static json_t *end(void)
{
	json_t *lines = log_end();

	assert_int_equal(access(socket_path(getpid()), F_OK), -1);
	rmdir(run_dir);
	return lines;
}

static int call(pid_t pid)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, socket_path(pid));
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

static json_t *ask(pid_t pid, const char *request)
{
	int fd = call(pid);
	FILE *f = fdopen(fd, "r");
	json_t *answer;

	assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), strlen(request));
	answer = json_loadf(f, JSON_DISABLE_EOF_CHECK, NULL);
	fclose(f);
	return answer;
}

static void requests(void **state)
{
	static const struct {
		const char *request, *error; /* NULL: it is done */
	} rows[] = {
	    {"{\"do\":\"status\"}\n", NULL},
	    {"{\"do\":\"sites\"}\nrest that nobody reads", NULL},
	    {"{\"do\":\"filter\",\"level\":\"debug\",\"for_ms\":60000}\n", NULL},
	    {"{\"do\":\"filter\",\"level\":\"info\"}\n", NULL},
	    {"\n", "not a JSON object"},
	    {"[]\n", "\"do\" is none of"},
	    {"{\"do\":\"stop\"}\n", "\"do\" is none of"},
	    {"{\"do\":\"status\",\"do\":\"status\"}\n", "not a JSON object"},
	    {"{\"do\":\"filter\"}\n", "\"level\" is missing"},
	    {"{\"do\":\"filter\",\"level\":3}\n", "\"level\" is missing"},
	    {"{\"do\":\"filter\",\"level\":\"info\",\"for_ms\":0}\n", "\"for_ms\""},
	    {"{\"do\":\"filter\",\"level\":\"info\",\"for_ms\":1.5}\n", "\"for_ms\""},
	    {"{\"do\":\"filter\",\"level\":\"info\",\"for_ms\":31536000001}\n", "\"for_ms\""},
	    {"{\"do\":\"filter\",\"level\":\"a=b\"}\n", "column 3"},
	    {"{\"do\":\"filter\",\"level\":\"inof\"}\n",
	     "\"inof=trace\" fits no call site of the program; did you mean \"info\"?"},
	    {"{\"do\":\"filter\",\"level\":\"info,tset::control=debug\"}\n", "did you mean \"test::control\"?"},
	    {"{\"do\":\"filter\",\"level\":\"[qzquery]=debug\"}\n", "fits no call site of the program ("},
	    {"{\"do\":\"filter\",\"level\":\"\"}\n", "an empty filter turns everything off; did you mean \"off\"?"},
	    {"{\"do\":\"filter\",\"level\":\",,\"}\n", "an empty filter"},
	    {"{\"do\":\"filter\",\"level\":\"\",\"force\":1}\n", "\"force\" is neither"},
	    {"{\"do\":\"filter\",\"level\":\"inof\",\"force\":true}\n", NULL},
	    {"{\"do\":\"filter\",\"level\":\"\",\"force\":true}\n", NULL},
	    {"{\"do\":\"filter\",\"level\":\"off,test=debug,[{tid}]=warn\"}\n", NULL},
	};

	(void)state;
	begin("info");
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *answer = ask(getpid(), rows[i].request);
		const char *error = json_string_value(json_object_get(answer, "error"));

		if (!answer || json_is_true(json_object_get(answer, "ok")) != !rows[i].error ||
		    (rows[i].error && (!error || !strstr(error, rows[i].error))))
			fail_msg("row %zu: %s: %s", i, rows[i].request, error ? error : "no error");
		json_decref(answer);
	}
	json_decref(end());
}

static void endless_request_is_left(void **state)
{
	static char blanks[300 * 1024];
	struct timeval patience = {60, 0};
	json_t *answer;
	int fd;

	(void)state;
	begin("info");
	memset(blanks, ' ', sizeof blanks);
	fd = call(getpid());
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	for (size_t sent = 0; sent < sizeof blanks;) {
		ssize_t n = send(fd, blanks + sent, sizeof blanks - sent, MSG_NOSIGNAL);

		if (n < 0)
			break;
		sent += (size_t)n;
	}
	answer = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, NULL); /* it may have come before all was sent */
	assert_string_equal(json_string_value(json_object_get(answer, "error")),
	                    "the request is longer than 262144 bytes");
	json_decref(answer);
	close(fd);
	answer = ask(getpid(), "{\"do\":\"status\"}\n"); /* it serves on */
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	json_decref(end());
}

/* Wait until nothing is to revert; what is in force then. */
static char *settled(void)
{
	for (;;) {
		struct filter_state now;

		assert_int_equal(filter_now(&now), 0);
		if (!now.base)
			return now.text;
		free(now.text);
		free(now.base);
		usleep(5000);
	}
}

static bool answered(int fd, const char *error)
{
	json_t *answer = json_loadfd(fd, JSON_DISABLE_EOF_CHECK, NULL);
	const char *why = json_string_value(json_object_get(answer, "error"));
	bool so = error ? why && strstr(why, error) : json_is_true(json_object_get(answer, "ok"));

	json_decref(answer);
	close(fd);
	return so;
}

/* One caller that said half a word kept all others waiting, and a filter for a while in force. Now as many as there are
 * places are silent, and one more is refused; when one of them speaks it is served, whoever came before it. */
static void silent_callers_hold_nobody(void **state)
{
	static const char request[] = "{\"do\":\"filter\",\"level\":\"debug\",\"for_ms\":1}\n";
	int fd[CALLERS_MAX];
	char *text;

	(void)state;
	begin("info");
	for (int i = 0; i < CALLERS_MAX; i++) {
		fd[i] = call(getpid());
		assert_int_equal(send(fd[i], request, 5, MSG_NOSIGNAL), 5);
	}
	assert_true(answered(call(getpid()), "128 others are being served"));
	assert_int_equal(send(fd[77], request + 5, strlen(request + 5), MSG_NOSIGNAL), strlen(request + 5));
	assert_true(answered(fd[77], NULL));
	text = settled(); /* it reverts, too */
	assert_string_equal(text, "info");
	free(text);
	fd[77] = call(getpid());
	for (int i = CALLERS_MAX - 1; i >= 0; i--) { /* the last first */
		const char *rest = i == 77 ? request : request + 5;

		assert_int_equal(send(fd[i], rest, strlen(rest), MSG_NOSIGNAL), strlen(rest));
		assert_true(answered(fd[i], NULL));
	}
	json_decref(end());
}

/* Who does not send all of a request is told so, in the end. */
static void half_a_request_is_refused(void **state)
{
	int fd;

	(void)state;
	begin("info");
	fd = call(getpid());
	assert_int_equal(send(fd, "{", 1, MSG_NOSIGNAL), 1);
	assert_true(answered(fd, "no whole request in 5 s"));
	json_decref(end());
}

/* Deep parentheses are read by recursion. */
static void deep_expression(void **state)
{
	(void)state;
	begin("info");
	for (int depth = 64; depth <= 500; depth += 436) {
		char request[1200], *at = request;
		json_t *answer;

		at += sprintf(at, "{\"do\":\"filter\",\"force\":true,\"level\":\"[{a=");
		at = (char *)memset(at, '(', (size_t)depth) + depth;
		*at++ = 'x';
		at = (char *)memset(at, ')', (size_t)depth) + depth;
		strcpy(at, "}]\"}\n");
		answer = ask(getpid(), request);
		assert_int_equal(json_is_true(json_object_get(answer, "ok")), depth == 64);
		if (depth > 64)
			assert_non_null(strstr(json_string_value(json_object_get(answer, "error")),
			                       "more than 64 groups in one another"));
		json_decref(answer);
	}
	json_decref(end());
}

/* Somebody else made the directory first, or something in its place: the program starts all the same, and says so. */
static void directory_of_others(void **state)
{
	char config[400];
	json_t *lines;

	(void)state;
	log_make_dir();
	strcpy(run_dir, log_path("taken"));
	fclose(fopen(run_dir, "w"));
	snprintf(config, sizeof config,
	         "{\"directory\":\"%s\",\"basename\":\"t\",\"at_start\":\"new\",\"run_directory\":\"%s\"}", log_dir,
	         run_dir);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(ilu_log_start(config), 0);
		assert_string_equal(ilu_log_error(), "");
		assert_int_equal(ilu_log_stop(), 0);
		lines = log_lines_of(log_file());
		assert_string_equal(log_messages(lines), "Logger initialized No control socket");
		assert_non_null(strstr(json_string_value(log_field(log_find(lines, "No control socket", 0), "reason")),
		                       i ? "others may write there" : "Not a directory"));
		json_decref(lines);
		if (!i) {
			unlink(run_dir);
			assert_int_equal(mkdir(run_dir, 0700), 0);
			assert_int_equal(chmod(run_dir, 0777), 0);
		}
	}
	rmdir(run_dir);
	unlink(log_file());
	log_remove();
}

static void stop_with_silent_caller(void **state)
{
	int fd;

	(void)state;
	begin("info");
	fd = call(getpid());
	json_decref(end());
	close(fd);
}

static void start_and_stop_under_calls_run(void)
{
	char path[120];

	strcpy(path, socket_path(getppid()));
	for (int i = 0; i < 300; i++) {
		struct sockaddr_un address = {.sun_family = AF_UNIX};
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		char answer[4096];

		strcpy(address.sun_path, path);
		if (!connect(fd, (struct sockaddr *)&address, sizeof address) &&
		    send(fd, "{\"do\":\"filter\",\"level\":\"debug\",\"for_ms\":1}\n", 44, MSG_NOSIGNAL) > 0)
			while (recv(fd, answer, sizeof answer, 0) > 0)
				;
		close(fd);
	}
	_exit(0);
}

static void start_and_stop_under_calls(void **state)
{
	char config[300];
	int status;
	pid_t pid;

	(void)state;
	begin("info");
	snprintf(config, sizeof config, "{\"directory\":\"%s\",\"basename\":\"t\",\"run_directory\":\"%s\"}", log_dir,
	         run_dir);
	pid = fork();
	if (!pid)
		start_and_stop_under_calls_run();
	for (int i = 0; waitpid(pid, &status, WNOHANG) == 0; i++) {
		ilu_info(&tid, "between", KV("i", i));
		assert_int_equal(ilu_log_stop(), 0);
		assert_int_equal(ilu_log_start(config), 0);
	}
	assert_int_equal(status, 0);
	json_decref(end());
}

static void reverts(void **state)
{
	struct filter_state now;
	json_t *lines;
	char *text;

	(void)state;
	begin("info");
	assert_int_equal(filter_change("debug", 60000, &me), 0);
	assert_int_equal(filter_change("trace", 60000, &me), 0);
	assert_int_equal(filter_now(&now), 0);
	assert_string_equal(now.text, "trace");
	assert_string_equal(now.base, "info");
	assert_true(now.left_ms > 50000 && now.left_ms <= 60000);
	free(now.text);
	free(now.base);
	ilu_debug(&tid, "heard");
	json_decref(ask(getpid(), "{\"do\":\"filter\",\"level\":\"debug\",\"for_ms\":20}\n"));
	text = settled();
	assert_string_equal(text, "info");
	free(text);
	ilu_debug(&tid, "not heard");
	assert_int_equal(filter_change("debug", 60000, &me), 0);
	assert_int_equal(ilu_log_set_filter("warn"), 0); /* the program has the last word */
	text = settled();
	assert_string_equal(text, "warn");
	free(text);
	lines = end();
	assert_int_equal(log_count(lines, "heard"), 1);
	assert_int_equal(log_count(lines, "not heard"), 0);
	json_decref(lines);
}

/* Each change is in the log, whatever the filter says: who, from what, to what, for how long; and the end of it. */
static void changes_are_told(void **state)
{
	static const struct {
		const char *message, *from, *to, *by;
		json_int_t for_ms;
	} rows[] = {
	    {"Filter changed", "info", "off", "program", 0},   {"Filter changed", "off", "", "control", 0},
	    {"Filter changed", "", "warn", "program", 0},      {"Filter changed", "warn", "debug", "control", 20},
	    {"Filter reverted", "debug", "warn", "revert", 0},
	};
	char request[700], target[400];
	json_t *lines;
	char *text;

	(void)state;
	begin("info");
	assert_int_equal(ilu_log_set_filter("off"), 0);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	memset(target, 'x', sizeof target - 1);
	target[sizeof target - 1] = '\0';
	snprintf(request, sizeof request, "{\"do\":\"filter\",\"level\":\"error,%s=info\",\"force\":true}\n", target);
	json_decref(ask(getpid(), request));
	assert_int_equal(ilu_log_set_filter("no such level=x"), -EINVAL); /* nothing changed */
	assert_int_equal(ilu_log_set_filter("warn"), 0);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	json_decref(ask(getpid(), "{\"do\":\"filter\",\"level\":\"debug\",\"for_ms\":20}\n"));
	text = settled();
	assert_string_equal(text, "warn");
	free(text);
	lines = end();
	assert_int_equal(json_array_size(lines), 1 + sizeof rows / sizeof *rows);
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		json_t *line = json_array_get(lines, i + 1);
		const char *from = json_string_value(log_field(line, "from")),
		           *to = json_string_value(log_field(line, "to"));
		bool control = !strcmp(rows[i].by, "control");

		assert_string_equal(log_message(line), rows[i].message);
		if (i != 2)
			assert_string_equal(from, rows[i].from);
		if (i != 1)
			assert_string_equal(to, rows[i].to);
		else /* shortened, and marked */
			assert_true(strlen(to) < 170 && !strcmp(to + strlen(to) - 6, "xxx..."));
		assert_string_equal(json_string_value(log_field(line, "by")), rows[i].by);
		assert_int_equal(json_integer_value(log_field(line, "for_ms")), rows[i].for_ms);
		assert_int_equal(json_integer_value(log_field(line, "by_pid")), control ? getpid() : 0);
		assert_int_equal(log_field(line, "by_uid") != NULL, control);
	}
	json_decref(lines);
}

/* More changes than notes between two passes: how many they were. */
static void many_changes(void **state)
{
	json_int_t changes = 0;
	json_t *lines, *line, *last = NULL;
	size_t i;

	(void)state;
	begin("info");
	for (int n = 0; n < 500; n++)
		assert_int_equal(ilu_log_set_filter(n % 2 ? "warn" : "debug"), 0);
	lines = end();
	json_array_foreach(lines, i, line)
	{
		if (strcmp(log_message(line), "Filter changed") != 0)
			continue;
		changes += log_field(line, "changes") ? json_integer_value(log_field(line, "changes")) : 1;
		last = line;
	}
	assert_int_equal(changes, 500);
	assert_string_equal(json_string_value(log_field(last, "to")), "warn");
	json_decref(lines);
}

static void child_of_fork_reverts(void **state)
{
	json_t *lines, *answer;
	int status, ready[2];
	char *text;
	pid_t pid;
	char byte;

	(void)state;
	if (LOG_TSAN) {
		print_message("skipped: a child with threads, under the thread sanitizer\n");
		skip();
	}
	begin("info");
	answer = ask(getpid(), "{\"do\":\"filter\",\"level\":\"debug\",\"for_ms\":300}\n");
	json_decref(answer);
	assert_int_equal(pipe(ready), 0);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		ilu_error(&tid, "child");
		assert_int_equal(write(ready[1], "x", 1), 1);
		text = settled();
		ilu_debug(&tid, "child's late debug");
		status = strcmp(text, "info") != 0;
		while (access(socket_path(getppid()), F_OK) == 0) /* until the parent says so */
			usleep(5000);
		/* not exit(): what the parent's threads held when it forked looks like leaks to a sanitizer */
		_exit(status || ilu_log_stop());
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	answer = ask(pid, "{\"do\":\"status\"}\n"); /* it has a socket of its own */
	assert_int_equal(json_integer_value(json_object_get(answer, "pid")), pid);
	json_decref(answer);
	text = settled();
	assert_string_equal(text, "info");
	free(text);
	assert_int_equal(ilu_log_stop(), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_int_equal(access(socket_path(pid), F_OK), -1);
	lines = log_lines();
	assert_int_equal(log_count(lines, "child"), 1);
	assert_int_equal(log_count(lines, "child's late debug"), 0);
	json_decref(lines);
	log_remove();
	rmdir(run_dir);
	close(ready[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(requests),
	    cmocka_unit_test(endless_request_is_left),
	    cmocka_unit_test(silent_callers_hold_nobody),
	    cmocka_unit_test(half_a_request_is_refused),
	    cmocka_unit_test(deep_expression),
	    cmocka_unit_test(directory_of_others),
	    cmocka_unit_test(stop_with_silent_caller),
	    cmocka_unit_test(start_and_stop_under_calls),
	    cmocka_unit_test(reverts),
	    cmocka_unit_test(changes_are_told),
	    cmocka_unit_test(many_changes),
	    cmocka_unit_test(child_of_fork_reverts),
	};

	tid = ilu_tid_named("control");
	return cmocka_run_group_tests(tests, NULL, NULL);
}
