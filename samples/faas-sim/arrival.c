/* SPDX-License-Identifier: Apache-2.0 */
/* arrival.c - sends what the load draws or the trace has, each request by a task of its own, and waits for the answers.
 */
#define ILU_TARGET "iluvatar_load_gen::trace::worker_trace"
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct request {
	struct sim *sim;
	struct item item;
	ilu_thread *thread;
};

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_load_gen::utils"

/* To the next process; with --from as long as it took then. */
static void travel(const struct sim *sim, const struct item *it)
{
	pause_ns(!it->own.is ? sim->opt.network_ns : sim->controller ? it->own.to_controller_ns : it->own.to_worker_ns);
}

static int request(void *arg)
{
	struct request *r = arg;
	struct item *it = &r->item;

	it->sent_ns = now_ns();
	ilu_debug(&it->tid, "Sending invocation to worker");
	travel(r->sim, it);
	if (r->sim->controller)
		controller_invoke(r->sim->controller, it);
	else
		dispatch_invoke(it->worker, it);
	if (it->own.return_ns > 0)
		pause_ns(it->own.return_ns);
	it->latency_ns = now_ns() - it->sent_ns;
	__atomic_fetch_add(&r->sim->answered, 1, __ATOMIC_RELAXED);
	ilu_debug(&it->tid, "Invocation returned from worker");
	return 0;
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_load_gen::trace::worker_trace"

static int remember(struct sim *sim, struct item *it)
{
	/* Grows at powers of two. */
	if (!(sim->nitems & (sim->nitems - 1))) {
		struct item **items = realloc(sim->items, (sim->nitems ? sim->nitems * 2 : 1) * sizeof *items);

		if (!items)
			return -ENOMEM;
		sim->items = items;
	}
	sim->items[sim->nitems] = it;
	__atomic_store_n(&sim->nitems, sim->nitems + 1, __ATOMIC_RELAXED);
	return 0;
}

static struct request *request_of(struct item *it)
{
	return (struct request *)((char *)it - offsetof(struct request, item));
}

static int send_one(struct sim *sim, const struct function *fn, const struct own *own, bool poisoned)
{
	const ilu_tid me = ilu_tid_named("LiveWorkerLoad");
	struct request *r = calloc(1, sizeof *r);
	char elapsed[32];
	int rc = r ? 0 : -ENOMEM;

	if (rc)
		return rc;
	*r = (struct request){
	    .sim = sim, .item = {.tid = ilu_tid_generate(), .fn = fn, .poisoned = poisoned, .worker = sim->workers}};
	if (own)
		r->item.own = *own;
	__atomic_store_n(&sim->elapsed_ns, now_ns() - sim->start_ns, __ATOMIC_RELAXED);
	format_seconds(sim->elapsed_ns * 1000, 3, elapsed);
	strcat(elapsed, "ms");
	ilu_debug(&me, "Launching invocation", KV("elapsed", elapsed), KV("waiting", sim->nitems));
	ilu_cond_init(&r->item.answered, "answer");
	rc = truth_prepare(sim, &r->item);
	if (!rc)
		rc = remember(sim, &r->item);
	if (rc) {
		free(r->item.moments);
		free(r);
		return rc;
	}
	rc = ilu_task_start(&r->thread, "request", 0, STACK, request, r);
	if (rc) {
		sim->nitems--;
		free(r->item.moments);
		free(r);
	}
	return rc;
}

/* -ETIMEDOUT: some had none when --drain was over. */
static int await_answers(struct sim *sim)
{
	int64_t until = sim->opt.drain_s > 0 ? ilu_clock_after((int64_t)(sim->opt.drain_s * 1e9)) : ILU_FOREVER;
	int rc = 0;

	for (size_t i = 0; i < sim->nitems && !rc; i++)
		rc = ilu_join_until(request_of(sim->items[i])->thread, until, NULL);
	return rc;
}

static int send_trace(struct sim *sim)
{
	const struct arrival *a = sim->trace;
	int rc = 0;

	for (size_t i = 0;
	     i < sim->ntrace && !rc && !stop_wait(&sim->stop, pause_end(sim->start_ns + a[i].at_ns) - now_ns()); i++)
		rc = send_one(sim, a[i].fn, &a[i].own, false);
	return rc;
}

static int send_drawn(struct sim *sim)
{
	struct load *load;
	struct drawn d;
	int rc = load_new(sim, &load);

	while (!rc && load_next(load, &d) &&
	       !stop_wait(&sim->stop, pause_end(sim->start_ns + (int64_t)(d.at_s * 1e9)) - now_ns()))
		for (int i = 0; i < d.count && !rc; i++)
			rc = send_one(sim, d.fn, NULL, d.poisoned[i]);
	load_free(load);
	return rc;
}

int arrivals_run(struct sim *sim)
{
	const ilu_tid me = ilu_tid_named("LiveWorkerLoad");
	int rc;

	sim->start_ns = now_ns();
	pause_tick(sim->opt.tick_ns);
	ilu_info(&me, "Starting invocations");
	rc = sim->opt.trace || sim->opt.from ? send_trace(sim) : send_drawn(sim);
	if (sim->opt.tick_ns)
		pause_tick(MS); /* the load generator has nothing to send any more, and takes longer steps */
	ilu_info(&me, "Invocations sent, awaiting on thread handles");
	if (await_answers(sim))
		sim->unanswered = true;
	else
		ilu_info(&me, "Threads closed, writing results to file");
	return rc;
}

void arrivals_free(struct sim *sim)
{
	for (size_t i = 0; i < sim->nitems; i++) {
		free(sim->items[i]->moments);
		free(request_of(sim->items[i]));
	}
	free(sim->items);
	free(sim->trace);
	free(sim->prewarms);
}
