/* SPDX-License-Identifier: GPL-3.0-or-later */
/* overall.c - see gathered.h: how all invocations ended and how long they took, and which of them stand out. */
#include "query/whole/gathered.h"
#include "base/array.h"
#include "base/sql.h"
#include "query/core/select.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What invocations of one kind (invocation_read.h) have in common. */
struct overall_kind {
	uint32_t function; /* INTERN_NONE: none is named */
	bool ok, failed, unfinished, asked;
};

static int read_kind(struct overall *o, sqlite3_stmt *st)
{
	struct slice status = column_slice(st, 0), name = column_slice(st, 1);
	struct overall_kind *k = array_add(o->kinds, o->nkinds, o->kinds_room);

	if (!k)
		return -ENOMEM;
	*k = (struct overall_kind){.function = INTERN_NONE,
	                           .ok = slice_is(status, "ok"),
	                           .failed = slice_is(status, "failed"),
	                           .unfinished = slice_is(status, "unfinished"),
	                           .asked = sqlite3_column_int(st, 2)};
	return name.ptr ? intern_add(&o->names, name, &k->function) : 0;
}

struct overall *overall_new(struct query *q)
{
	struct overall *o = calloc(1, sizeof *o);
	struct select s = {0};
	sqlite3_stmt *st;

	if (!query_ok(q, o ? 0 : -ENOMEM, q->command)) {
		free(o);
		return NULL;
	}
	select_add(&s, "SELECT status, coalesce(function_name, fqdn), (1");
	s.where = true;
	select_run(q, &s, "run");
	select_add(&s, ") FROM invocation_kind ORDER BY id");
	st = select_prepare(q, &s);
	while (query_next(q, st))
		query_ok(q, read_kind(o, st), q->command);
	sqlite3_finalize(st);
	select_done(&s);
	o->function = calloc((size_t)o->names.n + 1, sizeof *o->function);
	query_ok(q, o->function ? 0 : -ENOMEM, q->command);
	return o;
}

void overall_free(struct overall *o)
{
	if (!o)
		return;
	sample_done(&o->durations);
	intern_done(&o->names);
	free(o->function);
	free(o->slow);
	free(o->failed_first.v);
	free(o->unfinished_first.v);
	free(o->kinds);
	free(o);
}

/* ---- who stands out ---- */

/* Whether ns is among the longest so far; then it is one of them. */
static bool is_long(struct overall *o, int64_t ns)
{
	size_t i = 0, child;

	if (o->nleast < OVERALL_SLOWEST) {
		for (i = o->nleast++; i && o->least[(i - 1) / 2] > ns; i = (i - 1) / 2)
			o->least[i] = o->least[(i - 1) / 2];
		o->least[i] = ns;
		return true;
	}
	if (ns <= o->least[0])
		return ns == o->least[0];
	while ((child = 2 * i + 1) < OVERALL_SLOWEST) {
		child += child + 1 < OVERALL_SLOWEST && o->least[child + 1] < o->least[child];
		if (o->least[child] >= ns)
			break;
		o->least[i] = o->least[child];
		i = child;
	}
	o->least[i] = ns;
	return true;
}

/* Those that others have overtaken go. */
static void forget(struct overall *o)
{
	size_t n = 0;

	for (size_t i = 0; i < o->nslow; i++)
		if (o->slow[i].ns >= o->least[0])
			o->slow[n++] = o->slow[i];
	o->nslow = n;
}

static int name_slow(struct overall *o, int64_t place, int64_t ns)
{
	struct overall_named *x;

	if (!is_long(o, ns) || o->many_slow)
		return 0;
	if (o->nslow == 2 * OVERALL_NAMED)
		forget(o);
	o->many_slow = o->nslow == 2 * OVERALL_NAMED; /* as many took equally long */
	x = array_add(o->slow, o->nslow, o->slow_room);
	if (!x)
		return -ENOMEM;
	*x = (struct overall_named){place, ns};
	return 0;
}

static int by_ns(const void *a, const void *b)
{
	const struct overall_named *x = a, *y = b;

	return (x->ns > y->ns) - (x->ns < y->ns);
}

static void keep_earliest(struct overall_early *e)
{
	size_t n = OVERALL_EARLIEST;

	if (e->n <= n)
		return;
	qsort(e->v, e->n, sizeof *e->v, by_ns);
	while (n < e->n && e->v[n].ns == e->v[n - 1].ns)
		n++;
	e->cut |= n < e->n;
	e->n = n;
	e->last_ns = e->v[n - 1].ns;
}

static int name_early(struct overall_early *e, const struct invocation_read *of)
{
	int64_t ns = of->sent_ns != NO_NS ? of->sent_ns : of->arrived_ns != NO_NS ? of->arrived_ns : of->insert_ns;
	struct overall_named *x;

	if (e->many || (e->cut && ns > e->last_ns))
		return 0;
	if (e->n == 2 * OVERALL_NAMED)
		keep_earliest(e);
	e->many = e->n == 2 * OVERALL_NAMED;
	x = array_add(e->v, e->n, e->room);
	if (!x)
		return -ENOMEM;
	*x = (struct overall_named){of->place, ns};
	return 0;
}

/* ---- all of them ---- */

int overall_take(void *overall, const struct invocation_read *of, const struct phases *phases)
{
	struct overall *o = overall;
	const struct overall_kind *k = of->kind < o->nkinds ? &o->kinds[of->kind] : NULL;
	struct overall_function *f;
	int64_t ns = invocation_duration_ns(of);
	int rc;

	(void)phases;
	if (!k)
		return -EBADMSG;
	if (!k->asked)
		return 0;
	o->all++;
	o->ok += k->ok;
	o->failed += k->failed;
	o->unfinished += k->unfinished;
	for (int i = 0; i < of->nattempts; i++)
		o->cold_starts += of->attempt[i].state && !strcmp(of->attempt[i].state, "cold");
	f = &o->function[k->function == INTERN_NONE ? o->names.n : k->function];
	f->n++;
	if (!k->ok && (rc = name_early(k->failed ? &o->failed_first : &o->unfinished_first, of)))
		return rc;
	if (ns == NO_NS)
		return 0;
	f->ns += (double)ns;
	if (!k->unfinished && (rc = name_slow(o, of->place, ns)))
		return rc;
	return sample_add(&o->durations, ns);
}

void overall_finish(struct overall *o)
{
	sample_sort(&o->durations);
	forget(o);
	if (o->failed_first.n + o->unfinished_first.n > OVERALL_NAMED) {
		keep_earliest(&o->failed_first);
		keep_earliest(&o->unfinished_first);
	}
}

/* ---- as a condition ---- */

static int by_place(const void *a, const void *b)
{
	const struct overall_named *x = a, *y = b;

	return (x->place > y->place) - (x->place < y->place);
}

/* "tid IN ('...', ...)" of these; NULL: one cannot be written so. */
static char *named_sql(struct query *q, struct overall_named *v, size_t n)
{
	sqlite3_stmt *st = n ? query_prepare(q, "SELECT id, tid FROM place") : NULL;
	struct text sql = {0};
	bool plain = true;
	char *out = NULL;

	if (n)
		qsort(v, n, sizeof *v, by_place);
	text_puts(&sql, "tid IN (");
	for (const char *comma = "'"; st && query_next(q, st);) {
		struct overall_named key = {.place = sqlite3_column_int64(st, 0)};
		struct slice tid;

		if (!bsearch(&key, v, n, sizeof *v, by_place))
			continue;
		tid = column_slice(st, 1);
		plain &= !memchr(tid.ptr ? tid.ptr : "", 0, tid.len ? tid.len : 1);
		text_puts(&sql, comma);
		for (size_t i = 0; i < tid.len; i++)
			text_add(&sql, tid.ptr[i] == '\'' ? "''" : tid.ptr + i, tid.ptr[i] == '\'' ? 2 : 1);
		text_puts(&sql, "'");
		comma = ",'";
	}
	sqlite3_finalize(st);
	text_puts(&sql, ")");
	if (plain && !sql.failed && !q->status)
		out = strdup(text_str(&sql));
	text_done(&sql);
	return out;
}

char *overall_slowest_sql(struct query *q, const struct overall *o)
{
	return o->many_slow ? NULL : named_sql(q, o->slow, o->nslow);
}

char *overall_bad_sql(struct query *q, const struct overall *o, bool one_run)
{
	const struct overall_early *failed = &o->failed_first, *others = &o->unfinished_first;
	size_t n = failed->n + others->n;
	struct overall_named *v;
	char *sql;

	if (n > OVERALL_NAMED || failed->many || others->many || ((failed->cut || others->cut) && !one_run))
		return NULL;
	v = malloc((n + 1) * sizeof *v);
	if (!v)
		return NULL;
	if (failed->n)
		memcpy(v, failed->v, failed->n * sizeof *v);
	if (others->n)
		memcpy(v + failed->n, others->v, others->n * sizeof *v);
	sql = named_sql(q, v, n);
	free(v);
	return sql;
}
