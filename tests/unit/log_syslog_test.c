/* SPDX-License-Identifier: Apache-2.0 */
/* The syslog's sink, against a socket of our own. */
#define ILU_TARGET "test::syslog"
#include "log_util.h"

#include <regex.h>
#include <sys/socket.h>
#include <sys/un.h>

static ilu_tid tid;

static int listen_at(const char *path)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	strcpy(address.sun_path, path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof address), 0);
	return fd;
}

/* The line in the next datagram, whose header must be that of RFC 5424 with this priority. Yours. */
static json_t *take(int fd, int priority)
{
	static char text[1 << 20];
	char pattern[300];
	ssize_t n = recv(fd, text, sizeof text - 1, 0);
	regmatch_t m[2];
	regex_t re;
	json_t *line;

	assert_true(n > 0);
	text[n] = '\0';
	snprintf(
	    pattern, sizeof pattern,
	    "^<%d>1 [0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}\\.[0-9]{6}Z [!-~]+ log_syslog_test %d - - "
	    "@cee:(\\{.*\\})$",
	    priority, (int)getpid());
	assert_int_equal(regcomp(&re, pattern, REG_EXTENDED), 0);
	if (regexec(&re, text, 2, m, 0))
		fail_msg("not <%d>: %s", priority, text);
	regfree(&re);
	line = json_loads(text + m[1].rm_so, 0, NULL);
	assert_non_null(line);
	return line;
}

static void expect(int fd, int priority, const char *message)
{
	json_t *line = take(fd, priority);

	assert_string_equal(log_message(line), message);
	json_decref(line);
}

static void test_lines(void **state)
{
	char keys[200], *path;
	json_t *line;
	int fd;

	(void)state;
	log_make_dir();
	path = log_path("socket");
	fd = listen_at(path);
	snprintf(keys, sizeof keys,
	         "{\"directory\":\"%s\",\"basename\":\"t\",\"level\":\"debug\",\"sinks\":[{\"syslog\":\"%s\"}]}",
	         log_dir, path);
	assert_int_equal(ilu_log_start(keys), 0);
	expect(fd, 14, "Logger initialized");
	ilu_error(&tid, "error", KV("text", "a \"quoted\" line\nwith two"));
	line = take(fd, 11);
	assert_string_equal(json_string_value(log_field(line, "text")), "a \"quoted\" line\nwith two");
	json_decref(line);
	ilu_warn(&tid, "warn");
	ilu_info(&tid, "info");
	ilu_debug(&tid, "debug");
	expect(fd, 12, "warn");
	expect(fd, 14, "info");
	expect(fd, 15, "debug");
	/* nobody is there: lost, counted, and told to who comes next */
	close(fd);
	unlink(path);
	ilu_info(&tid, "lost");
	assert_true(ilu_log_flush(ILU_ACK_KERNEL, -1) != 0);
	fd = listen_at(path);
	ilu_info(&tid, "again");
	line = take(fd, 12);
	assert_string_equal(log_message(line), "Records lost");
	assert_int_equal(json_integer_value(log_field(line, "lost")), 1);
	json_decref(line);
	expect(fd, 14, "again");
	ilu_log_stop();
	close(fd);
	unlink(path);
	log_remove();
}

static void test_long_ones_are_cut(void **state)
{
	static char text[1 << 20];
	char *longer = malloc(220000), keys[200], *path;
	struct ilu_log_stats before = {.size = sizeof before}, stats = {.size = sizeof stats};
	ssize_t n;
	int fd;

	(void)state;
	log_make_dir();
	path = log_path("socket");
	fd = listen_at(path);
	snprintf(keys, sizeof keys, "{\"directory\":\"%s\",\"basename\":\"t\",\"sinks\":[{\"syslog\":\"%s\"}]}",
	         log_dir, path);
	assert_int_equal(ilu_log_start(keys), 0);
	expect(fd, 14, "Logger initialized");
	ilu_log_stats(&before);
	memset(longer, 'x', 220000);
	ilu_info(&tid, "long", KV_STR("text", longer, 220000));
	ilu_info(&tid, "short");
	free(longer);
	n = recv(fd, text, sizeof text, 0);
	assert_true(n > 50000 && n < 220000);
	expect(fd, 14, "short");
	ilu_log_stats(&stats);
	assert_int_equal(stats.lost - before.lost, 0);
	ilu_log_stop();
	close(fd);
	unlink(path);
	log_remove();
}

static void test_refused(void **state)
{
	(void)state;
	assert_true(ilu_log_start("{\"sinks\":[{\"syslog\":7}]}") != 0);
	assert_non_null(strstr(ilu_log_error(), "true or the path of a socket"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_lines), cmocka_unit_test(test_long_ones_are_cut),
	                                   cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
