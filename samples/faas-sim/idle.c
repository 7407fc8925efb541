/* SPDX-License-Identifier: Apache-2.0 */
/* idle.c - the containers that wait for an invocation.
 *
 * A function's idle containers are a stack: the one returned last is the next one used, so that those that are not
 *needed grow old. All of them are also a list by age, for keep-alive and for eviction of the least recently used.
 *Greedy-dual (FaasCache, 2021) spares what would be dear to make again: a container is worth
 *
 *	inflation + uses of its function * the cold start it saves / its memory
 *
 * when it becomes idle, inflation being what the last one evicted was worth; the cheapest goes first. A heap finds it.
 */
#include "sim.h"

#include <errno.h>
#include <stdlib.h>

int idle_init(struct idle *l, const struct sim *sim)
{
	*l = (struct idle){.by_worth = sim->opt.eviction == EVICT_GREEDY_DUAL};
	l->stack = calloc((size_t)sim->nfns, sizeof *l->stack);
	l->uses = calloc((size_t)sim->nfns, sizeof *l->uses);
	return l->stack && l->uses ? 0 : -ENOMEM;
}

void idle_done(struct idle *l)
{
	free(l->stack);
	free(l->uses);
	free(l->heap);
}

/* ---- the heap ---- */

static bool cheaper(const struct container *a, const struct container *b)
{
	return a->worth != b->worth ? a->worth < b->worth : a->idle_since_ns < b->idle_since_ns;
}

static void heap_set(struct idle *l, int at, struct container *c)
{
	l->heap[at] = c;
	c->heap_at = at;
}

static void heap_up(struct idle *l, int at, struct container *c)
{
	for (int parent; at > 0 && cheaper(c, l->heap[parent = (at - 1) / 2]); at = parent)
		heap_set(l, at, l->heap[parent]);
	heap_set(l, at, c);
}

static void heap_down(struct idle *l, int at, struct container *c)
{
	for (int child; (child = 2 * at + 1) < l->heaped; at = child) {
		if (child + 1 < l->heaped && cheaper(l->heap[child + 1], l->heap[child]))
			child++;
		if (!cheaper(l->heap[child], c))
			break;
		heap_set(l, at, l->heap[child]);
	}
	heap_set(l, at, c);
}

static int heap_put(struct idle *l, struct container *c)
{
	if (l->heaped == l->room) {
		int room = l->room ? l->room * 2 : 64;
		struct container **more = realloc(l->heap, (size_t)room * sizeof *more);

		if (!more)
			return -ENOMEM;
		l->heap = more;
		l->room = room;
	}
	heap_up(l, l->heaped++, c);
	return 0;
}

static void heap_remove(struct idle *l, const struct container *c)
{
	struct container *last = l->heap[--l->heaped];
	int at = c->heap_at;

	if (last == c)
		return;
	heap_down(l, at, last);
	heap_up(l, last->heap_at, last);
}

static double worth(const struct idle *l, const struct function *fn)
{
	return l->inflation + (double)l->uses[fn->index] * (fn->cold_ms - fn->warm_ms) / (fn->mem_mb ? fn->mem_mb : 1);
}

/* ---- in and out ---- */

int idle_put(struct idle *l, struct container *c)
{
	struct container **stack = &l->stack[c->fn->index];

	c->idle_since_ns = now_ns();
	if (l->by_worth) {
		l->uses[c->fn->index]++;
		c->worth = worth(l, c->fn);
		if (heap_put(l, c))
			return -ENOMEM;
	}
	c->above = NULL;
	c->next = *stack;
	if (*stack)
		(*stack)->above = c;
	*stack = c;
	c->older = l->newest;
	c->newer = NULL;
	*(l->newest ? &l->newest->newer : &l->oldest) = c;
	l->newest = c;
	return 0;
}

static struct container *take_this(struct idle *l, struct container *c)
{
	*(c->above ? &c->above->next : &l->stack[c->fn->index]) = c->next;
	if (c->next)
		c->next->above = c->above;
	*(c->older ? &c->older->newer : &l->oldest) = c->newer;
	*(c->newer ? &c->newer->older : &l->newest) = c->older;
	if (l->by_worth)
		heap_remove(l, c);
	return c;
}

struct container *idle_take(struct idle *l, const struct function *fn)
{
	struct container *c = l->stack[fn->index];

	return c ? take_this(l, c) : NULL;
}

struct container *idle_take_before(struct idle *l, int64_t before_ns)
{
	return l->oldest && l->oldest->idle_since_ns < before_ns ? take_this(l, l->oldest) : NULL;
}

struct container *idle_evict(struct idle *l)
{
	struct container *c = l->by_worth ? l->heaped ? l->heap[0] : NULL : l->oldest;

	if (!c)
		return NULL;
	if (l->by_worth)
		l->inflation = c->worth;
	return take_this(l, c);
}
