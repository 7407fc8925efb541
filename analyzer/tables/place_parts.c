/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place_parts.c - see place_parts.h */
#include "tables/place_parts.h"
#include "base/sql.h"

#define PART_LEAST 2000 /* places; of fewer it is not worth the trouble */

int parts_of_places(sqlite3 *db, struct place_part out[PLACE_PARTS])
{
	int64_t first = 0, last = 0, n;
	int rc = sql_number(db, "SELECT coalesce(min(id), 1) FROM invocation_row", &first);

	if (!rc)
		rc = sql_number(db, "SELECT coalesce(max(id), 1) FROM invocation_row", &last);
	if (rc)
		return rc;
	n = first < 0 || last < first ? 1 : (last - first) / PART_LEAST + 1;
	n = n > PLACE_PARTS ? PLACE_PARTS : n;
	out[0] = (struct place_part){INT64_MIN, INT64_MAX};
	for (int64_t i = 1; i < n; i++) {
		out[i] = (struct place_part){first + (last - first) / n * i, INT64_MAX};
		out[i - 1].last = out[i].first - 1;
	}
	return (int)n;
}

struct reading {
	int (*read)(void *arg, sqlite3 *db, size_t i);
	void *arg;
};

static int read_one(void *arg, struct store *s, size_t i)
{
	const struct reading *r = arg;

	return r->read(r->arg, store_db(s), i);
}

int place_parts_read(sqlite3 *db, struct store *s, size_t n, int (*read)(void *arg, sqlite3 *db, size_t i), void *arg)
{
	struct reading r = {read, arg};
	int rc = 0;

	if (s)
		return parts_read(s, n, read_one, &r);
	for (size_t i = 0; i < n && !rc; i++)
		rc = read(arg, db, i);
	return rc;
}
