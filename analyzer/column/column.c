/* SPDX-License-Identifier: GPL-3.0-or-later */
/* column.c - segments of values: choosing an encoding, writing and reading it. */
#include "column/column.h"
#include "base/text.h"
#include "base/array.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdlib.h>

enum encoding {
	ENC_ONE = 1,    /* one value for all */
	ENC_DICT = 2,   /* distinct values and a code for each row */
	ENC_TEXT = 3,   /* lengths, then text */
	ENC_INT = 4,    /* numbers that are printed in decimal */
	ENC_HEX = 5,    /* 16 lower-case hex digits */
	ENC_STAMP = 6,  /* Ilúvatar's times */
	ENC_TID = 7,    /* 32 lower-case hex digits, and a few others */
	ENC_DECIMAL = 8 /* decimal fractions, and times with their unit: 12.5µs */
};

#define DICT_MAX 1024 /* distinct values of a dictionary */
#define TIDS_FEW 8    /* one value in so many may be another text than a transaction id */

enum { SHORT = 16 }; /* bytes of a value that is copied in place: most are numbers and names */

static inline void short_copy(char *to, const char *p, size_t len)
{
	if (len >= 8) {
		memcpy(to, p, 8);
		memcpy(to + len - 8, p + len - 8, 8);
	} else if (len >= 4) {
		memcpy(to, p, 4);
		memcpy(to + len - 4, p + len - 4, 4);
	} else if (len) {
		to[0] = p[0];
		to[len / 2] = p[len / 2];
		to[len - 1] = p[len - 1];
	}
}

int column_add(struct slot_values *c, const char *p, size_t len)
{
	if (array_reserve(c->ends, c->room, c->n + 1))
		return -ENOMEM;
	if (len && len <= SHORT && c->text.room - c->text.len >= len && !c->text.failed) {
		short_copy(c->text.ptr + c->text.len, p, len);
		c->text.len += len;
	} else {
		bytes_add(&c->text, p, len);
	}
	c->ends[c->n++] = (uint32_t)c->text.len;
	return c->text.failed ? -ENOMEM : 0;
}

int column_add_pieces(struct slot_values *c, const struct slice *pieces, unsigned n)
{
	size_t bytes = c->text.len;

	for (unsigned i = 0; i < n; i++)
		bytes += pieces[i].len;
	if (bytes > UINT32_MAX || array_reserve(c->ends, c->room, c->n + 1))
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		bytes_add(&c->text, pieces[i].ptr, pieces[i].len);
	c->ends[c->n++] = (uint32_t)c->text.len;
	return c->text.failed ? -ENOMEM : 0;
}

int column_add_lent(struct slot_values *c, size_t len)
{
	size_t end = len + (c->n ? c->ends[c->n - 1] : 0);

	if (end > UINT32_MAX || array_reserve(c->ends, c->room, c->n + 1))
		return -ENOMEM;
	c->ends[c->n++] = (uint32_t)end;
	return 0;
}

void column_clear(struct slot_values *c)
{
	c->n = 0;
	c->text.len = 0;
}

void column_free(struct slot_values *c)
{
	free(c->ends);
	bytes_free(&c->text);
	*c = (struct slot_values){0};
}

struct slice column_value(const struct slot_values *c, uint32_t i)
{
	uint32_t start = i ? c->ends[i - 1] : 0;

	return (struct slice){c->text.ptr ? c->text.ptr + start : "", c->ends[i] - start};
}

/* ---- numbers ---- */

static bool number_of(struct slice s, int64_t *out)
{
	const char *p = s.ptr, *end = p + s.len;
	bool minus = p < end && *p == '-';
	int64_t v = 0;

	p += minus;
	if (end - p < 1 || end - p > 18 || (*p == '0' && (end - p > 1 || minus)))
		return false;
	for (; p < end; p++) {
		if (*p < '0' || *p > '9')
			return false;
		v = v * 10 + (*p - '0');
	}
	*out = minus ? -v : v;
	return true;
}

/* What follows the digits, by number. */
static const struct slice units[] = {SLICE(""), SLICE("ns"), SLICE("\xc2\xb5s"), SLICE("ms"), SLICE("s")};

/* The digits as a number, and how they are written: unit << 4 | digits behind the point. */
static bool decimal_of(struct slice s, int64_t *out, uint16_t *how)
{
	const char *p = s.ptr, *end = p + s.len, *start, *point = NULL;
	bool minus = p < end && *p == '-';
	unsigned unit = 0, behind;
	int64_t v = 0;

	for (start = p += minus; p < end && ((*p >= '0' && *p <= '9') || (*p == '.' && !point && p > start)); p++) {
		if (*p == '.')
			point = p;
		else if (p - start - (point != NULL) < 18)
			v = v * 10 + (*p - '0');
		else
			return false;
	}
	behind = point ? (unsigned)(p - point) - 1 : 0;
	if (p == start || (point && !behind) || behind > 15 || (minus && !v))
		return false;
	if (*start == '0' && p - start > 1 && point != start + 1)
		return false;
	while (unit < 5 && !slice_same(units[unit], (struct slice){p, (size_t)(end - p)}))
		unit++;
	*out = minus ? -v : v;
	*how = (uint16_t)(unit << 4 | behind);
	return unit < 5;
}

static bool hex_of(struct slice s, int64_t *out)
{
	uint64_t v = 0;

	if (s.len != 16)
		return false;
	for (size_t i = 0; i < 16; i++) {
		char c = s.ptr[i];

		if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f')))
			return false;
		v = v << 4 | (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
	}
	*out = (int64_t)v;
	return true;
}

static bool stamp_of(struct slice s, int64_t *out)
{
	bool canonical;

	return s.len >= 21 && s.len <= 29 && !stamp_parse_iluvatar(s, out, &canonical) && canonical;
}

static bool numbers_of(const struct slot_values *c, uint32_t from, uint32_t n, bool (*parse)(struct slice, int64_t *),
                       int64_t *out)
{
	for (uint32_t i = 0; i < n; i++)
		if (!parse(column_value(c, from + i), &out[i]))
			return false;
	return true;
}

/* ---- text ---- */

/* Text that the segment ends with. */
static void text_end(const char *p, size_t len, struct bytes *out, struct slice *lent)
{
	if (lent && len >= COLUMN_LENT)
		*lent = (struct slice){p, len};
	else
		bytes_add(out, p, len);
}

/* u8 width of the lengths, lengths in planes, of the values picked by order (NULL: from ... from + n). */
static void lengths_write(const struct slot_values *c, uint32_t from, uint32_t n, const uint32_t *order,
                          uint64_t len[SEGMENT_ROWS], struct bytes *out)
{
	uint64_t most = 0;

	for (uint32_t i = 0; i < n; i++) {
		len[i] = column_value(c, order ? order[i] : from + i).len;
		most = len[i] > most ? len[i] : most;
	}
	bytes_u8(out, numbers_width(most));
	numbers_planes(len, n, numbers_width(most), out);
}

/* The lengths, and the text of the values. */
static void text_write(const struct slot_values *c, uint32_t from, uint32_t n, const uint32_t *order, struct bytes *out,
                       struct slice *lent)
{
	uint64_t len[SEGMENT_ROWS];

	lengths_write(c, from, n, order, len, out);
	if (!order && n) {
		uint32_t start = from ? c->ends[from - 1] : 0;

		text_end(c->text.ptr + start, c->ends[from + n - 1] - start, out, lent);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		text_end(column_value(c, order[i]).ptr, len[i], out, n == 1 ? lent : NULL);
}

static bool is_tid(struct slice s)
{
	if (s.len != 32)
		return false;
	for (size_t i = 0; i < 32; i++)
		if (!((s.ptr[i] >= '0' && s.ptr[i] <= '9') || (s.ptr[i] >= 'a' && s.ptr[i] <= 'f')))
			return false;
	return true;
}

static unsigned nibble(char c)
{
	return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10);
}

/* u16 others, u16 the number of each, their text; 16 bytes for each value. */
static bool tids_write(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out)
{
	uint32_t other[SEGMENT_ROWS / TIDS_FEW] = {0}, others = 0;

	for (uint32_t i = 0; i < n; i++) {
		if (is_tid(column_value(c, from + i)))
			continue;
		if (others == n / TIDS_FEW)
			return false;
		other[others++] = from + i;
	}
	bytes_u8(out, ENC_TID);
	bytes_u16(out, others);
	for (uint32_t k = 0; k < others; k++)
		bytes_u16(out, other[k] - from);
	text_write(c, 0, others, other, out, NULL);
	for (uint32_t i = 0, k = 0; i < n; i++) {
		const char *p = column_value(c, from + i).ptr;
		unsigned char id[16] = {0};

		if (k < others && other[k] == from + i)
			k++;
		else
			for (unsigned b = 0; b < 16; b++)
				id[b] = (unsigned char)(nibble(p[2 * b]) << 4 | nibble(p[2 * b + 1]));
		bytes_add(out, id, 16);
	}
	return true;
}

/* Codes for the values where there are few distinct ones; their number, or 0. first[k] is where value k occurs first.
 */
static uint32_t dictionary(const struct slot_values *c, uint32_t from, uint32_t n, uint16_t *codes, uint32_t *first)
{
	uint16_t table[4 * DICT_MAX] = {0}; /* code + 1 */
	uint32_t count = 0, most = n / 4 < DICT_MAX ? n / 4 + 1 : DICT_MAX;

	for (uint32_t i = 0; i < n; i++) {
		struct slice s = column_value(c, from + i);
		uint32_t h = 2166136261u;

		for (size_t k = 0; k < s.len; k++)
			h = (h ^ (unsigned char)s.ptr[k]) * 16777619u;
		for (h ^= h >> 15;; h++) {
			uint16_t *t = &table[h % (4 * DICT_MAX)];

			if (*t && !slice_same(s, column_value(c, first[*t - 1])))
				continue;
			if (!*t) {
				if (count == most)
					return 0;
				first[count] = from + i;
				*t = (uint16_t)++count;
			}
			codes[i] = (uint16_t)(*t - 1);
			break;
		}
	}
	return count;
}

static bool decimals_write(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out)
{
	int64_t numbers[SEGMENT_ROWS];
	uint16_t how[SEGMENT_ROWS];

	for (uint32_t i = 0; i < n; i++)
		if (!decimal_of(column_value(c, from + i), &numbers[i], &how[i]))
			return false;
	bytes_u8(out, ENC_DECIMAL);
	small_write(how, n, out);
	numbers_write(numbers, n, out);
	return true;
}

void column_write(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out, struct slice *lent)
{
	static bool (*const parse[])(struct slice, int64_t *) = {number_of, hex_of, stamp_of};
	int64_t numbers[SEGMENT_ROWS];
	uint16_t codes[SEGMENT_ROWS];
	uint32_t first[DICT_MAX], count;

	*lent = SLICE_NONE;
	bytes_u16(out, n);
	count = dictionary(c, from, n, codes, first);
	if (count == 1) {
		bytes_u8(out, ENC_ONE);
		text_write(c, 0, 1, first, out, lent);
		return;
	}
	for (unsigned k = 0; k < 3; k++) {
		if (!n || !numbers_of(c, from, n, parse[k], numbers))
			continue;
		bytes_u8(out, ENC_INT + k);
		numbers_write(numbers, n, out);
		return;
	}
	if (count) {
		bytes_u8(out, ENC_DICT);
		bytes_u16(out, count);
		text_write(c, 0, count, first, out, NULL);
		small_write(codes, n, out);
		return;
	}
	if (tids_write(c, from, n, out) || decimals_write(c, from, n, out))
		return;
	bytes_u8(out, ENC_TEXT);
	text_write(c, from, n, NULL, out, lent);
}

void column_write_lent(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out)
{
	uint64_t len[SEGMENT_ROWS];

	bytes_u16(out, n);
	bytes_u8(out, ENC_TEXT);
	lengths_write(c, from, n, NULL, len, out);
}

/* ---- reading ---- */

static int text_read(struct peek *in, uint32_t n, struct segment *s)
{
	unsigned width = peek_u8(in);
	const unsigned char *p = width <= 4 ? peek_bytes(in, (size_t)width * n) : NULL;
	uint64_t end = 0;

	s->ends = malloc((n + 1) * sizeof *s->ends);
	if (!s->ends)
		return -ENOMEM;
	if (in->bad || (n && (!width || !p)))
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++) {
		for (unsigned b = 0; b < width; b++)
			end += (uint64_t)p[(size_t)b * n + i] << (8 * b);
		s->ends[i] = (uint32_t)end;
		if (end > UINT32_MAX)
			return -EBADMSG;
	}
	s->entries = n;
	s->text = peek_bytes(in, end);
	return in->bad ? -EBADMSG : 0;
}

/* A number below `limit` for each value. */
static int codes_read(struct peek *in, struct segment *s, uint32_t limit)
{
	int rc;

	s->codes = malloc((s->n + 1) * sizeof *s->codes);
	if (!s->codes)
		return -ENOMEM;
	rc = small_read(in, s->n, s->codes);
	return rc ? rc : small_below(s->codes, s->n, limit) ? 0 : -EBADMSG;
}

static int dict_read(struct peek *in, struct segment *s)
{
	int rc = text_read(in, peek_u16(in), s);

	return rc ? rc : codes_read(in, s, s->entries);
}

static int segment_numbers(struct peek *in, struct segment *s)
{
	s->numbers = malloc((s->n + 1) * sizeof *s->numbers);
	return s->numbers ? numbers_read(in, s->n, s->numbers) : -ENOMEM;
}

static uint32_t other_at(const struct segment *s, uint32_t k)
{
	return (uint32_t)(s->others[2 * k] | s->others[2 * k + 1] << 8);
}

static int tids_read(struct peek *in, struct segment *s)
{
	uint32_t others = peek_u16(in);
	int rc;

	s->others = peek_bytes(in, 2 * (size_t)others);
	rc = text_read(in, others, s);
	s->ids = peek_bytes(in, 16 * (size_t)s->n);
	if (rc || in->bad)
		return rc ? rc : -EBADMSG;
	for (uint32_t k = 0; k < others; k++)
		if (other_at(s, k) >= s->n || (k && other_at(s, k) <= other_at(s, k - 1)))
			return -EBADMSG;
	return 0;
}

int segment_read(struct peek *in, struct segment *s)
{
	int rc = 0;

	*s = (struct segment){0};
	s->n = peek_u16(in);
	s->encoding = (uint8_t)peek_u8(in);
	if (s->n > SEGMENT_ROWS)
		return -EBADMSG;
	switch (s->encoding) {
	case ENC_ONE:
		rc = text_read(in, 1, s);
		break;
	case ENC_DICT:
		rc = dict_read(in, s);
		break;
	case ENC_TEXT:
		rc = text_read(in, s->n, s);
		break;
	case ENC_TID:
		rc = tids_read(in, s);
		break;
	case ENC_INT:
	case ENC_HEX:
	case ENC_STAMP:
		rc = segment_numbers(in, s);
		break;
	case ENC_DECIMAL:
		rc = codes_read(in, s, sizeof units / sizeof *units << 4);
		if (!rc)
			rc = segment_numbers(in, s);
		break;
	default:
		rc = -EBADMSG;
	}
	if (rc)
		segment_free(s);
	return rc;
}

void segment_free(struct segment *s)
{
	free(s->ends);
	free(s->numbers);
	free(s->codes);
	*s = (struct segment){0};
}

/* v with its last digits behind a point, and a unit. */
static size_t fraction(int64_t v, unsigned how, char *buf)
{
	struct slice unit = units[how >> 4];
	unsigned behind = how & 15, minus = v < 0;
	size_t n;

	memset(buf, '0', 17);
	n = text_decimal(v, buf + 17);
	if (behind) {
		char *digits = buf + 17 + minus, *end = buf + 17 + n;

		if (minus)
			buf[17] = '0';
		if (n - minus <= behind) /* 0.05 */
			digits = end - behind - 1;
		memmove(end - behind + 1, end - behind, behind);
		end[-(int)behind] = '.';
		if (minus)
			*--digits = '-';
		n = (size_t)(end + 1 - digits);
		memmove(buf, digits, n);
	} else {
		memmove(buf, buf + 17, n);
	}
	memcpy(buf + n, unit.ptr, unit.len);
	return n + unit.len;
}

static size_t hex(const unsigned char *bytes, size_t n, char *buf)
{
	static const char digit[] = "0123456789abcdef";

	for (size_t i = 0; i < n; i++) {
		buf[2 * i] = digit[bytes[i] >> 4];
		buf[2 * i + 1] = digit[bytes[i] & 15];
	}
	return 2 * n;
}

static struct slice entry(const struct segment *s, uint32_t i)
{
	uint32_t start = i ? s->ends[i - 1] : 0;

	return (struct slice){s->text ? s->text + start : "", s->ends[i] - start};
}

/* The number of value i among the others; entries: it is an id. */
static uint32_t other_find(const struct segment *s, uint32_t i)
{
	uint32_t low = 0, high = s->entries;

	while (low < high) {
		uint32_t mid = (low + high) / 2;

		if (other_at(s, mid) < i)
			low = mid + 1;
		else
			high = mid;
	}
	return low < s->entries && other_at(s, low) == i ? low : s->entries;
}

struct slice segment_get(const struct segment *s, uint32_t i, char *buf)
{
	unsigned char big[8];
	uint32_t k;

	if (i >= s->n)
		return SLICE_NONE;
	switch (s->encoding) {
	case ENC_ONE:
		return entry(s, 0);
	case ENC_DICT:
		return entry(s, s->codes[i]);
	case ENC_TEXT:
		return entry(s, i);
	case ENC_TID:
		k = other_find(s, i);
		return k < s->entries ? entry(s, k) : (struct slice){buf, hex(s->ids + 16 * (size_t)i, 16, buf)};
	case ENC_INT:
		return (struct slice){buf, text_decimal(s->numbers[i], buf)};
	case ENC_DECIMAL:
		return (struct slice){buf, fraction(s->numbers[i], s->codes[i], buf)};
	case ENC_STAMP:
		return (struct slice){buf, stamp_print_iluvatar(s->numbers[i], buf)};
	default:
		for (unsigned k = 0; k < 8; k++)
			big[k] = (unsigned char)((uint64_t)s->numbers[i] >> (56 - 8 * k));
		return (struct slice){buf, hex(big, 8, buf)};
	}
}

static uint32_t tid_find(const struct segment *s, struct slice text)
{
	unsigned char id[16];

	if (!is_tid(text)) {
		for (uint32_t k = 0; k < s->entries; k++)
			if (slice_same(entry(s, k), text))
				return other_at(s, k);
		return s->n;
	}
	for (unsigned k = 0; k < 16; k++)
		id[k] = (unsigned char)(nibble(text.ptr[2 * k]) << 4 | nibble(text.ptr[2 * k + 1]));
	for (uint32_t i = 0; i < s->n; i++)
		if (!memcmp(s->ids + 16 * (size_t)i, id, 16) && other_find(s, i) == s->entries)
			return i;
	return s->n;
}

uint32_t segment_find(const struct segment *s, struct slice text)
{
	char buf[SEGMENT_TEXT];

	if (s->encoding == ENC_TID)
		return tid_find(s, text);
	for (uint32_t i = 0; i < s->n; i++)
		if (slice_same(segment_get(s, i, buf), text))
			return i;
	return s->n;
}

bool segment_texts(const struct segment *s, struct segment_text *out)
{
	if (s->encoding != ENC_ONE && s->encoding != ENC_DICT && s->encoding != ENC_TEXT)
		return false;
	*out = (struct segment_text){s->entries, s->ends, s->text ? s->text : "",
	                             s->encoding == ENC_DICT ? s->codes : NULL};
	return true;
}

bool segment_number(const struct segment *s, uint32_t i, double *out)
{
	static const double tens[] = {1,   1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
	                              1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
	int64_t v = i < s->n && s->numbers ? s->numbers[i] : 0;

	if (v < -(1LL << 53) || v > 1LL << 53)
		return false;
	if (s->encoding == ENC_INT)
		*out = (double)v;
	else if (s->encoding == ENC_DECIMAL && i < s->n && s->codes[i] < 16)
		*out = (double)v / tens[s->codes[i]]; /* of two exact numbers: rounded once, as strtod does */
	else
		return false;
	return true;
}

const int64_t *segment_integers(const struct segment *s)
{
	return s->encoding == ENC_INT ? s->numbers : NULL;
}

const int64_t *segment_words(const struct segment *s)
{
	return s->encoding == ENC_HEX ? s->numbers : NULL;
}

bool segment_duration(const struct segment *s, uint32_t i, int64_t *ns)
{
	static const int64_t unit_ns[] = {0, 1, 1000, 1000000, 1000000000}, tens[] = {1,
	                                                                              10,
	                                                                              100,
	                                                                              1000,
	                                                                              10000,
	                                                                              100000,
	                                                                              1000000,
	                                                                              10000000,
	                                                                              100000000,
	                                                                              1000000000,
	                                                                              10000000000,
	                                                                              100000000000,
	                                                                              1000000000000,
	                                                                              10000000000000,
	                                                                              100000000000000,
	                                                                              1000000000000000};
	unsigned unit = i < s->n && s->encoding == ENC_DECIMAL ? s->codes[i] >> 4 : 0;
	__int128 v;

	if (!unit)
		return false;
	v = (__int128)s->numbers[i] * unit_ns[unit] / tens[s->codes[i] & 15];
	*ns = (int64_t)v;
	return v == *ns;
}

bool segment_other(const struct segment *s, uint32_t k, uint32_t *i, struct slice *text)
{
	if (s->encoding != ENC_TID || k >= s->entries)
		return false;
	*i = other_at(s, k);
	*text = entry(s, k);
	return true;
}

bool segment_may_have(const struct segment *s, struct slice text)
{
	static const char *const printed[] = {
	    [ENC_INT] = "-0123456789",
	    [ENC_HEX] = "0123456789abcdef",
	    [ENC_STAMP] = "0123456789-: .",
	    [ENC_TID] = "0123456789abcdef",
	    [ENC_DECIMAL] = "-0123456789.nm\xc2\xb5s",
	};
	const char *chars = printed[s->encoding];

	if (!chars)
		return true;
	for (size_t i = 0; i < text.len; i++)
		if (!text.ptr[i] || !strchr(chars, text.ptr[i]))
			return false;
	return true;
}
