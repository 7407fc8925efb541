/* SPDX-License-Identifier: Apache-2.0 */
/* dispatch.c - the worker's API: what a request goes through on its own thread.
 *
 * It enqueues an item with a reference to its span and waits; the worker thread that runs the item enters that span. */
#define ILU_TARGET "iluvatar_worker_library::services::invocation::queueing::fcfs"
#include "sim.h"

#include <stdio.h>

static void add_to_fcfs(struct worker *w, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "add_item_to_queue", &it->tid);

	queue_push(w, it);
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::queueing::minheap"

static void add_to_minheap(struct worker *w, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "add_item_to_queue", &it->tid);

	queue_push(w, it);
	ilu_debug(&it->tid, "Added item to front of queue minheap", KV("component", "minheap"),
	          KV("arrived", it->fn->name), KV("priority", it->rank));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::queueing::minheap_ed"

static void add_to_minheap_ed(struct worker *w, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "add_item_to_queue", &it->tid);

	queue_push(w, it);
	ilu_debug(&it->tid, "Added item to front of queue minheap", KV("component", "minheap"),
	          KV("arrived", it->fn->name), KV("priority", it->rank));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::cpu_q_invoke"

static const char *const state_names[] = {"Error", "Unhealthy", "Cold", "Prewarm", "Warm"};

static void estimate(struct worker *w, const struct item *it)
{
	struct queue *q = &w->queue;
	enum container_state state = pool_expect(&w->pool, it->fn);

	ilu_mutex_lock(&q->lock);
	double runtime_s = estimate_time(&q->estimates[it->fn->index], state);
	int side_by_side = q->len < q->cores ? q->len : q->cores;
	double queue_s = q->len <= q->cores - q->running ? 0.0 : q->load_s / side_by_side;
	ilu_mutex_unlock(&q->lock);
	ilu_debug(&it->tid, "CPU estimated completion time of item", KV("queue_time", queue_s),
	          KV("state", state_names[state]), KV("runtime", runtime_s));
}

static void enqueue_item(struct worker *w, struct item *it)
{
	static void (*const add[])(struct worker *, struct item *) = {
	    [POLICY_FCFS] = add_to_fcfs, [POLICY_SJF] = add_to_minheap, [POLICY_EDF] = add_to_minheap_ed};

	ILU_SPAN_AT(ILU_DEBUG, span, "enqueue_item", &it->tid);

	ilu_debug(&it->tid, "CPU queue item");
	add[w->queue.policy](w, it);
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::invocation::dispatching::queueing_dispatcher"

static void enqueue_new_invocation(struct worker *w, struct item *it)
{
	ILU_SPAN(span, "enqueue_new_invocation", &it->tid);

	ilu_debug(&it->tid, "Enqueueing invocation");
	estimate(w, it);
	it->span = ilu_span_share(span);
	it->insert_ns = now_ns();
	enqueue_item(w, it);
}

static void sync_invocation(struct worker *w, struct item *it)
{
	ILU_SPAN_AT(ILU_DEBUG, span, "sync_invocation", &it->tid);
	int64_t begin = now_ns();
	char e2e[32];

	enqueue_new_invocation(w, it);
	queue_await(&w->queue, it);
	format_seconds(now_ns() - begin, 9, e2e);
	ilu_info(&it->tid, "Invocation complete", KV("fqdn", it->fn->fqdn), KV("e2etime", e2e),
	         KV("compute", it->compute == COMPUTE_CPU ? "CPU" : ""));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::registration"

static void log_registered(const ilu_tid *tid, const struct function *fn)
{
	ilu_info(tid, "function was successfully registered", KV("function_name", fn->name),
	         KV("function_version", FUNCTION_VERSION), KV("fqdn", fn->fqdn));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::worker_api::iluvatar_worker"

void dispatch_register(const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "register", tid);

	ilu_info(tid, "Handling register request", KV("function_name", fn->name),
	         KV("function_version", FUNCTION_VERSION), KV("image", fn->image));
	log_registered(tid, fn);
}

int dispatch_prewarm(struct worker *w, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "prewarm", tid);

	ilu_info(tid, "Handling prewarm request", KV("function_name", fn->name),
	         KV("function_version", FUNCTION_VERSION));
	return pool_prewarm(w, tid, fn);
}

/* In the log it had an answer and came into no queue. */
static void refuse(struct queue *q, struct item *it)
{
	ilu_mutex_lock(&q->lock);
	it->done = true;
	ilu_mutex_unlock(&q->lock);
	it->why.text = "refused in the log that is replayed";
}

void dispatch_invoke(struct worker *w, struct item *it)
{
	ILU_SPAN(span, "invoke", &it->tid);

	truth_arrived(it);
	ilu_info(&it->tid, "Handling invocation request");
	if (it->own.is && it->own.end == OWN_REFUSED) {
		refuse(&w->queue, it);
		return;
	}
	ilu_debug(&it->tid, "Sending invocation to invoker");
	sync_invocation(w, it);
}
