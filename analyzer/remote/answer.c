/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answer.c - see answer.h */
#include "remote/answer.h"
#include "base/intern.h"
#include "remote/say.h"
#include "remote/statement.h"
#include <errno.h>
#include <stdlib.h>

/* ---- columns and rows ---- */

static enum answer_kind kind_of(struct slice type)
{
	static const char nullable[] = "Nullable(";

	if (type.len > sizeof nullable && !memcmp(type.ptr, nullable, sizeof nullable - 1)) {
		type.ptr += sizeof nullable - 1;
		type.len -= sizeof nullable;
	}
	for (int bits = 8; bits <= 64; bits *= 2) {
		char name[16];

		for (int i = 0; i < 2; i++) {
			snprintf(name, sizeof name, "%sInt%d", i ? "U" : "", bits);
			if (slice_is(type, name))
				return ANSWER_INT;
		}
	}
	return slice_is(type, "Float32") || slice_is(type, "Float64") ? ANSWER_REAL : ANSWER_TEXT;
}

static int take_names(struct answer *a, const struct slice *value)
{
	a->columns = a->tsv.columns;
	a->name = calloc(a->columns, sizeof *a->name);
	a->kind = calloc(a->columns, sizeof *a->kind);
	if (!a->name || !a->kind)
		return -ENOMEM;
	for (unsigned i = 0; i < a->columns; i++)
		if (!(a->name[i] = strndup(value[i].ptr ? value[i].ptr : "", value[i].len)))
			return -ENOMEM;
	return 0;
}

static int take_types(struct answer *a, const struct slice *value)
{
	for (unsigned i = 0; i < a->columns; i++)
		a->kind[i] = kind_of(value[i]);
	return a->begin ? a->begin(a) : 0;
}

static int take_row(void *arg, const struct slice *value)
{
	struct answer *a = arg;

	switch (a->heads) {
	case 0:
		a->heads++;
		return take_names(a, value);
	case 1:
		a->heads++;
		return take_types(a, value);
	default:
		return a->row(a, value);
	}
}

void answer_done(struct answer *a)
{
	for (unsigned i = 0; a->name && i < a->columns; i++)
		free(a->name[i]);
	free(a->name);
	free(a->kind);
	tsv_done(&a->tsv);
	*a = (struct answer){0};
}

/* ---- which cluster of the server has our shards ---- */

static int take_name(void *arg, const struct slice *value)
{
	uint32_t i;

	return intern_add(arg, value[0], &i);
}

struct seen {
	int64_t numbers, shards;
};

static int take_seen(void *arg, const struct slice *value)
{
	struct seen *s = arg;

	*s = (struct seen){tsv_int(value[0]), tsv_int(value[1])};
	return 0;
}

/* Whether the table shard is there for each of our shards (twice where two made it at a time); what the server refuses
 * is none of them. */
static int try_cluster(struct cluster *c, const char *name, bool *fits, char **why)
{
	struct seen seen = {0};
	struct tsv t = {.columns = 2, .row = take_seen, .arg = &seen};
	struct text sql = {0};
	int rc;

	text_puts(&sql, "SELECT uniqExact(number), max(shards) FROM cluster(");
	cluster_quote(&sql, (struct slice){name, strlen(name)});
	text_printf(&sql, ", %s, shard) FORMAT TabSeparated", c->url.database);
	rc = sql.failed ? -ENOMEM : http_ask(c->http[0], text_str(&sql), tsv_take, &t, why);
	rc = rc ? rc : tsv_end(&t);
	*fits = !rc && seen.numbers == (int64_t)c->n && seen.shards == seen.numbers;
	tsv_done(&t);
	text_done(&sql);
	return rc;
}

static int none_fits(struct cluster *c, char **refused, char **why)
{
	if (*refused)
		say(why, "%s", *refused);
	else
		say(why, "%s: no cluster in its system.clusters has the %zu shards; SQL over all of them needs one",
		    http_name(c->http[0]), c->n);
	return -EREMOTEIO;
}

/* The name of a cluster that has them; yours. */
static int find_cluster(struct cluster *c, char **out, char **why)
{
	struct intern names;
	struct tsv t = {.columns = 1, .row = take_name, .arg = &names};
	char *refused = NULL;
	bool fits = false;
	char sql[160];
	int rc;

	intern_init(&names);
	snprintf(sql, sizeof sql,
	         "SELECT cluster FROM system.clusters GROUP BY cluster HAVING uniqExact(shard_num) = %zu ORDER BY "
	         "cluster FORMAT TabSeparated",
	         c->n);
	rc = http_ask(c->http[0], sql, tsv_take, &t, why);
	rc = rc ? rc : tsv_end(&t);
	for (uint32_t i = 0; i < names.n && !rc && !fits; i++) {
		char *cause = NULL;

		rc = try_cluster(c, names.text[i].ptr, &fits, &cause);
		if (fits && !(*out = strdup(names.text[i].ptr)))
			rc = -ENOMEM;
		if (rc == -EREMOTEIO || rc == -EHOSTDOWN) {
			free(refused);
			refused = cause;
			cause = NULL;
			rc = 0;
		}
		free(cause);
	}
	rc = rc || fits ? rc : none_fits(c, &refused, why);
	free(refused);
	intern_done(&names);
	tsv_done(&t);
	return rc;
}

/* ---- the whole ---- */

int answer_ask(struct cluster *c, struct slice statement, bool write, struct answer *a, char **why)
{
	struct text sql = {0};
	char *name = NULL;
	int rc = 0;

	a->tsv = (struct tsv){.row = take_row, .arg = a};
	if (c->n > 1 && c->url.cluster && !(name = strdup(c->url.cluster)))
		rc = -ENOMEM;
	if (!rc && c->n > 1 && !name)
		rc = find_cluster(c, &name, why);
	if (!rc && name && !statement_of_all(statement, c->url.database, name, &sql))
		rc = say(
		    why,
		    "a table of %s that stands not behind FROM or JOIN is of one shard alone: only FROM %s.TABLE and "
		    "JOIN %s.TABLE are of all",
		    c->url.database, c->url.database, c->url.database);
	else if (!name)
		text_add(&sql, statement.ptr, statement.len);
	if (!rc)
		rc = sql.failed ? -ENOMEM
		                : http_query(c->http[0], c->n > 1 ? NULL : c->url.database, write, text_str(&sql),
		                             tsv_take, &a->tsv, why);
	rc = rc ? rc : tsv_end(&a->tsv);
	if (rc == -EBADMSG && say(why, "%s: an answer that is no table", http_name(c->http[0])))
		rc = -EREMOTEIO;
	text_done(&sql);
	free(name);
	return rc;
}
