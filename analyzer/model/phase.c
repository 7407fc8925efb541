/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase.c - cuts an invocation's time into phases.
 *
 * A hand moves from the first moment to the last. Each rule, in the file's order (those of attempts once for each
 * attempt), claims what lies between its two moments and has not been claimed; what the hand must jump over is
 * unexplained. So the sum is exact whatever the clocks of two processes say.
 *
 * Of what never ended, the last moment that the log knows tells where it stuck: the phase that begins there is open and
 * takes what is left. One that arrived and was never seen again is in the first phase of its first attempt. */
#include "model/phase.h"
#include "base/array.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define UNKNOWN INT64_MIN

/* A moment of the rules' own, in this attempt; -1: in the first that had it. */
static int64_t named_of(const struct phase_input *in, int attempt, unsigned m)
{
	for (size_t i = 0; i < in->nmoments; i++)
		if (in->moment[i].moment == m && (attempt < 0 || in->moment[i].attempt == attempt))
			return in->moment[i].ns;
	return UNKNOWN;
}

static int64_t moment_of(const struct phase_input *in, int attempt, unsigned m)
{
	const struct phase_attempt *a = attempt >= 0 && attempt < in->nattempts ? &in->attempt[attempt] : NULL;
	const struct phase_attempt *last = in->nattempts ? &in->attempt[in->nattempts - 1] : NULL;

	switch (m) {
	case MOMENT_SENT:
		return in->sent_ns;
	case MOMENT_CONTROLLER:
		return in->controller_ns;
	case MOMENT_DISPATCHED:
		return in->dispatched_ns;
	case MOMENT_ARRIVED:
		return in->arrived_ns;
	case MOMENT_INSERT:
		return a ? a->insert_ns : UNKNOWN;
	case MOMENT_REMOVE:
		return a ? a->remove_ns : UNKNOWN;
	case MOMENT_START:
		return a ? a->start_ns : UNKNOWN;
	case MOMENT_END:
		return a ? a->end_ns : UNKNOWN;
	case MOMENT_LAST_END:
		return last ? last->end_ns : UNKNOWN;
	case MOMENT_COMPLETED:
		return in->completed_ns;
	case MOMENT_RETURNED:
		return in->returned_ns;
	default:
		return named_of(in, attempt, m);
	}
}

/* The last moment that the log of a daemon knows, and whose it is; attempt -1: the whole's. */
struct reached {
	unsigned moment;
	int attempt;
};

static struct reached reached_by_meaning(const struct phase_input *in)
{
	static const enum moment of_attempt[] = {MOMENT_END, MOMENT_START, MOMENT_REMOVE, MOMENT_INSERT};
	static const enum moment of_whole[] = {MOMENT_ARRIVED, MOMENT_DISPATCHED, MOMENT_CONTROLLER};

	if (in->answered || in->completed_ns != UNKNOWN)
		return (struct reached){MOMENT_COMPLETED, -1};
	for (int a = in->nattempts - 1; a >= 0; a--)
		for (size_t m = 0; m < sizeof of_attempt / sizeof *of_attempt; m++)
			if (moment_of(in, a, of_attempt[m]) != UNKNOWN)
				return (struct reached){of_attempt[m], a};
	for (size_t m = 0; m < sizeof of_whole / sizeof *of_whole; m++)
		if (moment_of(in, -1, of_whole[m]) != UNKNOWN)
			return (struct reached){of_whole[m], -1};
	return (struct reached){MOMENT_NONE, -1};
}

/* The last phase that may begin with a moment; -1: none. */
static int last_phase_from(const struct rules *r, unsigned m)
{
	for (int p = (int)r->nphases - 1; p >= 0; p--)
		for (const unsigned *from = r->phase[p].from; *from; from++)
			if (*from == m)
				return p;
	return -1;
}

/* Of moments at one time: the one that the later phase begins with, of others the one that stands later in the file. */
static bool is_later(const struct rules *r, unsigned a, unsigned b)
{
	int x = b >= MOMENT_NAMED ? last_phase_from(r, a) : 0, y = b >= MOMENT_NAMED ? last_phase_from(r, b) : 0;

	return x == y ? a > b : x > y;
}

static struct reached last_reached(const struct rules *r, const struct phase_input *in)
{
	struct reached last = reached_by_meaning(in);
	int64_t at = moment_of(in, last.attempt, last.moment);

	for (size_t i = 0; i < in->nmoments && last.moment != MOMENT_COMPLETED; i++) {
		const struct named_moment *m = &in->moment[i];

		if (at == UNKNOWN || m->ns > at || (m->ns == at && is_later(r, m->moment, last.moment))) {
			last = (struct reached){m->moment, m->attempt};
			at = m->ns;
		}
	}
	return last;
}

static int64_t first_known(const struct phase_input *in, int attempt, const unsigned *list)
{
	for (; *list; list++) {
		int64_t t = moment_of(in, attempt, *list);

		if (t != UNKNOWN)
			return t;
	}
	return UNKNOWN;
}

/* Where the time begins and ends: sent to returned, as far as these are known. */
static void bounds(const struct phase_input *in, int64_t *begin, int64_t *end)
{
	static const unsigned first[] = {MOMENT_SENT, MOMENT_CONTROLLER, MOMENT_DISPATCHED, MOMENT_ARRIVED,
	                                 MOMENT_NONE};
	static const unsigned last[] = {MOMENT_RETURNED, MOMENT_COMPLETED, MOMENT_NONE};

	*begin = first_known(in, -1, first);
	*end = first_known(in, -1, last);
	if (*end != UNKNOWN || *begin == UNKNOWN)
		return;
	/* It never ended: up to the last thing that is known of it. */
	*end = *begin;
	for (int a = 0; a <= in->nattempts; a++)
		for (int m = MOMENT_SENT; m <= MOMENT_RETURNED; m++) {
			int64_t t = moment_of(in, a, m);

			if (t != UNKNOWN && t > *end)
				*end = t;
		}
	for (size_t i = 0; i < in->nmoments; i++)
		if (in->moment[i].ns > *end)
			*end = in->moment[i].ns;
}

static int add(struct phases *out, struct phase p)
{
	if (array_reserve(out->v, out->room, out->n + 1))
		return -ENOMEM;
	out->v[out->n++] = p;
	return 0;
}

struct hand {
	const struct phase_input *in;
	struct phases *out;
	int64_t now, end;
	struct reached last;
	bool unexplained;
	bool opened; /* the phase that nothing ends was there */
};

static int leap(struct hand *h, int64_t to)
{
	struct phase p = {"unexplained", NULL, false, 0, h->now, to, PHASE_NOT_LOST};

	if (to <= h->now)
		return 0;
	h->unexplained = true;
	h->now = to;
	return add(h->out, p);
}

/* Whether an invocation got into this phase and nowhere else. */
static bool is_last(const struct hand *h, const struct phase_rule *r, int attempt)
{
	const unsigned *m = r->from;

	while (*m && moment_of(h->in, attempt, *m) == UNKNOWN)
		m++;
	return *m && *m == h->last.moment && (attempt == h->last.attempt || (attempt < 0 && *m >= MOMENT_NAMED));
}

/* open: nothing ends the phase. */
static int claim(struct hand *h, const struct phase_rule *r, int attempt, bool open)
{
	int64_t from = first_known(h->in, attempt, r->from), to = first_known(h->in, attempt, r->to);
	int rc;

	for (unsigned i = 0; i < r->nwithout; i++)
		if (moment_of(h->in, attempt, r->without[i]) != UNKNOWN)
			return 0;

	if (open || (from != UNKNOWN && to == UNKNOWN && is_last(h, r, attempt) && !h->opened)) {
		open = h->opened = true;
		from = from == UNKNOWN ? h->in->arrived_ns : from;
		to = h->end;
	}
	if (from == UNKNOWN || to == UNKNOWN)
		return 0;
	enum phase_lost lost = to < from ? PHASE_BACKWARDS : to > from && to <= h->now ? PHASE_COVERED : PHASE_NOT_LOST;

	from = from < h->now ? h->now : from > h->end ? h->end : from;
	to = to < from ? from : to > h->end ? h->end : to;
	rc = leap(h, from);
	if (rc)
		return rc;
	h->now = to;
	return add(h->out,
	           (struct phase){r->name, r->by_state && attempt >= 0 ? h->in->attempt[attempt].state : NULL, open,
	                          r->of_attempt ? attempt + 1 : 0, from, to, open ? PHASE_NOT_LOST : lost});
}

int phases_make(const struct rules *r, const struct phase_input *in, struct phases *out)
{
	struct hand h = {.in = in, .out = out, .last = last_reached(r, in)};
	int rc = 0;

	out->n = 0;
	bounds(in, &h.now, &h.end);
	if (h.now == UNKNOWN)
		return 0;
	if (h.end < h.now)
		h.end = h.now;
	for (unsigned i = 0, next; !rc && i < r->nphases; i = next) {
		next = i + 1;
		if (!r->phase[i].of_attempt) {
			rc = claim(&h, &r->phase[i], -1, false);
			continue;
		}
		while (next < r->nphases && r->phase[next].of_attempt)
			next++;
		for (int a = 0; !rc && a < in->nattempts; a++)
			for (unsigned k = i; !rc && k < next; k++)
				rc = claim(&h, &r->phase[k], a, h.last.moment == MOMENT_ARRIVED && !a && k == i);
	}
	if (!rc)
		rc = leap(&h, h.end);
	if (!rc && !h.unexplained)
		rc = add(out, (struct phase){"unexplained", NULL, false, 0, h.end, h.end, PHASE_NOT_LOST});
	return rc;
}

const char *phase_name(const struct phase *p, char buf[PHASE_NAME_MAX])
{
	snprintf(buf, PHASE_NAME_MAX, "%s%s%s%s%s", p->name, p->state ? " (" : "", p->state ? p->state : "",
	         p->state ? ")" : "", p->open ? ", never left" : "");
	return buf;
}
