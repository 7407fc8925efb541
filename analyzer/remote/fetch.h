/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fetch.h - what a cluster has of a transaction, or of some lines. Errors are those of http.h, with *why. */
#ifndef REMOTE_FETCH_H
#define REMOTE_FETCH_H

#include "base/intern.h"
#include "remote/cluster.h"

/* The transactions whose id begins with word, of lines and of results, into out: in no order; more than a million are
 * not told. */
int fetch_tids(struct cluster *c, struct slice word, struct intern *out, char **why);

/* The runs that have lines or results of a transaction, into out; the shard that has it is asked. */
int fetch_runs(struct cluster *c, struct slice tid, struct intern *out, char **why);

/* One line. */
struct fetch_place {
	struct slice run, source;
	int64_t line, time_ns;
};

/* Which lines: those that all of this leaves. A server leaves some more than a user means by target; none that is
 * meant is missing. Zero-initialise. */
struct fetch_which {
	struct slice tid, run; /* NONE: of all */
	const struct intern
	    *runs;           /* those that have lines of it, so that the others are not looked at; NULL: not known */
	struct slice source; /* of the run, its lines first..last; NONE: of all */
	struct slice to;     /* from source to this one, by their names; NONE: it alone */
	int64_t first, last;
	bool leveled;                     /* of this level, or a graver one, or of none */
	int level;                        /* from 0, error, to 4, trace */
	const char *message;              /* * stands for anything; NULL: any */
	const char *target;               /* or a part of it; * stands for anything; NULL: any */
	int64_t since_ns, until_ns;       /* since <= time < until; 0: no end */
	bool spans;                       /* those that may tell of a span of the source's own worker */
	const struct fetch_place *places; /* nplaces of them, by run, source and line: these alone; 0: any */
	size_t nplaces;
	const char *only;  /* a condition more, as SQL; NULL: none */
	bool either;       /* level, spans, places and only are alternatives: lines that fit one of them */
	const char *whole; /* SQL: lines of the run that fit it come whatever all of this leaves; NULL: none */
};

/* A line of `event` that a span opens, closes, enters or leaves with: a condition, which is 0 or 1. */
#define FETCH_SPAN_MESSAGE "ifNull(message, '') IN ('new', 'close', 'enter', 'exit')"
#define FETCH_SPAN_LINE    "(target IS NOT NULL AND " FETCH_SPAN_MESSAGE ")"

/* Those lines, by run, source and line: run, source, line, raw, time_ns, whether it has a transaction (1 or 0). Where
 * they are on several shards, their answers wait in files without names. */
enum { FETCH_RUN, FETCH_SOURCE, FETCH_LINE, FETCH_RAW, FETCH_TIME, FETCH_HAS_TID, FETCH_LINE_COLUMNS };
#define FETCH_LINE_SQL "run, source, line, raw, time_ns, tid != ''"
int fetch_lines(struct cluster *c, const struct fetch_which *w, fetch_row *row, void *arg, char **why);

/* The results of a transaction (NONE: of all, by run and row): run, then the columns of table result behind it
 * (docs/tables.md). */
enum { FETCH_RESULT_COLUMNS = 14 };
int fetch_results(struct cluster *c, struct slice tid, fetch_row *row, void *arg, char **why);

/* The ledger, in no order: the columns of table source, schema_source_columns. */
enum {
	FETCH_SOURCE_RUN = 0,
	FETCH_SOURCE_PATH = 1,
	FETCH_SOURCE_VERSION = 2,
	FETCH_SOURCE_WHOLE = 3,
	FETCH_SOURCE_EVENTS = 4,
	FETCH_SOURCE_KIND = 6,
	FETCH_SOURCE_OFFSET = 20, /* behind the numbers of bytes and lines */
	FETCH_SOURCE_OFFSET_FROM = 21,
	FETCH_SOURCE_FORMAT = 22,
	FETCH_SOURCE_LAST = 24, /* time_ns of its last line */
	FETCH_SOURCE_COLUMNS = 27
};
int fetch_sources(struct cluster *c, fetch_row *row, void *arg, char **why);

/* The same and, where cluster_check saw that there are any, the rules of runs that a fold was given (--rules): of these
 * rows the kind is FETCH_RULES, the path their name and the worker their text. Other columns they have none. */
#define FETCH_RULES ":rules"
enum { FETCH_SOURCE_RULES = FETCH_SOURCE_KIND + 1 };
int fetch_ledger(struct cluster *c, fetch_row *row, void *arg, char **why);

/* How many bytes of text the ledger knows of, of a run (NULL: of all). */
int fetch_bytes(struct cluster *c, const char *run, int64_t *out, char **why);

/* Lines that are no events: schema_reject_columns, in no order. */
enum { FETCH_REJECT_COLUMNS = 7 };
int fetch_rejects(struct cluster *c, fetch_row *row, void *arg, char **why);

#endif
