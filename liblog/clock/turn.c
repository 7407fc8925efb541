/* SPDX-License-Identifier: Apache-2.0 */
/* turn.c - who runs next, and how it gets to.
 *
 * An actor goes on until it waits. Then it looks for the next one itself: who is ready, in order; else whoever is due
 * first, and time moves there. There is no scheduler in between. If the next one lives on the same vehicle, the stacks
 * are switched; if not, its vehicle is woken and ours sleeps. Whoever wakes our vehicle later need not want the actor
 * that sleeps here: it is then the one that switches on to the right one.
 *
 * A task that ends leaves its stack for ever and cannot sleep on it: it switches to the timers' actor, which is always
 * there and passes the turn on. */
#include "virtual.h"

#include "base/lock.h"
#include "call/ring.h"
#include "context.h"
#include "sanitize.h"

#include <stdlib.h>
#include <string.h>

#define TIMERS_STACK ((size_t)256 << 10)
#define SWEEP_FROM   1024
#define FAR          8 /* turns ahead that memory is fetched */
#define NEAR         3
#define STACK_LINES  4 /* what a task that sleeps has on its stack, about */

struct virtual_time vt;
__thread struct vehicle *my_vehicle;

/* ---- who is ready ---- */

/* Rooms are made ahead, one for each actor and armed timer, so that becoming ready cannot fail. */
static int ready_reserve(size_t n)
{
	struct ready *r = &vt.ready;
	size_t cap = r->cap ? r->cap : 64;
	uintptr_t *item;

	while (cap < n)
		cap *= 2;
	if (cap == r->cap)
		return 0;
	item = malloc(cap * sizeof *item);
	if (!item)
		return -ENOMEM;
	for (size_t i = 0; i < r->len; i++)
		item[i] = r->item[(r->first + i) & (r->cap - 1)];
	free(r->item);
	r->item = item;
	r->first = 0;
	r->cap = cap;
	return 0;
}

static _Noreturn void no_memory(void)
{
	static const char text[] = "ilulog: the clock is out of memory\n";

	if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
		abort();
	abort();
}

void turn_ready(uintptr_t item)
{
	struct ready *r = &vt.ready;

	if (__builtin_expect(r->len == r->cap, 0) && ready_reserve(r->len + 1))
		no_memory();
	r->item[(r->first + r->len++) & (r->cap - 1)] = item;
}

static uintptr_t ready_pop(void)
{
	struct ready *r = &vt.ready;
	uintptr_t *first = &r->item[r->first], item;

	if (__builtin_expect(vt.exploring, 0)) {
		uintptr_t *drawn = &r->item[(r->first + ilu_random_below(&vt.order, r->len)) & (r->cap - 1)];

		item = *drawn;
		*drawn = *first;
		*first = item;
	}
	item = *first;
	r->first = (r->first + 1) & (r->cap - 1);
	r->len--;
	return item;
}

/* ---- deadlines ---- */

static uint64_t armed_of(uintptr_t item)
{
	if (item & ITEM_TIMER)
		return ((struct ilu_timer *)(item & ~ITEM_TIMER))->armed;
	return ((struct actor *)item)->armed;
}

static bool counts(const struct deadline *d)
{
	return armed_of(d->item) == d->arrival;
}

void turn_arm(uint64_t *armed, uintptr_t item, int64_t deadline_ns)
{
	if (__builtin_expect(deadlines_reserve(&vt.deadlines) != 0, 0))
		no_memory();
	*armed = ++vt.arrivals;
	deadlines_push(&vt.deadlines, (struct deadline){deadline_ns, *armed, item});
}

void turn_disarm(uint64_t *armed)
{
	if (!*armed)
		return;
	*armed = 0;
	vt.stale++;
	if (vt.stale > SWEEP_FROM && vt.stale > deadlines_len(&vt.deadlines) / 2) {
		deadlines_sweep(&vt.deadlines, counts);
		vt.stale = 0;
	}
}

static void fire(uintptr_t item)
{
	if (item & ITEM_TIMER) {
		struct ilu_timer *t = (struct ilu_timer *)(item & ~ITEM_TIMER);

		t->armed = 0;
		t->running = true;
	} else {
		struct actor *a = (struct actor *)item;

		a->armed = 0;
		if (a->wait != WAIT_SLEEP) {
			wait_expire(a, -ETIMEDOUT);
			return;
		}
	}
	turn_ready(item);
}

/* The same for one that is due by itself, and need not queue. */
static inline bool fire_alone(uintptr_t item)
{
	struct actor *a = (struct actor *)item;

	if (item & ITEM_TIMER) {
		struct ilu_timer *t = (struct ilu_timer *)(item & ~ITEM_TIMER);

		t->armed = 0;
		t->running = true;
		return true;
	}
	if (a->wait != WAIT_SLEEP)
		return false;
	a->armed = 0;
	return true;
}

/* Whoever comes next need not wait for their memory: first the item comes in, some turns later what it points to. */
static inline void fetch_ahead(void)
{
	uintptr_t far = deadlines_ahead(&vt.deadlines, FAR), near = deadlines_ahead(&vt.deadlines, NEAR);

	if (far)
		__builtin_prefetch((const void *)(far & ~ITEM_TIMER));
	if (near & ITEM_TIMER) {
		__builtin_prefetch(((const struct ilu_timer *)(near & ~ITEM_TIMER))->arg);
	} else if (near) {
		const char *stack = ((const struct actor *)near)->sp;

		if (!stack)
			return;
		stack_look(stack);
		for (int i = 0; i < STACK_LINES; i++)
			__builtin_prefetch(stack + i * 64, 1);
	}
}

/* Time moves to the earliest deadline. Returns the first that is due; the others are ready behind it. 0: no deadline.
 */
static uintptr_t advance(void)
{
	struct deadline d;

	for (;;) {
		if (!deadlines_pop(&vt.deadlines, &d))
			return 0;
		if (counts(&d))
			break;
		vt.stale--;
	}
	if (d.at_ns > vt.now) {
		__atomic_store_n(&vt.now, d.at_ns, __ATOMIC_RELEASE);
		vt.instant++;
		vt.at_instant = vt.polls = 0;
	}
	fetch_ahead();
	if (!deadlines_more_at(&vt.deadlines, d.at_ns) && fire_alone(d.item))
		return d.item;
	fire(d.item);
	while (deadlines_more_at(&vt.deadlines, vt.now)) {
		deadlines_pop(&vt.deadlines, &d);
		if (counts(&d))
			fire(d.item);
		else
			vt.stale--;
	}
	return vt.ready.len ? ready_pop() : advance(); /* a condition's waiter may now wait for the mutex */
}

/* ---- choosing ---- */

static uintptr_t next_item(void)
{
	for (;;) {
		uintptr_t item;

		if (vt.ready.len)
			return ready_pop();
		if (vt.outside) {
			io_come_back();
			continue;
		}
		if (vt.stopping)
			return (uintptr_t)&vt.main;
		item = advance();
		if (item)
			return item;
		turn_verdict(VERDICT_DEADLOCK, NULL);
	}
}

static bool timer_keeps;

static bool look_at_timer(const struct deadline *d)
{
	if (!counts(d))
		return false;
	timer_keeps |= (d->item & ITEM_TIMER) && !((struct ilu_timer *)(d->item & ~ITEM_TIMER))->daemon;
	return true;
}

/* Can anybody but daemons ever run again by himself? */
static bool hopeful(void)
{
	for (struct actor *a = vt.oldest; a; a = a->younger)
		if (!a->daemon && !a->done &&
		    (a->armed || a->wait == WAIT_NOTHING || a->wait == WAIT_SLEEP || a->wait == WAIT_IO))
			return true;
	timer_keeps = false;
	deadlines_sweep(&vt.deadlines, look_at_timer);
	vt.stale = 0;
	return timer_keeps || vt.outside;
}

/* Nothing but daemons has run for long. */
static void look_at_daemons(void)
{
	vt.daemons_in_row = 0;
	if (!hopeful())
		turn_verdict(VERDICT_DAEMONS, NULL);
}

static void count_wakeup(uint64_t *instant, uint32_t *woken, bool daemon, struct actor *about)
{
	vt.wakeups++;
	vt.polls = 0;
	if (*instant != vt.instant) {
		*instant = vt.instant;
		*woken = 0;
	}
	if (++*woken > vt.options.spin_limit || ++vt.at_instant > 16 * vt.options.spin_limit + 4 * vt.actors)
		turn_verdict(VERDICT_SPIN, about);
	if (!daemon)
		vt.daemons_in_row = 0;
	else if (++vt.daemons_in_row > vt.options.daemon_limit)
		look_at_daemons();
}

/* The actor that is to run next; if that is the timers', with the timer that is due. */
static struct actor *choose(void)
{
	uintptr_t item = next_item();
	struct actor *a = (struct actor *)item;

	if (item & ITEM_TIMER) {
		vt.due = (struct ilu_timer *)(item & ~ITEM_TIMER);
		count_wakeup(&vt.due->instant, &vt.due->woken, vt.due->daemon, &vt.timers);
		return &vt.timers;
	}
	count_wakeup(&a->instant, &a->woken, a->daemon, a);
	return a;
}

void turn_poll(void)
{
	if (__builtin_expect(++vt.polls > 100 * vt.options.spin_limit, 0))
		turn_verdict(VERDICT_POLL, vt.current);
}

/* ---- switching ---- */

void turn_give(struct vehicle *to)
{
	__atomic_store_n(&vt.turns, vt.turns + 1, __ATOMIC_RELEASE);
	__atomic_store_n(&to->turn, 1, __ATOMIC_RELEASE);
	futex_wake(&to->turn, 1);
}

void turn_take(struct vehicle *mine)
{
	while (!__atomic_exchange_n(&mine->turn, 0, __ATOMIC_ACQUIRE))
		futex_wait(&mine->turn, 0, -1);
	if (__builtin_expect(mine->pin != vt.pin || vt.turns >= vt.look_at, 0))
		pin_turn(mine);
	ring_turned();
}

/* Little or nothing is left of its stack, where there is no guard page. */
static bool too_deep(const struct actor *a)
{
#ifndef CLOCK_ASAN /* frames may be elsewhere there */
	return a->stack && (char *)__builtin_frame_address(0) < a->stack + 1024;
#else
	(void)a;
	return false;
#endif
}

static void jump(struct actor *from, struct actor *to, bool for_good)
{
	struct vehicle *v = from->vehicle;

	if (__builtin_expect(too_deep(from), 0)) { /* the report needs more than it has */
		vt.verdict = VERDICT_STACK;
		vt.current = from;
		to = &vt.timers;
	}
	v->resident = to;
	from->span = ilu_producer_.span;
	ilu_producer_.span = to->span;
	fiber_leave(from, to, for_good);
	context_swap(&from->sp, to->sp);
	fiber_enter(from, &vt.main, false);
}

/* Let `to` run. Returns when `me` is up again. */
static void go_to(struct actor *me, struct actor *to)
{
	struct vehicle *mine = me->vehicle;

	vt.current = to;
	if (to->vehicle != mine) {
		turn_give(to->vehicle);
		turn_take(mine);
		to = vt.current;
	}
	if (to != me)
		jump(me, to, false);
}

int turn_wait(struct actor *me)
{
	struct actor *to;

	me->since = vt.now;
	to = choose();
	if (to != me)
		go_to(me, to);
	return me->result;
}

_Noreturn void turn_end(struct actor *me)
{
	struct actor *to = choose();

	vt.current = to;
	jump(me, to->vehicle == me->vehicle ? to : &vt.timers, true);
	abort();
}

struct vehicle *turn_last(struct actor *me)
{
	struct actor *to = choose();

	(void)me;
	vt.current = to;
	return to->vehicle;
}

void turn_perhaps(void)
{
	struct actor *me = vt.current;

	if (!vt.exploring || me->vehicle != my_vehicle || me->kind == ACTOR_TIMERS || vt.stopping || !vt.ready.len ||
	    ilu_random_below(&vt.order, 4))
		return;
	me->wait = WAIT_SLEEP;
	me->result = 0;
	turn_ready((uintptr_t)me);
	turn_wait(me);
	me->wait = WAIT_NOTHING;
}

void turn_keep(int by)
{
	vt.keeping += (uint64_t)(int64_t)by;
	if (!vt.keeping && vt.runner) {
		struct actor *a = vt.runner;

		vt.runner = NULL;
		turn_disarm(&a->armed);
		a->result = 0;
		turn_ready((uintptr_t)a);
	}
}

/* ---- the timers' actor, and reports ---- */

static void timers_run(void)
{
	fiber_enter(&vt.timers, &vt.main, true);
	for (;;) {
		struct actor *to = vt.current;

		if (vt.verdict)
			report((enum verdict)vt.verdict, to);
		if (to == &vt.timers) {
			timer_call(vt.due);
			ilu_producer_.span = 0;
			to = choose();
		}
		if (to != &vt.timers)
			go_to(&vt.timers, to);
	}
}

/* A report takes more stack than a task has. */
_Noreturn void turn_verdict(enum verdict verdict, struct actor *about)
{
	struct actor *me = vt.home->resident;

	if (my_vehicle != vt.home || me->kind != ACTOR_TASK)
		report(verdict, about);
	vt.verdict = (uint8_t)verdict;
	vt.current = about;
	jump(me, &vt.timers, true);
	abort();
}

/* ---- start and stop ---- */

static void actor_link(struct actor *a, enum actor_kind kind, const char *name)
{
	a->kind = (uint8_t)kind;
	a->vehicle = vt.home;
	strcpy(a->name, name);
}

int turn_start(void)
{
	static struct vehicle home;
	size_t size = TIMERS_STACK * STACK_FACTOR;

	memset(&home, 0, sizeof home);
	vt.home = my_vehicle = &home;
	home.producer = &ilu_producer_;
	home.resident = vt.current = &vt.main;
	actor_link(&vt.main, ACTOR_MAIN, "main");
	actor_link(&vt.timers, ACTOR_TIMERS, "timers");
	vt.main.id = vt.ids = 1;
	vt.actors = vt.peak = 1;
	vt.oldest = vt.youngest = &vt.main;
	vt.timers.stack = stack_take(&size);
	vt.timers.stack_size = size;
	if (!vt.timers.stack || ready_reserve(64))
		return -ENOMEM;
	pin_start();
	vt.main.sp = context_here();
	vt.timers.sp = context_make(vt.timers.stack, size, timers_run);
	if (!vt.timers.sp)
		return -ENOMEM;
	fiber_is_here(&vt.main);
	fiber_begin(&vt.timers);
	overflow_start();
	return 0;
}

/* Cancel what it waits for. An actor that waits on and on is left where it is. */
static void cancel_all(void)
{
	for (struct actor *a = vt.oldest; a; a = a->younger) {
		if (a == &vt.main || a->done || !wait_cancels((enum wait_kind)a->wait) ||
		    (a->wait == WAIT_SLEEP && !a->armed))
			continue;
		turn_disarm(&a->armed);
		wait_expire(a, -ECANCELED);
	}
}

void turn_stop(void)
{
	struct actor *me = &vt.main;

	vt.stopping = true;
	vt.exploring = false;
	timer_due_left();
	cancel_all();
	me->wait = WAIT_SLEEP;
	while (vt.ready.len || vt.outside) {
		me->result = 0;
		turn_wait(me); /* until nobody is ready */
	}
	me->wait = WAIT_NOTHING;
	pin_stop();
	vt.left += vt.actors - 1;
	free(vt.ready.item);
	memset(&vt.ready, 0, sizeof vt.ready);
	deadlines_done(&vt.deadlines);
	context_drop(vt.main.sp);
	context_drop(vt.timers.sp);
	fiber_end(&vt.timers);
	overflow_stop();
	my_vehicle = NULL;
}
