/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.h - the inner loops over bytes: end of a string, end of a value, checks of UTF-8.
 *
 * Every scanned buffer is followed by SCAN_SLACK readable bytes, so that 16 bytes can be looked at anywhere. */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SCAN_SLACK 64

#ifdef __SSE2__
#include <emmintrin.h>

/* First byte at or after p that is a quote, a backslash or a control character; sets *high where a byte before it has
 * the top bit. */
static inline const char *scan_special(const char *p, const char *end, bool *high)
{
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'), ctl = _mm_set1_epi8(0x1f);

	for (; p < end; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)),
		                           _mm_cmpeq_epi8(_mm_min_epu8(v, ctl), v));
		unsigned m = (unsigned)_mm_movemask_epi8(hit), top = (unsigned)_mm_movemask_epi8(v);

		if (m) {
			unsigned n = (unsigned)__builtin_ctz(m);

			if (top & ((1u << n) - 1))
				*high = true;
			return p + n < end ? p + n : end;
		}
		if (top)
			*high = true;
	}
	return end;
}

/* First byte at or after p that logfmt, a pattern or JSON would not have as it is: a blank, a quote, a backslash, an
 * equals sign, a control character, or one beyond ASCII. */
static inline const char *scan_plain(const char *p, const char *end)
{
	const __m128i quote = _mm_set1_epi8('"'), back = _mm_set1_epi8('\\'), blank = _mm_set1_epi8(' '),
	              equals = _mm_set1_epi8('='), last = _mm_set1_epi8(0x7f);

	for (; p < end; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, back)),
		                           _mm_or_si128(_mm_cmpeq_epi8(v, equals), _mm_cmpeq_epi8(v, last)));
		/* as signed bytes those beyond ASCII are below a blank, too */
		unsigned m = (unsigned)_mm_movemask_epi8(
		    _mm_or_si128(hit, _mm_cmpgt_epi8(_mm_add_epi8(blank, _mm_set1_epi8(1)), v)));

		if (m) {
			p += __builtin_ctz(m);
			return p < end ? p : end;
		}
	}
	return end;
}
#else
static inline const char *scan_plain(const char *p, const char *end)
{
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c <= ' ' || c >= 0x7f || c == '"' || c == '\\' || c == '=')
			break;
	}
	return p;
}

static inline const char *scan_special(const char *p, const char *end, bool *high)
{
	for (; p < end; p++) {
		unsigned char c = (unsigned char)*p;

		if (c == '"' || c == '\\' || c < 0x20)
			return p;
		if (c & 0x80)
			*high = true;
	}
	return end;
}
#endif

/* p is behind the opening quote; returns the closing quote, or NULL: no end, a control character, or a bad escape. */
static inline const char *scan_string(const char *p, const char *end, bool *high)
{
	for (;;) {
		p = scan_special(p, end, high);
		if (p >= end)
			return NULL;
		if (*p == '"')
			return p;
		if (*p != '\\' || end - p < 2)
			return NULL;
		switch (p[1]) {
		case '"':
		case '\\':
		case '/':
		case 'b':
		case 'f':
		case 'n':
		case 'r':
		case 't':
			p += 2;
			break;
		case 'u':
			if (end - p < 6)
				return NULL;
			for (int i = 2; i < 6; i++) {
				char c = p[i];

				if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
					return NULL;
			}
			p += 6;
			break;
		default:
			return NULL;
		}
	}
}

/* p is at a number, true, false or null; returns its end, or NULL: not one. Grammar: RFC 8259. */
const char *scan_scalar(const char *p, const char *end);

/* p is at [ or {; returns its end, or NULL with *reason: not JSON, or deeper than SCAN_DEPTH. */
#define SCAN_DEPTH 128
const char *scan_nested(const char *p, const char *end, bool *high, const char **reason);

/* Whether the bytes are UTF-8 (no overlong forms, no surrogates). */
bool scan_utf8(const char *p, size_t len);

#endif
