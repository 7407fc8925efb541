/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hangs.c - what never completed, and why.
 *
 * Most of what hangs is victims: it waits behind the few that began to execute and never ended. Those are the findings,
 * each with the number that waits on its worker. An invocation that was merely under way when its log ended is told
 * apart by its age: a hang has executed for several times the longest execution that completed. Where the load
 * generator gave up, its result says failed, and the worker's lines say what became of the request: it never came,
 * never began, was never completed, or was too late. A log that falls silent long before the others of its run is a
 * finding of its own, with the spans that were open in that instant. */
#include "findings/finding.h"
#include "findings/reads.h"
#include "model/span.h"
#include "base/sql.h"
#include "model/rules_kept.h"
#include "render/number.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define HANG_FACTOR    3 /* times the longest completed execution */
#define HANG_LEAST_NS  1000000000
#define SILENCE_FACTOR 20 /* times the mean distance of two lines */

/* ---- evidence: the last lines ---- */

struct tail {
	int64_t time[LAST_LINES], id[LAST_LINES];
	int n;
};

static void keep_latest(struct tail *t, int64_t time, int64_t id)
{
	int i = t->n < LAST_LINES ? t->n++ : 0;

	if (t->n == LAST_LINES && i == 0 && (time < t->time[0] || (time == t->time[0] && id < t->id[0])))
		return;
	/* The oldest stands first: insert in order. */
	if (i == 0 && t->n == LAST_LINES) {
		for (; i + 1 < t->n && (t->time[i + 1] < time || (t->time[i + 1] == time && t->id[i + 1] < id)); i++)
			t->time[i] = t->time[i + 1], t->id[i] = t->id[i + 1];
	} else {
		for (; i > 0 && (t->time[i - 1] > time || (t->time[i - 1] == time && t->id[i - 1] > id)); i--)
			t->time[i] = t->time[i - 1], t->id[i] = t->id[i - 1];
	}
	t->time[i] = time;
	t->id[i] = id;
}

static int last_lines(struct store *s, const struct event_query *q, struct finding *f)
{
	struct event_cursor *c;
	const struct event *e;
	struct tail t = {.n = 0};
	int rc = event_cursor_open(s, q, &c);

	if (rc)
		return rc;
	while ((rc = event_cursor_next(c, &e)) == 1)
		keep_latest(&t, e->time_ns, e->id);
	event_cursor_close(c);
	for (int i = 0; !rc && i < t.n; i++)
		finding_evidence(f, t.id[i], NULL);
	return rc;
}

/* ---- hangs ---- */

/* A worker as a sentence names it. */
static struct slice named(struct slice worker)
{
	return worker.len ? worker : SLICE("no worker");
}

struct remark {
	char text[NUMBER_MAX + 40];
};

/* What an age is to be compared with, where there is something. */
static struct remark longest_text(int64_t ns)
{
	struct remark t = {""};

	if (ns > 0)
		snprintf(t.text, sizeof t.text, " (the longest that completed took %s)",
		         number_duration_text(ns, "µ").text);
	return t;
}

/* Runs by rules of a user's, or found in the log, that do not say when a request begins to execute: it has an end or
 * none. Of attempts that were found it is known when they begin, not that they execute and hold a slot. */
#define WITHOUT_STARTS                                                                                 \
	"(SELECT r.id FROM run r WHERE r.rules = 'inferred' OR (r.rules <> 'iluvatar' AND NOT EXISTS " \
	"(SELECT 1 FROM attempt WHERE run = r.id AND start_ns IS NOT NULL)))"

/* Per worker: until when its logs go, how long the longest completed execution took, how many wait. */
static const char culprits_sql[] =
    "WITH w AS (SELECT i.run run, i.worker worker,"
    "  coalesce((SELECT max(last_ns) FROM source s WHERE s.run = i.run AND s.worker = i.worker), (SELECT last_ns FROM "
    "run WHERE id = i.run)) last_ns,"
    "  coalesce(max(CASE WHEN i.status <> 'unfinished' THEN i.end_ns - i.start_ns END), 0) longest_ns,"
    "  sum(i.status = 'unfinished' AND i.start_ns IS NULL) waiting, sum(i.status = 'unfinished' AND i.start_ns IS NOT "
    "NULL) holding,"
    "  min(CASE WHEN i.status = 'unfinished' AND i.start_ns IS NULL THEN coalesce(i.arrived_ns, i.sent_ns) END) "
    "since_ns"
    " FROM invocation i GROUP BY 1, 2) "
    "SELECT i.run, i.tid, i.worker, i.function_name, i.start_ns, w.last_ns, w.longest_ns, w.waiting, w.holding, "
    "w.since_ns,"
    " (SELECT a.container_id FROM attempt a WHERE a.run = i.run AND a.tid = i.tid ORDER BY a.n DESC LIMIT 1) "
    "container_id,"
    " (SELECT count(*) FROM lock l WHERE l.run = i.run AND l.tid = i.tid AND l.to_ns IS NULL) locks "
    "FROM invocation i JOIN w ON w.run = i.run AND w.worker IS i.worker "
    "WHERE i.status = 'unfinished' AND i.start_ns IS NOT NULL AND (?1 = 0 OR i.run = ?1) AND i.run NOT "
    "IN " WITHOUT_STARTS " ORDER BY i.run, i.start_ns, "
    "i.tid";

static int add_culprit(struct store *s, sqlite3_stmt *st, struct findings *out)
{
	struct slice tid = column_slice(st, 1), worker = column_slice(st, 2), function = column_slice(st, 3),
	             container = column_slice(st, 10);
	int64_t start = sqlite3_column_int64(st, 4), last = sqlite3_column_int64(st, 5),
	        longest = sqlite3_column_int64(st, 6);
	int64_t waiting = sqlite3_column_int64(st, 7), holding = sqlite3_column_int64(st, 8), age = last - start;
	bool hang = age > longest * HANG_FACTOR && age > HANG_LEAST_NS;
	struct finding *f = finding_add(out, hang ? "hang" : "cut-off", hang ? FINDING_ERROR : FINDING_NOTE,
	                                sqlite3_column_int64(st, 0));
	struct event_query q = {.tid = tid, .run = sqlite3_column_int64(st, 0)};

	finding_tid(f, tid);
	f->count = hang ? waiting : 0;
	f->first_ns = start;
	f->last_ns = last;
	if (!hang)
		finding_message(f, "%.*s had executed for %s when the log ended", (int)function.len,
		                function.ptr ? function.ptr : "", number_duration_text(age, "µ").text);
	else
		finding_message(
		    f,
		    "%.*s on %.*s has executed for %s without end%s; %s invocation%s wait%s behind it and %s other%s",
		    (int)function.len, function.ptr ? function.ptr : "a function", (int)named(worker).len,
		    named(worker).ptr, number_duration_text(age, "µ").text, longest_text(longest).text,
		    number_count_text(waiting).text, waiting == 1 ? "" : "s", waiting == 1 ? "s" : "",
		    number_count_text(holding - 1).text, holding == 2 ? "" : "s");
	finding_cause(f, "%s%s%s",
	              hang ? "the function never returned: it holds a slot of its worker" : "the log ended",
	              hang && container.ptr ? ", its container" : "",
	              hang && sqlite3_column_int64(st, 11) ? " and that container's lock" : "");
	finding_detail_text(f, "worker", worker);
	finding_detail_text(f, "function_name", function);
	finding_detail_text(f, "container_id", container);
	finding_detail(f, "culprits", "%lld", (long long)holding);
	return last_lines(s, &q, f);
}

/* Never started, and nothing on the same worker that executes without end. */
static const char stuck_sql[] =
    "WITH h AS MATERIALIZED (SELECT DISTINCT run, worker FROM invocation WHERE status = 'unfinished' AND start_ns IS "
    "NOT "
    "NULL) "
    "SELECT i.run, i.worker, count(*), min(coalesce(i.arrived_ns, i.controller_ns)), min(i.tid) FROM invocation i "
    "WHERE i.status = 'unfinished' AND i.start_ns IS NULL AND (?1 = 0 OR i.run = ?1) AND i.run NOT IN " WITHOUT_STARTS
    " AND NOT EXISTS (SELECT 1 FROM h WHERE h.run = i.run AND h.worker IS i.worker) "
    "GROUP BY 1, 2";

static int add_stuck(struct store *s, sqlite3_stmt *st, struct findings *out)
{
	struct slice worker = named(column_slice(st, 1)), tid = column_slice(st, 4);
	int64_t n = sqlite3_column_int64(st, 2);
	struct finding *f = finding_add(out, "never-started", FINDING_WARNING, sqlite3_column_int64(st, 0));
	struct event_query q = {.tid = tid, .run = sqlite3_column_int64(st, 0)};

	finding_tid(f, tid);
	f->count = n;
	f->first_ns = column_ns(st, 3);
	finding_message(f, "%s invocation%s on %.*s never started, and nothing there executes without end",
	                number_count_text(n).text, n == 1 ? "" : "s", (int)worker.len, worker.ptr);
	finding_cause(f, "unknown");
	return last_lines(s, &q, f);
}

/* When a request began, as far as any line says. */
#define BEGAN "coalesce(arrived_ns, controller_ns, insert_ns, sent_ns)"

static const char open_sql[] =
    "SELECT i.run, i.worker, count(*), min(" BEGAN "), i.tid,"
    " coalesce((SELECT max(last_ns) FROM source s WHERE s.run = i.run AND s.worker = i.worker), (SELECT last_ns FROM "
    "run WHERE id = i.run)),"
    " coalesce((SELECT max(o.end_ns - " BEGAN ") FROM invocation o WHERE o.run = i.run AND o.worker IS i.worker "
    "AND o.status <> 'unfinished'), 0) "
    "FROM invocation i WHERE i.status = 'unfinished' AND (?1 = 0 OR i.run = ?1) AND i.run IN " WITHOUT_STARTS
    " GROUP BY i.run, i.worker";

static struct remark age_text(int64_t since, int64_t age)
{
	struct remark t = {""};

	if (since != NO_NS)
		snprintf(t.text, sizeof t.text, ", the first %s after it began", number_duration_text(age, "µ").text);
	return t;
}

static int add_open(struct store *s, sqlite3_stmt *st, struct findings *out)
{
	struct slice worker = named(column_slice(st, 1)), tid = column_slice(st, 4);
	int64_t n = sqlite3_column_int64(st, 2), since = column_ns(st, 3), longest = sqlite3_column_int64(st, 6),
	        age = since == NO_NS ? 0 : sqlite3_column_int64(st, 5) - since;
	bool hang = age > longest * HANG_FACTOR && age > HANG_LEAST_NS;
	struct finding *f =
	    finding_add(out, "never-ended", hang ? FINDING_WARNING : FINDING_NOTE, sqlite3_column_int64(st, 0));
	struct event_query q = {.tid = tid, .run = sqlite3_column_int64(st, 0)};

	finding_tid(f, tid);
	f->count = n;
	f->first_ns = since;
	finding_message(f, "%s invocation%s on %.*s had no end when the log ended%s%s", number_count_text(n).text,
	                n == 1 ? "" : "s", (int)worker.len, worker.ptr, age_text(since, age).text,
	                longest_text(longest).text);
	finding_cause(f, "%s", hang ? "unknown" : "the log ended");
	return last_lines(s, &q, f);
}

/* What never started may lack the memory of containers that nobody gave back. */
static int explain_stuck(struct store *s, int64_t run, struct findings *out, size_t from)
{
	struct findings lost = {0};
	bool any = false;
	int rc = 0;

	for (size_t i = from; i < out->n; i++)
		any |= !strcmp(out->v[i].rule, "never-started");
	if (any)
		rc = find_leaked_containers(s, run, &lost);
	for (size_t i = from; !rc && i < out->n; i++) {
		struct finding *f = &out->v[i];
		int64_t n = 0;

		for (size_t k = 0; k < lost.n; k++)
			n += lost.v[k].run == f->run;
		if (!n || strcmp(f->rule, "never-started"))
			continue;
		finding_cause(f, "%s container%s of the run %s never given back (see lint): %s memory is nobody's",
		              number_count_text(n).text, n == 1 ? "" : "s", n == 1 ? "was" : "were",
		              n == 1 ? "its" : "their");
	}
	findings_done(&lost);
	return rc;
}

/* ---- what the load generator gave up ---- */

enum given_up { NEVER_ARRIVED, NEVER_STARTED, NEVER_COMPLETED, TOO_LATE };

/* Those that a result file calls failed, by worker and by how far they came. Late is late by 100 ms: the clocks may be
 * two. */
static const char given_up_sql[] =
    "SELECT run, worker, how, count(*), min(coalesce(sent_ns, arrived_ns)), min(tid), max(e2e_duration_us), sum(error "
    "IS NOT NULL) FROM"
    " (SELECT i.*, (SELECT max(a.error) FROM attempt a WHERE a.run = i.run AND a.tid = i.tid AND a.n = i.attempts) "
    "error,"
    "  CASE WHEN coalesce(arrived_ns, controller_ns, start_ns, end_ns) IS NULL THEN 0 WHEN start_ns IS NULL AND end_ns "
    "IS NULL THEN 1"
    "   WHEN end_ns IS NULL THEN 2 WHEN e2e_duration_us > 0 AND end_ns > return_ns + 100000000 THEN 3 END how"
    "  FROM invocation i WHERE status = 'failed' AND e2e_duration_us IS NOT NULL AND (?1 = 0 OR run = ?1)"
    "   AND (end_ns IS NULL OR end_ns > return_ns)) WHERE how IS NOT NULL GROUP BY run, worker, how ORDER BY run, "
    "worker, how";

static void say_given_up(struct finding *f, enum given_up how, int64_t n, struct slice worker, double gave_up_s,
                         int64_t errors)
{
	static const char *const what[] = {"never arrived", "never began to execute",
	                                   "began to execute and never completed", "completed after it had given up"};

	finding_message(f, "%s invocation%s of the load generator %s%s%.*s", number_count_text(n).text,
	                n == 1 ? "" : "s", what[how], worker.len ? ", on " : "", (int)worker.len,
	                worker.ptr ? worker.ptr : "");
	if (gave_up_s > 0)
		finding_detail(f, "gave_up_after_s", "%.3f", gave_up_s);
	switch (how) {
	case NEVER_ARRIVED:
		finding_cause(f,
		              "no line of a worker or controller names %s: lost on the way, or their log begins "
		              "later or is not loaded",
		              n == 1 ? "it" : "them");
		return;
	case NEVER_STARTED:
		finding_cause(f, "%s still waited in the worker's queue when the load generator gave up",
		              n == 1 ? "it" : "they");
		return;
	case NEVER_COMPLETED:
		if (errors)
			finding_cause(f, "the worker ended %s of them with an error, when nobody waited any more",
			              number_count_text(errors).text);
		else
			finding_cause(f, "no line says how %s ended", n == 1 ? "it" : "they");
		return;
	default:
		finding_cause(f, "too slow for the load generator: `phases` and `timeline` say where the time went");
	}
}

static int add_given_up(struct store *s, sqlite3_stmt *st, struct findings *out)
{
	struct slice worker = column_slice(st, 1), tid = column_slice(st, 5);
	struct finding *f = finding_add(out, "given-up", FINDING_WARNING, sqlite3_column_int64(st, 0));
	struct event_query q = {.tid = tid, .run = sqlite3_column_int64(st, 0)};

	finding_tid(f, tid);
	say_given_up(f, (enum given_up)sqlite3_column_int(st, 2), sqlite3_column_int64(st, 3), worker,
	             (double)sqlite3_column_int64(st, 6) / 1e6, sqlite3_column_int64(st, 7));
	finding_detail_text(f, "worker", worker);
	f->count = sqlite3_column_int64(st, 3);
	f->first_ns = column_ns(st, 4);
	return last_lines(s, &q, f);
}

/* ---- silence ---- */

static const char silence_sql[] =
    "SELECT s.run, s.id, s.path, s.worker, s.last_ns, o.last_ns, s.lines, s.first_ns FROM source s JOIN "
    "(SELECT run, max(last_ns) last_ns FROM source WHERE kind IN ('tracing', 'ilulog') GROUP BY run) o ON o.run = "
    "s.run "
    "WHERE s.kind IN ('tracing', 'ilulog') AND s.lines > 0 AND s.worker IS NOT 'load_gen' AND (?1 = 0 OR s.run = ?1) "
    "AND o.last_ns - s.last_ns > ?2 AND o.last_ns - s.last_ns > ?3 * ((s.last_ns - s.first_ns) / s.lines) ORDER BY "
    "s.run, s.last_ns";

static int add_open_spans(struct store *s, int64_t source, struct finding *f, int64_t *n)
{
	struct span_query q = {.source = source, .open_only = true};
	struct span_reader *r;
	struct span_row row;
	int rc = span_reader_open(s, &q, &r);

	if (rc)
		return rc;
	while ((rc = span_reader_next(r, &row)) == 1) {
		char remark[160];

		if (!row.tid.ptr)
			continue;
		++*n;
		if (*n > 20)
			continue;
		snprintf(remark, sizeof remark, "span %.*s opened and never closed", (int)row.name.len,
		         row.name.ptr ? row.name.ptr : "");
		finding_evidence(f, row.id, remark);
		finding_tid(f, row.tid);
	}
	span_reader_close(r);
	return rc;
}

static int add_silence(struct store *s, sqlite3_stmt *st, struct findings *out)
{
	int64_t source = sqlite3_column_int64(st, 1), last = sqlite3_column_int64(st, 4),
	        others = sqlite3_column_int64(st, 5), open = 0;
	struct slice path = column_slice(st, 2), worker = column_slice(st, 3);
	struct finding *f = finding_add(out, "silence", FINDING_WARNING, sqlite3_column_int64(st, 0));
	struct event_query q = {.source = source, .since_ns = ns_moved(last, -LAST_NS)};
	const char *slash = path.ptr ? memrchr(path.ptr, '/', path.len) : NULL, *name = slash      ? slash + 1
	                                                                                : path.ptr ? path.ptr
	                                                                                           : "";
	int rc = add_open_spans(s, source, f, &open);

	if (rc)
		return rc;
	f->first_ns = last;
	f->last_ns = others;
	f->count = open;
	if (open)
		f->level = FINDING_ERROR;
	finding_message(f, "%.*s falls silent %s before the last line of its run, with %s span%s open",
	                (int)(path.ptr + path.len - name), name,
	                number_duration_text(ns_moved(others, -last), "µ").text, number_count_text(open).text,
	                open == 1 ? "" : "s");
	finding_cause(f, "%s",
	              open ? "the process stopped in the middle of these spans (deadlock or kill)"
	                   : "the process ended or was killed");
	finding_detail_text(f, "worker", worker);
	return last_lines(s, &q, f);
}

/* ---- all ---- */

/* The number in the first row of a statement, which is done then; rc: of what came before. */
static int number_of(sqlite3_stmt *st, int rc, int64_t *out)
{
	if (!rc) {
		rc = sql_next(st);
		*out = rc == 1 ? sqlite3_column_int64(st, 0) : 0;
		rc = rc < 0 ? rc : 0;
	}
	sqlite3_finalize(st);
	return rc;
}

/* Whether some invocation ended so: kinds of them are few, and tell it. */
static int any_of_status(struct store *s, const char *status, int64_t *any)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s),
	                     "SELECT count(*) FROM (SELECT 1 FROM invocation_kind WHERE status = ? LIMIT 1)", &st);

	bind_word(st, 1, status);
	return number_of(st, rc, any);
}

/* Whether any is what given_up_sql looks for, by the rows alone: the view looks up each one's transaction. */
static int any_given_up(struct store *s, int64_t run, int64_t *any)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(
	    store_db(s),
	    "SELECT count(*) FROM (SELECT 1 FROM invocation_row i WHERE i.e2e_duration_us IS NOT NULL "
	    "AND (i.ended IS NULL OR i.returned < -100000000) AND i.kind IN (SELECT id FROM invocation_kind WHERE "
	    "status = 'failed' AND ?1 IN (0, run)) LIMIT 1)",
	    &st);

	sqlite3_bind_int64(st, 1, run);
	return number_of(st, rc, any);
}

/* Whether any run is what open_sql looks at: it goes through all invocations. */
static int any_without_starts(struct store *s, int64_t *any)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s), "SELECT EXISTS " WITHOUT_STARTS, &st);

	return number_of(st, rc, any);
}

static int each_row(struct store *s, const char *sql, int64_t run,
                    int (*add)(struct store *, sqlite3_stmt *, struct findings *), struct findings *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s), sql, &st), step = SQLITE_DONE;

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	if (sqlite3_bind_parameter_count(st) > 1) {
		sqlite3_bind_int64(st, 2, SILENCE_LEAST_NS);
		sqlite3_bind_int64(st, 3, SILENCE_FACTOR);
	}
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW)
		rc = add(s, st, out);
	sqlite3_finalize(st);
	return rc ? rc : sql_errno(step);
}

int find_hangs(struct store *s, int64_t run, struct findings *out)
{
	size_t from = out->n;
	int64_t unfinished, failed, open = 0;
	bool kept;
	int rc = findings_kept(s, "hangs", run, out, &kept);

	if (rc || kept)
		return rc;
	rc = any_of_status(s, "unfinished", &unfinished);
	if (!rc)
		rc = any_given_up(s, run, &failed);
	if (!rc && unfinished)
		rc = each_row(s, culprits_sql, run, add_culprit, out);
	if (!rc && unfinished)
		rc = each_row(s, stuck_sql, run, add_stuck, out);
	if (!rc && unfinished)
		rc = any_without_starts(s, &open);
	if (!rc && open)
		rc = each_row(s, open_sql, run, add_open, out);
	if (!rc && unfinished)
		rc = explain_stuck(s, run, out, from);
	if (!rc && failed)
		rc = each_row(s, given_up_sql, run, add_given_up, out);
	if (!rc)
		rc = each_row(s, silence_sql, run, add_silence, out);
	return rc ? rc : out->rc;
}
