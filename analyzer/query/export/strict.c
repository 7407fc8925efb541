/* SPDX-License-Identifier: GPL-3.0-or-later */
/* strict.c - see strict.h */
#include "query/export/strict.h"
#include "render/text.h"

struct strict {
	const char *p, *end;
};

static void skip_blanks(struct strict *s)
{
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
		s->p++;
}

static bool take(struct strict *s, char c)
{
	if (s->p == s->end || *s->p != c)
		return false;
	s->p++;
	return true;
}

static bool take_word(struct strict *s, const char *word)
{
	size_t n = strlen(word);

	if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n))
		return false;
	s->p += n;
	return true;
}

/* Four hex digits behind \u: their number, or -1. */
static int take_unit(struct strict *s)
{
	int v = 0;

	if (s->end - s->p < 4)
		return -1;
	for (int i = 0; i < 4; i++) {
		char c = *s->p++;

		if (c >= '0' && c <= '9')
			v = v * 16 + c - '0';
		else if ((c | 32) >= 'a' && (c | 32) <= 'f')
			v = v * 16 + (c | 32) - 'a' + 10;
		else
			return -1;
	}
	return v;
}

static bool take_escape(struct strict *s)
{
	int unit;

	if (s->p == s->end)
		return false;
	switch (*s->p++) {
	case 'u':
		unit = take_unit(s);
		if (unit < 0xd800 || unit > 0xdfff)
			return unit >= 0;
		if (unit > 0xdbff || !take_word(s, "\\u"))
			return false;
		unit = take_unit(s);
		return unit >= 0xdc00 && unit <= 0xdfff;
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		return true;
	default:
		return false;
	}
}

static bool take_string(struct strict *s)
{
	if (!take(s, '"'))
		return false;
	while (s->p < s->end) {
		unsigned char c = (unsigned char)*s->p;
		uint32_t code;
		size_t n;

		if (c >= 0x80) {
			if (!(n = utf8_decode(s->p, (size_t)(s->end - s->p), &code)))
				return false;
			s->p += n;
			continue;
		}
		s->p++;
		if (c == '"')
			return true;
		if (c < 0x20 || (c == '\\' && !take_escape(s)))
			return false;
	}
	return false;
}

static bool take_digits(struct strict *s)
{
	const char *from = s->p;

	while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
		s->p++;
	return s->p > from;
}

static bool take_number(struct strict *s)
{
	take(s, '-');
	if (!take(s, '0') && !take_digits(s))
		return false;
	if (take(s, '.') && !take_digits(s))
		return false;
	if (!take(s, 'e') && !take(s, 'E'))
		return true;
	if (!take(s, '+'))
		take(s, '-');
	return take_digits(s);
}

static bool take_value(struct strict *s, int depth);

static bool take_members(struct strict *s, char last, int depth)
{
	bool object = last == '}';

	skip_blanks(s);
	if (take(s, last))
		return true;
	do {
		skip_blanks(s);
		if (object) {
			if (!take_string(s))
				return false;
			skip_blanks(s);
			if (!take(s, ':'))
				return false;
		}
		if (!take_value(s, depth))
			return false;
	} while (take(s, ','));
	return take(s, last);
}

/* With the blanks around it. */
static bool take_value(struct strict *s, int depth)
{
	bool ok;

	skip_blanks(s);
	if (s->p == s->end || depth == STRICT_DEPTH)
		return false;
	if (take(s, '{'))
		ok = take_members(s, '}', depth + 1);
	else if (take(s, '['))
		ok = take_members(s, ']', depth + 1);
	else if (*s->p == '"')
		ok = take_string(s);
	else
		ok = take_word(s, "true") || take_word(s, "false") || take_word(s, "null") || take_number(s);
	skip_blanks(s);
	return ok;
}

bool json_is_strict(struct slice text)
{
	struct strict s = {text.ptr, text.ptr + text.len};

	return text.len && take_value(&s, 0) && s.p == s.end;
}
