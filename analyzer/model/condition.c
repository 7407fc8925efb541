/* SPDX-License-Identifier: GPL-3.0-or-later */
/* condition.c - see condition.h */
#include "model/condition.h"
#include <math.h>
#include <stdlib.h>

static bool number_of(struct slice in, double *out)
{
	char buf[64], *end;

	if (!in.len || in.len >= sizeof buf || in.ptr[0] == ' ')
		return false;
	memcpy(buf, in.ptr, in.len);
	buf[in.len] = '\0';
	*out = strtod(buf, &end);
	return !*end && isfinite(*out);
}

static struct slice rest_of(const char *text)
{
	return (struct slice){text, strlen(text)};
}

static bool comparison_read(const char *text, struct condition *c)
{
	bool same = (*text == '<' || *text == '>') && text[1] == '=';
	double n;

	if ((*text != '<' && *text != '>') || !number_of(rest_of(text + 1 + same + strspn(text + 1 + same, " ")), &n))
		return false;
	*c = (struct condition){.kind = CONDITION_RANGE, .least = -INFINITY, .most = INFINITY};
	if (*text == '>')
		c->least = same ? n : nextafter(n, INFINITY);
	else
		c->most = same ? n : nextafter(n, -INFINITY);
	return true;
}

/* Two numbers with dots between them; the first may be the larger one. */
static bool is_range(const char *text, double *least, double *most)
{
	const char *dots = strstr(text, ".."), *end = dots;

	while (end > text && end[-1] == ' ')
		end--;
	return dots && number_of((struct slice){text, (size_t)(end - text)}, least) &&
	       number_of(rest_of(dots + 2 + strspn(dots + 2, " ")), most);
}

static bool range_read(const char *text, struct condition *c)
{
	double least, most;

	if (!is_range(text, &least, &most) || most < least)
		return false;
	*c = (struct condition){.kind = CONDITION_RANGE, .least = least, .most = most};
	return true;
}

/* What looks like a comparison and is none would be a text that no line has. */
static bool is_mistaken(const char *text)
{
	double least, most;

	return !strncmp(text, ">=", 2) || !strncmp(text, "<=", 2) || !strncmp(text, "==", 2) ||
	       (is_range(text, &least, &most) && most < least);
}

static bool text_read(const char *text, struct condition *c)
{
	if (comparison_read(text, c) || range_read(text, c))
		return true;
	if (is_mistaken(text))
		return false;
	if (!strncmp(text, "!=", 2))
		*c = (struct condition){.kind = CONDITION_NOT, .text = rest_of(text + 2)};
	else
		*c = (struct condition){.kind = CONDITION_TEXT, .text = rest_of(text)};
	return true;
}

static bool single_read(json_t *v, struct condition *c)
{
	if (json_is_string(v))
		return text_read(json_string_value(v), c);
	else if (json_is_number(v))
		*c = (struct condition){
		    .kind = CONDITION_RANGE, .least = json_number_value(v), .most = json_number_value(v)};
	else if (json_is_boolean(v))
		*c = (struct condition){.kind = CONDITION_TEXT,
		                        .text = json_is_true(v) ? SLICE("true") : SLICE("false")};
	else if (json_is_null(v))
		*c = (struct condition){.kind = CONDITION_ABSENT};
	else
		return false;
	return true;
}

bool condition_read(json_t *v, struct condition *out)
{
	struct condition c = {.kind = CONDITION_ANY, .list = v}, one;

	if (!json_is_array(v)) {
		if (!single_read(v, &c))
			return false;
	} else {
		for (size_t i = 0; i < json_array_size(v); i++)
			if (!single_read(json_array_get(v, i), &one))
				return false;
		if (!json_array_size(v))
			return false;
	}
	c.field = out->field;
	*out = c;
	return true;
}

bool condition_holds(const struct condition *c, enum slot_kind kind, struct slice value)
{
	bool there = kind && !(kind == SLOT_SCALAR && slice_is(value, "null"));
	struct condition one;
	double n;

	switch (c->kind) {
	case CONDITION_TEXT:
		return there && slice_same(value, c->text);
	case CONDITION_NOT:
		return there && !slice_same(value, c->text);
	case CONDITION_RANGE:
		return there && number_of(value, &n) && n >= c->least && n <= c->most;
	case CONDITION_ABSENT:
		return !there;
	default:
		break;
	}
	for (size_t i = 0; i < json_array_size(c->list); i++)
		if (single_read(json_array_get(c->list, i), &one) && condition_holds(&one, kind, value))
			return true;
	return false;
}
