/* SPDX-License-Identifier: GPL-3.0-or-later */
/* queue.c - what the lines of a run tell of its queues, by `queue` of the rules (docs/rules.md).
 *
 * Cores: the number that the worker reports, else the most that ever executed at a time. Order: the priorities of its
 * items, where lines give them. Else, where none that came later was taken before another, it is the order of arrival,
 * by the lines that say so or, where there are none, by the times of arrival. Else it is not known. */
#include "blame/queue.h"
#include "base/sql.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* Of so many items one may pass another: times of arrival are taken before the item is in the queue. */
#define ORDERLY 100

static const char *word(const json_t *o, const char *key)
{
	return json_string_value(json_object_get(o, key));
}

/* ---- cores ---- */

static struct blame_lane *lane_of(struct blame_run *b, struct slice worker)
{
	for (uint32_t i = 0; i < b->nlanes; i++)
		if (!b->lane[i].gpu && slice_same(b->lane[i].worker, worker))
			return &b->lane[i];
	return NULL;
}

/* By the worker that the file is of: the largest number that it ever reported. */
static int read_cores(sqlite3 *db, struct blame_run *b, const json_t *rule)
{
	static const char in_json[] = "json_extract(CASE WHEN json_valid(field(e.event, ?3)) THEN field(e.event, ?3) "
	                              "END, '$.' || ?4)";
	char sql[400];
	sqlite3_stmt *st;
	int rc;

	snprintf(sql, sizeof sql,
	         "SELECT s.worker, max(CAST(%s AS INTEGER)) FROM event e JOIN source s ON s.id = e.source "
	         "WHERE e.run = ?1 AND e.message = ?2 GROUP BY 1",
	         word(rule, "json") ? in_json : "field(e.event, ?4)");
	rc = sql_prepare(db, sql, &st);
	if (rc)
		return rc;
	sqlite3_bind_int64(st, 1, b->run);
	bind_word(st, 2, word(rule, "message"));
	if (word(rule, "json"))
		bind_word(st, 3, word(rule, "json"));
	bind_word(st, 4, word(rule, "value"));
	while ((rc = sql_next(st)) == 1) {
		struct blame_lane *l = lane_of(b, column_slice(st, 0));

		if (l && sqlite3_column_int64(st, 1) > 0) {
			l->cores = sqlite3_column_int64(st, 1);
			l->cores_from = BLAME_CORES_LOG;
		}
	}
	sqlite3_finalize(st);
	return rc;
}

struct step {
	int64_t at;
	uint32_t lane;
	int by;
};

static int by_lane_and_time(const void *a, const void *b)
{
	const struct step *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : x->by - y->by;
}

/* The most that executed at a time, for lanes of which nobody says how many cores they have. */
static int count_cores(struct blame_run *b)
{
	struct step *v;
	int64_t now = 0;
	size_t n = 0;

	v = malloc(((size_t)b->nholds * 2 + 1) * sizeof *v);
	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->nholds; i++) {
		const struct blame_hold *h = &b->hold[i];

		if (b->lane[h->lane].cores_from != BLAME_CORES_MOST)
			continue;
		v[n++] = (struct step){h->from_ns, h->lane, 1};
		v[n++] = (struct step){h->to_ns, h->lane, -1};
	}
	qsort(v, n, sizeof *v, by_lane_and_time);
	for (size_t i = 0; i < n; i++) {
		struct blame_lane *l = &b->lane[v[i].lane];

		now = (i && v[i].lane == v[i - 1].lane ? now : 0) + v[i].by;
		if (now > l->cores)
			l->cores = now;
	}
	free(v);
	return 0;
}

/* ---- the order ---- */

static struct blame_wait *waits_of(const struct blame_run *b, uint32_t request, uint32_t *n)
{
	uint32_t low = 0, high = b->nwaits;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (b->wait[mid].request < request)
			low = mid + 1;
		else
			high = mid;
	}
	for (*n = 0; low + *n < b->nwaits && b->wait[low + *n].request == request;)
		++*n;
	return &b->wait[low];
}

/* Lines of one message, in their order. */
static sqlite3_stmt *lines_of(sqlite3 *db, const struct blame_run *b, const char *message, const char *field, int *rc)
{
	sqlite3_stmt *st;

	*rc = sql_prepare(db,
	                  "SELECT tid, time_ns, CASE WHEN ?3 IS NULL THEN NULL ELSE field(event, ?3) END FROM event "
	                  "WHERE run = ?1 AND message = ?2 AND tid IS NOT NULL ORDER BY time_ns, id",
	                  &st);
	if (*rc)
		return NULL;
	sqlite3_bind_int64(st, 1, b->run);
	bind_word(st, 2, message);
	bind_word(st, 3, field);
	return st;
}

/* place counts over all lines: only its order means anything. */
static int read_order(sqlite3 *db, struct blame_run *b, const json_t *rule, uint32_t *place)
{
	const char *priority = word(rule, "priority");
	sqlite3_stmt *st;
	int rc;

	st = lines_of(db, b, word(rule, "message"), priority, &rc);
	while (!rc && (rc = sql_next(st)) == 1) {
		uint32_t request = blame_find(b, column_slice(st, 0)), n = 0;
		struct blame_wait *w = request == BLAME_NOBODY ? NULL : waits_of(b, request, &n);

		rc = 0;
		++*place;
		for (uint32_t i = 0; i < n; i++) {
			struct blame_lane *l = &b->lane[w[i].lane];

			w[i].place = *place;
			l->told = true;
			if (priority && sqlite3_column_type(st, 2) != SQLITE_NULL) {
				w[i].rank = sqlite3_column_double(st, 2);
				l->order = BLAME_ORDER_PRIORITY;
			}
		}
	}
	sqlite3_finalize(st);
	return rc;
}

struct arrived {
	int64_t from_ns, to_ns;
	uint32_t lane, place, wait;
	bool open; /* it never left, or waited for memory: others may pass it */
};

static int by_arrival(const void *a, const void *b)
{
	const struct arrived *x = a, *y = b;

	if (x->lane != y->lane)
		return x->lane < y->lane ? -1 : 1;
	if (x->from_ns != y->from_ns)
		return x->from_ns < y->from_ns ? -1 : 1;
	return x->place != y->place ? (x->place > y->place) - (x->place < y->place)
	                            : (x->wait > y->wait) - (x->wait < y->wait);
}

/* The order of one lane, whose items are v[0..n) as they arrived. */
static void settle_order(struct blame_run *b, const struct arrived *v, uint32_t n)
{
	struct blame_lane *l = &b->lane[v->lane];
	int64_t latest = INT64_MIN, until = INT64_MIN; /* of those that came before, and of all */
	uint32_t passed = 0;

	for (uint32_t i = 0; i < n; i++) {
		b->wait[v[i].wait].place = l->order == BLAME_ORDER_PRIORITY ? v[i].place : i + 1;
		if (!i || v[i].from_ns > v[i - 1].from_ns)
			latest = until;
		passed += v[i].to_ns < latest;
		if (!v[i].open && v[i].to_ns > until)
			until = v[i].to_ns;
	}
	if (l->order == BLAME_ORDER_UNKNOWN && passed <= n / ORDERLY)
		l->order = BLAME_ORDER_ARRIVAL;
}

static int settle_orders(struct blame_run *b)
{
	struct arrived *v = malloc(((size_t)b->nwaits + 1) * sizeof *v);

	if (!v)
		return -ENOMEM;
	for (uint32_t i = 0; i < b->nwaits; i++) {
		const struct blame_wait *w = &b->wait[i];

		v[i] =
		    (struct arrived){w->from_ns, w->to_ns, w->lane, w->place, i, w->open || w->refused_ns != INT64_MAX};
	}
	qsort(v, b->nwaits, sizeof *v, by_arrival);
	for (uint32_t i = 0, end; i < b->nwaits; i = end) {
		for (end = i; end < b->nwaits && v[end].lane == v[i].lane; end++)
			;
		settle_order(b, v + i, end - i);
	}
	free(v);
	return 0;
}

/* ---- memory ---- */

static int read_refused(sqlite3 *db, struct blame_run *b, const char *message)
{
	sqlite3_stmt *st;
	int rc;

	st = lines_of(db, b, message, NULL, &rc);
	while (!rc && (rc = sql_next(st)) == 1) {
		uint32_t request = blame_find(b, column_slice(st, 0)), n = 0;
		int64_t at = sqlite3_column_int64(st, 1);
		struct blame_wait *w = request == BLAME_NOBODY ? NULL : waits_of(b, request, &n);

		rc = 0;
		for (uint32_t i = 0; i < n; i++)
			if (at >= w[i].from_ns && at < w[i].to_ns && at < w[i].refused_ns)
				w[i].refused_ns = at;
	}
	sqlite3_finalize(st);
	return rc;
}

/* ---- the whole ---- */

static int read_lines(sqlite3 *db, struct blame_run *b, const json_t *queue)
{
	const json_t *order = json_object_get(queue, "order"), *refused = json_object_get(queue, "refused"),
	             *cores = json_object_get(queue, "cores");
	uint32_t place = 0;
	int rc = cores ? read_cores(db, b, cores) : 0;

	for (size_t i = 0; !rc && i < json_array_size(order); i++)
		rc = read_order(db, b, json_array_get(order, i), &place);
	for (size_t i = 0; !rc && i < json_array_size(refused); i++)
		rc = read_refused(db, b, json_string_value(json_array_get(refused, i)));
	return rc;
}

int blame_queue_read(sqlite3 *db, struct blame_run *b, int64_t cores)
{
	int rc = b->rules->queue && b->nwaits ? read_lines(db, b, b->rules->queue) : 0;

	for (uint32_t i = 0; !rc && cores && i < b->nlanes; i++) {
		b->lane[i].cores = cores;
		b->lane[i].cores_from = BLAME_CORES_GIVEN;
	}
	if (!rc)
		rc = count_cores(b);
	return rc ? rc : settle_orders(b);
}
