/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - a report of a cluster, whose sections read but some of the lines. */
#ifndef QUERY_CLUSTER_REPORT_H
#define QUERY_CLUSTER_REPORT_H

#include "query/cluster/command.h"

/* Makes the database that the report q reads: the model's tables, what was found, and the lines that its sections
 * read (report_reads.h). mirror_done in any case. */
void remote_report(struct query *q, struct cluster *c, struct mirror *m);

#endif
