/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_test.c - what a rules file may say, what it is told when it may not, and which rule a message gets. */
#include "base/template.h"
#include "model/compose.h"
#include "model/condition.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#define FILE_WITH(rest) "{\"rules\": \"t\", \"version\": 1, " rest "}"
#define ONE_MESSAGE     "\"messages\": [{\"message\": \"m\", \"means\": \"arrived\"}]"

static const struct {
	const char *text, *why;
} bad[] = {
    {"", "t.json:1: '[' or '{' expected near end of file"},
    {"[]", "t.json:1: a rules file must be an object"},
    {"{\n\"rules\": \"t\"\n\"version\": 1}", "t.json:3: '}' expected near '\"version\"'"},
    {"{}", "t.json:1: no \"rules\": the name of these rules"},
    {"{\"rules\": 5}", "t.json:1: \"rules\" must be a string"},
    {"{\"rules\": \"t\",\n\"version\": 2}", "t.json:2: \"version\" must be 1"},
    {"{\"rules\": \"t\", \"version\": 1}", "t.json:1: \"messages\" must be a list of rules"},
    {FILE_WITH("\n\"mesages\": []"), "t.json:2: unknown key \"mesages\" in a rules file"},
    {FILE_WITH("\"messages\": [\n{\"message\": \"m\", \"means\": \"arived\"}]"),
     "t.json:2: unknown meaning \"arived\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\"}]"),
     "t.json:1: a rule that says nothing of its lines: \"means\", \"moment\", \"times\", \"outcome\", \"function\" or "
     "\"parent\""},
    {FILE_WITH("\"messages\": [{\"means\": \"arrived\"}]"),
     "t.json:1: a rule does not say of which lines it is: \"message\", \"prefix\", \"template\", \"target\", "
     "\"level\", \"span\" or \"where\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"prefix\": \"m\", \"means\": \"arrived\"}]"),
     "t.json:1: a rule has one of \"message\", \"prefix\" and \"template\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"means\": \"started\",\n\"args\": {\"inserted\": \"x\"}}]"),
     "t.json:2: \"inserted\" is no argument of \"started\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"means\": \"started\", \"args\": {\"insert\": 1}}]"),
     "t.json:1: argument \"insert\" must name a field"},
    {FILE_WITH(ONE_MESSAGE ", \"phases\": [{\"name\": \"p\", \"from\": [\"sent\"],\n\"to\": [\"ended\"]}]"),
     "t.json:2: unknown moment \"ended\" in phase \"p\""},
    {FILE_WITH(ONE_MESSAGE ", \"phases\": [{\"name\": \"p\", \"from\": [], \"to\": [\"end\"]}]"),
     "t.json:1: phase \"p\" needs one to 3 moments in \"from\" and in \"to\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"moment\": \"arrived\"}]"),
     "t.json:1: moment \"arrived\" is one that meanings give; take another name"},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"outcome\": \"bad\"}]"),
     "t.json:1: an outcome is \"ok\" or \"failed\", not \"bad\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"outcome\": \"ok\", \"where\": {\n\"a\": {}}}]"),
     "t.json:2: \"a\" must be a value, \">=5\", \"5..9\", \"!=text\" or a list"},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"function\": \"{a\"}]"),
     "t.json:1: \"function\": names in braces, as in \"{method} {path|ids}\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"means\": \"arrived\", \"begins\": \"attempt\"}]"),
     "t.json:1: \"begins\" is \"attempt\", of a rule with a \"moment\""},
    {FILE_WITH("\"messages\": [{\"outcome\": \"failed\"}]"),
     "t.json:1: a rule does not say of which lines it is: \"message\", \"prefix\", \"template\", \"target\", "
     "\"level\", \"span\" or \"where\""},
#define WHERE(v) FILE_WITH("\"messages\": [{\"message\": \"m\", \"outcome\": \"ok\", \"where\": {\"a\": " v "}}]")
    {WHERE("\">=abc\""), "t.json:1: \"a\": \">=abc\" must be a value, \">=5\", \"5..9\", \"!=text\" or a list"},
    {WHERE("\"==5\""), "t.json:1: \"a\": \"==5\" must be a value, \">=5\", \"5..9\", \"!=text\" or a list"},
    {WHERE("\"9..5\""), "t.json:1: \"a\": \"9..5\" must be a value, \">=5\", \"5..9\", \"!=text\" or a list"},
    {WHERE("[1, \"<=x\"]"), "t.json:1: \"a\" must be a value, \">=5\", \"5..9\", \"!=text\" or a list"},
#define SECOND(v) \
	FILE_WITH("\"messages\": [{\"message\": \"m, [}\", \"means\": \"arrived\"},\n{\"message\": \"m\",\n" v "}]")
    {SECOND("\"why\": \"means\""), "t.json:2: a rule that says nothing of its lines: \"means\", \"moment\", \"times\", "
                                   "\"outcome\", \"function\" or \"parent\""},
    {SECOND("\"prefix\": \"m\", \"means\": \"arrived\""),
     "t.json:2: a rule has one of \"message\", \"prefix\" and \"template\""},
    {SECOND("\"means\": \"arrived\", \"function\": \"\""), "t.json:3: \"function\" is empty: it names a field"},
    {SECOND("\"function\": \"{a|id}\""), "t.json:3: \"function\": names in braces, as in \"{method} {path|ids}\""},
    {SECOND("\"function\": \"{|ids}\""), "t.json:3: \"function\": names in braces, as in \"{method} {path|ids}\""},
    {SECOND("\"moment\": \"\""), "t.json:2: a moment has a name"},
    {SECOND("\"times\": {}"), "t.json:3: \"times\" must be an object: moments and their fields"},
    {SECOND("\"moment\": \"x\", \"args\": {\"fqdn\": \"f\"}"),
     "t.json:3: \"args\" are those of a meaning, and there is no \"means\""},
    {FILE_WITH("\"messages\": [{\"prefix\": \"\", \"means\": \"arrived\"}]"), "t.json:1: \"prefix\" is empty"},
    {FILE_WITH(ONE_MESSAGE ", \"phases\": [{\"name\": \"p\", \"from\": [\"sent\"],\n\"to\": "
                           "[\"arrived\"]},\n{\"name\": \"q\", \"from\": [\"sent\"]}]"),
     "t.json:3: phase \"q\" needs one to 3 moments in \"from\" and in \"to\""},
    {FILE_WITH(ONE_MESSAGE ", \"progress\": [1]"), "t.json:1: \"progress\" must be a list of strings"},
    {FILE_WITH(ONE_MESSAGE ", \"background\": \"x\""), "t.json:1: \"background\" must be a list"},
};

static void refuses_with_the_line(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
		struct rules *r = NULL;
		char *why = NULL;
		int rc = rules_parse(bad[i].text, strlen(bad[i].text), "t.json", &r, &why);

		if (rc != -EINVAL || !why || strcmp(why, bad[i].why))
			fail_msg("%s\n  gave %d, \"%s\"\n  expected \"%s\"", bad[i].text, rc, why ? why : "",
			         bad[i].why);
		free(why);
	}
}

/* What a database was made with, before its second rule was a mistake: its moment is one, and it speaks of no line. */
static void kept_rules_are_taken(void **state)
{
	static const char old[] = FILE_WITH(
	    "\"messages\": [{\"message\": \"a\", \"means\": \"arrived\"}, {\"message\": \"b\", \"moment\": \"x\", "
	    "\"where\": {\"n\": \">=abc\"}}, {\"message\": \"c\", \"means\": \"completed\"}], \"phases\": "
	    "[{\"name\": \"p\", \"from\": [\"arrived\"], \"to\": [\"x\"]}]");
	struct slice none = {"", 0};
	struct rules *r = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(rules_parse(old, strlen(old), "t.json", &r, &why), -EINVAL);
	free(why);
	assert_int_equal(rules_parse_kept(old, strlen(old), "t.json", &r, &why), 0);
	assert_null(why);
	assert_int_equal(r->nphases, 1);
	assert_int_equal(rules_find(r, (struct slice){"b", 1}, none, none), -1);
	assert_int_equal(rules_find(r, (struct slice){"c", 1}, none, none), 1);
	rules_free(r);
	assert_int_equal(rules_parse_kept(old, strlen(old) - 1, "t.json", &r, &why), -EINVAL);
	free(why);
}

static const char sample[] =
    "{\"rules\": \"t\", \"version\": 1, \"messages\": ["
    "{\"message\": \"a\", \"target\": \"one\", \"means\": \"arrived\"},"                                 /* 0 */
    "{\"message\": \"a\", \"level\": \"DEBUG\", \"means\": \"completed\"},"                              /* 1 */
    "{\"prefix\": \"Popped \", \"means\": \"dequeued\"},"                                                /* 2 */
    "{\"prefix\": \"Pop\", \"target\": \"two\", \"means\": \"queued\"},"                                 /* 3 */
    "{\"message\": \"new\", \"span\": \"x\", \"means\": \"function\", \"args\": {\"fqdn\": \"span.f\"}}" /* 4 */
    "], \"progress\": [\"a\"], \"background\": [\"Mon\"]}";

static const struct {
	const char *message, *target, *level;
	int first, second;
} found[] = {
    {"a", "one", "INFO", 0, -1},       {"a", "one", "DEBUG", 0, 1},        {"a", "two", "DEBUG", 1, -1},
    {"a", "two", "INFO", -1, -1},      {"Popped x", "two", "INFO", 2, 3},  {"Popped x", "one", "INFO", 2, -1},
    {"Popcorn", "two", "INFO", 3, -1}, {"Popcorn", "one", "INFO", -1, -1}, {"new", "one", "INFO", 4, -1},
    {"", "one", "INFO", -1, -1},       {"b", "one", "INFO", -1, -1},
};

static struct slice text(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static void finds_rules_in_order(void **state)
{
	struct rules *r = NULL;
	char *why = NULL;

	(void)state;
	assert_int_equal(rules_parse(sample, strlen(sample), "t", &r, &why), 0);
	for (size_t i = 0; i < sizeof found / sizeof *found; i++) {
		struct slice m = text(found[i].message), t = text(found[i].target), l = text(found[i].level);
		int first = rules_find(r, m, t, l), second = first < 0 ? -1 : rules_find_next(r, first, m, t, l);

		if (first != found[i].first || second != found[i].second)
			fail_msg("\"%s\" %s %s: %d then %d, expected %d then %d", found[i].message, found[i].target,
			         found[i].level, first, second, found[i].first, found[i].second);
	}
	assert_true(r->rule[4].arg[0].in_span);
	assert_string_equal(r->rule[4].arg[0].name, "f");
	assert_true(rules_is_progress(r, text("a")) && !rules_is_progress(r, text("b")));
	assert_true(rules_is_background(r, text("Mon")) && !rules_is_background(r, SLICE_NONE));
	rules_free(r);
}

static const struct {
	const char *condition, *value;
	enum slot_kind kind;
	bool holds;
} conditions[] = {
    {"\">=500\"", "500", SLOT_SCALAR, true},
    {"\">=500\"", "499", SLOT_SCALAR, false},
    {"\">500\"", "500", SLOT_SCALAR, false},
    {"\">=500\"", "503", SLOT_STRING, true},
    {"\"<0.5\"", "0.25", SLOT_SCALAR, true},
    {"\">= 500\"", "503", SLOT_SCALAR, true},
    {"\"500 .. 599\"", "503", SLOT_SCALAR, true},
    {"\"<none>\"", "<none>", SLOT_STRING, true},
    {"\"<0.5\"", "", SLOT_STRING, false},
    {"\"<0.5\"", "", 0, false},
    {"\"500..599\"", "599", SLOT_SCALAR, true},
    {"\"500..599\"", "600", SLOT_SCALAR, false},
    {"404", "404.0", SLOT_SCALAR, true},
    {"\"\"", "", SLOT_STRING, true},
    {"\"\"", "", 0, false},
    {"\"!=ok\"", "late", SLOT_STRING, true},
    {"\"!=ok\"", "ok", SLOT_STRING, false},
    {"\"!=ok\"", "null", SLOT_SCALAR, false},
    {"[\"late\", \"lost\", \">3\"]", "lost", SLOT_STRING, true},
    {"[\"late\", \"lost\", \">3\"]", "4", SLOT_SCALAR, true},
    {"[\"late\", \"lost\", \">3\"]", "3", SLOT_SCALAR, false},
    {"true", "true", SLOT_SCALAR, true},
    {"null", "null", SLOT_SCALAR, true},
    {"null", "", 0, true},
    {"null", "0", SLOT_SCALAR, false},
};

static void conditions_hold(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
		json_t *v = json_loads(conditions[i].condition, JSON_DECODE_ANY, NULL);
		struct condition c = {0};

		assert_non_null(v);
		assert_true(condition_read(v, &c));
		if (condition_holds(&c, conditions[i].kind, text(conditions[i].value)) != conditions[i].holds)
			fail_msg("%s of \"%s\"", conditions[i].condition, conditions[i].value);
		json_decref(v);
	}
}

static const struct {
	const char *template, *text;
	bool fits;
} fitting[] = {
    {"after <*> ms", "after 12 ms", true},
    {"after <*> ms", "after  12   ms ", true},
    {"after <*> ms", "after 1 2 ms", false},
    {"after <*> ms", "after ms", false},
    {"<*>", "", false},
    {"<*>ab", "xabab", true},
    {"a=<*>,b=<*>", "a=1,2,b=3", true},
    {"a=<*>,b=<*>", "a=1,b=", false},
    {"a", "a", true},
    {"a", "ab", false},
    {"<*> <*>", "x y", true},
    {"<*> <*>", "x", false},
};

static void templates_fit(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof fitting / sizeof *fitting; i++)
		if (template_fits(text(fitting[i].template), text(fitting[i].text)) != fitting[i].fits)
			fail_msg("\"%s\" and \"%s\"", fitting[i].template, fitting[i].text);
}

static const struct {
	const char *path, *out;
} paths[] = {
    {"/users/17/cart?x=1", "/users/{id}/cart"},
    {"/v1/float-0.0.1", "/v1/float-0.0.1"},
    {"/job/3f2a9c11-77", "/job/{id}"},
    {"/item-17/", "/item-{id}/"},
    {"", ""},
};

static void paths_lose_their_ids(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++) {
		struct bytes b = {0};

		compose_without_ids(text(paths[i].path), &b);
		if (!slice_same((struct slice){b.ptr, b.len}, text(paths[i].out)))
			fail_msg("%s: %.*s", paths[i].path, (int)b.len, b.ptr ? b.ptr : "");
		bytes_free(&b);
	}
}

static void built_in_rules_are_right(void **state)
{
	struct rules *r = NULL;
	char *why = NULL;
	int rc = rules_builtin(&r, &why);

	(void)state;
	if (rc)
		fail_msg("%s", why);
	assert_string_equal(r->name, "iluvatar");
	int i = rules_find(r, SLICE("Item starting to execute"), SLICE("x"), SLICE("INFO"));

	assert_true(i >= 0 && r->rule[i].means == MEANS_STARTED);
	assert_string_equal(r->rule[i].arg[1].name, "remove_time");
	rules_free(r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(refuses_with_the_line),
	    cmocka_unit_test(kept_rules_are_taken),
	    cmocka_unit_test(finds_rules_in_order),
	    cmocka_unit_test(conditions_hold),
	    cmocka_unit_test(templates_fit),
	    cmocka_unit_test(paths_lose_their_ids),
	    cmocka_unit_test(built_in_rules_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
