/* SPDX-License-Identifier: GPL-3.0-or-later */
/* maintain.c - a database that is there already: taking a source out, making it smaller. */
#include "load/maintain.h"
#include "base/sql.h"
#include "base/scan.h"
#include "parse/parse.h"
#include "build/model.h"
#include "store/place.h"
#include "store/chunks.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The one number that sql asks for; id is its ?1. */
static int number(struct store *s, const char *sql, int64_t id, int64_t *out)
{
	int rc = sql_number_of(store_db(s), sql, id, out);

	return rc == -ENOENT ? -EBADMSG : rc;
}

static int run(struct store *s, const char *format, ...) __attribute__((format(printf, 2, 3)));

static int run(struct store *s, const char *format, ...)
{
	va_list args;
	char *sql;
	int rc;

	va_start(args, format);
	rc = vasprintf(&sql, format, args) < 0 ? -ENOMEM : 0;
	va_end(args);
	if (rc)
		return rc;
	rc = store_exec(s, sql);
	free(sql);
	return rc;
}

/* Table place from the rows of all chunks; a transaction keeps its id, and its row, even if no line is of it any more.
 */
static int places_again(struct store *s)
{
	struct place_set *set = NULL;
	sqlite3_stmt *q = NULL;
	int rc = place_set_new(sqlite3_db_filename(store_db(s), "main"), &set);

	if (!rc)
		rc = store_exec(s, "UPDATE place SET events = 0, places = x''");
	if (!rc)
		rc = sql_prepare(store_db(s), "SELECT id FROM chunk ORDER BY id", &q);
	while (!rc && (rc = sql_next(q)) == 1) {
		int64_t id = sqlite3_column_int64(q, 0);
		struct chunk *c;

		if (!(rc = store_chunk_pin(s, id, &c))) {
			rc = place_set_add_chunk(set, c, id);
			store_chunk_unpin(s, c);
		}
	}
	sqlite3_finalize(q);
	if (!rc)
		rc = place_set_write(set, s);
	place_set_free(set);
	return rc;
}

/* A transaction to write in; one that only read so far ends. */
static int begin(struct store *s)
{
	int rc = sqlite3_get_autocommit(store_db(s)) ? 0 : store_exec(s, "COMMIT");

	if (!rc)
		rc = store_exec(s, "BEGIN IMMEDIATE");
	return rc ? rc : store_refresh(s); /* what was read before may be old */
}

static int settle(struct store *s, int rc, char **why)
{
	if (!rc)
		rc = store_exec(s, "COMMIT");
	if (rc) {
		if (!*why && rc != -EBUSY)
			*why = store_cause(store_db(s), rc);
		store_exec(s, "ROLLBACK");
	}
	store_refresh(s);
	return rc;
}

/* All rows of a run whose last source is gone, in whatever table. */
static int run_forget(struct store *s, int64_t id)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(s),
	                     "SELECT m.name FROM sqlite_schema m, pragma_table_info(m.name) "
	                     "c WHERE m.type = 'table' AND c.name = 'run'",
	                     &q);

	if (rc)
		return rc;
	while (!rc && (rc = sql_next(q)) == 1)
		rc = run(s, "DELETE FROM \"%s\" WHERE run = %lld", (const char *)sqlite3_column_text(q, 0),
		         (long long)id);
	sqlite3_finalize(q);
	return rc ? rc : run(s, "DELETE FROM run WHERE id = %lld", (long long)id);
}

/* The lines of a source, its row, and its run with all that is known of it when it was the last one there. */
static int source_forget(struct store *s, int64_t source)
{
	int64_t run_id = 0, left = 1;
	int rc = number(s, "SELECT run FROM source WHERE id = ?", source, &run_id);

	if (!rc)
		rc = run(s,
		         "DELETE FROM block WHERE id >> 16 IN (SELECT id FROM chunk WHERE source = %1$lld);"
		         "DELETE FROM chunk WHERE source = %1$lld;"
		         "DELETE FROM reject WHERE source = %1$lld; DELETE FROM source WHERE id = %1$lld;",
		         (long long)source);
	if (!rc)
		rc = store_refresh(s);
	if (!rc)
		rc = places_again(s);
	if (!rc)
		rc = store_exec(s, "DELETE FROM place WHERE events = 0");
	if (!rc)
		rc = number(s, "SELECT count(*) FROM source WHERE run = ?", run_id, &left);
	return rc || left ? rc : run_forget(s, run_id);
}

int maintain_drop_source(struct store *s, int64_t source, char **why)
{
	int64_t there = 0, copies = 0;
	int rc = begin(s);

	*why = NULL;
	if (!rc)
		rc = number(s, "SELECT count(*) FROM source WHERE id = ?", source, &there);
	if (!rc)
		rc = number(s, "SELECT count(*) FROM source WHERE same_as = ?", source, &copies);
	if (!rc && copies) {
		*why = strdup("another source is a copy of it: drop that one first");
		rc = -EBUSY;
	}
	if (!rc)
		rc = there ? source_forget(s, source) : -ENOENT;
	if (!rc)
		rc = model_build(s, NULL, why);
	return settle(s, rc, why);
}

/* ---- compact ---- */

/* A source's text goes through the parser again, as if it were loaded now; old chunks go when the new ones are there.
 */
struct rebuild {
	struct store *s;
	int64_t source, next_chunk, line, offset;
	struct parser parser;
	struct bytes text, packed;
	struct chunk_writer writer;
};

static int chunk_put(struct rebuild *r)
{
	struct chunk_summary sum = chunk_builder_summary(r->parser.builder);
	int rc;

	if (!sum.rows)
		return 0;
	r->packed.len = 0;
	rc = chunk_seal_apart(r->parser.builder, CHUNK_LEVEL, &r->packed);
	if (!rc)
		rc = chunk_writer_put(r->s, &r->writer, r->next_chunk++, r->source, r->line, r->offset,
		                      r->parser.builder, &r->packed);
	r->line += sum.rows;
	r->offset += (int64_t)sum.bytes;
	parser_clear(&r->parser);
	return rc;
}

/* Parses what is collected; last: there is no more. */
static int text_put(struct rebuild *r, bool last)
{
	static const char slack[SCAN_SLACK];
	size_t used = 0, n, len = r->text.len;
	int rc = 0;

	bytes_add(&r->text, slack, sizeof slack);
	if (r->text.failed)
		return -ENOMEM;
	while (used < len && !rc) {
		rc = parser_feed(&r->parser, r->text.ptr + used, len - used, last, &n);
		used += n;
		if (rc || used == len)
			break;
		if (!last && !memchr(r->text.ptr + used, '\n', len - used))
			break;
		rc = chunk_put(r);
	}
	memmove(r->text.ptr, r->text.ptr + used, len - used);
	r->text.len = len - used;
	return rc;
}

static int piece_put(void *arg, const void *p, size_t n)
{
	struct rebuild *r = arg;

	bytes_add(&r->text, p, n);
	if (r->text.failed)
		return -ENOMEM;
	return r->text.len > 4u << 20 ? text_put(r, false) : 0;
}

static int source_rebuild(struct rebuild *r, int64_t source)
{
	int64_t last = r->next_chunk - 1;
	int rc = number(r->s, "SELECT duplicate + 1 FROM source WHERE id = ?", source, &r->line);

	if (rc)
		return rc;
	r->source = source;
	r->text.len = 0;
	parser_clear(&r->parser);
	rc = store_cat_own(r->s, source, &r->offset, piece_put, r);
	if (!rc)
		rc = text_put(r, true);
	if (!rc)
		rc = chunk_put(r);
	return rc ? rc
	          : run(r->s,
	                "DELETE FROM block WHERE id >> 16 IN (SELECT id FROM chunk WHERE source = %1$lld AND id <= "
	                "%2$lld);"
	                "DELETE FROM chunk WHERE source = %1$lld AND id <= %2$lld",
	                (long long)source, (long long)last);
}

#define SPARSE_SOURCES                                                                                \
	"SELECT c.source FROM chunk c JOIN source s ON s.id = c.source WHERE s.kind <> 'energy' AND " \
	"coalesce(s.format, 'tracing') = 'tracing'"
#define SPARSE                                                                                                       \
	" GROUP BY c.source HAVING count(*) * 4 > 5 * (1 + max(sum(c.lines) / 65536, sum(c.bytes) / 33554432)) AND " \
	"count(*) > 1"

/* Sources with more chunks than their lines and bytes need by a quarter. Energy logs are small and of other lines;
 * records of other programs would need the formats that they were read with, and others what --tid said. */
static int sources_rebuild(struct store *s)
{
	struct rebuild r = {.s = s};
	struct format_set formats = {.later = true};
	struct record_options records = {.formats = &formats};
	int rc;
	sqlite3_stmt *q = NULL;
	bool given = false;

	rc = parser_init(&r.parser, store_shapes(s), &records);
	if (!rc)
		rc = number(s,
		            "SELECT 1 + coalesce((SELECT seq FROM sqlite_sequence WHERE name = 'chunk' AND ?1 = 0), 0)",
		            0, &r.next_chunk);
	if (!rc && (r.next_chunk < 1 || r.next_chunk > CHUNK_ID_MAX / 2))
		rc = -EBADMSG;
	if (!rc)
		rc = chunk_writer_open(s, &r.writer);
	if (!rc)
		rc = sql_has_table(store_db(s), "tid_given", &given);
	if (!rc)
		rc = sql_prepare(store_db(s),
		                 given ? SPARSE_SOURCES " AND run NOT IN (SELECT run FROM tid_given)" SPARSE
		                       : SPARSE_SOURCES SPARSE,
		                 &q);
	while (!rc && (rc = sql_next(q)) == 1)
		rc = source_rebuild(&r, sqlite3_column_int64(q, 0));
	sqlite3_finalize(q);
	chunk_writer_close(&r.writer);
	parser_done(&r.parser);
	formats_done(&formats);
	bytes_free(&r.text);
	bytes_free(&r.packed);
	return rc;
}

static int size(struct store *s, int64_t *out)
{
	return number(s, "SELECT page_count * page_size FROM pragma_page_count, pragma_page_size WHERE ?1 = 0", 0, out);
}

/* The first fault's kind: what is said of a page that could not be read has the error's number, it is a disk's then. */
static void take_fault(void *arg, const char *text)
{
	const char *code = strstr(text, "error code=");
	int *kind = arg, rc = code ? sql_errno((int)strtol(code + strlen("error code="), NULL, 10)) : 0;

	*kind = rc ? rc : -EBADMSG;
}

/* VACUUM stands outside of the transaction: what it would stumble over is found before anything is written. */
static int whole(struct store *s)
{
	int fault = 0, rc = sql_integrity(store_db(s), 1, take_fault, &fault);

	return rc ? rc : fault;
}

int maintain_compact(struct store *s, int64_t *before, int64_t *after, char **why)
{
	int rc = begin(s);

	*why = NULL;
	if (!rc)
		rc = size(s, before);
	if (!rc)
		rc = whole(s);
	if (!rc)
		rc = sources_rebuild(s);
	if (!rc)
		rc = store_refresh(s);
	if (!rc)
		rc = places_again(s);
	rc = settle(s, rc, why);
	if (!rc && (rc = store_exec(s, "VACUUM")))
		*why = store_cause(store_db(s), rc);
	return rc ? rc : size(s, after);
}
