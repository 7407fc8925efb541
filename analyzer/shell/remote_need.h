/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_need.h - what a question about requests reads beside the tables of the fold: a file each. */
#ifndef SHELL_REMOTE_NEED_H
#define SHELL_REMOTE_NEED_H

#include "mirror/ask.h"
#include "query/core/query.h"

struct remote_need {
	/* Adds to which->only (sql, without the words AND or WHERE) the lines that are read as they stand. tid: of the
	 * transaction that is asked for, NONE: of all. A failure is q's. */
	void (*lines)(struct query *q, struct cluster *c, const struct fetch_which *which, struct text *sql);
	/* Puts what else is read into the database that was made of them, at path. NULL: nothing. */
	void (*more)(struct query *q, struct cluster *c, const struct fetch_which *which, const char *path);
};

extern const struct remote_need need_blame;

#endif
