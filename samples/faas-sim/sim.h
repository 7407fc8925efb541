/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - the shapes of faas-sim, a small serverless worker that only sleeps.
 *
 * It takes the steps of an Ilúvatar worker and writes its messages, targets and spans for them, so that the rules that
 * explain Ilúvatar's logs explain these. Who calls whom:
 *
 *   load       when which function is invoked
 *   arrival    invokes them; one task for each request
 *   controller with --workers: between the load and several workers (controller.h)
 *   worker     a machine with all that follows
 *   dispatch   a request, from its arrival over the queue to its answer
 *   queue      items in the order of its policy; its monitor hands them out while cores are free
 *   runner     threads that run an item: container, function, retries
 *   estimate   how long a function takes, from what it took
 *   pool       containers: memory, keep-alive, eviction
 *   idle       the containers that wait for an invocation
 *   containerd how one container is made and removed
 *   call       what a function does in its container
 *   status     what is reported every while
 *   results    the files of the load generator
 *   progress   how far it is, on a terminal
 *   replay     with --from: arrivals, times and settings that a log told
 *   own        what a request of such a log takes, now that it meets other containers
 *   truth      what the invocations' time really went into
 *   held       who had what they waited for
 */
#ifndef FAAS_SIM_H
#define FAAS_SIM_H

#include <ilu/clock.h>
#include <ilu/log.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MS               INT64_C(1000000) /* in ns */
#define FUNCTION_VERSION "0.0.1"

struct sim;
struct worker;
struct function;
struct item;
struct spread;
struct controller;

/* ---- faults.c: what goes wrong on purpose ---- */
enum fault {
	FAULT_GC_RACE,
	FAULT_STORE_DAMAGE,
	FAULT_HANG,
	FAULT_LEAK,
	FAULT_DOUBLE_LOCK,
	FAULT_INVOKE_ERROR,
	FAULT_SLOW_WORKER,
	FAULT_SLOW_START,
	FAULT_SLOW_IMAGE,
	FAULT_SLOW_HOUR,
	FAULT_MEMORY_PRESSURE,
	FAULTS
};

struct faults {
	bool any, on[FAULTS];
	double rate[FAULTS];
	ilu_random random[FAULTS];
	ilu_mutex lock;
	FILE *truth;
	uint64_t told[FAULTS];
};

/* "gc-race,hang=0.01". 0 or -EINVAL, which has been said. */
int faults_parse(struct faults *f, const char *list);
int faults_start(struct sim *sim); /* 0 or a negative errno, which has been said */
int faults_end(struct sim *sim);
bool fault_strikes(struct sim *sim, enum fault kind); /* by its rate; never when it is off */
/* Into the truth file; all but the kind may be NULL. */
void fault_tell(struct sim *sim, enum fault kind, const ilu_tid *tid, const struct function *fn,
                const char *container_id, const char *stage);
void fault_tell_at(struct sim *sim, int64_t at_ns, enum fault kind, const ilu_tid *tid, const struct function *fn,
                   const char *container_id, const char *stage);
/* What it strikes from then on, under a key of its own. */
void fault_tell_target(struct sim *sim, enum fault kind, int64_t at_ns, const char *key, const char *value);
const char *fault_name(enum fault f);

/* ---- slowness.c: faults that only make things slow ---- */
struct slowness {
	const struct worker *worker;     /* that is slow; NULL: none */
	const struct function *function; /* whose cold starts are */
	const char *image;               /* the same of all its functions */
	int64_t from_ns, to_ns;          /* when calls are */
	int64_t turn_ns;                 /* when memory gets short, or is there again; 0: never; atomic */
	bool pressed;                    /* atomic */
};

void slowness_start(struct sim *sim);                         /* draws what is slow; the workers are there */
int64_t slowness_of_call(const struct worker *w, int64_t ns); /* what a call of ns takes now */
int64_t slowness_of_start(const struct worker *w, const struct function *fn, int64_t ns); /* and a container's start */
int64_t slowness_memory_mb(const struct worker *w); /* so much memory others have now; asked by the pool's monitor */

/* ---- options.c: what the command line asked for ---- */
enum gc { GC_DEFAULT, GC_OFF, GC_LABEL };
enum arrivals { ARRIVALS_MIXED, ARRIVALS_POISSON, ARRIVALS_BURSTY, ARRIVALS_AZURE };
enum policy { POLICY_FCFS, POLICY_SJF, POLICY_EDF };
enum balance {
	BALANCE_ROUND_ROBIN,
	BALANCE_LEAST_LOADED,
	BALANCE_CH_RLU,
	BALANCE_RECORDED, /* of --from: who got it in the log */
};
enum eviction { EVICT_LRU, EVICT_GREEDY_DUAL };
enum backend {
	BACKEND_CONTAINERD, /* a container is made in containerd's steps */
	BACKEND_SIMULATION, /* in one, as in Ilúvatar's simulation */
};

struct options {
	const char *directory; /* of the log and the results */
	const char *from;      /* a directory of `ilu-logq export faas-sim`; NULL: none */
	const char *level;     /* directives */
	const char *spanning;
	const char *functions; /* names, by comma; NULL: all */
	double seconds;        /* of arrivals */
	double rate;           /* of arrivals, in 1/s */
	enum arrivals arrivals;
	int generate;     /* so many functions are drawn; 0: none */
	double fail_rate; /* share of container creations that fail */
	uint64_t seed;
	int cores;
	int memory_mb;
	int keep_alive_ms;
	int retries;
	bool virtual_time;
	int workers; /* behind a controller; 0: one, and none */
	enum balance balance;
	double load_bound;     /* of ch-rlu: seconds of work for each core */
	double popular;        /* of ch-rlu: share of the functions */
	const char *trace;     /* arrivals from this file; NULL: drawn */
	const char *metadata;  /* functions from this file; NULL: ours */
	const char *benchmark; /* their times from this file; NULL: from metadata */
	int prewarms; /* containers of a function made before the first request, at most; -1: what metadata says */
	enum backend backend;
	enum policy policy; /* of the queue */
	enum eviction eviction;
	int64_t network_ns; /* a request's way to the next process */
	int64_t tick_ns;    /* sleeps end at multiples of it; 0: when they should */
	double drain_s;     /* how long to wait for answers after the last arrival */
	struct faults faults;
	enum gc gc;
	bool truth;          /* truth.jsonl has the invocations, too */
	bool truth_blame;    /* and who had what they waited for */
	int64_t dispatch_ns; /* how long the queue's monitor takes to hand out an item */
};

/* Fills *o; what is not given comes from the settings of --from, where there is one. Returns -1 to go on, else the
 * exit status (after --help, --version or an error, which is printed). */
int options_parse(struct options *o, int argc, char **argv);

/* ---- random.c ---- */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
double rng_unit(struct rng *r);                     /* in [0, 1) */
double rng_exponential(struct rng *r, double mean); /* > 0 */
void rng_guid(struct rng *r, char out[37]);         /* upper case, hyphenated */

/* ---- pause.c: time and waiting; all of it goes by the clock ---- */
#define STACK ((size_t)64 << 10) /* of a task: formatting numbers takes some */

int64_t now_ns(void); /* since 1970 */
void pause_ns(int64_t ns);
/* From now on sleeps end late, as in Ilúvatar's simulation: at the first whole millisecond, then at the next multiple
 * of step_ns, both since now. 0: when they should. */
void pause_tick(int64_t step_ns);
int64_t pause_end(int64_t at_ns);                          /* when a sleep that should end then does end */
void format_seconds(int64_t ns, int digits, char out[32]); /* "12.345", cut */
void format_time(int64_t ns, char out[32]);                /* "2026-11-23 00:52:20.038192880", UTC */

/* Told once, heard by everyone who waits for it. */
struct stop {
	ilu_mutex lock;
	ilu_cond cond;
	bool told; /* atomic: a signal tells it from outside */
};

void stop_init(struct stop *s, const char *name);
void stop_tell(struct stop *s);
bool stop_told(const struct stop *s);
bool stop_wait(struct stop *s, int64_t ns); /* true: told within ns */

/* ---- function.c ---- */

/* Averages in seconds in which what is new counts a tenth; of one function on one worker. */
struct estimate {
	double cold; /* with the container's start */
	double prewarm, warm, exec;
};

struct function {
	int index; /* in sim->fns */
	const char *name;
	const char *fqdn; /* name-version */
	const char *image;
	const char *layer; /* digest of the image's last layer */
	int cold_ms;       /* of a cold invocation, the container's start included */
	int warm_ms;       /* of a warm one */
	int mem_mb;
	double weight;         /* how often it is invoked, relative to the others */
	int prewarms;          /* containers made before the first request */
	double iat_ms;         /* mean time between its requests, as its metadata says; 0: unknown */
	struct estimate first; /* where estimates begin */
	char *block;           /* of its names; NULL: they are constant */
	bool own_image;        /* its metadata names it */
	bool crashes;          /* its container, when it has run */

	/* Of --benchmark. */
	char *code;       /* whose times they are; NULL: none */
	double *sample_s; /* one of these is what a warm invocation takes */
	int samples;
	double cold_s; /* what a cold one takes, the container's start not included */

	/* Of --from. */
	struct spread *spread; /* by enum part; NULL: none */
};

void average(double *avg, double x); /* 0: there was nothing before */

/* sim->fns: those of --metadata, or ours; of them those named by --functions. 0 or a negative errno, which has been
 * said. */
int functions_load(struct sim *sim);
/* One more in sim->loaded, which may move; image may be "". 0 or -ENOMEM. */
int function_add(struct sim *sim, const char *name, const char *image, struct function **out);
void functions_free(struct sim *sim);

/* ---- benchmark.c: what functions take, from Ilúvatar's benchmarks ---- */

/* Gives each of sim->loaded the times of a benchmarked function, chosen as Ilúvatar's load generator does. 0 or a
 * negative errno, which has been said. */
int benchmark_apply(struct sim *sim);
void benchmark_log(const struct sim *sim); /* which was chosen */

/* ---- estimate.c ---- */
enum container_state {
	STATE_ERROR,
	STATE_UNHEALTHY,
	STATE_COLD,
	STATE_PREWARM,
	STATE_WARM
}; /* numbers of the results */

int estimates_new(const struct sim *sim, struct estimate **out); /* by function index; yours, free. 0 or -ENOMEM */
double estimate_time(const struct estimate *e, enum container_state state);
void estimate_learn(struct worker *w, const struct item *it, int64_t taken_ns);

/* ---- replay.c and own.c: a log's requests, with --from ---- */

/* What a request of a function takes, where its own time does not say. */
enum part {
	PART_START,   /* to make a container */
	PART_ACQUIRE, /* to take one that is there */
	PART_COLD,    /* to execute in a new one */
	PART_PREWARM, /* in one that was made ahead */
	PART_WARM,
	PARTS
};

/* How the times of a part are spread: the quantiles of SPREAD_AT, in ms, and their mean. */
#define SPREAD 8
extern const double spread_at[SPREAD];

struct spread {
	double ms[SPREAD], mean_ms;
};

/* What one request took in the log; times in ns, -1: the log does not say. */
struct own {
	bool is; /* there is one */
	int64_t to_controller_ns, to_worker_ns, acquire_ns, execute_ns, return_ns;
	int64_t code_ns; /* of execute_ns the function's own, by which workers learn what it takes */
	/* Attempts before the last: first those that got no container, then those that failed in one; each took so
	 * long. */
	int not_made, failures;
	int64_t not_made_ns, failed_ns;
	enum container_state state; /* what it found */
	enum own_end {
		OWN_OK,
		OWN_ERROR,  /* its answer was one, and its container went on */
		OWN_FAILED, /* its container was lost */
		OWN_NO_CONTAINER,
		OWN_REFUSED
	} end;
	int worker;    /* that executed it */
	uint64_t draw; /* what is drawn for it is the same whatever the settings are */
};

/* What a container's start takes, and whether it fails. */
struct start {
	int64_t ns;
	bool fails;
};

void own_start(const struct item *it, struct start *out);
int64_t own_acquire_ns(const struct item *it);
/* *code_ns: of it the function's own. */
int64_t own_execute_ns(const struct item *it, enum container_state state, int64_t *code_ns);
bool own_fails(const struct item *it);               /* this attempt */
int64_t spread_ns(const struct spread *s, double u); /* u in [0, 1) */

/* Containers made before the first request. */
struct prewarms {
	const struct function *fn;
	int worker, count;
};

/* Functions, their times, requests and containers of --from DIR. 0 or a negative errno, which has been said. */
int replay_functions(struct sim *sim); /* into sim->loaded */
int replay_requests(struct sim *sim);  /* into sim->trace, sim->prewarms; once the functions are chosen */

/* ---- trace.c: arrivals from a file ---- */
struct arrival {
	int64_t at_ns; /* since the start */
	const struct function *fn;
	struct own own; /* of --from */
};

/* Reads func_name,invoke_time_ms into sim->trace. 0 or a negative errno, which has been said. */
int trace_load(struct sim *sim);
/* Adds one to a list that grows at powers of two, and puts it in order. */
int trace_add(struct arrival **list, size_t *n, const struct arrival *a); /* 0 or -ENOMEM */
void trace_sort(struct arrival *list, size_t n);                          /* by time; equal times keep their order */

/* ---- load.c: the load, drawn ---- */
struct load;

struct drawn {
	double at_s; /* since the start */
	const struct function *fn;
	int count;        /* at once */
	bool poisoned[8]; /* of each */
};

int load_new(const struct sim *sim, struct load **out); /* 0 or -ENOMEM; load_free takes NULL and what is half made */
void load_free(struct load *l);
bool load_next(struct load *l, struct drawn *out); /* false: --seconds are over */
void load_draw_function(struct rng *r, struct function *fn);

/* ---- csv.c ---- */
struct csv {
	FILE *file;
	const char *path;
	long line;
	char *text; /* of the line, cut at the commas */
	size_t room;
	char *column[64];
	int columns;
	char *header; /* the same of the first line */
	char *name[64];
	int names;
};

int csv_open(struct csv *c, const char *path);         /* 0 or a negative errno, which has been said */
int csv_next(struct csv *c);                           /* 1: a line, 0: the end */
int csv_column(const struct csv *c, const char *name); /* -1: none of that name */
void csv_close(struct csv *c);
/* The number there, or -EINVAL, which has been said with file and line. */
int csv_number(const struct csv *c, int column, double *out);
const char *csv_text(const struct csv *c, int column); /* "" where there is none */

/* ---- snapshots.c: containerd's snapshots and collector ---- */
enum snapshot_state { SNAPSHOT_PREPARED, SNAPSHOT_MOUNTED, SNAPSHOT_STARTED };

struct snapshot {
	char key[96];
	int number; /* of its directory */
	const struct function *fn;
	ilu_tid tid;
	enum snapshot_state state;
	bool removed;
	struct snapshot *next;
};

struct snapshots {
	ilu_mutex lock;
	ilu_cond deleted;
	struct snapshot *first;
	int count;
	uint64_t deletions; /* since the collector's last run */
	bool ends;
	bool *damaged;      /* by function */
	int64_t damaged_ns; /* from then on */
	FILE *log;
	ilu_thread *collector;
};

/* NULL: no memory. Else yours until snapshot_release. */
struct snapshot *snapshot_prepare(struct sim *sim, const ilu_tid *tid, const struct function *fn, const char *key);
bool snapshot_mount(struct sim *sim, struct snapshot *n);   /* false: it is gone */
bool snapshot_started(struct sim *sim, struct snapshot *n); /* false: its files went while it started */
void snapshot_release(struct sim *sim, struct snapshot *n);
void snapshot_forget(struct sim *sim, struct snapshot *n);        /* the same at the worker's end, without a word */
bool snapshot_store_damaged(struct sim *sim, struct snapshot *n); /* true: its image cannot be read */
int snapshots_start(struct sim *sim);                             /* 0 or a negative errno, which has been said */
void snapshots_stop(struct sim *sim);

/* ---- pool.c and containerd.c: containers ---- */
struct container {
	char id[96]; /* fqdn-GUID */
	const struct function *fn;
	enum container_state state; /* what the next invocation on it is */
	bool healthy;
	bool hollow; /* its files are gone */
	int holders; /* invocations that run in it: more than one by --faults double-lock */
	struct snapshot *snapshot;
	struct container *next_running;
	int64_t idle_since_ns;
	struct container *next;          /* of a list; of the idle ones of its function the one put before */
	struct container *above;         /* of these the one put after */
	struct container *older, *newer; /* of all idle ones */
	double worth;                    /* to greedy-dual */
	int heap_at;
};

/* By function, by age, and for greedy-dual by worth. All under the pool's lock. */
struct idle {
	struct container **stack;          /* by function; the one returned last comes first */
	struct container *oldest, *newest; /* of all */
	struct container **heap;           /* the cheapest first; greedy-dual alone */
	int heaped, room;
	bool by_worth;
	double inflation; /* the worth of the last one evicted */
	uint64_t *uses;   /* of containers, by function */
};

int idle_init(struct idle *l, const struct sim *sim); /* 0 or -ENOMEM */
void idle_done(struct idle *l);
int idle_put(struct idle *l, struct container *c);                      /* 0, or -ENOMEM: it was not put */
struct container *idle_take(struct idle *l, const struct function *fn); /* the one put last; NULL: none */
struct container *idle_take_before(struct idle *l, int64_t before_ns); /* the oldest, where that is idle since before */
struct container *idle_evict(struct idle *l); /* the one that the policy can spare first; NULL: none */

struct pool {
	ilu_mutex lock;
	struct idle idle;
	struct container **running;  /* by function; linked by next_running */
	struct container *lost;      /* by --faults leak */
	struct container *condemned; /* unhealthy, waiting for their removal */
	int64_t used_mb, total_mb;
	int64_t foreign_mb; /* of used_mb: taken by --faults memory-pressure */
	int count;          /* idle and running */
	int64_t keep_alive_ns;
	ilu_thread *monitor;
};

/* Why a step of an invocation failed, as the log and the results say it. */
struct failure {
	const char *text; /* constant */
};

/* A container for the item, idle or new. Returns 0 (out is yours until pool_return), -ENOMEM or -EIO with it->why
 * filled in. */
int pool_acquire(struct worker *w, struct item *it, struct container **out);
void pool_return(struct worker *w, const ilu_tid *tid, struct container *c);
enum container_state pool_expect(struct pool *p, const struct function *fn); /* what an invocation would find now */
int pool_prewarm(struct worker *w, const ilu_tid *tid, const struct function *fn);
int pool_start(struct worker *w); /* the monitor; 0 or a negative errno */
void pool_stop(struct worker *w); /* and removes all containers */

/* Makes and starts a container; how NULL: as its backend does. Returns 0 (out is yours: container_remove) or -EIO with
 * *why filled in. */
int container_create(struct worker *w, const ilu_tid *tid, const struct function *fn, const struct start *how,
                     struct container **out, struct failure *why);
void container_remove(struct worker *w, const ilu_tid *tid, struct container *c); /* frees it */

/* ---- queue.c ---- */
enum compute { COMPUTE_NONE, COMPUTE_CPU };

/* When things really happened to an invocation; 0: it did not come to that. */
struct moments {
	int64_t controller_ns, dispatched_ns, arrived_ns;
	int ntries;
	struct
	try {
		enum container_state state;
		int64_t remove_ns, start_ns, end_ns;
		int64_t refused_ns; /* since when it waited for memory */
	}
	tries[]; /* one more than --retries */
};

/* One invocation on its way; the request thread owns it, the queue and a worker borrow it until it is done. */
struct item {
	ilu_tid tid;
	const struct function *fn;
	struct worker *worker; /* where it runs */
	ilu_span span;         /* enqueue_new_invocation; goes with the item to the worker */
	bool poisoned;         /* its function crashes the container, each time */
	struct own own;
	int64_t insert_ns, remove_ns;
	double est_s; /* what it adds to the queue's load */
	double rank;  /* in the queue: the lowest first */
	uint64_t seq; /* of those of equal rank the lowest first */
	struct item *left, *right;
	enum container_state expected; /* what it would have found when it came */
	int attempts;                  /* failed ones */

	/* Set by the worker, to be read once done. */
	bool done;
	ilu_cond answered; /* done is set */
	enum compute compute;
	enum container_state state;
	int64_t duration_ns;                /* in the container */
	int64_t body_start_ns, body_end_ns; /* what the function says, since 1970 */
	bool body_cold;
	struct failure why;

	/* Set by the client. */
	int64_t sent_ns, latency_ns;

	struct moments *moments; /* with --truth; else NULL */
	struct item *next;
};

/* Items that wait for a core, and in a line of items that have one and wait for the thread that runs them. */
struct queue {
	ilu_mutex lock;
	ilu_cond changed;  /* something to do for the monitor */
	ilu_cond launched; /* something to do for a worker */
	struct item *heap;
	int len;
	enum policy policy;
	uint64_t pushed;
	int64_t since_ns; /* when deadlines begin */
	int64_t dispatch_ns;
	struct item *run_head, **run_tail;
	double load_s;              /* of the items, estimated */
	struct estimate *estimates; /* by function index; under lock */
	int cores, running;
	uint64_t completed;
	bool woken; /* the monitor has something new to look at */
	bool closed;
	ilu_thread *monitor;
};

int queue_start(struct worker *w);
void queue_stop(struct worker *w); /* nothing may be in it any more */
void queue_push(struct worker *w, struct item *it);
void queue_push_again(struct worker *w, struct item *it); /* after it got no memory; gives its core back */
struct item *queue_take_launched(struct queue *q);        /* blocks; NULL: closed */
void queue_finish(struct queue *q, struct item *it);      /* gives its core back, wakes its request */
void queue_await(struct queue *q, struct item *it);

/* ---- call.c ---- */

/* Runs the item's function in the container, which must be the caller's. Returns 0 or -EIO with it->why filled in. */
int container_call(struct worker *w, struct item *it, struct container *c);

/* ---- worker.c: a machine ---- */
#define MOST_CORES   64
#define MOST_WORKERS 64

struct worker {
	struct sim *sim;
	char name[24];
	struct queue queue;
	struct pool pool;
	ilu_thread *runners[MOST_CORES];
	int nrunners;
	ilu_thread *status;
};

int worker_start(struct worker *w); /* 0 or a negative errno */
/* A task whose lines are the worker's. */
int worker_task(struct worker *w, ilu_thread **out, const char *name, int (*run)(void *worker));
void worker_stop(struct worker *w); /* nothing may be left to do */

/* ---- controller.c ---- */
int controller_new(struct sim *sim, struct controller **out); /* 0 or -ENOMEM; controller_stop frees it */
int controller_start(struct controller *c); /* once the workers are registered; 0 or a negative errno */
void controller_stop(struct controller *c);
void controller_register_worker(struct controller *c, struct worker *w);
void controller_register(struct controller *c, const ilu_tid *tid, const struct function *fn);
int controller_prewarm(struct controller *c, const ilu_tid *tid, const struct function *fn);
/* The same on this one, whatever the balancer thinks. */
int controller_prewarm_on(struct controller *c, struct worker *w, const ilu_tid *tid, const struct function *fn);
void controller_invoke(struct controller *c, struct item *it); /* returns with the answer in it */

/* ---- runner.c, dispatch.c, status.c, arrival.c ---- */
int runners_start(struct worker *w);
void runners_join(struct worker *w);

void dispatch_register(const ilu_tid *tid, const struct function *fn);
int dispatch_prewarm(struct worker *w, const ilu_tid *tid, const struct function *fn);
void dispatch_invoke(struct worker *w, struct item *it); /* returns with the answer in it */

int status_start(struct worker *w);
void status_join(struct worker *w);

/* Invokes functions until the time is over or the stop is told, and waits for all answers. */
int arrivals_run(struct sim *sim);
void arrivals_free(struct sim *sim);

/* ---- results.c ---- */

/* Writes in.csv, meta.csv, output-in.csv and output-full-in.json. Returns 0 or a negative errno, with the file's name
 * in path. */
int results_write(const struct sim *sim, char *path, size_t size);

/* ---- progress.c ---- */
void progress_start(const struct sim *sim); /* on a terminal */
void progress_end(void);

/* ---- truth.c ---- */
int truth_prepare(const struct sim *sim, struct item *it); /* 0 or -ENOMEM; free it->moments */
void truth_at_controller(struct item *it);
void truth_dispatched(struct item *it);
void truth_arrived(struct item *it);
void truth_removed(struct item *it);
void truth_started(struct item *it, enum container_state state);
void truth_ended(struct item *it);
void truth_refused(struct item *it, int64_t at_ns); /* there was no memory for it */
int truth_write(
    const struct sim *sim); /* 0 or -ENOMEM; an object a line for each invocation, in the order of sending */

/* ---- held.c ---- */
struct ledger;

int held_new(const struct sim *sim, struct ledger **out);          /* 0 or -ENOMEM; held_free in any case */
void held_write(struct ledger *l, const struct item *it, FILE *f); /* a member of the invocation's object */
void held_free(struct ledger *l);

struct sim {
	struct options opt;
	const struct function **fns; /* those that are invoked */
	int nfns;
	struct function *loaded; /* what fns points to */
	int nloaded;
	struct snapshots snapshots;
	struct slowness slowness;
	struct stop stop;      /* no more arrivals */
	int signal;            /* that told it; atomic */
	struct stop silence;   /* no more background work */
	struct arrival *trace; /* by time; of --trace and --from */
	size_t ntrace;
	struct prewarms *prewarms; /* of --from */
	size_t nprewarms;
	struct controller *controller; /* NULL: none */
	struct worker *workers;
	int nworkers;
	int64_t start_ns;
	bool unanswered;     /* some request had no answer when the time was over */
	struct item **items; /* by time of sending */
	size_t nitems;       /* for progress these three are atomic */
	size_t answered;
	int64_t elapsed_ns; /* since the start, when the last was sent */
	struct rng rng;     /* for all but the arrivals */
	ilu_mutex rng_lock;
};

double sim_random(struct sim *sim);
void sim_guid(struct sim *sim, char out[37]);

#endif
