/* SPDX-License-Identifier: GPL-3.0-or-later */
/* points.c - see points.h */
#include "query/commands/points.h"
#include "base/array.h"
#include "base/heap.h"
#include "base/tempfile.h"
#include <stdlib.h>
#include <unistd.h>

struct points_run {
	int fd;
	off_t begin, end;
	struct tempfile_in in;
	struct point next; /* that was not given yet */
};

void points_done(struct points *p)
{
	for (uint32_t i = 0; i < p->nruns; i++)
		tempfile_done(&p->runs[i].in);
	if (p->open)
		close(p->fd);
	for (uint32_t i = 0; i < p->njoined; i++)
		close(p->joined[i]);
	free(p->joined);
	free(p->runs);
	free(p->v);
	free(p->dealt);
	free(p->end);
	*p = (struct points){0};
}

/* ---- in memory ---- */

/* Counted for each transaction, then put where they belong: p->dealt. */
static int deal(struct points *p)
{
	uint32_t most = 0;

	for (size_t i = 0; i < p->n; i++)
		most = p->v[i].tid > most ? p->v[i].tid : most;
	if (array_reserve(p->end, p->nends, (size_t)most + 2) || array_reserve(p->dealt, p->dealt_room, p->n))
		return -ENOMEM;
	memset(p->end, 0, ((size_t)most + 2) * sizeof *p->end);
	for (size_t i = 0; i < p->n; i++)
		p->end[p->v[i].tid + 1]++;
	for (uint32_t t = 0; t < most; t++)
		p->end[t + 1] += p->end[t];
	/* end[t] is where the next one of t goes */
	for (size_t i = 0; i < p->n; i++)
		p->dealt[p->end[p->v[i].tid]++] = p->v[i];
	return 0;
}

static int by_time(const void *a, const void *b)
{
	const struct point *x = a, *y = b;

	if (x->time_ns != y->time_ns)
		return x->time_ns < y->time_ns ? -1 : 1;
	return (x->id > y->id) - (x->id < y->id);
}

static int give(struct point *v, size_t n, int (*fn)(void *arg, const struct point *v, size_t n), void *arg)
{
	size_t i = 1;

	while (i < n && by_time(&v[i - 1], &v[i]) <= 0)
		i++;
	if (i < n)
		qsort(v, n, sizeof *v, by_time);
	return fn(arg, v, n);
}

static int each_held(struct points *p, int (*fn)(void *arg, const struct point *v, size_t n), void *arg)
{
	int rc = p->n ? deal(p) : 0;

	for (size_t i = 0, to; i < p->n && !rc; i = to) {
		for (to = i + 1; to < p->n && p->dealt[to].tid == p->dealt[i].tid; to++)
			;
		rc = give(p->dealt + i, to - i, fn, arg);
	}
	return rc;
}

/* ---- runs ---- */

static int write_run(struct points *p)
{
	struct points_run *r;
	int rc;

	if (!p->open && (p->fd = tempfile_open(p->beside)) < 0)
		return p->fd;
	p->open = true;
	r = array_add(p->runs, p->nruns, p->runs_room);
	if (!r)
		return -ENOMEM;
	*r = (struct points_run){.fd = p->fd, .begin = p->written};
	rc = deal(p);
	if (!rc)
		rc = tempfile_write(p->fd, &p->written, (const char *)p->dealt, p->n * sizeof *p->dealt);
	r->end = p->written;
	p->n = 0;
	return rc;
}

int points_add(struct points *p, const struct point *point)
{
	int rc = p->n >= (p->held ? p->held : POINTS_HELD) ? write_run(p) : 0;
	struct point *to = rc ? NULL : array_add(p->v, p->n, p->room);

	if (!to)
		return rc ? rc : -ENOMEM;
	*to = *point;
	return 0;
}

static int add_all(struct points *to, const struct points *from)
{
	int rc = 0;

	for (size_t i = 0; i < from->n && !rc; i++)
		rc = points_add(to, &from->v[i]);
	return rc;
}

/* The runs stay where they are. */
static int join_runs(struct points *to, struct points *from)
{
	int rc = from->n ? write_run(from) : 0;

	if (!rc && (array_reserve(to->runs, to->runs_room, to->nruns + from->nruns) ||
	            array_reserve(to->joined, to->joined_room, to->njoined + 1)))
		rc = -ENOMEM;
	if (rc)
		return rc;
	memcpy(to->runs + to->nruns, from->runs, from->nruns * sizeof *from->runs);
	to->nruns += from->nruns;
	to->joined[to->njoined++] = from->fd;
	from->nruns = 0;
	from->open = false;
	return 0;
}

int points_join(struct points *to, struct points *from)
{
	struct points was = *to;
	int rc;

	if (!to->nruns && to->n < from->n) { /* the fewer are copied */
		*to = *from;
		*from = was;
	}
	rc = from->nruns ? join_runs(to, from) : add_all(to, from);
	points_done(from);
	return rc;
}

/* The next point of a run: 1, 0 at its end, or negative. */
static int run_next(struct points_run *r)
{
	const char *p;
	int rc;

	if (tempfile_at_end(&r->in))
		return 0;
	rc = tempfile_take(&r->in, sizeof r->next, &p);
	if (rc)
		return rc;
	memcpy(&r->next, p, sizeof r->next);
	return 1;
}

static int compare_runs(const void *of, uint32_t a, uint32_t b)
{
	const struct points *p = of;
	uint32_t x = p->runs[a].next.tid, y = p->runs[b].next.tid;

	return x != y ? (x > y) - (x < y) : (a > b) - (a < b);
}

static int open_runs(struct points *p, uint32_t *heap, uint32_t *heaped)
{
	int rc = p->n ? write_run(p) : 0;

	for (uint32_t i = 0; i < p->nruns && rc >= 0; i++) {
		struct points_run *r = &p->runs[i];

		r->in = (struct tempfile_in){.fd = r->fd, .at = r->begin, .end = r->end};
		rc = run_next(r);
		if (rc == 1)
			heap[(*heaped)++] = i;
	}
	heap_make(heap, *heaped, compare_runs, p);
	return rc < 0 ? rc : 0;
}

/* All points of the transaction that is next, into p->v. */
static int gather(struct points *p, uint32_t *heap, uint32_t *heaped)
{
	uint32_t tid = p->runs[heap[0]].next.tid;

	p->n = 0;
	while (*heaped && p->runs[heap[0]].next.tid == tid) {
		struct points_run *r = &p->runs[heap[0]];
		int rc = 1;

		while (rc == 1 && r->next.tid == tid) {
			struct point *to = array_add(p->v, p->n, p->room);

			if (!to)
				return -ENOMEM;
			*to = r->next;
			rc = run_next(r);
		}
		if (rc < 0)
			return rc;
		if (!rc)
			heap[0] = heap[--*heaped];
		heap_sift(heap, *heaped, 0, compare_runs, p);
	}
	return 0;
}

static int each_of_runs(struct points *p, int (*fn)(void *arg, const struct point *v, size_t n), void *arg)
{
	uint32_t *heap = malloc((p->nruns + (size_t)1) * sizeof *heap), heaped = 0;
	int rc = heap ? open_runs(p, heap, &heaped) : -ENOMEM;

	free(p->dealt);
	p->dealt = NULL;
	p->dealt_room = 0;
	while (!rc && heaped) {
		rc = gather(p, heap, &heaped);
		if (!rc)
			rc = give(p->v, p->n, fn, arg);
	}
	free(heap);
	return rc;
}

int points_each(struct points *p, int (*fn)(void *arg, const struct point *v, size_t n), void *arg)
{
	return p->nruns ? each_of_runs(p, fn, arg) : each_held(p, fn, arg);
}
