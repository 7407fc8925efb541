/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stacks.c - see stacks.h
 *
 * A span learns its path as it opens, from the one around it, which is open then; as it closes its time is added
 * there. What is told of the pairs that a log without ids leaves open does not matter: a sum of ends less a sum of
 * beginnings is the same however they are paired. So times are summed first, and children taken off at the end. */
#include "query/export/stacks.h"
#include "base/array.h"
#include "base/hash.h"
#include <errno.h>
#include <stdlib.h>

static int frame(struct stacks *s, struct stack_frame f, uint32_t *out)
{
	uint64_t hash = hash_bytes(&f, sizeof f, 1);
	struct stack_frame *to;
	struct table_walk w;

	for (*out = table_first(&w, &s->frames_at, hash); *out != TABLE_NONE; *out = table_next(&w))
		if (s->frames[*out].name == f.name && s->frames[*out].target == f.target)
			return 0;
	*out = s->nframes;
	to = array_add(s->frames, s->nframes, s->frames_room);
	if (!to)
		return -ENOMEM;
	*to = f;
	return table_add(&s->frames_at, hash, *out);
}

static int node(struct stacks *s, uint32_t parent, uint32_t frame, uint32_t *out)
{
	uint32_t key[2] = {parent, frame};
	uint64_t hash = hash_bytes(key, sizeof key, 1);
	struct stack_node *to;
	struct table_walk w;

	for (*out = table_first(&w, &s->nodes_at, hash); *out != TABLE_NONE; *out = table_next(&w))
		if (s->nodes[*out].parent == parent && s->nodes[*out].frame == frame)
			return 0;
	*out = s->nnodes;
	to = array_add(s->nodes, s->nnodes, s->nodes_room);
	if (!to)
		return -ENOMEM;
	*to = (struct stack_node){.parent = parent, .frame = frame};
	return table_add(&s->nodes_at, hash, *out);
}

static int word(struct stacks *s, struct slice text, uint32_t *out)
{
	*out = INTERN_NONE;
	return text.ptr ? intern_add(&s->words, export_plain(s->x, text), out) : 0;
}

/* The path of a span without another around it: its worker, with the run where there are several. */
static int bottom(struct stacks *s, const struct span_row *row, uint32_t *out)
{
	struct text name = {0};
	struct slice worker = export_plain(s->x, row->worker);
	struct stack_frame f = {INTERN_NONE, INTERN_NONE};
	uint32_t number;
	int rc;

	if (s->several_runs)
		text_printf(&name, "run %lld ", (long long)row->run);
	text_add(&name, worker.ptr, worker.len);
	rc = name.failed ? -ENOMEM : intern_add(&s->words, (struct slice){text_str(&name), name.len}, &f.name);
	text_done(&name);
	if (!rc)
		rc = frame(s, f, &number);
	return rc ? rc : node(s, STACK_ROOT, number, out);
}

/* A mark is the path's number + 1. */
static int opened(void *arg, struct span_row *row, struct slice tid, struct span_row *parent)
{
	struct stacks *s = arg;
	struct stack_frame f;
	uint32_t below, number;
	int rc = 0;

	(void)tid;
	if (parent && parent->mark[0])
		below = (uint32_t)parent->mark[0] - 1;
	else
		rc = bottom(s, row, &below);
	if (!rc && !(rc = word(s, row->name, &f.name)) && !(rc = word(s, row->target, &f.target)))
		rc = frame(s, f, &number);
	if (!rc)
		rc = node(s, below, number, &number);
	if (!rc)
		row->mark[0] = number + 1;
	return rc;
}

static int add(void *arg, const struct span_row *row)
{
	struct stacks *s = arg;

	if (row->mark[0] && row->start_ns != NO_NS && row->end_ns != NO_NS)
		s->nodes[row->mark[0] - 1].ns += row->end_ns - row->start_ns;
	return 0;
}

void stacks_read(struct export *x, struct stacks *s)
{
	int64_t runs = 0;

	*s = (struct stacks){.x = x};
	if (x->q->status)
		return;
	sql_number(x->q->db, "SELECT count(*) FROM run", &runs);
	s->several_runs = runs > 1 && !x->run;
	export_spans(x, &(struct export_spans){add, opened, s});
	for (uint32_t i = 0; i < s->nnodes; i++)
		if (s->nodes[i].parent != STACK_ROOT)
			s->nodes[s->nodes[i].parent].below_ns += s->nodes[i].ns;
	if (!x->q->status && !s->nnodes)
		query_note(x->q, "no spans: the log was written without span lines");
}

void stacks_done(struct stacks *s)
{
	intern_done(&s->words);
	free(s->frames);
	free(s->nodes);
	table_done(&s->frames_at);
	table_done(&s->nodes_at);
}
