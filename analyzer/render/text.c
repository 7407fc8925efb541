/* SPDX-License-Identifier: GPL-3.0-or-later */
/* text.c - see text.h */
#include "render/text.h"
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

size_t utf8_decode(const char *p, size_t len, uint32_t *code)
{
	const unsigned char *s = (const unsigned char *)p;
	size_t n = !len          ? 0
	           : s[0] < 0x80 ? 1
	           : s[0] < 0xc2 ? 0
	           : s[0] < 0xe0 ? 2
	           : s[0] < 0xf0 ? 3
	           : s[0] < 0xf5 ? 4
	                         : 0;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	uint32_t c;

	if (!n || n > len)
		return 0;
	c = n == 1 ? s[0] : s[0] & (0xffU >> (n + 1));
	for (size_t i = 1; i < n; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (s[i] & 0x3f);
	}
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return 0;
	*code = c;
	return n;
}

struct range {
	uint32_t first, last;
};

static bool in_ranges(const struct range *r, size_t n, uint32_t code)
{
	for (size_t i = 0; i < n; i++)
		if (code >= r[i].first && code <= r[i].last)
			return true;
	return false;
}

#define IN(ranges, code) in_ranges(ranges, sizeof(ranges) / sizeof *(ranges), code)

int utf8_columns(uint32_t code)
{
	static const struct range none[] = {{0x300, 0x36f},   {0x483, 0x489},   {0x591, 0x5bd},    {0x610, 0x61a},
	                                    {0x64b, 0x65f},   {0x200b, 0x200f}, {0x20d0, 0x20f0},  {0xfe00, 0xfe0f},
	                                    {0xfe20, 0xfe2f}, {0xfeff, 0xfeff}, {0xe0100, 0xe01ef}};
	static const struct range two[] = {{0x1100, 0x115f},   {0x2e80, 0x303e},   {0x3041, 0xa4cf},
	                                   {0xac00, 0xd7a3},   {0xf900, 0xfaff},   {0xfe30, 0xfe6f},
	                                   {0xff00, 0xff60},   {0xffe0, 0xffe6},   {0x1f300, 0x1f64f},
	                                   {0x1f680, 0x1f6ff}, {0x1f900, 0x1f9ff}, {0x20000, 0x3fffd}};

	if (code < 0x300)
		return 1;
	return IN(none, code) ? 0 : IN(two, code) ? 2 : 1;
}

bool utf8_dangerous(uint32_t code)
{
	/* Control characters; letters that take no room or look like a blank; what turns the direction of writing. */
	static const struct range ranges[] = {
	    {0, 0x1f},        {0x7f, 0x9f},     {0xad, 0xad},     {0x34f, 0x34f},   {0x61c, 0x61c},    {0x115f, 0x1160},
	    {0x17b4, 0x17b5}, {0x180b, 0x180f}, {0x200b, 0x200f}, {0x2028, 0x202e}, {0x2060, 0x206f},  {0x3164, 0x3164},
	    {0xfe00, 0xfe0f}, {0xfeff, 0xfeff}, {0xffa0, 0xffa0}, {0xfff9, 0xfffb}, {0xe0000, 0xe01ef}};

	return (code < 0x20 || code >= 0x7f) && IN(ranges, code);
}

/* One character of safe text, or one of our own colour sequences, which takes no room: its bytes, *columns set. */
static size_t safe_step(const char *p, size_t len, int *columns)
{
	uint32_t code = 0;
	size_t n;

	if (*p == '\033') {
		const char *end = memchr(p, 'm', len);

		*columns = 0;
		return end ? (size_t)(end - p) + 1 : len;
	}
	n = utf8_decode(p, len, &code);
	*columns = n ? utf8_columns(code) : 1;
	return n ? n : 1;
}

int text_columns(const char *safe, size_t len)
{
	int columns = 0, c;

	for (size_t i = 0; i < len; columns += c)
		i += safe_step(safe + i, len - i, &c);
	return columns;
}

/* Length of the run of plain printable ASCII without the bytes in stop. */
static size_t plain_run(const char *p, size_t len, const char *stop)
{
	size_t i = 0;

	for (; i < len && p[i] >= 0x20 && p[i] < 0x7f; i++) {
		const char *c = stop;

		while (*c && *c != p[i])
			c++;
		if (*c)
			break;
	}
	return i;
}

/* Writes a character otherwise than it stands, or returns false. n: its bytes; 0: one that is no UTF-8. */
typedef bool escape_fn(struct text *t, const char *p, size_t n, uint32_t code);

/* All characters, those in stop and those that are no plain ASCII as escape wants them. */
static void add_escaped(struct text *t, const char *bytes, size_t len, const char *stop, escape_fn *escape)
{
	for (size_t i = 0; i < len;) {
		size_t run = plain_run(bytes + i, len - i, stop);
		uint32_t code = 0;
		size_t n;

		text_add(t, bytes + i, run);
		i += run;
		if (i == len)
			break;
		n = utf8_decode(bytes + i, len - i, &code);
		if (!escape(t, bytes + i, n, code))
			text_add(t, bytes + i, n);
		i += n ? n : 1;
	}
}

static bool escape_terminal(struct text *t, const char *p, size_t n, uint32_t code)
{
	if (!n)
		text_printf(t, "\\x%02x", (unsigned char)*p);
	else if (code == '\n' || code == '\t' || code == '\r')
		text_puts(t, code == '\n' ? "\\n" : code == '\t' ? "\\t" : "\\r");
	else if (utf8_dangerous(code))
		text_printf(t, "\\u{%x}", code);
	else
		return false;
	return true;
}

void text_add_terminal(struct text *t, const char *bytes, size_t len)
{
	add_escaped(t, bytes, len, "", escape_terminal);
}

void text_add_cut(struct text *t, const char *safe, size_t len, int columns, bool utf8)
{
	int dots = utf8 ? 1 : 2, used = 0;
	size_t i = 0;

	if (text_columns(safe, len) <= columns) {
		text_add(t, safe, len);
		return;
	}
	while (i < len) {
		int c;
		size_t n = safe_step(safe + i, len - i, &c);

		if (used + c > columns - dots)
			break;
		used += c;
		i += n;
	}
	text_add(t, safe, i);
	text_puts(t, columns < dots ? "" : utf8 ? "…" : "..");
	if (memchr(safe, '\033', i))
		text_puts(t, "\033[0m");
}

static void add_json_escape(struct text *t, uint32_t code)
{
	if (code == '\n' || code == '\t' || code == '\r')
		text_puts(t, code == '\n' ? "\\n" : code == '\t' ? "\\t" : "\\r");
	else if (code >= 0x10000)
		text_printf(t, "\\u%04x\\u%04x", 0xd800 + ((code - 0x10000) >> 10),
		            0xdc00 + ((code - 0x10000) & 0x3ff));
	else
		text_printf(t, "\\u%04x", code);
}

static bool escape_json(struct text *t, const char *p, size_t n, uint32_t code)
{
	(void)p;
	if (!n)
		text_puts(t, "\xef\xbf\xbd");
	else if (code == '"' || code == '\\')
		text_printf(t, "\\%c", (int)code);
	else if (utf8_dangerous(code))
		add_json_escape(t, code);
	else
		return false;
	return true;
}

void text_add_json(struct text *t, const char *bytes, size_t len)
{
	static const bool plain[256] = {[0x20 ... 0x21] = true, [0x23 ... 0x5b] = true, [0x5d ... 0x7e] = true};
	size_t run = 0;

	/* Most have nothing to escape. */
	while (run < len && plain[(unsigned char)bytes[run]])
		run++;
	text_add(t, "\"", 1);
	text_add(t, bytes, run);
	add_escaped(t, bytes + run, len - run, "\"\\", escape_json);
	text_add(t, "\"", 1);
}

/* " and \ are JSON's own here: they stand as they are. */
void text_add_json_value(struct text *t, const char *json, size_t len)
{
	add_escaped(t, json, len, "", escape_json);
}

static bool escape_html(struct text *t, const char *p, size_t n, uint32_t code)
{
	if (!n)
		text_puts(t, "\xef\xbf\xbd");
	else if (code && code < 0x7f && strchr("&<>\"'", (int)code))
		text_printf(t, "&#%u;", code);
	else if (code == '\n' || code == '\t')
		text_add(t, p, 1);
	else if (utf8_dangerous(code))
		text_printf(t, "\\u{%x}", code);
	else
		return false;
	return true;
}

void text_add_html(struct text *t, const char *bytes, size_t len)
{
	add_escaped(t, bytes, len, "&<>\"'", escape_html);
}

void text_add_markdown(struct text *t, const char *bytes, size_t len)
{
	struct text safe = {0};

	text_add_terminal(&safe, bytes, len);
	for (size_t i = 0; i < safe.len; i++) {
		char c = safe.ptr[i];

		if (c == '<' || c == '&')
			text_puts(t, c == '<' ? "&lt;" : "&amp;");
		else if (strchr("|\\`*[]", c))
			text_printf(t, "\\%c", c);
		else
			text_add(t, &c, 1);
	}
	t->failed |= safe.failed;
	text_done(&safe);
}
