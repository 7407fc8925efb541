/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_phase.c - the table `phase` (docs/tables.md), made from `invocation` and `attempt` row by row. */
#include "tables/phase_read.h"
#include "tables/tables.h"
#include "base/sql.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN, TID, ATTEMPT, ORD, NAME, START_NS, END_NS };

#define PHASE_BITS 20 /* of a rowid: which phase of the invocation */

struct state {
	sqlite3_stmt *invocations;
	struct phase_reader *reader;
	const struct phases *phases; /* of one invocation; NULL: none yet */
	int at;                      /* which of them */
	sqlite3 *db;
	sqlite3_stmt *number; /* of an invocation; prepared when it is first asked for */
};

static void close_phases(void *p)
{
	struct state *s = p;

	phase_reader_close(s->reader);
	sqlite3_finalize(s->invocations);
	sqlite3_finalize(s->number);
	free(s);
}

static int prepare(struct state *s, sqlite3 *db, sqlite3_value *const *value)
{
	char sql[256];
	int rc;

	snprintf(sql, sizeof sql, "SELECT " PHASE_COLUMNS " FROM invocation WHERE %s%s" PHASE_ORDER,
	         value[1] ? "run = ?2" : "1", value[0] ? " AND tid = ?1" : "");
	rc = sql_prepare(db, sql, &s->invocations);
	for (int i = 0; i < 2 && !rc; i++)
		rc = sql_bind_value(s->invocations, i + 1, value[i]);
	return rc ? rc : phase_reader_open(db, s->invocations, value[0], value[1], &s->reader);
}

static int open_phases(struct store *store, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	struct state *s = calloc(1, sizeof *s);
	int rc;

	(void)store;
	if (!s)
		return -ENOMEM;
	s->db = db;
	rc = prepare(s, db, value);
	if (rc)
		close_phases(s);
	else
		*out = s;
	return rc;
}

static int next_phase(void *p)
{
	struct state *s = p;

	s->at++;
	while (!s->phases || s->at >= s->phases->n) {
		int rc = phase_reader_next(s->reader, &s->phases);

		if (rc != 1)
			return rc;
		s->at = 0;
	}
	return 1;
}

static void phase_column(void *p, sqlite3_context *c, int column)
{
	const struct state *s = p;
	const struct phase *ph = &s->phases->v[s->at];
	char name[PHASE_NAME_MAX];

	switch (column) {
	case RUN:
		sqlite3_result_int64(c, sqlite3_column_int64(s->invocations, RUN));
		break;
	case TID:
		result_slice(c, column_slice(s->invocations, TID));
		break;
	case ATTEMPT:
		result_ns(c, ph->attempt ? ph->attempt : INT64_MIN);
		break;
	case ORD:
		sqlite3_result_int(c, s->at + 1);
		break;
	case NAME:
		sqlite3_result_text(c, phase_name(ph, name), -1, SQLITE_TRANSIENT);
		break;
	case START_NS:
		sqlite3_result_int64(c, ph->start_ns);
		break;
	case END_NS:
		sqlite3_result_int64(c, ph->end_ns);
		break;
	}
}

/* The invocation's number in the database, which the view does not show, and the phase's. */
static int phase_rowid(void *p, int64_t *out)
{
	struct state *s = p;
	int64_t id;
	int rc = 0;

	if (!s->number)
		rc = sql_prepare(s->db,
		                 "SELECT p.id FROM place p JOIN invocation_row i ON i.id = p.id "
		                 "JOIN invocation_kind k ON k.id = i.kind WHERE p.tid = ?1 AND k.run = ?2",
		                 &s->number);
	if (rc || (rc = sql_bind_value(s->number, 1, sqlite3_column_value(s->invocations, TID))) ||
	    (rc = sql_bind_value(s->number, 2, sqlite3_column_value(s->invocations, RUN))))
		return rc;
	rc = sqlite3_step(s->number);
	id = sqlite3_column_int64(s->number, 0);
	sqlite3_reset(s->number);
	if (rc != SQLITE_ROW)
		return rc == SQLITE_DONE ? -EBADMSG : sql_errno(rc);
	*out = (int64_t)((uint64_t)id << PHASE_BITS | (unsigned)s->at);
	return 0;
}

const struct rowtable phase_table = {
    .name = "phase",
    .schema = "CREATE TABLE phase(run INTEGER, tid TEXT, attempt INTEGER, ord INTEGER, name TEXT, start_ns INTEGER, "
              "end_ns INTEGER)",
    .pushed = {TID, RUN, -1},
    .text = 1,
    .rows = 1e5,
    .rows_of_one = 8,
    .open = open_phases,
    .next = next_phase,
    .column = phase_column,
    .rowid = phase_rowid,
    .close = close_phases,
};
