/* SPDX-License-Identifier: GPL-3.0-or-later */
/* comparison.c - see comparison.h: from what was read and weighed to what can be said. */
#include "query/why/comparison.h"
#include "base/array.h"
#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

const char *verdict_name(enum verdict v)
{
	static const char *const names[] = {[VERDICT_NONE] = "no evidence",
	                                    [VERDICT_SLOWER] = "slower",
	                                    [VERDICT_FASTER] = "faster",
	                                    [VERDICT_MIXED] = "mixed",
	                                    [VERDICT_FEW] = "too few"};

	return names[v];
}

const char *measure_name(enum measure m)
{
	static const char *const names[] = {[MEASURE_MEAN] = "mean",
	                                    [MEASURE_TYPICAL] = "typical",
	                                    [MEASURE_COLD] = "cold",
	                                    [MEASURE_FAILED] = "failed",
	                                    [MEASURE_LINE] = "lines"};

	return names[m];
}

void comparison_done(struct comparison *c)
{
	for (uint32_t i = 0; i < c->ngroups; i++)
		free(c->group[i].part);
	free(c->group);
	free(c->claim);
	free(c->effect);
	lines_done(c);
	observed_done(&c->seen);
	side_done(&c->side[B]);
	side_done(&c->side[A]);
}

/* ---- claims ---- */

const char *claim_what(const struct comparison *c, const struct claim *l)
{
	if (l->measure == MEASURE_COLD)
		return "cold share";
	if (l->measure == MEASURE_FAILED)
		return "failed";
	return l->phase == UINT32_MAX ? "end to end" : c->seen.phases.text[l->phase].ptr;
}

double claim_change(const struct claim *l)
{
	return l->a > 0 ? l->b / l->a - 1 : l->b > 0 ? (double)INFINITY : 0;
}

bool claim_worse(const struct comparison *c, const struct claim *l)
{
	return c->effect[l->effect].difference > 0;
}

/* How closely it says where: a phase of a group, a group, all. */
static int closeness(const struct claim *l)
{
	return (l->phase != UINT32_MAX) + (l->group != 0);
}

/* Of those that are as sure as it gets the closest come first. */
static int surest_first(const void *pa, const void *pb, void *arg)
{
	const struct comparison *c = arg;
	const struct claim *a = pa, *b = pb;
	const struct effect *x = &c->effect[a->effect], *y = &c->effect[b->effect];

	if (x->p != y->p)
		return x->p < y->p ? -1 : 1;
	if (closeness(a) != closeness(b))
		return closeness(b) - closeness(a);
	if (fabs(x->z) != fabs(y->z))
		return fabs(x->z) > fabs(y->z) ? -1 : 1;
	return (a->effect > b->effect) - (a->effect < b->effect);
}

static void take_intervals(struct comparison *c)
{
	for (size_t i = 0; i < c->nclaims; i++) {
		const struct claim *l = &c->claim[i];
		const struct effect *e = &c->effect[l->effect];

		if (l->measure == MEASURE_MEAN && l->phase == UINT32_MAX)
			c->group[l->group].mean_difference = (struct interval){e->low, e->high};
	}
}

/* Those with evidence alone stay. */
static void keep_claims(struct comparison *c)
{
	size_t n = 0;

	if (c->nclaims)
		qsort_r(c->claim, c->nclaims, sizeof *c->claim, surest_first, c);
	for (size_t i = 0; i < c->nclaims; i++)
		if (c->effect[c->claim[i].effect].p <= CLAIM_P && c->claim[i].measure != MEASURE_LINE)
			c->claim[n++] = c->claim[i];
	c->nclaims = n;
}

static void mark_part(struct comparison *c, const struct claim *l)
{
	struct group *g = &c->group[l->group];
	const char *name = claim_what(c, l);

	for (size_t i = 0; i < g->nparts; i++)
		if ((g->part[i].phase || l->measure == MEASURE_COLD) && !strcmp(g->part[i].name, name))
			g->part[i].p = fmin(g->part[i].p, c->effect[l->effect].p);
}

/* ---- verdicts ---- */

struct ways {
	bool slower, faster;
};

static enum verdict verdict_of(struct ways w)
{
	return w.slower && w.faster ? VERDICT_MIXED
	       : w.slower           ? VERDICT_SLOWER
	       : w.faster           ? VERDICT_FASTER
	                            : VERDICT_NONE;
}

static void note_way(struct ways *w, bool slower)
{
	w->slower |= slower;
	w->faster |= !slower;
}

/* What is said of the whole time of the group's requests counts; where nothing is, what is of its phases. */
static void judge_group(struct comparison *c, uint32_t number)
{
	struct ways whole = {0}, phases = {0};
	struct group *g = &c->group[number];

	for (size_t i = 0; i < c->nclaims; i++) {
		const struct claim *l = &c->claim[i];
		bool worse = claim_worse(c, l);

		if (l->group != number)
			continue;
		if (l->measure == MEASURE_FAILED)
			g->failures = worse ? 1 : -1;
		else if (l->measure != MEASURE_COLD)
			note_way(l->phase == UINT32_MAX ? &whole : &phases, worse);
		mark_part(c, l);
	}
	g->verdict = !g->enough ? VERDICT_FEW : verdict_of(whole.slower || whole.faster ? whole : phases);
	if ((g->verdict == VERDICT_SLOWER && g->failures < 0) || (g->verdict == VERDICT_FASTER && g->failures > 0))
		g->verdict = VERDICT_MIXED;
}

static void judge(struct comparison *c)
{
	struct ways w = {0};

	for (uint32_t i = 0; i < c->ngroups; i++) {
		judge_group(c, i);
		w.slower |= c->group[i].verdict == VERDICT_SLOWER || c->group[i].verdict == VERDICT_MIXED;
		w.faster |= c->group[i].verdict == VERDICT_FASTER || c->group[i].verdict == VERDICT_MIXED;
	}
	c->verdict = !c->group[0].enough ? VERDICT_FEW : verdict_of(w);
	for (size_t i = 0; i < c->nclaims; i++)
		c->worse |=
		    c->claim[i].counts && claim_worse(c, &c->claim[i]) && claim_change(&c->claim[i]) > c->tolerate;
}

/* ---- all of it ---- */

struct measuring {
	struct comparison *c;
	int rc;
};

static void *make_measures(void *arg)
{
	struct measuring *m = arg;

	m->rc = measures_make(m->c);
	return NULL;
}

/* Requests and lines have nothing to do with each other until they are weighed: each has its thread. */
static int measure(struct comparison *c)
{
	struct measuring m = {.c = c};
	pthread_t thread;
	bool beside = !pthread_create(&thread, NULL, make_measures, &m);
	int rc = lines_read(c);

	if (beside)
		pthread_join(thread, NULL);
	else
		make_measures(&m);
	rc = m.rc ? m.rc : rc;
	return rc ? rc : lines_measure(c);
}

void comparison_open(struct query *q, const char *a, const char *b, struct comparison *c)
{
	side_open(q, a, NULL, &c->side[A]);
	if (!q->status)
		side_open(q, b, &c->side[A], &c->side[B]);
}

void comparison_make(struct query *q, const char *a, const char *b, struct comparison *c)
{
	comparison_open(q, a, b, c);
	if (!q->status)
		observed_read(q, c->side, c->by, &c->seen);
	if (!q->status)
		query_ok(q, measure(c), q->command);
	if (!q->status)
		query_ok(q, effects_weigh(c->effect, c->neffects, c->seed), q->command);
	if (q->status)
		return;
	c->compared = c->neffects;
	lines_weighed(c);
	take_intervals(c);
	keep_claims(c);
	judge(c);
}
