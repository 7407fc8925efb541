/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timed.c - see timed.h */
#include "mirror/timed.h"
#include "base/array.h"
#include "base/sql.h"
#include "ingest/stamp.h"
#include <errno.h>
#include <stdlib.h>

int timed_add(struct timed *t, int64_t line, int64_t time_ns)
{
	struct timed_line *l = array_add(t->v, t->n, t->room);

	if (!l)
		return -ENOMEM;
	*l = (struct timed_line){line, time_ns, false};
	return 0;
}

void timed_done(struct timed *t)
{
	free(t->v);
	*t = (struct timed){0};
}

/* A text has the time of the record that it stands behind, and its transaction: nothing goes between them. A line
 * without a time that came out right behind one that had not has that one's time to thank for it. */
int timed_compare(struct timed *t, sqlite3 *db, struct slice run, struct slice path, bool *any)
{
	sqlite3_stmt *st = NULL;
	bool behind = false;
	int rc = sql_prepare(db,
	                     "SELECT time_ns, kind IS 'text' FROM event WHERE source = (SELECT s.id FROM source s JOIN "
	                     "run r ON r.id = s.run WHERE s.path = ?1 AND r.path = ?2) ORDER BY id",
	                     &st);

	bind_slice(st, 1, path);
	bind_slice(st, 2, run);
	for (size_t i = 0; i < t->n && !rc && (rc = sql_next(st)) == 1; i++) {
		bool other = sqlite3_column_int64(st, 0) != t->v[i].time_ns;

		rc = 0;
		if (sqlite3_column_int64(st, 1))
			continue;
		t->v[i].led = other || behind;
		behind = other;
		*any |= other;
	}
	sqlite3_finalize(st);
	return rc;
}

bool timed_is_led(struct timed *t, int64_t line)
{
	while (t->at < t->n && t->v[t->at].line < line)
		t->at++;
	return t->at < t->n && t->v[t->at].line == line && t->v[t->at].led;
}

int timed_lead(FILE *to, int64_t time_ns)
{
	char stamp[STAMP_MAX];

	stamp_print_rfc3339(time_ns, stamp);
	return fprintf(to,
	               "{\"timestamp\":\"%s\",\"level\":\"TRACE\",\"fields\":{\"message\":\"time\"},\"target\":"
	               "\"ilu_logq\"}\n",
	               stamp) < 0
	           ? -errno
	           : 0;
}
