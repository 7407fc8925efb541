/* SPDX-License-Identifier: GPL-3.0-or-later */
/* push.h - the events, the results and the ledger of a database, onto the shards of a cluster.
 *
 * Lines of one source go to a shard in their order, in batches that the server takes whole or not at all (they are of
 * one partition: run and day), and to all shards side by side. So what a shard has of a source and day is always the
 * first lines of what it should have, and a push goes on behind the last of them: after it was broken off, after the
 * source has grown, and when it is pushed again. At the end what the shards have is counted and compared. */
#ifndef REMOTE_PUSH_H
#define REMOTE_PUSH_H

#include "base/bytes.h"
#include "remote/cluster.h"
#include "store/store.h"
#include <sqlite3.h>

struct push_options {
	struct store *store;
	sqlite3 *db;      /* the store's, with the table result */
	const char *run;  /* all is of this run; NULL: as the database says */
	const char *host; /* stands before the path of each source, with a colon; NULL: nothing does */
	/* Column fact of an event (schema.c). NULL: no rules are looked at. */
	uint32_t (*mark)(void *arg, const struct event *e);
	void *mark_arg;
	/* Column seen of a source whose lines are all there, into out. NULL: ''. 0 or a negative errno. */
	int (*seen)(struct store *s, int64_t source, struct bytes *out);
	/* So many events of all are done; the source at work. NULL: nobody wants to know. */
	void (*progress)(void *arg, int64_t done, int64_t total, const char *path);
	void *arg;
};

struct push_sum {
	int64_t sources, events, sent; /* sent: those that were not there already */
};

/* 0, or with *why (yours): as http.h has it; -EEXIST: another source of this name is there; -EBADMSG: what is there is
 * not what should be, or the database is damaged; -EINTR. What was sent stays. */
int push_all(struct cluster *c, const struct push_options *o, struct push_sum *sum, char **why);

#endif
