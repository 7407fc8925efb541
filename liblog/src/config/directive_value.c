/* SPDX-License-Identifier: Apache-2.0 */
/* directive_value.c - the right side of `[span{name=value}]`: literals by value, the rest by regular expression.
 *
 * A literal is what Rust's parsers of bool, u64, i64 and f64 accept, tried in that order; types are not mixed: 5
 * matches the integer 5, signed or not, never the double 5.0. Everything else is an expression that must match a string
 * from its first to its last byte. One thing is ours: a string also matches a literal written with the same bytes, for
 * a transaction id may happen to look like a number ("1e10..."), and a filter on it must not fail once in a million. */
#include "config/directive_set.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <float.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* A quantifier: how many copies it makes of what is before it, as glibc writes them out; whether none is enough. */
struct quantifier {
	size_t len; /* 0: there is none */
	double copies;
	bool optional;
};

static struct quantifier quantifier_at(const char *s)
{
	const char *end = *s == '{' ? strchr(s, '}') : NULL, *comma;
	long low, high;

	if (*s == '+') /* x+ is compiled as xx* */
		return (struct quantifier){1, 2, false};
	if (*s == '*' || *s == '?')
		return (struct quantifier){1, 1, true};
	if (!end)
		return (struct quantifier){0, 0, false};
	comma = memchr(s, ',', (size_t)(end - s) + 1);
	low = strtol(s + 1, NULL, 10);
	high = comma ? strtol(comma + 1, NULL, 10) : low;
	return (struct quantifier){(size_t)(end - s) + 1, high > low ? (double)high : (double)low + 1, low <= 0};
}

/* One character, escape or bracket expression. */
static size_t atom_len(const char *s)
{
	const char *end = s;

	if (*s == '\\' && s[1])
		return 2;
	if (*s != '[')
		return 1;
	end += s[1] == '^';
	end = end[1] ? strchr(end + 2, ']') : NULL;
	return end ? (size_t)(end - s) + 1 : 1;
}

/* What regcomp makes of a piece of an expression. Its memory goes with the characters. Its time does too, but where
 * something is repeated that may be empty: there it goes with the cube of the pieces, and when such repetitions are in
 * one another it has no bound that one would want to wait for. */
struct size {
	double characters;
	double empties; /* pieces that may be empty, in all copies */
	unsigned nested;
	bool optional; /* may be empty */
};

struct sizing {
	const char *at;
	double empties; /* those that count: in repetitions of what may be empty */
	unsigned nested;
	unsigned depth; /* of groups */
	bool too_deep;
};

static void repeat(struct sizing *z, struct size *s, struct quantifier q)
{
	if (s->optional) {
		s->nested++;
		s->empties *= q.copies;
		if (q.copies > 1 || s->nested > 1)
			z->empties += s->empties * (s->nested > 1 ? DIRECTIVE_NESTED_WEIGHT : 1);
		if (s->nested > z->nested)
			z->nested = s->nested;
	} else if (q.optional) {
		s->empties = s->empties > q.copies ? s->empties : q.copies;
	}
	s->characters *= q.copies;
	s->optional |= q.optional;
}

/* Up to the end or the ')' of this group, or to a group that is too deep. */
static struct size size_group(struct sizing *z)
{
	struct size group = {.characters = 0};
	bool branch = true; /* all of it may be empty */

	while (*z->at && !(z->depth && *z->at == ')')) {
		struct size part = {.characters = 1};
		struct quantifier q;

		if (*z->at == '|') {
			group.optional |= branch;
			branch = true;
			z->at++;
			continue;
		}
		if (*z->at == '(') {
			z->at++;
			if (z->depth == DIRECTIVE_MAX_GROUPS) {
				z->too_deep = true;
				return group;
			}
			z->depth++;
			part = size_group(z);
			z->depth--;
			if (z->too_deep)
				return group;
			z->at += *z->at == ')';
			part.empties += part.optional && part.empties < 1;
		} else {
			z->at += atom_len(z->at);
		}
		while ((q = quantifier_at(z->at)).len) {
			repeat(z, &part, q);
			z->at += q.len;
		}
		group.characters += part.characters;
		group.empties += part.empties;
		group.nested = part.nested > group.nested ? part.nested : group.nested;
		branch &= part.optional;
	}
	group.optional |= branch;
	return group;
}

static int too_big(const char *s, char *why, size_t why_len)
{
	struct sizing z = {.at = s};
	struct size all = size_group(&z);

	if (z.too_deep)
		snprintf(why, why_len, "more than %d groups in one another", DIRECTIVE_MAX_GROUPS);
	else if (all.characters > DIRECTIVE_MAX_COPIES)
		snprintf(why, why_len, "repetitions make the regular expression longer than %d characters",
		         DIRECTIVE_MAX_COPIES);
	else if (z.nested > DIRECTIVE_MAX_NESTED)
		snprintf(why, why_len, "more than %d repetitions in one another of what may be empty",
		         DIRECTIVE_MAX_NESTED);
	else if (z.empties > DIRECTIVE_MAX_EMPTY)
		snprintf(why, why_len, "repetitions of what may be empty count for more than %d copies",
		         DIRECTIVE_MAX_EMPTY);
	else
		return 0;
	return -E2BIG;
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
	if (too_big(s, why, why_len))
		return -E2BIG;
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
	regmatch_t whole = {.rm_so = 0, .rm_eo = (regoff_t)len};

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
