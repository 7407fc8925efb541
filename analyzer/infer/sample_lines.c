/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample_lines.c - which transactions a sample is of, and their lines.
 *
 * Table place tells which groups of rows have any of them; of others nothing is unpacked. Of most lines the message
 * follows from the shapes: such a pair of shapes is looked at once a chunk, as an event, and what is left of a line are
 * the columns of times and transactions. */
#include "infer/sample.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/sql.h"
#include "ingest/line.h"
#include "store/chunks.h"
#include "store/place.h"
#include <errno.h>
#include <stdlib.h>

/* ---- which transactions ---- */

static uint64_t spread(struct slice tid)
{
	return hash_slice(tid, 0) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Those with at least two lines whose hash is below a limit, which is halved until they are few enough. */
static int choose(struct sample *s, sqlite3 *db)
{
	uint64_t limit = UINT64_MAX;
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT tid FROM place WHERE events > 1", &st);

	while (!rc && (rc = sql_next(st)) == 1) {
		struct slice tid = column_slice(st, 0);
		uint32_t ignored;

		s->tids_of_run++;
		rc = spread(tid) <= limit ? intern_add(&s->tids, tid, &ignored) : 0;
		while (!rc && s->tids.n > SAMPLE_TIDS) {
			struct intern fewer = {0};

			limit /= 2;
			for (uint32_t i = 0; i < s->tids.n && !rc; i++)
				if (spread(s->tids.text[i]) <= limit)
					rc = intern_add(&fewer, s->tids.text[i], &ignored);
			intern_done(&s->tids);
			s->tids = fewer;
		}
	}
	sqlite3_finalize(st);
	return rc;
}

/* ---- where they are ---- */

/* A run while it is read. */
struct reading {
	struct sample *s;
	struct store *store;
	uint32_t *count;           /* of each transaction the lines that were taken */
	struct place_entry *where; /* by chunk: its groups that have lines of any */
	size_t nwhere, where_room;
	unsigned groups; /* of this chunk */
	bool each_time;  /* of this chunk the times are not those that are noted of it */
	uint32_t chunks; /* so many were begun */
	struct {
		uint32_t chunk, tid; /* chunk: which of them it was looked up for; tid: its number in s->tids */
	} * tid;                     /* by local number, of CHUNK_ROWS */
	uint8_t *clock;              /* enum event_clock, by local number of a head */
	size_t clock_room;
	struct known {
		uint32_t chunk, key; /* chunk: as above */
		uint16_t head, tail;
		bool foreign;
	} known[256]; /* pairs of shapes whose lines have one message */
};

static int where_add(struct reading *r, const struct place_list *l)
{
	if (array_reserve(r->where, r->where_room, r->nwhere + l->n))
		return -ENOMEM;
	if (l->n)
		memcpy(r->where + r->nwhere, l->list, l->n * sizeof *l->list);
	r->nwhere += l->n;
	return 0;
}

static int compare_chunks(const void *pa, const void *pb)
{
	const struct place_entry *a = pa, *b = pb;

	return a->chunk < b->chunk ? -1 : a->chunk > b->chunk;
}

static void where_join(struct reading *r)
{
	size_t n = 0;

	if (r->nwhere)
		qsort(r->where, r->nwhere, sizeof *r->where, compare_chunks);
	for (size_t i = 0; i < r->nwhere; i++)
		if (n && r->where[n - 1].chunk == r->where[i].chunk)
			r->where[n - 1].blocks |= r->where[i].blocks;
		else
			r->where[n++] = r->where[i];
	r->nwhere = n;
}

static int where_read(struct reading *r)
{
	const struct intern *tids = &r->s->tids;
	sqlite3_stmt *st;
	int rc = sql_prepare(store_db(r->store), "SELECT places FROM place WHERE tid = ?", &st);

	for (uint32_t i = 0; i < tids->n && !rc; i++) {
		bind_slice(st, 1, tids->text[i]);
		while (!rc && (rc = sql_next(st)) == 1) {
			struct place_list l;

			rc = place_parse(sqlite3_column_blob(st, 0), (size_t)sqlite3_column_bytes(st, 0), &l);
			if (!rc) {
				rc = where_add(r, &l);
				place_list_free(&l);
			}
		}
		sqlite3_reset(st);
	}
	sqlite3_finalize(st);
	where_join(r);
	return rc;
}

/* ---- times ---- */

static void note_time(struct sample *s, int64_t ns)
{
	s->first_ns = ns < s->first_ns ? ns : s->first_ns;
	s->last_ns = ns > s->last_ns ? ns : s->last_ns;
}

/* What is noted of the chunk is what was written: where its lines go by one clock, that is known. */
static void chunk_times(struct reading *r, const struct event_rows *rows, unsigned clocks)
{
	bool moved = clocks == 1u << EVENT_CLOCK_SOURCE && rows->offset_ns;

	r->each_time = rows->offset_ns && (chunk_has_raw_events(rows->chunk) || (clocks & 1u << EVENT_CLOCK_LINE) ||
	                                   (clocks & (clocks - 1)));
	if (r->each_time || rows->first_stamp > rows->last_stamp)
		return;
	note_time(r->s, moved ? ns_moved(rows->first_stamp, rows->offset_ns) : rows->first_stamp);
	note_time(r->s, moved ? ns_moved(rows->last_stamp, rows->offset_ns) : rows->last_stamp);
}

static int chunk_begin(struct reading *r, const struct event_rows *rows)
{
	struct place_entry key = {.chunk = rows->id >> 16}, *where = NULL;
	unsigned heads = chunk_heads(rows->chunk) + CHUNK_FIRST_HEAD, clocks = 0;

	r->chunks++;
	if (r->nwhere)
		where = bsearch(&key, r->where, r->nwhere, sizeof *r->where, compare_chunks);
	r->groups = where ? where->blocks : 0;
	if (array_reserve(r->clock, r->clock_room, heads))
		return -ENOMEM;
	for (unsigned i = CHUNK_FIRST_HEAD; i < heads; i++) {
		r->clock[i] = (uint8_t)event_head_clock(chunk_head(rows->chunk, (uint16_t)i));
		clocks |= 1u << r->clock[i];
	}
	chunk_times(r, rows, clocks);
	return 0;
}

static int64_t row_time(const struct reading *r, const struct event_rows *rows, uint32_t i)
{
	bool moved = r->clock[rows->columns.head[i]] == EVENT_CLOCK_SOURCE;

	return moved ? ns_moved(rows->columns.stamp[i], rows->offset_ns) : rows->columns.stamp[i];
}

static bool line_tells_time(const struct reading *r, const struct event_rows *rows, uint16_t head)
{
	return head < CHUNK_FIRST_HEAD || (r->clock[head] == EVENT_CLOCK_LINE && rows->offset_ns);
}

static int group_times(struct reading *r, struct event_rows *rows)
{
	const struct event *e;
	int rc = chunk_group(rows->chunk, rows->group, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_STAMP, &rows->columns);

	for (uint32_t i = 0; !rc && i < rows->columns.n; i++) {
		uint16_t head = rows->columns.head[i];

		if (!line_tells_time(r, rows, head)) {
			note_time(r->s, row_time(r, rows, i));
		} else if (head >= CHUNK_FIRST_HEAD || chunk_is_event(head)) {
			rc = event_get(r->store, rows->id + i, &e);
			if (rc == 1)
				note_time(r->s, e->time_ns);
			rc = rc < 0 ? rc : 0;
		}
	}
	return rc;
}

/* ---- lines ---- */

static int tid_find(struct reading *r, struct chunk *c, uint16_t number)
{
	char text[3 * LINE_MAX_TID];
	struct slice tid;
	int rc = chunk_tid(c, number, &tid);

	if (!rc)
		rc = chunk_tid_meaning(c, tid, text, &tid);
	if (rc)
		return rc;
	r->tid[number].chunk = r->chunks;
	r->tid[number].tid = tid.ptr ? intern_find(&r->s->tids, tid) : INTERN_NONE;
	return 0;
}

static int line_add(struct reading *r, int64_t time_ns, int64_t id, int64_t source, uint32_t tid, uint32_t key)
{
	struct sample_line *l = array_add(r->s->line, r->s->nlines, r->s->line_room);

	if (!l)
		return -ENOMEM;
	r->count[tid]++;
	*l = (struct sample_line){time_ns, id, source, tid, key};
	return 0;
}

/* Whether all lines of these two shapes have the message of one key. */
static bool shapes_tell_key(const struct event *e)
{
	if (e->raw || e->head->message_slot >= 0 || (e->head->span_line && e->head->as_worker))
		return false;
	for (unsigned i = 0; e->head->span_line && i < e->tail->nslots; i++)
		if (e->tail->slots[i].section == SECTION_SPAN && slice_is(e->tail->slots[i].key, "name"))
			return false;
	return true;
}

/* The line is looked at as an event; *k keeps what holds for others like it. */
static int event_take(struct reading *r, int64_t id, uint32_t tid, struct known *k)
{
	const struct event *e;
	uint32_t key = 0;
	int rc = event_get(r->store, id, &e);

	if (rc <= 0)
		return rc;
	rc = e->foreign ? 0 : sample_key_of(r->s, e, &key);
	if (!rc && !e->foreign)
		rc = line_add(r, e->time_ns, id, e->source, tid, key);
	if (!rc && k && shapes_tell_key(e)) {
		k->chunk = r->chunks;
		k->key = key;
		k->foreign = e->foreign;
	}
	return rc ? rc : event_error(e);
}

static int row_take(struct reading *r, struct event_rows *rows, uint32_t i, uint32_t tid)
{
	unsigned columns = CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TAIL | CHUNK_COLUMN_STAMP;
	struct chunk_group *c = &rows->columns;
	bool whole = c->head && c->stamp && c->tail;
	int rc = whole ? 0 : chunk_group(rows->chunk, rows->group, CHUNK_COLUMN_TID | columns, c);
	struct known *k;

	if (rc)
		return rc;
	if (line_tells_time(r, rows, c->head[i]))
		return event_take(r, rows->id + i, tid, NULL);
	uint16_t tail = chunk_head(rows->chunk, c->head[i])->span_line ? c->tail[i] : 0;

	k = &r->known[(c->head[i] * 31u + tail) % (sizeof r->known / sizeof *r->known)];
	if (k->chunk == r->chunks && k->head == c->head[i] && k->tail == tail)
		return k->foreign ? 0 : line_add(r, row_time(r, rows, i), rows->id + i, rows->source, tid, k->key);
	*k = (struct known){.head = c->head[i], .tail = tail};
	return event_take(r, rows->id + i, tid, k);
}

static int rows_take(struct reading *r, struct event_rows *rows)
{
	int rc = rows->group ? 0 : chunk_begin(r, rows);

	if (!rc && r->each_time)
		rc = group_times(r, rows);
	if (rc || !(r->groups >> rows->group & 1))
		return rc;
	rc = chunk_group(rows->chunk, rows->group, CHUNK_COLUMN_TID, &rows->columns);
	for (uint32_t i = 0; !rc && i < rows->columns.n; i++) {
		uint16_t number = rows->columns.tid[i];

		if (number == CHUNK_NO_TID)
			continue;
		if (r->tid[number].chunk != r->chunks)
			rc = tid_find(r, rows->chunk, number);
		if (!rc && r->tid[number].tid != INTERN_NONE && r->count[r->tid[number].tid] < SAMPLE_LINES)
			rc = row_take(r, rows, i, r->tid[number].tid);
	}
	return rc;
}

static int lines_read(struct reading *r, int64_t run)
{
	struct event_query q = {.run = run};
	struct event_cursor *c;
	struct event_rows rows;
	int rc = event_cursor_open(r->store, &q, &c);

	if (rc)
		return rc;
	store_read_once(r->store, true);
	while ((rc = event_cursor_rows(c, 0, &rows)) == 1 && !(rc = rows_take(r, &rows)))
		;
	store_read_once(r->store, false);
	event_cursor_close(c);
	return rc;
}

/* ---- the whole ---- */

static int compare_lines(const void *pa, const void *pb)
{
	const struct sample_line *a = pa, *b = pb;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

int sample_index_keys(struct sample *s)
{
	s->by_key = calloc(s->nlines + 1, sizeof *s->by_key);
	s->of_key = calloc((size_t)s->nkeys + 2, sizeof *s->of_key);
	if (!s->by_key || !s->of_key)
		return -ENOMEM;
	for (size_t i = 0; i < s->nlines; i++)
		s->of_key[s->line[i].key + 2]++;
	for (uint32_t k = 2; k < s->nkeys + 2; k++)
		s->of_key[k] += s->of_key[k - 1];
	for (uint32_t i = 0; i < s->nlines; i++) /* each goes to the end of those before it */
		s->by_key[s->of_key[s->line[i].key + 1]++] = i;
	return 0;
}

static int lines_arrange(struct sample *s)
{
	if (s->nlines)
		qsort(s->line, s->nlines, sizeof *s->line, compare_lines);
	s->first = sample_index(s, s->line, s->nlines, sizeof *s->line, offsetof(struct sample_line, tid));
	return s->first ? sample_index_keys(s) : -ENOMEM;
}

/* The first place from `from` on, and before `to`, whose line does not stand before this one. */
static uint32_t place_of(const struct sample *s, uint32_t from, uint32_t to, uint32_t line)
{
	while (from < to) {
		uint32_t middle = from + (to - from) / 2;

		if (s->by_key[middle] < line)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

uint32_t lines_before(const struct sample *s, uint32_t tid, uint32_t key, uint32_t end, uint32_t *line)
{
	uint32_t to = s->of_key[key + 1], at = place_of(s, s->of_key[key], to, s->first[tid]);
	uint32_t n = 0;

	while (at + n < to && s->by_key[at + n] < end)
		n++;
	if (n)
		*line = s->by_key[at];
	return n;
}

uint32_t lines_of_key(const struct sample *s, uint32_t tid, uint32_t key, uint32_t *line)
{
	return lines_before(s, tid, key, s->first[tid + 1], line);
}

int sample_read(struct sample *s, struct store *store, int64_t run)
{
	struct reading *r = calloc(1, sizeof *r);
	int rc = r ? 0 : -ENOMEM;

	*s = (struct sample){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
	if (!rc)
		rc = choose(s, store_db(store));
	if (!rc) {
		r->s = s;
		r->store = store;
		r->tid = calloc(CHUNK_ROWS, sizeof *r->tid);
		r->count = calloc(s->tids.n + 1, sizeof *r->count);
		rc = r->tid && r->count ? where_read(r) : -ENOMEM;
	}
	if (!rc && s->tids.n)
		rc = lines_read(r, run);
	if (r) {
		free(r->where);
		free(r->tid);
		free(r->count);
		free(r->clock);
	}
	free(r);
	return rc ? rc : lines_arrange(s);
}
