/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.c - the worker's API: what a request goes through on its own thread.
 *
 * It enqueues an item with a reference to its span and waits; the worker thread that runs the item enters that span. */
#define ILU_TARGET "iluvatar_worker_library::services::invocation::queueing::fcfs"
#include "sim.h"

#include <stdio.h>

static void add_item_to_queue(struct queue *q, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "add_item_to_queue", &it->tid);

	queue_push(q, it);
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::cpu_q_invoke"

static const char *const state_names[] = {"Error", "Unhealthy", "Cold", "Prewarm", "Warm"};

static void estimate(struct sim *sim, const struct item *it)
{
	enum container_state state = pool_expect(&sim->pool, it->fn);
	double runtime_s = (state == STATE_COLD ? it->fn->cold_ms : it->fn->warm_ms) / 1e3;

	ilu_mutex_lock(&sim->queue.lock);
	double queue_s = sim->queue.len * 0.04 / sim->queue.cores;
	ilu_mutex_unlock(&sim->queue.lock);
	ilu_debug(&it->tid, "CPU estimated completion time of item", KV("queue_time", queue_s), KV("state", state_names[state]), KV("runtime", runtime_s));
}

static void enqueue_item(struct sim *sim, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "enqueue_item", &it->tid);

	ilu_debug(&it->tid, "CPU queue item");
	add_item_to_queue(&sim->queue, it);
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::dispatching::queueing_dispatcher"

static void enqueue_new_invocation(struct sim *sim, struct item *it)
{
	ILU_SPAN(span, "enqueue_new_invocation", &it->tid);

	ilu_debug(&it->tid, "Enqueueing invocation");
	estimate(sim, it);
	it->span = ilu_span_share(span);
	it->insert_ns = now_ns();
	enqueue_item(sim, it);
}

static void sync_invocation(struct sim *sim, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "sync_invocation", &it->tid);
	int64_t begin = now_ns();
	char e2e[32];

	enqueue_new_invocation(sim, it);
	queue_await(&sim->queue, it);
	format_seconds(now_ns() - begin, 9, e2e);
	ilu_info(&it->tid, "Invocation complete", KV("fqdn", it->fn->fqdn), KV("e2etime", e2e), KV("compute", it->compute == COMPUTE_CPU ? "CPU" : ""));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::registration"

static void log_registered(const ilu_tid *tid, const struct function *fn)
{
	ilu_info(tid, "function was successfully registered", KV("function_name", fn->name), KV("function_version", FUNCTION_VERSION), KV("fqdn", fn->fqdn));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::worker_api::iluvatar_worker"

void dispatch_register(const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "register", tid);

	ilu_info(tid, "Handling register request", KV("function_name", fn->name), KV("function_version", FUNCTION_VERSION), KV("image", fn->image));
	log_registered(tid, fn);
}

int dispatch_prewarm(struct sim *sim, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "prewarm", tid);

	ilu_info(tid, "Handling prewarm request", KV("function_name", fn->name), KV("function_version", FUNCTION_VERSION));
	return pool_prewarm(sim, tid, fn);
}

void dispatch_invoke(struct sim *sim, struct item *it)
{
	ILU_SPAN(span, "invoke", &it->tid);

	it->arrived_ns = now_ns();
	ilu_info(&it->tid, "Handling invocation request");
	ilu_debug(&it->tid, "Sending invocation to invoker");
	sync_invocation(sim, it);
}
