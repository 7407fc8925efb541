/* SPDX-License-Identifier: GPL-3.0-or-later */
/* container.c - the tables container and lock.
 *
 * A container is known by its id in a line: made (by an invocation or a prewarm), acquired, let go, removed. At level
 * info a warm start names none, so that `invocations` is known only where lines of acquiring are. A lock is held from
 * "acquired" to "dropped", both said by the transaction that held it. */
#include "build/build.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>

#define GUID_LEN 36

struct known {
	int64_t run;
	uint32_t id, by, compute; /* texts, or INTERN_NONE; by: facts.keys */
	uint16_t worker;
	int64_t created_ns, removed_ns, acquired;
};

struct tables {
	const struct facts *f;
	struct intern ids; /* run and text number -> number in v */
	struct known *v;
	uint32_t room;
};

/* "hello-0.0.1" of "hello-0.0.1-2B9C5138-FBCF-0F2A-57EC-42F974B23095". */
static struct slice fqdn_of(struct slice id)
{
	return id.len > GUID_LEN + 1 && id.ptr[id.len - GUID_LEN - 1] == '-'
	           ? (struct slice){id.ptr, id.len - GUID_LEN - 1}
	           : SLICE_NONE;
}

static struct slice worker_of(const struct facts *f, const struct fact *x)
{
	return x->worker == UINT16_MAX ? SLICE_NONE : f->workers.text[x->worker];
}

static int find_container(struct tables *t, int64_t run, uint32_t id, struct known **out)
{
	struct {
		int64_t run, id;
	} key = {run, id};
	uint32_t before = t->ids.n, i;
	int rc = intern_add(&t->ids, (struct slice){(const char *)&key, sizeof key}, &i);

	if (rc)
		return rc;
	if (array_reserve(t->v, t->room, i + 1))
		return -ENOMEM;
	if (t->ids.n > before)
		t->v[i] = (struct known){run, id, INTERN_NONE, INTERN_NONE, UINT16_MAX, NO_NS, NO_NS, 0};
	*out = &t->v[i];
	return 0;
}

/* Adds to what is known of a container; facts of it may come in any order and from any transaction. */
static int note_container(struct tables *t, const struct fact *x, int64_t run, uint32_t by, uint32_t compute)
{
	struct known *k;
	int rc = find_container(t, run, x->arg[0].text, &k);

	if (rc)
		return rc;
	if (k->worker == UINT16_MAX)
		k->worker = x->worker;
	switch ((enum meaning)x->means) {
	case MEANS_CREATED:
	case MEANS_COLD_COMPLETED:
		if (k->created_ns == NO_NS || x->time_ns < k->created_ns) {
			k->created_ns = x->time_ns;
			k->by = by;
		}
		if (k->compute == INTERN_NONE)
			k->compute = compute;
		break;
	case MEANS_REMOVED:
		if (x->time_ns > k->removed_ns)
			k->removed_ns = x->time_ns;
		break;
	case MEANS_ACQUIRED:
		k->acquired++;
		break;
	default:
		break;
	}
	return 0;
}

static int write_container(const struct facts *f, sqlite3_stmt *st, const struct known *k)
{
	struct slice id = fact_text(f, k->id), compute = fact_text(f, k->compute),
	             by = k->by == INTERN_NONE ? SLICE_NONE : fact_tid(f, k->by);

	if (!id.len)
		return 0;
	sqlite3_bind_int64(st, 1, k->run);
	bind_slice(st, 2, id);
	bind_slice(st, 3, fqdn_of(id));
	bind_slice(st, 4, k->worker == UINT16_MAX ? SLICE_NONE : f->workers.text[k->worker]);
	bind_word(st, 5, slice_is(compute, "CPU") ? "cpu" : slice_is(compute, "GPU") ? "gpu" : NULL);
	bind_ns(st, 6, k->created_ns);
	bind_ns(st, 7, k->removed_ns);
	bind_slice(st, 8, by.len ? by : SLICE_NONE);
	bind_ns(st, 9, k->acquired ? k->acquired : NO_NS);
	return sql_step_reset(st);
}

int build_locks(struct build *b, const struct fact *v, size_t n, int64_t run, int64_t place)
{
	struct lock l = {.place = place, .run = run};
	const struct facts *f = &b->facts;
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
		l.container_id = fact_text(f, v[i].arg[0].text);
		l.worker = worker_of(f, &v[i]);
		l.from_ns = v[i].time_ns;
		l.to_ns = to ? to->time_ns : NO_NS;
		rc = write_lock(&b->writer, &l);
		l.n++;
	}
	return rc;
}

/* "CPU" or "GPU", as the transaction that makes a container says; a text's number. */
static uint32_t compute_of(const struct fact *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if ((v[i].means == MEANS_COMPLETED || v[i].means == MEANS_PREWARMED) && !v[i].part)
			return v[i].arg[1].text;
	return INTERN_NONE;
}

static bool names_container(const struct fact *x)
{
	switch ((enum meaning)x->means) {
	case MEANS_CREATED:
	case MEANS_COLD_COMPLETED:
	case MEANS_ACQUIRED:
	case MEANS_LOCK_DROPPED:
	case MEANS_REMOVED:
		return x->arg[0].text != INTERN_NONE;
	default:
		return false;
	}
}

static int fold_containers(struct tables *t, const struct fact *v, size_t n)
{
	const struct facts *f = t->f;
	uint32_t key = f->by_rank[v->key], compute = compute_of(v, n);
	int64_t run = fact_run(f, key);
	int rc = 0;

	for (size_t i = 0; !rc && i < n; i++)
		if (names_container(&v[i]))
			rc = note_container(t, &v[i], run, key, compute);
	return rc;
}

/* A pass may see a part of a container's transactions: its row is completed by the others. */
static int write_containers(const struct tables *t, sqlite3 *db)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(
	    db,
	    "INSERT INTO container VALUES(?,?,?,?,?,?,?,?,?) ON CONFLICT DO UPDATE SET "
	    "worker = coalesce(worker, excluded.worker), compute = coalesce(compute, excluded.compute),"
	    "created_by = CASE WHEN excluded.created_ns < coalesce(created_ns, 9223372036854775807) THEN "
	    "excluded.created_by ELSE created_by END,"
	    "created_ns = min(coalesce(created_ns, excluded.created_ns), coalesce(excluded.created_ns, created_ns)),"
	    "removed_ns = max(coalesce(removed_ns, excluded.removed_ns), coalesce(excluded.removed_ns, removed_ns)),"
	    "invocations = coalesce(invocations + excluded.invocations, invocations, excluded.invocations)",
	    &st);

	for (uint32_t i = 0; !rc && i < t->ids.n; i++)
		rc = write_container(t->f, st, &t->v[i]);
	sqlite3_finalize(st);
	return rc;
}

int build_containers(struct build *b)
{
	const struct facts *f = &b->facts;
	struct tables t = {.f = f};
	int rc = 0;

	intern_init(&t.ids);
	for (size_t i = 0, end; !rc && i < f->n; i = end) {
		for (end = i; end < f->n && f->v[end].key == f->v[i].key; end++)
			;
		rc = fold_containers(&t, f->v + i, end - i);
	}
	if (!rc)
		rc = write_containers(&t, b->db);
	intern_done(&t.ids);
	free(t.v);
	return rc;
}
