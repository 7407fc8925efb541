/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The scanners beside references that look at one byte at a time, at all alignments and lengths, before a page that
 * must not be touched. */
#include "base/scan.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

static uint64_t random64(void)
{
	static uint64_t s = 88172645463325252;

	s ^= s << 13;
	s ^= s >> 7;
	s ^= s << 17;
	return s;
}

static unsigned below(unsigned n)
{
	return (unsigned)(random64() >> 20) % n;
}

/* Room whose last byte is the last of a page: the end of text is SCAN_SLACK before it. */
static char *room_end;
#define ROOM 8192

static void room_make(void)
{
	long page = sysconf(_SC_PAGESIZE);
	size_t len = (ROOM / (size_t)page + 2) * (size_t)page;
	char *p = mmap(NULL, len + (size_t)page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(p != MAP_FAILED);
	assert_int_equal(mprotect(p + len, (size_t)page, PROT_NONE), 0);
	room_end = p + len - SCAN_SLACK;
}

/* Text of n bytes that ends SCAN_SLACK bytes before the forbidden page; what is behind it must not matter. */
static char *place(const char *text, size_t n)
{
	static const char behind[] = {0, '"', '\\', 'x', (char)0x80, '1', ']', '}', ',', ' '};

	memcpy(room_end - n, text, n);
	memset(room_end, behind[below(sizeof behind)], SCAN_SLACK);
	return room_end - n;
}

/* ---- references ---- */

static const char *ref_string(const char *p, const char *end, bool *high)
{
	while (p < end) {
		unsigned char c = (unsigned char)*p;

		if (c == '"')
			return p;
		if (c < 0x20)
			return NULL;
		if (c != '\\') {
			*high |= c >= 0x80;
			p++;
		} else if (end - p >= 2 && p[1] && strchr("\"\\/bfnrt", p[1])) {
			p += 2;
		} else if (end - p >= 6 && p[1] == 'u' &&
		           strspn((char[]){p[2], p[3], p[4], p[5], 0}, "0123456789abcdefABCDEF") == 4) {
			p += 6;
		} else {
			return NULL;
		}
	}
	return NULL;
}

static int is_digit(const char *p, const char *end)
{
	return p < end && *p >= '0' && *p <= '9';
}

static const char *ref_scalar(const char *p, const char *end)
{
	static const char *const words[] = {"true", "false", "null"};

	for (int i = 0; i < 3; i++)
		if ((size_t)(end - p) >= strlen(words[i]) && !strncmp(p, words[i], strlen(words[i])))
			return p + strlen(words[i]);
	p += p < end && *p == '-';
	if (!is_digit(p, end))
		return NULL;
	if (*p == '0')
		p++;
	else
		while (is_digit(p, end))
			p++;
	if (p < end && *p == '.') {
		if (!is_digit(++p, end))
			return NULL;
		while (is_digit(p, end))
			p++;
	}
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		p += p < end && (*p == '+' || *p == '-');
		if (!is_digit(p, end))
			return NULL;
		while (is_digit(p, end))
			p++;
	}
	return p;
}

static const char *space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\n' || *p == '\r'))
		p++;
	return p;
}

/* A value, recursively; depth is what is left. */
static const char *ref_value(const char *p, const char *end, int depth, bool *high)
{
	char close;

	if (p < end && *p == '"') {
		p = ref_string(p + 1, end, high);
		return p ? p + 1 : NULL;
	}
	if (p >= end || (*p != '[' && *p != '{'))
		return p < end ? ref_scalar(p, end) : NULL;
	if (!depth)
		return NULL;
	close = *p == '[' ? ']' : '}';
	p = space(p + 1, end);
	if (p < end && *p == close)
		return p + 1;
	for (;;) {
		if (close == '}') {
			if (p >= end || *p != '"' || !(p = ref_string(p + 1, end, high)))
				return NULL;
			p = space(p + 1, end);
			if (p >= end || *p != ':')
				return NULL;
			p = space(p + 1, end);
		}
		p = ref_value(p, end, depth - 1, high);
		if (!p)
			return NULL;
		p = space(p, end);
		if (p >= end)
			return NULL;
		if (*p == close)
			return p + 1;
		if (*p != ',')
			return NULL;
		p = space(p + 1, end);
	}
}

/* By decoding: shortest form, no surrogates, no more than 0x10ffff. */
static bool ref_utf8(const unsigned char *p, size_t len)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	for (size_t i = 0; i < len;) {
		unsigned n = p[i] < 0x80 ? 1 : p[i] >> 5 == 6 ? 2 : p[i] >> 4 == 14 ? 3 : p[i] >> 3 == 30 ? 4 : 0;
		uint32_t c = n == 1 ? p[i] : n ? p[i] & (0xffu >> (n + 1)) : 0;

		if (!n || len - i < n)
			return false;
		for (unsigned k = 1; k < n; k++) {
			if (p[i + k] >> 6 != 2)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
			return false;
		i += n;
	}
	return true;
}

/* ---- random texts ---- */

static size_t pieces(char *out, size_t max, const char *const *list, unsigned n, unsigned count)
{
	size_t len = 0;

	while (count--) {
		const char *piece = list[below(n)];

		if (len + strlen(piece) > max)
			break;
		memcpy(out + len, piece, strlen(piece));
		len += strlen(piece);
	}
	return len;
}

static const char *const string_pieces[] = {"a",       "bc",   "def ", "0123456789abcdef",
                                            "\\n",     "\\\"", "\\\\", "\\u00e9",
                                            "\\u12G4", "\\x",  "\\",   "\xc2\xb5",
                                            "\x80",    "\xff", "\x1f", "\x7f",
                                            "{",       "}",    "\"",   "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                                            "\t"};

static void strings(void **state)
{
	(void)state;
	for (int i = 0; i < 400000; i++) {
		char text[600];
		/* mostly without what ends a string early */
		size_t n = pieces(text, sizeof text, string_pieces,
		                  i % 4 ? 8 : sizeof string_pieces / sizeof *string_pieces, below(20));
		bool high = false, ref_high = false;
		const char *p, *got, *want;

		if (i % 2 && n < sizeof text)
			text[n++] = '"';
		p = place(text, n);
		got = scan_string(p, p + n, &high);
		want = ref_string(p, p + n, &ref_high);
		if (got != want || (got && high != ref_high))
			fail_msg("%.*s: %td, not %td; high %d, not %d", (int)n, text, got ? got - p : -1,
			         want ? want - p : -1, high, ref_high);
	}
}

/* Every place of the closing quote, a backslash, a control byte and a high byte, in every length up to three times 16.
 */
static void string_alignments(void **state)
{
	(void)state;
	for (size_t n = 0; n <= 48; n++)
		for (size_t at = 0; at < n; at++)
			for (const char *c = "\"\\\x01\xe9\x1f\x20\x7f"; *c; c++)
				for (size_t second = at; second < n; second += 7) {
					char text[64];
					bool high = false, ref_high = false;
					const char *p, *got, *want;

					memset(text, 'x', n);
					text[second] = '"';
					text[at] = *c;
					p = place(text, n);
					got = scan_string(p, p + n, &high);
					want = ref_string(p, p + n, &ref_high);
					if (got != want || (got && high != ref_high))
						fail_msg("byte %02x at %zu of %zu: %td, not %td", (unsigned char)*c, at,
						         n, got ? got - p : -1, want ? want - p : -1);
				}
}

/* Each byte at each place of texts around 16 bytes. */
static void plain_bytes(void **state)
{
	(void)state;
	for (unsigned n = 0; n < 40; n++)
		for (unsigned at = 0; at <= n; at++)
			for (unsigned c = 0; c < 256; c++) {
				char text[40];
				const char *p;
				bool stops = at < n && (c <= ' ' || c >= 0x7f || (c && strchr("\"\\=", (int)c)));
				ptrdiff_t got;

				memset(text, 'a', sizeof text);
				if (at < n)
					text[at] = (char)c;
				p = place(text, n);
				got = scan_plain(p, p + n) - p;
				if (got != (ptrdiff_t)(stops ? at : n))
					fail_msg("byte %02x at %u of %u: %td", c, at, n, got);
			}
}

static void scalars(void **state)
{
	static const char *const list[] = {"0", "1",    "9",     "12",   "-",   "+", ".", "e",
	                                   "E", "true", "false", "null", "tru", " ", ",", "00"};

	(void)state;
	for (int i = 0; i < 400000; i++) {
		char text[100];
		size_t n = pieces(text, sizeof text, list, sizeof list / sizeof *list, 1 + below(6));
		const char *p = place(text, n), *got = scan_scalar(p, p + n), *want = ref_scalar(p, p + n);

		if (got != want)
			fail_msg("%.*s: %td, not %td", (int)n, text, got ? got - p : -1, want ? want - p : -1);
	}
	assert_null(scan_scalar(room_end, room_end));
}

/* A value with brackets that close, of which some bytes may be others. */
static char *random_json(char *o, unsigned depth)
{
	switch (depth ? below(7) : below(4)) {
	case 0:
		return stpcpy(o, "1.5e3");
	case 1:
		return stpcpy(o, "null");
	case 2:
		return stpcpy(o, "\"a\\\"\xc2\xb5]}\"");
	case 3:
		return stpcpy(o, below(2) ? "\"\"" : "-7");
	case 4:
	case 5:
		*o++ = '[';
		for (unsigned n = below(4), i = 0; i < n; i++) {
			o = stpcpy(o, i ? below(2) ? "," : " , " : "");
			o = random_json(o, depth - 1);
		}
		return stpcpy(o, below(5) ? "]" : " ]");
	default:
		*o++ = '{';
		for (unsigned n = below(4), i = 0; i < n; i++) {
			o = stpcpy(o, i ? "," : "");
			o = stpcpy(o, below(3) ? "\"k\":" : " \"\xc3\xa9\" : ");
			o = random_json(o, depth - 1);
		}
		return stpcpy(o, "}");
	}
}

static void nested(void **state)
{
	(void)state;
	for (int i = 0; i < 150000; i++) {
		char *text = malloc(100000), *end;
		bool high = false, ref_high = false;
		const char *p, *got, *want, *reason;
		size_t n;

		text[0] = below(2) ? '[' : '{';
		end = random_json(text, 5);
		n = (size_t)(end - text);
		if (n > 4000 || (text[0] != '[' && text[0] != '{')) {
			free(text);
			continue;
		}
		for (unsigned k = i % 2 ? below(3) : 0; k; k--)
			text[1 + below((unsigned)n) % (n - 1)] = "[]{}\",: 1\\x\x80\1"[below(14)];
		if (i % 5 == 0)
			n = 1 + below((unsigned)n);
		p = place(text, n);
		got = scan_nested(p, p + n, &high, &reason);
		want = ref_value(p, p + n, SCAN_DEPTH, &ref_high);
		if (got != want || (got && high != ref_high))
			fail_msg("%.*s: %td, not %td", (int)n, text, got ? got - p : -1, want ? want - p : -1);
		if (!got)
			assert_string_equal(reason, "not JSON");
		free(text);
	}
}

static void utf8(void **state)
{
	static const char *const list[] = {"a",
	                                   "abcdefghijklmnop",
	                                   "\xc2\x80",
	                                   "\xdf\xbf",
	                                   "\xe0\xa0\x80",
	                                   "\xed\x9f\xbf",
	                                   "\xee\x80\x80",
	                                   "\xef\xbf\xbf",
	                                   "\xf0\x90\x80\x80",
	                                   "\xf4\x8f\xbf\xbf",
	                                   "\xc0\x80",
	                                   "\xc1\xbf",
	                                   "\xe0\x9f\xbf",
	                                   "\xed\xa0\x80",
	                                   "\xf0\x8f\xbf\xbf",
	                                   "\xf4\x90\x80\x80",
	                                   "\xf5\x80\x80\x80",
	                                   "\x80",
	                                   "\xff",
	                                   "\xe2\x82",
	                                   "\xf0\x9f\x98"};

	(void)state;
	for (int i = 0; i < 400000; i++) {
		char text[200];
		size_t n = pieces(text, sizeof text, list, i % 3 ? 10 : sizeof list / sizeof *list, below(8));

		if (scan_utf8(place(text, n), n) != ref_utf8((const unsigned char *)text, n))
			fail_msg("round %d, %zu bytes", i, n);
	}
	for (uint32_t v = 0; v < 1u << 24; v += 1 + (v < 1u << 22) * 6) { /* three bytes, and one that goes on */
		unsigned char text[4] = {(unsigned char)(v >> 16), (unsigned char)(v >> 8), (unsigned char)v, 0xbf};

		if (scan_utf8((char *)text, 4) != ref_utf8(text, 4) || scan_utf8((char *)text, 3) != ref_utf8(text, 3))
			fail_msg("%02x %02x %02x", text[0], text[1], text[2]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(strings),     cmocka_unit_test(string_alignments),
	    cmocka_unit_test(plain_bytes), cmocka_unit_test(scalars),
	    cmocka_unit_test(nested),      cmocka_unit_test(utf8),
	};

	room_make();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
