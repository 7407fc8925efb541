/* SPDX-License-Identifier: GPL-3.0-or-later */
/* said.c - what the worker said of itself last, before a request came.
 *
 * Values are said far more often than requests come, and most are what was said before. So a value is kept where the
 * next arrival finds another one than the arrival before it: from a place among the arrivals on. That can be told as
 * the rows come, where those of one worker come by time. A name of which they do not is read once more, in full, and
 * put in order first. */
#include "base/array.h"
#include "base/sql.h"
#include "base/text.h"
#include "base/threads.h"
#include "beside/series_read.h"
#include "query/requests/arrivals.h"
#include "query/why/attribute.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* From an arrival on. */
struct change {
	uint32_t place;
	float value;
};

/* What one group said under one name. */
struct saying {
	struct change *v;
	uint32_t n, room;
	int64_t ns; /* of the last row */
	float last;
	bool any;
};

/* A row in full. */
struct said {
	int64_t ns;
	uint32_t group, number; /* number: the how manieth row it is */
	float value;
};

struct name_values {
	struct saying *by; /* by group */
	struct said *row;  /* of one whose rows do not come in order, as they came */
	uint32_t groups, n, room;
	uint32_t up, down; /* how often one is more, is less than the one before it */
	bool limited, disorderly;
};

struct said_values {
	const struct requests *r;
	const struct arrivals *arrivals;
	struct intern silent; /* keys of groups that no request is of: numbered behind the others */
	struct intern names;
	struct name_values *of;
	uint32_t nof;
	uint32_t disorderly; /* names */
	bool again;          /* they are read once more */
};

static void forget(struct name_values *v)
{
	for (uint32_t k = 0; k < v->groups; k++)
		free(v->by[k].v);
	free(v->by);
	free(v->row);
	*v = (struct name_values){.limited = v->limited, .disorderly = v->disorderly};
}

void said_free(struct said_values *s)
{
	if (!s)
		return;
	for (uint32_t k = 0; k < s->nof; k++)
		forget(&s->of[k]);
	free(s->of);
	intern_done(&s->silent);
	intern_done(&s->names);
	free(s);
}

/* ---- whose a row is ---- */

/* Rows come in the order of the log: mostly of the run, worker and time of the row before. */
struct last {
	int64_t run_id, ns;
	uint32_t run, worker;
	struct slice worker_name;
	bool any, placed; /* placed: group and place are those of the row before */
	uint32_t *name;   /* by number of a rule's value: its name + 1; 0: it was not met yet */
	size_t names_room;
	uint32_t group;
	uint32_t place; /* the first of its arrivals at ns or later */
};

static void find_worker(const struct requests *r, const struct series_row *row, struct last *l)
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

/* The group of a run and worker; one that no request is of tells whether values only grow. */
static int find_group(struct said_values *s, uint32_t run, uint32_t worker, uint32_t *out)
{
	uint64_t key = arrival_key(run, worker == INTERN_NONE ? 0 : worker);
	int rc;

	*out = arrivals_group(s->arrivals, key);
	if (*out != INTERN_NONE)
		return 0;
	rc = intern_add(&s->silent, (struct slice){(const char *)&key, sizeof key}, out);
	*out += s->arrivals->ngroups;
	return rc;
}

/* The first place at a time or later, not before `from`. */
static uint32_t place_at(const struct arrivals *a, uint32_t group, uint32_t from, int64_t ns)
{
	if (group >= a->ngroups)
		return 0;
	return ns == NO_NS ? from : arrivals_after(a, &a->group[group], from, ns - 1);
}

static uint32_t first_of(const struct arrivals *a, uint32_t group)
{
	return group < a->ngroups ? a->group[group].first : 0;
}

static uint32_t end_of(const struct arrivals *a, uint32_t group)
{
	return group < a->ngroups ? a->group[group].end : 0;
}

/* 1: the row's group and place are found; 0: no request is of that run, or of that worker; -ENOMEM. */
static int find_place(struct said_values *s, const struct series_row *row, struct last *l)
{
	struct last was = *l;
	bool same;
	int rc = 0;

	find_worker(s->r, row, l);
	if (l->run == INTERN_NONE || (l->worker == INTERN_NONE && s->r->workers.n > 1)) {
		l->placed = false;
		return 0;
	}
	same = was.placed && was.run == l->run && was.worker == l->worker;
	if (!same)
		rc = find_group(s, l->run, l->worker, &l->group);
	if (rc)
		return rc;
	if (!same || row->time_ns != l->ns)
		l->place =
		    place_at(s->arrivals, l->group,
		             same && row->time_ns > l->ns ? l->place : first_of(s->arrivals, l->group), row->time_ns);
	l->ns = row->time_ns;
	l->placed = true;
	return 1;
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

/* ---- what is kept of it ---- */

static bool same_value(float a, float b)
{
	return a == b || (isnan(a) && isnan(b));
}

/* The next row of a group, by time: it holds from place on. */
static int put_value(struct name_values *v, uint32_t group, uint32_t end, uint32_t place, float value)
{
	struct saying *s = &v->by[group];
	struct change *c = s->n ? &s->v[s->n - 1] : NULL;

	v->up += s->any && value > s->last;
	v->down += s->any && value < s->last;
	s->any = true;
	s->last = value;
	if (place == end || (c && same_value(c->value, value)))
		return 0;
	if (!c || c->place != place)
		c = array_add(s->v, s->n, s->room);
	if (!c)
		return -ENOMEM;
	*c = (struct change){place, value};
	return 0;
}

static int put_row(struct name_values *v, const struct last *l, float value)
{
	struct said *x = array_add(v->row, v->n, v->room);

	if (!x)
		return -ENOMEM;
	*x = (struct said){l->ns, l->group, v->n - 1, value};
	return 0;
}

static int put_said(struct said_values *s, const struct series_row *row, struct last *l)
{
	struct name_values *v;
	uint32_t name;
	int rc;

	rc = find_place(s, row, l);
	if (rc != 1)
		return rc;
	rc = find_name(s, row, l, &name);
	if (rc || (rc = array_reserve_zeroed(s->of, s->nof, name + 1)))
		return rc;
	v = &s->of[name];
	v->limited |= row->limited;
	if (v->disorderly != s->again)
		return 0;
	if (s->again)
		return put_row(v, l, (float)row->value);
	if (array_reserve_zeroed(v->by, v->groups, l->group + 1))
		return -ENOMEM;
	if (v->by[l->group].any && row->time_ns < v->by[l->group].ns) {
		v->disorderly = true;
		s->disorderly++;
		forget(v);
		return 0;
	}
	v->by[l->group].ns = row->time_ns;
	return put_value(v, l->group, end_of(s->arrivals, l->group), l->place, (float)row->value);
}

static int read_all(struct store *store, int64_t run, struct said_values *s)
{
	struct series_reader *reader = NULL;
	const struct series_row *row;
	struct last last = {0};
	int rc = series_reader_open(store, NULL, run, &reader);

	while (!rc && (rc = series_reader_next(reader, &row)) == 1)
		rc = query_interrupted ? -EINTR : put_said(s, row, &last);
	series_reader_close(reader);
	free(last.name);
	return rc;
}

int said_read(struct store *store, int64_t run, const struct requests *r, const struct arrivals *arrivals,
              struct said_values **out)
{
	struct said_values *s = *out = calloc(1, sizeof *s);
	int rc;

	if (!s)
		return -ENOMEM;
	s->r = r;
	s->arrivals = arrivals;
	rc = read_all(store, run, s);
	if (!rc && s->disorderly) {
		s->again = true;
		rc = read_all(store, run, s);
	}
	return rc;
}

/* ---- rows that did not come in order ---- */

static int by_said(const void *a, const void *b)
{
	const struct said *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns < y->ns ? -1 : 1;
	return (x->number > y->number) - (x->number < y->number);
}

static int put_in_order(const struct said_values *s, struct name_values *v)
{
	const struct arrivals *a = s->arrivals;
	uint32_t place = 0;
	int rc = array_reserve_zeroed(v->by, v->groups, a->ngroups + s->silent.n);

	if (v->n)
		qsort(v->row, v->n, sizeof *v->row, by_said);
	for (uint32_t i = 0; i < v->n && !rc; i++) {
		const struct said *x = &v->row[i];

		place =
		    place_at(a, x->group, i && x->group == v->row[i - 1].group ? place : first_of(a, x->group), x->ns);
		rc = put_value(v, x->group, end_of(a, x->group), place, x->value);
	}
	free(v->row);
	v->row = NULL;
	return rc;
}

/* ---- conditions ---- */

/* What threads share to make the conditions, each name's by itself. */
struct said_work {
	struct said_values *said;
	struct attributes *of; /* by name */
};

static bool only_grows(const struct name_values *v)
{
	return v->up > 20 && (uint64_t)v->down * 100 < v->up;
}

static void fill(const struct arrivals *a, const struct name_values *v, float *value)
{
	for (uint32_t k = 0; k < v->groups && k < a->ngroups; k++) {
		const struct saying *s = &v->by[k];

		for (uint32_t i = 0; i < s->n; i++) {
			uint32_t end = i + 1 < s->n ? s->v[i + 1].place : a->group[k].end;

			for (uint32_t at = s->v[i].place; at < end; at++)
				value[a->request[at]] = s->v[i].value;
		}
	}
}

static int add_series(const struct said_values *s, const struct name_values *v, const char *what,
                      struct attributes *out)
{
	float *value = malloc(((size_t)s->r->n + 1) * sizeof *value);
	int rc;

	if (!value)
		return -ENOMEM;
	for (uint32_t i = 0; i < s->r->n; i++)
		value[i] = NAN;
	fill(s->arrivals, v, value);
	rc = attribute_add_condition(out, what, ATTRIBUTE_CONDITION, value, s->r->n);
	free(value);
	if (out->n)
		out->v[out->n - 1].limited = v->limited;
	return rc;
}

static int add_name(void *arg, size_t k)
{
	struct said_work *w = arg;
	struct name_values *v = &w->said->of[k];
	int rc = v->disorderly ? put_in_order(w->said, v) : 0;

	if (!rc && !only_grows(v))
		rc = add_series(w->said, v, w->said->names.text[k].ptr, &w->of[k]);
	forget(v); /* they are many */
	return rc;
}

int conditions_of_series(struct said_values *s, struct attributes *out)
{
	struct said_work w = {s, calloc((size_t)s->names.n + 1, sizeof *w.of)};
	int rc = w.of ? threads_each(s->names.n, add_name, &w) : -ENOMEM;

	for (uint32_t k = 0; w.of && k < s->names.n; k++) {
		if (!rc)
			rc = attributes_append(out, &w.of[k]);
		attributes_done(&w.of[k]);
	}
	free(w.of);
	return rc;
}
