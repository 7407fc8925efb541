/* SPDX-License-Identifier: GPL-3.0-or-later */
/* speedscope.c - the file format of speedscope (https://www.speedscope.app/file-format-schema.json): one profile,
 * whose samples are the paths of spans with the time that was spent there. */
#include "query/export/stacks.h"
#include "render/text.h"

static void put(struct export *x)
{
	query_wrote(x->q, export_put(x));
}

static void add_word(struct text *t, const struct stacks *s, uint32_t number)
{
	struct slice w = intern_text(&s->words, number);

	text_add_json(t, w.ptr ? w.ptr : "", w.len);
}

static void put_frames(struct export *x, const struct stacks *s)
{
	for (uint32_t i = 0; i < s->nframes && !x->q->status; i++) {
		text_puts(&x->line, i ? ",\n{\"name\":" : "{\"name\":");
		add_word(&x->line, s, s->frames[i].name);
		if (s->frames[i].target != INTERN_NONE) {
			text_puts(&x->line, ",\"file\":");
			add_word(&x->line, s, s->frames[i].target);
		}
		text_puts(&x->line, "}");
		put(x);
	}
}

enum { DEPTH_MAX = 4096 }; /* frames of one sample; of deeper ones the outermost are left out */

static void add_sample(struct text *t, const struct stacks *s, uint32_t number)
{
	static uint32_t path[DEPTH_MAX];
	size_t n = 0;

	for (uint32_t i = number; i != STACK_ROOT && n < DEPTH_MAX; i = s->nodes[i].parent)
		path[n++] = s->nodes[i].frame;
	text_puts(t, "[");
	while (n--) {
		text_add_int(t, path[n]);
		text_puts(t, n ? "," : "]");
	}
}

/* Paths that have time of their own; weights: their time instead. Returns the sum of all. */
static int64_t put_paths(struct export *x, const struct stacks *s, bool weights)
{
	bool first = true;
	int64_t sum = 0;

	for (uint32_t i = 0; i < s->nnodes && !x->q->status; i++) {
		int64_t self = stack_self(&s->nodes[i]);

		if (!self)
			continue;
		text_puts(&x->line, first ? "" : ",");
		if (weights)
			text_add_int(&x->line, self);
		else
			add_sample(&x->line, s, i);
		sum += self;
		first = false;
		put(x);
	}
	return sum;
}

void export_speedscope(struct export *x)
{
	struct stacks s;
	int64_t sum;

	stacks_read(x, &s);
	text_puts(
	    &x->line,
	    "{\"$schema\":\"https://www.speedscope.app/file-format-schema.json\",\"exporter\":\"ilu-logq " ILU_VERSION
	    "\",\"name\":\"spans\",\"activeProfileIndex\":0,\n\"shared\":{\"frames\":[\n");
	put_frames(x, &s);
	text_puts(&x->line,
	          "]},\n\"profiles\":[{\"type\":\"sampled\",\"name\":\"time in spans\",\"unit\":\"nanoseconds\","
	          "\"startValue\":0,\n\"samples\":[");
	put_paths(x, &s, false);
	text_puts(&x->line, "],\n\"weights\":[");
	sum = put_paths(x, &s, true);
	text_puts(&x->line, "],\"endValue\":");
	text_add_int(&x->line, sum);
	text_puts(&x->line, "}]}\n");
	put(x);
	stacks_done(&s);
}
