/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load.h - from paths to a database that answers. */
#ifndef LOAD_LOAD_H
#define LOAD_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct load_options {
	const char *db;     /* path of the database: made if absent, else added to */
	char *const *paths; /* files, directories, globs, "-" */
	size_t npaths;
	char *const *timezones; /* --timezone arguments: ZONE or PATH=ZONE */
	size_t ntimezones;
	const char *run;           /* --run NAME: the run that all of it is, or NULL */
	const char *benchmark;     /* --benchmark FILE, or NULL */
	const char *format;        /* --format NAME: how the lines look, or NULL: what fits */
	char *const *format_files; /* --format-file */
	size_t nformat_files;
	const char *roles[5];  /* --time, --level, --message, --target, --tid (enum role); NULL: not given */
	const char *no_repair; /* --no-repair NAME,...: or NULL */
	const char *rules;     /* rules file of the user's own, "none", or NULL */
	bool follow;           /* go on reading what is added, until interrupted */
	bool apart;       /* each file is a source of its own, whatever another one has: none is taken for a copy */
	bool no_model;    /* the model is left to the caller, who will build it */
	bool no_tids;     /* lines that name no transaction have none: no field is looked for that does */
	bool passing;     /* the database goes soon: nothing waits for the disk; after a failure it is worthless */
	bool quiet;       /* no progress, notes or ledger; errors and damage are always told */
	unsigned threads; /* 0: as many as there are processors, at most 16 */
	FILE *out, *err;  /* the ledger; notes, progress, errors */
	/* Notes and errors, a line each, safe for a terminal; NULL: they go to err, with the program's name before
	 * them. */
	void (*say)(void *say_arg, const char *line);
	void *say_arg;
};

/* Loads, and prints what became of it. Returns the exit status: 0, 2 (nothing could be opened), 3
 * (damaged input or database), 4 (the system failed: the database is as it was before), 130 (interrupted: what was read
 * is in). */
int load_run(const struct load_options *o);

/* Asks a running load to stop; async-signal-safe. */
void load_interrupt(void);

#endif
