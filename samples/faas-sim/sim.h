/* SPDX-License-Identifier: Apache-2.0 */
/* sim.h - the shapes of faas-sim, a small serverless worker that only sleeps.
 *
 * It takes the steps of an Ilúvatar worker and writes its messages, targets and spans for them, so that the rules that
 * explain Ilúvatar's logs explain these. Who calls whom:
 *
 *   arrival    the load: when which function is invoked; one thread for each request
 *   dispatch   a request, from its arrival over the queue to its answer
 *   queue      items in order of arrival; its monitor hands them out while cores are free
 *   worker     threads that run an item: container, function, retries
 *   pool       containers: warm ones, memory, keep-alive, eviction
 *   containerd how one container is made and removed
 *   call       what a function does in its container
 *   status     what is reported every while
 *   results    the files of the load generator
 *   truth      what the invocations' time really went into
 */
#ifndef FAAS_SIM_H
#define FAAS_SIM_H

#include <ilu/clock.h>
#include <ilu/log.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define MS INT64_C(1000000) /* in ns */
#define FUNCTION_VERSION "0.0.1"

struct sim;
struct function;

/* ---- faults.c: what goes wrong on purpose ---- */
enum fault { FAULT_GC_RACE, FAULT_STORE_DAMAGE, FAULT_HANG, FAULT_LEAK, FAULT_DOUBLE_LOCK, FAULT_INVOKE_ERROR, FAULTS };

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
void fault_tell(struct sim *sim, enum fault kind, const ilu_tid *tid, const struct function *fn, const char *container_id, const char *stage);
const char *fault_name(enum fault f);

/* ---- options.c: what the command line asked for ---- */
enum gc { GC_DEFAULT, GC_OFF, GC_LABEL };

struct options {
	const char *directory; /* of the log and the results */
	const char *level;     /* directives */
	const char *spanning;
	const char *functions; /* names, by comma; NULL: all */
	double seconds;	       /* of arrivals */
	double rate;	       /* of arrivals, in 1/s */
	double fail_rate;      /* share of container creations that fail */
	uint64_t seed;
	int cores;
	int memory_mb;
	int keep_alive_ms;
	int retries;
	bool virtual_time;
	const char *trace;    /* arrivals from this file; NULL: drawn */
	const char *metadata; /* functions from this file; NULL: ours */
	double drain_s;	      /* how long to wait for answers after the last arrival */
	struct faults faults;
	enum gc gc;
	bool truth;	      /* truth.jsonl has the invocations, too */
};

/* Fills *o. Returns -1 to go on, else the exit status (after --help, --version or an error, which is printed). */
int options_parse(struct options *o, int argc, char **argv);

/* ---- random.c ---- */
struct rng {
	uint64_t state;
};

uint64_t rng_next(struct rng *r);
double rng_unit(struct rng *r);		      /* in [0, 1) */
double rng_exponential(struct rng *r, double mean); /* > 0 */
void rng_guid(struct rng *r, char out[37]);   /* upper case, hyphenated */

/* ---- pause.c: time and waiting; all of it goes by the clock ---- */
#define STACK ((size_t)64 << 10) /* of a task: formatting numbers takes some */

int64_t now_ns(void); /* since 1970 */
void pause_ns(int64_t ns);
void format_seconds(int64_t ns, int digits, char out[32]); /* "12.345", cut */
void format_time(int64_t ns, char out[32]); /* "2026-11-23 00:52:20.038192880", UTC */

/* Told once, heard by everyone who waits for it. */
struct stop {
	ilu_mutex lock;
	ilu_cond cond;
	bool told; /* atomic: a signal tells it from outside */
};

void stop_init(struct stop *s, const char *name);
void stop_tell(struct stop *s);
bool stop_told(struct stop *s);
bool stop_wait(struct stop *s, int64_t ns); /* true: told within ns */

/* ---- function.c ---- */
struct function {
	const char *name;
	const char *fqdn;  /* name-version */
	const char *image;
	const char *layer; /* digest of the image's last layer */
	int cold_ms;	   /* of a cold invocation, the container's start included */
	int warm_ms;	   /* of a warm one */
	int mem_mb;
	int weight;	   /* how often it is invoked, relative to the others */
	int prewarms;	   /* containers made before the first request */
};

/* sim->fns: those of --metadata, or ours; of them those named by --functions. 0 or a negative errno, which has been said. */
int functions_load(struct sim *sim);
void functions_free(struct sim *sim);

/* ---- trace.c: arrivals from a file ---- */
struct arrival {
	int64_t at_ns; /* since the start */
	const struct function *fn;
};

/* Reads func_name,invoke_time_ms. *out: yours, free. 0 or a negative errno, which has been said. */
int trace_load(const struct sim *sim, struct arrival **out, size_t *n);

/* ---- csv.c ---- */
struct csv {
	FILE *file;
	const char *path;
	long line;
	char *text;   /* of the line, cut at the commas */
	size_t room;
	char *column[64];
	int columns;
	char *header; /* the same of the first line */
	char *name[64];
	int names;
};

int csv_open(struct csv *c, const char *path); /* 0 or a negative errno, which has been said */
int csv_next(struct csv *c);		       /* 1: a line, 0: the end */
int csv_column(const struct csv *c, const char *name); /* -1: none of that name */
void csv_close(struct csv *c);
/* The number there, or -EINVAL, which has been said with file and line. */
int csv_number(const struct csv *c, int column, double *out);

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
	bool *damaged; /* by function */
	int64_t damaged_ns; /* from then on */
	FILE *log;
	ilu_thread *collector;
};

/* NULL: no memory. Else yours until snapshot_release. */
struct snapshot *snapshot_prepare(struct sim *sim, const ilu_tid *tid, const struct function *fn, const char *key);
bool snapshot_mount(struct sim *sim, struct snapshot *n);   /* false: it is gone */
bool snapshot_started(struct sim *sim, struct snapshot *n); /* false: its files went while it started */
void snapshot_release(struct sim *sim, struct snapshot *n);
bool snapshot_store_damaged(struct sim *sim, struct snapshot *n); /* true: its image cannot be read */
int snapshots_start(struct sim *sim); /* 0 or a negative errno, which has been said */
void snapshots_stop(struct sim *sim);

/* ---- pool.c and containerd.c: containers ---- */
enum container_state { STATE_ERROR, STATE_UNHEALTHY, STATE_COLD, STATE_PREWARM, STATE_WARM }; /* numbers of the results */

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
	struct container *next;
};

struct pool {
	ilu_mutex lock;
	struct container *idle;	     /* the one returned last comes first */
	struct container *running;   /* linked by next_running */
	struct container *lost;	     /* by --faults leak */
	struct container *condemned; /* unhealthy, waiting for their removal */
	int64_t used_mb, total_mb;
	int count;		     /* idle and running */
	int64_t keep_alive_ns;
	ilu_thread *monitor;
};

/* Why a step of an invocation failed, as the log and the results say it. */
struct failure {
	char text[128];
};

/* A container for fn, idle or new. Returns 0 (out is yours until pool_return), -ENOMEM or -EIO with *why filled in. */
int pool_acquire(struct sim *sim, const ilu_tid *tid, const struct function *fn, struct container **out, struct failure *why);
void pool_return(struct sim *sim, const ilu_tid *tid, struct container *c);
enum container_state pool_expect(struct pool *p, const struct function *fn); /* what an invocation would find now */
int pool_prewarm(struct sim *sim, const ilu_tid *tid, const struct function *fn);
int pool_start(struct sim *sim); /* the monitor; 0 or a negative errno */
void pool_stop(struct sim *sim); /* and removes all containers */

/* Makes and starts a container. Returns 0 (out is yours: container_remove) or -EIO with *why filled in. */
int container_create(struct sim *sim, const ilu_tid *tid, const struct function *fn, struct container **out, struct failure *why);
void container_remove(struct sim *sim, const ilu_tid *tid, struct container *c); /* frees it */

/* ---- queue.c ---- */
enum compute { COMPUTE_NONE, COMPUTE_CPU };

/* An attempt of an invocation as it really went; 0: it did not come to that. */
struct try {
	enum container_state state;
	int64_t remove_ns, start_ns, end_ns;
};

/* One invocation on its way; the request thread owns it, the queue and a worker borrow it until it is done. */
struct item {
	ilu_tid tid;
	const struct function *fn;
	ilu_span span;	     /* enqueue_new_invocation; goes with the item to the worker */
	bool poisoned;	     /* its function crashes the container, each time */
	int64_t insert_ns, remove_ns;
	int attempts;	     /* failed ones */

	/* Set by the worker, to be read once done. */
	bool done;
	ilu_cond answered; /* done is set */
	enum compute compute;
	enum container_state state;
	int64_t duration_ns; /* in the container */
	int64_t body_start_ns, body_end_ns; /* what the function says, since 1970 */
	bool body_cold;
	struct failure why;

	/* Set by the client. */
	int64_t sent_ns, latency_ns;

	/* With --truth. */
	int64_t arrived_ns;
	struct try *tries; /* NULL without; ntries of them, ours */
	int ntries;
	struct item *next;
};

/* Two lines: items that wait for a core, and items that have one and wait for the thread that runs them. */
struct queue {
	ilu_mutex lock;
	ilu_cond changed;	 /* something to do for the monitor */
	ilu_cond launched; /* something to do for a worker */
	struct item *head, **tail;
	struct item *run_head, **run_tail;
	int len;
	int cores, running;
	uint64_t completed;
	bool woken;		 /* the monitor has something new to look at */
	bool closed;
	ilu_thread *monitor;
};

int queue_start(struct sim *sim);
void queue_stop(struct sim *sim); /* nothing may be in it any more */
void queue_push(struct queue *q, struct item *it);
void queue_push_front(struct queue *q, struct item *it); /* again, after it got no memory; gives its core back */
struct item *queue_take_launched(struct queue *q);	 /* blocks; NULL: closed */
void queue_finish(struct queue *q, struct item *it);	 /* gives its core back, wakes its request */
void queue_await(struct queue *q, struct item *it);

/* ---- call.c ---- */

/* Runs the item's function in the container, which must be the caller's. Returns 0 or -EIO with it->why filled in. */
int container_call(struct sim *sim, struct item *it, struct container *c);

/* ---- worker.c, dispatch.c, status.c, arrival.c ---- */
int workers_start(struct sim *sim);
void workers_join(struct sim *sim);

void dispatch_register(const ilu_tid *tid, const struct function *fn);
int dispatch_prewarm(struct sim *sim, const ilu_tid *tid, const struct function *fn);
void dispatch_invoke(struct sim *sim, struct item *it); /* returns with the answer in it */

int status_start(struct sim *sim);
void status_join(struct sim *sim);

/* Invokes functions until the time is over or the stop is told, and waits for all answers. */
int arrivals_run(struct sim *sim);
void arrivals_free(struct sim *sim);

/* ---- results.c ---- */

/* Writes in.csv, meta.csv, output-in.csv and output-full-in.json. Returns 0 or a negative errno, with the file's name in path. */
int results_write(const struct sim *sim, char *path, size_t size);

/* ---- truth.c ---- */
int truth_prepare(const struct sim *sim, struct item *it); /* 0 or -ENOMEM; free it->tries */
void truth_removed(struct item *it);
void truth_started(struct item *it, enum container_state state);
void truth_ended(struct item *it);
void truth_write(const struct sim *sim); /* an object a line for each invocation, in the order of sending */

struct sim {
	struct options opt;
	const struct function **fns;
	int nfns;
	struct function *loaded; /* what fns points to, with --metadata */
	int nloaded;
	struct snapshots snapshots;
	struct stop stop;    /* no more arrivals */
	struct stop silence; /* no more background work */
	struct queue queue;
	struct pool pool;
	ilu_thread *workers[64];
	int nworkers;
	ilu_thread *status;
	int64_t start_ns;
	bool unanswered;     /* some request had no answer when the time was over */
	struct item **items; /* by time of sending */
	size_t nitems;
	struct rng rng;	     /* for all but the arrivals */
	ilu_mutex rng_lock;
};

double sim_random(struct sim *sim);
void sim_guid(struct sim *sim, char out[37]);

#endif
