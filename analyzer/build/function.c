/* SPDX-License-Identifier: GPL-3.0-or-later */
/* function.c - what is known of functions, and what follows from it for their invocations.
 *
 * Formulas are the reference's, operation by operation, so that the last digit agrees: docs/tables.md. Shares and the
 * minimum code time of a function are per worker. */
#include "build/build.h"
#include "beside/result_set.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- functions of invocations that no line names ---- */

/* The trace of a run as numbers of b->names; *out is yours. */
static int read_trace(struct build *b, int64_t run, uint32_t **out, size_t *n)
{
	struct trace_set set;
	int rc = trace_set_read(&set, b->db, run);

	*n = set.n;
	*out = rc ? NULL : malloc((set.n + 1) * sizeof **out);
	if (!rc && !*out)
		rc = -ENOMEM;
	for (uint32_t i = 0; !rc && i < set.n; i++)
		rc = intern_add(&b->names, set.names.text[set.v[i].func_name], &(*out)[i]);
	trace_set_done(&set);
	return rc;
}

/* Arrivals are looked at twice: the trace of a run is believed only if it agrees with every function that is known
 * otherwise; then it tells the others. */
struct filling {
	struct build *b;
	struct build_run *run; /* the one that the last arrival was of */
	uint32_t *trace;
	size_t rows, at;
};

/* Runs that need no trace have none. */
static int fill_begin(struct filling *f, int64_t run)
{
	int rc = 0;

	free(f->trace);
	f->trace = NULL;
	f->rows = f->at = 0;
	f->run = build_run_of(f->b, run);
	if (f->run && f->run->unknown)
		rc = read_trace(f->b, run, &f->trace, &f->rows);
	return rc;
}

static int agree_one(struct filling *f, const struct build_arrival *a)
{
	if (f->at >= f->rows || (a->function != INTERN_NONE && a->function != f->trace[f->at]))
		f->run->doubted = true;
	return 0;
}

static int fill_one(struct filling *f, const struct build_arrival *a)
{
	if (a->function != INTERN_NONE || f->run->doubted)
		return 0;
	return write_function(&f->b->writer, a->place, a->kind, intern_text(&f->b->names, f->trace[f->at]));
}

static int each_arrival(struct build *b, int (*one)(struct filling *, const struct build_arrival *))
{
	struct filling f = {.b = b};
	struct slice x;
	int rc = sorter_rewind(b->arrivals);

	while (!rc && (rc = sorter_next(b->arrivals, &x)) == 1) {
		struct build_arrival a;

		memcpy(&a, x.ptr, sizeof a);
		rc = f.run && f.run->id == a.run ? 0 : fill_begin(&f, a.run);
		if (!rc && f.run && f.run->unknown)
			rc = one(&f, &a);
		f.at++;
	}
	free(f.trace);
	return rc;
}

int build_functions_from_trace(struct build *b)
{
	bool unknown = false;
	int rc = 0;

	for (size_t i = 0; i < b->nruns; i++)
		unknown |= b->run[i].unknown;
	if (unknown)
		rc = each_arrival(b, agree_one);
	if (unknown && !rc)
		rc = each_arrival(b, fill_one);
	return rc;
}

/* ---- inter-arrival times ---- */

struct iat {
	struct slice name;
	int64_t last_ms, count;
	double sum_ms; /* the numbers of a file may be any */
	double mean;
};

#define DECILES 11

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* numpy.quantile's linear interpolation over sorted v. */
static double quantile(const double *v, size_t n, double q)
{
	double at = q * (double)(n - 1), t = at - floor(at), a, d;
	size_t i = (size_t)floor(at);

	if (i + 1 >= n)
		return v[n - 1];
	a = v[i];
	d = v[i + 1] - a;
	return t >= 0.5 ? v[i + 1] - d * (1 - t) : a + d * t;
}

static int write_iats(struct build *b, int64_t run, struct iat *v, size_t n)
{
	double *means = malloc((n + 1) * sizeof *means), quant[DECILES];
	sqlite3_stmt *st = NULL;
	size_t m = 0;
	int rc =
	    means ? sql_prepare(b->db,
	                        "INSERT INTO function(run,func_name,avg_iat,iat_class) VALUES(?,?,?,?) "
	                        "ON CONFLICT DO UPDATE SET avg_iat = excluded.avg_iat, iat_class = excluded.iat_class",
	                        &st)
	          : -ENOMEM;

	for (size_t i = 0; !rc && i < n; i++) {
		v[i].mean = v[i].sum_ms / (double)v[i].count;
		if (v[i].count > 1)
			means[m++] = v[i].mean;
	}
	if (!rc && m) {
		qsort(means, m, sizeof *means, compare_doubles);
		for (int i = 0; i < DECILES; i++)
			quant[i] = quantile(means, m, i * 0.1);
	}
	for (size_t i = 0; !rc && i < n; i++) {
		double mean = NAN, class = NAN;

		if (v[i].count > 1) {
			int k = 0;

			mean = v[i].mean;
			while (k < DECILES - 1 && mean > quant[k])
				k++;
			class = k * 0.1;
		} else if (v[i].count == 1 && m) {
			mean = means[m - 1] + 1.0;
			class = quant[DECILES - 1];
		}
		sqlite3_bind_int64(st, 1, run);
		bind_slice(st, 2, v[i].name);
		bind_real(st, 3, mean);
		bind_real(st, 4, class);
		rc = sql_step_reset(st);
	}
	sqlite3_finalize(st);
	free(means);
	return rc;
}

/* Names that no row has any more go. */
static size_t drop_unused(struct iat *v, size_t n)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++)
		if (v[i].name.ptr)
			v[used++] = v[i];
	return used;
}

static int build_iats(struct build *b, int64_t run)
{
	struct trace_set set;
	struct iat *v = NULL;
	int rc = trace_set_read(&set, b->db, run);

	if (!rc && set.n && !(v = calloc(set.names.n, sizeof *v)))
		rc = -ENOMEM;
	for (uint32_t i = 0; !rc && i < set.n; i++) {
		struct iat *f = &v[set.v[i].func_name];
		int64_t ms = set.v[i].invoke_time_ms;

		if (f->name.ptr) {
			f->sum_ms += (double)ms - (double)f->last_ms;
			f->count++;
		}
		f->name = set.names.text[set.v[i].func_name];
		f->last_ms = ms;
	}
	if (!rc && set.n)
		rc = write_iats(b, run, v, drop_unused(v, set.names.n));
	free(v);
	trace_set_done(&set);
	return rc;
}

bool function_has_column(sqlite3 *db, const char *column)
{
	return sqlite3_table_column_metadata(db, "main", "function", column, NULL, NULL, NULL, NULL, NULL) == SQLITE_OK;
}

/* The log's mapping (the last line of a function wins), else the first part of its image's name. */
static int build_benchmark_names(struct build *b)
{
	static const char from_log[] =
	    "UPDATE function SET benchmark_name = (SELECT name FROM temp.model_name n WHERE n.run = function.run"
	    " AND n.func_name = function.func_name ORDER BY n.n DESC LIMIT 1)";
	sqlite3_stmt *read = NULL, *write = NULL;
	int rc = sql_exec_all(b->db, from_log), step = SQLITE_DONE;

	if (rc || !function_has_column(b->db, "image_name"))
		return rc;
	rc = sql_prepare(
	    b->db,
	    "SELECT run, func_name, image_name FROM function WHERE benchmark_name IS NULL AND image_name IS NOT NULL",
	    &read);
	if (!rc)
		rc = sql_prepare(b->db, "UPDATE function SET benchmark_name = ? WHERE run = ? AND func_name = ?",
		                 &write);
	while (!rc && (step = sqlite3_step(read)) == SQLITE_ROW) {
		struct slice image = column_slice(read, 2);
		const char *slash = memrchr(image.ptr, '/', image.len), *start = slash ? slash + 1 : image.ptr,
		           *p = start;

		while (p < image.ptr + image.len && *p != ':' && *p != '-')
			p++;
		bind_slice(write, 1, (struct slice){start, (size_t)(p - start)});
		sqlite3_bind_int64(write, 2, sqlite3_column_int64(read, 0));
		bind_slice(write, 3, column_slice(read, 1));
		rc = sql_step_reset(write);
	}
	sqlite3_finalize(read);
	sqlite3_finalize(write);
	return rc ? rc : sql_errno(step);
}

int build_functions(struct build *b)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < b->nruns; i++)
		rc = build_iats(b, b->run[i].id);
	return rc ? rc : build_benchmark_names(b);
}
