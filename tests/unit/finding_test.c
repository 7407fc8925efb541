/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding_test.c - lists of findings are built without looking back. */
#include "findings/finding.h"
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void a_finding_has_what_was_said_of_it(void **state)
{
	struct findings list = {0};
	struct finding *f;

	(void)state;
	for (int i = 0; i < 100; i++) {
		f = finding_add(&list, "storm", i % 2 ? FINDING_NOTE : FINDING_ERROR, 3);
		finding_tid(f, SLICE("abc"));
		finding_tid(f, SLICE_NONE); /* nothing is said: it keeps the one it has */
		finding_cause(f, "first");
		finding_cause(f, "cause %d", i);
		finding_message(f, "%s", "message");
		finding_detail(f, "lines", "%d", 7);
		finding_detail_text(f, "worker", SLICE("worker_1"));
		finding_detail_text(f, "container_id", SLICE_NONE);
		for (int k = 0; k < 20; k++)
			finding_evidence(f, k + 1, k ? NULL : "why");
	}
	assert_int_equal(list.rc, 0);
	assert_int_equal(list.n, 100);
	f = &list.v[42];
	assert_string_equal(f->tid, "abc");
	assert_string_equal(f->cause, "cause 42");
	assert_string_equal(f->message, "message");
	assert_int_equal(f->ndetails, 2);
	assert_string_equal(f->detail[0].value, "7");
	assert_string_equal(f->detail[1].name, "worker");
	assert_string_equal(f->detail[1].value, "worker_1");
	assert_int_equal(f->nevidence, 20);
	assert_string_equal(f->evidence[0].remark, "why");
	assert_null(f->evidence[19].remark);
	assert_int_equal(f->evidence[19].event, 20);
	assert_true(f->first_ns == INT64_MIN && f->last_ns == INT64_MIN);
	assert_true(findings_alarm(&list));
	findings_done(&list);
	assert_int_equal(list.n, 0);
}

/* Where there is no room for one more, it can be written to all the same, and the list knows. */
static void a_list_that_is_full_remembers_it(void **state)
{
	struct findings list = {.n = SIZE_MAX / 2, .room = SIZE_MAX / 2};
	struct finding *f;

	(void)state;
	for (int i = 0; i < 2; i++) {
		f = finding_add(&list, "hang", FINDING_ERROR, 1);
		assert_non_null(f);
		finding_tid(f, SLICE("abc"));
		finding_message(f, "lost");
		finding_evidence(f, 1, "why");
		finding_detail(f, "lines", "%d", 7);
		assert_int_equal(list.rc, -ENOMEM);
		assert_int_equal(list.n, SIZE_MAX / 2);
	}
	list.n = 0; /* there is nothing in it */
	findings_done(&list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(a_finding_has_what_was_said_of_it),
	    cmocka_unit_test(a_list_that_is_full_remembers_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
