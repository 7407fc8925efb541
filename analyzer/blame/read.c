/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - what a run tells of its queues: waits from the phases, holds from the attempts, cores and order from lines.
 *
 * The phase in the queue is the one that the rules cut from `insert` to `remove`. An attempt has a core from `remove`
 * to its end, which the phases may cut: a result's times are whole microseconds. What never ended lasts to the end of
 * the run.
 *
 * Rows are read as they stand, by number of their transaction; the requests are put in the order of their tid after
 * that. */
#include "blame/blame.h"
#include "base/array.h"
#include "base/sql.h"
#include "blame/queue.h"
#include "model/rules_kept.h"
#include "tables/phase_read.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What invocations of a kind have in common. */
struct kind {
	bool of_run;
	uint32_t function, lane;
};

struct reader {
	struct blame_run *b;
	struct kind *kind;
	size_t nkinds, room;
	int64_t *place; /* by request, while they are in the order of their rows */
	uint32_t place_room;
};

void blame_run_done(struct blame_run *b)
{
	free(b->request);
	free(b->wait);
	free(b->hold);
	free(b->lane);
	free(b->start);
	free(b->start_holder);
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
		int c = slice_compare(tid, b->request[mid].tid);

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

static int add_request(struct reader *r, const struct invocation_read *in, const struct phases *phases)
{
	const struct kind *k = in->kind < r->nkinds ? &r->kind[in->kind] : NULL;
	struct blame_run *b = r->b;
	struct blame_request *q;
	int rc = 0;

	if (!k)
		return -EBADMSG;
	if (!k->of_run)
		return 0;
	q = array_add(b->request, b->nrequests, b->request_room);
	if (!q || array_reserve(r->place, r->place_room, b->nrequests))
		return -ENOMEM;
	*q = (struct blame_request){.function = k->function};
	r->place[b->nrequests - 1] = in->place;
	for (int i = 0; !rc && i < phases->n; i++) {
		const struct phase *p = &phases->v[i];

		if (p->attempt && !strcmp(p->name, b->phase))
			rc = add_wait(b, p, k->lane);
		else if (p->attempt && b->cold_phase && !strcmp(p->name, b->cold_phase))
			rc = add_start(b, p, k->lane);
	}
	for (int i = 0; !rc && i < in->nattempts; i++)
		rc = add_hold(b, &in->attempt[i], k->lane);
	return rc;
}

static int read_rows(struct reader *r, sqlite3 *db)
{
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc = read_kinds(r, db);

	if (!rc)
		rc = phase_reader_open_all(db, &reader);
	while (!rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = add_request(r, phase_reader_at(reader), phases);
	phase_reader_close(reader);
	return rc;
}

/* ---- the order of the tids ---- */

static int by_request(const void *a, const void *b)
{
	const struct blame_wait *x = a, *y = b;

	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

static int by_start(const void *a, const void *b)
{
	const struct blame_start *x = a, *y = b;

	if (x->request != y->request)
		return x->request < y->request ? -1 : 1;
	return (x->from_ns > y->from_ns) - (x->from_ns < y->from_ns);
}

/* Who comes how manieth; table place is in the order of the tids. row: by place, what the request was + 1; places are
 * less than nrows. */
static int number_requests(struct blame_run *b, sqlite3 *db, const uint32_t *row, int64_t nrows,
                           struct blame_request *to, uint32_t *number)
{
	sqlite3_stmt *st;
	uint32_t n = 0;
	int rc = sql_prepare(db, "SELECT id, tid FROM place ORDER BY tid, id", &st);

	while (!rc && n < b->nrequests && (rc = sql_next(st)) == 1) {
		int64_t place = sqlite3_column_int64(st, 0);
		uint32_t was = place < 0 || place >= nrows ? 0 : row[place];
		struct slice tid = column_slice(st, 1);

		rc = 0;
		if (!was--)
			continue;
		number[was] = n;
		to[n++] = (struct blame_request){{arena_copy(&b->texts, tid), tid.len}, b->request[was].function};
		if (b->texts.failed)
			rc = -ENOMEM;
	}
	sqlite3_finalize(st);
	return !rc && n < b->nrequests ? -EBADMSG : rc;
}

/* The waits and starts of each request one after the other. */
static void renumber(struct blame_run *b, const uint32_t *number)
{
	for (uint32_t i = 0; i < b->nholds; i++)
		b->hold[i].request = number[b->hold[i].request];
	for (uint32_t i = 0; i < b->nwaits; i++)
		b->wait[i].request = number[b->wait[i].request];
	for (uint32_t i = 0; i < b->nstarts; i++)
		b->start[i].request = number[b->start[i].request];
	if (b->nwaits)
		qsort(b->wait, b->nwaits, sizeof *b->wait, by_request);
	if (b->nstarts)
		qsort(b->start, b->nstarts, sizeof *b->start, by_start);
}

static int order_requests(struct reader *r, sqlite3 *db)
{
	struct blame_run *b = r->b;
	int64_t nrows = b->nrequests ? r->place[b->nrequests - 1] + 1 : 0; /* rows come by place */
	uint32_t *row = nrows < 0 ? NULL : calloc((size_t)nrows + 1, sizeof *row);
	struct blame_request *to = malloc(((size_t)b->nrequests + 1) * sizeof *to);
	uint32_t *number = malloc(((size_t)b->nrequests + 1) * sizeof *number);
	int rc = row && to && number ? 0 : -ENOMEM;

	for (uint32_t i = 0; !rc && i < b->nrequests; i++) {
		if (r->place[i] < 0 || r->place[i] >= nrows)
			rc = -EBADMSG;
		else
			row[r->place[i]] = i + 1;
	}
	if (!rc)
		rc = number_requests(b, db, row, nrows, to, number);
	if (!rc) {
		free(b->request);
		b->request = to;
		b->request_room = b->nrequests;
		to = NULL;
		renumber(b, number);
	}
	free(row);
	free(to);
	free(number);
	return rc;
}

static int read_requests(struct blame_run *b, sqlite3 *db)
{
	struct reader r = {.b = b};
	int rc = read_rows(&r, db);

	if (!rc)
		rc = order_requests(&r, db);
	free(r.kind);
	free(r.place);
	return rc;
}

int blame_run_read(sqlite3 *db, int64_t run, int64_t cores, struct blame_run *out)
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
		rc = read_requests(out, db);
	return rc ? rc : blame_queue_read(db, out, cores);
}
