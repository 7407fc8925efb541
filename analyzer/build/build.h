/* SPDX-License-Identifier: GPL-3.0-or-later */
/* build.h - the state of one model_build, and its steps. All return 0 or a negative errno. */
#ifndef BUILD_BUILD_H
#define BUILD_BUILD_H

#include "base/sorter.h"
#include "tables/write.h"

struct build_run {
	int64_t id, offset_ns;
	bool unknown; /* an invocation of it has no function yet */
	bool doubted; /* its trace says otherwise than log and result */
};

/* One start of execution, or a batch that the log names, in the order of a worker's log. */
struct build_start {
	int64_t run, id, time_ns, len;
	uint32_t function; /* names, or INTERN_NONE */
	uint32_t worker;   /* names, or INTERN_NONE */
	uint32_t named;    /* 1: a batch */
};

/* One invocation, for what the trace says of it. */
struct build_arrival {
	int64_t run, time_ns, id;
	int64_t place;     /* of its transaction */
	uint32_t function; /* names, or INTERN_NONE: not known from log or result */
	uint32_t kind;     /* where it was written */
};

/* Invocations with a result of one function on one worker; of all functions: that worker's. */
struct build_group {
	double n, least; /* the least code time, s */
};

struct build {
	struct store *store;
	sqlite3 *db;
	struct rules *rules;
	struct facts facts;
	struct spool *spool;     /* where all facts are when they are too many; else NULL */
	struct results *results; /* while they are merged with the facts */
	struct fold fold;
	struct chunk_sources files; /* the fold's */
	struct writer writer;
	struct build_run *run; /* by id */
	size_t nruns;
	struct intern names;   /* of functions and workers */
	struct sorter *starts; /* build_start */
	struct intern bests;   /* run and function -> number in best */
	double (*best)[3];     /* benchmark: cold and warm time, warm time in the worker, s */
	struct intern groups;  /* run, worker and function -> number in group */
	struct build_group *group;
	size_t best_room, group_room;
	const struct model_options *o; /* or NULL */
	int (*meanwhile)(void *arg);   /* o's, until it was called */
	struct patterns *patterns;
	bool counting;           /* the first of two folds, which only counts groups */
	struct sorter *arrivals; /* build_arrival */
};

/* NULL: there is no such run. */
static inline struct build_run *build_run_of(const struct build *b, int64_t id)
{
	size_t low = 0, high = b->nruns;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (b->run[mid].id < id)
			low = mid + 1;
		else
			high = mid;
	}
	return low < b->nruns && b->run[low].id == id ? &b->run[low] : NULL;
}

/* Keeps of an invocation what the steps after the fold need, in b->starts and b->arrivals: as many as there are. */
int build_notes_open(struct build *b);
int build_note(struct build *b, const struct invocation *o, const struct fact *v, size_t n);

/* batch.c: runs of starts of one function, in the order of each worker's log. */
int build_run_facts(
    struct build *b); /* batches that the log names, cache insertions, benchmark names; while the facts are there */
int build_batches(struct build *b); /* batches by the starts */

/* container.c: the table container, from the facts of this pass; and the locks of one transaction: each "acquired" with
 * the next "dropped" of the same container. */
int build_containers(struct build *b);
int build_locks(struct build *b, const struct fact *v, size_t n, int64_t run, int64_t place);

/* pattern.c: messages as templates. Lines that are no span's are taken one by one, or counted where their head has
 * their message (example: the first of the earliest); then the table is written. */
struct patterns *patterns_new(struct store *s);
void patterns_free(struct patterns *p);
int patterns_take(struct patterns *p, const struct event *e);
bool patterns_may_count(const struct shape *head); /* all lines with it have one message */
int patterns_count(struct patterns *p, const struct shape *head, int64_t lines, int64_t first_ns, int64_t last_ns,
                   int64_t example);
int patterns_join(struct patterns *p, const struct patterns *from); /* adds what another has taken */
int patterns_write(struct patterns *p, sqlite3 *db);
/* What was taken, with the messages that are examples, behind what is in out; patterns_unpack adds it to others that
 * have taken nothing here, source by source: -EBADMSG where it is not that. */
struct bytes;
struct peek;
int patterns_pack(struct patterns *p, struct bytes *out);
int patterns_unpack(struct patterns *p, struct peek *in);

/* function.c */
int build_functions_from_trace(struct build *b); /* the k-th arrival is the k-th row of the trace */
int build_functions(struct build *b);            /* benchmark names, inter-arrival times */
bool function_has_column(sqlite3 *db, const char *column);

/* overhead.c */
int build_best_times(struct build *b);
int overhead_count(struct build *b, const struct invocation *o);
int overhead_fill(struct build *b, struct invocation *o);
int build_cache_insertions(struct build *b);

#endif
