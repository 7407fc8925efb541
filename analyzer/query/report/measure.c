/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measure.c - see measure.h */
#include "query/report/measure.h"
#include "base/array.h"
#include "base/sql.h"
#include "beside/series_read.h"
#include "model/parts.h"
#include "store/groups.h"
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

/* The run's time in columns of a round length. */
static void divide(struct query *q, struct measure *m, int64_t from, int64_t to)
{
	enum { FEW = 300000 };
	int64_t all;

	if (to < from || __builtin_sub_overflow(to, from, &all)) {
		query_ok(q, -EBADMSG, q->path);
		return;
	}
	m->start_ns = from;
	m->step_ns = rounded_step(all / (MEASURE_COLUMNS - 1));
	/* Of many lines there are counts by the second. */
	if (m->lines > FEW && m->step_ns < 1000000000)
		m->step_ns = 1000000000;
	m->n = (size_t)(all / m->step_ns) + 1;
}

static void lay_columns(struct query *q, struct measure *m)
{
	sqlite3_stmt *st = query_prepare(q, "SELECT path, first_ns, last_ns, (SELECT total(lines) FROM source WHERE "
	                                    "run = ?1) FROM run WHERE id = ?1");

	sqlite3_bind_int64(st, 1, m->run);
	if (query_next(q, st)) {
		m->name = measure_run_name((const char *)sqlite3_column_text(st, 0));
		query_ok(q, m->name ? 0 : -ENOMEM, q->command);
		m->lines = sqlite3_column_int64(st, 3);
		if (sqlite3_column_type(st, 1) != SQLITE_NULL && sqlite3_column_type(st, 2) != SQLITE_NULL)
			divide(q, m, sqlite3_column_int64(st, 1), sqlite3_column_int64(st, 2));
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
	if (!query_ok(q, m->durations && m->functions ? 0 : -ENOMEM, q->command))
		return;
	m->file.beside = q->path;
	m->all.file = &m->file;
	for (size_t i = 0; i < m->n; i++)
		m->durations[i].file = &m->file;
	for (size_t i = 0; i <= MEASURE_FUNCTIONS; i++)
		m->functions[i].durations.file = &m->file;
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

static void count_line(struct measure *m, struct slice level, int64_t at_ns, int64_t n)
{
	size_t i = column_of(m, at_ns);

	m->lines_at[i] += (double)n;
	if (slice_is(level, "ERROR")) {
		m->errors_at[i] += (double)n;
		m->errors += n;
	} else if (slice_is(level, "WARN")) {
		m->warnings_at[i] += (double)n;
		m->warnings += n;
	}
}

/* From the directories of the chunks and the seconds of their rows. In SQL, GROUP BY would have a row of each line. */
static int count_by_second(struct measure *m, struct store *s)
{
	struct event_where w = {.q.run = m->run};
	struct event_groups *g = NULL;
	int rc = event_groups_open(s, &w, 1u << COL_LEVEL | 1u << COL_SECOND, NULL, 0, &g);
	bool lasting;

	for (size_t i = 0; g && !rc && i < event_groups_count(g); i++) {
		const struct event_group *e = event_groups_at(g, i);

		count_line(m, event_groups_text(g, e->text[GROUP_LEVEL], &lasting), ns_moved(e->second * 1000000000, 0),
		           (int64_t)e->n);
	}
	event_groups_close(g);
	event_where_done(&w);
	return rc;
}

static int count_one_by_one(struct measure *m, struct store *s)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s), "SELECT level, time_ns FROM event WHERE run = ?1", &st);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, m->run);
	while ((rc = sql_next(st)) == 1)
		count_line(m, column_slice(st, 0), sqlite3_column_int64(st, 1), 1);
	sqlite3_finalize(st);
	return rc;
}

static int count_counted(struct measure *m, struct store *s, bool by_second)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(s), "SELECT level, time_ns, n FROM folded_lines WHERE run = ?1", &st);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, m->run);
	while ((rc = sql_next(st)) == 1) {
		int64_t ns = sqlite3_column_int64(st, 1);

		count_line(m, column_slice(st, 0), by_second ? ns_moved(event_second(ns) * 1000000000, 0) : ns,
		           sqlite3_column_int64(st, 2));
	}
	sqlite3_finalize(st);
	return rc;
}

/* A mirror of a cluster has tables instead of lines (mirror/leveled.h, mirror/folded.h). */
static int count_lines(struct measure *m, struct store *s)
{
	bool by_second = m->step_ns >= 1000000000 && m->step_ns % 1000000000 == 0 && m->lines > 20000, counted = false;
	int rc = sql_has_table(store_db(s), "folded_lines", &counted);

	if (rc || counted)
		return rc ? rc : count_counted(m, s, by_second);
	return (by_second ? count_by_second : count_one_by_one)(m, s);
}

/* ---- the order of phases ---- */

/* Phases are told in the order in which the first transactions have them, whichever file was loaded first: of these it
 * is noted which they had. */
struct measured_first {
	int64_t place;
	uint32_t rank;
	uint8_t n, phase[MEASURE_PHASES];
};

static int by_place(const void *a, const void *b)
{
	const struct measured_first *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

static int by_rank(const void *a, const void *b)
{
	const struct measured_first *x = a, *y = b;

	return (x->rank > y->rank) - (x->rank < y->rank);
}

static void find_first(struct query *q, struct measure *m)
{
	sqlite3_stmt *st =
	    query_prepare(q, "SELECT p.id FROM place p JOIN invocation_row i ON i.id = p.id JOIN "
	                     "invocation_kind k ON k.id = i.kind WHERE k.run = ?1 ORDER BY p.tid LIMIT ?2");

	m->first = calloc(MEASURE_FIRST, sizeof *m->first);
	query_ok(q, m->first ? 0 : -ENOMEM, q->command);
	sqlite3_bind_int64(st, 1, m->run);
	sqlite3_bind_int64(st, 2, MEASURE_FIRST);
	for (; query_next(q, st); m->nfirst++)
		m->first[m->nfirst] =
		    (struct measured_first){.place = sqlite3_column_int64(st, 0), .rank = (uint32_t)m->nfirst};
	sqlite3_finalize(st);
	if (m->nfirst)
		qsort(m->first, m->nfirst, sizeof *m->first, by_place);
}

static void note_phase(struct measured_first *f, uint32_t number)
{
	if (f && !memchr(f->phase, (int)number, f->n) && f->n < MEASURE_PHASES)
		f->phase[f->n++] = (uint8_t)number;
}

static struct measured_first *first_at(struct measure *m, int64_t place)
{
	struct measured_first key = {.place = place};

	return m->nfirst && place >= m->first[0].place && place <= m->first[m->nfirst - 1].place
	           ? bsearch(&key, m->first, m->nfirst, sizeof *m->first, by_place)
	           : NULL;
}

/* ---- invocations ---- */

/* The function of a kind that is met for the first time. */
static int number_function(struct measure *m, struct measured_kind *k)
{
	struct slice name = m->kind_functions.text[k->function];

	k->number = intern_find(&m->names, name);
	if (k->number == INTERN_NONE && m->names.n < MEASURE_FUNCTIONS)
		return intern_add(&m->names, name, &k->number);
	if (k->number == INTERN_NONE)
		k->number = MEASURE_FUNCTIONS;
	return 0;
}

static int function_of(struct measure *m, struct measured_kind *k, struct measured_function **out)
{
	int rc = k->number == INTERN_NONE ? number_function(m, k) : 0;
	struct measured_function *f;

	if (rc)
		return rc;
	f = &m->functions[k->number];
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

static int count_phases(struct measure *m, struct measured_function *f, size_t column, const struct phases *phases,
                        struct measured_first *first)
{
	int rc = 0;

	for (int i = 0; i < phases->n && !rc; i++) {
		const struct phase *p = &phases->v[i];
		double ns = (double)(p->end_ns - p->start_ns);
		uint32_t number;

		if (p->end_ns == p->start_ns)
			continue;
		rc = phase_number(&m->phase_names, p, &number);
		if (rc)
			break;
		if (number >= MEASURE_PHASES)
			number = MEASURE_PHASES - 1;
		note_phase(first, number);
		m->phase_ns[number * m->n + column] += ns;
		f->phase_ns[column * MEASURE_PHASES + number] += ns;
	}
	return rc;
}

static int count_duration(struct measure *m, struct measured_function *f, size_t column, int64_t ns)
{
	size_t bin = bin_of(ns);
	int rc = sample_add(&m->durations[column], ns);

	m->heat[column * MEASURE_BINS + bin]++;
	f->bins[column * MEASURE_BINS + bin]++;
	f->total_ns += (double)ns;
	return rc ? rc : sample_add(&f->durations, ns);
}

/* When it began, as far as that is known. */
static int64_t began_ns(const struct invocation_read *o)
{
	const int64_t at[] = {o->sent_ns, o->arrived_ns, o->insert_ns, o->start_ns};

	for (size_t i = 0; i < sizeof at / sizeof *at; i++)
		if (at[i] != NO_NS)
			return at[i];
	return 0;
}

/* One that no line tells of, only the result file, began when its request did. */
static void count_cold(struct measure *m, const struct invocation_read *o)
{
	for (int i = 0; i < o->nattempts; i++) {
		const struct phase_attempt *a = &o->attempt[i];
		const int64_t at[] = {a->remove_ns, a->insert_ns, a->start_ns, a->end_ns};
		size_t k = 0;

		if (!a->state || strcmp(a->state, "cold"))
			continue;
		m->cold++;
		while (k < 4 && at[k] == NO_NS)
			k++;
		m->cold_at[column_of(m, k < 4 ? at[k] : began_ns(o))]++;
	}
}

int measure_take(void *measure, const struct invocation_read *o, const struct phases *phases)
{
	struct measure *m = measure;
	struct measured_kind *k = o->kind < m->nkinds ? &m->kinds[o->kind] : NULL;
	int64_t ns = invocation_duration_ns(o);
	struct measured_function *f;
	size_t column;
	int rc;

	if (!m->n || (k && k->run != m->run))
		return 0;
	if (!k)
		return -EBADMSG;
	column = column_of(m, began_ns(o));
	rc = function_of(m, k, &f);
	if (rc)
		return rc;
	m->invocations++;
	f->n++;
	f->n_at[column]++;
	f->failed += !k->ok;
	f->failed_at[column] += !k->ok;
	m->failed += k->failed;
	m->unfinished += !k->failed && !k->ok;
	(k->ok ? m->ok_at : k->failed ? m->failed_at : m->unfinished_at)[column]++;
	count_cold(m, o);
	if (ns != NO_NS && (k->ok || k->failed))
		rc = count_duration(m, f, column, ns);
	return rc ? rc : count_phases(m, f, column, phases, first_at(m, o->place));
}

static int read_kind(struct measure *m, sqlite3_stmt *st)
{
	struct slice status = column_slice(st, 1);
	struct measured_kind *k = array_add(m->kinds, m->nkinds, m->kinds_room);

	if (!k)
		return -ENOMEM;
	*k = (struct measured_kind){.run = sqlite3_column_int64(st, 0),
	                            .number = INTERN_NONE,
	                            .ok = slice_is(status, "ok"),
	                            .failed = slice_is(status, "failed")};
	return intern_add(&m->kind_functions, column_slice(st, 2), &k->function);
}

static void read_kinds(struct query *q, struct measure *m)
{
	sqlite3_stmt *st = query_prepare(
	    q, "SELECT run, status, coalesce(function_name, fqdn, '(unknown)') FROM invocation_kind ORDER BY id");

	while (query_next(q, st))
		query_ok(q, read_kind(m, st), q->command);
	sqlite3_finalize(st);
}

/* ---- series ---- */

/* Names come in any order, a few of them again and again: the one that follows is mostly the one that followed before.
 * *out NULL: of a name that has no room. */
static int series_of(struct measure *m, struct slice name, size_t *next, struct measured_series **out)
{
	struct measured_series *s;

	for (size_t i = 0; i < m->nseries; i++) {
		size_t at = (*next + i) % m->nseries;

		s = &m->series[at];
		if (strlen(s->name) == name.len && !memcmp(s->name, name.ptr, name.len)) {
			*next = at + 1;
			*out = s;
			return 0;
		}
	}
	*out = NULL;
	if (m->nseries >= MEASURE_SERIES)
		return 0;
	*out = s = array_add(m->series, m->nseries, m->series_room);
	if (!s)
		return -ENOMEM;
	*s = (struct measured_series){strndup(name.ptr ? name.ptr : "", name.len), calloc(m->n, sizeof *s->v),
	                              calloc(m->n, sizeof *s->n)};
	return s->name && s->n && s->v ? 0 : -ENOMEM;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct measured_series *)a)->name, ((const struct measured_series *)b)->name);
}

static int add_value(struct measure *m, const struct series_row *row, size_t *next)
{
	struct measured_series *s;
	int rc;

	if (row->time_ns < m->start_ns || (uint64_t)((row->time_ns - m->start_ns) / m->step_ns) >= m->n)
		return 0;
	rc = series_of(m, row->name, next, &s);
	if (!rc && s) {
		s->v[column_of(m, row->time_ns)] += row->value;
		s->n[column_of(m, row->time_ns)]++;
	}
	return rc;
}

static int read_lines(struct measure *m, struct store *store)
{
	struct series_reader *reader = NULL;
	const struct series_row *row;
	size_t next = 0;
	int rc = series_reader_open(store, NULL, m->run, &reader);

	while (!rc && (rc = series_reader_next(reader, &row)) == 1)
		rc = query_interrupted ? -EINTR : add_value(m, row, &next);
	series_reader_close(reader);
	return rc;
}

static int read_folded(struct measure *m, struct store *store)
{
	struct series_row row = {0};
	sqlite3_stmt *st;
	size_t next = 0;
	int rc =
	    sql_prepare(store_db(store), "SELECT name, time_ns, value FROM series WHERE run = ?1 ORDER BY rowid", &st);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, m->run);
	while (!rc && (rc = sql_next(st)) == 1) {
		row.name = column_slice(st, 0);
		row.time_ns = sqlite3_column_int64(st, 1);
		row.value = sqlite3_column_double(st, 2);
		rc = query_interrupted ? -EINTR : add_value(m, &row, &next);
	}
	sqlite3_finalize(st);
	return rc;
}

/* The mean of each column, over all workers. */
static int read_series(struct measure *m, struct store *store)
{
	bool folded = false;
	int rc = sql_has_table(store_db(store), "series", &folded);

	if (!rc)
		rc = (folded ? read_folded : read_lines)(m, store);
	for (size_t i = 0; i < m->nseries && !rc; i++)
		for (size_t k = 0; k < m->n; k++)
			m->series[i].v[k] = m->series[i].n[k] > 0 ? m->series[i].v[k] / m->series[i].n[k] : NAN;
	if (m->nseries && !rc)
		qsort(m->series, m->nseries, sizeof *m->series, by_name);
	return rc;
}

int measure_beside(void *measure, struct store *store)
{
	struct measure *m = measure;
	int rc = read_series(m, store);

	return rc ? rc : count_lines(m, store);
}

struct pass {
	struct query *q;
	struct measure *m;
};

static void pass_over(void *arg)
{
	const struct pass *p = arg;

	gather_invocations(p->q, &(struct gather_part){measure_take, p->m}, 1);
}

/* ---- what it comes to ---- */

static void put_quantiles(struct query *q, struct measure *m)
{
	for (size_t i = 0; i < m->n; i++) {
		struct sample *s = &m->durations[i];

		m->p50[i] = m->p90[i] = m->p99[i] = NAN;
		if (!s->n || !query_ok(q, sample_sort(s), q->path))
			continue;
		for (size_t k = 0; k < s->n; k++)
			query_ok(q, sample_add(&m->all, s->values[k]), q->path);
		query_ok(q, sample_spread(s), q->path);
		m->p50[i] = (double)s->spread.p50;
		m->p90[i] = (double)s->spread.p90;
		m->p99[i] = (double)s->spread.p99;
	}
	query_ok(q, sample_spread(&m->all), q->path);
}

static int by_total(const void *a, const void *b)
{
	const struct measured_function *x = a, *y = b;

	if (x->total_ns != y->total_ns)
		return x->total_ns < y->total_ns ? 1 : -1;
	return x->n != y->n ? (x->n < y->n) - (x->n > y->n) : strcmp(x->name, y->name);
}

static void name_all(struct query *q, struct measure *m)
{
	size_t all = 0;

	for (size_t i = 0; i <= MEASURE_FUNCTIONS; i++) {
		struct measured_function *f = &m->functions[i];

		if (!f->n)
			continue;
		f->name = i < MEASURE_FUNCTIONS ? m->names.text[i].ptr : "(others)";
		query_ok(q, sample_spread(&f->durations), q->path);
		m->functions[all++] = *f;
		if (all - 1 != i)
			*f = (struct measured_function){0};
	}
	m->nfunctions = all;
	if (all)
		qsort(m->functions, all, sizeof *m->functions, by_total);
	m->nphases = m->phase_names.names.n < MEASURE_PHASES ? m->phase_names.names.n : MEASURE_PHASES;
	for (size_t i = 0; i < m->nphases; i++)
		m->phases[i] = i + 1 == MEASURE_PHASES && m->phase_names.names.n > MEASURE_PHASES
		                   ? "others"
		                   : m->phase_names.names.text[i].ptr;
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

/* ---- the order of phases, when all are known ---- */

/* Moves what belongs to phase order[i] to i, in values that are `step` apart. */
static void permute(double *v, size_t step, const uint8_t *order, size_t n)
{
	double was[MEASURE_PHASES];

	for (size_t i = 0; i < n; i++)
		was[i] = v[i * step];
	for (size_t i = 0; i < n; i++)
		v[i * step] = was[order[i]];
}

/* The numbers of phases in the order in which they are told. More than are told apart stay as they came. */
static size_t order_phases(struct measure *m, uint8_t *order)
{
	bool seen[MEASURE_PHASES] = {false};
	uint32_t all = m->phase_names.names.n;
	size_t n = 0;

	if (all > MEASURE_PHASES)
		return 0;
	if (m->nfirst)
		qsort(m->first, m->nfirst, sizeof *m->first, by_rank);
	for (size_t i = 0; i < m->nfirst; i++)
		for (size_t k = 0; k < m->first[i].n; k++)
			if (!seen[m->first[i].phase[k]]) {
				seen[m->first[i].phase[k]] = true;
				order[n++] = m->first[i].phase[k];
			}
	for (uint32_t i = 0; i < all; i++)
		if (!seen[i])
			order[n++] = (uint8_t)i;
	return n;
}

static void sort_phases(struct measure *m)
{
	uint8_t order[MEASURE_PHASES];
	const char *names[MEASURE_PHASES];
	size_t n = order_phases(m, order);

	memcpy(names, m->phases, sizeof names);
	for (size_t i = 0; i < n; i++)
		m->phases[i] = names[order[i]];
	for (size_t k = 0; k < m->n && n; k++) {
		permute(m->phase_ns + k, m->n, order, n);
		for (size_t f = 0; f < m->nfunctions; f++)
			permute(m->functions[f].phase_ns + k * MEASURE_PHASES, 1, order, n);
	}
}

/* ---- all of it ---- */

void measure_begin(struct query *q, int64_t run, struct measure *m)
{
	*m = (struct measure){.run = run};
	lay_columns(q, m);
	if (!m->n || q->status)
		return;
	make_room(q, m);
	read_kinds(q, m);
	find_first(q, m);
}

void measure_end(struct query *q, struct measure *m)
{
	if (!m->n || q->status)
		return;
	put_quantiles(q, m);
	name_all(q, m);
	sort_phases(m);
}

void measure_run(struct query *q, int64_t run, struct measure *m)
{
	struct pass p = {q, m};

	measure_begin(q, run, m);
	if (m->n && !q->status)
		query_ok(q, parts_beside(q->store, pass_over, &p, measure_beside, m), q->path);
	measure_end(q, m);
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
	sample_file_done(&m->file);
	free(m->name);
	intern_done(&m->names);
	intern_done(&m->kind_functions);
	phase_numbers_done(&m->phase_names);
	free(m->kinds);
	free(m->first);
}
