/* SPDX-License-Identifier: GPL-3.0-or-later */
/* report.c - see report.h
 *
 * Which transactions it shows is told by the table of invocations: that comes first, by itself, where there are to be
 * timelines. What the sections `blame` and `slow` read, the files of these commands say. */
#include "query/cluster/report.h"
#include "query/cluster/lines.h"
#include "query/cluster/need.h"
#include "query/core/match.h"
#include "query/report/report_reads.h"
#include "store/vtab_event.h"
#include "tables/tables.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* q's report_tids of the database at path. */
static void tids_of(struct query *q, const char *path, struct intern *out)
{
	struct query of = *q;
	char *why = NULL;
	int rc = store_open(path, STORE_READ, &of.store, &why);

	if (!rc) {
		of.db = store_db(of.store);
		rc = vtab_event_register(of.db, of.store);
		rc = rc ? rc : tables_register(of.db, of.store);
	}
	remote_failed(q, rc, why);
	free(why);
	if (!q->status) {
		report_tids(&of, out);
		q->status = of.status;
		q->error = of.error;
		q->detail = of.detail;
	}
	store_close(of.store);
}

/* The lines of the transactions whose timelines are shown. */
static void shown_lines(struct query *q, struct cluster *c, struct text *sql)
{
	const struct mirror_want want = {.folded = FOLDED_INVOCATION};
	struct mirror m = {0};
	struct intern tids;

	intern_init(&tids);
	remote_mirror(q, c, &want, &m);
	if (!q->status)
		tids_of(q, m.path, &tids);
	for (uint32_t i = 0; i < tids.n; i++) {
		text_puts(sql, i ? ", " : "tid IN (");
		cluster_quote(sql, tids.text[i]);
	}
	text_puts(sql, tids.n ? ")" : "0");
	intern_done(&tids);
	mirror_done(&m);
}

static const struct {
	enum report_reads of;
	const struct remote_need *need;
} needs[] = {{REPORT_BLAME, &need_blame}, {REPORT_SLOW, &need_slow}};

enum { NEEDS = sizeof needs / sizeof *needs };

/* What the sections read beside lines by level and those of spans: one condition or another. */
static void needed_lines(struct query *q, struct cluster *c, unsigned reads, struct remote_asking *asking)
{
	text_puts(&asking->lines, "0");
	if (reads & REPORT_TIMELINES && !q->status) {
		text_puts(&asking->lines, " OR ");
		shown_lines(q, c, &asking->lines);
	}
	for (size_t i = 0; i < NEEDS && !q->status; i++)
		if (reads & needs[i].of) {
			text_puts(&asking->lines, " OR ");
			needs[i].need->lines(q, c, asking);
		}
	query_ok(q, asking->lines.failed ? -ENOMEM : 0, q->command);
}

static void needed_more(struct query *q, struct cluster *c, unsigned reads, const struct remote_asking *asking,
                        const struct mirror *m)
{
	for (size_t i = 0; i < NEEDS && !q->status; i++)
		if (reads & needs[i].of && needs[i].need->more)
			needs[i].need->more(q, c, asking, m);
}

void remote_report(struct query *q, struct cluster *c, struct mirror *m)
{
	unsigned reads = report_reads(q);
	struct remote_where where = {0};
	struct remote_asking asking = {0};

	remote_where(q, c, &where);
	asking.run = (struct slice){where.run, where.run ? strlen(where.run) : 0};
	needed_lines(q, c, reads, &asking);
	const struct fetch_which which = {.run = asking.run,
	                                  .either = true,
	                                  .leveled = true,
	                                  .level = level_rank(SLICE("warn")),
	                                  .spans = reads & REPORT_SPANS,
	                                  .only = text_str(&asking.lines)};
	/* of all runs: the order of phases and the patterns are of all */
	const struct mirror_want want = {.lines = &which,
	                                 .results = reads & REPORT_TIMELINES,
	                                 .rejects = true,
	                                 .folded = FOLDED_ALL,
	                                 .findings = true,
	                                 .evidence = reads & REPORT_EVIDENCE,
	                                 .counts = reads & REPORT_COUNTS};
	if (!q->status)
		remote_mirror(q, c, &want, m);
	needed_more(q, c, reads, &asking, m);
	remote_asking_done(&asking);
	free(where.run);
}
