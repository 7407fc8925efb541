/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_csv.c - see event_csv.h
 *
 * Of a shape all texts are written down once, with their quotes doubled, and a line is these and the values of its
 * columns. `fields`, `span` and `spans` are stretches of that line, so that it is put together once for all. A line
 * that its shapes and columns do not tell whole (kept whole, or of another program) is read as an event. */
#include "query/events/event_csv.h"

#include "base/array.h"
#include "base/csvtext.h"
#include "base/sql.h"
#include "ingest/stamp.h"
#include "store/chunks.h"
#include "store/event_value.h"
#include <errno.h>
#include <stdlib.h>

#define ALL_COLUMNS                                                                                              \
	(CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TAIL | CHUNK_COLUMN_TID | CHUNK_COLUMN_STAMP | CHUNK_COLUMN_HEAD_ORD | \
	 CHUNK_COLUMN_TAIL_ORD)

enum { MUCH = 1 << 20, PARTS = 3 };

_Static_assert((int)EVENT_CSV_GROUPS == CHUNK_GROUPS, "all groups of a chunk");

/* A stretch of the line, as places in its literals. */
struct stretch {
	bool there;
	uint32_t from, to;             /* literals */
	size_t from_offset, to_offset; /* with quotes doubled */
};

/* What all lines of a shape have in common. */
struct half {
	const struct shape *shape;
	bool whole;     /* shape and columns tell all of its lines */
	char *literals; /* with their quotes doubled, SCAN_SLACK behind them */
	size_t *ends;   /* of each */
	size_t bytes;   /* that they have in the log */
	struct stretch part[PARTS];
	struct text cell[4]; /* level, level_text, target, message: as they stand in a row */
};

enum { CELL_LEVEL, CELL_LEVEL_TEXT, CELL_TARGET, CELL_MESSAGE, CELLS };

/* The shapes of one part of the line. */
struct halves {
	struct half **by_id;
	size_t room;
	/* of the group of rows at hand, by local number: */
	struct local {
		struct half *half;
		size_t values;  /* of its first slot in event_csv.segments */
		int8_t foreign; /* of a tail: -1: not asked yet */
	} * local;
	size_t local_room;
};

struct event_csv {
	struct store *store;
	enum event_column *columns;
	size_t n;
	bool head, tail; /* halves of the line that are put together */
	bool offsets, tids;
	struct halves halves[2];
	const struct segment **segments; /* by local number and slot */
	size_t nsegments, segments_room;
	struct text line; /* the row's, quotes doubled */
	size_t line_bytes;
	struct {
		size_t from, to; /* 0, 0: it has none; else behind a first byte that is not the line's */
	} part[PARTS];
	struct text tid, tid_spelled; /* of the transaction that came last: its cell, and as it stands in lines */
	uint32_t tid_number;          /* in the chunk; UINT32_MAX: none yet */
	size_t tid_bytes;
	char *plain; /* room for a text without its escapes */
	size_t plain_room;
};

/* A row at hand. */
struct csv_row {
	const struct event_rows *rows;
	uint32_t i; /* in the group */
	int64_t line, offset;
	struct local *head, *tail;
	int64_t time_ns;
};

int event_csv_new(struct store *s, const enum event_column *columns, size_t n, struct event_csv **out)
{
	struct event_csv *x = calloc(1, sizeof *x);

	if (!x || !(x->columns = malloc((n + 1) * sizeof *x->columns))) {
		free(x);
		return -ENOMEM;
	}
	x->store = s;
	x->n = n;
	for (size_t i = 0; i < n; i++) {
		enum event_column c = x->columns[i] = columns[i];

		x->offsets |= c == COL_OFFSET;
		x->head |= c == COL_FIELDS || c == COL_RAW || c == COL_OFFSET;
		x->tail |= c == COL_SPAN || c == COL_SPANS || c == COL_RAW || c == COL_OFFSET;
		x->tids |= x->head || x->tail || c == COL_TID;
	}
	*out = x;
	return 0;
}

static void half_free(struct half *h)
{
	if (!h)
		return;
	for (unsigned i = 0; i < CELLS; i++)
		text_done(&h->cell[i]);
	free(h->literals);
	free(h->ends);
	free(h);
}

void event_csv_free(struct event_csv *x)
{
	if (!x)
		return;
	for (unsigned part = 0; part < 2; part++) {
		for (size_t i = 0; i < x->halves[part].room; i++)
			half_free(x->halves[part].by_id[i]);
		free(x->halves[part].by_id);
		free(x->halves[part].local);
	}
	free(x->columns);
	free(x->segments);
	text_done(&x->line);
	text_done(&x->tid);
	text_done(&x->tid_spelled);
	free(x->plain);
	free(x);
}

/* ---- fields of a row ---- */

/* Room for n bytes more, and CSV_SLACK: where they go, or NULL. */
static inline char *room(struct text *t, size_t n)
{
	return t->room - t->len > n + CSV_SLACK ? t->ptr + t->len : text_space(t, n + CSV_SLACK);
}

/* A text that SCAN_SLACK readable bytes follow. 0 or -ENOMEM. */
static int field_add(struct text *out, const char *p, size_t len)
{
	char *to = room(out, 2 * len + 2);

	if (!to)
		return -ENOMEM;
	if (len && csv_is_bare(p, p + len)) {
		memcpy(to, p, len);
		to += len;
	} else {
		*to++ = '"';
		to = csv_double(to, p, p + len);
		*to++ = '"';
	}
	out->len = (size_t)(to - out->ptr);
	return 0;
}

static int plain_room(struct event_csv *x, size_t n)
{
	return array_reserve(x->plain, x->plain_room, n + SCAN_SLACK);
}

/* The text that v is, or that it means, where it is a string's inside. */
static int text_field(struct event_csv *x, struct text *out, struct slice v, bool escaped)
{
	size_t len = v.len;

	if (!v.ptr)
		return 0;
	if (plain_room(x, 3 * v.len))
		return -ENOMEM;
	if (escaped && !json_is_plain(v))
		len = json_unescape(v, x->plain);
	else if (len)
		memcpy(x->plain, v.ptr, len);
	return field_add(out, x->plain, len);
}

static int integer_field(struct text *out, int64_t v)
{
	char *to = room(out, TEXT_DECIMAL);

	if (!to)
		return -ENOMEM;
	out->len += text_decimal(v, to);
	return 0;
}

/* ---- what is the same in all lines of a shape ---- */

static size_t quotes_in(struct slice s, size_t n)
{
	size_t quotes = 0;

	for (size_t i = 0; i < n; i++)
		quotes += s.ptr[i] == '"';
	return quotes;
}

static int literals_note(struct half *h)
{
	const struct shape *sh = h->shape;
	char *to;

	for (unsigned i = 0; i <= sh->nline; i++)
		h->bytes += sh->literals[i].len;
	h->literals = calloc(1, 2 * h->bytes + SCAN_SLACK);
	h->ends = malloc((sh->nline + (size_t)1) * sizeof *h->ends);
	if (!h->literals || !h->ends)
		return -ENOMEM;
	to = h->literals;
	for (unsigned i = 0; i <= sh->nline; i++) {
		for (size_t k = 0; k < sh->literals[i].len; k++) {
			*to++ = sh->literals[i].ptr[k];
			if (to[-1] == '"')
				*to++ = '"';
		}
		h->ends[i] = (size_t)(to - h->literals);
	}
	return 0;
}

static void stretches_note(struct half *h)
{
	const struct shape *sh = h->shape;

	for (unsigned i = sh->part ? 1 : 0; i < (sh->part ? PARTS : 1); i++) {
		struct shape_range r = shape_part_range(sh, (enum section)(SECTION_FIELDS + i));

		if (r.there)
			h->part[i] =
			    (struct stretch){true, r.from.literal, r.to.literal,
			                     r.from.offset + quotes_in(sh->literals[r.from.literal], r.from.offset),
			                     r.to.offset + quotes_in(sh->literals[r.to.literal], r.to.offset)};
	}
}

static bool is_whole(const struct shape *sh)
{
	int message = sh->message_slot;

	return !sh->form && !sh->as_worker && (message < 0 || slot_is_stored(sh->slots[message].kind));
}

static int half_fill(struct event_csv *x, struct half *h, const struct shape *sh)
{
	const struct slice cells[CELLS] = {sh->level, sh->level_text, sh->target, sh->message};
	int rc;

	h->shape = sh;
	h->whole = sh->part || is_whole(sh);
	rc = literals_note(h);
	stretches_note(h);
	for (unsigned i = 0; !sh->part && i < CELLS && !rc; i++)
		rc = text_field(x, &h->cell[i], cells[i], true);
	return rc;
}

static int half_of(struct event_csv *x, const struct shape *sh, struct half **out)
{
	struct halves *all = &x->halves[sh->part];
	int rc;

	if (array_reserve_zeroed(all->by_id, all->room, sh->id + (size_t)1))
		return -ENOMEM;
	*out = all->by_id[sh->id];
	if (*out)
		return 0;
	*out = calloc(1, sizeof **out);
	rc = *out ? half_fill(x, *out, sh) : -ENOMEM;
	if (rc)
		half_free(*out);
	else
		all->by_id[sh->id] = *out;
	return rc;
}

/* ---- the group at hand ---- */

static int locals_clear(struct event_csv *x, const struct chunk *c)
{
	for (unsigned part = 0; part < 2; part++) {
		struct halves *all = &x->halves[part];
		size_t n = part ? chunk_tails(c) : chunk_heads(c) + (size_t)CHUNK_FIRST_HEAD;

		if (array_reserve(all->local, all->local_room, n + 1))
			return -ENOMEM;
		memset(all->local, 0, (n + 1) * sizeof *all->local);
	}
	x->nsegments = 0;
	x->tid_number = UINT32_MAX;
	return 0;
}

/* The values of a shape in this group of rows. */
static int values_find(struct event_csv *x, const struct event_rows *r, uint16_t number, struct local *l)
{
	const struct shape *sh = l->half->shape;
	int rc = 0;

	l->values = x->nsegments;
	if (array_reserve(x->segments, x->segments_room, x->nsegments + sh->nslots + 1))
		return -ENOMEM;
	for (unsigned i = 0; i < sh->nslots && !rc; i++) {
		const struct segment **s = &x->segments[x->nsegments++];

		*s = NULL;
		if (slot_is_stored(sh->slots[i].kind))
			rc = sh->part ? chunk_tail_segment(r->chunk, number, i, r->group, s)
			              : chunk_segment(r->chunk, number, i, r->group, s);
	}
	return rc;
}

static int local_fill(struct event_csv *x, const struct event_rows *r, const struct shape *sh, uint16_t number,
                      struct local *l)
{
	int rc = sh ? half_of(x, sh, &l->half) : -EBADMSG;

	if (!rc)
		rc = values_find(x, r, number, l);
	if (rc)
		l->half = NULL;
	l->foreign = -1;
	return rc;
}

static inline int head_at(struct event_csv *x, const struct event_rows *r, uint16_t number, struct local **out)
{
	struct local *l = &x->halves[0].local[number];

	*out = l;
	return l->half ? 0 : local_fill(x, r, chunk_head(r->chunk, number), number, l);
}

static inline int tail_at(struct event_csv *x, const struct event_rows *r, uint16_t number, struct local **out)
{
	struct local *l = &x->halves[1].local[number];

	*out = l;
	return l->half ? 0 : local_fill(x, r, chunk_tail(r->chunk, number), number, l);
}

/* The transaction of a row, in x->tid and x->tid_spelled. */
static int tid_find(struct event_csv *x, const struct event_rows *r, uint16_t number)
{
	struct slice spelled;
	char *to;
	int rc;

	if (number == x->tid_number)
		return 0;
	x->tid_number = UINT32_MAX;
	if ((rc = chunk_tid(r->chunk, number, &spelled)))
		return rc;
	x->tid.len = x->tid_spelled.len = 0;
	x->tid_bytes = spelled.len;
	if ((rc = text_field(x, &x->tid, spelled, true)))
		return rc;
	if (plain_room(x, spelled.len) || !(to = room(&x->tid_spelled, 2 * spelled.len + SCAN_SLACK)))
		return -ENOMEM;
	if (spelled.len)
		memcpy(x->plain, spelled.ptr, spelled.len);
	x->tid_spelled.len = (size_t)(csv_double(to, x->plain, x->plain + spelled.len) - x->tid_spelled.ptr);
	x->tid_number = number;
	return 0;
}

/* ---- a line from its shapes and values ---- */

/* What stands in slot k of a row; texts for values that are printed. quoted: there may be quotes in it. */
static inline struct slice slot_text(const struct event_csv *x, const struct csv_row *row, const struct local *l,
                                     unsigned k, char *buf, bool *quoted)
{
	const struct shape *sh = l->half->shape;
	const struct chunk_group *g = &row->rows->columns;
	const struct segment *s = x->segments[l->values + k];

	*quoted = false;
	switch (sh->slots[k].kind) {
	case SLOT_TID:
		return (struct slice){x->tid_spelled.ptr, x->tid_spelled.len};
	case SLOT_STAMP:
		return (struct slice){buf, stamp_print_iluvatar(g->stamp[row->i], buf)};
	case SLOT_STAMP_Z:
		return (struct slice){buf, stamp_print_rfc3339(g->stamp[row->i], buf)};
	default:
		*quoted = true;
		return segment_get(s, sh->part ? g->tail_ord[row->i] : g->head_ord[row->i], buf);
	}
}

static void stretches_begin(struct event_csv *x, const struct half *h, unsigned literal)
{
	for (unsigned i = h->shape->part ? 1 : 0; i < (h->shape->part ? PARTS : 1); i++) {
		const struct stretch *s = &h->part[i];

		if (!s->there)
			continue;
		if (s->from == literal)
			x->part[i].from = x->line.len + s->from_offset + 1;
		if (s->to == literal)
			x->part[i].to = x->line.len + s->to_offset + 1;
	}
}

/* Adds a half of the row's line to x->line. */
static int half_put(struct event_csv *x, const struct csv_row *row, const struct local *l)
{
	const struct half *h = l->half;
	char buf[SEGMENT_TEXT + SCAN_SLACK];
	bool quoted;

	x->line_bytes += h->bytes;
	for (unsigned i = 0;; i++) {
		size_t from = i ? h->ends[i - 1] : 0, n = h->ends[i] - from;
		char *to = room(&x->line, n);
		struct slice v;

		if (!to)
			return -ENOMEM;
		stretches_begin(x, h, i);
		csv_copy(to, h->literals + from, n);
		x->line.len += n;
		if (i == h->shape->nline)
			return 0;
		v = slot_text(x, row, l, i, buf, &quoted);
		if (!(to = room(&x->line, 2 * v.len)))
			return -ENOMEM;
		x->line_bytes += h->shape->slots[i].kind == SLOT_TID ? x->tid_bytes : v.len;
		to = quoted ? csv_double(to, v.ptr, v.ptr + v.len) : csv_copy(to, v.ptr, v.len);
		x->line.len = (size_t)(to - x->line.ptr);
	}
}

static int line_put(struct event_csv *x, const struct csv_row *row)
{
	int rc = 0;

	x->line.len = x->line_bytes = 0;
	memset(x->part, 0, sizeof x->part);
	if (x->head)
		rc = half_put(x, row, row->head);
	if (!rc && x->tail)
		rc = half_put(x, row, row->tail);
	return rc;
}

/* ---- a row ---- */

/* A stretch of x->line, whose quotes are doubled already. */
static char *stretch_put(const struct event_csv *x, char *to, size_t from, size_t end)
{
	const char *p = x->line.ptr + from;
	bool bare = end > from && csv_is_bare(p, x->line.ptr + end);

	if (!bare)
		*to++ = '"';
	memcpy(to, p, end - from);
	to += end - from;
	if (!bare)
		*to++ = '"';
	return to;
}

static int foreign_of(struct event_csv *x, const struct csv_row *row, int64_t *out)
{
	struct local *tail = row->tail;

	*out = 0;
	if (!row->head->half->shape->span_line)
		return 0;
	if (tail->foreign < 0) {
		int rc = event_tail_is_foreign(x->store, row->rows->source, tail->half->shape);

		if (rc < 0)
			return rc;
		tail->foreign = (int8_t)rc;
	}
	*out = tail->foreign;
	return 0;
}

static int integer_of(struct event_csv *x, const struct csv_row *row, enum event_column column, int64_t *out)
{
	switch (column) {
	case COL_RUN:
		*out = row->rows->run;
		return 0;
	case COL_SOURCE:
		*out = row->rows->source;
		return 0;
	case COL_LINE:
		*out = row->line;
		return 0;
	case COL_OFFSET:
		*out = row->offset;
		return 0;
	case COL_TIME_NS:
		*out = row->time_ns;
		return 0;
	case COL_SECOND:
		*out = event_second(row->time_ns);
		return 0;
	case COL_FOREIGN:
		return foreign_of(x, row, out);
	default:
		*out = row->rows->id + row->i;
		return 0;
	}
}

/* The message of lines that have one each. */
static int message_add(struct event_csv *x, const struct csv_row *row, struct text *out)
{
	char buf[SEGMENT_TEXT + SCAN_SLACK];
	bool quoted;
	struct slice v = slot_text(x, row, row->head, (unsigned)row->head->half->shape->message_slot, buf, &quoted);

	return v.len && json_is_plain(v) ? field_add(out, v.ptr, v.len) : text_field(x, out, v, true);
}

static int cell_add(struct event_csv *x, const struct csv_row *row, enum event_column column, struct text *out)
{
	const struct half *head = row->head->half;
	const struct text *cell = &x->tid;
	size_t from = 0, end = x->line.len;
	int64_t v;
	char *to;
	int rc;

	switch (column) {
	case COL_KIND:
		text_add(out, "record", 6);
		return 0;
	case COL_LEVEL:
	case COL_LEVEL_TEXT:
	case COL_TARGET:
		cell = &head->cell[column == COL_TARGET ? CELL_TARGET : CELL_LEVEL + (column - COL_LEVEL)];
		break;
	case COL_MESSAGE:
		if (head->shape->message_slot >= 0)
			return message_add(x, row, out);
		cell = &head->cell[CELL_MESSAGE];
		break;
	case COL_TID:
		break;
	case COL_FIELDS:
	case COL_SPAN:
	case COL_SPANS:
		if (!x->part[column - COL_FIELDS].from)
			return 0;
		from = x->part[column - COL_FIELDS].from - 1;
		end = x->part[column - COL_FIELDS].to - 1;
		/* fall through */
	case COL_RAW:
		if (!(to = room(out, end - from + 2)))
			return -ENOMEM;
		out->len = (size_t)(stretch_put(x, to, from, end) - out->ptr);
		return 0;
	default:
		rc = integer_of(x, row, column, &v);
		return rc ? rc : integer_field(out, v);
	}
	if (!(to = room(out, cell->len)))
		return -ENOMEM;
	if (cell->len)
		memcpy(to, cell->ptr, cell->len);
	out->len += cell->len;
	return 0;
}

static int comma_add(struct text *out, bool last)
{
	char *to = room(out, 1);

	if (!to)
		return -ENOMEM;
	*to = last ? '\n' : ',';
	out->len++;
	return 0;
}

static int row_add(struct event_csv *x, struct csv_row *row, struct text *out)
{
	const struct chunk_group *g = &row->rows->columns;
	bool moved = row->rows->offset_ns && event_head_clock(row->head->half->shape) == EVENT_CLOCK_SOURCE;
	int rc = x->tids ? tid_find(x, row->rows, g->tid[row->i]) : 0;

	row->time_ns = moved ? ns_moved(g->stamp[row->i], row->rows->offset_ns) : g->stamp[row->i];
	if (!rc)
		rc = line_put(x, row);
	for (size_t i = 0; i < x->n && !rc; i++) {
		rc = cell_add(x, row, x->columns[i], out);
		if (!rc)
			rc = comma_add(out, i + 1 == x->n);
	}
	return rc;
}

/* ---- a row that is read as an event ---- */

static int datum_add(struct event_csv *x, const struct event *e, const struct csv_row *row, enum event_column column,
                     struct text *out)
{
	struct event_datum d = {.type = DATUM_INTEGER, .integer = row->offset};
	int rc = column == COL_OFFSET ? 0 : event_datum(e, column, &d);

	if (rc || d.type == DATUM_NULL)
		return rc;
	return d.type == DATUM_INTEGER ? integer_field(out, d.integer) : text_field(x, out, d.text, d.escaped);
}

static int event_add(struct event_csv *x, const struct csv_row *row, struct text *out)
{
	const struct event *e;
	struct slice line = SLICE_NONE;
	int rc = event_get(x->store, row->rows->id + row->i, &e);

	if (rc != 1)
		return rc ? rc : -EBADMSG;
	rc = 0;
	for (size_t i = 0; i < x->n && !rc; i++) {
		rc = datum_add(x, e, row, x->columns[i], out);
		if (!rc)
			rc = comma_add(out, i + 1 == x->n);
	}
	if (!rc && x->offsets)
		rc = event_line(e, &line);
	x->line_bytes = line.len;
	return rc;
}

/* What is no event takes room in the log, too. */
static int passed_over(struct event_csv *x, const struct csv_row *row)
{
	struct bytes text = {0};
	struct chunk_row at;
	uint32_t i = row->rows->group * SEGMENT_ROWS + row->i;
	int rc = x->offsets ? chunk_row(row->rows->chunk, i, &at) : 0;

	if (!rc && x->offsets)
		rc = chunk_line(row->rows->chunk, &at, &text, NULL);
	x->line_bytes = text.len;
	bytes_free(&text);
	return rc;
}

static bool is_told_whole(const struct csv_row *row)
{
	const struct half *h = row->head->half;

	return h->whole && (!row->rows->offset_ns || event_head_clock(h->shape) != EVENT_CLOCK_LINE);
}

static int any_row(struct event_csv *x, struct csv_row *row, struct text *out)
{
	const struct chunk_group *g = &row->rows->columns;
	uint16_t head = g->head[row->i];
	int rc;

	if (head < CHUNK_FIRST_HEAD)
		return chunk_is_event(head) ? event_add(x, row, out) : passed_over(x, row);
	if ((rc = head_at(x, row->rows, head, &row->head)) || (rc = tail_at(x, row->rows, g->tail[row->i], &row->tail)))
		return rc;
	return is_told_whole(row) ? row_add(x, row, out) : event_add(x, row, out);
}

static int rows_write(struct event_csv *x, const struct event_csv_part *part, const struct event_rows *r,
                      struct text *out, int (*full)(void *, struct text *), void *arg)
{
	int pieces = chunk_pieces_before(r->chunk, part->group * SEGMENT_ROWS);
	struct csv_row row = {.rows = r};
	int rc = pieces < 0 ? pieces : locals_clear(x, r->chunk);

	row.line = part->first_line + part->group * (int64_t)SEGMENT_ROWS - pieces;
	row.offset = part->first_offset + (int64_t)chunk_group_offset(r->chunk, part->group);
	for (; row.i < r->columns.n && !rc; row.i++) {
		bool piece = r->columns.head[row.i] == CHUNK_PIECE;

		rc = any_row(x, &row, out);
		row.line += !piece;
		row.offset += (int64_t)x->line_bytes + !piece;
		if (!rc && out->len >= MUCH)
			rc = full(arg, out);
	}
	return rc;
}

int event_csv_write(struct event_csv *x, const struct event_csv_part *part, struct text *out,
                    int (*full)(void *arg, struct text *out), void *arg)
{
	struct event_rows r = {.id = part->chunk << 16 | part->group * SEGMENT_ROWS,
	                       .run = part->run,
	                       .source = part->source,
	                       .offset_ns = part->offset_ns,
	                       .group = part->group};
	int rc = store_chunk_pin(x->store, part->chunk, &r.chunk);

	if (rc)
		return rc;
	if (part->group * SEGMENT_ROWS < chunk_rows(r.chunk)) {
		rc = chunk_group(r.chunk, part->group, ALL_COLUMNS, &r.columns);
		if (!rc)
			rc = rows_write(x, part, &r, out, full, arg);
	}
	store_chunk_unpin(x->store, r.chunk);
	return rc;
}
