/* SPDX-License-Identifier: Apache-2.0 */
/* escape.c - JSON strings that are safe on terminals too.
 *
 * Almost all bytes of almost all logs are plain: 0x20..0x7e but not '"' or '\'. So the loop is: copy plain bytes as
 * wide as the machine can, then deal with one character that is not plain, and again. The wide copy tests and stores a
 * block at once and advances by the plain part of it; the store may therefore run up to 31 bytes past the text, into
 * the room that ESCAPE_ROOM promises. Loads never do: the last block is moved back so that it ends where the text does.
 */
#include "base/escape.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#if defined(__SSE2__) && !defined(ESCAPE_PORTABLE)
#define WIDE 1
#include <immintrin.h>
#endif

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* ---- copying plain bytes: each returns how many it copied, up to the first that is not plain or the end ---- */

static size_t copy_bytes(char *out, const char *in, size_t len)
{
	size_t n = 0;

	for (; n < len && is_plain((unsigned char)in[n]); n++)
		out[n] = in[n];
	return n;
}

#if defined(WIDE)
/* One bit for each byte that is not plain. */
static unsigned odd_bytes(__m128i x)
{
	const __m128i space = _mm_set1_epi8(0x20), quote = _mm_set1_epi8('"'), slash = _mm_set1_epi8('\\');
	const __m128i del = _mm_set1_epi8(0x7f);
	/* signed: bytes from 0x80 on are negative, so one comparison finds them and the controls */
	__m128i odd = _mm_or_si128(_mm_or_si128(_mm_cmplt_epi8(x, space), _mm_cmpeq_epi8(x, quote)),
	                           _mm_or_si128(_mm_cmpeq_epi8(x, slash), _mm_cmpeq_epi8(x, del)));

	return (unsigned)_mm_movemask_epi8(odd);
}

/* 4 to 15 bytes as two halves that overlap: what both have is copied twice. */
static size_t copy_halves(char *out, const char *in, size_t len)
{
	size_t half = len < 8 ? 4 : 8;
	uint64_t low = 0, high = 0;
	unsigned mask;

	if (half == 4) {
		memcpy(&low, in, 4);
		memcpy(&high, in + len - 4, 4);
		memcpy(out, &low, 4);
		memcpy(out + len - 4, &high, 4);
		mask = odd_bytes(_mm_cvtsi64_si128((long long)(low | high << 32))) & 0xff;
	} else {
		memcpy(&low, in, 8);
		memcpy(&high, in + len - 8, 8);
		memcpy(out, &low, 8);
		memcpy(out + len - 8, &high, 8);
		mask = odd_bytes(_mm_set_epi64x((long long)high, (long long)low));
	}
	if (!mask)
		return len;
	mask = (unsigned)__builtin_ctz(mask);
	return mask < half ? mask : len - 2 * half + mask;
}

static size_t copy_sse2(char *out, const char *in, size_t len)
{
	size_t n = 0;

	if (len < 16)
		return len < 4 ? copy_bytes(out, in, len) : copy_halves(out, in, len);
	for (;; n = len - n < 32 ? len - 16 : n + 16) { /* the last block overlaps the one before */
		__m128i x = _mm_loadu_si128((const __m128i *)(in + n));
		unsigned mask = odd_bytes(x);

		_mm_storeu_si128((__m128i *)(out + n), x);
		if (mask)
			return n + (size_t)__builtin_ctz(mask);
		if (n == len - 16)
			return len;
	}
}

__attribute__((target("avx2"))) static size_t copy_avx2(char *out, const char *in, size_t len)
{
	const __m256i space = _mm256_set1_epi8(0x20), quote = _mm256_set1_epi8('"'), slash = _mm256_set1_epi8('\\');
	const __m256i del = _mm256_set1_epi8(0x7f);
	size_t n = 0;

	for (; len - n >= 32; n += 32) {
		__m256i x = _mm256_loadu_si256((const __m256i *)(in + n));
		__m256i odd = _mm256_or_si256(_mm256_or_si256(_mm256_cmpgt_epi8(space, x), _mm256_cmpeq_epi8(x, quote)),
		                              _mm256_or_si256(_mm256_cmpeq_epi8(x, slash), _mm256_cmpeq_epi8(x, del)));
		unsigned mask = (unsigned)_mm256_movemask_epi8(odd);

		_mm256_storeu_si256((__m256i *)(out + n), x);
		if (mask)
			return n + (size_t)__builtin_ctz(mask);
	}
	return n + copy_sse2(out + n, in + n, len - n);
}

static size_t copy_plain(char *out, const char *in, size_t len)
{
	if (len >= 64 && __builtin_cpu_supports("avx2"))
		return copy_avx2(out, in, len);
	return copy_sse2(out, in, len);
}
#else
/* The high bit of each byte of x that equals c (and perhaps of some above the first such byte, which is all we look
 * at). */
static uint64_t bytes_equal(uint64_t x, unsigned char c)
{
	uint64_t y = x ^ (UINT64_C(0x0101010101010101) * c);

	return (y - UINT64_C(0x0101010101010101)) & ~y;
}

static bool all_plain8(uint64_t x)
{
	uint64_t odd = x;                        /* 0x80 and above */
	odd |= x - UINT64_C(0x2020202020202020); /* below 0x20 borrow */
	odd |= bytes_equal(x, '"') | bytes_equal(x, '\\') | bytes_equal(x, 0x7f);
	return !(odd & UINT64_C(0x8080808080808080));
}

static size_t copy_short(char *out, const char *in, size_t len)
{
	size_t n = 0;
	uint64_t word;

	for (; len - n >= 8; n += 8) {
		memcpy(&word, in + n, 8);
		if (!all_plain8(word))
			break;
		memcpy(out + n, &word, 8);
	}
	return n + copy_bytes(out + n, in + n, len - n);
}

static size_t copy_plain(char *out, const char *in, size_t len)
{
	return copy_short(out, in, len);
}
#endif

/* ---- one character that is not plain ---- */

/* What a lead byte wants: how many continuation bytes, and the range of the first of them, which is what keeps overlong
 * forms, surrogates and code points above 10FFFF out (Unicode, table 3-7). */
struct lead {
	unsigned more, low, high;
};

static struct lead lead_of(unsigned char c)
{
	if (c < 0xc2 || c > 0xf4)
		return (struct lead){0, 0, 0};
	if (c < 0xe0)
		return (struct lead){1, 0x80, 0xbf};
	if (c < 0xf0)
		return (struct lead){2, c == 0xe0 ? 0xa0 : 0x80, c == 0xed ? 0x9f : 0xbf};
	return (struct lead){3, c == 0xf0 ? 0x90 : 0x80, c == 0xf4 ? 0x8f : 0xbf};
}

/* The length of the valid sequence at p, 1..4; or minus the length of the maximal subpart of an ill-formed one. */
static int sequence(const unsigned char *p, size_t len)
{
	struct lead lead = lead_of(*p);

	if (!lead.more)
		return -1;
	for (unsigned i = 1; i <= lead.more; i++) {
		unsigned low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xbf;

		if (i >= len || p[i] < low || p[i] > high)
			return -(int)i;
	}
	return (int)lead.more + 1;
}

static size_t put_u(char *out, unsigned code)
{
	static const char hex[] = "0123456789abcdef";

	memcpy(out, "\\u", 2);
	for (int i = 0; i < 4; i++)
		out[2 + i] = hex[code >> (12 - 4 * i) & 15];
	return 6;
}

/* C1, bidi controls, line and paragraph separator. All are below U+2070: two bytes, or three that begin with E2. */
static unsigned dangerous(const unsigned char *p, int len)
{
	unsigned code;

	if (len == 2) {
		code = (p[0] & 0x1fu) << 6 | (p[1] & 0x3fu);
		return code < 0xa0 || code == 0x61c ? code : 0;
	}
	if (len != 3 || p[0] != 0xe2)
		return 0;
	code = 0x2000u | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu);
	if (code == 0x200e || code == 0x200f || (code >= 0x2028 && code <= 0x202e) ||
	    (code >= 0x2066 && code <= 0x2069))
		return code;
	return 0;
}

static size_t escape_ascii(char *out, unsigned char c)
{
	static const char shorts[] = "\"\"\\\\\nn\tt\rr\bb\ff";

	for (const char *s = shorts; *s; s += 2) {
		if (*s == (char)c) {
			out[0] = '\\';
			out[1] = s[1];
			return 2;
		}
	}
	return put_u(out, c);
}

/* Write the character at p, at most 6 bytes; *taken = its length in the input. */
static size_t escape_one(char *out, const unsigned char *p, size_t len, size_t *taken)
{
	unsigned code;
	int n;

	*taken = 1;
	if (*p < 0x80)
		return escape_ascii(out, *p);
	n = sequence(p, len);
	if (n < 0) {
		*taken = (size_t)-n;
		memcpy(out, "\xef\xbf\xbd", 3);
		return 3;
	}
	*taken = (size_t)n;
	code = dangerous(p, n);
	if (code)
		return put_u(out, code);
	memcpy(out, p, (size_t)n);
	return (size_t)n;
}

size_t escape_json(char *out, const char *text, size_t len)
{
	size_t at = copy_plain(out, text, len), n = at, taken, plain;

	while (at < len) {
		do {
			n += escape_one(out + n, (const unsigned char *)text + at, len - at, &taken);
			at += taken;
		} while (at < len && !is_plain((unsigned char)text[at]));
		plain = copy_plain(out + n, text + at, len - at);
		at += plain;
		n += plain;
	}
	return n;
}

size_t escape_json_part(char *out, size_t cap, const char *text, size_t len, size_t *used)
{
	size_t at = 0, n = 0, taken, size;
	char one[6];

	while (at < len) {
		size_t room = cap - n < len - at ? cap - n : len - at;
		size_t plain = copy_bytes(out + n, text + at, room);

		at += plain;
		n += plain;
		if (at == len || is_plain((unsigned char)text[at]))
			break;
		size = escape_one(one, (const unsigned char *)text + at, len - at, &taken);
		if (size > cap - n)
			break;
		memcpy(out + n, one, size);
		at += taken;
		n += size;
	}
	*used = at;
	return n;
}
