/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measure.c - see measure.h */
#include "query/report/measure.h"
#include "base/array.h"
#include "base/sql.h"
#include "tables/phase_read.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- columns ---- */

/* Steps of time that people count in. */
static int64_t rounded_step(int64_t ns)
{
	static const int64_t more[] = {60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200, 86400};
	int64_t step = 1000;

	for (int i = 0; step < ns && step < 30000000000; i = (i + 1) % 3)
		step = i == 1 ? step / 2 * 5 : step * 2;
	if (step >= ns)
		return step;
	for (size_t i = 0; i < sizeof more / sizeof *more; i++)
		if (more[i] * 1000000000 >= ns)
			return more[i] * 1000000000;
	return ns;
}

static void lay_columns(struct query *q, struct measure *m)
{
	enum { FEW = 300000 };
	sqlite3_stmt *st = query_prepare(q, "SELECT path, first_ns, last_ns, (SELECT total(lines) FROM source WHERE "
	                                    "run = ?1) FROM run WHERE id = ?1");
	int64_t last;

	sqlite3_bind_int64(st, 1, m->run);
	if (query_next(q, st)) {
		m->name = measure_run_name((const char *)sqlite3_column_text(st, 0));
		query_ok(q, m->name ? 0 : -ENOMEM, q->command);
		m->lines = sqlite3_column_int64(st, 3);
		if (sqlite3_column_type(st, 1) != SQLITE_NULL && sqlite3_column_type(st, 2) != SQLITE_NULL) {
			m->start_ns = sqlite3_column_int64(st, 1);
			last = sqlite3_column_int64(st, 2);
			m->step_ns = rounded_step((last - m->start_ns) / (MEASURE_COLUMNS - 1));
			/* Of many lines there are counts by the second. */
			if (m->lines > FEW && m->step_ns < 1000000000)
				m->step_ns = 1000000000;
			m->n = (size_t)((last - m->start_ns) / m->step_ns) + 1;
		}
	}
	sqlite3_finalize(st);
	m->offset_s = m->n ? query_clock(q, m->run, m->start_ns) : query_offset(q, m->run);
}

static double *column_values(struct query *q, const struct measure *m, size_t each)
{
	double *v = calloc(m->n * each + 1, sizeof *v);

	query_ok(q, v ? 0 : -ENOMEM, q->command);
	return v;
}

static void make_room(struct query *q, struct measure *m)
{
	double **const plain[] = {&m->ok_at,       &m->failed_at, &m->unfinished_at, &m->cold_at, &m->errors_at,
	                          &m->warnings_at, &m->lines_at,  &m->p50,           &m->p90,     &m->p99};

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		*plain[i] = column_values(q, m, 1);
	m->heat = column_values(q, m, MEASURE_BINS);
	m->phase_ns = column_values(q, m, MEASURE_PHASES);
	m->durations = calloc(m->n + 1, sizeof *m->durations);
	m->functions = calloc(MEASURE_FUNCTIONS + 1, sizeof *m->functions);
	query_ok(q, m->durations && m->functions ? 0 : -ENOMEM, q->command);
}

/* What lies outside of the run's lines belongs to its first or last column. */
static size_t column_of(const struct measure *m, int64_t ns)
{
	int64_t i = ns <= m->start_ns ? 0 : (ns - m->start_ns) / m->step_ns;

	return (uint64_t)i >= m->n ? m->n - 1 : (size_t)i;
}

static size_t bin_of(int64_t ns)
{
	double bin = ns > 1000 ? log10((double)ns / MEASURE_LOW_NS) * 10 : 0;

	return bin >= MEASURE_BINS ? MEASURE_BINS - 1 : (size_t)bin;
}

/* ---- lines ---- */

static void count_lines(struct query *q, struct measure *m)
{
	bool by_second = m->step_ns >= 1000000000 && m->step_ns % 1000000000 == 0 && m->lines > 20000;
	sqlite3_stmt *st = query_prepare(
	    q, by_second ? "SELECT level, second, count(*) FROM event WHERE run = ?1 GROUP BY level, second"
	                 : "SELECT level, time_ns, 1 FROM event WHERE run = ?1");

	sqlite3_bind_int64(st, 1, m->run);
	while (query_next(q, st)) {
		struct slice level = column_slice(st, 0);
		int64_t at = sqlite3_column_int64(st, 1), n = sqlite3_column_int64(st, 2);
		size_t i = column_of(m, by_second ? ns_moved(at * 1000000000, 0) : at);

		m->lines_at[i] += (double)n;
		if (level.len == 5 && slice_is(level, "ERROR")) {
			m->errors_at[i] += (double)n;
			m->errors += n;
		} else if (slice_is(level, "WARN")) {
			m->warnings_at[i] += (double)n;
			m->warnings += n;
		}
	}
	sqlite3_finalize(st);
}

/* ---- invocations ---- */

static int function_of(struct measure *m, struct slice name, struct measured_function **out)
{
	uint32_t i = intern_find(&m->names, name);
	struct measured_function *f;
	int rc = 0;

	if (i == INTERN_NONE && m->names.n < MEASURE_FUNCTIONS)
		rc = intern_add(&m->names, name, &i);
	else if (i == INTERN_NONE)
		i = MEASURE_FUNCTIONS;
	if (rc)
		return rc;
	f = &m->functions[i];
	if (!f->bins) {
		f->n_at = calloc(m->n, sizeof *f->n_at);
		f->failed_at = calloc(m->n, sizeof *f->failed_at);
		f->phase_ns = calloc(m->n * MEASURE_PHASES, sizeof *f->phase_ns);
		f->bins = calloc(m->n * MEASURE_BINS, sizeof *f->bins);
		if (!f->n_at || !f->failed_at || !f->phase_ns || !f->bins)
			return -ENOMEM;
	}
	*out = f;
	return 0;
}

static int phase_number(struct measure *m, const struct phase *p, uint32_t *out)
{
	char name[PHASE_NAME_MAX];
	int rc;

	phase_name(p, name);
	rc = intern_add(&m->phase_names, (struct slice){name, strlen(name)}, out);
	if (!rc && *out >= MEASURE_PHASES)
		*out = MEASURE_PHASES - 1;
	return rc;
}

static int count_phases(struct measure *m, struct measured_function *f, size_t column, const struct phases *phases)
{
	int rc = 0;

	for (int i = 0; i < phases->n && !rc; i++) {
		const struct phase *p = &phases->v[i];
		double ns = (double)(p->end_ns - p->start_ns);
		uint32_t number;

		if (p->end_ns == p->start_ns)
			continue;
		rc = phase_number(m, p, &number);
		if (rc)
			break;
		m->phase_ns[number * m->n + column] += ns;
		f->phase_ns[column * MEASURE_PHASES + number] += ns;
	}
	return rc;
}

/* Columns of the statement, behind those of the phases. */
enum { SENT = 2, ARRIVED = 5, STATUS = 8, DURATION, FUNCTION, BEGAN };

static int count_duration(struct measure *m, struct measured_function *f, size_t column, int64_t ns)
{
	size_t bin = bin_of(ns);
	int rc = sample_add(&m->durations[column], ns);

	m->heat[column * MEASURE_BINS + bin]++;
	f->bins[column * MEASURE_BINS + bin]++;
	f->total_ns += (double)ns;
	return rc ? rc : sample_add(&f->durations, ns);
}

static int count_invocation(struct measure *m, sqlite3_stmt *st, const struct phases *phases)
{
	struct slice status = column_slice(st, STATUS), name = column_slice(st, FUNCTION);
	bool failed = slice_is(status, "failed"), ok = slice_is(status, "ok");
	struct measured_function *f;
	size_t column = column_of(m, sqlite3_column_int64(st, BEGAN));
	int rc = function_of(m, name.ptr ? name : SLICE("(unknown)"), &f);

	if (rc)
		return rc;
	m->invocations++;
	f->n++;
	f->n_at[column]++;
	f->failed += !ok;
	f->failed_at[column] += !ok;
	m->failed += failed;
	m->unfinished += !failed && !ok;
	(ok ? m->ok_at : failed ? m->failed_at : m->unfinished_at)[column]++;
	if (sqlite3_column_type(st, DURATION) != SQLITE_NULL && (ok || failed))
		rc = count_duration(m, f, column, sqlite3_column_int64(st, DURATION));
	return rc ? rc : count_phases(m, f, column, phases);
}

static void count_invocations(struct query *q, struct measure *m)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT " PHASE_COLUMNS ", " INVOCATION_DURATION
	                                    ", coalesce(function_name, fqdn), coalesce(sent_ns, arrived_ns, insert_ns, "
	                                    "start_ns) FROM invocation WHERE run = ?1" PHASE_ORDER),
	             *run = query_prepare(q, "SELECT ?1");
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc = 0;

	sqlite3_bind_int64(st, 1, m->run);
	sqlite3_bind_int64(run, 1, m->run);
	if (query_next(q, run))
		rc = phase_reader_open(q->db, st, NULL, sqlite3_column_value(run, 0), &reader);
	while (reader && !rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = query_interrupted ? -EINTR : count_invocation(m, st, phases);
	query_ok(q, rc, q->path);
	phase_reader_close(reader);
	sqlite3_finalize(run);
	sqlite3_finalize(st);
}

static void count_cold(struct query *q, struct measure *m)
{
	sqlite3_stmt *st =
	    query_prepare(q, "SELECT coalesce(remove_ns, insert_ns, start_ns, end_ns) FROM attempt WHERE "
	                     "run = ?1 AND state = 'cold'");

	sqlite3_bind_int64(st, 1, m->run);
	while (query_next(q, st)) {
		m->cold++;
		if (sqlite3_column_type(st, 0) != SQLITE_NULL)
			m->cold_at[column_of(m, sqlite3_column_int64(st, 0))]++;
	}
	sqlite3_finalize(st);
}

/* ---- series ---- */

/* Names come in any order, a few of them again and again: the one that follows is mostly the one that followed before.
 */
static struct measured_series *series_of(struct query *q, struct measure *m, struct slice name, size_t *next)
{
	struct measured_series *s;

	for (size_t i = 0; i < m->nseries; i++) {
		size_t at = (*next + i) % m->nseries;

		s = &m->series[at];
		if (strlen(s->name) == name.len && !memcmp(s->name, name.ptr, name.len)) {
			*next = at + 1;
			return s;
		}
	}
	s = m->nseries < MEASURE_SERIES ? array_add(m->series, m->nseries, m->series_room) : NULL;
	if (!s)
		return NULL;
	*s = (struct measured_series){strndup(name.ptr ? name.ptr : "", name.len), column_values(q, m, 1),
	                              column_values(q, m, 1)};
	return query_ok(q, s->name ? 0 : -ENOMEM, q->command) && s->n && s->v ? s : NULL;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct measured_series *)a)->name, ((const struct measured_series *)b)->name);
}

/* The mean of each column, over all workers. */
static void read_series(struct query *q, struct measure *m)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT name, time_ns, value FROM series WHERE run = ?1");
	size_t next = 0;

	sqlite3_bind_int64(st, 1, m->run);
	while (query_next(q, st)) {
		int64_t ns = sqlite3_column_int64(st, 1);
		struct measured_series *s;

		if (ns < m->start_ns || (uint64_t)((ns - m->start_ns) / m->step_ns) >= m->n ||
		    sqlite3_column_type(st, 2) == SQLITE_NULL)
			continue;
		s = series_of(q, m, column_slice(st, 0), &next);
		if (s) {
			s->v[column_of(m, ns)] += sqlite3_column_double(st, 2);
			s->n[column_of(m, ns)]++;
		}
	}
	sqlite3_finalize(st);
	for (size_t i = 0; i < m->nseries && !q->status; i++)
		for (size_t k = 0; k < m->n; k++)
			m->series[i].v[k] = m->series[i].n[k] > 0 ? m->series[i].v[k] / m->series[i].n[k] : NAN;
	if (m->nseries && !q->status)
		qsort(m->series, m->nseries, sizeof *m->series, by_name);
}

/* ---- what it comes to ---- */

static void put_quantiles(struct query *q, struct measure *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct sample *s = &m->durations[i];

		m->p50[i] = m->p90[i] = m->p99[i] = NAN;
		if (!s->n)
			continue;
		sample_sort(s);
		m->p50[i] = (double)sample_quantile(s, 0.5);
		m->p90[i] = (double)sample_quantile(s, 0.9);
		m->p99[i] = (double)sample_quantile(s, 0.99);
		for (size_t k = 0; k < s->n; k++)
			query_ok(q, sample_add(&m->all, s->values[k]), q->command);
		sample_done(s);
		*s = (struct sample){0};
	}
	sample_sort(&m->all);
}

static int by_total(const void *a, const void *b)
{
	const struct measured_function *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns < y->total_ns ? 1 : -1;
	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static void name_all(struct measure *m)
{
	size_t all = 0;

	for (size_t i = 0; i <= MEASURE_FUNCTIONS; i++) {
		struct measured_function *f = &m->functions[i];

		if (!f->n)
			continue;
		f->name = i < MEASURE_FUNCTIONS ? m->names.text[i].ptr : "(others)";
		sample_sort(&f->durations);
		m->functions[all++] = *f;
		if (all - 1 != i)
			*f = (struct measured_function){0};
	}
	m->nfunctions = all;
	if (all)
		qsort(m->functions, all, sizeof *m->functions, by_total);
	m->nphases = m->phase_names.n < MEASURE_PHASES ? m->phase_names.n : MEASURE_PHASES;
	for (size_t i = 0; i < m->nphases; i++)
		m->phases[i] = i + 1 == MEASURE_PHASES && m->phase_names.n > MEASURE_PHASES
		                   ? "others"
		                   : m->phase_names.text[i].ptr;
	for (size_t i = 0; i < m->nphases; i++)
		for (size_t k = 0; k < m->n; k++) {
			double n = m->ok_at[k] + m->failed_at[k] + m->unfinished_at[k];

			m->phase_ns[i * m->n + k] = n > 0 ? m->phase_ns[i * m->n + k] / n : 0;
		}
}

char *measure_run_name(const char *path)
{
	size_t len = path ? strlen(path) : 0, from;

	while (len > 1 && path[len - 1] == '/')
		len--;
	for (from = len; from > 0 && path[from - 1] != '/'; from--)
		;
	return len > from ? strndup(path + from, len - from) : strdup(path && *path ? path : "run");
}

void measure_run(struct query *q, int64_t run, struct measure *m)
{
	*m = (struct measure){.run = run};
	intern_init(&m->names);
	intern_init(&m->phase_names);
	lay_columns(q, m);
	if (!m->n || q->status)
		return;
	make_room(q, m);
	if (!q->status)
		count_lines(q, m);
	if (!q->status)
		count_invocations(q, m);
	if (!q->status)
		count_cold(q, m);
	if (!q->status)
		read_series(q, m);
	if (q->status)
		return;
	put_quantiles(q, m);
	name_all(m);
}

void measure_done(struct measure *m)
{
	double *const plain[] = {m->ok_at,    m->failed_at, m->unfinished_at, m->cold_at, m->errors_at, m->warnings_at,
	                         m->lines_at, m->p50,       m->p90,           m->p99,     m->heat,      m->phase_ns};

	for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
		free(plain[i]);
	for (size_t i = 0; m->durations && i < m->n; i++)
		sample_done(&m->durations[i]);
	for (size_t i = 0; m->functions && i <= MEASURE_FUNCTIONS; i++) {
		free(m->functions[i].n_at);
		free(m->functions[i].failed_at);
		free(m->functions[i].phase_ns);
		free(m->functions[i].bins);
		sample_done(&m->functions[i].durations);
	}
	for (size_t i = 0; i < m->nseries; i++) {
		free(m->series[i].name);
		free(m->series[i].v);
		free(m->series[i].n);
	}
	free(m->series);
	free(m->functions);
	free(m->durations);
	sample_done(&m->all);
	free(m->name);
	intern_done(&m->names);
	intern_done(&m->phase_names);
}
