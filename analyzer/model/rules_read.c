/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_read.c - see rules_read.h: errors with their line, and the names of moments. */
#include "model/rules_read.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- errors ---- */

/* Behind the text in quotes that begins at p. */
static const char *quotes_end(const char *p, const char *end)
{
	for (p++; p < end && *p != '"'; p++)
		p += *p == '\\' && p + 1 < end;
	return p < end ? p + 1 : end;
}

static const char *blanks(const char *p, const char *end)
{
	while (p < end && strchr(" \t\r\n", *p))
		p++;
	return p;
}

/* Where the list of that name begins, behind its bracket; NULL: there is none. The text is JSON. */
static const char *list_of(const char *p, const char *end, const char *name)
{
	size_t n = strlen(name);
	long depth = 0;

	while (p < end) {
		const char *behind = *p == '"' ? quotes_end(p, end) : p + 1, *value = blanks(behind, end);

		if (*p == '"' && depth == 1 && (size_t)(behind - p) == n + 2 && !memcmp(p + 1, name, n) &&
		    value < end && *value == ':' && (value = blanks(value + 1, end)) < end && *value == '[')
			return value + 1;
		depth += *p == '{' || *p == '[' ? 1 : *p == '}' || *p == ']' ? -1 : 0;
		p = behind;
	}
	return NULL;
}

/* Where the element that is read begins and ends; else the whole. */
static struct slice element_of(const struct reading *rd)
{
	const char *end = rd->text + rd->len, *p = rd->list ? list_of(rd->text, end, rd->list) : NULL, *from = p;
	size_t i = 0;

	for (long depth = 0; p && p < end && depth >= 0; p = *p == '"' ? quotes_end(p, end) : p + 1) {
		depth += *p == '{' || *p == '[' ? 1 : *p == '}' || *p == ']' ? -1 : 0;
		if ((*p == ',' && !depth && i++ == rd->element) || depth < 0)
			break;
		if (*p == ',' && !depth)
			from = p + 1;
	}
	if (!p)
		return (struct slice){rd->text, rd->len};
	from = blanks(from, p);
	return (struct slice){from, (size_t)(p - from)};
}

/* The line on which a word stands first, between quotes: where a reader will look for it. */
static int line_of(const struct reading *rd, const char *word)
{
	struct slice in = element_of(rd);
	size_t n = word ? strlen(word) : 0;
	const char *at = in.ptr;
	int line = 1;

	for (size_t i = 0; n && i + n + 2 <= in.len; i++)
		if (in.ptr[i] == '"' && !memcmp(in.ptr + i + 1, word, n) && in.ptr[i + 1 + n] == '"') {
			at = in.ptr + i;
			break;
		}
	for (const char *p = rd->text; p < at; p++)
		line += *p == '\n';
	return line;
}

int reading_refuse(const struct reading *rd, const char *word, const char *format, ...)
{
	char *text = NULL;
	va_list ap;

	va_start(ap, format);
	if (vasprintf(&text, format, ap) < 0)
		text = NULL;
	va_end(ap);
	if (asprintf(rd->why, "%s:%d: %s", rd->where, line_of(rd, word), text ? text : "wrong") < 0)
		*rd->why = NULL;
	free(text);
	return -EINVAL;
}

/* The string under key; *out NULL where it is absent. */
int reading_string(const struct reading *rd, const json_t *object, const char *key, const char **out)
{
	const json_t *v = json_object_get(object, key);

	*out = NULL;
	if (!v)
		return 0;
	if (!json_is_string(v))
		return reading_refuse(rd, key, "\"%s\" must be a string", key);
	*out = json_string_value(v);
	return 0;
}

int reading_keys(const struct reading *rd, json_t *object, const char *what, const char *const *known)
{
	const char *key;
	json_t *v;

	if (!json_is_object(object))
		return reading_refuse(rd, NULL, "%s must be an object", what);
	json_object_foreach(object, key, v)
	{
		const char *const *k = known;

		(void)v;
		while (*k && strcmp(*k, key))
			k++;
		if (!*k)
			return reading_refuse(rd, key, "unknown key \"%s\" in %s", key, what);
	}
	return 0;
}

/* ---- moments ---- */

static const struct {
	const char *name;
	enum moment moment;
} moments[] = {
    {"sent", MOMENT_SENT},
    {"controller", MOMENT_CONTROLLER},
    {"dispatched", MOMENT_DISPATCHED},
    {"arrived", MOMENT_ARRIVED},
    {"insert", MOMENT_INSERT},
    {"remove", MOMENT_REMOVE},
    {"start", MOMENT_START},
    {"end", MOMENT_END},
    {"last end", MOMENT_LAST_END},
    {"completed", MOMENT_COMPLETED},
    {"returned", MOMENT_RETURNED},
};

unsigned moment_built_in(const char *name)
{
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
		if (!strcmp(name, moments[i].name))
			return moments[i].moment;
	return MOMENT_NONE;
}

unsigned moment_find(const struct rules *r, const char *name)
{
	for (unsigned i = 0; i < r->nmoments; i++)
		if (!strcmp(r->moment[i], name))
			return MOMENT_NAMED + i;
	return MOMENT_NONE;
}

int reading_moment(const struct reading *rd, const char *name, unsigned *out)
{
	struct rules *r = rd->r;
	const char **v = r->moment;

	if (!*name)
		return reading_refuse(rd, NULL, "a moment has a name");
	if (moment_built_in(name))
		return reading_refuse(rd, name, "moment \"%s\" is one that meanings give; take another name", name);
	*out = moment_find(r, name);
	if (*out)
		return 0;
	if (r->nmoments == MOMENTS_MAX)
		return reading_refuse(rd, name, "more than %d moments", MOMENTS_MAX);
	v = realloc(v, (r->nmoments + 1) * sizeof *v);
	if (!v)
		return -ENOMEM;
	r->moment = v;
	v[r->nmoments] = name;
	*out = MOMENT_NAMED + r->nmoments++;
	return 0;
}

const char *rules_moment(const struct rules *r, unsigned moment)
{
	if (moment >= MOMENT_NAMED)
		return moment - MOMENT_NAMED < r->nmoments ? r->moment[moment - MOMENT_NAMED] : "";
	for (size_t i = 0; i < sizeof moments / sizeof *moments; i++)
		if (moments[i].moment == moment)
			return moments[i].name;
	return "";
}
