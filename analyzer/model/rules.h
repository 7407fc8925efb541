/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules.h - what a daemon's messages mean, as data (schema/rules/NAME.json, docs/rules.md).
 *
 * A rule names a message (whole, or by its first bytes), optionally target, level and span, and gives it one of the
 * meanings below; which fields of the line are the meaning's arguments is the rule's to say. */
#ifndef MODEL_RULES_H
#define MODEL_RULES_H

#include "base/slice.h"
#include "base/table.h"
#include <jansson.h>

/* What a line can say. The words of the rules file and the arguments are in rules.c. */
enum meaning {
	MEANS_NOTHING,
	/* of one invocation, in the order in which they happen */
	MEANS_CONTROLLER,     /* the controller has it: fqdn */
	MEANS_DISPATCHED,     /* the controller sends it to a worker: fqdn, worker */
	MEANS_ARRIVED,        /* the worker has it */
	MEANS_CPU_ESTIMATE,   /* queue, runtime (s) */
	MEANS_GPU_ESTIMATE,   /* queue, runtime (s) */
	MEANS_ESTIMATE,       /* cpu, gpu (s), cpu_load, gpu_load */
	MEANS_QUEUED,         /* in a worker's queue */
	MEANS_DEQUEUED,       /* out of it, looking for a container */
	MEANS_COLD_STARTED,   /* a new container is being made: fqdn */
	MEANS_CREATED,        /* it is there: container */
	MEANS_COLD_COMPLETED, /* it can be used: container */
	MEANS_ACQUIRED,       /* the invocation holds this one's lock: container */
	MEANS_STARTED,        /* it executes: insert, remove (times of the queue) */
	MEANS_FUNCTION,       /* the function's name: fqdn */
	MEANS_LOCK_DROPPED,   /* container */
	MEANS_RETURNING,      /* done executing */
	MEANS_ERROR,          /* the attempt failed: error */
	MEANS_ABANDONED,      /* and there will be no other */
	MEANS_COMPLETED,      /* answered: fqdn, compute */
	MEANS_ANSWERED,       /* the worker's request is over; without a completion before: it was refused */
	/* of a container or a whole run */
	MEANS_PREWARMED,       /* fqdn, compute */
	MEANS_REMOVED,         /* container */
	MEANS_BATCH,           /* fqdn, length */
	MEANS_CACHE_INSERTION, /* fqdn */
	MEANS_BENCHMARK_NAME,  /* function, benchmark */
	MEANINGS
};

/* Meanings from here on say nothing of an invocation. */
#define MEANS_FIRST_OF_RUN MEANS_PREWARMED

enum arg_kind {
	ARG_NONE,
	ARG_TEXT,
	ARG_REAL, /* a number, or one in a string */
	ARG_STAMP /* a time on the log's clock */
};

#define RULE_ARGS 4

struct meaning_arg {
	const char *name;
	enum arg_kind kind;
};

struct meaning_info {
	const char *name;
	struct meaning_arg arg[RULE_ARGS];
};

const struct meaning_info *meaning_info(enum meaning m);

struct rule {
	struct slice message; /* whole, or its beginning */
	bool prefix;
	struct slice target, level, span; /* ptr NULL: any */
	enum meaning means;
	/* Where each argument is: fields.NAME, or span.NAME; NULL where this rule has none. */
	struct {
		const char *name;
		bool in_span;
	} arg[RULE_ARGS];
	int next; /* the next rule to try for the same message, or -1 */
};

/* A stretch of an invocation between two moments; the first of `from` and of `to` that is known counts. */
enum moment {
	MOMENT_NONE,
	MOMENT_SENT,
	MOMENT_CONTROLLER,
	MOMENT_DISPATCHED,
	MOMENT_ARRIVED,
	MOMENT_INSERT,
	MOMENT_REMOVE,
	MOMENT_START,
	MOMENT_END,
	MOMENT_LAST_END,
	MOMENT_COMPLETED,
	MOMENT_RETURNED
};

#define PHASE_MOMENTS 4

struct phase_rule {
	const char *name;
	bool of_attempt;                                    /* once for each attempt */
	bool by_state;                                      /* " (cold)", " (warm)", ... is added to the name */
	enum moment from[PHASE_MOMENTS], to[PHASE_MOMENTS]; /* MOMENT_NONE ends a list */
};

struct rules {
	json_t *root; /* owns all texts */
	const char *name;
	int version;
	struct rule *rule;
	unsigned nrules;
	struct phase_rule *phase;
	unsigned nphases;
	json_t *series, *progress, *background; /* as in the file; borrowed from root */
	struct table whole;                     /* the first rule of each whole message */
	int first_prefix;                       /* or -1 */
};

/* Reads rules from text; where names it in messages ("schema/rules/iluvatar.json"). On error *why is yours:
 * "WHERE:LINE: cause". 0, -EINVAL or -ENOMEM. */
int rules_parse(const char *text, size_t len, const char *where, struct rules **out, char **why);
/* The built-in ones. */
int rules_builtin(struct rules **out, char **why);
/* A rules file of the user's own: read and checked. *text is yours. */
int rules_read_file(const char *path, char **text, size_t *len, char **why);
void rules_free(struct rules *r);

/* The first rule for a line, or -1; then try the `next` ones while rule_fits says no. Texts are as they stand in the
 * line. */
int rules_find(const struct rules *r, struct slice message, struct slice target, struct slice level);
/* The same, going on after rule i. */
int rules_find_next(const struct rules *r, int i, struct slice message, struct slice target, struct slice level);
/* Whether some rule speaks of lines of this target and level, whatever their message. */
bool rules_may_match(const struct rules *r, struct slice target, struct slice level);

bool rules_is_progress(const struct rules *r, struct slice message);
bool rules_is_background(const struct rules *r, struct slice tid);

#endif
