/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report_reads.h - what of a log's lines a report reads, for who has to fetch them first: those of level warning and
 * above, those without a level, and what its sections show. */
#ifndef QUERY_REPORT_READS_H
#define QUERY_REPORT_READS_H

#include "base/intern.h"
#include "query/core/query.h"

enum report_reads {
	REPORT_BLAME = 1,     /* what `blame` reads */
	REPORT_SPANS = 2,     /* those of spans */
	REPORT_TIMELINES = 4, /* those of report_tids */
	REPORT_EVIDENCE = 8,  /* those that findings name */
	REPORT_COUNTS = 16,   /* how many there are over time */
	REPORT_SLOW = 32,     /* what `slow` reads */
};

/* Of the sections that --sections names, or of all; 0 after a failure, which is q's. Needs no database. */
unsigned report_reads(struct query *q);

/* The transactions whose timelines are shown. A failure is q's. */
void report_tids(struct query *q, struct intern *out);

#endif
