/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lint_seen.h - what lint sees in the lines of one log, as bytes, for a database that has some of those lines alone.
 *
 * Such a database has it in table lint_seen, and in lint_open the transactions whose spans may be told as never closed:
 * all lines of those are there, and the lines that lint_seen_lines gives. All return 0 or a negative errno. */
#ifndef FINDINGS_LINT_SEEN_H
#define FINDINGS_LINT_SEEN_H

#include "base/bytes.h"
#include "findings/lint_log.h"
#include <sqlite3.h>

/* Of a source, behind what is in out; nothing where it has no lines. -ENODATA: some lines have no time of their own, so
 * that they are not the same without those before them. */
int lint_seen(struct store *s, int64_t source, struct bytes *out);

/* The numbers of lines that it is about, in no order; -EBADMSG: it is not that. */
int lint_seen_lines(struct slice seen, int (*line)(void *arg, int64_t line), void *arg);
/* Whether it has lines that open a span, and lines that close one. */
bool lint_seen_spans(struct slice seen);

/* Makes the tables, and fills them. */
int lint_seen_begin(sqlite3 *db);
int lint_seen_put(sqlite3 *db, int64_t source, struct slice seen);
int lint_seen_open(sqlite3 *db, struct slice tid);

/* ---- for lint ---- */

/* What is seen of a log. */
struct seen {
	struct log log;
	struct secrets secrets;
	bool opens, closes; /* spans */
};

int seen_pack(struct store *s, const struct seen *x, struct bytes *out);
/* Whether the database has it in its tables. */
int seen_there(struct store *s, bool *out);
/* What the tables have of a log stands for what was seen of it here; its secrets are added. */
int seen_recall(struct store *s, struct log *l, struct secrets *secrets);
/* Whether any log has lines that open spans, and that close them. */
int seen_spans(struct store *s, bool *opens, bool *closes);

#endif
