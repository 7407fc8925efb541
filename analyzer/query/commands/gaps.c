/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gaps.c - the largest stretches of an invocation in which nothing was logged, by the messages around them.
 *
 * Every pair of neighbouring lines of an invocation, up to its return, is a gap; those with the same messages before
 * and after are one row. The sum over the rows of a run is the whole time of its invocations between first and last
 * line, so a share is a share of that. */
#include "base/table.h"
#include "base/hash.h"
#include "base/array.h"
#include "base/bytes.h"
#include "query/core/command.h"
#include "query/events/event_filter.h"
#include "base/template.h"
#include "query/events/mask.h"
#include "base/intern.h"
#include "base/sql.h"
#include "query/commands/points.h"
#include "query/core/quantile.h"
#include "ingest/line.h"
#include "model/parts.h"
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { CALLED = 1024, NUMBERS = 1 << 16 }; /* the latter: of transactions in a chunk */
#define UNKNOWN UINT32_MAX                 /* number of a transaction that was not looked up yet */
#define NOBODY  (UINT32_MAX - 1)

/* Lines of one shape whose message is part of it are called the same. */
struct called {
	const struct shape *head;
	const char *span; /* of a span line, its span's name in the shape of its tail; else NULL */
	uint32_t text;
};

struct pair {
	uint32_t from, to;
	struct sample times;
	int64_t longest;
	int64_t rank; /* of the longest, where servers found it: the lower one goes before */
	uint32_t tid;
};

/* What an invocation's lines count for: from its sending to its return. */
struct window {
	int64_t from_ns, to_ns;
};

struct gaps {
	int64_t run; /* 0: all */
	struct intern tids, texts;
	struct window *windows; /* by number of the tid */
	uint32_t nwindows;
	pthread_mutex_t lock; /* texts, points: while lines are read */
	struct points points;
	uint32_t *template; /* by text: what it is called at last */
	struct sample_file file;
	struct pair *pairs;
	size_t npairs, pairs_room;
	struct table at; /* of pairs */
	double total_ns;
};

/* Some of the sources, read by one thread. */
struct stretch {
	struct gaps *g;
	struct points points;
	int64_t chunk;                /* of which is known: */
	uint32_t of_number[NUMBERS];  /* by number of the transaction in it: UNKNOWN, NOBODY, or its number here */
	struct called called[CALLED]; /* the last ones */
	struct text text;
};

static int widen(struct gaps *g, uint32_t tid, int64_t from_ns, int64_t to_ns)
{
	struct window *w;

	if (tid >= g->nwindows) {
		uint32_t n = g->nwindows;

		if (array_reserve(g->windows, g->nwindows, tid + 1))
			return -ENOMEM;
		for (; n < g->nwindows; n++)
			g->windows[n] = (struct window){INT64_MAX, INT64_MIN};
	}
	w = &g->windows[tid];
	w->from_ns = from_ns < w->from_ns ? from_ns : w->from_ns;
	w->to_ns = to_ns > w->to_ns ? to_ns : w->to_ns;
	return 0;
}

static void read_tids(struct query *q, struct gaps *g)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT tid, coalesce(sent_ns, arrived_ns, -9223372036854775807), "
	                                      "coalesce(return_ns, 9223372036854775807)"
	                                      " FROM invocation WHERE ?1 = 0 OR run = ?1");
	uint32_t number;

	sqlite3_bind_int64(stmt, 1, g->run);
	while (query_next(q, stmt)) {
		int rc = intern_add(&g->tids, column_slice(stmt, 0), &number);

		if (!rc)
			rc = widen(g, number, sqlite3_column_int64(stmt, 1), sqlite3_column_int64(stmt, 2));
		query_ok(q, rc, q->command);
	}
	sqlite3_finalize(stmt);
}

/* What a line is called: its message without numbers; a span line by its span too. */
static int name(struct gaps *g, struct slice message, struct slice span, struct text *t, uint32_t *out)
{
	int rc;

	text_reset(t);
	mask_escaped(t, message.ptr ? message : SLICE("(no message)"), TEMPLATE_VALUE);
	if (span.ptr) {
		text_puts(t, " ");
		text_add(t, span.ptr, span.len);
	}
	if (t->failed)
		return -ENOMEM;
	pthread_mutex_lock(&g->lock);
	rc = intern_add(&g->texts, (struct slice){text_str(t), t->len}, out);
	pthread_mutex_unlock(&g->lock);
	return rc;
}

static int name_line(struct stretch *s, const struct event *e, uint32_t *out)
{
	struct slice span;

	if (!e->head->span_line || !event_span_field(e, "name", &span))
		span = SLICE_NONE;
	return name(s->g, event_message(e), span, &s->text, out);
}

static int number_line(struct stretch *s, const struct event *e, uint32_t *out)
{
	bool span = e->head->span_line;
	const char *name = span ? e->tail->span_name.ptr : NULL;
	struct called *c = &s->called[((uintptr_t)e->head >> 4 ^ (uintptr_t)name >> 3 ^ e->head->id * 7u) % CALLED];
	int rc;

	if (e->head->message_slot >= 0 || !e->head->id || (span && (!name || !e->tail->id)))
		return name_line(s, e, out);
	if (c->head == e->head && c->span == name) {
		*out = c->text;
		return 0;
	}
	rc = name_line(s, e, out);
	if (!rc)
		*c = (struct called){e->head, name, *out};
	return rc;
}

/* The caller's own moments stand for lines: what comes before the first and after the last one is silence, too. */
static int put_ends(struct gaps *g)
{
	static const char sent[] = "(sent)", returned[] = "(returned)";
	struct point first = {.id = 0}, last = {.id = INT64_MAX};
	int rc = intern_add(&g->texts, (struct slice){sent, sizeof sent - 1}, &first.text);

	if (!rc)
		rc = intern_add(&g->texts, (struct slice){returned, sizeof returned - 1}, &last.text);
	for (uint32_t i = 0; i < g->tids.n && !rc; i++) {
		first.tid = last.tid = i;
		first.time_ns = g->windows[i].from_ns;
		last.time_ns = g->windows[i].to_ns;
		if (first.time_ns != -INT64_MAX)
			rc = points_add(&g->points, &first);
		if (!rc && last.time_ns != INT64_MAX)
			rc = points_add(&g->points, &last);
	}
	return rc;
}

/* The number of an event's transaction, INTERN_NONE: it is no invocation. It is looked up once a chunk. */
static int tid_of(struct stretch *s, const struct event *e, uint32_t *out)
{
	int n = event_tid_number(e), rc = n < 0 ? n : 0;

	*out = INTERN_NONE;
	if (n <= 0)
		return rc;
	if (e->id >> 16 != s->chunk) {
		s->chunk = e->id >> 16;
		memset(s->of_number, 0xff, sizeof s->of_number);
	}
	if (s->of_number[n] == UNKNOWN && !(rc = event_complete(e))) {
		*out = e->tid.ptr ? intern_find(&s->g->tids, e->tid) : INTERN_NONE;
		s->of_number[n] = *out == INTERN_NONE ? NOBODY : *out;
	}
	*out = s->of_number[n];
	return rc;
}

/* An event of an invocation, inside its window. */
static int put_event(struct stretch *s, const struct event *e)
{
	struct point p = {.id = e->id};
	const struct window *w;
	int rc = tid_of(s, e, &p.tid);

	if (rc || p.tid >= NOBODY)
		return rc;
	rc = e->head->span_line ? event_complete(e) : event_time(e); /* what is no span's is foreign to nobody */
	w = &s->g->windows[p.tid];
	if (rc || (e->head->span_line && e->foreign) || e->time_ns < w->from_ns || e->time_ns > w->to_ns)
		return rc;
	p.time_ns = e->time_ns;
	rc = number_line(s, e, &p.text);
	return rc ? rc : points_add(&s->points, &p);
}

static int read_stretch(struct stretch *s, struct store *store, const struct source_part *of)
{
	struct event_query q = {.run = of->run, .source = of->first, .last_source = of->last, .brief = true};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = event_cursor_open(store, &q, &c);

	while (!rc && (rc = event_cursor_next(c, &e)) == 1)
		rc = query_interrupted ? -EINTR : put_event(s, e);
	event_cursor_close(c);
	return rc;
}

struct stretches {
	struct gaps *g;
	struct source_part of[PARTS_OF_SOURCES];
};

static int read_part(void *arg, struct store *store, size_t i)
{
	const struct stretches *all = arg;
	struct gaps *g = all->g;
	struct stretch *s = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return -ENOMEM;
	s->g = g;
	s->points.beside = g->points.beside;
	s->chunk = -1;
	rc = read_stretch(s, store, &all->of[i]);
	pthread_mutex_lock(&g->lock);
	if (!rc)
		rc = points_join(&g->points, &s->points);
	pthread_mutex_unlock(&g->lock);
	points_done(&s->points);
	text_done(&s->text);
	free(s);
	return rc;
}

static void gather(struct query *q, struct gaps *g)
{
	struct stretches all = {.g = g};
	int n = q->status ? 0 : parts_of_sources(q->store, g->run, all.of), rc = n < 0 ? n : 0;

	if (n > 0)
		rc = parts_read(q->store, (size_t)n, read_part, &all);
	if (!rc && !q->status)
		rc = put_ends(g);
	query_ok(q, rc, q->path);
}

/* Texts that have one template are called by it. */
static int merge_texts(struct gaps *g)
{
	struct intern templates = {0};
	uint32_t n = g->texts.n, *of = g->template = malloc(((size_t)n + 1) * sizeof *of);
	struct template_text *v = malloc(((size_t)n + 1) * sizeof *v);
	int rc = of && v ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < n && !rc; i++) {
		v[i].kind = 0;
		v[i].text = i;
	}
	if (!rc)
		rc = template_merge(&g->texts, v, n, &templates, of);
	for (uint32_t i = 0; i < n && !rc; i++)
		rc = intern_add(&g->texts, intern_text(&templates, of[i]), &of[i]);
	intern_done(&templates);
	free(v);
	return rc;
}

static struct pair *find_pair(struct gaps *g, uint32_t from, uint32_t to)
{
	uint64_t hash = hash_pair(from, to);
	struct table_walk w;
	struct pair *p;

	for (uint32_t i = table_first(&w, &g->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (g->pairs[i].from == from && g->pairs[i].to == to)
			return &g->pairs[i];
	if (array_reserve(g->pairs, g->pairs_room, g->npairs + 1) || table_add(&g->at, hash, (uint32_t)g->npairs))
		return NULL;
	p = &g->pairs[g->npairs++];
	*p = (struct pair){.from = from, .to = to, .longest = -1, .times.file = &g->file};
	return p;
}

/* The gaps of one transaction. */
static int count(void *arg, const struct point *v, size_t n)
{
	struct gaps *g = arg;

	for (size_t i = 1; i < n; i++) {
		int64_t ns = v[i].time_ns - v[i - 1].time_ns;
		struct pair *p;
		int rc;

		if (!ns)
			continue;
		p = find_pair(g, g->template[v[i - 1].text], g -> template[v[i].text]);
		rc = p ? sample_add(&p->times, ns) : -ENOMEM;
		if (rc)
			return rc;
		if (ns > p->longest) {
			p->longest = ns;
			p->tid = v->tid;
		}
		g->total_ns += (double)ns;
	}
	return query_interrupted ? -EINTR : 0;
}

/* ---- what a cluster's servers found ---- */

/* Table folded_gap of a mirror (mirror/gapped.h) stands for the lines: its rows in the order in which the lines would
 * have made pairs of them, and how long each is in the order in which they would have been the longest. */
static const char fetched_sql[] =
    "SELECT after, after_span, before, before_span, times, longest_ns, longest_tid, row_number() OVER (ORDER BY "
    "longest_ns DESC, longest_run, longest_tid) FROM folded_gap ORDER BY first_run, first_tid, first_n";

static bool is_fetched(struct query *q)
{
	bool there = false;

	return !q->status && query_ok(q, sql_has_table(q->db, "folded_gap", &there), q->path) && there;
}

/* What the line in columns i and i + 1 is called. */
static int name_fetched(struct gaps *g, sqlite3_stmt *stmt, int i, struct text *t, uint32_t *out)
{
	struct slice plain = column_slice(stmt, i);
	struct bytes message = {0};
	int rc;

	bytes_escape(&message, plain.ptr, plain.len);
	rc = message.failed ? -ENOMEM
	                    : name(g, (struct slice){message.ptr ? message.ptr : "", message.len},
	                           column_slice(stmt, i + 1), t, out);
	bytes_free(&message);
	return rc;
}

static int add_times(struct gaps *g, struct pair *p, sqlite3_stmt *stmt)
{
	const char *times = sqlite3_column_blob(stmt, 4);
	size_t n = (size_t)sqlite3_column_bytes(stmt, 4) / sizeof(int64_t);
	int rc = 0;

	for (size_t i = 0; i < n && !rc; i++) {
		int64_t ns;

		memcpy(&ns, times + i * sizeof ns, sizeof ns);
		rc = sample_add(&p->times, ns);
		g->total_ns += (double)ns;
	}
	return rc;
}

/* A row's gaps are those of its pair. */
static int count_fetched(struct gaps *g, sqlite3_stmt *stmt, uint32_t from, uint32_t to)
{
	int64_t rank = sqlite3_column_int64(stmt, 7);
	struct pair *p = find_pair(g, g->template[from], g -> template[to]);
	int rc = p ? add_times(g, p, stmt) : -ENOMEM;

	if (rc || (p->longest >= 0 && p->rank < rank))
		return rc;
	p->rank = rank;
	p->longest = sqlite3_column_int64(stmt, 5);
	return intern_add(&g->tids, column_slice(stmt, 6), &p->tid);
}

/* Once for the names of all, from which templates are made, then for the gaps. */
static void each_fetched(struct query *q, struct gaps *g, bool counts)
{
	sqlite3_stmt *stmt = query_prepare(q, fetched_sql);
	struct text t = {0};

	while (query_next(q, stmt)) {
		uint32_t from, to;
		int rc = name_fetched(g, stmt, 0, &t, &from);

		rc = rc ? rc : name_fetched(g, stmt, 2, &t, &to);
		if (!rc && counts && sqlite3_column_bytes(stmt, 4))
			rc = count_fetched(g, stmt, from, to);
		query_ok(q, rc, q->command);
	}
	text_done(&t);
	sqlite3_finalize(stmt);
}

/* ---- the whole ---- */

static int by_sum(const void *a, const void *b)
{
	double x = sample_sum(&((const struct pair *)a)->times), y = sample_sum(&((const struct pair *)b)->times);

	return (x < y) - (x > y);
}

static const struct column columns[] = {
    {"after", UNIT_NONE}, {"before", UNIT_NONE}, {"times", UNIT_COUNT}, {"total_ns", UNIT_NS},    {"share", UNIT_SHARE},
    {"p50_ns", UNIT_NS},  {"p99_ns", UNIT_NS},   {"max_ns", UNIT_NS},   {"slowest_tid", UNIT_ID},
};

static void put(struct query *q, struct gaps *g)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

	if (g->npairs)
		qsort(g->pairs, g->npairs, sizeof *g->pairs, by_sum);
	for (size_t i = 0; i < g->npairs; i++) {
		struct pair *p = &g->pairs[i];
		double sum = sample_sum(&p->times);

		if (!query_ok(q, sample_sort(&p->times), q->path))
			break;
		struct cell c[] = {
		    cell_of_text(g->texts.text[p->from].ptr),
		    cell_of_text(g->texts.text[p->to].ptr),
		    CELL_OF_INT((int64_t)p->times.n),
		    CELL_OF_INT(sample_total(&p->times)),
		    CELL_OF_REAL(sum / g->total_ns),
		    CELL_OF_INT(sample_quantile(&p->times, 0.5)),
		    CELL_OF_INT(sample_quantile(&p->times, 0.99)),
		    CELL_OF_INT(p->longest),
		    cell_of_text(g->tids.text[p->tid].ptr),
		};
		sample_done(&p->times);
		if (!query_table_row(q, t, c))
			break;
	}
	query_table_close(q, t);
}

/* The names of all lines, and where there are lines the points. */
static void read_lines(struct query *q, struct gaps *g, bool fetched)
{
	if (fetched) {
		each_fetched(q, g, false);
		return;
	}
	read_tids(q, g);
	gather(q, g);
}

static void pair_lines(struct query *q, struct gaps *g, bool fetched)
{
	if (q->status || !query_ok(q, merge_texts(g), q->command))
		return;
	if (fetched)
		each_fetched(q, g, true);
	else
		query_ok(q, points_each(&g->points, count, g), q->path);
}

static void run(struct query *q)
{
	struct gaps g = {
	    .run = query_run(q), .lock = PTHREAD_MUTEX_INITIALIZER, .points.beside = q->path, .file.beside = q->path};
	bool fetched = is_fetched(q);

	read_lines(q, &g, fetched);
	pair_lines(q, &g, fetched);
	if (!q->status)
		put(q, &g);
	for (size_t i = 0; i < g.npairs; i++)
		sample_done(&g.pairs[i].times);
	sample_file_done(&g.file);
	points_done(&g.points);
	pthread_mutex_destroy(&g.lock);
	free(g.template);
	free(g.pairs);
	table_done(&g.at);
	free(g.windows);
	intern_done(&g.tids);
	intern_done(&g.texts);
}

static const struct option_spec options[] = {
    {.name = "limit", .letter = 'n', .value = "N", .help = "at most N rows; 0: all; default 20"},
    OPTION_RUN,
    {0},
};

const struct command command_gaps = {
    .name = "gaps",
    .group = GROUP_ANSWERS,
    .help = "the largest stretches without a line, by the messages around them",
    .more =
        "Of all invocations: each pair of neighbouring lines is a gap; what varies in messages is <*> (table pattern).",
    .examples = "gaps --limit 10",
    .options = options,
    .limit = 20,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(columns),
};
