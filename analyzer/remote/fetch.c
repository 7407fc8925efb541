/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.c - see fetch.h */
#include "remote/fetch.h"
#include "remote/gather.h"
#include "remote/merged.h"
#include "remote/schema.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int take_word(void *arg, const struct slice *value)
{
	uint32_t i;

	return intern_add(arg, value[0], &i);
}

static void tids_sql(const char *table, struct slice word, struct text *sql)
{
	text_printf(sql, "SELECT DISTINCT tid FROM $%s WHERE tid >= ", table);
	cluster_quote(sql, word);
	text_puts(sql, " AND tid != '' AND substring(tid, 1, ");
	text_add_int(sql, (int64_t)word.len);
	text_puts(sql, ") = ");
	cluster_quote(sql, word);
	/* for the order of the table, which has no use for substring */
	text_puts(sql, " AND tid <= concat(");
	cluster_quote(sql, word);
	text_puts(sql, ", '\\xff\\xff\\xff\\xff') LIMIT 1000000");
}

int fetch_tids(struct cluster *c, struct slice word, struct intern *out, char **why)
{
	struct text sql = {0};
	int rc;

	tids_sql("event", word, &sql);
	text_puts(&sql, " UNION ALL ");
	tids_sql("result", word, &sql);
	rc = gather_rows(c, &sql, 1, take_word, out, NULL, why);
	text_done(&sql);
	return rc;
}

int fetch_runs(struct cluster *c, struct slice tid, struct intern *out, char **why)
{
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT DISTINCT run FROM $event WHERE tid = ");
	cluster_quote(&sql, tid);
	text_puts(&sql, " UNION ALL SELECT DISTINCT run FROM $result WHERE tid = ");
	cluster_quote(&sql, tid);
	rc = cluster_rows(c, cluster_shard_of(c, tid, SLICE_NONE, 0), &sql, 1, take_word, out, why);
	text_done(&sql);
	return rc;
}

/* ---- lines ---- */

static const char *const levels[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

static struct slice text_of(const char *s)
{
	return (struct slice){s, strlen(s)};
}

/* What a pattern with * is for LIKE, as a literal; inside: it stands somewhere in the text. */
static void put_like(const char *pattern, bool inside, struct text *sql)
{
	struct text like = {0};

	text_puts(&like, inside ? "%" : "");
	for (const char *p = pattern; *p; p++) {
		if (strchr("%_\\", *p))
			text_puts(&like, "\\");
		text_add(&like, *p == '*' ? "%" : p, 1);
	}
	text_puts(&like, inside ? "%" : "");
	cluster_quote(sql, (struct slice){text_str(&like), like.len});
	sql->failed |= like.failed;
	text_done(&like);
}

static void put_level(int rank, struct text *sql)
{
	text_puts(sql, "(level IS NULL OR level IN (");
	for (int i = 0; i <= rank && i < (int)(sizeof levels / sizeof *levels); i++)
		text_printf(sql, "%s'%s'", i ? ", " : "", levels[i]);
	text_puts(sql, "))");
}

/* Lines whose places are named in one statement: a server takes no longer ones than 256 KiB. */
enum { PLACES_MOST = 400, PLACES_BYTES = 100000 };

static void put_place(const struct fetch_place *p, struct text *sql)
{
	text_puts(sql, "(");
	cluster_quote(sql, p->run);
	text_puts(sql, ", ");
	cluster_quote(sql, p->source);
	text_printf(sql, ", %lld)", (long long)p->line);
}

/* Of the places from `from` on as many as go into one statement; returns the first behind them. */
static size_t put_places(const struct fetch_which *w, size_t from, struct text *sql)
{
	size_t to = from, begun = sql->len;

	text_puts(sql, " AND (run, source, line) IN (");
	for (; to < w->nplaces && to - from < PLACES_MOST && sql->len - begun < PLACES_BYTES; to++) {
		text_puts(sql, to > from ? ", " : "");
		put_place(&w->places[to], sql);
	}
	text_puts(sql, ") AND time_ns IN (");
	for (size_t i = from; i < to; i++)
		text_printf(sql, "%s%lld", i > from ? ", " : "", (long long)w->places[i].time_ns);
	text_puts(sql, ")");
	return to;
}

/* Sources that are not of tracing's lines alone, as a list. */
struct others {
	struct slice run; /* NONE: of all */
	struct text sql;
};

static int take_other(void *arg, const struct slice *v)
{
	struct others *o = arg;

	if ((o->run.len && !slice_same(o->run, v[FETCH_SOURCE_RUN])) || slice_is(v[FETCH_SOURCE_FORMAT], "tracing"))
		return 0;
	text_puts(&o->sql, o->sql.len ? ", (" : "(");
	cluster_quote(&o->sql, v[FETCH_SOURCE_RUN]);
	text_puts(&o->sql, ", ");
	cluster_quote(&o->sql, v[FETCH_SOURCE_PATH]);
	text_puts(&o->sql, ")");
	return 0;
}

/* What a line of another program says of spans no column tells: of sources that have such lines all come. */
static int spans_sql(struct cluster *c, const struct fetch_which *w, struct text *sql, char **why)
{
	struct others o = {.run = w->run};
	int rc = fetch_sources(c, take_other, &o, why);

	text_puts(sql, "((foreign = 0 AND " FETCH_SPAN_LINE ")");
	if (o.sql.len > PLACES_BYTES)
		text_puts(sql, " OR 1");
	else if (o.sql.len)
		text_printf(sql, " OR (run, source) IN (%s)", text_str(&o.sql));
	text_puts(sql, ")");
	sql->failed |= o.sql.failed;
	text_done(&o.sql);
	return rc;
}

/* What is one of alternatives; more than fits is all lines. */
static void either_sql(const struct fetch_which *w, const struct text *spans, struct text *sql)
{
	size_t begun = sql->len, i = 0;

	if (w->only && strlen(w->only) > PLACES_BYTES)
		return;
	text_puts(sql, " AND (0");
	if (w->leveled) {
		text_puts(sql, " OR ");
		put_level(w->level, sql);
	}
	if (w->spans)
		text_printf(sql, " OR %s", text_str(spans));
	if (w->only)
		text_printf(sql, " OR (%s)", w->only);
	for (; i < w->nplaces && sql->len - begun < PLACES_BYTES; i++) {
		text_puts(sql, i ? ", " : " OR (run, source, line) IN (");
		put_place(&w->places[i], sql);
	}
	text_puts(sql, i ? ")" : "");
	text_puts(sql, i < w->nplaces ? " OR 1)" : ")");
}

/* A server passes over the partitions of other runs. Very many may be all. */
static void put_runs(const struct intern *runs, struct text *sql)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < runs->n; i++)
		bytes += runs->text[i].len;
	if (!runs->n || runs->n > PLACES_MOST || bytes > PLACES_BYTES)
		return;
	text_puts(sql, " AND run IN (");
	for (uint32_t i = 0; i < runs->n; i++) {
		text_puts(sql, i ? ", " : "");
		cluster_quote(sql, runs->text[i]);
	}
	text_puts(sql, ")");
}

static void put_whole(const struct fetch_which *w, struct text *sql)
{
	text_printf(sql, ") OR (%s", w->whole);
	if (w->run.len) {
		text_puts(sql, " AND run = ");
		cluster_quote(sql, w->run);
	}
	text_puts(sql, ")");
}

static void lines_sql(const struct fetch_which *w, const struct text *spans, size_t *place, struct text *sql)
{
	text_puts(sql, "SELECT " FETCH_LINE_SQL " FROM $event WHERE (1");
	if (w->tid.len) {
		text_puts(sql, " AND tid = ");
		cluster_quote(sql, w->tid);
	}
	if (w->runs)
		put_runs(w->runs, sql);
	if (w->run.len) {
		text_puts(sql, " AND run = ");
		cluster_quote(sql, w->run);
	}
	if (w->source.ptr) {
		text_puts(sql, w->to.ptr ? " AND source >= " : " AND source = ");
		cluster_quote(sql, w->source);
		if (w->to.ptr) {
			text_puts(sql, " AND source <= ");
			cluster_quote(sql, w->to);
		}
		text_printf(sql, " AND line >= %lld AND line <= %lld", (long long)w->first, (long long)w->last);
	}
	if (w->leveled && !w->either) {
		text_puts(sql, " AND ");
		put_level(w->level, sql);
	}
	if (w->message) {
		text_puts(sql, " AND message LIKE ");
		put_like(w->message, false, sql);
	}
	if (w->target) {
		text_puts(sql, " AND target LIKE ");
		put_like(w->target, !strchr(w->target, '*'), sql);
	}
	if (w->since_ns)
		text_printf(sql, " AND time_ns >= %lld", (long long)w->since_ns);
	if (w->until_ns)
		text_printf(sql, " AND time_ns < %lld", (long long)w->until_ns);
	if (w->only && !w->either)
		text_printf(sql, " AND (%s)", w->only);
	if (w->spans && !w->either)
		text_printf(sql, " AND %s", text_str(spans));
	if (w->either)
		either_sql(w, spans, sql);
	else if (w->nplaces)
		*place = put_places(w, *place, sql);
	if (w->whole)
		put_whole(w, sql);
	else
		text_puts(sql, ")");
	text_puts(sql, " ORDER BY run, source, line FORMAT TabSeparated");
}

/* The rows of a statement on all shards. */
static int each_merged(struct cluster *c, const char *sql, fetch_row *row, void *arg, char **why)
{
	const char *const statements[] = {sql, NULL};
	struct merged *m = NULL;
	const struct slice *v;
	int rc = merged_open(c, statements, FETCH_LINE_COLUMNS, FETCH_LINE + 1, true, &m, why);

	while (!rc && (rc = merged_next(m, &v)) == 1)
		rc = row(arg, v);
	merged_close(m);
	return rc;
}

int fetch_lines(struct cluster *c, const struct fetch_which *w, fetch_row *row, void *arg, char **why)
{
	struct tsv t = {.columns = FETCH_LINE_COLUMNS, .row = row, .arg = arg};
	struct text sql = {0}, spans = {0};
	size_t place = 0;
	int rc = w->spans ? spans_sql(c, w, &spans, why) : 0;

	do {
		text_reset(&sql);
		lines_sql(w, &spans, &place, &sql);
		if (rc || sql.failed || spans.failed)
			rc = rc ? rc : -ENOMEM;
		else if (w->tid.len && !w->whole)
			rc = cluster_ask(c, cluster_shard_of(c, w->tid, SLICE_NONE, 0), text_str(&sql), &t, why);
		else
			rc = each_merged(c, text_str(&sql), row, arg, why);
	} while (!rc && !w->either && place < w->nplaces);
	tsv_done(&t);
	text_done(&spans);
	text_done(&sql);
	return rc;
}

/* ---- results and the ledger ---- */

/* As schema_result_columns has them, but for the row, which stands before the transaction: it is what they are ordered
 * by. */
static int results_of_all(struct cluster *c, fetch_row *row, void *arg, char **why)
{
	static const char before[] = "run, tid, ord";
	struct merged *m = NULL;
	const struct slice *v;
	struct text sql = {0};
	int rc;

	text_printf(&sql, "SELECT run, ord, tid%s FROM $result FINAL ORDER BY run, ord, tid FORMAT TabSeparated",
	            schema_result_columns + sizeof before - 1);
	rc = sql.failed
	         ? -ENOMEM
	         : merged_open(c, (const char *const[]){text_str(&sql), NULL}, FETCH_RESULT_COLUMNS, 2, true, &m, why);
	while (!rc && (rc = merged_next(m, &v)) == 1) {
		struct slice value[FETCH_RESULT_COLUMNS];

		memcpy(value, v, sizeof value);
		value[1] = v[2];
		value[2] = v[1];
		rc = row(arg, value);
	}
	merged_close(m);
	text_done(&sql);
	return rc;
}

int fetch_results(struct cluster *c, struct slice tid, fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc;

	if (!tid.len)
		return results_of_all(c, row, arg, why);
	text_printf(&sql, "SELECT %s FROM $result FINAL WHERE tid = ", schema_result_columns);
	cluster_quote(&sql, tid);
	text_puts(&sql, " ORDER BY run");
	rc = cluster_rows(c, cluster_shard_of(c, tid, SLICE_NONE, 0), &sql, FETCH_RESULT_COLUMNS, row, arg, why);
	text_done(&sql);
	return rc;
}

int fetch_sources(struct cluster *c, fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "SELECT %s FROM $source FINAL", schema_source_columns);
	rc = gather_rows(c, &sql, FETCH_SOURCE_COLUMNS, row, arg, NULL, why);
	text_done(&sql);
	return rc;
}

struct rules_to {
	fetch_row *row;
	void *arg;
};

static int take_rules(void *arg, const struct slice *v)
{
	const struct rules_to *to = arg;
	struct slice row[FETCH_SOURCE_COLUMNS] = {[FETCH_SOURCE_RUN] = v[0],
	                                          [FETCH_SOURCE_PATH] = v[1],
	                                          [FETCH_SOURCE_KIND] = SLICE(FETCH_RULES),
	                                          [FETCH_SOURCE_RULES] = v[2]};

	return to->row(to->arg, row);
}

/* As fold writes them, among the details of what it found (mirror/finish.c). A fold drops those of the one before, so
 * there is one row of each run: to look for its last version would be to read all details. */
int fetch_ledger(struct cluster *c, fetch_row *row, void *arg, char **why)
{
	struct rules_to to = {row, arg};
	struct text sql = {0};
	bool ruled = false;
	int rc = fetch_sources(c, row, arg, why);

	for (size_t i = 0; i < c->n; i++)
		ruled |= c->shard[i].ruled;
	text_puts(&sql, "SELECT run, name, value FROM $detail WHERE command = ''");
	if (!rc && ruled)
		rc = gather_rows(c, &sql, 3, take_rules, &to, NULL, why);
	text_done(&sql);
	return rc;
}

int fetch_rejects(struct cluster *c, fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) { /* they may be many */
		text_printf(&sql, "SELECT %s FROM $reject FINAL", schema_reject_columns);
		rc = cluster_rows(c, i, &sql, FETCH_REJECT_COLUMNS, row, arg, why);
	}
	text_done(&sql);
	return rc;
}

int fetch_bytes(struct cluster *c, const char *run, int64_t *out, char **why)
{
	struct text sql = {0};
	int rc = 0;

	*out = 0;
	text_puts(&sql, "SELECT toInt64(sum(bytes)) FROM $source FINAL");
	if (run) {
		text_puts(&sql, " WHERE run = ");
		cluster_quote(&sql, text_of(run));
	}
	text_puts(&sql, " FORMAT TabSeparated");
	for (size_t i = 0; i < c->n && !rc; i++) {
		int64_t n = 0;

		rc = sql.failed ? -ENOMEM : cluster_numbers(c, i, text_str(&sql), &n, 1, why);
		*out += n;
		rc = rc == -ENOENT ? 0 : rc;
	}
	text_done(&sql);
	return rc;
}
