/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.h - which lines of a cluster a command asks for. */
#ifndef QUERY_CLUSTER_LINES_H
#define QUERY_CLUSTER_LINES_H

#include "mirror/ask.h"
#include "query/core/query.h"

/* What was found out from the ledger of a cluster: the run and the times that options name, on its clocks. */
struct remote_where {
	char *run; /* its path; NULL: all of them; owned */
	int64_t since_ns, until_ns;
};

/* Reads --run, --since and --until where they are given; else nothing is asked. free(out->run) in any case. */
void remote_where(struct query *q, struct cluster *c, struct remote_where *out);

/* What --level, --errors, --message and --target of q leave of all lines, with their defaults: level is a word or NULL,
 * message of describe. What they leave too much the command sees to. */
void remote_narrow(struct query *q, const char *level, const char *message, struct fetch_which *out);

/* What was found of a transaction. */
struct remote_found {
	struct intern tids; /* which owns its id */
	struct intern runs; /* that it is in */
};
void remote_found_init(struct remote_found *f);
void remote_found_done(struct remote_found *f);

/* The transaction of this beginning, on whichever shard, and its runs: tid and runs of *out. */
void remote_find_tid(struct query *q, struct cluster *c, const char *word, struct remote_found *found,
                     struct fetch_which *out);

#endif
