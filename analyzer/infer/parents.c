/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parents.c - see parents.h
 *
 * First the table of transactions is asked whether the values are ids at all, which most fields' are not; then the
 * lines of a few of those that are named. */
#include "infer/parents.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

#define RIGHT  80 /* in 100 of the values that are looked at are such ids */
#define LOOKED 16 /* of whose transactions the lines are read */
#define OTHERS 3  /* different ones are named, at least */

struct finding {
	struct store *store;
	int64_t run;
	const struct sample *s;
	const struct requests *r;
	unsigned kind;
	sqlite3_stmt *known; /* whether a transaction has lines */
	int rc;
};

static bool is_known(struct finding *f, struct slice tid)
{
	int step;

	bind_slice(f->known, 1, tid);
	step = sqlite3_step(f->known);
	sqlite3_reset(f->known);
	f->rc = step == SQLITE_ROW || step == SQLITE_DONE ? f->rc : sql_errno(step);
	return step == SQLITE_ROW;
}

/* Whether a transaction has begun at that time and is not over. */
static bool is_around(struct finding *f, struct slice tid, int64_t ns)
{
	struct event_query q = {.run = f->run, .tid = tid};
	struct event_cursor *c = NULL;
	const struct event *e;
	bool before = false, behind = false;
	int rc = event_cursor_open(f->store, &q, &c);

	while (!rc && !(before && behind) && (rc = event_cursor_next(c, &e)) == 1) {
		before |= e->time_ns <= ns;
		behind |= e->time_ns >= ns;
		rc = event_error(e);
	}
	event_cursor_close(c);
	f->rc = rc < 0 ? rc : f->rc;
	return before && behind;
}

/* The ids that a field has in requests of the kind, in id[0..]: how many. */
static uint32_t ids_of(const struct finding *f, uint32_t field, const struct sample_id **id)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < f->s->nids && n < SAMPLE_IDS; i++)
		if (f->s->id[i].field == field && f->r->of[f->s->id[i].tid].kind == (int)f->kind)
			id[n++] = &f->s->id[i];
	return n;
}

static uint32_t different(const struct sample_id *const *id, uint32_t n)
{
	uint32_t all = 0;

	for (uint32_t i = 0, k; i < n; i++) {
		for (k = 0; k < i && !slice_same(id[i]->text, id[k]->text); k++)
			;
		all += k == i;
	}
	return all;
}

static void look(struct finding *f, uint32_t field, struct parents *out)
{
	const struct sample_id *id[SAMPLE_IDS];
	uint32_t n = ids_of(f, field, id), known = 0, looked = 0, around = 0;

	if (n < PARENTS_LEAST || different(id, n) < OTHERS)
		return;
	/* as soon as too many are none it is over */
	for (uint32_t i = 0; i < n && !f->rc && (i - known) * 100 <= n * (100 - RIGHT); i++)
		known += is_known(f, id[i]->text);
	if (known * 100 < n * RIGHT)
		return;
	for (uint32_t i = 0; i < n && looked < LOOKED && !f->rc; i++) {
		const struct request *r = &f->r->of[id[i]->tid];

		looked++;
		around += is_around(f, id[i]->text, f->s->line[r->start_line].time_ns);
	}
	if (around * 100 >= looked * RIGHT)
		*out = (struct parents){field, looked, around};
}

/* Of the messages that have it, the one that the requests begin with, where that has it; else the first of the sample.
 */
static bool goes_before(const struct finding *f, uint32_t field, const struct parents *best)
{
	return best->field == SAMPLE_NONE || f->s->field[field].key == f->r->kind[f->kind].start;
}

int parents_find(struct parents *out, struct store *store, int64_t run, const struct sample *s,
                 const struct requests *r, unsigned kind)
{
	struct finding f = {store, run, s, r, kind, NULL, 0};

	*out = (struct parents){.field = SAMPLE_NONE};
	f.rc = sql_prepare(store_db(store), "SELECT 1 FROM place WHERE tid = ? AND events > 0", &f.known);
	for (uint32_t i = 0; i < s->nfields && !f.rc; i++)
		if (s->field[i].ids >= PARENTS_LEAST && goes_before(&f, i, out)) {
			struct parents one = {.field = SAMPLE_NONE};

			look(&f, i, &one);
			*out = one.field != SAMPLE_NONE ? one : *out;
		}
	sqlite3_finalize(f.known);
	return f.rc;
}
