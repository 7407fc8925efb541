/* SPDX-License-Identifier: GPL-3.0-or-later */
/* phase.c - cuts an invocation's time into phases.
 *
 * A hand moves from the first moment to the last. Each rule, in the file's order (those of attempts once for each
 * attempt), claims what lies between its two moments and has not been claimed; what the hand must jump over is
 * unexplained. So the sum is exact whatever the clocks of two processes say. */
#include "model/phase.h"
#include <errno.h>
#include <stdlib.h>

#define UNKNOWN INT64_MIN

static int64_t moment_of(const struct phase_input *in, int attempt, enum moment m)
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
		return UNKNOWN;
	}
}

static int64_t first_known(const struct phase_input *in, int attempt, const enum moment *list)
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
	static const enum moment first[] = {MOMENT_SENT, MOMENT_CONTROLLER, MOMENT_DISPATCHED, MOMENT_ARRIVED,
	                                    MOMENT_NONE};
	static const enum moment last[] = {MOMENT_RETURNED, MOMENT_COMPLETED, MOMENT_NONE};

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
}

static int add(struct phases *out, struct phase p)
{
	if (out->n == out->room) {
		int room = out->room ? out->room * 2 : 16;
		struct phase *v = realloc(out->v, (size_t)room * sizeof *v);

		if (!v)
			return -ENOMEM;
		out->v = v;
		out->room = room;
	}
	out->v[out->n++] = p;
	return 0;
}

struct hand {
	const struct phase_input *in;
	struct phases *out;
	int64_t now, end;
	bool unexplained;
};

static int leap(struct hand *h, int64_t to)
{
	struct phase p = {"unexplained", NULL, 0, h->now, to};

	if (to <= h->now)
		return 0;
	h->unexplained = true;
	h->now = to;
	return add(h->out, p);
}

static int claim(struct hand *h, const struct phase_rule *r, int attempt)
{
	int64_t from = first_known(h->in, attempt, r->from), to = first_known(h->in, attempt, r->to);
	int rc;

	if (from == UNKNOWN || to == UNKNOWN)
		return 0;
	from = from < h->now ? h->now : from > h->end ? h->end : from;
	to = to < from ? from : to > h->end ? h->end : to;
	rc = leap(h, from);
	if (rc)
		return rc;
	h->now = to;
	return add(h->out, (struct phase){r->name, r->by_state && attempt >= 0 ? h->in->attempt[attempt].state : NULL,
	                                  r->of_attempt ? attempt + 1 : 0, from, to});
}

int phases_make(const struct rules *r, const struct phase_input *in, struct phases *out)
{
	struct hand h = {.in = in, .out = out};
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
			rc = claim(&h, &r->phase[i], -1);
			continue;
		}
		while (next < r->nphases && r->phase[next].of_attempt)
			next++;
		for (int a = 0; !rc && a < in->nattempts; a++)
			for (unsigned k = i; !rc && k < next; k++)
				rc = claim(&h, &r->phase[k], a);
	}
	if (!rc)
		rc = leap(&h, h.end);
	if (!rc && !h.unexplained)
		rc = add(out, (struct phase){"unexplained", NULL, 0, h.end, h.end});
	return rc;
}
