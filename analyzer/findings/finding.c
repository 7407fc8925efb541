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

static void done(struct finding *x)
{
	for (size_t k = 0; k < x->nevidence; k++)
		free(x->evidence[k].remark);
	for (size_t k = 0; k < x->ndetails; k++)
		free(x->detail[k].value);
	free(x->evidence);
	free(x->detail);
	free(x->tid);
	free(x->cause);
	free(x->message);
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		done(&f->v[i]);
	done(&f->nowhere);
	intern_done(&f->words);
	free(f->v);
	*f = (struct findings){0};
}

/* A word that is the list's own stands in the list that it goes to. */
static const char *word_of(struct findings *to, const struct findings *from, const char *word)
{
	uint32_t i;

	if (!from->words.n)
		return word;
	if (intern_add(&to->words, (struct slice){word, strlen(word)}, &i))
		to->rc = to->rc ? to->rc : -ENOMEM;
	else
		word = to->words.text[i].ptr;
	return to->rc ? "" : word;
}

void findings_join(struct findings *to, struct findings *from)
{
	to->rc = to->rc ? to->rc : from->rc;
	if (array_reserve(to->v, to->room, to->n + from->n))
		to->rc = to->rc ? to->rc : -ENOMEM;
	for (size_t i = 0; i < from->n && !to->rc; i++) {
		struct finding *x = &to->v[to->n++];

		*x = from->v[i];
		from->v[i] = (struct finding){0};
		x->rc = &to->rc;
		x->rule = word_of(to, from, x->rule);
		for (size_t k = 0; k < x->ndetails; k++)
			x->detail[k].name = word_of(to, from, x->detail[k].name);
	}
	findings_done(from);
}

static void fail(struct finding *f, int rc)
{
	if (!*f->rc)
		*f->rc = rc;
}

struct finding *finding_add(struct findings *f, const char *rule, enum finding_level level, int64_t run)
{
	struct finding *x = array_add(f->v, f->n, f->room);

	if (!x) {
		f->rc = f->rc ? f->rc : -ENOMEM;
		done(&f->nowhere);
		x = &f->nowhere;
	}
	*x = (struct finding){
	    .rule = rule, .level = level, .run = run, .first_ns = INT64_MIN, .last_ns = INT64_MIN, .rc = &f->rc};
	return x;
}

static void say(struct finding *f, char **to, const char *format, va_list ap)
{
	char *text;

	if (vasprintf(&text, format, ap) < 0) {
		fail(f, -ENOMEM);
		return;
	}
	free(*to);
	*to = text;
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
	char *text = tid.ptr ? strndup(tid.ptr, tid.len) : NULL;

	if (!tid.ptr)
		return;
	if (!text) {
		fail(f, -ENOMEM);
		return;
	}
	free(f->tid);
	f->tid = text;
}

void finding_evidence(struct finding *f, int64_t event, const char *remark)
{
	char *copy = remark ? strdup(remark) : NULL;
	struct evidence *p = !remark || copy ? array_add(f->evidence, f->nevidence, f->evidence_room) : NULL;

	if (p) {
		*p = (struct evidence){event, copy};
	} else {
		free(copy);
		fail(f, -ENOMEM);
	}
}

void finding_detail(struct finding *f, const char *name, const char *format, ...)
{
	char *value = NULL;
	struct finding_detail *p;
	va_list ap;

	va_start(ap, format);
	say(f, &value, format, ap);
	va_end(ap);
	p = value ? array_add(f->detail, f->ndetails, f->detail_room) : NULL;
	if (p) {
		*p = (struct finding_detail){name, value};
	} else {
		free(value);
		fail(f, -ENOMEM);
	}
}

void finding_detail_text(struct finding *f, const char *name, struct slice value)
{
	if (value.ptr)
		finding_detail(f, name, "%.*s", (int)value.len, value.ptr);
}
