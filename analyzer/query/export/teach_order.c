/* SPDX-License-Identifier: GPL-3.0-or-later */
/* teach_order.c - by which policy a queue was, from who was taken out of it while others waited.
 *
 *   fcfs  the earlier arrival    sjf  the shorter mean execution    edf  the earlier sum of both
 *
 * Each time one is taken it is compared with some of those that wait on, of other functions: a policy that is the
 * queue's own agrees nearly always, another one in as many cases as chance has it. */
#include "blame/blame.h"
#include "query/export/teach.h"
#include <errno.h>
#include <stdlib.h>

enum { FCFS, SJF, EDF, POLICIES };

/* So many are looked at, each beside so many others. */
#define TAKEN_MOST  20000
#define OTHERS_MOST 64
#define AGREE       0.9

struct queued {
	int64_t from, to;
	double mean_s;
	uint32_t lane, function;
};

struct lines {
	struct queued *item; /* by lane and time of arrival */
	const struct queued **taken;
	uint32_t n;
};

static int by_arrival(const void *a, const void *b)
{
	const struct queued *x = a, *y = b;

	return x->lane != y->lane ? (x->lane > y->lane) - (x->lane < y->lane)
	                          : (x->from > y->from) - (x->from < y->from);
}

static int by_taken(const void *a, const void *b)
{
	const struct queued *x = *(const struct queued *const *)a, *y = *(const struct queued *const *)b;

	return x->lane != y->lane ? (x->lane > y->lane) - (x->lane < y->lane) : (x->to > y->to) - (x->to < y->to);
}

/* Mean time on a core, by function. */
static double *means(const struct blame_run *b)
{
	double *mean = calloc((size_t)b->functions.n + 1, sizeof *mean);
	uint32_t *n = calloc((size_t)b->functions.n + 1, sizeof *n);

	for (uint32_t i = 0; mean && n && i < b->nholds; i++) {
		uint32_t f = b->request[b->hold[i].request].function;

		if (f >= b->functions.n)
			continue;
		n[f]++;
		mean[f] += ((double)(b->hold[i].to_ns - b->hold[i].from_ns) / 1e9 - mean[f]) / n[f];
	}
	free(n);
	return mean;
}

static int collect(const struct blame_run *b, struct lines *l)
{
	double *mean = means(b);

	l->item = calloc((size_t)b->nwaits + 1, sizeof *l->item);
	l->taken = calloc((size_t)b->nwaits + 1, sizeof *l->taken);
	for (uint32_t i = 0; mean && l->item && l->taken && i < b->nwaits; i++) {
		const struct blame_wait *w = &b->wait[i];
		uint32_t f = b->request[w->request].function;

		if (!w->open && f < b->functions.n)
			l->item[l->n++] = (struct queued){w->from_ns, w->to_ns, mean[f], w->lane, f};
	}
	free(mean);
	if (!mean || !l->item || !l->taken)
		return -ENOMEM;
	qsort(l->item, l->n, sizeof *l->item, by_arrival);
	for (uint32_t i = 0; i < l->n; i++)
		l->taken[i] = &l->item[i];
	qsort(l->taken, l->n, sizeof *l->taken, by_taken);
	return 0;
}

static double rank(const struct queued *q, int policy)
{
	double arrival = (double)q->from / 1e9;

	return policy == FCFS ? arrival : policy == SJF ? q->mean_s : arrival + q->mean_s;
}

/* The first of its lane that came after `at`. */
static uint32_t behind(const struct lines *l, uint32_t lane, int64_t at)
{
	uint32_t low = 0, high = l->n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		const struct queued *q = &l->item[mid];

		if (q->lane < lane || (q->lane == lane && q->from < at))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Those that came before it was taken, the last ones first: who of them waits on is compared. */
static void compare(const struct lines *l, const struct queued *taken, int64_t agree[POLICIES], int64_t *pairs)
{
	uint32_t end = behind(l, taken->lane, taken->to), others = 0;

	for (uint32_t back = 1; back <= end && back <= 4096 && others < OTHERS_MOST; back++) {
		const struct queued *q = &l->item[end - back];

		if (q->lane != taken->lane)
			break;
		if (q->to <= taken->to || q->function == taken->function)
			continue;
		others++;
		++*pairs;
		for (int p = 0; p < POLICIES; p++)
			agree[p] += rank(taken, p) <= rank(q, p);
	}
}

static void read_cores(const struct blame_run *b, struct teach_order *out)
{
	out->cores_told = b->nlanes > 0;
	for (uint32_t i = 0; i < b->nlanes; i++) {
		const struct blame_lane *l = &b->lane[i];

		if (l->gpu)
			continue;
		out->cores_told &= l->cores_from == BLAME_CORES_LOG;
		if (l->cores > out->cores)
			out->cores = l->cores;
		if (!out->cores_least || l->cores < out->cores_least)
			out->cores_least = l->cores;
	}
}

int teach_order(struct store *s, int64_t run, struct teach_order *out)
{
	static const char *const names[POLICIES] = {"fcfs", "sjf", "edf"};
	struct blame_run b = {0};
	struct lines l = {0};
	int64_t agree[POLICIES] = {0};
	int rc = blame_run_read(store_db(s), s, run, 0, &b), best = 0;

	*out = (struct teach_order){0};
	if (!rc)
		rc = collect(&b, &l);
	if (!rc)
		read_cores(&b, out);
	for (uint32_t i = 0; !rc && i < l.n; i += 1 + l.n / TAKEN_MOST)
		compare(&l, l.taken[i], agree, &out->pairs);
	for (int p = 1; p < POLICIES; p++)
		if (agree[p] > agree[best])
			best = p;
	out->share = out->pairs ? (double)agree[best] / (double)out->pairs : 0;
	if (out->share >= AGREE)
		out->policy = names[best];
	free(l.item);
	free(l.taken);
	blame_run_done(&b);
	return rc;
}
