/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_span.c - the table `span` (docs/tables.md). */
#include "tables/rowtable.h"
#include "base/array.h"
#include "model/span.h"
#include "tables/tables.h"
#include <errno.h>
#include <stdlib.h>

enum { RUN, ID, TID, SOURCE, WORKER, TARGET, NAME, LEVEL, START_NS, END_NS, BUSY_NS, IDLE_NS, PARENT, CERTAINTY };

/* The spans of one transaction are paired from its own lines. Where the lines of others could say otherwise (a parent
 * of another transaction, a span that is closed by name alone), the logs that have lines of it are read as a whole, so
 * that a span is the same however it is asked for. */
struct state {
	struct store *store;
	struct span_reader *reader; /* NULL: no more */
	struct span_query query;
	struct span_row row;
	char *tid;        /* the query's own copy */
	int64_t *sources; /* to be read as a whole, NULL: none */
	size_t nsources, sources_room, next;
};

static void close_spans(void *p)
{
	struct state *s = p;

	span_reader_close(s->reader);
	free(s->sources);
	free(s->tid);
	free(s);
}

static int note_source(struct state *s, int64_t source)
{
	int64_t *to;

	for (size_t i = 0; i < s->nsources; i++)
		if (s->sources[i] == source)
			return 0;
	to = array_add(s->sources, s->nsources, s->sources_room);
	if (!to)
		return -ENOMEM;
	*to = source;
	return 0;
}

/* Moves on to the next log: 1, or 0 where there is none. */
static int next_source(struct state *s)
{
	struct span_query q = {.run = s->query.run};
	int rc;

	span_reader_close(s->reader);
	s->reader = NULL;
	if (s->next == s->nsources)
		return 0;
	q.source = s->sources[s->next++];
	rc = span_reader_open(s->store, &q, &s->reader);
	return rc ? rc : 1;
}

/* A first look at the transaction's own lines: whether they tell all, and where they are. */
static int look(struct state *s)
{
	struct span_reader *r;
	bool doubts;
	int rc = span_reader_open(s->store, &s->query, &r);

	if (rc)
		return rc;
	while ((rc = span_reader_next(r, &s->row)) == 1 && !(rc = note_source(s, s->row.source)))
		;
	doubts = span_reader_doubts(r);
	span_reader_close(r);
	if (!rc && doubts)
		rc = next_source(s);
	else if (!rc)
		rc = span_reader_open(s->store, &s->query, &s->reader);
	if (!doubts)
		s->next = s->nsources;
	return rc < 0 ? rc : 0;
}

static int open_spans(struct store *store, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	struct state *s = calloc(1, sizeof *s);
	int rc;

	(void)db;
	if (!s)
		return -ENOMEM;
	if (value[0]) {
		const char *tid = (const char *)sqlite3_value_text(value[0]);

		s->tid = tid ? strdup(tid) : NULL;
		if (!s->tid) {
			close_spans(s);
			return -ENOMEM;
		}
		s->query.tid = (struct slice){s->tid, strlen(s->tid)};
	}
	if (value[1])
		s->query.run = sqlite3_value_int64(value[1]);
	if (value[2])
		s->query.source = sqlite3_value_int64(value[2]);
	s->store = store;
	rc = s->tid ? look(s) : span_reader_open(store, &s->query, &s->reader);
	if (rc)
		close_spans(s);
	else
		*out = s;
	return rc;
}

static int next_span(void *p)
{
	struct state *s = p;
	int rc;

	do
		while ((rc = s->reader ? span_reader_next(s->reader, &s->row) : 0) == 1)
			if (!s->tid || slice_same(s->row.tid, s->query.tid))
				return 1;
	while (!rc && s->reader && (rc = next_source(s)) == 1);
	return rc;
}

static void span_column(void *p, sqlite3_context *c, int column)
{
	const struct span_row *r = &((struct state *)p)->row;

	switch (column) {
	case RUN:
		sqlite3_result_int64(c, r->run);
		break;
	case ID:
		sqlite3_result_int64(c, r->id);
		break;
	case TID:
		result_slice(c, r->tid);
		break;
	case SOURCE:
		sqlite3_result_int64(c, r->source);
		break;
	case WORKER:
		result_slice(c, r->worker);
		break;
	case TARGET:
		result_slice(c, r->target);
		break;
	case NAME:
		result_slice(c, r->name);
		break;
	case LEVEL:
		result_slice(c, r->level);
		break;
	case START_NS:
		result_ns(c, r->start_ns);
		break;
	case END_NS:
		result_ns(c, r->end_ns);
		break;
	case BUSY_NS:
		result_ns(c, r->busy_ns);
		break;
	case IDLE_NS:
		result_ns(c, r->idle_ns);
		break;
	case PARENT:
		result_ns(c, r->parent);
		break;
	case CERTAINTY:
		sqlite3_result_text(c, span_certainty_name(r->certainty), -1, SQLITE_STATIC);
		break;
	}
}

/* A span has its first line to itself. */
static int span_rowid(void *p, int64_t *out)
{
	*out = ((struct state *)p)->row.id;
	return 0;
}

const struct rowtable span_table = {
    .name = "span",
    .schema = "CREATE TABLE span(run INTEGER, id INTEGER, tid TEXT, source INTEGER, worker TEXT, target TEXT, name "
              "TEXT, level TEXT,"
              "start_ns INTEGER, end_ns INTEGER, busy_ns INTEGER, idle_ns INTEGER, parent INTEGER, certainty TEXT)",
    .pushed = {TID, RUN, SOURCE, -1},
    .text = 1,
    .rows = 1e6,
    .rows_of_one = 20,
    .open = open_spans,
    .next = next_span,
    .column = span_column,
    .rowid = span_rowid,
    .close = close_spans,
};
