/* SPDX-License-Identifier: GPL-3.0-or-later */
/* append.c - a file that was loaded before.
 *
 * It is known again by its path and its first bytes, or by its text (moved.c). If it has grown, its last chunk is taken
 * out and read again with what is new, so that a line that was cut short then is whole now, and following a file does
 * not make thousands of small chunks. */
#include "ingest/reader.h"
#include "base/sql.h"
#include "base/scan.h"
#include "load/pass.h"
#include "store/place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* The first n bytes of a file's text; *got: how many there were. */
static int head_read(const char *path, char *buf, size_t n, size_t *got)
{
	struct reader *r;
	const char *why;
	ssize_t k = 0;
	int rc = reader_open(path, &r, &why);

	if (rc)
		return rc;
	for (*got = 0; *got < n && (k = reader_read(r, buf + *got, n - *got)) > 0;)
		*got += (size_t)k;
	reader_close(r);
	return 0;
}

static bool file_is_plain(const char *path)
{
	struct reader *r;
	const char *why;
	bool plain;

	if (reader_open(path, &r, &why))
		return true; /* whoever loads it says so */
	plain = reader_format(r) == READER_PLAIN;
	reader_close(r);
	return plain;
}

int head_hash(const char *path, size_t n, int64_t *hash, size_t *got)
{
	char buf[HEAD_BYTES];
	int rc = head_read(path, buf, n < HEAD_BYTES ? n : HEAD_BYTES, got);

	if (rc)
		return rc;
	*hash = head_hash_of(buf, *got);
	return 0;
}

/* ---- taking a chunk out ---- */

/* A source's last chunk, as table chunk has it. id 0: there is none. */
struct last {
	int64_t id, bytes, lines;
};

/* What the lines of a chunk were counted as. */
struct count {
	struct chunk *chunk;
	struct line line;
	struct bytes text;
	sqlite3_stmt *rejected; /* the lines of source ?1 from line ?2 on, in their order */
	int64_t next_rejected;  /* the one that it stands at */
	int64_t first_line;
	uint32_t pieces; /* rows so far that are pieces of lines, and the bytes of the last ones */
	size_t piece_bytes;
	bool stretch; /* of a line that is too long: no line of it ends here */
	struct window *file;
};

/* A stretch of a file that is read forwards. */
struct window {
	int fd;
	int64_t at; /* of buf in the file */
	size_t n, used;
	bool differs; /* from what it was compared with */
	char buf[64 * 1024];
};

static int window_open(const char *path, int64_t at, struct window **out)
{
	struct window *w = malloc(sizeof *w);
	int rc = 0;

	if (!w)
		return -ENOMEM;
	w->at = at;
	w->n = w->used = 0;
	w->differs = false;
	if ((w->fd = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		rc = -errno;
	if (rc)
		free(w);
	else
		*out = w;
	return rc;
}

static void window_close(struct window *w)
{
	if (w)
		close(w->fd);
	free(w);
}

static void window_compare(struct window *w, const char *p, size_t n)
{
	while (n && !w->differs) {
		size_t k;
		ssize_t got;

		if (w->used == w->n) {
			w->at += (int64_t)w->n;
			got = pread(w->fd, w->buf, sizeof w->buf, w->at);
			w->n = got > 0 ? (size_t)got : 0;
			w->used = 0;
		}
		k = w->n - w->used < n ? w->n - w->used : n;
		w->differs = !k || memcmp(w->buf + w->used, p, k) != 0;
		w->used += k;
		p += k;
		n -= k;
	}
}

/* 1, 0 or a negative errno; rows are asked for in their order. */
static int was_rejected(struct count *k, uint32_t row)
{
	int64_t line = k->first_line + row - k->pieces;
	int rc = 1;

	while (k->next_rejected < line && (rc = sql_next(k->rejected)) == 1)
		k->next_rejected = sqlite3_column_int64(k->rejected, 0);
	if (!rc)
		k->next_rejected = INT64_MAX;
	return rc < 0 ? rc : k->next_rejected == line;
}

static int count_row(struct count *k, uint32_t row, bool last_open, struct parse_counts *out)
{
	struct bytes *text = &k->text;
	static const char slack[SCAN_SLACK];
	enum line_verdict v = LINE_OK;
	struct slice line, reading;
	struct chunk_row r;
	size_t len;
	int rc;

	if ((rc = chunk_row(k->chunk, row, &r)) || (rc = chunk_line(k->chunk, &r, text, NULL)))
		return rc;
	len = text->len;
	if (k->file && !last_open) {
		window_compare(k->file, text->ptr, len);
		/* behind the last line may stand more of it */
		if (r.head != CHUNK_PIECE && !k->stretch && row + 1 < chunk_rows(k->chunk))
			window_compare(k->file, "\n", 1);
	}
	if (r.head == CHUNK_REJECTED && k->stretch) {
		out->rejected_bytes += len;
		return 0;
	}
	if (r.head == CHUNK_REJECTED) {
		if ((rc = was_rejected(k, row)) < 0)
			return rc;
		v = rc ? LINE_REJECTED : LINE_OK;
		rc = 0;
		out->blank += v == LINE_OK && (!len || (len == 1 && *text->ptr == '\r'));
	} else if (r.head == CHUNK_READING) {
		if ((rc = was_rejected(k, row)) < 0 ||
		    (v = rc ? LINE_REJECTED : LINE_OK,
		     rc = chunk_raw_row(k->chunk, r.head, r.head_ord, &line, &reading)))
			return rc;
		if (v == LINE_OK && memmem(reading.ptr, reading.len, ",\"repaired\":\"", 13))
			v = LINE_REPAIRED;
	} else if (r.head == CHUNK_PIECE) { /* its bytes are counted with its line's last row */
		k->pieces++;
		k->piece_bytes += len;
		return 0;
	} else if (r.head == CHUNK_RAW_EVENT) {
		bytes_add(text, slack, sizeof slack);
		rc = text->failed ? -ENOMEM : line_parse(&k->line, text->ptr, len, &v);
	}
	len += !last_open + k->piece_bytes;
	k->piece_bytes = 0;
	out->ok += v == LINE_OK;
	out->ok_bytes += v == LINE_OK ? len : 0;
	out->repaired += v == LINE_REPAIRED;
	out->repaired_bytes += v == LINE_REPAIRED ? len : 0;
	out->rejected += v == LINE_REJECTED;
	out->rejected_bytes += v == LINE_REJECTED ? len : 0;
	return rc;
}

static int chunk_counts(struct pass *p, const struct resume *r, struct chunk *c, const struct last *last,
                        struct window *file, struct parse_counts *out)
{
	struct count k = {.chunk = c, .first_line = r->next_line, .stretch = !last->lines, .file = file};
	int rc = sql_prepare(store_db(p->store),
	                     "SELECT line FROM reject WHERE source = ?1 AND line >= ?2 ORDER BY line", &k.rejected);

	if (rc)
		return rc;
	sqlite3_bind_int64(k.rejected, 1, r->source);
	sqlite3_bind_int64(k.rejected, 2, r->next_line);
	line_init(&k.line);
	for (uint32_t i = 0, n = chunk_rows(c); i < n && !rc; i++) {
		rc = count_row(&k, i, false, out);
		/* the last line may have no line end */
		if (!rc && i == n - 1 &&
		    out->ok_bytes + out->repaired_bytes + out->rejected_bytes > (uint64_t)last->bytes) {
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

/* file: what the chunk was read from; where that has something else now, the chunk stays. */
static int chunk_take_out(struct pass *p, const struct last *last, struct window *file, struct resume *out)
{
	struct parse_counts gone = {0};
	int64_t chunk = last->id;
	struct chunk *c;
	char sql[400];
	int rc = store_chunk_pin(p->store, chunk, &c);

	if (rc)
		return rc;
	rc = chunk_counts(p, out, c, last, file, &gone);
	if (!rc && !(file && file->differs))
		rc = places_forget(p->store, chunk, c);
	store_chunk_unpin(p->store, c);
	if (rc || (file && file->differs))
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

/* The source's last chunk, if it begins at from_line or behind. */
static int last_chunk(struct pass *p, int64_t from_line, struct resume *out, struct last *last)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store),
	                     "SELECT id, first_line, first_offset, bytes, lines FROM chunk WHERE source = ?1 AND "
	                     "first_line >= ?2 ORDER BY first_line DESC, id DESC LIMIT 1",
	                     &q);

	*last = (struct last){0};
	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, out->source);
	sqlite3_bind_int64(q, 2, from_line);
	if ((rc = sql_next(q)) == 1) {
		last->id = sqlite3_column_int64(q, 0);
		out->next_line = sqlite3_column_int64(q, 1);
		out->skip_bytes = sqlite3_column_int64(q, 2);
		last->bytes = sqlite3_column_int64(q, 3);
		last->lines = sqlite3_column_int64(q, 4);
	}
	sqlite3_finalize(q);
	return rc < 0 ? rc : 0;
}

/* What table source has of a source. */
struct source_row {
	int64_t bytes, file_bytes, hash;
};

static int row_read(struct pass *p, int64_t id, struct resume *out, struct source_row *row)
{
	sqlite3_stmt *q;
	int rc =
	    sql_prepare(store_db(p->store),
	                "SELECT bytes, file_bytes, coalesce(head_hash, 0), ok, ok_bytes, repaired, repaired_bytes, "
	                "rejected, rejected_bytes, coalesce(same_as, 0), blank, duplicate_bytes, duplicate FROM "
	                "source WHERE id = ?1",
	                &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, id);
	rc = sql_next(q);
	if (rc == 1) {
		*row = (struct source_row){sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
		                           sqlite3_column_int64(q, 2)};
		out->source = id;
		out->had = row->bytes;
		out->kept = (struct parse_counts){.ok = (uint64_t)sqlite3_column_int64(q, 3),
		                                  .ok_bytes = (uint64_t)sqlite3_column_int64(q, 4),
		                                  .repaired = (uint64_t)sqlite3_column_int64(q, 5),
		                                  .repaired_bytes = (uint64_t)sqlite3_column_int64(q, 6),
		                                  .rejected = (uint64_t)sqlite3_column_int64(q, 7),
		                                  .rejected_bytes = (uint64_t)sqlite3_column_int64(q, 8),
		                                  .blank = (uint64_t)sqlite3_column_int64(q, 10)};
		out->same_as = sqlite3_column_int64(q, 9);
		out->skip_bytes = sqlite3_column_int64(q, 11);
		if (sqlite3_column_int64(q, 12) < 0 || out->skip_bytes < 0 ||
		    __builtin_add_overflow(sqlite3_column_int64(q, 12), 1, &out->next_line))
			rc = -EBADMSG;
	}
	sqlite3_finalize(q);
	return rc == 1 ? 0 : rc ? rc : -EBADMSG;
}

/* What to read again of a source that has grown: from its last chunk on, or behind what is another's. path: of the
 * plain file, where it was not compared with what is loaded; the last chunk's text must still be there. 1, 0: it is
 * not, and nothing was taken out, or negative. */
static int grown(struct pass *p, const char *path, struct resume *out)
{
	struct resume was = *out;
	struct window *file = NULL;
	bool differs = false;
	struct last last;
	int rc = last_chunk(p, 0, out, &last);

	if (!rc && path && last.id)
		rc = window_open(path, out->skip_bytes, &file);
	if (!rc && last.id && !(rc = chunk_take_out(p, &last, file, out)))
		differs = file && file->differs;
	/* of a line that has several chunks all of them */
	while (!rc && last.id && !differs && !(rc = last_chunk(p, out->next_line, out, &last)) && last.id)
		rc = chunk_take_out(p, &last, NULL, out);
	window_close(file);
	if (!rc && differs)
		*out = was;
	return rc ? rc : !differs;
}

int source_take_out(struct pass *p, int64_t source)
{
	struct resume r;
	struct source_row row;
	struct last last;
	int rc = row_read(p, source, &r, &row);

	while (!rc && !(rc = last_chunk(p, 0, &r, &last)) && last.id)
		rc = chunk_take_out(p, &last, NULL, &r);
	return rc;
}

int resume_source(struct pass *p, int64_t source, struct resume *out)
{
	struct source_row row;
	int rc = row_read(p, source, out, &row);

	rc = rc ? rc : grown(p, NULL, out);
	return rc < 0 ? rc : 0;
}

/* The text has all that the source has, and more: it begins where that one's own lines do. */
static int resume_taken(struct pass *p, struct resume *out, int64_t source)
{
	struct resume from = {0};
	struct source_row row;
	int rc = row_read(p, source, &from, &row);

	if (rc)
		return rc;
	*out = (struct resume){.source = out->source,
	                       .same_as = from.same_as,
	                       .copied = from.same_as != 0,
	                       .takes = source,
	                       .had = out->had > from.had ? out->had : from.had,
	                       .skip_bytes = from.skip_bytes,
	                       .next_line = from.next_line};
	return 0;
}

int resume_copy(struct pass *p, struct resume *out, int64_t source, const struct overlap *found)
{
	if (found->source_open)
		return resume_taken(p, out, source);
	*out = (struct resume){.source = out->source,
	                       .same_as = source,
	                       .copied = true,
	                       .unchanged = found->text_ends,
	                       .had = out->had,
	                       .skip_bytes = found->bytes,
	                       .next_line = found->lines + 1};
	return 0;
}

/* The source's file has another name now, or another size: it was packed. */
static int rename_source(struct pass *p, const struct input *in, const struct known_source *source)
{
	struct known_source now = *source;
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(p->store), "UPDATE source SET path = ?, file_bytes = ? WHERE id = ?", &q);

	if (rc)
		return rc;
	sqlite3_bind_text(q, 1, in->real, -1, SQLITE_STATIC);
	sqlite3_bind_int64(q, 2, in->file_bytes);
	sqlite3_bind_int64(q, 3, source->id);
	rc = sql_errno(sqlite3_step(q));
	sqlite3_finalize(q);
	now.path = (struct slice){in->real, strlen(in->real)};
	return rc ? rc : known_note(&p->known, &now);
}

/* A file under a new name may be one that is loaded already. An energy log's lines mean what its first one says, so it
 * has all of them itself or none. */
static int renamed(struct pass *p, const struct input *in, bool in_one, struct resume *out)
{
	char head[HEAD_BYTES];
	struct known_source source;
	struct source_row row;
	struct overlap found;
	size_t got;
	int rc;

	if (p->o->apart || head_read(in->path, head, sizeof head, &got))
		return 0; /* what can't be read, whoever loads it says */
	if ((rc = text_find(p, in->path, head, got, NULL, &source, &found)) != 1)
		return rc;
	if (in_one && !(found.source_ends && found.text_ends))
		return 0;
	if (!found.source_ends || (!slice_is(source.path, in->real) && source_still_there(&source))) {
		return found.lines || found.source_open ? resume_copy(p, out, source.id, &found) : 0;
	}
	if ((rc = rename_source(p, in, &source)) || (rc = row_read(p, source.id, out, &row)))
		return rc;
	say_note(p, "%s: loaded before under another name", in->path);
	out->unchanged = found.text_ends;
	rc = out->unchanged ? 0 : grown(p, NULL, out);
	return rc < 0 ? rc : 0;
}

/* The same of a source that is nothing but the start of another one: it is compared with the whole of that, and as far
 * as it had come where the two have parted since. */
static int same_copy(struct pass *p, const struct input *in, struct resume *out)
{
	struct overlap found;
	int rc = text_compare(p, in->path, out->same_as, &found);

	if (!rc)
		rc = text_compare(p, in->path, out->source, &found);
	if (rc != 1)
		return rc;
	rc = resume_copy(p, out, out->same_as, &found);
	return rc ? rc : 1;
}

/* What to read of a file that goes on behind what is loaded of it. 1, 0: it is another file, or negative. */
static int goes_on(struct pass *p, const struct input *in, bool in_one, const struct known_source *known, bool compared,
                   struct resume *out)
{
	char head[HEAD_BYTES];
	size_t len;
	int rc = 0;

	if (!in_one && !p->o->apart && !head_read(in->path, head, sizeof head, &len))
		rc = resume_ahead(p, in, known, compared, head, len, out);
	if (rc)
		return rc;
	return known->copy ? same_copy(p, in, out) : grown(p, compared ? NULL : in->path, out);
}

/* A file whose name and first bytes are those of a source, and whose size is not: as long as it is plain it has grown.
 * What was packed, or is less than it was, is compared. 1, 0: it is another file, or negative. */
static int same_file(struct pass *p, const struct input *in, bool in_one, const struct known_source *known,
                     const struct source_row *row, struct resume *out)
{
	bool compare = !known->copy && (out->same_as || in->file_bytes < row->file_bytes ||
	                                row->file_bytes != row->bytes || !file_is_plain(in->path));
	struct overlap found = {0};
	int rc = compare ? text_compare(p, in->path, out->source, &found) : 1;

	if (rc != 1)
		return rc;
	out->unchanged = found.text_ends;
	if (found.text_ends && found.source_ends)
		rc = rename_source(p, in, known);
	else if (!found.text_ends)
		return goes_on(p, in, in_one, known, compare, out);
	return rc < 0 ? rc : 1;
}

/* A file that was empty: it may be one that is loaded already. */
static int filled(struct pass *p, const struct input *in, bool in_one, int64_t empty, struct resume *out)
{
	struct known_source gone = {.id = empty, .path = {"", 0}};
	sqlite3_stmt *q;
	int rc;

	*out = (struct resume){.source = empty, .next_line = 1};
	if ((rc = renamed(p, in, in_one, out)) || out->source == empty)
		return rc;
	if ((rc = sql_prepare(store_db(p->store), "DELETE FROM source WHERE id = ?", &q)))
		return rc;
	sqlite3_bind_int64(q, 1, empty);
	rc = sql_finish(q);
	return rc ? rc : known_note(&p->known, &gone);
}

/* Another file under a name that was loaded before. One that begins as that did was cut, in a crash or by hand, and
 * went on: what it had before the cut is the other's. */
static int other_file(struct pass *p, const struct input *in, bool in_one, int64_t before, bool begins,
                      struct resume *out)
{
	struct overlap found;
	bool whole;
	int rc;

	say_note(p, "%s: not the file that was loaded under this name before; loaded as another source", in->path);
	*out = (struct resume){.next_line = 1};
	rc = renamed(p, in, in_one, out);
	whole = out->source || out->takes || out->unchanged;
	if (rc || !begins || whole || in_one || p->o->apart)
		return rc;
	rc = text_compare(p, in->path, before, &found);
	if (rc < 0 || !found.lines || found.bytes <= out->skip_bytes)
		return rc < 0 ? rc : 0;
	return resume_copy(p, out, before, &found);
}

int resume_find(struct pass *p, const struct input *in, bool in_one, struct resume *out)
{
	const struct known_source *there = known_path(&p->known, in->real);
	struct known_source known;
	struct source_row row;
	int64_t hash_now = 0;
	size_t got = 0;
	int rc;

	*out = (struct resume){.next_line = 1};
	if (!there)
		return renamed(p, in, in_one, out);
	known = *there;
	if ((rc = row_read(p, known.id, out, &row)))
		return rc;
	out->failed = head_hash(in->path, (size_t)(row.bytes < HEAD_BYTES ? row.bytes : HEAD_BYTES), &hash_now, &got);
	if (out->failed)
		return 0;
	if (hash_now == row.hash && in->file_bytes == row.file_bytes) {
		out->unchanged = true;
		return 0;
	}
	if (!row.bytes)
		return filled(p, in, in_one, known.id, out);
	if (hash_now == row.hash && (rc = same_file(p, in, in_one, &known, &row, out)))
		return rc < 0 ? rc : 0;
	return other_file(p, in, in_one, known.id, hash_now == row.hash && row.bytes >= HEAD_BYTES, out);
}
