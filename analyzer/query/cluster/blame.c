/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blame.c - the lines that `blame` reads: those that tell of queues and of containers that were removed, and
 * whether there are any of level debug. */
#include "blame/blame.h"
#include "query/cluster/need.h"

/* One line of each run and shard that tells that there are such. */
static void put_detailed(const struct remote_asking *a, struct text *sql)
{
	text_puts(
	    sql, "(run, source, line) IN (SELECT run, source, line FROM $event WHERE level IN ('DEBUG', 'TRACE') AND ");
	cluster_of_runs(sql, a->run, a->other);
	text_puts(sql, " LIMIT 1 BY run)");
}

/* A transaction that is no request is one nevertheless. */
static void blame_lines(struct query *q, struct cluster *c, struct remote_asking *a)
{
	(void)c;
	text_puts(&a->lines, "message IN (");
	query_ok(q, blame_messages(remote_put_message, &a->lines), q->command);
	text_puts(&a->lines, "'') OR ");
	put_detailed(a, &a->lines);
	if (a->tid.len) {
		text_puts(&a->lines, " OR tid = ");
		cluster_quote(&a->lines, a->tid);
	}
}

const struct remote_need need_blame = {.of_tid = true, .lines = blame_lines};
