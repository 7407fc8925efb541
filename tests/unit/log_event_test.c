/* SPDX-License-Identifier: Apache-2.0 */
/* Events: types, keys, levels, what is evaluated, what the line looks like. */
#define ILU_TARGET "test::event"
#include "log_util.h"

#include <errno.h>
#include <float.h>
#include <limits.h>

enum colour { RED, GREEN = 7 };

struct bits {
	unsigned three : 3;
	int minus : 5;
	bool flag : 1;
	long long wide : 40;
	unsigned long long uwide : 50;
};

static char *raw_line(const char *message)
{
	FILE *f = fopen(log_file(), "r");
	static char line[1 << 20];
	char key[256];

	snprintf(key, sizeof key, "\"message\":\"%s\"", message);
	while (f && fgets(line, sizeof line, f)) {
		if (strstr(line, key)) {
			fclose(f);
			return line;
		}
	}
	fail_msg("no line with message %s", message);
	return NULL;
}

static void expect_fields(const char *message, const char *want)
{
	char *fields = strstr(raw_line(message), "\"tid\":"), *end;

	fields = strchr(fields + 7, '"') + 1;
	end = strstr(fields, "},\"target\"");
	assert_non_null(end);
	*end = '\0';
	assert_string_equal(fields, want);
}

static void test_lines(void **state)
{
	struct bits bits = {5, -3, true, -549755813888LL, 1125899906842623ULL};
	const char *none = NULL, *text = "text";
	char array[] = "array", one = 'x';
	ilu_tid tid = ilu_tid_generate();

	(void)state;
	log_begin("");
	errno = 77;
	ilu_info(&tid, "integers", KV("c", (signed char)-1), KV("uc", (unsigned char)255), KV("s", (short)-32768),
	         KV("us", (unsigned short)65535), KV("i", INT_MIN), KV("u", UINT_MAX), KV("l", LONG_MIN),
	         KV("ul", ULONG_MAX), KV("ll", LLONG_MIN), KV("ull", ULLONG_MAX), KV("char", one),
	         KV("size", sizeof(int)));
	assert_int_equal(errno, 77);
	ilu_info(&tid, "bits", KV("three", bits.three), KV("minus", bits.minus), KV("flag", bits.flag),
	         KV("wide", bits.wide), KV("uwide", bits.uwide), KV("enum", GREEN), KV("e", (enum colour)RED));
	ilu_info(&tid, "reals", KV("f", 0.1f), KV("d", 0.1), KV("two", 2.0), KV("max", DBL_MAX), KV("nan", 0.0 / 0.0),
	         KV("inf", 1.0 / 0.0), KV("minus", -0.0));
	ilu_info(&tid, "texts", KV("lit", "lit"), KV("ptr", text), KV("array", array), KV("none", none),
	         KV("null", NULL), KV_STR("part", text, 2), KV_STR("nothing", NULL, 5), KV_STR("zero", "a\0b", 3));
	ilu_info(&tid, "others", KV_BOOL("eq", 1 == 1), KV("bool", (bool)false),
	         KV_JSON("json", "{ \"a\" : [1, 2.5, null] }"), KV_JSON("bad", "{\"a\":"), KV_SECRET("secret", text),
	         KV_ERRNO(ENOENT), KV_ERRNO("second", 9999));
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	expect_fields("integers", ",\"c\":-1,\"uc\":255,\"s\":-32768,\"us\":65535,\"i\":-2147483648,\"u\":4294967295,"
	                          "\"l\":-9223372036854775808,\"ul\":18446744073709551615,\"ll\":-9223372036854775808,"
	                          "\"ull\":18446744073709551615,\"char\":120,\"size\":4");
	expect_fields("bits",
	              ",\"three\":5,\"minus\":-3,\"flag\":true,\"wide\":-549755813888,\"uwide\":1125899906842623,"
	              "\"enum\":7,\"e\":0");
	expect_fields("reals", ",\"f\":0.10000000149011612,\"d\":0.1,\"two\":2.0,\"max\":1.7976931348623157e308,"
	                       "\"nan\":null,\"inf\":null,\"minus\":-0.0");
	expect_fields("texts", ",\"lit\":\"lit\",\"ptr\":\"text\",\"array\":\"array\",\"none\":null,\"null\":null,"
	                       "\"part\":\"te\",\"nothing\":null,\"zero\":\"a\\u0000b\"");
	expect_fields("others", ",\"eq\":true,\"bool\":false,\"json\":{\"a\":[1,2.5,null]},\"bad\":\"{\\\"a\\\":\","
	                        "\"secret\":\"[redacted]\",\"errno\":2,\"errno_name\":\"ENOENT\",\"second\":9999");
	assert_int_equal(ilu_log_stop(), 0);
	log_remove();
}

static int evaluated;

static int count(void)
{
	return ++evaluated;
}

static const ilu_tid *count_tid(const ilu_tid *tid)
{
	evaluated++;
	return tid;
}

static void test_disabled_calls_evaluate_nothing(void **state)
{
	ilu_tid tid = ilu_tid_named("Test");
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"info\"");
	evaluated = 0;
	ilu_debug(count_tid(&tid), "off", KV("n", count()));
	ilu_trace(count_tid(&tid), "off", KV("n", count()));
	assert_int_equal(evaluated, 0);
	ilu_info(count_tid(&tid), "on", KV("n", count()));
	assert_int_equal(evaluated, 2);
	lines = log_end();
	assert_null(log_find(lines, "off", 0));
	assert_string_equal(json_string_value(log_field(log_find(lines, "on", 0), "tid")), "Test");
	json_decref(lines);
}

static void test_order_of_keys(void **state)
{
	static const char *const order[] = {"timestamp", "level", "fields", "target", "threadName", "pid", "seq"};
	ilu_tid tid = ilu_tid_generate();
	json_t *lines;
	void *it;
	int n = 0;

	(void)state;
	log_begin("");
	ilu_warn(&tid, "x", KV("b", 1), KV("a", 2));
	lines = log_end();
	for (it = json_object_iter(log_find(lines, "x", 0)); it;
	     it = json_object_iter_next(log_find(lines, "x", 0), it))
		assert_string_equal(json_object_iter_key(it), order[n++]);
	assert_int_equal(n, 7);
	assert_int_equal(json_integer_value(json_object_get(log_find(lines, "x", 0), "seq")), 2);
	assert_int_equal(json_integer_value(json_object_get(log_find(lines, "x", 0), "pid")), getpid());
	json_decref(lines);
}

static void speak(const ilu_tid *tid)
{
	ilu_error(tid, "e");
	ilu_warn(tid, "w");
	ilu_info(tid, "i");
	ilu_debug(tid, "d");
	ilu_trace(tid, "t");
}

static void test_filter_live(void **state)
{
	static const char *const filter[] = {"off", "error", "warn", "info", "debug", "trace", "off,test=debug", ""};
	static const char *const want[] = {"", "e", "e w", "e w i", "e w i d", "e w i d t", "e w i d", ""};
	ilu_tid tid = ilu_tid_generate();

	(void)state;
	for (int i = 0; i < 8; i++) {
		json_t *lines;

		log_begin("\"level\":\"off\"");
		speak(&tid);
		assert_int_equal(ilu_log_set_filter(filter[i]), 0);
		speak(&tid);
		assert_int_equal(ilu_log_set_filter("bogus=xyz"), -EINVAL);
		assert_non_null(strstr(ilu_log_error(), "xyz"));
		lines = log_end();
		json_array_remove(lines, 0);
		for (size_t n = 0; n < json_array_size(lines); n++) {
			if (!strcmp(log_message(json_array_get(lines, n)), "Filter changed"))
				json_array_remove(lines, n--); /* it comes when the appender has time for it */
		}
		if (strcmp(log_messages(lines), want[i]))
			fail_msg("filter %s: %s", filter[i], log_messages(lines));
		json_decref(lines);
	}
}

static void test_array(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	static struct ilu_kv many[300];
	static char names[300][16], longest[400];
	json_t *lines, *line;

	(void)state;
	struct ilu_kv list[] = {ILU_PAIR(KV("a", 1)),   ILU_PAIR(KV_STR("b", "xyz", 2)),
	                        ILU_PAIR(KV("a", 2.5)), ILU_PAIR(KV_ERRNO("e", ENOENT)),
	                        ILU_PAIR(KV("c", "x")), ILU_PAIR(KV_BOOL("d", 1))};
	list[4].key = "tid";
	list[5].key = "a";
	memset(longest, 'k', sizeof longest - 1);
	for (int i = 0; i < 300; i++) {
		snprintf(names[i], sizeof names[i], "key%d", i);
		many[i] = (struct ilu_kv)ILU_PAIR(KV("k", i));
		many[i].key = i == 7 ? longest : names[i];
	}
	log_begin("");
	ilu_log_array(ILU_INFO, &tid, "short", list, 6);
	ilu_log_array(ILU_INFO, &tid, "long", many, 300);
	ilu_log_array(ILU_DEBUG, &tid, "off", many, 300);
	ilu_log_array(ILU_INFO, &tid, "none", NULL, 0);
	assert_int_equal(ilu_log_flush(ILU_ACK_KERNEL, -1), 0);
	expect_fields("short",
	              ",\"a\":1,\"b\":\"xy\",\"a_\":2.5,\"e\":2,\"e_name\":\"ENOENT\",\"tid_\":\"x\",\"a__\":true");
	lines = log_end();
	line = log_find(lines, "long", 0);
	assert_int_equal(json_object_size(json_object_get(line, "fields")), 258);
	assert_int_equal(json_integer_value(log_field(line, "key255")), 255);
	assert_null(log_find(lines, "off", 0));
	assert_non_null(log_find(lines, "none", 0));
	json_decref(lines);
}

static void test_long_values_are_cut_and_marked(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	size_t len = 3 << 20;
	char *big = malloc(len + 1);
	const char *got;
	struct ilu_log_stats stats = {.size = sizeof stats};
	json_t *lines;

	(void)state;
	memset(big, 'a', len);
	big[len] = '\0';
	log_begin("\"ring_bytes\":1048576");
	ilu_info(&tid, "big", KV("small", "small"), KV("big", big), KV("n", 7), KV("second", big));
	ilu_info(&tid, "fits", KV_STR("big", big, 200000));
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	ilu_log_stats(&stats);
	assert_int_equal(stats.cut, 2);
	lines = log_end();
	got = json_string_value(log_field(log_find(lines, "big", 0), "big"));
	assert_in_range(strlen(got), 100000, 140000);
	assert_non_null(strstr(got, "\xe2\x80\xa6["));
	assert_non_null(strstr(got, " bytes cut]"));
	assert_int_equal(json_integer_value(log_field(log_find(lines, "big", 0), "n")), 7);
	assert_string_equal(json_string_value(log_field(log_find(lines, "big", 0), "small")), "small");
	assert_int_equal(json_string_length(log_field(log_find(lines, "fits", 0), "big")), 200000);
	json_decref(lines);
	free(big);
}

static void test_timestamps(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	char *line;

	(void)state;
	log_begin("\"timestamp_format\":\"iluvatar\"");
	ilu_info(&tid, "x");
	ilu_log_flush(ILU_ACK_KERNEL, -1);
	line = raw_line("x");
	assert_int_equal(line[24], ' ');
	assert_null(strchr(line + 14, 'Z') < strstr(line, "level") ? strchr(line + 14, 'Z') : NULL);
	json_decref(log_end());
}

static void test_config_errors(void **state)
{
	static const char *const bad[][2] = {{"{\"levle\":\"info\"}", "levle"},
	                                     {"{\"level\":7}", "level"},
	                                     {"{\"level\":\"a=b=c\"}", "a=b=c"},
	                                     {"{", ""}};
	int saved = dup(STDERR_FILENO);

	(void)state;
	for (int i = 0; i < 4; i++) {
		assert_non_null(freopen("/dev/null", "w", stderr));
		int rc = ilu_log_start(bad[i][0]);
		fflush(stderr);
		dup2(saved, STDERR_FILENO);
		assert_int_equal(rc, -EINVAL);
		assert_non_null(strstr(ilu_log_error(), bad[i][1]));
		assert_int_equal(ilu_log_stop(), -ESRCH);
	}
	close(saved);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_lines),         cmocka_unit_test(test_disabled_calls_evaluate_nothing),
	    cmocka_unit_test(test_order_of_keys), cmocka_unit_test(test_filter_live),
	    cmocka_unit_test(test_array),         cmocka_unit_test(test_long_values_are_cut_and_marked),
	    cmocka_unit_test(test_timestamps),    cmocka_unit_test(test_config_errors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
