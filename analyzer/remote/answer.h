/* SPDX-License-Identifier: GPL-3.0-or-later */
/* answer.h - what a server answers to SQL of somebody's own: columns with names and types, and their rows. */
#ifndef REMOTE_ANSWER_H
#define REMOTE_ANSWER_H

#include "remote/cluster.h"

enum answer_kind { ANSWER_TEXT, ANSWER_INT, ANSWER_REAL };

struct answer {
	unsigned columns; /* 0 until they are known, before the first row */
	char **name;
	enum answer_kind *kind;
	/* Called when the columns are known; NULL: nobody. 0 to go on. */
	int (*begin)(struct answer *a);
	/* A row of values as text, NONE for NULL. 0 to go on. */
	int (*row)(struct answer *a, const struct slice *value);
	void *arg;
	/* private */
	struct tsv tsv;
	unsigned heads; /* lines before the rows that were read */
};

/* Asks the server behind the first host; tables without a database are those of the URL's if there is one shard, else
 * of nobody: there, tables of ours stand for those of all shards, by a cluster in the server's own configuration
 * that has them as shards. write: the statement may change something.
 *
 * 0, or as http.h has it, with *why; -EREMOTEIO also where the answer is none of rows and columns. answer_done in any
 * case. */
int answer_ask(struct cluster *c, struct slice statement, bool write, struct answer *a, char **why);
void answer_done(struct answer *a);

#endif
