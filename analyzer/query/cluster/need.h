/* SPDX-License-Identifier: GPL-3.0-or-later */
/* need.h - what a question about requests reads beside the tables of the fold: a file each. */
#ifndef QUERY_CLUSTER_NEED_H
#define QUERY_CLUSTER_NEED_H

#include "mirror/ask.h"
#include "query/core/query.h"

/* What is asked. Zero-initialise; remote_asking_done in any case. */
struct remote_asking {
	struct slice tid;        /* NONE: of all */
	struct slice run, other; /* of these alone; run NONE: of all, other NONE: of one */
	char *own[2];            /* texts of run and other, where they are nobody else's */
	struct text lines;       /* which lines are read as they stand, as SQL */
	struct intern fields;    /* of `slow`: those that it reads */
};

struct remote_need {
	bool of_tid; /* the command's word is a transaction */
	/* Sets lines, and run and other where the command's words say them. A failure is q's. */
	void (*lines)(struct query *q, struct cluster *c, struct remote_asking *a);
	/* Puts what else is read into the database that was made of them. NULL: nothing. */
	void (*more)(struct query *q, struct cluster *c, const struct remote_asking *a, const struct mirror *m);
};

extern const struct remote_need need_blame, need_compare, need_slow;

void remote_asking_done(struct remote_asking *a);
/* Adds a text to a list, and what parts it from the next one; arg: a struct text. */
int remote_put_message(void *arg, struct slice message);
/* Whether all that `compare` reads is in files that its words name. */
bool remote_is_aside(const struct args *args);

#endif
