/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_writer.c - sealed chunks into tables chunk and block. */
#include "store/store_private.h"

#include <errno.h>

int chunk_writer_open(struct store *s, struct chunk_writer *w)
{
	int rc = sql_prepare(
	    s->db,
	    "INSERT INTO chunk (id, source, first_line, first_offset, lines, bytes, min_stamp, max_stamp, data) "
	    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
	    &w->chunk);

	if (!rc)
		rc = sql_prepare(s->db, "INSERT INTO block (id, data) VALUES (?, ?)", &w->block);
	return rc;
}

void chunk_writer_close(struct chunk_writer *w)
{
	sqlite3_finalize(w->chunk);
	sqlite3_finalize(w->block);
	*w = (struct chunk_writer){0};
}

#define BLOB_PIECE (1 << 20) /* bytes that are written at once; a row with more is made empty, and filled then */

/* SQLite copies a row before it writes it: of a large value it would hold another one. */
static int blob_fill(sqlite3 *db, int64_t id, const char *p, size_t len)
{
	sqlite3_blob *blob = NULL;
	int rc = sqlite3_blob_open(db, "main", "block", "data", id, true, &blob);

	for (size_t at = 0, n; at < len && !rc; at += n) {
		n = len - at < BLOB_PIECE ? len - at : BLOB_PIECE;
		rc = sqlite3_blob_write(blob, p + at, (int)n, (int)at);
	}
	if (rc)
		sqlite3_blob_close(blob);
	else
		rc = sqlite3_blob_close(blob);
	return sql_errno(rc);
}

static int block_put(struct store *s, struct chunk_writer *w, int64_t id, const char *p, size_t len)
{
	int rc;

	sqlite3_bind_int64(w->block, 1, id);
	if (len <= BLOB_PIECE)
		sqlite3_bind_blob64(w->block, 2, p, len, SQLITE_STATIC);
	else
		sqlite3_bind_zeroblob64(w->block, 2, len);
	rc = sql_step_reset(w->block);
	return rc || len <= BLOB_PIECE ? rc : blob_fill(s->db, id, p, len);
}

static int blocks_put(struct store *s, struct chunk_writer *w, int64_t id, const struct chunk_builder *b)
{
	const char *at = chunk_seal_bodies(b);
	uint32_t n = chunk_seal_blocks(b);
	int rc = n > 0xffff ? -E2BIG : 0;

	for (uint32_t i = 0; i < n && !rc; i++) {
		size_t len = chunk_seal_block(b, i);

		rc = block_put(s, w, id << 16 | i, at, len);
		at += len;
	}
	return rc;
}

int chunk_writer_put(struct store *s, struct chunk_writer *w, int64_t id, int64_t source, int64_t first_line,
                     int64_t first_offset, const struct chunk_builder *b, const struct bytes *sealed)
{
	struct chunk_summary sum = chunk_builder_summary(b);
	int rc = blocks_put(s, w, id, b);

	if (rc)
		return rc;
	sqlite3_bind_int64(w->chunk, 1, id);
	sqlite3_bind_int64(w->chunk, 2, source);
	sqlite3_bind_int64(w->chunk, 3, first_line);
	sqlite3_bind_int64(w->chunk, 4, first_offset);
	sqlite3_bind_int64(w->chunk, 5, sum.lines);
	sqlite3_bind_int64(w->chunk, 6, (int64_t)sum.bytes);
	for (int i = 7; i <= 8; i++) {
		if (sum.has_stamp)
			sqlite3_bind_int64(w->chunk, i, i == 7 ? sum.min_stamp : sum.max_stamp);
		else
			sqlite3_bind_null(w->chunk, i);
	}
	sqlite3_bind_blob64(w->chunk, 9, sealed->ptr, sealed->len, SQLITE_STATIC);
	rc = sql_step_reset(w->chunk);
	return rc ? rc : store_shapes_write(s);
}
