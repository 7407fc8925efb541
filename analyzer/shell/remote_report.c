/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_report.c - see remote_report.h
 *
 * Which transactions it shows is told by the table of invocations: that comes first, by itself, where there are to be
 * timelines. */
#include "shell/remote_report.h"
#include "query/core/match.h"
#include "query/report/report_reads.h"
#include "shell/remote_lines.h"
#include "store/vtab_event.h"
#include "tables/tables.h"
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

static void shown_tids(struct query *q, struct cluster *c, struct intern *out)
{
	const struct mirror_want want = {.folded = FOLDED_INVOCATION};
	struct mirror m = {0};

	remote_mirror(q, c, &want, &m);
	if (!q->status)
		tids_of(q, m.path, out);
	mirror_done(&m);
}

static void find_lines(struct query *q, struct cluster *c, unsigned reads, struct intern *tids,
                       struct fetch_which *which)
{
	if (reads & REPORT_TIMELINES && !q->status)
		shown_tids(q, c, tids);
	which->either = true;
	which->leveled = true;
	which->level = level_rank(SLICE("warn"));
	which->spans = reads & REPORT_SPANS;
	which->tids = tids->text;
	which->ntids = tids->n;
}

void remote_report(struct query *q, struct cluster *c, unsigned reads, struct mirror *m)
{
	struct remote_where where = {0};
	struct fetch_which which = {0};
	struct intern tids;

	intern_init(&tids);
	remote_where(q, c, &where);
	which.run = (struct slice){where.run, where.run ? strlen(where.run) : 0};
	find_lines(q, c, reads, &tids, &which);
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
	intern_done(&tids);
	free(where.run);
}
