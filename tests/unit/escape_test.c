/* SPDX-License-Identifier: Apache-2.0 */
/* escape_test.c - the fast escaper against a slow one that decodes code point by code point.
 *
 * Every input is a heap block of exactly its length, so that a read past the end is seen by the address sanitizer and,
 * without it, by the page behind the block in test_page_end. */
#include "base/escape.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* ---- the reference: the UTF-8 decoder of the WHATWG Encoding Standard, written down as it stands there ---- */

#define BAD 0xfffd

struct decoder {
	const unsigned char *in;
	size_t len, at;
};

static uint32_t decode(struct decoder *d)
{
	uint32_t code, low = 0x80, high = 0xbf;
	unsigned char c = d->in[d->at++];
	int needed;

	if (c < 0x80)
		return c;
	if (c >= 0xc2 && c <= 0xdf) {
		needed = 1;
		code = c & 0x1f;
	} else if (c >= 0xe0 && c <= 0xef) {
		low = c == 0xe0 ? 0xa0 : low;
		high = c == 0xed ? 0x9f : high;
		needed = 2;
		code = c & 0xf;
	} else if (c >= 0xf0 && c <= 0xf4) {
		low = c == 0xf0 ? 0x90 : low;
		high = c == 0xf4 ? 0x8f : high;
		needed = 3;
		code = c & 7;
	} else {
		return BAD;
	}
	for (; needed; needed--, low = 0x80, high = 0xbf) {
		if (d->at == d->len || d->in[d->at] < low || d->in[d->at] > high)
			return BAD;
		code = code << 6 | (d->in[d->at++] & 0x3f);
	}
	return code;
}

static size_t encode(char *out, uint32_t code)
{
	if (code < 0x80) {
		*out = (char)code;
		return 1;
	}
	if (code < 0x800)
		return (size_t)sprintf(out, "%c%c", (int)(0xc0 | code >> 6), (int)(0x80 | (code & 0x3f)));
	if (code < 0x10000)
		return (size_t)sprintf(out, "%c%c%c", (int)(0xe0 | code >> 12), (int)(0x80 | (code >> 6 & 0x3f)),
		                       (int)(0x80 | (code & 0x3f)));
	return (size_t)sprintf(out, "%c%c%c%c", (int)(0xf0 | code >> 18), (int)(0x80 | (code >> 12 & 0x3f)),
	                       (int)(0x80 | (code >> 6 & 0x3f)), (int)(0x80 | (code & 0x3f)));
}

static int must_escape(uint32_t c)
{
	return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x61c || c == 0x200e || c == 0x200f ||
	       (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

static size_t reference_one(char *out, uint32_t c)
{
	switch (c) {
	case '"':
		return (size_t)sprintf(out, "\\\"");
	case '\\':
		return (size_t)sprintf(out, "\\\\");
	case '\n':
		return (size_t)sprintf(out, "\\n");
	case '\t':
		return (size_t)sprintf(out, "\\t");
	case '\r':
		return (size_t)sprintf(out, "\\r");
	case '\b':
		return (size_t)sprintf(out, "\\b");
	case '\f':
		return (size_t)sprintf(out, "\\f");
	default:
		return must_escape(c) ? (size_t)sprintf(out, "\\u%04x", c) : encode(out, c);
	}
}

static size_t reference(char *out, const char *in, size_t len)
{
	struct decoder d = {(const unsigned char *)in, len, 0};
	size_t n = 0;

	while (d.at < len)
		n += reference_one(out + n, decode(&d));
	return n;
}

/* ---- comparing ---- */

static void fail_with(const char *what, const char *in, size_t len)
{
	char hex[3 * 64 + 1] = "";

	for (size_t i = 0; i < len && i < 64; i++)
		sprintf(hex + 3 * i, "%02x ", (unsigned char)in[i]);
	fail_msg("%s: %zu bytes %s", what, len, hex);
}

static void check_parts(const char *in, size_t len, const char *expected, size_t expected_len)
{
	char *out = malloc(expected_len + 7);

	for (size_t cap = 0; cap <= expected_len + 6; cap += cap < 40 ? 1 : 13) {
		size_t used, n;
		char *again = malloc(ESCAPE_ROOM(len));

		out[cap] = 'x';
		n = escape_json_part(out, cap, in, len, &used);
		if (n > cap || out[cap] != 'x' || memcmp(out, expected, n))
			fail_with("part differs", in, len);
		if (n + reference(again, in + used, len - used) != expected_len ||
		    memcmp(again, expected + n, expected_len - n))
			fail_with("part cut inside a character", in, len);
		if (used < len && n + 6 <= cap)
			fail_with("part stopped too early", in, len);
		free(again);
	}
	free(out);
}

static void check(const char *text, size_t len, int parts)
{
	char *in = malloc(len ? len : 1), *out = malloc(ESCAPE_ROOM(len)), *expected = malloc(ESCAPE_ROOM(len));
	size_t n, m;

	memcpy(in, text, len);
	n = escape_json(out, in, len);
	m = reference(expected, in, len);
	if (n != m || memcmp(out, expected, n))
		fail_with("differs", in, len);
	if (n > 6 * len)
		fail_with("longer than promised", in, len);
	if (parts)
		check_parts(in, len, expected, m);
	free(in);
	free(out);
	free(expected);
}

static uint64_t seed = 7;

static uint32_t next_random(void)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33);
}

static void test_rows(void **state)
{
	static const struct {
		const char *in, *out;
	} rows[] = {
	    {"", ""},
	    {"plain text, 0123456789 and more than thirty-two bytes",
	     "plain text, 0123456789 and more than thirty-two bytes"},
	    {"a\"b\\c/d", "a\\\"b\\\\c/d"},
	    {"\n\t\r\b\f\v\x1b[31m\x7f", "\\n\\t\\r\\b\\f\\u000b\\u001b[31m\\u007f"},
	    {"\xc2\x80\xc2\x9b\xc2\xa0", "\\u0080\\u009b\xc2\xa0"},
	    {"\xd8\x9c\xe2\x80\x8e\xe2\x80\x8f\xe2\x80\xa8\xe2\x80\xa9", "\\u061c\\u200e\\u200f\\u2028\\u2029"},
	    {"\xe2\x80\xaa\xe2\x80\xae\xe2\x80\xaf\xe2\x81\xa6\xe2\x81\xa9\xe2\x81\xaa",
	     "\\u202a\\u202e\xe2\x80\xaf\\u2066\\u2069\xe2\x81\xaa"},
	    {"\xe2\x80\x8d\xe2\x80\x90", "\xe2\x80\x8d\xe2\x80\x90"}, /* the joiner of emoji stays */
	    {"gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80", "gr\xc3\xbc\xc3\x9f\x65 \xf0\x9f\x98\x80"},
	    {"\xff", "\xef\xbf\xbd"},
	    {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},                                 /* overlong '/' */
	    {"\xe0\x80\xaf", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* overlong in three */
	    {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},                 /* a surrogate */
	    {"\xf4\x90\x80\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}, /* above 10FFFF */
	    {"\xe2\x82z", "\xef\xbf\xbdz"},                                           /* one maximal subpart */
	    {"\xf0\x9f\x98", "\xef\xbf\xbd"},                                         /* cut at the end */
	    {"\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64",                  /* Unicode, table 3-8 */
	     "\x61\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\x62\xef\xbf\xbd\x63\xef\xbf\xbd\xef\xbf\xbd\x64"},
	    {"\xef\xbf\xbe", "\xef\xbf\xbe"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
		char out[512];

		out[escape_json(out, rows[i].in, strlen(rows[i].in))] = '\0';
		if (strcmp(out, rows[i].out))
			fail_msg("row %zu: %s, expected %s", i, out, rows[i].out);
		check(rows[i].in, strlen(rows[i].in), 1);
	}
}

static void test_all_bytes_and_pairs(void **state)
{
	char text[80];

	(void)state;
	for (int a = 0; a < 256; a++) {
		for (size_t at = 0; at < 70; at++) { /* in each place of a block of the wide copies */
			memset(text, 'x', sizeof text);
			text[at] = (char)a;
			check(text, 70, 0);
		}
		for (int b = 0; b < 256; b++) {
			text[0] = (char)a;
			text[1] = (char)b;
			check(text, 2, 1);
		}
	}
}

static void test_all_lead_triples(void **state)
{
	(void)state;
	for (int a = 0xe0; a < 0xf5; a++) {
		for (int b = 0x70; b < 0xd0; b++) {
			for (int c = 0x7e; c < 0xc3; c++) {
				char text[4] = {(char)a, (char)b, (char)c, (char)0xb5};

				check(text, 3, 0);
				check(text, 4, 0);
			}
		}
	}
}

static void test_all_code_points(void **state)
{
	char text[8];

	(void)state;
	for (uint32_t code = 0; code < 0x110000; code += code < 0x3000 ? 1 : 61)
		check(text, encode(text, code), 0);
}

/* Mostly plain, with a sprinkle of everything else. */
static size_t random_text(char *out, size_t len)
{
	static const char *const bits[] = {"\xe2\x80\xae", "\xf0\x9f\x98\x80", "\xe2", "\"",  "\\",
	                                   "\n",           "\xc3\xa4",         "\x9b", "\x1b"};
	unsigned density = next_random() % 40;
	size_t n = 0;

	while (n < len) {
		if (next_random() % 40 >= density) {
			out[n++] = (char)(0x20 + next_random() % 0x5f);
		} else if (next_random() % 2) {
			out[n++] = (char)next_random();
		} else {
			const char *bit = bits[next_random() % 9];

			memcpy(out + n, bit, strlen(bit));
			n += strlen(bit);
		}
	}
	return n;
}

static void test_random(void **state)
{
	char text[512 + 8];

	(void)state;
	for (int i = 0; i < 60000; i++)
		check(text, random_text(text, next_random() % (i % 10 ? 80 : 512)), i % 50 == 0);
}

/* The text ends where the mapped memory does: one byte further would be a fault. */
static void test_page_end(void **state)
{
	long page = sysconf(_SC_PAGESIZE);
	char *map = mmap(NULL, (size_t)page * 2, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char out[ESCAPE_ROOM(200)];
	size_t used;

	(void)state;
	assert_true(map != MAP_FAILED);
	assert_int_equal(mprotect(map + page, (size_t)page, PROT_NONE), 0);
	for (size_t len = 0; len <= 200; len++) {
		char *text = map + page - len;

		memset(text, 'y', len);
		assert_int_equal(escape_json(out, text, len), len);
		assert_int_equal(escape_json_part(out, sizeof out, text, len, &used), len);
		if (!len)
			continue;
		text[len - 1] = (char)0xf0; /* a lead byte that wants three more */
		assert_int_equal(escape_json(out, text, len), len + 2);
		assert_int_equal(escape_json_part(out, sizeof out, text, len, &used), len + 2);
	}
	munmap(map, (size_t)page * 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(test_rows),
	    cmocka_unit_test(test_all_bytes_and_pairs),
	    cmocka_unit_test(test_all_lead_triples),
	    cmocka_unit_test(test_all_code_points),
	    cmocka_unit_test(test_random),
	    cmocka_unit_test(test_page_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
