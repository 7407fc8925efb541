/* SPDX-License-Identifier: Apache-2.0 */
/* held.c - with --truth-blame: who had what an invocation waited for in the queue, from the moments of all.
 *
 * It is said as plainly as it can be, not fast: the wait is cut wherever anything changes on its worker, and each piece
 * is looked at by itself. Of a piece: if memory was refused to the invocation before, those that execute have it; if
 * all cores are taken, those that execute; else those that are before it in the queue; else nobody. Pieces next to each
 * other with the same holders are one stretch, of which each gets as many ns, and the first by their id one more as
 * long as some are left. */
#include "sim.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define NEVER INT64_MAX

enum kind { EXECUTING, AHEAD, MEMORY, UNKNOWN, KINDS };

static const char *const kind_names[] = {"executing", "ahead", "memory", "unknown"};

/* Those who have it in one piece of time: numbers of sim->items. */
struct holders {
	enum kind kind;
	size_t *who, n;
};

struct ledger {
	const struct sim *sim;
	size_t *by_id; /* items in the order of their ids */
	int64_t *cut;  /* the ends of pieces */
	size_t ncuts;
	struct holders was, is;
	int64_t *ns; /* by kind and item; and of UNKNOWN the first alone */
};

static int64_t or_never(int64_t ns)
{
	return ns ? ns : NEVER;
}

/* From when to when the item waits for its k-th try. */
static bool waits(const struct item *it, int k, int64_t *from, int64_t *to)
{
	const struct moments *m = it->moments;

	if (!it->insert_ns || k > m->ntries || (k == m->ntries && m->ntries))
		return false;
	*from = k ? m->tries[k - 1].end_ns : it->insert_ns;
	*to = m->ntries ? or_never(m->tries[k].remove_ns) : NEVER;
	return *from > 0;
}

static bool in_queue(const struct item *it, int64_t at)
{
	int64_t from, to;

	for (int k = 0; waits(it, k, &from, &to); k++)
		if (from <= at && at < to)
			return true;
	return false;
}

static bool executes(const struct item *it, int64_t at)
{
	for (int k = 0; k < it->moments->ntries; k++)
		if (it->moments->tries[k].remove_ns <= at && at < or_never(it->moments->tries[k].end_ns))
			return true;
	return false;
}

static bool before(const struct item *a, const struct item *b)
{
	return a->rank != b->rank ? a->rank < b->rank : a->seq < b->seq;
}

static void gather(struct ledger *l, const struct item *of, int64_t at, bool (*has)(const struct item *, int64_t))
{
	const struct sim *sim = l->sim;

	l->is.n = 0;
	for (size_t i = 0; i < sim->nitems; i++) {
		const struct item *it = sim->items[l->by_id[i]];

		if (it != of && it->worker == of->worker && has(it, at) && (has == executes || before(it, of)))
			l->is.who[l->is.n++] = l->by_id[i];
	}
}

static void look(struct ledger *l, const struct item *of, int64_t refused, int64_t at)
{
	gather(l, of, at, executes);
	if (refused && refused <= at) {
		l->is.kind = MEMORY;
	} else if (l->is.n >= (size_t)l->sim->opt.cores) {
		l->is.kind = EXECUTING;
	} else {
		gather(l, of, at, in_queue);
		l->is.kind = l->is.n ? AHEAD : UNKNOWN;
	}
}

static void pay(struct ledger *l, int64_t ns)
{
	const struct holders *h = &l->was;

	if (!h->n)
		l->ns[(size_t)h->kind * (l->sim->nitems + 1) + l->sim->nitems] += ns;
	for (size_t i = 0; i < h->n; i++)
		l->ns[(size_t)h->kind * (l->sim->nitems + 1) + h->who[i]] +=
		    ns / (int64_t)h->n + ((int64_t)i < ns % (int64_t)h->n);
}

static bool same(const struct holders *a, const struct holders *b)
{
	return a->kind == b->kind && a->n == b->n && !memcmp(a->who, b->who, a->n * sizeof *a->who);
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return (x > y) - (x < y);
}

static void cut(struct ledger *l, int64_t at, int64_t from, int64_t to)
{
	if (at > from && at < to)
		l->cut[l->ncuts++] = at;
}

/* All moments at which anything changes on the worker between from and to. */
static void cut_all(struct ledger *l, const struct item *of, int64_t refused, int64_t from, int64_t to)
{
	l->ncuts = 0;
	for (size_t i = 0; i < l->sim->nitems; i++) {
		const struct item *it = l->sim->items[i];

		if (it->worker != of->worker)
			continue;
		cut(l, it->insert_ns, from, to);
		for (int k = 0; k < it->moments->ntries; k++) {
			cut(l, it->moments->tries[k].remove_ns, from, to);
			cut(l, it->moments->tries[k].end_ns, from, to);
		}
	}
	cut(l, refused, from, to);
	qsort(l->cut, l->ncuts, sizeof *l->cut, by_time);
	l->cut[l->ncuts++] = to;
}

static void share(struct ledger *l, const struct item *of, int64_t refused, int64_t from, int64_t to)
{
	int64_t begin = from, at = from;

	cut_all(l, of, refused, from, to);
	for (size_t i = 0; i < l->ncuts; at = l->cut[i++]) {
		if (l->cut[i] <= at)
			continue;
		look(l, of, refused, at);
		if (at > from && !same(&l->was, &l->is)) {
			pay(l, at - begin);
			begin = at;
		}
		struct holders was = l->was;
		l->was = l->is;
		l->is = was;
	}
	pay(l, to - begin);
}

static void tell(const struct ledger *l, FILE *f)
{
	size_t n = l->sim->nitems, told = 0;
	char tid[ILU_TID_MAX];

	fputs(",\"blame\":[", f);
	for (size_t k = 0; k < KINDS; k++)
		for (size_t i = 0; i <= n; i++) {
			int64_t ns = l->ns[k * (n + 1) + i];

			if (!ns)
				continue;
			fprintf(f, "%s{\"holder\":\"%s\"", told++ ? "," : "", kind_names[k]);
			if (i < n)
				fprintf(f, ",\"tid\":\"%s\"", ilu_tid_str(&l->sim->items[i]->tid, tid));
			fprintf(f, ",\"ns\":%" PRId64 "}", ns);
		}
	fputs("]", f);
}

void held_write(struct ledger *l, const struct item *it, FILE *f)
{
	int64_t from, to;

	if (!l)
		return;
	memset(l->ns, 0, KINDS * (l->sim->nitems + 1) * sizeof *l->ns);
	for (int k = 0; waits(it, k, &from, &to); k++)
		if (to != NEVER && to > from)
			share(l, it, it->moments->tries[k].refused_ns, from, to);
	tell(l, f);
}

/* ---- the ledger ---- */

static const struct sim *sorting; /* qsort hands on nothing */

static int by_id(const void *a, const void *b)
{
	char x[ILU_TID_MAX], y[ILU_TID_MAX];

	return strcmp(ilu_tid_str(&sorting->items[*(const size_t *)a]->tid, x),
	              ilu_tid_str(&sorting->items[*(const size_t *)b]->tid, y));
}

void held_free(struct ledger *l)
{
	if (!l)
		return;
	free(l->by_id);
	free(l->cut);
	free(l->was.who);
	free(l->is.who);
	free(l->ns);
	free(l);
}

int held_new(const struct sim *sim, struct ledger **out)
{
	size_t n = sim->nitems;
	struct ledger *l = calloc(1, sizeof *l);

	*out = l;
	if (!l)
		return -ENOMEM;
	l->sim = sim;
	l->by_id = calloc(n + 1, sizeof *l->by_id);
	l->cut = calloc(n * (2 * ((size_t)sim->opt.retries + 1) + 1) + 2, sizeof *l->cut);
	l->was.who = calloc(n + 1, sizeof *l->was.who);
	l->is.who = calloc(n + 1, sizeof *l->is.who);
	l->ns = calloc(KINDS * (n + 1), sizeof *l->ns);
	if (!l->by_id || !l->cut || !l->was.who || !l->is.who || !l->ns)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++)
		l->by_id[i] = i;
	sorting = sim;
	qsort(l->by_id, n, sizeof *l->by_id, by_id);
	return 0;
}
