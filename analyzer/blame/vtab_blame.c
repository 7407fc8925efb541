/* SPDX-License-Identifier: GPL-3.0-or-later */
/* vtab_blame.c - the table `blame` (docs/tables.md): made when it is asked for, of one tid or of all, some at a time.
 *
 * The hidden column `cores` says how many a worker has where the log does not: WHERE cores = 4. */
#include "base/hash.h"
#include "base/sql.h"
#include "blame/blame.h"
#include "tables/rowtable.h"
#include <errno.h>
#include <stdlib.h>

enum { RUN, TID, PHASE, HOLDER, HOLDER_TID, HOLDER_FUNCTION, NS, CORES };

/* So many requests at a time: their rows are in memory. */
#define BATCH 20000

struct state {
	sqlite3 *db;
	sqlite3_stmt *runs;
	char *tid; /* NULL: all */
	int64_t cores;
	struct blame_run run;
	uint32_t next_request, end; /* of the run: which are still to be done */
	struct blame_row *row;
	size_t n, at;
};

static void close_blame(void *p)
{
	struct state *s = p;

	sqlite3_finalize(s->runs);
	blame_run_done(&s->run);
	free(s->row);
	free(s->tid);
	free(s);
}

static int prepare(struct state *s, sqlite3_value *const *value)
{
	const char *tid = value[0] ? (const char *)sqlite3_value_text(value[0]) : NULL;
	int rc;

	if (value[0]) {
		s->tid = tid ? strdup(tid) : NULL;
		if (!s->tid)
			return -ENOMEM;
	}
	rc = rowtable_integer(value[2], &s->cores);
	if (rc || s->cores < 0)
		return -EINVAL;
	rc = sql_prepare(s->db,
	                 value[0] ? "SELECT run FROM invocation WHERE tid = ?1 AND (?2 IS NULL OR run = ?2) ORDER BY 1"
	                          : "SELECT id FROM run WHERE ?1 IS NULL AND (?2 IS NULL OR id = ?2) ORDER BY 1",
	                 &s->runs);
	for (int i = 0; i < 2 && !rc; i++)
		rc = sql_bind_value(s->runs, i + 1, value[i]);
	return rc;
}

static int open_blame(struct store *store, sqlite3 *db, sqlite3_value *const *value, void **out)
{
	struct state *s = calloc(1, sizeof *s);
	int rc;

	(void)store;
	if (!s)
		return -ENOMEM;
	s->db = db;
	rc = prepare(s, value);
	if (rc)
		close_blame(s);
	else
		*out = s;
	return rc;
}

/* 1: there is another run. */
static int next_run(struct state *s)
{
	int rc = sql_next(s->runs);

	if (rc != 1)
		return rc;
	blame_run_done(&s->run);
	rc = blame_run_read(s->db, NULL, sqlite3_column_int64(s->runs, 0), s->cores, &s->run);
	if (!rc)
		rc = blame_cold_read(s->db, &s->run);
	s->next_request = 0;
	s->end = s->run.nrequests;
	if (!rc && s->tid) {
		s->next_request = blame_find(&s->run, (struct slice){s->tid, strlen(s->tid)});
		s->end = s->next_request == BLAME_NOBODY ? s->next_request : s->next_request + 1;
	}
	return rc ? rc : 1;
}

static int next_blame(void *p)
{
	struct state *s = p;
	int rc = 1;

	s->at++;
	while (rc == 1 && s->at >= s->n) {
		uint32_t first = s->next_request, last = s->end - first < BATCH ? s->end : first + BATCH;

		free(s->row);
		s->row = NULL;
		s->n = s->at = 0;
		if (first == last) {
			rc = next_run(s);
			continue;
		}
		s->next_request = last;
		rc = blame_rows(&s->run, first, last, &s->row, &s->n);
		rc = rc ? rc : 1;
	}
	return rc;
}

static void phase_column(const struct state *s, sqlite3_context *c, const struct blame_row *r)
{
	struct phase p = blame_phase(&s->run, r);
	char name[PHASE_NAME_MAX];

	sqlite3_result_text(c, phase_name(&p, name), -1, SQLITE_TRANSIENT);
}

static void blame_column(void *p, sqlite3_context *c, int column)
{
	const struct state *s = p;
	const struct blame_row *r = &s->row[s->at];
	const struct blame_request *holder = r->holder == BLAME_NOBODY ? NULL : &s->run.request[r->holder];

	switch (column) {
	case RUN:
		sqlite3_result_int64(c, s->run.run);
		break;
	case TID:
		result_slice(c, blame_tid(&s->run, r->request));
		break;
	case PHASE:
		phase_column(s, c, r);
		break;
	case HOLDER:
		sqlite3_result_text(c, blame_holder_name(r->kind), -1, SQLITE_STATIC);
		break;
	case HOLDER_TID:
		result_slice(c, holder ? blame_tid(&s->run, r->holder) : SLICE_NONE);
		break;
	case HOLDER_FUNCTION:
		result_slice(c, holder ? s->run.functions.text[holder->function] : SLICE_NONE);
		break;
	case NS:
		sqlite3_result_int64(c, r->ns);
		break;
	case CORES:
		sqlite3_result_int64(c, s->cores);
		break;
	}
}

/* Of what makes a row one of its own. */
static int blame_rowid(void *p, int64_t *out)
{
	const struct state *s = p;
	const struct blame_row *r = &s->row[s->at];
	struct {
		uint32_t request, holder, kind, open;
		int64_t cores;
	} key = {r->request, r->holder, r->kind, (uint32_t)r->open | (uint32_t)r->cold << 1, s->cores};

	*out = (int64_t)hash_bytes(&key, sizeof key, (uint64_t)s->run.run);
	return 0;
}

static const struct rowtable blame_table = {
    .name = "blame",
    .schema = "CREATE TABLE blame(run INTEGER, tid TEXT, phase TEXT, holder TEXT, holder_tid TEXT, holder_function "
              "TEXT, ns INTEGER, cores INTEGER HIDDEN)",
    .pushed = {TID, RUN, CORES, -1},
    .text = 1,
    .rows = 1e7,
    .rows_of_one = 50,
    .arguments = CORES,
    .refused = "cores is a number of 0 (as the log says) and above",
    .open = open_blame,
    .next = next_blame,
    .column = blame_column,
    .rowid = blame_rowid,
    .close = close_blame,
};

int blame_register(sqlite3 *db, struct store *s)
{
	return rowtable_register(db, s, &blame_table);
}
