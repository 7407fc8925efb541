/* SPDX-License-Identifier: GPL-3.0-or-later */
/* clock.c - the clock that a run's log showed at a moment.
 *
 * Most runs have one offset. A log whose times name none was given a zone (`load --timezone`), line by line, so that
 * its clock changed with daylight saving; its zone stands in source.offset_from. */
#include "base/array.h"
#include "ingest/zone.h"
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>

#define NS_PER_S INT64_C(1000000000)
#define BUCKET_S 900 /* clocks change at quarters of an hour */

struct run_clock {
	int64_t run, offset_s;
	char *zone; /* NULL: offset_s at all times */
	int64_t bucket, bucket_offset_s;
	bool has_bucket;
};

void store_clocks_forget(struct store *s)
{
	for (size_t i = 0; i < s->nclocks; i++)
		free(s->clocks[i].zone);
	free(s->clocks);
	s->clocks = NULL;
	s->nclocks = s->clocks_room = 0;
	s->clocks_read = false;
}

static int clock_add(struct store *s, sqlite3_stmt *q)
{
	const char *zone = (const char *)sqlite3_column_text(q, 2);
	struct run_clock *c;
	int64_t ns;

	if (store_offset_ns(sqlite3_column_int64(q, 1), &ns))
		return -EBADMSG;
	c = array_add(s->clocks, s->nclocks, s->clocks_room);
	if (!c)
		return -ENOMEM;
	*c = (struct run_clock){.run = sqlite3_column_int64(q, 0), .offset_s = sqlite3_column_int64(q, 1)};
	if (zone && !(c->zone = strdup(zone)))
		return -ENOMEM;
	return 0;
}

/* The zone is that of the source whose offset is the run's, see pass_run_times. */
static int clocks_read(struct store *s)
{
	static const char sql[] =
	    "SELECT r.id, coalesce(r.offset_s, 0), (SELECT CASE WHEN offset_from NOT IN ('stamp', 'option', 'result', "
	    "'assumed') THEN offset_from END FROM source s WHERE s.run = r.id AND s.offset_s IS NOT NULL ORDER BY kind "
	    "= 'energy', offset_from = 'stamp', path LIMIT 1) FROM run r ORDER BY r.id";
	sqlite3_stmt *q;
	int rc = s->clocks_read ? 0 : sql_prepare(s->db, sql, &q), bad = 0;

	if (s->clocks_read || rc)
		return rc;
	while (!bad && (rc = sql_next(q)) == 1)
		bad = clock_add(s, q);
	sqlite3_finalize(q);
	s->clocks_read = !bad && !rc;
	if (!s->clocks_read)
		store_clocks_forget(s);
	return bad ? bad : rc;
}

static int by_run(const void *a, const void *b)
{
	const struct run_clock *x = a, *y = b;

	return (x->run > y->run) - (x->run < y->run);
}

/* NULL with *rc 0: no such run. */
static struct run_clock *clock_of(struct store *s, int64_t run, int *rc)
{
	struct run_clock key = {.run = run};

	*rc = clocks_read(s);
	return *rc || !s->nclocks ? NULL : bsearch(&key, s->clocks, s->nclocks, sizeof key, by_run);
}

int store_clock(struct store *s, int64_t run, int64_t ns, int64_t *offset_s)
{
	int64_t bucket = ns / NS_PER_S / BUCKET_S - (ns < 0);
	int rc;
	struct run_clock *c = clock_of(s, run, &rc);

	*offset_s = c ? c->offset_s : 0;
	if (!c || !c->zone)
		return rc;
	if (!c->has_bucket || c->bucket != bucket) {
		/* a zone that this machine does not have any more: the run's first offset */
		if (zone_offset_utc(c->zone, bucket * BUCKET_S * NS_PER_S, &c->bucket_offset_s, NULL))
			c->bucket_offset_s = c->offset_s;
		c->bucket = bucket;
		c->has_bucket = true;
	}
	*offset_s = c->bucket_offset_s;
	return 0;
}

int store_clock_shown(struct store *s, int64_t run, int64_t local_ns, int64_t *offset_s)
{
	int rc;
	const struct run_clock *c = clock_of(s, run, &rc);

	if (!c || !c->zone || zone_offset(c->zone, local_ns, offset_s, NULL))
		*offset_s = c ? c->offset_s : 0;
	return rc;
}

/* clock_offset_s(run, ns): UTC minus the clock of the run's log at that moment; NULL of no moment. */
static void clock_offset_s(sqlite3_context *ctx, int n, sqlite3_value **v)
{
	struct store *s = sqlite3_user_data(ctx);
	int64_t offset_s, ns = sqlite3_value_int64(v[1]);
	int rc;

	(void)n;
	rc = store_clock(s, sqlite3_value_int64(v[0]), ns, &offset_s);
	if (rc)
		sql_result_fail(ctx, rc, store_error(rc));
	else
		sqlite3_result_int64(ctx, offset_s);
}

int store_clock_register(struct store *s)
{
	return sqlite3_create_function(s->db, "clock_offset_s", 2, SQLITE_UTF8, s, clock_offset_s, NULL, NULL);
}
