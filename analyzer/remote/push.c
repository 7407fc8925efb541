/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push.c - see push.h
 *
 * Sources are pushed some at a time, so that batches are of several where they are small, and the shards are asked once
 * for all of them: which are known, what is there of those, and at the end how many lines. */
#include "remote/pushing.h"
#include "base/array.h"
#include "base/sql.h"
#include "remote/push_inputs.h"
#include "remote/rows.h"
#include "remote/say.h"
#include "remote/schema.h"
#include "store/event_value.h"
#include <errno.h>
#include <inttypes.h>

/* A batch goes when it has so many rows or bytes. Those that are being made have at most HELD_MOST bytes, and those
 * that are on their way SENT_MOST. */
enum { BATCH_ROWS = 65536, BATCH_BYTES = 16 << 20, HELD_MOST = 64 << 20, SENT_MOST = 56 << 20 };
#define DAY_NS INT64_C(86400000000000)

/* ---- batches ---- */

static struct bucket *bucket_of(struct push *p, size_t shard, unsigned day)
{
	struct bucket *b, *empty = NULL;

	/* nearly always one of the last few: days come one after the other */
	for (size_t i = p->nbuckets; i--;) {
		b = &p->bucket[i];
		if (b->shard == shard && b->day == day)
			return b;
		if (!b->rows.rows)
			empty = b;
	}
	b = empty ? empty : array_add(p->bucket, p->nbuckets, p->buckets_room);
	if (!b)
		return NULL;
	*b = (struct bucket){.shard = shard, .day = day};
	native_init(&b->rows, schema_event_columns, "ttnniTTtTTtTTTtbdw");
	return b;
}

static void buckets_done(struct push *p)
{
	for (size_t i = 0; i < p->nbuckets; i++)
		native_done(&p->bucket[i].rows);
	p->nbuckets = p->held = 0;
}

static void put_is(const struct spot *s, struct text *sql)
{
	text_puts(sql, "(source = ");
	cluster_quote(sql, text_of(s->source->path));
	text_printf(sql, " AND line = %" PRId64 ")", s->line);
}

/* The request's name keeps two of the same batch from running at a time. */
static int batch_of(struct bucket *b, struct batch *out)
{
	const char *run = b->first.source->run;
	uint64_t h = cluster_hash(cluster_hash(CLUSTER_HASH, text_of(run)) * 31, text_of(b->first.source->path));
	struct text sql = {0};

	*out = (struct batch){.shard = b->shard};
	text_printf(&sql, "SELECT countIf(");
	put_is(&b->first, &sql);
	text_puts(&sql, ") + countIf(");
	put_is(&b->last, &sql);
	text_puts(&sql, ") FROM $event WHERE run = ");
	cluster_quote(&sql, text_of(run));
	text_printf(&sql, " AND toUInt16(day) = %u FORMAT TabSeparated", b->day);
	if (asprintf(&out->id, "ilu-logq-%016" PRIx64 "-%zu-%u-%" PRId64, h, b->shard, b->day, b->first.line) < 0)
		out->id = NULL;
	out->seen = sql.failed ? NULL : strdup(text_str(&sql));
	text_done(&sql);
	return out->id && out->seen ? native_take(&b->rows, &out->body) : -ENOMEM;
}

static int send_bucket(struct push *p, struct bucket *b)
{
	struct batch batch;
	int64_t rows = (int64_t)b->rows.rows;
	int rc;

	if (!rows)
		return 0;
	p->held -= b->bytes;
	b->bytes = 0;
	rc = batch_of(b, &batch);
	rc = rc ? rc : senders_put(p->senders, &batch);
	if (!rc)
		p->sum->sent += rows;
	free(batch.id);
	free(batch.seen);
	bytes_free(&batch.body);
	return rc;
}

static int send_largest(struct push *p)
{
	size_t largest = 0;

	for (size_t i = 1; i < p->nbuckets; i++)
		if (p->bucket[i].bytes > p->bucket[largest].bytes)
			largest = i;
	return send_bucket(p, &p->bucket[largest]);
}

/* All that is left, and until it is there. What went wrong first is told. */
static int send_all(struct push *p, int rc)
{
	char *said = NULL;
	int failed;

	for (size_t i = 0; i < p->nbuckets && !rc; i++)
		rc = send_bucket(p, &p->bucket[i]);
	failed = senders_wait(p->senders, &said);
	if (failed && !*p->why) {
		*p->why = said;
		return failed;
	}
	free(said);
	return rc;
}

/* ---- events ---- */

static unsigned day_of(int64_t ns)
{
	int64_t day = ns / DAY_NS - (ns % DAY_NS < 0);

	return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (unsigned)day;
}

/* The last line of source and day that the shard has. */
static int64_t last_there(const struct push *p, const struct source *s, size_t shard, unsigned day)
{
	const struct there is = {.source = s, .shard = shard, .day = day}, *t = NULL;

	if (p->nthere)
		t = bsearch(&is, p->there, p->nthere, sizeof is, there_order);
	return t ? t->last : 0;
}

/* Whether the last line that is there reads on the shard as here, in its length. Else it was pushed when half of it was
 * written: what a shard has of a source is only added to. */
static int check_same(struct push *p, const struct source *s, size_t shard, const struct event *e)
{
	struct text sql = {0};
	struct slice line;
	int64_t same = 0;
	int rc = event_line(e, &line);

	text_puts(&sql, "SELECT count() FROM $event WHERE tid = ");
	cluster_quote(&sql, e->tid);
	text_printf(&sql, " AND time_ns = %" PRId64 " AND line = %" PRId64 " AND run = ", e->time_ns, e->line);
	cluster_quote(&sql, text_of(s->run));
	text_puts(&sql, " AND source = ");
	cluster_quote(&sql, text_of(s->path));
	text_printf(&sql, " AND toUInt16(day) = %u AND length(raw) = %zu FORMAT TabSeparated", day_of(e->time_ns),
	            rc ? 0 : line.len);
	if (!rc)
		rc = sql.failed ? -ENOMEM : cluster_numbers(p->c, shard, text_str(&sql), &same, 1, p->why);
	if (!rc && !same) {
		say(p->why,
		    "%s: line %" PRId64 " was pushed before, and reads otherwise now; drop-source takes the source "
		    "out, to be pushed anew",
		    s->path, e->line);
		rc = -EEXIST;
	}
	text_done(&sql);
	return rc;
}

/* The columns from `level` to `raw`. */
static int put_texts(struct native *rows, const struct event *e)
{
	static const enum event_column columns[] = {COL_LEVEL, COL_LEVEL_TEXT, COL_KIND, COL_TARGET, COL_MESSAGE,
	                                            COL_TID,   COL_FIELDS,     COL_SPAN, COL_SPANS,  COL_RAW};
	enum { FIRST = 5 };
	bool failed = false;
	int rc = 0;

	for (unsigned i = 0; i < sizeof columns / sizeof *columns && !rc; i++) {
		struct event_datum d;
		char *buf = NULL;

		rc = event_datum(e, columns[i], &d);
		if (!rc)
			native_text(rows, FIRST + i, event_datum_text(&d, &buf, &failed));
		free(buf);
	}
	return failed ? -ENOMEM : rc;
}

/* A few bytes count with all their room: of batches of a line it is most. */
static size_t size_of_column(const struct bytes *b)
{
	enum { FEW = 256 };

	return b->len > FEW ? b->len : b->room;
}

static size_t size_of(const struct native *rows)
{
	size_t n = sizeof(struct bucket);

	for (unsigned i = 0; rows->kinds[i]; i++)
		n += size_of_column(&rows->value[i]) + size_of_column(&rows->null[i]);
	return n;
}

static int put_row(struct push *p, struct bucket *b, const struct source *s, const struct event *e, int64_t offset)
{
	enum { RUN, SOURCE, LINE, OFFSET, TIME, FOREIGN = 15, DAY, FACT };
	struct native *rows = &b->rows;
	size_t size;
	int rc;

	native_text(rows, RUN, text_of(s->run));
	native_text(rows, SOURCE, text_of(s->path));
	native_number(rows, LINE, (uint64_t)e->line);
	native_number(rows, OFFSET, (uint64_t)offset);
	native_number(rows, TIME, (uint64_t)e->time_ns);
	rc = put_texts(rows, e);
	native_number(rows, FOREIGN, e->foreign);
	native_number(rows, DAY, b->day);
	native_number(rows, FACT, p->o->mark ? p->o->mark(p->o->mark_arg, e) : 0);
	b->last = (struct spot){s, e->line};
	if (!rows->rows++)
		b->first = b->last;
	size = size_of(rows);
	p->held += size - b->bytes;
	b->bytes = size;
	return rc;
}

static int take_event(struct push *p, struct source *s, const struct event *e, int64_t offset)
{
	unsigned day = day_of(e->time_ns);
	size_t shard = cluster_shard_of(p->c, e->tid, text_of(s->path), e->line);
	struct bucket *b;
	int rc;

	p->sum->events++;
	s->events++;
	s->wanted[shard]++;
	if (e->line == s->last)
		return check_same(p, s, shard, e);
	if (e->line < s->last && e->line <= last_there(p, s, shard, day))
		return 0;
	b = bucket_of(p, shard, day);
	rc = b ? put_row(p, b, s, e, offset) : -ENOMEM;
	if (!rc && (b->rows.rows >= BATCH_ROWS || b->bytes >= BATCH_BYTES))
		return send_bucket(p, b);
	return !rc && p->held >= HELD_MOST ? send_largest(p) : rc;
}

static void show(struct push *p, const char *path)
{
	if (!p->o->progress)
		return;
	senders_hush(p->senders, true);
	p->o->progress(p->o->arg, p->sum->events, p->total, path);
	senders_hush(p->senders, false);
}

static int push_events(struct push *p, struct source *s)
{
	struct event_query of = {.source = s->id};
	struct event_offsets offsets = {0};
	struct event_cursor *events = NULL;
	const struct event *e;
	int64_t offset;
	int rc = event_cursor_open(p->o->store, &of, &events);

	while (!rc && (rc = event_cursor_next(events, &e)) == 1) {
		rc = event_offset_next(&offsets, e, &offset);
		rc = rc ? rc : take_event(p, s, e, offset);
		if (p->sum->events % 4096)
			continue;
		rc = cluster_stopped(p->c) ? -EINTR : rc;
		show(p, s->path);
	}
	event_cursor_close(events);
	return rc;
}

/* ---- results ---- */

/* What the load generators wrote, each row where its transaction is. */
static int give_results(struct push *p)
{
	struct bytes *b = calloc(p->c->n, sizeof *b);
	sqlite3_stmt *st = NULL;
	int rc =
	    b ? sql_prepare(p->o->db,
	                    "SELECT p.path, r.tid, r.ord, r.success, r.function_name, r.was_cold, "
	                    "r.worker_duration_us, r.code_duration_sec, r.e2e_duration_us, r.compute, "
	                    "r.container_state, r.sent, r.client_latency_us, r.body_start FROM run p JOIN result r ON "
	                    "r.run = p.id",
	                    &st)
	      : -ENOMEM;

	while (!rc && (rc = sql_next(st)) == 1) {
		size_t i = cluster_shard_of(p->c, column_slice(st, 1), SLICE_NONE, 0);

		row_text(&b[i], p->o->run ? text_of(p->o->run) : column_slice(st, 0));
		row_columns(&b[i], st, 1, "tNNTNNDNNNNND");
		rc = cluster_stopped(p->c) ? -EINTR : 0;
		if (!rc && b[i].len >= BATCH_BYTES / 4) {
			rc = cluster_give(p->c, i, "result", schema_result_columns, &b[i], p->why);
			b[i].len = 0;
		}
	}
	sqlite3_finalize(st);
	for (size_t i = 0; b && i < p->c->n; i++) {
		if (!rc && (b[i].len || b[i].failed))
			rc = cluster_give(p->c, i, "result", schema_result_columns, &b[i], p->why);
		bytes_free(&b[i]);
	}
	free(b);
	return rc;
}

/* ---- the whole ---- */

static int push_lines(struct push *p)
{
	int rc = 0;

	for (struct source *s = p->from; s < p->to && !rc; s++)
		rc = push_events(p, s);
	rc = send_all(p, rc);
	buckets_done(p);
	return rc;
}

static int push_group(struct push *p)
{
	int rc = group_ask(p);

	rc = rc ? rc : group_give(p, false);
	rc = rc ? rc : push_lines(p);
	rc = rc ? rc : group_check(p);
	rc = rc ? rc : group_rejects(p);
	rc = rc ? rc : group_give(p, true);
	p->sum->sources += rc ? 0 : p->to - p->from;
	return rc;
}

/* The group behind the one at hand; false: there is none. No two of it have one name. */
static bool next_group(struct push *p)
{
	const struct source *end = p->source + p->n;
	size_t bytes = 0;

	for (p->from = p->to; p->to < end && p->to - p->from < GROUP_MOST; p->to++) {
		bytes += strlen(p->to->path);
		if (p->to > p->from &&
		    (strcmp(p->to->run, p->from->run) || bytes > GROUP_BYTES || group_named(p, text_of(p->to->path))))
			break;
	}
	return p->from < p->to;
}

static int add_source(struct push *p, sqlite3_stmt *st)
{
	const char *run = p->o->run ? p->o->run : (const char *)sqlite3_column_text(st, 1);
	const char *path = (const char *)sqlite3_column_text(st, 2);
	struct source *s = array_add(p->source, p->n, p->room);

	if (!s)
		return -ENOMEM;
	*s = (struct source){.id = sqlite3_column_int64(st, 0), .run = run ? strdup(run) : NULL};
	s->wanted = calloc(p->c->n, sizeof *s->wanted);
	if (p->o->host ? asprintf(&s->path, "%s:%s", p->o->host, path ? path : "") < 0
	               : !(s->path = path ? strdup(path) : NULL))
		s->path = NULL;
	return s->run && s->path && s->wanted ? 0 : -ENOMEM;
}

static int read_sources(struct push *p)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(p->o->db,
	                     "SELECT s.id, r.path, s.path FROM source s JOIN run r ON r.id = s.run ORDER BY s.id", &st);

	while (!rc && (rc = sql_next(st)) == 1)
		rc = add_source(p, st);
	sqlite3_finalize(st);
	p->to = p->source;
	return rc;
}

static void push_done(struct push *p)
{
	senders_free(p->senders);
	for (size_t i = 0; i < p->n; i++) {
		free(p->source[i].run);
		free(p->source[i].path);
		free(p->source[i].wanted);
	}
	free(p->source);
	free(p->there);
	free(p->bucket);
}

int push_all(struct cluster *c, const struct push_options *o, struct push_sum *sum, char **why)
{
	struct push p = {.c = c, .o = o, .sum = sum, .why = why};
	int rc = sql_number(o->db, "SELECT coalesce(sum(ok + repaired - blank), 0) FROM source", &p.total);

	*sum = (struct push_sum){0};
	rc = rc ? rc : read_sources(&p);
	rc = rc ? rc : senders_new(c, SENT_MOST, &p.senders, why);
	while (!rc && next_group(&p))
		rc = push_group(&p);
	rc = rc ? rc : give_results(&p);
	push_done(&p);
	return rc ? rc : push_inputs(c, o->db, o->run, why);
}
