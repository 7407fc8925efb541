/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finding.c - lists of findings. */
#include "findings/finding.h"
#include "base/array.h"
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const char *finding_level_name(enum finding_level l)
{
	static const char *const names[] = {"note", "warning", "error"};

	return names[l];
}

bool findings_alarm(const struct findings *f)
{
	for (size_t i = 0; i < f->n; i++)
		if (f->v[i].level >= FINDING_WARNING)
			return true;
	return false;
}

void findings_done(struct findings *f)
{
	for (size_t i = 0; i < f->n; i++) {
		struct finding *x = &f->v[i];

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
	free(f->v);
	*f = (struct findings){0};
}

struct finding *finding_add(struct findings *f, const char *rule, enum finding_level level, int64_t run)
{
	if (array_reserve(f->v, f->room, f->n + 1))
		return NULL;
	f->v[f->n] =
	    (struct finding){.rule = rule, .level = level, .run = run, .first_ns = INT64_MIN, .last_ns = INT64_MIN};
	return &f->v[f->n++];
}

static int say(char **to, const char *format, va_list ap)
{
	char *text;

	if (vasprintf(&text, format, ap) < 0)
		return -ENOMEM;
	free(*to);
	*to = text;
	return 0;
}

int finding_say(char **to, const char *format, ...)
{
	va_list ap;
	int rc;

	va_start(ap, format);
	rc = say(to, format, ap);
	va_end(ap);
	return rc;
}

int finding_tid(struct finding *f, struct slice tid)
{
	return tid.ptr ? finding_say(&f->tid, "%.*s", (int)tid.len, tid.ptr) : 0;
}

int finding_evidence(struct finding *f, int64_t event, const char *remark)
{
	struct evidence *p;

	if (array_reserve(f->evidence, f->evidence_room, f->nevidence + 1))
		return -ENOMEM;
	p = f->evidence;
	p[f->nevidence] = (struct evidence){event, remark ? strdup(remark) : NULL};
	if (remark && !p[f->nevidence].remark)
		return -ENOMEM;
	f->nevidence++;
	return 0;
}

int finding_detail_add(struct finding *f, const char *name, const char *format, ...)
{
	struct finding_detail *p;
	va_list ap;
	int rc;

	if (array_reserve(f->detail, f->detail_room, f->ndetails + 1))
		return -ENOMEM;
	p = f->detail;
	p[f->ndetails] = (struct finding_detail){name, NULL};
	va_start(ap, format);
	rc = say(&p[f->ndetails].value, format, ap);
	va_end(ap);
	if (!rc)
		f->ndetails++;
	return rc;
}
