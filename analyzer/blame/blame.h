/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blame.h - who made whom wait: each nanosecond in a worker's queue is given to those that held what was waited for.
 *
 * A worker (and of one with GPUs each kind of compute) is a lane: so many cores, those that execute, those that wait.
 * Of an instant of waiting (docs/tables.md, "blame"):
 *
 *   memory     the item itself was refused memory: to those that execute, whose containers have it
 *   executing  all cores are taken: to those that execute
 *   ahead      a core is free: to those that stand before it by the queue's order
 *   unknown    none of these, or the log does not tell the order
 *
 * Several share in equal parts: of n ns that one stretch with the same holders lasts each of k gets n/k, the first n
 * mod k by order of tid one more. So the sum over an item is its wait, to the nanosecond. */
#ifndef BLAME_BLAME_H
#define BLAME_BLAME_H

#include "base/arena.h"
#include "base/intern.h"
#include "base/text.h"
#include "model/phase.h"
#include "store/store.h"

enum blame_holder { BLAME_EXECUTING, BLAME_AHEAD, BLAME_MEMORY, BLAME_COLD, BLAME_UNKNOWN, BLAME_HOLDERS };

/* As the table writes it. */
const char *blame_holder_name(enum blame_holder h);

/* A holder that is nobody, or that nobody knows. */
#define BLAME_NOBODY UINT32_MAX

enum blame_cores { BLAME_CORES_GIVEN, BLAME_CORES_LOG, BLAME_CORES_MOST };
enum blame_order { BLAME_ORDER_UNKNOWN, BLAME_ORDER_ARRIVAL, BLAME_ORDER_PRIORITY };

struct blame_lane {
	struct slice worker; /* ptr NULL: no line names one */
	bool gpu;
	int64_t cores;
	enum blame_cores cores_from; /* the caller, the log, or the most that executed at a time */
	enum blame_order order;
	bool told; /* the order stands in the log; else it follows from who was taken first */
};

struct blame_request {
	size_t tid; /* where it begins in blame_run.tids, so long */
	uint32_t tid_length;
	uint32_t function; /* of blame_run.functions */
};

/* An attempt's time in the queue; refused_ns: INT64_MAX, or since when it waited for memory. */
struct blame_wait {
	int64_t from_ns, to_ns, refused_ns;
	double rank; /* the lowest first, then the lowest place */
	uint32_t request, lane, place;
	bool open; /* it never left */
};

/* From when to when it held a core. */
struct blame_hold {
	int64_t from_ns, to_ns;
	uint32_t request, lane;
};

/* An attempt's wait for a container to be made. Whom it is charged to, by what lines tell of containers:
 *
 *   memory   a container of the function was removed for another request, which needed its memory: to that one
 *   cold     all containers that the function has were taken by others of it: to those, in equal parts; or nobody: it
 *            had none yet, or one was removed for no request (it was not used for long, or was broken)
 *   unknown  no line tells */
struct blame_start {
	int64_t from_ns, to_ns;
	uint32_t request, lane;
	uint32_t first_holder, nholders; /* of blame_run.start_holder; in the order of their tid */
	uint8_t kind;                    /* enum blame_holder */
	bool open, removed;              /* removed: a container, whoever it was for */
};

/* What a run tells of its queues. Requests are in the order of their tid; so are the waits, and those of a request in
 * the order of its attempts. */
struct blame_run {
	int64_t run, last_ns;
	const char
	    *phase; /* the name of the phase in the queue; NULL: the rules have none, and nothing else is there */
	struct blame_request *request;
	struct blame_wait *wait;
	struct blame_hold *hold;
	struct blame_lane *lane;
	struct blame_start *start; /* by request, then attempt */
	uint32_t *start_holder;
	uint32_t nrequests, nwaits, nholds, nlanes, request_room, wait_room, hold_room, lane_room;
	uint32_t nstarts, starts_room, nstart_holders, start_holders_room;
	const char *cold_phase; /* the name of the phase in which a container is made; NULL: the rules have none */
	bool made_told, removed_told; /* there are lines of containers that are made, removed, or would be */
	struct intern functions;
	struct text tids; /* of the requests */
	struct arena texts;
	struct rules *rules;
};

/* Reads a run, without what its cold starts are charged to. s: db's store, if threads with connections of their own may
 * read as well (model/parts.h), else NULL. cores 0: as the log says. out is zero-initialised; blame_run_done in any
 * case. 0 or a negative errno. */
int blame_run_read(sqlite3 *db, struct store *s, int64_t run, int64_t cores, struct blame_run *out);
/* After that, for rows, and for sums of cold starts: of b->start the kind and the holders. 0 or a negative errno. */
int blame_cold_read(sqlite3 *db, struct blame_run *b);
void blame_run_done(struct blame_run *b);
static inline struct slice blame_tid(const struct blame_run *b, uint32_t request)
{
	const struct blame_request *q = &b->request[request];

	return (struct slice){b->tids.ptr + q->tid, q->tid_length};
}

/* The messages whose lines these two read by the built-in rules; beside them cold starts ask whether a run has any line
 * of level DEBUG or TRACE. 0, a negative errno, or what take returns, which ends it, if that is not 0. */
typedef int blame_message(void *arg, struct slice message);
int blame_messages(blame_message *take, void *arg);
/* The request of a tid, or BLAME_NOBODY. */
uint32_t blame_find(const struct blame_run *b, struct slice tid);

/* A stretch of time with the same holders: requests, in the order of their tid; n 0: nobody is known. */
struct blame_stretch {
	int64_t from_ns, to_ns;
	enum blame_holder kind;
	const uint32_t *holder;
	uint32_t n;
};

/* Who gets what. */
struct blame_sink {
	/* A stretch of wait w. 0 or a negative errno, which ends the sweep. */
	int (*one)(void *arg, const struct blame_wait *w, const struct blame_stretch *x);
	/* Of each of the functions so many items, which all had them (executing). NULL: `one` is called for each. */
	int (*many)(void *arg, const uint32_t *function, const uint32_t *count, uint32_t functions,
	            const struct blame_stretch *x);
	/* With `many`: of w's stretch (ahead) so many holders are of each of the functions; x->holder is NULL. NULL:
	 * `one` is called. */
	int (*ahead)(void *arg, const struct blame_wait *w, const uint32_t *function, const uint32_t *count,
	             uint32_t functions, const struct blame_stretch *x);
	void *arg;
	uint32_t first, last; /* with `many` NULL: of the requests [first, last) alone */
};

/* One sweep over the run's time. */
int blame_sweep(const struct blame_run *b, const struct blame_sink *sink);
/* How many ns of n the i-th of k gets. */
static inline int64_t blame_part(int64_t n, uint32_t k, uint32_t i)
{
	return n / k + (i < n % k);
}

/* ---- rows: the table blame ---- */
struct blame_row {
	int64_t ns;
	int64_t first_ns, last_ns; /* from when to when it was a holder, at least now and then */
	uint32_t request, holder;  /* BLAME_NOBODY: not known */
	uint8_t kind;              /* enum blame_holder */
	bool open;
	bool cold; /* of a cold start, else of the queue */
};

/* The phase that a row is of. */
static inline struct phase blame_phase(const struct blame_run *b, const struct blame_row *r)
{
	return (struct phase){
	    .name = r->cold ? b->cold_phase : b->phase, .state = r->cold ? "cold" : NULL, .open = r->open};
}

/* The rows of the requests [first, last), by request, and of each the largest first; after blame_cold_read. *out is
 * yours: free. */
int blame_rows(const struct blame_run *b, uint32_t first, uint32_t last, struct blame_row **out, size_t *n);

/* ---- sums: who made whom wait, over a run ---- */
enum blame_by { BLAME_BY_FUNCTION, BLAME_BY_TID };

struct blame_sum {
	int64_t ns;
	uint32_t waiter; /* by function: of blame_run.functions; else BLAME_NOBODY: all */
	uint32_t holder; /* a function, or a request; BLAME_NOBODY: not known */
	uint8_t kind;
};

/* By waiter, of each the largest first: of the queue, or cold: of cold starts, after blame_cold_read. *out is yours:
 * free. */
int blame_sums(const struct blame_run *b, enum blame_by by, bool cold, struct blame_sum **out, size_t *n);
/* The same of one request's waiting, after blame_cold_read. */
int blame_sums_of(const struct blame_run *b, uint32_t request, enum blame_by by, bool cold, struct blame_sum **out,
                  size_t *n);

/* Registers the table. s stays the caller's and must outlive db's statements. */
int blame_register(sqlite3 *db, struct store *s);

#endif
