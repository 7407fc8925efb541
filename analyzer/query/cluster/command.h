/* SPDX-License-Identifier: GPL-3.0-or-later */
/* command.h - what commands that speak to a cluster share. */
#ifndef QUERY_CLUSTER_COMMAND_H
#define QUERY_CLUSTER_COMMAND_H

#include "mirror/ask.h"
#include "query/core/query.h"
#include "remote/cluster.h"

/* A result of the room remote: a negative errno is a failure with why as its sentence (may be NULL, stays yours). A
 * server that is away, or refuses, is status SYSTEM. */
void remote_failed(struct query *q, int rc, const char *why);

/* What is to be done with the shards: change and create want each of them by itself (cluster_each). */
enum remote_for { REMOTE_ASK, REMOTE_ASK_PARTIAL, REMOTE_CHANGE, REMOTE_CREATE };

/* Opens a cluster, makes its tables for REMOTE_CREATE, and looks whether they are those of these shards;
 * REMOTE_ASK_PARTIAL: shards may be away. cluster_close in any case. */
void remote_open(struct query *q, const char *url, const struct http_manner *m, enum remote_for what,
                 struct cluster *c);

/* mirror_ask, and a note where sources are not whole. mirror_done in any case. */
void remote_mirror(struct query *q, struct cluster *c, const struct mirror_want *want, struct mirror *out);

/* What becomes of a command of a database that is a URL: it is done (or has failed), or it goes the same way as ever,
 * in the database that was made at m->path. partial: shards that are away are left out, which is said. mirror_done in
 * any case. */
void remote_answer(struct query *q, bool partial, struct mirror *m);

#endif
