/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cat.c - a source's text, given back. */
#include "store/store_private.h"

#include <errno.h>

#define COPIES_MAX 64 /* of copies: each goes on where another one's text ends */

/* Where a source's text comes from. */
struct origin {
	int64_t bytes;   /* the last line may have had no line end: text ends where the source's bytes end */
	int64_t same_as; /* source that has the first `copied` bytes; 0: none */
	int64_t copied;
};

static int origin_read(struct store *s, int64_t source, struct origin *out)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(s->db, "SELECT bytes, coalesce(same_as, 0), duplicate_bytes FROM source WHERE id = ?", &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, source);
	rc = sql_next(q);
	*out = (struct origin){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1), sqlite3_column_int64(q, 2)};
	sqlite3_finalize(q);
	if (rc != 1)
		return rc ? rc : -ENOENT;
	if (!out->same_as)
		out->copied = 0;
	return out->bytes < 0 || out->copied < 0 || out->copied > out->bytes ? -EBADMSG : 0;
}

typedef int cat_put(void *arg, const void *p, size_t n);

/* stretch: the chunk is a stretch of a line that goes on in the next one. */
static int chunk_cat(struct chunk *c, bool stretch, int64_t *left, struct bytes *line, cat_put *put, void *arg)
{
	struct chunk_row row;
	int rc = 0;

	for (uint32_t i = 0; i < chunk_rows(c) && !rc && *left > 0; i++) {
		if ((rc = chunk_row(c, i, &row)) || (rc = chunk_line(c, &row, line, NULL)))
			return rc;
		if (row.head != CHUNK_PIECE && !stretch)
			bytes_add(line, "\n", 1);
		if (line->failed)
			return -ENOMEM;
		rc = put(arg, line->ptr, (int64_t)line->len < *left ? line->len : (size_t)*left);
		*left -= (int64_t)line->len;
	}
	return rc;
}

/* The lines that are the source's own: from byte `from` on, *left of them. ends: they end with the source's text. */
static int own_cat(struct store *s, int64_t source, int64_t from, int64_t *left, bool ends, cat_put *put, void *arg)
{
	int64_t all = from + *left;
	struct bytes line = {0};
	sqlite3_stmt *q;
	int rc = sql_prepare(s->db,
	                     "SELECT id, first_offset, lines FROM chunk WHERE source = ? ORDER BY first_line, id", &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, source);
	while (!rc && *left > 0 && (rc = sql_next(q)) == 1) {
		struct chunk *c;

		if (sqlite3_column_int64(q, 1) != all - *left) {
			rc = -EBADMSG; /* a chunk is missing, or not where it should be */
			break;
		}
		rc = store_chunk_pin(s, sqlite3_column_int64(q, 0), &c);
		if (rc)
			break;
		rc = chunk_cat(c, !sqlite3_column_int64(q, 2), left, &line, put, arg);
		store_chunk_unpin(s, c);
	}
	sqlite3_finalize(q);
	bytes_free(&line);
	if (rc)
		return rc;
	/* the last line may have no end; a copy's may end within one that its original has whole */
	return *left == 0 || *left == -1 || (!ends && *left < 0) ? 0 : -EBADMSG;
}

/* The first `bytes` of a source's text. */
static int text_cat(struct store *s, int64_t source, int64_t bytes, unsigned depth, cat_put *put, void *arg)
{
	struct origin o;
	int64_t left;
	int rc = depth > COPIES_MAX ? -EBADMSG : origin_read(s, source, &o);

	if (rc)
		return rc == -ENOENT && depth ? -EBADMSG : rc;
	bytes = bytes < 0 ? o.bytes : bytes;
	if (bytes > o.bytes)
		return -EBADMSG;
	if (o.copied)
		rc = text_cat(s, o.same_as, bytes < o.copied ? bytes : o.copied, depth + 1, put, arg);
	left = bytes - o.copied;
	return rc || left <= 0 ? rc : own_cat(s, source, o.copied, &left, bytes == o.bytes, put, arg);
}

int store_cat(struct store *s, int64_t source, cat_put *put, void *arg)
{
	return text_cat(s, source, -1, 0, put, arg);
}

int store_cat_own(struct store *s, int64_t source, int64_t *offset, cat_put *put, void *arg)
{
	struct origin o;
	int64_t left;
	int rc = origin_read(s, source, &o);

	if (rc)
		return rc;
	*offset = o.copied;
	left = o.bytes - o.copied;
	return left ? own_cat(s, source, o.copied, &left, true, put, arg) : 0;
}
