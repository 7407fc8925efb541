/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.c - see fetch.h */
#include "remote/fetch.h"
#include "remote/schema.h"
#include <errno.h>

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

int fetch_lines(struct cluster *c, struct slice tid, fetch_row *row, void *arg, char **why)
{
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT run, source, line, raw, time_ns FROM $event WHERE tid = ");
	cluster_quote(&sql, tid);
	text_puts(&sql, " ORDER BY run, source, line");
	rc = ask(c, cluster_shard_of(c, tid, SLICE_NONE, 0), &sql, FETCH_LINE_COLUMNS, row, arg, why);
	text_done(&sql);
	return rc;
}

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
