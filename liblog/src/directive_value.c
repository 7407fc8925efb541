/* SPDX-License-Identifier: Apache-2.0 */
/* directive_value.c - the right side of `[span{name=value}]`: literals by value, the rest by regular expression.
 *
 * A literal is what Rust's parsers of bool, u64, i64 and f64 accept, tried in that order; types are not mixed: 5 matches
 * the integer 5, signed or not, never the double 5.0. Everything else is an expression that must match a string from its
 * first to its last byte. One thing is ours: a string also matches a literal written with the same bytes, for a
 * transaction id may happen to look like a number ("1e10..."), and a filter on it must not fail once in a million. */
#include "directive_set.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* glibc expands a{m,n} into copies, and nested ones multiply: this bounds the memory of a compiled expression. */
#define MAX_COPIES 4096

static bool is_digits(const char *s)
{
	return *s && strspn(s, "0123456789") == strlen(s);
}

static bool parse_u64(const char *s, uint64_t *out)
{
	char *end;

	if (*s == '+')
		s++;
	if (!is_digits(s))
		return false;
	errno = 0;
	*out = strtoull(s, &end, 10);
	return !errno;
}

static bool parse_i64(const char *s, int64_t *out)
{
	if (!is_digits(*s == '-' || *s == '+' ? s + 1 : s))
		return false;
	errno = 0;
	*out = strtoll(s, NULL, 10);
	return !errno;
}

static bool is_f64(const char *s)
{
	size_t before, after = 0;

	if (*s == '-' || *s == '+')
		s++;
	if (!strcasecmp(s, "inf") || !strcasecmp(s, "infinity") || !strcasecmp(s, "nan"))
		return true;
	s += before = strspn(s, "0123456789");
	if (*s == '.')
		s += 1 + (after = strspn(s + 1, "0123456789"));
	if (before + after == 0)
		return false;
	if (*s == 'e' || *s == 'E') {
		s++;
		s += *s == '-' || *s == '+';
		return is_digits(s);
	}
	return !*s;
}

/* In the C locale, whatever the program has chosen. */
static bool parse_f64(const char *s, double *out)
{
	locale_t c;

	if (!is_f64(s))
		return false;
	c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
	if (!c)
		return false;
	*out = strtod_l(s, NULL, c);
	freelocale(c);
	return true;
}

static bool parse_literal(struct directive_field *field, const char *s)
{
	if (!strcmp(s, "true") || !strcmp(s, "false")) {
		field->kind = MATCH_BOOL;
		field->boolean = *s == 't';
	} else if (parse_u64(s, &field->u)) {
		field->kind = MATCH_U64;
	} else if (parse_i64(s, &field->i)) {
		field->kind = MATCH_I64;
	} else if (parse_f64(s, &field->f)) {
		field->kind = isnan(field->f) ? MATCH_NAN : MATCH_F64;
	} else {
		return false;
	}
	return true;
}

/* The product of all upper bounds is at least the number of copies. */
static bool too_many_copies(const char *s)
{
	double copies = 1;

	for (; *s; s++) {
		if (*s == '\\' && s[1]) {
			s++;
		} else if (*s == '{') {
			long low = strtol(s + 1, NULL, 10);
			const char *comma = strpbrk(s, ",}");
			long high = comma && *comma == ',' ? strtol(comma + 1, NULL, 10) : 0;
			long bound = high > low ? high : low;

			copies *= bound > 1 ? (double)bound : 1;
		}
	}
	return copies > MAX_COPIES;
}

/* Anchor the expression, and write \d, which POSIX lacks, as it is meant. */
static char *anchored(const char *s)
{
	char *out = malloc(4 * strlen(s) + 8), *p = out;
	bool in_class = false;

	if (!out)
		return NULL;
	p = stpcpy(p, "^(");
	for (; *s; s++) {
		if (*s == '\\' && s[1] == 'd' && !in_class) {
			p = stpcpy(p, "[0-9]");
			s++;
			continue;
		}
		if (*s == '\\' && s[1] && !in_class)
			*p++ = *s++;
		else if (*s == '[' && !in_class)
			in_class = true;
		else if (*s == ']' && in_class)
			in_class = false;
		*p++ = *s;
	}
	strcpy(p, ")$");
	return out;
}

static int compile(struct directive_field *field, const char *s, char *why, size_t why_len)
{
	char *expression;
	int rc;

	if (strlen(s) > DIRECTIVE_MAX_REGEX) {
		snprintf(why, why_len, "regular expression longer than %d bytes", DIRECTIVE_MAX_REGEX);
		return -E2BIG;
	}
	if (too_many_copies(s)) {
		snprintf(why, why_len, "repetitions in the regular expression multiply to more than %d", MAX_COPIES);
		return -E2BIG;
	}
	expression = anchored(s);
	if (!expression)
		return -ENOMEM;
	rc = regcomp(&field->regex, expression, REG_EXTENDED | REG_NOSUB);
	free(expression);
	if (rc == REG_ESPACE)
		return -ENOMEM;
	if (rc) {
		char reason[96];

		regerror(rc, &field->regex, reason, sizeof reason);
		snprintf(why, why_len, "bad regular expression: %s", reason);
		return -EINVAL;
	}
	field->kind = MATCH_REGEX;
	return 0;
}

int directive_field_value(struct directive_field *field, const char *text, size_t len, char *why, size_t why_len)
{
	char *copy = strndup(text, len);
	int rc = copy ? 0 : -ENOMEM;

	if (!rc && strlen(copy) != len) {
		snprintf(why, why_len, "a NUL byte in a value");
		rc = -EINVAL;
	}
	if (!rc && !parse_literal(field, copy))
		rc = compile(field, copy, why, why_len);
	if (rc) {
		free(copy);
		return rc;
	}
	field->text = copy;
	return 0;
}

void directive_field_done(struct directive_field *field)
{
	if (field->kind == MATCH_REGEX)
		regfree(&field->regex);
	free(field->name);
	free(field->text);
}

static bool string_matches(const struct directive_field *field, const char *text, size_t len)
{
	regmatch_t whole = { .rm_so = 0, .rm_eo = (regoff_t)len };

	if (field->kind == MATCH_REGEX)
		return len <= INT32_MAX && !regexec(&field->regex, text ? text : "", 1, &whole, REG_STARTEND);
	return strlen(field->text) == len && !memcmp(field->text, text, len);
}

bool directive_field_matches(const struct directive_field *field, const struct directive_value *value)
{
	if (field->kind == MATCH_ANY)
		return true;
	switch (value->type) {
	case DIRECTIVE_BOOL:
		return field->kind == MATCH_BOOL && field->boolean == value->b;
	case DIRECTIVE_U64:
		return field->kind == MATCH_U64 && field->u == value->u;
	case DIRECTIVE_I64:
		return (field->kind == MATCH_I64 && field->i == value->i) ||
		       (field->kind == MATCH_U64 && value->i >= 0 && field->u == (uint64_t)value->i);
	case DIRECTIVE_F64:
		return (field->kind == MATCH_NAN && isnan(value->f)) ||
		       (field->kind == MATCH_F64 && fabs(value->f - field->f) < DBL_EPSILON);
	case DIRECTIVE_STR:
		return string_matches(field, value->s.text, value->s.len);
	case DIRECTIVE_OTHER:
		break;
	}
	return false;
}
