/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "base/textduration.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <cmocka.h>

static const struct row {
	const char *text;
	int rc;
	int64_t ns;
} rows[] = {
    {"830ms", 0, 830000000},
    {"1.25s", 0, 1250000000},
    {"83.1\xc2\xb5s", 0, 83100},
    {"83.1\xce\xbcs", 0, 83100},
    {"5us", 0, 5000},
    {"17ns", 0, 17},
    {"0.9ns", 0, 0}, /* rounded towards zero */
    {"1m2.5s", 0, 62500000000},
    {"1h2m3.004005006s", 0, 3723004005006},
    {"-1m2.5s", 0, -62500000000},
    {"+3s", 0, 3000000000},
    {"0", 0, 0},
    {"0s", 0, 0},
    {"12 ms", 0, 12000000},
    {"1min", 0, 60000000000},
    {"2d", 0, 172800000000000},
    {".5s", 0, 500000000},
    {"1.s", 0, 1000000000},
    {"0.333333333333333333333333h", 0, 1199999999999},
    {"00000000000000000000001s", 0, 1000000000},
    {"9223372036854775807ns", -ERANGE, 0},
    {"922337203685477580ns", 0, 922337203685477580},
    {"300000d", -ERANGE, 0},
    {"", -EINVAL, 0},
    {"-", -EINVAL, 0},
    {"12", -EINVAL, 0}, /* of what? */
    {"ms", -EINVAL, 0},
    {".s", -EINVAL, 0},
    {"1 s 2", -EINVAL, 0},
    {"2s1m", -EINVAL, 0}, /* the largest unit comes first */
    {"1s1s", -EINVAL, 0},
    {"1.2.3s", -EINVAL, 0},
    {"1e3s", -EINVAL, 0},
    {"5 minutes", -EINVAL, 0},
    {"took 5s", -EINVAL, 0},
};

static void texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t ns = 4711;
		int rc = duration_parse((struct slice){rows[i].text, strlen(rows[i].text)}, &ns);

		if (rc != rows[i].rc || ns != (rc ? 4711 : rows[i].ns))
			fail_msg("\"%s\": %d, %lld", rows[i].text, rc, (long long)ns);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
