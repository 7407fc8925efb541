/* SPDX-License-Identifier: Apache-2.0 */
/* lineread.c - event lines, read back; see lineread.h. */
#include "base/lineread.h"

#include <string.h>

/* ---- walking ---- */

/* Behind the closing quote of a string that begins at s; NULL: it does not end. */
static const char *string_end(const char *s, const char *end)
{
	for (s++; s < end && *s != '"'; s++)
		if (*s == '\\')
			s++;
	return s < end ? s + 1 : NULL;
}

/* Behind the value at s: a string, a number or word, or all between matching brackets. */
static const char *value_end(const char *s, const char *end)
{
	size_t depth = 0;

	do {
		if (s >= end)
			return NULL;
		if (*s == '"') {
			s = string_end(s, end);
			if (!s)
				return NULL;
			continue;
		}
		depth += *s == '{' || *s == '[';
		depth -= (*s == '}' || *s == ']') && depth;
		s++;
	} while (depth || (s < end && *s != ',' && *s != '}' && *s != ']'));
	return s;
}

struct cursor line_inside(struct slice value)
{
	return value.len < 2 ? (struct cursor){NULL, NULL} : (struct cursor){value.at + 1, value.at + value.len - 1};
}

bool line_next_element(struct cursor *c, struct slice *value)
{
	const char *end;

	if (c->at < c->end && *c->at == ',')
		c->at++;
	end = c->at < c->end ? value_end(c->at, c->end) : NULL;
	if (!end)
		return false;
	*value = (struct slice){c->at, (size_t)(end - c->at)};
	c->at = end;
	return true;
}

bool line_next_member(struct cursor *c, struct slice *key, struct slice *value)
{
	const char *end;

	if (c->at < c->end && *c->at == ',')
		c->at++;
	if (c->at >= c->end || *c->at != '"')
		return false;
	end = string_end(c->at, c->end);
	if (!end || end >= c->end || *end != ':')
		return false;
	*key = (struct slice){c->at + 1, (size_t)(end - c->at) - 2};
	c->at = end + 1;
	return line_next_element(c, value);
}

bool line_is(struct slice s, const char *text)
{
	return s.len == strlen(text) && !memcmp(s.at, text, s.len);
}

struct slice line_member(struct slice object, const char *name)
{
	struct cursor c = line_inside(object);
	struct slice key, value;

	while (line_next_member(&c, &key, &value))
		if (line_is(key, name))
			return value;
	return (struct slice){NULL, 0};
}

struct slice line_text(struct slice value)
{
	if (value.len < 2 || *value.at != '"')
		return value;
	return (struct slice){value.at + 1, value.len - 2};
}

bool line_read(struct slice text, struct line *line)
{
	const struct {
		const char *name;
		struct slice *slot;
	} wanted[] = {
	    {"timestamp", &line->timestamp}, {"level", &line->level}, {"fields", &line->fields},
	    {"target", &line->target},       {"span", &line->span},   {"spans", &line->spans},
	    {"threadName", &line->thread},   {"seq", &line->seq},
	};
	struct cursor c = line_inside(text);
	struct slice key, value;

	*line = (struct line){.level = {NULL, 0}};
	if (text.len < 2 || *text.at != '{' || text.at[text.len - 1] != '}')
		return false;
	while (line_next_member(&c, &key, &value))
		for (size_t i = 0; i < sizeof wanted / sizeof *wanted; i++)
			if (line_is(key, wanted[i].name))
				*wanted[i].slot = value;
	return c.at == c.end && line->timestamp.len && line->level.len && line->fields.len && line->target.len;
}

/* ---- strings ---- */

static unsigned hex4(const char *at)
{
	unsigned v = 0;

	for (int i = 0; i < 4; i++)
		v = v << 4 | (unsigned)(at[i] <= '9' ? at[i] - '0' : (at[i] | 32) - 'a' + 10);
	return v;
}

static char *put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800) {
		*out++ = (char)(0xc0 | c >> 6);
	} else {
		if (c < 0x10000) {
			*out++ = (char)(0xe0 | c >> 12);
		} else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 63));
		}
		*out++ = (char)(0x80 | (c >> 6 & 63));
	}
	*out++ = (char)(0x80 | (c & 63));
	return out;
}

/* What "\uXXXX" at *at means, a pair of surrogates together. */
static unsigned take_unicode(const char **at)
{
	unsigned c = hex4(*at + 2), low;

	*at += 6;
	if (c < 0xd800 || c > 0xdbff || (*at)[0] != '\\' || (*at)[1] != 'u')
		return c;
	low = hex4(*at + 2);
	if (low < 0xdc00 || low > 0xdfff)
		return c;
	*at += 6;
	return 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
}

char *line_unescape(char *out, const char **at)
{
	static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";

	for (++*at; **at != '"';) {
		const char *known;

		if (**at != '\\') {
			*out++ = *(*at)++;
		} else if ((*at)[1] == 'u') {
			out = put_utf8(out, take_unicode(at));
		} else {
			known = strchr(from, (*at)[1]);
			*out++ = known ? to[known - from] : (*at)[1];
			*at += 2;
		}
	}
	++*at;
	return out;
}
