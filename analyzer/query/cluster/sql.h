/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql.h - the command sql of a cluster: the server's SQL. */
#ifndef QUERY_CLUSTER_SQL_H
#define QUERY_CLUSTER_SQL_H

#include "query/core/query.h"
#include "remote/cluster.h"

void remote_sql(struct query *q, struct cluster *c);

#endif
