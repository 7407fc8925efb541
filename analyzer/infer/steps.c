/* SPDX-License-Identifier: GPL-3.0-or-later */
/* steps.c - see steps.h
 *
 * Candidates are compared two by two: where one nearly always comes before the other they have an order, and lines of
 * one instant fit any. What has no order with the rest is dropped. Then steps that nothing lies between are dropped, so
 * that a phase is a stretch of time and not a pair of lines.
 *
 * What only few requests have is a step where it says what they waited for: it fits among the others, and the stretch
 * that it ends is longer than what those without it have there. */
#include "infer/steps.h"
#include "base/sql.h"
#include "infer/logs.h"
#include <errno.h>
#include <stdlib.h>

#define IN_ORDER   95     /* in 100 */
#define SOME       5      /* in 100 of the requests with lines in its log have a step, at least */
#define FEW        1      /* in 100 are enough for one that they waited for */
#define NOTHING_NS 500000 /* between two steps: no phase */

struct chain {
	const struct sample *s;
	const struct requests *r;
	unsigned kind;
	struct steps *out;
	uint32_t *tids, n; /* of the kind, ended */
	int64_t *at;       /* [step * n + request]: ns after the start, or NO_NS */
	int64_t *took;     /* by request */
	int64_t total_ns;
	uint32_t *again; /* by request: the line with which it is tried again, or behind its last */
	bool errors;     /* those that end attempts are steps, too */
	struct logs logs;
};

static int64_t *row(const struct chain *c, int step)
{
	return c->at + (size_t)step * c->n;
}

/* ---- candidates ---- */

static bool is_end(const struct chain *c, uint32_t key)
{
	const struct request_kind *k = &c->r->kind[c->kind];

	for (unsigned i = 0; i < k->nends; i++)
		if (k->end[i].key == key)
			return true;
	return key == k->start || key == k->answered;
}

/* How often a request has a message, in its first attempt where that has it. *place, in s->by_key, moves on from the
 * first line of the message, or from an earlier request, to the first one here. */
static uint32_t lines_of_first(const struct chain *c, uint32_t request, uint32_t key, uint32_t *place)
{
	const struct sample *s = c->s;
	uint32_t tid = c->tids[request], to = s->of_key[key + 1], at = *place;

	while (at < to && s->by_key[at] < s->first[tid])
		at++;
	*place = at;
	while (at < to && s->by_key[at] < c->again[request])
		at++;
	if (at == *place)
		while (at < to && s->by_key[at] < s->first[tid + 1])
			at++;
	return at - *place;
}

/* Where a message stands in each request that has it once. */
static uint32_t fill_key(const struct chain *c, uint32_t key, int64_t *at)
{
	const struct sample *s = c->s;
	uint32_t found = 0, once = 0, place = s->of_key[key];

	for (uint32_t i = 0; i < c->n; i++) {
		const struct request *r = &c->r->of[c->tids[i]];
		uint32_t n = lines_of_first(c, i, key, &place);
		int64_t ns = n == 1 ? s->line[s->by_key[place]].time_ns - s->line[r->start_line].time_ns : NO_NS;

		at[i] = n == 1 && ns >= 0 && ns <= c->took[i] ? ns : NO_NS;
		found += n > 0;
		once += at[i] != NO_NS;
	}
	return once * 100 >= found * 90 ? once : 0;
}

/* The same for a time in a field. */
static uint32_t fill_field(const struct chain *c, uint32_t field, int64_t *at)
{
	const struct sample *s = c->s;
	uint32_t found = 0, once = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t t = c->tids[i], n = 0;
		int64_t start = s->line[c->r->of[t].start_line].time_ns, ns = NO_NS;

		for (uint32_t k = s->fields[t]; k < s->fields[t + 1]; k++)
			if (s->value[k].field == field) {
				n++;
				ns = s->value[k].stamp_ns;
			}
		at[i] = n && ns != NO_NS && ns >= start && ns - start <= c->took[i] ? ns - start : NO_NS;
		found += n > 0;
		once += at[i] != NO_NS;
	}
	return once * 100 >= found * 90 ? once : 0;
}

static uint32_t part_of(uint32_t requests, uint32_t percent, uint32_t least)
{
	return requests * percent / 100 > least ? requests * percent / 100 : least;
}

/* A step with this message is in so many of the requests. */
static uint32_t least_of(const struct chain *c, uint32_t key)
{
	return part_of(logs_requests(&c->logs, key), SOME, 3);
}

/* A step that only so many have says what they waited for. */
static uint32_t few_of(const struct chain *c, uint32_t key)
{
	return part_of(logs_requests(&c->logs, key), FEW, 5);
}

/* Adds a step behind the others. false: it is none. */
static bool candidate(struct chain *c, uint32_t key, uint32_t field, bool few)
{
	struct steps *o = c->out;
	uint32_t n;

	if (o->n == STEPS_MAX)
		return false;
	n = field == SAMPLE_NONE ? fill_key(c, key, row(c, o->n)) : fill_field(c, field, row(c, o->n));
	if (n < (few ? few_of(c, key) : least_of(c, key)) || (few && n >= least_of(c, key)))
		return false;
	o->step[o->n++] = (struct step){key, field, n, few, false};
	return true;
}

/* Whether a field is a time. */
static bool may_be_time(const struct sample_field *f)
{
	return f->stamps && f->stamps * 100 >= f->seen * IN_ORDER;
}

static bool is_tried_again(const struct chain *c, uint32_t request)
{
	return c->again[request] < c->s->first[c->tids[request] + 1];
}

/* Whether it is an error behind which requests are mostly tried again: it ends an attempt, and is no step of one. */
static bool ends_attempt(const struct chain *c, uint32_t key)
{
	uint32_t have = 0, tried = 0, line;

	if (c->errors || c->out->retry.key == SAMPLE_NONE || !c->s->key[key].severity)
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if (lines_of_key(c->s, c->tids[i], key, &line)) {
			have++;
			tried += is_tried_again(c, i) && line < c->again[i];
		}
	return tried * 2 > have;
}

static bool may_be_step(const struct chain *c, uint32_t key)
{
	const struct sample_key *k = &c->s->key[key];

	return !is_end(c, key) && !k->enters && k->text.len && !ends_attempt(c, key);
}

/* in: by key, how many requests have it. */
static void candidates(struct chain *c, const uint32_t *in)
{
	const struct sample *s = c->s;

	for (uint32_t i = 0; i < s->nfields; i++)
		if (may_be_time(&s->field[i]))
			candidate(c, s->field[i].key, i, false);
	for (uint32_t k = 0; k < s->nkeys; k++)
		if (in[k] >= least_of(c, k) && may_be_step(c, k))
			candidate(c, k, SAMPLE_NONE, false);
}

/* ---- order ---- */

static void swap_steps(struct chain *c, int a, int b)
{
	struct step step = c->out->step[a];

	c->out->step[a] = c->out->step[b];
	c->out->step[b] = step;
	for (uint32_t i = 0; i < c->n; i++) {
		int64_t ns = row(c, a)[i];

		row(c, a)[i] = row(c, b)[i];
		row(c, b)[i] = ns;
	}
}

static void drop(struct chain *c, int step)
{
	for (int i = step; i + 1 < c->out->n; i++)
		swap_steps(c, i, i + 1);
	c->out->n--;
}

/* In how many requests a comes before b, and b before a. */
static void compare(const struct chain *c, int a, int b, uint32_t *before, uint32_t *behind)
{
	*before = *behind = 0;
	for (uint32_t i = 0; i < c->n; i++) {
		int64_t x = row(c, a)[i], y = row(c, b)[i];

		if (x != NO_NS && y != NO_NS) {
			*before += x < y;
			*behind += y < x;
		}
	}
}

/* Whether the line of a step mostly stands before that of another, where both have their line's time. */
static bool stands_before(const struct chain *c, int a, int b)
{
	const struct step *x = &c->out->step[a], *y = &c->out->step[b];
	uint32_t before = 0, both = 0, of_x, of_y;

	if (x->field != SAMPLE_NONE || y->field != SAMPLE_NONE)
		return false;
	for (uint32_t i = 0; i < c->n; i++)
		if (row(c, a)[i] != NO_NS && row(c, b)[i] != NO_NS && lines_of_key(c->s, c->tids[i], x->key, &of_x) &&
		    lines_of_key(c->s, c->tids[i], y->key, &of_y)) {
			both++;
			before += of_x < of_y;
		}
	return before * 2 > both;
}

/* Moves a step forward to where it belongs among those before it: the place. lines: of one instant as they stand. */
static int move_forward(struct chain *c, int step, bool lines)
{
	uint32_t before, behind;

	for (; step > 0; step--) {
		compare(c, step - 1, step, &before, &behind);
		if (behind < before || (behind == before && !(lines && stands_before(c, step, step - 1))))
			break;
		swap_steps(c, step - 1, step);
	}
	return step;
}

static void put_in_order(struct chain *c)
{
	for (int i = 1; i < c->out->n; i++)
		move_forward(c, i, false);
}

/* With how many others a step is at odds, in more than a few in 100, and how much; 0: it is in order with all. */
static uint32_t odds_of(const struct chain *c, int step)
{
	uint32_t odds = 0, before, behind;

	for (int k = 0; k < c->out->n; k++) {
		compare(c, k < step ? k : step, k < step ? step : k, &before, &behind);
		if (k != step && behind * 100 > (before + behind) * (100 - IN_ORDER) && behind > 1)
			odds += 1000 + behind * 100 / (before + behind);
	}
	return odds;
}

/* The step that is at odds with most others; -1: all are in order. */
static int worst(const struct chain *c)
{
	uint32_t most = 0;
	int found = -1;

	for (int a = 0; a < c->out->n; a++) {
		uint32_t odds = odds_of(c, a);

		/* of two that are at odds the one that fewer requests have */
		if (odds &&
		    (odds > most || (odds == most && c->out->step[a].requests < c->out->step[found].requests))) {
			most = odds;
			found = a;
		}
	}
	return found;
}

/* ---- what lies between ---- */

/* Whether a step says nothing that its neighbour (-1: the start; n: the end) does not say. */
static bool is_idle(const struct chain *c, int step, int beside)
{
	uint32_t far = 0, alone = 0, n = 0;
	int64_t sum = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		int64_t at = row(c, step)[i];
		int64_t other = beside < 0 ? 0 : beside == c->out->n ? c->took[i] : row(c, beside)[i];

		if (at == NO_NS)
			continue;
		n++;
		alone += other == NO_NS;
		if (other != NO_NS) {
			int64_t gap = at < other ? other - at : at - other;

			far += gap > NOTHING_NS && gap > c->took[i] / 200;
			sum += gap;
		}
	}
	return far * 100 <= n && alone * 100 <= n && sum <= c->total_ns / 1000;
}

/* What a retry begins with stays: the first stretch of what is tried again begins there. */
static void thin_out(struct chain *c)
{
	for (int i = 0; i < c->out->n; i++) {
		bool begins = c->out->step[i].key == c->out->retry.key && c->out->step[i].field == SAMPLE_NONE;

		if (!begins && (is_idle(c, i, i - 1) || is_idle(c, i, c->out->n)))
			drop(c, i--);
	}
}

/* ---- what few have ---- */

/* The time from the last step before a place in the order to the one at that place, or where that is missing to the
 * next. */
static int64_t stretch_ns(const struct chain *c, int place, uint32_t request)
{
	int from = place - 1, to = place;
	int64_t end;

	while (from >= 0 && row(c, from)[request] == NO_NS)
		from--;
	while (to < c->out->n && row(c, to)[request] == NO_NS)
		to++;
	end = to < c->out->n ? row(c, to)[request] : c->took[request];
	return end - (from < 0 ? 0 : row(c, from)[request]);
}

/* Whether those that have the step mostly waited for it at least twice as long as the others need there. */
static bool is_waited_for(const struct chain *c, int step)
{
	const int64_t *at = row(c, step);
	int64_t others = 0;
	uint32_t n = 0, longer = 0, have = c->out->step[step].requests;

	for (uint32_t i = 0; i < c->n; i++)
		if (at[i] == NO_NS && ++n)
			others += stretch_ns(c, step, i);
	for (uint32_t i = 0; i < c->n; i++)
		longer += at[i] != NO_NS && stretch_ns(c, step, i) > 0 && stretch_ns(c, step, i) / 2 >= others / n;
	return longer * 2 > have;
}

static void try_few(struct chain *c, uint32_t key, uint32_t field)
{
	int step;

	if (!candidate(c, key, field, true))
		return;
	step = move_forward(c, c->out->n - 1, true);
	if (odds_of(c, step) || is_idle(c, step, step - 1) || is_idle(c, step, c->out->n) || !is_waited_for(c, step))
		drop(c, step);
}

static void add_few(struct chain *c, const uint32_t *in)
{
	const struct sample *s = c->s;

	for (uint32_t i = 0; i < s->nfields; i++)
		if (may_be_time(&s->field[i]))
			try_few(c, s->field[i].key, i);
	for (uint32_t k = 0; k < s->nkeys; k++)
		if (in[k] >= few_of(c, k) && may_be_step(c, k))
			try_few(c, k, SAMPLE_NONE);
}

/* ---- phases ---- */

static void count_phase(struct steps *o, int from, int to)
{
	for (int i = 0; i < o->nphases; i++)
		if (o->phase[i].from == from && o->phase[i].to == to) {
			o->phase[i].requests++;
			return;
		}
	if (o->nphases < STEP_PHASES_MAX)
		o->phase[o->nphases++] = (struct step_phase){from, to, 1};
}

static bool stands_in_first(const struct chain *c, uint32_t request, int step)
{
	uint32_t line;

	return lines_before(c->s, c->tids[request], c->out->step[step].key, c->again[request], &line) > 0;
}

static int compare_phases(const void *pa, const void *pb)
{
	const struct step_phase *a = pa, *b = pb;

	return a->from != b->from ? a->from - b->from : a->to - b->to;
}

/* How many requests have lines in the log of a step; -1, n: all have a start and an end. */
static uint32_t requests_of(const struct chain *c, int step)
{
	return step < 0 || step == c->out->n ? c->n : logs_requests(&c->logs, c->out->step[step].key);
}

/* How far a first attempt came after which another one began: it ends there. */
static void count_given_up(struct chain *c, uint32_t request)
{
	struct steps *o = c->out;
	int last = -1;

	for (int k = 0; k < o->n; k++)
		if (row(c, k)[request] != NO_NS && stands_in_first(c, request, k))
			last = k;
	if (last >= o->attempt && o->step[last].tried)
		count_phase(o, last, o->n);
}

static bool is_few(const struct steps *o, int step)
{
	return step >= 0 && step < o->n && o->step[step].few;
}

/* A phase is in so many of the requests. */
static uint32_t least_with(const struct chain *c, const struct step_phase *p)
{
	uint32_t from = requests_of(c, p->from), to = requests_of(c, p->to);

	if (is_few(c->out, p->from) || is_few(c->out, p->to))
		return 2;
	return part_of(from < to ? from : to, 1, 2);
}

static void find_phases(struct chain *c)
{
	struct steps *o = c->out;
	int kept = 0;

	for (uint32_t i = 0; i < c->n; i++) {
		int last = -1;

		for (int k = 0; k < o->n; k++)
			if (row(c, k)[i] != NO_NS) {
				count_phase(o, last, k);
				last = k;
			}
		count_phase(o, last, o->n);
		if (is_tried_again(c, i))
			count_given_up(c, i);
	}
	for (int i = 0; i < o->nphases; i++)
		if (o->phase[i].requests >= least_with(c, &o->phase[i]))
			o->phase[kept++] = o->phase[i];
	o->nphases = kept;
	qsort(o->phase, (size_t)kept, sizeof *o->phase, compare_phases);
}

/* ---- attempts ---- */

/* Whether a message that was there before mostly comes again where a request is tried again. */
static bool comes_again(const struct chain *c, uint32_t key)
{
	uint32_t before, again = 0, tried = 0, first;

	for (uint32_t i = 0; i < c->n; i++) {
		if (!is_tried_again(c, i))
			continue;
		/* that with which it is tried again counts with those before it */
		before = lines_before(c->s, c->tids[i], key, c->again[i], &first);
		if (!before)
			continue;
		tried++;
		again += lines_of_key(c->s, c->tids[i], key, &first) > before;
	}
	return again * 2 > tried;
}

/* Whether nearly all requests that have a message have begun an attempt before. */
static bool stands_behind_begin(const struct chain *c, uint32_t key)
{
	uint32_t have = 0, behind = 0, line, begin;

	for (uint32_t i = 0; i < c->n; i++)
		if (lines_of_key(c->s, c->tids[i], key, &line)) {
			have++;
			behind += lines_before(c->s, c->tids[i], c->out->retry.key, line, &begin) > 0;
		}
	return behind * 100 >= have * IN_ORDER;
}

/* The first step whose line comes again with the next attempt, as that of what a retry begins with does. */
static void find_attempt(struct chain *c)
{
	struct steps *o = c->out;

	o->attempt = o->retry.key == SAMPLE_NONE ? o->n : 0;
	while (o->attempt < o->n && !comes_again(c, o->step[o->attempt].key))
		o->attempt++;
	for (int i = o->attempt; i < o->n; i++)
		o->step[i].tried = comes_again(c, o->step[i].key) || stands_behind_begin(c, o->step[i].key);
}

/* ---- the whole ---- */

static void find_chain(struct chain *c, const uint32_t *in)
{
	int odd;

	c->out->n = 0;
	candidates(c, in);
	put_in_order(c);
	while ((odd = worst(c)) >= 0)
		drop(c, odd);
	thin_out(c);
	add_few(c, in);
	find_attempt(c);
}

/* Errors are no ends of attempts where no step is found that an attempt has. */
static int find_steps(struct chain *c)
{
	uint32_t *in = sample_count(c->s, c->tids, c->n);

	if (!in)
		return -ENOMEM;
	find_chain(c, in);
	c->errors = c->out->retry.key != SAMPLE_NONE && c->out->attempt == c->out->n;
	if (c->errors)
		find_chain(c, in);
	find_phases(c);
	free(in);
	return 0;
}

/* Of each request the line with which it is tried again, the second one of its message. */
static void find_again(struct chain *c)
{
	const struct sample *s = c->s;
	uint32_t key = c->out->retry.key, line;

	for (uint32_t i = 0; i < c->n; i++) {
		uint32_t tid = c->tids[i], n = key == SAMPLE_NONE ? 0 : lines_of_key(s, tid, key, &line);

		c->again[i] = s->first[tid + 1];
		if (n > 1)
			for (c->again[i] = line + 1; s->line[c->again[i]].key != key;)
				c->again[i]++;
	}
}

int steps_find(struct steps *out, const struct sample *s, const struct requests *r, unsigned kind)
{
	struct chain c = {.s = s, .r = r, .kind = kind, .out = out};
	int rc = 0;

	*out = (struct steps){.retry = {.key = SAMPLE_NONE}};
	c.tids = calloc((size_t)s->tids.n + 1, sizeof *c.tids);
	c.took = calloc((size_t)s->tids.n + 1, sizeof *c.took);
	for (uint32_t t = 0; c.tids && c.took && t < s->tids.n; t++)
		if (r->of[t].kind == (int)kind && r->of[t].end >= 0) {
			c.took[c.n] = s->line[r->of[t].end_line].time_ns - s->line[r->of[t].start_line].time_ns;
			c.total_ns += c.took[c.n];
			c.tids[c.n++] = t;
		}
	c.at = calloc(((size_t)STEPS_MAX + 1) * (c.n + 1), sizeof *c.at);
	c.again = calloc((size_t)c.n + 1, sizeof *c.again);
	if (!c.tids || !c.took || !c.at || !c.again)
		rc = -ENOMEM;
	if (!rc)
		rc = logs_find(&c.logs, s, c.tids, c.n);
	if (!rc)
		rc = retry_find(&out->retry, s, r, kind);
	if (!rc) {
		find_again(&c);
		rc = find_steps(&c);
	}
	logs_done(&c.logs);
	free(c.tids);
	free(c.took);
	free(c.again);
	free(c.at);
	return rc;
}
