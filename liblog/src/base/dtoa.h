/* SPDX-License-Identifier: Apache-2.0 */
/* dtoa.h - numbers to text, shortest and fast.
 *
 * Nothing here writes a final NUL, allocates or looks at the locale. */
#ifndef DTOA_H
#define DTOA_H

#include <stddef.h>
#include <stdint.h>

#define DTOA_MAX 25 /* room for any double: "-2.2250738585072014e-308" has 24 */
#define ITOA_MAX 20 /* room for any integer: "-9223372036854775808" */

/* The shortest decimal that reads back as exactly this double, the one closest to it where several are as short.
 * Written as serde_json and ryu write it, always with a point or an exponent, so that a reader keeps the type:
 * 2.0, 0.1, -0.0, 1e-7, 1e21, 1.7976931348623157e308. Infinities and NaN have no JSON number: "null".
 * out has room for DTOA_MAX. Returns the length. */
size_t dtoa_json(double value, char *out);

/* Decimal integers; out has room for ITOA_MAX. Return the length. */
size_t itoa_u64(uint64_t value, char *out);
size_t itoa_i64(int64_t value, char *out);

/* Exactly nine digits with leading zeros, for fractions of a second; value < 10^9. */
void itoa_9(uint32_t value, char *out);

/* Exactly two digits; value < 100. */
void itoa_2(uint32_t value, char *out);

#endif
