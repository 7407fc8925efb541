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
	MEANS_MOMENT,         /* a moment of the rules' own: its number, the time; not a word of the file */
	MEANS_OUTCOME,        /* it went well or failed: enum outcome; not a word of the file */
	MEANS_PARENT,         /* the request that it is inside of: its id; not a word of the file */
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
	ARG_REAL,  /* a number, or one in a string */
	ARG_STAMP, /* a time on the log's clock */
	ARG_CODE   /* a number of ours, in ns */
};

#define RULE_ARGS 4

struct meaning_arg {
	const char *name;
	enum arg_kind kind;
};

struct meaning_info {
	const char *name; /* NULL: made of other keys of a rule */
	struct meaning_arg arg[RULE_ARGS];
};

const struct meaning_info *meaning_info(enum meaning m);

enum outcome { OUTCOME_NONE, OUTCOME_OK, OUTCOME_FAILED };

/* A field of a line: fields.NAME, or span.NAME; name NULL: none. A text argument may be put together from several, and
 * is a pattern then ("{method} {path|ids}", model/compose.h). */
struct rule_field {
	const char *name;
	bool in_span, pattern;
};

/* Moments that a rule takes from times in fields. */
#define RULE_TIMES 4

struct rule {
	struct slice message; /* whole, or its beginning; with `any` it is empty */
	bool prefix, any;
	struct slice template; /* of the message, with <*> for what varies; the prefix is what comes before. ptr NULL:
	                          none */
	struct slice target, level, span; /* ptr NULL: any */
	enum meaning means;               /* MEANS_NOTHING: it gives a moment or an outcome alone */
	enum outcome outcome;
	struct rule_field function; /* of the request, as it is told */
	struct rule_field parent;   /* the id of the request that it is inside of */
	unsigned moment;            /* MOMENT_NAMED and up; 0: none */
	bool begins_attempt;        /* each time the moment comes after the first, another attempt begins */
	struct {
		unsigned moment;
		struct rule_field field;
	} time[RULE_TIMES];      /* moment 0 ends the list */
	struct condition *where; /* all of them hold; the rules' */
	unsigned nwhere;
	/* Where each argument is; name NULL where this rule has none. */
	struct rule_field arg[RULE_ARGS];
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
	MOMENT_RETURNED,
	MOMENT_NAMED /* from here on: of the rules' own, in the order of the file (rules_moment) */
};

/* Moments of a file's own: more are refused. */
#define MOMENTS_MAX 1000

/* When an invocation came to a moment of the rules' own. */
struct named_moment {
	unsigned moment;
	int attempt; /* from 0 */
	int64_t ns;
};

#define PHASE_MOMENTS 4

struct phase_rule {
	const char *name;
	bool of_attempt; /* once for each attempt */
	bool by_state;   /* " (cold)", " (warm)", ... is added to the name */
	unsigned from[PHASE_MOMENTS],
	    to[PHASE_MOMENTS]; /* enum moment, or of the rules' own; MOMENT_NONE ends a list */
	unsigned *without;     /* it is there only where none of these is known; nwithout of them; the rules' */
	unsigned nwithout;
};

struct rules {
	json_t *root; /* owns all texts */
	const char *name;
	char *where; /* it was read from, as messages name it */
	int version;
	struct rule *rule;
	unsigned nrules;
	struct phase_rule *phase;
	unsigned nphases;
	const char **moment; /* names of the rules' own, by number - MOMENT_NAMED */
	unsigned nmoments;
	bool inferred;                          /* made by the program from the log itself */
	json_t *series, *progress, *background; /* as in the file; borrowed from root */
	json_t *queue;                          /* the same; NULL: nothing is told of one */
	struct table whole;                     /* the first rule of each whole message */
	int first_prefix;                       /* or -1 */
};

/* Reads rules from text; where names it in messages ("schema/rules/iluvatar.json"). On error *why is yours:
 * "WHERE:LINE: cause". 0, -EINVAL or -ENOMEM. */
int rules_parse(const char *text, size_t len, const char *where, struct rules **out, char **why);
/* The same of rules that a database was made with: of its messages those are passed over that are refused since. */
int rules_parse_kept(const char *text, size_t len, const char *where, struct rules **out, char **why);
/* The built-in ones. */
int rules_builtin(struct rules **out, char **why);
/* Their text. */
struct slice rules_builtin_text(void);
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

/* Does rule i speak of this event, of which rules_find or rules_find_next gave it? Looks at its span and its
 * conditions. Declared here for what reads events (model/fact.h). */
struct event;
bool rule_holds(const struct rule *rule, const struct event *e);
/* The name of a moment as the file writes it: "insert", "parsed". */
const char *rules_moment(const struct rules *r, unsigned moment);
/* Whether anything in the file can give this moment. */
bool rules_gives(const struct rules *r, unsigned moment);
/* For who asks the lines of a message themselves: the first rule from *i on by which a whole message means this, with
 * its first argument in a field of the line; NULL: no more. *i begins with 0. */
const struct rule *rules_of_lines(const struct rules *r, enum meaning means, unsigned *i);

/* Whether any rule says which request another is inside of. */
bool rules_name_parents(const struct rules *r);

bool rules_is_progress(const struct rules *r, struct slice message);
bool rules_is_background(const struct rules *r, struct slice tid);

#endif
