/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding.c - lists of findings. */
#include "findings/finding.h"
#include "base/array.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *finding_level_name(enum finding_level l)
{
	static const char *const names[] = {"note", "warning", "error"};

	return names[l];
}

int findings_sort(struct findings *fs)
{
	struct finding *sorted = malloc((fs->n + 1) * sizeof *sorted);
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (int level = FINDING_ERROR; level >= FINDING_NOTE; level--)
		for (size_t i = 0; i < fs->n; i++)
			if ((int)fs->v[i].level == level)
				sorted[n++] = fs->v[i];
	if (n)
		memcpy(fs->v, sorted, n * sizeof *sorted);
	free(sorted);
	return 0;
}

bool findings_alarm(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].level >= FINDING_WARNING)
			return true;
	return false;
}

struct findings_words {
	struct intern words;
	struct findings_words *next;
};

static void done(struct finding *x)
{
	free(x->evidence);
	free(x->detail);
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		done(&f->v[i]);
	done(&f->nowhere);
	intern_done(&f->words);
	for (struct findings_words *next; f->more; f->more = next) {
		next = f->more->next;
		intern_done(&f->more->words);
		free(f->more);
	}
	free(f->v);
	*f = (struct findings){0};
}

/* The texts of one list become another's as they stand: findings point to them. */
static int words_join(struct findings *to, struct findings *from)
{
	struct findings_words *w = malloc(sizeof *w), **end = &w->next;

	if (!w)
		return -ENOMEM;
	*w = (struct findings_words){from->words, from->more};
	while (*end)
		end = &(*end)->next;
	*end = to->more;
	to->more = w;
	intern_init(&from->words);
	from->more = NULL;
	return 0;
}

static void failed(struct findings *f, int rc)
{
	f->rc = f->rc ? f->rc : rc;
}

void findings_join(struct findings *to, struct findings *from)
{
	failed(to, from->rc);
	if (array_reserve(to->v, to->room, to->n + from->n))
		failed(to, -ENOMEM);
	if (!to->rc && from->n)
		failed(to, words_join(to, from));
	for (size_t i = 0; i < from->n && !to->rc; i++) {
		struct finding *x = &to->v[to->n++];

		*x = from->v[i];
		from->v[i] = (struct finding){0};
		x->list = to;
	}
	findings_done(from);
}

static void *trimmed(void *v, size_t n, size_t *room, size_t size)
{
	void *less = n && n < *room ? realloc(v, n * size) : NULL;

	if (less)
		*room = n;
	return less ? less : v;
}

/* Nothing is added to it any more: what has few entries needs no room for many. */
static void trim(struct finding *x)
{
	x->evidence = trimmed(x->evidence, x->nevidence, &x->evidence_room, sizeof *x->evidence);
	x->detail = trimmed(x->detail, x->ndetails, &x->detail_room, sizeof *x->detail);
}

struct finding *finding_add(struct findings *f, const char *rule, enum finding_level level, int64_t run)
{
	struct finding *x = array_add(f->v, f->n, f->room);

	if (!x) {
		failed(f, -ENOMEM);
		done(&f->nowhere);
		x = &f->nowhere;
	} else if (f->n > 1) {
		trim(x - 1);
	}
	*x = (struct finding){
	    .rule = rule, .level = level, .run = run, .first_ns = INT64_MIN, .last_ns = INT64_MIN, .list = f};
	return x;
}

/* The list's copy; NULL where memory is out. */
static const char *word(struct finding *f, struct slice text)
{
	uint32_t i;
	int rc = intern_add(&f->list->words, text, &i);

	failed(f->list, rc);
	return rc ? NULL : f->list->words.text[i].ptr;
}

static void say(struct finding *f, const char **to, const char *format, va_list ap)
{
	char *text;
	int n = vasprintf(&text, format, ap);

	if (n < 0) {
		failed(f->list, -ENOMEM);
		return;
	}
	*to = word(f, (struct slice){text, (size_t)n});
	free(text);
}

void finding_message(struct finding *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(f, &f->message, format, ap);
	va_end(ap);
}

void finding_cause(struct finding *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	say(f, &f->cause, format, ap);
	va_end(ap);
}

void finding_tid(struct finding *f, struct slice tid)
{
	if (tid.ptr)
		f->tid = word(f, tid);
}

void finding_evidence(struct finding *f, int64_t event, const char *remark)
{
	struct evidence *p = array_add(f->evidence, f->nevidence, f->evidence_room);

	if (p)
		*p = (struct evidence){event, remark ? word(f, (struct slice){remark, strlen(remark)}) : NULL};
	else
		failed(f->list, -ENOMEM);
}

static void add_detail(struct finding *f, const char *name, const char *value)
{
	struct finding_detail *p = value ? array_add(f->detail, f->ndetails, f->detail_room) : NULL;

	if (p)
		*p = (struct finding_detail){name, value};
	else
		failed(f->list, -ENOMEM);
}

void finding_detail(struct finding *f, const char *name, const char *format, ...)
{
	const char *value = NULL;
	va_list ap;

	va_start(ap, format);
	say(f, &value, format, ap);
	va_end(ap);
	add_detail(f, name, value);
}

void finding_detail_text(struct finding *f, const char *name, struct slice value)
{
	if (value.ptr)
		add_detail(f, name, word(f, value));
}
