/* SPDX-License-Identifier: GPL-3.0-or-later */
/* teach_idle.c - how long a worker keeps an idle container, from when containers were used and when they were removed.
 *
 * No level but debug tells which container a request got, so it is taken for the one that was returned last, and what
 * is removed for the one that has been idle for longest; first for one that failed. What a request removes makes room
 * for it. The others had been idle for as long as is kept, and until somebody looked: the least of them tells. */
#include "base/array.h"
#include "model/fold.h"
#include "model/rules_kept.h"
#include "query/export/teach.h"
#include <errno.h>
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
	struct text pool;
	struct intern for_room; /* containers that a request removed */
	struct stack *stack;
	uint32_t room;
	struct sample at_removal;
};

enum { WORKER, FUNCTION, NS, WHAT, NEW, CONTAINER };

/* Of equal times a container is returned before another is taken. Of one that is removed the function stands with its
 * version. */
static const char sql[] =
    "SELECT worker, function_name, ns, what, new, container_id FROM ("
    "SELECT a.worker, i.function_name, a.end_ns AS ns, (a.error IS NOT NULL) AS what, 0 AS new, NULL AS container_id "
    "FROM attempt a JOIN invocation i ON i.run = a.run AND i.tid = a.tid WHERE a.run = ?1 AND a.start_ns IS NOT NULL "
    "AND a.end_ns IS NOT NULL "
    "UNION ALL SELECT a.worker, i.function_name, a.remove_ns, 3, coalesce(a.state = 'cold', 0), NULL FROM attempt a "
    "JOIN invocation i ON i.run = a.run AND i.tid = a.tid WHERE a.run = ?1 AND a.start_ns IS NOT NULL AND a.remove_ns "
    "IS NOT NULL "
    "UNION ALL SELECT worker, fqdn, removed_ns, 2, 0, container_id FROM container WHERE run = ?1 AND removed_ns IS NOT "
    "NULL) WHERE function_name IS NOT NULL ORDER BY ns, what";

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

/* "worker_0 gzip" */
static int pool_of(struct idle *l, sqlite3_stmt *st, uint32_t *number)
{
	struct slice worker = column_slice(st, WORKER), function = column_slice(st, FUNCTION);

	if (sqlite3_column_int(st, WHAT) == REMOVED)
		function = fold_function_of(function);
	text_reset(&l->pool);
	text_add(&l->pool, worker.ptr ? worker.ptr : "", worker.len);
	text_puts(&l->pool, " ");
	text_add(&l->pool, function.ptr, function.len);
	return l->pool.failed ? -ENOMEM : intern_add(&l->pools, (struct slice){l->pool.ptr, l->pool.len}, number);
}

static bool is_for_room(const struct idle *l, struct slice container)
{
	return container.ptr && intern_find(&l->for_room, container) != INTERN_NONE;
}

static int follow(struct idle *l, sqlite3_stmt *st)
{
	int64_t ns = sqlite3_column_int64(st, NS);
	struct stack *s;
	uint32_t number;
	int rc = pool_of(l, st, &number);

	if (!rc)
		rc = array_reserve_zeroed(l->stack, l->room, number + 1);
	if (rc)
		return rc;
	s = &l->stack[number];
	switch ((enum what)sqlite3_column_int(st, WHAT)) {
	case RELEASED:
		return release(s, ns);
	case CONDEMNED:
		s->condemned++;
		return 0;
	case REMOVED:
		return remove_one(l, s, ns, is_for_room(l, column_slice(st, CONTAINER)));
	default:
		if (!sqlite3_column_int(st, NEW))
			take(s);
		return 0;
	}
}

/* Containers that lines of one message say a request removed. */
static void read_removals(struct query *q, int64_t run, const struct rule *rule, struct idle *l)
{
	sqlite3_stmt *st = query_prepare(
	    q,
	    "SELECT DISTINCT field(event, ?3) FROM event WHERE run = ?1 AND message = ?2 AND tid IN (SELECT tid FROM "
	    "invocation WHERE run = ?1)");
	uint32_t number;

	sqlite3_bind_int64(st, 1, run);
	bind_slice(st, 2, rule->message);
	bind_word(st, 3, rule->arg[0].name);
	while (query_next(q, st)) {
		struct slice id = column_slice(st, 0);

		if (id.ptr && !query_ok(q, intern_add(&l->for_room, id, &number), q->command))
			break;
	}
	sqlite3_finalize(st);
}

static void read_for_room(struct query *q, int64_t run, struct idle *l)
{
	struct rules *rules = NULL;
	const struct rule *rule;
	char *why = NULL;
	unsigned next = 0;

	if (query_ok(q, rules_of_database(q->db, &rules, &why), q->path))
		while ((rule = rules_of_lines(rules, MEANS_REMOVED, &next)))
			read_removals(q, run, rule, l);
	rules_free(rules);
	free(why);
}

int64_t teach_idle(struct teach *t)
{
	struct query *q = t->x->q;
	struct idle l = {0};
	int64_t keep = NO_NS;
	sqlite3_stmt *st;

	read_for_room(q, t->x->run, &l);
	st = query_prepare(q, sql);
	sqlite3_bind_int64(st, 1, t->x->run);
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
	intern_done(&l.for_room);
	text_done(&l.pool);
	return keep;
}
