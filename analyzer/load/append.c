/* SPDX-License-Identifier: GPL-3.0-or-later */
/* append.c - a file that was loaded before.
 *
 * It is known again by its path and its first bytes. If it has grown, its last chunk is taken out and read again with
 * what is new, so that a line that was cut short then is whole now, and following a file does not make thousands of
 * small chunks. */
#include "ingest/reader.h"
#include "base/sql.h"
#include "base/scan.h"
#include "load/pass.h"
#include "store/place.h"

#include <errno.h>
#include <stdlib.h>

int64_t text_hash(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t h = 0xcbf29ce484222325u;

	for (size_t i = 0; i < n; i++)
		h = (h ^ b[i]) * 0x100000001b3u;
	return (int64_t)(h >> 1);
}

int head_hash(const char *path, size_t n, int64_t *hash, size_t *got)
{
	unsigned char buf[HEAD_BYTES];
	struct reader *r;
	const char *why;
	ssize_t k = 0;
	int rc = reader_open(path, &r, &why);

	if (rc)
		return rc;
	n = n < HEAD_BYTES ? n : HEAD_BYTES;
	for (*got = 0; *got < n && (k = reader_read(r, buf + *got, n - *got)) > 0;)
		*got += (size_t)k;
	reader_close(r);
	*hash = text_hash(buf, *got);
	return 0;
}

/* ---- taking a chunk out ---- */

/* What the lines of a chunk were counted as. */
struct count {
	struct chunk *chunk;
	struct line line;
	struct bytes text;
	sqlite3_stmt *rejected; /* of source ?1, line ?2 */
	int64_t first_line;
};

static bool was_rejected(struct count *k, uint32_t row)
{
	bool is;

	sqlite3_bind_int64(k->rejected, 2, k->first_line + row);
	is = sqlite3_step(k->rejected) == SQLITE_ROW;
	sqlite3_reset(k->rejected);
	return is;
}

static int count_row(struct count *k, uint32_t row, bool last_open, struct parse_counts *out)
{
	struct bytes *text = &k->text;
	static const char slack[SCAN_SLACK];
	enum line_verdict v = LINE_OK;
	struct chunk_row r;
	size_t len;
	int rc;

	if ((rc = chunk_row(k->chunk, row, &r)) || (rc = chunk_line(k->chunk, &r, text, NULL)))
		return rc;
	len = text->len;
	if (r.head == CHUNK_REJECTED) {
		v = was_rejected(k, row) ? LINE_REJECTED : LINE_OK;
		out->blank += v == LINE_OK && (!len || (len == 1 && *text->ptr == '\r'));
	} else if (r.head == CHUNK_RAW_EVENT) {
		bytes_add(text, slack, sizeof slack);
		rc = text->failed ? -ENOMEM : line_parse(&k->line, text->ptr, len, &v);
	}
	len += !last_open;
	out->ok += v == LINE_OK;
	out->ok_bytes += v == LINE_OK ? len : 0;
	out->repaired += v == LINE_REPAIRED;
	out->repaired_bytes += v == LINE_REPAIRED ? len : 0;
	out->rejected += v == LINE_REJECTED;
	out->rejected_bytes += v == LINE_REJECTED ? len : 0;
	return rc;
}

static int chunk_counts(struct pass *p, const struct resume *r, struct chunk *c, int64_t bytes,
                        struct parse_counts *out)
{
	struct count k = {.chunk = c, .first_line = r->next_line};
	int rc = sql_prepare(store_db(p->store), "SELECT 1 FROM reject WHERE source = ?1 AND line = ?2", &k.rejected);

	if (rc)
		return rc;
	sqlite3_bind_int64(k.rejected, 1, r->source);
	line_init(&k.line);
	for (uint32_t i = 0, n = chunk_rows(c); i < n && !rc; i++) {
		rc = count_row(&k, i, false, out);
		/* the last line may have no line end */
		if (!rc && i == n - 1 && out->ok_bytes + out->repaired_bytes + out->rejected_bytes > (uint64_t)bytes) {
			struct parse_counts again = {0};

			rc = count_row(&k, i, true, &again);
			out->ok_bytes -= again.ok;
			out->repaired_bytes -= again.repaired;
			out->rejected_bytes -= again.rejected;
		}
	}
	sqlite3_finalize(k.rejected);
	bytes_free(&k.text);
	line_done(&k.line);
	return rc;
}

static int places_forget(struct store *s, int64_t chunk, struct chunk *c)
{
	uint32_t *events = calloc(CHUNK_ROWS + 1, sizeof *events);
	struct chunk_row r;
	int rc = 0;

	if (!events)
		return -ENOMEM;
	for (uint32_t i = 0; i < chunk_rows(c) && !(rc = chunk_row(c, i, &r)); i++)
		events[r.tid]++;
	for (uint32_t i = 1; i <= CHUNK_ROWS && !rc; i++) {
		struct slice tid;

		if (events[i] && !(rc = chunk_tid(c, (uint16_t)i, &tid)))
			rc = place_remove(s, tid, chunk, events[i]);
	}
	free(events);
	return rc;
}

static int chunk_take_out(struct pass *p, int64_t chunk, int64_t bytes, struct resume *out)
{
	struct parse_counts gone = {0};
	struct chunk *c;
	char sql[400];
	int rc = store_chunk_pin(p->store, chunk, &c);

	if (rc)
		return rc;
	rc = chunk_counts(p, out, c, bytes, &gone);
	if (!rc)
		rc = places_forget(p->store, chunk, c);
	store_chunk_unpin(p->store, c);
	if (rc)
		return rc;
	out->kept.ok -= gone.ok;
	out->kept.ok_bytes -= gone.ok_bytes;
	out->kept.blank -= gone.blank;
	out->kept.repaired -= gone.repaired;
	out->kept.repaired_bytes -= gone.repaired_bytes;
	out->kept.rejected -= gone.rejected;
	out->kept.rejected_bytes -= gone.rejected_bytes;
	snprintf(sql, sizeof sql,
	         "DELETE FROM chunk WHERE id = %lld; DELETE FROM block WHERE id BETWEEN %lld << 16 AND (%lld << 16) + "
	         "65535; DELETE FROM reject WHERE source = %lld AND line >= %lld",
	         (long long)chunk, (long long)chunk, (long long)chunk, (long long)out->source,
	         (long long)out->next_line);
	return store_exec(p->store, sql);
}

/* ---- what was loaded of a path ---- */

static int last_chunk(struct pass *p, struct resume *out, int64_t *chunk, int64_t *bytes)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(
	    store_db(p->store),
	    "SELECT id, first_line, first_offset, bytes FROM chunk WHERE source = ? ORDER BY first_line DESC LIMIT 1",
	    &q);

	*chunk = 0;
	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, out->source);
	if ((rc = sql_next(q)) == 1) {
		*chunk = sqlite3_column_int64(q, 0);
		out->next_line = sqlite3_column_int64(q, 1);
		out->skip_bytes = sqlite3_column_int64(q, 2);
		*bytes = sqlite3_column_int64(q, 3);
	}
	sqlite3_finalize(q);
	return rc < 0 ? rc : 0;
}

/* The last source of that path, or that id. */
static int known(struct pass *p, const char *path, int64_t id, struct resume *out, int64_t *bytes, int64_t *file_bytes,
                 int64_t *hash)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store),
	                     "SELECT id, bytes, file_bytes, head_hash, ok, ok_bytes, repaired, repaired_bytes, "
	                     "rejected, rejected_bytes, same_as, blank "
	                     "FROM source WHERE path = ?1 OR id = ?2 ORDER BY id DESC LIMIT 1",
	                     &q);

	if (rc)
		return rc;
	sqlite3_bind_text(q, 1, path, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, id);
	if ((rc = sql_next(q)) == 1) {
		out->source = sqlite3_column_int64(q, 0);
		*bytes = sqlite3_column_int64(q, 1);
		*file_bytes = sqlite3_column_int64(q, 2);
		*hash = sqlite3_column_int64(q, 3);
		out->kept = (struct parse_counts){.ok = (uint64_t)sqlite3_column_int64(q, 4),
		                                  .ok_bytes = (uint64_t)sqlite3_column_int64(q, 5),
		                                  .repaired = (uint64_t)sqlite3_column_int64(q, 6),
		                                  .repaired_bytes = (uint64_t)sqlite3_column_int64(q, 7),
		                                  .rejected = (uint64_t)sqlite3_column_int64(q, 8),
		                                  .rejected_bytes = (uint64_t)sqlite3_column_int64(q, 9),
		                                  .blank = (uint64_t)sqlite3_column_int64(q, 11)};
		out->same_as = sqlite3_column_int64(q, 10);
	}
	sqlite3_finalize(q);
	return rc < 0 ? rc : 0;
}

/* What to read again of a source that has grown. */
static int grown(struct pass *p, struct resume *out)
{
	int64_t chunk = 0, bytes = 0;
	int rc = last_chunk(p, out, &chunk, &bytes);

	return !rc && chunk ? chunk_take_out(p, chunk, bytes, out) : rc;
}

int resume_source(struct pass *p, int64_t source, struct resume *out)
{
	int64_t bytes, file_bytes, hash;
	int rc = known(p, NULL, source, out, &bytes, &file_bytes, &hash);

	return rc ? rc : grown(p, out);
}

/* A file under a new name may be one that is loaded already. */
static int renamed(struct pass *p, const struct input *in, struct resume *out)
{
	int64_t source, bytes, file_bytes, hash;
	bool whole, here;
	sqlite3_stmt *q;
	int rc = moved_find(p, in, &source, &whole, &here);

	if (rc || !source || (here && !whole))
		return rc;
	if (here) {
		out->same_as = source;
		return 0;
	}
	rc = sql_prepare(store_db(p->store), "UPDATE source SET path = ? WHERE id = ?", &q);
	if (rc)
		return rc;
	sqlite3_bind_text(q, 1, in->real, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, source);
	rc = sql_finish(q);
	if (rc || (rc = known(p, NULL, source, out, &bytes, &file_bytes, &hash)))
		return rc;
	say_note(p, "%s: loaded before under another name", in->path);
	out->unchanged = whole;
	return whole ? 0 : grown(p, out);
}

int resume_find(struct pass *p, const struct input *in, struct resume *out)
{
	int64_t bytes = 0, file_bytes = 0, hash = 0, hash_now = 0;
	size_t got = 0;
	int rc;

	*out = (struct resume){.next_line = 1};
	rc = known(p, in->real, 0, out, &bytes, &file_bytes, &hash);
	if (rc)
		return rc;
	if (out->source) {
		if (head_hash(in->path, (size_t)(bytes < HEAD_BYTES ? bytes : HEAD_BYTES), &hash_now, &got))
			return 0; /* it can't be opened: whoever loads it says so */
		if (hash_now == hash && in->file_bytes >= file_bytes) {
			out->unchanged = in->file_bytes == file_bytes || out->same_as;
			return out->unchanged ? 0 : grown(p, out);
		}
		say_note(p, "%s: not the file that was loaded under this name before; loaded as another source",
		         in->path);
		*out = (struct resume){.next_line = 1};
	}
	return renamed(p, in, out);
}
