/* SPDX-License-Identifier: GPL-3.0-or-later */
/* statement.h - SQL that somebody wrote for a server: where a statement ends, and which tables it names. */
#ifndef REMOTE_STATEMENT_H
#define REMOTE_STATEMENT_H

#include "base/slice.h"
#include "base/text.h"

/* The statement at the beginning of sql, without blanks and comments before and blanks behind it; *rest is what stands
 * behind its semicolon. NONE: there is none, and *rest is the end. */
struct slice statement_first(const char *sql, const char **rest);

/* Whether it says FORMAT at its end, that is, how the answer is written. */
bool statement_has_format(struct slice sql);

/* sql, with what a table of ours is called on all shards in the place of its name where it stands behind FROM or JOIN,
 * alone or behind the name of the database: cluster('NAME', database, table). False: one stands elsewhere behind the
 * name of the database, as in `FROM logs.event, logs.source`, and would be that of one shard. What is in the brackets
 * of cluster() and remote() stays as it is. */
bool statement_of_all(struct slice sql, const char *database, const char *cluster, struct text *out);

#endif
