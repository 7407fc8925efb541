/* SPDX-License-Identifier: GPL-3.0-or-later */
/* runs.c - the runs that are loaded.
 *
 * How long one took goes from its first to its last line; where that is more than a clock can be trusted with, the
 * lines are read to leave out what the clock jumped over. */
#include "query/commands/commands.h"
#include "query/core/command.h"
#include "query/whole/gathered.h"
#include "model/extent.h"

static const struct column columns[] = {
    {"offset_s", UNIT_OFFSET},     {"run", UNIT_NONE},
    {"path", UNIT_PATH},           {"kind", LESS(UNIT_NONE)},
    {"first_ns", LESS(UNIT_TIME)}, {"last_ns", LESS(UNIT_TIME)},
    {"duration_ns", UNIT_NS},      {"sources", LESS(UNIT_COUNT)},
    {"lines", UNIT_COUNT},         {"bytes", UNIT_BYTES},
    {"invocations", UNIT_COUNT},   {"failed", UNIT_COUNT},
    {"unfinished", UNIT_COUNT},
};

/* By their kinds, which are few: the view would look up each one's transaction. */
#define INVOCATIONS_OF \
	"SELECT coalesce(sum(c.n), 0) FROM counted c JOIN invocation_kind k ON k.id = c.kind WHERE k.run = r.id"

enum { RUN = 1, DURATION = 6, COLUMNS = sizeof columns / sizeof *columns };

static bool put(struct query *q, sqlite3_stmt *stmt, struct table *t)
{
	struct cell c[COLUMNS];

	for (int i = 0; i < COLUMNS; i++)
		c[i] = query_cell(q, stmt, i);
	/* a difference that is no integer any more is one, too */
	if (c[DURATION].type != CELL_NULL && sqlite3_column_double(stmt, DURATION) > (double)CLOCK_JUMP_NS) {
		c[DURATION] = CELL_OF_INT(0);
		query_ok(q, extent_read(q->store, sqlite3_column_int64(stmt, RUN), &c[DURATION].i), q->path);
	}
	return query_table_row(q, t, c);
}

static void run(struct query *q)
{
	const struct overall *o = q->gathered ? q->gathered->overall : NULL; /* of the run, where there is one */
	struct table *t = query_table_open(q, columns, COLUMNS);
	sqlite3_stmt *stmt = query_prepare(
	    q, "WITH counted AS MATERIALIZED (SELECT kind, count(*) AS n FROM invocation_row GROUP BY kind) "
	       "SELECT coalesce(r.offset_s, 0), r.id, r.path, r.kind, r.first_ns, r.last_ns, r.last_ns - r.first_ns,"
	       " count(s.id), CAST(total(s.lines) AS INTEGER), CAST(total(s.bytes) AS INTEGER),"
	       " coalesce(?1, (" INVOCATIONS_OF ")),"
	       " coalesce(?2, (" INVOCATIONS_OF " AND k.status = 'failed')),"
	       " coalesce(?3, (" INVOCATIONS_OF " AND k.status = 'unfinished'))"
	       " FROM run r LEFT JOIN source s ON s.run = r.id GROUP BY r.id ORDER BY r.id");

	if (o && q->out->one_run) {
		sqlite3_bind_int64(stmt, 1, o->all);
		sqlite3_bind_int64(stmt, 2, o->failed);
		sqlite3_bind_int64(stmt, 3, o->unfinished);
	}
	while (query_next(q, stmt) && put(q, stmt, t))
		;
	sqlite3_finalize(stmt);
	query_table_close(q, t);
	clocks_glance(q);
}

const struct command command_runs = {
    .name = "runs",
    .group = GROUP_DATABASE,
    .help = "the runs that are loaded",
    .more = "duration goes from the first to the last line, without years that the clock jumped over.",
    .need = NEED_READ,
    .run = run,
    COLUMNS_OF(columns),
};
