/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.h - the facts of one transaction become one invocation and its attempts. */
#ifndef MODEL_FOLD_H
#define MODEL_FOLD_H

#include "base/sql.h"
#include "model/at_once.h"
#include "model/fact.h"
#include <math.h>

/* What is not known: NO_NS, NaN, -1 and a slice without pointer, all NULL in the tables. */

/* A row of the table result: what the load generator wrote. Times are on the log's clock. */
struct result {
	int64_t run;
	struct slice tid, function_name;
	int64_t success, was_cold, worker_duration_us, e2e_duration_us, compute, container_state, sent_ns,
	    client_latency_us; /* NO_NS: absent */
	double code_duration_sec;
};

struct attempt {
	int64_t insert_ns, remove_ns, start_ns, end_ns;
	struct slice worker, container_id, error;
	const char *outcome; /* "ok", "failed", "error" (and tried again), "unfinished" */
	const char *state;   /* "cold" where it made its container; that of the result for the last one; or NULL */
	/* private to the fold */
	bool cold;
	int64_t queued_ns, dequeued_ns;
};

/* What the table invocation has of one, in the words and units of docs/tables.md; columns that follow from others are
 * the view's (schema/store.sql). */
struct invocation {
	int64_t run;
	struct slice tid, worker, function_name, fqdn;
	struct slice parent; /* the transaction that it is inside of */
	const char *function_source, *status, *compute, *state;
	int64_t nattempts, success, was_cold;
	int64_t sent_ns, controller_ns, dispatched_ns, arrived_ns, insert_ns, remove_ns, start_ns, end_ns, return_ns;
	int64_t worker_duration_us, e2e_duration_us;
	double code_duration_sec;
	double cpu_est_queue_sec, cpu_est_runtime_sec, gpu_est_queue_sec, gpu_est_runtime_sec;
	double cpu_est_sec, gpu_est_sec, insert_cpu_load, insert_gpu_load;
	double warm_sec, base_sec, share; /* what it is compared with: overhead.c's */
	/* Of its order among others: the event of its arrival. */
	int64_t first_ns, first_id;
	int64_t place;                     /* of its transaction in table place */
	uint32_t kind;                     /* where it was written (kind.h) */
	struct attempt *attempt;           /* nattempts of them; the fold's, until the next one */
	const struct named_moment *moment; /* nmoments; likewise */
	size_t nmoments;
};

/* Room for attempts, kept between folds. Zero-initialise, set files; fold_done frees. */
struct fold {
	struct attempt *attempt;
	size_t n, room;
	bool completed, failed, answered;
	bool begun;           /* an attempt by a moment that begins one */
	enum outcome outcome; /* that a rule gave */
	struct named_moment *moment;
	size_t nmoments, moment_room;
	const struct chunk_sources *files; /* of the facts; NULL: one file */
	struct at_once at_once;
};

/* Folds facts v[0..n), all of one transaction in order, and its result row (NULL: none; offset_ns is added to its
 * times) into out. Returns 1: an invocation, 0: the transaction is none (docs/tables.md), or -ENOMEM. */
int fold_invocation(struct fold *fold, const struct facts *f, const struct fact *v, size_t n,
                    const struct result *result, int64_t offset_ns, struct invocation *out);
void fold_done(struct fold *fold);

/* "hello" of "hello-0.0.1": what comes before the last hyphen. */
struct slice fold_function_of(struct slice fqdn);

#endif
