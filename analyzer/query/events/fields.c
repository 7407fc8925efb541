/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.c - see fields.h */
#include "query/events/fields.h"
#include "ingest/line.h"
#include <stdlib.h>

static size_t skip_blanks(struct slice s, size_t i)
{
	while (i < s.len && strchr(" \t\r\n", s.ptr[i]) && s.ptr[i])
		i++;
	return i;
}

/* Behind the string whose opening quote is at i; s.len where it never ends. */
static size_t skip_string(struct slice s, size_t i)
{
	for (i++; i < s.len && s.ptr[i] != '"'; i++)
		i += s.ptr[i] == '\\';
	return i < s.len ? i + 1 : s.len;
}

/* Behind the value at i, brackets counted. */
static size_t skip_value(struct slice s, size_t i)
{
	int depth = 0;

	while (i < s.len) {
		char c = s.ptr[i];

		if (c == '"') {
			i = skip_string(s, i);
			if (!depth)
				return i;
			continue;
		}
		if (!depth && strchr(",}] \t\r\n", c) && c)
			return i;
		depth += (c == '{' || c == '[') - (c == '}' || c == ']');
		i++;
		if (!depth && (c == '}' || c == ']'))
			return i;
	}
	return i;
}

static enum field_kind kind_of(struct slice v)
{
	switch (v.ptr[0]) {
	case '"':
		return FIELD_STRING;
	case '{':
		return FIELD_OBJECT;
	case '[':
		return FIELD_ARRAY;
	case 't':
	case 'f':
		return FIELD_BOOL;
	case 'n':
		return FIELD_NULL;
	default:
		for (size_t i = 0; i < v.len; i++)
			if (strchr(".eE", v.ptr[i]) && v.ptr[i])
				return FIELD_REAL;
		return FIELD_INTEGER;
	}
}

bool fields_next(struct slice object, size_t *at, struct field *out)
{
	size_t i = skip_blanks(object, *at), from;

	if (i >= object.len || (object.ptr[i] != '{' && object.ptr[i] != ','))
		return false;
	i = skip_blanks(object, i + 1);
	if (i >= object.len || object.ptr[i] != '"')
		return false;
	from = i;
	i = skip_string(object, i);
	if (i - from < 2)
		return false;
	out->key = (struct slice){object.ptr + from + 1, i - from - 2};
	i = skip_blanks(object, i);
	if (i >= object.len || object.ptr[i] != ':')
		return false;
	from = skip_blanks(object, i + 1);
	i = skip_value(object, from);
	if (i <= from)
		return false;
	out->value = (struct slice){object.ptr + from, i - from};
	out->kind = kind_of(out->value);
	if (out->kind == FIELD_STRING) {
		if (out->value.len < 2)
			return false;
		out->value = (struct slice){out->value.ptr + 1, out->value.len - 2};
	}
	*at = i;
	return true;
}

void field_show(struct text *out, const struct field *f)
{
	char *plain;
	size_t n;
	bool quote;

	if (f->kind != FIELD_STRING) {
		text_add_terminal(out, f->value.ptr, f->value.len);
		return;
	}
	plain = malloc(3 * f->value.len + 1);
	if (!plain) {
		out->failed = true;
		return;
	}
	n = json_unescape(f->value, plain);
	quote = !n || memchr(plain, ' ', n) || memchr(plain, '=', n);
	text_puts(out, quote ? "\"" : "");
	text_add_terminal(out, plain, n);
	text_puts(out, quote ? "\"" : "");
	free(plain);
}

const char *field_kind_name(enum field_kind kind)
{
	static const char *const names[] = {"", "string", "integer", "real", "bool", "null", "object", "array"};

	return names[kind];
}
