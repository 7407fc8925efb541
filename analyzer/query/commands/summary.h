/* SPDX-License-Identifier: GPL-3.0-or-later */
/* summary.h - the verdict: what is wrong and where the time went, as sentences, the worst first. */
#ifndef QUERY_SUMMARY_H
#define QUERY_SUMMARY_H

#include "base/text.h"
#include "findings/finding.h"
#include "query/core/query.h"

/* How bad it is. Within one, the order in which the sentences were made stays. */
enum verdict_level { VERDICT_ERROR, VERDICT_WARNING, VERDICT_FINE, VERDICT_NOTE };

struct verdict {
	enum verdict_level level;
	struct text message; /* one sentence; bytes as they stood in the log: whoever shows it makes it safe */
	const char *command; /* that shows more, without the program's name; static */
	int64_t first_ns;    /* since when; INT64_MIN: of no time */
	int64_t offset_s;    /* of that time's clock */
	bool kept;           /* shown however much else there is to say */
};

struct summary {
	struct text head; /* what was loaded: name, files, lines, from when to when */
	struct verdict *v;
	size_t n, room;
};

/* The verdict on --run, or on all that is loaded, the worst first; all of it, however long. A failure is latched in q.
 * summary_done in any case. */
void summary_make(struct query *q, struct summary *s);
/* The same in two steps, for who shows the findings as well: fs zeroed, to be freed by findings_done in any case. */
void summary_find(struct query *q, struct findings *fs);
void summary_of(struct query *q, const struct findings *fs, struct summary *s);
void summary_done(struct summary *s);

/* "error", "warning", "fine", "note" */
const char *verdict_level_name(enum verdict_level level);

/* ---- for those who make it ---- */

/* A new sentence to be written; NULL: failed, which is latched. Borrowed until the next. */
struct verdict *summary_add(struct query *q, struct summary *s, enum verdict_level level, const char *command);
/* What the commands of findings say, a sentence for each kind and run. */
void summary_findings(struct query *q, struct summary *s, const struct findings *fs);
/* Invocations: how they ended, and where their time went. Returns their number. */
int64_t summary_invocations(struct query *q, struct summary *s, int64_t run, bool explained);
/* Errors and warnings by pattern; invocations: there are some, of which was told. */
void summary_patterns(struct query *q, struct summary *s, int64_t run, bool invocations);
/* What was rejected, repaired or guessed. */
void summary_ledger(struct query *q, struct summary *s, int64_t run);

/* Words of sentences: "1,594", "268 s", "72.9 %", a quotation cut to what can be read at a glance. */
void say_count(struct text *t, int64_t n);
void say_duration(const struct query *q, struct text *t, int64_t ns);
void say_share(struct text *t, double share);
void say_quoted(struct text *t, const char *words, size_t len);
/* "1 line", "12 lines" */
void say_several(struct text *t, int64_t n, const char *noun);
/* The time of day on the log's clock, to the second. */
void say_time(struct text *t, int64_t ns, int64_t offset_s);

#endif
