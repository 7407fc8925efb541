/* SPDX-License-Identifier: Apache-2.0 */
/* Durations are what printf makes of them, to the last digit. */
#include "base/duration.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

static void expect_as_printf(uint64_t ns)
{
	static const char *const unit[] = {"ns", "\xc2\xb5s", "ms", "s"};
	char want[64], got[DURATION_MAX];
	double t = (double)ns;
	int i = 0;
	size_t n;

	for (; i < 3 && t >= 1000; i++)
		t /= 1000;
	snprintf(want, sizeof want, "%.*f%s", t < 10 ? 2 : t < 100 ? 1 : 0, t, unit[i]);
	n = duration_text(ns, got);
	if (n != strlen(want) || memcmp(got, want, n))
		fail_msg("%llu ns: \"%.*s\", not \"%s\"", (unsigned long long)ns, (int)n, got, want);
}

static void test_edges(void **state)
{
	(void)state;
	for (uint64_t at = 1; at < UINT64_MAX / 10; at *= 10)
		for (unsigned k = 1; k < 10; k++)
			for (int64_t off = -1200; off <= 1200; off++)
				if ((int64_t)(at * k) + off >= 0)
					expect_as_printf(at * k + (uint64_t)off);
	expect_as_printf(UINT64_MAX);
	expect_as_printf(UINT64_MAX - 1);
	expect_as_printf(INT64_MAX);
}

static void test_all_short(void **state)
{
	(void)state;
	for (uint64_t ns = 0; ns < 1100000; ns++)
		expect_as_printf(ns);
}

/* Those halfway between two results first of all. */
static void test_random(void **state)
{
	uint64_t s = 88172645463325252u;

	(void)state;
	for (unsigned i = 0; i < 1000000; i++) {
		s ^= s << 13;
		s ^= s >> 7;
		s ^= s << 17;
		expect_as_printf(s >> s % 64);
		expect_as_printf((s >> 20 >> s % 44) * 10 + 5);
		expect_as_printf((s >> 20 >> s % 44) * 1000000 + 500000);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_all_short),
	    cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
