/* SPDX-License-Identifier: GPL-3.0-or-later */
/* slice.h - a piece of somebody else's bytes. */
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ptr is NULL where there is nothing; not NUL-terminated; borrowed from whoever made it. */
struct slice {
	const char *ptr;
	size_t len;
};

#define SLICE(literal) ((struct slice){"" literal, sizeof(literal) - 1})
#define SLICE_NONE     ((struct slice){NULL, 0})

static inline bool slice_is(struct slice s, const char *text)
{
	size_t len = strlen(text);

	return s.ptr && s.len == len && !memcmp(s.ptr, text, len);
}

static inline bool slice_same(struct slice a, struct slice b)
{
	return a.len == b.len && (!a.len || !memcmp(a.ptr, b.ptr, a.len));
}

/* Byte by byte, of two that begin alike the shorter one first: below 0, 0, above. Nothing is as an empty one. */
static inline int slice_compare(struct slice a, struct slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

/* Behind the byte-order mark of UTF-8 that some editors write. */
static inline struct slice slice_behind_mark(struct slice s)
{
	bool marked = s.len >= 3 && !memcmp(s.ptr, "\xef\xbb\xbf", 3);

	return marked ? (struct slice){s.ptr + 3, s.len - 3} : s;
}

#endif
