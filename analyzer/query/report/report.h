/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - private to the report: what is in it, and the files it goes to. */
#ifndef QUERY_REPORT_H
#define QUERY_REPORT_H

#include "query/core/query.h"
#include "render/text.h"

/* A part of the report that a command answers. */
struct report_part {
	const char *name; /* key in JSON, file in a directory of CSV, anchor in HTML */
	const char *title;
	const char *intro; /* one sentence or two */
	command_fn *run;
	struct option options[4]; /* ends with spec NULL */
};

extern const struct report_part report_parts[]; /* ends with name NULL */

/* Runs a part's command as if it had been typed with these options, and --run of the report's own, into out. */
int report_part_run(struct query *q, const struct report_part *part, struct output *out);

/* A timeline worth a look. */
struct report_case {
	int64_t run;
	char *tid; /* owned */
};

/* The slowest, then the failed and unfinished ones that are not among them: at most 15. */
int report_cases(struct query *q, struct report_case **cases, size_t *n);
void report_cases_free(struct report_case *cases, size_t n);

/* The whole report in one format, into out->file. */
int report_html(struct query *q, struct output *out);
int report_markdown(struct query *q, struct output *out);
int report_json(struct query *q, struct output *out);

/* A file that appears at its place only when it is whole. */
struct report_file {
	FILE *file;
	char *path, *temporary; /* owned */
};

int report_file_open(struct query *q, struct report_file *f, const char *path);
/* With the status of what was written: 0 puts the file in place, else it is removed. Returns the status to go on with.
 */
int report_file_close(struct query *q, struct report_file *f, int status);

#endif
