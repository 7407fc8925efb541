/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shape_match.c - text against a shape: the fast way to read a line.
 *
 * The shape was guessed from the line before. Between two values there is nothing to parse, only to compare; what
 * ends a value is known. A guess that is wrong costs the comparison up to the first difference. */
#include "base/scan.h"
#include "ingest/stamp.h"
#include "store/shape.h"

/* memcmp, for texts of some ten bytes: a call would cost more than the comparison. */
static inline bool same(const char *a, const char *b, size_t n)
{
#ifdef __SSE2__
	if (n >= 16) {
		for (; n > 16; a += 16, b += 16, n -= 16)
			if (_mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)a),
			                                     _mm_loadu_si128((const __m128i *)b))) != 0xffff)
				return false;
		a -= 16 - n;
		b -= 16 - n;
		return _mm_movemask_epi8(_mm_cmpeq_epi8(_mm_loadu_si128((const __m128i *)a),
		                                        _mm_loadu_si128((const __m128i *)b))) == 0xffff;
	}
	if (n >= 8) {
		uint64_t x[2], y[2];

		memcpy(&x[0], a, 8);
		memcpy(&y[0], b, 8);
		memcpy(&x[1], a + n - 8, 8);
		memcpy(&y[1], b + n - 8, 8);
		return x[0] == y[0] && x[1] == y[1];
	}
	for (; n; a++, b++, n--)
		if (*a != *b)
			return false;
	return true;
#else
	return !memcmp(a, b, n);
#endif
}

#define STAMP_Z_LEN 30 /* 2026-11-23T00:51:54.190692880Z */

static const char *value_end(enum slot_kind kind, const char *p, const char *end)
{
	const char *reason, *q;
	bool high = false;

	switch (kind) {
	case SLOT_SCALAR:
		return scan_scalar(p, end);
	case SLOT_JSON:
		if (p >= end || (*p != '[' && *p != '{'))
			return NULL;
		q = scan_nested(p, end, &high, &reason);
		break;
	case SLOT_STAMP_Z: /* its length is known */
		return end - p > STAMP_Z_LEN ? p + STAMP_Z_LEN : NULL;
	default:
		q = scan_string(p, end, &high);
	}
	return q && high && !scan_utf8(p, (size_t)(q - p)) ? NULL : q;
}

static bool stamp_is(enum slot_kind kind, struct slice text, int64_t *stamp)
{
	int64_t offset;
	bool canonical;

	if (kind == SLOT_STAMP)
		return !stamp_parse_iluvatar(text, stamp, &canonical) && canonical;
	return !stamp_parse_rfc3339(text, stamp, &offset, &canonical) && canonical;
}

const char *shape_match_from(const struct shape *sh, unsigned from, const char *p, const char *end,
                             struct slice *values, struct slice *tid, int64_t *stamp)
{
	for (unsigned i = from;; i++) {
		const struct slice *lit = &sh->literals[i];
		const char *q;

		if ((size_t)(end - p) < lit->len || !same(p, lit->ptr, lit->len))
			return NULL;
		p += lit->len;
		if (i == sh->nline)
			return p;
		if (sh->slots[i].kind == SLOT_TID && tid->ptr) {
			if ((size_t)(end - p) <= tid->len || !same(p, tid->ptr, tid->len) || p[tid->len] != '"')
				return NULL;
			values[i] = (struct slice){p, tid->len};
			p += tid->len;
			continue;
		}
		q = value_end(sh->slots[i].kind, p, end);
		if (!q)
			return NULL;
		values[i] = (struct slice){p, (size_t)(q - p)};
		if (sh->slots[i].kind == SLOT_TID) {
			if (q == p || q - p > LINE_MAX_TID)
				return NULL;
			*tid = values[i];
		} else if (stamp && (sh->slots[i].kind == SLOT_STAMP || sh->slots[i].kind == SLOT_STAMP_Z) &&
		           !stamp_is(sh->slots[i].kind, values[i], stamp)) {
			return NULL;
		}
		p = q;
	}
}

const char *shape_match(const struct shape *sh, const char *p, const char *end, struct slice *values, struct slice *tid,
                        int64_t *stamp)
{
	return shape_match_from(sh, 0, p, end, values, tid, stamp);
}
