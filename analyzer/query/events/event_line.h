/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_line.h - one event as a line for people. */
#ifndef QUERY_EVENT_LINE_H
#define QUERY_EVENT_LINE_H

#include "query/core/query.h"

/* What changes from line to line and is said once, in a heading. Zero-initialise. */
struct event_day {
	char day[16];
	int64_t offset_s;
	bool quiet; /* no headings: the day stands elsewhere */
};

/* What is the same in all lines and need not be repeated. */
struct event_show {
	bool tid, worker; /* show them */
	int indent;
	bool context; /* lines around what --grep found are shown, too */
	bool mark;    /* it is one that --grep found */
};

/* Writes e to out, a heading before it where the day or the clock changes; 0 or a negative errno. */
int event_line_show(struct output *out, const struct event *e, int64_t offset_s, const struct event_show *show,
                    struct event_day *day);

#endif
