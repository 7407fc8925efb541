/* SPDX-License-Identifier: Apache-2.0 */
/* meant.c - looks for call sites that directives fit, and for words like theirs; see meant.h. */
#include "control/meant.h"

#include "call/site.h"
#include "config/directive.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define WORD_MAX 80 /* longer words are like no other */

/* How many letters to put in, take out, change or swap with the next; more than `most`: most + 1. */
static unsigned distance(const char *a, const char *b, unsigned most)
{
	size_t la = strlen(a), lb = strlen(b);
	unsigned row[3][WORD_MAX + 1];

	if (la > WORD_MAX || lb > WORD_MAX || la > lb + most || lb > la + most)
		return most + 1;
	for (size_t j = 0; j <= lb; j++)
		row[0][j] = (unsigned)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];

		now[0] = (unsigned)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);

			best = last[j] + 1 < best ? last[j] + 1 : best;
			best = now[j - 1] + 1 < best ? now[j - 1] + 1 : best;
			if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && before[j - 2] + 1 < best)
				best = before[j - 2] + 1;
			now[j] = best;
		}
	}
	return row[la % 3][lb] < most ? row[la % 3][lb] : row[la % 3][lb] == most ? most : most + 1;
}

struct likest {
	const char *word;        /* that was typed */
	char best[WORD_MAX + 1]; /* "": none is like it */
	unsigned away;
};

static void consider(struct likest *l, const char *word)
{
	unsigned away = distance(l->word, word, l->away - 1);

	if (away >= l->away)
		return;
	l->away = away;
	strcpy(l->best, word); /* a longer one is like none */
}

/* A third of the letters may be wrong. */
static struct likest like(const char *word)
{
	return (struct likest){word, "", (unsigned)(strlen(word) / 3) + 2};
}

/* The beginning of a target with as many parts as the word has, for targets are given so. */
static void consider_beginning(struct likest *l, const char *target)
{
	char part[WORD_MAX + 1];
	const char *end = strstr(target, "::"), *at = strstr(l->word, "::");

	while (at && end) {
		at = strstr(at + 2, "::");
		end = strstr(end + 2, "::");
	}
	if (!end || (size_t)(end - target) >= sizeof part)
		return;
	memcpy(part, target, (size_t)(end - target));
	part[end - target] = '\0';
	consider(l, part);
}

static void like_target(struct likest *l)
{
	static const char *const levels[] = {"off", "error", "warn", "info", "debug", "trace"};

	for (size_t i = 0; i < sizeof levels / sizeof *levels; i++)
		consider(l, levels[i]);
	for (uint32_t i = 1, n = sites_count(); i <= n; i++) {
		consider(l, site_get(i)->target);
		consider_beginning(l, site_get(i)->target);
	}
}

static void like_span(struct likest *l)
{
	for (uint32_t i = 1, n = sites_count(); i <= n; i++)
		if (site_get(i)->kind == ILU_SITE_SPAN_)
			consider(l, site_get(i)->text);
}

static bool is_span_of(const struct site *site, const char *span)
{
	return site->kind == ILU_SITE_SPAN_ && (!span || !strcmp(site->text, span));
}

/* The keys of spans of this name, or of all; l NULL: only whether the word is one of them. */
static bool like_key(struct likest *l, const char *word, const char *span)
{
	bool same = false;

	for (uint32_t i = 1, n = sites_count(); i <= n; i++) {
		const char *keys[SITE_KEYS];
		struct directive_site seen;

		if (!is_span_of(site_get(i), span))
			continue;
		site_describe_with_tid(site_get(i), keys, &seen);
		for (size_t k = 0; k < seen.key_count; k++) {
			same |= !strcmp(keys[k], word);
			if (l)
				consider(l, keys[k]);
		}
	}
	return same;
}

/* The first field that no such span has; NULL: each is in some. */
static const char *wrong_key(const struct directive *d, const char *span)
{
	const char *key;

	for (size_t i = 0; (key = directive_key(d, i)); i++)
		if (!like_key(NULL, key, span))
			return key;
	return NULL;
}

static bool span_exists(const char *span)
{
	for (uint32_t i = 1, n = sites_count(); span && i <= n; i++)
		if (is_span_of(site_get(i), span))
			return true;
	return !span;
}

static bool fits_some(const struct directive *d)
{
	for (uint32_t i = 1, n = sites_count(); i <= n; i++) {
		const char *keys[SITE_KEYS];
		struct directive_site seen;

		site_describe_with_tid(site_get(i), keys, &seen);
		if (site_get(i)->kind != ILU_SITE_RECORD_ && directive_fits(d, &seen))
			return true;
	}
	return false;
}

static bool target_exists(const char *target)
{
	for (uint32_t i = 1, n = sites_count(); target && i <= n; i++)
		if (!strncmp(site_get(i)->target, target, strlen(target)))
			return true;
	return !target;
}

static void explain(const struct directive *d, char *why, size_t cap)
{
	const char *span, *target = directive_names(d, &span);
	bool known = target_exists(target), spanned = span_exists(span);
	const char *key = known && spanned ? wrong_key(d, span) : NULL;
	struct likest l = like(!known ? target : key ? key : span ? span : "");
	char text[100];
	size_t len;

	if (!known)
		like_target(&l);
	else if (key)
		like_key(&l, key, span);
	else if (span)
		like_span(&l);
	directive_show(d, text, sizeof text);
	len = (size_t)snprintf(why, cap, "\"%s\" fits no call site of the program", text);
	if (*l.best)
		len += (size_t)snprintf(why + len, cap - len, "; did you mean \"%s\"?", l.best);
	snprintf(why + len, cap - len, " (--force sets it all the same)");
}

bool meant(const char *directives, char *why, size_t cap)
{
	const struct directive *d = NULL, *wrong = NULL;
	struct directive_set *set;
	bool some = false;

	if (directive_parse(directives, strlen(directives), &set, NULL))
		return true;
	while ((d = directive_next(set, d))) { /* the newest is first: the first that was written is told of */
		some = true;
		if (!fits_some(d))
			wrong = d;
	}
	if (wrong)
		explain(wrong, why, cap);
	else if (!some)
		snprintf(why, cap,
		         "an empty filter turns everything off; did you mean \"off\"? (--force sets it all the same)");
	directive_free(set);
	return some && !wrong;
}
