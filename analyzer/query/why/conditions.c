/* SPDX-License-Identifier: GPL-3.0-or-later */
/* conditions.c - how things stood when a request came: what the others on its worker were at, and what the worker said
 * of itself last.
 *
 * How many intervals are open at a moment is the number that began before it minus the number that ended before it: two
 * sorted lists, walked by the sorted arrivals. */
#include "base/array.h"
#include "base/keyed.h"
#include "base/sql.h"
#include "base/text.h"
#include "base/threads.h"
#include "beside/series_read.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- those who are at something when a request comes ---- */

/* What comes to a request. */
enum point { ARRIVED, REMOVED, STARTED, OVER, POINTS };

enum { AHEAD = 16 }; /* requests whose memory is fetched, of those that are gone through in another order */

/* A moment of one group (a worker of a run, perhaps with a function). */
struct instant {
	uint64_t group;
	int64_t ns;
	uint32_t request;
};

/* What is wanted of a request. They stand in the order of arrival, so that those who are at something at one time are
 * neighbours. */
struct visit {
	uint64_t group, worker; /* worker: the group of its worker alone */
	int64_t at[POINTS];     /* NO_NS: not known */
	uint32_t request, function;
	bool cold, fails;
};

enum only { ALL, COLD, FAILING };

/* From when to when a request is at it. */
struct interval {
	const char *what;
	enum point from, to;
	enum only only;
	bool same_function;
};

static const struct interval counts[] = {{"requests under way", ARRIVED, OVER, ALL, false},
                                         {"requests waiting", ARRIVED, REMOVED, ALL, false},
                                         {"requests executing", STARTED, OVER, ALL, false},
                                         {"cold starts under way", REMOVED, STARTED, COLD, false},
                                         {"failures under way", ARRIVED, OVER, FAILING, false},
                                         {"requests of its function under way", ARRIVED, OVER, ALL, true}};

struct sweep {
	struct visit *visit;
	struct keyed *keyed;
	uint32_t nvisits;
	struct instant *arrivals, *begins, *ends; /* by group and time */
	uint32_t narrivals, n;
	uint32_t *timed[POINTS], norder[POINTS]; /* visits that come to it, by time; nothing before find_times */
	uint32_t *order[POINTS];                 /* the same by group and time */
	float *value;
};

static void sweep_done(struct sweep *s)
{
	free(s->visit);
	free(s->keyed);
	free(s->arrivals);
	free(s->begins);
	free(s->ends);
	free(s->value);
	for (int p = 0; p < POINTS; p++) {
		free(s->timed[p]);
		free(s->order[p]);
	}
}

static int sweep_init(struct sweep *s, uint32_t requests)
{
	size_t n = (size_t)requests + 1;
	bool ok = true;

	*s = (struct sweep){.visit = malloc(n * sizeof *s->visit),
	                    .keyed = malloc(n * sizeof *s->keyed),
	                    .arrivals = malloc(n * sizeof *s->arrivals),
	                    .begins = malloc(n * sizeof *s->begins),
	                    .ends = malloc(n * sizeof *s->ends),
	                    .value = malloc(n * sizeof *s->value)};
	for (int p = 0; p < POINTS; p++) {
		s->timed[p] = malloc(n * sizeof *s->timed[p]);
		s->order[p] = malloc(n * sizeof *s->order[p]);
		ok &= s->timed[p] && s->order[p];
	}
	return ok && s->visit && s->keyed && s->arrivals && s->begins && s->ends && s->value ? 0 : -ENOMEM;
}

/* ---- their order ---- */

static void fetch(const struct request *x)
{
	__builtin_prefetch(x);
	__builtin_prefetch(x + 1);
}

static int find_visits(const struct requests *r, struct sweep *s)
{
	uint32_t cold = intern_find(&r->words, SLICE("cold")), failed = intern_find(&r->words, SLICE("failed"));
	int rc;

	s->nvisits = r->n;
	for (uint32_t i = 0; i < r->n; i++)
		s->keyed[i] = (struct keyed){keyed_signed(r->v[i].arrived_ns), i};
	rc = keyed_sort(s->keyed, r->n);
	for (uint32_t k = 0; k < r->n && !rc; k++) {
		uint32_t i = s->keyed[k].value;
		const struct request *x = &r->v[i];

		if (k + AHEAD < r->n)
			fetch(&r->v[s->keyed[k + AHEAD].value]);
		s->visit[k] =
		    (struct visit){.at = {x->arrived_ns, x->removed_ns, x->started_ns,
		                          x->ended_ns != NO_NS ? x->ended_ns : x->began_ns + x->ns},
		                   .worker = (uint64_t)x->run << 16 ^ (x->worker & 0xffff),
		                   .request = i,
		                   .function = x->function,
		                   .cold = cold != INTERN_NONE && x->state == cold,
		                   .fails = x->attempts > 1 || (failed != INTERN_NONE && x->status == failed)};
	}
	return rc;
}

static void find_groups(struct sweep *s, bool same_function)
{
	for (uint32_t k = 0; k < s->nvisits; k++) {
		struct visit *v = &s->visit[k];

		v->group = same_function ? v->worker << 24 ^ v->function : v->worker;
	}
}

static int find_times(struct sweep *s, enum point p)
{
	uint32_t n = 0;
	int rc;

	for (uint32_t k = 0; k < s->nvisits; k++)
		if (s->visit[k].at[p] != NO_NS)
			s->keyed[n++] = (struct keyed){keyed_signed(s->visit[k].at[p]), k};
	rc = keyed_sort(s->keyed, n);
	for (uint32_t k = 0; k < n && !rc; k++)
		s->timed[p][k] = s->keyed[k].value;
	s->norder[p] = rc ? 0 : n;
	return rc;
}

/* By group and time, after find_times. */
static int find_order(struct sweep *s, enum point p)
{
	uint32_t n = s->norder[p];
	int rc;

	for (uint32_t k = 0; k < n; k++)
		s->keyed[k] = (struct keyed){s->visit[s->timed[p][k]].group, s->timed[p][k]};
	rc = keyed_sort(s->keyed, n);
	for (uint32_t k = 0; k < n && !rc; k++)
		s->order[p][k] = s->keyed[k].value;
	return rc;
}

static bool is_at_it(const struct visit *v, const struct interval *of)
{
	return v->at[of->from] != NO_NS && v->at[of->to] != NO_NS && v->at[of->to] >= v->at[of->from] &&
	       (of->only == ALL || (of->only == COLD ? v->cold : v->fails));
}

/* The moments of one point, of those that have the interval; NULL: of all that come to it. */
static uint32_t collect(const struct sweep *s, enum point p, const struct interval *of, struct instant *out)
{
	uint32_t n = 0;

	for (uint32_t k = 0; k < s->norder[p]; k++) {
		const struct visit *v = &s->visit[s->order[p][k]];

		if (!of || is_at_it(v, of))
			out[n++] = (struct instant){v->group, v->at[p], v->request};
	}
	return n;
}

/* How many of v come before m, in its group: *at is where the walk stands, *first where the group begins. */
static uint32_t before(const struct instant *v, uint32_t n, const struct instant *m, uint32_t *at, uint32_t *first)
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

/* The arrivals by worker stay with whoever asked. */
static int keep_arrivals(struct sweep *s, uint32_t requests, struct arrivals *out)
{
	struct instant *other = malloc(((size_t)requests + 1) * sizeof *other);

	if (!other)
		return -ENOMEM;
	*out = (struct arrivals){s->arrivals, s->narrivals};
	s->arrivals = other;
	return 0;
}

/* Those that stand together by worker, or by worker and function. */
static int regroup(struct sweep *s, bool same_function)
{
	int rc = 0;

	find_groups(s, same_function);
	for (enum point p = 0; p < POINTS && !rc; p++)
		rc = find_order(s, p);
	s->narrivals = rc ? 0 : collect(s, ARRIVED, NULL, s->arrivals);
	return rc;
}

int conditions_of_requests(const struct requests *r, struct attributes *out, struct arrivals *arrivals)
{
	struct sweep s;
	int rc = sweep_init(&s, r->n);

	if (!rc)
		rc = find_visits(r, &s);
	for (enum point p = 0; p < POINTS && !rc; p++)
		rc = find_times(&s, p);
	for (size_t k = 0; k < sizeof counts / sizeof *counts && !rc; k++) {
		const struct interval *of = &counts[k];

		if (k && of->same_function && !arrivals->v)
			rc = keep_arrivals(&s, r->n, arrivals);
		if (!rc && (!k || of->same_function != counts[k - 1].same_function))
			rc = regroup(&s, of->same_function);
		if (rc)
			break;
		s.n = collect(&s, of->from, of, s.begins);
		collect(&s, of->to, of, s.ends);
		count(&s, r->n);
		rc = attribute_add_condition(out, of->what, ATTRIBUTE_COMPANY, s.value, r->n);
	}
	if (!rc)
		rc = load_of(r, s.value, out);
	sweep_done(&s);
	return rc;
}

void arrivals_done(struct arrivals *a)
{
	free(a->v);
	*a = (struct arrivals){0};
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
	bool limited;
};

struct said_values {
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

/* Rows come in the order of the log: mostly of the run and worker of the row before. */
struct last {
	int64_t run_id;
	uint32_t run, worker;
	struct slice worker_name;
	bool any;
	uint32_t *name; /* by number of a rule's value: its name + 1; 0: it was not met yet */
	size_t names_room;
};

static void find_group(const struct requests *r, const struct series_row *row, struct last *l)
{
	struct slice worker = row->worker;
	char run[TEXT_DECIMAL];

	if (!l->any || row->run != l->run_id)
		l->run = intern_find(&r->runs, (struct slice){run, text_decimal(row->run, run)});
	l->run_id = row->run;
	if (l->any && worker.ptr && l->worker_name.ptr && slice_same(worker, l->worker_name))
		return;
	l->any = true;
	l->worker = worker.ptr ? intern_find(&r->workers, worker) : INTERN_NONE;
	l->worker_name = l->worker == INTERN_NONE ? SLICE_NONE : r->workers.text[l->worker];
}

static int find_name(struct said_values *s, const struct series_row *row, struct last *l, uint32_t *out)
{
	bool known = row->rule != SERIES_NO_RULE;
	int rc;

	if (known && row->rule < l->names_room && l->name[row->rule]) {
		*out = l->name[row->rule] - 1;
		return 0;
	}
	rc = intern_add(&s->names, row->name, out);
	if (rc || !known)
		return rc;
	if (array_reserve_zeroed(l->name, l->names_room, row->rule + 1))
		return -ENOMEM;
	l->name[row->rule] = *out + 1;
	return 0;
}

static int put_said(struct said_values *s, const struct requests *r, const struct series_row *row, struct last *l)
{
	struct name_values *v;
	uint32_t name;
	int rc;

	find_group(r, row, l);
	if (l->run == INTERN_NONE || (l->worker == INTERN_NONE && r->workers.n > 1))
		return 0;
	rc = find_name(s, row, l, &name);
	if (rc || (rc = array_reserve_zeroed(s->of, s->nof, name + 1)))
		return rc;
	v = &s->of[name];
	v->limited |= row->limited;
	if (array_reserve(v->v, v->room, v->n + 1))
		return -ENOMEM;
	v->v[v->n++] = (struct said){(uint64_t)l->run << 16 ^ ((l->worker == INTERN_NONE ? 0 : l->worker) & 0xffff),
	                             row->time_ns, (float)row->value};
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

static int add_series(const struct requests *r, const struct arrivals *arrivals, const struct name_values *v,
                      const char *what, struct attributes *out)
{
	float *value = malloc(((size_t)r->n + 1) * sizeof *value);
	uint32_t at = 0;
	int rc;

	if (!value)
		return -ENOMEM;
	for (uint32_t i = 0; i < r->n; i++)
		value[i] = NAN;
	for (uint32_t i = 0; i < arrivals->n; i++) {
		const struct instant *m = &arrivals->v[i];

		while (at < v->n && (v->v[at].group < m->group || (v->v[at].group == m->group && v->v[at].ns <= m->ns)))
			at++;
		if (at && v->v[at - 1].group == m->group)
			value[m->request] = v->v[at - 1].value;
	}
	rc = attribute_add_condition(out, what, ATTRIBUTE_CONDITION, value, r->n);
	free(value);
	if (out->n)
		out->v[out->n - 1].limited = v->limited;
	return rc;
}

int said_read(struct store *store, int64_t run, const struct requests *r, struct said_values **out)
{
	struct said_values *s = *out = calloc(1, sizeof *s);
	struct series_reader *reader = NULL;
	const struct series_row *row;
	struct last last = {0};
	int rc = s ? series_reader_open(store, NULL, run, &reader) : -ENOMEM;

	while (!rc && (rc = series_reader_next(reader, &row)) == 1)
		rc = query_interrupted ? -EINTR : put_said(s, r, row, &last);
	series_reader_close(reader);
	free(last.name);
	return rc;
}

void said_free(struct said_values *s)
{
	if (!s)
		return;
	for (uint32_t k = 0; k < s->nof; k++)
		free(s->of[k].v);
	free(s->of);
	intern_done(&s->names);
	free(s);
}

static void sort_said(struct name_values *v)
{
	for (uint32_t i = 1; i < v->n; i++)
		if (by_said(&v->v[i - 1], &v->v[i]) > 0) {
			qsort(v->v, v->n, sizeof *v->v, by_said);
			return;
		}
}

/* What threads share to make the conditions, each name's by itself. */
struct said_work {
	const struct requests *r;
	const struct arrivals *arrivals;
	struct said_values *said;
	struct attributes *of; /* by name */
};

static int add_name(void *arg, size_t k)
{
	struct said_work *w = arg;
	struct name_values *v = &w->said->of[k];
	int rc = 0;

	sort_said(v);
	if (!only_grows(v))
		rc = add_series(w->r, w->arrivals, v, w->said->names.text[k].ptr, &w->of[k]);
	free(v->v); /* they are many */
	*v = (struct name_values){0};
	return rc;
}

int conditions_of_series(struct said_values *s, const struct requests *r, const struct arrivals *arrivals,
                         struct attributes *out)
{
	struct said_work w = {r, arrivals, s, calloc((size_t)s->names.n + 1, sizeof *w.of)};
	int rc = w.of ? threads_each(s->names.n, add_name, &w) : -ENOMEM;

	for (uint32_t k = 0; w.of && k < s->names.n; k++) {
		if (!rc)
			rc = attributes_append(out, &w.of[k]);
		attributes_done(&w.of[k]);
	}
	free(w.of);
	return rc;
}
