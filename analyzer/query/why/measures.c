/* SPDX-License-Identifier: GPL-3.0-or-later */
/* measures.c - what is measured of each group: counts, quantiles, means, their parts; and what is to be weighed.
 *
 * A phase is compared among requests of the same function and the same state of the container alone, and these are put
 * together with the same weights on both sides: so a change of the mix is not taken for one of a phase. It is looked at
 * in two ways. Its mean is what adds up, but a few slow requests make it unsure. What is typical is told by ranks: is a
 * request of b, as a rule, slower than one of a (Mann and Whitney)? A shift of all by a few percent is seen by ranks
 * long before the mean shows it. */
#include "base/aggregate.h"
#include "base/array.h"
#include "query/why/bands.h"
#include "query/why/parts.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Ranks are those among so many values, taken evenly. */
enum { RANKED = 4096 };

/* By cell, of one phase in one bucket. */
struct tally {
	double sum[SIDES][STRETCH_CELLS], score[SIDES][STRETCH_CELLS];
	double all[SIDES], scores[SIDES], median[SIDES];
};

/* A phase of a group, over its buckets. */
struct phase_sum {
	double part;                 /* of the difference of means */
	double weight, a, b;         /* of buckets with enough requests on both sides */
	double low, high;            /* medians */
	int64_t present[SIDES];      /* requests that have it */
	struct effect mean, typical; /* not yet divided by weight */
};

/* Answered requests and their time, of a bucket, a function, a group. */
struct mass {
	double n[SIDES], sum[SIDES];
};

struct work {
	struct comparison *c;
	size_t *start[SIDES]; /* of each bucket in order; one more at the end */
	uint32_t *by_group;   /* buckets by group */
	size_t nbuckets;
	struct phase_sum *phase; /* of the group at hand; behind the last phase: all of them together */
	struct phase_sum whole;  /* the same of all groups */
	double *sample;
	struct keyed *timed[SIDES]; /* the same of all */
	struct mass *bucket;        /* of each bucket */
	struct mass *mass;          /* of each group, by its place in c->group */
	double *part;               /* its parts, nparts of them */
	size_t nparts;
};

struct effect *measure_add(struct comparison *c, struct claim l)
{
	struct claim *claim;

	l.effect = c->neffects;
	if (array_reserve(c->effect, c->effects_room, c->neffects + 1))
		return NULL;
	claim = array_add(c->claim, c->nclaims, c->claims_room);
	if (!claim)
		return NULL;
	*claim = l;
	c->effect[c->neffects] = (struct effect){0};
	return &c->effect[c->neffects++];
}

/* ---- requests by bucket ---- */

/* Puts a side's requests into the order of their buckets. */
static int sort_side(struct work *w, int s)
{
	struct observed *o = &w->c->seen;
	size_t n = o->n[s], *at = calloc(w->nbuckets + 2, sizeof *at), sum = 0;
	struct request_seen *sorted = malloc((n + 1) * sizeof *sorted);

	w->start[s] = at;
	w->timed[s] = malloc((n + 1) * sizeof *w->timed[s]);
	if (!at || !sorted || !w->timed[s]) {
		free(sorted);
		return -ENOMEM;
	}
	for (size_t i = 0; i < n; i++)
		at[o->v[s][i].bucket + 1]++;
	for (size_t i = 0; i <= w->nbuckets; i++)
		at[i] = sum += at[i];
	for (size_t i = 0; i < n; i++)
		sorted[at[o->v[s][i].bucket]++] = o->v[s][i];
	for (size_t i = w->nbuckets; i > 0; i--)
		at[i] = at[i - 1];
	at[0] = 0;
	free(o->v[s]);
	o->v[s] = sorted;
	o->room[s] = n + 1;
	return 0;
}

static const struct request_seen *request_at(const struct work *w, int s, size_t i)
{
	return &w->c->seen.v[s][i];
}

/* ---- ranks ---- */

static int by_real(const void *pa, const void *pb)
{
	double a = *(const double *)pa, b = *(const double *)pb;

	return (a > b) - (a < b);
}

/* Of both lists, each value as often as its share of them. Returns how many, sorted. */
static size_t take_sample(struct work *w, double *const value[SIDES], const size_t n[SIDES])
{
	size_t all = n[A] + n[B], most = all < RANKED ? all : RANKED;

	for (size_t i = 0; i < most; i++) {
		size_t at = i * all / most;

		w->sample[i] = at < n[A] ? value[A][at] : value[B][at - n[A]];
	}
	if (most)
		qsort(w->sample, most, sizeof *w->sample, by_real);
	return most;
}

/* The share of the sample that is less than v, equal ones half. */
static double rank_of(const double *sample, size_t n, double v)
{
	size_t low = 0, high = n, less;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (sample[mid] < v)
			low = mid + 1;
		else
			high = mid;
	}
	less = low;
	if (less == n || sample[less] > v)
		return (double)less / (double)n;
	for (high = n; low < high;) {
		size_t mid = (low + high) / 2;

		if (sample[mid] <= v)
			low = mid + 1;
		else
			high = mid;
	}
	return (double)(less + low) / 2 / (double)n;
}

/* Of n values a side, cell says of which cell each is: sums, scores, medians. Values are put into another order. */
static void tally_make(struct work *w, double *const value[SIDES], const size_t n[SIDES],
                       const uint8_t *const cell[SIDES], struct tally *t)
{
	size_t sampled = take_sample(w, value, n);

	memset(t, 0, sizeof *t);
	for (int s = 0; s < SIDES; s++) {
		for (size_t i = 0; i < n[s]; i++) {
			double score = rank_of(w->sample, sampled, value[s][i]);

			t->sum[s][cell[s][i]] += value[s][i];
			t->all[s] += value[s][i];
			t->score[s][cell[s][i]] += score;
			t->scores[s] += score;
		}
		t->median[s] = n[s] ? quantile_of(value[s], n[s], 0.5) : 0;
	}
}

/* ---- phases ---- */

struct bucket_work {
	uint32_t bucket;
	size_t n[SIDES]; /* answered */
	uint8_t *cell[SIDES];
	double count[SIDES][STRETCH_CELLS];
	double weight;         /* in its group */
	double **value[SIDES]; /* by phase; NULL: no request has it. Behind the last phase: all of them together */
	int64_t *present[SIDES];
};

/* The room for a phase's values on both sides, zeroed. */
static int phase_room(struct bucket_work *b, uint32_t phase)
{
	for (int s = 0; s < SIDES; s++) {
		b->value[s][phase] = calloc(b->n[s] + 1, sizeof **b->value[s]);
		if (!b->value[s][phase])
			return -ENOMEM;
	}
	return 0;
}

static int take_values(struct work *w, struct bucket_work *b, int s)
{
	const struct observed *o = &w->c->seen;
	size_t n = 0;
	int rc = 0;

	for (size_t i = w->start[s][b->bucket]; i < w->start[s][b->bucket + 1] && !rc; i++) {
		const struct request_seen *r = request_at(w, s, i);
		const struct parts_seen *p = &o->part[s];

		if (!r->answered)
			continue;
		for (uint32_t k = r->first_part; k < r->first_part + r->nparts && !rc; k++) {
			uint32_t phase = (uint32_t)narrow_at(&p->phase, k);

			if (!b->value[s][phase])
				rc = phase_room(b, phase);
			if (rc)
				break;
			b->value[s][phase][n] = (double)narrow_at(&p->ns, k);
			b->present[s][phase]++;
		}
		b->value[s][o->phases.n][n] = (double)r->ns;
		b->cell[s][n++] = r->cell;
		b->count[s][r->cell]++;
	}
	return rc;
}

static void add_phase(struct work *w, const struct bucket_work *b, uint32_t phase)
{
	struct phase_sum *p = &w->phase[phase];
	double *const value[SIDES] = {b->value[A][phase], b->value[B][phase]};
	double mean[SIDES];
	struct tally t;

	tally_make(w, value, b->n, (const uint8_t *const *)b->cell, &t);
	for (int s = 0; s < SIDES; s++)
		mean[s] = b->n[s] ? t.all[s] / (double)b->n[s] : 0;
	p->part += b->weight * (mean[B] - mean[A]);
	if (b->n[A] < REQUESTS_ENOUGH || b->n[B] < REQUESTS_ENOUGH)
		return;
	p->weight += b->weight;
	p->a += b->weight * mean[A];
	p->b += b->weight * mean[B];
	p->low += b->weight * t.median[A];
	p->high += b->weight * t.median[B];
	p->mean.difference += b->weight * (mean[B] - mean[A]);
	p->typical.difference += b->weight * (t.scores[B] / (double)b->n[B] - t.scores[A] / (double)b->n[A]);
	for (int s = 0; s < SIDES; s++) {
		p->present[s] += b->present[s][phase];
		effect_add_mean(&p->mean, s, t.sum[s], b->count[s], b->weight);
		effect_add_mean(&p->typical, s, t.score[s], b->count[s], b->weight);
	}
}

static void bucket_done(struct bucket_work *b, uint32_t nphases)
{
	for (int s = 0; s < SIDES; s++) {
		for (uint32_t i = 0; b->value[s] && i <= nphases; i++)
			free(b->value[s][i]);
		free(b->value[s]);
		free(b->present[s]);
		free(b->cell[s]);
	}
}

static int bucket_phases(struct work *w, struct bucket_work *b)
{
	uint32_t nphases = w->c->seen.phases.n;
	int rc = 0;

	for (int s = 0; s < SIDES; s++) {
		b->cell[s] = malloc(b->n[s] + 1);
		b->value[s] = calloc(nphases + 1, sizeof *b->value[s]);
		b->present[s] = calloc(nphases + 1, sizeof *b->present[s]);
		if (!b->cell[s] || !b->value[s] || !b->present[s])
			rc = -ENOMEM;
	}
	if (!rc)
		rc = phase_room(b, nphases);
	for (int s = 0; s < SIDES && !rc; s++)
		rc = take_values(w, b, s);
	for (uint32_t i = 0; i <= nphases && !rc; i++)
		if (b->value[A][i])
			add_phase(w, b, i);
	bucket_done(b, nphases);
	return rc;
}

/* ---- a group: mix, cold share, phases ---- */

static double mean_of(const struct mass *m, int s)
{
	return m->n[s] > 0 ? m->sum[s] / m->n[s] : 0;
}

static double mix_of(const struct mass *m, const struct mass *all)
{
	return part_of_mix(m->n[A], all->n[A], mean_of(m, A), m->n[B], all->n[B], mean_of(m, B));
}

static double weight_of(const struct mass *m, const struct mass *all)
{
	return part_weight(m->n[A], all->n[A], m->n[B], all->n[B]);
}

static void add_mass(struct mass *to, const struct mass *m)
{
	for (int s = 0; s < SIDES; s++) {
		to->n[s] += m->n[s];
		to->sum[s] += m->sum[s];
	}
}

static struct mass mass_of_bucket(const struct work *w, uint32_t bucket)
{
	struct mass m = {0};

	for (int s = 0; s < SIDES; s++)
		for (size_t i = w->start[s][bucket]; i < w->start[s][bucket + 1]; i++) {
			const struct request_seen *r = request_at(w, s, i);

			if (r->answered) {
				m.n[s]++;
				m.sum[s] += (double)r->ns;
			}
		}
	return m;
}

/* The parts of a group's difference, in the order of group_part: mix of functions, cold share, each phase. */
enum { PART_FUNCTIONS, PART_COLD, PART_PHASES };

/* Buckets first to last are those of one function: they stand side by side. */
static int function_parts(struct work *w, const struct mass *group, const uint32_t *bucket, size_t n, double *parts)
{
	struct mass function = {0};
	double weight;
	int rc = 0;

	for (size_t i = 0; i < n; i++) {
		struct mass m = w->bucket[bucket[i]];

		add_mass(&function, &m);
	}
	parts[PART_FUNCTIONS] += mix_of(&function, group);
	weight = weight_of(&function, group);
	for (size_t i = 0; i < n && !rc; i++) {
		struct mass m = w->bucket[bucket[i]];
		struct bucket_work b = {.bucket = bucket[i], .n = {(size_t)m.n[A], (size_t)m.n[B]}};

		parts[PART_COLD] += weight * mix_of(&m, &function);
		b.weight = weight * weight_of(&m, &function);
		rc = bucket_phases(w, &b);
	}
	return rc;
}

static int group_parts(struct work *w, const struct mass *group, const uint32_t *bucket, size_t n, double *parts)
{
	const struct bucket *all = w->c->seen.bucket;
	uint32_t nphases = w->c->seen.phases.n;
	int rc = 0;

	memset(w->phase, 0, (nphases + 1) * sizeof *w->phase);
	for (size_t i = 0, end; i < n && !rc; i = end) {
		for (end = i; end < n && all[bucket[end]].function == all[bucket[i]].function;)
			end++;
		rc = function_parts(w, group, bucket + i, end - i, parts);
	}
	for (uint32_t i = 0; i < nphases; i++)
		parts[PART_PHASES + i] = w->phase[i].part;
	return rc;
}

/* ---- claims to be weighed ---- */

static void divide(struct effect *e, double by)
{
	e->difference /= by;
	for (int s = 0; s < SIDES; s++)
		for (int i = 0; i < STRETCH_CELLS; i++)
			e->cell[s][i] /= by;
}

static int claim_typical(struct comparison *c, uint32_t group, uint32_t phase, bool counts, struct phase_sum *p)
{
	struct claim l = {.measure = MEASURE_TYPICAL, .group = group, .phase = phase, .counts = counts};
	struct effect *e;

	if (!(p->weight > 0))
		return 0;
	l.a = p->low / p->weight;
	l.b = p->high / p->weight;
	divide(&p->typical, p->weight);
	e = measure_add(c, l);
	if (e)
		*e = p->typical;
	return e ? 0 : -ENOMEM;
}

static int claim_phase(struct work *w, uint32_t group, uint32_t phase, double least)
{
	struct phase_sum *p = &w->phase[phase];
	struct claim l = {.measure = MEASURE_MEAN, .group = group, .phase = phase};
	struct effect *e;

	if (!(p->weight > 0) || (p->present[A] < REQUESTS_ENOUGH && p->present[B] < REQUESTS_ENOUGH))
		return 0;
	l.a = p->a / p->weight;
	l.b = p->b / p->weight;
	l.counts = fmax(l.a, l.b) >= least;
	divide(&p->mean, p->weight);
	e = measure_add(w->c, l);
	if (!e)
		return -ENOMEM;
	*e = p->mean;
	return claim_typical(w->c, group, phase, l.counts, p);
}

/* A share, such as of failed requests. */
static int claim_share(struct work *w, enum measure measure, uint32_t group, double of[SIDES][STRETCH_CELLS],
                       double count[SIDES][STRETCH_CELLS])
{
	struct claim l = {.measure = measure, .group = group, .phase = UINT32_MAX, .counts = measure == MEASURE_FAILED};
	double sum[SIDES] = {0}, n[SIDES] = {0};
	struct effect *e;

	for (int s = 0; s < SIDES; s++)
		for (int i = 0; i < STRETCH_CELLS; i++) {
			sum[s] += of[s][i];
			n[s] += count[s][i];
		}
	if (n[A] < REQUESTS_ENOUGH || n[B] < REQUESTS_ENOUGH || !(sum[A] + sum[B] > 0))
		return 0;
	l.a = sum[A] / n[A];
	l.b = sum[B] / n[B];
	e = measure_add(w->c, l);
	if (!e)
		return -ENOMEM;
	e->difference = l.b - l.a;
	for (int s = 0; s < SIDES; s++)
		effect_add_mean(e, s, of[s], count[s], 1);
	return 0;
}

/* A group's requests by cell; count and sum are of those that were answered. */
struct whole {
	double count[SIDES][STRETCH_CELLS], sum[SIDES][STRETCH_CELLS], all[SIDES][STRETCH_CELLS],
	    failed[SIDES][STRETCH_CELLS], cold[SIDES][STRETCH_CELLS];
	double total[SIDES];
	size_t n[SIDES];
};

static int claim_end_to_end(struct work *w, uint32_t group, const struct whole *h)
{
	struct claim mean = {.measure = MEASURE_MEAN, .group = group, .phase = UINT32_MAX, .counts = true};
	struct effect *e;

	mean.a = w->c->group[group].side[A].mean;
	mean.b = w->c->group[group].side[B].mean;
	e = measure_add(w->c, mean);
	if (!e)
		return -ENOMEM;
	e->difference = mean.b - mean.a;
	for (int s = 0; s < SIDES; s++)
		effect_add_mean(e, s, h->sum[s], h->count[s], 1);
	return claim_typical(w->c, group, UINT32_MAX, true, group ? &w->phase[w->c->seen.phases.n] : &w->whole);
}

/* ---- figures ---- */

static void take_request(struct work *w, struct group *g, struct whole *h, int s, const struct request_seen *r)
{
	struct figures *f = &g->side[s];

	f->n++;
	f->failed += r->failed;
	f->unfinished += !r->answered && !r->failed;
	h->all[s][r->cell]++;
	h->failed[s][r->cell] += r->failed;
	if (!r->answered)
		return;
	f->answered++;
	f->cold += r->cold;
	h->cold[s][r->cell] += r->cold;
	h->count[s][r->cell]++;
	h->sum[s][r->cell] += (double)r->ns;
	h->total[s] += (double)r->ns;
	w->timed[s][h->n[s]++] = (struct keyed){r->ns < 0 ? 0 : (uint64_t)r->ns, r->cell};
}

/* The mean of one side with its interval. */
static int mean_within(const struct comparison *c, struct figures *f, const double *sum, const double *count)
{
	struct effect e = {.difference = f->mean};
	int rc;

	effect_add_mean(&e, B, sum, count, 1);
	rc = effects_weigh(&e, 1, c->seed);
	f->mean_within = (struct interval){e.low, e.high};
	return rc;
}

static int figures_make(struct work *w, uint32_t number, struct whole *h)
{
	struct comparison *c = w->c;
	struct group *g = &c->group[number];
	int rc = 0;

	g->enough = h->n[A] >= REQUESTS_ENOUGH && h->n[B] >= REQUESTS_ENOUGH;
	for (int s = 0; s < SIDES && !rc; s++) {
		if (h->n[s]) {
			g->side[s].mean = h->total[s] / (double)h->n[s];
			rc = mean_within(c, &g->side[s], h->sum[s], h->count[s]);
		}
		if (!rc)
			rc = keyed_sort(w->timed[s], h->n[s]);
	}
	if (!rc)
		rc = bands_make((const struct keyed *const *)w->timed, h->n, c->seed, g->side, g->difference);
	if (!rc && g->enough)
		rc = claim_end_to_end(w, number, h);
	if (!rc)
		rc = claim_share(w, MEASURE_FAILED, number, h->failed, h->all);
	return rc || !g->enough ? rc : claim_share(w, MEASURE_COLD, number, h->cold, h->count);
}

/* ---- parts, for those who show them ---- */

/* What a part is of, by its place; NULL: nothing that is shown. */
static const char *part_name(const struct comparison *c, size_t i, bool whole)
{
	static const char *const mixes[] = {"mix of functions", "cold share"};

	if (i >= PART_PHASES)
		return c->seen.phases.text[i - PART_PHASES].ptr;
	return i == PART_FUNCTIONS && !whole && !strcmp(c->by, "function") ? NULL : mixes[i];
}

static int put_parts(struct work *w, uint32_t number, double mix, const double *parts)
{
	struct comparison *c = w->c;
	struct group *g = &c->group[number];
	double *exact = calloc(w->nparts + 1, sizeof *exact);
	int64_t *ns = calloc(w->nparts + 1, sizeof *ns);
	size_t n = 0;
	int rc;

	g->part = calloc(w->nparts + 1, sizeof *g->part);
	rc = exact && ns && g->part ? 0 : -ENOMEM;
	if (!rc && !number && strcmp(c->by, "function"))
		g->part[n++] = (struct part){.name = "mix of groups", .exact = mix, .p = 1};
	for (size_t i = 0; i < w->nparts && !rc; i++) {
		struct part p = {part_name(c, i, !number), parts[i], 0, 0, 0, 1, i >= PART_PHASES};

		if (!number && i == PART_FUNCTIONS && !strcmp(c->by, "function"))
			p.exact += mix;
		if (number && p.phase && w->phase[i - PART_PHASES].weight > 0) {
			p.a = w->phase[i - PART_PHASES].a / w->phase[i - PART_PHASES].weight;
			p.b = w->phase[i - PART_PHASES].b / w->phase[i - PART_PHASES].weight;
		}
		if (p.name && (!p.phase || p.exact || p.a || p.b))
			g->part[n++] = p;
	}
	for (size_t i = 0; i < n && !rc; i++)
		exact[i] = g->part[i].exact;
	if (!rc && g->side[A].answered && g->side[B].answered)
		rc = parts_round(exact, n, llround(g->side[B].mean) - llround(g->side[A].mean), ns);
	for (size_t i = 0; i < n && !rc; i++)
		g->part[i].ns = ns[i];
	g->nparts = n;
	free(exact);
	free(ns);
	return rc;
}

/* ---- groups ---- */

/* The group's requests: counts, quantiles, claims about the whole. */
static int measure_whole(struct work *w, uint32_t number, const uint32_t *bucket, size_t n)
{
	struct group *g = &w->c->group[number];
	struct whole *h = calloc(1, sizeof *h);
	int rc;

	if (!h)
		return -ENOMEM;
	for (size_t k = 0; k < n; k++)
		for (int s = 0; s < SIDES; s++)
			for (size_t i = w->start[s][bucket[k]]; i < w->start[s][bucket[k] + 1]; i++)
				take_request(w, g, h, s, request_at(w, s, i));
	rc = figures_make(w, number, h);
	free(h);
	return rc;
}

/* What is typical of all: in the groups, with the weight that each has among all. */
static void add_typical(struct phase_sum *to, const struct phase_sum *p, double weight)
{
	to->weight += weight * p->weight;
	to->low += weight * p->low;
	to->high += weight * p->high;
	to->typical.difference += weight * p->typical.difference;
	for (int s = 0; s < SIDES; s++)
		for (int i = 0; i < STRETCH_CELLS; i++) {
			to->typical.cell[s][i] += weight * p->typical.cell[s][i];
			to->typical.count[s][i] += p->typical.count[s][i];
		}
}

static int measure_group(struct work *w, uint32_t number, const uint32_t *bucket, size_t n)
{
	struct group *g = &w->c->group[number];
	double *parts = w->part + number * w->nparts;
	int rc;

	for (size_t i = 0; i < n; i++)
		add_mass(&w->mass[number], &w->bucket[bucket[i]]);
	rc = group_parts(w, &w->mass[number], bucket, n, parts);
	add_typical(&w->whole, &w->phase[w->c->seen.phases.n], weight_of(&w->mass[number], &w->mass[0]));
	if (!rc)
		rc = measure_whole(w, number, bucket, n);
	if (!rc)
		rc = put_parts(w, number, 0, parts);
	/* a phase that takes less than a hundredth of the time makes nothing worse */
	for (uint32_t i = 0; i < w->c->seen.phases.n && !rc; i++)
		rc = claim_phase(w, number, i, fmax(g->side[A].mean, g->side[B].mean) / 100);
	return rc;
}

static int measure_all(struct work *w)
{
	struct comparison *c = w->c;
	double *parts = w->part, mix = 0;
	int rc = measure_whole(w, 0, w->by_group, w->nbuckets);

	for (uint32_t i = 1; i < c->ngroups; i++) {
		double weight = weight_of(&w->mass[i], &w->mass[0]);

		mix += mix_of(&w->mass[i], &w->mass[0]);
		for (size_t k = 0; k < w->nparts; k++)
			parts[k] += weight * w->part[i * w->nparts + k];
	}
	return rc ? rc : put_parts(w, 0, mix, parts);
}

static int by_name(const void *pa, const void *pb, void *arg)
{
	const struct observed *o = arg;
	const struct bucket *a = &o->bucket[*(const uint32_t *)pa], *b = &o->bucket[*(const uint32_t *)pb];
	int rc = a->group == b->group ? 0 : strcmp(o->groups.text[a->group].ptr, o->groups.text[b->group].ptr);

	if (!rc && a->function != b->function)
		rc = strcmp(o->functions.text[a->function].ptr, o->functions.text[b->function].ptr);
	return rc ? rc : (a->state > b->state) - (a->state < b->state);
}

static int work_init(struct work *w)
{
	struct comparison *c = w->c;
	int rc = 0;

	w->nbuckets = c->seen.keys.n;
	w->nparts = PART_PHASES + c->seen.phases.n;
	c->group = calloc(c->seen.groups.n + 1, sizeof *c->group);
	c->ngroups = c->group ? c->seen.groups.n + 1 : 0;
	w->by_group = malloc((w->nbuckets + 1) * sizeof *w->by_group);
	w->phase = calloc(c->seen.phases.n + 1, sizeof *w->phase);
	w->bucket = calloc(w->nbuckets + 1, sizeof *w->bucket);
	w->sample = malloc(RANKED * sizeof *w->sample);
	w->mass = calloc(c->ngroups + 1, sizeof *w->mass);
	w->part = calloc(c->ngroups * w->nparts + 1, sizeof *w->part);
	if (!c->group || !w->by_group || !w->phase || !w->bucket || !w->sample || !w->mass || !w->part)
		return -ENOMEM;
	for (int s = 0; s < SIDES && !rc; s++)
		rc = sort_side(w, s);
	for (uint32_t i = 0; i < w->nbuckets && !rc; i++) {
		w->by_group[i] = i;
		w->bucket[i] = mass_of_bucket(w, i);
		add_mass(&w->mass[0], &w->bucket[i]);
	}
	if (!rc && w->nbuckets)
		qsort_r(w->by_group, w->nbuckets, sizeof *w->by_group, by_name, &c->seen);
	return rc;
}

static void work_done(struct work *w)
{
	for (int s = 0; s < SIDES; s++) {
		free(w->start[s]);
		free(w->timed[s]);
	}
	free(w->by_group);
	free(w->phase);
	free(w->sample);
	free(w->bucket);
	free(w->mass);
	free(w->part);
}

int measures_make(struct comparison *c)
{
	struct work w = {.c = c};
	const struct bucket *all = c->seen.bucket;
	int rc = work_init(&w);
	uint32_t number = 0;

	for (size_t i = 0, end; i < w.nbuckets && !rc; i = end) {
		uint32_t group = all[w.by_group[i]].group;

		for (end = i; end < w.nbuckets && all[w.by_group[end]].group == group;)
			end++;
		c->group[++number].name = c->seen.groups.text[group].ptr;
		rc = measure_group(&w, number, w.by_group + i, end - i);
	}
	if (!rc)
		rc = measure_all(&w);
	work_done(&w);
	return rc;
}
