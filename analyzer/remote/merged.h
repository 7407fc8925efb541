/* SPDX-License-Identifier: GPL-3.0-or-later */
/* merged.h - the rows of all shards as one answer, in an order that each of them gives. Errors are those of http.h,
 * with *why. */
#ifndef REMOTE_MERGED_H
#define REMOTE_MERGED_H

#include "remote/cluster.h"

enum { MERGED_COLUMNS = 64 }; /* at most */

struct merged;

/* Asks every shard; what they answer waits in files without names. The first `keys` columns are what sql orders by:
 * texts, byte by byte, and behind them one number, if number. sql: statements, each of rows behind those of the one
 * before, and NULL. merged_close in any case. */
int merged_open(struct cluster *c, const char *const *sql, unsigned columns, unsigned keys, bool number,
                struct merged **out, char **why);
/* 1: *row are the values, borrowed until the next one; 0: there are no more; or negative. */
int merged_next(struct merged *m, const struct slice **row);
void merged_close(struct merged *m);

#endif
