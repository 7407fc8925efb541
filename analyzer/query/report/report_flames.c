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
#include "render/number.h"
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

static int keep_all(struct flames *f, struct store *s, int64_t run)
{
	struct span_query sq = {.run = run};
	struct span_reader *reader = NULL;
	struct span_row row;
	int rc = span_reader_open(s, &sq, &reader);

	while (!rc && !f->more && (rc = span_reader_next(reader, &row)) == 1) {
		rc = query_interrupted ? -EINTR : keep(f, &row);
		f->more = f->n == SPANS_MOST;
	}
	span_reader_close(reader);
	return rc;
}

static int place_all(struct flames *f)
{
	int rc = f->n ? array_reserve(f->nodes, f->nodes_room, 1) : 0;

	if (rc || !f->n)
		return rc;
	f->nodes[f->nnodes++] = (struct flame_node){.name = "all spans"};
	for (size_t i = 0; i < f->n; i++)
		if (!place(f, &f->spans[i], 0))
			return -ENOMEM;
	for (uint32_t i = f->nodes[0].child; i; i = f->nodes[i].next) {
		f->nodes[0].ns += f->nodes[i].ns;
		f->nodes[0].spans += f->nodes[i].spans;
	}
	return 0;
}

/* What only placing needs. */
static void forget_spans(struct flames *f)
{
	free(f->spans);
	table_done(&f->at);
	f->spans = NULL;
	f->at = (struct table){0};
}

int flames_read(struct store *s, int64_t run, struct flames **out)
{
	struct flames *f = *out = calloc(1, sizeof *f);
	int rc;

	if (!f)
		return -ENOMEM;
	intern_init(&f->names);
	rc = keep_all(f, s, run);
	if (!rc)
		rc = place_all(f);
	forget_spans(f);
	return rc;
}

void flames_free(struct flames *f)
{
	if (!f)
		return;
	forget_spans(f);
	free(f->nodes);
	intern_done(&f->names);
	free(f);
}

static void put_run(struct report *r, const struct report_run *run, const struct flames *f)
{
	struct text t = {0};

	if (r->nruns > 1) {
		text_puts(&t, "<h3>");
		text_add_html(&t, run->name, strlen(run->name));
		text_puts(&t, "</h3>\n");
	}
	flame_html(&t, f->nodes, f->nnodes);
	if (f->more)
		text_printf(&t, "<p>The first %s spans that closed; <code>spans</code> counts all.</p>\n",
		            number_count_text(SPANS_MOST).text);
	report_put(r, &t);
	text_done(&t);
}

void report_flames(struct report *r)
{
	bool any = false;

	for (size_t i = 0; i < r->nruns && i < FLAMES_DRAWN && !r->q->status; i++)
		if (r->flames[i] && r->flames[i]->nnodes) {
			any = true;
			put_run(r, &r->runs[i], r->flames[i]);
		}
	if (!any && !r->q->status)
		fputs("<p class=\"none\">No spans: the log was written without span lines.</p>\n", r->out->file);
}
