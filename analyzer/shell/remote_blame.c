/* SPDX-License-Identifier: GPL-3.0-or-later */
/* remote_blame.c - the lines that `blame` reads: those that tell of queues and of containers that were removed, and
 * whether there are any of level debug. */
#include "blame/blame.h"
#include "shell/remote_need.h"
#include <errno.h>

static int put_message(void *arg, struct slice message)
{
	struct text *sql = arg;

	cluster_quote(sql, message);
	text_puts(sql, ", ");
	return 0;
}

/* One line of each run and shard that tells that there are such. */
static void put_detailed(struct slice run, struct text *sql)
{
	text_puts(sql,
	          "(run, source, line) IN (SELECT run, source, line FROM $event WHERE level IN ('DEBUG', 'TRACE')");
	if (run.len) {
		text_puts(sql, " AND run = ");
		cluster_quote(sql, run);
	}
	text_puts(sql, " LIMIT 1 BY run)");
}

/* A transaction that is no request is one nevertheless. */
static void blame_lines(struct query *q, struct cluster *c, const struct fetch_which *which, struct text *sql)
{
	(void)c;
	text_puts(sql, "message IN (");
	query_ok(q, blame_messages(put_message, sql), q->command);
	text_puts(sql, "'') OR ");
	put_detailed(which->run, sql);
	if (which->tid.len) {
		text_puts(sql, " OR tid = ");
		cluster_quote(sql, which->tid);
	}
}

const struct remote_need need_blame = {.lines = blame_lines};
