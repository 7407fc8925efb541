/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counted.c - see counted.h */
#include "query/events/counted.h"
#include "base/array.h"
#include <errno.h>
#include <stdlib.h>

struct counted_reader {
	sqlite3_stmt *st;
	struct counted row;
	int64_t *order; /* by source.id */
	size_t room;
};

int counted_create(sqlite3 *db, sqlite3_stmt **add)
{
	int rc = sql_exec_all(db, "CREATE TABLE counted(side INTEGER, kind TEXT, level TEXT, target TEXT, text TEXT, "
	                          "source INTEGER, line INTEGER, cells TEXT, counts TEXT)");

	*add = NULL;
	return rc ? rc : sql_prepare(db, "INSERT INTO counted VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)", add);
}

int counted_put(sqlite3_stmt *st, int side, const struct counted *of)
{
	sqlite3_bind_int(st, 1, side);
	bind_slice(st, 2, (struct slice){&of->kind, 1});
	bind_slice(st, 3, of->level);
	bind_slice(st, 4, of->target);
	bind_slice(st, 5, of->text);
	sqlite3_bind_int64(st, 6, of->source);
	sqlite3_bind_int64(st, 7, of->line);
	bind_slice(st, 8, of->cells);
	bind_slice(st, 9, of->counts);
	return sql_step_reset(st);
}

static int read_order(struct counted_reader *r, sqlite3 *db)
{
	sqlite3_stmt *st;
	int64_t n = 0;
	int rc = sql_prepare(db, "SELECT id FROM source WHERE id > 0 ORDER BY run, path", &st);

	while (!rc && (rc = sql_next(st)) == 1) {
		int64_t id = sqlite3_column_int64(st, 0);

		rc = array_reserve_zeroed(r->order, r->room, (size_t)id + 1) ? -ENOMEM : 0;
		if (!rc)
			r->order[id] = ++n;
	}
	sqlite3_finalize(st);
	return rc;
}

int counted_open(sqlite3 *db, int side, struct counted_reader **out)
{
	bool there = false;
	int rc = sql_has_table(db, "counted", &there);

	*out = rc || !there ? NULL : calloc(1, sizeof **out);
	if (rc || !there)
		return rc;
	if (!*out)
		return -ENOMEM;
	rc = read_order(*out, db);
	if (!rc)
		rc = sql_prepare(db,
		                 "SELECT c.kind, c.level, c.target, c.text, c.source, c.line, c.cells, c.counts FROM "
		                 "counted c JOIN source s ON s.id = c.source WHERE c.side = ?1 ORDER BY s.run, s.path, "
		                 "c.line, c.rowid",
		                 &(*out)->st);
	sqlite3_bind_int((*out)->st, 1, side);
	return rc;
}

int64_t counted_source(const struct counted_reader *r, int64_t id)
{
	return id > 0 && (uint64_t)id < r->room ? r->order[id] : 0;
}

int counted_next(struct counted_reader *r, const struct counted **out)
{
	int rc = sql_next(r->st);

	if (rc != 1)
		return rc;
	r->row = (struct counted){.kind = *column_slice(r->st, 0).ptr,
	                          .level = column_slice(r->st, 1),
	                          .target = column_slice(r->st, 2),
	                          .text = column_slice(r->st, 3),
	                          .source = counted_source(r, sqlite3_column_int64(r->st, 4)),
	                          .line = sqlite3_column_int64(r->st, 5),
	                          .cells = column_slice(r->st, 6),
	                          .counts = column_slice(r->st, 7)};
	*out = &r->row;
	return 1;
}

void counted_close(struct counted_reader *r)
{
	if (!r)
		return;
	sqlite3_finalize(r->st);
	free(r->order);
	free(r);
}

bool counted_number(struct slice *list, int64_t *out)
{
	const char *p = list->ptr, *end = p + list->len;
	int64_t n = 0;

	while (p < end && (*p < '0' || *p > '9'))
		p++;
	if (p == end)
		return false;
	for (; p < end && *p >= '0' && *p <= '9'; p++)
		n = n > INT64_MAX / 10 - 1 ? n : n * 10 + (*p - '0');
	*list = (struct slice){p, (size_t)(end - p)};
	*out = n;
	return true;
}
