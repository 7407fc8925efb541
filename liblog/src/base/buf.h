/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - a text that grows. Writers ask for room once and then write without checks. */
#ifndef BUF_H
#define BUF_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct buf {
	char *text;
	size_t len, cap;
	bool (*grow)(struct buf *b, size_t cap); /* NULL: from the heap */
};

/* Room for `more` bytes after len. false: no memory, nothing changed. */
static inline bool buf_room(struct buf *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 256;
	char *text;

	if (__builtin_expect(b->cap - b->len >= more, 1))
		return true;
	while (cap - b->len < more)
		cap *= 2;
	if (b->grow)
		return b->grow(b, cap);
	text = realloc(b->text, cap);
	if (!text)
		return false;
	b->text = text;
	b->cap = cap;
	return true;
}

static inline void buf_done(struct buf *b)
{
	if (!b->grow)
		free(b->text);
	memset(b, 0, sizeof *b);
}

/* Append at a bare pointer whose room was asked for. */
static inline char *put(char *at, const char *text, size_t len)
{
	memcpy(at, text, len);
	return at + len;
}

/* The same for texts of a few words, without a call: in steps of 32 bytes, so that up to PUT_SLACK bytes after the text
 * are read, and as many after its copy written. */
#define PUT_SLACK 32

static inline char *put_wide(char *at, const char *text, size_t len)
{
	size_t n = 0;

	do {
		memcpy(at + n, text + n, 32);
		n += 32;
	} while (__builtin_expect(n < len, 0));
	return at + len;
}

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

#endif
