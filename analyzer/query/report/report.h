/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.h - private to the report: its sections, what they share, and the forms it is written in. */
#ifndef QUERY_REPORT_H
#define QUERY_REPORT_H

#include "query/whole/gathered.h"
#include "query/commands/summary.h"
#include "query/core/command.h"
#include "query/report/measure.h"
#include "query/report/report_reads.h"
#include "render/text.h"

/* A timeline worth a look. */
struct report_case {
	int64_t run;
	char *tid;       /* owned */
	const char *why; /* "slowest", "failed", "typical"; static */
};

struct report_run {
	int64_t id;
	char *name; /* the end of its path; owned */
};

struct report_section;
struct flames;
enum { FLAMES_DRAWN = 8 }; /* runs, at most */

/* What is read once and shown in several places. */
struct report {
	struct query *q;
	struct output *out;
	const struct report_section *const *sections; /* that are shown, in order; ends with NULL */
	struct findings findings;                     /* the gravest first */
	struct summary summary;
	struct report_case *cases;
	size_t ncases;
	struct report_run *runs;
	size_t nruns, runs_room;
	bool invocations; /* there are some */
	struct gathered gathered;
	struct measure measure; /* of a page about one run */
	bool measured;
	struct flames *flames[FLAMES_DRAWN]; /* of a page, by run */
	char *slowest, *bad;                 /* SQL: overall_slowest_sql, overall_bad_sql; NULL: all of them */
};

/* A section: a command's answer, or something of the report's own, or both. Add a row to report_sections for another.
 */
struct report_section {
	const char *name; /* key in JSON, file in a directory of CSV, anchor in HTML, word in a file of --sections */
	const char *title;
	const char *intro;                     /* one sentence or two */
	const char *without;                   /* in its place of a log without invocations; NULL: the same */
	const char *page;                      /* more of it, on the page alone; may be NULL */
	const struct command *command;         /* NULL: timelines, which are written in a way of their own */
	struct option options[4];              /* ends with spec NULL */
	void (*html)(struct report *r);        /* in place of the command's table; NULL: the table */
	bool (*tells)(const struct report *r); /* left out where it has nothing to say; NULL: it always has */
	unsigned reads;                        /* enum report_reads; the model's tables and the ledger all do */
	bool of_invocations;                   /* left out of a log without any */
	bool open;                             /* unfolded when the page is opened */
};

/* A row for each column of time: what the charts are drawn from. */
extern const struct command over_time_of_report;

extern const struct report_section report_sections[]; /* ends with name NULL */

/* The sections that --sections FILE names, or all; freed by the caller. NULL: failed. */
const struct report_section **report_choose(struct query *q);
/* The section of this name, where it is chosen; NULL. */
const struct report_section *report_chosen(const struct report *r, const char *name);
/* What is said below its title. */
const char *report_intro(const struct report *r, const struct report_section *s);
/* Whether it is chosen, and has anything to say. */
bool report_has(const struct report *r, const char *name);
/* Whether a section has anything to say of what is loaded. */
bool report_wants(const struct report *r, const struct report_section *s);

/* Runs a section's command as if it had been typed with these options, and --run of the report's own, into out. */
void report_section_run(struct report *r, const struct report_section *s, struct output *out);

/* Runs a command with these options and words as if it had been typed, into out. A failure is q's. */
void report_ask(struct query *q, const struct command *c, const char *subject, const struct args *args,
                struct output *out);

/* The slowest, those that failed or never ended, and one of each function that took about as long as half of its
 * others: at most 24. *cases is the caller's, to be freed in any case. */
size_t report_cases(struct report *r, struct report_case **cases);
void report_cases_free(struct report_case *cases, size_t n);

/* What is read of the lines and of all invocations, several parts of it at once. A failure is latched in r->q. */
void report_read_all(struct report *r, bool page);
/* Reads what sections share. report_done in any case. */
void report_read(struct report *r, struct query *q, struct output *out, bool page);
void report_done(struct report *r);

/* The whole report in one format, into out->file. */
void report_html(struct query *q, struct output *out);
void report_markdown(struct query *q, struct output *out);
void report_json(struct query *q, struct output *out);

/* ---- sections of the page ---- */

void report_verdict(struct report *r);
void report_tiles(struct report *r);
void report_findings(struct report *r);
void report_charts(struct report *r);
void report_blame(struct report *r);
void report_timelines(struct report *r);
void report_flames(struct report *r);

/* What its flame graph is drawn from; *out is the caller's, to be freed in any case. 0 or a negative errno. */
int flames_read(struct store *s, int64_t run, struct flames **out);
void flames_free(struct flames *f);

/* What all of them write with: t goes to the file and is empty again. */
void report_put(struct report *r, struct text *t);
/* " of NAME" where there are several runs, safe for HTML. */
void report_of_run(struct report *r, struct text *t, int64_t run);
const char *report_run_name(const struct report *r, int64_t run);

#endif
