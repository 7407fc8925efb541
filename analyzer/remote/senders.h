/* SPDX-License-Identifier: GPL-3.0-or-later */
/* senders.h - batches on their way to the shards: a thread and a connection for each, so that all servers work while
 * the next batches are made.
 *
 * A server takes a batch whole or not at all. Where its answer got lost, the server is asked whether the batch is there
 * before it is sent again. After the first failure nothing more is sent. One thread puts and waits. */
#ifndef REMOTE_SENDERS_H
#define REMOTE_SENDERS_H

#include "remote/cluster.h"

/* Rows of one partition of table event. Texts are yours until senders_put has taken them. */
struct batch {
	size_t shard;
	char *id;   /* of the request: the same whenever this batch is sent */
	char *seen; /* a statement whose first row counts how many of the first and the last row are there */
	struct bytes body;
};

struct senders;

/* Where a server is waited for, the cluster's manner.waiting is called by threads of their own, but not while
 * senders_hush is on; until senders_free the cluster's manner is theirs. bytes_most is of memory that batches take
 * until they are there. 0, -ENOMEM, or negative with *why. */
int senders_new(struct cluster *c, size_t bytes_most, struct senders **out, char **why);
/* What is on its way is given up, but for the requests that run. */
void senders_free(struct senders *s);

/* Takes the batch, once there is room for it. 0, or what went wrong with any batch so far. */
int senders_put(struct senders *s, struct batch *b);
/* Until all that was put is there: 0, or what went wrong; *why is yours. */
int senders_wait(struct senders *s, char **why);

/* Keeps manner.waiting from being called: while the caller shows something itself. */
void senders_hush(struct senders *s, bool on);

#endif
