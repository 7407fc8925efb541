/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - what a run tells of its queues: waits from the phases, holds from the attempts, cores and order from lines.
 *
 * The phase in the queue is the one that the rules cut from `insert` to `remove`. An attempt has a core from `remove`
 * to its end, which the phases may cut: a result's times are whole microseconds. What never ended lasts to the end of
 * the run.
 *
 * Rows are read as they stand, by number of their transaction, in parts that threads may share, and the ids beside
 * them; after that the requests are put in the order of their tid. */
#include "blame/blame.h"
#include "base/array.h"
#include "base/sql.h"
#include "blame/queue.h"
#include "model/rules_kept.h"
#include "tables/phase_read.h"
#include "tables/place_parts.h"
#include "tables/tids.h"
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What invocations of a kind have in common. */
struct kind {
	bool of_run;
	uint32_t function, lane;
};

/* What rows of one part come to: requests count from 0 in each. */
struct part {
	struct blame_run b; /* of which it has the lists alone */
	int64_t *place;     /* by request */
	uint32_t place_room;
};

struct reader {
	struct blame_run *b;
	struct kind *kind;
	size_t nkinds, room;
	struct place_part of[PLACE_PARTS];
	struct part part[PLACE_PARTS];
	int nparts;
	struct tids tids;
};

void blame_run_done(struct blame_run *b)
{
	free(b->request);
	free(b->wait);
	free(b->hold);
	free(b->lane);
	free(b->start);
	free(b->start_holder);
	text_done(&b->tids);
	intern_done(&b->functions);
	arena_done(&b->texts);
	rules_free(b->rules);
	*b = (struct blame_run){0};
}

uint32_t blame_find(const struct blame_run *b, struct slice tid)
{
	uint32_t low = 0, high = b->nrequests;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = slice_compare(tid, blame_tid(b, mid));

		if (!c)
			return mid;
		if (c < 0)
			high = mid;
		else
			low = mid + 1;
	}
	return BLAME_NOBODY;
}

/* ---- the phases ---- */

static bool has_moment(const unsigned *list, unsigned moment)
{
	for (; *list; list++)
		if (*list == moment)
			return true;
	return false;
}

static const char *queue_phase(const struct rules *r)
{
	for (unsigned i = 0; i < r->nphases; i++)
		if (r->phase[i].of_attempt && has_moment(r->phase[i].from, MOMENT_INSERT) &&
		    has_moment(r->phase[i].to, MOMENT_REMOVE))
			return r->phase[i].name;
	return NULL;
}

/* The phase in which an attempt that was taken out of the queue gets its container. */
static const char *cold_phase(const struct rules *r)
{
	for (unsigned i = 0; i < r->nphases; i++)
		if (r->phase[i].of_attempt && r->phase[i].by_state && has_moment(r->phase[i].from, MOMENT_REMOVE) &&
		    has_moment(r->phase[i].to, MOMENT_START))
			return r->phase[i].name;
	return NULL;
}

static int find_lane(struct blame_run *b, struct slice worker, bool gpu, uint32_t *out)
{
	struct blame_lane *l;

	for (uint32_t i = b->nlanes; i-- > 0;)
		if (b->lane[i].gpu == gpu && slice_same(b->lane[i].worker, worker)) {
			*out = i;
			return 0;
		}
	*out = b->nlanes;
	l = array_add(b->lane, b->nlanes, b->lane_room);
	if (!l)
		return -ENOMEM;
	*l = (struct blame_lane){.gpu = gpu, .cores_from = BLAME_CORES_MOST};
	if (worker.ptr)
		l->worker = (struct slice){arena_text(&b->texts, worker.ptr, worker.len), worker.len};
	return b->texts.failed ? -ENOMEM : 0;
}

static int read_kind(struct reader *r, sqlite3_stmt *st)
{
	struct kind *k = array_add(r->kind, r->nkinds, r->room);
	struct slice name = column_slice(st, 1);
	int rc;

	if (!k)
		return -ENOMEM;
	*k = (struct kind){.of_run = sqlite3_column_int64(st, 0) == r->b->run};
	if (!k->of_run)
		return 0;
	rc = intern_add(&r->b->functions, name.ptr ? name : SLICE("?"), &k->function);
	return rc ? rc : find_lane(r->b, column_slice(st, 2), slice_is(column_slice(st, 3), "gpu"), &k->lane);
}

static int read_kinds(struct reader *r, sqlite3 *db)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT run, function_name, worker, compute FROM invocation_kind ORDER BY id", &st);

	while (!rc && (rc = sql_next(st)) == 1)
		rc = read_kind(r, st);
	sqlite3_finalize(st);
	return rc;
}

static int add_wait(struct blame_run *b, const struct phase *p, uint32_t lane)
{
	struct blame_wait *w;

	if (p->end_ns <= p->start_ns)
		return 0;
	w = array_add(b->wait, b->nwaits, b->wait_room);
	if (!w)
		return -ENOMEM;
	*w = (struct blame_wait){.from_ns = p->start_ns,
	                         .to_ns = p->end_ns,
	                         .refused_ns = INT64_MAX,
	                         .request = b->nrequests - 1,
	                         .lane = lane,
	                         .open = p->open};
	return 0;
}

static int add_start(struct blame_run *b, const struct phase *p, uint32_t lane)
{
	struct blame_start *s;

	if (p->end_ns <= p->start_ns || !p->state || strcmp(p->state, "cold") != 0)
		return 0;
	s = array_add(b->start, b->nstarts, b->starts_room);
	if (!s)
		return -ENOMEM;
	*s = (struct blame_start){.from_ns = p->start_ns,
	                          .to_ns = p->end_ns,
	                          .request = b->nrequests - 1,
	                          .lane = lane,
	                          .kind = BLAME_UNKNOWN,
	                          .open = p->open};
	return 0;
}

/* What goes on where the last one of the request ended is the same hold. */
static int add_hold(struct blame_run *b, const struct phase_attempt *a, uint32_t lane)
{
	struct blame_hold *last = b->nholds ? &b->hold[b->nholds - 1] : NULL, *h;
	int64_t from_ns = a->remove_ns != NO_NS ? a->remove_ns : a->start_ns,
	        to_ns = a->end_ns != NO_NS ? a->end_ns : b->last_ns;
	uint32_t request = b->nrequests - 1;

	if (last && last->request == request && from_ns < last->to_ns)
		from_ns = last->to_ns;
	if (from_ns == NO_NS || to_ns <= from_ns)
		return 0;
	if (last && last->request == request && last->to_ns == from_ns) {
		last->to_ns = to_ns;
		return 0;
	}
	h = array_add(b->hold, b->nholds, b->hold_room);
	if (!h)
		return -ENOMEM;
	*h = (struct blame_hold){from_ns, to_ns, request, lane};
	return 0;
}

static int add_request(const struct reader *r, struct part *part, const struct invocation_read *in,
                       const struct phases *phases)
{
	const struct kind *k = in->kind < r->nkinds ? &r->kind[in->kind] : NULL;
	struct blame_run *b = &part->b;
	struct blame_request *q;
	int rc = 0;

	if (!k)
		return -EBADMSG;
	if (!k->of_run)
		return 0;
	q = array_add(b->request, b->nrequests, b->request_room);
	if (!q || array_reserve(part->place, part->place_room, b->nrequests))
		return -ENOMEM;
	*q = (struct blame_request){.function = k->function};
	part->place[b->nrequests - 1] = in->place;
	for (int i = 0; !rc && i < phases->n; i++) {
		const struct phase *p = &phases->v[i];

		if (p->attempt && !strcmp(p->name, r->b->phase))
			rc = add_wait(b, p, k->lane);
		else if (p->attempt && r->b->cold_phase && !strcmp(p->name, r->b->cold_phase))
			rc = add_start(b, p, k->lane);
	}
	for (int i = 0; !rc && i < in->nattempts; i++)
		rc = add_hold(b, &in->attempt[i], k->lane);
	return rc;
}

/* The ids, then one part of the rows after the other. */
static int read_part(void *arg, sqlite3 *db, size_t i)
{
	struct reader *r = arg;
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc;

	if (i == 0)
		return tids_read(db, &r->tids);
	rc = phase_reader_open_places(db, r->of[i - 1].first, r->of[i - 1].last, &reader);
	while (!rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = add_request(r, &r->part[i - 1], phase_reader_at(reader), phases);
	phase_reader_close(reader);
	return rc;
}

/* ---- the parts, one behind the other ---- */

/* Moves n elements of a part to the end of a list that has room for them. */
static void move_list(void *to, uint32_t *nto, const void *from, uint32_t n, size_t size)
{
	if (n)
		memcpy((char *)to + *nto * size, from, n * size);
	*nto += n;
}

static int reserve_all(struct blame_run *b, const struct reader *r)
{
	size_t requests = 0, waits = 0, holds = 0, starts = 0;

	for (int i = 0; i < r->nparts; i++) {
		const struct blame_run *p = &r->part[i].b;

		requests += p->nrequests;
		waits += p->nwaits;
		holds += p->nholds;
		starts += p->nstarts;
	}
	return array_reserve(b->request, b->request_room, requests) || array_reserve(b->wait, b->wait_room, waits) ||
	               array_reserve(b->hold, b->hold_room, holds) || array_reserve(b->start, b->starts_room, starts)
	           ? -ENOMEM
	           : 0;
}

static void take_part(struct blame_run *b, struct blame_run *p)
{
	for (uint32_t i = 0; i < p->nwaits; i++)
		p->wait[i].request += b->nrequests;
	for (uint32_t i = 0; i < p->nholds; i++)
		p->hold[i].request += b->nrequests;
	for (uint32_t i = 0; i < p->nstarts; i++)
		p->start[i].request += b->nrequests;
	move_list(b->request, &b->nrequests, p->request, p->nrequests, sizeof *p->request);
	move_list(b->wait, &b->nwaits, p->wait, p->nwaits, sizeof *p->wait);
	move_list(b->hold, &b->nholds, p->hold, p->nholds, sizeof *p->hold);
	move_list(b->start, &b->nstarts, p->start, p->nstarts, sizeof *p->start);
}

static void part_done(struct part *p)
{
	blame_run_done(&p->b);
	free(p->place);
	*p = (struct part){0};
}

/* *place: of all requests, yours. */
static int take_parts(struct reader *r, int64_t **place)
{
	struct blame_run *b = r->b;
	uint32_t n = 0;
	int rc = reserve_all(b, r);

	*place = rc ? NULL : malloc(((size_t)b->request_room + 1) * sizeof **place);
	if (!*place)
		return -ENOMEM;
	for (int i = 0; i < r->nparts; i++) {
		move_list(*place, &n, r->part[i].place, r->part[i].b.nrequests, sizeof **place);
		take_part(b, &r->part[i].b);
		part_done(&r->part[i]);
	}
	return 0;
}

/* ---- the order of the tids ---- */

/* Who comes how manieth. */
struct numbering {
	const struct blame_run *b;
	const struct tids *tids;
	struct blame_request *to; /* in order */
	uint32_t *number;         /* by row */
	uint32_t n;
};

static int take_tid(void *arg, uint32_t row, size_t i)
{
	struct numbering *o = arg;
	struct blame_request *to = &o->to[o->n];

	o->number[row] = o->n++;
	*to = (struct blame_request){o->tids->at[i], (uint32_t)tids_length(o->tids, i), o->b->request[row].function};
	return 0;
}

/* Waits or starts. */
struct list {
	char *v;
	uint32_t n;
	size_t size, request_at, from_at; /* of one, and where in it these stand */
};

static uint32_t request_of(const struct list *l, uint32_t i)
{
	uint32_t x;

	memcpy(&x, l->v + i * l->size + l->request_at, sizeof x);
	return x;
}

static int64_t from_of(const struct list *l, uint32_t i)
{
	int64_t x;

	memcpy(&x, l->v + i * l->size + l->from_at, sizeof x);
	return x;
}

/* Where those of each request go; of nrequests, and one more. */
static uint32_t *count_places(const struct list *l, uint32_t nrequests)
{
	uint32_t *place = calloc((size_t)nrequests + 1, sizeof *place), sum = 0;

	for (uint32_t i = 0; i < l->n && place; i++)
		place[request_of(l, i)]++;
	for (uint32_t k = 0; k <= nrequests && place; k++) {
		uint32_t many = place[k];

		place[k] = sum;
		sum += many;
	}
	return place;
}

/* Those of one request stand by the time they begin: they are few. */
static void settle(const struct list *l, uint32_t i)
{
	char x[l->size];
	uint32_t at = i;

	memcpy(x, l->v + i * l->size, l->size);
	for (; at && request_of(l, at - 1) == request_of(l, i) && from_of(l, at - 1) > from_of(l, i); at--)
		;
	memmove(l->v + (at + 1) * l->size, l->v + at * l->size, (i - at) * l->size);
	memcpy(l->v + at * l->size, x, l->size);
}

/* *v becomes another list, by request. */
static int put_in_order(void *v, struct list l, uint32_t nrequests)
{
	uint32_t *place = count_places(&l, nrequests);
	char *to = malloc(((size_t)l.n + 1) * l.size);

	if (!place || !to) {
		free(place);
		free(to);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < l.n; i++)
		memcpy(to + place[request_of(&l, i)]++ * l.size, l.v + i * l.size, l.size);
	free(place);
	free(l.v);
	memcpy(v, &to, sizeof to);
	l.v = to;
	for (uint32_t i = 1; i < l.n; i++)
		settle(&l, i);
	return 0;
}

/* The waits and starts of each request one after the other. */
static int renumber(struct blame_run *b, const uint32_t *number)
{
	int rc;

	for (uint32_t i = 0; i < b->nholds; i++)
		b->hold[i].request = number[b->hold[i].request];
	for (uint32_t i = 0; i < b->nwaits; i++)
		b->wait[i].request = number[b->wait[i].request];
	for (uint32_t i = 0; i < b->nstarts; i++)
		b->start[i].request = number[b->start[i].request];
	rc = put_in_order(&b->wait,
	                  (struct list){(char *)b->wait, b->nwaits, sizeof *b->wait,
	                                offsetof(struct blame_wait, request), offsetof(struct blame_wait, from_ns)},
	                  b->nrequests);
	if (!rc)
		rc = put_in_order(&b->start,
		                  (struct list){(char *)b->start, b->nstarts, sizeof *b->start,
		                                offsetof(struct blame_start, request),
		                                offsetof(struct blame_start, from_ns)},
		                  b->nrequests);
	b->wait_room = rc ? b->wait_room : b->nwaits;
	b->starts_room = rc ? b->starts_room : b->nstarts;
	return rc;
}

/* Functions have numbers by their first requests: kinds stand in an order that tells how a database was made. */
static int order_functions(struct blame_run *b)
{
	struct intern functions;
	uint32_t i;
	int rc = 0;

	intern_init(&functions);
	for (uint32_t k = 0; k < b->nrequests && !rc; k++)
		rc = intern_add(&functions, b->functions.text[b->request[k].function], &b->request[k].function);
	for (uint32_t f = 0; f < b->functions.n && !rc; f++) /* that no request has any more */
		rc = intern_add(&functions, b->functions.text[f], &i);
	if (rc) {
		intern_done(&functions);
		return rc;
	}
	intern_done(&b->functions);
	b->functions = functions;
	return 0;
}

static int order_requests(struct reader *r, const int64_t *place)
{
	struct blame_run *b = r->b;
	struct numbering o = {.b = b,
	                      .tids = &r->tids,
	                      .to = malloc(((size_t)b->nrequests + 1) * sizeof *o.to),
	                      .number = malloc(((size_t)b->nrequests + 1) * sizeof *o.number)};
	int rc = o.to && o.number ? tids_walk(&r->tids, place, b->nrequests, take_tid, &o) : -ENOMEM;

	if (!rc) {
		free(b->request);
		b->request = o.to;
		b->request_room = b->nrequests;
		o.to = NULL;
		b->tids = r->tids.texts;
		r->tids.texts = (struct text){0};
		rc = renumber(b, o.number);
	}
	rc = rc ? rc : order_functions(b);
	free(o.to);
	free(o.number);
	return rc;
}

static int read_requests(struct blame_run *b, sqlite3 *db, struct store *store)
{
	struct reader r = {.b = b};
	int64_t *place = NULL;
	int rc = read_kinds(&r, db);

	if (!rc)
		rc = r.nparts = parts_of_places(db, r.of);
	for (int i = 0; i < r.nparts; i++)
		r.part[i].b.last_ns = b->last_ns;
	if (rc > 0)
		rc = place_parts_read(db, store, (size_t)r.nparts + 1, read_part, &r);
	if (!rc)
		rc = take_parts(&r, &place);
	if (!rc)
		rc = order_requests(&r, place);
	for (int i = 0; i < r.nparts; i++)
		part_done(&r.part[i]);
	free(r.kind);
	free(place);
	tids_done(&r.tids);
	return rc;
}

int blame_run_read(sqlite3 *db, struct store *s, int64_t run, int64_t cores, struct blame_run *out)
{
	char *why = NULL;
	int64_t last = 0;
	int rc = rules_of_database(db, &out->rules, &why);

	free(why);
	out->run = run;
	if (rc)
		return rc;
	out->phase = queue_phase(out->rules);
	if (!out->phase)
		return 0;
	rc = sql_number_of(db, "SELECT coalesce(last_ns, 0) FROM run WHERE id = ?1", run, &last);
	out->last_ns = last;
	out->cold_phase = cold_phase(out->rules);
	if (!rc)
		rc = read_requests(out, db, s);
	return rc ? rc : blame_queue_read(db, out, cores);
}
