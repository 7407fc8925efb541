/* SPDX-License-Identifier: Apache-2.0 */
/* arrival.c - the load: requests at random times, some in bursts, each a task of its own. */
#define ILU_TARGET "iluvatar_load_gen::trace::worker_trace"
#include "sim.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BURST_SHARE 0.04 /* of the arrivals are the first of several of the same function */
#define BURST_SIZE 8
#define POISON_SHARE 0.01 /* of the requests crash their container */

struct request {
	struct sim *sim;
	struct item item;
	ilu_thread *thread;
};

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_load_gen::utils"

static int request(void *arg)
{
	struct request *r = arg;
	struct item *it = &r->item;

	it->sent_ns = now_ns();
	ilu_debug(&it->tid, "Sending invocation to worker");
	pause_ns(r->sim->opt.network_ns);
	if (r->sim->controller)
		controller_invoke(r->sim->controller, it);
	else
		dispatch_invoke(it->worker, it);
	it->latency_ns = now_ns() - it->sent_ns;
	ilu_debug(&it->tid, "Invocation returned from worker");
	return 0;
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_load_gen::trace::worker_trace"

static const struct function *choose(const struct sim *sim, struct rng *rng)
{
	int total = 0, i = 0;

	for (int k = 0; k < sim->nfns; k++)
		total += sim->fns[k]->weight;
	for (int at = (int)(rng_unit(rng) * total); at >= sim->fns[i]->weight; i++)
		at -= sim->fns[i]->weight;
	return sim->fns[i];
}

static int remember(struct sim *sim, struct item *it)
{
	/* Grows at powers of two. */
	if (!(sim->nitems & (sim->nitems - 1))) {
		struct item **items = realloc(sim->items, (sim->nitems ? sim->nitems * 2 : 1) * sizeof *items);

		if (!items)
			return -ENOMEM;
		sim->items = items;
	}
	sim->items[sim->nitems++] = it;
	return 0;
}

static struct request *request_of(struct item *it)
{
	return (struct request *)((char *)it - offsetof(struct request, item));
}

static int send_one(struct sim *sim, const struct function *fn, bool poisoned)
{
	const ilu_tid me = ilu_tid_named("LiveWorkerLoad");
	struct request *r = calloc(1, sizeof *r);
	char elapsed[32];
	int rc = r ? 0 : -ENOMEM;

	if (rc)
		return rc;
	*r = (struct request){.sim = sim, .item = {.tid = ilu_tid_generate(), .fn = fn, .poisoned = poisoned, .worker = sim->workers}};
	format_seconds((now_ns() - sim->start_ns) * 1000, 3, elapsed);
	strcat(elapsed, "ms");
	ilu_debug(&me, "Launching invocation", KV("elapsed", elapsed), KV("waiting", sim->nitems));
	ilu_cond_init(&r->item.answered, "answer");
	rc = truth_prepare(sim, &r->item);
	if (!rc)
		rc = remember(sim, &r->item);
	if (rc) {
		free(r->item.tries);
		free(r);
		return rc;
	}
	rc = ilu_task_start(&r->thread, "request", 0, STACK, request, r);
	if (rc) {
		sim->nitems--;
		free(r->item.tries);
		free(r);
	}
	return rc;
}

/* The next instant of the trace: after how long, of which function, how many. */
static int send_next(struct sim *sim, struct rng *rng)
{
	const struct function *fn = choose(sim, rng);
	int n = rng_unit(rng) < BURST_SHARE ? BURST_SIZE : 1;
	int rc = 0;

	while (n-- > 0 && !rc)
		rc = send_one(sim, fn, rng_unit(rng) < POISON_SHARE);
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

	for (size_t i = 0; i < sim->ntrace && !rc && !stop_wait(&sim->stop, pause_end(sim->start_ns + a[i].at_ns) - now_ns()); i++)
		rc = send_one(sim, a[i].fn, false);
	return rc;
}

static int send_drawn(struct sim *sim, struct rng *rng)
{
	const double mean_s = (1 + BURST_SHARE * (BURST_SIZE - 1)) / sim->opt.rate;
	int rc = 0;

	for (double at_s = rng_exponential(rng, mean_s); !rc && at_s < sim->opt.seconds; at_s += rng_exponential(rng, mean_s)) {
		if (stop_wait(&sim->stop, sim->start_ns + (int64_t)(at_s * 1e9) - now_ns()))
			break;
		rc = send_next(sim, rng);
	}
	return rc;
}

int arrivals_run(struct sim *sim)
{
	const ilu_tid me = ilu_tid_named("LiveWorkerLoad");
	struct rng rng = {sim->opt.seed};
	int rc;

	sim->start_ns = now_ns();
	pause_tick(sim->opt.tick_ns);
	ilu_info(&me, "Starting invocations");
	rc = sim->opt.trace ? send_trace(sim) : send_drawn(sim, &rng);
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
		free(sim->items[i]->tries);
		free(request_of(sim->items[i]));
	}
	free(sim->items);
	free(sim->trace);
}
