/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sums.c - a run's waiting by who waited and who was waited for, from one sweep.
 *
 * By function a row of numbers for each function that waits and kind of holder, made when it is first needed: a number
 * for each function, and one for nobody. By tid one such row for all that wait, a number for each request. */
#include "base/array.h"
#include "blame/blame.h"
#include <errno.h>
#include <stdlib.h>

struct sums {
	const struct blame_run *b;
	bool by_function;
	uint32_t waiters, holders; /* how many there are; a holder more is nobody */
	int64_t **row;             /* by waiter and kind */
	int64_t *share;            /* by function: of the stretch at hand */
	uint32_t *shared, nshared; /* which have any */
};

static int64_t *row_of(struct sums *s, uint32_t waiter, enum blame_holder kind)
{
	int64_t **row = &s->row[(size_t)waiter * BLAME_HOLDERS + kind];

	if (!*row)
		*row = calloc((size_t)s->holders + 1, sizeof **row);
	return *row;
}

static uint32_t holder_of(const struct sums *s, uint32_t request)
{
	return s->by_function ? s->b->request[request].function : request;
}

static int one(void *arg, const struct blame_wait *w, const struct blame_stretch *x)
{
	struct sums *s = arg;
	int64_t *row = row_of(s, s->by_function ? s->b->request[w->request].function : 0, x->kind);
	int64_t ns = x->to_ns - x->from_ns, each = x->n ? ns / x->n : 0, more = x->n ? ns % x->n : 0;

	if (!row)
		return -ENOMEM;
	if (!x->n)
		row[s->holders] += ns;
	for (uint32_t i = 0; i < x->n; i++)
		row[holder_of(s, x->holder[i])] += each + (i < more);
	return 0;
}

/* What each holder gets of one item's stretch. */
static void share(struct sums *s, const struct blame_stretch *x)
{
	int64_t ns = x->to_ns - x->from_ns, each = ns / x->n, more = ns % x->n;

	s->nshared = 0;
	for (uint32_t i = 0; i < x->n && (each || i < more); i++) {
		uint32_t f = holder_of(s, x->holder[i]);

		if (!s->share[f])
			s->shared[s->nshared++] = f;
		s->share[f] += each + (i < more);
	}
}

static int many(void *arg, const uint32_t *function, const uint32_t *count, uint32_t functions,
                const struct blame_stretch *x)
{
	struct sums *s = arg;
	int64_t all = 0;

	share(s, x);
	for (uint32_t i = 0; i < functions; i++)
		all += count[i];
	for (uint32_t i = 0; i < (s->by_function ? functions : 1); i++) {
		int64_t *row = row_of(s, s->by_function ? function[i] : 0, BLAME_EXECUTING);

		if (!row)
			return -ENOMEM;
		for (uint32_t k = 0; k < s->nshared; k++)
			row[s->shared[k]] += s->share[s->shared[k]] * (s->by_function ? count[i] : all);
	}
	for (uint32_t k = 0; k < s->nshared; k++)
		s->share[s->shared[k]] = 0;
	return 0;
}

/* Each of x->n gets as much; what is left over goes to the functions one by one. */
static int ahead(void *arg, const struct blame_wait *w, const uint32_t *function, const uint32_t *count,
                 uint32_t functions, const struct blame_stretch *x)
{
	struct sums *s = arg;
	int64_t *row = row_of(s, s->b->request[w->request].function, BLAME_AHEAD), ns = x->to_ns - x->from_ns,
	        left = ns;

	if (!row)
		return -ENOMEM;
	for (uint32_t i = 0; i < functions; i++) {
		int64_t part = (int64_t)((__int128)ns * count[i] / x->n);

		row[function[i]] += part;
		left -= part;
	}
	for (uint32_t i = 0; i < functions && left; i++, left--)
		row[function[i]]++;
	return 0;
}

static int by_waiter(const void *a, const void *b)
{
	const struct blame_sum *x = a, *y = b;

	if (x->waiter != y->waiter)
		return x->waiter < y->waiter ? -1 : 1;
	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return x->kind != y->kind ? x->kind - y->kind : (x->holder > y->holder) - (x->holder < y->holder);
}

static int collect(const struct sums *s, struct blame_sum **out, size_t *n)
{
	struct blame_sum *v = NULL;
	size_t room = 0, count = 0;

	for (size_t i = 0; i < (size_t)s->waiters * BLAME_HOLDERS; i++)
		for (uint32_t h = 0; s->row[i] && h <= s->holders; h++) {
			struct blame_sum *x;

			if (!s->row[i][h])
				continue;
			x = array_add(v, count, room);
			if (!x) {
				free(v);
				return -ENOMEM;
			}
			*x = (struct blame_sum){s->row[i][h],
			                        s->by_function ? (uint32_t)(i / BLAME_HOLDERS) : BLAME_NOBODY,
			                        h == s->holders ? BLAME_NOBODY : h, (uint8_t)(i % BLAME_HOLDERS)};
		}
	if (count)
		qsort(v, count, sizeof *v, by_waiter);
	*out = v;
	*n = count;
	return 0;
}

/* Of the queue from one sweep, of cold starts one by one. */
static int add_up(struct sums *s, bool cold)
{
	struct blame_sink sink = {.one = one, .many = many, .ahead = s->by_function ? ahead : NULL, .arg = s};
	int rc = 0;

	if (!cold)
		return blame_sweep(s->b, &sink);
	for (uint32_t i = 0; !rc && i < s->b->nstarts; i++) {
		const struct blame_start *x = &s->b->start[i];

		rc = one(s, &(struct blame_wait){.request = x->request},
		         &(struct blame_stretch){x->from_ns, x->to_ns, x->kind, s->b->start_holder + x->first_holder,
		                                 x->nholders});
	}
	return rc;
}

static int add_up_one(struct sums *s, uint32_t request, bool cold)
{
	struct blame_row *v = NULL;
	size_t n = 0;
	int rc = blame_rows(s->b, request, request + 1, &v, &n);

	for (size_t i = 0; i < n && !rc; i++) {
		int64_t *row;

		if (v[i].cold != cold)
			continue;
		row = row_of(s, s->by_function ? s->b->request[request].function : 0, v[i].kind);
		if (row)
			row[v[i].holder == BLAME_NOBODY ? s->holders : holder_of(s, v[i].holder)] += v[i].ns;
		else
			rc = -ENOMEM;
	}
	free(v);
	return rc;
}

static int sums_init(struct sums *s, const struct blame_run *b, enum blame_by by)
{
	bool by_function = by == BLAME_BY_FUNCTION;

	*s = (struct sums){.b = b,
	                   .by_function = by_function,
	                   .waiters = by_function ? b->functions.n : 1,
	                   .holders = by_function ? b->functions.n : b->nrequests};
	s->row = calloc((size_t)s->waiters * BLAME_HOLDERS + 1, sizeof *s->row);
	s->share = calloc((size_t)s->holders + 1, sizeof *s->share);
	s->shared = malloc(((size_t)s->holders + 1) * sizeof *s->shared);
	return s->row && s->share && s->shared ? 0 : -ENOMEM;
}

static void sums_done(struct sums *s)
{
	for (size_t i = 0; s->row && i < (size_t)s->waiters * BLAME_HOLDERS; i++)
		free(s->row[i]);
	free(s->row);
	free(s->share);
	free(s->shared);
}

int blame_sums(const struct blame_run *b, enum blame_by by, bool cold, struct blame_sum **out, size_t *n)
{
	struct sums s;
	int rc = sums_init(&s, b, by);

	if (!rc)
		rc = add_up(&s, cold);
	if (!rc)
		rc = collect(&s, out, n);
	sums_done(&s);
	return rc;
}

int blame_sums_of(const struct blame_run *b, uint32_t request, enum blame_by by, bool cold, struct blame_sum **out,
                  size_t *n)
{
	struct sums s;
	int rc = sums_init(&s, b, by);

	if (!rc)
		rc = add_up_one(&s, request, cold);
	if (!rc)
		rc = collect(&s, out, n);
	sums_done(&s);
	return rc;
}
