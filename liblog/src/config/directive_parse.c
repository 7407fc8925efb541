/* SPDX-License-Identifier: Apache-2.0 */
/* directive_parse.c - the grammar of directive.h, by recursive descent over one cursor.
 *
 * Where EnvFilter's own parser silently ignores what it cannot read (an unclosed brace, an empty value, text behind a
 * brace) this one reports it: a filter that does nothing is worse than one that is refused. It reads more in two
 * places: a target may contain '.' and '/', and a value may contain ',' '}' and ']' inside a bracket expression or
 * after a backslash, and a counted repetition, so that tid=[0-9a-f]{32} can be written. */
#include "config/directive_set.h"
#include "base/escape.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	const char *text, *end;
	const char *item; /* start of the current directive */
	const char *at;
	unsigned number;
	struct directive_error *error;
};

/* ---- errors ---- */

static const char *item_end(const struct parser *p)
{
	const char *comma = memchr(p->at, ',', (size_t)(p->end - p->at));

	return comma ? comma : p->end;
}

/* A piece of the filter, shortened and made safe to print. */
static void quote(char *out, size_t cap, const char *text, size_t len)
{
	size_t used, n = escape_json_part(out, cap - 4, text, len, &used);

	strcpy(out + n, used < len ? "..." : "");
}

static int fail(struct parser *p, int rc, const char *where, const char *format, ...)
    __attribute__((format(printf, 4, 5)));

static int fail(struct parser *p, int rc, const char *where, const char *format, ...)
{
	char item[72], why[160];
	va_list args;

	if (!p->error || rc == -ENOMEM)
		return rc;
	va_start(args, format);
	vsnprintf(why, sizeof why, format, args);
	va_end(args);
	quote(item, sizeof item, p->item, (size_t)(item_end(p) - p->item));
	p->error->number = p->number;
	p->error->column = (unsigned)(where - p->text) + 1;
	snprintf(p->error->text, sizeof p->error->text, "directive %u (\"%s\"), column %u: %s", p->number, item,
	         p->error->column, why);
	return rc;
}

static int fail_at(struct parser *p, const char *expected)
{
	char found[16];

	if (p->at == p->end)
		return fail(p, -EINVAL, p->at, "the filter ends here, expected %s", expected);
	quote(found, sizeof found, p->at, 1);
	if ((unsigned char)*p->at >= 0x80)
		snprintf(found, sizeof found, "byte 0x%02x", (unsigned char)*p->at);
	return fail(p, -EINVAL, p->at, "unexpected \"%s\", expected %s", found, expected);
}

/* ---- tokens ---- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
	       (unsigned char)c >= 0x80;
}

static bool is_target(char c)
{
	return is_word(c) || c == ':' || c == '-' || c == '.' || c == '/';
}

static bool peek(const struct parser *p, char c)
{
	return p->at < p->end && *p->at == c;
}

static bool accept(struct parser *p, char c)
{
	bool found = peek(p, c);

	p->at += found;
	return found;
}

static int copy_name(char **out, const char *from, size_t len)
{
	*out = strndup(from, len);
	return *out ? 0 : -ENOMEM;
}

/* ---- fields ---- */

/* To the ']' of a bracket expression that begins at s; POSIX takes a first ']' (also behind '^') as a member. */
static const char *skip_class(const char *s, const char *end)
{
	s++;
	if (s < end && *s == '^')
		s++;
	if (s < end && *s == ']')
		s++;
	while (s < end && *s != ']')
		s++;
	return s;
}

static const char *value_end(const char *s, const char *end)
{
	unsigned depth = 0;

	for (; s < end; s++) {
		if (*s == '\\' && s + 1 < end)
			s++;
		else if (*s == '[')
			s = skip_class(s, end);
		else if (*s == '{')
			depth++;
		else if (*s == '}' && depth)
			depth--;
		else if ((*s == ',' && !depth) || *s == '}')
			break;
		if (s >= end)
			break;
	}
	return s < end ? s : end;
}

static int parse_value(struct parser *p, struct directive_field *field)
{
	const char *start = p->at, *end = value_end(start, p->end);
	char why[160];
	int rc;

	if (end == start)
		return fail_at(p, "a value after \"=\"");
	rc = directive_field_value(field, start, (size_t)(end - start), why, sizeof why);
	if (rc)
		return fail(p, rc, start, "%s", rc == -ENOMEM ? "" : why);
	p->at = end;
	return 0;
}

static int parse_field(struct parser *p, struct directive *d)
{
	struct directive_field *grown, *field;
	const char *start = p->at;
	int rc;

	if (d->field_count == DIRECTIVE_MAX_FIELDS)
		return fail(p, -E2BIG, p->at, "more than %d fields in a directive", DIRECTIVE_MAX_FIELDS);
	while (p->at < p->end && (is_word(*p->at) || (*p->at == '.' && p->at > start)))
		p->at++;
	if (p->at == start)
		return fail_at(p, "a field name");
	grown = realloc(d->fields, (d->field_count + 1) * sizeof *grown);
	if (!grown)
		return -ENOMEM;
	d->fields = grown;
	field = &grown[d->field_count++];
	memset(field, 0, sizeof *field);
	rc = copy_name(&field->name, start, (size_t)(p->at - start));
	if (!rc && accept(p, '='))
		rc = parse_value(p, field);
	return rc;
}

static int parse_fields(struct parser *p, struct directive *d)
{
	int rc = 0;

	if (accept(p, '}'))
		return 0;
	do {
		rc = parse_field(p, d);
	} while (!rc && accept(p, ','));
	if (!rc && !accept(p, '}'))
		rc = fail_at(p, "\",\" or \"}\"");
	return rc;
}

/* ---- directives ---- */

/* Behind '['. */
static int parse_span(struct parser *p, struct directive *d)
{
	const char *start = p->at;
	int rc = 0;

	while (p->at < p->end && *p->at != ']' && *p->at != '{' && *p->at != ',')
		p->at++;
	if (p->at > start)
		rc = copy_name(&d->span, start, (size_t)(p->at - start));
	if (!rc && accept(p, '{'))
		rc = parse_fields(p, d);
	if (!rc && !accept(p, ']'))
		rc = fail_at(p, d->field_count ? "\"]\"" : "\"]\" or \"{\"");
	return rc;
}

/* Behind '='. No level at all means trace. */
static int parse_level(struct parser *p, struct directive *d)
{
	const char *start = p->at, *end = item_end(p);
	int level = directive_level_parse(start, (size_t)(end - start));
	char found[40];

	if (end == start)
		return 0;
	if (level < 0) {
		quote(found, sizeof found, start, (size_t)(end - start));
		return fail(p, -EINVAL, start,
		            "unknown level \"%s\", expected off, error, warn, info, debug, trace or 0 to 5", found);
	}
	d->level = (uint8_t)level;
	p->at = end;
	return 0;
}

/* The word in front of '[', '=' or the end. A level there is never a target: alone it is the default level, before
 * '=' or '[' it is passed over, as EnvFilter does. */
static int take_target(struct parser *p, struct directive *d, const char *start)
{
	size_t len = (size_t)(p->at - start);
	int level = directive_level_parse(start, len);

	if (level >= 0 && !peek(p, '[') && !peek(p, '='))
		d->level = (uint8_t)level;
	if (level >= 0 || !len)
		return 0;
	d->target_len = len;
	return copy_name(&d->target, start, len);
}

static int parse_directive(struct parser *p, struct directive *d)
{
	const char *start = p->at;
	int rc;

	d->level = 5;
	while (p->at < p->end && is_target(*p->at))
		p->at++;
	rc = take_target(p, d, start);
	if (!rc && p->at == start && !peek(p, '['))
		return fail_at(p, "a level, a target or \"[\"");
	if (!rc && accept(p, '['))
		rc = parse_span(p, d);
	if (!rc && accept(p, '='))
		rc = parse_level(p, d);
	if (!rc && p->at < p->end && *p->at != ',')
		rc = fail_at(p, "\"=\" and a level, \"[\" or \",\"");
	return rc;
}

static int parse_item(struct parser *p, struct directive_set *set)
{
	struct directive *d = calloc(1, sizeof *d);
	int rc = d ? parse_directive(p, d) : -ENOMEM;

	if (rc) {
		directive_one_free(d);
		return rc;
	}
	return directive_set_add(set, d);
}

static int parse_all(struct parser *p, struct directive_set *set)
{
	const char *nul = memchr(p->text, '\0', (size_t)(p->end - p->text));
	unsigned count = 0;
	int rc = 0;

	if (nul)
		return fail(p, -EINVAL, nul, "a NUL byte");
	if (p->end - p->text > DIRECTIVE_MAX_TEXT)
		return fail(p, -E2BIG, p->text + DIRECTIVE_MAX_TEXT, "the filter is longer than %d bytes",
		            DIRECTIVE_MAX_TEXT);
	for (; !rc && p->at < p->end; p->at += p->at < p->end && !rc) {
		p->number++;
		p->item = p->at;
		if (*p->at == ',')
			continue;
		if (count++ == DIRECTIVE_MAX_COUNT)
			return fail(p, -E2BIG, p->at, "more than %d directives", DIRECTIVE_MAX_COUNT);
		rc = parse_item(p, set);
	}
	return rc;
}

int directive_parse(const char *text, size_t len, struct directive_set **out, struct directive_error *error)
{
	struct directive_set *set = calloc(1, sizeof *set);
	struct parser p = {.text = text, .end = text + len, .item = text, .at = text, .error = error};
	int rc = set ? parse_all(&p, set) : -ENOMEM;

	if (rc) {
		directive_free(set);
		return rc;
	}
	*out = set;
	return 0;
}
