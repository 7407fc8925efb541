/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_report.h - a report of a cluster, whose sections read but some of the lines. */
#ifndef SHELL_REMOTE_REPORT_H
#define SHELL_REMOTE_REPORT_H

#include "shell/remote_command.h"

/* Makes the database that the report q reads: the model's tables, what was found, and the lines that its sections
 * read (report_reads.h). mirror_done in any case. */
void remote_report(struct query *q, struct cluster *c, struct mirror *m);

#endif
