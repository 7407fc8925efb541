/* SPDX-License-Identifier: GPL-3.0-or-later */
/* perfetto.c - Chrome's trace events as JSON, for ui.perfetto.dev and chrome://tracing.
 *
 * A process is a worker of a run. Its threads are lanes: of requests, each with its phases below it, and of spans.
 * What goes on at the same time and does not lie in one another lies in different lanes; those of a transaction share
 * one where they can. An arrow leads from where an attempt was queued to where it left the queue. Counters are the
 * series. Lanes are given by time, so all goes through a sorter first. */
#include "query/export/export.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/sorter.h"
#include "query/export/lanes.h"
#include "render/number.h"
#include "render/text.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* In this order where they begin at one time. */
enum kind { REQUEST, PHASE, SPAN, QUEUED, DEQUEUED };

/* A record of the sorter; its transaction's id stands behind it. */
struct record {
	int64_t start_ns, end_ns;
	int64_t id; /* among those of one kind and time: spans by event, an arrow by number */
	int64_t busy_ns;
	uint32_t process, name, target; /* words as JSON */
	uint8_t kind, open, certainty;
};

struct process {
	int64_t run;
	uint32_t worker; /* a word */
	bool told;
	struct lanes lanes[2]; /* requests, spans */
};

struct perfetto {
	struct export *x;
	struct sorter *sorter;
	struct intern words; /* as they stand in lines */
	struct process **process;
	size_t nprocesses, room;
	int64_t base_ns; /* time 0 */
	int64_t arrows;
};

enum { SPAN_LANES = 1000000 }; /* numbers of threads: lanes of spans from here on, those of requests from 1 */

static int compare(struct slice a, struct slice b)
{
	struct record x, y;

	memcpy(&x, a.ptr, sizeof x);
	memcpy(&y, b.ptr, sizeof y);
	if (x.start_ns != y.start_ns)
		return x.start_ns < y.start_ns ? -1 : 1;
	if (x.kind != y.kind)
		return x.kind < y.kind ? -1 : 1;
	return x.id < y.id ? -1 : x.id > y.id;
}

/* ---- words and processes ---- */

/* As it stands in a line, with the escapes of JSON. */
static int word(struct perfetto *p, struct slice escaped, uint32_t *out)
{
	return intern_add(&p->words, escaped.ptr ? escaped : SLICE(""), out);
}

/* Of a table, without them. */
static int plain_word(struct perfetto *p, struct slice plain, uint32_t *out)
{
	struct bytes escaped = {0};
	int rc;

	bytes_escape(&escaped, plain.ptr ? plain.ptr : "?", plain.ptr ? plain.len : 1);
	rc = escaped.failed ? -ENOMEM : word(p, (struct slice){escaped.ptr ? escaped.ptr : "", escaped.len}, out);
	bytes_free(&escaped);
	return rc;
}

static int process_of(struct perfetto *p, int64_t run, struct slice worker, uint32_t *out)
{
	struct process **to;
	uint32_t name;
	int rc = word(p, worker, &name);

	for (*out = 0; !rc && *out < p->nprocesses; ++*out)
		if (p->process[*out]->worker == name && p->process[*out]->run == run)
			return 0;
	to = rc ? NULL : array_add(p->process, p->nprocesses, p->room);
	if (!to)
		return rc ? rc : -ENOMEM;
	*to = calloc(1, sizeof **to);
	if (!*to) {
		p->nprocesses--;
		return -ENOMEM;
	}
	**to = (struct process){.run = run, .worker = name};
	return 0;
}

/* ---- gathering ---- */

static int add(struct perfetto *p, const struct record *r, struct slice tid)
{
	char buf[sizeof *r + 1024];
	size_t len = tid.len < sizeof buf - sizeof *r ? tid.len : sizeof buf - sizeof *r;

	memcpy(buf, r, sizeof *r);
	if (len)
		memcpy(buf + sizeof *r, tid.ptr, len);
	return sorter_add(p->sorter, (struct slice){buf, sizeof *r + len});
}

static int add_span(void *arg, const struct span_row *row)
{
	struct perfetto *p = arg;
	struct record r;
	int rc;

	memset(&r, 0, sizeof r); /* to the last byte: it goes through a file */
	r.kind = SPAN;
	r.id = row->id;
	r.open = row->end_ns == NO_NS;
	r.end_ns = r.open ? export_end_of(p->x, row->run) : row->end_ns;
	r.start_ns = row->start_ns == NO_NS ? r.end_ns : row->start_ns;
	r.end_ns = r.end_ns < r.start_ns ? r.start_ns : r.end_ns;
	r.busy_ns = row->busy_ns;
	r.certainty = (uint8_t)row->certainty;
	rc = process_of(p, row->run, row->worker, &r.process);
	if (!rc)
		rc = word(p, row->name, &r.name);
	if (!rc)
		rc = word(p, row->target, &r.target);
	return rc ? rc : add(p, &r, row->tid);
}

/* A phase of a request, or an end of an arrow, by a row that begins with run, tid and worker. */
static int add_stretch(struct perfetto *p, sqlite3_stmt *stmt, struct record *r, struct slice name)
{
	int rc = process_of(p, column_ns(stmt, 0), column_slice(stmt, 2), &r->process);

	if (!rc)
		rc = plain_word(p, name, &r->name);
	return rc ? rc : add(p, r, column_slice(stmt, 1));
}

static struct record record_of(enum kind kind, int64_t id, int64_t start, int64_t end)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.kind = (uint8_t)kind;
	r.id = id;
	r.start_ns = start;
	r.end_ns = end < start ? start : end;
	r.busy_ns = NO_NS;
	return r;
}

static bool of_another(sqlite3_stmt *stmt, struct slice tid, int64_t run)
{
	return run != sqlite3_column_int64(stmt, 0) || !slice_same(tid, column_slice(stmt, 1));
}

/* Phases come transaction by transaction; a request lasts from its first one to its last. Its row is put when the next
 * one begins, from what is kept of it. */
struct request {
	struct perfetto *p;
	struct text tid, name, worker;
	int64_t run, from_ns, to_ns, n;
};

static int request_end(struct request *q)
{
	struct record r = record_of(REQUEST, q->n, q->from_ns, q->to_ns);
	int rc = process_of(q->p, q->run, (struct slice){text_str(&q->worker), q->worker.len}, &r.process);

	if (!rc)
		rc = plain_word(q->p, (struct slice){text_str(&q->name), q->name.len}, &r.name);
	return rc ? rc : add(q->p, &r, (struct slice){text_str(&q->tid), q->tid.len});
}

static int request_begin(struct request *q, sqlite3_stmt *stmt)
{
	struct slice tid = column_slice(stmt, 1), worker = column_slice(stmt, 2), name = column_slice(stmt, 6);

	text_reset(&q->tid);
	text_reset(&q->worker);
	text_reset(&q->name);
	text_add(&q->tid, tid.ptr, tid.len);
	text_add(&q->worker, worker.ptr, worker.len);
	text_add(&q->name, name.ptr ? name.ptr : "?", name.ptr ? name.len : 1);
	q->run = sqlite3_column_int64(stmt, 0);
	q->from_ns = INT64_MAX;
	q->to_ns = INT64_MIN;
	q->n++;
	return q->tid.failed || q->worker.failed || q->name.failed ? -ENOMEM : 0;
}

static int request_phase(struct request *q, sqlite3_stmt *stmt)
{
	int64_t from = sqlite3_column_int64(stmt, 4), to = sqlite3_column_int64(stmt, 5);
	struct record r = record_of(PHASE, sqlite3_column_int64(stmt, 7), from, to);

	q->from_ns = from < q->from_ns ? from : q->from_ns;
	q->to_ns = to > q->to_ns ? to : q->to_ns;
	return to > from ? add_stretch(q->p, stmt, &r, column_slice(stmt, 3)) : 0;
}

static void gather_requests(struct perfetto *p)
{
	struct select s = {0};
	struct request q = {.p = p};
	sqlite3_stmt *stmt;

	select_add(&s, "SELECT p.run, p.tid, i.worker, p.name, p.start_ns, p.end_ns, i.function_name, p.ord FROM phase "
	               "p CROSS JOIN "
	               "invocation i ON i.tid = p.tid AND i.run = p.run");
	export_select(
	    p->x, &s,
	    &(struct export_columns){
	        .run = "p.run", .tid = "p.tid", .function = "i.function_name", .from = "p.start_ns", .to = "p.end_ns"});
	stmt = select_prepare(p->x->q, &s);
	while (query_next(p->x->q, stmt)) {
		int rc = 0;

		if (!q.n || of_another(stmt, (struct slice){text_str(&q.tid), q.tid.len}, q.run))
			rc = (q.n && (rc = request_end(&q))) ? rc : request_begin(&q, stmt);
		if (!query_ok(p->x->q, rc ? rc : request_phase(&q, stmt), p->x->q->command))
			break;
	}
	if (q.n && !p->x->q->status)
		query_ok(p->x->q, request_end(&q), p->x->q->command);
	sqlite3_finalize(stmt);
	select_done(&s);
	text_done(&q.tid);
	text_done(&q.name);
	text_done(&q.worker);
}

static void gather_arrows(struct perfetto *p)
{
	struct select s = {0};
	sqlite3_stmt *stmt;

	select_add(&s, "SELECT run, tid, worker, insert_ns, remove_ns FROM attempt");
	export_select(p->x, &s,
	              &(struct export_columns){.run = "run", .tid = "tid", .from = "insert_ns", .to = "remove_ns"});
	select_where_number(&s, "insert_ns IS NOT NULL AND remove_ns >= insert_ns AND insert_ns > ?", INT64_MIN);
	stmt = select_prepare(p->x->q, &s);
	while (query_next(p->x->q, stmt)) {
		int64_t at = sqlite3_column_int64(stmt, 3), to = sqlite3_column_int64(stmt, 4);
		struct record out = record_of(QUEUED, ++p->arrows, at, at), in = record_of(DEQUEUED, p->arrows, to, to);
		int rc = add_stretch(p, stmt, &out, SLICE("queue"));

		if (!query_ok(p->x->q, rc ? rc : add_stretch(p, stmt, &in, SLICE("queue")), p->x->q->command))
			break;
	}
	sqlite3_finalize(stmt);
	select_done(&s);
}

/* ---- writing ---- */

static void begin(struct perfetto *p, const char *phase, size_t process, uint32_t thread)
{
	struct text *t = &p->x->line;

	text_puts(t, p->x->records ? ",\n{\"ph\":\"" : "{\"ph\":\"");
	text_puts(t, phase);
	text_puts(t, "\",\"pid\":");
	text_add_int(t, (int64_t)process + 1);
	text_puts(t, ",\"tid\":");
	text_add_int(t, thread);
}

static void add_word(struct perfetto *p, const char *before, uint32_t number)
{
	text_puts(&p->x->line, before);
	export_add_escaped(p->x, intern_text(&p->words, number));
}

static int tell_process(struct perfetto *p, uint32_t number)
{
	struct process *process = p->process[number];

	if (process->told)
		return 0;
	process->told = true;
	begin(p, "M", number, 0);
	text_puts(&p->x->line, ",\"name\":\"process_name\"");
	add_word(p, ",\"args\":{\"name\":", process->worker);
	text_puts(&p->x->line, "}}");
	return export_put(p->x);
}

static int tell_lane(struct perfetto *p, uint32_t process, bool spans, uint32_t lane)
{
	begin(p, "M", process, (spans ? SPAN_LANES : 0) + lane + 1);
	text_printf(&p->x->line, ",\"name\":\"thread_name\",\"args\":{\"name\":\"%s %u\"}}",
	            spans ? "spans" : "requests", lane + 1);
	return export_put(p->x);
}

static void add_args(struct perfetto *p, const struct record *r, struct slice tid)
{
	struct text *t = &p->x->line;

	text_puts(t, ",\"args\":{");
	if (tid.len) {
		text_puts(t, "\"tid\":");
		text_add_json(t, tid.ptr, tid.len);
	}
	if (r->kind == SPAN) {
		add_word(p, tid.len ? ",\"target\":" : "\"target\":", r->target);
		text_puts(t, ",\"certainty\":\"");
		text_puts(t, span_certainty_name(r->certainty));
		text_puts(t, r->open ? "\",\"open\":true" : "\"");
	}
	if (r->busy_ns != NO_NS) {
		text_puts(t, ",\"busy_us\":");
		export_add_us(t, r->busy_ns);
	}
	text_puts(t, "}}");
}

static uint64_t owner_of(const struct record *r, struct slice tid)
{
	return tid.len ? hash_bytes(tid.ptr, tid.len, 1) : hash_bytes(&r->id, sizeof r->id, 2);
}

static int put_slice(struct perfetto *p, const struct record *r, struct slice tid)
{
	bool spans = r->kind == SPAN;
	uint32_t lane;
	int is_new, rc;

	rc = lanes_place(&p->process[r->process]->lanes[spans], owner_of(r, tid), r->start_ns, r->end_ns, &lane,
	                 &is_new);
	if (!rc && is_new)
		rc = tell_lane(p, r->process, spans, lane);
	if (rc)
		return rc;
	begin(p, "X", r->process, (spans ? SPAN_LANES : 0) + lane + 1);
	text_puts(&p->x->line, ",\"ts\":");
	export_add_us(&p->x->line, r->start_ns - p->base_ns);
	text_puts(&p->x->line, ",\"dur\":");
	export_add_us(&p->x->line, r->end_ns - r->start_ns);
	add_word(p, ",\"name\":", r->name);
	text_puts(&p->x->line, spans              ? ",\"cat\":\"span\""
	                       : r->kind == PHASE ? ",\"cat\":\"phase\""
	                                          : ",\"cat\":\"request\"");
	add_args(p, r, tid);
	return export_put(p->x);
}

/* An arrow ends at the slice that is there at its time: a span of the transaction, else its request. */
static int put_arrow(struct perfetto *p, const struct record *r, struct slice tid)
{
	struct process *process = p->process[r->process];
	uint32_t thread = lanes_at(&process->lanes[1], owner_of(r, tid), r->start_ns);

	if (thread != LANE_NONE)
		thread += SPAN_LANES + 1;
	else if ((thread = lanes_at(&process->lanes[0], owner_of(r, tid), r->start_ns)) != LANE_NONE)
		thread++;
	else
		thread = 1;
	begin(p, r->kind == QUEUED ? "s" : "f", r->process, thread);
	text_puts(&p->x->line, ",\"ts\":");
	export_add_us(&p->x->line, r->start_ns - p->base_ns);
	text_puts(&p->x->line, ",\"name\":\"queue\",\"cat\":\"queue\",\"id\":");
	text_add_int(&p->x->line, r->id);
	text_puts(&p->x->line, r->kind == QUEUED ? "}" : ",\"bp\":\"e\"}");
	return export_put(p->x);
}

static void put_sorted(struct perfetto *p)
{
	struct slice bytes;
	int rc = sorter_rewind(p->sorter);

	while (!rc && (rc = sorter_next(p->sorter, &bytes)) == 1) {
		struct slice tid = {bytes.ptr + sizeof(struct record), bytes.len - sizeof(struct record)};
		struct record r;

		memcpy(&r, bytes.ptr, sizeof r);
		rc = tell_process(p, r.process);
		if (!rc)
			rc = r.kind >= QUEUED ? put_arrow(p, &r, tid) : put_slice(p, &r, tid);
	}
	query_wrote(p->x->q, rc);
}

static int put_counter(struct perfetto *p, sqlite3_stmt *stmt)
{
	struct slice name = column_slice(stmt, 2);
	char value[NUMBER_MAX];
	uint32_t process;
	int rc = process_of(p, sqlite3_column_int64(stmt, 0), column_slice(stmt, 1), &process);

	if (!rc)
		rc = tell_process(p, process);
	if (rc || sqlite3_column_type(stmt, 4) == SQLITE_NULL || !isfinite(sqlite3_column_double(stmt, 4)))
		return rc;
	begin(p, "C", process, 0);
	text_puts(&p->x->line, ",\"ts\":");
	export_add_us(&p->x->line, sqlite3_column_int64(stmt, 3) - p->base_ns);
	text_puts(&p->x->line, ",\"name\":");
	text_add_json(&p->x->line, name.ptr ? name.ptr : "", name.len);
	number_shortest(sqlite3_column_double(stmt, 4), value);
	text_printf(&p->x->line, ",\"args\":{\"value\":%s}}", value);
	return export_put(p->x);
}

static void put_counters(struct perfetto *p)
{
	struct select s = {0};
	sqlite3_stmt *stmt;

	select_add(&s, "SELECT run, worker, name, time_ns, value FROM series");
	export_select(p->x, &s, &(struct export_columns){.run = "run", .from = "time_ns", .to = "time_ns"});
	stmt = select_prepare(p->x->q, &s);
	while (query_next(p->x->q, stmt))
		if (!query_wrote(p->x->q, put_counter(p, stmt)))
			break;
	sqlite3_finalize(stmt);
	select_done(&s);
}

/* ---- all of it ---- */

/* The first line, or the first request that was sent before it. */
static int64_t base_of(struct export *x)
{
	sqlite3_stmt *stmt = query_prepare(
	    x->q,
	    "SELECT coalesce(min(t), 0) FROM (SELECT min(first_ns) AS t FROM run WHERE ?1 = 0 OR id = ?1 UNION ALL "
	    "SELECT min(sent_ns) FROM invocation WHERE ?1 = 0 OR run = ?1)");
	int64_t base;

	sqlite3_bind_int64(stmt, 1, x->run);
	base = query_next(x->q, stmt) ? sqlite3_column_int64(stmt, 0) : 0;
	sqlite3_finalize(stmt);
	return base;
}

static void done(struct perfetto *p)
{
	for (size_t i = 0; i < p->nprocesses; i++) {
		lanes_done(&p->process[i]->lanes[0]);
		lanes_done(&p->process[i]->lanes[1]);
		free(p->process[i]);
	}
	free(p->process);
	intern_done(&p->words);
	sorter_free(p->sorter);
}

void export_perfetto(struct export *x)
{
	struct perfetto p = {.x = x};

	query_ok(x->q, sorter_new(x->q->path, 16 << 20, compare, &p.sorter), x->q->command);
	if (x->q->status)
		return;
	p.base_ns = base_of(x);
	gather_requests(&p);
	export_spans(x, &(struct export_spans){.each = add_span, .arg = &p});
	gather_arrows(&p);
	text_printf(&x->line,
	            "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"program\":\"ilu-logq %s\",\"time_0_ns\":\"%lld\"},\n"
	            "\"traceEvents\":[\n",
	            ILU_VERSION, (long long)p.base_ns);
	if (!x->tid.tid)
		put_counters(&p);
	put_sorted(&p);
	text_puts(&x->line, "\n]}\n");
	if (!x->q->status)
		query_wrote(x->q, export_put(x));
	done(&p);
}
