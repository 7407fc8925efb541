/* SPDX-License-Identifier: GPL-3.0-or-later */
/* teach_idle.c - how long a worker keeps an idle container, from when containers were used and when they were removed.
 *
 * No level but debug tells which container a request got, so it is taken for the one that was returned last, and what
 * is removed for the one that has been idle for longest; first for one that failed. What a request removes makes room
 * for it. The others had been idle for as long as is kept, and until somebody looked: the least of them tells. */
#include "base/array.h"
#include "query/export/teach.h"
#include <stdlib.h>

/* Not the very least: which container it was is a guess. */
#define LEAST 0.05

enum what { RELEASED, CONDEMNED, REMOVED, TAKEN };

struct stack {
	int64_t *since;
	uint32_t first, n, room; /* idle ones are [first, n), the one returned last at the end */
	uint32_t condemned;
};

struct idle {
	struct intern pools; /* worker and function */
	struct stack *stack;
	uint32_t room;
	struct sample at_removal;
};

/* Of equal times a container is returned before another is taken. other: it was taken new, or removed by a request. */
static const char sql[] =
    "SELECT coalesce(worker, '') || ' ' || function_name, ns, what, other FROM ("
    "SELECT a.worker, i.function_name, a.end_ns AS ns, (a.error IS NOT NULL) AS what, 0 AS other FROM attempt a JOIN "
    "invocation i ON i.run = a.run AND i.tid = a.tid WHERE a.run = ?1 AND a.start_ns IS NOT NULL AND a.end_ns IS NOT "
    "NULL "
    "UNION ALL SELECT a.worker, i.function_name, a.remove_ns, 3, coalesce(a.state = 'cold', 0) FROM attempt a JOIN "
    "invocation i ON i.run = a.run AND i.tid = a.tid WHERE a.run = ?1 AND a.start_ns IS NOT NULL AND a.remove_ns IS "
    "NOT "
    "NULL "
    "UNION ALL SELECT c.worker, rtrim(rtrim(c.fqdn, '0123456789.'), '-'), c.removed_ns, 2, c.container_id IN (SELECT "
    "field(event, 'container_id') FROM event WHERE run = ?1 AND message = 'Removing container' AND tid IN (SELECT tid "
    "FROM "
    "invocation WHERE run = ?1)) FROM container c WHERE c.run = ?1 AND c.removed_ns IS NOT NULL) "
    "WHERE function_name IS NOT NULL ORDER BY ns, what";

static int release(struct stack *s, int64_t ns)
{
	int64_t *since = array_add(s->since, s->n, s->room);

	if (!since)
		return -ENOMEM;
	*since = ns;
	return 0;
}

static void take(struct stack *s)
{
	if (s->n > s->first) /* else one that was made ahead */
		s->n--;
}

static int remove_one(struct idle *l, struct stack *s, int64_t ns, bool for_room)
{
	if (s->condemned) {
		s->condemned--;
		return 0;
	}
	if (s->first == s->n)
		return 0;
	ns -= s->since[s->first++];
	return for_room ? 0 : sample_add(&l->at_removal, ns);
}

static int follow(struct idle *l, sqlite3_stmt *st)
{
	int64_t ns = sqlite3_column_int64(st, 1);
	struct stack *s;
	uint32_t number;
	int rc = intern_add(&l->pools, column_slice(st, 0), &number);

	if (!rc)
		rc = array_reserve_zeroed(l->stack, l->room, number + 1);
	if (rc)
		return rc;
	s = &l->stack[number];
	switch ((enum what)sqlite3_column_int(st, 2)) {
	case RELEASED:
		return release(s, ns);
	case CONDEMNED:
		s->condemned++;
		return 0;
	case REMOVED:
		return remove_one(l, s, ns, sqlite3_column_int(st, 3));
	default:
		if (!sqlite3_column_int(st, 3))
			take(s);
		return 0;
	}
}

int64_t teach_idle(struct teach *t)
{
	struct query *q = t->x->q;
	struct idle l = {0};
	int64_t keep = NO_NS;
	sqlite3_stmt *st = query_prepare(q, sql);

	intern_init(&l.pools);
	sqlite3_bind_int64(st, 1, t->run);
	while (query_next(q, st) && query_ok(q, follow(&l, st), q->command))
		;
	sqlite3_finalize(st);
	if (query_ok(q, sample_sort(&l.at_removal), q->command))
		keep = l.at_removal.n ? sample_quantile(&l.at_removal, LEAST) : NO_NS;
	for (uint32_t i = 0; i < l.room; i++)
		free(l.stack[i].since);
	free(l.stack);
	sample_done(&l.at_removal);
	intern_done(&l.pools);
	return keep;
}
