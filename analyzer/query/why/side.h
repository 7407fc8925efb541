/* SPDX-License-Identifier: GPL-3.0-or-later */
/* side.h - one of the two things that are compared: a run, a database, a stretch of time.
 *
 *     1  paper-info           a run of the database of -d: its number, its path or the end of it
 *     new.db  new.db:2        a database, or a run of it
 *     +0s..+60s               a stretch of time of the database of -d; either end may be missing
 *     new.db:2@00:51:00..     the same of a database or run */
#ifndef QUERY_WHY_SIDE_H
#define QUERY_WHY_SIDE_H

#include "query/core/query.h"

struct side {
	struct query q;             /* on its database; its failures go to the query that asked */
	const char *given;          /* the database of -d */
	char *path;                 /* of the database; owned */
	struct store *own;          /* opened for it; NULL: the other side's */
	int64_t run;                /* 0: all */
	int64_t since_ns, until_ns; /* since <= t < until; NO_NS: no end */
	int64_t offset_s;           /* UTC minus the log's clock */
	char *name;                 /* what people call it; owned */
};

/* Finds and opens what word means. first: the side that is there already, or NULL. What is wrong is q's failure, and
 * names the runs there are. side_done in any case. */
void side_open(struct query *q, const char *word, const struct side *first, struct side *out);
void side_done(struct side *s);
/* The database as the user names it: of a cluster its URL. */
const char *side_database(const struct side *s);
/* Takes over the failure of a side, if there is one. */
void side_told(struct query *q, struct side *s);

#endif
