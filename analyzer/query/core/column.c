/* SPDX-License-Identifier: GPL-3.0-or-later */
/* column.c - a column that a table does not have, and which was perhaps meant. */
#include "base/arena.h"
#include "query/core/query.h"
#include "query/core/suggest.h"
#include "render/text.h"
#include <stdlib.h>
#include <string.h>

enum { LISTED = 20 }; /* of more columns the help tells */

struct headings {
	const struct column_set *of;
	struct arena texts;
};

static const struct column *column_at(const struct column_set *of, size_t i)
{
	return (const void *)((const char *)of->v + i * of->stride);
}

/* As people see them: a slip is one in what they read. */
static const char *next_heading(void *arg, size_t i)
{
	struct headings *h = arg;
	const struct column *c = column_at(h->of, i);
	char heading[128];

	if (i >= h->of->n)
		return NULL;
	if ((c->unit & UNIT_MASK) == UNIT_OFFSET)
		return "";
	return arena_text(&h->texts, heading, column_heading(c, heading, sizeof heading));
}

static void add_list(struct text *t, const struct query *q, const struct column_set *of)
{
	const char *comma = "";

	text_printf(t, "%s has: ", q->command ? q->command : "this");
	for (size_t i = 0; i < of->n; i++) {
		if ((column_at(of, i)->unit & UNIT_MASK) == UNIT_OFFSET)
			continue;
		text_printf(t, "%s%s", comma, column_at(of, i)->name);
		comma = ", ";
	}
}

void query_no_column(struct query *q, const char *option, const char *name, size_t len, const struct column_set *of)
{
	struct headings h = {.of = of};
	char *word = strndup(name, len);
	const char *near = word ? suggest(word, next_heading, &h) : NULL;
	struct text t = {0};

	if (near)
		text_printf(&t, "did you mean %s? ", near);
	if (of->n > LISTED)
		text_printf(&t, "see `ilu-logq %s --help`", q->command);
	else
		add_list(&t, q, of);
	query_fail(q, USAGE, "%s: no column %.*s; %s", option, (int)len, name, text_str(&t));
	text_done(&t);
	arena_done(&h.texts);
	free(word);
}
