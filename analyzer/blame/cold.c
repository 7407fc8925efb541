/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cold.c - why a cold start was one: who took the container that would have served it, or that there was none.
 *
 * The containers of one function on one lane are gone through by time. A container that was removed is missed once: by
 * the next cold start behind it, unless another was made meanwhile that no cold start waited for (a prewarm). So each
 * removal is charged with one cold start at most, the latest first. Where none was removed the function had no
 * container yet, or those it has were all taken by others of it. */
#include "blame/blame.h"
#include "base/array.h"
#include "base/keyed.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

/* What happens to the containers of a function, at one instant in this order. */
enum change { GONE, BEGINS, MADE };

struct turn {
	int64_t at;
	uint32_t group;      /* of a lane and function, see group_of */
	uint32_t change : 2; /* enum change */
	uint32_t index : 30; /* BEGINS: of b->start; MADE, GONE: the request that did it, or NO_INDEX */
};

#define NO_INDEX ((uint32_t)BLAME_NOBODY >> 2)

static uint32_t index_of(uint32_t request)
{
	return request == BLAME_NOBODY ? NO_INDEX : request;
}

static uint32_t request_of(const struct turn *t)
{
	return t->index == NO_INDEX ? BLAME_NOBODY : t->index;
}

/* A number for each function on each lane: by lane, then function. */
static uint32_t group_of(const struct blame_run *b, uint32_t lane, uint32_t function)
{
	return lane * b->functions.n + function;
}

static bool can_number(const struct blame_run *b)
{
	return (uint64_t)b->nlanes * b->functions.n <= UINT32_MAX && b->nrequests < NO_INDEX && b->nstarts < NO_INDEX;
}

/* A container's end, as lines tell it. */
struct removal {
	int64_t at, line;
	uint32_t by, rule; /* rule: the how manieth told it; at one time the first does, by its first line */
};

struct cold {
	struct blame_run *b;
	sqlite3 *db;
	struct intern names; /* functions with their versions, as containers have them */
	uint32_t *function;  /* by number of these: of b->functions */
	uint32_t functions_room;
	struct intern containers;
	struct removal *removal;       /* by container */
	uint32_t removals_room, rules; /* rules: read so far */
	struct turn *turn;
	size_t nturns, turns_room;
	uint32_t *taken; /* of one function: who took a container that is not replaced; ntaken of them */
	uint32_t ntaken, taken_room;
	uint32_t live; /* containers that it has now */
	bool *waited;  /* by request: it had a cold start, so that a container of its making replaces none */
	bool *making;  /* by request: its container is not there yet */
	/* holds of one function on one lane, by their beginning; of those that began: which are not over */
	const struct keyed *hold;
	size_t nhold, next;
	uint32_t *active;
	uint32_t nactive, active_room;
};

/* ---- what lines tell ---- */

static int read_names(struct cold *c)
{
	sqlite3_stmt *st;
	int rc =
	    sql_prepare(c->db,
	                "SELECT DISTINCT fqdn, function_name FROM invocation_kind WHERE run = ?1 AND fqdn IS NOT NULL "
	                "AND function_name IS NOT NULL ORDER BY 1, 2",
	                &st);

	if (!rc)
		sqlite3_bind_int64(st, 1, c->b->run);
	while (!rc && (rc = sql_next(st)) == 1) {
		uint32_t f = intern_find(&c->b->functions, column_slice(st, 1)), n;

		rc = f == INTERN_NONE ? 0 : intern_add(&c->names, column_slice(st, 0), &n);
		if (rc || f == INTERN_NONE)
			continue;
		rc = array_reserve(c->function, c->functions_room, c->names.n);
		if (!rc)
			c->function[n] = f;
	}
	sqlite3_finalize(st);
	return rc;
}

static bool is_earlier(const struct removal *a, const struct removal *b)
{
	return a->at != b->at ? a->at < b->at : a->rule == b->rule && a->line < b->line;
}

/* The earliest line of a container's removal says when, and for whom. */
static int read_removed(struct cold *c, const struct rule *rule)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(
	    c->db, "SELECT field(event, ?3), time_ns, tid, id FROM event WHERE run = ?1 AND message = ?2", &st);

	if (!rc) {
		sqlite3_bind_int64(st, 1, c->b->run);
		bind_slice(st, 2, rule->message);
		bind_word(st, 3, rule->arg[0].name);
	}
	while (!rc && (rc = sql_next(st)) == 1) {
		struct slice id = column_slice(st, 0), tid = column_slice(st, 2);
		int64_t at = sqlite3_column_int64(st, 1);
		struct removal x;
		uint32_t n, before = c->containers.n;

		rc = id.ptr ? intern_add(&c->containers, id, &n) : 0;
		if (rc || !id.ptr)
			continue;
		if (array_reserve(c->removal, c->removals_room, c->containers.n)) {
			rc = -ENOMEM;
			break;
		}
		c->b->removed_told = true;
		x = (struct removal){at, sqlite3_column_int64(st, 3), tid.ptr ? blame_find(c->b, tid) : BLAME_NOBODY,
		                     c->rules};
		if (n >= before || is_earlier(&x, &c->removal[n]))
			c->removal[n] = x;
	}
	sqlite3_finalize(st);
	return rc;
}

static int read_removals(struct cold *c)
{
	const struct rule *rule;
	unsigned next = 0;
	int64_t any = 0;
	int rc = 0;

	for (; !rc && (rule = rules_of_lines(c->b->rules, MEANS_REMOVED, &next)); c->rules++)
		rc = read_removed(c, rule);
	if (rc || c->b->removed_told)
		return rc;
	/* Where lines of level debug are there those of removals would be. */
	rc = sql_number_of(c->db,
	                   "SELECT count(*) FROM (SELECT 1 FROM event WHERE run = ?1 AND level IN ('DEBUG', 'TRACE') "
	                   "LIMIT 1)",
	                   c->b->run, &any);
	c->b->removed_told = any;
	return rc;
}

static int add_turn(struct cold *c, struct turn t)
{
	struct turn *to = array_add(c->turn, c->nturns, c->turns_room);

	if (!to)
		return -ENOMEM;
	*to = t;
	return 0;
}

static uint32_t find_lane(const struct blame_run *b, struct slice worker, bool gpu)
{
	for (uint32_t i = 0; i < b->nlanes; i++)
		if (b->lane[i].gpu == gpu && slice_same(b->lane[i].worker, worker))
			return i;
	return BLAME_NOBODY;
}

static int put_container(struct cold *c, sqlite3_stmt *st)
{
	struct slice by = column_slice(st, 5);
	uint32_t name = intern_find(&c->names, column_slice(st, 1)),
	         n = intern_find(&c->containers, column_slice(st, 0));
	uint32_t lane = find_lane(c->b, column_slice(st, 2), slice_is(column_slice(st, 3), "gpu"));
	struct turn t = {0};
	int rc = 0;

	c->b->made_told |= sqlite3_column_type(st, 4) != SQLITE_NULL;
	if (name == INTERN_NONE || lane == BLAME_NOBODY)
		return 0;
	t.group = group_of(c->b, lane, c->function[name]);
	if (sqlite3_column_type(st, 4) != SQLITE_NULL) {
		t.at = sqlite3_column_int64(st, 4);
		t.change = MADE;
		t.index = index_of(by.ptr ? blame_find(c->b, by) : BLAME_NOBODY);
		rc = add_turn(c, t);
	}
	if (rc || n == INTERN_NONE)
		return rc;
	t.at = c->removal[n].at;
	t.change = GONE;
	t.index = index_of(c->removal[n].by);
	return add_turn(c, t);
}

static int read_containers(struct cold *c)
{
	sqlite3_stmt *st;
	int rc =
	    sql_prepare(c->db,
	                "SELECT container_id, fqdn, worker, compute, created_ns, created_by FROM container WHERE run = "
	                "?1 ORDER BY container_id",
	                &st);

	if (!rc)
		sqlite3_bind_int64(st, 1, c->b->run);
	while (!rc && (rc = sql_next(st)) == 1)
		rc = put_container(c, st);
	sqlite3_finalize(st);
	return rc;
}

/* ---- the containers of one function ---- */

static int by_function_and_time(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->change != y->change ? (int)x->change - (int)y->change : (x->index > y->index) - (x->index < y->index);
}

static int by_request(const void *a, const void *b)
{
	const uint32_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static int add_holder(struct blame_run *b, struct blame_start *s, uint32_t request)
{
	uint32_t *to = array_add(b->start_holder, b->nstart_holders, b->start_holders_room);

	if (!to)
		return -ENOMEM;
	*to = request;
	s->nholders++;
	return 0;
}

/* Those of the function that have a core when s begins, and a container. */
static int find_busy(struct cold *c, struct blame_start *s)
{
	struct blame_run *b = c->b;
	uint32_t kept = 0;
	int rc = 0;

	for (; c->next < c->nhold && b->hold[c->hold[c->next].value].from_ns <= s->from_ns; c->next++) {
		uint32_t *to = array_add(c->active, c->nactive, c->active_room);

		if (!to)
			return -ENOMEM;
		*to = c->hold[c->next].value;
	}
	for (uint32_t i = 0; !rc && i < c->nactive; i++) {
		const struct blame_hold *h = &b->hold[c->active[i]];

		if (h->to_ns <= s->from_ns)
			continue;
		c->active[kept++] = c->active[i];
		if (h->request != s->request && !c->making[h->request])
			rc = add_holder(b, s, h->request);
	}
	c->nactive = kept;
	if (s->nholders)
		qsort(b->start_holder + s->first_holder, s->nholders, sizeof *b->start_holder, by_request);
	return rc;
}

static int charge(struct cold *c, struct blame_start *s)
{
	int rc;

	s->first_holder = c->b->nstart_holders;
	s->nholders = 0;
	s->kind = BLAME_COLD;
	if (c->ntaken) {
		uint32_t by = c->taken[--c->ntaken];

		s->removed = true;
		if (by == BLAME_NOBODY)
			return 0;
		s->kind = BLAME_MEMORY;
		return add_holder(c->b, s, by);
	}
	if (!c->live && !c->b->made_told)
		s->kind = BLAME_UNKNOWN;
	if (!c->live)
		return 0;
	rc = find_busy(c, s);
	/* Another that is idle would have been used: it is gone, and no line tells of it. */
	if (s->nholders < c->live) {
		c->b->nstart_holders = s->first_holder;
		s->nholders = 0;
		s->kind = BLAME_UNKNOWN;
	}
	return rc;
}

static int take(struct cold *c, uint32_t by)
{
	uint32_t *to = array_add(c->taken, c->ntaken, c->taken_room);

	if (!to)
		return -ENOMEM;
	*to = by;
	c->live -= c->live > 0;
	return 0;
}

static void make(struct cold *c, uint32_t by)
{
	c->live++;
	if (by == BLAME_NOBODY || !c->waited[by])
		c->ntaken -= c->ntaken > 0;
	if (by != BLAME_NOBODY)
		c->making[by] = false;
}

/* What happens to the containers of one function on one lane, by time. */
static int go_through(struct cold *c, const struct turn *v, size_t n)
{
	struct blame_start *start = c->b->start;
	int rc = 0;

	c->ntaken = c->live = c->nactive = 0;
	c->next = 0;
	for (size_t i = 0; !rc && i < n; i++) {
		if (v[i].change == GONE) {
			rc = take(c, request_of(&v[i]));
		} else if (v[i].change == MADE) {
			make(c, request_of(&v[i]));
		} else {
			/* those that begin at the same instant, too */
			for (size_t k = i; k < n && v[k].at == v[i].at && v[k].change == BEGINS; k++)
				c->waited[start[v[k].index].request] = c->making[start[v[k].index].request] = true;
			rc = charge(c, &start[v[i].index]);
		}
	}
	return rc;
}

/* ---- the whole ---- */

/* Holds by lane and function, and of each by their beginning. *out is yours. */
static int sort_holds(const struct blame_run *b, struct keyed **out)
{
	struct keyed *v = malloc(((size_t)b->nholds + 1) * sizeof *v);
	int rc;

	*out = v;
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->nholds; i++)
		v[i] = (struct keyed){keyed_signed(b->hold[i].from_ns), i};
	rc = keyed_sort(v, b->nholds);
	for (uint32_t i = 0; i < b->nholds; i++)
		v[i].key = group_of(b, b->hold[v[i].value].lane, b->request[b->hold[v[i].value].request].function);
	if (!rc)
		rc = keyed_sort(v, b->nholds);
	return rc;
}

/* Where those of a key begin. */
static size_t first_of(const struct keyed *v, size_t n, uint64_t key)
{
	size_t low = 0, high = n;

	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (v[mid].key < key)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int sort_turns(struct cold *c)
{
	const struct blame_run *b = c->b;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < b->nstarts; i++) {
		const struct blame_start *s = &b->start[i];

		rc = add_turn(
		    c, (struct turn){s->from_ns, group_of(b, s->lane, b->request[s->request].function), BEGINS, i});
	}
	if (!rc && c->nturns)
		qsort(c->turn, c->nturns, sizeof *c->turn, by_function_and_time);
	return rc;
}

static int go_through_all(struct cold *c)
{
	struct blame_run *b = c->b;
	struct keyed *hold = NULL;
	int rc = sort_turns(c);

	if (!rc)
		rc = sort_holds(b, &hold);
	for (size_t i = 0, end; !rc && i < c->nturns; i = end) {
		uint32_t group = c->turn[i].group;
		size_t first = first_of(hold, b->nholds, group), last = first_of(hold, b->nholds, (uint64_t)group + 1);

		for (end = i + 1; end < c->nturns && c->turn[end].group == group; end++)
			;
		c->hold = hold + first;
		c->nhold = last - first;
		rc = go_through(c, c->turn + i, end - i);
	}
	free(hold);
	return rc;
}

/* What was only needed to read the containers. */
static void forget_names(struct cold *c)
{
	intern_done(&c->names);
	intern_done(&c->containers);
	free(c->function);
	free(c->removal);
	c->function = NULL;
	c->removal = NULL;
}

int blame_cold_read(sqlite3 *db, struct blame_run *b)
{
	struct cold c = {.b = b, .db = db};
	int rc;

	if (!b->nstarts) /* as in a run that has no queue */
		return 0;
	if (!can_number(b))
		return -EOVERFLOW;
	c.waited = calloc((size_t)b->nrequests + 1, sizeof *c.waited);
	c.making = calloc((size_t)b->nrequests + 1, sizeof *c.making);
	rc = c.waited && c.making ? read_names(&c) : -ENOMEM;
	if (!rc)
		rc = read_removals(&c);
	if (!rc)
		rc = read_containers(&c);
	forget_names(&c);
	if (!rc)
		rc = go_through_all(&c);
	free(c.turn);
	free(c.taken);
	free(c.waited);
	free(c.making);
	free(c.active);
	return rc;
}
