/* SPDX-License-Identifier: GPL-3.0-or-later */
/* write.c - rows of the model's tables, which name transactions and kinds by number and say times as differences. */
#include "tables/write.h"
#include "tables/moments.h"
#include "base/array.h"
#include "store/place.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* More transactions than any database has: a damaged one may say so. */
#define OWNERS_MAX (1 << 26)

#define AT(name) offsetof(struct invocation, name)

/* The columns of invocation_row after id and kind: times, each counted from the one before that is known; then numbers,
 * then reals. */
static const size_t times[] = {AT(sent_ns),   AT(controller_ns), AT(dispatched_ns), AT(arrived_ns), AT(insert_ns),
                               AT(remove_ns), AT(start_ns),      AT(end_ns),        AT(return_ns)};
static const size_t numbers[] = {AT(worker_duration_us), AT(e2e_duration_us)};
static const size_t reals[] = {AT(code_duration_sec), AT(cpu_est_queue_sec),   AT(cpu_est_runtime_sec),
                               AT(gpu_est_queue_sec), AT(gpu_est_runtime_sec), AT(cpu_est_sec),
                               AT(gpu_est_sec),       AT(insert_cpu_load),     AT(insert_gpu_load)};

static const char insert_invocation[] =
    "INSERT INTO invocation_row(id,kind,sent,controller,dispatched,arrived,inserted,removed,started,ended,returned,"
    "worker_duration_us,e2e_duration_us,code_duration_sec,cpu_est_queue_sec,cpu_est_runtime_sec,gpu_est_queue_sec,gpu_"
    "est_runtime_sec,"
    "cpu_est_sec,gpu_est_sec,insert_cpu_load,insert_gpu_load) VALUES(?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)";

int writer_open(struct writer *w, sqlite3 *db, bool many_runs)
{
	int rc;

	*w = (struct writer){.db = db, .many_runs = many_runs};
	kinds_init(&w->kinds, db);
	rc = sql_prepare(db, insert_invocation, &w->invocation);
	if (!rc)
		rc = sql_prepare(db,
		                 "INSERT INTO attempt_row(place,n,kind,inserted,removed,started,ended,error) "
		                 "VALUES(?,?,?,?,?,?,?,?)",
		                 &w->attempt);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO moment_row(place,times) VALUES(?,?)", &w->moment);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO nested(run,tid,parent) VALUES(?,?,?)", &w->nested);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO lock_row(place,n,kind,since,until) VALUES(?,?,?,?,?)", &w->lock);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO batch_row(kind,since,batch_len) VALUES(?,?,?)", &w->batch);
	if (!rc)
		rc = sql_prepare(db, "UPDATE invocation_row SET kind = ? WHERE id = ?", &w->function);
	if (!rc)
		rc = sql_prepare(db, "SELECT id FROM place WHERE tid = ? ORDER BY id", &w->place);
	if (!rc)
		rc = sql_prepare(db, "INSERT INTO place(tid, id, events, places) VALUES(?, ?, 0, x'')", &w->add_place);
	if (rc)
		writer_close(w);
	return rc;
}

void writer_close(struct writer *w)
{
	sqlite3_finalize(w->invocation);
	sqlite3_finalize(w->attempt);
	sqlite3_finalize(w->moment);
	sqlite3_finalize(w->nested);
	sqlite3_finalize(w->lock);
	sqlite3_finalize(w->batch);
	sqlite3_finalize(w->place);
	sqlite3_finalize(w->add_place);
	sqlite3_finalize(w->function);
	free(w->owner);
	kinds_done(&w->kinds);
	*w = (struct writer){0};
}

/* Notes that an id is a run's. With one run nobody asks. */
static int own(struct writer *w, int64_t id, int64_t run)
{
	if (!w->many_runs)
		return 0;
	if (id < 1 || id > OWNERS_MAX)
		return -EBADMSG;
	if (array_reserve_zeroed(w->owner, w->nowners, id + 1))
		return -ENOMEM;
	w->owner[id] = run;
	return 0;
}

static bool is_free(const struct writer *w, int64_t id, int64_t run)
{
	return id > 0 && (id >= w->nowners || !w->owner[id] || w->owner[id] == run);
}

/* One more row of table place: for a transaction that no line speaks of, or that another run has, too. */
static int add_place(struct writer *w, struct slice tid, int64_t *out)
{
	int rc;

	if (!w->last_place) {
		rc = sql_number(w->db, "SELECT coalesce(max(id), 0) FROM place", &w->last_place);
		if (rc)
			return rc;
		if (w->last_place < 0 || w->last_place > PLACE_ID_MAX)
			return -EBADMSG;
	}
	*out = ++w->last_place;
	bind_slice(w->add_place, 1, tid);
	sqlite3_bind_int64(w->add_place, 2, *out);
	return sql_step_reset(w->add_place);
}

int writer_place(struct writer *w, int64_t run, struct slice tid, int64_t *out)
{
	bool found = false;
	int rc;

	*out = 0;
	if (!tid.len)
		return 0;
	bind_slice(w->place, 1, tid);
	while (!found && (rc = sqlite3_step(w->place)) == SQLITE_ROW) {
		*out = sqlite3_column_int64(w->place, 0);
		found = is_free(w, *out, run);
	}
	sqlite3_reset(w->place);
	rc = found ? 0 : rc == SQLITE_DONE ? add_place(w, tid, out) : sql_errno(rc);
	return rc ? rc : own(w, *out, run);
}

/* Binds a time as the ns since *at, which it becomes. Nothing is 292 years after something else: that is as good as not
 * known. */
static void bind_since(sqlite3_stmt *st, int i, int64_t v, int64_t *at)
{
	int64_t since;

	if (v == NO_NS || __builtin_sub_overflow(v, *at, &since)) {
		sqlite3_bind_null(st, i);
		return;
	}
	sqlite3_bind_int64(st, i, since);
	*at = v;
}

/* Whether it is within 292 years of its kind's base. What begins elsewhere has no row: nothing would be true of it. */
static bool is_near(int64_t v, int64_t base)
{
	int64_t since;

	return !__builtin_sub_overflow(v, base, &since);
}

/* The first that is known, or 0. */
static int64_t first_of(const int64_t *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (v[i] != NO_NS)
			return v[i];
	return 0;
}

static int write_attempt(struct writer *w, const struct invocation *o, int64_t n)
{
	const struct attempt *a = &o->attempt[n];
	const struct work work = {
	    o->run, a->worker.ptr ? a->worker : o->worker, SLICE_NONE, a->container_id, a->state, a->outcome};
	const int64_t time[] = {a->insert_ns, a->remove_ns, a->start_ns, a->end_ns};
	sqlite3_stmt *st = w->attempt;
	int64_t at = first_of(time, 4);
	uint32_t kind;
	int rc = kind_of_work(&w->kinds, &work, &at, &kind);

	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, o->place);
	sqlite3_bind_int64(st, 2, n + 1);
	sqlite3_bind_int64(st, 3, kind);
	for (int i = 0; i < 4; i++)
		bind_since(st, 4 + i, time[i], &at);
	bind_slice(st, 8, a->error);
	return sql_step_reset(st);
}

static int64_t number_at(const struct invocation *o, size_t at)
{
	return *(const int64_t *)((const char *)o + at);
}

static int write_row(struct writer *w, struct invocation *o)
{
	enum { TIMES = sizeof times / sizeof *times };
	sqlite3_stmt *st = w->invocation;
	int64_t time[TIMES], at;
	int rc, n = 3;

	for (int i = 0; i < TIMES; i++)
		time[i] = number_at(o, times[i]);
	at = first_of(time, TIMES);
	rc = kind_of_invocation(&w->kinds, o, &at, &o->kind);
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, o->place);
	sqlite3_bind_int64(st, 2, o->kind);
	for (int i = 0; i < TIMES; i++)
		bind_since(st, n++, time[i], &at);
	for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
		bind_ns(st, n++, number_at(o, numbers[i]));
	for (size_t i = 0; i < sizeof reals / sizeof *reals; i++)
		bind_real(st, n++, *(const double *)((const char *)o + reals[i]));
	return sql_step_reset(st);
}

static int write_moments(struct writer *w, const struct invocation *o)
{
	struct bytes b = {0};
	int rc;

	moments_pack(o->moment, o->nmoments, &b);
	if (b.failed) {
		bytes_free(&b);
		return -ENOMEM;
	}
	sqlite3_bind_int64(w->moment, 1, o->place);
	sqlite3_bind_blob64(w->moment, 2, b.ptr, b.len, SQLITE_STATIC);
	rc = sql_step_reset(w->moment);
	bytes_free(&b);
	return rc;
}

static int write_nested(struct writer *w, const struct invocation *o)
{
	sqlite3_bind_int64(w->nested, 1, o->run);
	bind_slice(w->nested, 2, o->tid);
	bind_slice(w->nested, 3, o->parent);
	return sql_step_reset(w->nested);
}

int write_invocation(struct writer *w, struct invocation *o)
{
	int rc = write_row(w, o);

	if (!rc && o->nmoments)
		rc = write_moments(w, o);
	if (!rc && o->parent.len)
		rc = write_nested(w, o);
	for (int64_t n = 0; !rc && n < o->nattempts; n++)
		rc = write_attempt(w, o, n);
	return rc;
}

int write_lock(struct writer *w, const struct lock *l)
{
	const struct work work = {l->run, l->worker, SLICE_NONE, l->container_id, NULL, NULL};
	sqlite3_stmt *st = w->lock;
	int64_t at = l->from_ns;
	uint32_t kind;
	int rc = kind_of_work(&w->kinds, &work, &at, &kind);

	if (rc || !is_near(l->from_ns, at))
		return rc;
	sqlite3_bind_int64(st, 1, l->place);
	sqlite3_bind_int64(st, 2, l->n);
	sqlite3_bind_int64(st, 3, kind);
	bind_since(st, 4, l->from_ns, &at);
	bind_since(st, 5, l->to_ns, &at);
	return sql_step_reset(st);
}

int write_batch(struct writer *w, int64_t run, struct slice worker, struct slice function_name, int64_t start_ns,
                int64_t len)
{
	const struct work work = {run, worker, function_name, SLICE_NONE, NULL, NULL};
	sqlite3_stmt *st = w->batch;
	int64_t at = start_ns;
	uint32_t kind;
	int rc = kind_of_work(&w->kinds, &work, &at, &kind);

	if (rc || !is_near(start_ns, at))
		return rc;
	sqlite3_bind_int64(st, 1, kind);
	bind_since(st, 2, start_ns, &at);
	sqlite3_bind_int64(st, 3, len);
	return sql_step_reset(st);
}

int write_function(struct writer *w, int64_t place, uint32_t kind, struct slice function_name)
{
	uint32_t named;
	int rc = kind_with_function(&w->kinds, kind, function_name, &named);

	if (rc)
		return rc;
	sqlite3_bind_int64(w->function, 1, named);
	sqlite3_bind_int64(w->function, 2, place);
	return sql_step_reset(w->function);
}

int writer_finish(struct writer *w)
{
	return kinds_write(&w->kinds);
}
