/* SPDX-License-Identifier: GPL-3.0-or-later */
/* invocation_read.c - see invocation_read.h: two tables in the order of place, read side by side. */
#include "tables/invocation_read.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>

/* As short as it gets: each container has one. */
struct kind {
	int64_t id, base_ns;
	uint32_t run;
	uint8_t state; /* of an attempt: its place in states */
	bool ok;       /* status of an invocation */
};

struct kind_list {
	struct kind *v;
	size_t n, room;
};

struct invocation_reader {
	sqlite3_stmt *invocations, *attempts;
	struct kind_list invocation_kinds, work_kinds;
	bool more;          /* attempts stands on a row that is not used yet */
	int64_t attempt_of; /* its place */
	struct phase_attempt *attempt;
	int room;
	struct invocation_read row;
};

void invocation_reader_close(struct invocation_reader *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->invocations);
	sqlite3_finalize(r->attempts);
	free(r->invocation_kinds.v);
	free(r->work_kinds.v);
	free(r->attempt);
	free(r);
}

static const char *const states[] = {NULL, "cold", "prewarm", "warm"};

static uint8_t state_number(struct slice v)
{
	for (uint8_t i = 1; i < sizeof states / sizeof *states; i++)
		if (slice_is(v, states[i]))
			return i;
	return 0;
}

const char *attempt_state(struct slice v)
{
	return states[state_number(v)];
}

static int read_kind(sqlite3_stmt *st, struct kind_list *l)
{
	int64_t run = sqlite3_column_int64(st, 1);
	struct kind *k;

	if (run < 0 || run > UINT32_MAX)
		return -EBADMSG;
	k = array_add(l->v, l->n, l->room);
	if (!k)
		return -ENOMEM;
	*k = (struct kind){.id = sqlite3_column_int64(st, 0),
	                   .base_ns = sqlite3_column_int64(st, 2),
	                   .run = (uint32_t)run,
	                   .state = state_number(column_slice(st, 3)),
	                   .ok = slice_is(column_slice(st, 3), "ok")};
	return 0;
}

static int read_kinds(sqlite3 *db, const char *sql, struct kind_list *l)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st);

	if (rc)
		return rc;
	while ((rc = sql_next(st)) == 1 && !(rc = read_kind(st, l)))
		;
	sqlite3_finalize(st);
	return rc;
}

static int by_id(const void *key, const void *of)
{
	int64_t id = *(const int64_t *)key, other = ((const struct kind *)of)->id;

	return (id > other) - (id < other);
}

/* They are numbered from 1, mostly without a gap. */
static const struct kind *kind_at(const struct kind_list *l, int64_t id)
{
	if (id > 0 && (uint64_t)id <= l->n && l->v[id - 1].id == id)
		return &l->v[id - 1];
	return l->n ? bsearch(&id, l->v, l->n, sizeof *l->v, by_id) : NULL;
}

static int next_attempt(struct invocation_reader *r)
{
	int rc = sql_next(r->attempts);

	r->more = rc == 1;
	if (r->more)
		r->attempt_of = sqlite3_column_int64(r->attempts, 0);
	return rc < 0 ? rc : 0;
}

static int prepare(sqlite3 *db, const char *sql, int64_t first, int64_t last, sqlite3_stmt **out)
{
	int rc = sql_prepare(db, sql, out);

	if (rc)
		return rc;
	sqlite3_bind_int64(*out, 1, first);
	sqlite3_bind_int64(*out, 2, last);
	return 0;
}

int invocation_reader_open(sqlite3 *db, int64_t first, int64_t last, struct invocation_reader **out)
{
	struct invocation_reader *r = calloc(1, sizeof *r);
	int rc;

	if (!r)
		return -ENOMEM;
	rc = read_kinds(db, "SELECT id, run, base_ns, status FROM invocation_kind ORDER BY id", &r->invocation_kinds);
	if (!rc)
		rc = read_kinds(db, "SELECT id, run, base_ns, state FROM work_kind ORDER BY id", &r->work_kinds);
	if (!rc)
		rc = prepare(db,
		             "SELECT id, kind, sent, controller, dispatched, arrived, inserted, removed, started, "
		             "ended, returned, e2e_duration_us, code_duration_sec, "
		             "coalesce(insert_cpu_load, insert_gpu_load) FROM invocation_row WHERE id BETWEEN ?1 AND "
		             "?2 ORDER BY id",
		             first, last, &r->invocations);
	if (!rc)
		rc = prepare(db,
		             "SELECT place, kind, inserted, removed, started, ended FROM attempt_row WHERE place "
		             "BETWEEN ?1 AND ?2 ORDER BY place, n",
		             first, last, &r->attempts);
	if (!rc)
		rc = next_attempt(r);
	if (rc)
		invocation_reader_close(r);
	else
		*out = r;
	return rc;
}

/* Each time counts from the one before it that is known, the first one from base. False: beyond all times. */
static bool read_times(sqlite3_stmt *st, int first, int n, int64_t base, int64_t *const *to)
{
	for (int i = 0; i < n; i++) {
		sqlite3_value *v = sqlite3_column_value(st, first + i);

		if (sqlite3_value_type(v) == SQLITE_NULL) {
			*to[i] = NO_NS;
			continue;
		}
		if (__builtin_add_overflow(base, sqlite3_value_int64(v), &base))
			return false;
		*to[i] = base;
	}
	return true;
}

static int put_attempt(struct invocation_reader *r, const struct kind *of)
{
	const struct kind *k = kind_at(&r->work_kinds, sqlite3_column_int64(r->attempts, 1));
	struct phase_attempt *a;

	if (!k || k->run != of->run)
		return 0;
	a = array_add(r->attempt, r->row.nattempts, r->room);
	if (!a)
		return -ENOMEM;
	a->state = states[k->state];
	return read_times(r->attempts, 2, 4, k->base_ns,
	                  (int64_t *[]){&a->insert_ns, &a->remove_ns, &a->start_ns, &a->end_ns})
	           ? 0
	           : -EBADMSG;
}

static int read_attempts(struct invocation_reader *r, const struct kind *of)
{
	int rc = 0;

	r->row.nattempts = 0;
	while (!rc && r->more && r->attempt_of <= r->row.place) {
		if (r->attempt_of == r->row.place)
			rc = put_attempt(r, of);
		if (!rc)
			rc = next_attempt(r);
	}
	r->row.attempt = r->attempt;
	return rc;
}

static int read_row(struct invocation_reader *r, const struct kind *k)
{
	struct invocation_read *o = &r->row;
	sqlite3_stmt *st = r->invocations;

	o->kind = (size_t)(k - r->invocation_kinds.v);
	o->ok = k->ok;
	o->queued_ns = sqlite3_column_type(st, 6) == SQLITE_NULL ? NO_NS : column_ns(st, 7);
	o->e2e_duration_us = column_ns(st, 11);
	o->code_duration_sec = sqlite3_column_type(st, 12) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 12);
	o->insert_load = sqlite3_column_type(st, 13) == SQLITE_NULL ? NAN : sqlite3_column_double(st, 13);
	if (!read_times(st, 2, 9, k->base_ns,
	                (int64_t *[]){&o->sent_ns, &o->controller_ns, &o->dispatched_ns, &o->arrived_ns, &o->insert_ns,
	                              &o->remove_ns, &o->start_ns, &o->end_ns, &o->return_ns}))
		return -EBADMSG;
	return read_attempts(r, k);
}

int invocation_reader_next(struct invocation_reader *r, const struct invocation_read **out)
{
	int rc;

	while ((rc = sql_next(r->invocations)) == 1) {
		const struct kind *k = kind_at(&r->invocation_kinds, sqlite3_column_int64(r->invocations, 1));

		r->row.place = sqlite3_column_int64(r->invocations, 0);
		*out = &r->row;
		if (k)
			return (rc = read_row(r, k)) ? rc : 1;
	}
	return rc;
}

static int64_t first_of(int64_t a, int64_t b)
{
	return a != NO_NS ? a : b;
}

int64_t invocation_duration_ns(const struct invocation_read *o)
{
	int64_t end = first_of(o->return_ns, o->end_ns),
	        start = first_of(o->sent_ns, first_of(o->arrived_ns, o->insert_ns)), ns;

	if (o->e2e_duration_us != NO_NS && !__builtin_mul_overflow(o->e2e_duration_us, 1000, &ns))
		return ns;
	return end == NO_NS || start == NO_NS || __builtin_sub_overflow(end, start, &ns) ? NO_NS : ns;
}

double queueing_sec(int64_t queued_ns)
{
	int64_t rest = (queued_ns % 1000000000 + 1000000000) % 1000000000;

	return (double)((queued_ns - rest) / 1000000000) + (double)rest / 1e9;
}
