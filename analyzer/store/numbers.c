/* SPDX-License-Identifier: GPL-3.0-or-later */
/* numbers.c - columns of numbers: byte planes, and arithmetic on all of a group's rows.
 *
 * A group has 8,192 rows of which a question may want three. What has to be done for all rows is done eight at a time, in vectors of 16 bytes
 * that every processor has instructions for. */
#include "store/column.h"

#include <errno.h>

typedef uint8_t bytes8 __attribute__((vector_size(8)));
typedef uint16_t shorts8 __attribute__((vector_size(16)));
typedef int16_t signed8 __attribute__((vector_size(16)));
typedef uint32_t words4 __attribute__((vector_size(16)));
typedef uint8_t bytes4 __attribute__((vector_size(4)));

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
	delta = numbers_width(most_delta) < numbers_width(most);
	for (uint32_t i = 0; i < n; i++)
		work[i] = !delta ? (uint64_t)v[i] - (uint64_t)least : i ? zigzag((uint64_t)v[i] - (uint64_t)v[i - 1]) : 0;
	bytes_u8(out, numbers_width(delta ? most_delta : most));
	bytes_u8(out, delta);
	bytes_u64(out, (uint64_t)(delta && n ? v[0] : least));
	numbers_planes(work, n, numbers_width(delta ? most_delta : most), out);
}

static inline words4 words(const unsigned char *p)
{
	bytes4 v;

	memcpy(&v, p, sizeof v);
	return __builtin_convertvector(v, words4);
}

/* The first `width` planes, up to four, side by side. */
static void planes_join(const unsigned char *p, uint32_t n, unsigned width, uint64_t *out)
{
	uint32_t i = 0;

	for (; i + 4 <= n; i += 4) {
		words4 v = {0};

		for (unsigned b = 0; b < width; b++)
			v |= words(p + (size_t)b * n + i) << 8 * b;
		for (unsigned k = 0; k < 4; k++)
			out[i + k] = v[k];
	}
	for (; i < n; i++) {
		out[i] = 0;
		for (unsigned b = 0; b < width; b++)
			out[i] |= (uint64_t)p[(size_t)b * n + i] << 8 * b;
	}
}

static void plane_add(uint64_t *v, const unsigned char *p, uint32_t n, unsigned shift)
{
	for (uint32_t i = 0; i < n; i++)
		v[i] |= (uint64_t)p[i] << shift;
}

static void add_up(uint64_t *v, uint32_t n, bool delta, uint64_t base)
{
	if (!delta) {
		for (uint32_t i = 0; i < n; i++)
			v[i] += base;
		return;
	}
	for (uint32_t i = 0; i < n; i++)
		v[i] = base += (v[i] >> 1) ^ -(v[i] & 1);
}

int numbers_read(struct peek *in, uint32_t n, int64_t *out)
{
	unsigned width = peek_u8(in), delta = peek_u8(in);
	uint64_t base = peek_u64(in);
	const unsigned char *p = width <= 8 && n <= SEGMENT_ROWS ? peek_bytes(in, (size_t)width * n) : NULL;

	if (in->bad || !p)
		return -EBADMSG;
	planes_join(p, n, width < 4 ? width : 4, (uint64_t *)out);
	for (unsigned b = 4; b < width; b++)
		plane_add((uint64_t *)out, p + (size_t)b * n, n, 8 * b);
	add_up((uint64_t *)out, n, delta, base);
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

/* Only numbers with a sign can be compared by one instruction: their order is the same once the highest bit is turned round. */
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
