/* SPDX-License-Identifier: Apache-2.0 */
/* config_test.c - what is read, what is refused with which words, and that the manual knows every key. */
#include "config/config.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

static void test_defaults(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(config_parse(&config, NULL, "config", NULL, NULL), 0);
	assert_string_equal(config.level, "info");
	assert_string_equal(config.basename, "");
	assert_int_equal(config.spanning, CONFIG_SPAN_NONE);
	assert_int_equal(config.ring_bytes, 1 << 20);
	assert_int_equal(config.full_ring[5], CONFIG_FULL_BLOCK);
	assert_true(config.include_spans_json);
	assert_false(config.stdout_pretty);
	assert_int_equal(config.sinks.count, 1);
	assert_int_equal(config.sinks.own, 1);
	assert_ptr_equal(config.sinks.sink[0].to.kind, &sink_kind_stderr);
	config_done(&config);
}

static const char *const iluvatar =
    "{\"level\":\"info,a=debug\",\"directory\":\"/tmp/x\",\"basename\":\"worker\",\"stdout\":null,"
    "\"spanning\":\"NEW+CLOSE\",\"include_spans_json\":false,\"flame\":\"\"}";

static void test_iluvatar(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(config_parse(&config, iluvatar, "config", NULL, NULL), 0);
	assert_string_equal(config.level, "info,a=debug");
	assert_int_equal(config.spanning, CONFIG_SPAN_NEW | CONFIG_SPAN_CLOSE);
	assert_false(config.include_spans_json);
	assert_int_equal(config.sinks.count, 1);
	assert_string_equal(config.sinks.sink[0].to.text, "/tmp/x/worker.log");
	config_done(&config);
}

static void test_ours(void **state)
{
	struct config config;

	(void)state;
	assert_int_equal(config_parse(&config,
	                              "{\"timestamp_format\":\"iluvatar\",\"clock\":\"monotonic\",\"ring_bytes\":65536,"
	                              "\"full_ring\":{\"error\":\"keep\",\"trace\":\"drop\"},\"grace_ms\":0,"
	                              "\"run_directory\":\"/run/x\",\"stdout\":true,\"spanning\":\"FULL\"}",
	                              "config", NULL, NULL),
	                 0);
	assert_int_equal(config.timestamp_format, CONFIG_TIMESTAMP_ILUVATAR);
	assert_int_equal(config.clock, CONFIG_CLOCK_MONOTONIC);
	assert_int_equal(config.ring_bytes, 65536);
	assert_int_equal(config.full_ring[1], CONFIG_FULL_KEEP);
	assert_int_equal(config.full_ring[2], CONFIG_FULL_BLOCK);
	assert_int_equal(config.full_ring[5], CONFIG_FULL_DROP);
	assert_int_equal(config.grace_ms, 0);
	assert_string_equal(config.run_directory, "/run/x");
	assert_true(config.stdout_pretty);
	assert_int_equal(config.spanning, CONFIG_SPAN_FULL);
	config_done(&config);
}

static void test_spanning(void **state)
{
	static const struct {
		const char *text;
		unsigned bits;
	} rows[] = {
	    {"", 0},       {"NONE", 0},  {"NEW", 1},       {"ENTER", 2},    {"EXIT", 4},       {"CLOSE", 8},
	    {"ACTIVE", 6}, {"FULL", 15}, {"NEW+CLOSE", 9}, {"NONE+NEW", 1}, {"ACTIVE+NEW", 7}, {"NEW+", 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char json[80];
		struct config config;

		snprintf(json, sizeof json, "{\"spanning\":\"%s\"}", rows[i].text);
		if (config_parse(&config, json, "config", NULL, NULL))
			fail_msg("\"%s\" is refused", rows[i].text);
		if (config.spanning != rows[i].bits)
			fail_msg("\"%s\": %u", rows[i].text, config.spanning);
		config_done(&config);
	}
}

#define KNOWN                                                                                                       \
	"; known are: level directory basename at_start stdout spanning include_spans_json flame timestamp_format " \
	"clock "                                                                                                    \
	"ring_bytes "                                                                                               \
	"rings span_slots "                                                                                         \
	"full_ring.error full_ring.warn full_ring.info full_ring.debug full_ring.trace grace_ms stop_timeout_ms "   \
	"flush_on crash_handler recorder.level recorder.on recorder.per recorder.lines recorder.bytes "             \
	"sinks rotate.bytes rotate.every rotate.keep rotate.total rotate.compress rate_limits "                     \
	"run_directory black_box"

static void test_errors(void **state)
{
	static const struct {
		const char *json, *text;
	} rows[] = {
	    {"{\"levle\":\"info\"}", "c: unknown key \"levle\"" KNOWN},
	    {"{\"full_ring\":{\"fatal\":\"drop\"}}", "c: unknown key \"full_ring.fatal\"" KNOWN},
	    {"{\"full_ring.error\":1}",
	     "c: key \"full_ring.error\": expected \"block\" or \"drop\" or \"keep\", found an integer: 1"},
	    {"{\"full_ring\":\"drop\"}", "c: key \"full_ring\": expected an object, found a string: drop"},
	    {"{\"level\":3}", "c: key \"level\": expected a string, found an integer: 3"},
	    {"{\"level\":\"a,b=loud\"}",
	     "c: key \"level\": directive 2 (\"b=loud\"), column 5: unknown level \"loud\", expected off, "
	     "error, warn, info, debug, trace or 0 to 5"},
	    {"{\"stdout\":\"yes\"}", "c: key \"stdout\": expected true or false, found a string: yes"},
	    {"{\"stdout\":1}", "c: key \"stdout\": expected true or false, found an integer: 1"},
	    {"{\"directory\":false}", "c: key \"directory\": expected a string, found false"},
	    {"{\"spanning\":\"NEW+LATER\"}",
	     "c: key \"spanning\": unknown token \"LATER\", expected NONE, NEW, ENTER, EXIT, CLOSE, "
	     "ACTIVE or FULL, joined by \"+\""},
	    {"{\"spanning\":\"new\"}",
	     "c: key \"spanning\": unknown token \"new\", expected NONE, NEW, ENTER, EXIT, CLOSE, "
	     "ACTIVE or FULL, joined by \"+\""},
	    {"{\"clock\":\"sundial\\u001b\"}",
	     "c: key \"clock\": expected \"auto\" or \"tsc\" or \"monotonic\", found \"sundial\\u001b\""},
	    {"{\"ring_bytes\":100000}", "c: key \"ring_bytes\": 100000 is not a power of two"},
	    {"{\"ring_bytes\":4096}", "c: key \"ring_bytes\": 4096 is not between 65536 and 1073741824"},
	    {"{\"ring_bytes\":1e6}", "c: key \"ring_bytes\": expected an integer, found a real number: 1000000.0"},
	    {"{\"sinks\":{}}", "c: key \"sinks\": expected an array, found an object: {}"},
	    {"{\"sinks\":[7]}", "c: key \"sinks[0]\": expected an object, found an integer: 7"},
	    {"{\"sinks\":[{\"fd\":3},{}]}",
	     "c: key \"sinks[1]\": expected one of \"file\", \"fd\", \"stdout\", \"journald\" and \"syslog\""},
	    {"{\"sinks\":[{\"fd\":3,\"file\":\"a\"}]}",
	     "c: key \"sinks[0]\": expected one of \"file\", \"fd\", \"stdout\", \"journald\" and \"syslog\""},
	    {"{\"sinks\":[{\"fiel\":\"a\"}]}",
	     "c: unknown key \"sinks[0].fiel\"; known are: file fd stdout journald syslog filter"},
	    {"{\"sinks\":[{\"file\":\"\"}]}", "c: key \"sinks[0].file\": empty"},
	    {"{\"sinks\":[{\"file\":1}]}", "c: key \"sinks[0].file\": expected a string, found an integer: 1"},
	    {"{\"sinks\":[{\"fd\":-1}]}", "c: key \"sinks[0].fd\": -1 is not between 0 and 2147483647"},
	    {"{\"sinks\":[{\"fd\":\"x\"}]}", "c: key \"sinks[0].fd\": expected an integer, found a string: x"},
	    {"{\"sinks\":[{\"stdout\":false}]}", "c: key \"sinks[0].stdout\": expected true, found false"},
	    {"{\"sinks\":[{\"file\":\"a\",\"filter\":\"b=loud\"}]}",
	     "c: key \"sinks[0].filter\": directive 1 (\"b=loud\"), column 3: "
	     "unknown level \"loud\", expected off, error, warn, info, debug, trace or 0 to 5"},
	    {"{\"sinks\":[{\"file\":\"a\"},{\"file\":\"a\"}]}", "c: key \"sinks[1].file\": \"a\" is that of sinks[0]"},
	    {"{\"basename\":\"a\",\"directory\":\"/x/\",\"sinks\":[{\"file\":\"a.log\"}]}",
	     "c: key \"sinks[0].file\": \"/x/a.log\" is the log file itself"},
	    {"{\"sinks\":[{\"journald\":false}]}",
	     "c: key \"sinks[0].journald\": expected true or the path of a socket, found false"},
	    {"{\"sinks\":[{\"journald\":\"\"}]}",
	     "c: key \"sinks[0].journald\": the path of a socket has 1 to 107 bytes"},
	    {"{\"rate_limits\":{}}", "c: key \"rate_limits\": expected an array, found an object: {}"},
	    {"{\"rate_limits\":[1]}", "c: key \"rate_limits[0]\": expected an object, found an integer: 1"},
	    {"{\"rate_limits\":[{\"target\":\"a\"}]}", "c: key \"rate_limits[0]\": \"per_second\" is missing"},
	    {"{\"rate_limits\":[{\"per_second\":1},{\"per_second\":\"1\"}]}",
	     "c: key \"rate_limits[1].per_second\": expected a number, found a string: 1"},
	    {"{\"rate_limits\":[{\"per_second\":0.0001}]}",
	     "c: key \"rate_limits[0].per_second\": 0.0001 is neither 0 nor between 0.001 and 1000000000"},
	    {"{\"rate_limits\":[{\"per_second\":1,\"burst\":0}]}",
	     "c: key \"rate_limits[0].burst\": 0 is not between 1 and 1000000"},
	    {"{\"rate_limits\":[{\"per_second\":1,\"keys\":65537}]}",
	     "c: key \"rate_limits[0].keys\": 65537 is not between 1 and 65536"},
	    {"{\"rate_limits\":[{\"per_second\":1,\"level\":\"loud\"}]}",
	     "c: key \"rate_limits[0].level\": expected error, warn, info, debug or trace, found \"loud\""},
	    {"{\"rate_limits\":[{\"per_second\":1,\"by\":\"x\"}]}",
	     "c: unknown key \"rate_limits[0].by\"; known are: target level message key per_second burst keys"},
	    {"{\"rotate\":{\"bytes\":\"100 MB\"}}",
	     "c: key \"rotate.bytes\": expected bytes like \"100MB\" or \"64KiB\", found \"100 MB\""},
	    {"{\"rotate\":{\"every\":86400}}",
	     "c: key \"rotate.every\": expected a time like \"1d\" or \"12h\", found an integer: 86400"},
	    {"{\"rotate\":{\"bytes\":10}}", "c: key \"rotate.bytes\": 10 is not between 65536 and 9223372036854775807"},
	    {"{\"grace_ms\":-1}", "c: key \"grace_ms\": -1 is not between 0 and 1000"},
	    {"[]", "c: expected a JSON object, found an array"},
	    {"{\"level\":\"info\",\n\"level\":\"warn\"}", "c:2:7: duplicate object key near '\\\"level\\\"'"},
	    {"{\n \"level\" \"info\"}", "c:2:15: ':' expected near '\\\"info\\\"'"},
	    {"", "c:1:0: '[' or '{' expected near end of file"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct config_error error = {""};
		struct config config;
		int rc = config_parse(&config, rows[i].json, "c", NULL, &error);

		if (rc != -EINVAL || strcmp(error.text, rows[i].text))
			fail_msg("%s:\n%s, expected\n%s", rows[i].json, rc ? error.text : "no error", rows[i].text);
	}
}

static void test_sinks(void **state)
{
	char *const environment[] = {"ILU_LOG__directory=/var/log", NULL};
	struct config config;

	(void)state;
	assert_int_equal(config_parse(&config,
	                              "{\"sinks\":[{\"file\":\"a.log\",\"filter\":\"[{n=1}]=info\"},{\"file\":\"/b\"},"
	                              "{\"fd\":7,\"file\":null},{\"stdout\":true,\"filter\":null}]}",
	                              "config", environment, NULL),
	                 0);
	assert_int_equal(config.sinks.count, 4);
	assert_int_equal(config.sinks.own, 0);
	assert_ptr_equal(config.sinks.sink[0].to.kind, &sink_kind_file);
	assert_string_equal(config.sinks.sink[0].filter, "[{n=1}]=info");
	assert_string_equal(config.sinks.sink[0].to.text, "/var/log/a.log");
	assert_string_equal(config.sinks.sink[1].to.text, "/b");
	assert_ptr_equal(config.sinks.sink[2].to.kind, &sink_kind_fd);
	assert_int_equal(config.sinks.sink[2].to.number, 7);
	assert_ptr_equal(config.sinks.sink[3].to.kind, &sink_kind_stdout);
	assert_null(config.sinks.sink[3].filter);
	config_done(&config);
}

static void test_environment(void **state)
{
	char *const good[] = {"PATH=/bin",
	                      "ILU_LOG__level=3",
	                      "ILU_LOG__basename=5",
	                      "ILU_LOG__stdout=true",
	                      "ILU_LOG__full_ring__debug=drop",
	                      "ILU_LOG__full_ring={\"info\":\"keep\"}",
	                      "ILU_LOG_x=1",
	                      "ILU_LOG__ring_bytes=131072",
	                      "ILU_LOG__directory=\"/var/log\"",
	                      "ILU_LOG__spanning=NONE+NEW",
	                      "ILU_LOG__flame=null",
	                      NULL};
	struct config config;

	(void)state;
	assert_int_equal(config_parse(&config, iluvatar, "config", good, NULL), 0);
	assert_string_equal(config.level, "3");
	assert_true(config.stdout_pretty);
	assert_int_equal(config.full_ring[4], CONFIG_FULL_DROP);
	assert_int_equal(config.full_ring[3], CONFIG_FULL_KEEP);
	assert_int_equal(config.ring_bytes, 131072);
	assert_int_equal(config.spanning, CONFIG_SPAN_NEW);
	assert_string_equal(config.flame, "");
	assert_int_equal(config.sinks.own, 2);
	assert_string_equal(config.sinks.sink[0].to.text, "/var/log/5.log");
	assert_ptr_equal(config.sinks.sink[1].to.kind, &sink_kind_stdout);
	config_done(&config);
}

static void test_environment_errors(void **state)
{
	static const struct {
		const char *variable, *text;
	} rows[] = {
	    {"ILU_LOG__levle=info", "ILU_LOG__levle: unknown key \"levle\"" KNOWN},
	    {"ILU_LOG__=info", "ILU_LOG__: unknown key \"\"" KNOWN},
	    {"ILU_LOG__stdout=yes", "ILU_LOG__stdout: key \"stdout\": expected true or false, found a string: yes"},
	    {"ILU_LOG__ring_bytes=64k",
	     "ILU_LOG__ring_bytes: key \"ring_bytes\": expected an integer, found a string: 64k"},
	    {"ILU_LOG__full_ring__info=lose",
	     "ILU_LOG__full_ring__info: key \"full_ring.info\": expected \"block\" or \"drop\" or "
	     "\"keep\", found \"lose\""},
	    {"ILU_LOG__directory=\xff", "ILU_LOG__directory: the value is not valid UTF-8, or memory ran out"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *const environment[] = {(char *)rows[i].variable, NULL};
		struct config_error error = {""};
		struct config config;
		int rc = config_parse(&config, NULL, "c", environment, &error);

		if (rc != -EINVAL || strcmp(error.text, rows[i].text))
			fail_msg("%s:\n%s, expected\n%s", rows[i].variable, rc ? error.text : "no error", rows[i].text);
	}
}

static void write_file(const char *path, const char *text, size_t len)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(text, 1, len, file), len);
	fclose(file);
}

static void expect_file_error(const char *path, int rc, const char *text)
{
	struct config_error error = {""};
	struct config config;

	assert_int_equal(config_parse_file(&config, path, NULL, &error), rc);
	assert_string_equal(error.text, text);
}

static void test_files(void **state)
{
	char path[] = "/tmp/config_test.XXXXXX", text[300];
	struct config config;
	int fd = mkstemp(path);

	(void)state;
	assert_true(fd >= 0);
	close(fd);
	write_file(path, iluvatar, strlen(iluvatar));
	assert_int_equal(config_parse_file(&config, path, NULL, NULL), 0);
	assert_string_equal(config.basename, "worker");
	config_done(&config);
	write_file(path, "{}\0", 3);
	snprintf(text, sizeof text, "%s: a NUL byte, so not JSON", path);
	expect_file_error(path, -EINVAL, text);
	write_file(path, "{\n\n}}", 5);
	snprintf(text, sizeof text, "%s:3:2: end of file expected near '}'", path);
	expect_file_error(path, -EINVAL, text);
	unlink(path);
	snprintf(text, sizeof text, "%s: No such file or directory", path);
	expect_file_error(path, -ENOENT, text);
	expect_file_error("/", -EISDIR, "/: Is a directory");
}

static void test_manual(void **state)
{
	FILE *file = fopen("docs/ilulog.json.5", "r");
	static char manual[100000];
	size_t len;
	int entries = 0, keys = 0;

	(void)state;
	assert_non_null(file);
	len = fread(manual, 1, sizeof manual - 1, file);
	manual[len] = '\0';
	fclose(file);
	for (const char *key = config_key_next(NULL); key; key = config_key_next(key)) {
		char entry[100];

		keys++;
		snprintf(entry, sizeof entry, "\n.BR %s \" (", key);
		if (!strstr(manual, entry))
			fail_msg("docs/ilulog.json.5 does not describe \"%s\"", key);
	}
	for (const char *at = manual; (at = strstr(at, ", default ")); at++)
		entries++;
	assert_int_equal(entries, keys); /* and nothing that is not a key */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_defaults),
	    cmocka_unit_test(test_iluvatar),
	    cmocka_unit_test(test_ours),
	    cmocka_unit_test(test_spanning),
	    cmocka_unit_test(test_errors),
	    cmocka_unit_test(test_environment),
	    cmocka_unit_test(test_environment_errors),
	    cmocka_unit_test(test_files),
	    cmocka_unit_test(test_manual),
	    cmocka_unit_test(test_sinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
