/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result_order.c - see result_order.h. A record is where the row is from, its numbers as they are in memory, and the
 * transaction. */
#include "beside/result_order.h"
#include "base/bytes.h"
#include "base/sql.h"
#include <errno.h>
#include <math.h>
#include <stddef.h>

struct record {
	struct result_row v; /* function_name: in result_order.names */
	uint32_t from;
};

static struct record head_of(struct slice x)
{
	struct record r;

	memcpy(&r, x.ptr, sizeof r);
	return r;
}

static struct slice tid_of(struct slice x)
{
	return (struct slice){x.ptr + sizeof(struct record), x.len - sizeof(struct record)};
}

static int by_tid(struct slice a, struct slice b)
{
	return slice_compare(tid_of(a), tid_of(b));
}

static int by_ord(struct slice a, struct slice b)
{
	int64_t x = head_of(a).v.ord, y = head_of(b).v.ord;

	return (x > y) - (x < y);
}

static int put(struct result_order *o, struct sorter *to, const struct result_entry *e, enum result_from from)
{
	struct record r;

	memset(&r, 0, sizeof r);
	r.v = e->v;
	r.from = from;
	r.v.function_name = INTERN_NONE;
	if (e->function.ptr && intern_add(&o->names, e->function, &r.v.function_name))
		return -ENOMEM;
	o->record.len = 0;
	bytes_add(&o->record, &r, sizeof r);
	bytes_add(&o->record, e->tid.ptr, e->tid.len);
	return o->record.failed ? -ENOMEM : sorter_add(to, (struct slice){o->record.ptr, o->record.len});
}

static int next(struct result_order *o, struct sorter *from, struct result_entry *out, enum result_from *kind)
{
	struct slice x;
	int rc = sorter_next(from, &x);

	if (rc == 1) {
		struct record r = head_of(x);

		*out = (struct result_entry){tid_of(x), intern_text(&o->names, r.v.function_name), r.v};
		*kind = (enum result_from)r.from;
	}
	return rc;
}

int result_order_add(struct result_order *o, const struct result_entry *e, enum result_from from)
{
	return put(o, o->by_tid, e, from);
}

int result_order_new(struct result_order *o, sqlite3 *db, int64_t run)
{
	struct result_reader r = {.db = db, .run = run};
	struct result_entry e;
	int rc;

	*o = (struct result_order){.db = db, .run = run};
	intern_init(&o->names);
	rc = sorter_new(sqlite3_db_filename(db, "main"), 0, by_tid, &o->by_tid);
	while (!rc && (rc = result_reader_next(&r, &e)) == 1)
		rc = result_order_add(o, &e, RESULT_KEPT);
	result_reader_done(&r);
	return rc;
}

void result_order_done(struct result_order *o)
{
	sorter_free(o->by_tid);
	intern_done(&o->names);
	bytes_free(&o->record);
	*o = (struct result_order){0};
}

int result_order_rewind(struct result_order *o)
{
	return sorter_rewind(o->by_tid);
}

int result_order_next(struct result_order *o, struct result_entry *out, enum result_from *from)
{
	return next(o, o->by_tid, out, from);
}

/* ---- one row of several ---- */

static void take_csv(struct result_row *to, const struct result_row *v)
{
	to->ord = v->ord;
	to->success = v->success;
	to->was_cold = v->was_cold;
	to->worker_duration_us = v->worker_duration_us;
	to->code_duration_sec = v->code_duration_sec;
	to->e2e_duration_us = v->e2e_duration_us;
}

static void fill(int64_t *to, int64_t v)
{
	if (*to == NO_NS)
		*to = v;
}

static void take_json(struct result_row *to, const struct result_row *v)
{
	fill(&to->success, v->success);
	fill(&to->was_cold, v->was_cold);
	fill(&to->worker_duration_us, v->worker_duration_us);
	fill(&to->e2e_duration_us, v->e2e_duration_us);
	if (isnan(to->code_duration_sec))
		to->code_duration_sec = v->code_duration_sec;
	to->compute = v->compute;
	to->container_state = v->container_state;
	to->sent = v->sent;
	to->client_latency_us = v->client_latency_us;
	to->body_start = v->body_start;
}

/* The function stays borrowed of names, which keep it. */
static void take(struct result_entry *to, const struct result_entry *e, enum result_from from)
{
	if (from == RESULT_JSON) {
		take_json(&to->v, &e->v);
		if (!to->function.ptr)
			to->function = e->function;
	} else {
		take_csv(&to->v, &e->v);
		to->function = e->function;
	}
}

/* The one row of each transaction, into `to`. */
static int join(struct result_order *o, struct sorter *to)
{
	struct result_entry all, e;
	struct bytes tid = {0};
	enum result_from from;
	bool any = false;
	int rc = result_order_rewind(o);

	while (!rc && (rc = result_order_next(o, &e, &from)) == 1) {
		if (any && slice_same(e.tid, all.tid)) {
			take(&all, &e, from);
			rc = 0;
			continue;
		}
		rc = any ? put(o, to, &all, RESULT_KEPT) : 0;
		tid.len = 0;
		bytes_add(&tid, e.tid.ptr, e.tid.len);
		all = e;
		all.tid = (struct slice){tid.ptr ? tid.ptr : "", tid.len};
		any = true;
		if (tid.failed)
			rc = -ENOMEM;
	}
	if (!rc && any)
		rc = put(o, to, &all, RESULT_KEPT);
	bytes_free(&tid);
	return rc;
}

static int set_put(struct result_set *set, const struct result_entry *e)
{
	struct result_row *to;
	uint32_t name = INTERN_NONE;
	int rc = e->function.ptr ? intern_add(&set->names, e->function, &name) : 0;

	if (!rc)
		rc = result_set_row(set, e->tid, &to, NULL);
	if (rc)
		return rc;
	*to = e->v;
	to->function_name = name;
	return 0;
}

/* Parts take the place of those that were there. */
static int write_parts(struct result_order *o, struct sorter *by)
{
	struct result_set set = {0};
	struct result_entry e;
	enum result_from from;
	sqlite3_stmt *st;
	uint32_t part = 0;
	int rc = sql_prepare(o->db, "DELETE FROM result_pack WHERE run = ?", &st);

	if (!rc) {
		sqlite3_bind_int64(st, 1, o->run);
		rc = sql_finish(st);
	}
	if (!rc)
		rc = sorter_rewind(by);
	while (!rc && (rc = next(o, by, &e, &from)) == 1) {
		rc = set_put(&set, &e);
		if (!rc && set.tids.n == RESULT_PART) {
			rc = result_set_write(&set, o->db, o->run, part++);
			result_set_done(&set);
		}
	}
	if (!rc)
		rc = result_set_write(&set, o->db, o->run, part);
	result_set_done(&set);
	return rc;
}

int result_order_write(struct result_order *o)
{
	struct sorter *by;
	int rc = sorter_new(sqlite3_db_filename(o->db, "main"), 0, by_ord, &by);

	if (!rc)
		rc = join(o, by);
	if (!rc)
		rc = write_parts(o, by);
	sorter_free(by);
	return rc;
}
