/* SPDX-License-Identifier: Apache-2.0 */
/* round_robin.c - to each worker in turn. */
#define ILU_TARGET "iluvatar_controller_library::services::load_balance::round_robin"
#include "chosen.h"

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

const struct balancer round_robin = {"RoundRobin", add, send_invocation, prewarm, NULL};
