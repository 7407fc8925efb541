/* SPDX-License-Identifier: GPL-3.0-or-later */
/* ledger.c - see ledger.h */
#include "mirror/ledger.h"
#include "beside/result_set.h"
#include "remote/fetch.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

int ledger_run(sqlite3 *db, struct slice path, int64_t *id)
{
	sqlite3_stmt *st = NULL;
	int rc = 0;

	for (int i = 0; i < 2; i++) {
		rc = sql_prepare(db, "SELECT id FROM run WHERE path = ?1", &st);
		bind_slice(st, 1, path);
		if (!rc && (rc = sql_next(st)) == 1)
			*id = sqlite3_column_int64(st, 0);
		sqlite3_finalize(st);
		if (rc)
			return rc < 0 ? rc : 0;
		rc = sql_prepare(db, "INSERT INTO run (path, kind) VALUES (?1, 'other')", &st);
		bind_slice(st, 1, path);
		rc = rc ? rc : sql_finish(st);
		if (rc)
			return rc;
	}
	return -EBADMSG;
}

int ledger_source_id(sqlite3 *db, int64_t run, struct slice path, int64_t *id)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT id FROM source WHERE run = ?1 AND path = ?2", &st);

	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, path);
	*id = 0;
	if (!rc && (rc = sql_next(st)) == 1) {
		*id = sqlite3_column_int64(st, 0);
		rc = 0;
	}
	sqlite3_finalize(st);
	return rc;
}

int ledger_reject(sqlite3 *db, const struct slice *v)
{
	sqlite3_stmt *st = NULL;
	int64_t run = 0, source = 0;
	int rc = ledger_run(db, v[0], &run);

	rc = rc ? rc : ledger_source_id(db, run, v[1], &source);
	if (rc || !source)
		return rc;
	rc = sql_prepare(db,
	                 "INSERT OR REPLACE INTO reject(source, line, offset, length, reason, sample) "
	                 "VALUES (?1, CAST(?2 AS INTEGER), CAST(?3 AS INTEGER), CAST(?4 AS INTEGER), ?5, ?6)",
	                 &st);
	sqlite3_bind_int64(st, 1, source);
	for (int i = 2; i < FETCH_REJECT_COLUMNS; i++)
		bind_slice(st, i, v[i]);
	return rc ? rc : sql_finish(st);
}

static double real_of(struct slice v)
{
	return v.ptr ? strtod(v.ptr, NULL) : NAN;
}

static int put_result(struct result_set *set, const struct slice *v)
{
	struct result_row *r;
	int64_t number[FETCH_RESULT_COLUMNS];
	int rc = result_set_row(set, v[1], &r, NULL);

	if (rc)
		return rc;
	for (int i = 0; i < FETCH_RESULT_COLUMNS; i++)
		number[i] = v[i].ptr ? tsv_int(v[i]) : NO_NS;
	*r = (struct result_row){.ord = number[2],
	                         .success = number[3],
	                         .was_cold = number[5],
	                         .worker_duration_us = number[6],
	                         .code_duration_sec = real_of(v[7]),
	                         .e2e_duration_us = number[8],
	                         .compute = number[9],
	                         .container_state = number[10],
	                         .sent = number[11],
	                         .client_latency_us = number[12],
	                         .body_start = real_of(v[13]),
	                         .function_name = INTERN_NONE};
	return v[4].ptr ? intern_add(&set->names, v[4], &r->function_name) : 0;
}

static int by_run_and_row(const void *a, const void *b)
{
	const struct slice *x = *(const struct slice *const *)a, *y = *(const struct slice *const *)b;
	int64_t i = tsv_int(x[2]), j = tsv_int(y[2]);
	int c = slice_compare(x[0], y[0]);

	return c ? c : i != j ? (i < j ? -1 : 1) : slice_compare(x[1], y[1]);
}

/* Those of one run, in parts. */
static int put_results(sqlite3 *db, const struct slice **v, size_t n)
{
	int64_t run = 0;
	int rc = ledger_run(db, v[0][0], &run);

	for (size_t i = 0; i < n && !rc; i += RESULT_PART) {
		struct result_set set = {0};

		for (size_t k = i; k < n && k < i + RESULT_PART && !rc; k++)
			rc = put_result(&set, v[k]);
		if (!rc)
			rc = result_set_write(&set, db, run, (uint32_t)(i / RESULT_PART));
		result_set_done(&set);
	}
	return rc;
}

int ledger_results(sqlite3 *db, const struct slice **v, size_t n)
{
	int rc = 0;

	if (n)
		qsort(v, n, sizeof *v, by_run_and_row);
	for (size_t i = 0, end; i < n && !rc; i = end) {
		for (end = i; end < n && slice_same(v[end][0], v[i][0]); end++)
			;
		rc = put_results(db, v + i, end - i);
	}
	return rc;
}
