/* SPDX-License-Identifier: Apache-2.0 */
/* round_robin.c - to each worker in turn. */
#define ILU_TARGET "iluvatar_controller_library::services::load_balance::round_robin"
#include "controller.h"

static void add(struct controller *c, const ilu_tid *tid, struct worker *w)
{
	(void)c;
	ilu_info(tid, "Registering new worker in RoundRobin load balancer", KV("worker", w->name));
}

static struct worker *choose(struct controller *c)
{
	controller_begin_choice(c);
	c->next = (c->next + 1) % c->nworkers;
	struct worker *w = &c->sim->workers[c->next];
	controller_end_choice(c);
	return w;
}

static void send_invocation(struct controller *c, struct item *it)
{
	ILU_SPAN(span, "send_invocation", &it->tid);
	struct worker *w = choose(c);

	ilu_info(&it->tid, "invoking function on worker", KV("fqdn", it->fn->fqdn), KV("worker", w->name));
	controller_call(c, w, it);
	ilu_debug(&it->tid, "invocation result", KV("success", it->compute == COMPUTE_CPU));
}

static int prewarm(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	struct worker *w = choose(c);

	ilu_info(tid, "prewarming function on worker", KV("fqdn", fn->fqdn), KV("worker", w->name),
	         KV("compute", "CPU"));
	return controller_call_prewarm(c, w, tid, fn);
}

const struct balancer round_robin = {"RoundRobin", add, send_invocation, prewarm, NULL};
