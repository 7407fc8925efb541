/* SPDX-License-Identifier: GPL-3.0-or-later */
/* questions.c - what users write: words, SQL, patterns, options; and how numbers are spread. */
#include "query/events/fields.h"
#include "query/events/mask.h"
#include "query/core/match.h"
#include "query/core/quantile.h"
#include "shell/commands.h"
#include "shell/options.h"
#include "shell/words.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static struct slice slice_of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static void words(void **state)
{
	static const struct {
		const char *line;
		int n;
		const char *words[4];
	} rows[] = {
	    {"", 0, {0}},
	    {"  # a remark", 0, {0}},
	    {"events --tid 9f", 3, {"events", "--tid", "9f"}},
	    {"sql 'SELECT 1'  # why", 2, {"sql", "SELECT 1"}},
	    {"a \"b 'c' \\\" d\" e\\ f", 3, {"a", "b 'c' \" d", "e f"}},
	    {"a''b ''", 2, {"ab", ""}},
	    {"it's", -EINVAL, {0}},
	    {"a b c d e", -E2BIG, {0}},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char *line = strdup(rows[i].line);
		char *got[4];
		int n = words_split(line, got, 4);

		if (n != rows[i].n)
			fail_msg("%s: %d", rows[i].line, n);
		for (int j = 0; j < n; j++)
			assert_string_equal(got[j], rows[i].words[j]);
		free(line);
	}
}

static void sql_lines(void **state)
{
	static const struct {
		const char *line;
		bool sql;
	} rows[] = {
	    {"select 1", true},       {"  WITH x AS", true},     {"selection", false}, {"events", false},
	    {"-- remark", true},      {"--format csv", false},   {"(select 1)", true}, {"", false},
	    {"explain select", true}, {"sql 'select 1'", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (words_are_sql(rows[i].line) != rows[i].sql)
			fail_msg("%s", rows[i].line);
}

static void patterns(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool glob, target;
	} rows[] = {
	    {"abc", "abc", true, true},
	    {"abc", "abcd", false, false},
	    {"a*c", "abbbc", true, true},
	    {"*", "", true, true},
	    {"a*b*c", "a-b-b-c", true, true},
	    {"a*b", "a-b-c", false, false},
	    {"cpu_q", "x::cpu_q", false, true},
	    {"cpu_q", "x::cpu_q::y", false, true},
	    {"x::cpu_q", "w::x::cpu_q", false, true},
	    {"cpu", "x::cpu_q", false, false},
	    {"", "", true, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		if (match_glob(rows[i].pattern, slice_of(rows[i].text)) != rows[i].glob)
			fail_msg("glob %s on %s", rows[i].pattern, rows[i].text);
		if (match_target(rows[i].pattern, slice_of(rows[i].text)) != rows[i].target)
			fail_msg("target %s on %s", rows[i].pattern, rows[i].text);
	}
	assert_int_equal(level_rank(slice_of("WARN")), 1);
	assert_int_equal(level_rank(slice_of("warning")), 1);
	assert_int_equal(level_rank(slice_of("loud")), -1);
}

static void fields(void **state)
{
	static const char object[] =
	    "{\"message\":\"a "
	    "\\\"b\\\"\",\"n\":-1.5e3,\"list\":[1,{\"x\":\"]\"}],\"t\":true,\"z\":null,\"big\":18446744073709551615}";
	static const struct {
		const char *key, *shown;
		enum field_kind kind;
	} rows[] = {
	    {"message", "\"a \"b\"\"", FIELD_STRING},
	    {"n", "-1.5e3", FIELD_REAL},
	    {"list", "[1,{\"x\":\"]\"}]", FIELD_ARRAY},
	    {"t", "true", FIELD_BOOL},
	    {"z", "null", FIELD_NULL},
	    {"big", "18446744073709551615", FIELD_INTEGER},
	};
	static const char *const bad[] = {"", "{", "{}", "{\"a\"", "{\"a\":", "{\"a\":\"", "[1]", "{a:1}", "{\""};
	struct field f;
	size_t at = 0, n = 0;

	(void)state;
	for (; fields_next(slice_of(object), &at, &f); n++) {
		struct text t = {0};

		assert_true(slice_is(f.key, rows[n].key));
		assert_int_equal(f.kind, rows[n].kind);
		field_show(&t, &f);
		assert_string_equal(text_str(&t), rows[n].shown);
		text_done(&t);
	}
	assert_int_equal(n, 6);
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		at = 0;
		assert_false(fields_next(slice_of(bad[i]), &at, &f));
	}
}

static void masks(void **state)
{
	static const struct {
		const char *text, *value, *masked;
	} rows[] = {
	    {"snapshots/1149/work", "*", "*"},
	    {"len: 31 popped: 74549e254e", "*", "len: * popped: *"},
	    {"say \\\"7\\\"\\tonce", "<*>", "say \"<*>\" once"},
	    {"", "<*>", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		struct text t = {0};

		mask_escaped(&t, slice_of(rows[i].text), rows[i].value);
		assert_string_equal(text_str(&t), rows[i].masked);
		text_done(&t);
	}
}

static void quantiles(void **state)
{
	struct sample s = {0};

	(void)state;
	for (int64_t i = 100; i > 0; i--)
		assert_int_equal(sample_add(&s, i * 10), 0);
	sample_sort(&s);
	assert_int_equal(sample_quantile(&s, 0), 10);
	assert_int_equal(sample_quantile(&s, 0.5), 505);
	assert_int_equal(sample_quantile(&s, 0.99), 990); /* 990.1 */
	assert_int_equal(sample_quantile(&s, 1), 1000);
	sample_done(&s);
}

/* Of more than is held, too: what is told is that of all, and stays when the values are gone. */
static void spreads(void **state)
{
	struct sample_file file = {.beside = "questions"};
	struct sample s = {.file = &file};

	(void)state;
	assert_int_equal(sample_spread(&s), 0);
	assert_int_equal(s.spread.most, 0);
	sample_clear(&s);
	for (int64_t i = 3 * SAMPLE_HELD; i > 0; i--)
		assert_int_equal(sample_add(&s, i), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(sample_spread(&s), 0);
		assert_null(s.values);
		assert_int_equal(s.n, 3 * SAMPLE_HELD);
		assert_int_equal(s.spread.least, 1);
		assert_int_equal(s.spread.p50, 3 * SAMPLE_HELD / 2 + 1); /* .5 */
		assert_int_equal(s.spread.most, 3 * SAMPLE_HELD);
	}
	sample_done(&s);
	sample_file_done(&file);
}

static void options(void **state)
{
	char *const argv[] = {"--format", "csv", "events", "-C3", "--tid=9f", "-qi", "--", "-x"};
	struct settings base = settings_default();
	struct invocation in;
	char *why = NULL;

	(void)state;
	/* events takes no words. */
	assert_int_equal(options_parse(8, argv, &base, &in, &why), -EINVAL);
	assert_string_equal(why, "events: too many words: -x");
	free(why);
	assert_int_equal(options_parse(6, argv, &base, &in, &why), 0);
	assert_int_equal(in.settings.format, FORMAT_CSV);
	assert_true(in.settings.quiet);
	assert_string_equal(args_value(&in.args, "context"), "3");
	assert_string_equal(args_value(&in.args, "tid"), "9f");
	assert_true(args_has(&in.args, "ignore-case"));
	assert_false(args_has(&in.args, "raw"));
	options_done(&in);
}

static bool takes(const struct command *c, const char *name)
{
	for (const struct option_spec *o = c->options; o && o->name; o++)
		if (!strcmp(o->name, name))
			return true;
	return false;
}

static void check_option(const struct command *c, const struct option_spec *o)
{
	assert_non_null(o->help);
	if (o->with && !takes(c, o->with))
		fail_msg("%s --%s: goes with --%s, which it does not take", c->name, o->name, o->with);
	for (const struct option_spec *g = global_options; g->name; g++)
		if ((!strcmp(c->name, "load") || !strcmp(c->name, "push")) && !strcmp(o->name, "format"))
			continue; /* of what is loaded it is how the lines look: scripts rely on the name */
		else if (!strcmp(g->name, o->name) || (o->letter && g->letter == o->letter))
			fail_msg("%s --%s: hides an option of the program", c->name, o->name);
	for (const struct option_spec *p = o + 1; p->name; p++)
		if (!strcmp(p->name, o->name) || (o->letter && p->letter == o->letter))
			fail_msg("%s --%s: twice", c->name, o->name);
}

/* Each row of the table says enough for help, completion and the manual. */
static void table(void **state)
{
	(void)state;
	for (const struct command *const *row = commands; *row; row++) {
		const struct command *c = *row;

		assert_in_range(c->group, 0, GROUPS - 1);
		assert_true(*c->help && c->help[strlen(c->help) - 1] != '.');
		assert_ptr_equal(command_find(c->name), c);
		assert_true(c->most < 0 || c->least <= c->most);
		assert_true(!c->most == !c->words || !c->run);
		assert_true((!c->limit && !c->own_limit) || takes(c, "limit"));
		for (const struct option_spec *o = c->options; o && o->name; o++)
			check_option(c, o);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(words),   cmocka_unit_test(sql_lines), cmocka_unit_test(patterns),
	    cmocka_unit_test(fields),  cmocka_unit_test(masks),     cmocka_unit_test(quantiles),
	    cmocka_unit_test(spreads), cmocka_unit_test(options),   cmocka_unit_test(table),
	};

	return cmocka_run_group_tests_name("questions", tests, NULL, NULL);
}
