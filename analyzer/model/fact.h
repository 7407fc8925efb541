/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fact.h - what the rules make of the events: narrow facts, collected and put in order.
 *
 * A fact is one line that some rule speaks of: who (transaction), what (meaning), when, and a few arguments. Facts of
 * one invocation fold into its row (fold.h). 40 bytes each; where a store has more than fit, they wait in a spool
 * (spool.h), so that memory stays flat. */
#ifndef MODEL_FACT_H
#define MODEL_FACT_H

#include "base/intern.h"
#include "model/rules.h"
#include "store/store.h"

union fact_arg {
	int64_t ns;
	double real;   /* NaN: not a number */
	uint32_t text; /* facts.texts, or INTERN_NONE */
};

struct fact {
	int64_t time_ns; /* UTC */
	int64_t id;      /* of the event */
	uint32_t key;    /* facts.keys; after facts_sort: its rank, that is by (run, tid) */
	uint16_t worker; /* facts.workers, or UINT16_MAX */
	uint8_t means;   /* enum meaning */
	uint8_t part;    /* 1: arguments 2 and 3 of the fact before */
	union fact_arg arg[2];
};

#define FACT_NO_STAMP INT64_MIN

/* With the number of a moment: it begins an attempt where it was there before. */
#define FACT_BEGINS (1 << 16)

struct facts {
	struct fact *v; /* of invocations, containers and transactions */
	size_t n, room;
	struct intern keys; /* run (8 bytes, big-endian) and tid: sorts as the tables do */
	struct intern texts, workers;
	uint32_t *by_rank;  /* after facts_sort: rank -> key */
	struct facts *runs; /* of whole runs, with an empty tid; NULL: none */
	const struct rules *rules;
	/* Called when so many facts are held; it takes them away. 0 or a negative errno. */
	int (*full)(struct facts *f, void *arg);
	void *full_arg;
};

/* How many facts are held at once before they go to a spool (spool.h): 10 MB, and as much again while they are put in
 * order. Twice what the largest of the real runs has. */
#define FACTS_MAX (1u << 18)

/* Reads the events of the query (its want is set here) and collects facts into f (facts_init first; rules stay
 * borrowed). max 0: no limit; else f->full is called whenever so many are held. 0 or a negative errno. */
void facts_init(struct facts *f, const struct rules *rules);
int facts_collect(struct facts *f, struct store *s, struct event_query *q, size_t max);
/* The same of one event, whose head rules must speak of: for those who read events themselves. It may be brief. */
bool facts_speak_of(struct facts *f, const struct shape *head);
int facts_take(struct facts *f, const struct event *e, size_t max);
/* Whether facts_take may take anything from a whole event, of whatever head. */
bool facts_want(struct facts *f, const struct event *e);
/* Puts them in the order of (run, tid, time, event); those of runs are not touched. */
int facts_sort(struct facts *f);
/* Adds the facts of another collection of the same rules and store, not sorted yet; `from` is empty afterwards.
 * 0 or -ENOMEM. */
int facts_join(struct facts *f, struct facts *from);
/* One more. */
int facts_push(struct facts *f, const struct fact *fact);
/* Forgets the facts but not the texts nor what is of runs. */
void facts_clear(struct facts *f);
/* The texts of facts that are forgotten. */
void facts_forget_texts(struct facts *f);
void facts_done(struct facts *f);

/* Of a key: its run and transaction. */
int64_t fact_run(const struct facts *f, uint32_t key);
struct slice fact_tid(const struct facts *f, uint32_t key);
/* The key of a transaction as it is kept in keys; buf has 8 + tid.len bytes. */
struct slice fact_key(int64_t run, struct slice tid, char *buf);

static inline struct slice fact_text(const struct facts *f, uint32_t text)
{
	return intern_text(&f->texts, text);
}

#endif
