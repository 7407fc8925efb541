/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fold.h - the rows of the model, on the shards: what `load` makes of a log here.
 *
 * Two steps. The transactions of each shard, unit by unit (remote/unit.h): their lines come here as a small database,
 * which the same code as ever makes the rows of, and those go back. Then, run by run, what lies between transactions.
 * Errors are those of http.h, with *why; -ESTALE: something has to be folded first; -EBUSY: somebody else is at it. */
#ifndef MIRROR_FOLD_H
#define MIRROR_FOLD_H

#include "mirror/mirror.h"

struct fold_options {
	const char *rules;     /* as load has it; NULL: the built-in ones */
	const char *benchmark; /* a file, or NULL */
	int64_t part_most;     /* lines and results that are folded at a time; 0: FOLD_PART */
	/* So much of all is done, in words what. NULL: nobody wants to know. */
	void (*progress)(void *arg, int64_t done, int64_t total, const char *what);
	/* So many lines of all that came of a source can't be read again here: what they say is in no row. 0: they can,
	 * and come out with other times, which rows have then. NULL: likewise. */
	void (*lost)(void *arg, const char *path, int64_t lines, int64_t all);
	void *arg;
};
#define FOLD_PART 262144

struct fold_sum {
	int64_t units, units_made; /* that there are; that were folded now */
	int64_t runs, runs_made;
	int64_t invocations, findings; /* that were written */
	int64_t lost;                  /* times that lines of a source could not be read again here as they were */
	int64_t unfinished;            /* sources whose push is under way, or was broken off */
};

/* The transactions of shard i. Added to sum. */
int fold_shard(struct cluster *c, size_t i, const struct fold_options *o, struct fold_sum *sum, char **why);
/* What lies between the transactions of all shards; -ESTALE while one of them is not folded. */
int fold_finish(struct cluster *c, const struct fold_options *o, struct fold_sum *sum, char **why);

#endif
