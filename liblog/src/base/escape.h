/* SPDX-License-Identifier: Apache-2.0 */
/* escape.h - bytes of unknown origin to the inside of a JSON string that is also safe to print on a terminal.
 *
 *   " and \             \" and \\
 *   \n \t \r \b \f      short forms, as serde_json writes them
 *   other C0, DEL       \u001b, \u007f
 *   C1 (U+0080-009F)    \u009b
 *   U+061C, U+200E/F, U+202A-202E, U+2066-2069 (bidi controls), U+2028/9 (line ends to JavaScript): \u202e
 *   invalid UTF-8       U+FFFD for each maximal subpart (Unicode 3.9, as WHATWG and Rust do)
 *   all else            as it is
 *
 * Input is never read past its end. */
#ifndef ESCAPE_H
#define ESCAPE_H

#include <stddef.h>

/* Room the output needs for `len` bytes of input; the last 32 are for wide stores past the end of the text. */
#define ESCAPE_ROOM(len) (6 * (size_t)(len) + 32)

/* Escape a whole string. out has room for ESCAPE_ROOM(len). Returns the length written; no NUL, no quotes around it. */
size_t escape_json(char *out, const char *text, size_t len);

/* The same into limited room: stops before the first character that does not fit, never inside one.
 *
 * out, cap  room for cap bytes of text; nothing is written past it
 * used      out: bytes of the input that were taken (== len: all of it)
 *
 * Returns the length written. */
size_t escape_json_part(char *out, size_t cap, const char *text, size_t len, size_t *used);

#endif
