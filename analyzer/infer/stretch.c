/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stretch.c - see stretch.h */
#include "infer/stretch.h"
#include "base/array.h"
#include "base/sql.h"

#include <errno.h>
#include <stdlib.h>

/* A chunk; its lines are taken as if they were as far apart as can be. */
struct piece {
	int64_t source, first_ns, last_ns;
	double lines;
};

struct pieces {
	struct piece *v;
	size_t n, room;
	int64_t first_ns, last_ns;
	double lines;
};

/* A log begins (1) or is over (-1). */
struct turn {
	int64_t ns;
	int by;
};

/* Times are UTC as in pass_run_times: those of other programs' records are that already. */
static int pieces_read(struct pieces *p, struct store *s, int64_t run)
{
	static const char sql[] =
	    "SELECT c.source, c.lines, c.min_stamp, c.max_stamp, CASE WHEN coalesce(s.format, 'tracing') LIKE "
	    "'%tracing%' THEN coalesce(s.offset_s, 0) ELSE 0 END FROM chunk c JOIN source s ON s.id = c.source WHERE "
	    "(?1 = 0 OR s.run = ?1) AND c.min_stamp <= c.max_stamp ORDER BY c.source";
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(s), sql, &q);

	*p = (struct pieces){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
	if (!rc)
		sqlite3_bind_int64(q, 1, run);
	while (!rc && (rc = sql_next(q)) == 1) {
		struct piece *x = array_add(p->v, p->n, p->room);
		int64_t offset_ns;

		rc = x ? 0 : -ENOMEM;
		if (rc)
			break;
		if (__builtin_mul_overflow(sqlite3_column_int64(q, 4), INT64_C(1000000000), &offset_ns))
			offset_ns = 0;
		*x =
		    (struct piece){sqlite3_column_int64(q, 0), ns_moved(sqlite3_column_int64(q, 2), offset_ns),
		                   ns_moved(sqlite3_column_int64(q, 3), offset_ns), (double)sqlite3_column_int64(q, 1)};
		p->lines += x->lines;
		p->first_ns = x->first_ns < p->first_ns ? x->first_ns : p->first_ns;
		p->last_ns = x->last_ns > p->last_ns ? x->last_ns : p->last_ns;
	}
	sqlite3_finalize(q);
	return rc;
}

static int compare_turns(const void *pa, const void *pb)
{
	const struct turn *a = pa, *b = pb;

	if (a->ns != b->ns)
		return a->ns < b->ns ? -1 : 1;
	return a->by - b->by;
}

/* When as many logs are there as never before and never after. */
static int fullest(const struct pieces *p, int64_t *out)
{
	struct turn *turn = calloc(2 * p->n + 1, sizeof *turn);
	int now = 0, most = 0;
	size_t n = 0;

	if (!turn)
		return -ENOMEM;
	for (size_t from = 0, to; from < p->n; from = to) {
		int64_t first = p->v[from].first_ns, last = p->v[from].last_ns;

		for (to = from + 1; to < p->n && p->v[to].source == p->v[from].source; to++) {
			first = p->v[to].first_ns < first ? p->v[to].first_ns : first;
			last = p->v[to].last_ns > last ? p->v[to].last_ns : last;
		}
		turn[n++] = (struct turn){first, 1};
		turn[n++] = (struct turn){ns_moved(last, 1), -1};
	}
	qsort(turn, n, sizeof *turn, compare_turns);
	for (size_t i = 0; i < n; i++) {
		now += turn[i].by;
		if (now > most) {
			most = now;
			*out = turn[i].ns;
		}
	}
	free(turn);
	return 0;
}

/* About so many lines are from `since` on and before `until`. */
static double lines_between(const struct pieces *p, int64_t since, int64_t until)
{
	double lines = 0;

	for (size_t i = 0; i < p->n; i++) {
		const struct piece *x = &p->v[i];
		double from = (double)x->first_ns, to = (double)x->last_ns + 1, begin = (double)since,
		       end = (double)until;

		begin = begin > from ? begin : from;
		end = end < to ? end : to;
		if (x->first_ns == x->last_ns)
			lines += since <= x->first_ns && x->first_ns < until ? x->lines : 0;
		else if (end > begin)
			lines += x->lines * (end - begin) / (to - from);
	}
	return lines;
}

static int64_t middle(int64_t a, int64_t b)
{
	return a / 2 + b / 2 + (a % 2 + b % 2) / 2;
}

/* The earliest end behind which there are enough; there are, up to the last line. */
static int64_t end_of(const struct pieces *p, int64_t since, double lines)
{
	int64_t low = since, high = ns_moved(p->last_ns, 1);

	while (low < high) {
		int64_t at = middle(low, high);

		if (lines_between(p, since, at) >= lines)
			high = at;
		else if (low < at)
			low = at;
		else
			break;
	}
	return high;
}

/* The latest beginning with enough before the end. */
static int64_t begin_of(const struct pieces *p, int64_t most, double lines)
{
	int64_t low = p->first_ns, high = most, end = ns_moved(p->last_ns, 1);

	while (low < high) {
		int64_t at = middle(low, high);

		if (lines_between(p, at, end) < lines)
			high = at;
		else if (low < at)
			low = at;
		else
			break;
	}
	return low;
}

int stretch_find(struct store *s, int64_t run, int64_t lines, struct stretch *out)
{
	struct pieces p;
	int64_t since = 0;
	int rc = pieces_read(&p, s, run);

	*out = (struct stretch){0};
	if (!rc && p.lines > (double)lines && !(rc = fullest(&p, &since))) {
		if (lines_between(&p, since, ns_moved(p.last_ns, 1)) >= (double)lines)
			*out = (struct stretch){since, end_of(&p, since, (double)lines)};
		else
			*out = (struct stretch){begin_of(&p, since, (double)lines), 0};
	}
	free(p.v);
	return rc;
}
