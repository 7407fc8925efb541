/* SPDX-License-Identifier: GPL-3.0-or-later */
/* unit.h - what of a shard is to be folded: the transactions of a run whose first lines are of one day.
 *
 * A unit is folded as a whole, into one partition of each table, and table fold says of which lines it was made. So
 * what was broken off, and what more lines have come to, is seen, and done again. Errors are those of http.h, with
 * *why. */
#ifndef REMOTE_UNIT_H
#define REMOTE_UNIT_H

#include "base/arena.h"
#include "remote/fetch.h"
#include "remote/schema.h"

struct unit {
	struct slice run;
	unsigned day;            /* since 1970 */
	int64_t events, results; /* of its transactions; both 0: it has none any more */
	uint64_t digest;         /* of them, and of what the ledger says of their run */
	uint64_t manner;
	uint64_t version; /* of its row in table fold, 0: none */
	bool due;         /* it is not folded, or was of other lines */
};

/* A run, over all shards. */
struct unit_run {
	struct slice run;
	int64_t events, results;
	uint64_t digest; /* of all that there is of it */
	uint64_t parts;  /* the same, but that of the lines it has the parts that the servers keep them in */
	bool apart;      /* table finish has other parts, of the same lines */
	uint64_t manner;
	uint64_t ledger;             /* of what the ledger says of its sources that matters to one transaction */
	uint64_t version;            /* of its row in table finish, 0: none */
	int64_t sources, unfinished; /* how many; those whose push is under way, or was broken off */
	bool due;                    /* what lies between its transactions is not there, or was of other lines */
};

/* Zero-initialise; units_done in any case. */
struct units {
	struct arena texts;
	struct unit_run *run; /* by name */
	size_t nruns, run_room;
	struct unit *unit; /* of one shard, by run and day */
	size_t n, room;
	uint64_t manner; /* that is looked for */
	size_t there;    /* of them the first, those that have transactions */
	bool by_parts;   /* runs are due by their parts: no line was looked at */
	bool stray;      /* there are parts that are of none of the runs */
};

/* The runs of all shards. manner: how they are finished (rules, benchmark); what was in another one is due. 0: any. */
int units_runs(struct cluster *c, uint64_t manner, struct units *u, char **why);
/* The units of shard i, of runs that are due, after units_runs. manner: how they are folded (rules). */
int units_of(struct cluster *c, size_t i, uint64_t manner, struct units *u, char **why);
/* Whether the transactions of all shards are folded, after units_runs; -ESTALE with *why where they are not. */
int units_folded(struct cluster *c, uint64_t manner, struct units *u, char **why);
void units_done(struct units *u);
/* Whether everything of a run (NONE: of all) was folded and finished, in whatever manner, since the last line came;
 * else -ESTALE with *why. For those who ask. */
int units_current(struct cluster *c, struct slice run, char **why);
/* A number that is another one once a fold has begun or ended since. */
int units_state(struct cluster *c, uint64_t *out, char **why);

/* A stretch of a unit's transactions. */
struct unit_part {
	struct slice from, to; /* the first and the last one */
};

/* The transactions of a unit in parts of about so many lines and results, one after the other. Lines whose column fact
 * is `passed` are left out here and in unit_lines; 0: none are. */
int unit_parts(struct cluster *c, size_t i, const struct unit *unit, int64_t most, uint32_t passed, struct arena *texts,
               struct unit_part **out, size_t *n, char **why);
/* The lines of a part, as fetch_lines; its results, as fetch_results. */
int unit_lines(struct cluster *c, size_t i, const struct unit *unit, const struct unit_part *part, uint32_t passed,
               fetch_row *row, void *arg, char **why);
int unit_results(struct cluster *c, size_t i, const struct unit *unit, const struct unit_part *part, fetch_row *row,
                 void *arg, char **why);

/* A version for rows that are given now, above the one before. */
uint64_t unit_version(uint64_t before);
/* Writes the unit's row in table fold: half way, or whole. */
int unit_mark(struct cluster *c, size_t i, const struct unit *unit, uint64_t version, bool whole, char **why);
/* Takes what was made of it out of all tables. */
int unit_drop(struct cluster *c, size_t i, const struct unit *unit, char **why);
/* The version that its row has: another one than ours, and somebody else is at work. */
int unit_version_there(struct cluster *c, size_t i, const struct unit *unit, uint64_t *out, char **why);

/* Where what lies between the transactions of a run stands. */
size_t run_home(const struct cluster *c, struct slice run);
/* The same for a run: its row in table finish; its rows in the tables of runs, and locks of no transaction. */
enum { RUN_DAY = 49709 };
int run_mark(struct cluster *c, const struct unit_run *run, uint64_t version, bool whole, char **why);
int run_drop(struct cluster *c, const struct unit_run *run, char **why);
/* Of a run that is not due: whoever asks next finds it so by its parts, unless another fold is at work on it. */
int run_seen(struct cluster *c, const struct unit_run *run, char **why);

#endif
