/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stacks.h - how long spans took by the path of spans around them: what flame graphs are drawn of.
 *
 * Memory grows with the different paths, not with the spans. */
#ifndef QUERY_EXPORT_STACKS_H
#define QUERY_EXPORT_STACKS_H

#include "base/table.h"
#include "query/export/export.h"

/* A span's name and target, or (target NONE) a worker. */
struct stack_frame {
	uint32_t name, target; /* of stacks.words; INTERN_NONE: none */
};

struct stack_node {
	uint32_t parent; /* STACK_ROOT: none */
	uint32_t frame;
	int64_t ns, below_ns; /* its spans' time, and of that their children's */
};

#define STACK_ROOT UINT32_MAX

/* Zero-initialise; stacks_done in any case. Parents stand before their children. */
struct stacks {
	struct export *x;
	struct intern words;
	struct stack_frame *frames;
	struct stack_node *nodes;
	uint32_t nframes, frames_room, nnodes, nodes_room;
	struct table frames_at, nodes_at;
	bool several_runs;
};

/* Reads all spans that are asked for. One that never ended has no time of its own. */
void stacks_read(struct export *x, struct stacks *s);
void stacks_done(struct stacks *s);

/* A path's time without that of paths below it; 0 where spans below it, that went on beside each other, took more. */
static inline int64_t stack_self(const struct stack_node *n)
{
	return n->ns > n->below_ns ? n->ns - n->below_ns : 0;
}

#endif
