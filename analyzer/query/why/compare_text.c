/* SPDX-License-Identifier: GPL-3.0-or-later */
/* compare_text.c - a comparison for people: on a terminal, or as Markdown. */
#include "query/why/compare.h"
#include "render/fold.h"
#include <errno.h>
#include <string.h>

static const struct {
	enum compare_table table;
	const char *title, *left; /* left: what was left out */
} parts[] = {
    {TABLE_CLAIMS, "What differs", NULL},
    {TABLE_GROUPS, "Side by side", NULL},
    {TABLE_PARTS, "What the difference of means is made of", "%zu more groups without evidence: --show parts\n"},
    {TABLE_LINES, "Lines: new, gone, more or less of them by request", "%zu more kinds of lines: --show lines\n"},
};

static void put_safe(struct output *out, const char *before, const char *text)
{
	struct text safe = {0}, lines = {0};

	text_puts(&safe, before);
	if (out->format == FORMAT_MARKDOWN)
		text_add_markdown(&safe, text, strlen(text));
	else
		text_add_terminal(&safe, text, strlen(text));
	text_add_folded(&lines, text_str(&safe), safe.len, out->format == FORMAT_TEXT ? out->width : 0,
	                strlen(before) ? 3 : 0);
	fprintf(out->file, "%s\n", text_str(&lines));
	text_done(&safe);
	text_done(&lines);
}

static void put_head(struct query *q, const struct comparison *c)
{
	bool markdown = q->out->format == FORMAT_MARKDOWN;
	const char *micro = q->out->utf8 ? "µ" : "u";
	struct text t = {0};

	if (markdown)
		fputs("# Comparison of ilu-logq\n\n", q->out->file);
	for (int s = 0; s < SIDES; s++) {
		char before[8];

		snprintf(before, sizeof before, "%s%c  ", markdown ? "- " : "", 'A' + s);
		text_reset(&t);
		compare_side(c, s, micro, &t);
		put_safe(q->out, before, text_str(&t));
	}
	text_reset(&t);
	compare_sentence(c, micro, &t);
	if (markdown)
		fputs("\n", q->out->file);
	put_safe(q->out, "", text_str(&t));
	query_ok(q, t.failed ? -ENOMEM : 0, "memory");
	text_done(&t);
}

static bool is_empty(const struct comparison *c, enum compare_table t)
{
	return (t == TABLE_CLAIMS && !c->nclaims) || (t == TABLE_LINES && !c->nlines);
}

void compare_text(struct query *q, const struct comparison *c)
{
	bool markdown = q->out->format == FORMAT_MARKDOWN;

	put_head(q, c);
	for (size_t i = 0; i < sizeof parts / sizeof *parts && !q->status; i++) {
		size_t left;

		if (is_empty(c, parts[i].table))
			continue;
		fprintf(q->out->file, markdown ? "\n## %s\n\n" : "\n%s\n", parts[i].title);
		left = compare_table(q, c, parts[i].table, false);
		if (left && parts[i].left && !q->out->quiet) {
			fputs(markdown ? "\n" : "", q->out->file);
			fprintf(q->out->file, parts[i].left, left);
		}
	}
}
