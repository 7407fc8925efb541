/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gapped.c - see gapped.h
 *
 * All lines of a transaction are on one shard, so each server sorts its transactions' lines and tells how far
 * neighbours are apart, by what they say: some ten bytes a line. Masking messages and quantiles stay here. A server
 * holds the lines of so many transactions at a time: those between two ids, which the first shard gives for all, as
 * a hash deals transactions out evenly. */
#include "mirror/gapped.h"
#include "base/arena.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/jsontext.h"
#include "base/scan.h"
#include "base/sql.h"
#include "remote/fetch.h"
#include "remote/merged.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

/* Lines that a server sorts at a time, about. */
enum { LINES_OF_PART = 1 << 16 };

struct gapped {
	struct cluster *c;
	sqlite3 *db;
	struct slice run; /* NONE: of all */
	char **why;
	struct slice *from; /* where the parts begin, the first with the first id */
	size_t nparts, room;
	struct arena texts;
	sqlite3_stmt *insert;
	struct bytes times;
	struct text name[2]; /* of the spans */
	bool any;
};

/* ---- statements ---- */

#define NO_BEGIN "toInt64(-9223372036854775807)"
#define NO_END   "toInt64(9223372036854775807)"

/* What narrows a table to part i. */
static void where_part(const struct gapped *g, size_t i, struct text *sql)
{
	text_puts(sql, " WHERE tid != ''");
	if (g->run.len) {
		text_puts(sql, " AND run = ");
		cluster_quote(sql, g->run);
	}
	if (i) {
		text_puts(sql, " AND tid >= ");
		cluster_quote(sql, g->from[i]);
	}
	if (i + 1 < g->nparts) {
		text_puts(sql, " AND tid < ");
		cluster_quote(sql, g->from[i + 1]);
	}
}

/* (tid, began, from_ns, to_ns): from its sending to its return lines count; began: its first run. Of each row the last
 * version, by its own means: FINAL merges all partitions at once, and has memory for each column of each of them. */
static void windows(const struct gapped *g, size_t i, struct text *sql)
{
	text_puts(sql, "(SELECT tid, min(run) AS began, min(last.1) AS from_ns, max(last.2) AS to_ns FROM (SELECT run, "
	               "tid, argMax((ifNull(sent_ns, ifNull(arrived_ns, " NO_BEGIN ")), ifNull(return_ns, " NO_END
	               ")), version) AS last FROM $invocation");
	where_part(g, i, sql);
	text_puts(sql, " GROUP BY run, tid) GROUP BY tid)");
}

/* What a line of a span says of it: '"' and its name, or all where the name stands behind what has parts itself. */
static void span_of_line(struct text *sql)
{
	static const char text[] = "\"(?:[^\"\\\\]|\\\\.)*\"", name[] = "\"name\":\"((?:[^\"\\\\]|\\\\.)*)\"";
	struct text pattern = {0};

	text_printf(&pattern, "^{(?:%s:(?:%s|[^]\"{}[,]*),)*?%s", text, text, name);
	text_puts(sql, "if(" FETCH_SPAN_LINE " AND span IS NOT NULL, "
	               "if((extract(assumeNotNull(span), ");
	cluster_quote(sql, (struct slice){text_str(&pattern), pattern.len});
	text_puts(sql, ") AS x) != '', concat('\"', x), assumeNotNull(span)), '') AS s");
	sql->failed |= pattern.failed;
	text_done(&pattern);
}

/* (tid, began, t, ord, run, source, line, m, s) of the lines inside the windows, and of the caller's own moments. */
static void points(const struct gapped *g, size_t i, struct text *sql)
{
	text_puts(sql, "SELECT tid, began, time_ns AS t, materialize(toUInt8(1)) AS ord, run, source, line, "
	               "ifNull(message, '(no message)') AS m, ");
	span_of_line(sql);
	text_puts(sql, " FROM (SELECT run, source, line, time_ns, message, target, span, tid FROM $event");
	where_part(g, i, sql);
	text_puts(sql, " AND foreign = 0) AS e ALL INNER JOIN ");
	windows(g, i, sql);
	text_puts(sql, " AS w USING tid WHERE time_ns >= from_ns AND time_ns <= to_ns UNION ALL SELECT tid, began, "
	               "e.1 AS t, e.2 AS ord, materialize('') AS run, materialize('') AS source, "
	               "materialize(toUInt64(0)) AS line, e.3 AS m, materialize('') AS s FROM ");
	windows(g, i, sql);
	text_puts(sql, " ARRAY JOIN [(from_ns, toUInt8(0), '(sent)'), (to_ns, toUInt8(2), '(returned)')] AS e WHERE "
	               "e.1 != " NO_BEGIN " AND e.1 != " NO_END);
}

/* The last line of a transaction goes before itself: all texts are there, also those of no gap, as what varies in
 * them is told by all of them. */
static void gaps_sql(const struct gapped *g, size_t i, struct text *sql)
{
	text_puts(sql,
	          "SELECT m1, s1, m2, s2, longest, slowest.1, slowest.2, earliest.2, earliest.3, earliest.4, times "
	          "FROM (SELECT p.1 AS m1, p.2 AS s1, p.3 AS m2, p.4 AS s2, max(p.5) AS longest, argMin((first, "
	          "tid), (-p.5, first, tid)) AS slowest, min((p.5 = 0, first, tid, n)) AS earliest, "
	          "groupArrayIf(p.5, p.5 != 0) AS times FROM (SELECT tid, min(began) AS first, "
	          "arraySort(groupArray((t, ord, run, source, line, m, s))) AS v FROM (");
	points(g, i, sql);
	text_puts(sql, ") GROUP BY tid) ARRAY JOIN arrayMap((a, b) -> (a.6, a.7, b.6, b.7, b.1 - a.1), v, "
	               "arrayPushBack(arrayPopFront(v), v[-1])) AS p, arrayEnumerate(v) AS n GROUP BY m1, s1, m2, s2) "
	               "ORDER BY m1, s1, m2, s2 FORMAT TabSeparated");
}

/* ---- parts ---- */

static int take_part(void *arg, const struct slice *v)
{
	struct gapped *g = arg;
	struct slice *from = array_add(g->from, g->nparts, g->room);

	if (!from)
		return -ENOMEM;
	*from = (struct slice){arena_text(&g->texts, v[0].ptr, v[0].len), v[0].len};
	return g->texts.failed ? -ENOMEM : 0;
}

static int find_parts(struct gapped *g)
{
	struct text sql = {0};
	size_t shard = 0;
	int rc;

	while (shard + 1 < g->c->n && g->c->shard[shard].away)
		shard++;
	text_puts(&sql,
	          "SELECT min(t.1) FROM (SELECT arraySort(groupArray((tid, lines))) AS v FROM (SELECT tid, count() "
	          "AS lines FROM $event");
	where_part(g, 0, &sql);
	text_printf(&sql,
	            " GROUP BY tid)) ARRAY JOIN v AS t, arrayMap(k -> intDiv(k, %d), arrayCumSum(arrayMap(k -> k.2, "
	            "v))) AS part GROUP BY part ORDER BY part",
	            LINES_OF_PART);
	rc = cluster_rows(g->c, shard, &sql, 1, take_part, g, g->why);
	text_done(&sql);
	return rc;
}

/* ---- rows ---- */

enum {
	G_AFTER,
	G_AFTER_SPAN,
	G_BEFORE,
	G_BEFORE_SPAN,
	G_LONGEST,
	G_SLOWEST_RUN,
	G_SLOWEST,
	G_FIRST_RUN,
	G_FIRST,
	G_FIRST_N,
	G_TIMES,
	G_ALL
};

/* "[1,-2]" as numbers behind one another. */
static int times_of(struct gapped *g, struct slice v)
{
	const char *p = v.ptr + 1, *end = v.ptr + v.len - 1;

	if (v.len < 2 || *v.ptr != '[' || *end != ']')
		return -EBADMSG;
	g->times.len = 0;
	for (const char *to; p < end; p = to + 1) {
		int64_t ns;

		to = memchr(p, ',', (size_t)(end - p));
		to = to ? to : end;
		ns = tsv_int((struct slice){p, (size_t)(to - p)});
		bytes_add(&g->times, &ns, sizeof ns);
	}
	g->any |= g->times.len > 0;
	return g->times.failed ? -ENOMEM : 0;
}

/* The name of a span as its line says it, NONE: it says none. */
static int name_of(struct slice said, struct text *t, struct slice *out)
{
	static const char slack[SCAN_SLACK];
	struct json_value name;

	*out = said.len ? (struct slice){said.ptr + 1, said.len - 1} : SLICE_NONE;
	if (!said.len || *said.ptr == '"')
		return 0;
	text_reset(t);
	text_add(t, said.ptr, said.len);
	text_add(t, slack, sizeof slack);
	name = jsontext_at((struct slice){text_str(t), said.len}, "name");
	*out = name.kind == JSON_TEXT_NONE ? SLICE_NONE : name.text;
	return t->failed ? -ENOMEM : 0;
}

static int put_gap(struct gapped *g, const struct slice *v)
{
	struct slice name[2];
	int rc = times_of(g, v[G_TIMES]);

	for (int i = 0; i < 2 && !rc; i++)
		rc = name_of(v[i ? G_BEFORE_SPAN : G_AFTER_SPAN], &g->name[i], &name[i]);
	if (rc)
		return rc;
	bind_slice(g->insert, 1, v[G_AFTER]);
	bind_slice(g->insert, 2, name[0]);
	bind_slice(g->insert, 3, v[G_BEFORE]);
	bind_slice(g->insert, 4, name[1]);
	for (int i = G_LONGEST; i < G_TIMES; i++)
		bind_slice(g->insert, i + 1, v[i]);
	sqlite3_bind_blob64(g->insert, G_TIMES + 1, g->times.ptr, g->times.len, SQLITE_STATIC);
	return sql_step_reset(g->insert);
}

static int put_part(struct gapped *g, size_t i)
{
	struct merged *m = NULL;
	const struct slice *v;
	struct text sql = {0};
	int rc;

	gaps_sql(g, i, &sql);
	rc = sql.failed ? -ENOMEM
	                : merged_open(g->c, (const char *const[]){text_str(&sql), NULL}, G_ALL, G_BEFORE_SPAN + 1,
	                              false, &m, g->why);
	while (!rc && (rc = merged_next(m, &v)) == 1)
		rc = put_gap(g, v);
	merged_close(m);
	text_done(&sql);
	return rc;
}

int gapped_put(struct cluster *c, sqlite3 *db, struct slice run, bool *any, char **why)
{
	struct gapped g = {.c = c, .db = db, .run = run, .why = why};
	int rc = sql_exec_all(db, "CREATE TABLE folded_gap(after TEXT, after_span TEXT, before TEXT, before_span TEXT, "
	                          "longest_ns INTEGER, longest_run TEXT, longest_tid TEXT, first_run TEXT, first_tid "
	                          "TEXT, first_n INTEGER, times BLOB)");

	if (!rc)
		rc = sql_prepare(db, "INSERT INTO folded_gap VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
		                 &g.insert);
	rc = rc ? rc : find_parts(&g);
	for (size_t i = 0; (i < g.nparts || !i) && !rc; i++)
		rc = put_part(&g, i);
	*any = g.any;
	sqlite3_finalize(g.insert);
	bytes_free(&g.times);
	text_done(&g.name[0]);
	text_done(&g.name[1]);
	arena_done(&g.texts);
	free(g.from);
	return rc;
}
