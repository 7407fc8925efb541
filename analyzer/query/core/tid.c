/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tid.c - a transaction by as much of its id as tells it from all others. */
#include "query/core/query.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static int ambiguous(struct query *q, const char *word, const char *first, sqlite3_stmt *stmt)
{
	struct text names = {0};
	int more = 0, status;

	text_puts(&names, first);
	do {
		if (++more < 4)
			text_printf(&names, ", %s", (const char *)sqlite3_column_text(stmt, 0));
	} while ((status = query_step(q, stmt)) == 1);
	if (!status)
		status = query_fail(q, USAGE, "%s begins %d transactions: %s%s", word, more + 1, text_str(&names),
		                    more > 3 ? ", ..." : "");
	text_done(&names);
	return status;
}

int query_tid(struct query *q, const char *word, char **tid)
{
	sqlite3_stmt *stmt = NULL;
	char *first = NULL;
	int status;

	/* The whole id comes first, so a name that begins others can still be meant. Table place has the invocations
	 * without lines too. */
	status = query_prepare(
	    q, "SELECT DISTINCT tid FROM place WHERE tid >= ?1 AND tid < ?1 || char(0x10ffff) ORDER BY tid", &stmt);
	if (status)
		return status;
	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	status = query_step(q, stmt);
	if (status == 1) {
		first = strdup((const char *)sqlite3_column_text(stmt, 0));
		status = first ? DONE : query_errno(q, -ENOMEM, word);
		if (first && strcmp(first, word)) {
			status = query_step(q, stmt);
			if (status == 1)
				status = ambiguous(q, word, first, stmt);
		}
	} else if (!status) {
		status = query_fail(q, USAGE, "no transaction begins with %s", *word ? word : "nothing");
	}
	sqlite3_finalize(stmt);
	if (status)
		free(first);
	else
		*tid = first;
	return status;
}
