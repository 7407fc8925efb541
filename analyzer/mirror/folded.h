/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folded.h - the model's tables of a cluster, as fold has written them, as those of a database here. */
#ifndef MIRROR_FOLDED_H
#define MIRROR_FOLDED_H

#include "remote/cluster.h"
#include <sqlite3.h>

/* Which tables. */
enum folded_tables {
	FOLDED_NONE = 1,       /* what is said of runs alone */
	FOLDED_INVOCATION = 2, /* and attempt */
	FOLDED_LOCK = 4,
	FOLDED_BATCH = 8,
	FOLDED_CONTAINER = 16,
	FOLDED_SERIES = 32,
	FOLDED_PATTERN = 64,
	FOLDED_FUNCTION = 128, /* with the columns of the metadata */
	FOLDED_ALL = 255,
	/* beside FOLDED_INVOCATION: of an invocation who, when, and how it ended; what else there is of it is NULL */
	FOLDED_BRIEF = 256,
};

/* Writes these tables of the model afresh, of a run (NONE: of all) and another one (NONE: of none), and none of the
 * others. `series` becomes a plain table, which goes before the virtual one of that name. 0, or as http.h has it, with
 * *why. */
int folded_put(struct cluster *c, sqlite3 *db, unsigned tables, struct slice run, struct slice other, char **why);

/* Gives the transactions of these invocations their places (table place), in the order in which folded_put writes them:
 * before lines are there, which would give some of them others. The same errors. */
int folded_places(struct cluster *c, sqlite3 *db, struct slice run, struct slice other, char **why);

#endif
