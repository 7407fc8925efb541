/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csvtext.h - the inner loops of writing CSV (RFC 4180). */
#ifndef BASE_CSVTEXT_H
#define BASE_CSVTEXT_H

#include "base/scan.h"
#include <string.h>

/* Room behind what csv_double writes. */
#define CSV_SLACK 16

/* The bytes up to end with each quote twice; returns the end of what was written. SCAN_SLACK bytes behind end are
 * readable; `to` has room for twice as many bytes, and CSV_SLACK more. */
static inline char *csv_double(char *to, const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');

	while (p < end) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		unsigned m = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(v, quote));
		size_t n = (size_t)(end - p) < 16 ? (size_t)(end - p) : 16;

		_mm_storeu_si128((__m128i *)to, v);
		m &= (1u << n) - 1;
		n = m ? (size_t)__builtin_ctz(m) + 1 : n;
		to += n;
		p += n;
		if (m)
			*to++ = '"';
	}
#else
	for (; p < end; p++) {
		*to++ = *p;
		if (*p == '"')
			*to++ = '"';
	}
#endif
	return to;
}

/* The same bytes as they are: for short ones, where a call would cost more than copying. */
static inline char *csv_copy(char *to, const char *p, size_t n)
{
#ifdef __SSE2__
	if (n <= 64) {
		for (size_t i = 0; i < n; i += 16)
			_mm_storeu_si128((__m128i *)(to + i), _mm_loadu_si128((const __m128i *)(p + i)));
		return to + n;
	}
#endif
	memcpy(to, p, n);
	return to + n;
}

/* Whether a field may stand without quotes; SCAN_SLACK bytes behind end are readable. */
static inline bool csv_is_bare(const char *p, const char *end)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"'), comma = _mm_set1_epi8(','), feed = _mm_set1_epi8('\n'),
	              back = _mm_set1_epi8('\r');

	for (; p < end; p += 16) {
		__m128i v = _mm_loadu_si128((const __m128i *)p);
		__m128i hit = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(v, quote), _mm_cmpeq_epi8(v, comma)),
		                           _mm_or_si128(_mm_cmpeq_epi8(v, feed), _mm_cmpeq_epi8(v, back)));
		unsigned m = (unsigned)_mm_movemask_epi8(hit);

		if (m)
			return p + __builtin_ctz(m) >= end;
	}
	return true;
#else
	for (; p < end; p++)
		if (*p == '"' || *p == ',' || *p == '\n' || *p == '\r')
			return false;
	return true;
#endif
}

#endif
