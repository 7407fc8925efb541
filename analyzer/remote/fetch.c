/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.c - see fetch.h */
#include "remote/fetch.h"
#include "remote/schema.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ask(struct cluster *c, size_t i, struct text *sql, unsigned columns, fetch_row *row, void *arg, char **why)
{
	struct tsv t = {.columns = columns, .row = row, .arg = arg};
	int rc;

	text_puts(sql, " FORMAT TabSeparated");
	rc = sql->failed ? -ENOMEM : cluster_ask(c, i, text_str(sql), &t, why);
	tsv_done(&t);
	text_reset(sql);
	return rc;
}

static int take_tid(void *arg, const struct slice *value)
{
	uint32_t i;

	return intern_add(arg, value[0], &i);
}

int fetch_tids(struct cluster *c, struct slice word, struct intern *out, char **why)
{
	static const char *const tables[] = {"event", "result"};
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++)
		for (size_t t = 0; t < 2 && !rc; t++) {
			text_printf(&sql, "SELECT DISTINCT tid FROM $%s WHERE tid >= ", tables[t]);
			cluster_quote(&sql, word);
			text_puts(&sql, " AND tid != '' AND substring(tid, 1, ");
			text_add_int(&sql, (int64_t)word.len);
			text_puts(&sql, ") = ");
			cluster_quote(&sql, word);
			/* for the order of the table, which has no use for substring */
			text_puts(&sql, " AND tid <= concat(");
			cluster_quote(&sql, word);
			text_puts(&sql, ", '\\xff\\xff\\xff\\xff') LIMIT 1000000");
			rc = ask(c, i, &sql, 1, take_tid, out, why);
		}
	text_done(&sql);
	return rc;
}

/* ---- lines ---- */

static const char *const levels[] = {"ERROR", "WARN", "INFO", "DEBUG", "TRACE"};

static void lines_sql(const struct fetch_which *w, struct text *sql)
{
	text_puts(sql, "SELECT run, source, line, raw, time_ns FROM $event WHERE 1");
	if (w->tid.len) {
		text_puts(sql, " AND tid = ");
		cluster_quote(sql, w->tid);
	}
	if (w->level) {
		text_puts(sql, " AND (level IS NULL OR level IN (");
		for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
			text_printf(sql, "%s'%s'", i ? ", " : "", levels[i]);
			if (!strcmp(levels[i], w->level))
				break;
		}
		text_puts(sql, "))");
	}
	if (w->message) {
		text_puts(sql, " AND message = ");
		cluster_quote(sql, (struct slice){w->message, strlen(w->message)});
	}
	text_puts(sql, " ORDER BY run, source, line FORMAT TabSeparated");
}

/* The lines of one shard, in a file. */
struct stream {
	FILE *file;
	char *buf;
	size_t room;
	struct tsv t;
	struct slice v[FETCH_LINE_COLUMNS]; /* of the next one */
	bool more;
};

static int stream_write(void *arg, const char *p, size_t n)
{
	return fwrite(p, 1, n, arg) == n ? 0 : -errno;
}

static int stream_row(void *arg, const struct slice *value)
{
	struct stream *s = arg;

	memcpy(s->v, value, sizeof s->v);
	s->more = true;
	return 0;
}

static int stream_next(struct stream *s)
{
	ssize_t n = getline(&s->buf, &s->room, s->file);

	s->more = false;
	if (n < 0)
		return ferror(s->file) ? -EIO : tsv_end(&s->t);
	return tsv_take(&s->t, s->buf, (size_t)n);
}

static int stream_open(struct cluster *c, size_t i, const char *sql, struct stream *s, char **why)
{
	int rc;

	s->t = (struct tsv){.columns = FETCH_LINE_COLUMNS, .row = stream_row, .arg = s};
	s->file = tmpfile();
	rc = s->file ? cluster_write(c, i, sql, stream_write, s->file, why) : -errno;
	if (!rc && (fflush(s->file) || fseeko(s->file, 0, SEEK_SET)))
		rc = -errno;
	return rc ? rc : stream_next(s);
}

static void stream_close(struct stream *s)
{
	if (s->file)
		fclose(s->file);
	free(s->buf);
	tsv_done(&s->t);
}

static int compare(const struct stream *a, const struct stream *b)
{
	int c = slice_compare(a->v[FETCH_RUN], b->v[FETCH_RUN]);
	int64_t x, y;

	c = c ? c : slice_compare(a->v[FETCH_SOURCE], b->v[FETCH_SOURCE]);
	if (c)
		return c;
	x = tsv_int(a->v[FETCH_LINE]);
	y = tsv_int(b->v[FETCH_LINE]);
	return (x > y) - (x < y);
}

static int merge(struct stream *v, size_t n, fetch_row *row, void *arg)
{
	int rc = 0;

	while (!rc) {
		struct stream *first = NULL;

		for (size_t i = 0; i < n; i++)
			if (v[i].more && (!first || compare(&v[i], first) < 0))
				first = &v[i];
		if (!first)
			break;
		rc = row(arg, first->v);
		rc = rc ? rc : stream_next(first);
	}
	return rc;
}

int fetch_lines(struct cluster *c, const struct fetch_which *w, fetch_row *row, void *arg, char **why)
{
	struct tsv t = {.columns = FETCH_LINE_COLUMNS, .row = row, .arg = arg};
	struct stream *v = calloc(c->n, sizeof *v);
	struct text sql = {0};
	int rc;

	lines_sql(w, &sql);
	rc = sql.failed || !v ? -ENOMEM : 0;
	if (!rc && w->tid.len) {
		rc = cluster_ask(c, cluster_shard_of(c, w->tid, SLICE_NONE, 0), text_str(&sql), &t, why);
		tsv_done(&t);
	} else if (!rc) {
		for (size_t i = 0; i < c->n && !rc; i++)
			rc = stream_open(c, i, text_str(&sql), &v[i], why);
		rc = rc ? rc : merge(v, c->n, row, arg);
	}
	for (size_t i = 0; v && i < c->n; i++)
		stream_close(&v[i]);
	free(v);
	text_done(&sql);
	return rc;
}

/* ---- results and the ledger ---- */

int fetch_results(struct cluster *c, struct slice tid, fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc;

	text_printf(&sql, "SELECT %s FROM $result FINAL WHERE tid = ", schema_result_columns);
	cluster_quote(&sql, tid);
	text_puts(&sql, " ORDER BY run");
	rc = ask(c, cluster_shard_of(c, tid, SLICE_NONE, 0), &sql, FETCH_RESULT_COLUMNS, row, arg, why);
	text_done(&sql);
	return rc;
}

int fetch_sources(struct cluster *c, fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc = 0;

	for (size_t i = 0; i < c->n && !rc; i++) {
		text_printf(&sql, "SELECT %s FROM $source FINAL ORDER BY run, path", schema_source_columns);
		rc = ask(c, i, &sql, FETCH_SOURCE_COLUMNS, row, arg, why);
	}
	text_done(&sql);
	return rc;
}
