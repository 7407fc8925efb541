/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model.h - from events to invocations: what the loader and the program call.
 *
 * The model is a pure function of the store: it reads events, results and traces and writes the tables invocation,
 * attempt, function, container, lock, batch and pattern afresh. So it is the same after a load, an append or a dropped
 * source, in any order of files. All functions return 0 or a negative errno unless they say otherwise; where there is
 * a `why`, it is set on error to a sentence for the user, yours to free(). */
#ifndef BUILD_MODEL_H
#define BUILD_MODEL_H

#include "model/rules_kept.h" /* RULES_NONE */
#include "store/store.h"
#include <signal.h>

struct model_options {
	const char *benchmark; /* path of a function benchmark file (JSON), or NULL: benchmark columns as the database
	                          has them */
	const char *rules;     /* path of a rules file of the user's own, or RULES_NONE, kept in the database; NULL: as
	                          kept, else the     built-in one */
	bool settled;          /* where no rules file says it, the built-in rules do: none are looked for in the log */
	unsigned threads;      /* that read the events; 0: the caller's alone */
	size_t facts_most;     /* facts held in memory at once; 0: FACTS_MAX (model/fact.h) */
	/* Set by a handler of signals: ends the wait for a benchmark that comes through a pipe. NULL: nothing does. */
	const volatile sig_atomic_t *stop;
	/* Something to write that events and results do not depend on: called once, while the threads read. NULL:
	 * nothing. */
	int (*meanwhile)(void *arg);
	void *meanwhile_arg;
};

/* (Re)writes the model's tables from the store, inside the caller's transaction. o may be NULL. */
int model_build(struct store *s, const struct model_options *o, char **why);

#endif
