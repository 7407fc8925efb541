/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.c - the table batch: successive executions of one function on a worker.
 *
 * A GPU queue names its batches; elsewhere a batch is a run of "Item starting to execute" of one function in the order
 * of the worker's log. As in the reference, a worker that names some has only those from its first one on. */
#include "build/build.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>

static int name(struct build *b, struct slice text, uint32_t *out)
{
	*out = INTERN_NONE;
	return text.ptr ? intern_add(&b->names, text, out) : 0;
}

static int note_start(struct build *b, const struct invocation *o, const struct fact *x, uint32_t function)
{
	struct build_start *s = array_add(b->start, b->nstarts, b->start_room);

	if (!s)
		return -ENOMEM;
	*s = (struct build_start){o->run, x->id, x->time_ns, function, INTERN_NONE};
	return x->worker == UINT16_MAX ? 0 : name(b, b->facts.workers.text[x->worker], &s->worker);
}

int build_note(struct build *b, const struct invocation *o, const struct fact *v, size_t n)
{
	uint32_t function;
	int rc = name(b, o->function_name, &function);

	for (size_t i = 0; !rc && i < n; i++)
		if (v[i].means == MEANS_STARTED)
			rc = note_start(b, o, &v[i], function);
	if (rc || o->first_ns == INT64_MAX)
		return rc;
	rc = array_reserve(b->arrival, b->arrival_room, b->narrivals + 1);
	if (rc)
		return rc;
	struct build_arrival *a = &b->arrival[b->narrivals++];

	*a = (struct build_arrival){o->run, o->first_ns, o->first_id, o->place, function, o->kind};
	return 0;
}

/* ---- what the log says of runs ---- */

static int run_sql(sqlite3_stmt *st, int64_t run, struct slice a, struct slice b, double n)
{
	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, a);
	bind_slice(st, 3, b);
	bind_real(st, 4, n);
	return sql_step_reset(st);
}

/* A batch that the log names waits in temp.model_batch until all starts are known. */
static int note_batch(sqlite3_stmt *st, const struct facts *f, const struct fact *x)
{
	struct slice worker = x->worker == UINT16_MAX ? SLICE_NONE : f->workers.text[x->worker];

	sqlite3_bind_int64(st, 1, fact_run(f, f->by_rank[x->key]));
	bind_slice(st, 2, worker);
	sqlite3_bind_int64(st, 3, x->id);
	sqlite3_bind_int64(st, 4, x->time_ns);
	bind_slice(st, 5, fold_function_of(fact_text(f, x->arg[0].text)));
	sqlite3_bind_int64(st, 6, isnan(x->arg[1].real) ? 1 : (int64_t)x->arg[1].real);
	return sql_step_reset(st);
}

int build_run_facts(struct build *b)
{
	const struct facts *f = b->facts.runs;
	sqlite3_stmt *batch = NULL, *cache = NULL, *bench = NULL;
	int rc = sql_exec_all(b->db, "CREATE TEMP TABLE IF NOT EXISTS model_batch(run,worker,id,time,name,len);"
	                             "CREATE TEMP TABLE IF NOT EXISTS model_cache(run,worker,name,n);"
	                             "CREATE TEMP TABLE IF NOT EXISTS model_name(run,func_name,name,n);"
	                             "DELETE FROM model_batch; DELETE FROM model_cache; DELETE FROM model_name");

	if (!rc)
		rc = sql_prepare(b->db, "INSERT INTO temp.model_batch VALUES(?,?,?,?,?,?)", &batch);
	if (!rc)
		rc = sql_prepare(b->db, "INSERT INTO temp.model_cache VALUES(?,?,?,?)", &cache);
	if (!rc)
		rc = sql_prepare(b->db, "INSERT INTO temp.model_name VALUES(?,?,?,?)", &bench);
	for (size_t i = 0; !rc && f && i < f->n; i++) {
		const struct fact *x = &f->v[i];
		int64_t run = fact_run(f, f->by_rank[x->key]);
		struct slice worker = x->worker == UINT16_MAX ? SLICE_NONE : f->workers.text[x->worker];

		if (x->means == MEANS_BATCH)
			rc = note_batch(batch, f, x);
		else if (x->means == MEANS_CACHE_INSERTION)
			rc = run_sql(cache, run, worker, fold_function_of(fact_text(f, x->arg[0].text)), 1);
		else
			rc = run_sql(bench, run, fact_text(f, x->arg[0].text), fact_text(f, x->arg[1].text), (double)i);
	}
	sqlite3_finalize(batch);
	sqlite3_finalize(cache);
	sqlite3_finalize(bench);
	return rc;
}

/* ---- batches ---- */

/* One start or named batch, in the order of a worker's log. */
struct piece {
	int64_t run, id, time_ns, len;
	uint32_t worker, function;
	bool named;
};

static int compare_pieces(const void *pa, const void *pb)
{
	const struct piece *a = pa, *b = pb;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	if (a->worker != b->worker)
		return a->worker < b->worker ? -1 : 1;
	return (a->id > b->id) - (a->id < b->id);
}

static int read_named(struct build *b, struct piece **v, size_t *n, size_t *room)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(b->db, "SELECT run,worker,id,time,name,len FROM temp.model_batch", &st),
	    step = SQLITE_DONE;

	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct piece p = {sqlite3_column_int64(st, 0),
		                  sqlite3_column_int64(st, 2),
		                  sqlite3_column_int64(st, 3),
		                  sqlite3_column_int64(st, 5),
		                  0,
		                  0,
		                  true};

		rc = name(b, column_slice(st, 1), &p.worker);
		if (!rc)
			rc = name(b, column_slice(st, 4), &p.function);
		if (!rc)
			rc = array_reserve(*v, *room, *n + 1);
		if (!rc)
			(*v)[(*n)++] = p;
	}
	sqlite3_finalize(st);
	return rc ? rc : sql_errno(step);
}

static int put_batch(struct build *b, const struct piece *p, int64_t len)
{
	return write_batch(&b->writer, p->run, intern_text(&b->names, p->worker), intern_text(&b->names, p->function),
	                   p->time_ns, len);
}

static int write_batches(struct build *b, const struct piece *v, size_t n)
{
	const struct piece *first = NULL;
	int64_t len = 0;
	bool named = false;
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		const struct piece *p = &v[i];
		bool same_log = first && p->run == first->run && p->worker == first->worker;

		if (!same_log)
			named = false;
		named |= p->named;
		if (p->function == INTERN_NONE || (named && !p->named))
			continue;
		if (same_log && p->function == first->function) {
			len += p->len;
			continue;
		}
		if (first)
			rc = put_batch(b, first, len);
		first = p;
		len = p->len;
	}
	return rc || !first ? rc : put_batch(b, first, len);
}

int build_batches(struct build *b)
{
	size_t n = 0, room = b->nstarts + 1;
	struct piece *v = malloc(room * sizeof *v);
	int rc = v ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < b->nstarts; i++) {
		const struct build_start *s = &b->start[i];

		v[n++] = (struct piece){s->run, s->id, s->time_ns, 1, s->worker, s->function, false};
	}
	if (!rc)
		rc = read_named(b, &v, &n, &room);
	if (!rc) {
		qsort(v, n, sizeof *v, compare_pieces);
		rc = write_batches(b, v, n);
	}
	free(v);
	return rc;
}
