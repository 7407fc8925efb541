/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tids.c - see tids.h: table place is in the order of the ids. */
#include "tables/tids.h"
#include "base/array.h"
#include "base/sql.h"
#include <errno.h>
#include <stdlib.h>

void tids_done(struct tids *t)
{
	text_done(&t->texts);
	free(t->at);
	free(t->place);
	*t = (struct tids){0};
}

static int put(struct tids *t, int64_t place, struct slice tid)
{
	if (array_reserve(t->at, t->at_room, t->n + 1) || array_reserve(t->place, t->place_room, t->n + 1))
		return -ENOMEM;
	t->at[t->n] = t->texts.len;
	t->place[t->n++] = place;
	text_add(&t->texts, tid.ptr ? tid.ptr : "", tid.len);
	text_add(&t->texts, "", 1);
	return t->texts.failed ? -ENOMEM : 0;
}

int tids_read(sqlite3 *db, struct tids *out)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT id, tid FROM place ORDER BY tid, id", &st);

	while (!rc && (rc = sql_next(st)) == 1)
		rc = put(out, sqlite3_column_int64(st, 0), column_slice(st, 1));
	sqlite3_finalize(st);
	return rc;
}

/* Which row a place is of. */
struct rows {
	const int64_t *place; /* ascending */
	uint32_t n;
	uint32_t *at; /* by place: row + 1; 0: none. NULL: places lie too far apart for that, they are looked for */
};

/* An array by place has at most so many numbers a row. */
#define PLACES_APART 64

static int find_rows(const int64_t *place, uint32_t n, struct rows *out)
{
	int64_t most = n ? place[n - 1] : -1;

	*out = (struct rows){.place = place, .n = n};
	for (uint32_t i = 0; i < n; i++)
		if (place[i] < 0 || (i && place[i] <= place[i - 1]))
			return -EBADMSG;
	if (most / PLACES_APART > n)
		return 0;
	out->at = calloc((size_t)most + 2, sizeof *out->at);
	if (!out->at)
		return -ENOMEM;
	for (uint32_t i = 0; i < n; i++)
		out->at[place[i]] = i + 1;
	return 0;
}

/* Row + 1; 0: none. */
static uint32_t row_of(const struct rows *r, int64_t id)
{
	uint32_t low = 0, high = r->n;

	if (r->at)
		return r->n && id >= 0 && id <= r->place[r->n - 1] ? r->at[id] : 0;
	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (r->place[middle] < id)
			low = middle + 1;
		else
			high = middle;
	}
	return low < r->n && r->place[low] == id ? low + 1 : 0;
}

int tids_walk(const struct tids *t, const int64_t *place, uint32_t n, int (*take)(void *arg, uint32_t row, size_t i),
              void *arg)
{
	struct rows rows;
	uint32_t found = 0;
	int rc = find_rows(place, n, &rows);

	for (size_t i = 0; i < t->n && found < n && !rc; i++) {
		uint32_t row = row_of(&rows, t->place[i]);

		rc = row ? take(arg, row - 1, i) : 0;
		found += row != 0;
	}
	free(rows.at);
	return !rc && found < n ? -EBADMSG : rc;
}
