/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_series.c - the table `series` (docs/tables.md): values that a daemon logs again and again. */
#include "beside/series_read.h"
#include "base/sql.h"
#include "beside/rows.h"
#include <errno.h>
#include <stdlib.h>

enum { RUN, WORKER, NAME, TIME_NS, VALUE };

struct state {
	struct series_reader *reader;
	const struct series_row *row;
};

static void close_series(void *p)
{
	struct state *s = p;

	series_reader_close(s->reader);
	free(s);
}

static int open_series(struct store *store, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	const char *name = value[0] ? (const char *)sqlite3_value_text(value[0]) : NULL;
	struct state *s = calloc(1, sizeof *s);
	int rc = s ? 0 : -ENOMEM;

	(void)db;
	if (!rc)
		rc = series_reader_open(store, value[0] && !name ? "" : name,
		                        value[1] ? sqlite3_value_int64(value[1]) : 0, &s->reader);
	if (rc)
		free(s);
	else
		*out = s;
	return rc;
}

static int next_series(void *p)
{
	struct state *s = p;

	return series_reader_next(s->reader, &s->row);
}

static void series_column(void *p, sqlite3_context *c, int column)
{
	const struct series_row *r = ((struct state *)p)->row;

	switch (column) {
	case RUN:
		sqlite3_result_int64(c, r->run);
		break;
	case WORKER:
		result_slice(c, r->worker);
		break;
	case NAME:
		result_slice(c, r->name);
		break;
	case TIME_NS:
		sqlite3_result_int64(c, r->time_ns);
		break;
	case VALUE:
		sqlite3_result_double(c, r->value);
		break;
	}
}

static int series_rowid(void *p, int64_t *out)
{
	*out = ((struct state *)p)->row->number;
	return 0;
}

const struct rowtable series_table = {
    .name = "series",
    .schema = "CREATE TABLE series(run INTEGER, worker TEXT, name TEXT, time_ns INTEGER, value REAL)",
    .pushed = {NAME, RUN, -1},
    .text = 1,
    .rows = 1e5,
    .rows_of_one = 1e3,
    .open = open_series,
    .next = next_series,
    .column = series_column,
    .rowid = series_rowid,
    .close = close_series,
};
