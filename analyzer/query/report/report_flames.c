/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_flames.c - a flame graph of the spans of each run.
 *
 * Spans come as they close, children before their parents, so all that are looked at are kept: id, parent, name and
 * length, 32 bytes each, at most SPANS_MOST of a run. Then each is put below its parent's kind. */
#include "base/array.h"
#include "base/hash.h"
#include "base/intern.h"
#include "base/table.h"
#include "model/span.h"
#include "query/report/report.h"
#include "render/flame.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SPANS_MOST = 400000, DEPTH_MOST = 64 };

struct kept {
	int64_t id, parent, ns;
	uint32_t name, node; /* node: 0: not placed yet */
};

struct flames {
	struct kept *spans;
	size_t n, room;
	struct table at; /* by id */
	struct intern names;
	struct flame_node *nodes; /* the first is the whole */
	uint32_t nnodes, nodes_room;
	bool more; /* spans were left out */
};

static uint64_t hash_id(int64_t id)
{
	return hash_bytes(&id, sizeof id, 0);
}

static struct kept *find(const struct flames *f, int64_t id)
{
	struct table_walk w;

	for (uint32_t i = table_first(&w, &f->at, hash_id(id)); i != TABLE_NONE; i = table_next(&w))
		if (f->spans[i].id == id)
			return &f->spans[i];
	return NULL;
}

static int keep(struct flames *f, const struct span_row *row)
{
	struct kept *k = array_add(f->spans, f->n, f->room);
	int rc;

	if (!k)
		return -ENOMEM;
	*k = (struct kept){.id = row->id, .parent = row->parent};
	if (row->start_ns != INT64_MIN && row->end_ns != INT64_MIN && row->end_ns > row->start_ns)
		k->ns = row->end_ns - row->start_ns;
	rc = intern_add(&f->names, row->name.ptr ? row->name : SLICE("(no name)"), &k->name);
	return rc ? rc : table_add(&f->at, hash_id(k->id), (uint32_t)f->n - 1);
}

/* The node of a name below a node: siblings are few. */
static uint32_t node_below(struct flames *f, uint32_t parent, uint32_t name)
{
	struct flame_node *node;

	for (uint32_t i = f->nodes[parent].child; i; i = f->nodes[i].next)
		if (f->nodes[i].number == name)
			return i;
	node = array_add(f->nodes, f->nnodes, f->nodes_room);
	if (!node)
		return 0;
	*node = (struct flame_node){.number = name, .name = f->names.text[name].ptr, .next = f->nodes[parent].child};
	f->nodes[parent].child = f->nnodes - 1;
	return f->nnodes - 1;
}

/* Of a span after all that are around it; 0: no memory. */
static uint32_t place(struct flames *f, struct kept *k, int depth)
{
	struct kept *around = k->parent != INT64_MIN && depth < DEPTH_MOST ? find(f, k->parent) : NULL;
	uint32_t parent = 0;

	if (k->node)
		return k->node;
	if (around && around != k && !(parent = place(f, around, depth + 1)))
		return 0;
	k->node = node_below(f, parent, k->name);
	if (k->node) {
		f->nodes[k->node].ns += k->ns;
		f->nodes[k->node].spans++;
	}
	return k->node;
}

static void gather(struct query *q, struct flames *f, int64_t run)
{
	struct span_query sq = {.run = run};
	struct span_reader *reader = NULL;
	struct span_row row;
	int rc = span_reader_open(q->store, &sq, &reader);

	while (reader && !rc && (rc = span_reader_next(reader, &row)) == 1) {
		rc = query_interrupted ? -EINTR : f->n < SPANS_MOST ? keep(f, &row) : 0;
		if (!rc && f->n == SPANS_MOST) {
			f->more = true;
			break;
		}
	}
	span_reader_close(reader);
	if (!rc && f->n)
		rc = array_reserve(f->nodes, f->nodes_room, 1);
	if (!rc && f->n)
		f->nodes[f->nnodes++] = (struct flame_node){.name = "all spans"};
	for (size_t i = 0; i < f->n && !rc; i++)
		rc = place(f, &f->spans[i], 0) ? 0 : -ENOMEM;
	for (uint32_t i = f->n && !rc ? f->nodes[0].child : 0; i; i = f->nodes[i].next) {
		f->nodes[0].ns += f->nodes[i].ns;
		f->nodes[0].spans += f->nodes[i].spans;
	}
	query_ok(q, rc, q->path);
}

static void put_run(struct report *r, const struct report_run *run, bool *any)
{
	struct flames f = {0};
	struct text t = {0};

	intern_init(&f.names);
	gather(r->q, &f, run->id);
	if (f.n && !r->q->status) {
		*any = true;
		if (r->nruns > 1) {
			text_puts(&t, "<h3>");
			text_add_html(&t, run->name, strlen(run->name));
			text_puts(&t, "</h3>\n");
		}
		flame_html(&t, f.nodes, f.nnodes);
		if (f.more)
			text_printf(&t, "<p>The first %d spans that closed; <code>spans</code> counts all.</p>\n",
			            SPANS_MOST);
		report_put(r, &t);
	}
	text_done(&t);
	free(f.spans);
	free(f.nodes);
	table_done(&f.at);
	intern_done(&f.names);
}

void report_flames(struct report *r)
{
	enum { RUNS_DRAWN = 8 };
	bool any = false;

	for (size_t i = 0; i < r->nruns && i < RUNS_DRAWN && !r->q->status; i++)
		put_run(r, &r->runs[i], &any);
	if (!any && !r->q->status)
		fputs("<p class=\"none\">No spans: the log was written without span lines.</p>\n", r->out->file);
}
