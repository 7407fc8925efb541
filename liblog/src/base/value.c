/* SPDX-License-Identifier: Apache-2.0 */
/* value.c - values as JSON; see value.h. */
#include "base/value.h"

#include "base/buf.h"
#include "base/dtoa.h"
#include "base/escape.h"

#include <stdio.h>

#define JSON_DEPTH 64

/* ---- raw JSON: a copy that checks ---- */

struct reader {
	const char *at, *end;
	char *out;
};

static void skip_white(struct reader *r)
{
	while (r->at < r->end && (*r->at == ' ' || *r->at == '\t' || *r->at == '\n' || *r->at == '\r'))
		r->at++;
}

static bool is_hex(char c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* At the backslash. */
static bool copy_escape(struct reader *r)
{
	size_t len = 2;

	if (r->end - r->at < 2)
		return false;
	if (r->at[1] == 'u') {
		len = 6;
		if (r->end - r->at < 6)
			return false;
		for (int i = 2; i < 6; i++) {
			if (!is_hex(r->at[i]))
				return false;
		}
	} else if (!r->at[1] || !strchr("\"\\/bfnrt", r->at[1])) {
		return false;
	}
	r->out = put(r->out, r->at, len);
	r->at += len;
	return true;
}

/* At the opening quote. */
static bool copy_string(struct reader *r)
{
	*r->out++ = *r->at++;
	while (r->at < r->end && *r->at != '"') {
		const char *run = r->at;

		if (*run == '\\') {
			if (!copy_escape(r))
				return false;
			continue;
		}
		while (r->at < r->end && *r->at != '"' && *r->at != '\\') {
			if ((unsigned char)*r->at < 0x20)
				return false;
			r->at++;
		}
		r->out += escape_json(r->out, run, (size_t)(r->at - run));
	}
	if (r->at == r->end)
		return false;
	*r->out++ = *r->at++;
	return true;
}

static size_t digits(const char *at, const char *end)
{
	const char *from = at;

	while (at < end && *at >= '0' && *at <= '9')
		at++;
	return (size_t)(at - from);
}

static bool copy_number(struct reader *r)
{
	const char *at = r->at;
	size_t n;

	if (at < r->end && *at == '-')
		at++;
	n = digits(at, r->end);
	if (!n || (n > 1 && *at == '0'))
		return false;
	at += n;
	if (at < r->end && *at == '.') {
		n = digits(++at, r->end);
		if (!n)
			return false;
		at += n;
	}
	if (at < r->end && (*at == 'e' || *at == 'E')) {
		at++;
		if (at < r->end && (*at == '+' || *at == '-'))
			at++;
		n = digits(at, r->end);
		if (!n)
			return false;
		at += n;
	}
	r->out = put(r->out, r->at, (size_t)(at - r->at));
	r->at = at;
	return true;
}

static bool copy_word(struct reader *r, const char *word)
{
	size_t len = strlen(word);

	if ((size_t)(r->end - r->at) < len || memcmp(r->at, word, len))
		return false;
	r->out = put(r->out, word, len);
	r->at += len;
	return true;
}

static bool copy_scalar(struct reader *r)
{
	switch (*r->at) {
	case '"':
		return copy_string(r);
	case 't':
		return copy_word(r, "true");
	case 'f':
		return copy_word(r, "false");
	case 'n':
		return copy_word(r, "null");
	default:
		return copy_number(r);
	}
}

static bool copy_key(struct reader *r)
{
	skip_white(r);
	if (r->at == r->end || *r->at != '"' || !copy_string(r))
		return false;
	skip_white(r);
	if (r->at == r->end || *r->at++ != ':')
		return false;
	*r->out++ = ':';
	return true;
}

/* After a value: commas and closing brackets. 1: another value follows, 0: all is closed, -1: wrong. */
static int after_value(struct reader *r, char *stack, unsigned *depth)
{
	while (*depth) {
		char c;

		skip_white(r);
		if (r->at == r->end)
			return -1;
		c = *r->at++;
		*r->out++ = c;
		if (c == ',')
			return stack[*depth - 1] == '{' && !copy_key(r) ? -1 : 1;
		if (c != (stack[*depth - 1] == '{' ? '}' : ']'))
			return -1;
		--*depth;
	}
	return 0;
}

static bool copy_json(struct reader *r)
{
	char stack[JSON_DEPTH];
	unsigned depth = 0;

	for (;;) {
		char open, close;
		int more;

		skip_white(r);
		if (r->at == r->end)
			return false;
		open = *r->at;
		if (open == '{' || open == '[') {
			if (depth == JSON_DEPTH)
				return false;
			stack[depth++] = open;
			*r->out++ = open;
			r->at++;
			skip_white(r);
			close = open == '{' ? '}' : ']';
			if (r->at == r->end || *r->at != close) {
				if (open == '{' && !copy_key(r))
					return false;
				continue;
			}
			*r->out++ = close;
			r->at++;
			depth--;
		} else if (!copy_scalar(r)) {
			return false;
		}
		more = after_value(r, stack, &depth);
		if (more <= 0)
			return more == 0;
	}
}

size_t value_json(char *out, const char *text, size_t len)
{
	struct reader r = {text, text + len, out};

	if (!copy_json(&r))
		return 0;
	skip_white(&r);
	return r.at == r.end ? (size_t)(r.out - out) : 0;
}

/* ---- values ---- */

const char *value_errno_name(int64_t number)
{
	return number > 0 && number < 4096 ? strerrorname_np((int)number) : NULL;
}

static char *put_text(char *out, unsigned type, const char *text, uint32_t len, uint32_t original)
{
	size_t n;

	if (type == ILU_T_JSON_ && !original) {
		n = value_json(out, text, len);
		if (n)
			return out + n;
	}
	*out++ = '"';
	out += escape_json(out, text, len);
	if (original) {
		out = PUT(out, "\xe2\x80\xa6[");
		out += itoa_u64(original - len, out);
		out = PUT(out, " bytes cut]");
	}
	*out++ = '"';
	return out;
}

static char *text_value(char *out, unsigned type, const char **payload, const char *end, bool *cut)
{
	const char *at = *payload;
	uint32_t head, len, original = 0;

	*payload = end;
	if (end - at < 4)
		return PUT(out, "null");
	memcpy(&head, at, 4);
	at += 4;
	if (head == ILU_NO_TEXT_) {
		*payload = at;
		return PUT(out, "null");
	}
	len = head & ~ILU_CUT_;
	if ((size_t)(end - at) < len + (head & ILU_CUT_ ? (size_t)4 : 0))
		return PUT(out, "null");
	if (head & ILU_CUT_) {
		memcpy(&original, at + len, 4);
		*cut = true;
	}
	*payload = at + len + (original ? 4 : 0);
	return put_text(out, type, at, len, original);
}

char *value_put(char *out, unsigned type, const char **payload, const char *end, bool *cut)
{
	uint64_t word;
	double real;

	if (type == ILU_T_STR_ || type == ILU_T_JSON_)
		return text_value(out, type, payload, end, cut);
	if (type == ILU_T_SECRET_)
		return PUT(out, "\"[redacted]\"");
	if (type == ILU_T_NULL_ || end - *payload < 8) {
		if (type != ILU_T_NULL_)
			*payload = end;
		return PUT(out, "null");
	}
	memcpy(&word, *payload, 8);
	*payload += 8;
	switch (type) {
	case ILU_T_U64_:
		return out + itoa_u64(word, out);
	case ILU_T_F64_:
		memcpy(&real, &word, 8);
		return out + dtoa_json(real, out);
	case ILU_T_BOOL_:
		return word ? PUT(out, "true") : PUT(out, "false");
	default:
		return out + itoa_i64((int64_t)word, out);
	}
}
