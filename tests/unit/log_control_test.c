/* SPDX-License-Identifier: Apache-2.0 */
/* The control socket: what ilu-logctl's golden case does not reach. Stops with callers in it, forks, bad requests. */
#define ILU_TARGET "test::control"
#include "appender/audit.h"
#include "log_util.h"
#include "control/filter.h"

#include <errno.h>
#include <sys/socket.h>
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
	char byte;
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
	assert_true(recv(fd, &byte, 1, 0) <= 0);
	close(fd);
	answer = ask(getpid(), "{\"do\":\"status\"}\n"); /* it serves on */
	assert_true(json_is_true(json_object_get(answer, "ok")));
	json_decref(answer);
	json_decref(end());
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
	snprintf(request, sizeof request, "{\"do\":\"filter\",\"level\":\"error,%s=info\"}\n", target);
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
		exit(status);
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
