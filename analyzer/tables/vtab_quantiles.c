/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_quantiles.c - quantiles(message, field, per): how the numbers of a field are spread, for each value of another.
 *
 *     SELECT key, lines, p50, p99 FROM quantiles('Invocation complete', 'duration_us', 'fqdn')
 *
 * The arguments are hidden columns: message and per may be left open. */
#include "tables/tables.h"
#include "base/aggregate.h"
#include "base/hash.h"
#include "store/quantiles.h"

#include <errno.h>
#include <stdlib.h>

enum { RUN, KEY, LINES, MIN, P50, P90, P95, P99, MAX, MEAN, MESSAGE, FIELD, PER };

struct state {
	struct quantile_group *groups;
	size_t n, next;
	char *text[3]; /* the arguments; NULL: open */
};

static void close(void *state)
{
	struct state *t = state;

	quantile_groups_free(t->groups, t->n);
	for (unsigned i = 0; i < 3; i++)
		free(t->text[i]);
	free(t);
}

static int argument(sqlite3_value *v, char **out)
{
	const char *text = v ? (const char *)sqlite3_value_text(v) : NULL;

	if (!v)
		return 0;
	*out = text ? strdup(text) : NULL;
	return *out ? 0 : -ENOMEM;
}

static int open(struct store *s, sqlite3 *db, sqlite3_value *const *value, void **state)
{
	struct state *t = calloc(1, sizeof *t);
	struct quantile_query q = {.run = value[3] && sqlite3_value_numeric_type(value[3]) == SQLITE_INTEGER
	                                      ? sqlite3_value_int64(value[3])
	                                      : 0};
	int rc = t ? 0 : -ENOMEM;

	(void)db;
	for (unsigned i = 0; i < 3 && !rc; i++)
		rc = argument(value[i], &t->text[i]);
	if (!rc && !t->text[1])
		rc = -EINVAL;
	if (!rc) {
		q.message = t->text[0];
		q.field = t->text[1];
		q.by = t->text[2];
		rc = store_quantiles(s, &q, &t->groups, &t->n);
	}
	if (rc && t)
		close(t);
	else
		*state = t;
	return rc;
}

/* Of its key and the arguments: no two rows of a query have the same ones. */
static int rowid(void *state, int64_t *out)
{
	const struct state *t = state;
	const struct quantile_group *g = &t->groups[t->next - 1];
	uint64_t h = hash_slice((struct slice){g->key, g->key_len}, (uint64_t)g->run << 1 | (g->key != NULL));

	for (unsigned i = 0; i < 3; i++)
		h = t->text[i] ? hash_slice((struct slice){t->text[i], strlen(t->text[i])}, h) : h + i;
	*out = (int64_t)h;
	return 0;
}

static int next(void *state)
{
	struct state *t = state;

	return t->next < t->n && ++t->next;
}

static double mean(const struct quantile_group *g)
{
	double sum = 0;

	for (size_t i = 0; i < g->n; i++)
		sum += g->values[i];
	return sum / (double)g->n;
}

static void column(void *state, sqlite3_context *c, int i)
{
	static const double at[] = {[MIN] = 0, [P50] = 0.5, [P90] = 0.9, [P95] = 0.95, [P99] = 0.99, [MAX] = 1};
	const struct state *t = state;
	struct quantile_group *g = &t->groups[t->next - 1];

	if (i >= MESSAGE)
		result_slice(c, t->text[i - MESSAGE]
		                    ? (struct slice){t->text[i - MESSAGE], strlen(t->text[i - MESSAGE])}
		                    : SLICE_NONE);
	else if (i == KEY)
		result_slice(c, (struct slice){g->key, g->key_len});
	else if (i == MEAN)
		sqlite3_result_double(c, mean(g));
	else if (i == RUN || i == LINES)
		sqlite3_result_int64(c, i == RUN ? g->run : (int64_t)g->n);
	else
		sqlite3_result_double(c, quantile_of(g->values, g->n, at[i]));
}

const struct rowtable quantiles_table = {
    .name = "quantiles",
    .schema = "CREATE TABLE x(run INTEGER, key TEXT, lines INTEGER, min REAL, p50 REAL, p90 REAL, p95 REAL, p99 REAL, "
              "max REAL, mean REAL, "
              "message TEXT HIDDEN, field TEXT HIDDEN, per TEXT HIDDEN)",
    .pushed = {MESSAGE, FIELD, PER, RUN},
    .rows = 1e9, /* without a message every line with the field is looked at */
    .rows_of_one = 100,
    .arguments = MESSAGE,
    .refused = "without a field there are no numbers: quantiles('MESSAGE', 'FIELD')",
    .open = open,
    .next = next,
    .column = column,
    .rowid = rowid,
    .close = close,
};
