/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.c - the state of each worker over time: the last value of every series, as of any instant.
 *
 * For programs a row an instant at which something was measured; for people some two dozen rows, and only the series
 * that change. A value is never taken from the future: before its first measurement it is NULL. */
#include "query/commands/commands.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST = 200, ROWS_FOR_PEOPLE = 24 };

struct series {
	char *name;
	double low, high; /* to know whether it changes */
	bool shown;
	bool known;
	double value; /* the last one of the worker at work */
};

struct states {
	struct query *q;
	struct series series[MOST];
	size_t n;
	int64_t at_ns, every_ns; /* 0: not asked for */
	int64_t run, offset_s;
	char worker[256];
	int64_t next_ns, time_ns; /* the next row's instant; that of the rows read last */
	bool some;                /* values were read that no row has shown yet */
	struct table *table;
};

static bool for_people(const struct states *s)
{
	return s->q->out->format != FORMAT_CSV && s->q->out->format != FORMAT_JSON;
}

/* The next of 1, 2, 5, 10, 20, ... ns. */
static int64_t round_step(int64_t ns)
{
	int64_t unit = 1;

	while (unit < ns / 10)
		unit *= 10;
	return ns <= unit ? unit : ns <= 2 * unit ? 2 * unit : ns <= 5 * unit ? 5 * unit : 10 * unit;
}

/* Which series there are, how far they reach, and for how long. */
static int read_series(struct states *s, int64_t run)
{
	sqlite3_stmt *stmt = NULL;
	int64_t first = INT64_MAX, last = INT64_MIN;
	int status = query_prepare(s->q,
	                           "SELECT name, min(value), max(value), min(time_ns), max(time_ns) FROM series WHERE "
	                           "?1 = 0 OR run = ?1 GROUP BY name ORDER BY name",
	                           &stmt);

	if (!status)
		sqlite3_bind_int64(stmt, 1, run);
	while (!status && s->n < MOST && (status = query_step(s->q, stmt)) == 1) {
		struct series *x = &s->series[s->n];

		*x = (struct series){strdup((const char *)sqlite3_column_text(stmt, 0)),
		                     sqlite3_column_double(stmt, 1),
		                     sqlite3_column_double(stmt, 2),
		                     true,
		                     false,
		                     0};
		status = x->name ? DONE : query_errno(s->q, -ENOMEM, s->q->command);
		s->n += x->name != NULL;
		x->shown = !for_people(s) || fabs(x->high - x->low) > 1e-9;
		first = sqlite3_column_int64(stmt, 3) < first ? sqlite3_column_int64(stmt, 3) : first;
		last = sqlite3_column_int64(stmt, 4) > last ? sqlite3_column_int64(stmt, 4) : last;
	}
	sqlite3_finalize(stmt);
	if (!status && for_people(s) && !s->every_ns && last > first)
		s->every_ns = round_step((last - first) / ROWS_FOR_PEOPLE);
	return status;
}

static int open_table(struct states *s)
{
	struct column columns[MOST + 4] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN}, {"worker", UNIT_WHOLE}, {"time_ns", UNIT_TIME}};
	size_t n = 4;

	for (size_t i = 0; i < s->n; i++)
		if (s->series[i].shown)
			columns[n++] = (struct column){s->series[i].name, UNIT_VALUE};
	return table_open(s->q->out, columns, n, &s->table);
}

static int put_row(struct states *s, int64_t time_ns)
{
	struct cell c[MOST + 4] = {CELL_OF_INT(s->offset_s), CELL_OF_INT(s->run), cell_of_text(s->worker),
	                           CELL_OF_INT(time_ns)};
	size_t n = 4;

	for (size_t i = 0; i < s->n; i++)
		if (s->series[i].shown)
			c[n++] = s->series[i].known ? CELL_OF_REAL(s->series[i].value) : CELL_OF_NULL;
	return table_row(s->table, c);
}

/* Before values of time_ns are taken in: the rows due with what was known until then. */
static int put_due(struct states *s, int64_t time_ns)
{
	int rc = 0;

	if (s->at_ns) {
		if (s->some && s->time_ns <= s->at_ns && time_ns > s->at_ns) {
			rc = put_row(s, s->at_ns);
			s->some = false;
		}
	} else if (s->every_ns) {
		for (; !rc && s->some && s->next_ns < time_ns && (s->next_ns <= s->time_ns || time_ns != INT64_MAX);
		     s->next_ns += s->every_ns)
			rc = put_row(s, s->next_ns);
	} else if (s->some && time_ns != s->time_ns) {
		rc = put_row(s, s->time_ns);
	}
	return rc;
}

static void start_worker(struct states *s, int64_t run, const char *worker, int64_t offset_s, int64_t time_ns)
{
	for (size_t i = 0; i < s->n; i++)
		s->series[i].known = false;
	snprintf(s->worker, sizeof s->worker, "%s", worker);
	s->run = run;
	s->offset_s = offset_s;
	s->some = false;
	s->next_ns = s->time_ns = time_ns;
}

static int take(struct states *s, sqlite3_stmt *stmt)
{
	const char *worker = (const char *)sqlite3_column_text(stmt, 1),
	           *name = (const char *)sqlite3_column_text(stmt, 2);
	int64_t run = sqlite3_column_int64(stmt, 0), time_ns = sqlite3_column_int64(stmt, 3);
	int rc = 0;

	worker = worker ? worker : "";
	if (run != s->run || strcmp(worker, s->worker)) {
		rc = put_due(s, INT64_MAX);
		start_worker(s, run, worker, sqlite3_column_int64(stmt, 5), time_ns);
	}
	if (!rc)
		rc = put_due(s, time_ns);
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->series[i].name, name))
			continue;
		s->series[i].known = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
		s->series[i].value = sqlite3_column_double(stmt, 4);
	}
	s->time_ns = time_ns;
	s->some = true;
	return rc;
}

static int put_all(struct states *s, int64_t run)
{
	const char *worker = args_value(s->q->args, "worker");
	sqlite3_stmt *stmt = NULL;
	int status = query_prepare(
	    s->q,
	    "SELECT s.run, s.worker, s.name, s.time_ns, s.value, coalesce(r.offset_s, 0) FROM series s JOIN run r ON "
	    "r.id = s.run"
	    " WHERE (?1 = 0 OR s.run = ?1) AND (?2 IS NULL OR s.worker = ?2) ORDER BY s.run, s.worker, s.time_ns",
	    &stmt);
	int rc = 0;

	if (!status) {
		sqlite3_bind_int64(stmt, 1, run);
		sqlite3_bind_text(stmt, 2, worker, -1, SQLITE_STATIC);
	}
	s->run = -1;
	while (!status && !rc && (status = query_step(s->q, stmt)) == 1) {
		rc = take(s, stmt);
		status = DONE;
	}
	if (!status && !rc)
		rc = put_due(s, INT64_MAX);
	sqlite3_finalize(stmt);
	return status ? status : query_errno(s->q, rc, "output");
}

static int read_options(struct states *s, int64_t run)
{
	const char *at = args_value(s->q->args, "at"), *every = args_value(s->q->args, "every");
	char *end;

	if (every) {
		double seconds = strtod(every, &end);

		if (end == every || (*end && strcmp(end, "s")) || !(seconds > 0) || seconds > 1e9)
			return query_fail(s->q, USAGE, "--every %s: it is a number of seconds", every);
		s->every_ns = (int64_t)(seconds * 1e9);
		s->every_ns += !s->every_ns;
	}
	return at ? query_instant(s->q, run, "at", at, &s->at_ns) : DONE;
}

int cmd_status(struct query *q)
{
	struct states *s = calloc(1, sizeof *s);
	int64_t run;
	int status, rc = 0;

	if (!s)
		return query_errno(q, -ENOMEM, q->command);
	s->q = q;
	status = query_run(q, &run);
	if (!status)
		status = read_options(s, run);
	if (!status)
		status = read_series(s, run);
	if (!status)
		rc = open_table(s);
	if (!status && !rc)
		status = put_all(s, run);
	if (rc || (rc = table_close(s->table)))
		status = status ? status : query_errno(q, rc, "output");
	for (size_t i = 0; i < s->n; i++)
		free(s->series[i].name);
	free(s);
	return status;
}
