/* SPDX-License-Identifier: GPL-3.0-or-later */
/* read.c - what a run tells of its queues: waits and holds from the phases, cores and order from its lines.
 *
 * The phase in the queue is the one that the rules cut from `insert` to `remove`; what the attempt does after it, it
 * does with a core. What never ended lasts to the end of the run. */
#include "blame/blame.h"
#include "base/array.h"
#include "base/sql.h"
#include "blame/queue.h"
#include "model/rules_kept.h"
#include "tables/phase_read.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* After PHASE_COLUMNS. */
enum { TID = 1, FUNCTION = 9, WORKER, COMPUTE };

void blame_run_done(struct blame_run *b)
{
	free(b->request);
	free(b->wait);
	free(b->hold);
	free(b->lane);
	intern_done(&b->functions);
	arena_done(&b->texts);
	rules_free(b->rules);
	*b = (struct blame_run){0};
}

static int compare_texts(struct slice a, struct slice b)
{
	int c = memcmp(a.ptr, b.ptr, a.len < b.len ? a.len : b.len);

	return c ? c : (a.len > b.len) - (a.len < b.len);
}

uint32_t blame_find(const struct blame_run *b, struct slice tid)
{
	uint32_t low = 0, high = b->nrequests;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		int c = compare_texts(tid, b->request[mid].tid);

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

static int add_wait(struct blame_run *b, const struct phase *p, uint32_t request, uint32_t lane)
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
	                         .request = request,
	                         .lane = lane,
	                         .open = p->open};
	return 0;
}

/* What goes on where the last one of the request ended is the same hold. */
static int add_hold(struct blame_run *b, const struct phase *p, uint32_t request, uint32_t lane)
{
	struct blame_hold *last = b->nholds ? &b->hold[b->nholds - 1] : NULL, *h;
	int64_t to_ns = p->open && b->last_ns > p->end_ns ? b->last_ns : p->end_ns;

	if (to_ns <= p->start_ns)
		return 0;
	if (last && last->request == request && last->to_ns == p->start_ns) {
		last->to_ns = to_ns;
		return 0;
	}
	h = array_add(b->hold, b->nholds, b->hold_room);
	if (!h)
		return -ENOMEM;
	*h = (struct blame_hold){p->start_ns, to_ns, request, lane};
	return 0;
}

static bool is_queue(const struct blame_run *b, const struct phase *p)
{
	return p->attempt && !strcmp(p->name, b->phase);
}

static int add_phases(struct blame_run *b, const struct phases *all, uint32_t request, uint32_t lane)
{
	int queued = 0, rc = 0;

	for (int i = 0; !rc && i < all->n; i++) {
		const struct phase *p = &all->v[i];

		if (is_queue(b, p)) {
			queued = p->attempt;
			rc = add_wait(b, p, request, lane);
		} else if (p->attempt && p->attempt == queued) {
			rc = add_hold(b, p, request, lane);
		}
	}
	return rc;
}

static int add_request(struct blame_run *b, sqlite3_stmt *of, const struct phases *phases)
{
	struct slice tid = column_slice(of, TID), name = column_slice(of, FUNCTION);
	struct blame_request *r = array_add(b->request, b->nrequests, b->request_room);
	uint32_t lane;
	int rc;

	if (!r)
		return -ENOMEM;
	*r = (struct blame_request){{arena_copy(&b->texts, tid), tid.len}, 0};
	if (b->texts.failed)
		return -ENOMEM;
	rc = intern_add(&b->functions, name.ptr ? name : SLICE("?"), &r->function);
	if (!rc)
		rc = find_lane(b, column_slice(of, WORKER), slice_is(column_slice(of, COMPUTE), "gpu"), &lane);
	return rc ? rc : add_phases(b, phases, b->nrequests - 1, lane);
}

static int read_phases(struct blame_run *b, sqlite3 *db)
{
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	sqlite3_stmt *of = NULL, *id = NULL;
	int rc = sql_prepare(
	    db, "SELECT " PHASE_COLUMNS ", function_name, worker, compute FROM invocation WHERE run = ?1" PHASE_ORDER,
	    &of);

	if (!rc)
		rc = sql_prepare(db, "SELECT ?1", &id);
	if (!rc) {
		sqlite3_bind_int64(of, 1, b->run);
		sqlite3_bind_int64(id, 1, b->run);
		rc = sql_next(id);
	}
	if (rc == 1)
		rc = phase_reader_open(db, of, NULL, sqlite3_column_value(id, 0), &reader);
	while (!rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = add_request(b, of, phases);
	phase_reader_close(reader);
	sqlite3_finalize(of);
	sqlite3_finalize(id);
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
	if (!rc)
		rc = read_phases(out, db);
	return rc ? rc : blame_queue_read(db, out, cores);
}
