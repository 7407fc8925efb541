/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collect_rows.c - facts and patterns of whole chunks.
 *
 * Of most lines no rule speaks, and their message is their head's: they are counted by the columns of heads and times.
 * Only the others are looked at as events. */
#include "base/array.h"
#include "build/collect.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdlib.h>

enum row_kind { ROW_PASS, ROW_COUNT, ROW_LOOK };

/* Lines of a chunk with one head, and their times as stored. */
struct tally {
	int64_t lines, first, last, example;
};

struct reading {
	struct facts *f;
	struct store *s;
	struct patterns *p;
	size_t max;
	uint8_t *kind; /* by local number of a head */
	struct tally *tally;
	size_t kind_room, tally_room;
	bool counts, looks; /* there are such heads in this chunk */
};

static enum row_kind kind_of(struct reading *r, const struct event_rows *rows, const struct shape *head)
{
	if (r->f && facts_speak_of(r->f, head))
		return ROW_LOOK;
	if (!r->p || head->span_line)
		return ROW_PASS;
	return patterns_may_count(head) && !(rows->offset_ns && event_head_clock(head) == EVENT_CLOCK_LINE) ? ROW_COUNT
	                                                                                                    : ROW_LOOK;
}

static int chunk_begin(struct reading *r, const struct event_rows *rows)
{
	unsigned n = CHUNK_FIRST_HEAD + chunk_heads(rows->chunk);

	if (array_reserve(r->kind, r->kind_room, n) || array_reserve(r->tally, r->tally_room, n))
		return -ENOMEM;
	r->counts = false;
	r->looks = chunk_has_raw_events(rows->chunk);
	for (unsigned i = 0; i < n; i++) {
		r->kind[i] = i >= CHUNK_FIRST_HEAD ? kind_of(r, rows, chunk_head(rows->chunk, (uint16_t)i))
		             : chunk_is_event(i)   ? ROW_LOOK
		                                   : ROW_PASS;
		r->counts |= r->kind[i] == ROW_COUNT;
		r->looks |= i >= CHUNK_FIRST_HEAD && r->kind[i] == ROW_LOOK;
		r->tally[i] = (struct tally){0, INT64_MAX, INT64_MIN, 0};
	}
	return 0;
}

static int chunk_end(struct reading *r, const struct event_rows *rows)
{
	unsigned n = CHUNK_FIRST_HEAD + chunk_heads(rows->chunk);
	int rc = 0;

	for (unsigned i = CHUNK_FIRST_HEAD; i < n && !rc; i++) {
		const struct shape *head = chunk_head(rows->chunk, (uint16_t)i);
		int64_t by = event_head_clock(head) == EVENT_CLOCK_SOURCE ? rows->offset_ns : 0;
		const struct tally *t = &r->tally[i];

		if (t->lines)
			rc = patterns_count(r->p, head, t->lines, by ? ns_moved(t->first, by) : t->first,
			                    by ? ns_moved(t->last, by) : t->last, t->example);
	}
	return rc;
}

static void row_count(struct tally *t, int64_t stamp, int64_t id)
{
	t->lines++;
	if (stamp < t->first) {
		t->first = stamp;
		t->example = id;
	}
	t->last = stamp > t->last ? stamp : t->last;
}

static int row_look(struct reading *r, int64_t id)
{
	const struct event *e;
	int rc = event_get_brief(r->s, id, &e);

	if (rc <= 0)
		return rc;
	rc = r->f && facts_speak_of(r->f, e->head) ? facts_take(r->f, e, r->max) : 0;
	if (!rc && r->p && !e->head->span_line && !(rc = event_time(e)))
		rc = patterns_take(r->p, e);
	return rc ? rc : event_error(e);
}

static int rows_take(struct reading *r, struct event_rows *rows)
{
	unsigned columns = CHUNK_COLUMN_HEAD | (r->counts ? CHUNK_COLUMN_STAMP : 0);
	int rc = chunk_group(rows->chunk, rows->group, columns, &rows->columns);

	for (uint32_t i = 0; i < rows->columns.n && !rc; i++) {
		uint16_t head = rows->columns.head[i];

		if (r->kind[head] == ROW_COUNT)
			row_count(&r->tally[head], rows->columns.stamp[i], rows->id + i);
		else if (r->kind[head] == ROW_LOOK)
			rc = row_look(r, rows->id + i);
	}
	return rc;
}

int collect_rows(struct facts *f, struct store *s, struct patterns *p, const struct event_query *q, size_t max)
{
	struct reading r = {.f = f, .s = s, .p = p, .max = max};
	struct event_cursor *c;
	struct event_rows rows;
	int rc = event_cursor_open(s, q, &c);

	if (rc)
		return rc;
	while ((rc = event_cursor_rows(c, 0, &rows)) == 1) {
		rc = rows.group ? 0 : chunk_begin(&r, &rows);
		if (!rc && (r.counts || r.looks))
			rc = rows_take(&r, &rows);
		if (!rc && rows.ends)
			rc = chunk_end(&r, &rows);
		if (rc)
			break;
	}
	event_cursor_close(c);
	free(r.kind);
	free(r.tally);
	return rc;
}
