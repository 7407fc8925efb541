/* SPDX-License-Identifier: Apache-2.0 */
/* chosen.h - a balancer that chooses a worker and sends it what there is. It is included, not linked: each speaks under
 * its own target. Who includes it says how it chooses. */
#ifndef CHOSEN_H
#define CHOSEN_H

#include "controller.h"

static struct worker *choose(struct controller *c);

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

#endif
