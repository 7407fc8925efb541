/* SPDX-License-Identifier: GPL-3.0-or-later */
/* overhead.c - the columns that compare an invocation with a benchmark of its function, and with the others on its
 * worker.
 *
 * They need how many invocations each function has on each worker, and its least code time there: so where there is a
 * benchmark the invocations are folded twice, first to count and then to write. The operations are the reference's, one
 * by one (docs/tables.md). */
#include "build/build.h"
#include "base/array.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The reference looks a name that ends in a number up without it: "dd-3" and "dd_3" are "dd". */
static struct slice benchmark_key(struct slice name)
{
	size_t n = name.len;

	while (n && name.ptr[n - 1] >= '0' && name.ptr[n - 1] <= '9')
		n--;
	return n > 1 && n < name.len && (name.ptr[n - 1] == '-' || name.ptr[n - 1] == '_')
	           ? (struct slice){name.ptr, n - 1}
	           : name;
}

/* The best times of a function over the computes that its metadata allow: 1, 0 (no benchmark of one of them) or a
 * negative errno. */
static int best_times(sqlite3_stmt *bench, int64_t run, struct slice name, struct slice computes, double best[3])
{
	const char *p = computes.ptr, *end = p + computes.len;

	best[0] = best[1] = best[2] = 1000;
	while (p < end) {
		const char *bar = memchr(p, '|', (size_t)(end - p)), *stop = bar ? bar : end;
		int found;

		sqlite3_bind_int64(bench, 1, run);
		bind_slice(bench, 2, name);
		bind_slice(bench, 3, (struct slice){p, (size_t)(stop - p)});
		found = sql_next(bench);
		for (int i = 0; found == 1 && i < 3; i++) {
			double v = sqlite3_column_double(bench, i);

			found = sqlite3_column_type(bench, i) != SQLITE_NULL;
			best[i] = v < best[i] ? v : best[i];
		}
		sqlite3_reset(bench);
		if (found != 1)
			return found;
		p = stop + 1;
	}
	return 1;
}

/* (run, worker or nothing, function) as bytes in buf; no byte of UTF-8 is 0xff. NONE: too long to be a name. */
#define KEY_MAX 1024

static struct slice make_key(int64_t run, struct slice worker, struct slice function, char *buf)
{
	size_t n = sizeof run;

	if (n + worker.len + function.len + 2 > KEY_MAX)
		return SLICE_NONE;
	memcpy(buf, &run, sizeof run);
	if (worker.len)
		memcpy(buf + n, worker.ptr, worker.len);
	n += worker.len;
	buf[n++] = (char)0xff;
	if (function.len)
		memcpy(buf + n, function.ptr, function.len);
	return (struct slice){buf, n + function.len};
}

static int key_of(struct intern *in, int64_t run, struct slice worker, struct slice function, uint32_t *out)
{
	char buf[KEY_MAX];
	struct slice key = make_key(run, worker, function, buf);

	return key.ptr ? intern_add(in, key, out) : -ENAMETOOLONG;
}

static uint32_t find_key(const struct intern *in, int64_t run, struct slice function)
{
	char buf[KEY_MAX];
	struct slice key = make_key(run, SLICE_NONE, function, buf);

	return key.ptr ? intern_find(in, key) : INTERN_NONE;
}

static int set_best(struct build *b, int64_t run, struct slice function, const double times[3])
{
	uint32_t i;
	int rc = key_of(&b->bests, run, SLICE_NONE, function, &i);

	if (rc)
		return rc == -ENAMETOOLONG ? 0 : rc;
	if (array_reserve(b->best, b->best_room, b->bests.n))
		return -ENOMEM;
	memcpy(b->best[i], times, sizeof b->best[i]);
	return 0;
}

int build_best_times(struct build *b)
{
	char sql[256];
	sqlite3_stmt *read = NULL, *bench = NULL;
	int rc, step = SQLITE_DONE;

	snprintf(sql, sizeof sql,
	         "SELECT run, func_name, benchmark_name, %s FROM function WHERE benchmark_name IS NOT NULL",
	         function_has_column(b->db, "compute") ? "coalesce(compute, 'CPU')" : "'CPU'");
	rc = sql_prepare(b->db, sql, &read);
	if (!rc)
		rc = sql_prepare(
		    b->db,
		    "SELECT cold_results_sec, warm_results_sec, warm_worker_duration_us / 1000000 FROM benchmark "
		    "WHERE run IN (0, ?) AND name = ? AND compute = ? ORDER BY run DESC",
		    &bench);
	while (!rc && (step = sqlite3_step(read)) == SQLITE_ROW) {
		int64_t run = sqlite3_column_int64(read, 0);
		double best[3];

		rc = best_times(bench, run, benchmark_key(column_slice(read, 2)), column_slice(read, 3), best);
		if (rc == 1)
			rc = set_best(b, run, column_slice(read, 1), best);
	}
	sqlite3_finalize(read);
	sqlite3_finalize(bench);
	return rc ? rc : sql_errno(step);
}

static int group_of(struct build *b, const struct invocation *o, struct slice function, struct build_group **out)
{
	uint32_t before = b->groups.n, i;
	int rc = key_of(&b->groups, o->run, o->worker, function, &i);

	if (rc)
		return rc;
	if (b->groups.n > before) {
		if (array_reserve(b->group, b->group_room, b->groups.n))
			return -ENOMEM;
		b->group[i] = (struct build_group){0, INFINITY};
	}
	*out = &b->group[i];
	return 0;
}

int overhead_count(struct build *b, const struct invocation *o)
{
	struct build_group *g;
	int rc;

	if (o->e2e_duration_us == NO_NS)
		return 0;
	rc = group_of(b, o, SLICE_NONE, &g);
	if (!rc)
		g->n++;
	if (!rc && o->function_name.len)
		rc = group_of(b, o, o->function_name, &g);
	if (rc || !o->function_name.len)
		return rc == -ENAMETOOLONG ? 0 : rc;
	g->n++;
	if (o->code_duration_sec < g->least)
		g->least = o->code_duration_sec;
	return 0;
}

int overhead_fill(struct build *b, struct invocation *o)
{
	struct build_group *g;
	uint32_t i;
	double total, base, share;
	int rc;

	if (!b->bests.n || o->e2e_duration_us == NO_NS || !o->function_name.len)
		return 0;
	i = find_key(&b->bests, o->run, o->function_name);
	if (i == INTERN_NONE)
		return 0;
	const double *best = b->best[i];

	rc = group_of(b, o, SLICE_NONE, &g);
	total = rc ? 0 : g->n;
	if (!rc)
		rc = group_of(b, o, o->function_name, &g);
	if (rc)
		return rc == -ENAMETOOLONG ? 0 : rc;
	share = g->n / total;
	base = g->least == 0 ? best[o->was_cold == 1 ? 0 : 1] : g->least;
	o->warm_sec = best[2];
	o->base_sec = base;
	o->share = share;
	return 0;
}

int build_cache_insertions(struct build *b)
{
	return sql_exec_all(b->db, "UPDATE invocation_kind AS k SET cache_insertions = (SELECT count(*) FROM "
	                           "temp.model_cache c WHERE c.run = k.run"
	                           " AND c.worker IS k.worker AND c.name = k.function_name)"
	                           " WHERE (run, worker) IN (SELECT run, worker FROM temp.model_cache)");
}
