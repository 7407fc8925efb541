/* SPDX-License-Identifier: Apache-2.0 */
/* options.c - the command line. */
#include "sim.h"

#include <errno.h>
#include <ilu/version.h>
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
    "  --from DIR          what would have been: requests, times and settings of a log, as ilu-logq export faas-sim "
    "wrote them;\n"
    "                      each request takes what it took. Options beside it change a setting: --cores, --memory, "
    "--queue,\n"
    "                      --keep-alive, --eviction, --workers, --balance, --prewarms, ... (virtual time, --seed 1)\n"
    "  --trace FILE        requests from func_name,invoke_time_ms instead (and --metadata)\n"
    "  --metadata FILE     functions from func_name,cold_dur_ms,warm_dur_ms,mem_mb\n"
    "  --benchmark FILE    what they take, from Ilúvatar's worker_function_benchmarks.json\n"
    "  --prewarms N        containers of a function that are made before the first request, at most (what metadata "
    "says)\n"
    "  --backend NAME      containerd: containers are made in its steps, or simulation: in one (simulation with "
    "--benchmark)\n"
    "  --network US        of a request's way to the next process (250; 0 with simulation)\n"
    "  --tick US           sleeps end at multiples of it, as in Ilúvatar's simulation; 0: in time (0)\n"
    "  --workers N         so many workers behind a controller; logs and results as of Ilúvatar's cluster (one worker, "
    "no controller)\n"
    "  --balance POLICY    who gets a request: round-robin, least-loaded, ch-rlu (consistent hashing), with --from "
    "recorded (round-robin)\n"
    "  --load-bound S      ch-rlu: seconds of work for each core, above which a popular function goes on to the next "
    "(1.4)\n"
    "  --popular P         ch-rlu: share of functions that are popular (0.2)\n"
    "  --queue POLICY      fcfs, sjf (minheap: shortest job first), edf (minheap_ed: earliest deadline first) (fcfs)\n"
    "  --dispatch US       that the queue takes to hand out an invocation once a core is free (0)\n"
    "  --eviction POLICY   which idle container makes room: lru, greedy-dual (lru)\n"
    "  --seconds N         how long requests arrive (5)\n"
    "  --rate R            requests per second (40)\n"
    "  --arrivals KIND     mixed, poisson, bursty, azure (the day's rhythm, and functions as in --generate 200) "
    "(mixed)\n"
    "  --generate N        so many functions, drawn: some are invoked very often, most hardly ever (ours)\n"
    "  --functions LIST    of hello,float,json,aes,gzip (all)\n"
    "  --cores N           invocations at a time, up to 64 (4)\n"
    "  --memory MB         for containers (1280)\n"
    "  --keep-alive MS     of idle containers (1500)\n"
    "  --fail-rate P       share of container creations that fail (0.08)\n"
    "  --faults LIST       what goes wrong: gc-race, store-damage, hang, leak, double-lock, invoke-error; what is "
    "slow: "
    "slow-worker,\n"
    "                      slow-start, slow-image, slow-hour, memory-pressure; each with =RATE; truth.jsonl tells what "
    "did\n"
    "  --truth             tell in truth.jsonl also what each invocation's time went into\n"
    "  --truth-blame       and who had what it waited for in the queue; slow with many\n"
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

/* ---- the options, by what their argument is ---- */

enum kind { TEXT, REAL, WHOLE, MICROSECONDS, NAME, SEED, CLOCK, FAULT_LIST, FLAG, HELP, VERSION };

/* Of TEXT, REAL ... NAME and FLAG the value goes to the member at this place. */
static const struct spec {
	const char *name;
	enum kind kind;
	size_t at;
	double min, max;   /* of REAL and WHOLE */
	const char *names; /* of NAME: see parse_name */
} specs[] = {
#define AT(member) offsetof(struct options, member)
    {"directory", TEXT, AT(directory), 0, 0, NULL},
    {"from", TEXT, AT(from), 0, 0, NULL},
    {"seconds", REAL, AT(seconds), 0.01, 86400, NULL},
    {"rate", REAL, AT(rate), 0.01, 2000, NULL},
    {"functions", TEXT, AT(functions), 0, 0, NULL},
    {"cores", WHOLE, AT(cores), 1, MOST_CORES, NULL},
    {"memory", WHOLE, AT(memory_mb), 256, 1 << 20, NULL},
    {"keep-alive", WHOLE, AT(keep_alive_ms), 0, 86400000, NULL},
    {"fail-rate", REAL, AT(fail_rate), 0, 1, NULL},
    {"retries", WHOLE, AT(retries), 0, 100, NULL},
    {"seed", SEED, AT(seed), 0, 0, NULL},
    {"trace", TEXT, AT(trace), 0, 0, NULL},
    {"metadata", TEXT, AT(metadata), 0, 0, NULL},
    {"benchmark", TEXT, AT(benchmark), 0, 0, NULL},
    {"prewarms", WHOLE, AT(prewarms), 0, 10000, NULL},
    {"backend", NAME, AT(backend), 0, 0, "containerd simulation"},
    {"network", MICROSECONDS, AT(network_ns), 0, 1e9, NULL},
    {"tick", MICROSECONDS, AT(tick_ns), 0, 1e9, NULL},
    {"arrivals", NAME, AT(arrivals), 0, 0, "mixed poisson bursty azure"},
    {"generate", WHOLE, AT(generate), 1, 10000, NULL},
    {"workers", WHOLE, AT(workers), 1, MOST_WORKERS, NULL},
    {"balance", NAME, AT(balance), 0, 0, "round-robin least-loaded ch-rlu=consistent-hashing recorded"},
    {"load-bound", REAL, AT(load_bound), 0, 1e9, NULL},
    {"popular", REAL, AT(popular), 0, 1, NULL},
    {"queue", NAME, AT(policy), 0, 0, "fcfs sjf=minheap edf=minheap_ed"},
    {"eviction", NAME, AT(eviction), 0, 0, "lru greedy-dual"},
    {"faults", FAULT_LIST, AT(faults), 0, 0, NULL},
    {"gc", NAME, AT(gc), 0, 0, "default off label"},
    {"truth", FLAG, AT(truth), 0, 0, NULL},
    {"truth-blame", FLAG, AT(truth_blame), 0, 0, NULL},
    {"dispatch", MICROSECONDS, AT(dispatch_ns), 0, 1e9, NULL},
    {"drain", REAL, AT(drain_s), 0, 1e9, NULL},
    {"time", CLOCK, AT(virtual_time), 0, 0, NULL},
    {"level", TEXT, AT(level), 0, 0, NULL},
    {"spanning", TEXT, AT(spanning), 0, 0, NULL},
    {"help", HELP, 0, 0, 0, NULL},
    {"version", VERSION, 0, 0, 0, NULL},
#undef AT
};

#define OPTIONS ((int)(sizeof specs / sizeof *specs))

/* A number within [min, max], said where it is not. what: "--cores", or the place in a file. */
static int parse_real(const char *what, const char *text, double min, double max, double *out)
{
	char *end;
	double x;

	errno = 0;
	x = strtod(text, &end);
	if (errno || end == text || *end || !(x >= min && x <= max)) {
		fprintf(stderr, "faas-sim: %s: \"%s\" is not a number from %g to %g\n", what, text, min, max);
		return -EINVAL;
	}
	*out = x;
	return 0;
}

static int parse_whole(const char *what, const char *text, double min, double max, int *out)
{
	double x;

	if (parse_real(what, text, min, max, &x))
		return -EINVAL;
	if (x != (int)x) {
		fprintf(stderr, "faas-sim: %s: \"%s\" is not a whole number\n", what, text);
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

/* The place of text among the names, which are separated by blanks; several with a = between them have one place.
 * -EINVAL: said. */
static int parse_name(const char *what, const char *text, const char *list, int *out)
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
	fprintf(stderr, "faas-sim: %s: \"%s\" is none of %s\n", what, text, list);
	return -EINVAL;
}

static int parse_us(const char *what, const char *text, double max, int64_t *out_ns)
{
	double us;

	if (parse_real(what, text, 0, max, &us))
		return -EINVAL;
	*out_ns = llround(us * 1000);
	return 0;
}

static int parse_clock(const char *text, bool *is_virtual)
{
	*is_virtual = !strcmp(text, "virtual");
	if (*is_virtual || !strcmp(text, "real"))
		return 0;
	fprintf(stderr, "faas-sim: --time: \"%s\" is neither real nor virtual\n", text);
	return -EINVAL;
}

/* One option, what: see parse_real. Returns 0 or -EINVAL, which has been said. */
static int take(struct options *o, const struct spec *s, const char *what, const char *arg)
{
	void *to = (char *)o + s->at;

	switch (s->kind) {
	case TEXT:
		*(const char **)to = arg;
		return 0;
	case REAL:
		return parse_real(what, arg, s->min, s->max, to);
	case WHOLE:
		return parse_whole(what, arg, s->min, s->max, to);
	case MICROSECONDS:
		return parse_us(what, arg, s->max, to);
	case NAME:
		return parse_name(what, arg, s->names, to);
	case SEED:
		return parse_seed(arg, to);
	case CLOCK:
		return parse_clock(arg, to);
	case FAULT_LIST:
		return faults_parse(to, arg);
	case FLAG:
		*(bool *)to = true;
		return 0;
	default:
		return -EINVAL;
	}
}

static int take_option(struct options *o, const struct spec *s, const char *arg)
{
	char what[32];

	snprintf(what, sizeof what, "--%s", s->name);
	return take(o, s, what, arg);
}

static int check_balance(const struct options *o)
{
	if (o->balance != BALANCE_RECORDED)
		return 0;
	fputs("faas-sim: --balance recorded is what the log says: with --from\n", stderr);
	return -EINVAL;
}

/* ---- --from: what is not given is as in the log ---- */

static bool is_given(const bool given[], const char *name)
{
	for (int i = 0; i < OPTIONS; i++)
		if (!strcmp(specs[i].name, name))
			return given[i];
	return false;
}

/* What a log tells of settings, and who chose the workers in it: "recorded" is all that balance can be there. */
static const char *const settings[] = {"workers",    "balance",  "cores",   "memory",  "queue",
                                       "keep-alive", "eviction", "retries", "network", NULL};

static const struct spec *setting(const char *name)
{
	int i = 0;

	while (settings[i] && strcmp(settings[i], name))
		i++;
	for (int k = 0; settings[i] && k < OPTIONS; k++)
		if (!strcmp(specs[k].name, name))
			return &specs[k];
	return NULL;
}

struct from {
	struct options *o;
	const bool *given;
	bool balanced; /* there was a controller */
	int balancer;  /* who chose then, -1: not known */
	int workers;   /* there were */
};

/* A line of settings.csv. 0 or -EINVAL, which has been said. */
static int take_setting(struct from *f, const struct csv *c, const char *name, const char *value)
{
	const struct spec *s = setting(name);
	char place[4200];

	snprintf(place, sizeof place, "%s:%ld: %s", c->path, c->line, name);
	if (!strcmp(name, "balancer"))
		return parse_name(place, value, "round-robin least-loaded ch-rlu", &f->balancer);
	if (!s) {
		fprintf(stderr, "faas-sim: %s: no such setting\n", place);
		return -EINVAL;
	}
	f->balanced |= !strcmp(name, "balance");
	if (!strcmp(name, "workers") && parse_whole(place, value, s->min, s->max, &f->workers))
		return -EINVAL;
	return f->given[s - specs] ? 0 : take(f->o, s, place, value);
}

static int read_settings(struct from *f)
{
	struct csv c;
	char path[4096];
	int name, value, rc;

	snprintf(path, sizeof path, "%s/settings.csv", f->o->from);
	rc = csv_open(&c, path);
	if (rc)
		return rc;
	name = csv_column(&c, "setting");
	value = csv_column(&c, "value");
	if (name < 0 || value < 0) {
		fprintf(stderr, "faas-sim: %s:1: no column %s\n", path, name < 0 ? "setting" : "value");
		rc = -EINVAL;
	}
	while (!rc && csv_next(&c))
		rc = take_setting(f, &c, csv_text(&c, name), csv_text(&c, value));
	csv_close(&c);
	return rc;
}

/* Other workers than there were cannot get what those got. */
static void settle_balance(const struct from *f)
{
	static const char *const names[] = {"round-robin", "least-loaded", "ch-rlu"};
	struct options *o = f->o;
	bool workers = is_given(f->given, "workers"), balance = is_given(f->given, "balance");

	if (!f->balanced && !workers && !balance)
		o->workers = 0; /* there was no controller */
	if (balance || o->balance != BALANCE_RECORDED || o->workers == f->workers)
		return;
	o->balance = f->balancer < 0 ? BALANCE_ROUND_ROBIN : (enum balance)f->balancer;
	fprintf(stderr, "faas-sim: not the workers of the log: requests go by --balance %s\n", names[o->balance]);
}

/* 0 or -EINVAL, which has been said. */
static int settle_from(struct options *o, const bool given[])
{
	static const char *const never[] = {"trace",   "metadata", "benchmark", "arrivals", "generate",
	                                    "seconds", "rate",     "backend",   "fail-rate"};
	struct from f = {.o = o, .given = given, .balancer = -1, .workers = 1};

	for (size_t i = 0; i < sizeof never / sizeof *never; i++) {
		if (!is_given(given, never[i]))
			continue;
		fprintf(stderr, "faas-sim: --%s does not go with --from\n", never[i]);
		return -EINVAL;
	}
	o->backend = BACKEND_SIMULATION;
	o->fail_rate = 0;
	o->virtual_time |= !is_given(given, "time");
	if (!is_given(given, "seed"))
		o->seed = 1;
	if (read_settings(&f))
		return -EINVAL;
	settle_balance(&f);
	return 0;
}

/* What depends on other options where it was not given: -1 stands there. */
static void settle(struct options *o)
{
	o->truth |= o->truth_blame;
	if (o->arrivals == ARRIVALS_AZURE && !o->generate)
		o->generate = 200;
	if ((int)o->backend < 0)
		o->backend = o->benchmark ? BACKEND_SIMULATION : BACKEND_CONTAINERD;
	if (o->network_ns < 0)
		o->network_ns = o->backend == BACKEND_SIMULATION ? 0 : MS / 4;
	if (o->drain_s < 0)
		o->drain_s = o->faults.on[FAULT_HANG] || o->faults.on[FAULT_LEAK] ? 60 : 0;
	if (o->fail_rate < 0)
		o->fail_rate = o->faults.any ? 0 : 0.08; /* what fails by faults is in the truth file */
}

static void list_names(struct option list[OPTIONS + 1])
{
	for (int i = 0; i < OPTIONS; i++)
		list[i] = (struct option){specs[i].name, specs[i].kind >= FLAG ? no_argument : required_argument, NULL,
		                          i + 256};
	list[OPTIONS] = (struct option){NULL, 0, NULL, 0};
}

int options_parse(struct options *o, int argc, char **argv)
{
	const uint64_t seed = (uint64_t)time(NULL); /* raw: a run without a seed is to differ */
	struct option list[OPTIONS + 1];
	bool given[OPTIONS] = {false};
	int opt;

	*o = (struct options){.directory = ".",
	                      .level = "debug",
	                      .spanning = "NEW+CLOSE",
	                      .seconds = 5,
	                      .rate = 40,
	                      .fail_rate = -1,
	                      .seed = seed,
	                      .cores = 4,
	                      .memory_mb = 1280,
	                      .keep_alive_ms = 1500,
	                      .retries = 1,
	                      .drain_s = -1,
	                      .prewarms = -1,
	                      .backend = (enum backend) - 1,
	                      .network_ns = -1,
	                      .load_bound = 1.4,
	                      .popular = 0.2};
	list_names(list);
	while ((opt = getopt_long(argc, argv, "", list, NULL)) != -1) {
		const struct spec *s = opt >= 256 ? &specs[opt - 256] : NULL; /* else getopt_long has said it */

		if (s && s->kind == HELP) {
			fputs(usage, stdout);
			return 0;
		}
		if (s && s->kind == VERSION) {
			puts("faas-sim " ILU_VERSION);
			return 0;
		}
		if (!s || take_option(o, s, optarg)) {
			fputs("faas-sim --help lists the options\n", stderr);
			return 2;
		}
		given[s - specs] = true;
	}
	if (o->from ? settle_from(o, given) : check_balance(o))
		return 2;
	settle(o);
	if (optind < argc) {
		fprintf(stderr, "faas-sim: unexpected \"%s\"; faas-sim --help lists the options\n", argv[optind]);
		return 2;
	}
	return -1;
}
