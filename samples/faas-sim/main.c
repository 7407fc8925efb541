/* SPDX-License-Identifier: Apache-2.0 */
/* main.c - starts the rooms of the worker, lets the load run, and ends them in reverse. */
#define ILU_TARGET "iluvatar_worker"
#include "sim.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- the signals that end the arrivals ---- */

static void block_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	pthread_sigmask(SIG_BLOCK, set, NULL);
}

static void *wait_signal(void *arg)
{
	struct sim *sim = arg;
	sigset_t set;
	int sig;

	block_signals(&set);
	sigwait(&set, &sig); /* raw: the same */
	stop_tell(&sim->stop);
	signal(sig, SIG_DFL); /* a second one ends the process */
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
	sigfillset(&set);
	sigwait(&set, &sig); /* raw: the same */
	return NULL;
}

/* ---- the clock and the log ---- */

static int clock_start(const struct options *o)
{
	struct ilu_clock_options c = { .kind = o->virtual_time ? ILU_CLOCK_VIRTUAL : ILU_CLOCK_REAL, .seed = o->seed };
	int rc = ilu_clock_start(&c);

	if (rc)
		fprintf(stderr, "faas-sim: the clock cannot be started: %s\n", strerror(-rc));
	return rc;
}

static int log_start(const struct options *o)
{
	json_t *config = json_pack("{s:s, s:s, s:s, s:s, s:b}", "level", o->level, "directory", o->directory, "basename", "worker", "spanning", o->spanning,
				   "include_spans_json", 1);
	char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	int rc = text ? ilu_log_start(text) : -EINVAL;

	free(text);
	json_decref(config);
	if (rc)
		fprintf(stderr, "faas-sim: the log cannot be started in %s: %s\n", o->directory, strerror(-rc));
	return rc;
}

/* As Ilúvatar does: the log is that of this run alone, and fits the results. */
static int log_forget(const struct options *o)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/worker.log", o->directory);
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(errno));
	return -errno;
}

/* ---- the worker ---- */

static void register_functions(struct sim *sim)
{
	char name[48];

	for (int i = 0; i < sim->nfns; i++) {
		snprintf(name, sizeof name, "%s-reg-tid", sim->fns[i]->name);
		const ilu_tid tid = ilu_tid_named(name);
		dispatch_register(&tid, sim->fns[i]);
	}
}

static void prewarm_functions(struct sim *sim)
{
	char name[48];

	for (int i = 0; i < sim->nfns; i++)
		for (int k = 0; k < sim->fns[i]->prewarms; k++) {
			snprintf(name, sizeof name, "%d-%s-prewarm", k, sim->fns[i]->name);
			const ilu_tid tid = ilu_tid_named(name);
			dispatch_prewarm(sim->workers, &tid, sim->fns[i]); /* a failure is in the log, and the first request starts cold */
		}
}

static int start_workers(struct sim *sim)
{
	int rc = 0;

	sim->nworkers = 1;
	sim->workers = calloc((size_t)sim->nworkers, sizeof *sim->workers);
	if (!sim->workers)
		return -ENOMEM;
	for (int i = 0; i < sim->nworkers && !rc; i++) {
		sim->workers[i].sim = sim;
		snprintf(sim->workers[i].name, sizeof sim->workers[i].name, "worker");
		rc = worker_start(&sim->workers[i]);
	}
	return rc;
}

static int start(struct sim *sim)
{
	const ilu_tid startup = ilu_tid_named("Startup");
	int rc;

	if ((rc = snapshots_start(sim)) || (rc = start_workers(sim))) {
		fprintf(stderr, "faas-sim: a thread cannot be started: %s\n", strerror(-rc));
		return rc;
	}
	ilu_info(&startup, "Skipping controller registration");
	benchmark_log(sim);
	register_functions(sim);
	prewarm_functions(sim);
	return 0;
}

static void end(struct sim *sim)
{
	const ilu_tid startup = ilu_tid_named("Startup");

	ilu_info(&startup, "Signalling worker exit");
	stop_tell(&sim->silence);
	if (sim->unanswered)
		return; /* workers hang: they are left behind */
	for (int i = 0; i < sim->nworkers; i++)
		worker_stop(&sim->workers[i]);
	snapshots_stop(sim);
	free(sim->workers);
}

static int save(const struct sim *sim)
{
	char path[4096];
	int rc = results_write(sim, path, sizeof path);

	if (rc)
		fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(-rc));
	return rc;
}

static void say(const struct sim *sim)
{
	const struct faults *f = &sim->opt.faults;
	size_t ok = 0, cold = 0, unanswered = 0;

	for (size_t i = 0; i < sim->nitems; i++) {
		unanswered += !sim->items[i]->done;
		ok += sim->items[i]->compute == COMPUTE_CPU;
		cold += sim->items[i]->state == STATE_COLD;
	}
	printf("%zu invocations, %zu cold, %zu failed: %s/worker.log\n", sim->nitems, cold, sim->nitems - ok - unanswered, sim->opt.directory);
	if (unanswered)
		printf("%zu without an answer\n", unanswered);
	for (int i = 0; i < FAULTS; i++)
		if (f->on[i])
			printf("%s: %llu\n", fault_name((enum fault)i), (unsigned long long)f->told[i]);
}

static int run(struct sim *sim)
{
	int rc = start(sim);

	if (rc)
		exit(4); /* threads that did start are waiting for what will not come */
	rc = arrivals_run(sim);
	if (rc)
		fprintf(stderr, "faas-sim: no more requests: %s\n", strerror(-rc));
	end(sim);
	return save(sim) || rc ? 4 : 0;
}

int main(int argc, char **argv)
{
	static struct sim sim;
	pthread_t signals;
	sigset_t set;
	int rc = options_parse(&sim.opt, argc, argv);

	if (rc >= 0)
		return rc;
	if (functions_load(&sim) || (sim.opt.trace && trace_load(&sim)))
		return 2;
	if (mkdir(sim.opt.directory, 0777) && errno != EEXIST) {
		fprintf(stderr, "faas-sim: %s: %s\n", sim.opt.directory, strerror(errno));
		return 2;
	}
	sim.rng.state = ~sim.opt.seed;
	block_signals(&set); /* all threads inherit it */
	if (clock_start(&sim.opt) || log_forget(&sim.opt) || faults_start(&sim) || log_start(&sim.opt))
		return 2;
	ilu_mutex_init(&sim.rng_lock, "random");
	stop_init(&sim.stop, "end of arrivals");
	stop_init(&sim.silence, "end of background work");
	if (pthread_create(&signals, NULL, wait_signal, &sim) == 0) /* raw: signals come from outside */
		pthread_detach(signals);
	ilu_log_thread_name("load");
	rc = run(&sim);
	ilu_clock_stop();
	ilu_log_stop();
	say(&sim);
	truth_write(&sim);
	if (faults_end(&sim)) {
		fprintf(stderr, "faas-sim: the truth file cannot be written\n");
		rc = 4;
	}
	if (!sim.unanswered) {
		arrivals_free(&sim);
		functions_free(&sim);
	}
	return rc;
}
