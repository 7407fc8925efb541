/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sweep.c - time goes by, and each instant of waiting is charged to its holders.
 *
 * A lane is gone through by its changes: who gets and gives back a core, who comes into the queue and leaves it, who is
 * refused memory. Charged is what has the same holders as long as it lasts: `since` of an item says from when on. While
 * all cores are taken all that wait have the same holders, and those that have had them since the last change are only
 * counted, by function (`counted`); they are charged at once. While a core is free an item's holders are those before
 * it, so that whoever comes or leaves ends the stretch of those behind. */
#include "blame/blame.h"
#include "base/array.h"
#include "base/keyed.h"
#include <errno.h>
#include <stdlib.h>

enum change { GIVES_BACK, GETS, LEAVES, REFUSED, COMES, CHANGES };

struct turn {
	int64_t at;
	uint32_t lane, index; /* of a hold or a wait */
	uint8_t change;
};

/* Holds or waits in the order of one change of theirs; front: the turn of the next one. */
struct order {
	uint32_t *v, n, next;
	struct turn front;
};

enum place { OUTSIDE, COUNTED, ALONE, OF_MEMORY };

struct state {
	int64_t since;
	uint8_t place; /* enum place */
};

/* Numbers, some of which come and go. */
struct list {
	uint32_t *v;
	uint32_t n, room;
};

struct sweep {
	const struct blame_run *b;
	const struct blame_sink *sink;
	const struct blame_lane *lane;
	struct state *state; /* by wait */
	struct list holds;   /* who has a core: requests, in order */
	struct list next;    /* the same after the changes of one instant */
	struct list queue;   /* who waits, from head on: in order where the lane's is known */
	uint32_t head;
	bool full;
	int64_t counted_since;
	struct list active;     /* functions of which some are counted */
	uint32_t *count, *spot; /* by function: how many are, and where it is in active */
	struct list alone;      /* waits that came since, or in a sweep for some requests theirs; some may have left */
	struct list refused;    /* waits of memory; the same */
	uint32_t *before, *counts; /* by function, and the same by place in scratch: of those ahead */
	struct list scratch;
	struct order order[CHANGES];
	struct turn *turn; /* of the instant at hand */
	size_t nturns, turns_room;
};

static int list_add(struct list *l, uint32_t x)
{
	uint32_t *p = array_add(l->v, l->n, l->room);

	if (!p)
		return -ENOMEM;
	*p = x;
	return 0;
}

static void list_drop(struct list *l, uint32_t x)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->v[i] == x) {
			l->v[i] = l->v[--l->n];
			return;
		}
}

static int by_number(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* ---- who is counted ---- */

static int count_in(struct sweep *s, uint32_t wait)
{
	uint32_t f = s->b->request[s->b->wait[wait].request].function;

	s->state[wait].place = COUNTED;
	if (s->count[f]++)
		return 0;
	s->spot[f] = s->active.n;
	return list_add(&s->active, f);
}

static void count_out(struct sweep *s, uint32_t wait)
{
	uint32_t f = s->b->request[s->b->wait[wait].request].function, last;

	if (--s->count[f])
		return;
	last = s->active.v[--s->active.n];
	s->active.v[s->spot[f]] = last;
	s->spot[last] = s->spot[f];
}

/* ---- the queue ---- */

static bool before(const struct blame_wait *a, const struct blame_wait *b)
{
	return a->rank != b->rank     ? a->rank < b->rank
	       : a->place != b->place ? a->place < b->place
	                              : a->request < b->request;
}

/* Where a wait stands, or would stand; an index of queue.v. */
static uint32_t spot_of(const struct sweep *s, uint32_t wait)
{
	uint32_t low = s->head, high = s->queue.n;

	while (low < high) {
		uint32_t mid = low + (high - low) / 2;

		if (before(&s->b->wait[s->queue.v[mid]], &s->b->wait[wait]))
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool ordered(const struct sweep *s)
{
	return s->lane->order != BLAME_ORDER_UNKNOWN;
}

static int queue_put(struct sweep *s, uint32_t wait, uint32_t at)
{
	if (list_add(&s->queue, wait))
		return -ENOMEM;
	memmove(s->queue.v + at + 1, s->queue.v + at, (s->queue.n - 1 - at) * sizeof *s->queue.v);
	s->queue.v[at] = wait;
	return 0;
}

static void queue_take(struct sweep *s, uint32_t at)
{
	if (at == s->head) {
		s->head++;
	} else {
		memmove(s->queue.v + at, s->queue.v + at + 1, (s->queue.n - 1 - at) * sizeof *s->queue.v);
		s->queue.n--;
	}
	if (s->head > 1024 && s->head > s->queue.n / 2) {
		memmove(s->queue.v, s->queue.v + s->head, (s->queue.n - s->head) * sizeof *s->queue.v);
		s->queue.n -= s->head;
		s->head = 0;
	}
}

/* ---- charging ---- */

/* Those that stand before it, in the order of their tid. */
static int ahead_of(struct sweep *s, uint32_t at)
{
	s->scratch.n = 0;
	for (uint32_t i = s->head; i < at; i++)
		if (list_add(&s->scratch, s->b->wait[s->queue.v[i]].request))
			return -ENOMEM;
	if (s->scratch.n > 1)
		qsort(s->scratch.v, s->scratch.n, sizeof *s->scratch.v, by_number);
	return 0;
}

static bool wanted(const struct sweep *s, uint32_t wait)
{
	uint32_t request = s->b->wait[wait].request;

	return s->sink->many || (request >= s->sink->first && request < s->sink->last);
}

/* Ends the stretch of one item at t. */
static int charge(struct sweep *s, uint32_t wait, int64_t t)
{
	const struct blame_wait *w = &s->b->wait[wait];
	struct state *st = &s->state[wait];
	struct blame_stretch x = {
	    .from_ns = st->place == COUNTED ? s->counted_since : st->since, .to_ns = t, .kind = BLAME_UNKNOWN};

	st->since = t;
	if (x.to_ns <= x.from_ns || !wanted(s, wait))
		return 0;
	if (st->place == OF_MEMORY || s->full) {
		x.kind = st->place == OF_MEMORY ? BLAME_MEMORY : BLAME_EXECUTING;
		x.holder = s->holds.v;
		x.n = s->holds.n;
	} else if (ordered(s)) {
		if (ahead_of(s, spot_of(s, wait)))
			return -ENOMEM;
		x.kind = s->scratch.n ? BLAME_AHEAD : BLAME_UNKNOWN;
		x.holder = s->scratch.v;
		x.n = s->scratch.n;
	}
	return s->sink->one(s->sink->arg, w, &x);
}

/* Those that wait while a core is free, from a place in the queue on; those ahead are counted by function. */
static int charge_ahead(struct sweep *s, uint32_t at, int64_t t)
{
	struct list *functions = &s->scratch;
	uint32_t *count = s->before;
	int rc = 0;

	functions->n = 0;
	for (uint32_t i = s->head; !rc && i < s->queue.n; i++) {
		const struct blame_wait *w = &s->b->wait[s->queue.v[i]];
		struct state *st = &s->state[s->queue.v[i]];
		struct blame_stretch x = {st->since, t, i > s->head ? BLAME_AHEAD : BLAME_UNKNOWN, NULL, i - s->head};
		uint32_t f = s->b->request[w->request].function;

		if (i >= at && st->place == ALONE && t > st->since) {
			st->since = t;
			for (uint32_t k = 0; k < functions->n; k++)
				s->counts[k] = count[functions->v[k]];
			rc = x.n ? s->sink->ahead(s->sink->arg, w, functions->v, s->counts, functions->n, &x)
			         : s->sink->one(s->sink->arg, w, &x);
		}
		if (!rc && !count[f]++)
			rc = list_add(functions, f);
	}
	for (uint32_t k = 0; k < functions->n; k++)
		count[functions->v[k]] = 0;
	return rc;
}

/* Each for itself, from a place in the queue on; of a sweep for some requests those alone. */
static int charge_each(struct sweep *s, uint32_t at, int64_t t)
{
	const struct list *l = s->sink->many ? &s->queue : &s->alone;
	uint32_t i = s->sink->many ? at : 0;
	int rc = 0;

	if (s->sink->ahead && !s->full && ordered(s))
		return charge_ahead(s, at, t);

	for (; !rc && i < l->n; i++)
		if (s->state[l->v[i]].place == ALONE && (s->sink->many || at == s->head || spot_of(s, l->v[i]) >= at))
			rc = charge(s, l->v[i], t);
	return rc;
}

/* The stretches of those behind a place in the queue are over where a core is free. */
static int charge_behind(struct sweep *s, uint32_t at, int64_t t)
{
	return s->full || !ordered(s) ? 0 : charge_each(s, at, t);
}

/* Where all cores were taken: all that were counted, and those that came since, who are counted from now on. */
static int charge_counted(struct sweep *s, int64_t t)
{
	struct blame_stretch x = {s->counted_since, t, BLAME_EXECUTING, s->holds.v, s->holds.n};
	int rc = 0;

	if (t > s->counted_since && s->active.n) {
		s->scratch.n = 0;
		for (uint32_t i = 0; !rc && i < s->active.n; i++)
			rc = list_add(&s->scratch, s->count[s->active.v[i]]);
		if (!rc)
			rc = s->sink->many(s->sink->arg, s->active.v, s->scratch.v, s->active.n, &x);
	}
	for (uint32_t i = 0; !rc && i < s->alone.n; i++)
		if (s->state[s->alone.v[i]].place == ALONE && !(rc = charge(s, s->alone.v[i], t)))
			rc = count_in(s, s->alone.v[i]);
	s->alone.n = 0;
	s->counted_since = t;
	return rc;
}

static int charge_refused(struct sweep *s, int64_t t)
{
	uint32_t kept = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < s->refused.n; i++) {
		uint32_t wait = s->refused.v[i];

		if (s->state[wait].place != OF_MEMORY)
			continue;
		s->refused.v[kept++] = wait;
		rc = charge(s, wait, t);
	}
	s->refused.n = kept;
	return rc;
}

/* ---- changes ---- */

/* From counted to each for itself, and back. All of them have been charged up to t. */
static int change_counting(struct sweep *s, int64_t t)
{
	int rc = 0;

	s->alone.n = 0;
	for (uint32_t i = s->head; !rc && i < s->queue.n; i++) {
		uint32_t wait = s->queue.v[i];

		if (s->state[wait].place == OF_MEMORY)
			continue;
		if (s->full) {
			rc = count_in(s, wait);
			continue;
		}
		count_out(s, wait);
		s->state[wait] = (struct state){t, ALONE};
	}
	s->counted_since = t;
	return rc;
}

/* Others have the cores from t on. */
static int change_holds(struct sweep *s, int64_t t)
{
	bool full = s->lane->cores > 0 && s->next.n >= s->lane->cores, counts = s->sink->many;
	int rc = charge_refused(s, t);

	if (!rc && s->full && counts)
		rc = charge_counted(s, t);
	else if (!rc && (s->full || full))
		rc = charge_each(s, s->head, t);
	struct list was = s->holds;
	s->holds = s->next;
	s->next = was;
	if (full == s->full)
		return rc;
	s->full = full;
	return rc || !counts ? rc : change_counting(s, t);
}

static int comes(struct sweep *s, uint32_t wait, int64_t t)
{
	uint32_t at = ordered(s) ? spot_of(s, wait) : s->queue.n;
	int rc = charge_behind(s, at, t);

	if (!rc)
		rc = queue_put(s, wait, at);
	s->state[wait] = (struct state){t, s->b->wait[wait].refused_ns <= t ? OF_MEMORY : ALONE};
	if (rc || !wanted(s, wait))
		return rc;
	if (s->state[wait].place == OF_MEMORY)
		return list_add(&s->refused, wait);
	return s->full || !s->sink->many ? list_add(&s->alone, wait) : 0;
}

static int leaves(struct sweep *s, uint32_t wait, int64_t t)
{
	uint32_t at = s->head;
	int rc = charge(s, wait, t);

	if (ordered(s))
		at = spot_of(s, wait);
	else
		while (s->queue.v[at] != wait)
			at++;
	if (!rc)
		rc = charge_behind(s, at + 1, t);
	if (s->state[wait].place == COUNTED)
		count_out(s, wait);
	s->state[wait].place = OUTSIDE;
	queue_take(s, at);
	if (!s->sink->many && wanted(s, wait))
		list_drop(&s->alone, wait);
	return rc;
}

static int refuses(struct sweep *s, uint32_t wait, int64_t t)
{
	int rc = charge(s, wait, t);

	if (s->state[wait].place == COUNTED)
		count_out(s, wait);
	s->state[wait] = (struct state){t, OF_MEMORY};
	return rc || !wanted(s, wait) ? rc : list_add(&s->refused, wait);
}

/* Who has a core after what happens at one instant: into next. */
static int next_holds(struct sweep *s, const struct turn *v, size_t n)
{
	struct list *l = &s->next;

	l->n = 0;
	if (array_reserve(l->v, l->room, s->holds.n + n))
		return -ENOMEM;
	if (s->holds.n)
		memcpy(l->v, s->holds.v, s->holds.n * sizeof *l->v);
	l->n = s->holds.n;
	for (size_t i = 0; i < n && v[i].change <= GETS; i++) {
		uint32_t request = s->b->hold[v[i].index].request, at = 0;

		while (at < l->n && l->v[at] < request)
			at++;
		if (v[i].change == GETS) {
			memmove(l->v + at + 1, l->v + at, (l->n++ - at) * sizeof *l->v);
			l->v[at] = request;
		} else {
			memmove(l->v + at, l->v + at + 1, (--l->n - at) * sizeof *l->v);
		}
	}
	return 0;
}

static bool same_holds(const struct sweep *s)
{
	return s->holds.n == s->next.n &&
	       (!s->holds.n || !memcmp(s->holds.v, s->next.v, s->holds.n * sizeof *s->holds.v));
}

static int instant(struct sweep *s, const struct turn *v, size_t n)
{
	static int (*const does[])(struct sweep *, uint32_t,
	                           int64_t) = {[LEAVES] = leaves, [REFUSED] = refuses, [COMES] = comes};
	int rc = v->change <= GETS ? next_holds(s, v, n) : 0;

	if (!rc && v->change <= GETS && !same_holds(s))
		rc = change_holds(s, v->at);
	for (size_t i = 0; !rc && i < n; i++)
		if (v[i].change > GETS)
			rc = does[v[i].change](s, v[i].index, v->at);
	return rc;
}

/* ---- the turns ----
 *
 * There are as many as four for each item. So not they are put in order, but for each kind of change the numbers of the
 * holds or waits that have it; the turns of an instant are taken from the fronts of these lists. */

static struct turn turn_of(const struct blame_run *b, uint8_t change, uint32_t i)
{
	struct turn t = {.lane = change <= GETS ? b->hold[i].lane : b->wait[i].lane, .index = i, .change = change};

	t.at = change == GETS         ? b->hold[i].from_ns
	       : change == GIVES_BACK ? b->hold[i].to_ns
	       : change == COMES      ? b->wait[i].from_ns
	       : change == LEAVES     ? b->wait[i].to_ns
	                              : b->wait[i].refused_ns;
	return t;
}

static bool has_turn(const struct blame_run *b, uint8_t change, uint32_t i)
{
	const struct blame_wait *w = &b->wait[i];

	return change != REFUSED || (w->refused_ns > w->from_ns && w->refused_ns < w->to_ns);
}

static uint32_t number_turns(const struct blame_run *b, uint8_t change, struct keyed *v)
{
	uint32_t all = change <= GETS ? b->nholds : b->nwaits, n = 0;

	for (uint32_t i = 0; i < all; i++)
		if (has_turn(b, change, i))
			v[n++] = (struct keyed){keyed_signed(turn_of(b, change, i).at), i};
	return n;
}

/* By lane, time and number. */
static int order_turns(const struct blame_run *b, uint8_t change, struct order *o)
{
	uint32_t all = change <= GETS ? b->nholds : b->nwaits;
	struct keyed *v = malloc(((size_t)all + 1) * sizeof *v);
	uint32_t n = v ? number_turns(b, change, v) : 0;
	int rc = v ? keyed_sort(v, n) : -ENOMEM;

	for (uint32_t i = 0; i < n && !rc; i++)
		v[i].key = turn_of(b, change, v[i].value).lane;
	if (!rc)
		rc = keyed_sort(v, n);
	o->v = rc ? NULL : malloc(((size_t)n + 1) * sizeof *o->v);
	for (uint32_t i = 0; i < n && o->v; i++)
		o->v[i] = v[i].value;
	free(v);
	o->n = o->v ? n : 0;
	return rc ? rc : o->v ? 0 : -ENOMEM;
}

enum { AHEAD = 16 }; /* turns whose hold or wait is fetched: they stand anywhere */

/* The front of a list becomes its next one, if there is one. */
static void look_at_next(const struct blame_run *b, uint8_t change, struct order *o)
{
	if (o->next + AHEAD < o->n) {
		uint32_t i = o->v[o->next + AHEAD];

		__builtin_prefetch(change <= GETS ? (const void *)&b->hold[i] : &b->wait[i]);
	}
	if (o->next < o->n)
		o->front = turn_of(b, change, o->v[o->next]);
}

static int order_all(struct sweep *s)
{
	int rc = 0;

	for (uint8_t k = 0; k < CHANGES && !rc; k++) {
		rc = order_turns(s->b, k, &s->order[k]);
		look_at_next(s->b, k, &s->order[k]);
	}
	return rc;
}

/* The turns of the next instant of a lane, by change and number. 1; 0: there are no more; or -ENOMEM. */
static int next_instant(struct sweep *s)
{
	const struct turn *first = NULL;
	struct turn at;

	for (uint8_t k = 0; k < CHANGES; k++) {
		const struct order *o = &s->order[k];

		if (o->next < o->n && (!first || o->front.lane < first->lane ||
		                       (o->front.lane == first->lane && o->front.at < first->at)))
			first = &o->front;
	}
	s->nturns = 0;
	if (!first)
		return 0;
	at = *first;
	for (uint8_t k = 0; k < CHANGES; k++)
		for (struct order *o = &s->order[k];
		     o->next < o->n && o->front.lane == at.lane && o->front.at == at.at;) {
			struct turn *t = array_add(s->turn, s->nturns, s->turns_room);

			if (!t)
				return -ENOMEM;
			*t = o->front;
			o->next++;
			look_at_next(s->b, k, o);
		}
	return 1;
}

/* ---- the whole ---- */

static void begin_lane(struct sweep *s, const struct blame_lane *lane, int64_t at)
{
	s->lane = lane;
	s->holds.n = s->queue.n = s->head = s->alone.n = s->refused.n = 0;
	s->full = false;
	s->counted_since = at;
}

static void sweep_done(struct sweep *s)
{
	free(s->state);
	free(s->holds.v);
	free(s->next.v);
	free(s->queue.v);
	free(s->active.v);
	free(s->alone.v);
	free(s->refused.v);
	free(s->scratch.v);
	free(s->count);
	free(s->spot);
	free(s->before);
	free(s->counts);
	free(s->turn);
	for (int k = 0; k < CHANGES; k++)
		free(s->order[k].v);
}

int blame_sweep(const struct blame_run *b, const struct blame_sink *sink)
{
	struct sweep s = {.b = b, .sink = sink};
	int rc = order_all(&s);

	s.state = calloc((size_t)b->nwaits + 1, sizeof *s.state);
	s.count = calloc((size_t)b->functions.n + 1, sizeof *s.count);
	s.spot = calloc((size_t)b->functions.n + 1, sizeof *s.spot);
	s.before = calloc((size_t)b->functions.n + 1, sizeof *s.before);
	s.counts = calloc((size_t)b->functions.n + 1, sizeof *s.counts);
	if (!s.state || !s.count || !s.spot || !s.before || !s.counts)
		rc = -ENOMEM;
	while (!rc && (rc = next_instant(&s)) == 1) {
		if (!s.lane || s.turn->lane != s.lane - b->lane)
			begin_lane(&s, &b->lane[s.turn->lane], s.turn->at);
		rc = instant(&s, s.turn, s.nturns);
	}
	sweep_done(&s);
	return rc;
}
