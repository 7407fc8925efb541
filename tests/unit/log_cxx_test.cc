// SPDX-License-Identifier: Apache-2.0
// The public headers in C++: inline functions, templates, lambdas, methods; types of C++; spans.
#define ILU_TARGET "test::cxx"
#include <ilu/log.h>

#include <string>
#include <string_view>

#include "log_util.h"

enum class Colour : unsigned char { red, green = 200 };
enum plain_enum { MINUS = -5 };

inline void in_inline(const ilu_tid *tid)
{
	ilu_info(tid, "inline", KV("k", 1));
}

template <class T> void in_template(const ilu_tid *tid, T value)
{
	ILU_SPAN(span, "template", tid, KV("v", value));
	ilu_info(tid, "template", KV("v", value));
}

struct Object {
	unsigned three : 3;
	bool flag : 1;

	void method(const ilu_tid *tid)
	{
		ILU_SPAN_FN(span, tid);
		ilu_info(tid, "method", KV("three", three), KV("flag", flag));
	}
};

static void test_everywhere(void **)
{
	ilu_tid tid = ilu_tid_generate();
	Object object = {5, true};
	auto lambda = [&](int n) { ilu_info_limited(ILU_RATE(1000, 100), &tid, "lambda", KV("n", n)); };

	log_begin("\"spanning\":\"NEW+CLOSE\"");
	for (int i = 0; i < 2; i++) {
		in_inline(&tid);
		in_template(&tid, 1);
		in_template(&tid, 2.5);
		in_template(&tid, "text");
		object.method(&tid);
		lambda(i);
		ilu_debug(&tid, "off", KV("i", i));
	}
	ilu_log_set_filter("debug");
	ilu_debug(&tid, "on", KV("i", 1));
	json_t *lines = log_end();
	assert_int_equal(log_count(lines, "inline"), 2);
	assert_int_equal(log_count(lines, "template"), 6);
	assert_int_equal(log_count(lines, "method"), 2);
	assert_int_equal(log_count(lines, "lambda"), 2);
	assert_int_equal(log_count(lines, "off"), 0);
	assert_int_equal(log_count(lines, "on"), 1);
	assert_int_equal(log_count(lines, "new"), 8);
	assert_int_equal(log_count(lines, "close"), 8);
	assert_int_equal(json_integer_value(log_field(log_find(lines, "method", 0), "three")), 5);
	assert_true(json_is_true(log_field(log_find(lines, "method", 0), "flag")));
	assert_string_equal(
	    json_string_value(json_object_get(json_object_get(log_find(lines, "method", 0), "span"), "name")),
	    "method");
	json_decref(lines);
}

static void test_types(void **)
{
	ilu_tid tid = ilu_tid_named("Types");
	std::string string("string");
	std::string_view view("viewed", 4);
	const char *none = nullptr;

	log_begin("");
	ilu_info(&tid, "types", KV("string", string), KV("view", view), KV("null", nullptr), KV("none", none),
	         KV("bool", 1 == 1), KV("class", Colour::green), KV("enum", MINUS), KV("f", 0.5f),
	         KV("u", 18446744073709551615ull >> 1), KV("c", 'x'), KV_STR("part", "abc", 2), KV_JSON("json", "[1]"),
	         KV_ERRNO(2), KV_SECRET("secret", string), KV_BOOL("b", 2));
	struct ilu_kv list[] = {ILU_PAIR(KV("a", 1)), ILU_PAIR(KV("b", string))};
	ilu_log_array(ILU_WARN, &tid, "array", list, 2);
	json_t *lines = log_end(), *line = log_find(lines, "types", 0);
	assert_string_equal(json_string_value(log_field(line, "string")), "string");
	assert_string_equal(json_string_value(log_field(line, "view")), "view");
	assert_true(json_is_null(log_field(line, "null")) && json_is_null(log_field(line, "none")));
	assert_true(json_is_true(log_field(line, "bool")) && json_is_true(log_field(line, "b")));
	assert_int_equal(json_integer_value(log_field(line, "class")), 200);
	assert_int_equal(json_integer_value(log_field(line, "enum")), -5);
	assert_int_equal(json_integer_value(log_field(line, "c")), 'x');
	assert_string_equal(json_string_value(log_field(line, "errno_name")), "ENOENT");
	assert_string_equal(json_string_value(log_field(log_find(lines, "array", 0), "b")), "string");
	json_decref(lines);
}

int main()
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_everywhere), cmocka_unit_test(test_types)};

	return cmocka_run_group_tests(tests, nullptr, nullptr);
}
