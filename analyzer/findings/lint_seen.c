/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_seen.c - see lint_seen.h
 *
 * An event is named by its line there, and by its id here. */
#include "findings/lint_seen.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* All that are examples of something. */
static const size_t examples[] = {
    offsetof(struct seen, log.back),
    offsetof(struct seen, log.jump),
    offsetof(struct seen, log.timeless),
    offsetof(struct seen, log.foreign),
    offsetof(struct seen, log.hole),
    offsetof(struct seen, log.lost),
    offsetof(struct seen, secrets.environment),
    offsetof(struct seen, secrets.secret),
};
enum { KINDS = sizeof examples / sizeof *examples };

static struct examples *examples_of(const struct seen *x, size_t i)
{
	return (struct examples *)((char *)x + examples[i]);
}

static int64_t shown(const struct examples *x)
{
	return x->count < EXAMPLES ? x->count : EXAMPLES;
}

/* ---- as bytes ---- */

static int put_event(struct store *s, int64_t id, struct bytes *out)
{
	const struct event *e;
	int rc = event_get_brief(s, id, &e);

	if (rc == 1)
		bytes_u64(out, (uint64_t)e->line);
	return rc < 0 ? rc : rc ? 0 : -EBADMSG;
}

/* When its first lines began, by which the parts of a log that was rotated are put in order. */
static int put_began(struct store *s, int64_t source, struct bytes *out)
{
	int64_t began = 0;
	int rc = sql_number_of(store_db(s), "SELECT min_stamp FROM chunk WHERE source = ?1 ORDER BY first_line LIMIT 1",
	                       source, &began);

	bytes_u64(out, (uint64_t)began);
	return rc;
}

int seen_pack(struct store *s, const struct seen *x, struct bytes *out)
{
	const struct log *l = &x->log;
	int rc;

	bytes_u8(out, x->opens);
	bytes_u8(out, x->closes);
	rc = put_began(s, l->source, out);
	bytes_u64(out, (uint64_t)l->back_ns);
	bytes_u64(out, l->jump_ns);
	for (size_t i = 0; i < KINDS; i++) {
		const struct examples *k = examples_of(x, i);

		bytes_u64(out, (uint64_t)k->count);
		for (int64_t n = 0; n < shown(k) && !rc; n++)
			rc = put_event(s, k->id[n], out);
	}
	bytes_slice(out, (struct slice){x->secrets.name, strlen(x->secrets.name)});
	bytes_u32(out, (uint32_t)l->nnumbered);
	for (size_t i = 0; i < l->nnumbered && !rc; i++) {
		bytes_u64(out, (uint64_t)l->numbered[i].pid);
		bytes_u64(out, (uint64_t)l->numbered[i].first);
		bytes_u64(out, (uint64_t)l->numbered[i].last);
		rc = put_event(s, l->numbered[i].first_id, out);
	}
	return rc ? rc : out->failed ? -ENOMEM : 0;
}

static int peek_numbered(struct peek *k, struct log *l)
{
	uint32_t n = peek_u32(k);

	for (uint32_t i = 0; i < n && !k->bad; i++) {
		struct numbered *to = array_add(l->numbered, l->nnumbered, l->numbered_room);

		if (!to)
			return -ENOMEM;
		to->pid = (int64_t)peek_u64(k);
		to->first = (int64_t)peek_u64(k);
		to->last = (int64_t)peek_u64(k);
		to->first_id = (int64_t)peek_u64(k);
	}
	return 0;
}

/* Zeroed before; events are lines. log_done(&x->log) in any case. */
static int unpack(struct slice in, struct seen *x, int64_t *began)
{
	struct peek k = {(const unsigned char *)in.ptr, (const unsigned char *)in.ptr + in.len, false};
	struct slice name;
	int rc;

	x->opens = peek_u8(&k);
	x->closes = peek_u8(&k);
	*began = (int64_t)peek_u64(&k);
	x->log.back_ns = (int64_t)peek_u64(&k);
	x->log.jump_ns = peek_u64(&k);
	for (size_t i = 0; i < KINDS; i++) {
		struct examples *e = examples_of(x, i);

		e->count = (int64_t)peek_u64(&k);
		for (int64_t n = 0; n < shown(e); n++)
			e->id[n] = (int64_t)peek_u64(&k);
	}
	name = peek_slice(&k);
	rc = peek_numbered(&k, &x->log);
	if (rc || k.bad || k.p != k.end || name.len >= SECRET_NAME)
		return rc ? rc : -EBADMSG;
	memcpy(x->secrets.name, name.ptr, name.len);
	return 0;
}

/* Where the events stand. */
struct places {
	int64_t **v;
	size_t n, room;
};

static int add_place(struct places *p, int64_t *id)
{
	int64_t **to = array_add(p->v, p->n, p->room);

	if (to)
		*to = id;
	return to ? 0 : -ENOMEM;
}

static int places_of(struct seen *x, struct places *p)
{
	int rc = 0;

	for (size_t i = 0; i < KINDS; i++)
		for (int64_t n = 0; n < shown(examples_of(x, i)) && !rc; n++)
			rc = add_place(p, &examples_of(x, i)->id[n]);
	for (size_t i = 0; i < x->log.nnumbered && !rc; i++)
		rc = add_place(p, &x->log.numbered[i].first_id);
	return rc;
}

int lint_seen_lines(struct slice seen, int (*line)(void *arg, int64_t line), void *arg)
{
	struct seen x = {0};
	struct places p = {0};
	int64_t began;
	int rc = unpack(seen, &x, &began);

	rc = rc ? rc : places_of(&x, &p);
	for (size_t i = 0; i < p.n && !rc; i++)
		rc = line(arg, *p.v[i]);
	free(p.v);
	log_done(&x.log);
	return rc;
}

bool lint_seen_spans(struct slice seen)
{
	return seen.len > 1 && (seen.ptr[0] || seen.ptr[1]);
}

/* ---- the tables ---- */

int lint_seen_begin(sqlite3 *db)
{
	return sql_exec_all(
	    db, "CREATE TABLE lint_seen(source INTEGER PRIMARY KEY, opens INTEGER, closes INTEGER, began INTEGER, data "
	        "BLOB); CREATE TABLE lint_open(tid TEXT PRIMARY KEY) WITHOUT ROWID");
}

int lint_seen_put(sqlite3 *db, int64_t source, struct slice seen)
{
	struct seen x = {0};
	sqlite3_stmt *st = NULL;
	int64_t began;
	int rc = unpack(seen, &x, &began);

	log_done(&x.log);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO lint_seen VALUES (?1, ?2, ?3, ?4, ?5)", &st);
	sqlite3_bind_int64(st, 1, source);
	sqlite3_bind_int(st, 2, x.opens);
	sqlite3_bind_int(st, 3, x.closes);
	sqlite3_bind_int64(st, 4, began);
	sqlite3_bind_blob64(st, 5, seen.ptr, seen.len, SQLITE_STATIC);
	return rc ? rc : sql_finish(st);
}

int lint_seen_open(sqlite3 *db, struct slice tid)
{
	sqlite3_stmt *st = NULL;
	int rc = sql_prepare(db, "INSERT OR IGNORE INTO lint_open VALUES (?1)", &st);

	bind_slice(st, 1, tid);
	return rc ? rc : sql_finish(st);
}

int seen_there(struct store *s, bool *out)
{
	static const char *const tables[] = {"lint_seen", "lint_open", NULL};

	return sql_has_tables(store_db(s), tables, out);
}

int seen_spans(struct store *s, bool *opens, bool *closes)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s), "SELECT max(opens), max(closes) FROM lint_seen", &st);

	if (!rc && (rc = sql_next(st)) == 1) {
		*opens = sqlite3_column_int(st, 0);
		*closes = sqlite3_column_int(st, 1);
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

static int by_line(const void *a, const void *b)
{
	const int64_t *const *x = a, *const *y = b;

	return (**x > **y) - (**x < **y);
}

/* Lines become the events that they are here; 0 where one is not. */
static int name_events(struct store *s, int64_t source, struct seen *x)
{
	struct event_query q = {.source = source, .brief = true};
	struct places p = {0};
	struct event_cursor *c = NULL;
	const struct event *e;
	size_t i = 0;
	int rc = places_of(x, &p);

	if (p.n)
		qsort(p.v, p.n, sizeof *p.v, by_line);
	rc = rc ? rc : event_cursor_open(s, &q, &c);
	while (!rc && i < p.n && (rc = event_cursor_next(c, &e)) == 1) {
		rc = 0;
		while (i < p.n && *p.v[i] < e->line)
			*p.v[i++] = 0;
		while (i < p.n && *p.v[i] == e->line)
			*p.v[i++] = e->id;
	}
	event_cursor_close(c);
	for (; i < p.n; i++)
		*p.v[i] = 0;
	free(p.v);
	return rc;
}

/* What was seen takes the place of what was found here; who it is of stays. */
static void take_seen(struct log *l, struct seen *x)
{
	struct log is = *l;

	x->log.run = is.run;
	x->log.source = is.source;
	x->log.path = is.path;
	x->log.is_ours = is.is_ours;
	*l = x->log;
	x->log = (struct log){0};
	free(is.numbered);
}

int seen_recall(struct store *s, struct log *l, struct secrets *secrets)
{
	struct seen x = {.secrets.run = l->run};
	sqlite3_stmt *st;
	int64_t began;
	int rc = sql_prepare(store_db(s), "SELECT data FROM lint_seen WHERE source = ?1", &st);

	sqlite3_bind_int64(st, 1, l->source);
	if (!rc && (rc = sql_next(st)) == 1) {
		const void *data = sqlite3_column_blob(st, 0);

		rc = unpack((struct slice){data ? data : "", (size_t)sqlite3_column_bytes(st, 0)}, &x, &began);
		rc = rc ? rc : name_events(s, l->source, &x);
		if (!rc) {
			secrets_join(secrets, &x.secrets);
			take_seen(l, &x);
		}
	}
	sqlite3_finalize(st);
	log_done(&x.log);
	return rc;
}
