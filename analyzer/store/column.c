/* SPDX-License-Identifier: GPL-3.0-or-later */
/* column.c - segments of values: choosing an encoding, writing and reading it. */
#include "store/column.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdlib.h>

enum encoding {
	ENC_ONE = 1,	/* one value for all */
	ENC_DICT = 2,	/* distinct values and a code for each row */
	ENC_TEXT = 3,	/* lengths, then text */
	ENC_INT = 4,	/* numbers that are printed in decimal */
	ENC_HEX = 5,	/* 16 lower-case hex digits */
	ENC_STAMP = 6,	/* Ilúvatar's times */
	ENC_TID = 7	/* 32 lower-case hex digits */
};

#define DICT_MAX 1024 /* distinct values of a dictionary */

int column_add(struct column *c, const char *p, size_t len)
{
	if (c->n == c->room) {
		uint32_t room = c->room ? c->room * 2 : 16;
		uint32_t *ends = realloc(c->ends, room * sizeof *ends);

		if (!ends)
			return -ENOMEM;
		c->ends = ends;
		c->room = room;
	}
	bytes_add(&c->text, p, len);
	c->ends[c->n++] = (uint32_t)c->text.len;
	return c->text.failed ? -ENOMEM : 0;
}

void column_clear(struct column *c)
{
	c->n = 0;
	c->text.len = 0;
}

void column_free(struct column *c)
{
	free(c->ends);
	bytes_free(&c->text);
	*c = (struct column){0};
}

static struct slice value_at(const struct column *c, uint32_t i)
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

static bool numbers_of(const struct column *c, uint32_t from, uint32_t n, bool (*parse)(struct slice, int64_t *), int64_t *out)
{
	for (uint32_t i = 0; i < n; i++)
		if (!parse(value_at(c, from + i), &out[i]))
			return false;
	return true;
}

static unsigned width_of(uint64_t max)
{
	unsigned w = 1;

	while (w < 8 && max >> (8 * w))
		w++;
	return w;
}

static uint64_t zigzag(uint64_t d)
{
	return d << 1 ^ -(d >> 63);
}

/* Byte planes: all lowest bytes, then the next: like stands beside like. */
static void planes_write(const uint64_t *v, uint32_t n, unsigned width, struct bytes *out)
{
	unsigned char plane[SEGMENT_ROWS];

	for (unsigned b = 0; b < width; b++) {
		for (uint32_t i = 0; i < n; i++)
			plane[i] = (unsigned char)(v[i] >> (8 * b));
		bytes_add(out, plane, n);
	}
}

/* u8 width, u8 whether differences, u64 first or least, planes. */
void numbers_write(const int64_t *v, uint32_t n, struct bytes *out)
{
	uint64_t work[SEGMENT_ROWS], most = 0, most_delta = 0;
	int64_t least = n ? v[0] : 0;
	bool delta;

	for (uint32_t i = 0; i < n; i++)
		least = v[i] < least ? v[i] : least;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t d = (uint64_t)v[i] - (uint64_t)least, z = i ? zigzag((uint64_t)v[i] - (uint64_t)v[i - 1]) : 0;

		most = d > most ? d : most;
		most_delta = z > most_delta ? z : most_delta;
	}
	delta = width_of(most_delta) < width_of(most);
	for (uint32_t i = 0; i < n; i++)
		work[i] = !delta ? (uint64_t)v[i] - (uint64_t)least : i ? zigzag((uint64_t)v[i] - (uint64_t)v[i - 1]) : 0;
	bytes_u8(out, width_of(delta ? most_delta : most));
	bytes_u8(out, delta);
	bytes_u64(out, (uint64_t)(delta && n ? v[0] : least));
	planes_write(work, n, width_of(delta ? most_delta : most), out);
}

int numbers_read(struct peek *in, uint32_t n, int64_t *out)
{
	unsigned width = peek_u8(in), delta = peek_u8(in);
	uint64_t base = peek_u64(in);
	const unsigned char *p = width <= 8 && n <= SEGMENT_ROWS ? peek_bytes(in, (size_t)width * n) : NULL;

	if (in->bad || !p)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t v = 0;

		for (unsigned b = 0; b < width; b++)
			v |= (uint64_t)p[(size_t)b * n + i] << (8 * b);
		if (delta)
			v = base += (v >> 1) ^ -(v & 1);
		else
			v += base;
		out[i] = (int64_t)v;
	}
	return 0;
}

/* u8 width (0: all are the number that follows), planes. */
void small_write(const uint16_t *v, uint32_t n, struct bytes *out)
{
	uint64_t work[SEGMENT_ROWS];
	unsigned most = 0, least = 0xffff;

	for (uint32_t i = 0; i < n; i++) {
		work[i] = v[i];
		most = v[i] > most ? v[i] : most;
		least = v[i] < least ? v[i] : least;
	}
	if (most == least) {
		bytes_u8(out, 0);
		bytes_u16(out, most);
		return;
	}
	bytes_u8(out, most > 0xff ? 2 : 1);
	planes_write(work, n, most > 0xff ? 2 : 1, out);
}

int small_read(struct peek *in, uint32_t n, uint16_t *out)
{
	unsigned width = peek_u8(in), same = width ? 0 : peek_u16(in);
	const unsigned char *p = width <= 2 && n <= SEGMENT_ROWS ? peek_bytes(in, (size_t)width * n) : NULL;

	if (in->bad || (!p && width) || width > 2 || n > SEGMENT_ROWS)
		return -EBADMSG;
	for (uint32_t i = 0; i < n; i++)
		out[i] = (uint16_t)(width == 0 ? same : width == 1 ? p[i] : (unsigned)(p[i] | p[n + i] << 8));
	return 0;
}

int small_skip(struct peek *in, uint32_t n)
{
	unsigned width = peek_u8(in);

	peek_bytes(in, width ? (size_t)width * n : 2);
	return in->bad || width > 2 ? -EBADMSG : 0;
}

/* ---- text ---- */

/* u8 width of the lengths, lengths in planes, the text of the values picked by order (NULL: from ... from + n). */
static void text_write(const struct column *c, uint32_t from, uint32_t n, const uint32_t *order, struct bytes *out)
{
	uint64_t len[SEGMENT_ROWS], most = 0;

	for (uint32_t i = 0; i < n; i++) {
		len[i] = value_at(c, order ? order[i] : from + i).len;
		most = len[i] > most ? len[i] : most;
	}
	bytes_u8(out, width_of(most));
	planes_write(len, n, width_of(most), out);
	if (!order && n) {
		uint32_t start = from ? c->ends[from - 1] : 0;

		bytes_add(out, c->text.ptr + start, c->ends[from + n - 1] - start);
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		bytes_add(out, value_at(c, order[i]).ptr, len[i]);
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

static bool tids_write(const struct column *c, uint32_t from, uint32_t n, struct bytes *out)
{
	for (uint32_t i = 0; i < n; i++)
		if (!is_tid(value_at(c, from + i)))
			return false;
	bytes_u8(out, ENC_TID);
	for (uint32_t i = 0; i < n; i++) {
		struct slice s = value_at(c, from + i);

		for (size_t k = 0; k < 32; k += 2)
			bytes_u8(out, nibble(s.ptr[k]) << 4 | nibble(s.ptr[k + 1]));
	}
	return true;
}

/* Codes for the values where there are few distinct ones; their number, or 0. first[k] is where value k occurs first. */
static uint32_t dictionary(const struct column *c, uint32_t from, uint32_t n, uint16_t *codes, uint32_t *first)
{
	uint16_t table[4 * DICT_MAX] = {0}; /* code + 1 */
	uint32_t count = 0, most = n / 4 < DICT_MAX ? n / 4 + 1 : DICT_MAX;

	for (uint32_t i = 0; i < n; i++) {
		struct slice s = value_at(c, from + i);
		uint32_t h = 2166136261u;

		for (size_t k = 0; k < s.len; k++)
			h = (h ^ (unsigned char)s.ptr[k]) * 16777619u;
		for (h ^= h >> 15;; h++) {
			uint16_t *t = &table[h % (4 * DICT_MAX)];

			if (*t && !slice_same(s, value_at(c, first[*t - 1])))
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

void column_write(const struct column *c, uint32_t from, uint32_t n, struct bytes *out)
{
	static bool (*const parse[])(struct slice, int64_t *) = {number_of, hex_of, stamp_of};
	int64_t numbers[SEGMENT_ROWS];
	uint16_t codes[SEGMENT_ROWS];
	uint32_t first[DICT_MAX], count;

	bytes_u16(out, n);
	count = dictionary(c, from, n, codes, first);
	if (count == 1) {
		bytes_u8(out, ENC_ONE);
		text_write(c, 0, 1, first, out);
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
		text_write(c, 0, count, first, out);
		small_write(codes, n, out);
		return;
	}
	if (tids_write(c, from, n, out))
		return;
	bytes_u8(out, ENC_TEXT);
	text_write(c, from, n, NULL, out);
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

static int dict_read(struct peek *in, struct segment *s)
{
	uint16_t *codes;
	int rc = text_read(in, peek_u16(in), s);

	if (rc)
		return rc;
	codes = malloc((s->n + 1) * sizeof *codes);
	if (!codes)
		return -ENOMEM;
	rc = small_read(in, s->n, codes);
	s->codes = (const unsigned char *)codes;
	for (uint32_t i = 0; !rc && i < s->n; i++)
		if (codes[i] >= s->entries)
			rc = -EBADMSG;
	return rc;
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
		s->text = peek_bytes(in, 16 * (size_t)s->n);
		rc = in->bad ? -EBADMSG : 0;
		break;
	case ENC_INT: case ENC_HEX: case ENC_STAMP:
		s->numbers = malloc((s->n + 1) * sizeof *s->numbers);
		rc = s->numbers ? numbers_read(in, s->n, s->numbers) : -ENOMEM;
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
	free((void *)s->codes);
	*s = (struct segment){0};
}

static size_t decimal(int64_t v, char *buf)
{
	char tmp[24], *p = tmp + sizeof tmp;
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	do
		*--p = (char)('0' + u % 10);
	while (u /= 10);
	if (v < 0)
		*--p = '-';
	memcpy(buf, p, (size_t)(tmp + sizeof tmp - p));
	return (size_t)(tmp + sizeof tmp - p);
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

struct slice segment_get(const struct segment *s, uint32_t i, char *buf)
{
	unsigned char big[8];

	if (i >= s->n)
		return SLICE_NONE;
	switch (s->encoding) {
	case ENC_ONE:
		return entry(s, 0);
	case ENC_DICT:
		return entry(s, ((const uint16_t *)s->codes)[i]);
	case ENC_TEXT:
		return entry(s, i);
	case ENC_TID:
		return (struct slice){buf, hex((const unsigned char *)s->text + 16 * (size_t)i, 16, buf)};
	case ENC_INT:
		return (struct slice){buf, decimal(s->numbers[i], buf)};
	case ENC_STAMP:
		return (struct slice){buf, stamp_print_iluvatar(s->numbers[i], buf)};
	default:
		for (unsigned k = 0; k < 8; k++)
			big[k] = (unsigned char)((uint64_t)s->numbers[i] >> (56 - 8 * k));
		return (struct slice){buf, hex(big, 8, buf)};
	}
}

uint32_t segment_find(const struct segment *s, struct slice text)
{
	unsigned char id[16];
	char buf[SEGMENT_TEXT];

	if (s->encoding == ENC_TID) {
		if (!is_tid(text))
			return s->n;
		for (unsigned k = 0; k < 16; k++)
			id[k] = (unsigned char)(nibble(text.ptr[2 * k]) << 4 | nibble(text.ptr[2 * k + 1]));
		for (uint32_t i = 0; i < s->n; i++)
			if (!memcmp(s->text + 16 * (size_t)i, id, 16))
				return i;
		return s->n;
	}
	for (uint32_t i = 0; i < s->n; i++)
		if (slice_same(segment_get(s, i, buf), text))
			return i;
	return s->n;
}

bool segment_texts(const struct segment *s, struct segment_text *out)
{
	if (s->encoding != ENC_ONE && s->encoding != ENC_DICT && s->encoding != ENC_TEXT)
		return false;
	*out = (struct segment_text){s->entries, s->ends, s->text ? s->text : "", s->encoding == ENC_DICT ? (const uint16_t *)s->codes : NULL};
	return true;
}
