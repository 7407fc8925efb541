/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Times and levels as programs spell them. */
#include "ingest/level.h"
#include "ingest/spelling.h"
#include "ingest/stamp.h"
#include "ingest/timeform.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

static struct slice text(const char *s)
{
	return (struct slice){s, strlen(s)};
}

#define NOON_HALF INT64_C(1795255200500000000) /* 2026-11-21T10:00:00.5Z */
#define NOON      INT64_C(1795255200000000000)

static const struct {
	const char *text;
	int rc;
	int64_t ns;
	bool local, no_year;
	int64_t offset_s;
} times[] = {
    {"2026-11-21T10:00:00.5Z", 0, NOON_HALF, false, false, 0},
    {"2026-11-21T11:00:00.5+01:00", 0, NOON_HALF, false, false, -3600},
    {"2026-11-21T11:00:00.5+0100", 0, NOON_HALF, false, false, -3600},
    {"2026-11-21T11:00:00.5+01", 0, NOON_HALF, false, false, -3600},
    {"2026-11-21T10:00:00.5", 0, NOON_HALF, true, false, 0},
    {"2026-11-21 10:00:00,500", 0, NOON_HALF, true, false, 0},
    {"2026-11-21 11:00:00.5 +0100", 0, NOON_HALF, false, false, -3600},
    {"2026-11-21 10:00:00.5 +0000 UTC m=+0.5", 0, NOON_HALF, false, false, 0},
    {"2026-11-21 11:00:00.5 CET", 0, NOON_HALF, false, false, -3600},
    {"2026/11/21 10:00:00.500000", 0, NOON_HALF, true, false, 0},
    {"20261121T100000.5Z", 0, NOON_HALF, false, false, 0},
    {"2026-11-21T10:00Z", 0, NOON, false, false, 0},
    {"2026-11-21t10:00:00z ", 0, NOON, false, false, 0},
    {"2026-11-21T10:00:00.500000000001Z", 0, NOON_HALF, false, false, 0},
    {"Sat, 21 Nov 2026 11:00:00 +0100", 0, NOON, false, false, -3600},
    {"21/Nov/2026:10:00:00 +0000", 0, NOON, false, false, 0},
    {"Sat Nov 21 10:00:00 UTC 2026", 0, NOON, false, false, 0},
    {"11/21/2026 10:00:00 AM", 0, NOON, true, false, 0},
    {"11/21/2026 12:00:00 AM", 0, NOON - INT64_C(36000000000000), true, false, 0},
    {"21.11.2026 10:00:00", 0, NOON, true, false, 0},
    {"Nov 21 10:00:00", 0, INT64_C(91188000000000000), true, true, 0},
    {"1121 10:00:00", 0, INT64_C(91188000000000000), true, true, 0},
    {"1795255200.5", 0, NOON_HALF, false, false, 0},
    {"1795255200500", 0, NOON_HALF, false, false, 0},
    {"2026-11-20T24:00:00Z", 0, NOON - INT64_C(36000000000000), false, false, 0},
    {"2026-13-01 00:00:00", -ERANGE, 0, false, false, 0},
    {"2026-02-29 00:00:00", -ERANGE, 0, false, false, 0},
    {"2026-11-21 25:00:00", -ERANGE, 0, false, false, 0},
    {"2026-11-21 10:00:00 somewhere", -EINVAL, 0, false, false, 0},
    {"started at 10:00", -EINVAL, 0, false, false, 0},
    {"", -EINVAL, 0, false, false, 0},
};

static void texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
		struct spelt s = {0};
		int rc = time_text(text(times[i].text), false, &s);

		if (rc != times[i].rc || s.ns != times[i].ns || s.local != times[i].local ||
		    s.no_year != times[i].no_year || s.offset_s != times[i].offset_s)
			fail_msg("\"%s\": %d, %lld ns, local %d, no year %d, offset %lld", times[i].text, rc,
			         (long long)s.ns, s.local, s.no_year, (long long)s.offset_s);
	}
}

static void numbers(void **state)
{
	static const struct {
		const char *text;
		enum time_unit unit;
		int rc;
		int64_t ns;
	} t[] = {
	    {"1795255200", UNIT_BY_SIZE, 0, NOON},
	    {"1.7952552005E9", UNIT_BY_SIZE, 0, NOON_HALF},
	    {"1795255200500.25", UNIT_BY_SIZE, 0, NOON_HALF + 250000},
	    {"1795255200500000", UNIT_BY_SIZE, 0, NOON_HALF},
	    {"1795255200500000000", UNIT_BY_SIZE, 0, NOON_HALF},
	    {"1795255200.000000001", UNIT_BY_SIZE, 0, NOON + 1},
	    {"1795255200.0000000019", UNIT_BY_SIZE, 0, NOON + 1},
	    {"123", UNIT_MILLIS, 0, 123000000},
	    {"-1.5", UNIT_SECONDS, 0, -1500000000},
	    {"1e400", UNIT_BY_SIZE, -ERANGE, 0},
	    {"99999999999999999999999999999999999999999999", UNIT_BY_SIZE, -ERANGE, 0},
	    {"1e", UNIT_BY_SIZE, -EINVAL, 0},
	    {"", UNIT_BY_SIZE, -EINVAL, 0},
	    {"true", UNIT_BY_SIZE, -EINVAL, 0},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++) {
		int64_t ns = 0;
		int rc = time_number(text(t[i].text), t[i].unit, &ns);

		if (rc != t[i].rc || ns != t[i].ns)
			fail_msg("%s: %d, %lld", t[i].text, rc, (long long)ns);
	}
}

static void ambiguous_days(void **state)
{
	struct spelt s;

	(void)state;
	assert_int_equal(time_text(text("03/04/2026 00:00:00"), false, &s), 0);
	assert_true(s.either);
	assert_true(s.ns == stamp_days(2026, 3, 4) * INT64_C(86400000000000));
	assert_int_equal(time_text(text("03/04/2026 00:00:00"), true, &s), 0);
	assert_false(s.either);
	assert_true(s.ns == stamp_days(2026, 4, 3) * INT64_C(86400000000000));
	assert_int_equal(time_text(text("14/04/2026 00:00:00"), false, &s), 0);
	assert_false(s.either);
}

/* The year is the one that brings the time nearest to what is known. */
static void years(void **state)
{
	struct spelt s;
	int64_t near = stamp_days(2027, 1, 2) * INT64_C(86400000000000);

	(void)state;
	assert_int_equal(time_text(text("Dec 31 23:00:00"), false, &s), 0);
	assert_true(time_with_year(s.ns, near) ==
	            stamp_days(2026, 12, 31) * INT64_C(86400000000000) + INT64_C(82800000000000));
	assert_int_equal(time_text(text("Jan 3 00:00:00"), false, &s), 0);
	assert_true(time_with_year(s.ns, near) == stamp_days(2027, 1, 3) * INT64_C(86400000000000));
	/* it was taken for the first of March */
	near = stamp_days(2028, 2, 28) * INT64_C(86400000000000);
	assert_int_equal(time_text(text("Feb 29 00:00:00"), false, &s), 0);
	assert_true(time_with_year(s.ns, near) == stamp_days(2028, 2, 29) * INT64_C(86400000000000));
	near = stamp_days(2026, 3, 5) * INT64_C(86400000000000); /* no year near by has it */
	assert_true(time_with_year(s.ns, near) == stamp_days(2024, 2, 29) * INT64_C(86400000000000));
}

/* Dates that come back from number and form, byte for byte, and those that would not. */
static void forms(void **state)
{
	static const struct {
		enum time_style style;
		const char *text, *behind; /* behind: NULL, it is not of that style */
	} rows[] = {
	    {STYLE_T, "2026-06-01T10:00:00.123Z", "Z"},
	    {STYLE_SLASHES, "2026/06/01 10:00:00 x", " x"},
	    {STYLE_POINTS, "2026.06.01 10:00:00.5", ""},
	    {STYLE_WEB, "01/Jun/2026:10:00:00 +0000", " +0000"},
	    {STYLE_WEB, "01/jun/2026:10:00:00 +0000", NULL},
	    {STYLE_NAMED, "01 Jun 2026 10:00:00.123", ""},
	    {STYLE_NAMED_DASHES, "01-Jun-2026 10:00:00", ""},
	    {STYLE_SYSLOG, "Jun  1 10:00:00", ""},
	    {STYLE_SYSLOG, "Jun 11 10:00:00", ""},
	    {STYLE_SYSLOG, "Jun 01 10:00:00", NULL},
	    {STYLE_SYSLOG_ZERO, "Jun 01 10:00:00", ""},
	    {STYLE_SYSLOG, "Feb 29 10:00:00", NULL}, /* the year decides */
	    {STYLE_KLOG, "0601 10:00:00.123456", ""},
	    {STYLE_SHORT, "260601 10:00:00.5", ""},
	    {STYLE_DAY_SLASHES, "13/06/2026 10:00:00", ""},
	    {STYLE_DAY_POINTS, "01.06.2026 10:00:00,5", ""},
	    {STYLE_BLANK, "2026-02-29 10:00:00", NULL},
	    {STYLE_BLANK, "2028-02-29 10:00:00", ""},
	    {STYLE_BLANK, "2026-06-01 24:00:00", NULL},
	    {STYLE_BLANK, "2026-06-01 10:00:60", NULL},
	    {STYLE_BLANK, "2026-06-01 10:00:0", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		int64_t near = stamp_days(2026, 6, 2) * INT64_C(86400000000000), ns;
		const char *end = rows[i].text + strlen(rows[i].text), *stop;
		char again[TIME_FORM_MAX];
		struct time_form f;
		struct spelt s;

		stop = time_form_find(rows[i].text, end, rows[i].style, near, &f, &ns);
		if (!rows[i].behind) {
			assert_null(stop);
			continue;
		}
		assert_non_null(stop);
		assert_string_equal(stop, rows[i].behind);
		assert_int_equal(time_form_print(&f, ns, again), stop - rows[i].text);
		assert_memory_equal(again, rows[i].text, (size_t)(stop - rows[i].text));
		if (rows[i].style == STYLE_SHORT) /* only a format says so */
			assert_int_equal(time_by_format("%y%m%d %T.%f", text(rows[i].text), &s), 0);
		else
			assert_int_equal(
			    time_text((struct slice){rows[i].text, (size_t)(stop - rows[i].text)}, true, &s), 0);
		assert_true(ns == (s.no_year ? time_with_year(s.ns, near) : s.ns));
	}
}

static void forms_of_formats(void **state)
{
	static const struct {
		enum time_style style;
		const char *format;
		bool fits;
	} rows[] = {
	    {STYLE_SHORT, "%y%m%d %H:%M:%S.%f", true},
	    {STYLE_SHORT, "%d%m%y %H:%M:%S.%f", false},
	    {STYLE_SYSLOG, "%b %d %T", true},
	    {STYLE_SYSLOG, "%b %e %T %Z", true},
	    {STYLE_WEB, "%d/%b/%Y:%T %z", true},
	    {STYLE_DAY_SLASHES, "%d/%m/%Y %T", true},
	    {STYLE_DAY_SLASHES, "%m/%d/%Y %T", false},
	    {STYLE_BLANK, "%F %T,%f", true},
	    {STYLE_BLANK, "%F %R", false},
	    {STYLE_BLANK, "%F %T %p", false},
	    {STYLE_BLANK, "%F %I:%M:%S", false},
	    {STYLE_BLANK, "%F %", false},
	    {STYLE_SECONDS, "%s.%f", true},
	    {STYLE_MILLIS, "%s.%f", false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		assert_int_equal(time_style_fits(rows[i].style, rows[i].format), rows[i].fits);
}

static void levels(void **state)
{
	static const struct {
		const char *text;
		enum level common, syslog;
	} t[] = {
	    {"info", LEVEL_INFO, LEVEL_INFO},      {" WARNING ", LEVEL_WARN, LEVEL_WARN},
	    {"E", LEVEL_ERROR, LEVEL_ERROR},       {"emergency", LEVEL_ERROR, LEVEL_ERROR},
	    {"50", LEVEL_ERROR, LEVEL_ERROR},      {"3", LEVEL_NONE, LEVEL_ERROR},
	    {"7", LEVEL_NONE, LEVEL_DEBUG},        {"ERROR+2", LEVEL_ERROR, LEVEL_ERROR},
	    {"INFO-4", LEVEL_DEBUG, LEVEL_DEBUG},  {"INFO+4", LEVEL_WARN, LEVEL_WARN},
	    {"finest", LEVEL_TRACE, LEVEL_TRACE},  {"notice", LEVEL_INFO, LEVEL_INFO},
	    {"system", LEVEL_NONE, LEVEL_NONE},    {"", LEVEL_NONE, LEVEL_NONE},
	    {"99", LEVEL_NONE, LEVEL_NONE},        {"\x1b[31merror\x1b[39m", LEVEL_ERROR, LEVEL_ERROR},
	    {"[ERROR]", LEVEL_ERROR, LEVEL_ERROR}, {"+2", LEVEL_NONE, LEVEL_NONE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof t / sizeof *t; i++)
		if (level_read(text(t[i].text), LEVEL_COMMON) != t[i].common ||
		    level_read(text(t[i].text), LEVEL_SYSLOG) != t[i].syslog)
			fail_msg("\"%s\": %d, %d", t[i].text, level_read(text(t[i].text), LEVEL_COMMON),
			         level_read(text(t[i].text), LEVEL_SYSLOG));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(texts),  cmocka_unit_test(numbers), cmocka_unit_test(ambiguous_days),
	    cmocka_unit_test(years),  cmocka_unit_test(forms),   cmocka_unit_test(forms_of_formats),
	    cmocka_unit_test(levels),
	};

	cmocka_set_message_output(CM_OUTPUT_TAP);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
