/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c - see text.h */
#include "base/text.h"
#include "base/array.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static bool text_room(struct text *t, size_t more)
{
	if (t->failed)
		return false;
	if (more < SIZE_MAX - t->len && !array_reserve(t->ptr, t->room, t->len + more + 1))
		return true;
	text_done(t);
	t->failed = true;
	return false;
}

void text_add(struct text *t, const char *bytes, size_t len)
{
	if (!text_room(t, len))
		return;
	if (len)
		memcpy(t->ptr + t->len, bytes, len);
	t->len += len;
	t->ptr[t->len] = 0;
}

char *text_space(struct text *t, size_t len)
{
	return text_room(t, len) ? t->ptr + t->len : NULL;
}

void text_puts(struct text *t, const char *s)
{
	text_add(t, s, strlen(s));
}

size_t text_decimal(int64_t v, char *buf)
{
	static const char pairs[] =
	    "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748"
	    "49505152535455565758596061626364656667686970717273747576777879808182838485868788899091929394959697"
	    "9899";
	char tmp[TEXT_DECIMAL], *end = tmp + sizeof tmp, *p = end;
	uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;

	for (; u >= 10; u /= 100)
		memcpy(p -= 2, pairs + 2 * (u % 100), 2);
	if (u || p == end)
		*--p = (char)('0' + u);
	if (v < 0)
		*--p = '-';
	memcpy(buf, p, (size_t)(end - p));
	return (size_t)(end - p);
}

void text_add_int(struct text *t, int64_t v)
{
	char buf[TEXT_DECIMAL];

	text_add(t, buf, text_decimal(v, buf));
}

void text_printf(struct text *t, const char *format, ...)
{
	va_list ap;
	int n;

	va_start(ap, format);
	n = vsnprintf(NULL, 0, format, ap);
	va_end(ap);
	if (n < 0 || !text_room(t, (size_t)n))
		return;
	va_start(ap, format);
	vsnprintf(t->ptr + t->len, (size_t)n + 1, format, ap);
	va_end(ap);
	t->len += (size_t)n;
}

int text_add_stream(struct text *t, FILE *in, size_t most)
{
	char buf[8192];
	size_t all = 0, n;

	do {
		errno = 0;
		n = fread(buf, 1, sizeof buf, in);
		/* what is left of a stream after a signal is not asked for: it may be nothing, for ever */
		if (ferror(in))
			return errno ? -errno : -EIO;
		all += n;
		text_add(t, buf, n);
	} while (n == sizeof buf && all <= most);
	return t->failed ? -ENOMEM : all > most ? -EFBIG : 0;
}

int text_add_file(struct text *t, const char *path, size_t most)
{
	FILE *in = fopen(path, "re");
	int rc = in ? text_add_stream(t, in, most) : -errno;

	if (in)
		fclose(in);
	return rc;
}

void text_reset(struct text *t)
{
	t->len = 0;
	if (t->ptr)
		*t->ptr = 0;
}

void text_done(struct text *t)
{
	free(t->ptr);
	*t = (struct text){0};
}

const char *text_str(const struct text *t)
{
	return t->ptr ? t->ptr : "";
}
