/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.h - all answered requests of a run in memory, with the time that each phase took: what `slow` compares. */
#ifndef WHY_REQUESTS_H
#define WHY_REQUESTS_H

#include "base/intern.h"
#include "base/text.h"
#include "query/core/query.h"

/* More phases than this of one rules file are put together as "other phases". */
enum { REQUEST_PHASES = 64 };

/* Moments are ns since 1970, NO_NS where they are not known. */
struct request {
	int64_t began_ns;                                     /* it was sent, or the first that is known of it */
	int64_t arrived_ns, removed_ns, started_ns, ended_ns; /* at its worker, out of its queue, in execution, done */
	int64_t ns;                                           /* from end to end: its phases add up to it */
	int64_t offset_s;                                     /* UTC minus the log's clock */
	double load;                    /* of its worker when it was queued, in s; NAN: not known */
	size_t tid;                     /* where its id begins in requests.tids */
	uint32_t run, function, worker; /* numbers of the names below */
	uint32_t state, status, compute;
	int32_t attempts;
};

struct requests {
	struct request *v;
	uint32_t n;
	int64_t *ns[REQUEST_PHASES];                           /* by number of the phase, then of the request */
	struct intern runs, functions, workers, words, phases; /* words: of states, statuses, computes */
	struct text tids;                                      /* each with a NUL */
	int64_t unfinished;                                    /* so many had no answer, and are left out */
};

/* Those of --run whose function is like --function (NULL: all), by run and id. A failure is latched in q; requests_done
 * in any case. */
void requests_read(struct query *q, const char *function, struct requests *out);

/* The same as one of several who take part in a pass over all invocations: begun before it (NULL: failed),
 * requests_take in it, ended after it, or given up. out is filled by requests_end. */
struct requests_reading;
struct invocation_read;
struct phases;
struct requests_reading *requests_begin(struct query *q, struct requests *out);
int requests_take(void *reading, const struct invocation_read *of, const struct phases *phases);
uint32_t requests_taken(const struct requests_reading *reading); /* so many */
void requests_end(struct query *q, struct requests_reading *reading);
void requests_cancel(struct requests_reading *reading);

void requests_done(struct requests *r);

const char *request_tid(const struct requests *r, uint32_t i);

#endif
