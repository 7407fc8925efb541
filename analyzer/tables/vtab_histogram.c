/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_histogram.c - histogram(run, source, start_ns, level, lines, step_ns): lines by level and time.
 *
 * step_ns is a second unless the query fixes it: SELECT ... FROM histogram WHERE step_ns = 60000000000. */
#include "tables/tables.h"
#include "base/hash.h"
#include "store/histogram.h"

#include <errno.h>
#include <stdlib.h>

enum { RUN, SOURCE, START_NS, LEVEL, LINES, STEP_NS };

struct state {
	struct histogram_row *rows;
	size_t n, next;
	int64_t step_ns;
};

static int64_t fixed(sqlite3_value *v, int64_t otherwise)
{
	return v && sqlite3_value_numeric_type(v) == SQLITE_INTEGER ? sqlite3_value_int64(v) : otherwise;
}

static int open(struct store *s, sqlite3 *db, sqlite3_value *const *value, void **state)
{
	struct state *t = calloc(1, sizeof *t);
	int rc;

	(void)db;
	if (!t)
		return -ENOMEM;
	t->step_ns = 1000000000;
	rc = rowtable_integer(value[2], &t->step_ns);
	if (!rc)
		rc = t->step_ns > 0
		         ? store_histogram(s, fixed(value[0], 0), fixed(value[1], 0), t->step_ns, &t->rows, &t->n)
		         : -EINVAL;
	if (rc)
		free(t);
	else
		*state = t;
	return rc;
}

static int next(void *state)
{
	struct state *t = state;

	return t->next < t->n && ++t->next;
}

static void column(void *state, sqlite3_context *c, int i)
{
	const struct state *t = state;
	const struct histogram_row *r = &t->rows[t->next - 1];

	if (i == LEVEL)
		result_slice(c, r->level);
	else
		sqlite3_result_int64(c, i == RUN        ? r->run
		                        : i == SOURCE   ? r->source
		                        : i == START_NS ? r->start_ns
		                        : i == LINES    ? r->lines
		                                        : t->step_ns);
}

/* Of its key: no two rows of a query have the same one. */
static int rowid(void *state, int64_t *out)
{
	const struct state *t = state;
	const struct histogram_row *r = &t->rows[t->next - 1];
	const int64_t key[] = {r->run, r->source, r->start_ns, t->step_ns};
	uint64_t h = hash_bytes(key, sizeof key, r->level.ptr != NULL);

	*out = (int64_t)hash_slice(r->level, h);
	return 0;
}

static void close(void *state)
{
	struct state *t = state;

	free(t->rows);
	free(t);
}

const struct rowtable histogram_table = {
    .name = "histogram",
    .schema = "CREATE TABLE x(run INTEGER, source INTEGER, start_ns INTEGER, level TEXT, lines INTEGER, step_ns "
              "INTEGER HIDDEN)",
    .pushed = {RUN, SOURCE, STEP_NS, -1},
    .rows = 1000,
    .rows_of_one = 1000,
    .arguments = STEP_NS,
    .refused = "step_ns is a number of nanoseconds above 0",
    .open = open,
    .next = next,
    .column = column,
    .rowid = rowid,
    .close = close,
};
