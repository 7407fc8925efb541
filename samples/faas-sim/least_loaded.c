/* SPDX-License-Identifier: Apache-2.0 */
/* least_loaded.c - all to the worker that had the least load when they were last asked: until they are asked again, to
 * that one alone.
 *
 * Of equal ones chance decides, as in Ilúvatar the last digit of a load does. */
#define ILU_TARGET "iluvatar_controller_library::services::load_balance::least_loaded"
#include "chosen.h"

static void add(struct controller *c, const ilu_tid *tid, struct worker *w)
{
	ilu_info(tid, "Registering new worker in LeastLoaded load balancer", KV("worker", w->name));
	if (!c->nworkers)
		ilu_info(tid, "Assigning new worker in LeastLoaded load balancer", KV("worker", w->name));
}

static struct worker *choose(struct controller *c)
{
	controller_begin_choice(c);
	struct worker *w = &c->sim->workers[c->least];
	controller_end_choice(c);
	return w;
}

static void find_least_loaded(struct controller *c, const ilu_tid *me)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "find_least_loaded", me);

	ilu_mutex_lock(&c->lock);
	int least = 0, equal = 1;
	for (int i = 1; i < c->nworkers; i++) {
		if (c->load[i] > c->load[least])
			continue;
		equal = c->load[i] < c->load[least] ? 1 : equal + 1;
		if (!ilu_random_below(&c->random, (uint64_t)equal))
			least = i;
	}
	c->least = least;
	ilu_mutex_unlock(&c->lock);
	ilu_info(me, "new least loaded worker", KV("worker", c->sim->workers[least].name));
}

static int update(void *arg)
{
	const ilu_tid me = ilu_tid_named("LeastLoadedLB");
	struct controller *c = arg;

	do
		find_least_loaded(c, &me);
	while (!stop_wait(&c->sim->silence, LOAD_INTERVAL));
	return 0;
}

const struct balancer least_loaded = {"LeastLoaded", add, send_invocation, prewarm, update};
