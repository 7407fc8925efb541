/* SPDX-License-Identifier: GPL-3.0-or-later */
/* scan.c - values that are not strings, and UTF-8. */
#include "base/scan.h"

#include <string.h>

static const char *digits(const char *p, const char *end)
{
	const char *start = p;

	while (p < end && *p >= '0' && *p <= '9')
		p++;
	return p > start ? p : NULL;
}

static const char *number(const char *p, const char *end)
{
	if (*p == '-')
		p++;
	if (p < end && *p == '0')
		p++;
	else if (!(p = digits(p, end)))
		return NULL;
	if (p < end && *p == '.' && !(p = digits(p + 1, end)))
		return NULL;
	if (p < end && (*p == 'e' || *p == 'E')) {
		p++;
		if (p < end && (*p == '+' || *p == '-'))
			p++;
		p = digits(p, end);
	}
	return p;
}

static const char *word(const char *p, const char *end, const char *text)
{
	size_t len = strlen(text);

	return (size_t)(end - p) >= len && !memcmp(p, text, len) ? p + len : NULL;
}

const char *scan_scalar(const char *p, const char *end)
{
	if (p >= end)
		return NULL;
	switch (*p) {
	case 't':
		return word(p, end, "true");
	case 'f':
		return word(p, end, "false");
	case 'n':
		return word(p, end, "null");
	default:
		return number(p, end);
	}
}

static const char *space(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* Behind a comma or an opening bracket of an object: key and colon. */
static const char *key(const char *p, const char *end, bool *high)
{
	p = space(p, end);
	if (p >= end || *p != '"' || !(p = scan_string(p + 1, end, high)))
		return NULL;
	p = space(p + 1, end);
	return p < end && *p == ':' ? space(p + 1, end) : NULL;
}

const char *scan_nested(const char *p, const char *end, bool *high, const char **reason)
{
	char stack[SCAN_DEPTH];
	int depth = 0;

	*reason = "not JSON";
	for (;;) {
		/* at a value, or at the bracket that closes an empty one */
		p = space(p, end);
		if (p >= end)
			return NULL;
		if (*p == '[' || *p == '{') {
			if (depth == SCAN_DEPTH) {
				*reason = "nested deeper than 128";
				return NULL;
			}
			stack[depth++] = *p == '{' ? '}' : ']';
			p = space(p + 1, end);
			if (p < end && *p == stack[depth - 1])
				goto closed;
			if (stack[depth - 1] == '}' && !(p = key(p, end, high)))
				return NULL;
			continue;
		}
		if (*p == '"') {
			if (!(p = scan_string(p + 1, end, high)))
				return NULL;
			p++;
		} else if (!(p = scan_scalar(p, end))) {
			return NULL;
		}
		for (;;) { /* behind a value */
			if (!depth)
				return p;
			p = space(p, end);
			if (p >= end)
				return NULL;
			if (*p == ',') {
				p++;
				if (stack[depth - 1] == '}' && !(p = key(p, end, high)))
					return NULL;
				break;
			}
			if (*p != stack[depth - 1])
				return NULL;
closed:
			p++;
			depth--;
		}
	}
}

bool scan_utf8(const char *text, size_t len)
{
	const unsigned char *p = (const unsigned char *)text, *end = p + len;

	while (p < end) {
		unsigned c = *p++, n, low = 0x80, high = 0xbf;

		if (c < 0x80)
			continue;
		if (c < 0xc2 || c > 0xf4)
			return false;
		n = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
		if (c == 0xe0)
			low = 0xa0;
		else if (c == 0xed)
			high = 0x9f;
		else if (c == 0xf0)
			low = 0x90;
		else if (c == 0xf4)
			high = 0x8f;
		if ((size_t)(end - p) < n || *p < low || *p > high)
			return false;
		for (p++, n--; n; n--, p++)
			if ((*p & 0xc0) != 0x80)
				return false;
	}
	return true;
}
