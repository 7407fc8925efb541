/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint.c - what a log itself gives away: contradictions, leaks, holes, secrets.
 *
 * One reading of all lines counts what needs no table (lint_lines.c). The rest are questions to the model's tables.
 * What is only odd is a note; a warning is something that should not happen; an error is a lock or an invocation that
 * contradicts itself. */
#include "findings/lint_lines.h"
#include "findings/reads.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

/* ---- questions to the tables ---- */

/* Columns: run, tid, cause, count, first_ns, last_ns, message, and where it is about one the container. */
enum about { ABOUT_ALL, ABOUT_TWICE, ABOUT_KEPT };

/* may: a number that is 0 where there is nothing to be found, soon counted; NULL: not known. */
static const struct {
	enum about about;
	const char *rule;
	enum finding_level level;
	const char *may, *sql;
} questions[] = {
    {ABOUT_ALL, "completed-without-start", FINDING_WARNING,
     "SELECT count(*) FROM (SELECT 1 FROM invocation_row i CROSS JOIN invocation_kind k ON k.id = i.kind"
     " WHERE i.started IS NULL AND i.ended IS NOT NULL AND k.status = 'ok' LIMIT 1)",
     "SELECT run, tid, 'no line says when it began', 1, arrived_ns, end_ns, 'completed well but never began to "
     "execute' FROM invocation"
     " WHERE status = 'ok' AND end_ns IS NOT NULL AND start_ns IS NULL AND (?1 = 0 OR run = ?1)"
     " AND run IN (SELECT run FROM invocation WHERE start_ns IS NOT NULL)"
     /* where it was found in the log itself, a start is what comes again after an error: some do without */
     " AND run NOT IN (SELECT id FROM run WHERE rules = 'inferred')"},
    {ABOUT_ALL, "unfinished", FINDING_WARNING,
     "SELECT count(*) FROM (SELECT 1 FROM invocation_kind WHERE status = 'unfinished' LIMIT 1)",
     "SELECT run, NULL, 'see the command hangs', count(*), min(arrived_ns), NULL,"
     " 'worker ' || coalesce(worker, '?') || ' handled ' || printf('%,d', count(*)) || CASE count(*) WHEN 1 THEN ' "
     "invocation more "
     "than it completed' ELSE ' invocations more than it completed' END FROM invocation"
     " WHERE status = 'unfinished' AND arrived_ns IS NOT NULL AND (?1 = 0 OR run = ?1) GROUP BY run, worker"},
    {ABOUT_TWICE, "double-lock", FINDING_ERROR, NULL,
     "SELECT run, tid, 'container ' || container_id, 1, from_ns, coalesce(held_to, other_to), 'took the lock of a "
     "container that ' || CASE WHEN held_to > from_ns"
     " THEN coalesce((SELECT o.tid FROM lock o WHERE o.run = x.run AND o.container_id = x.container_id AND o.to_ns = "
     "held_to AND o.tid <> x.tid), tid) ELSE other END"
     " || ' still held', container_id FROM"
     " (SELECT *, lag(tid) OVER w other, lag(to_ns) OVER w other_to, lag(from_ns) OVER w other_from,"
     "  max(to_ns) OVER (w ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) held_to FROM lock"
     "  WINDOW w AS (PARTITION BY run, container_id ORDER BY from_ns, tid)) x"
     " WHERE other_from IS NOT NULL AND (held_to > from_ns OR (other_to IS NULL AND other IS NOT tid)) AND (?1 = 0 OR "
     "run = ?1)"},
    {ABOUT_KEPT, "leaked-lock", FINDING_ERROR, NULL,
     "SELECT l.run, l.tid, 'container ' || l.container_id, 1, l.from_ns, i.end_ns, 'completed and never let go of its "
     "container''s lock', l.container_id FROM lock l"
     " JOIN invocation i ON i.run = l.run AND i.tid = l.tid WHERE l.to_ns IS NULL AND i.end_ns IS NOT NULL AND (?1 = 0 "
     "OR l.run = ?1)"},
};

static int show_lock_lines(struct store *s, struct finding *f)
{
	struct event_query q = {.run = f->run, .since_ns = f->first_ns, .until_ns = f->first_ns + 1};
	struct event_cursor *c;
	const struct event *e;
	int n = 0, rc;

	if (!f->tid || f->first_ns == INT64_MIN)
		return 0;
	q.tid = (struct slice){f->tid, strlen(f->tid)};
	rc = event_cursor_open(s, &q, &c);
	if (rc)
		return rc;
	while ((rc = event_cursor_next(c, &e)) == 1 && n < LOCK_LINES)
		if (!e->head->span_line) {
			finding_evidence(f, e->id, NULL);
			n++;
		}
	event_cursor_close(c);
	return rc < 0 ? rc : 0;
}

static int ask(struct store *s, int64_t run, size_t i, struct findings *out)
{
	sqlite3_stmt *st;
	int64_t may = 1;
	int rc = questions[i].may ? sql_number(store_db(s), questions[i].may, &may) : 0, step = SQLITE_DONE;

	if (!rc && may)
		rc = sql_prepare(store_db(s), questions[i].sql, &st);
	if (rc || !may)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct finding *f =
		    finding_add(out, questions[i].rule, questions[i].level, sqlite3_column_int64(st, 0));

		finding_tid(f, column_slice(st, 1));
		finding_cause(f, "%s", (const char *)sqlite3_column_text(st, 2));
		finding_message(f, "%s", (const char *)sqlite3_column_text(st, 6));
		if (sqlite3_column_count(st) > 7)
			finding_detail(f, "container_id", "%s", (const char *)sqlite3_column_text(st, 7));
		f->count = sqlite3_column_int64(st, 3);
		f->first_ns = column_ns(st, 4);
		f->last_ns = column_ns(st, 5);
		rc = show_lock_lines(s, f);
	}
	sqlite3_finalize(st);
	return rc ? rc : sql_errno(step);
}

/* ---- whether it is worth asking about locks ---- */

struct held {
	int64_t run, from_ns, to_ns; /* to_ns INT64_MIN: never let go */
	uint32_t container;
};

static int by_container(const void *pa, const void *pb)
{
	const struct held *a = pa, *b = pb;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	if (a->container != b->container)
		return a->container < b->container ? -1 : 1;
	return (a->from_ns > b->from_ns) - (a->from_ns < b->from_ns);
}

static int read_locks(struct store *s, int64_t run, struct held **out, size_t *n)
{
	size_t room = 0;
	struct intern containers;
	sqlite3_stmt *st;
	/* As view `lock` has them, but for the transactions, which would be looked up one by one. */
	int rc = sql_prepare(
	        store_db(s),
	        "SELECT k.run, k.container_id, k.base_ns + l.since, k.base_ns + ifnull(l.since, 0) + l.until "
	        "FROM lock_row l JOIN work_kind k ON k.id = l.kind WHERE ?1 = 0 OR k.run = ?1",
	        &st),
	    step = SQLITE_DONE;

	if (rc)
		return rc;
	intern_init(&containers);
	sqlite3_bind_int64(st, 1, run);
	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct held *h = array_add(*out, *n, room);

		if (!h) {
			rc = -ENOMEM;
			break;
		}
		*h = (struct held){sqlite3_column_int64(st, 0), column_ns(st, 2), column_ns(st, 3), 0};
		rc = intern_add(&containers, column_slice(st, 1), &h->container);
	}
	sqlite3_finalize(st);
	intern_done(&containers);
	return rc ? rc : sql_errno(step);
}

/* Who took and let go in good order need not be compared with each other by SQL, which takes longer than all the rest:
 * worth[] tells what may be found. */
static int locks_worth(struct store *s, int64_t run, bool worth[])
{
	struct held *v = NULL;
	int64_t until = 0;
	size_t n = 0;
	int rc = read_locks(s, run, &v, &n);

	if (n)
		qsort(v, n, sizeof *v, by_container);
	for (size_t i = 0; i < n; i++) {
		bool first = !i || v[i].run != v[i - 1].run || v[i].container != v[i - 1].container;

		worth[ABOUT_KEPT] |= v[i].to_ns == INT64_MIN;
		worth[ABOUT_TWICE] |= !first && (until > v[i].from_ns || v[i - 1].to_ns == INT64_MIN);
		until = first || v[i].to_ns > until ? v[i].to_ns : until;
	}
	free(v);
	return rc;
}

static int compare_findings(const void *pa, const void *pb)
{
	const struct finding *a = pa, *b = pb;

	if (a->level != b->level)
		return a->level > b->level ? -1 : 1;
	if (strcmp(a->rule, b->rule))
		return strcmp(a->rule, b->rule);
	return (a->first_ns > b->first_ns) - (a->first_ns < b->first_ns);
}

int find_lint(struct store *s, int64_t run, struct findings *out)
{
	bool worth[] = {[ABOUT_ALL] = true, [ABOUT_TWICE] = false, [ABOUT_KEPT] = false};
	size_t before = out->n;
	bool kept;
	int rc = findings_kept(s, "lint", run, out, &kept);

	if (rc || kept)
		return rc;
	rc = locks_worth(s, run, worth);
	for (size_t i = 0; !rc && i < sizeof questions / sizeof *questions; i++)
		if (worth[questions[i].about])
			rc = ask(s, run, i, out);
	if (!rc)
		rc = find_leaked_containers(s, run, out);
	if (!rc)
		rc = lint_lines(s, run, out);
	if (out->n > before)
		qsort(out->v + before, out->n - before, sizeof *out->v, compare_findings);
	return rc ? rc : out->rc;
}
