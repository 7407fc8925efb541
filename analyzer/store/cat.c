/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cat.c - a source's text, given back. */
#include "store/store_private.h"

#include <errno.h>

/* The last line of a source may have had no line end: text ends where the source's bytes end. */
static int64_t source_bytes(struct store *s, int64_t source)
{
	sqlite3_stmt *q;
	int64_t bytes = -ENOENT;
	int rc = sqlite3_prepare_v2(s->db, "SELECT bytes FROM source WHERE id = ?", -1, &q, NULL);

	if (rc)
		return sql_errno(rc);
	sqlite3_bind_int64(q, 1, source);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW)
		bytes = sqlite3_column_int64(q, 0);
	else if (rc != SQLITE_DONE)
		bytes = sql_errno(rc);
	sqlite3_finalize(q);
	return bytes;
}

static int chunk_cat(struct chunk *c, int64_t *left, struct bytes *line, int (*put)(void *, const void *, size_t),
                     void *arg)
{
	struct chunk_row row;
	int rc = 0;

	for (uint32_t i = 0; i < chunk_rows(c) && !rc && *left > 0; i++) {
		if ((rc = chunk_row(c, i, &row)) || (rc = chunk_line(c, &row, line, NULL)))
			return rc;
		bytes_add(line, "\n", 1);
		if (line->failed)
			return -ENOMEM;
		rc = put(arg, line->ptr, (int64_t)line->len < *left ? line->len : (size_t)*left);
		*left -= (int64_t)line->len;
	}
	return rc;
}

/* A copy's text is that of the source it is a copy of. */
static int64_t original(struct store *s, int64_t source)
{
	sqlite3_stmt *q;
	int64_t id = source;

	if (!sqlite3_prepare_v2(s->db, "SELECT coalesce(same_as, id) FROM source WHERE id = ?", -1, &q, NULL)) {
		sqlite3_bind_int64(q, 1, source);
		if (sqlite3_step(q) == SQLITE_ROW)
			id = sqlite3_column_int64(q, 0);
	}
	sqlite3_finalize(q);
	return id;
}

int store_cat(struct store *s, int64_t source, int (*put)(void *, const void *, size_t), void *arg)
{
	int64_t left = source_bytes(s, source), all = left;
	struct bytes line = {0};
	sqlite3_stmt *q;
	int rc;

	if (left < 0)
		return (int)left;
	rc = sql_errno(sqlite3_prepare_v2(
	    s->db, "SELECT id, first_offset FROM chunk WHERE source = ? ORDER BY first_line", -1, &q, NULL));
	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, original(s, source));
	while (!rc && (rc = sqlite3_step(q)) == SQLITE_ROW) {
		struct chunk *c;

		if (sqlite3_column_int64(q, 1) != all - left) {
			rc = -EBADMSG; /* a chunk is missing, or not where it should be */
			break;
		}
		rc = store_chunk_pin(s, sqlite3_column_int64(q, 0), &c);
		if (rc)
			break;
		rc = chunk_cat(c, &left, &line, put, arg);
		store_chunk_unpin(s, c);
	}
	sqlite3_finalize(q);
	bytes_free(&line);
	if (rc == SQLITE_DONE)
		return left == 0 || left == -1 ? 0 : -EBADMSG; /* -1: the last line has no end */
	return rc > 0 ? sql_errno(rc) : rc;
}
