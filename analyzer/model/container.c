/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container.c - the tables container and lock.
 *
 * A container is known by its id in a line: made (by an invocation or a prewarm), acquired, let go, removed. At level info
 * a warm start names none, so that `invocations` is known only where lines of acquiring are. A lock is held from "acquired" to "dropped",
 * both said by the transaction that held it. */
#include "model/build.h"
#include <errno.h>

#define GUID_LEN 36

struct tables {
	sqlite3_stmt *container, *lock;
	int64_t acquired;	/* lines of acquiring in this run, or none: nothing is known of warm starts */
};

/* "hello-0.0.1" of "hello-0.0.1-2B9C5138-FBCF-0F2A-57EC-42F974B23095". */
static struct slice fqdn_of(struct slice id)
{
	return id.len > GUID_LEN + 1 && id.ptr[id.len - GUID_LEN - 1] == '-' ? (struct slice){id.ptr, id.len - GUID_LEN - 1} : SLICE_NONE;
}

static struct slice worker_of(const struct facts *f, const struct fact *x)
{
	return x->worker == UINT16_MAX ? SLICE_NONE : f->workers.text[x->worker];
}

/* Adds to what is known of a container; facts of it may come in any order and from any transaction. */
static int note_container(struct tables *t, const struct facts *f, const struct fact *x, int64_t run, struct slice by, struct slice compute)
{
	sqlite3_stmt *st = t->container;
	struct slice id = fact_text(f, x->arg[0].text);
	bool created = x->means == MEANS_CREATED || x->means == MEANS_COLD_COMPLETED;

	if (!id.len)
		return 0;
	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, id);
	bind_slice(st, 3, fqdn_of(id));
	bind_slice(st, 4, worker_of(f, x));
	bind_slice(st, 5, created ? compute : SLICE_NONE);
	bind_ns(st, 6, created ? x->time_ns : NO_NS);
	bind_ns(st, 7, x->means == MEANS_REMOVED ? x->time_ns : NO_NS);
	bind_slice(st, 8, created ? by : SLICE_NONE);
	bind_ns(st, 9, x->means == MEANS_ACQUIRED ? 1 : NO_NS);
	return sql_step_reset(st);
}

static int write_lock(struct tables *t, const struct facts *f, const struct fact *from, const struct fact *to, int64_t run, struct slice tid)
{
	sqlite3_stmt *st = t->lock;
	const struct fact *any = from ? from : to;

	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, fact_text(f, any->arg[0].text));
	bind_slice(st, 3, tid);
	bind_slice(st, 4, worker_of(f, any));
	bind_ns(st, 5, from ? from->time_ns : NO_NS);
	bind_ns(st, 6, to ? to->time_ns : NO_NS);
	return sql_step_reset(st);
}

/* The locks of one transaction: each "acquired" with the next "dropped" of the same container. */
static int fold_locks(struct tables *t, const struct facts *f, const struct fact *v, size_t n, int64_t run, struct slice tid)
{
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++) {
		const struct fact *to = NULL;

		if (v[i].means != MEANS_ACQUIRED || v[i].arg[0].text == INTERN_NONE)
			continue;
		for (size_t k = i + 1; k < n && !to; k++) {
			if (v[k].arg[0].text != v[i].arg[0].text)
				continue;
			if (v[k].means == MEANS_LOCK_DROPPED)
				to = &v[k];
			else if (v[k].means == MEANS_ACQUIRED)
				break;
		}
		rc = write_lock(t, f, &v[i], to, run, tid);
	}
	return rc;
}

/* "cpu" or "gpu" of the transaction that makes a container. */
static struct slice compute_of(const struct facts *f, const struct fact *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((v[i].means == MEANS_COMPLETED || v[i].means == MEANS_PREWARMED) && !v[i].part) {
			struct slice c = fact_text(f, v[i].arg[1].text);

			if (slice_is(c, "CPU"))
				return SLICE("cpu");
			if (slice_is(c, "GPU"))
				return SLICE("gpu");
		}
	return SLICE_NONE;
}

static bool names_container(const struct fact *x)
{
	switch ((enum meaning)x->means) {
	case MEANS_CREATED: case MEANS_COLD_COMPLETED: case MEANS_ACQUIRED: case MEANS_LOCK_DROPPED: case MEANS_REMOVED:
		return x->arg[0].text != INTERN_NONE;
	default:
		return false;
	}
}

static int fold_containers(struct tables *t, const struct facts *f, const struct fact *v, size_t n)
{
	uint32_t key = f->by_rank[v->key];
	struct slice tid = fact_tid(f, key), compute = compute_of(f, v, n);
	int64_t run = fact_run(f, key);
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		if (names_container(&v[i]))
			rc = note_container(t, f, &v[i], run, tid.len ? tid : SLICE_NONE, compute);
	return rc ? rc : fold_locks(t, f, v, n, run, tid.len ? tid : SLICE_NONE);
}

int build_containers(struct build *b)
{
	const struct facts *f = &b->facts;
	struct tables t = {0};
	int rc = sql_prepare(b->db,
		"INSERT INTO container VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
		"worker = coalesce(worker, excluded.worker), compute = coalesce(compute, excluded.compute),"
		"created_by = CASE WHEN excluded.created_ns < coalesce(created_ns, 9223372036854775807) THEN excluded.created_by ELSE created_by END,"
		"created_ns = min(coalesce(created_ns, excluded.created_ns), coalesce(excluded.created_ns, created_ns)),"
		"removed_ns = max(coalesce(removed_ns, excluded.removed_ns), coalesce(excluded.removed_ns, removed_ns)),"
		"invocations = CASE WHEN excluded.invocations IS NULL THEN invocations ELSE coalesce(invocations, 0) + 1 END", &t.container);

	if (!rc)
		rc = sql_prepare(b->db, "INSERT INTO lock VALUES(?,?,?,?,?,?)", &t.lock);
	for (size_t i = 0, end; !rc && i < f->n; i = end) {
		for (end = i; end < f->n && f->v[end].key == f->v[i].key; end++)
			;
		rc = fold_containers(&t, f, f->v + i, end - i);
	}
	sqlite3_finalize(t.container);
	sqlite3_finalize(t.lock);
	return rc;
}
