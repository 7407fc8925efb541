/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_read.c - what the sections of a report share, read at once.
 *
 * Nothing of it needs anything else of it, so as many threads as there are processors read it, each what comes next:
 * one pass over all invocations in the caller's, then for a page what the workers said over time and what is wrong, the
 * lines that are errors, and for a page the spans of each run. */
#include "model/parts.h"
#include "query/commands/gathering.h"
#include "query/report/report.h"
#include "query/why/slow.h"
#include <errno.h>
#include <string.h>

enum { INVOCATIONS = 5 }; /* parts of the pass, at most */

struct reading {
	struct report *r;
	struct gather_part parts[INVOCATIONS];
	size_t nparts;
	struct found found;
	struct part {
		int (*read)(struct reading *x, struct store *s, size_t i);
		size_t i;
	} part[4 + FINDERS + FLAMES_DRAWN];
	size_t n;
};

/* ---- the parts ---- */

static int read_invocations(struct reading *x, struct store *s, size_t i)
{
	struct query *q = x->r->q;

	(void)s, (void)i;
	gather_invocations(q, x->parts, x->nparts);
	return q->status ? -ECANCELED : 0;
}

static int read_measured(struct reading *x, struct store *s, size_t i)
{
	(void)i;
	return measure_beside(&x->r->measure, s);
}

static int read_found(struct reading *x, struct store *s, size_t i)
{
	return found_read(&x->found, s, i);
}

/* Of the level that the section asks for. */
static int read_errors(struct reading *x, struct store *s, size_t i)
{
	const struct option *o = report_chosen(x->r, "errors")->options;

	(void)i;
	while (o->spec && strcmp(o->spec->name, "level"))
		o++;
	return errors_read(s, x->found.run, o->spec ? o->value : "error", &x->r->gathered.errors);
}

static int read_flames(struct reading *x, struct store *s, size_t i)
{
	return flames_read(s, x->r->runs[i].id, &x->r->flames[i]);
}

static int read_part(void *arg, struct store *s, size_t i)
{
	struct reading *x = arg;

	return x->part[i].read(x, s, x->part[i].i);
}

/* ---- which there are ---- */

static void add_pass(struct reading *x, int (*take)(void *, const struct invocation_read *, const struct phases *),
                     void *arg)
{
	if (arg)
		x->parts[x->nparts++] = (struct gather_part){take, arg};
}

static void plan_pass(struct reading *x, bool page)
{
	struct report *r = x->r;
	struct query *q = r->q;

	r->measured = page && r->nruns == 1 && report_has(r, "charts");
	if (r->measured)
		measure_begin(q, r->runs[0].id, &r->measure);
	r->gathered = (struct gathered){functions_new(q), phase_groups_new(q), overall_new(q), NULL, NULL};
	if (report_chosen(r, "slow") && r->invocations)
		r->gathered.slow = slow_new(q);
	add_pass(x, functions_take, r->gathered.functions);
	add_pass(x, phase_groups_take, r->gathered.phases);
	add_pass(x, overall_take, r->gathered.overall);
	add_pass(x, measure_take, r->measured ? &r->measure : NULL);
	add_pass(x, slow_take, r->gathered.slow);
}

static void plan(struct reading *x, bool page)
{
	struct report *r = x->r;

	plan_pass(x, page);
	x->part[x->n++] = (struct part){read_invocations, 0};
	if (r->measured && r->measure.n)
		x->part[x->n++] = (struct part){read_measured, 0};
	for (size_t i = 0; i < FINDERS && page; i++)
		x->part[x->n++] = (struct part){read_found, i};
	if (report_has(r, "errors"))
		x->part[x->n++] = (struct part){read_errors, 0};
	for (size_t i = 0; i < r->nruns && i < FLAMES_DRAWN && page && report_has(r, "spans"); i++)
		x->part[x->n++] = (struct part){read_flames, i};
}

void report_read_all(struct report *r, bool page)
{
	struct query *q = r->q;
	struct reading x = {.r = r, .found = {.run = query_run(q)}};
	int rc;

	plan(&x, page);
	rc = q->status ? 0 : parts_read(q->store, x.n, read_part, &x);
	if (!q->status)
		query_ok(q, rc, q->path);
	found_done(&x.found, &r->findings);
	query_ok(q, r->findings.rc, q->path);
	if (r->measured)
		measure_end(q, &r->measure);
	slow_finish(q, r->gathered.slow);
	if (q->status)
		return;
	overall_finish(r->gathered.overall);
	r->slowest = overall_slowest_sql(q, r->gathered.overall);
	r->bad = overall_bad_sql(q, r->gathered.overall, r->nruns == 1);
	q->gathered = &r->gathered;
}
