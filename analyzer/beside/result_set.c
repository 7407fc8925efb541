/* SPDX-License-Identifier: GPL-3.0-or-later */
/* result_set.c - results and traces between memory and their BLOBs: columns of pack.h, in an order that is the
 * format's. */
#include "beside/result_set.h"
#include "base/array.h"
#include "tables/pack.h"
#include "base/sql.h"
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

/* ---- BLOBs ---- */

/* Opens the one of a run, and part; *rows 0 and nothing in *in where there is none. *text is yours. */
static int blob_open(sqlite3 *db, const char *sql, int64_t run, uint32_t part, char **text, struct peek *in,
                     uint32_t *rows)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, sql, &st), step;

	*text = NULL;
	*rows = 0;
	*in = (struct peek){0};
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, part);
	step = sqlite3_step(st);
	if (step == SQLITE_ROW) {
		const void *p = sqlite3_column_blob(st, 0);

		rc = pack_open(p, (size_t)sqlite3_column_bytes(st, 0), text, in, rows);
	} else {
		rc = sql_errno(step);
	}
	sqlite3_finalize(st);
	return rc;
}

/* columns are given up in any case. */
static int blob_write(sqlite3 *db, const char *sql, int64_t run, uint32_t part, struct bytes *columns, uint32_t rows)
{
	struct bytes packed = {0};
	sqlite3_stmt *st = NULL;
	int rc = pack_seal(columns, rows, &packed);

	bytes_free(columns);
	if (!rc)
		rc = sql_prepare(db, sql, &st);
	if (!rc) {
		sqlite3_bind_int64(st, 1, run);
		sqlite3_bind_int64(st, 2, part);
		sqlite3_bind_blob64(st, 3, packed.ptr, packed.len, SQLITE_STATIC);
		rc = sql_step_reset(st);
	}
	sqlite3_finalize(st);
	bytes_free(&packed);
	return rc;
}

/* A text's number into *at, and on to the next. */
struct numbering {
	struct intern *in;
	uint32_t *at, added;
};

static int put_number(void *arg, struct slice text)
{
	struct numbering *n = arg;

	n->added++;
	return text.ptr ? intern_add(n->in, text, n->at) : -EBADMSG;
}

/* Texts of a dictionary: they are all different, so that text i gets the number i. */
static int unpack_names(struct peek *in, struct intern *names)
{
	uint32_t number, n = peek_u32(in);
	struct numbering to = {names, &number, 0};
	int rc = n > (size_t)(in->end - in->p) ? -EBADMSG : unpack_texts(in, n, put_number, &to);

	return rc || names->n == n ? rc : -EBADMSG;
}

static void pack_names(struct bytes *out, const struct intern *names)
{
	bytes_u32(out, names->n);
	pack_texts(out, names->text, names->n);
}

/* Numbers of names, as numbers: no name is NO_NS. */
static void pack_uses(struct bytes *out, const uint32_t *v, size_t stride, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint32_t use = *(const uint32_t *)((const char *)v + i * stride);
		int64_t number = use == INTERN_NONE ? NO_NS : (int64_t)use;

		pack_numbers(out, &number, 0, 1, false);
	}
}

static void unpack_uses(struct peek *in, uint32_t *v, size_t stride, uint32_t n, const struct intern *names)
{
	for (uint32_t i = 0; i < n; i++) {
		int64_t number;

		unpack_numbers(in, &number, 0, 1, false);
		if (number != NO_NS && (number < 0 || number >= (int64_t)names->n))
			in->bad = true;
		*(uint32_t *)((char *)v + i * stride) = number == NO_NS || in->bad ? INTERN_NONE : (uint32_t)number;
	}
}

/* ---- results ---- */

static const struct {
	size_t at;
	bool differences;
} numbers[] = {
    {offsetof(struct result_row, ord), true},
    {offsetof(struct result_row, success), false},
    {offsetof(struct result_row, was_cold), false},
    {offsetof(struct result_row, worker_duration_us), false},
    {offsetof(struct result_row, e2e_duration_us), false},
    {offsetof(struct result_row, client_latency_us), false},
    {offsetof(struct result_row, compute), false},
    {offsetof(struct result_row, container_state), false},
    {offsetof(struct result_row, sent), true},
};

enum { NUMBERS = sizeof numbers / sizeof *numbers };

static int64_t *number_of(struct result_row *v, int i)
{
	return (int64_t *)((char *)v + numbers[i].at);
}

int result_set_row(struct result_set *r, struct slice tid, struct result_row **out, bool *is_new)
{
	uint32_t before = r->tids.n, i;
	int rc;

	if (array_reserve(r->v, r->room, before + 1))
		return -ENOMEM;
	rc = intern_add(&r->tids, tid, &i);
	if (rc)
		return rc;
	*out = &r->v[i];
	if (is_new)
		*is_new = r->tids.n > before;
	if (r->tids.n == before)
		return 0;
	for (int k = 0; k < NUMBERS; k++)
		*number_of(*out, k) = NO_NS;
	(*out)->code_duration_sec = (*out)->body_start = NAN;
	(*out)->function_name = INTERN_NONE;
	return 0;
}

static int put_tid(void *arg, struct slice tid)
{
	struct result_row *row;

	return tid.ptr ? result_set_row(arg, tid, &row, NULL) : -EBADMSG;
}

int result_set_read(struct result_set *r, sqlite3 *db, int64_t run, uint32_t part)
{
	struct peek in;
	char *text;
	uint32_t n;
	int rc = blob_open(db, "SELECT data FROM result_pack WHERE run = ? AND part = ?", run, part, &text, &in, &n);

	*r = (struct result_set){0};
	intern_init(&r->tids);
	intern_init(&r->names);
	if (!rc && n) {
		rc = unpack_texts(&in, n, put_tid, r);
		if (!rc && r->tids.n != n)
			rc = -EBADMSG;
		if (!rc)
			rc = unpack_names(&in, &r->names);
		for (int k = 0; !rc && k < NUMBERS; k++)
			unpack_numbers(&in, number_of(r->v, k), sizeof *r->v, n, numbers[k].differences);
		if (!rc) {
			unpack_reals(&in, &r->v->code_duration_sec, sizeof *r->v, n);
			unpack_reals(&in, &r->v->body_start, sizeof *r->v, n);
			unpack_uses(&in, &r->v->function_name, sizeof *r->v, n, &r->names);
			rc = pack_whole(&in) ? 0 : -EBADMSG;
		}
	}
	free(text);
	return rc;
}

int result_set_write(const struct result_set *r, sqlite3 *db, int64_t run, uint32_t part)
{
	struct bytes out = {0};
	uint32_t n = r->tids.n;

	if (!n)
		return 0;
	pack_texts(&out, r->tids.text, n);
	pack_names(&out, &r->names);
	for (int k = 0; k < NUMBERS; k++)
		pack_numbers(&out, number_of(r->v, k), sizeof *r->v, n, numbers[k].differences);
	pack_reals(&out, &r->v->code_duration_sec, sizeof *r->v, n);
	pack_reals(&out, &r->v->body_start, sizeof *r->v, n);
	pack_uses(&out, &r->v->function_name, sizeof *r->v, n);
	return blob_write(db, "INSERT OR REPLACE INTO result_pack(run, part, data) VALUES(?, ?, ?)", run, part, &out,
	                  n);
}

void result_set_done(struct result_set *r)
{
	intern_done(&r->tids);
	intern_done(&r->names);
	free(r->v);
	*r = (struct result_set){0};
}

/* The next part. One without rows is the end, and must be behind all that are there. */
static int reader_part(struct result_reader *r)
{
	int64_t parts = 0;
	int rc;

	result_set_done(&r->set);
	r->next = 0;
	rc = result_set_read(&r->set, r->db, r->run, r->part);
	if (rc || r->set.tids.n) {
		r->part++;
		return rc;
	}
	rc = sql_number_of(r->db, "SELECT count(*) FROM result_pack WHERE run = ?1", r->run, &parts);
	return rc ? rc : parts == (int64_t)r->part ? 0 : -EBADMSG;
}

int result_reader_next(struct result_reader *r, struct result_entry *out)
{
	int rc = r->next == r->set.tids.n ? reader_part(r) : 0;
	const struct result_row *v;

	if (rc || !r->set.tids.n)
		return rc;
	v = &r->set.v[r->next];
	*out = (struct result_entry){r->set.tids.text[r->next], intern_text(&r->set.names, v->function_name), *v};
	r->next++;
	return 1;
}

void result_reader_done(struct result_reader *r)
{
	result_set_done(&r->set);
}

/* ---- traces ---- */

int trace_set_read(struct trace_set *t, sqlite3 *db, int64_t run)
{
	struct peek in;
	char *text;
	uint32_t n;
	int rc = blob_open(db, "SELECT data FROM trace_pack WHERE run = ? AND ? = 0", run, 0, &text, &in, &n);

	*t = (struct trace_set){0};
	intern_init(&t->names);
	if (!rc && n) {
		t->v = malloc(n * sizeof *t->v);
		rc = t->v ? unpack_names(&in, &t->names) : -ENOMEM;
	}
	if (!rc && n) {
		t->n = t->room = n;
		unpack_uses(&in, &t->v->func_name, sizeof *t->v, n, &t->names);
		unpack_numbers(&in, &t->v->invoke_time_ms, sizeof *t->v, n, true);
		for (uint32_t i = 0; i < n; i++)
			in.bad |= t->v[i].func_name == INTERN_NONE;
		rc = pack_whole(&in) ? 0 : -EBADMSG;
	}
	free(text);
	return rc;
}

int trace_set_put(struct trace_set *t, uint32_t ord, struct slice func_name, int64_t invoke_time_ms)
{
	uint32_t number;
	int rc = intern_add(&t->names, func_name, &number);

	if (rc)
		return rc;
	if (array_reserve(t->v, t->room, ord + 1))
		return -ENOMEM;
	t->v[ord] = (struct trace_row){invoke_time_ms, number};
	if (ord >= t->n)
		t->n = ord + 1;
	return 0;
}

int trace_set_write(const struct trace_set *t, sqlite3 *db, int64_t run)
{
	struct bytes out = {0};

	if (!t->n)
		return 0;
	pack_names(&out, &t->names);
	pack_uses(&out, &t->v->func_name, sizeof *t->v, t->n);
	pack_numbers(&out, &t->v->invoke_time_ms, sizeof *t->v, t->n, true);
	return blob_write(db, "INSERT OR REPLACE INTO trace_pack(run, data) VALUES(?1, ?3)", run, 0, &out, t->n);
}

void trace_set_done(struct trace_set *t)
{
	intern_done(&t->names);
	free(t->v);
	*t = (struct trace_set){0};
}
