/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.h - all answered requests of a run in memory, with the time that each phase took: what `slow` compares.
 *
 * There may be millions of them: what many have in common stands in a list of kinds, the rest in columns. */
#ifndef REQUESTS_REQUESTS_H
#define REQUESTS_REQUESTS_H

#include "base/intern.h"
#include "column/narrow.h"
#include "base/sql.h"
#include "base/text.h"
#include "query/core/query.h"

/* More phases than this of one rules file are put together as "other phases". */
enum { REQUEST_PHASES = 64 };

/* Moments are ns since 1970, NO_NS where they are not known: it was sent, or the first that is known of it; at its
 * worker, out of its queue, in execution, done. */
enum request_column {
	REQUEST_BEGAN,
	REQUEST_ARRIVED,
	REQUEST_REMOVED,
	REQUEST_STARTED,
	REQUEST_ENDED,
	REQUEST_NS,   /* from end to end: its phases add up to it */
	REQUEST_LOAD, /* of its worker when it was queued: bits of a float */
	REQUEST_KIND,
	REQUEST_TID, /* where its id begins in requests.tids */
	REQUEST_OF_PHASE,
	REQUEST_COLUMNS = REQUEST_OF_PHASE + REQUEST_PHASES
};

struct request_kind {
	uint32_t run, function, worker; /* numbers of the names below */
	uint32_t state, status, compute;
	int32_t attempts;
	int64_t offset_s; /* UTC minus the log's clock */
};

struct requests {
	uint32_t n;
	int64_t base_ns;                       /* moments count from here, those after the first from that one */
	struct narrow column[REQUEST_COLUMNS]; /* of phases so many are in use as there are names */
	struct request_kind *kind;
	struct intern runs, functions, workers, words, phases; /* words: of states, statuses, computes */
	struct text tids;                                      /* each with a NUL */
	int64_t unfinished;                                    /* so many had no answer, and are left out */
};

/* ---- one request ---- */

/* A moment as the number of ns behind another, 0: NO_NS. What would be 0 is the number that NO_NS does not need. */
static inline int64_t moment_code(int64_t ns, int64_t from)
{
	return ns == NO_NS ? 0 : (int64_t)((uint64_t)(ns == from ? NO_NS : ns) - (uint64_t)from);
}

static inline int64_t moment_of_code(int64_t code, int64_t from)
{
	int64_t ns = (int64_t)((uint64_t)code + (uint64_t)from);

	return !code ? NO_NS : ns == NO_NS ? from : ns;
}

static inline int64_t request_began(const struct requests *r, uint32_t i)
{
	return moment_of_code(narrow_at(&r->column[REQUEST_BEGAN], i), r->base_ns);
}

/* Another moment of one that began then counts from before it. */
static inline int64_t moments_from(int64_t began)
{
	return (int64_t)((uint64_t)began - 1);
}

/* REQUEST_ARRIVED to REQUEST_ENDED. */
static inline int64_t request_moment(const struct requests *r, uint32_t i, enum request_column which)
{
	return moment_of_code(narrow_at(&r->column[which], i), moments_from(request_began(r, i)));
}

static inline int64_t request_ns(const struct requests *r, uint32_t i)
{
	return narrow_at(&r->column[REQUEST_NS], i);
}

static inline int64_t request_phase(const struct requests *r, uint32_t i, uint32_t phase)
{
	return narrow_at(&r->column[REQUEST_OF_PHASE + phase], i);
}

static inline const struct request_kind *request_kind(const struct requests *r, uint32_t i)
{
	return &r->kind[narrow_at(&r->column[REQUEST_KIND], i)];
}

static inline uint32_t request_function(const struct requests *r, uint32_t i)
{
	return request_kind(r, i)->function;
}

/* In s; NAN: not known. */
static inline float request_load(const struct requests *r, uint32_t i)
{
	int32_t bits = (int32_t)narrow_at(&r->column[REQUEST_LOAD], i);
	float load;

	memcpy(&load, &bits, sizeof load);
	return load;
}

static inline const char *request_tid(const struct requests *r, uint32_t i)
{
	return r->tids.ptr + narrow_at(&r->column[REQUEST_TID], i);
}

/* ---- all of them ---- */

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

#endif
