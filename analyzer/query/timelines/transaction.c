/* SPDX-License-Identifier: GPL-3.0-or-later */
/* transaction.c - see transaction.h */
#include "query/timelines/transaction.h"
#include "base/array.h"
#include "render/text.h"
#include "ingest/line.h"
#include "tables/phase_read.h"
#include "model/span.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(struct transaction *tx, sqlite3_stmt *stmt, int i)
{
	return arena_text(&tx->arena, (const char *)sqlite3_column_text(stmt, i),
	                  (size_t)sqlite3_column_bytes(stmt, i));
}

static int64_t number_of(sqlite3_stmt *stmt, int i, int64_t absent)
{
	return sqlite3_column_type(stmt, i) == SQLITE_NULL ? absent : sqlite3_column_int64(stmt, i);
}

/* A statement about this transaction: ?1 run, ?2 tid. */
static sqlite3_stmt *about(struct query *q, const struct transaction *tx, const char *sql)
{
	sqlite3_stmt *stmt = query_prepare(q, sql);

	sqlite3_bind_int64(stmt, 1, tx->run);
	if (sqlite3_bind_parameter_count(stmt) > 1)
		sqlite3_bind_text(stmt, 2, tx->tid, -1, SQLITE_STATIC);
	return stmt;
}

static void read_run(struct query *q, struct transaction *tx)
{
	sqlite3_stmt *stmt =
	    about(q, tx,
	          "SELECT path, coalesce(offset_s, 0), (SELECT offset_from FROM source WHERE run = ?1 AND "
	          "offset_s IS NOT NULL ORDER BY kind = 'energy', offset_from = 'stamp', path LIMIT 1) FROM run "
	          "WHERE id = ?1"); /* of the source whose offset is the run's, see pass_run_times */

	if (query_next(q, stmt)) {
		tx->run_path = text_of(tx, stmt, 0);
		tx->offset_s = sqlite3_column_int64(stmt, 1);
		tx->offset_from = text_of(tx, stmt, 2);
	}
	sqlite3_finalize(stmt);
}

static void read_attempts(struct query *q, struct transaction *tx)
{
	sqlite3_stmt *stmt =
	    about(q, tx, "SELECT container_id, error FROM attempt WHERE run = ?1 AND tid = ?2 ORDER BY n");

	while (query_next(q, stmt)) {
		tx->container = sqlite3_column_text(stmt, 0) ? text_of(tx, stmt, 0) : tx->container;
		tx->error = sqlite3_column_text(stmt, 1) ? text_of(tx, stmt, 1) : tx->error;
	}
	sqlite3_finalize(stmt);
}

/* ---- the invocation and its phases ---- */

static int put_phase(struct transaction *tx, const struct phase *from, size_t *room)
{
	struct tx_phase *p = array_add(tx->phases, tx->nphases, *room);
	char name[PHASE_NAME_MAX];

	if (!p)
		return -ENOMEM;
	phase_name(from, name);
	*p = (struct tx_phase){arena_text(&tx->arena, name, strlen(name)), from->attempt, from->start_ns, from->end_ns};
	return 0;
}

/* Behind the columns that its phases are made of. */
enum { FUNCTION = 9, WORKER, STATUS, STATE, COMPUTE, ATTEMPTS, DURATION, OPEN };

static int put_invocation(struct transaction *tx, sqlite3_stmt *stmt, const struct phases *phases)
{
	size_t room = 0;
	int rc = 0;

	tx->invocation = true;
	tx->function = text_of(tx, stmt, FUNCTION);
	tx->worker = text_of(tx, stmt, WORKER);
	tx->status = text_of(tx, stmt, STATUS);
	tx->state = text_of(tx, stmt, STATE);
	tx->compute = text_of(tx, stmt, COMPUTE);
	tx->attempts = sqlite3_column_int64(stmt, ATTEMPTS);
	tx->duration_ns = number_of(stmt, DURATION, -1);
	tx->open_ns = number_of(stmt, OPEN, -1);
	for (int i = 0; i < phases->n && !rc; i++)
		rc = put_phase(tx, &phases->v[i], &room);
	return rc;
}

/* The phases as table `phase` has them, from the row that tells the rest. */
static void read_invocation(struct query *q, struct transaction *tx)
{
	sqlite3_stmt *key = about(q, tx, "SELECT ?1, ?2");
	sqlite3_stmt *stmt =
	    about(q, tx,
	          "SELECT " PHASE_COLUMNS
	          ", coalesce(function_name, fqdn), worker, status, state, compute, attempts, " INVOCATION_DURATION
	          ", CASE status WHEN 'unfinished' THEN (SELECT last_ns FROM run WHERE id = ?1) - coalesce(arrived_ns, "
	          "sent_ns, start_ns) END FROM invocation WHERE run = ?1 AND tid = ?2" PHASE_ORDER);
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc = 0;

	tx->duration_ns = tx->open_ns = tx->attempts = -1;
	if (query_next(q, key) && stmt)
		rc =
		    phase_reader_open(q->db, stmt, sqlite3_column_value(key, 1), sqlite3_column_value(key, 0), &reader);
	if (reader)
		rc = phase_reader_next(reader, &phases);
	query_ok(q, rc == 1 ? put_invocation(tx, stmt, phases) : rc, q->path);
	phase_reader_close(reader);
	sqlite3_finalize(stmt);
	sqlite3_finalize(key);
}

/* ---- spans ---- */

/* Spans as they are read: those that begin first. What is not among them is not kept. */
struct first_spans {
	struct span_row *rows;
	size_t n, room;
	const struct span_row
	    *last; /* the last of the first ones so far; NULL: too few yet, and then the array may still move */
	int64_t all;
};

static int by_start(const void *a, const void *b)
{
	const struct span_row *x = a, *y = b;

	return x->start_ns != y->start_ns ? (x->start_ns > y->start_ns) - (x->start_ns < y->start_ns)
	                                  : (x->id > y->id) - (x->id < y->id);
}

static void keep_first(struct first_spans *f)
{
	if (f->n)
		qsort(f->rows, f->n, sizeof *f->rows, by_start);
	if (f->n < TRANSACTION_SPANS)
		return;
	f->n = TRANSACTION_SPANS;
	f->last = &f->rows[f->n - 1];
}

static int put_row(struct first_spans *f, const struct span_row *row)
{
	f->all++;
	if (f->last && by_start(row, f->last) > 0)
		return 0;
	if (f->n == 2 * TRANSACTION_SPANS)
		keep_first(f);
	if (array_reserve(f->rows, f->room, f->n < TRANSACTION_SPANS - 1 ? f->n + 1 : 2 * TRANSACTION_SPANS))
		return -ENOMEM;
	f->rows[f->n++] = *row;
	if (f->n == TRANSACTION_SPANS && !f->last)
		keep_first(f);
	return 0;
}

/* Names recur from span to span, as the same pointers: one copy will do. */
struct copies {
	struct {
		const char *of, *copy;
		size_t len;
	} known[64];
};

static const char *copy_of(struct transaction *tx, struct copies *c, struct slice text)
{
	size_t i = ((uintptr_t)text.ptr >> 4 ^ (uintptr_t)text.ptr >> 10) % 64;

	if (!text.ptr)
		return NULL;
	if (c->known[i].of != text.ptr || c->known[i].len != text.len) {
		c->known[i].of = text.ptr;
		c->known[i].len = text.len;
		c->known[i].copy = arena_text(&tx->arena, text.ptr, text.len);
	}
	return c->known[i].copy;
}

static void put_span(struct transaction *tx, struct copies *c, struct tx_span *s, const struct span_row *row)
{
	*s = (struct tx_span){
	    .id = row->id,
	    .run = row->run,
	    .name = copy_of(tx, c, row->name),
	    .target = copy_of(tx, c, row->target),
	    .level = copy_of(tx, c, row->level),
	    .worker = copy_of(tx, c, row->worker),
	    .certainty = span_certainty_name(row->certainty),
	    .start_ns = row->start_ns != INT64_MIN ? row->start_ns : row->end_ns,
	    .end_ns = row->end_ns,
	    .busy_ns = row->busy_ns == INT64_MIN ? -1 : row->busy_ns,
	    .idle_ns = row->idle_ns == INT64_MIN ? -1 : row->idle_ns,
	    .parent_id = row->parent == INT64_MIN ? 0 : row->parent,
	    .parent = SIZE_MAX,
	    .child = SIZE_MAX,
	    .sibling = SIZE_MAX,
	    .open = row->end_ns == INT64_MIN,
	};
	if (!s->name)
		s->name = "?";
}

static int put_spans(struct transaction *tx, struct first_spans *f)
{
	struct copies copies = {0};

	keep_first(f);
	tx->more_spans = f->all > TRANSACTION_SPANS;
	tx->spans = calloc(f->n + 1, sizeof *tx->spans);
	if (!tx->spans)
		return -ENOMEM;
	for (; tx->nspans < f->n; tx->nspans++)
		put_span(tx, &copies, &tx->spans[tx->nspans], &f->rows[tx->nspans]);
	return 0;
}

static int by_id(const void *a, const void *b, void *arg)
{
	const struct tx_span *spans = arg;
	int64_t x = spans[*(const size_t *)a].id, y = spans[*(const size_t *)b].id;

	return (x > y) - (x < y);
}

static size_t find_span(const struct transaction *tx, const size_t *order, int64_t id)
{
	size_t low = 0, high = tx->nspans;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (tx->spans[order[mid]].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < tx->nspans && tx->spans[order[low]].id == id ? order[low] : SIZE_MAX;
}

/* First child and next sibling, in order of start. last: of each parent, and of the roots behind all. */
static void link_children(struct transaction *tx, size_t *last)
{
	tx->root = SIZE_MAX;
	for (size_t i = 0; i <= tx->nspans; i++)
		last[i] = SIZE_MAX;
	for (size_t i = 0; i < tx->nspans; i++) {
		size_t parent = tx->spans[i].parent;
		size_t *first = parent == SIZE_MAX ? &tx->root : &tx->spans[parent].child;
		size_t *tail = &last[parent == SIZE_MAX ? tx->nspans : parent];

		if (*first == SIZE_MAX)
			*first = i;
		else
			tx->spans[*tail].sibling = i;
		*tail = i;
	}
}

enum { DEPTH_UNKNOWN = -1, DEPTH_ASKED = -2 };

/* The depth of span i: up to one whose depth is known, and down again. On clocks that differ a parent may begin behind
 * its child; where ids go round in a circle, it ends there. way: nspans of them. */
static void depth_find(struct transaction *tx, size_t i, size_t *way)
{
	size_t n = 0;

	for (; tx->spans[i].depth == DEPTH_UNKNOWN; i = tx->spans[i].parent) {
		struct tx_span *s = &tx->spans[i];

		s->depth = DEPTH_ASKED;
		way[n++] = i;
		if (s->parent != SIZE_MAX && tx->spans[s->parent].depth == DEPTH_ASKED)
			s->parent = SIZE_MAX;
		if (s->parent == SIZE_MAX)
			break;
	}
	while (n--) {
		struct tx_span *s = &tx->spans[way[n]];

		s->depth = s->parent == SIZE_MAX ? 0 : tx->spans[s->parent].depth + 1;
	}
}

static int link_spans(struct transaction *tx)
{
	size_t *order = calloc(tx->nspans + 1, sizeof *order);

	if (!order)
		return -ENOMEM;
	for (size_t i = 0; i < tx->nspans; i++)
		order[i] = i;
	qsort_r(order, tx->nspans, sizeof *order, by_id, tx->spans);
	for (size_t i = 0; i < tx->nspans; i++) {
		struct tx_span *s = &tx->spans[i];

		s->parent = s->parent_id ? find_span(tx, order, s->parent_id) : SIZE_MAX;
		s->depth = DEPTH_UNKNOWN;
	}
	for (size_t i = 0; i < tx->nspans; i++)
		depth_find(tx, i, order);
	link_children(tx, order);
	free(order);
	return 0;
}

/* ---- its lines ---- */

static const char *plain_text(struct transaction *tx, struct slice escaped)
{
	char *p;

	if (!escaped.ptr)
		return NULL;
	p = arena_take(&tx->arena, 3 * escaped.len + 1);
	if (!p)
		return NULL;
	p[json_unescape(escaped, p)] = 0;
	return p;
}

static int put_event(struct transaction *tx, const struct event *e)
{
	struct slice fields = event_part(e, SECTION_FIELDS), span = SLICE_NONE;
	const char *fields_text, *span_text;

	if (array_reserve(tx->events, tx->events_room, tx->nevents + 1))
		return -ENOMEM;
	fields_text = arena_text(&tx->arena, fields.ptr, fields.len);
	if (e->head->span_line && !event_span_field(e, "name", &span))
		span = SLICE_NONE;
	span_text = plain_text(tx, span);
	tx->events[tx->nevents++] = (struct tx_event){
	    .id = e->id,
	    .run = e->run,
	    .time_ns = e->time_ns,
	    .level = arena_text(&tx->arena, e->head->level.ptr, e->head->level.len),
	    .target = plain_text(tx, e->head->target),
	    .message = plain_text(tx, event_message(e)),
	    .worker = arena_text(&tx->arena, e->worker.ptr, e->worker.len),
	    .fields = fields_text,
	    .span_line = e->head->span_line,
	    .span = span_text,
	};
	return tx->arena.failed ? -ENOMEM : 0;
}

static int by_time(const void *a, const void *b)
{
	const struct tx_event *x = a, *y = b;

	return x->time_ns != y->time_ns ? (x->time_ns > y->time_ns) - (x->time_ns < y->time_ns)
	                                : (x->id > y->id) - (x->id < y->id);
}

struct reading {
	struct transaction *tx;
	int64_t max_events;
	bool full; /* the first ones are read */
};

/* A line of it, on its way to the spans. */
static int take_line(void *arg, const struct event *e)
{
	struct reading *r = arg;
	struct transaction *tx = r->tx;
	int rc;

	tx->lines++;
	if (!r->max_events || r->full)
		return 1;
	if (e->foreign)
		return 0;
	rc = event_complete(e);
	if (rc)
		return rc;
	if (tx->total_events++ < r->max_events)
		return put_event(tx, e);
	tx->read_until_ns = e->time_ns;
	r->full = true;
	return 1;
}

/* Its events and spans, in one reading of its lines. */
static void read_lines(struct query *q, struct transaction *tx, const struct query_tid *of, int64_t max_events)
{
	struct reading reading = {tx, max_events, false};
	struct span_query sq = {.run = tx->nruns > 1 ? 0 : tx->run,
	                        .tid = {tx->tid, strlen(tx->tid)},
	                        .places = &of->places,
	                        .each = take_line,
	                        .each_arg = &reading};
	struct span_reader *reader = NULL;
	struct first_spans f = {0};
	struct span_row row;
	int rc = q->status ? 0 : span_reader_open(q->store, &sq, &reader);

	tx->read_until_ns = INT64_MAX;
	while (reader && !rc && (rc = span_reader_next(reader, &row)) == 1) {
		rc = query_interrupted ? -EINTR : put_row(&f, &row);
		if (f.last)
			span_reader_until(reader, f.last->start_ns);
	}
	if (!rc)
		rc = put_spans(tx, &f);
	if (!rc)
		rc = link_spans(tx);
	span_reader_close(reader);
	free(f.rows);
	if (tx->nevents)
		qsort(tx->events, tx->nevents, sizeof *tx->events, by_time);
	if (reading.full) /* those of all runs */
		tx->total_events = of->events;
	query_ok(q, rc, q->path);
}

static void widen(int64_t from, int64_t to, int64_t *start, int64_t *end)
{
	*start = from < *start ? from : *start;
	*end = to > *end ? to : *end;
}

static void find_extent(struct transaction *tx)
{
	int64_t start = INT64_MAX, end = INT64_MIN;

	for (size_t i = 0; i < tx->nphases; i++)
		widen(tx->phases[i].start_ns, tx->phases[i].end_ns, &start, &end);
	for (size_t i = 0; i < tx->nevents && !tx->nphases; i++)
		widen(tx->events[i].time_ns, tx->events[i].time_ns, &start, &end);
	for (size_t i = 0; i < tx->nspans && !tx->nphases; i++)
		widen(tx->spans[i].start_ns, tx->spans[i].open ? tx->spans[i].start_ns : tx->spans[i].end_ns, &start,
		      &end);
	if (start > end)
		start = end = 0;
	tx->start_ns = start;
	tx->end_ns = end;
	for (size_t i = 0; i < tx->nspans; i++)
		if (tx->spans[i].open)
			tx->spans[i].end_ns = end > tx->spans[i].start_ns ? end : tx->spans[i].start_ns;
	for (size_t i = 0; i < tx->nnested; i++)
		if (tx->nested[i].open)
			tx->nested[i].end_ns = end > tx->nested[i].start_ns ? end : tx->nested[i].start_ns;
}

static void find_workers(struct transaction *tx)
{
	const char *first = tx->nevents ? tx->events[0].worker : NULL;

	for (size_t i = 1; i < tx->nevents && !tx->invocation && first && !tx->several_workers; i++)
		tx->several_workers = tx->events[i].worker && strcmp(tx->events[i].worker, first) != 0;
}

static void read_all(struct query *q, const struct query_tid *of, int64_t max_events, struct transaction *tx)
{
	tx->tid = of->tid ? arena_text(&tx->arena, of->tid, strlen(of->tid)) : NULL;
	if (!tx->tid) {
		query_ok(q, -ENOMEM, q->command);
		return;
	}
	read_run(q, tx);
	read_invocation(q, tx);
	read_attempts(q, tx);
	transaction_read_nested(q, tx);
	read_lines(q, tx, of, max_events);
	query_ok(q, tx->arena.failed ? -ENOMEM : 0, q->command);
	if (q->status)
		return;
	find_extent(tx);
	find_workers(tx);
	tx->offset_s = query_clock(q, tx->run, tx->start_ns);
}

void transaction_read(struct query *q, int64_t run, const struct query_tid *of, int64_t max_events,
                      struct transaction *tx)
{
	*tx = (struct transaction){.run = run, .nruns = 1, .root = SIZE_MAX};
	read_all(q, of, max_events, tx);
}

void transaction_done(struct transaction *tx)
{
	free(tx->phases);
	free(tx->spans);
	free(tx->events);
	free(tx->nested);
	arena_done(&tx->arena);
	*tx = (struct transaction){0};
}

/* ---- in several runs ---- */

struct runs {
	int64_t *v, invocation; /* invocation: the one that has it as such, 0: none */
	size_t n, room, invocations;
};

static void run_note(struct query *q, struct runs *r, int64_t run)
{
	int64_t *to;
	size_t i = 0;

	while (i < r->n && r->v[i] != run)
		i++;
	if (i < r->n)
		return;
	to = array_add(r->v, r->n, r->room);
	if (query_ok(q, to ? 0 : -ENOMEM, q->command))
		*to = run;
}

static int by_number(const void *a, const void *b)
{
	const int64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

/* The runs that have lines of it, by the chunks that these are in, or an invocation. */
static void find_runs(struct query *q, const struct query_tid *of, struct runs *r)
{
	sqlite3_stmt *chunk =
	    query_prepare(q, "SELECT run FROM chunk c JOIN source s ON s.id = c.source WHERE c.id = ?1");
	sqlite3_stmt *invocation = query_prepare(q, "SELECT run FROM invocation WHERE tid = ?1");

	for (size_t i = 0; i < of->places.n && !q->status; i++) {
		sqlite3_bind_int64(chunk, 1, of->places.list[i].chunk);
		if (query_next(q, chunk))
			run_note(q, r, sqlite3_column_int64(chunk, 0));
		sqlite3_reset(chunk);
	}
	sqlite3_bind_text(invocation, 1, of->tid, -1, SQLITE_STATIC);
	while (query_next(q, invocation)) {
		r->invocation = sqlite3_column_int64(invocation, 0);
		r->invocations++;
		run_note(q, r, r->invocation);
	}
	sqlite3_finalize(chunk);
	sqlite3_finalize(invocation);
	if (r->n)
		qsort(r->v, r->n, sizeof *r->v, by_number);
}

/* "a.log, b.log" */
static const char *paths_of(struct query *q, struct transaction *tx, const struct runs *r)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT path FROM run WHERE id = ?1");
	struct text t = {0};
	const char *all;

	for (size_t i = 0; i < r->n; i++) {
		sqlite3_bind_int64(stmt, 1, r->v[i]);
		if (query_next(q, stmt))
			text_printf(&t, "%s%s", i ? ", " : "", (const char *)sqlite3_column_text(stmt, 0));
		sqlite3_reset(stmt);
	}
	sqlite3_finalize(stmt);
	all = arena_text(&tx->arena, text_str(&t), t.len);
	text_done(&t);
	return all;
}

typedef void each_fn(struct query *q, const struct transaction *tx, void *arg);

static void read_merged(struct query *q, const struct query_tid *of, int64_t max_events, const struct runs *r,
                        each_fn *each, void *arg)
{
	struct transaction tx = {.run = r->invocations ? r->invocation : r->v[0], .nruns = r->n, .root = SIZE_MAX};

	read_all(q, of, max_events, &tx);
	tx.run_path = q->status ? NULL : paths_of(q, &tx, r);
	if (!q->status) {
		query_note(q, "%s is in %zu runs, which are shown together (--run shows one)", of->tid, r->n);
		each(q, &tx, arg);
	}
	transaction_done(&tx);
}

void transaction_each(struct query *q, const struct query_tid *of, int64_t max_events, each_fn *each, void *arg)
{
	int64_t only = query_run(q);
	struct runs r = {0};
	bool found, merged;

	if (only)
		run_note(q, &r, only);
	else if (!q->status)
		find_runs(q, of, &r);
	found = merged = r.n > 1 && r.invocations < 2;
	if (merged)
		read_merged(q, of, max_events, &r, each, arg);
	for (size_t i = 0; i < r.n && !merged && !q->status; i++) {
		struct transaction tx;

		transaction_read(q, r.v[i], of, max_events, &tx);
		if (!q->status && (tx.lines || tx.invocation)) {
			found = true;
			each(q, &tx, arg);
		}
		transaction_done(&tx);
	}
	free(r.v);
	if (!found)
		query_fail(q, USAGE, "%s: not in this run", of->tid ? of->tid : "");
}
