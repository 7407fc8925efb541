/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_phase.c - the table `phase` (contract §3), made from `invocation` and `attempt` row by row: two sorted lists, read side by side. */
#include "model/phase.h"
#include "model/tables.h"
#include "model/write.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN, TID, ATTEMPT, ORD, NAME, START_NS, END_NS };

struct state {
	sqlite3_stmt *invocation, *attempts; /* both by (run, tid) */
	bool more;		/* attempts stands on a row that is not used yet */
	struct rules *rules;
	struct phase_attempt *attempt;
	int room;
	struct phases phases;
	int at;			/* next of phases */
};

static void close_phases(void *p)
{
	struct state *s = p;

	sqlite3_finalize(s->invocation);
	sqlite3_finalize(s->attempts);
	rules_free(s->rules);
	free(s->attempt);
	free(s->phases.v);
	free(s);
}

static int next_attempt(struct state *s)
{
	int step = sqlite3_step(s->attempts);

	s->more = step == SQLITE_ROW;
	return sql_errno(step);
}

static int prepare(struct state *s, sqlite3 *db, sqlite3_value *const *value)
{
	static const char *const columns[] = {"run,tid,sent_ns,controller_ns,dispatched_ns,arrived_ns,end_ns,return_ns FROM invocation",
					      "run,tid,insert_ns,remove_ns,start_ns,end_ns,state FROM attempt"};
	sqlite3_stmt **const st[] = {&s->invocation, &s->attempts};
	char sql[512];

	for (int i = 0; i < 2; i++) {
		int rc;

		snprintf(sql, sizeof sql, "SELECT %s WHERE %s%s ORDER BY run, tid%s", columns[i], value[1] ? "run = ?2" : "1",
			 value[0] ? " AND tid = ?1" : "", i ? ", n" : "");
		rc = sql_prepare(db, sql, st[i]);
		if (rc)
			return rc;
		if (value[0])
			sqlite3_bind_value(*st[i], 1, value[0]);
		if (value[1])
			sqlite3_bind_value(*st[i], 2, value[1]);
	}
	return next_attempt(s);
}

static int open_phases(struct store *store, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	struct state *s = calloc(1, sizeof *s);
	char *why = NULL;
	int rc;

	(void)store;
	if (!s)
		return -ENOMEM;
	rc = rules_of_database(db, &s->rules, &why);
	free(why);
	if (!rc)
		rc = prepare(s, db, value);
	if (rc)
		close_phases(s);
	else
		*out = s;
	return rc;
}

/* A state as text that outlives the statement. */
static const char *state_name(struct slice v)
{
	static const char *const names[] = {"cold", "prewarm", "warm"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		if (slice_is(v, names[i]))
			return names[i];
	return NULL;
}

/* Where the attempt that is at hand stands to the invocation: before it, at it, behind it. */
static int compare(const struct state *s)
{
	int64_t a = sqlite3_column_int64(s->attempts, RUN), i = sqlite3_column_int64(s->invocation, RUN);
	struct slice at = column_slice(s->attempts, TID), it = column_slice(s->invocation, TID);
	int c;

	if (a != i)
		return a < i ? -1 : 1;
	c = memcmp(at.ptr ? at.ptr : "", it.ptr ? it.ptr : "", at.len < it.len ? at.len : it.len);
	return c ? c : (at.len > it.len) - (at.len < it.len);
}

static int put_attempt(struct state *s, int n)
{
	if (n == s->room) {
		int room = s->room ? s->room * 2 : 8;
		struct phase_attempt *p = realloc(s->attempt, (size_t)room * sizeof *p);

		if (!p)
			return -ENOMEM;
		s->attempt = p;
		s->room = room;
	}
	s->attempt[n] = (struct phase_attempt){column_ns(s->attempts, 2), column_ns(s->attempts, 3), column_ns(s->attempts, 4),
					       column_ns(s->attempts, 5), state_name(column_slice(s->attempts, 6))};
	return 0;
}

static int read_attempts(struct state *s, struct phase_input *in)
{
	int n = 0, rc = 0, c;

	while (!rc && s->more && (c = compare(s)) <= 0) {
		if (!c)
			rc = put_attempt(s, n++);
		if (!rc)
			rc = next_attempt(s);
	}
	in->attempt = s->attempt;
	in->nattempts = n;
	return rc;
}

static int next_phase(void *p)
{
	struct state *s = p;

	s->at++;
	while (s->at >= s->phases.n) {
		struct phase_input in;
		int rc = sqlite3_step(s->invocation);

		if (rc != SQLITE_ROW)
			return sql_errno(rc);
		in = (struct phase_input){column_ns(s->invocation, 2), column_ns(s->invocation, 3), column_ns(s->invocation, 4),
					  column_ns(s->invocation, 5), column_ns(s->invocation, 6), column_ns(s->invocation, 7), NULL, 0};
		rc = read_attempts(s, &in);
		if (!rc)
			rc = phases_make(s->rules, &in, &s->phases);
		if (rc)
			return rc;
		s->at = 0;
	}
	return 1;
}

static void phase_column(void *p, sqlite3_context *c, int column)
{
	const struct state *s = p;
	const struct phase *ph = &s->phases.v[s->at];

	switch (column) {
	case RUN:
		sqlite3_result_int64(c, sqlite3_column_int64(s->invocation, RUN));
		break;
	case TID:
		result_slice(c, column_slice(s->invocation, TID));
		break;
	case ATTEMPT:
		result_ns(c, ph->attempt ? ph->attempt : INT64_MIN);
		break;
	case ORD:
		sqlite3_result_int(c, s->at + 1);
		break;
	case NAME:
		if (ph->state)
			sqlite3_result_text(c, sqlite3_mprintf("%s (%s)", ph->name, ph->state), -1, sqlite3_free);
		else
			sqlite3_result_text(c, ph->name, -1, SQLITE_TRANSIENT);
		break;
	case START_NS:
		sqlite3_result_int64(c, ph->start_ns);
		break;
	case END_NS:
		sqlite3_result_int64(c, ph->end_ns);
		break;
	}
}

const struct rowtable phase_table = {
	.name = "phase",
	.schema = "CREATE TABLE phase(run INTEGER, tid TEXT, attempt INTEGER, ord INTEGER, name TEXT, start_ns INTEGER, end_ns INTEGER)",
	.pushed = {TID, RUN, -1},
	.rows = 1e5,
	.rows_of_one = 8,
	.open = open_phases, .next = next_phase, .column = phase_column, .close = close_phases,
};
