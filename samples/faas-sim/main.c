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
	__atomic_store_n(&sim->signal, sig, __ATOMIC_RELAXED);
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
	struct ilu_clock_options c = {.kind = o->virtual_time ? ILU_CLOCK_VIRTUAL : ILU_CLOCK_REAL, .seed = o->seed};
	int rc = ilu_clock_start(&c);

	if (rc)
		fprintf(stderr, "faas-sim: the clock cannot be started: %s\n", strerror(-rc));
	return rc;
}

/* A file for each process that there would be: its lines are known by their target, a worker's by their span. */
static json_t *log_files(const struct options *o)
{
	json_t *files = json_array();
	char name[32], filter[64];

	for (int i = 0; i < o->workers; i++) {
		snprintf(name, sizeof name, "worker_%d.log", i);
		snprintf(filter, sizeof filter, "[enter_worker{worker=worker_%d}]=trace", i);
		json_array_append_new(files, json_pack("{s:s, s:s}", "file", name, "filter", filter));
	}
	json_array_append_new(files,
	                      json_pack("{s:s, s:s}", "file", "controller.log", "filter", "iluvatar_controller=trace"));
	json_array_append_new(files,
	                      json_pack("{s:s, s:s}", "file", "load_gen.log", "filter", "iluvatar_load_gen=trace"));
	return files;
}

static json_t *log_config(const struct options *o)
{
	static const char routes[] =
	    ",iluvatar_worker_library::worker_api::sim_worker=info"; /* of its span: else no line would be a worker's */
	char *level = malloc(strlen(o->level) + sizeof routes);
	json_t *config = NULL;

	if (!level)
		return NULL;
	strcpy(level, o->level);
	if (o->workers && strcmp(level, "off"))
		strcat(level, routes);
	config = json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:o}", "level", level, "directory", o->directory, "basename",
	                   o->workers ? "" : "worker", "at_start", "new", "spanning", o->spanning, "include_spans_json",
	                   1, "sinks", log_files(o));
	if (config && !o->workers)
		json_object_del(config, "sinks");
	free(level);
	return config;
}

static int log_start(const struct options *o)
{
	json_t *config = log_config(o);
	char *text = config ? json_dumps(config, JSON_COMPACT) : NULL;
	int rc = text ? ilu_log_start(text) : -EINVAL;

	free(text);
	json_decref(config);
	if (rc)
		fprintf(stderr, "faas-sim: the log cannot be started in %s: %s\n", o->directory, strerror(-rc));
	return rc;
}

static int forget(const struct options *o, const char *name)
{
	char path[4096];

	snprintf(path, sizeof path, "%s/%s", o->directory, name);
	if (unlink(path) == 0 || errno == ENOENT)
		return 0;
	fprintf(stderr, "faas-sim: %s: %s\n", path, strerror(errno));
	return -errno;
}

/* As Ilúvatar does: the logs are those of this run alone, and fit the results. */
static int log_forget(const struct options *o)
{
	static const char *const names[] = {"worker.log", "controller.log", "load_gen.log", "containerd.log",
	                                    "truth.jsonl"};
	char name[32];
	int rc = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names && !rc; i++)
		rc = forget(o, names[i]);
	for (int i = 0; i < MOST_WORKERS && !rc; i++) {
		snprintf(name, sizeof name, "worker_%d.log", i);
		rc = forget(o, name);
	}
	return rc;
}

/* ---- the worker ---- */

static void register_functions(struct sim *sim)
{
	char name[48];

	for (int i = 0; i < sim->nfns; i++) {
		const struct function *fn = sim->fns[i];

		if (sim->controller)
			snprintf(name, sizeof name, "%.42s-reg", fn->fqdn);
		else
			snprintf(name, sizeof name, "%.38s-reg-tid", fn->name);
		const ilu_tid tid = ilu_tid_named(name);
		if (sim->controller)
			controller_register(sim->controller, &tid, fn);
		else
			dispatch_register(&tid, fn);
	}
}

/* worker NULL: the balancer chooses. A failure is in the log, and the first request starts cold. */
static void prewarm(struct sim *sim, const struct function *fn, int k, const int *worker)
{
	char name[48];

	if (sim->controller)
		snprintf(name, sizeof name, "%.26s-prewarm-%d", fn->name, k);
	else
		snprintf(name, sizeof name, "%d-%.26s-prewarm", k, fn->name);
	const ilu_tid tid = ilu_tid_named(name);
	if (sim->controller && worker)
		controller_prewarm_on(sim->controller, &sim->workers[*worker], &tid, fn);
	else if (sim->controller)
		controller_prewarm(sim->controller, &tid, fn);
	else
		dispatch_prewarm(sim->workers, &tid, fn);
}

/* Those of --from, unless --prewarms says how many. */
static void prewarm_recorded(struct sim *sim)
{
	const bool same = sim->opt.balance == BALANCE_RECORDED;

	for (size_t i = 0; i < sim->nprewarms; i++)
		for (int k = 0; k < sim->prewarms[i].count; k++)
			prewarm(sim, sim->prewarms[i].fn, k, same ? &sim->prewarms[i].worker : NULL);
}

static void prewarm_functions(struct sim *sim)
{
	if (sim->opt.prewarms < 0)
		prewarm_recorded(sim);
	for (int i = 0; i < sim->nfns; i++)
		for (int k = 0; k < sim->fns[i]->prewarms; k++)
			prewarm(sim, sim->fns[i], k, NULL);
}

static int start_workers(struct sim *sim)
{
	int n = sim->opt.workers ? sim->opt.workers : 1, rc = 0;

	sim->workers = calloc((size_t)n, sizeof *sim->workers);
	if (!sim->workers)
		return -ENOMEM;
	for (; sim->nworkers < n && !rc; sim->nworkers++) {
		struct worker *w = &sim->workers[sim->nworkers];

		w->sim = sim;
		if (sim->controller)
			snprintf(w->name, sizeof w->name, "worker_%d", sim->nworkers);
		else
			snprintf(w->name, sizeof w->name, "worker");
		rc = worker_start(w);
		if (!rc && sim->controller)
			controller_register_worker(sim->controller, w);
	}
	return rc;
}

static int start(struct sim *sim)
{
	const ilu_tid startup = ilu_tid_named("Startup");
	int rc = snapshots_start(sim);

	if (!rc && sim->opt.workers)
		rc = controller_new(sim, &sim->controller);
	if (!rc)
		rc = start_workers(sim);
	if (!rc && sim->controller)
		rc = controller_start(sim->controller);
	if (!rc)
		slowness_start(sim);
	if (rc) {
		fprintf(stderr, "faas-sim: a thread cannot be started: %s\n", strerror(-rc));
		return rc;
	}
	if (!sim->controller)
		ilu_info(&startup, "Skipping controller registration");
	benchmark_log(sim);
	register_functions(sim);
	prewarm_functions(sim);
	return 0;
}

static void end(struct sim *sim)
{
	const ilu_tid startup = ilu_tid_named("Startup");

	if (!sim->controller)
		ilu_info(&startup, "Signalling worker exit");
	stop_tell(&sim->silence);
	if (sim->unanswered)
		return; /* workers hang: they are left behind */
	if (sim->controller)
		controller_stop(sim->controller);
	for (int i = 0; i < sim->nworkers; i++)
		worker_stop(&sim->workers[i]);
	snapshots_stop(sim);
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
		ok += sim->items[i]->compute == COMPUTE_CPU && sim->items[i]->own.end != OWN_ERROR;
		cold += sim->items[i]->state == STATE_COLD;
	}
	printf("%zu invocations, %zu cold, %zu failed: %s%s\n", sim->nitems, cold, sim->nitems - ok - unanswered,
	       sim->opt.directory, sim->opt.workers ? "" : "/worker.log");
	if (unanswered)
		printf("%zu without an answer\n", unanswered);
	for (int i = 0; i < FAULTS; i++)
		if (f->on[i])
			printf("%s: %llu\n", fault_name((enum fault)i), (unsigned long long)f->told[i]);
}

/* A function larger than all memory would wait for ever. */
static int functions_fit(const struct sim *sim)
{
	for (int i = 0; i < sim->nfns; i++)
		if (sim->fns[i]->mem_mb > sim->opt.memory_mb) {
			fprintf(stderr, "faas-sim: function \"%s\" needs %d MB, and --memory is %d\n",
			        sim->fns[i]->name, sim->fns[i]->mem_mb, sim->opt.memory_mb);
			return -EINVAL;
		}
	return 0;
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
	if (functions_load(&sim) || functions_fit(&sim) || (sim.opt.trace && trace_load(&sim)) ||
	    (sim.opt.from && replay_requests(&sim)))
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
	progress_start(&sim);
	rc = run(&sim);
	progress_end();
	ilu_clock_stop();
	ilu_log_stop();
	say(&sim);
	if (truth_write(&sim) | faults_end(&sim)) {
		fprintf(stderr, "faas-sim: the truth file cannot be written\n");
		rc = 4;
	}
	if (!sim.unanswered) {
		arrivals_free(&sim);
		functions_free(&sim);
		free(sim.workers);
	}
	return rc ? rc : sim.signal ? 128 + sim.signal : 0;
}
