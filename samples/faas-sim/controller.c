/* SPDX-License-Identifier: Apache-2.0 */
/* controller.c - the controller's API: what a request goes through before it comes to a worker. */
#define ILU_TARGET "iluvatar_worker_library::worker_api::sim_worker"
#include "controller.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define CHOICE (MS / 50) /* takes a balancer */

void controller_begin_choice(struct controller *c)
{
	ilu_mutex_lock(&c->lock);
	ilu_clock_sleep(CHOICE);
}

void controller_end_choice(struct controller *c)
{
	ilu_mutex_unlock(&c->lock);
}

void controller_call(struct controller *c, struct worker *w, struct item *it)
{
	it->worker = w;
	truth_dispatched(it);
	if (!it->own.is)
		pause_ns(c->sim->opt.network_ns);
	else if (it->own.to_worker_ns > CHOICE)
		pause_ns(it->own.to_worker_ns - CHOICE); /* measured from the controller on */

	ILU_SPAN(span, "enter_worker", &it->tid, KV("worker", w->name));
	dispatch_invoke(w, it);
}

int controller_call_prewarm(struct controller *c, struct worker *w, const ilu_tid *tid, const struct function *fn)
{
	pause_ns(c->sim->opt.network_ns);

	ILU_SPAN(span, "enter_worker", tid, KV("worker", w->name));
	return dispatch_prewarm(w, tid, fn);
}

static void register_on(const struct worker *w, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "enter_worker", tid, KV("worker", w->name));

	dispatch_register(tid, fn);
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_controller_library::services::registration"

static void log_worker_registered(const ilu_tid *tid, const struct worker *w)
{
	ilu_info(tid, "worker successfully registered", KV("worker", w->name));
}

static void register_across(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	ilu_info(tid, "Function was registered", KV("fqdn", fn->fqdn));
	for (int i = 0; i < c->nworkers; i++)
		register_on(&c->sim->workers[i], tid, fn);
	ilu_info(tid, "Function was registered across workers", KV("fqdn", fn->fqdn));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_controller_library::server::controller"

void controller_register_worker(struct controller *c, struct worker *w)
{
	const ilu_tid name = ilu_tid_named(w->name), tid = ilu_tid_generate();
	ILU_SPAN(span, "register_worker", &name);

	ilu_mutex_lock(&c->lock);
	c->balancer->add(c, &tid, w);
	c->nworkers++;
	ilu_mutex_unlock(&c->lock);
	log_worker_registered(&tid, w);
}

void controller_register(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "register", tid);

	register_across(c, tid, fn);
}

int controller_prewarm(struct controller *c, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "prewarm", tid);

	ilu_info(tid, "Sending function to load balancer for prewarm", KV("fqdn", fn->fqdn));
	return c->balancer->prewarm(c, tid, fn);
}

int controller_prewarm_on(struct controller *c, struct worker *w, const ilu_tid *tid, const struct function *fn)
{
	ILU_SPAN(span, "prewarm", tid);

	ilu_info(tid, "Sending function to load balancer for prewarm", KV("fqdn", fn->fqdn));
	return controller_call_prewarm(c, w, tid, fn);
}

/* Returns the time since the function's last request, in s; 0: this is the first. */
static double track(struct controller *c, const struct function *fn)
{
	int64_t now = now_ns();
	double iat_s = 0;

	ilu_mutex_lock(&c->iat_lock);
	if (c->last_ns[fn->index]) {
		iat_s = (double)(now - c->last_ns[fn->index]) / 1e9;
		average(&c->iat_s[fn->index], iat_s);
	}
	c->last_ns[fn->index] = now;
	ilu_mutex_unlock(&c->iat_lock);
	return iat_s;
}

void controller_invoke(struct controller *c, struct item *it)
{
	ILU_SPAN(span, "invoke", &it->tid);

	truth_at_controller(it);
	ilu_info(&it->tid, "Sending function to load balancer for invocation", KV("iat", track(c, it->fn)),
	         KV("fqdn", it->fn->fqdn));
	c->balancer->send(c, it);
}

/* ---- begin and end ---- */

int controller_new(struct sim *sim, struct controller **out)
{
	static const struct balancer *const balancers[] = {[BALANCE_ROUND_ROBIN] = &round_robin,
	                                                   [BALANCE_LEAST_LOADED] = &least_loaded,
	                                                   [BALANCE_CH_RLU] = &ch_rlu,
	                                                   [BALANCE_RECORDED] = &recorded};
	struct controller *c = calloc(1, sizeof *c);
	size_t workers = (size_t)sim->opt.workers, functions = (size_t)sim->nfns;

	*out = c;
	if (!c)
		return -ENOMEM;
	*c = (struct controller){.sim = sim, .balancer = balancers[sim->opt.balance]};
	c->load = calloc(workers, sizeof *c->load);
	c->last_ns = calloc(functions, sizeof *c->last_ns);
	c->iat_s = calloc(functions, sizeof *c->iat_s);
	c->ring = calloc(workers * PLACES, sizeof *c->ring);
	c->popular = calloc(functions, sizeof *c->popular);
	if (!c->load || !c->last_ns || !c->iat_s || !c->ring || !c->popular)
		return -ENOMEM;
	ilu_mutex_init(&c->lock, "load balancer");
	ilu_mutex_init(&c->iat_lock, "times between requests");
	ilu_random_seed(&c->random, sim->opt.seed, "load balancer");
	return 0;
}

int controller_start(struct controller *c)
{
	int rc = c->balancer->update ? ilu_task_start(&c->monitor, "load-monitor", 0, STACK, load_monitor, c) : 0;

	if (!rc && c->balancer->update)
		rc = ilu_task_start(&c->updater, "load-balancer", 0, STACK, c->balancer->update, c);
	return rc;
}

void controller_stop(struct controller *c)
{
	if (c->monitor)
		ilu_join(c->monitor, NULL);
	if (c->updater)
		ilu_join(c->updater, NULL);
	free(c->load);
	free(c->last_ns);
	free(c->iat_s);
	free(c->ring);
	free(c->popular);
	free(c);
}
