/* SPDX-License-Identifier: GPL-3.0-or-later */
/* nested.c - the requests around and inside a transaction, as rules tell it (table nested). */
#include "query/timelines/transaction.h"
#include "base/array.h"
#include "base/text.h"
#include "tables/nested.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEPTH_MOST 32 /* of requests inside each other */

struct nesting {
	struct query *q;
	struct transaction *tx;
	sqlite3_stmt *children;
	const char *way[DEPTH_MOST]; /* from the transaction down to the one that is looked into */
	size_t room;
};

static const char *text_of(struct transaction *tx, sqlite3_stmt *stmt, int i)
{
	return arena_text(&tx->arena, (const char *)sqlite3_column_text(stmt, i),
	                  (size_t)sqlite3_column_bytes(stmt, i));
}

static void read_parent(struct query *q, struct transaction *tx)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT parent FROM nested WHERE run = ?1 AND tid = ?2");

	sqlite3_bind_int64(stmt, 1, tx->run);
	sqlite3_bind_text(stmt, 2, tx->tid, -1, SQLITE_STATIC);
	if (query_next(q, stmt))
		tx->parent = text_of(tx, stmt, 0);
	sqlite3_finalize(stmt);
}

/* One of the way down would go round in a circle. */
static bool is_on_way(const struct nesting *n, const char *tid, int depth)
{
	for (int i = 0; i < depth; i++)
		if (!strcmp(n->way[i], tid))
			return true;
	return false;
}

static void put_child(struct nesting *n, int depth)
{
	struct transaction *tx = n->tx;
	struct tx_nested *to = array_add(tx->nested, tx->nnested, n->room);

	if (!query_ok(n->q, to ? 0 : -ENOMEM, n->q->command))
		return;
	*to = (struct tx_nested){
	    .tid = text_of(tx, n->children, 0),
	    .function = text_of(tx, n->children, 1),
	    .status = text_of(tx, n->children, 2),
	    .worker = text_of(tx, n->children, 3),
	    .start_ns = sqlite3_column_int64(n->children, 4),
	    .end_ns = sqlite3_column_int64(n->children, 5),
	    .depth = depth,
	    .open = sqlite3_column_type(n->children, 5) == SQLITE_NULL,
	};
}

/* Those right inside `tid`: the first ones, as many as there is room for. They come in the order of time. */
static void read_children(struct nesting *n, const char *tid, int depth)
{
	struct transaction *tx = n->tx;

	sqlite3_bind_int64(n->children, 1, tx->run);
	sqlite3_bind_text(n->children, 2, tid, -1, SQLITE_STATIC);
	sqlite3_bind_int64(n->children, 3, TRANSACTION_NESTED + 1 - (int64_t)tx->nnested);
	while (query_next(n->q, n->children))
		if (!is_on_way(n, (const char *)sqlite3_column_text(n->children, 0), depth))
			put_child(n, depth);
	sqlite3_reset(n->children);
	if (tx->nnested > TRANSACTION_NESTED) {
		tx->nnested = TRANSACTION_NESTED;
		tx->more_nested = true;
	}
}

/* Moves the rows [at, end) to the place `to`, which is before them. */
static void move_before(struct tx_nested *v, size_t to, size_t at, size_t end)
{
	for (; at < end; at++, to++) {
		struct tx_nested one = v[at];

		memmove(&v[to + 1], &v[to], (at - to) * sizeof *v);
		v[to] = one;
	}
}

/* The children of each stand behind it: they are read when their parent's row is there, and moved up. */
static void read_below(struct nesting *n, const char *tid, int depth)
{
	struct transaction *tx = n->tx;
	size_t from = tx->nnested;

	if (depth >= DEPTH_MOST || n->q->status)
		return;
	n->way[depth - 1] = tid;
	read_children(n, tid, depth);
	for (size_t i = from; i < tx->nnested && !n->q->status; i++) {
		size_t end = tx->nnested;

		if (tx->nested[i].depth != depth)
			continue;
		read_below(n, tx->nested[i].tid, depth + 1);
		move_before(tx->nested, i + 1, end, tx->nnested);
		i += tx->nnested - end;
	}
}

static void read_nested(struct query *q, struct transaction *tx)
{
	struct nesting n = {.q = q, .tx = tx};

	n.children = query_prepare(q, "SELECT n.tid, coalesce(i.function_name, i.fqdn), i.status, i.worker, "
	                              "coalesce(i.sent_ns, i.controller_ns, i.arrived_ns, i.insert_ns) AS began, "
	                              "coalesce(i.return_ns, i.end_ns) FROM nested n CROSS JOIN invocation i "
	                              "ON i.run = n.run AND i.tid = n.tid WHERE n.run = ?1 AND n.parent = ?2 "
	                              "ORDER BY began, n.tid LIMIT ?3");
	read_below(&n, tx->tid, 1);
	sqlite3_finalize(n.children);
}

/* ---- as spans ---- */

static const char *request_name(struct transaction *out, const char *function, const char *tid)
{
	struct text name = {0};
	const char *kept;

	text_printf(&name, "%s%s%s", function ? function : "", function ? " " : "", tid);
	kept = name.failed ? NULL : arena_text(&out->arena, text_str(&name), name.len);
	text_done(&name);
	return kept;
}

/* The next span of *out, below its last one of the depth before; last: of each depth. */
static int add_request(struct transaction *out, struct tx_span span, size_t *last)
{
	size_t at = out->nspans;

	if (!span.name)
		return -ENOMEM;
	span.run = out->run;
	span.busy_ns = span.idle_ns = -1;
	span.child = span.sibling = SIZE_MAX;
	span.parent = span.depth ? last[span.depth - 1] : SIZE_MAX;
	out->spans[out->nspans++] = span;
	if (span.depth) {
		size_t *to = &out->spans[span.parent].child;

		while (*to != SIZE_MAX)
			to = &out->spans[*to].sibling;
		*to = at;
	}
	last[span.depth] = at;
	return 0;
}

int transaction_of_requests(const struct transaction *tx, struct transaction *out)
{
	size_t last[DEPTH_MOST + 1];
	int rc;

	*out = (struct transaction){.run = tx->run, .offset_s = tx->offset_s, .tid = tx->tid};
	out->spans = calloc(tx->nnested + 1, sizeof *out->spans);
	if (!out->spans)
		return -ENOMEM;
	rc = add_request(out,
	                 (struct tx_span){.name = request_name(out, tx->function, tx->tid),
	                                  .worker = tx->worker,
	                                  .start_ns = tx->start_ns,
	                                  .end_ns = tx->end_ns},
	                 last);
	for (size_t i = 0; !rc && i < tx->nnested; i++) {
		const struct tx_nested *n = &tx->nested[i];

		rc = add_request(out,
		                 (struct tx_span){.name = request_name(out, n->function, n->tid),
		                                  .worker = n->worker,
		                                  .certainty = "id",
		                                  .start_ns = n->start_ns,
		                                  .end_ns = n->end_ns,
		                                  .depth = n->depth,
		                                  .open = n->open},
		                 last);
	}
	return !rc && out->arena.failed ? -ENOMEM : rc;
}

void transaction_read_nested(struct query *q, struct transaction *tx)
{
	bool any = false;

	if (q->status || !query_ok(q, nested_any(q->db, &any), q->path) || !any)
		return;
	read_parent(q, tx);
	read_nested(q, tx);
}
