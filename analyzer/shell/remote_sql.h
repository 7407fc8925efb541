/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_sql.h - the command sql of a cluster: the server's SQL. */
#ifndef SHELL_REMOTE_SQL_H
#define SHELL_REMOTE_SQL_H

#include "query/core/query.h"
#include "remote/cluster.h"

void remote_sql(struct query *q, struct cluster *c);

#endif
