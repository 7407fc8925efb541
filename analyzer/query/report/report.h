/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - private to the report: what is in it, and the files it goes to. */
#ifndef QUERY_REPORT_H
#define QUERY_REPORT_H

#include "query/core/command.h"
#include "render/text.h"

/* A part of the report that a command answers. */
struct report_part {
	const char *name; /* key in JSON, file in a directory of CSV, anchor in HTML */
	const char *title;
	const char *intro; /* one sentence or two */
	const struct command *command;
	struct option options[4]; /* ends with spec NULL */
};

extern const struct report_part report_parts[]; /* ends with name NULL */

/* Runs a part's command as if it had been typed with these options, and --run of the report's own, into out. */
void report_part_run(struct query *q, const struct report_part *part, struct output *out);

/* Runs a command with these options and words as if it had been typed, into out. A failure is q's. */
void report_ask(struct query *q, const struct command *c, const char *subject, const struct args *args,
                struct output *out);

/* A timeline worth a look. */
struct report_case {
	int64_t run;
	char *tid; /* owned */
};

/* The slowest, then the failed and unfinished ones that are not among them: at most 15. *cases is the caller's, to be
 * freed in any case. */
size_t report_cases(struct query *q, struct report_case **cases);
void report_cases_free(struct report_case *cases, size_t n);

/* The whole report in one format, into out->file. */
void report_html(struct query *q, struct output *out);
void report_markdown(struct query *q, struct output *out);
void report_json(struct query *q, struct output *out);

#endif
