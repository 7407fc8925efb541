/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unescape.c - a JSON string's inside as text.
 *
 * Escapes of half a surrogate pair and bytes that are no UTF-8 become U+FFFD, one for each maximal part (Unicode
 * 15, 3.9). */
#include "ingest/line.h"
#include "base/scan.h"

static size_t put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Four hex digits behind \u, or -1. */
static int32_t hex4(const char *p, const char *end)
{
	int32_t v = 0;

	if (end - p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = p[i];
		int d = c >= '0' && c <= '9'   ? c - '0'
		        : c >= 'a' && c <= 'f' ? c - 'a' + 10
		        : c >= 'A' && c <= 'F' ? c - 'A' + 10
		                               : -1;

		if (d < 0)
			return -1;
		v = v << 4 | d;
	}
	return v;
}

/* \uXXXX at p + 2, perhaps with its second half; moves *p behind. */
static uint32_t unicode(const char **p, const char *end)
{
	int32_t c = hex4(*p + 2, end), low;

	if (c < 0) {
		*p += 2;
		return 0xfffd;
	}
	*p += 6;
	if (c >= 0xd800 && c < 0xdc00 && end - *p >= 6 && (*p)[0] == '\\' && (*p)[1] == 'u') {
		low = hex4(*p + 2, end);
		if (low >= 0xdc00 && low < 0xe000) {
			*p += 6;
			return 0x10000 + ((uint32_t)(c - 0xd800) << 10) + (uint32_t)(low - 0xdc00);
		}
	}
	return c >= 0xd800 && c < 0xe000 ? 0xfffd : (uint32_t)c;
}

/* The longest beginning of a character at p that can't be completed: its length, at least 1. */
static size_t broken(const char *p, const char *end)
{
	unsigned char c = (unsigned char)*p;
	size_t n = 1, want = c >= 0xf0 && c <= 0xf4 ? 4 : c >= 0xe0 && c < 0xf0 ? 3 : 0;

	while (n + 1 < want && p + n < end && ((unsigned char)p[n] & 0xc0) == 0x80) {
		unsigned char d = (unsigned char)p[1];

		if ((c == 0xe0 && d < 0xa0) || (c == 0xed && d > 0x9f) || (c == 0xf0 && d < 0x90) ||
		    (c == 0xf4 && d > 0x8f))
			break;
		n++;
	}
	return n;
}

static size_t high(const char **p, const char *end, char *out)
{
	unsigned char c = (unsigned char)**p;
	size_t len = c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;

	if ((size_t)(end - *p) >= len && scan_utf8(*p, len)) {
		memmove(out, *p, len);
		*p += len;
		return len;
	}
	*p += broken(*p, end);
	return put(out, 0xfffd);
}

size_t json_unescape(struct slice in, char *buf)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
	const char *p = in.ptr, *end = p ? p + in.len : p, *which;
	char *out = buf;

	while (p < end) {
		if ((unsigned char)*p >= 0x80) {
			out += high(&p, end, out);
		} else if (*p != '\\' || end - p < 2) {
			*out++ = *p++;
		} else if (p[1] == 'u') {
			out += put(out, unicode(&p, end));
		} else {
			which = strchr(from, p[1]);
			*out++ = which && *which ? to[which - from] : p[1];
			p += 2;
		}
	}
	return (size_t)(out - buf);
}

static bool plain8(const char *p)
{
	const uint64_t ones = 0x0101010101010101u, high_bits = ones << 7;
	uint64_t v, x;

	memcpy(&v, p, 8);
	x = v ^ ones * '\\';
	return !((v | ((x - ones) & ~x)) & high_bits);
}

bool json_is_plain(struct slice in)
{
	size_t i = 0;

	if (in.len >= 8) {
		for (; i + 8 < in.len; i += 8)
			if (!plain8(in.ptr + i))
				return false;
		return plain8(in.ptr + in.len - 8);
	}
	for (; i < in.len; i++)
		if (in.ptr[i] == '\\' || (unsigned char)in.ptr[i] >= 0x80)
			return false;
	return true;
}

struct slice json_text(struct slice in, char *buf)
{
	return json_is_plain(in) ? in : (struct slice){buf, json_unescape(in, buf)};
}
