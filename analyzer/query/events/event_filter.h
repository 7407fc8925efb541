/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_filter.h - which events the user asked for, by the options of `events`. */
#ifndef QUERY_EVENT_FILTER_H
#define QUERY_EVENT_FILTER_H

#include "query/core/query.h"
#include <regex.h>

struct event_filter {
	const char *target, *message; /* patterns; NULL: any */
	int most_verbose;             /* level_rank; -1: any */
	bool errors_too;              /* lines without a level whose format says what went wrong */
	bool has_grep, foreign;
	regex_t grep;
	struct query_tid tid;
	struct event_query query; /* for the cursor; points into this struct, so it may not move */
	struct text *scratch;
	int64_t left_out; /* foreign span lines not shown */
};

/* Reads --run --tid --level --target --message --since --until --grep --foreign. event_filter_done in any case. */
void event_filter_init(struct query *q, struct event_filter *f);
void event_filter_done(struct event_filter *f);
/* --level alone, as level_rank has it; -1 where it was not given, or is none, which fails the query. */
int event_filter_level(struct query *q);
/* All lines of a run (0: of all) down to a level, whatever a command was asked; event_filter_done in any case. */
void event_filter_of_level(struct event_filter *f, int64_t run, int most_verbose);

/* Each event it takes, in the store's order, until a call gives a negative errno, which is the query's failure then. */
void event_filter_each(struct query *q, struct event_filter *f, int (*each)(void *arg, const struct event *e),
                       void *arg);
/* The same with a store of one's own, for threads: 0, or what failed. */
int event_filter_read(struct store *s, struct event_filter *f, int (*each)(void *arg, const struct event *e),
                      void *arg);

/* What the cursor could not judge; not the --grep. */
bool event_filter_takes(struct event_filter *f, const struct event *e);
/* Does the line match --grep (true without it)? Negative: error. */
int event_filter_greps(struct event_filter *f, const struct event *e);

#endif
