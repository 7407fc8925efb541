/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Stamps: what is one, what is canonical, and that libc sees the same times. */
#include "ingest/stamp.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <cmocka.h>

static struct slice text(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static const struct {
	const char *in;
	int rc;
	int64_t ns;
	bool canonical;
} iluvatar[] = {
    {"1970-01-01 00:00:00.0", 0, 0, true},
    {"1970-01-01 00:00:00.000000001", 0, 1, true},
    {"1970-01-01 00:00:00.1", 0, 100000000, true},
    {"1970-01-01 00:00:00.007", 0, 7000000, true},
    {"1970-01-01 00:00:00.10", 0, 100000000, false},
    {"1970-01-01 00:00:00.00", 0, 0, false},
    {"1969-12-31 23:59:59.999999999", 0, -1, true},
    {"2026-11-23 00:51:54.19069288", 0, 1795395114190692880, true},
    {"2024-02-29 12:00:00.5", 0, 1709208000500000000, true},
    {"1678-01-01 00:00:00.0", 0, -9214560000000000000, true},
    {"2261-12-31 23:59:59.999999999", 0, 9214646399999999999, true},
    {"2026-11-23 00:51:54", -EINVAL, 0, 0},
    {"2026-11-23 00:51:54.", -EINVAL, 0, 0},
    {"2026-11-23 00:51:54.1234567890", -EINVAL, 0, 0},
    {"2026-11-23 00:51:54.12 ", -EINVAL, 0, 0},
    {"2026-11-23 00:51:54.12Z", -EINVAL, 0, 0},
    {"2026-11-23T00:51:54.12", -EINVAL, 0, 0},
    {"2026-11-23 00-51:54.12", -EINVAL, 0, 0},
    {"2026-11-23 00:51:5x.12", -EINVAL, 0, 0},
    {"2026-11-23 00:51:54,12", -EINVAL, 0, 0},
    {"202a-11-23 00:51:54.12", -EINVAL, 0, 0},
    {"2026-1\xb1-23 00:51:54.12", -EINVAL, 0, 0},
    {"2026/11/23 00:51:54.12", -EINVAL, 0, 0},
    {" 026-11-23 00:51:54.12", -EINVAL, 0, 0},
    {"", -EINVAL, 0, 0},
    {"2026", -EINVAL, 0, 0},
    {"2026-13-01 00:00:00.0", -ERANGE, 0, 0},
    {"2026-00-01 00:00:00.0", -ERANGE, 0, 0},
    {"2026-11-31 00:00:00.0", -ERANGE, 0, 0},
    {"2026-11-00 00:00:00.0", -ERANGE, 0, 0},
    {"2026-02-29 00:00:00.0", -ERANGE, 0, 0},
    {"2100-02-29 00:00:00.0", -ERANGE, 0, 0},
    {"2000-02-29 00:00:00.0", 0, 951782400000000000, true},
    {"2026-11-23 24:00:00.0", -ERANGE, 0, 0},
    {"2026-11-23 23:60:00.0", -ERANGE, 0, 0},
    {"2026-11-23 23:59:60.0", -ERANGE, 0, 0},
    {"1677-12-31 00:00:00.0", -ERANGE, 0, 0},
    {"2262-01-01 00:00:00.0", -ERANGE, 0, 0},
    {"0000-01-01 00:00:00.0", -ERANGE, 0, 0},
};

static void iluvatar_stamps(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof iluvatar / sizeof *iluvatar; i++) {
		int64_t ns = 42;
		bool canonical = false;
		char buf[STAMP_MAX];
		int rc = stamp_parse_iluvatar(text(iluvatar[i].in), &ns, &canonical);

		if (rc != iluvatar[i].rc || (!rc && (ns != iluvatar[i].ns || canonical != iluvatar[i].canonical)))
			fail_msg("\"%s\": %d, %lld, %d", iluvatar[i].in, rc, (long long)ns, canonical);
		if (rc && ns != 42)
			fail_msg("\"%s\": touched on error", iluvatar[i].in);
		if (!rc && (stamp_print_iluvatar(ns, buf) != strlen(buf) || canonical != !strcmp(buf, iluvatar[i].in)))
			fail_msg("\"%s\" printed as \"%s\"", iluvatar[i].in, buf);
	}
}

static const struct {
	const char *in;
	int rc;
	int64_t ns, offset_s;
	bool canonical;
} rfc3339[] = {
    {"1970-01-01T00:00:00.000000000Z", 0, 0, 0, true},
    {"2026-11-23T00:51:54.190692880Z", 0, 1795395114190692880, 0, true},
    {"2026-11-23T00:51:54.19069288Z", 0, 1795395114190692880, 0, false},
    {"2026-11-23T00:51:54Z", 0, 1795395114000000000, 0, false},
    {"2026-11-23t00:51:54z", 0, 1795395114000000000, 0, false},
    {"2026-11-23T00:51:54.190692880z", 0, 1795395114190692880, 0, false},
    {"2026-11-23 00:51:54.190692880Z", 0, 1795395114190692880, 0, false},
    {"2026-11-22T20:51:54.190692880-04:00", 0, 1795395114190692880, 14400, false},
    {"2026-11-23T06:21:54.190692880+05:30", 0, 1795395114190692880, -19800, false},
    {"2026-11-23T00:51:54.190692880+00:00", 0, 1795395114190692880, 0, false},
    {"2026-11-23T00:51:54.190692880-00:00", 0, 1795395114190692880, 0, false},
    {"2016-12-31T23:59:60.000000000Z", 0, 1483228800000000000, 0, false},
    {"2026-11-23T00:51:54.190692880", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.Z", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.1906928800Z", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.190692880ZZ", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.190692880+0400", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.190692880+04", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.190692880+4:00", -EINVAL, 0, 0, 0},
    {"2026-11-23_00:51:54.190692880Z", -EINVAL, 0, 0, 0},
    {"2026-11-23T00:51:54.190692880+24:00", -ERANGE, 0, 0, 0},
    {"2026-11-23T00:51:54.190692880+01:60", -ERANGE, 0, 0, 0},
    {"2026-11-23T00:51:61.190692880Z", -ERANGE, 0, 0, 0},
    {"2026-02-30T00:51:54.190692880Z", -ERANGE, 0, 0, 0},
};

static void rfc3339_stamps(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < sizeof rfc3339 / sizeof *rfc3339; i++) {
		int64_t ns = 42, offset = 42;
		bool canonical = false;
		char buf[STAMP_MAX];
		int rc = stamp_parse_rfc3339(text(rfc3339[i].in), &ns, &offset, &canonical);

		if (rc != rfc3339[i].rc || (!rc && (ns != rfc3339[i].ns || offset != rfc3339[i].offset_s ||
		                                    canonical != rfc3339[i].canonical)))
			fail_msg("\"%s\": %d, %lld, %lld, %d", rfc3339[i].in, rc, (long long)ns, (long long)offset,
			         canonical);
		if (rc && (ns != 42 || offset != 42))
			fail_msg("\"%s\": touched on error", rfc3339[i].in);
		if (!rc && (stamp_print_rfc3339(ns, buf) != strlen(buf) || canonical != !strcmp(buf, rfc3339[i].in)))
			fail_msg("\"%s\" printed as \"%s\"", rfc3339[i].in, buf);
	}
}

/* Every prefix of a stamp, at the very end of its memory: the sanitizers see a byte read too much. */
static void prefixes(void **state)
{
	static const char whole[] = "2026-11-23T00:51:54.190692880+04:00";
	size_t len;

	(void)state;
	for (len = 0; len < sizeof whole - 1; len++) {
		char *copy = malloc(len + !len);
		int64_t ns, offset;
		bool canonical;

		memcpy(copy, whole, len);
		assert_int_equal(stamp_parse_rfc3339((struct slice){copy, len}, &ns, &offset, &canonical), -EINVAL);
		assert_int_equal(stamp_parse_iluvatar((struct slice){copy, len}, &ns, &canonical), -EINVAL);
		free(copy);
	}
}

static uint64_t random64(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static void round_trip(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 1000000; i++) {
		int64_t ns = (int64_t)(random64() % 18000000000000000000u - 9000000000000000000u), back, offset;
		char buf[STAMP_MAX];
		bool canonical = false;
		size_t len;

		if (i % 3 == 0) /* trailing zeros are common in simulated time */
			ns -= ns % (i % 2 ? 1000000 : 1000000000);
		len = stamp_print_iluvatar(ns, buf);
		if (stamp_parse_iluvatar((struct slice){buf, len}, &back, &canonical) || back != ns || !canonical)
			fail_msg("%lld printed as \"%s\"", (long long)ns, buf);
		len = stamp_print_rfc3339(ns, buf);
		if (stamp_parse_rfc3339((struct slice){buf, len}, &back, &offset, &canonical) || back != ns ||
		    !canonical)
			fail_msg("%lld printed as \"%s\"", (long long)ns, buf);
	}
}

static void as_libc(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 200000; i++) {
		int64_t s = (int64_t)(random64() % 18000000000) - 9000000000;
		time_t t = s;
		struct tm tm;
		char want[64], got[STAMP_MAX];

		gmtime_r(&t, &tm);
		strftime(want, sizeof want, "%Y-%m-%d %H:%M:%S.0", &tm);
		stamp_print_iluvatar(s * 1000000000, got);
		assert_string_equal(got, want);
		assert_int_equal(stamp_days(tm.tm_year + 1900, (unsigned)tm.tm_mon + 1, (unsigned)tm.tm_mday) * 86400 +
		                     tm.tm_hour * 3600 + tm.tm_min * 60 + tm.tm_sec,
		                 timegm(&tm));
	}
}

static void extremes(void **state)
{
	char buf[STAMP_MAX];

	(void)state;
	stamp_print_iluvatar(INT64_MIN, buf);
	assert_string_equal(buf, "1677-09-21 00:12:43.145224192");
	stamp_print_rfc3339(INT64_MAX, buf);
	assert_string_equal(buf, "2262-04-11T23:47:16.854775807Z");
	stamp_print_local(INT64_MIN, 14400, buf);
	assert_string_equal(buf, "1677-09-21T00:12:43.145224192+00:00");
	stamp_print_local(1793512799500000000, 14400, buf);
	assert_string_equal(buf, "2026-11-01T01:59:59.500000000-04:00");
	stamp_print_offset(-19800, buf);
	assert_string_equal(buf, "+05:30");
	stamp_print_offset(17762, buf);
	assert_string_equal(buf, "-04:56:02");
	stamp_print_offset(0, buf);
	assert_string_equal(buf, "+00:00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(iluvatar_stamps), cmocka_unit_test(rfc3339_stamps), cmocka_unit_test(prefixes),
	    cmocka_unit_test(round_trip),      cmocka_unit_test(as_libc),        cmocka_unit_test(extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
