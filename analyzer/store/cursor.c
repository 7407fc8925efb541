/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cursor.c - the events of a query: which chunks, which rows.
 *
 * Chunks are left out by their source, their times and, for one transaction, by table place; rows by the row
 * columns alone, so that nothing of a row that is not asked for is decoded. */
#include "store/event_room.h"
#include "base/array.h"
#include "store/place.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct chunk_ref {
	int64_t id, source, first_line;
	int64_t chain;                   /* event_cursor_chain */
	int64_t min_ns;                  /* none of its lines is earlier, nor one behind them in its source */
	int64_t first_stamp, last_stamp; /* as event_rows has them */
	unsigned groups;                 /* bits of those to look at */
	bool respelled;                  /* the transaction's id stands there in other spellings, too */
};

#define TID_NUMBERS CHUNK_ROWS

struct event_cursor {
	struct store *store;
	struct event_query q;
	char *tid, *search; /* ours: q.tid's and q.search's bytes */
	struct {
		int64_t after_ns;
		bool (*want)(const struct shape *head, void *arg); /* NULL: q.want is for all chunks */
		void *arg;
	} later;
	bool is_later; /* this chunk */
	struct chunk_ref *refs;
	size_t nrefs, at;
	struct event_room *room;
	uint32_t row;
	int tid_number; /* in this chunk; -1: any; TID_NUMBERS: those in tid_numbers */
	uint8_t *tid_numbers;
	uint8_t *wanted; /* by local head */
	size_t wanted_room;
	uint8_t *hits;       /* of q.search in a group of this chunk, by row */
	unsigned hits_group; /* which; UINT_MAX: none */
	uint8_t *answers;    /* by shape id: 0 not asked, 1 no, 2 yes */
	uint32_t nanswers;
};

/* ---- which chunks ---- */

/* The chunk in a row, if lines of the query may be in it: 1, 0 (none can) or a negative errno. */
static int ref_read(sqlite3_stmt *q, const struct event_query *w, const struct place_list *places,
                    struct chunk_ref *ref)
{
	int64_t min = sqlite3_column_int64(q, 3), max = sqlite3_column_int64(q, 4), off;
	const struct place_entry *p;
	int rc = store_offset_ns(sqlite3_column_int64(q, 5), &off);

	*ref = (struct chunk_ref){.id = sqlite3_column_int64(q, 0),
	                          .source = sqlite3_column_int64(q, 1),
	                          .first_line = sqlite3_column_int64(q, 2),
	                          .chain = sqlite3_column_int64(q, 6),
	                          .first_stamp = sqlite3_column_type(q, 3) == SQLITE_NULL ? INT64_MAX : min,
	                          .last_stamp = sqlite3_column_type(q, 3) == SQLITE_NULL ? INT64_MIN : max,
	                          .groups = 0xff};
	if (rc)
		return rc;
	/* a stamp that names its offset is not moved: both readings are inside */
	max = ns_moved(max, off > 0 ? off : 0);
	min = ns_moved(min, off < 0 ? off : 0);
	ref->min_ns = min;
	if ((w->since_ns && max < w->since_ns) || (w->until_ns && min >= w->until_ns))
		return 0;
	if (!places)
		return 1;
	p = place_find(places, ref->id);
	if (!p || !p->blocks)
		return 0;
	ref->groups = p->blocks;
	ref->respelled = p->respelled;
	return 1;
}

#define REFS_SELECT "SELECT c.id, c.source, c.first_line, c.min_stamp, c.max_stamp, coalesce(s.offset_s, 0), "
#define REFS_WHERE                                                                                                  \
	" WHERE (?1 = 0 OR s.run = ?1) AND (?2 = 0 OR s.id BETWEEN ?2 AND ?5) AND c.id >= ?3 >> 16 AND (?4 = 0 OR " \
	"c.id <= ?4 >> "                                                                                            \
	"16) "                                                                                                      \
	"ORDER BY "

static const char plain_sql[] =
    REFS_SELECT "c.source FROM chunk c JOIN source s ON s.id = c.source" REFS_WHERE "c.source, c.first_line, c.id";

/* Files of one worker in one run are parts of its log. */
static const char chained_sql[] =
    "WITH part AS (SELECT id, CASE kind WHEN 'ilulog' THEN min(id) OVER (PARTITION BY run, kind, worker) ELSE id END "
    "AS chain, (SELECT k.min_stamp FROM chunk k WHERE k.source = source.id ORDER BY k.first_line LIMIT 1) AS began "
    "FROM source) " REFS_SELECT
    "p.chain FROM chunk c JOIN source s ON s.id = c.source JOIN part p ON p.id = s.id" REFS_WHERE
    "p.chain, p.began, c.source, c.first_line, c.id";

static int refs_read(struct event_cursor *c, const struct place_list *places)
{
	const struct event_query *w = &c->q;
	sqlite3_stmt **kept = &c->store->refs_read[w->chained], *q;
	struct chunk_ref ref, *to;
	size_t room = 0;
	int rc = store_statement(c->store, kept, w->chained ? chained_sql : plain_sql);

	if (rc)
		return rc;
	q = *kept;
	sqlite3_bind_int64(q, 1, w->run);
	sqlite3_bind_int64(q, 2, w->source);
	sqlite3_bind_int64(q, 3, w->first_id);
	sqlite3_bind_int64(q, 4, w->last_id);
	sqlite3_bind_int64(q, 5, w->last_source ? w->last_source : w->source);
	while ((rc = sql_next(q)) == 1) {
		rc = ref_read(q, w, places, &ref);
		if (rc < 0)
			break;
		if (!rc)
			continue;
		to = array_add(c->refs, c->nrefs, room);
		if (!to) {
			rc = -ENOMEM;
			break;
		}
		*to = ref;
	}
	store_statement_rest(c->store, kept);
	for (size_t i = c->nrefs; i-- > 1;)
		if (c->refs[i - 1].source == c->refs[i].source && c->refs[i - 1].min_ns > c->refs[i].min_ns)
			c->refs[i - 1].min_ns = c->refs[i].min_ns;
	return rc;
}

/* What event_get gave stays beside a cursor's own, but not a long line: its chunk is more than an idle one may be. */
static void got_forget(struct store *s)
{
	if (!s->got || !s->got->ev.chunk || chunk_memory(s->got->ev.chunk) <= CHUNK_IDLE_BYTES)
		return;
	event_room_free(s->got);
	s->got = NULL;
}

int event_cursor_open(struct store *s, const struct event_query *q, struct event_cursor **out)
{
	struct event_cursor *c = calloc(1, sizeof *c);
	struct place_list places = {0};
	int rc;

	if (!c)
		return -ENOMEM;
	got_forget(s);
	c->store = s;
	c->q = *q;
	rc = event_room_new(s, &c->room);
	if (!rc && q->tid.ptr) {
		c->tid = malloc(q->tid.len + 1);
		rc = !c->tid ? -ENOMEM : q->places ? 0 : place_read(s, q->tid, &places);
		if (c->tid)
			c->q.tid.ptr = memcpy(c->tid, q->tid.ptr, q->tid.len);
	}
	if (!rc && q->search.ptr) {
		c->search = malloc(q->search.len + 1);
		if (c->search)
			c->q.search.ptr = memcpy(c->search, q->search.ptr, q->search.len);
		else
			rc = -ENOMEM;
	}
	if (!rc)
		rc = refs_read(c, !q->tid.ptr ? NULL : q->places ? q->places : &places);
	c->q.places = NULL;
	place_list_free(&places);
	if (rc)
		event_cursor_close(c);
	else
		*out = c;
	return rc;
}

void event_cursor_narrow(struct event_cursor *c, bool (*want)(const struct shape *head, void *arg), void *arg)
{
	c->q.want = want;
	c->q.want_arg = arg;
	c->nanswers = 0;
}

void event_cursor_narrow_later(struct event_cursor *c, int64_t after_ns,
                               bool (*want)(const struct shape *head, void *arg), void *arg)
{
	c->later.after_ns = after_ns;
	c->later.want = want;
	c->later.arg = arg;
}

int64_t event_cursor_chain(const struct event_cursor *c)
{
	return c->at ? c->refs[c->at - 1].chain : 0;
}

void event_cursor_close(struct event_cursor *c)
{
	if (!c)
		return;
	event_room_free(c->room);
	free(c->tid);
	free(c->search);
	free(c->refs);
	free(c->wanted);
	free(c->answers);
	free(c->hits);
	free(c->tid_numbers);
	free(c);
}

/* ---- which rows ---- */

static bool shape_wanted(struct event_cursor *c, const struct shape *sh)
{
	if (sh->id && sh->id < c->nanswers && c->answers[sh->id])
		return c->answers[sh->id] == 2;
	if (array_reserve_zeroed(c->answers, c->nanswers, sh->id + 1))
		return c->q.want(sh, c->q.want_arg);
	c->answers[sh->id] = c->q.want(sh, c->q.want_arg) ? 2 : 1;
	return c->answers[sh->id] == 2;
}

/* What of the chunk's heads is wanted; *any: at least one, or lines kept whole. */
static int heads_ask(struct event_cursor *c, bool *any)
{
	unsigned n = chunk_heads(c->room->ev.chunk);

	if (array_reserve(c->wanted, c->wanted_room, n + CHUNK_FIRST_HEAD))
		return -ENOMEM;
	for (unsigned i = 0; i < CHUNK_FIRST_HEAD; i++)
		c->wanted[i] = chunk_is_event(i);
	*any = chunk_has_raw_events(c->room->ev.chunk);
	for (unsigned i = 0; i < n; i++) {
		const struct shape *sh = chunk_head(c->room->ev.chunk, (uint16_t)(i + CHUNK_FIRST_HEAD));

		c->wanted[i + CHUNK_FIRST_HEAD] = c->is_later ? c->later.want(sh, c->later.arg)
		                                  : c->q.want ? shape_wanted(c, sh)
		                                              : true;
		*any |= c->wanted[i + CHUNK_FIRST_HEAD];
	}
	return 0;
}

/* The number of the transaction in the chunk: 0 or negative. */
static int tid_find(struct event_cursor *c, struct chunk *chunk, const struct chunk_ref *ref)
{
	if (!c->q.tid.ptr) {
		c->tid_number = -1;
		return 0;
	}
	if (!ref->respelled) {
		c->tid_number = chunk_find_tid(chunk, c->q.tid, ref->groups);
		return c->tid_number < 0 ? c->tid_number : 0;
	}
	c->tid_number = TID_NUMBERS;
	if (!c->tid_numbers && !(c->tid_numbers = malloc(CHUNK_ROWS)))
		return -ENOMEM;
	return chunk_find_spellings(chunk, c->q.tid, c->tid_numbers);
}

/* Moves to the next chunk with something in it: 1, or 0 at the end. */
static int chunk_next(struct event_cursor *c)
{
	struct event *e = &c->room->ev;

	for (;;) {
		struct chunk *chunk;
		bool any;
		int rc;

		store_chunk_unpin(c->store, e->chunk);
		e->chunk = NULL;
		if (c->at == c->nrefs)
			return 0;
		rc = store_chunk_pin(c->store, c->refs[c->at++].id, &chunk);
		if (rc)
			return rc;
		e->chunk = chunk;
		c->is_later = c->later.want && c->refs[c->at - 1].min_ns > c->later.after_ns;
		rc = heads_ask(c, &any);
		if (!rc)
			rc = tid_find(c, chunk, &c->refs[c->at - 1]);
		if (rc)
			return rc;
		c->row = 0;
		c->hits_group = UINT_MAX;
		if (any && c->tid_number != CHUNK_NO_TID)
			return 1;
	}
}

/* Searches a group once. */
static int hits_need(struct event_cursor *c, unsigned group)
{
	int rc;

	if (!c->q.search.ptr || c->hits_group == group)
		return 0;
	if (!c->hits && !(c->hits = malloc(SEGMENT_ROWS)))
		return -ENOMEM;
	rc = (c->q.search_fields ? chunk_search_fields : chunk_search)(c->room->ev.chunk, group, c->q.search, c->hits);
	c->hits_group = rc ? UINT_MAX : group;
	return rc;
}

static bool of_tid(const struct event_cursor *c, const struct chunk_group *g, uint32_t i)
{
	return c->tid_number < 0 ||
	       (c->tid_number < TID_NUMBERS ? g->tid[i] == c->tid_number : c->tid_numbers[g->tid[i]]);
}

/* Moves c->row to the next row that the row columns let pass: 1, 0 at the end of the chunk, or negative. */
static int row_find(struct event_cursor *c, const struct chunk_ref *ref)
{
	unsigned columns = CHUNK_COLUMN_HEAD | (c->tid_number < 0 ? 0 : CHUNK_COLUMN_TID);
	int64_t base = ref->id << 16;
	uint32_t rows = chunk_rows(c->room->ev.chunk);
	struct chunk_group g;
	int rc;

	if (c->q.first_id > base + c->row)
		c->row = c->q.first_id - base < rows ? (uint32_t)(c->q.first_id - base) : rows;
	if (c->q.last_id && c->q.last_id - base + 1 < rows)
		rows = c->q.last_id < base ? 0 : (uint32_t)(c->q.last_id - base + 1);
	for (; c->row < rows; c->row = (c->row / SEGMENT_ROWS + 1) * SEGMENT_ROWS) {
		unsigned index = c->row / SEGMENT_ROWS;
		uint32_t i = c->row % SEGMENT_ROWS, end;

		if (!(ref->groups >> index & 1))
			continue;
		if ((rc = hits_need(c, index)) || (rc = chunk_group(c->room->ev.chunk, index, columns, &g)))
			return rc;
		end = g.n < rows - index * SEGMENT_ROWS ? g.n : rows - index * SEGMENT_ROWS;
		if (c->q.search.ptr)
			while (i < end && !(c->hits[i] && c->wanted[g.head[i]] && of_tid(c, &g, i)))
				i++;
		else if (c->tid_number < 0)
			while (i < end && !c->wanted[g.head[i]])
				i++;
		else if (c->tid_number < TID_NUMBERS)
			while (i < end && !(g.tid[i] == c->tid_number && c->wanted[g.head[i]]))
				i++;
		else
			while (i < end && !(c->wanted[g.head[i]] && of_tid(c, &g, i)))
				i++;
		if (i < end) {
			c->row = index * SEGMENT_ROWS + i;
			return 1;
		}
	}
	return 0;
}

/* What could not be told from the row columns. */
static bool event_passes(const struct event_cursor *c, int *rc)
{
	const struct event *e = &c->room->ev;

	*rc = c->q.since_ns || c->q.until_ns ? event_time(e) : 0;
	if (*rc || (c->q.since_ns && e->time_ns < c->q.since_ns) || (c->q.until_ns && e->time_ns >= c->q.until_ns))
		return false;
	if (c->q.search.ptr && c->hits[e->row % SEGMENT_ROWS] == CHUNK_LOOK &&
	    !event_search(e, c->q.search, c->q.search_fields)) {
		*rc = event_error(e);
		return false;
	}
	if (e->raw && c->is_later)
		return c->later.want(e->head, c->later.arg);
	return !e->raw || !c->q.want || c->q.want(e->head, c->q.want_arg);
}

int event_cursor_next(struct event_cursor *c, const struct event **out)
{
	int rc;

	for (;;) {
		const struct chunk_ref *ref;

		if (!c->room->ev.chunk && (rc = chunk_next(c)) <= 0)
			return rc;
		ref = &c->refs[c->at - 1];
		while ((rc = row_find(c, ref)) == 1) {
			bool passes = false;

			rc = event_fill(c->room, ref->id, ref->source, ref->first_line, c->row++, c->q.brief);
			if (!rc)
				passes = event_passes(c, &rc);
			if (rc)
				return rc;
			if (!passes)
				continue;
			*out = &c->room->ev;
			return 1;
		}
		if (rc)
			return rc;
		if ((rc = chunk_next(c)) <= 0)
			return rc;
	}
}

/* c->row is the first of a group, or behind the chunk. */
int event_cursor_rows(struct event_cursor *c, unsigned columns, struct event_rows *out)
{
	struct event *e = &c->room->ev;
	const struct source_info *info;
	const struct chunk_ref *ref;
	int rc;

	while (!e->chunk || c->row >= chunk_rows(e->chunk))
		if ((rc = chunk_next(c)) <= 0)
			return rc;
	ref = &c->refs[c->at - 1];
	if ((rc = store_source(c->store, ref->source, &info)))
		return rc;
	*out = (struct event_rows){.chunk = e->chunk,
	                           .id = ref->id << 16 | c->row,
	                           .run = info->run,
	                           .source = ref->source,
	                           .offset_ns = info->offset_ns,
	                           .first_stamp = ref->first_stamp,
	                           .last_stamp = ref->last_stamp,
	                           .group = c->row / SEGMENT_ROWS};
	rc = chunk_group(e->chunk, out->group, columns, &out->columns);
	c->row += SEGMENT_ROWS;
	out->ends = c->row >= chunk_rows(e->chunk);
	return rc ? rc : 1;
}

/* Its chunk stays pinned for the next one: questions often go on where they were. */
static int got_chunk(struct store *s, int64_t id)
{
	struct chunk *chunk;
	int rc = 0;

	if (!s->got && (rc = event_room_new(s, &s->got)))
		return rc;
	if (s->got->ev.chunk && s->got->ev.id >> 16 == id)
		return 0;
	rc = store_chunk_pin(s, id, &chunk);
	if (rc)
		return rc;
	store_chunk_unpin(s, s->got->ev.chunk);
	s->got->ev.chunk = chunk;
	s->got->ev.id = id << 16;
	return 0;
}

static int get(struct store *s, int64_t id, bool brief, const struct event **out)
{
	const struct chunk_home *home;
	struct chunk *chunk;
	uint16_t head;
	int rc = id < 0 || id >> 16 > CHUNK_ID_MAX ? -ENOENT : got_chunk(s, id >> 16);

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	chunk = s->got->ev.chunk;
	home = store_chunk_home(s, chunk);
	if ((uint32_t)(id & 0xffff) >= chunk_rows(chunk))
		return 0;
	rc = chunk_row_head(chunk, (uint32_t)(id & 0xffff), &head);
	if (rc || !chunk_is_event(head))
		return rc;
	rc = event_fill(s->got, id >> 16, home->source, home->first_line, (uint32_t)(id & 0xffff), brief);
	*out = &s->got->ev;
	return rc ? rc : 1;
}

int event_get(struct store *s, int64_t id, const struct event **out)
{
	return get(s, id, false, out);
}

int event_get_brief(struct store *s, int64_t id, const struct event **out)
{
	return get(s, id, true, out);
}
