/* SPDX-License-Identifier: GPL-3.0-or-later */
/* functions.c - invocations by function: how many, how they ended, how long they took.
 *
 * Two things are called cold. `cold` is the function's own word for its first call in a container, prewarmed ones too.
 * `cold_starts` are the containers that were made while an invocation waited, also where that failed: what the phase
 * "container acquisition (cold)" is of. */
#include "query/commands/gathering.h"
#include "query/core/command.h"
#include "query/core/quantile.h"
#include "query/core/select.h"
#include "tables/invocation_read.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sql.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct function {
	struct slice name;
	int64_t run, all, ok, failed, unfinished, cold, cold_starts;
	struct sample duration, queue, code;
};

/* What invocations of one kind (invocation_read.h) have in common. */
struct kind {
	uint32_t function;
	int ok, failed, unfinished, cold; /* 0 or 1 */
	bool asked;
};

struct functions {
	struct intern names, keys; /* keys: run and number of the name */
	struct function *v;        /* by number of the key */
	size_t n, room;
	struct kind *kinds;
	size_t nkinds, kinds_room;
	struct sample_file file;
};

static const struct column columns[] = {
    {"run", UNIT_RUN},         {"function_name", UNIT_NONE}, {"invocations", UNIT_COUNT}, {"ok", UNIT_COUNT},
    {"failed", UNIT_COUNT},    {"unfinished", UNIT_COUNT},   {"cold", UNIT_COUNT},        {"cold_starts", UNIT_COUNT},
    {"p50_ns", UNIT_NS},       {"p90_ns", UNIT_NS},          {"p99_ns", UNIT_NS},         {"max_ns", UNIT_NS},
    {"queue_p50_ns", UNIT_NS}, {"queue_p99_ns", UNIT_NS},    {"code_p50_ns", UNIT_NS},    {"code_p99_ns", UNIT_NS},
};

static struct cell quantile(const struct sample *s, int64_t ns)
{
	return s->n ? CELL_OF_INT(ns) : CELL_OF_NULL;
}

static bool put(struct query *q, struct table *t, struct function *f)
{
	const struct spread *all = &f->duration.spread, *queue = &f->queue.spread, *code = &f->code.spread;

	if (!query_ok(q, sample_spread(&f->duration), q->path) || !query_ok(q, sample_spread(&f->queue), q->path) ||
	    !query_ok(q, sample_spread(&f->code), q->path))
		return false;

	struct cell c[] = {
	    CELL_OF_INT(f->run),
	    cell_of_text(f->name.ptr),
	    CELL_OF_INT(f->all),
	    CELL_OF_INT(f->ok),
	    CELL_OF_INT(f->failed),
	    CELL_OF_INT(f->unfinished),
	    CELL_OF_INT(f->cold),
	    CELL_OF_INT(f->cold_starts),
	    quantile(&f->duration, all->p50),
	    quantile(&f->duration, all->p90),
	    quantile(&f->duration, all->p99),
	    quantile(&f->duration, all->most),
	    quantile(&f->queue, queue->p50),
	    quantile(&f->queue, queue->p99),
	    quantile(&f->code, code->p50),
	    quantile(&f->code, code->p99),
	};

	return query_table_row(q, t, c);
}

/* ---- reading ---- */

static int function_of(struct functions *all, int64_t run, struct slice name, uint32_t *out)
{
	struct sample empty = {.file = &all->file};
	int64_t key[2] = {run};
	struct function *f;
	uint32_t number;
	int rc = intern_add(&all->names, name, &number);

	key[1] = number;
	if (!rc)
		rc = intern_add(&all->keys, (struct slice){(const char *)key, sizeof key}, out);
	if (rc || *out < all->n)
		return rc;
	f = array_add(all->v, all->n, all->room);
	if (!f)
		return -ENOMEM;
	*f = (struct function){
	    .name = all->names.text[number], .run = run, .duration = empty, .queue = empty, .code = empty};
	return 0;
}

static int read_kind(struct functions *all, sqlite3_stmt *st)
{
	struct slice status = column_slice(st, 2);
	struct kind *k = array_add(all->kinds, all->nkinds, all->kinds_room);

	if (!k)
		return -ENOMEM;
	*k = (struct kind){.ok = slice_is(status, "ok"),
	                   .failed = slice_is(status, "failed"),
	                   .unfinished = slice_is(status, "unfinished"),
	                   .cold = sqlite3_column_int(st, 3),
	                   .asked = sqlite3_column_int(st, 4)};
	return k->asked ? function_of(all, sqlite3_column_int64(st, 0), column_slice(st, 1), &k->function) : 0;
}

static void read_kinds(struct query *q, struct functions *all)
{
	struct select s = {0};
	sqlite3_stmt *st;

	select_add(&s, "SELECT run, substr(coalesce(function_name, fqdn, '(unknown)'), 1, 200), status, "
	               "coalesce(was_cold, state = 'cold', 0), (1");
	s.where = true;
	select_run(q, &s, "run");
	select_add(&s, ") FROM invocation_kind ORDER BY id");
	st = select_prepare(q, &s);
	while (query_next(q, st))
		query_ok(q, read_kind(all, st), q->command);
	sqlite3_finalize(st);
	select_done(&s);
}

static int64_t code_of(const struct invocation_read *o)
{
	if (!isnan(o->code_duration_sec))
		return fabs(o->code_duration_sec) < 9e9 ? (int64_t)(o->code_duration_sec * 1e9) : NO_NS;
	return o->start_ns == NO_NS || o->end_ns == NO_NS ? NO_NS : o->end_ns - o->start_ns;
}

static int measure(struct sample *s, int64_t ns)
{
	return ns == NO_NS ? 0 : sample_add(s, ns);
}

int functions_take(void *functions, const struct invocation_read *o, const struct phases *phases)
{
	struct functions *all = functions;
	const struct kind *k = o->kind < all->nkinds ? &all->kinds[o->kind] : NULL;
	struct function *f;
	int rc;

	(void)phases;
	if (!k)
		return -EBADMSG;
	if (!k->asked)
		return 0;
	f = &all->v[k->function];
	f->all++;
	f->ok += k->ok;
	f->failed += k->failed;
	f->unfinished += k->unfinished;
	f->cold += k->cold;
	for (int i = 0; i < o->nattempts; i++)
		f->cold_starts += o->attempt[i].state && !strcmp(o->attempt[i].state, "cold");
	rc = measure(&f->duration, invocation_duration_ns(o));
	if (!rc && o->queued_ns != NO_NS)
		rc = sample_add(&f->queue, (int64_t)(queueing_sec(o->queued_ns) * 1e9));
	return rc ? rc : measure(&f->code, code_of(o));
}

static void read_all(struct query *q, struct functions *all)
{
	struct invocation_reader *r = NULL;
	const struct invocation_read *o;
	int rc = q->status ? 0 : invocation_reader_open(q->db, INT64_MIN, INT64_MAX, &r);

	while (r && !rc && (rc = invocation_reader_next(r, &o)) == 1)
		rc = query_interrupted ? -EINTR : functions_take(all, o, NULL);
	query_ok(q, rc, q->path);
	invocation_reader_close(r);
}

struct functions *functions_new(struct query *q)
{
	struct functions *all = calloc(1, sizeof *all);

	if (!query_ok(q, all ? 0 : -ENOMEM, q->command)) {
		free(all);
		return NULL;
	}
	all->file.beside = q->path;
	read_kinds(q, all);
	return all;
}

void functions_free(struct functions *all)
{
	if (!all)
		return;
	for (size_t i = 0; i < all->n; i++) {
		sample_done(&all->v[i].duration);
		sample_done(&all->v[i].queue);
		sample_done(&all->v[i].code);
	}
	sample_file_done(&all->file);
	free(all->v);
	free(all->kinds);
	intern_done(&all->names);
	intern_done(&all->keys);
	free(all);
}

/* ---- all of it ---- */

static int by_run_and_name(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	return x->run != y->run ? (x->run > y->run) - (x->run < y->run) : strcmp(x->name.ptr, y->name.ptr);
}

static void put_all(struct query *q, struct functions *all)
{
	struct table *t = query_table_open(q, columns, sizeof columns / sizeof *columns);

	if (all->n && !q->status)
		qsort(all->v, all->n, sizeof *all->v, by_run_and_name);
	for (size_t i = 0; i < all->n && !q->status; i++)
		if (all->v[i].all && !put(q, t, &all->v[i]))
			break;
	query_table_close(q, t);
}

static void run(struct query *q)
{
	struct functions *own = q->gathered && q->gathered->functions ? NULL : functions_new(q),
	                 *all = own           ? own
	                        : q->gathered ? q->gathered->functions
	                                      : NULL;

	if (own)
		read_all(q, own);
	if (all)
		put_all(q, all);
	functions_free(own);
}

static const struct option_spec options[] = {OPTION_RUN, {0}};

const struct command command_functions = {
    .name = "functions",
    .group = GROUP_ANSWERS,
    .help = "invocations by function: outcomes and latency quantiles",
    .more =
        "cold counts calls that the function itself calls its first in a container, also in a prewarmed one; "
        "cold_starts "
        "the containers that were\n"
        "made while an invocation waited, also where that failed, as the phase \"container acquisition (cold)\" does.",
    .options = options,
    .need = NEED_READ,
    .of_requests = true,
    .run = run,
    COLUMNS_OF(columns),
};
