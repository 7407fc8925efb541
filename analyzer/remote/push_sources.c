/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push_sources.c - what a push asks of the group of sources at hand, and what it tells the ledger; see pushing.h. */
#include "remote/pushing.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include "remote/gather.h"
#include "remote/rows.h"
#include "remote/say.h"
#include "remote/schema.h"
#include <errno.h>
#include <inttypes.h>
#include <time.h>

enum { REJECTS_BYTES = 16 << 20 }; /* of a request */
enum { RUNNING_OFTEN = 50 };       /* looks for batches on their way, for about a second; then less often */

/* ---- questions about the group ---- */

/* ` WHERE run = ... AND COLUMN IN (...)`: its sources, or those of them that the ledger there has. */
static void where_group(const struct push *p, const char *column, bool known, struct text *sql)
{
	const char *between = " AND ";

	text_puts(sql, " WHERE run = ");
	cluster_quote(sql, text_of(p->from->run));
	for (const struct source *s = p->from; s < p->to; s++) {
		if (known && !s->known)
			continue;
		text_puts(sql, between);
		if (*between == ' ')
			text_printf(sql, "%s IN (", column);
		cluster_quote(sql, text_of(s->path));
		between = ", ";
	}
	text_puts(sql, ")");
}

struct source *group_named(const struct push *p, struct slice path)
{
	for (struct source *s = p->from; s < p->to; s++)
		if (slice_is(path, s->path))
			return s;
	return NULL;
}

static int take_known(void *arg, const struct slice *v)
{
	struct push *p = arg;
	struct source *s = group_named(p, v[0]);
	int64_t head = tsv_int(v[1]) ? tsv_int(v[1]) : tsv_int(v[2]);

	if (!s)
		return 0;
	s->known = true;
	p->broken |= !tsv_int(v[3]);
	if (!head || !s->head || head == (int64_t)s->head)
		return 0;
	say(p->why,
	    "%s: run %s has another source of this name, that begins with another line; --host NAME tells them "
	    "apart, or drop-source takes that one out",
	    s->path, s->run);
	return -EEXIST;
}

static int ask_known(struct push *p)
{
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT path, max(head_hash), min(head_hash), argMax(whole, version) FROM $source");
	where_group(p, "path", false, &sql);
	text_puts(&sql, " GROUP BY path");
	p->broken = false;
	rc = gather_rows(p->c, &sql, 4, take_known, p, NULL, p->why);
	text_done(&sql);
	return rc;
}

struct asked {
	struct push *p;
	size_t shard;
	int64_t *counted; /* by shard and source of the group */
};

static int take_there(void *arg, const struct slice *v)
{
	const struct asked *a = arg;
	struct source *s = group_named(a->p, v[0]);
	struct there *t = s ? array_add(a->p->there, a->p->nthere, a->p->there_room) : NULL;

	if (!t)
		return s ? -ENOMEM : 0;
	*t = (struct there){s, a->shard, (unsigned)tsv_int(v[1]), tsv_int(v[2])};
	if (t->last > s->last)
		s->last = t->last;
	return 0;
}

int there_order(const void *a, const void *b)
{
	const struct there *x = a, *y = b;

	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->shard != y->shard)
		return x->shard < y->shard ? -1 : 1;
	return (x->day > y->day) - (x->day < y->day);
}

/* What the shards have already of sources that are known. */
static int ask_there(struct push *p)
{
	struct asked a = {.p = p};
	struct text sql = {0};
	bool any = false;
	int rc;

	p->nthere = 0;
	for (const struct source *s = p->from; s < p->to; s++)
		any |= s->known;
	if (!any)
		return 0;
	text_puts(&sql, "SELECT source, toUInt16(day), max(line) FROM $event");
	where_group(p, "source", true, &sql);
	text_puts(&sql, " GROUP BY source, day");
	rc = gather_rows(p->c, &sql, 3, take_there, &a, &a.shard, p->why);
	if (p->nthere)
		qsort(p->there, p->nthere, sizeof *p->there, there_order);
	text_done(&sql);
	return rc;
}

static int take_count(void *arg, const struct slice *v)
{
	const struct asked *a = arg;
	const struct source *s = group_named(a->p, v[0]);

	if (s)
		a->counted[a->shard * GROUP_MOST + (size_t)(s - a->p->from)] = tsv_int(v[1]);
	return 0;
}

/* Has the shard what it should have? */
static int check_counts(struct push *p, size_t shard, const int64_t *counted)
{
	for (const struct source *s = p->from; s < p->to; s++, counted++) {
		if (*counted == s->wanted[shard])
			continue;
		say(p->why,
		    "%s: %" PRId64 " lines of %s are there, and should be %" PRId64
		    "; drop-source takes it out, to be pushed anew",
		    p->c->shard[shard].name, *counted, s->path, s->wanted[shard]);
		return -EBADMSG;
	}
	return 0;
}

int group_check(struct push *p)
{
	struct asked a = {.p = p, .counted = calloc(p->c->n * GROUP_MOST, sizeof *a.counted)};
	struct text sql = {0};
	int rc = a.counted ? 0 : -ENOMEM;

	text_puts(&sql, "SELECT source, count() FROM $event");
	where_group(p, "source", false, &sql);
	text_puts(&sql, " GROUP BY source");
	rc = rc ? rc : gather_rows(p->c, &sql, 2, take_count, &a, &a.shard, p->why);
	for (size_t i = 0; i < p->c->n && !rc; i++)
		rc = check_counts(p, i, a.counted + i * GROUP_MOST);
	text_done(&sql);
	free(a.counted);
	return rc;
}

/* ---- the ledger ---- */

/* The first line of a source, hashed: by it a source is known again, also after it has grown. */
static int read_head(struct push *p, struct source *s)
{
	struct event_query of = {.source = s->id};
	struct event_cursor *events = NULL;
	const struct event *e;
	struct slice line;
	int rc = event_cursor_open(p->o->store, &of, &events);

	if (!rc && (rc = event_cursor_next(events, &e)) == 1 && !(rc = event_line(e, &line)))
		s->head = cluster_hash(CLUSTER_HASH, line);
	event_cursor_close(events);
	return rc;
}

static size_t home_of(const struct push *p, const struct source *s)
{
	return cluster_shard_of(p->c, SLICE_NONE, text_of(s->path), 0);
}

static int put_seen(struct push *p, const struct source *s, bool whole, struct bytes *b)
{
	struct bytes seen = {0};
	int rc = whole && p->o->seen ? p->o->seen(p->o->store, s->id, &seen) : 0;

	row_text(b, (struct slice){seen.ptr ? seen.ptr : "", seen.len});
	bytes_free(&seen);
	return rc;
}

/* The row of a source; whole: all its events are there. */
static int put_source(struct push *p, const struct source *s, bool whole, struct bytes *b)
{
	struct timespec t;
	sqlite3_stmt *st;
	int rc =
	    sql_prepare(p->o->db,
	                "SELECT kind, worker, bytes, file_bytes, lines, ok, blank, repaired, rejected, duplicate, "
	                "ok_bytes, repaired_bytes, rejected_bytes, duplicate_bytes, offset_s, offset_from, format, "
	                "first_ns, last_ns, cluster, damage FROM source WHERE id = ?1",
	                &st);

	clock_gettime(CLOCK_REALTIME, &t);
	sqlite3_bind_int64(st, 1, s->id);
	if (!rc && (rc = sql_next(st)) == 1) {
		row_text(b, text_of(s->run));
		row_text(b, text_of(s->path));
		bytes_u64(b, (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
		bytes_u8(b, whole);
		bytes_u64(b, (uint64_t)(whole ? s->events : 0));
		bytes_u64(b, s->head);
		row_columns(b, st, 0, "tTnnnnnnnnnnnnNTTNNbT");
		rc = put_seen(p, s, whole, b);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Each on the shard that its name says. */
int group_give(struct push *p, bool whole)
{
	int rc = 0;

	for (size_t i = 0; i < p->c->n && !rc; i++) {
		struct bytes b = {0};

		for (const struct source *s = p->from; s < p->to && !rc; s++)
			if (home_of(p, s) == i)
				rc = put_source(p, s, whole, &b);
		if (!rc && (b.len || b.failed))
			rc = cluster_give(p->c, i, "source", schema_source_given, &b, p->why);
		bytes_free(&b);
	}
	return rc;
}

static int give_rejects(struct push *p, const struct source *s)
{
	struct bytes b = {0};
	sqlite3_stmt *st;
	int rc = sql_prepare(
	    p->o->db, "SELECT line, offset, length, reason, sample FROM reject WHERE source = ?1 ORDER BY line", &st);

	sqlite3_bind_int64(st, 1, s->id);
	while (!rc && (rc = sql_next(st)) == 1) {
		row_text(&b, text_of(s->run));
		row_text(&b, text_of(s->path));
		row_columns(&b, st, 0, "nnntt");
		rc = 0;
		if (b.len >= REJECTS_BYTES) {
			rc = cluster_give(p->c, home_of(p, s), "reject", schema_reject_columns, &b, p->why);
			b.len = 0;
		}
	}
	if (!rc && (b.len || b.failed))
		rc = cluster_give(p->c, home_of(p, s), "reject", schema_reject_columns, &b, p->why);
	sqlite3_finalize(st);
	bytes_free(&b);
	return rc;
}

int group_rejects(struct push *p)
{
	int rc = 0;

	for (const struct source *s = p->from; s < p->to && !rc; s++)
		rc = give_rejects(p, s);
	return rc;
}

/* ---- what is on its way ---- */

struct running {
	struct intern ids; /* of batches, at the first look */
	bool again;        /* it is another one */
	size_t left;       /* of them, at this look */
};

static int take_running(void *arg, const struct slice *v)
{
	struct running *r = arg;
	uint32_t i;

	r->left += !r->again || intern_find(&r->ids, v[0]) != INTERN_NONE;
	return r->again ? 0 : intern_add(&r->ids, v[0], &i);
}

/* Batches of this table, as cluster_insert begins them, also for another shard through this server. */
static void ask_running(const struct push *p, struct text *sql)
{
	const char *database = p->c->url.database;

	text_printf(sql,
	            "SELECT query_id FROM system.processes WHERE query_id LIKE 'ilu-logq-%%' AND "
	            "(position(query, 'INSERT INTO %s.event ') = 1 OR "
	            "position(query, 'INSERT INTO FUNCTION remote(') = 1 AND position(query, ', %s, event') != 0)",
	            database, database);
}

/* Before the next look, from 0. It is said once, and is an end where a server that is away would be given up. */
static int pause_running(struct push *p, size_t shard, unsigned looks, int64_t start)
{
	const struct timespec pause = {0, looks < RUNNING_OFTEN ? 20000000 : 200000000};
	int64_t most = (int64_t)p->c->manner.retry_s * 1000000000;
	bool end = looks > RUNNING_OFTEN && http_now() - start >= most;

	if (looks == RUNNING_OFTEN || end) {
		say(p->why, "%s: a batch of a push that was broken off is still on its way", p->c->shard[shard].name);
		if (end || !*p->why)
			return *p->why ? -EHOSTDOWN : -ENOMEM;
		http_tell(&p->c->manner, *p->why);
		free(*p->why);
		*p->why = NULL;
	}
	nanosleep(&pause, NULL);
	return 0;
}

/* A server that has a batch goes on with it when whoever sent it is gone: a push that was broken off is asked about
 * when all is there that is on its way. Batches that others send meanwhile are not waited for. */
static int wait_running(struct push *p, size_t shard)
{
	struct running r = {.left = 0};
	struct text sql = {0};
	int64_t start = http_now();
	int rc = 0;

	intern_init(&r.ids);
	for (unsigned looks = 0;; looks++) {
		r.left = 0;
		ask_running(p, &sql);
		rc = cluster_stopped(p->c) ? -EINTR : cluster_rows(p->c, shard, &sql, 1, take_running, &r, p->why);
		if (rc || !r.left || (rc = pause_running(p, shard, looks, start)))
			break;
		r.again = true;
	}
	intern_done(&r.ids);
	text_done(&sql);
	return rc;
}

int group_ask(struct push *p)
{
	int rc = 0;

	for (struct source *s = p->from; s < p->to && !rc; s++)
		rc = read_head(p, s);
	rc = rc ? rc : ask_known(p);
	for (size_t i = 0; i < p->c->n && !rc && p->broken; i++)
		rc = wait_running(p, i);
	return rc ? rc : ask_there(p);
}
