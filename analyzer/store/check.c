/* SPDX-License-Identifier: GPL-3.0-or-later */
/* check.c - is the database whole, and does the ledger add up? */
#include "ingest/line.h"
#include "store/place.h"
#include "store/store_private.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct check {
	struct store *s;
	void (*fault)(void *arg, const char *text);
	void (*progress)(void *arg, int64_t done, int64_t total);
	void *arg;
	int faults;
	struct bytes line;
	struct place_set *places; /* as the chunks have them */
	sqlite3_stmt *reject, *energy;
	struct noted { /* of table reject, where k->reject stands */
		int64_t line, offset, length;
	} noted;
	struct stretches { /* of the line that goes on in the next chunk */
		int64_t source, line, offset, bytes;
	} open;
};

/* What table chunk says of one. */
struct chunk_note {
	int64_t id, source, first_line, first_offset, lines, bytes, min_stamp, max_stamp;
};

static void fault(struct check *k, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void fault(struct check *k, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	k->faults++;
	k->fault(k->arg, text ? text : "out of memory");
	free(text);
}

static bool is_fatal(int rc)
{
	return rc == -ENOMEM || rc == -EINTR || rc == -EIO || rc == -EBUSY;
}

static void sqlite_fault(void *arg, const char *text)
{
	fault(arg, "SQLite: %s", text);
}

/* Whether a line is no event without being wrong: 1, 0 or a negative errno. */
static int may_be_unnoted(struct check *k, int64_t source)
{
	int rc;

	if (!k->line.len || (k->line.len == 1 && *k->line.ptr == '\r'))
		return 1;
	sqlite3_bind_int64(k->energy, 1, source);
	rc = sql_next(k->energy);
	sqlite3_reset(k->energy);
	return rc;
}

/* What table reject has of the lines from one on. */
static void rejects_from(struct check *k, int64_t source, int64_t line)
{
	sqlite3_reset(k->reject);
	sqlite3_bind_int64(k->reject, 1, source);
	sqlite3_bind_int64(k->reject, 2, line);
	k->noted = (struct noted){0};
}

/* 1: it has the line, in k->noted; 0 or a negative errno. Lines are asked for in their order. */
static int reject_find(struct check *k, int64_t line)
{
	int rc = 1;

	while (k->noted.line < line && (rc = sql_next(k->reject)) == 1)
		k->noted = (struct noted){sqlite3_column_int64(k->reject, 0), sqlite3_column_int64(k->reject, 1),
		                          sqlite3_column_int64(k->reject, 2)};
	if (!rc)
		k->noted.line = INT64_MAX;
	return rc < 0 ? rc : k->noted.line == line;
}

/* A line in a chunk: its last row, the rows before that are pieces of lines, where it begins and ends. */
struct at {
	uint32_t row, pieces;
	int64_t from, to, before; /* before: bytes of it in stretches before the chunk */
};

/* Whether what table reject has of a line is what its last row is: no event, or one that has rejected parts. */
static int line_noted(struct check *k, const struct chunk_note *n, uint16_t head, struct at at, int64_t *rejected)
{
	int64_t line = n->first_line + at.row - at.pieces, offset = n->first_offset + at.from - at.before;
	int64_t bytes = at.before + at.to - at.from;
	bool whole = head == CHUNK_REJECTED;
	const struct noted *x = &k->noted;
	int rc = whole || head == CHUNK_READING ? reject_find(k, line) : 0, may = 0;

	*rejected += rc == 1;
	if (!rc && whole && !at.before)
		may = may_be_unnoted(k, n->source);
	if (!rc && whole && !may)
		fault(k, "source %lld: the rejected line %lld is not in table reject", (long long)n->source,
		      (long long)line);
	else if (rc == 1 && (whole ? x->offset != offset || x->length != bytes
	                           : x->offset < offset || x->length > bytes || x->offset - offset > bytes - x->length))
		fault(k, "source %lld: the rejected line %lld is noted at another place", (long long)n->source,
		      (long long)line);
	return rc < 0 ? rc : may < 0 ? may : 0;
}

/* What of the line stands in the chunks right before n. */
static int64_t stretches_before(const struct check *k, const struct chunk_note *n)
{
	const struct stretches *s = &k->open;

	return s->source == n->source && s->line == n->first_line && s->offset + s->bytes == n->first_offset ? s->bytes
	                                                                                                     : 0;
}

/* A chunk of no lines is a stretch of one that is too long. *is: n is one. */
static int stretch_check(struct check *k, struct chunk *c, const struct chunk_note *n, bool *is)
{
	int64_t before = stretches_before(k, n);
	struct chunk_row row;
	int rc;

	*is = false;
	if (n->lines || chunk_rows(c) != 1)
		return 0;
	if ((rc = chunk_row(c, 0, &row)) || row.head != CHUNK_REJECTED || (rc = chunk_line(c, &row, &k->line, NULL)))
		return rc;
	*is = true;
	if ((int64_t)k->line.len != n->bytes)
		fault(k, "chunk %lld: %zu bytes where %lld are noted", (long long)n->id, k->line.len,
		      (long long)n->bytes);
	k->open = (struct stretches){n->source, n->first_line, n->first_offset - before, before + n->bytes};
	return 0;
}

/* Every line of a chunk again; bytes, times and rejected lines as the chunk's row and the rejects say. */
static int chunk_lines(struct check *k, struct chunk *c, const struct chunk_note *n, int64_t *rejected)
{
	int64_t sum = 0, from = 0, min = INT64_MAX, max = INT64_MIN, before = stretches_before(k, n);
	struct chunk_row row;
	uint32_t pieces = 0;
	bool stretch;
	int rc;

	*rejected = 0;
	if ((rc = stretch_check(k, c, n, &stretch)) || stretch)
		return rc;
	if (k->open.source && !before)
		fault(k, "chunk %lld: is not the end of the line that begins at byte %lld of source %lld",
		      (long long)n->id, (long long)k->open.offset, (long long)k->open.source);
	k->open.source = 0;
	rejects_from(k, n->source, n->first_line);
	for (uint32_t i = 0; i < chunk_rows(c); i++) {
		if ((rc = chunk_row(c, i, &row)) || (rc = chunk_line(c, &row, &k->line, NULL)))
			return rc;
		if (chunk_is_event(row.head)) {
			min = row.stamp < min ? row.stamp : min;
			max = row.stamp > max ? row.stamp : max;
		}
		sum += (int64_t)k->line.len;
		if (row.head == CHUNK_PIECE) {
			pieces++;
			continue;
		}
		if ((rc = line_noted(k, n, row.head, (struct at){i, pieces, from, sum, i ? 0 : before}, rejected)))
			return rc;
		from = ++sum;
	}
	if (chunk_rows(c) - pieces != n->lines)
		fault(k, "chunk %lld: %u lines where %lld are noted", (long long)n->id, chunk_rows(c) - pieces,
		      (long long)n->lines);
	if (sum != n->bytes && sum != n->bytes + 1) /* the last line of a file may have no end */
		fault(k, "chunk %lld: %lld bytes where %lld are noted", (long long)n->id, (long long)sum,
		      (long long)n->bytes);
	if (min <= max && (min != n->min_stamp || max != n->max_stamp))
		fault(k, "chunk %lld: other times than are noted", (long long)n->id);
	return 0;
}

/* A source's chunks follow each other without gaps. */
static int chunks_follow(struct check *k)
{
	int64_t source = 0, line = 1, offset = 0;
	sqlite3_stmt *q;
	int rc = sql_prepare(
	    k->s->db,
	    "SELECT c.id, c.source, c.first_line, c.first_offset, c.lines, c.bytes, coalesce(s.duplicate, 0), "
	    "coalesce(s.duplicate_bytes, 0) FROM chunk c LEFT JOIN source s ON s.id = c.source ORDER BY c.source, "
	    "c.first_line, c.id",
	    &q);

	if (rc)
		return rc;
	while ((rc = sql_next(q)) == 1) {
		if (sqlite3_column_int64(q, 1) != source) {
			/* behind what is another source's */
			if (__builtin_add_overflow(sqlite3_column_int64(q, 6), 1, &line))
				line = 0;
			offset = sqlite3_column_int64(q, 7);
		}
		source = sqlite3_column_int64(q, 1);
		if (sqlite3_column_int64(q, 2) != line || sqlite3_column_int64(q, 3) != offset)
			fault(k,
			      "chunk %lld: does not begin at line %lld, byte %lld of source %lld, where the one before "
			      "ends",
			      (long long)sqlite3_column_int64(q, 0), (long long)line, (long long)offset,
			      (long long)source);
		/* of numbers that are damaged too much to be added the next one is no follower */
		if (__builtin_add_overflow(sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 4), &line))
			line = 0;
		if (__builtin_add_overflow(sqlite3_column_int64(q, 3), sqlite3_column_int64(q, 5), &offset))
			offset = -1;
	}
	sqlite3_finalize(q);
	return rc;
}

/* No file is that long. */
static bool is_far(int64_t v)
{
	return v < 0 || v > INT64_MAX / 4;
}

static int chunk_whole(struct check *k, const struct chunk_note *n, int64_t *rejected)
{
	bool far = is_far(n->first_line) || is_far(n->first_offset) || is_far(n->lines) || is_far(n->bytes);
	struct chunk *c;
	int rc = far ? -EBADMSG : store_chunk_pin(k->s, n->id, &c);

	if (!rc) {
		rc = chunk_verify(c);
		if (!rc)
			rc = chunk_lines(k, c, n, rejected);
		if (!rc)
			rc = place_set_add_chunk(k->places, c, n->id);
		store_chunk_unpin(k->s, c);
	}
	if (rc && is_fatal(rc))
		return rc;
	if (rc)
		fault(k, "chunk %lld: %s", (long long)n->id, rc == -EBADMSG ? "damaged" : strerror(-rc));
	return 0;
}

/* As many as the chunks have. */
static int rejects_counted(struct check *k, int64_t rejected)
{
	int64_t noted;
	int rc = k->faults ? 0 : sql_number(k->s->db, "SELECT count(*) FROM reject", &noted);

	if (!rc && !k->faults && rejected != noted)
		fault(k, "%lld rejected lines are kept, table reject has another number", (long long)rejected);
	return rc;
}

static int chunks_whole(struct check *k)
{
	int64_t total, done = 0, rejected = 0, n;
	sqlite3_stmt *q;
	int rc = sql_number(k->s->db, "SELECT count(*) FROM chunk", &total), bad = 0;

	if (!rc)
		rc = sql_prepare(k->s->db,
		                 "SELECT id, source, first_line, first_offset, lines, bytes, min_stamp, max_stamp "
		                 "FROM chunk ORDER BY id",
		                 &q);
	if (rc)
		return rc;
	while (!bad && (rc = sql_next(q)) == 1) {
		struct chunk_note note = {sqlite3_column_int64(q, 0), sqlite3_column_int64(q, 1),
		                          sqlite3_column_int64(q, 2), sqlite3_column_int64(q, 3),
		                          sqlite3_column_int64(q, 4), sqlite3_column_int64(q, 5),
		                          sqlite3_column_int64(q, 6), sqlite3_column_int64(q, 7)};

		n = 0;
		bad = chunk_whole(k, &note, &n);
		rejected += n;
		if (k->progress)
			k->progress(k->arg, ++done, total);
	}
	sqlite3_finalize(q);
	return bad ? bad : rc ? rc : rejects_counted(k, rejected);
}

/* Table place says of each transaction what the chunks say. */
static int places_whole(struct check *k)
{
	int64_t wrong = 0;
	int rc = k->faults ? 0 : place_set_compare(k->places, k->s, &wrong);

	if (wrong)
		fault(k, "the places of %lld transactions are others than their lines'", (long long)wrong);
	return rc;
}

/* The four sorts of bytes are the source's bytes, its chunks have as many, and its lines. */
static int ledger_adds_up(struct check *k)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(
	    k->s->db,
	    "SELECT path, bytes, ok_bytes + repaired_bytes + rejected_bytes + duplicate_bytes, lines, ok + repaired + "
	    "rejected + duplicate, "
	    "coalesce((SELECT sum(bytes) FROM chunk c WHERE c.source = source.id), 0) + duplicate_bytes, "
	    "coalesce((SELECT sum(lines) FROM chunk c WHERE c.source = source.id), 0) + duplicate FROM source",
	    &q);

	if (rc)
		return rc;
	while ((rc = sql_next(q)) == 1) {
		const char *path = (const char *)sqlite3_column_text(q, 0);

		for (int i = 2; i <= 5; i += 3)
			if (sqlite3_column_int64(q, 1) != sqlite3_column_int64(q, i))
				fault(k, "%s: %lld bytes, but %s add up to %lld", path,
				      (long long)sqlite3_column_int64(q, 1), i == 2 ? "the ledger's" : "its chunks'",
				      (long long)sqlite3_column_int64(q, i));
		for (int i = 4; i <= 6; i += 2)
			if (sqlite3_column_int64(q, 3) != sqlite3_column_int64(q, i))
				fault(k, "%s: %lld lines, but %s add up to %lld", path,
				      (long long)sqlite3_column_int64(q, 3), i == 4 ? "the ledger's" : "its chunks'",
				      (long long)sqlite3_column_int64(q, i));
	}
	sqlite3_finalize(q);
	return rc;
}

/* What a copy has of another source, that source has. */
static int copies_whole(struct check *k)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(k->s->db,
	                     "SELECT c.path FROM source c LEFT JOIN source o ON o.id = c.same_as WHERE CASE WHEN "
	                     "c.same_as IS NULL THEN c.duplicate OR c.duplicate_bytes ELSE o.id IS NULL OR "
	                     "c.duplicate_bytes > o.bytes OR c.duplicate > o.lines END",
	                     &q);

	while (!rc && (rc = sql_next(q)) == 1) {
		fault(k, "%s: a copy of what its original does not have", (const char *)sqlite3_column_text(q, 0));
		rc = 0;
	}
	sqlite3_finalize(q);
	return rc;
}

int store_check(struct store *s, void (*say)(void *, const char *), void (*progress)(void *, int64_t, int64_t),
                void *arg)
{
	struct check k = {.s = s, .fault = say, .progress = progress, .arg = arg};
	int rc = place_set_new(sqlite3_db_filename(store_db(k.s), "main"), &k.places);

	if (!rc)
		rc = sql_prepare(s->db,
		                 "SELECT line, offset, length FROM reject WHERE source = ? AND line >= ? ORDER BY line",
		                 &k.reject);
	if (!rc)
		rc = sql_prepare(s->db, "SELECT 1 FROM source WHERE id = ? AND kind = 'energy'", &k.energy);
	if (!rc && !(rc = sql_integrity(k.s->db, 20, sqlite_fault, &k)) && !(rc = chunks_whole(&k)) &&
	    !(rc = chunks_follow(&k)) && !(rc = ledger_adds_up(&k)) && !(rc = copies_whole(&k)))
		rc = places_whole(&k);
	sqlite3_finalize(k.reject);
	sqlite3_finalize(k.energy);
	place_set_free(k.places);
	bytes_free(&k.line);
	if (rc && is_fatal(rc))
		return rc;
	if (rc)
		fault(&k, "%s", rc == -EBADMSG ? "damaged" : strerror(-rc));
	return k.faults;
}
