/* SPDX-License-Identifier: Apache-2.0 */
/* load_monitor.c - asks each worker for its load every while. Between, balancers go by what it was. */
#define ILU_TARGET "iluvatar_worker_library::worker_api::sim_worker"
#include "controller.h"

#include <stdio.h>
#include <string.h>

struct status {
	double load_avg, cpu_pct, memory_pct;
	int len, running;
};

static struct status ask(struct worker *w)
{
	const ilu_tid me = ilu_tid_named("LoadMonitor");
	ILU_SPAN(span, "enter_worker", &me, KV("worker", w->name));
	struct queue *q = &w->queue;
	struct pool *p = &w->pool;
	struct status s;

	ilu_mutex_lock(&q->lock);
	s = (struct status){.load_avg = q->load_s / q->cores,
	                    .cpu_pct = 100.0 * q->running / q->cores,
	                    .len = q->len,
	                    .running = q->running};
	ilu_mutex_unlock(&q->lock);
	ilu_mutex_lock(&p->lock);
	s.memory_pct = 100.0 * (double)p->used_mb / (double)p->total_mb;
	ilu_mutex_unlock(&p->lock);
	return s;
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_controller_library::services::load_reporting"

#define ONE 256 /* bytes that a worker takes in the message, at most */

static void monitor_once(struct controller *c, const ilu_tid *me)
{
	ILU_SPAN(span, "monitor_simulation", me);
	char text[16 * ONE];
	size_t at = 0;

	for (int i = 0; i < c->sim->nworkers; i++) {
		struct worker *w = &c->sim->workers[i];
		struct status s = ask(w);

		ilu_mutex_lock(&c->lock);
		c->load[i] = s.load_avg;
		ilu_mutex_unlock(&c->lock);
		if (at + ONE < sizeof text)
			at += (size_t)snprintf(text + at, ONE,
			                       "%s\"%s\": WorkerStatus { cpu_loadavg: %.6f, gpu_loadavg: 0.0, "
			                       "cpu_util: %.2f, cpu_queue_len: %d, gpu_queue_len: 0, host_mem_pct: "
			                       "%.2f, num_running_funcs: %d }",
			                       i ? ", " : "{", w->name, s.load_avg, s.cpu_pct, s.len, s.memory_pct,
			                       s.running);
	}
	memcpy(text + at, "}", 2);
	ilu_info(me, "latest simulated worker update", KV("update", text));
}

int load_monitor(void *arg)
{
	const ilu_tid me = ilu_tid_named("LoadMonitor");
	struct controller *c = arg;

	do
		monitor_once(c, &me);
	while (!stop_wait(&c->sim->silence, LOAD_INTERVAL));
	return 0;
}
