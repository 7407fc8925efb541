/* SPDX-License-Identifier: Apache-2.0 */
/* dtoa.c - shortest decimals of doubles by Schubfach, and integers eight digits at a time.
 *
 * Raffaello Giulietti, "The Schubfach way to render doubles" (2021), the algorithm of Java's Double.toString since 19.
 * A double v = c * 2^q stands for all reals nearer to it than to its neighbours: an interval around v, closed when c is
 * even. With 10^k the largest power of ten not above the interval's length, at most two multiples of 10^(k+1) and at
 * least one of 10^k lie in it. So the shortest decimal is found among four candidates, s' and s'+1 times 10^(k+1), s
 * and s+1 times 10^k, by comparing with the interval's ends. No loop, no big numbers: v and the ends, scaled by 4 *
 * 10^-k, are one 128 x 64 bit multiplication each, rounded to odd (the last bit tells whether anything was cut off),
 * which keeps every comparison exact.
 *
 * Most numbers that people log are shorter than that: 0.25, 12.345. A decimal of at most 15 digits that reads back as v
 * is the only one so short (a double tells all of them apart), hence the shortest. So first v is tried as a whole
 * number of millionths m below 10^15: division is correctly rounded, so m / 10^6 == v says that the decimal m / 10^6
 * reads back as v. */
#include "base/dtoa.h"

#include "base/digits.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "base/dtoa_pow10.h"

/* ---- integers ---- */

void itoa_2(uint32_t value, char *out)
{
	out[0] = (char)('0' + value / 10);
	out[1] = (char)('0' + value % 10);
}

void itoa_9(uint32_t value, char *out)
{
	out[0] = (char)('0' + value / 100000000);
	digits_put(out + 1, digits_8(value % 100000000));
}

size_t itoa_u64(uint64_t value, char *out)
{
	size_t len;

	if (value < 100000000)
		return digits_short((uint32_t)value, out);
	len = itoa_u64(value / 100000000, out);
	digits_put(out + len, digits_8((uint32_t)(value % 100000000)));
	return len + 8;
}

size_t itoa_i64(int64_t value, char *out)
{
	if (value >= 0)
		return itoa_u64((uint64_t)value, out);
	*out = '-';
	return 1 + itoa_u64(-(uint64_t)value, out + 1);
}

/* ---- Schubfach ---- */

/* digits * 10^exponent */
struct decimal {
	uint64_t digits;
	int exponent;
};

/* The logarithms are exact for all exponents of doubles (section 9.2.1 of the paper). */
static int floor_log10_pow2(int e)
{
	return (e * 1262611) >> 22;
}

static int floor_log10_three_quarters_pow2(int e)
{
	return (e * 1262611 - 524031) >> 22;
}

static int floor_log2_pow10(int e)
{
	return (e * 1741647) >> 19;
}

/* g * c / 2^128, with the last bit set when the result is not exact (section 9.9). */
static uint64_t multiply_to_odd(int k, uint64_t c)
{
	unsigned __int128 low = (unsigned __int128)pow10_table[k - POW10_MIN].lo * c;
	unsigned __int128 high = (unsigned __int128)pow10_table[k - POW10_MIN].hi * c + (uint64_t)(low >> 64);

	return (uint64_t)(high >> 64) | ((uint64_t)high > 1);
}

/* v = c * 2^q; `uneven`: c is a power of two, so the lower neighbour is only half as far. */
static struct decimal shortest(uint64_t c, int q, bool uneven)
{
	int k = uneven ? floor_log10_three_quarters_pow2(q) : floor_log10_pow2(q);
	int shift = q + floor_log2_pow10(-k) + 1;
	uint64_t odd = c & 1;
	uint64_t v4 = multiply_to_odd(-k, 4 * c << shift);
	uint64_t low = multiply_to_odd(-k, (4 * c - 2 + uneven) << shift) + odd;
	uint64_t high = multiply_to_odd(-k, (4 * c + 2) << shift) - odd;
	uint64_t s = v4 / 4, tens = s / 10;
	bool below, above, up;

	if (s >= 10) {
		below = low <= 40 * tens;
		above = 40 * tens + 40 <= high;
		if (below != above)
			return (struct decimal){tens + above, k + 1};
	}
	below = low <= 4 * s;
	above = 4 * s + 4 <= high;
	if (below != above)
		return (struct decimal){s + above, k};
	up = v4 > 4 * s + 2 || (v4 == 4 * s + 2 && (s & 1));
	return (struct decimal){s + up, k};
}

/* ---- the text ---- */

#define WIDE 24 /* bytes that are copied for up to 17 digits: a constant is one or two moves */
#define ROOM 64

static size_t put_exponent(char *out, int exponent)
{
	*out = 'e';
	return 1 + itoa_i64(exponent, out + 1);
}

/* ryu's "pretty" layout. Behind the `len` digits are zeros, so that copying too much of them fills up. out has ROOM. */
static size_t layout(char *out, const char *digits, int len, int exponent)
{
	int point = len + exponent; /* where the decimal point is, counted from the first digit */

	if (point > 0 && point <= 16) { /* 12.34 and 12340000000.0 */
		memcpy(out, digits, WIDE);
		out[point] = '.';
		memcpy(out + point + 1, digits + point, WIDE);
		return (size_t)(exponent < 0 ? len : point + 1) + 1;
	}
	if (point > -5 && point <= 0) { /* 0.001234 */
		memcpy(out, "0.0000", 6);
		memcpy(out + 2 - point, digits, WIDE);
		return (size_t)(2 - point + len);
	}
	out[0] = digits[0]; /* 1e30, 1.234e33 */
	out[1] = '.';
	memcpy(out + 2, digits + 1, WIDE);
	len += len > 1;
	return (size_t)len + put_exponent(out + len, point - 1);
}

static size_t put_decimal(char *out, struct decimal decimal)
{
	char digits[ROOM], text[ROOM];
	int len, exponent = decimal.exponent;
	size_t n;

	if (decimal.digits % 100000000 == 0) { /* short numbers have many zeros here */
		decimal.digits /= 100000000;
		exponent += 8;
	}
	memset(digits, '0', sizeof digits);
	len = (int)itoa_u64(decimal.digits, digits);
	for (; len > 1 && digits[len - 1] == '0'; len--)
		exponent++;
	n = layout(text, digits, len, exponent);
	memcpy(out, text, DTOA_MAX - 1); /* -1: the sign is already there, or will not come */
	return n;
}

static size_t put_whole(char *out, uint64_t whole)
{
	size_t n = itoa_u64(whole, out);

	memcpy(out + n, ".0", 2);
	return n + 2;
}

/* Not whole, from 0.001 to 10^9, and exact in millionths: see above. Returns 0 for all others. */
static size_t put_short(char *out, double value)
{
	uint64_t millionths, digits;
	size_t n;

	if (!(value >= 1e-3 && value < 1e9))
		return 0;
	millionths = (uint64_t)(int64_t)(value * 1e6 + 0.5);
	digits = digits_8((uint32_t)(millionths % 1000000) * 100);
	if ((double)(int64_t)millionths / 1e6 != value || !digits)
		return 0;
	n = itoa_u64(millionths / 1000000, out);
	out[n] = '.';
	digits_put(out + n + 1, digits);
	return n + 1 + 8 - (unsigned)__builtin_clzll(digits) / 8;
}

size_t dtoa_json(double value, char *out)
{
	uint64_t bits, fraction, whole;
	unsigned biased;
	char *p = out;
	size_t short_len;

	memcpy(&bits, &value, sizeof bits);
	fraction = bits & ((UINT64_C(1) << 52) - 1);
	biased = (unsigned)(bits >> 52) & 0x7ff;
	if (biased == 0x7ff) {
		memcpy(out, "null", 4);
		return 4;
	}
	if (bits >> 63)
		*p++ = '-';
	/* Below 2^53 an integer's own digits are its shortest decimal: the neighbours are at most 1 away. */
	value = fabs(value);
	whole = value < 0x1p53 ? (uint64_t)value : 0;
	if (value < 0x1p53 && (double)whole == value) {
		p += put_whole(p, whole);
	} else if ((short_len = put_short(p, value)) != 0) {
		p += short_len;
	} else if (biased) {
		p +=
		    put_decimal(p, shortest(fraction | UINT64_C(1) << 52, (int)biased - 1075, !fraction && biased > 1));
	} else {
		p += put_decimal(p, shortest(fraction, -1074, false));
	}
	return (size_t)(p - out);
}
