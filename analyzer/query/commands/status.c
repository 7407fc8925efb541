/* SPDX-License-Identifier: GPL-3.0-or-later */
/* status.c - the state of each worker over time: the last value of every series, as of any instant.
 *
 * For programs a row an instant at which something was measured; for people some two dozen rows, and only the series
 * that change. A value is never taken from the future: before its first measurement it is NULL. */
#include "query/core/command.h"
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
static void read_series(struct states *s, int64_t run)
{
	sqlite3_stmt *stmt =
	    query_prepare(s->q, "SELECT name, min(value), max(value), min(time_ns), max(time_ns) FROM series WHERE "
	                        "?1 = 0 OR run = ?1 GROUP BY name ORDER BY name");
	int64_t first = INT64_MAX, last = INT64_MIN;

	sqlite3_bind_int64(stmt, 1, run);
	while (s->n < MOST && query_next(s->q, stmt)) {
		struct series *x = &s->series[s->n];

		*x = (struct series){.name = strdup((const char *)sqlite3_column_text(stmt, 0)),
		                     .low = sqlite3_column_double(stmt, 1),
		                     .high = sqlite3_column_double(stmt, 2)};
		s->n += query_ok(s->q, x->name ? 0 : -ENOMEM, s->q->command);
		x->shown = !for_people(s) || fabs(x->high - x->low) > 1e-9;
		first = sqlite3_column_int64(stmt, 3) < first ? sqlite3_column_int64(stmt, 3) : first;
		last = sqlite3_column_int64(stmt, 4) > last ? sqlite3_column_int64(stmt, 4) : last;
	}
	sqlite3_finalize(stmt);
	if (for_people(s) && !s->every_ns && last > first)
		s->every_ns = round_step((last - first) / ROWS_FOR_PEOPLE);
}

static void open_table(struct states *s)
{
	struct column columns[MOST + 4] = {
	    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN}, {"worker", UNIT_WHOLE}, {"time_ns", UNIT_TIME}};
	size_t n = 4;

	for (size_t i = 0; i < s->n; i++)
		if (s->series[i].shown)
			columns[n++] = (struct column){s->series[i].name, UNIT_VALUE};
	s->table = query_table_open(s->q, columns, n);
}

static bool put_row(struct states *s, int64_t time_ns)
{
	struct cell c[MOST + 4] = {CELL_OF_INT(s->offset_s), CELL_OF_INT(s->run), cell_of_text(s->worker),
	                           CELL_OF_INT(time_ns)};
	size_t n = 4;

	for (size_t i = 0; i < s->n; i++)
		if (s->series[i].shown)
			c[n++] = s->series[i].known ? CELL_OF_REAL(s->series[i].value) : CELL_OF_NULL;
	return query_table_row(s->q, s->table, c);
}

/* Before values of time_ns are taken in: the rows due with what was known until then. */
static void put_due(struct states *s, int64_t time_ns)
{
	if (!s->some)
		return;
	if (s->at_ns) {
		if (s->time_ns <= s->at_ns && time_ns > s->at_ns) {
			put_row(s, s->at_ns);
			s->some = false;
		}
	} else if (s->every_ns) {
		for (; s->next_ns < time_ns && (s->next_ns <= s->time_ns || time_ns != INT64_MAX);
		     s->next_ns += s->every_ns)
			if (!put_row(s, s->next_ns))
				break;
	} else if (time_ns != s->time_ns) {
		put_row(s, s->time_ns);
	}
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

static void take(struct states *s, sqlite3_stmt *stmt)
{
	const char *worker = (const char *)sqlite3_column_text(stmt, 1),
	           *name = (const char *)sqlite3_column_text(stmt, 2);
	int64_t run = sqlite3_column_int64(stmt, 0), time_ns = sqlite3_column_int64(stmt, 3);

	worker = worker ? worker : "";
	if (run != s->run || strcmp(worker, s->worker)) {
		put_due(s, INT64_MAX);
		start_worker(s, run, worker, sqlite3_column_int64(stmt, 5), time_ns);
	}
	put_due(s, time_ns);
	for (size_t i = 0; i < s->n; i++) {
		if (strcmp(s->series[i].name, name))
			continue;
		s->series[i].known = sqlite3_column_type(stmt, 4) != SQLITE_NULL;
		s->series[i].value = sqlite3_column_double(stmt, 4);
	}
	s->time_ns = time_ns;
	s->some = true;
}

static void put_all(struct states *s, int64_t run)
{
	sqlite3_stmt *stmt = query_prepare(
	    s->q,
	    "SELECT s.run, s.worker, s.name, s.time_ns, s.value, coalesce(r.offset_s, 0) FROM series s JOIN run r ON "
	    "r.id = s.run"
	    " WHERE (?1 = 0 OR s.run = ?1) AND (?2 IS NULL OR s.worker = ?2) ORDER BY s.run, s.worker, s.time_ns");

	sqlite3_bind_int64(stmt, 1, run);
	sqlite3_bind_text(stmt, 2, args_value(s->q->args, "worker"), -1, SQLITE_STATIC);
	s->run = -1;
	while (query_next(s->q, stmt))
		take(s, stmt);
	put_due(s, INT64_MAX);
	sqlite3_finalize(stmt);
}

static void read_options(struct states *s, int64_t run)
{
	const char *at = args_value(s->q->args, "at"), *every = args_value(s->q->args, "every");
	char *end;

	if (every) {
		double seconds = strtod(every, &end);

		if (end == every || (*end && strcmp(end, "s")) || !(seconds > 0) || seconds > 1e9) {
			query_fail(s->q, USAGE, "--every %s: it is a number of seconds", every);
			return;
		}
		s->every_ns = (int64_t)(seconds * 1e9);
		s->every_ns += !s->every_ns;
	}
	if (at)
		s->at_ns = query_instant(s->q, run, "at", at);
}

static void run(struct query *q)
{
	struct states *s = calloc(1, sizeof *s);
	int64_t only = query_run(q);

	if (!query_ok(q, s ? 0 : -ENOMEM, q->command)) {
		free(s);
		return;
	}
	s->q = q;
	read_options(s, only);
	read_series(s, only);
	open_table(s);
	put_all(s, only);
	query_table_close(q, s->table);
	for (size_t i = 0; i < s->n; i++)
		free(s->series[i].name);
	free(s);
}

static const struct option_spec options[] = {
    {.name = "at", .value = "TIME", .help = "as of this instant alone"},
    {.name = "every", .value = "SECONDS", .help = "a row each so many seconds"},
    OPTION_WORKER,
    OPTION_RUN,
    {0},
};

const struct command command_status = {
    .name = "status",
    .group = GROUP_ANSWERS,
    .help = "the state of each worker over time: queues, load, memory, containers",
    .more =
        "The last value of every series as of each instant; none is taken from the future. Text shows the series that "
        "change at some two dozen\n"
        "instants, CSV and JSON all of them whenever one was measured.",
    .examples = "status\nstatus --at 01:18:25 --format json\nstatus --every 10",
    .options = options,
    .need = NEED_READ,
    .run = run,
};
