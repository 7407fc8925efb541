/* SPDX-License-Identifier: Apache-2.0 */
/* recorded.c - with --from: to the worker that had it in the log. */
#define ILU_TARGET "iluvatar_controller_library::services::load_balance::recorded"
#include "controller.h"

static void add(struct controller *c, const ilu_tid *tid, struct worker *w)
{
	(void)c;
	ilu_info(tid, "Registering new worker as in the log that is replayed", KV("worker", w->name));
}

static void send_invocation(struct controller *c, struct item *it)
{
	ILU_SPAN(span, "send_invocation", &it->tid);
	struct worker *w = &c->sim->workers[it->own.worker];

	controller_begin_choice(c);
	controller_end_choice(c);
	ilu_info(&it->tid, "invoking function on worker", KV("fqdn", it->fn->fqdn), KV("worker", w->name));
	controller_call(c, w, it);
	ilu_debug(&it->tid, "invocation result", KV("success", it->compute == COMPUTE_CPU));
}

/* The log says where (controller_prewarm_on); what --prewarms makes goes to each in turn. */
static int prewarm(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	struct worker *w = &c->sim->workers[c->next++ % c->nworkers];

	ilu_info(tid, "prewarming function on worker", KV("fqdn", fn->fqdn), KV("worker", w->name),
	         KV("compute", "CPU"));
	return controller_call_prewarm(c, w, tid, fn);
}

const struct balancer recorded = {"Recorded", add, send_invocation, prewarm, NULL};
