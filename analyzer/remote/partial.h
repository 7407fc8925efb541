/* SPDX-License-Identifier: GPL-3.0-or-later */
/* partial.h - how much of a cluster is missing while some of its shards are away. */
#ifndef REMOTE_PARTIAL_H
#define REMOTE_PARTIAL_H

#include "remote/cluster.h"

/* The share of the lines that are on shards which are away: of the sources whose ledger is there, those that should be
 * and are not; where none is there, the share of the shards. 0, or as http.h has it. */
int partial_share(struct cluster *c, double *out, char **why);

#endif
