/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the command line. */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char usage[] =
	"Usage: faas-sim [OPTION]...\n"
	"Runs a small serverless worker that only sleeps, and writes its log and results as Ilúvatar does.\n"
	"\n"
	"  --directory DIR     where worker.log and the results go, over those of an earlier run (.)\n"
	"  --trace FILE        requests from func_name,invoke_time_ms instead (and --metadata)\n"
	"  --metadata FILE     functions from func_name,cold_dur_ms,warm_dur_ms,mem_mb\n"
	"  --benchmark FILE    what they take, from Ilúvatar's worker_function_benchmarks.json\n"
	"  --prewarms N        containers of a function that are made before the first request, at most (what metadata says)\n"
	"  --backend NAME      containerd: containers are made in its steps, or simulation: in one (simulation with --benchmark)\n"
	"  --network US        of a request's way to the next process (250; 0 with simulation)\n"
	"  --tick US           sleeps end at multiples of it, as in Ilúvatar's simulation; 0: in time (0)\n"
	"  --workers N         so many workers behind a controller; logs and results as of Ilúvatar's cluster (one worker, no controller)\n"
	"  --balance POLICY    who gets a request: round-robin, least-loaded, ch-rlu (consistent hashing) (round-robin)\n"
	"  --load-bound S      ch-rlu: seconds of work for each core, above which a popular function goes on to the next (1.4)\n"
	"  --popular P         ch-rlu: share of functions that are popular (0.2)\n"
	"  --queue POLICY      fcfs, sjf (minheap: shortest job first), edf (minheap_ed: earliest deadline first) (fcfs)\n"
	"  --eviction POLICY   which idle container makes room: lru, greedy-dual (lru)\n"
	"  --seconds N         how long requests arrive (5)\n"
	"  --rate R            requests per second (40)\n"
	"  --arrivals KIND     mixed, poisson, bursty, azure (the day's rhythm, and functions as in --generate 200) (mixed)\n"
	"  --generate N        so many functions, drawn: some are invoked very often, most hardly ever (ours)\n"
	"  --functions LIST    of hello,float,json,aes,gzip (all)\n"
	"  --cores N           invocations at a time, up to 64 (4)\n"
	"  --memory MB         for containers (1280)\n"
	"  --keep-alive MS     of idle containers (1500)\n"
	"  --fail-rate P       share of container creations that fail (0.08)\n"
	"  --faults LIST       what goes wrong: gc-race, store-damage, hang, leak, double-lock, invoke-error, each with =RATE;\n"
	"                      truth.jsonl tells what did\n"
	"  --truth             tell in truth.jsonl also what each invocation's time went into\n"
	"  --gc HOW            containerd's collector: default, off, label (default)\n"
	"  --drain S           how long to wait for answers after the last request; 0: for ever (0; 60 with hang or leak)\n"
	"  --retries N         of a failed invocation (1)\n"
	"  --seed N            of the random choices (the time)\n"
	"  --time KIND         real, or virtual: sleeping takes no time, and the same seed writes the same bytes (real)\n"
	"  --level DIRECTIVES  what is logged (debug)\n"
	"  --spanning S        which span lines: NONE, or some of NEW+ENTER+EXIT+CLOSE, or FULL (NEW+CLOSE)\n"
	"  --help, --version\n"
	"\n"
	"Ctrl-C ends the arrivals; what has arrived is answered, and the results are written. A second one ends all.\n"
	"Exit status: 0, 2 wrong options or input, 4 the system failed, 130 after Ctrl-C.\n";

enum { OPT_DIRECTORY = 256, OPT_SECONDS, OPT_RATE, OPT_FUNCTIONS, OPT_CORES, OPT_MEMORY, OPT_KEEP_ALIVE, OPT_FAIL_RATE, OPT_RETRIES, OPT_SEED, OPT_TIME, OPT_TRACE, OPT_METADATA, OPT_FAULTS, OPT_TRUTH, OPT_BENCHMARK, OPT_PREWARMS, OPT_BACKEND, OPT_NETWORK, OPT_TICK, OPT_ARRIVALS, OPT_GENERATE, OPT_WORKERS, OPT_BALANCE, OPT_LOAD_BOUND, OPT_POPULAR, OPT_QUEUE, OPT_EVICTION, OPT_GC, OPT_DRAIN, OPT_LEVEL, OPT_SPANNING, OPT_HELP, OPT_VERSION };

static const struct option names[] = {
	{"directory", required_argument, NULL, OPT_DIRECTORY},
	{"seconds", required_argument, NULL, OPT_SECONDS},
	{"rate", required_argument, NULL, OPT_RATE},
	{"functions", required_argument, NULL, OPT_FUNCTIONS},
	{"cores", required_argument, NULL, OPT_CORES},
	{"memory", required_argument, NULL, OPT_MEMORY},
	{"keep-alive", required_argument, NULL, OPT_KEEP_ALIVE},
	{"fail-rate", required_argument, NULL, OPT_FAIL_RATE},
	{"retries", required_argument, NULL, OPT_RETRIES},
	{"seed", required_argument, NULL, OPT_SEED},
	{"trace", required_argument, NULL, OPT_TRACE},
	{"metadata", required_argument, NULL, OPT_METADATA},
	{"faults", required_argument, NULL, OPT_FAULTS},
	{"benchmark", required_argument, NULL, OPT_BENCHMARK},
	{"prewarms", required_argument, NULL, OPT_PREWARMS},
	{"backend", required_argument, NULL, OPT_BACKEND},
	{"network", required_argument, NULL, OPT_NETWORK},
	{"tick", required_argument, NULL, OPT_TICK},
	{"arrivals", required_argument, NULL, OPT_ARRIVALS},
	{"generate", required_argument, NULL, OPT_GENERATE},
	{"workers", required_argument, NULL, OPT_WORKERS},
	{"balance", required_argument, NULL, OPT_BALANCE},
	{"load-bound", required_argument, NULL, OPT_LOAD_BOUND},
	{"popular", required_argument, NULL, OPT_POPULAR},
	{"queue", required_argument, NULL, OPT_QUEUE},
	{"eviction", required_argument, NULL, OPT_EVICTION},
	{"truth", no_argument, NULL, OPT_TRUTH},
	{"gc", required_argument, NULL, OPT_GC},
	{"drain", required_argument, NULL, OPT_DRAIN},
	{"time", required_argument, NULL, OPT_TIME},
	{"level", required_argument, NULL, OPT_LEVEL},
	{"spanning", required_argument, NULL, OPT_SPANNING},
	{"help", no_argument, NULL, OPT_HELP},
	{"version", no_argument, NULL, OPT_VERSION},
	{NULL, 0, NULL, 0},
};

/* A number within [min, max], said where it is not. */
static int parse_real(const char *option, const char *text, double min, double max, double *out)
{
	char *end;
	double x;

	errno = 0;
	x = strtod(text, &end);
	if (errno || end == text || *end || !(x >= min && x <= max)) {
		fprintf(stderr, "faas-sim: --%s: \"%s\" is not a number from %g to %g\n", option, text, min, max);
		return -EINVAL;
	}
	*out = x;
	return 0;
}

static int parse_int(const char *option, const char *text, int min, int max, int *out)
{
	double x;

	if (parse_real(option, text, min, max, &x))
		return -EINVAL;
	if (x != (int)x) {
		fprintf(stderr, "faas-sim: --%s: \"%s\" is not a whole number\n", option, text);
		return -EINVAL;
	}
	*out = (int)x;
	return 0;
}

static int parse_seed(const char *text, uint64_t *out)
{
	char *end;
	unsigned long long x;

	errno = 0;
	x = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-') {
		fprintf(stderr, "faas-sim: --seed: \"%s\" is not a number\n", text);
		return -EINVAL;
	}
	*out = x;
	return 0;
}

static int parse_time(const char *text, bool *is_virtual)
{
	*is_virtual = !strcmp(text, "virtual");
	if (*is_virtual || !strcmp(text, "real"))
		return 0;
	fprintf(stderr, "faas-sim: --time: \"%s\" is neither real nor virtual\n", text);
	return -EINVAL;
}

/* The place of text among the names, which are separated by blanks; several with a = between them have one place. -EINVAL: said. */
static int parse_name(const char *option, const char *text, const char *list, int *out)
{
	size_t len = strlen(text);
	int place = 0;

	for (const char *at = list; len && *at; place++) {
		for (size_t n;; at += n + 1) {
			n = strcspn(at, "= ");
			if (n == len && !memcmp(at, text, len)) {
				*out = place;
				return 0;
			}
			if (at[n] != '=') {
				at += n + (at[n] == ' ');
				break;
			}
		}
	}
	fprintf(stderr, "faas-sim: --%s: \"%s\" is none of %s\n", option, text, list);
	return -EINVAL;
}

static int parse_us(const char *option, const char *text, int64_t *out_ns)
{
	double us;

	if (parse_real(option, text, 0, 1e9, &us))
		return -EINVAL;
	*out_ns = llround(us * 1000);
	return 0;
}

/* One option. Returns 0 or -EINVAL, which has been said. */
static int option_take(struct options *o, int opt, const char *arg)
{
	switch (opt) {
	case OPT_DIRECTORY:
		o->directory = arg;
		return 0;
	case OPT_SECONDS:
		return parse_real("seconds", arg, 0.01, 86400, &o->seconds);
	case OPT_RATE:
		return parse_real("rate", arg, 0.01, 2000, &o->rate);
	case OPT_FUNCTIONS:
		o->functions = arg;
		return 0;
	case OPT_CORES:
		return parse_int("cores", arg, 1, 64, &o->cores);
	case OPT_MEMORY:
		return parse_int("memory", arg, 256, 1 << 20, &o->memory_mb);
	case OPT_KEEP_ALIVE:
		return parse_int("keep-alive", arg, 0, 86400000, &o->keep_alive_ms);
	case OPT_FAIL_RATE:
		return parse_real("fail-rate", arg, 0, 1, &o->fail_rate);
	case OPT_RETRIES:
		return parse_int("retries", arg, 0, 100, &o->retries);
	case OPT_SEED:
		return parse_seed(arg, &o->seed);
	case OPT_TRACE:
		o->trace = arg;
		return 0;
	case OPT_METADATA:
		o->metadata = arg;
		return 0;
	case OPT_FAULTS:
		return faults_parse(&o->faults, arg);
	case OPT_BENCHMARK:
		o->benchmark = arg;
		return 0;
	case OPT_PREWARMS:
		return parse_int("prewarms", arg, 0, 10000, &o->prewarms);
	case OPT_BACKEND:
		return parse_name("backend", arg, "containerd simulation", (int *)&o->backend);
	case OPT_NETWORK:
		return parse_us("network", arg, &o->network_ns);
	case OPT_TICK:
		return parse_us("tick", arg, &o->tick_ns);
	case OPT_ARRIVALS:
		return parse_name("arrivals", arg, "mixed poisson bursty azure", (int *)&o->arrivals);
	case OPT_GENERATE:
		return parse_int("generate", arg, 1, 10000, &o->generate);
	case OPT_WORKERS:
		return parse_int("workers", arg, 1, MOST_WORKERS, &o->workers);
	case OPT_BALANCE:
		return parse_name("balance", arg, "round-robin least-loaded ch-rlu=consistent-hashing", (int *)&o->balance);
	case OPT_LOAD_BOUND:
		return parse_real("load-bound", arg, 0, 1e9, &o->load_bound);
	case OPT_POPULAR:
		return parse_real("popular", arg, 0, 1, &o->popular);
	case OPT_QUEUE:
		return parse_name("queue", arg, "fcfs sjf=minheap edf=minheap_ed", (int *)&o->policy);
	case OPT_EVICTION:
		return parse_name("eviction", arg, "lru greedy-dual", (int *)&o->eviction);
	case OPT_TRUTH:
		o->truth = true;
		return 0;
	case OPT_GC:
		return parse_name("gc", arg, "default off label", (int *)&o->gc);
	case OPT_DRAIN:
		return parse_real("drain", arg, 0, 1e9, &o->drain_s);
	case OPT_TIME:
		return parse_time(arg, &o->virtual_time);
	case OPT_LEVEL:
		o->level = arg;
		return 0;
	case OPT_SPANNING:
		o->spanning = arg;
		return 0;
	default:
		return -EINVAL; /* getopt_long has said it */
	}
}

int options_parse(struct options *o, int argc, char **argv)
{
	const uint64_t seed = (uint64_t)time(NULL); /* raw: a run without a seed is to differ */
	bool fail_rate_given = false, backend_given = false;
	int opt;

	*o = (struct options){.directory = ".", .level = "debug", .spanning = "NEW+CLOSE", .seconds = 5, .rate = 40, .fail_rate = 0.08, .seed = seed,
			      .cores = 4, .memory_mb = 1280, .keep_alive_ms = 1500, .retries = 1, .drain_s = -1, .prewarms = -1, .network_ns = -1, .load_bound = 1.4, .popular = 0.2};
	while ((opt = getopt_long(argc, argv, "", names, NULL)) != -1) {
		if (opt == OPT_HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (opt == OPT_VERSION) {
			puts("faas-sim " ILU_VERSION);
			return 0;
		}
		fail_rate_given |= opt == OPT_FAIL_RATE;
		backend_given |= opt == OPT_BACKEND;
		if (option_take(o, opt, optarg)) {
			fputs("faas-sim --help lists the options\n", stderr);
			return 2;
		}
	}
	if (o->arrivals == ARRIVALS_AZURE && !o->generate)
		o->generate = 200;
	if (o->benchmark && !backend_given)
		o->backend = BACKEND_SIMULATION;
	if (o->network_ns < 0)
		o->network_ns = o->backend == BACKEND_SIMULATION ? 0 : MS / 4;
	if (o->drain_s < 0)
		o->drain_s = o->faults.on[FAULT_HANG] || o->faults.on[FAULT_LEAK] ? 60 : 0;
	if (o->faults.any && !fail_rate_given)
		o->fail_rate = 0; /* what fails is in the truth file */
	if (optind < argc) {
		fprintf(stderr, "faas-sim: unexpected \"%s\"; faas-sim --help lists the options\n", argv[optind]);
		return 2;
	}
	return -1;
}
