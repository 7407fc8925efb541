/* SPDX-License-Identifier: Apache-2.0 */
/* spanvalue.c - from {"fqdn":"hello-1","n":3,...} back to keys and typed values.
 *
 * The text is the encoder's own, so it is well-formed and has no blanks; a number without point and exponent is an
 * integer, as the encoder writes no other ones so. */
#include "encode/spanvalue.h"

#include "base/lineread.h"
#include "encode/spantext.h"

/* ---- values ---- */

static void read_number(struct directive_value *v, const char *at, const char *end)
{
	bool real = false;

	for (const char *c = at; c < end; c++)
		real |= *c == '.' || *c == 'e' || *c == 'E';
	if (real) {
		v->type = DIRECTIVE_F64;
		v->f = strtod(at, NULL);
	} else if (*at == '-') {
		v->type = DIRECTIVE_I64;
		v->i = strtoll(at, NULL, 10);
	} else {
		v->type = DIRECTIVE_U64;
		v->u = strtoull(at, NULL, 10);
	}
}

/* The value at *at; strings go to `out`. */
static char *read_value(struct directive_value *v, char *out, const char **at)
{
	const char *begin = *at, *end = span_text_past_value(begin);

	*at = end;
	v->type = DIRECTIVE_OTHER;
	if (*begin == '"') {
		v->type = DIRECTIVE_STR;
		v->s.text = out;
		out = line_unescape(out, &begin);
		v->s.len = (size_t)(out - v->s.text);
		*out++ = '\0'; /* in the place of a quote; not every regexec goes by the length alone */
	} else if (*begin == 't' || *begin == 'f') {
		v->type = DIRECTIVE_BOOL;
		v->b = *begin == 't';
	} else if (*begin == '-' || (*begin >= '0' && *begin <= '9')) {
		read_number(v, begin, end);
	}
	return out;
}

bool span_values_read(struct span_values *values, const struct span_text *span)
{
	const char *at = span->json.text + 1, *tail = span->json.text + span->tail_at;
	char *out;

	values->count = 0;
	values->text.len = 0;
	if (!buf_room(&values->text, span->json.len + 1))
		return false;
	out = values->text.text;
	while (at < tail && values->count < SPAN_VALUES) {
		struct directive_value *v = &values->value[values->count];

		v->key = out;
		out = line_unescape(out, &at);
		v->key_len = (size_t)(out - v->key);
		*out++ = '\0';
		at++; /* the colon */
		values->key[values->count++] = v->key;
		out = read_value(v, out, &at);
		at++; /* the comma */
	}
	return true;
}
