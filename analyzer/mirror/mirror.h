/* SPDX-License-Identifier: GPL-3.0-or-later */
/* mirror.h - some lines of a cluster as a small database here, so that a question goes the same way as ever.
 *
 * They stand in it as they stand in the sources of the cluster, under the same paths and line numbers; the ledger
 * says of each source what the cluster's says. */
#ifndef MIRROR_MIRROR_H
#define MIRROR_MIRROR_H

#include "base/tempfile.h"
#include "remote/fetch.h"
#include <sqlite3.h>

/* Where a mirror has its rows from; each calls row for each of them. 0 or negative, with *why. */
struct mirror_from {
	/* The lines, as fetch_lines has them: a source's one after the other. */
	int (*lines)(void *arg, fetch_row *row, void *to, char **why);
	/* Results of them, those of a run one after the other; and the ledger, all that there is. NULL: there are none.
	 */
	int (*results)(void *arg, fetch_row *row, void *to, char **why);
	int (*sources)(void *arg, fetch_row *row, void *to, char **why);
	/* What is to stand in the database before its lines; runs are there. NULL: nothing. */
	int (*before)(void *arg, sqlite3 *db, char **why);
	/* What else is to stand in the database before its model is built. NULL: nothing. */
	int (*more)(void *arg, sqlite3 *db, char **why);
	/* Lines of a source that do not come to the same events here (of a record that stands on several lines the
	 * cluster has the first): so many of them all; 0: they have other times. NULL: that is an error. */
	void (*lost)(void *arg, const char *path, int64_t lines, int64_t all);
	void *arg;
	const char *rules;     /* as load has it; NULL: the built-in ones, or those that the log tells itself */
	bool settled;          /* NULL: the built-in ones */
	bool no_model;         /* its tables stay empty */
	const char *benchmark; /* a file, or NULL */
	unsigned threads;      /* of the load; 0: as many as there are processors */
	bool close_up;         /* lines need not have their numbers; between them may be some that say a time */
	bool piecewise;        /* a source's file goes before the next one comes */
};

struct mirror {
	struct tempdir dir;
	char *path;         /* of the database, below it; NULL: there is none */
	int64_t unfinished; /* mirror_ask: sources that are asked and whose push is under way, or was broken off */
	char *whole;        /* mirror_ask: the lines of sources that came whole, as SQL; NULL: there are none */
};

/* Makes the database of these lines, with the result of the transaction where they are of one; which NULL: of the
 * ledger alone. 0, or with *why (yours): as http.h has it; -EBADMSG: what the cluster has can't be put together.
 * mirror_done in any case; it removes what was made. */
int mirror_new(struct cluster *c, const struct fetch_which *which, struct mirror *out, char **why);
/* The same of other rows. */
int mirror_of(const struct mirror_from *from, struct mirror *out, char **why);
void mirror_done(struct mirror *m);

#endif
