/* SPDX-License-Identifier: GPL-3.0-or-later */
/* arrivals.c - see arrivals.h: sorted by time, then dealt out to their groups. */
#include "query/requests/arrivals.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/keyed.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

void arrivals_done(struct arrivals *a)
{
	free(a->request);
	free(a->ns);
	free(a->group);
	table_done(&a->at);
	*a = (struct arrivals){0};
}

/* ---- groups ---- */

static uint64_t hash_of(uint64_t key)
{
	return hash_bytes(&key, sizeof key, 0);
}

uint32_t arrivals_group(const struct arrivals *a, uint64_t key)
{
	struct table_walk w;
	uint32_t i = table_first(&w, &a->at, hash_of(key));

	while (i != TABLE_NONE && a->group[i].key != key)
		i = table_next(&w);
	return i == TABLE_NONE ? INTERN_NONE : i;
}

/* The group of a key, a new one if need be. */
static int find_group(struct arrivals *a, uint64_t key, uint32_t *out)
{
	struct arrival_group *g;

	*out = arrivals_group(a, key);
	if (*out != INTERN_NONE)
		return 0;
	*out = a->ngroups;
	g = array_add(a->group, a->ngroups, a->groups_room);
	if (!g)
		return -ENOMEM;
	*g = (struct arrival_group){.key = key};
	return table_add(&a->at, hash_of(key), *out);
}

static uint64_t key_of(const struct request_kind *x, bool by_function)
{
	uint64_t worker = arrival_key(x->run, x->worker);

	return by_function ? worker << 24 ^ x->function : worker;
}

/* of: by request, its group. last of each counts its requests, end those of them with an arrival. */
static int find_groups(const struct requests *r, bool by_function, struct arrivals *a, uint32_t *of)
{
	uint64_t key = 0;
	int rc = 0;

	for (uint32_t i = 0; i < r->n && !rc; i++) {
		uint64_t its = key_of(request_kind(r, i), by_function);

		if (i && its == key)
			of[i] = of[i - 1];
		else
			rc = find_group(a, its, &of[i]);
		if (rc)
			break;
		key = its;
		a->group[of[i]].last++;
		a->group[of[i]].end += request_moment(r, i, REQUEST_ARRIVED) != NO_NS;
	}
	return rc;
}

/* ---- dealing out ---- */

/* From numbers to places; end and last are then where the next of each kind goes. */
static void place_groups(struct arrivals *a)
{
	uint32_t sum = 0;

	for (uint32_t k = 0; k < a->ngroups; k++) {
		struct arrival_group *g = &a->group[k];
		uint32_t arrived = g->end, all = g->last;

		g->first = g->end = sum;
		g->last = sum + arrived;
		sum += all;
	}
}

static void deal(const struct requests *r, const uint32_t *of, uint32_t i, struct arrivals *a)
{
	struct arrival_group *g = &a->group[of[i]];
	int64_t ns = request_moment(r, i, REQUEST_ARRIVED);
	uint32_t at = ns == NO_NS ? g->last++ : g->end++;

	a->request[at] = i;
	a->ns[at] = ns;
}

static int make(const struct requests *r, bool by_function, struct arrivals *a, uint32_t **of)
{
	size_t n = (size_t)r->n + 1;
	int rc;

	*a = (struct arrivals){.n = r->n, .request = malloc(n * sizeof *a->request), .ns = malloc(n * sizeof *a->ns)};
	*of = malloc(n * sizeof **of);
	if (!a->request || !a->ns || !*of)
		return -ENOMEM;
	rc = find_groups(r, by_function, a, *of);
	if (!rc)
		place_groups(a);
	return rc;
}

static int sort(const struct requests *r, struct keyed **out)
{
	struct keyed *v = *out = malloc(((size_t)r->n + 1) * sizeof *v);

	for (uint32_t i = 0; v && i < r->n; i++)
		v[i] = (struct keyed){keyed_signed(request_moment(r, i, REQUEST_ARRIVED)), i};
	return v ? keyed_sort(v, r->n) : -ENOMEM;
}

int arrivals_make(const struct requests *r, struct arrivals *out)
{
	struct keyed *order;
	uint32_t *of = NULL;
	int rc = sort(r, &order);

	*out = (struct arrivals){0};
	if (!rc)
		rc = make(r, false, out, &of);
	for (uint32_t k = 0; k < r->n && !rc; k++)
		deal(r, of, order[k].value, out);
	free(order);
	free(of);
	return rc;
}

int arrivals_by_function(const struct requests *r, const struct arrivals *by_worker, struct arrivals *out)
{
	uint32_t *of;
	int rc = make(r, true, out, &of);

	for (uint32_t k = 0; k < r->n && !rc; k++)
		deal(r, of, by_worker->request[k], out);
	free(of);
	return rc;
}

/* ---- looking up ---- */

uint32_t arrivals_after(const struct arrivals *a, const struct arrival_group *g, uint32_t from, int64_t ns)
{
	uint32_t step = 1, low = from, high = from;

	while (high < g->end && a->ns[high] <= ns) {
		low = high + 1;
		high = g->end - low > step ? low + step : g->end;
		step *= 2;
	}
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (a->ns[mid] > ns)
			high = mid;
		else
			low = mid + 1;
	}
	return low;
}
