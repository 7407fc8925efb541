/* SPDX-License-Identifier: Apache-2.0 */
/* console_test.c - what people see, and that no line, whole or broken, does anything else to them. */
#include "sinks/sink.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static char seen[1 << 20];

/* Print lines through a console sink into memory. */
static const char *print(const char *bytes, size_t len, size_t lines, enum sink_colour colour)
{
	int fd = memfd_create("console", 0);
	struct sink *sink;
	size_t written;
	ssize_t n;

	assert_true(fd >= 0);
	assert_int_equal(sink_console_open(fd, colour, &sink), 0);
	assert_int_equal(sink_write(sink, bytes, len, lines, &written), 0);
	assert_int_equal(written, lines);
	sink_close(sink);
	n = pread(fd, seen, sizeof seen - 1, 0);
	assert_true(n >= 0);
	seen[n] = '\0';
	close(fd);
	return seen;
}

#define HEAD  "{\"timestamp\":\"2026-11-22T20:03:11.123456789Z\",\"level\":\"INFO\",\"fields\":"
#define TAIL  ",\"target\":\"worker::queue\""
#define SHOWN "2026-11-22T20:03:11.123456789Z  INFO worker::queue: "

static void test_rows(void **state)
{
	static const struct {
		const char *line, *text;
	} rows[] = {
	    {HEAD "{\"message\":\"Item starting to execute\",\"tid\":\"9f0c\",\"queue_len\":3,\"warm\":true}" TAIL "}",
	     SHOWN "Item starting to execute tid=9f0c queue_len=3 warm=true"},
	    {HEAD "{\"message\":\"\"}" TAIL "}", SHOWN},
	    {HEAD "{\"message\":\"a \\\"b\\\" c:\\\\d\",\"s\":\"two "
	          "words\",\"e\":\"\",\"q\":\"x\\\"y\",\"n\":null,\"f\":2.0}" TAIL "}",
	     SHOWN "a \"b\" c:\\d s=\"two words\" e=\"\" q=\"x\\\"y\" n=null f=2.0"},
	    {HEAD "{\"message\":\"esc \\u001b[31m \\n\",\"k\":\"\\u202e\"}" TAIL "}",
	     SHOWN "esc \\u001b[31m \\n k=\"\\u202e\""},
	    {HEAD "{\"message\":\"m\",\"j\":{\"a\":[1,\"}\",{}],\"b\":2},\"z\":1}" TAIL "}",
	     SHOWN "m j={\"a\":[1,\"}\",{}],\"b\":2} z=1"},
	    {HEAD "{\"message\":\"m\"}" TAIL
	          ",\"span\":{\"fqdn\":\"hello-1\",\"tid\":\"9f\",\"name\":\"invoke\",\"id\":\"00\"},\"pid\":4}",
	     SHOWN "m in invoke{fqdn=hello-1}"},
	    {HEAD "{\"message\":\"m\"}" TAIL ",\"span\":{\"name\":\"b\",\"id\":\"01\",\"parent\":\"00\"},\"spans\":[{"
	          "\"x\":1,\"y\":2,\"name\":\"a\",\"id\":\"00\"},"
	          "{\"name\":\"b\",\"id\":\"01\",\"parent\":\"00\"}],\"seq\":1}",
	     SHOWN "m in a{x=1 y=2}:b"},
	    {HEAD "{\"message\":\"new\"}" TAIL ",\"span\":{\"name\":\"a\"},\"spans\":[]}", SHOWN "new in a"},
	    {"{\"timestamp\":\"t\",\"level\":\"ERROR\",\"fields\":{\"message\":\"m\",\"message\":\"twice\"},\"target\":"
	     "\"x\"}",
	     "t ERROR x: m message=twice"},
	    {"{\"timestamp\":\"t\",\"level\":\"WARN\",\"fields\":{},\"target\":\"x\"}", "t  WARN x: "},
	    {"{\"level\":\"INFO\"}", "{\"level\":\"INFO\"}"},
	    {"not ours", "not ours"},
	    {"", ""},
	    {"{\"timestamp\":\"t\",\"level\":\"INFO\",\"fields\":{\"message\":\"cut",
	     "{\"timestamp\":\"t\",\"level\":\"INFO\",\"fields\":{\"message\":\"cut"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char line[1000], text[1000];

		snprintf(line, sizeof line, "%s\n", rows[i].line);
		snprintf(text, sizeof text, "%s\n", rows[i].text);
		if (strcmp(print(line, strlen(line), 1, SINK_COLOUR_NEVER), text))
			fail_msg("row %zu:\n%sexpected\n%s", i, seen, text);
	}
}

static void test_colour(void **state)
{
	const char *line = HEAD "{\"message\":\"m\",\"k\":1}" TAIL ",\"span\":{\"name\":\"s\"}}\n";

	(void)state;
	assert_string_equal(
	    print(line, strlen(line), 1, SINK_COLOUR_ALWAYS),
	    "\x1b[2m2026-11-22T20:03:11.123456789Z\x1b[0m \x1b[32m INFO\x1b[0m \x1b[2mworker::queue:\x1b[0m m "
	    "\x1b[3mk\x1b[0m\x1b[2m=\x1b[0m1 in \x1b[1ms\x1b[0m\n");
	print(line, strlen(line), 1, SINK_COLOUR_AUTO); /* no terminal */
	assert_null(strchr(seen, '\x1b'));
}

/* What a terminal gets: colour, but not with NO_COLOR, nor on a dumb one. */
static int terminal_sees_colour(int slave, int master)
{
	const char *line = HEAD "{\"message\":\"m\"}" TAIL "}\n";
	struct sink *sink;
	char text[400];
	ssize_t n;

	assert_int_equal(sink_console_open(slave, SINK_COLOUR_AUTO, &sink), 0);
	assert_int_equal(sink_write(sink, line, strlen(line), 1, NULL), 0);
	sink_close(sink);
	n = read(master, text, sizeof text);
	assert_true(n > 0);
	return memchr(text, '\x1b', (size_t)n) != NULL;
}

static void test_terminal(void **state)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY), slave;

	(void)state;
	if (master < 0 || grantpt(master) || unlockpt(master) ||
	    (slave = open(ptsname(master), O_RDWR | O_NOCTTY)) < 0) {
		printf("skipped: no pseudo-terminal\n");
		skip();
		return;
	}
	setenv("TERM", "xterm", 1);
	unsetenv("NO_COLOR");
	assert_true(terminal_sees_colour(slave, master));
	setenv("NO_COLOR", "", 1);
	assert_true(terminal_sees_colour(slave, master));
	setenv("NO_COLOR", "1", 1);
	assert_false(terminal_sees_colour(slave, master));
	unsetenv("NO_COLOR");
	setenv("TERM", "dumb", 1);
	assert_false(terminal_sees_colour(slave, master));
	close(slave);
	close(master);
}

static void test_many_lines(void **state)
{
	size_t lines = 3000, len = 0;
	char *text = malloc(lines * 200);

	(void)state;
	for (size_t i = 0; i < lines; i++)
		len += (size_t)sprintf(text + len, HEAD "{\"message\":\"m\",\"i\":%zu}" TAIL "}\n", i);
	print(text, len, lines, SINK_COLOUR_NEVER);
	for (size_t i = 0, at = 0; i < lines; i++) {
		char expected[200];
		size_t n = (size_t)sprintf(expected, SHOWN "m i=%zu\n", i);

		if (memcmp(seen + at, expected, n))
			fail_msg("line %zu differs", i);
		at += n;
	}
	free(text);
}

/* Lines with bytes changed, taken out and put in: any text may come out, but no crash and as many lines. */
static void test_broken_lines(void **state)
{
	static const char good[] =
	    HEAD "{\"message\":\"m \\\"x\\\"\",\"j\":{\"a\":[1,\"}\"]}}" TAIL
	         ",\"span\":{\"name\":\"b\"},\"spans\":[{\"x\":1,\"name\":\"a\"},{\"name\":\"b\"}],\"seq\":1}";
	static const char bits[] = "\"\\{}[],:x1\x01\xff";
	unsigned seed = 3;

	(void)state;
	for (int i = 0; i < 20000; i++) {
		size_t len = sizeof good - 1, from = (size_t)rand_r(&seed) % len;
		char *line;

		if (i % 3 == 0)
			len = from;     /* cut */
		line = malloc(len + 1); /* just as long, so that the sanitizer sees a read too far */
		memcpy(line, good, len);
		for (int k = i % 4; k > 0 && len; k--)
			line[(size_t)rand_r(&seed) % len] = bits[(size_t)rand_r(&seed) % (sizeof bits - 1)];
		line[len] = '\n';
		print(line, len + 1, 1, SINK_COLOUR_NEVER);
		if (strchr(seen, '\n') != seen + strlen(seen) - 1)
			fail_msg("not one line: %s", seen);
		free(line);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),       cmocka_unit_test(test_colour),       cmocka_unit_test(test_terminal),
	    cmocka_unit_test(test_many_lines), cmocka_unit_test(test_broken_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
