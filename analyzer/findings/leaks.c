/* SPDX-License-Identifier: GPL-3.0-or-later */
/* leaks.c - containers that were taken and never given back.
 *
 * A container is in one of two pools, idle or running, and its worker says at level debug when it goes in and out. One
 * that an invocation put among the running, and that is still there long after that invocation was answered, is lost:
 * nobody can use it, nobody removes it, its memory is gone. One that was found unhealthy waits for its removal; that is
 * no leak. */
#include "findings/finding.h"
#include "findings/reads.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include "model/rules_kept.h"
#include "model/fact.h"
#include <errno.h>
#include <stdlib.h>

#define GRACE_NS 1000000000 /* between an answer and the line of the pool */

enum where { NOWHERE, RUNNING, ELSEWHERE, UNHEALTHY };

static const struct {
	const char *message;
	enum where where; /* NOWHERE: by its pool_type */
} messages[] = {
    {"Inserting container into pool", NOWHERE},
    {"Removing container from pool", ELSEWHERE},
    {"Removing random container from pool", ELSEWHERE},
    {"Returned container is unhealthy, sending for removal", UNHEALTHY},
    {"Removing container", ELSEWHERE},
};

const char *leaks_message(size_t i)
{
	return i < sizeof messages / sizeof *messages ? messages[i].message : NULL;
}

struct held {
	int64_t run, source, event, time_ns;
	enum where where;
	uint32_t tid;
};

struct pools {
	struct intern ids; /* run and container id */
	struct held *v;    /* by number in ids */
	uint32_t room;
	struct intern tids;
};

static int message_of(struct slice message)
{
	for (size_t i = 0; i < sizeof messages / sizeof *messages; i++)
		if (slice_is(message, messages[i].message))
			return (int)i;
	return -1;
}

static bool want(const struct shape *head, void *arg)
{
	(void)arg;
	return !head->span_line && head->message_slot < 0 && message_of(head->message) >= 0;
}

static int find_container(struct pools *p, int64_t run, struct slice id, struct held **out)
{
	char buf[264];
	uint32_t i;
	int rc;

	if (id.len + 8 > sizeof buf)
		return -ENAMETOOLONG;
	rc = intern_add(&p->ids, fact_key(run, id, buf), &i);
	if (!rc)
		rc = array_reserve_zeroed(p->v, p->room, i + 1);
	if (!rc)
		*out = &p->v[i];
	return rc;
}

static int take(struct pools *p, const struct event *e)
{
	int m = message_of(event_message(e)), rc;
	struct slice id, pool;
	struct held *h;
	enum where where;

	if (m < 0 || !event_field(e, "container_id", &id))
		return 0;
	rc = find_container(p, e->run, id, &h);
	if (rc)
		return rc == -ENAMETOOLONG ? 0 : rc;
	where = messages[m].where;
	if (where == NOWHERE)
		where = event_field(e, "pool_type", &pool) && slice_is(pool, "Running") ? RUNNING : ELSEWHERE;
	if (h->where == UNHEALTHY && where == RUNNING)
		return 0;
	h->where = where;
	if (where != RUNNING)
		return 0;
	h->run = e->run;
	h->source = e->source;
	h->event = e->id;
	h->time_ns = e->time_ns;
	h->tid = INTERN_NONE;
	return e->tid.ptr ? intern_add(&p->tids, e->tid, &h->tid) : 0;
}

/* When its transaction was answered, where that is well before the log's end; else NO_NS. */
static int answered(sqlite3_stmt *st, const struct held *h, struct slice tid, int64_t *end_ns)
{
	int step;

	sqlite3_bind_int64(st, 1, h->run);
	bind_slice(st, 2, tid);
	sqlite3_bind_int64(st, 3, h->source);
	sqlite3_bind_int64(st, 4, GRACE_NS);
	step = sqlite3_step(st);
	*end_ns = step == SQLITE_ROW ? sqlite3_column_int64(st, 0) : INT64_MIN;
	sqlite3_reset(st);
	return sql_errno(step);
}

static void tell(const struct pools *p, uint32_t i, int64_t end_ns, struct findings *out)
{
	const struct held *h = &p->v[i];
	struct slice key = p->ids.text[i], id = {key.ptr + 8, key.len - 8};
	struct finding *f = finding_add(out, "leaked-container", FINDING_ERROR, h->run);

	finding_tid(f, intern_text(&p->tids, h->tid));
	finding_cause(f, "container %.*s", (int)id.len, id.ptr);
	finding_message(f, "completed and never gave its container back: it stays among the running ones");
	finding_detail_text(f, "container_id", id);
	f->count = 1;
	f->first_ns = h->time_ns;
	f->last_ns = end_ns;
	finding_evidence(f, h->event, "it is put among the running, and no line takes it from there");
}

static int tell_all(struct store *s, const struct pools *p, struct findings *out)
{
	sqlite3_stmt *st;
	int64_t end_ns;
	int rc =
	    sql_prepare(store_db(s),
	                "SELECT i.end_ns FROM invocation i JOIN source s ON s.id = ?3 WHERE i.run = ?1 AND i.tid = ?2"
	                " AND i.end_ns + ?4 < s.last_ns",
	                &st);

	for (uint32_t i = 0; !rc && i < p->ids.n; i++) {
		if (p->v[i].where != RUNNING || p->v[i].tid == INTERN_NONE)
			continue;
		rc = answered(st, &p->v[i], intern_text(&p->tids, p->v[i].tid), &end_ns);
		if (!rc && end_ns != INT64_MIN)
			tell(p, i, end_ns, out);
	}
	sqlite3_finalize(st);
	return rc;
}

static bool puts_in(const struct shape *head, void *arg)
{
	(void)arg;
	return !head->span_line && head->message_slot < 0 && slice_is(head->message, messages[0].message);
}

/* Whether any line says that a container went into a pool: 1, 0 or a negative errno. The directories of the chunks
 * tell, and without such a line, at level info, the others need not be read. */
static int any_put_in(struct store *s, int64_t run)
{
	struct event_query q = {.run = run, .want = puts_in, .brief = true};
	struct event_cursor *c;
	const struct event *e;
	int rc = event_cursor_open(s, &q, &c);

	if (rc)
		return rc;
	rc = event_cursor_next(c, &e);
	event_cursor_close(c);
	return rc;
}

int find_leaked_containers(struct store *s, int64_t run, struct findings *out)
{
	struct event_query q = {.run = run, .want = want};
	struct pools p = {0};
	struct event_cursor *c;
	const struct event *e;
	int rc = any_put_in(s, run);

	if (rc == 1)
		rc = event_cursor_open(s, &q, &c);
	else if (!rc)
		return out->rc;
	if (rc)
		return rc;
	intern_init(&p.ids);
	intern_init(&p.tids);
	while ((rc = event_cursor_next(c, &e)) == 1 && !(rc = take(&p, e)) && !(rc = event_error(e)))
		;
	event_cursor_close(c);
	if (!rc)
		rc = tell_all(s, &p, out);
	intern_done(&p.ids);
	intern_done(&p.tids);
	free(p.v);
	return rc ? rc : out->rc;
}
