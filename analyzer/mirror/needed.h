/* SPDX-License-Identifier: GPL-3.0-or-later */
/* needed.h - which lines of a run the second step of a fold reads.
 *
 * Those that rules speak of, and those that who finds looks at (findings/reads.h); what is told of a log as a whole the
 * push has seen (seen.h). Where it has not, or something is otherwise on the cluster than it said, all lines. */
#ifndef MIRROR_NEEDED_H
#define MIRROR_NEEDED_H

#include "base/intern.h"
#include "remote/cluster.h"
#include <sqlite3.h>

/* A source of the run that has lines. */
struct needed_source {
	struct slice path;
	int64_t last;  /* line */
	int64_t lines; /* that there are */
	/* as the ledger has them */
	bool whole, energy;
	int64_t events, last_ns;
	struct slice seen;
	size_t cost; /* bytes of SQL for it alone */
};

struct needed {
	bool all;                     /* lines are; nothing that stands below `source` is there then */
	struct needed_source *source; /* by path */
	size_t n, room;
	struct intern open; /* transactions that have a span open at the end */
	struct text where;  /* which lines, of any source */
	bool lost;          /* some of these are not the same here */
	/* private */
	struct slice run;
	struct intern paths;
	struct arena texts;
	int64_t last_ns; /* of the run */
};

/* passed: lines with this column fact are none that a rule speaks of; 0: nobody knows. 0, or as http.h has it, with
 * *why. needed_done in any case. */
int needed_find(struct cluster *c, struct slice run, uint32_t passed, struct needed *out, char **why);
void needed_done(struct needed *n);

/* Which lines of the sources from..to-1: SQL. */
void needed_where(const struct needed *n, size_t from, size_t to, struct text *sql);

/* What was seen, into the tables that lint reads; the sources are there. 0 or a negative errno. */
int needed_put(const struct needed *n, sqlite3 *db);
/* The patterns that were seen, into temp.pattern, which goes before the table of that name. */
int needed_patterns(const struct needed *n, sqlite3 *db);

#endif
