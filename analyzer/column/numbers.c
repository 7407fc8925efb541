/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numbers.c - columns of numbers: byte planes, and arithmetic on all of a group's rows.
 *
 * A group has 8,192 rows of which a question may want three. What has to be done for all rows is done eight at a time,
 * in vectors of 16 bytes that every processor has instructions for. */
#include "column/column.h"

#include <errno.h>

typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef uint16_t shorts8 __attribute__((vector_size(16)));
typedef int16_t signed8 __attribute__((vector_size(16)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef uint8_t bytes16 __attribute__((vector_size(16)));

#define WEAVE  __builtin_shufflevector
#define LITTLE (__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)

#define LANES 8

static inline shorts8 widened(const unsigned char *p)
{
	bytes8 v;

	memcpy(&v, p, sizeof v);
	return __builtin_convertvector(v, shorts8);
}

static inline shorts8 loaded(const uint16_t *p)
{
	shorts8 v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* ---- 64 bits ---- */

unsigned numbers_width(uint64_t max)
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
void numbers_planes(const uint64_t *v, uint32_t n, unsigned width, struct bytes *out)
{
	unsigned char plane[SEGMENT_ROWS];

	for (unsigned b = 0; b < width; b++) {
		for (uint32_t i = 0; i < n; i++)
			plane[i] = (unsigned char)(v[i] >> (8 * b));
		bytes_add(out, plane, n);
	}
}

static const uint64_t units[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

#define UNITS (sizeof units / sizeof *units)

/* Times of a clock that shows less than ns: the largest unit that all differ by. */
static unsigned unit_of(const int64_t *v, uint32_t n)
{
	unsigned unit = UNITS - 1;

	for (uint32_t i = 1; i < n && unit; i++) {
		int64_t d;

		if (__builtin_sub_overflow(v[i], v[0], &d))
			return 0;
		while (d % (int64_t)units[unit])
			unit--;
	}
	return n > 1 ? unit : 0;
}

/* u8 width, u8 whether differences and twice the power of ten that is the unit, u64 first or least, planes. */
void numbers_write(const int64_t *v, uint32_t n, struct bytes *out)
{
	uint64_t work[SEGMENT_ROWS], most = 0, most_delta = 0, before = 0;
	unsigned unit = unit_of(v, n);
	int64_t least = n ? v[0] : 0;
	bool delta;

	for (uint32_t i = 0; i < n; i++)
		least = v[i] < least ? v[i] : least;
	for (uint32_t i = 0; i < n; i++) {
		uint64_t d = (uint64_t)v[i] - (uint64_t)least, z;

		d = unit ? d / units[unit] : d;
		z = i ? zigzag(d - before) : 0;
		before = work[i] = d;
		most = d > most ? d : most;
		most_delta = z > most_delta ? z : most_delta;
	}
	delta = numbers_width(most_delta) < numbers_width(most);
	for (uint32_t i = n; delta && i--;)
		work[i] = i ? zigzag(work[i] - work[i - 1]) : 0;
	bytes_u8(out, numbers_width(delta ? most_delta : most));
	bytes_u8(out, delta | unit << 1);
	bytes_u64(out, (uint64_t)(delta && n ? v[0] : least));
	numbers_planes(work, n, numbers_width(delta ? most_delta : most), out);
}

/* Sixteen values of four planes as words: each step puts the bytes of two side by side. */
static inline void weave(bytes16 a, bytes16 b, bytes16 c, bytes16 d, words4 *out)
{
	shorts8 low[2] = {(shorts8)WEAVE(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
	                  (shorts8)WEAVE(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)};
	shorts8 high[2] = {(shorts8)WEAVE(c, d, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23),
	                   (shorts8)WEAVE(c, d, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)};

	for (unsigned k = 0; k < 2; k++) {
		out[2 * k] = (words4)WEAVE(low[k], high[k], 0, 8, 1, 9, 2, 10, 3, 11);
		out[2 * k + 1] = (words4)WEAVE(low[k], high[k], 4, 12, 5, 13, 6, 14, 7, 15);
	}
}

static inline bytes16 sixteen(const unsigned char *p)
{
	bytes16 v;

	memcpy(&v, p, sizeof v);
	return v;
}

/* The first `width` planes, up to four, side by side; differences without their zigzag. */
static void words_read(const unsigned char *p, uint32_t n, unsigned width, bool delta, uint32_t *out)
{
	const bytes16 none = {0};
	uint32_t i = 0;

	for (; LITTLE && i + 16 <= n; i += 16) {
		const unsigned char *at = p + i;
		words4 v[4];

		weave(width > 0 ? sixteen(at) : none, width > 1 ? sixteen(at + n) : none,
		      width > 2 ? sixteen(at + 2 * (size_t)n) : none, width > 3 ? sixteen(at + 3 * (size_t)n) : none,
		      v);
		for (unsigned k = 0; delta && k < 4; k++)
			v[k] = (v[k] >> 1) ^ -(v[k] & 1);
		memcpy(out + i, v, sizeof v);
	}
	for (; i < n; i++) {
		uint32_t v = 0;

		for (unsigned b = 0; b < width; b++)
			v |= (uint32_t)p[(size_t)b * n + i] << 8 * b;
		out[i] = delta ? (v >> 1) ^ -(v & 1) : v;
	}
}

static void narrow_read(const unsigned char *p, uint32_t n, unsigned width, bool delta, uint64_t base, uint64_t *out)
{
	uint32_t v[SEGMENT_ROWS];

	words_read(p, n, width, delta, v);
	for (uint32_t i = 0; delta && i < n; i++)
		out[i] = base += (uint64_t)(int64_t)(int32_t)v[i];
	for (uint32_t i = 0; !delta && i < n; i++)
		out[i] = base + v[i];
}

static void wide_read(const unsigned char *p, uint32_t n, unsigned width, bool delta, uint64_t base, uint64_t *out)
{
	uint32_t low[SEGMENT_ROWS];

	words_read(p, n, 4, false, low);
	for (uint32_t i = 0; i < n; i++)
		out[i] = low[i];
	for (unsigned b = 4; b < width; b++)
		for (uint32_t i = 0; i < n; i++)
			out[i] |= (uint64_t)p[(size_t)b * n + i] << 8 * b;
	for (uint32_t i = 0; i < n; i++)
		out[i] = delta ? base += (out[i] >> 1) ^ -(out[i] & 1) : base + out[i];
}

int numbers_read(struct peek *in, uint32_t n, int64_t *out)
{
	unsigned width = peek_u8(in), how = peek_u8(in), delta = how & 1;
	uint64_t base = peek_u64(in), *v = (uint64_t *)out;
	const unsigned char *p = width <= 8 && n <= SEGMENT_ROWS ? peek_bytes(in, (size_t)width * n) : NULL;

	if (in->bad || !p || how >> 1 >= UNITS)
		return -EBADMSG;
	if (width <= 4)
		narrow_read(p, n, width, delta, base, v);
	else
		wide_read(p, n, width, delta, base, v);
	for (uint32_t i = 0; how > 1 && i < n; i++)
		v[i] = base + (v[i] - base) * units[how >> 1];
	return 0;
}

/* ---- 16 bits ---- */

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
	numbers_planes(work, n, most > 0xff ? 2 : 1, out);
}

static void small_wide(const unsigned char *p, uint32_t n, uint16_t *out)
{
	const unsigned char *high = p + n;
	uint32_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		shorts8 v = widened(p + i) | widened(high + i) << 8;

		memcpy(out + i, &v, sizeof v);
	}
	for (; i < n; i++)
		out[i] = (uint16_t)(p[i] | high[i] << 8);
}

static void small_narrow(const unsigned char *p, uint32_t n, uint16_t *out)
{
	uint32_t i = 0;

	for (; i + LANES <= n; i += LANES) {
		shorts8 v = widened(p + i);

		memcpy(out + i, &v, sizeof v);
	}
	for (; i < n; i++)
		out[i] = p[i];
}

int small_read(struct peek *in, uint32_t n, uint16_t *out)
{
	unsigned width = peek_u8(in), same = width ? 0 : peek_u16(in);
	const unsigned char *p = width <= 2 && n <= SEGMENT_ROWS ? peek_bytes(in, (size_t)width * n) : NULL;

	if (in->bad || (!p && width) || width > 2 || n > SEGMENT_ROWS)
		return -EBADMSG;
	if (width == 2)
		small_wide(p, n, out);
	else if (width)
		small_narrow(p, n, out);
	else
		for (uint32_t i = 0; i < n; i++)
			out[i] = (uint16_t)same;
	return 0;
}

/* Only numbers with a sign can be compared by one instruction: their order is the same once the highest bit is turned
 * round. */
bool small_below(const uint16_t *v, uint32_t n, uint32_t limit)
{
	signed8 above = {0};
	bool bad = false;
	uint32_t i = 0;

	if (!limit || limit > 0xffff)
		return limit || !n;
	for (; i + LANES <= n; i += LANES)
		above |= (signed8)(loaded(v + i) ^ 0x8000) > (int16_t)((limit - 1) ^ 0x8000);
	for (; i < n; i++)
		bad |= v[i] >= limit;
	for (unsigned k = 0; k < LANES; k++)
		bad |= above[k];
	return !bad;
}

uint32_t small_count(const uint16_t *v, uint32_t n, uint16_t what)
{
	shorts8 lanes = {0};
	uint32_t i = 0, count = 0;

	for (; i + LANES <= n; i += LANES)
		lanes -= (shorts8)(loaded(v + i) == what);
	for (; i < n; i++)
		count += v[i] == what;
	for (unsigned k = 0; k < LANES; k++)
		count += lanes[k];
	return count;
}
