/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folded.c - folded stacks, as flamegraph.pl, inferno and speedscope read them: "worker;target::name;... ns". */
#include "query/export/stacks.h"
#include "render/text.h"
#include <errno.h>

/* Between frames stands a semicolon, before the number a blank, and a line ends a stack. */
static void add_plain(struct text *t, struct slice word)
{
	size_t from = t->len;

	text_add_terminal(t, word.ptr ? word.ptr : "", word.len);
	for (size_t i = from; i < t->len; i++)
		if (t->ptr[i] == ';' || t->ptr[i] == ' ')
			t->ptr[i] = t->ptr[i] == ';' ? ':' : '_';
}

static void add_frame(struct text *t, const struct stacks *s, uint32_t number)
{
	const struct stack_frame *f = &s->frames[number];
	size_t from = t->len;

	if (f->target != INTERN_NONE) {
		add_plain(t, intern_text(&s->words, f->target));
		text_puts(t, "::");
	}
	add_plain(t, intern_text(&s->words, f->name));
	if (t->len == from)
		text_puts(t, "-");
}

enum { DEPTH_MAX = 4096 }; /* frames of one line; of deeper ones the outermost are left out */

static void put_node(struct export *x, const struct stacks *s, uint32_t number)
{
	static uint32_t path[DEPTH_MAX];
	size_t n = 0;

	for (uint32_t i = number; i != STACK_ROOT && n < DEPTH_MAX; i = s->nodes[i].parent)
		path[n++] = s->nodes[i].frame;
	while (n--) {
		add_frame(&x->line, s, path[n]);
		text_puts(&x->line, n ? ";" : " ");
	}
	text_add_int(&x->line, stack_self(&s->nodes[number]));
	text_puts(&x->line, "\n");
	query_wrote(x->q, export_put(x));
}

void export_folded(struct export *x)
{
	struct stacks s;

	stacks_read(x, &s);
	for (uint32_t i = 0; i < s.nnodes && !x->q->status; i++)
		if (stack_self(&s.nodes[i]))
			put_node(x, &s, i);
	stacks_done(&s);
}
