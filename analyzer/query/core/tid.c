/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tid.c - a transaction by as much of its id as tells it from all others. */
#include "query/core/query.h"
#include "render/text.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The next row of another transaction. */
static bool next_other(struct query *q, sqlite3_stmt *stmt, const char *tid)
{
	bool more;

	while ((more = query_next(q, stmt)) && !strcmp((const char *)sqlite3_column_text(stmt, 0), tid))
		;
	return more;
}

static void ambiguous(struct query *q, const char *word, const char *first, sqlite3_stmt *stmt)
{
	struct text names = {0};
	char *last = NULL;
	int more = 0;

	text_puts(&names, first);
	do {
		free(last);
		last = strdup((const char *)sqlite3_column_text(stmt, 0));
		if (++more < 4)
			text_printf(&names, ", %s", last ? last : "");
	} while (query_ok(q, last ? 0 : -ENOMEM, word) && next_other(q, stmt, last));
	free(last);
	query_fail(q, USAGE, "%s begins %d transactions: %s%s", word, more + 1, text_str(&names),
	           more > 3 ? ", ..." : "");
	text_done(&names);
}

/* The row that a transaction has its lines at is its first. */
static int take_row(struct query_tid *t, sqlite3_stmt *stmt)
{
	const void *places = sqlite3_column_blob(stmt, 1);

	t->tid = strdup((const char *)sqlite3_column_text(stmt, 0));
	t->events = sqlite3_column_int64(stmt, 2);
	return t->tid ? place_parse(places, (size_t)sqlite3_column_bytes(stmt, 1), &t->places) : -ENOMEM;
}

struct query_tid query_tid(struct query *q, const char *word)
{
	/* The whole id comes first, so a name that begins others can still be meant. Table place has the invocations
	 * without lines too. */
	sqlite3_stmt *stmt = query_prepare(
	    q, "SELECT tid, places, events FROM place WHERE tid >= ?1 AND tid < ?1 || char(0x10ffff) ORDER BY tid, id");
	struct query_tid t = {0};

	sqlite3_bind_text(stmt, 1, word, -1, SQLITE_STATIC);
	if (query_next(q, stmt)) {
		if (query_ok(q, take_row(&t, stmt), word) && strcmp(t.tid, word) && next_other(q, stmt, t.tid))
			ambiguous(q, word, t.tid, stmt);
	} else {
		query_fail(q, USAGE, "no transaction begins with %s", *word ? word : "nothing");
	}
	sqlite3_finalize(stmt);
	if (q->status)
		query_tid_done(&t);
	return t;
}

/* How far two ids are the same. */
static size_t common(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

size_t query_tid_short(struct query *q, const char *tid, size_t least)
{
	static const char *const sides[] = {"SELECT max(tid) FROM place WHERE tid < ?1",
	                                    "SELECT min(tid) FROM place WHERE tid > ?1"};
	size_t len = strlen(tid), n = least;

	for (int i = 0; i < 2; i++) {
		sqlite3_stmt *stmt = query_prepare(q, sides[i]);
		const char *beside;

		sqlite3_bind_text(stmt, 1, tid, -1, SQLITE_STATIC);
		beside = query_next(q, stmt) ? (const char *)sqlite3_column_text(stmt, 0) : NULL;
		if (beside && common(tid, beside) >= n)
			n = common(tid, beside) + 1;
		sqlite3_finalize(stmt);
	}
	while (n < len && ((unsigned char)tid[n] & 0xc0) == 0x80)
		n++;
	return n < len ? n : len;
}

void query_tid_done(struct query_tid *t)
{
	free(t->tid);
	place_list_free(&t->places);
	*t = (struct query_tid){0};
}
