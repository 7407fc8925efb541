/* SPDX-License-Identifier: Apache-2.0 */
/* directive_test.c - filters do what EnvFilter does, and say what is wrong with them.
 *
 * tests/data/directive-oracle.tsv holds the answers of the real EnvFilter for a few hundred filters, asked at the call
 * sites that directive-oracle.rs builds; the loops of judge() and outside() here are its loops in C. */
#include "config/directive.h"

#include <errno.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct directive_set *parse(const char *text, struct directive_error *error)
{
	struct directive_set *set = NULL;

	directive_parse(text, strlen(text), &set, error);
	return set;
}

static const char *const two_keys[] = {"tid", "n"};

static struct directive_site event_site(const char *target, unsigned level, size_t keys)
{
	return (struct directive_site){.target = target,
	                               .target_len = strlen(target),
	                               .keys = two_keys,
	                               .key_count = keys,
	                               .level = (uint8_t)level};
}

/* ---- against the oracle ---- */

static char *put_outside(char *out, const struct directive_set *set)
{
	static const char *const targets[] = {"app", "app::queue", "application", "other"};

	for (size_t t = 0; t < 4; t++) {
		for (size_t keys = 0; keys < 3; keys++) {
			unsigned greatest = 0;

			for (unsigned level = 1; level <= 5; level++) {
				struct directive_site site = event_site(targets[t], level, keys);

				if (directive_site(set, &site) == DIRECTIVE_ON)
					greatest = level;
			}
			*out++ = (char)('0' + greatest);
		}
	}
	return out;
}

static char inside(const struct directive_set *set, const char *target, unsigned span_level)
{
	unsigned greatest = 0;

	for (unsigned level = 1; level <= 5; level++) {
		struct directive_site site = event_site(target, level, 0);
		enum directive_verdict verdict = directive_site(set, &site);

		if (verdict == DIRECTIVE_ON || (verdict == DIRECTIVE_MAYBE && level <= span_level))
			greatest = level;
	}
	return (char)('0' + greatest);
}

static char *put_span(char *out, const struct directive_set *set, struct directive_site site,
                      const struct directive_value *values, size_t count)
{
	const char *keys[2];
	unsigned level = 0;
	bool on;

	for (size_t i = 0; i < count; i++)
		keys[i] = values[i].key;
	site.keys = keys;
	site.key_count = count;
	on = directive_site(set, &site) == DIRECTIVE_ON;
	if (on)
		level = directive_span_level(set, &site, values, count);
	if (level && !directive_watches(set, &site))
		fail_msg("a level in a span that nobody watches");
	*out++ = ' ';
	*out++ = on ? '1' : '0';
	*out++ = inside(set, "app::queue", level);
	*out++ = inside(set, "other", level);
	return out;
}

#define TID(t)                                                                              \
	{                                                                                   \
		.key = "tid", .key_len = 3, .type = DIRECTIVE_STR, .s = { t, sizeof t - 1 } \
	}
#define N(t, m, v)                                          \
	{                                                   \
		.key = "n", .key_len = 1, .type = t, .m = v \
	}

static const struct directive_value tid_n[] = {TID("t1"), N(DIRECTIVE_U64, u, 5)};

static char *put_spans(char *out, const struct directive_set *set, struct directive_site site)
{
	static const struct directive_value single[] = {
	    TID("t1"),
	    TID("t12"),
	    TID("5"),
	    N(DIRECTIVE_U64, u, 5),
	    N(DIRECTIVE_U64, u, UINT64_MAX),
	    N(DIRECTIVE_I64, i, 5),
	    N(DIRECTIVE_I64, i, -5),
	    N(DIRECTIVE_F64, f, 5),
	    N(DIRECTIVE_F64, f, 0.25),
	    N(DIRECTIVE_F64, f, NAN),
	    N(DIRECTIVE_BOOL, b, true),
	    N(DIRECTIVE_BOOL, b, false),
	};

	out = put_span(out, set, site, NULL, 0);
	for (size_t i = 0; i < sizeof single / sizeof *single; i++)
		out = put_span(out, set, site, &single[i], 1);
	return put_span(out, set, site, tid_n, 2);
}

static void judge(char *out, const char *filter)
{
	static const char *const targets[] = {"app", "other"}, *const names[] = {"invoke", "run"};
	struct directive_error error;
	struct directive_set *set = parse(filter, &error);

	if (!set) {
		strcpy(out, "error");
		return;
	}
	out = put_outside(out, set);
	for (int i = 0; i < 8; i++) {
		struct directive_site site = {
		    .target = targets[i / 4], .name = names[i / 2 % 2], .level = i % 2 ? 5 : 3, .is_span = true};

		site.target_len = strlen(site.target);
		site.name_len = strlen(site.name);
		out = put_spans(out, set, site);
	}
	*out = '\0';
	directive_free(set);
}

static void test_oracle(void **state)
{
	FILE *file = fopen("tests/data/directive-oracle.tsv", "r");
	char line[4096], ours[4096];
	int rows = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof line, file)) {
		char *answer = strchr(line, '\t');

		if (*line == '#')
			continue;
		assert_non_null(answer);
		*answer++ = '\0';
		answer[strcspn(answer, "\n")] = '\0';
		judge(ours, line);
		if (strcmp(ours, answer))
			fail_msg("filter \"%s\":\n%s, EnvFilter says\n%s", line, ours, answer);
		rows++;
	}
	fclose(file);
	assert_true(rows > 150);
}

/* ---- what the oracle does not know ---- */

static void test_errors(void **state)
{
	static const struct {
		const char *filter, *text;
	} rows[] = {
	    {"bogus=xyz",
	     "directive 1 (\"bogus=xyz\"), column 7: unknown level \"xyz\", expected off, error, warn, info, "
	     "debug, trace or 0 to 5"},
	    {"info,,app=6",
	     "directive 3 (\"app=6\"), column 11: unknown level \"6\", expected off, error, warn, info, debug, "
	     "trace or 0 to 5"},
	    {"=info", "directive 1 (\"=info\"), column 1: unexpected \"=\", expected a level, a target or \"[\""},
	    {" info", "directive 1 (\" info\"), column 1: unexpected \" \", expected a level, a target or \"[\""},
	    {"info, app=debug",
	     "directive 2 (\" app=debug\"), column 6: unexpected \" \", expected a level, a target or \"[\""},
	    {"info\x1b[2J",
	     "directive 1 (\"info\\u001b[2J\"), column 5: unexpected \"\\u001b\", expected \"=\" and a level, \"[\" or "
	     "\",\""},
	    {"[invoke", "directive 1 (\"[invoke\"), column 8: the filter ends here, expected \"]\" or \"{\""},
	    {"[invoke,info", "directive 1 (\"[invoke\"), column 8: unexpected \",\", expected \"]\" or \"{\""},
	    {"[invoke{tid]", "directive 1 (\"[invoke{tid]\"), column 12: unexpected \"]\", expected \",\" or \"}\""},
	    {"[invoke{tid}=info", "directive 1 (\"[invoke{tid}=info\"), column 13: unexpected \"=\", expected \"]\""},
	    {"[{tid=}]", "directive 1 (\"[{tid=}]\"), column 7: unexpected \"}\", expected a value after \"=\""},
	    {"[{=1}]", "directive 1 (\"[{=1}]\"), column 3: unexpected \"=\", expected a field name"},
	    {"[{a, b}]", "directive 1 (\"[{a, b}]\"), column 5: unexpected \" \", expected a field name"},
	    {"[{a=(}]", "directive 1 (\"[{a=(}]\"), column 5: bad regular expression: Unmatched ( or \\("},
	    {"[a][b]",
	     "directive 1 (\"[a][b]\"), column 4: unexpected \"[\", expected \"=\" and a level, \"[\" or \",\""},
	    {"[{a=(x{200}){200}}]", "directive 1 (\"[{a=(x{200}){200}}]\"), column 5: repetitions make the regular "
	                            "expression longer than 4096 characters"},
	    {"[{a=x{99999999999999999999}}]",
	     "directive 1 (\"[{a=x{99999999999999999999}}]\"), column 5: repetitions make "
	     "the regular expression longer than 4096 characters"},
	    /* glibc was busy with these for minutes */
	    {"[{a=x{0,20}*{0,20}}]",
	     "directive 1 (\"[{a=x{0\"), column 5: repetitions of what may be empty count for more than 128 copies"},
	    {"[{a=(x?){0,1000}}]",
	     "directive 1 (\"[{a=(x?){0\"), column 5: repetitions of what may be empty count for more than 128 copies"},
	    {"[{a=(((x{0,2})*){0,2}|y)*{0,2}}]",
	     "directive 1 (\"[{a=(((x{0\"), column 5: more than 2 repetitions in one another of what may be empty"},
	    {"[{a=((x|y?|z?)+){0,8}}]", "directive 1 (\"[{a=((x|y?|z?)+){0\"), column 5: repetitions of what may be "
	                                "empty count for more than 128 copies"},
	    {"[{a=x++++++++++++++}]", "directive 1 (\"[{a=x++++++++++++++}]\"), column 5: repetitions make the regular "
	                              "expression longer than 4096 characters"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct directive_error error = {.text = ""};
		struct directive_set *set = parse(rows[i].filter, &error);

		if (set || strcmp(error.text, rows[i].text))
			fail_msg("\"%s\":\n%s, expected\n%s", rows[i].filter, set ? "no error" : error.text,
			         rows[i].text);
	}
}

static void expect_limit(const char *text, size_t len, const char *part)
{
	struct directive_error error = {.text = ""};
	struct directive_set *set;

	assert_int_equal(directive_parse(text, len, &set, &error), -E2BIG);
	if (!strstr(error.text, part))
		fail_msg("%s, expected %s", error.text, part);
	assert_int_equal(directive_parse(text, len, &set, NULL), -E2BIG);
}

static void test_limits(void **state)
{
	size_t cap = DIRECTIVE_MAX_TEXT + 2, n = 0;
	char *text = malloc(cap);

	(void)state;
	memset(text, 'a', cap);
	expect_limit(text, cap, "the filter is longer than 65536 bytes");
	for (int i = 0; i < DIRECTIVE_MAX_COUNT + 1; i++)
		n += (size_t)sprintf(text + n, "t%d,", i);
	expect_limit(text, n, "more than 1024 directives");
	n = (size_t)sprintf(text, "[{");
	for (int i = 0; i < DIRECTIVE_MAX_FIELDS + 1; i++)
		n += (size_t)sprintf(text + n, "f%d,", i);
	expect_limit(text, n, "more than 32 fields");
	n = (size_t)sprintf(text, "[{a=%0*d}]", DIRECTIVE_MAX_REGEX + 1, 0);
	text[5] = 'x';
	expect_limit(text, n, "regular expression longer than 1024 bytes");
	free(text);
}

/* Values with commas, braces and brackets, several fields, and text that looks like a number: ours, not EnvFilter's. */
static void test_values(void **state)
{
	static const struct {
		const char *filter, *tid;
		unsigned level;
	} rows[] = {
	    {"[{tid=[0-9a-f]{4}}]=debug", "9f0c", 4},
	    {"[{tid=[0-9a-f]{4}}]=debug", "9f0g", 0},
	    {"[{tid=[0-9a-f]{4}}]=debug", "9f0c1", 0},
	    {"[{tid=a{1,3}}]=debug", "aaa", 4},
	    {"[{tid=a{1,3}}]=debug", "aaaa", 0},
	    {"[{tid=[],}]+}]=debug", "],}", 4},
	    {"[{tid=[^],]+}]=debug", "a]", 0},
	    {"[{tid=a\\,b}]=debug", "a,b", 4},
	    {"[{tid=\\d+-x}]=debug", "12-x", 4},
	    {"[{tid=\\d+-x}]=debug", "d-x", 0},
	    {"[{tid=a|b}]=debug", "b", 4},
	    {"[{tid=([0-9]+-)+([a-f]+-)*(x{2,3}y?)+z+[+*]{2}.+}]=debug", "1-22-a-xxxxyxxyzz++q", 4},
	    {"[{tid=a|b}]=debug", "ab", 0},
	    {"[{tid=a=b}]=debug", "a=b", 4},
	    {"[{tid=12345678901234567890123456789012}]=debug", "12345678901234567890123456789012", 4},
	    {"[{tid=1e10}]=debug", "1e10", 4},
	    {"[{tid=1e10}]=debug", "10000000000.0", 0},
	    {"[{tid=t1,n=5}]=debug", "t1", 4},
	    {"[{tid=t1,n=6}]=debug", "t1", 0},
	    {"[{tid,n=5}]=trace", "t1", 5},
	    {"[{tid,missing}]=trace", "t1", 0},
	    {"my.daemon/x[{tid}]=info", "t1", 3},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct directive_error error = {.text = ""};
		struct directive_set *set = parse(rows[i].filter, &error);
		struct directive_value values[] = {tid_n[0], tid_n[1]};
		struct directive_site site = event_site("my.daemon/x", 3, 2);

		if (!set)
			fail_msg("%s: %s", rows[i].filter, error.text);
		site.is_span = true;
		site.name = "s";
		site.name_len = 1;
		values[0].s.text = rows[i].tid;
		values[0].s.len = strlen(rows[i].tid);
		if (directive_span_level(set, &site, values, 2) != rows[i].level)
			fail_msg("%s on \"%s\": %u, expected %u", rows[i].filter, rows[i].tid,
			         directive_span_level(set, &site, values, 2), rows[i].level);
		directive_free(set);
	}
}

static void test_other_questions(void **state)
{
	struct directive_set *set = parse("info,worker=off,worker::queue=trace,[{tid}]=debug,[s{a=1}]=warn", NULL);
	char text[200], small[8];

	(void)state;
	assert_non_null(set);
	assert_int_equal(directive_static_level(set, "worker::queue::x", 16), 5);
	assert_int_equal(directive_static_level(set, "worker", 6), 0);
	assert_int_equal(directive_static_level(set, "work", 4), 3);
	assert_true(directive_has_dynamic(set));
	assert_int_equal(directive_max_level(set), 5);
	directive_print(set, text, sizeof text);
	assert_string_equal(text, "[{tid}]=debug,[s{a=1}]=warn,worker::queue=trace,worker=off,info");
	assert_int_equal(directive_print(set, small, sizeof small), strlen(text));
	assert_string_equal(small, "[{tid}]");
	directive_free(set);
	set = parse("warn", NULL);
	assert_false(directive_has_dynamic(set));
	assert_int_equal(directive_max_level(set), 2);
	directive_free(set);
	directive_free(NULL);
}

/* Any text at all is an answer or an error, never a crash: the sanitizers watch. */
static void test_random_text(void **state)
{
	static const char *const bits[] = {"app", "[", "]",   "{",   "}", "=",    ",", "info", "\\", "*",
	                                   "(",   ")", "[^]", "tid", "5", "\xff", " ", "{2}",  "."};
	unsigned seed = 1;
	char text[256];

	(void)state;
	for (int i = 0; i < 30000; i++) {
		struct directive_error error = {.text = ""};
		struct directive_set *set;
		unsigned count = (unsigned)rand_r(&seed) % 14;

		*text = '\0';
		while (count--)
			strcat(text, bits[(unsigned)rand_r(&seed) % (sizeof bits / sizeof *bits)]);
		set = parse(text, &error);
		if (!set && (!*error.text || error.column > strlen(text) + 1))
			fail_msg("\"%s\": an error without a place: %s", text, error.text);
		directive_free(set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_oracle), cmocka_unit_test(test_errors),          cmocka_unit_test(test_limits),
	    cmocka_unit_test(test_values), cmocka_unit_test(test_other_questions), cmocka_unit_test(test_random_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
