/* SPDX-License-Identifier: GPL-3.0-or-later */
/* batch.c - the table batch: successive executions of one function on a worker.
 *
 * A GPU queue names its batches; elsewhere a batch is a run of "Item starting to execute" of one function in the order
 * of the worker's log. As in the reference, a worker that names some has only those from its first one on. */
#include "build/build.h"
#include <errno.h>
#include <stdlib.h>

static int name(struct build *b, struct slice text, uint32_t *out)
{
	*out = INTERN_NONE;
	return text.ptr ? intern_add(&b->names, text, out) : 0;
}

static int compare_starts(struct slice pa, struct slice pb)
{
	struct build_start a, b;

	memcpy(&a, pa.ptr, sizeof a);
	memcpy(&b, pb.ptr, sizeof b);
	if (a.run != b.run)
		return a.run < b.run ? -1 : 1;
	if (a.worker != b.worker)
		return a.worker < b.worker ? -1 : 1;
	return (a.id > b.id) - (a.id < b.id);
}

static int compare_arrivals(struct slice pa, struct slice pb)
{
	struct build_arrival a, b;

	memcpy(&a, pa.ptr, sizeof a);
	memcpy(&b, pb.ptr, sizeof b);
	if (a.run != b.run)
		return a.run < b.run ? -1 : 1;
	if (a.time_ns != b.time_ns)
		return a.time_ns < b.time_ns ? -1 : 1;
	return (a.id > b.id) - (a.id < b.id);
}

int build_notes_open(struct build *b)
{
	const char *beside = sqlite3_db_filename(b->db, "main");
	int rc = sorter_new(beside, 0, compare_starts, &b->starts);

	return rc ? rc : sorter_new(beside, 0, compare_arrivals, &b->arrivals);
}

static int put_start(struct build *b, const struct build_start *s)
{
	return sorter_add(b->starts, (struct slice){(const char *)s, sizeof *s});
}

static int note_start(struct build *b, const struct invocation *o, const struct fact *x, uint32_t function)
{
	struct build_start s = {
	    .run = o->run, .id = x->id, .time_ns = x->time_ns, .len = 1, .function = function, .worker = INTERN_NONE};
	int rc = x->worker == UINT16_MAX ? 0 : name(b, b->facts.workers.text[x->worker], &s.worker);

	return rc ? rc : put_start(b, &s);
}

int build_note(struct build *b, const struct invocation *o, const struct fact *v, size_t n)
{
	struct build_arrival a = {
	    .run = o->run, .time_ns = o->first_ns, .id = o->first_id, .place = o->place, .kind = o->kind};
	struct build_run *run = build_run_of(b, o->run);
	int rc = name(b, o->function_name, &a.function);

	for (size_t i = 0; !rc && i < n; i++)
		if (v[i].means == MEANS_STARTED)
			rc = note_start(b, o, &v[i], a.function);
	if (rc || o->first_ns == INT64_MAX)
		return rc;
	if (a.function == INTERN_NONE && run)
		run->unknown = true;
	return sorter_add(b->arrivals, (struct slice){(const char *)&a, sizeof a});
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

static int read_named(struct build *b)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(b->db, "SELECT run,worker,id,time,name,len FROM temp.model_batch", &st),
	    step = SQLITE_DONE;

	while (!rc && (step = sqlite3_step(st)) == SQLITE_ROW) {
		struct build_start s = {.run = sqlite3_column_int64(st, 0),
		                        .id = sqlite3_column_int64(st, 2),
		                        .time_ns = sqlite3_column_int64(st, 3),
		                        .len = sqlite3_column_int64(st, 5),
		                        .named = true};

		rc = name(b, column_slice(st, 1), &s.worker);
		if (!rc)
			rc = name(b, column_slice(st, 4), &s.function);
		if (!rc)
			rc = put_start(b, &s);
	}
	sqlite3_finalize(st);
	return rc ? rc : sql_errno(step);
}

static int put_batch(struct build *b, const struct build_start *p, int64_t len)
{
	return write_batch(&b->writer, p->run, intern_text(&b->names, p->worker), intern_text(&b->names, p->function),
	                   p->time_ns, len);
}

/* The batch that goes on while the starts are read. */
struct batch {
	struct build_start first;
	bool any, named; /* the log of `first` names batches */
	int64_t len;
};

static int batch_add(struct build *b, struct batch *t, const struct build_start *p)
{
	bool same_log = t->any && p->run == t->first.run && p->worker == t->first.worker;
	int rc = 0;

	if (!same_log)
		t->named = false;
	t->named |= p->named;
	if (p->function == INTERN_NONE || (t->named && !p->named))
		return 0;
	if (same_log && p->function == t->first.function) {
		t->len += p->len;
		return 0;
	}
	if (t->any)
		rc = put_batch(b, &t->first, t->len);
	t->any = true;
	t->first = *p;
	t->len = p->len;
	return rc;
}

int build_batches(struct build *b)
{
	struct batch t = {.any = false};
	struct slice x;
	int rc = read_named(b);

	if (!rc)
		rc = sorter_rewind(b->starts);
	while (!rc && (rc = sorter_next(b->starts, &x)) == 1) {
		struct build_start p;

		memcpy(&p, x.ptr, sizeof p);
		rc = batch_add(b, &t, &p);
	}
	return rc || !t.any ? rc : put_batch(b, &t.first, t.len);
}
