/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase_read.c - see phase_read.h: two sorted lists, read side by side, where a statement says which. */
#include "tables/phase_read.h"
#include "tables/moments.h"
#include "base/array.h"
#include "base/sql.h"
#include "model/rules_kept.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RUN, TID, FIRST };

struct phase_reader {
	sqlite3_stmt *invocations, *attempts; /* both by (run, tid) */
	bool more;                            /* attempts stands on a row that is not used yet */
	struct rules *rules;
	struct invocation_reader *all; /* NULL: a statement says which */
	const struct invocation_read *at;
	sqlite3_stmt *moments; /* of one invocation; NULL: the rules name none */
	struct moments named;
	struct phase_attempt *attempt;
	int room;
	struct phases phases;
};

void phase_reader_close(struct phase_reader *r)
{
	if (!r)
		return;
	invocation_reader_close(r->all);
	sqlite3_finalize(r->attempts);
	sqlite3_finalize(r->moments);
	free(r->named.v);
	rules_free(r->rules);
	free(r->attempt);
	free(r->phases.v);
	free(r);
}

static int next_attempt(struct phase_reader *r)
{
	int step = sqlite3_step(r->attempts);

	r->more = step == SQLITE_ROW;
	return sql_errno(step);
}

static int prepare_attempts(struct phase_reader *r, sqlite3 *db, sqlite3_value *tid, sqlite3_value *run)
{
	char sql[256];
	int rc;

	snprintf(sql, sizeof sql,
	         "SELECT run, tid, insert_ns, remove_ns, start_ns, end_ns, state FROM attempt WHERE %s%s" PHASE_ORDER
	         ", n",
	         run ? "run = ?2" : "1", tid ? " AND tid = ?1" : "");
	rc = sql_prepare(db, sql, &r->attempts);
	if (!rc)
		rc = sql_bind_value(r->attempts, 1, tid);
	if (!rc)
		rc = sql_bind_value(r->attempts, 2, run);
	return rc ? rc : next_attempt(r);
}

int phase_reader_open(sqlite3 *db, sqlite3_stmt *invocations, sqlite3_value *tid, sqlite3_value *run,
                      struct phase_reader **out)
{
	struct phase_reader *r = calloc(1, sizeof *r);
	char *why = NULL;
	int rc;

	if (!r)
		return -ENOMEM;
	r->invocations = invocations;
	rc = rules_of_database(db, &r->rules, &why);
	free(why);
	if (!rc)
		rc = prepare_attempts(r, db, tid, run);
	if (!rc && r->rules->nmoments)
		rc = sql_prepare(db,
		                 "SELECT m.times FROM place p JOIN invocation_row i ON i.id = p.id "
		                 "JOIN invocation_kind k ON k.id = i.kind JOIN moment_row m ON m.place = p.id "
		                 "WHERE p.tid = ? AND k.run = ?",
		                 &r->moments);
	if (rc)
		phase_reader_close(r);
	else
		*out = r;
	return rc;
}

int phase_reader_open_places(sqlite3 *db, int64_t first, int64_t last, struct phase_reader **out)
{
	struct phase_reader *r = calloc(1, sizeof *r);
	char *why = NULL;
	int rc;

	if (!r)
		return -ENOMEM;
	rc = rules_of_database(db, &r->rules, &why);
	free(why);
	if (!rc)
		rc = invocation_reader_open(db, first, last, &r->all);
	if (!rc && r->rules->nmoments)
		rc = sql_prepare(db, "SELECT times FROM moment_row WHERE place = ?", &r->moments);
	if (rc)
		phase_reader_close(r);
	else
		*out = r;
	return rc;
}

/* Where the attempt that is at hand stands to the invocation: before it, at it, behind it. */
static int compare(const struct phase_reader *r)
{
	int64_t a = sqlite3_column_int64(r->attempts, RUN), i = sqlite3_column_int64(r->invocations, RUN);

	if (a != i)
		return a < i ? -1 : 1;
	return slice_compare(column_slice(r->attempts, TID), column_slice(r->invocations, TID));
}

static int put_attempt(struct phase_reader *r, int n)
{
	if (array_reserve(r->attempt, r->room, n + 1))
		return -ENOMEM;
	r->attempt[n] = (struct phase_attempt){column_ns(r->attempts, FIRST), column_ns(r->attempts, FIRST + 1),
	                                       column_ns(r->attempts, FIRST + 2), column_ns(r->attempts, FIRST + 3),
	                                       attempt_state(column_slice(r->attempts, FIRST + 4))};
	return 0;
}

static int read_attempts(struct phase_reader *r, struct phase_input *in)
{
	int n = 0, rc = 0, c;

	while (!rc && r->more && (c = compare(r)) <= 0) {
		if (!c)
			rc = put_attempt(r, n++);
		if (!rc)
			rc = next_attempt(r);
	}
	in->attempt = r->attempt;
	in->nattempts = n;
	return rc;
}

static int read_moments(struct phase_reader *r, struct phase_input *in)
{
	int rc;

	if (!r->moments)
		return 0;
	if (r->at)
		sqlite3_bind_int64(r->moments, 1, r->at->place);
	else if ((rc = sql_bind_value(r->moments, 1, sqlite3_column_value(r->invocations, TID))) ||
	         (rc = sql_bind_value(r->moments, 2, sqlite3_column_value(r->invocations, RUN))))
		return rc;
	rc = sql_next(r->moments);
	if (rc == 1) {
		struct slice times = {sqlite3_column_blob(r->moments, 0), (size_t)sqlite3_column_bytes(r->moments, 0)};

		rc = moments_unpack(times.ptr, times.len, &r->named);
		in->moment = r->named.v;
		in->nmoments = r->named.n;
	}
	sqlite3_reset(r->moments);
	return rc;
}

static int next_of_all(struct phase_reader *r)
{
	int rc = invocation_reader_next(r->all, &r->at);
	const struct invocation_read *o = r->at;
	struct phase_input in;

	if (rc != 1)
		return rc;
	in = (struct phase_input){.sent_ns = o->sent_ns,
	                          .controller_ns = o->controller_ns,
	                          .dispatched_ns = o->dispatched_ns,
	                          .arrived_ns = o->arrived_ns,
	                          .completed_ns = o->end_ns,
	                          .returned_ns = o->return_ns,
	                          .attempt = o->attempt,
	                          .nattempts = o->nattempts,
	                          .answered = o->ok};
	rc = read_moments(r, &in);
	if (!rc)
		rc = phases_make(r->rules, &in, &r->phases);
	return rc ? rc : 1;
}

const struct invocation_read *phase_reader_at(const struct phase_reader *r)
{
	return r->at;
}

int phase_reader_next(struct phase_reader *r, const struct phases **out)
{
	struct phase_input in;
	int rc;

	*out = &r->phases;
	if (r->all)
		return next_of_all(r);
	rc = sqlite3_step(r->invocations);
	if (rc != SQLITE_ROW)
		return sql_errno(rc);
	in = (struct phase_input){column_ns(r->invocations, FIRST),
	                          column_ns(r->invocations, FIRST + 1),
	                          column_ns(r->invocations, FIRST + 2),
	                          column_ns(r->invocations, FIRST + 3),
	                          column_ns(r->invocations, FIRST + 4),
	                          column_ns(r->invocations, FIRST + 5),
	                          NULL,
	                          0,
	                          NULL,
	                          0,
	                          slice_is(column_slice(r->invocations, FIRST + 6), "ok")};
	rc = read_attempts(r, &in);
	if (!rc)
		rc = read_moments(r, &in);
	if (!rc)
		rc = phases_make(r->rules, &in, &r->phases);
	return rc ? rc : 1;
}
