/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push.c - see push.h */
#include "remote/push.h"
#include "base/array.h"
#include "base/sql.h"
#include "remote/push_inputs.h"
#include "remote/rows.h"
#include "remote/say.h"
#include "remote/schema.h"
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>

/* A batch goes when it has so many rows or bytes; all that wait together have at most HELD_MOST bytes. */
enum { BATCH_ROWS = 65536, BATCH_BYTES = 16 << 20, HELD_MOST = 96 << 20 };

#define DAY_NS INT64_C(86400000000000)

/* Lines of the source at hand, of one shard and day. */
struct bucket {
	size_t shard;
	unsigned day;
	struct bytes data; /* rows that wait */
	uint64_t rows;
	int64_t first, last;        /* their lines */
	int64_t there_last, there;  /* on the shard before: the last line, and how many */
	int64_t there_bytes;        /* how long that line's text is */
	int64_t skipped, delivered; /* lines that were there; that were sent */
};

struct push {
	struct cluster *c;
	const struct push_options *o;
	struct push_sum *sum;
	char **why;
	/* the source at hand */
	int64_t id;
	char *run, *path;
	uint64_t head;
	struct bucket *bucket;
	size_t n, room, held;
	int64_t total;
};

static struct slice text_of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

static void where_source(const struct push *p, const char *name, struct text *sql)
{
	cluster_where(sql, p->run, name, p->path);
}

/* ---- buckets ---- */

static struct bucket *bucket_of(struct push *p, size_t shard, unsigned day)
{
	struct bucket *b;

	/* nearly always one of the last few: days come one after the other */
	for (size_t i = p->n; i--;)
		if (p->bucket[i].shard == shard && p->bucket[i].day == day)
			return &p->bucket[i];
	b = array_add(p->bucket, p->n, p->room);
	if (b)
		*b = (struct bucket){.shard = shard, .day = day};
	return b;
}

static void buckets_done(struct push *p)
{
	for (size_t i = 0; i < p->n; i++)
		bytes_free(&p->bucket[i].data);
	p->n = p->held = 0;
}

struct asked {
	struct push *p;
	size_t shard;
};

static int take_there(void *arg, const struct slice *value)
{
	const struct asked *a = arg;
	struct bucket *b = bucket_of(a->p, a->shard, (unsigned)tsv_int(value[0]));

	if (!b)
		return -ENOMEM;
	b->there_last = tsv_int(value[1]);
	b->there = tsv_int(value[2]);
	b->there_bytes = tsv_int(value[3]);
	return 0;
}

/* What the shards have of the source already. */
static int ask_there(struct push *p)
{
	struct text sql = {0};
	int rc = 0;

	text_puts(&sql, "SELECT toUInt16(day), max(line), count(), argMax(length(raw), line) FROM $event");
	where_source(p, "source", &sql);
	text_puts(&sql, " GROUP BY day ORDER BY day FORMAT TabSeparated");
	for (size_t i = 0; i < p->c->n && !rc; i++) {
		struct asked a = {p, i};
		struct tsv t = {.columns = 4, .row = take_there, .arg = &a};

		rc = sql.failed ? -ENOMEM : cluster_ask(p->c, i, text_str(&sql), &t, p->why);
		tsv_done(&t);
	}
	text_done(&sql);
	return rc;
}

/* The last line that the shard has of the bucket. */
static int ask_last(struct push *p, const struct bucket *b, int64_t *last)
{
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT max(line) FROM $event");
	where_source(p, "source", &sql);
	text_printf(&sql, " AND toUInt16(day) = %u FORMAT TabSeparated", b->day);
	rc = sql.failed ? -ENOMEM : cluster_numbers(p->c, b->shard, text_str(&sql), last, 1, p->why);
	text_done(&sql);
	return rc;
}

/* ---- sending ---- */

/* Where the answer to a batch got lost, the shard tells whether it has it. The request's name keeps two of the same
 * batch from running at a time. */
static int give_batch(struct push *p, const struct bucket *b, const char *sql, const char *id)
{
	struct http *h = p->c->shard[b->shard].http;
	int64_t start = http_now(), last = 0;
	int rc;

	for (unsigned n = 0;; n++) {
		free(*p->why);
		*p->why = NULL;
		rc = http_give(h, sql, id, &b->data, p->why);
		if (rc != -EHOSTDOWN || (rc = http_wait(h, n, start, *p->why)))
			return rc;
		rc = ask_last(p, b, &last);
		if (rc || last >= b->last)
			return rc;
		if (last >= b->first) {
			say(p->why, "%s: half a batch of %s is there", http_name(h), p->path);
			return -EBADMSG;
		}
	}
}

static int send_bucket(struct push *p, struct bucket *b)
{
	struct text sql = {0};
	char id[96];
	int rc;

	if (!b->rows)
		return 0;
	snprintf(id, sizeof id, "ilu-logq-%016" PRIx64 "-%zu-%u-%" PRId64,
	         cluster_hash(cluster_hash(CLUSTER_HASH, text_of(p->run)) * 31, text_of(p->path)), b->shard, b->day,
	         b->first);
	cluster_insert(p->c, b->shard, "event", schema_event_columns, &sql);
	rc = b->data.failed || sql.failed ? -ENOMEM : give_batch(p, b, text_str(&sql), id);
	if (!rc) {
		b->delivered += (int64_t)b->rows;
		p->sum->sent += (int64_t)b->rows;
		p->held -= b->data.len;
		bytes_free(&b->data); /* buckets may be many: a shard and day each */
		b->rows = 0;
	}
	text_done(&sql);
	return rc;
}

static int send_largest(struct push *p)
{
	size_t largest = 0;

	for (size_t i = 1; i < p->n; i++)
		if (p->bucket[i].data.len > p->bucket[largest].data.len)
			largest = i;
	return send_bucket(p, &p->bucket[largest]);
}

/* ---- events ---- */

/* Columns of the statement in push_events, from `level` on. */
#define LINE_KINDS "TTtTTtTTTtb"

static unsigned day_of(int64_t ns)
{
	int64_t day = ns / DAY_NS - (ns % DAY_NS < 0);

	return day < 0 ? 0 : day > UINT16_MAX ? UINT16_MAX : (unsigned)day;
}

/* The last line was pushed when half of it was written; what a shard has of a source is only added to. */
static int gone_on(struct push *p, int64_t line)
{
	say(p->why,
	    "%s: line %" PRId64 " was pushed before, and reads otherwise now; drop-source takes the source out, to be "
	    "pushed anew",
	    p->path, line);
	return -EEXIST;
}

static int take_event(struct push *p, sqlite3_stmt *st)
{
	enum { RAW = 12 };
	int64_t line = sqlite3_column_int64(st, 0), ns = sqlite3_column_int64(st, 2);
	unsigned day = day_of(ns);
	size_t shard = cluster_shard_of(p->c, column_slice(st, 8), text_of(p->path), line), before;
	struct bucket *b = bucket_of(p, shard, day);

	if (!b)
		return -ENOMEM;
	p->sum->events++;
	if (line == b->there_last && (int64_t)column_slice(st, RAW).len != b->there_bytes)
		return gone_on(p, line);
	if (line <= b->there_last) {
		b->skipped++;
		return 0;
	}
	before = b->data.len;
	row_text(&b->data, text_of(p->run));
	row_text(&b->data, text_of(p->path));
	row_columns(&b->data, st, 0, "nnn" LINE_KINDS);
	bytes_u16(&b->data, day);
	b->first = b->rows++ ? b->first : line;
	b->last = line;
	p->held += b->data.len - before;
	if (b->data.failed)
		return -ENOMEM;
	if (b->rows >= BATCH_ROWS || b->data.len >= BATCH_BYTES)
		return send_bucket(p, b);
	return p->held >= HELD_MOST ? send_largest(p) : 0;
}

static int push_events(struct push *p)
{
	sqlite3_stmt *st;
	int rc =
	    sql_prepare(p->o->db,
	                "SELECT line, offset, time_ns, level, level_text, kind, target, message, coalesce(tid, ''), "
	                "fields, span, spans, raw, \"foreign\" FROM event WHERE source = ?1",
	                &st);

	sqlite3_bind_int64(st, 1, p->id);
	while (!rc && (rc = sql_next(st)) == 1) {
		rc = take_event(p, st);
		if (p->sum->events % 4096 == 0 && cluster_stopped(p->c))
			rc = -EINTR;
		if (p->sum->events % 4096 == 0 && p->o->progress)
			p->o->progress(p->o->arg, p->sum->events, p->total, p->path);
	}
	sqlite3_finalize(st);
	for (size_t i = 0; i < p->n && !rc; i++)
		rc = send_bucket(p, &p->bucket[i]);
	return rc;
}

/* ---- the ledger ---- */

/* The first line of a source, hashed: by it a source is known again, also after it has grown. */
static int read_head(struct push *p)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(p->o->db, "SELECT raw FROM event WHERE source = ?1 LIMIT 1", &st);

	sqlite3_bind_int64(st, 1, p->id);
	p->head = 0;
	if (!rc && (rc = sql_next(st)) == 1) {
		p->head = cluster_hash(CLUSTER_HASH, column_slice(st, 0));
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

static size_t home_of(const struct push *p)
{
	return cluster_shard_of(p->c, SLICE_NONE, text_of(p->path), 0);
}

static int check_known(struct push *p)
{
	struct text sql = {0};
	int64_t is[2] = {0};
	int rc;

	text_puts(&sql, "SELECT any(head_hash), count() FROM $source");
	where_source(p, "path", &sql);
	text_puts(&sql, " AND head_hash != 0 FORMAT TabSeparated");
	rc = sql.failed ? -ENOMEM : cluster_numbers(p->c, home_of(p), text_str(&sql), is, 2, p->why);
	if (!rc && is[1] && p->head && is[0] != (int64_t)p->head) {
		say(p->why,
		    "%s: run %s has another source of this name, that begins with another line; --host NAME tells them "
		    "apart, or drop-source takes that one out",
		    p->path, p->run);
		rc = -EEXIST;
	}
	text_done(&sql);
	return rc;
}

static int give(struct push *p, size_t shard, const char *table, const char *columns, const struct bytes *data)
{
	return cluster_give(p->c, shard, table, columns, data, p->why);
}

/* The row of the source at hand; whole: all its events are there. */
static int give_source(struct push *p, bool whole, int64_t events)
{
	struct bytes b = {0};
	struct timespec t;
	sqlite3_stmt *st;
	int rc =
	    sql_prepare(p->o->db,
	                "SELECT kind, worker, bytes, file_bytes, lines, ok, blank, repaired, rejected, duplicate, "
	                "ok_bytes, repaired_bytes, rejected_bytes, duplicate_bytes, offset_s, offset_from, format, "
	                "first_ns, last_ns, cluster, damage FROM source WHERE id = ?1",
	                &st);

	clock_gettime(CLOCK_REALTIME, &t);
	sqlite3_bind_int64(st, 1, p->id);
	if (!rc && (rc = sql_next(st)) == 1) {
		row_text(&b, text_of(p->run));
		row_text(&b, text_of(p->path));
		bytes_u64(&b, (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec);
		bytes_u8(&b, whole);
		bytes_u64(&b, (uint64_t)events);
		bytes_u64(&b, p->head);
		row_columns(&b, st, 0, "tTnnnnnnnnnnnnNTTNNbT");
		rc = give(p, home_of(p), "source", schema_source_columns, &b);
	}
	sqlite3_finalize(st);
	bytes_free(&b);
	return rc;
}

static int give_rejects(struct push *p)
{
	struct bytes b = {0};
	sqlite3_stmt *st;
	int rc = sql_prepare(
	    p->o->db, "SELECT line, offset, length, reason, sample FROM reject WHERE source = ?1 ORDER BY line", &st);

	sqlite3_bind_int64(st, 1, p->id);
	while (!rc && (rc = sql_next(st)) == 1) {
		row_text(&b, text_of(p->run));
		row_text(&b, text_of(p->path));
		row_columns(&b, st, 0, "nnntt");
		rc = 0;
		if (b.len >= BATCH_BYTES) {
			rc = give(p, home_of(p), "reject", schema_reject_columns, &b);
			b.len = 0;
		}
	}
	if (!rc && (b.len || b.failed))
		rc = give(p, home_of(p), "reject", schema_reject_columns, &b);
	sqlite3_finalize(st);
	bytes_free(&b);
	return rc;
}

/* Has each shard what it should have? */
static int check_counts(struct push *p)
{
	struct text sql = {0};
	int rc = 0;

	text_puts(&sql, "SELECT count() FROM $event");
	where_source(p, "source", &sql);
	text_puts(&sql, " FORMAT TabSeparated");
	for (size_t i = 0; i < p->c->n && !rc; i++) {
		int64_t wanted = 0, there = 0;

		for (size_t k = 0; k < p->n; k++)
			if (p->bucket[k].shard == i)
				wanted += p->bucket[k].skipped + p->bucket[k].delivered;
		rc = sql.failed ? -ENOMEM : cluster_numbers(p->c, i, text_str(&sql), &there, 1, p->why);
		if (!rc && there != wanted) {
			say(p->why,
			    "%s: %" PRId64 " lines of %s are there, and should be %" PRId64
			    "; drop-source takes it out, to be pushed anew",
			    p->c->shard[i].name, there, p->path, wanted);
			rc = -EBADMSG;
		}
	}
	text_done(&sql);
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
			rc = give(p, i, "result", schema_result_columns, &b[i]);
			b[i].len = 0;
		}
	}
	sqlite3_finalize(st);
	for (size_t i = 0; b && i < p->c->n; i++) {
		if (!rc && (b[i].len || b[i].failed))
			rc = give(p, i, "result", schema_result_columns, &b[i]);
		bytes_free(&b[i]);
	}
	free(b);
	return rc;
}

/* ---- the whole ---- */

static int push_source(struct push *p)
{
	int64_t before = p->sum->events;
	int rc = read_head(p);

	if (!rc)
		rc = check_known(p);
	if (!rc)
		rc = give_source(p, false, 0);
	if (!rc)
		rc = ask_there(p);
	if (!rc)
		rc = push_events(p);
	if (!rc)
		rc = check_counts(p);
	if (!rc)
		rc = give_rejects(p);
	if (!rc)
		rc = give_source(p, true, p->sum->events - before);
	buckets_done(p);
	p->sum->sources += !rc;
	return rc;
}

static int set_source(struct push *p, sqlite3_stmt *st)
{
	const char *run = p->o->run ? p->o->run : (const char *)sqlite3_column_text(st, 1);
	const char *path = (const char *)sqlite3_column_text(st, 2);
	int rc = 0;

	p->id = sqlite3_column_int64(st, 0);
	p->run = run ? strdup(run) : NULL;
	if (p->o->host ? asprintf(&p->path, "%s:%s", p->o->host, path ? path : "") < 0
	               : !(p->path = path ? strdup(path) : NULL)) {
		p->path = NULL;
		rc = -ENOMEM;
	}
	return p->run ? rc : -ENOMEM;
}

int push_all(struct cluster *c, const struct push_options *o, struct push_sum *sum, char **why)
{
	struct push p = {.c = c, .o = o, .sum = sum, .why = why};
	sqlite3_stmt *st = NULL;
	int rc = sql_number(o->db, "SELECT coalesce(sum(ok + repaired - blank), 0) FROM source", &p.total);

	*sum = (struct push_sum){0};
	if (!rc)
		rc = sql_prepare(
		    o->db, "SELECT s.id, r.path, s.path FROM source s JOIN run r ON r.id = s.run ORDER BY s.id", &st);
	while (!rc && (rc = sql_next(st)) == 1) {
		rc = set_source(&p, st);
		if (!rc)
			rc = push_source(&p);
		free(p.run);
		free(p.path);
		p.run = p.path = NULL;
	}
	sqlite3_finalize(st);
	free(p.bucket);
	if (!rc)
		rc = give_results(&p);
	return rc ? rc : push_inputs(c, o->db, o->run, why);
}
