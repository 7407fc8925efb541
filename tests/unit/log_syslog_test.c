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

/* The bytes that a text says are cut from it, and what is left of it; 0: nothing is. */
static long bytes_cut(const char *text, size_t *left)
{
	const char *mark = strstr(text, "\xe2\x80\xa6[");

	*left = mark ? (size_t)(mark - text) : strlen(text);
	return mark ? atol(mark + 4) : 0;
}

/* A line that is too long is still JSON, of whole characters, and says what is missing. */
static void test_long_ones_are_cut(void **state)
{
	enum { LONG = 220000 };
	char *longer = malloc(LONG + 1), *mixed = malloc(LONG + 1), keys[200], *path;
	struct ilu_log_stats before = {.size = sizeof before}, stats = {.size = sizeof stats};
	size_t left;
	json_t *line;
	long cut;
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
	memset(longer, 'x', LONG);
	ilu_info(&tid, "long", KV_STR("text", longer, LONG), KV("short", "as it is"));
	line = take(fd, 14);
	assert_string_equal(json_string_value(log_field(line, "short")), "as it is");
	cut = bytes_cut(json_string_value(log_field(line, "text")), &left);
	assert_int_equal(cut, LONG - (long)left);
	assert_true(left > 50000 && left < LONG);
	json_decref(line);
	for (int shift = 0; shift < 4; shift++) { /* characters of one to four bytes, and escapes, across the cut */
		static const char unit[] = "\xc3\xa9\xe2\x82\xac\"\n\x01\xf0\x9f\x98\x80";
		size_t n = (size_t)shift;

		memset(mixed, 'y', n);
		for (; n + sizeof unit - 1 <= LONG; n += sizeof unit - 1)
			memcpy(mixed + n, unit, sizeof unit - 1);
		ilu_info(&tid, "mixed", KV_STR("text", mixed, n));
		line = take(fd, 14);
		cut = bytes_cut(json_string_value(log_field(line, "text")), &left);
		assert_int_equal(cut, (long)(n - left));
		assert_memory_equal(json_string_value(log_field(line, "text")), mixed, left);
		json_decref(line);
	}
	ilu_info(&tid, "short");
	expect(fd, 14, "short");
	ilu_log_stats(&stats);
	assert_int_equal(stats.lost - before.lost, 0);
	ilu_log_stop();
	close(fd);
	unlink(path);
	log_remove();
	free(longer);
	free(mixed);
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
