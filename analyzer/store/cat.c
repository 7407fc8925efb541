/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cat.c - a source's text, given back. */
#include "store/store_private.h"

#include <errno.h>

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

int store_cat(struct store *s, int64_t source, int (*put)(void *, const void *, size_t), void *arg)
{
	/* The last line of a source may have had no line end: text ends where the source's bytes end. */
	int64_t left, all, original;
	struct bytes line = {0};
	sqlite3_stmt *q;
	int rc = sql_number_of(s->db, "SELECT bytes FROM source WHERE id = ?", source, &left);

	all = rc ? 0 : left;
	if (!rc) /* a copy's text is that of the source it is a copy of */
		rc = sql_number_of(s->db, "SELECT coalesce(same_as, id) FROM source WHERE id = ?", source, &original);
	if (rc)
		return rc;
	rc = sql_prepare(s->db, "SELECT id, first_offset FROM chunk WHERE source = ? ORDER BY first_line", &q);
	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, original);
	while (!rc && (rc = sql_next(q)) == 1) {
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
	if (!rc && left != 0 && left != -1) /* -1: the last line has no end */
		rc = -EBADMSG;
	return rc;
}
