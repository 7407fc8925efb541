/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_test.c - what a rules file may say, what it is told when it may not, and which rule a message gets. */
#include "model/rules.h"

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
    {FILE_WITH("\"messages\": [{\"message\": \"m\"}]"), "t.json:1: a message without \"means\""},
    {FILE_WITH("\"messages\": [{\"means\": \"arrived\"}]"), "t.json:1: a rule needs either \"message\" or \"prefix\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"prefix\": \"m\", \"means\": \"arrived\"}]"),
     "t.json:1: a rule needs either \"message\" or \"prefix\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"means\": \"started\",\n\"args\": {\"inserted\": \"x\"}}]"),
     "t.json:2: \"inserted\" is no argument of \"started\""},
    {FILE_WITH("\"messages\": [{\"message\": \"m\", \"means\": \"started\", \"args\": {\"insert\": 1}}]"),
     "t.json:1: argument \"insert\" must name a field"},
    {FILE_WITH(ONE_MESSAGE ", \"phases\": [{\"name\": \"p\", \"from\": [\"sent\"],\n\"to\": [\"ended\"]}]"),
     "t.json:2: unknown moment \"ended\" in phase \"p\""},
    {FILE_WITH(ONE_MESSAGE ", \"phases\": [{\"name\": \"p\", \"from\": [], \"to\": [\"end\"]}]"),
     "t.json:1: phase \"p\" needs one to 3 moments in \"from\" and in \"to\""},
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
	    cmocka_unit_test(finds_rules_in_order),
	    cmocka_unit_test(built_in_rules_are_right),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
