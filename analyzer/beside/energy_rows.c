/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy_rows.c - see energy_rows.h. Lines of energy logs are kept as they are, so they are taken apart again here;
 * those that were rejected are refused again. The logs of a machine do not name its worker: where the run has one
 * worker, it is that. */
#include "beside/energy_rows.h"
#include "base/sql.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdlib.h>

struct energy_rows {
	struct store *store;
	sqlite3_stmt *chunks; /* of energy sources, in the order of their lines */
	int64_t run, source, offset_ns, first_line;
	char *worker;
	bool known; /* the source's first line told its format */
	struct energy_format format;
	struct chunk *chunk;
	uint32_t row, rows; /* of the chunk, the next one and how many */
	struct bytes text;  /* the line at work */
	struct energy_line line;
	unsigned value; /* the next one of it */
};

/* A worker that is not the controller, the load generator or the like. */
#define WORKER_OF_RUN                                                                                                  \
	"(SELECT CASE WHEN count(DISTINCT w.worker) = 1 THEN min(w.worker) END FROM source w WHERE w.run = s.run AND " \
	"w.worker GLOB 'worker*'"                                                                                      \
	" AND w.kind IN ('tracing', 'ilulog'))"

int energy_rows_open(struct store *s, int64_t run, struct energy_rows **out)
{
	struct energy_rows *r = calloc(1, sizeof *r);
	int rc =
	    r ? sql_prepare(
	            store_db(s),
	            "SELECT c.id, s.id, s.run, coalesce(s.offset_s, 0), c.first_line, " WORKER_OF_RUN
	            " FROM source s JOIN chunk c ON c.source = s.id WHERE s.kind = 'energy' AND (?1 = 0 OR s.run = ?1)"
	            " ORDER BY s.run, s.id, c.first_line, c.id",
	            &r->chunks)
	      : -ENOMEM;

	if (rc) {
		free(r);
		return rc;
	}
	sqlite3_bind_int64(r->chunks, 1, run);
	r->store = s;
	*out = r;
	return 0;
}

static void chunk_leave(struct energy_rows *r)
{
	if (r->chunk)
		store_chunk_unpin(r->store, r->chunk);
	r->chunk = NULL;
}

void energy_rows_close(struct energy_rows *r)
{
	if (!r)
		return;
	chunk_leave(r);
	sqlite3_finalize(r->chunks);
	bytes_free(&r->text);
	free(r->worker);
	free(r);
}

/* 1: the next chunk is open. */
static int next_chunk(struct energy_rows *r)
{
	int step, rc;
	int64_t source;

	chunk_leave(r);
	step = sqlite3_step(r->chunks);
	if (step != SQLITE_ROW)
		return sql_errno(step);
	source = sqlite3_column_int64(r->chunks, 1);
	if (source != r->source) {
		const char *worker = (const char *)sqlite3_column_text(r->chunks, 5);

		free(r->worker);
		r->worker = worker ? strdup(worker) : NULL;
		if (worker && !r->worker)
			return -ENOMEM;
		r->source = source;
		r->known = false;
	}
	r->run = sqlite3_column_int64(r->chunks, 2);
	if ((rc = store_offset_ns(sqlite3_column_int64(r->chunks, 3), &r->offset_ns)))
		return rc;
	r->first_line = sqlite3_column_int64(r->chunks, 4);
	rc = store_chunk_pin(r->store, sqlite3_column_int64(r->chunks, 0), &r->chunk);
	r->row = 0;
	r->rows = rc ? 0 : chunk_rows(r->chunk);
	return rc ? rc : 1;
}

/* Takes the next line apart. */
static int take_line(struct energy_rows *r)
{
	struct chunk_row row;
	struct slice text;
	int rc = chunk_row(r->chunk, r->row++, &row);

	if (!rc)
		rc = chunk_line(r->chunk, &row, &r->text, NULL);
	if (rc)
		return rc;
	text = (struct slice){r->text.ptr, r->text.len};
	r->value = 0;
	r->line.n = 0;
	if (!r->known)
		r->known = energy_recognise(text, &r->format);
	else
		energy_parse(&r->format, text, &r->line);
	return 0;
}

int energy_rows_next(struct energy_rows *r, struct energy_row *out)
{
	int rc;

	while (r->value >= r->line.n) {
		r->line.n = 0;
		if (r->chunk && r->row < r->rows)
			rc = take_line(r);
		else if ((rc = next_chunk(r)) == 1)
			rc = 0;
		else
			return rc;
		if (rc)
			return rc;
	}
	*out = (struct energy_row){.run = r->run,
	                           .source = r->source,
	                           .line = r->first_line + r->row - 1,
	                           .kind = r->format.kind,
	                           .start_ns = ns_moved(r->format.start_ns, r->offset_ns),
	                           .name = r->line.v[r->value].name,
	                           .time_ns = ns_moved(r->line.time_ns, r->offset_ns),
	                           .value = r->line.v[r->value].value,
	                           .number = r->value};
	out->worker = r->worker ? (struct slice){r->worker, strlen(r->worker)} : SLICE_NONE;
	r->value++;
	return 1;
}
