/* SPDX-License-Identifier: Apache-2.0 */
/* Lines against jansson: whatever goes in comes out of another parser the same. Values are generated: every byte value
 * in messages of all kinds, integer edges, doubles of all magnitudes. ILU_TEST_DOUBLES sets how many doubles
 * (1,000,000). */
#define ILU_TARGET "test::\"enc\\ode\n"
#include "log_util.h"

#include <math.h>

static uint64_t seed = 88172645463325252u;

static uint64_t random64(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static FILE *in;

static json_t *next_line(void)
{
	static char *line;
	static size_t cap;
	json_error_t error;
	ssize_t n = getline(&line, &cap, in);
	json_t *o;

	assert_true(n > 0);
	assert_int_equal(line[n - 1], '\n');
	for (ssize_t i = 0; i < n - 1; i++) {
		if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
			fail_msg("control byte %d in %s", line[i], line);
	}
	o = json_loadb(line, (size_t)n, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
	if (!o)
		fail_msg("%s: %s", error.text, line);
	return o;
}

static void begin(void)
{
	log_begin("");
}

static void read_back(void)
{
	assert_int_equal(ilu_log_stop(), 0);
	in = fopen(log_file(), "r");
	assert_non_null(in);
	json_decref(next_line());
}

static void end(void)
{
	assert_int_equal(fgetc(in), EOF);
	fclose(in);
	log_remove();
}

static const ilu_tid *some_tid(void)
{
	static ilu_tid tid;

	tid = ilu_tid_named("enc\"ode\x01\xff");
	return &tid;
}

/* The text as a correct reader would repair it: maximal subparts of invalid UTF-8 become U+FFFD. */
static size_t repair(const unsigned char *s, size_t n, char *out)
{
	size_t len = 0;

	for (size_t i = 0; i < n;) {
		unsigned char c = s[i], low = 0x80, high = 0xbf;
		size_t more = c < 0x80                 ? 0
		              : c >= 0xc2 && c <= 0xdf ? 1
		              : c >= 0xe0 && c <= 0xef ? 2
		              : c >= 0xf0 && c <= 0xf4 ? 3
		                                       : 9;
		size_t got = 0;

		if (c == 0xe0)
			low = 0xa0;
		if (c == 0xed)
			high = 0x9f;
		if (c == 0xf0)
			low = 0x90;
		if (c == 0xf4)
			high = 0x8f;
		while (more != 9 && got < more && i + 1 + got < n && s[i + 1 + got] >= low && s[i + 1 + got] <= high) {
			got++;
			low = 0x80;
			high = 0xbf;
		}
		if (more != 9 && got == more) {
			memcpy(out + len, s + i, more + 1);
			len += more + 1;
		} else {
			memcpy(out + len, "\xef\xbf\xbd", 3);
			len += 3;
		}
		i += 1 + (more == 9 ? 0 : got);
	}
	return len;
}

static void check_text(json_t *line, const char *key, const unsigned char *text, size_t len)
{
	char want[4096];
	size_t n = repair(text, len, want);
	json_t *got = log_field(line, key);

	assert_int_equal(json_string_length(got), n);
	assert_memory_equal(json_string_value(got), want, n);
}

static void test_bytes(void **state)
{
	enum { TEXTS = 3000 };
	static unsigned char text[TEXTS][300];
	static size_t len[TEXTS];

	(void)state;
	begin();
	for (int i = 0; i < TEXTS; i++) {
		len[i] = i < 256 ? 1 : i < 768 ? 2 : random64() % 300;
		for (size_t k = 0; k < len[i]; k++) {
			uint64_t r = random64();

			text[i][k] = i < 256 ? (unsigned char)i
			             : i % 3 ? (unsigned char)r
			                     : (unsigned char)(32 + r % 95);
		}
		if (i >= 256 && i < 512)
			memcpy(text[i], (unsigned char[]){0xe2, (unsigned char)i}, 2);
		ilu_info(some_tid(), "text \"quoted\" \\ \t end", KV_STR("key \"\n", (char *)text[i], len[i]),
		         KV("after", 7));
	}
	read_back();
	for (int i = 0; i < TEXTS; i++) {
		json_t *line = next_line();

		assert_string_equal(log_message(line), "text \"quoted\" \\ \t end");
		assert_string_equal(json_string_value(json_object_get(line, "target")), "test::\"enc\\ode\n");
		assert_string_equal(json_string_value(log_field(line, "tid")), "enc\"ode\x01\xef\xbf\xbd");
		check_text(line, "key \"\n", text[i], len[i]);
		assert_int_equal(json_integer_value(log_field(line, "after")), 7);
		json_decref(line);
	}
	end();
}

static void test_integers(void **state)
{
	enum { N = 20000 };
	static int64_t value[N];

	(void)state;
	begin();
	for (int i = 0; i < N; i++) {
		value[i] = (int64_t)(random64() >> (i % 64));
		if (i < 64 * 6)
			value[i] = (int64_t)(((uint64_t)1 << (i % 64)) + (uint64_t)(i / 64) - 3);
		ilu_info(some_tid(), "int", KV("i", value[i]), KV("u", (uint64_t)value[i] & INT64_MAX),
		         KV("b", (bool)(value[i] & 1)));
	}
	read_back();
	for (int i = 0; i < N; i++) {
		json_t *line = next_line();

		assert_int_equal(json_integer_value(log_field(line, "i")), value[i]);
		assert_int_equal(json_integer_value(log_field(line, "u")), value[i] & INT64_MAX);
		assert_int_equal(json_is_true(log_field(line, "b")), value[i] & 1);
		json_decref(line);
	}
	end();
}

static double a_double(int i)
{
	uint64_t bits = random64();
	double d;

	if (i % 4 == 1)
		return (double)(int64_t)(bits >> 40) / 1000;
	if (i % 4 == 2)
		return (double)(bits >> (i % 60));
	memcpy(&d, &bits, 8);
	return d;
}

static void test_doubles(void **state)
{
	static const char *const keys[] = {"a", "b", "c", "d", "e", "f", "g", "h"};
	enum { EACH = sizeof keys / sizeof *keys };
	int n = getenv("ILU_TEST_DOUBLES") ? atoi(getenv("ILU_TEST_DOUBLES")) : 1000000;
	uint64_t saved = seed;

	(void)state;
	begin();
	for (int i = 0; i < n; i += EACH) {
		double d[EACH];

		for (int k = 0; k < EACH; k++)
			d[k] = a_double(i + k);
		ilu_info(some_tid(), "reals", KV("a", d[0]), KV("b", d[1]), KV("c", d[2]), KV("d", d[3]), KV("e", d[4]),
		         KV("f", d[5]), KV("g", d[6]), KV("h", d[7]));
	}
	read_back();
	seed = saved;
	for (int i = 0; i < n; i += EACH) {
		json_t *line = next_line();
		double want[EACH];

		for (int k = 0; k < EACH; k++)
			want[k] = a_double(i + k);
		for (int k = 0; k < EACH; k++) {
			json_t *got = log_field(line, keys[k]);

			if (isfinite(want[k]) ? !json_is_real(got) || json_real_value(got) != want[k]
			                      : !json_is_null(got))
				fail_msg("double %d, %a, comes back as %a", i + k, want[k], json_real_value(got));
		}
		json_decref(line);
	}
	end();
}

static json_t *random_json(int depth)
{
	json_t *o;

	switch (random64() % (depth ? 7 : 5)) {
	case 0:
		return json_integer((json_int_t)random64());
	case 1:
		return json_real((double)(int64_t)random64() / 3);
	case 2:
		return json_boolean(random64() & 1);
	case 3:
		return json_null();
	case 4:
		return json_string("t\u00e9xt \" \\ \n \u202e end");
	case 5:
		o = json_array();
		for (uint64_t n = random64() % 4; n; n--)
			json_array_append_new(o, random_json(depth - 1));
		return o;
	default:
		o = json_object();
		for (uint64_t n = random64() % 4; n; n--) {
			char key[] = "k\"0";

			key[2] = (char)('a' + n);
			json_object_set_new(o, key, random_json(depth - 1));
		}
		return o;
	}
}

static void test_raw_json(void **state)
{
	enum { N = 2000 };
	static json_t *value[N];

	(void)state;
	begin();
	for (int i = 0; i < N; i++) {
		char *text;

		value[i] = random_json(5);
		text = json_dumps(value[i], JSON_ENCODE_ANY | (i & 1 ? JSON_INDENT(3) : JSON_COMPACT));
		ilu_info(some_tid(), "json", KV_JSON("j", text), KV_STR("again", text, strlen(text)));
		free(text);
	}
	read_back();
	for (int i = 0; i < N; i++) {
		json_t *line = next_line();

		assert_true(json_equal(log_field(line, "j"), value[i]));
		json_decref(value[i]);
		json_decref(line);
	}
	end();
}

static void test_text_that_is_no_json(void **state)
{
	static const char *const bad[] = {"",         "{",         "}",   "[1,]",    "{\"a\"}", "{\"a\":1,}", "01",
	                                  "1.",       "-",         "nul", "\"",      "\"\\x\"", "1 2",        "[1}",
	                                  "{1:2}",    "\"\\u12\"", ".5",  "+1",      "1e",      "NaN",        "'a'",
	                                  "\"a\nb\"", "[[[",       "tru", "{\"a\":}"};
	char deep[200];

	(void)state;
	memset(deep, '[', sizeof deep);
	begin();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
		ilu_info(some_tid(), "bad", KV_JSON("j", bad[i]));
	ilu_info(some_tid(), "deep", KV_JSON("j", deep[199] == '[' ? (deep[199] = 0, deep) : deep));
	read_back();
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		json_t *line = next_line();

		if (!json_is_string(log_field(line, "j")) || strcmp(json_string_value(log_field(line, "j")), bad[i]))
			fail_msg("taken for JSON: %s", bad[i]);
		json_decref(line);
	}
	json_decref(next_line());
	end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_bytes),
	    cmocka_unit_test(test_integers),
	    cmocka_unit_test(test_doubles),
	    cmocka_unit_test(test_raw_json),
	    cmocka_unit_test(test_text_that_is_no_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
