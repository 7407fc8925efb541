/* SPDX-License-Identifier: GPL-3.0-or-later */
/* gather.h - all shards of a cluster asked side by side, so that an answer takes as long as that of the slowest.
 * Through one host (cluster=NAME) it is one after the other. */
#ifndef REMOTE_GATHER_H
#define REMOTE_GATHER_H

#include "remote/cluster.h"

/* work for each shard, by a thread of its own; *why is the shard's. The first shard that failed is told, in the order
 * of the URL, also where others were done. */
int gather_each(struct cluster *c, int (*work)(struct cluster *c, size_t i, void *arg, char **why), void *arg,
                char **why);

/* A statement's rows, shard by shard, once all have answered: the answers are kept in memory. The statement (see
 * cluster_ask) is without its format, and empty then; shard is where a row comes from, NULL: nobody wants to know. */
int gather_rows(struct cluster *c, struct text *sql, unsigned columns, fetch_row *row, void *arg, size_t *shard,
                char **why);

#endif
