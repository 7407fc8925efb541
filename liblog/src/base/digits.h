/* SPDX-License-Identifier: Apache-2.0 */
/* digits.h - eight decimal digits at once, in one 64-bit word.
 *
 * The word holds a digit a byte, the first in the lowest. Two four-digit halves are split into pairs, the pairs into
 * digits, by multiplications that divide both, then all four, in parallel; nothing branches and nothing is looked up.
 */
#ifndef DIGITS_H
#define DIGITS_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* Values of the digits, not characters; value < 10^8. */
static inline uint64_t digits_8(uint32_t value)
{
	uint64_t x = value / 10000 | (uint64_t)(value % 10000) << 32, part;

	part = (x * 10486 >> 20) & UINT64_C(0x0000007f0000007f); /* hundreds of numbers below 10^4 */
	x = part | (x - 100 * part) << 16;
	part = (x * 103 >> 10) & UINT64_C(0x000f000f000f000f); /* tens of numbers below 100 */
	return part | (x - 10 * part) << 8;
}

/* Write them as characters. */
static inline void digits_put(char out[8], uint64_t digits)
{
	digits += UINT64_C(0x3030303030303030);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
	digits = __builtin_bswap64(digits);
#endif
	memcpy(out, &digits, 8);
}

/* Without leading zeros; value < 10^8. Writes 8 bytes, of which the last ones are '0'. Returns how many count. */
static inline size_t digits_short(uint32_t value, char out[8])
{
	uint64_t digits = digits_8(value);
	unsigned zeros = (unsigned)__builtin_ctzll(digits | UINT64_C(1) << 56) / 8;

	digits_put(out, digits >> 8 * zeros);
	return 8 - zeros;
}

#endif
