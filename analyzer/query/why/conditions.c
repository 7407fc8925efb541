/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conditions.c - how things stood when a request came: what the others on its worker were at, and what the worker said
 * of itself last.
 *
 * How many intervals are open at a moment is the number that began before it minus the number that ended before it: two
 * sorted lists, walked by the sorted arrivals. */
#include "base/array.h"
#include "base/sql.h"
#include "query/core/select.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- those who are at something when a request comes ---- */

/* A moment of one group (a worker of a run, perhaps with a function). */
struct moment {
	uint64_t group;
	int64_t ns;
	uint32_t request;
};

static int by_group_and_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->request > y->request) - (x->request < y->request);
}

/* What an interval of a request is; NO_NS: it has none. */
typedef void interval_fn(const struct requests *r, uint32_t i, int64_t *from, int64_t *to);

static void under_way(const struct requests *r, uint32_t i, int64_t *from, int64_t *to)
{
	*from = r->v[i].arrived_ns;
	*to = r->v[i].ended_ns != NO_NS ? r->v[i].ended_ns : r->v[i].began_ns + r->v[i].ns;
}

static void waiting(const struct requests *r, uint32_t i, int64_t *from, int64_t *to)
{
	*from = r->v[i].arrived_ns;
	*to = r->v[i].removed_ns;
}

static void executing(const struct requests *r, uint32_t i, int64_t *from, int64_t *to)
{
	*from = r->v[i].started_ns;
	under_way(r, i, &(int64_t){0}, to);
}

static void in_cold_start(const struct requests *r, uint32_t i, int64_t *from, int64_t *to)
{
	bool cold = r->v[i].state != INTERN_NONE && slice_is(r->words.text[r->v[i].state], "cold");

	*from = cold ? r->v[i].removed_ns : NO_NS;
	*to = r->v[i].started_ns;
}

static void about_to_fail(const struct requests *r, uint32_t i, int64_t *from, int64_t *to)
{
	bool fails = r->v[i].attempts > 1 ||
	             (r->v[i].status != INTERN_NONE && slice_is(r->words.text[r->v[i].status], "failed"));

	under_way(r, i, from, to);
	if (!fails)
		*from = NO_NS;
}

static const struct {
	const char *what;
	interval_fn *of;
	bool same_function;
} counts[] = {{"requests under way", under_way, false},     {"requests waiting", waiting, false},
              {"requests executing", executing, false},     {"cold starts under way", in_cold_start, false},
              {"failures under way", about_to_fail, false}, {"requests of its function under way", under_way, true}};

static uint64_t group_of(const struct requests *r, uint32_t i, bool same_function)
{
	uint64_t group = (uint64_t)r->v[i].run << 16 ^ (r->v[i].worker & 0xffff);

	return same_function ? group << 24 ^ r->v[i].function : group;
}

struct sweep {
	struct moment *arrivals, *begins, *ends; /* sorted */
	uint32_t narrivals, n;
	float *value;
};

/* Moments in order already, as they are read from a log, need no sorting. */
static void sort(struct moment *v, uint32_t n)
{
	for (uint32_t i = 1; i < n; i++)
		if (by_group_and_time(&v[i - 1], &v[i]) > 0) {
			qsort(v, n, sizeof *v, by_group_and_time);
			return;
		}
}

static void collect(const struct requests *r, struct sweep *s, interval_fn *of, bool same_function)
{
	s->n = 0;
	for (uint32_t i = 0; i < r->n; i++) {
		uint64_t group = group_of(r, i, same_function);
		int64_t from, to;

		of(r, i, &from, &to);
		if (from == NO_NS || to == NO_NS || to < from)
			continue;
		s->begins[s->n] = (struct moment){group, from, i};
		s->ends[s->n++] = (struct moment){group, to, i};
	}
	sort(s->begins, s->n);
	sort(s->ends, s->n);
}

static void collect_arrivals(const struct requests *r, struct sweep *s, bool same_function)
{
	s->narrivals = 0;
	for (uint32_t i = 0; i < r->n; i++)
		if (r->v[i].arrived_ns != NO_NS)
			s->arrivals[s->narrivals++] =
			    (struct moment){group_of(r, i, same_function), r->v[i].arrived_ns, i};
	sort(s->arrivals, s->narrivals);
}

/* How many of v come before m, in its group: *at is where the walk stands, *first where the group begins. */
static uint32_t before(const struct moment *v, uint32_t n, const struct moment *m, uint32_t *at, uint32_t *first)
{
	while (*at < n && (v[*at].group < m->group || (v[*at].group == m->group && v[*at].ns < m->ns))) {
		if (v[*at].group < m->group)
			*first = *at + 1;
		++*at;
	}
	return *at < *first ? 0 : *at - *first;
}

static void count(struct sweep *s, uint32_t requests)
{
	uint32_t b = 0, e = 0, first_b = 0, first_e = 0;

	for (uint32_t i = 0; i < requests; i++)
		s->value[i] = NAN;
	for (uint32_t i = 0; i < s->narrivals; i++) {
		uint32_t begun = before(s->begins, s->n, &s->arrivals[i], &b, &first_b),
		         ended = before(s->ends, s->n, &s->arrivals[i], &e, &first_e);

		s->value[s->arrivals[i].request] = (float)begun - (float)ended;
	}
}

static int load_of(const struct requests *r, float *value, struct attributes *out)
{
	for (uint32_t i = 0; i < r->n; i++)
		value[i] = (float)r->v[i].load;
	return attribute_add_condition(out, "load at arrival", ATTRIBUTE_CONDITION, value, r->n);
}

void conditions_of_requests(struct query *q, const struct requests *r, struct attributes *out)
{
	size_t n = (size_t)r->n + 1;
	struct sweep s = {.arrivals = malloc(n * sizeof *s.arrivals),
	                  .begins = malloc(n * sizeof *s.begins),
	                  .ends = malloc(n * sizeof *s.ends),
	                  .value = malloc(n * sizeof *s.value)};
	int rc = s.arrivals && s.begins && s.ends && s.value ? 0 : -ENOMEM;

	for (size_t k = 0; k < sizeof counts / sizeof *counts && !rc; k++) {
		if (!k || counts[k].same_function != counts[k - 1].same_function)
			collect_arrivals(r, &s, counts[k].same_function);
		collect(r, &s, counts[k].of, counts[k].same_function);
		count(&s, r->n);
		rc = attribute_add_condition(out, counts[k].what, ATTRIBUTE_COMPANY, s.value, r->n);
	}
	if (!rc)
		rc = load_of(r, s.value, out);
	free(s.arrivals);
	free(s.begins);
	free(s.ends);
	free(s.value);
	query_ok(q, rc, q->command);
}

/* ---- what the worker said last ---- */

struct said {
	uint64_t group;
	int64_t ns;
	float value;
};

struct name_values {
	struct said *v;
	uint32_t n, room;
};

struct series_set {
	struct intern names;
	struct name_values *of;
	uint32_t nof;
};

static int by_said(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return (x->ns > y->ns) - (x->ns < y->ns);
}

/* Rows come in the order of the log: mostly of the run and worker of the row before, whose names come in turn. */
struct last {
	int64_t run_id;
	uint32_t run, worker, name;
	struct slice worker_name;
	bool any;
};

static void find_group(const struct requests *r, sqlite3_stmt *stmt, struct last *l)
{
	int64_t id = sqlite3_column_int64(stmt, 0);
	struct slice worker = column_slice(stmt, 1);
	char run[TEXT_DECIMAL];

	if (!l->any || id != l->run_id)
		l->run = intern_find(&r->runs, (struct slice){run, text_decimal(id, run)});
	l->run_id = id;
	if (l->any && worker.ptr && l->worker_name.ptr && slice_same(worker, l->worker_name))
		return;
	l->any = true;
	l->worker = worker.ptr ? intern_find(&r->workers, worker) : INTERN_NONE;
	l->worker_name = l->worker == INTERN_NONE ? SLICE_NONE : r->workers.text[l->worker];
}

static int find_name(struct series_set *s, struct slice name, struct last *l)
{
	uint32_t next = s->names.n ? (l->name + 1) % s->names.n : 0;

	for (uint32_t i = next; i < s->names.n && i < next + 2; i++)
		if (slice_same(s->names.text[i], name)) {
			l->name = i;
			return 0;
		}
	return intern_add(&s->names, name, &l->name);
}

static int put_said(struct series_set *s, const struct requests *r, sqlite3_stmt *stmt, struct last *l)
{
	struct name_values *v;
	int rc;

	find_group(r, stmt, l);
	if (l->run == INTERN_NONE || (l->worker == INTERN_NONE && r->workers.n > 1))
		return 0;
	rc = find_name(s, column_slice(stmt, 2), l);
	if (rc || (rc = array_reserve_zeroed(s->of, s->nof, l->name + 1)))
		return rc;
	v = &s->of[l->name];
	if (array_reserve(v->v, v->room, v->n + 1))
		return -ENOMEM;
	v->v[v->n++] = (struct said){(uint64_t)l->run << 16 ^ ((l->worker == INTERN_NONE ? 0 : l->worker) & 0xffff),
	                             sqlite3_column_int64(stmt, 3), (float)sqlite3_column_double(stmt, 4)};
	return 0;
}

static bool only_grows(const struct name_values *v)
{
	uint32_t up = 0, down = 0;

	for (uint32_t i = 1; i < v->n; i++) {
		if (v->v[i].group != v->v[i - 1].group)
			continue;
		up += v->v[i].value > v->v[i - 1].value;
		down += v->v[i].value < v->v[i - 1].value;
	}
	return up > 20 && down * 100 < up;
}

static int add_series(const struct requests *r, const struct moment *arrivals, uint32_t n, const struct name_values *v,
                      const char *what, float *value, struct attributes *out)
{
	uint32_t at = 0;

	for (uint32_t i = 0; i < r->n; i++)
		value[i] = NAN;
	for (uint32_t i = 0; i < n; i++) {
		const struct moment *m = &arrivals[i];

		while (at < v->n && (v->v[at].group < m->group || (v->v[at].group == m->group && v->v[at].ns <= m->ns)))
			at++;
		if (at && v->v[at - 1].group == m->group)
			value[m->request] = v->v[at - 1].value;
	}
	return attribute_add_condition(out, what, ATTRIBUTE_CONDITION, value, r->n);
}

static void read_series(struct query *q, const struct requests *r, struct series_set *s)
{
	struct select sel = {0};
	struct last last = {0};
	sqlite3_stmt *stmt;
	int rc = 0;

	select_add(&sel, "SELECT run, worker, name, time_ns, value FROM series");
	select_run(q, &sel, "run");
	stmt = select_prepare(q, &sel);
	while (!rc && query_next(q, stmt))
		rc = query_interrupted ? -EINTR : put_said(s, r, stmt, &last);
	sqlite3_finalize(stmt);
	select_done(&sel);
	query_ok(q, rc, q->command);
}

static void sort_said(struct name_values *v)
{
	for (uint32_t i = 1; i < v->n; i++)
		if (by_said(&v->v[i - 1], &v->v[i]) > 0) {
			qsort(v->v, v->n, sizeof *v->v, by_said);
			return;
		}
}

static int add_all_series(const struct requests *r, struct series_set *s, struct attributes *out)
{
	struct sweep w = {.arrivals = malloc(((size_t)r->n + 1) * sizeof *w.arrivals)};
	float *value = malloc(((size_t)r->n + 1) * sizeof *value);
	int rc = w.arrivals && value ? 0 : -ENOMEM;

	if (!rc)
		collect_arrivals(r, &w, false);
	for (uint32_t k = 0; k < s->names.n && !rc; k++) {
		sort_said(&s->of[k]);
		if (!only_grows(&s->of[k]))
			rc = add_series(r, w.arrivals, w.narrivals, &s->of[k], s->names.text[k].ptr, value, out);
	}
	free(w.arrivals);
	free(value);
	return rc;
}

void conditions_of_series(struct query *q, const struct requests *r, struct attributes *out)
{
	struct series_set s = {0};

	read_series(q, r, &s);
	if (!q->status)
		query_ok(q, add_all_series(r, &s, out), q->command);
	for (uint32_t k = 0; k < s.nof; k++)
		free(s.of[k].v);
	free(s.of);
	intern_done(&s.names);
}
