/* SPDX-License-Identifier: GPL-3.0-or-later */
/* histogram.c - events counted by level and time.
 *
 * A head has one level, so a line costs two numbers of its row. Times go forward mostly: a counter for each level is
 * enough, which is noted down when the time leaves its step; what goes back a little makes a few rows more, joined at
 * the end. */
#include "store/histogram.h"
#include "base/array.h"
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>

#define LEVELS 16 /* distinct ones that are counted at a time; more make more rows to join */

struct count {
	struct slice level;
	int64_t step, lines;
};

struct histogram {
	struct store *store;
	int64_t step_ns;
	int64_t run, source, offset_ns;
	struct count counts[LEVELS];
	unsigned ncounts;
	struct histogram_row *rows;
	size_t n, room;
};

static int row_note(struct histogram *h, const struct count *c)
{
	if (!c->lines)
		return 0;
	if (array_reserve(h->rows, h->room, h->n + 1))
		return -ENOMEM;
	h->rows[h->n++] = (struct histogram_row){h->run, h->source, c->step * h->step_ns, c->lines, c->level};
	return 0;
}

static int counts_note(struct histogram *h)
{
	int rc = 0;

	for (unsigned i = 0; i < h->ncounts && !rc; i++)
		rc = row_note(h, &h->counts[i]);
	h->ncounts = 0;
	return rc;
}

static int level_number(struct histogram *h, struct slice level, unsigned *out)
{
	int rc = 0;

	for (*out = 0; *out < h->ncounts; ++*out)
		if (slice_same(h->counts[*out].level, level))
			return 0;
	if (h->ncounts == LEVELS)
		rc = counts_note(h);
	*out = h->ncounts;
	h->counts[h->ncounts++] = (struct count){.level = level};
	return rc;
}

static int64_t step_of(const struct histogram *h, int64_t ns)
{
	return ns / h->step_ns - (ns % h->step_ns < 0);
}

static int count_add(struct histogram *h, unsigned number, int64_t ns)
{
	struct count *c = &h->counts[number];
	int64_t step = step_of(h, ns);
	int rc = 0;

	if (c->step != step) {
		rc = row_note(h, c);
		c->step = step;
		c->lines = 0;
	}
	c->lines++;
	return rc;
}

/* What a head says of its lines: its level, and whether their stamps are on the log's clock; odd: each line must be
 * looked at. */
struct head {
	unsigned number;
	bool local, odd;
};

static int heads_read(struct histogram *h, struct chunk *c, struct head *heads)
{
	int rc = 0;

	for (unsigned i = 0; i < chunk_heads(c) && !rc; i++) {
		const struct shape *sh = chunk_head(c, (uint16_t)(i + CHUNK_FIRST_HEAD));
		struct head *head = &heads[i + CHUNK_FIRST_HEAD];

		*head = (struct head){.odd = true};
		for (unsigned k = 0; k < sh->nslots; k++) {
			if (sh->slots[k].kind != SLOT_STAMP && sh->slots[k].kind != SLOT_STAMP_Z)
				continue;
			head->odd = false;
			head->local = sh->slots[k].kind == SLOT_STAMP;
		}
		rc = level_number(h, sh->level, &head->number);
	}
	return rc;
}

static int odd_add(struct histogram *h, int64_t id)
{
	const struct event *e;
	unsigned number;
	int rc = event_get(h->store, id, &e);

	if (rc <= 0)
		return rc;
	/* the level of a line kept whole lives as long as the event: only known ones can be told apart afterwards */
	struct slice level = SLICE_NONE;
	static const struct slice known[] = {SLICE("TRACE"), SLICE("DEBUG"), SLICE("INFO"), SLICE("WARN"),
	                                     SLICE("ERROR")};

	for (unsigned i = 0; i < 5; i++)
		if (slice_same(known[i], e->head->level))
			level = known[i];
	rc = level_number(h, level, &number);
	return rc ? rc : count_add(h, number, e->time_ns);
}

static int chunk_count(struct histogram *h, struct chunk *c, int64_t id, const struct head *heads)
{
	int rc = 0;

	for (unsigned g = 0; g * SEGMENT_ROWS < chunk_rows(c) && !rc; g++) {
		struct chunk_group rows;

		rc = chunk_group(c, g, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_STAMP, &rows);
		for (uint32_t i = 0; !rc && i < rows.n; i++) {
			const struct head *head = &heads[rows.head[i]];

			if (!chunk_is_event(rows.head[i]))
				continue;
			if (rows.head[i] < CHUNK_FIRST_HEAD || head->odd)
				rc = odd_add(h, id << 16 | (g * SEGMENT_ROWS + i));
			else
				rc =
				    count_add(h, head->number, ns_moved(rows.stamp[i], head->local ? h->offset_ns : 0));
		}
	}
	return rc;
}

static int chunk_add(struct histogram *h, int64_t id)
{
	struct head *heads;
	struct chunk *c;
	int rc = store_chunk_pin(h->store, id, &c);

	if (rc)
		return rc;
	heads = calloc(chunk_heads(c) + CHUNK_FIRST_HEAD, sizeof *heads);
	rc = heads ? heads_read(h, c, heads) : -ENOMEM;
	if (!rc)
		rc = chunk_count(h, c, id, heads);
	if (!rc)
		rc = counts_note(h);
	free(heads);
	store_chunk_unpin(h->store, c);
	return rc;
}

static int by_place(const void *a, const void *b)
{
	const struct histogram_row *x = a, *y = b;
	size_t n = x->level.len < y->level.len ? x->level.len : y->level.len;

	if (x->run != y->run)
		return x->run < y->run ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	if (x->start_ns != y->start_ns)
		return x->start_ns < y->start_ns ? -1 : 1;
	if (n && memcmp(x->level.ptr, y->level.ptr, n))
		return memcmp(x->level.ptr, y->level.ptr, n);
	return (x->level.len > y->level.len) - (x->level.len < y->level.len);
}

static size_t join(struct histogram_row *rows, size_t n)
{
	size_t k = 0;

	if (!n)
		return 0;
	qsort(rows, n, sizeof *rows, by_place);
	for (size_t i = 1; i < n; i++) {
		if (by_place(&rows[k], &rows[i]))
			rows[++k] = rows[i];
		else
			rows[k].lines += rows[i].lines;
	}
	return k + 1;
}

int store_histogram(struct store *s, int64_t run, int64_t source, int64_t step_ns, struct histogram_row **rows,
                    size_t *n)
{
	struct histogram h = {.store = s, .step_ns = step_ns};
	sqlite3_stmt *q;
	int rc = sql_prepare(
	    s->db,
	    "SELECT c.id, s.id, s.run, coalesce(s.offset_s, 0) FROM chunk c JOIN source s ON s.id = c.source "
	    "WHERE (?1 = 0 OR s.run = ?1) AND (?2 = 0 OR s.id = ?2) ORDER BY s.id, c.first_line, c.id",
	    &q);

	if (rc)
		return rc;
	sqlite3_bind_int64(q, 1, run);
	sqlite3_bind_int64(q, 2, source);
	while (!rc && (rc = sql_next(q)) == 1) {
		h.source = sqlite3_column_int64(q, 1);
		h.run = sqlite3_column_int64(q, 2);
		rc = store_offset_ns(sqlite3_column_int64(q, 3), &h.offset_ns);
		if (!rc)
			rc = chunk_add(&h, sqlite3_column_int64(q, 0));
	}
	sqlite3_finalize(q);
	if (rc) {
		free(h.rows);
		return rc;
	}
	*n = join(h.rows, h.n);
	*rows = h.rows;
	return 0;
}
