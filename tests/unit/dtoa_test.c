/* SPDX-License-Identifier: Apache-2.0 */
/* dtoa_test.c - doubles come back exactly, and no shorter decimal would. */
#include "base/dtoa.h"

#include <inttypes.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static const char *text_of(double value)
{
	static char text[DTOA_MAX + 1];

	text[dtoa_json(value, text)] = '\0';
	return text;
}

static void test_layout(void **state)
{
	static const struct {
		double value;
		const char *text;
	} rows[] = {
	    {0, "0.0"},
	    {-0.0, "-0.0"},
	    {2, "2.0"},
	    {-1, "-1.0"},
	    {0.1, "0.1"},
	    {0.3, "0.3"},
	    {1.0 / 3, "0.3333333333333333"},
	    {100, "100.0"},
	    {1.5, "1.5"},
	    {123456.789, "123456.789"},
	    {1e-5, "0.00001"}, /* serde_json and ryu 1.0: up to five places */
	    {1.234e-5, "0.00001234"},
	    {1e-6, "1e-6"},
	    {1e-7, "1e-7"},
	    {1.5e-7, "1.5e-7"},
	    {1e15, "1000000000000000.0"},
	    {1e16, "1e16"},
	    {1e17, "1e17"},
	    {1e21, "1e21"},
	    {1.2e21, "1.2e21"},
	    {12345678901234567.0, "1.2345678901234568e16"},
	    {9007199254740991.0, "9007199254740991.0"},
	    {9007199254740992.0, "9007199254740992.0"},
	    {9007199254740993.0, "9007199254740992.0"},
	    {5e-324, "5e-324"},
	    {1e-323, "1e-323"},
	    {2.2250738585072014e-308, "2.2250738585072014e-308"},
	    {2.225073858507201e-308, "2.225073858507201e-308"},
	    {1.7976931348623157e308, "1.7976931348623157e308"},
	    {2e-44, "2e-44"},
	    {0x1p-44, "5.684341886080802e-14"}, /* %.16g is 5.684341886080801e-14, which is another double */
	    {9.5367431640625e-7, "9.5367431640625e-7"},
	    {(double)0.1f, "0.10000000149011612"},
	    {0x1p63, "9.223372036854776e18"},
	    {INFINITY, "null"},
	    {-INFINITY, "null"},
	    {NAN, "null"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
		if (strcmp(text_of(rows[i].value), rows[i].text))
			fail_msg("%.17g: %s, expected %s", rows[i].value, text_of(rows[i].value), rows[i].text);
}

/* The significant digits of a number's text, without zeros at either end. Returns how many. */
static size_t digits_of(const char *text, char *out)
{
	size_t n = 0;

	for (; *text && *text != 'e'; text++)
		if (*text >= '0' && *text <= '9' && (n || *text != '0'))
			out[n++] = *text;
	while (n && out[n - 1] == '0')
		n--;
	out[n] = '\0';
	return n;
}

static double from_bits(uint64_t bits)
{
	double value;

	memcpy(&value, &bits, sizeof value);
	return value;
}

static void check(uint64_t bits)
{
	double value = from_bits(bits), back;
	char ours[32], theirs[40], text[40];
	size_t n;

	if (!isfinite(value))
		return;
	strcpy(text, text_of(value));
	back = strtod(text, NULL);
	if (memcmp(&back, &value, sizeof back))
		fail_msg("%016" PRIx64 ": %s does not come back", bits, text);
	if (!strpbrk(text, ".e"))
		fail_msg("%016" PRIx64 ": %s looks like an integer", bits, text);
	n = digits_of(text, ours);
	if (n > 1) {
		snprintf(theirs, sizeof theirs, "%.*e", (int)n - 2, value);
		if (strtod(theirs, NULL) == value)
			fail_msg("%016" PRIx64 ": %s, but %s is shorter", bits, text, theirs);
	}
	/* The nearest decimal of as many digits is what printf gives; beside a power of two it may miss, and ours not.
	 */
	snprintf(theirs, sizeof theirs, "%.*e", n ? (int)n - 1 : 0, value);
	if (strtod(theirs, NULL) != value)
		return;
	digits_of(theirs, text);
	if (strcmp(ours, text))
		fail_msg("%016" PRIx64 ": digits %s, nearest are %s", bits, ours, text);
}

static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static void test_random_bits(void **state)
{
	uint64_t seed = 1;

	(void)state;
	for (int i = 0; i < 1000000; i++)
		check(next_random(&seed));
}

static void test_edges(void **state)
{
	uint64_t seed = 2;

	(void)state;
	for (unsigned e = 0; e < 2047; e++) { /* each power of two, its neighbours, and both ends of each binade */
		uint64_t base = (uint64_t)e << 52;

		for (int d = -3; d <= 3; d++)
			if (base || d >= 0)
				check(base + (uint64_t)d);
		check(base | (next_random(&seed) >> 40));
	}
	for (int e = -323; e <= 308; e++) { /* powers of ten and numbers of few digits */
		char text[32];

		for (int m = 1; m < 100; m++) {
			double value;
			uint64_t bits;

			snprintf(text, sizeof text, "%de%d", m, e);
			value = strtod(text, NULL);
			memcpy(&bits, &value, sizeof bits);
			check(bits);
		}
	}
	for (int i = 0; i < 100000; i++) { /* what programs log: seconds, shares, counts */
		static const double unit[] = {1e9, 1000, 1e6, 100};
		double value = (double)(next_random(&seed) % (i % 3 ? 1000000000 : 1000000000000000)) / unit[i % 4];
		uint64_t bits;

		memcpy(&bits, &value, sizeof bits);
		check(bits);
		check((uint64_t)i);
	}
}

static void test_integers(void **state)
{
	char text[40], ours[ITOA_MAX + 1];
	uint64_t seed = 3, edge = 1;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t u = next_random(&seed) >> (i % 64);

		if (i < 80) { /* around powers of ten */
			edge = i % 4 ? edge : edge * 10;
			u = edge + (uint64_t)(i % 4) - 2;
		}
		ours[itoa_u64(u, ours)] = '\0';
		snprintf(text, sizeof text, "%" PRIu64, u);
		assert_string_equal(ours, text);
		ours[itoa_i64((int64_t)u, ours)] = '\0';
		snprintf(text, sizeof text, "%" PRId64, (int64_t)u);
		assert_string_equal(ours, text);
	}
	ours[itoa_i64(INT64_MIN, ours)] = '\0';
	assert_string_equal(ours, "-9223372036854775808");
	ours[itoa_u64(UINT64_MAX, ours)] = '\0';
	assert_string_equal(ours, "18446744073709551615");
	ours[itoa_u64(0, ours)] = '\0';
	assert_string_equal(ours, "0");
}

static void test_fixed_digits(void **state)
{
	char text[10] = "", expected[16];
	uint64_t seed = 4;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint32_t value = i < 10 ? (uint32_t)i : (uint32_t)(next_random(&seed) % 1000000000);

		itoa_9(value, text);
		snprintf(expected, sizeof expected, "%09" PRIu32, value);
		assert_string_equal(text, expected);
	}
	itoa_9(999999999, text);
	assert_string_equal(text, "999999999");
	for (uint32_t i = 0; i < 100; i++) {
		char two[3] = "";

		itoa_2(i, two);
		snprintf(expected, sizeof expected, "%02" PRIu32, i);
		assert_string_equal(two, expected);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_layout),   cmocka_unit_test(test_random_bits),  cmocka_unit_test(test_edges),
	    cmocka_unit_test(test_integers), cmocka_unit_test(test_fixed_digits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
