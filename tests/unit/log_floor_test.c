/* SPDX-License-Identifier: Apache-2.0 */
/* What is compiled out: calls below the floor, and all spans. Nothing of them is known, evaluated or written, and
 * transaction ids still go along with handles. */
#define ILU_TARGET    "test::floor"
#define ILU_MIN_LEVEL ILU_INFO
#define ILU_NO_SPANS
#include "log_util.h"
#include "call/site.h"

#include <string.h>

static int evaluated;

static int evaluate(void)
{
	return ++evaluated;
}

static bool known(const char *text)
{
	for (uint32_t i = 1; i <= sites_count(); i++) {
		if (site_get(i) && !strcmp(site_get(i)->text, text))
			return true;
	}
	return false;
}

static void test_levels(void **state)
{
	ilu_tid tid = ilu_tid_named("Floor");
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"trace\"");
	evaluated = 0;
	ilu_info(&tid, "in", KV("n", evaluate()));
	ilu_debug(&tid, "out debug", KV("n", evaluate()));
	ilu_trace(&tid, "out trace", KV("n", evaluate()), KV_SECRET("s", "x"));
	ilu_debug_limited(ILU_RATE(1, 1), &tid, "out limited", KV("n", evaluate()));
	ilu_warn_limited(ILU_RATE(0.001, 1), &tid, "in limited", KV("n", evaluate()));
	lines = log_end();
	assert_int_equal(evaluated, 2);
	assert_string_equal(log_messages(lines), "Logger initialized in in limited");
	assert_true(known("in") && known("in limited"));
	assert_false(known("out debug") || known("out trace") || known("out limited"));
	json_decref(lines);
}

static void test_spans(void **state)
{
	ilu_tid tid = ilu_tid_generate();
	json_t *lines;

	(void)state;
	log_begin("\"level\":\"trace\",\"spanning\":\"FULL\"");
	evaluated = 0;
	{
		ILU_SPAN(span, "no span", &tid, KV("n", evaluate()));
		ilu_span shared = ilu_span_share(span);

		ilu_span_record(span, KV("m", evaluate()));
		assert_true(ilu_tid_equal(ilu_span_tid(span), &tid));
		{
			ILU_ENTER_TAKE(shared);
			ilu_info(ilu_span_tid(shared), "inside");
		}
	}
	lines = log_end();
	assert_int_equal(evaluated, 0);
	assert_string_equal(log_messages(lines), "Logger initialized inside");
	assert_false(known("no span"));
	json_decref(lines);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_levels),
	    cmocka_unit_test(test_spans),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
