/* SPDX-License-Identifier: Apache-2.0 */
/* status.c - what the worker reports about itself every while, under names of its own. */
#define ILU_TARGET "iluvatar_worker_library::services::invocation::dispatching::queueing_dispatcher"
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>

#define STATUS_INTERVAL (500 * MS)

/* What the worker would say of its load: seconds of work in the queue, and these for each core. */
static void report_queue(struct queue *q, uint64_t *last_completed)
{
	const ilu_tid me = ilu_tid_named("DISPATCHER_INVOKER_LOG");
	char info[256];

	ilu_mutex_lock(&q->lock);
	int running = q->running, len = q->len;
	double load = q->load_s;
	uint64_t completed = q->completed;
	ilu_mutex_unlock(&q->lock);
	double tput = (double)(completed - *last_completed) * 1e9 / (double)STATUS_INTERVAL;
	*last_completed = completed;
	snprintf(info, sizeof info,
	         "{\"num_running_funcs\":%d,\"queues\":{\"CPU\":{\"len\":%d,\"load\":%.3f,\"load_avg\":%.3f,\"tput\":%."
	         "1f}}}",
	         running, len, load, load / q->cores, tput);
	ilu_info(&me, "current queue info", KV("num_running_funcs", running), KV("queue_info", info));
}

#undef ILU_TARGET
#define ILU_TARGET "iluvatar_worker_library::services::resources::cpu"

/* Ticks of all processors since the start: the first line of /proc/stat. */
struct ticks {
	unsigned long long user, nice, system, idle, iowait;
};

static bool ticks_read(struct ticks *t)
{
	FILE *f = fopen("/proc/stat", "r");
	bool ok =
	    f && fscanf(f, "cpu %llu %llu %llu %llu %llu", &t->user, &t->nice, &t->system, &t->idle, &t->iowait) == 5;

	if (f)
		fclose(f);
	return ok;
}

/* Writes the share of each kind of time since the last report, in percent; nulls the first time. */
static void format_shares(char *out, size_t size, const struct ticks *was, const struct ticks *is)
{
	double user = (double)(is->user + is->nice - was->user - was->nice),
	       system = (double)(is->system - was->system);
	double idle = (double)(is->idle - was->idle), wait = (double)(is->iowait - was->iowait);
	double all = user + system + idle + wait;

	if (!was->idle || all <= 0)
		snprintf(out, size, "\"cpu_us\":null,\"cpu_sy\":null,\"cpu_id\":null,\"cpu_wa\":null");
	else
		snprintf(out, size, "\"cpu_us\":%.2f,\"cpu_sy\":%.2f,\"cpu_id\":%.2f,\"cpu_wa\":%.2f", 100 * user / all,
		         100 * system / all, 100 * idle / all, 100 * wait / all);
}

/* On virtual time the machine is the simulated one: its cores are busy while they run items. */
static void simulated_util(struct queue *q, double *load_avg, char *out, size_t size)
{
	ilu_mutex_lock(&q->lock);
	double user = 100.0 * q->running / q->cores;
	*load_avg = 0.8 * *load_avg + 0.2 * (q->running + q->len);
	ilu_mutex_unlock(&q->lock);
	snprintf(out, size,
	         "{\"cpu_us\":%.2f,\"cpu_sy\":0.00,\"cpu_id\":%.2f,\"cpu_wa\":0.00,\"load_avg_1minute\":%.2f,\"num_"
	         "system_cores\":%d}",
	         user, 100 - user, *load_avg, q->cores);
}

static bool real_util(int cores, struct ticks *last, char *out, size_t size)
{
	struct ticks now = {0};
	char shares[160];
	double load = 0;

	if (!ticks_read(&now))
		return false;
	format_shares(shares, sizeof shares, last, &now);
	*last = now;
	if (getloadavg(&load, 1) != 1)
		load = 0;
	snprintf(out, size, "{%s,\"load_avg_1minute\":%.2f,\"num_system_cores\":%d}", shares, load, cores);
	return true;
}

static void report_cpu(struct queue *q, double *load_avg, struct ticks *last)
{
	const ilu_tid me = ilu_tid_named("CPU_MON_BG");
	char util[256];

	ilu_debug(&me, "Computing system utilization");
	if (ilu_clock_is_virtual())
		simulated_util(q, load_avg, util, sizeof util);
	else if (!real_util(q->cores, last, util, sizeof util))
		return;
	ilu_info(&me, "CPU utilization", KV("cpu_util", util));
}

static int status(void *arg)
{
	struct worker *w = arg;
	struct ticks last = {0};
	uint64_t completed = 0;
	double load_avg = 0;

	do {
		report_queue(&w->queue, &completed);
		report_cpu(&w->queue, &load_avg, &last);
	} while (!stop_wait(&w->sim->silence, STATUS_INTERVAL));
	return 0;
}

int status_start(struct worker *w)
{
	return worker_task(w, &w->status, "status", status);
}

void status_join(struct worker *w)
{
	ilu_join(w->status, NULL);
}
