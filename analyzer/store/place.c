/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place.c - transactions and the blocks their lines are in. */
#include "store/place.h"
#include "base/array.h"
#include "base/intern.h"
#include "base/sorter.h"
#include "base/sql.h"
#include "column/column.h"
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>

/* ---- reading ---- */

static int list_read(struct peek in, struct place_list *out)
{
	int64_t chunk = 0;
	size_t room = 0;

	while (in.p < in.end && !in.bad) {
		struct place_entry *e = array_add(out->list, out->n, room);

		if (!e)
			return -ENOMEM;
		uint64_t delta = peek_varint(&in, 64);

		chunk = (int64_t)((uint64_t)chunk + (delta >> 1));
		*e = (struct place_entry){chunk, peek_u8(&in), delta & 1};
	}
	return in.bad ? -EBADMSG : 0;
}

static int read_prepare(struct store *s, sqlite3_stmt **q)
{
	return sql_prepare(s->db, "SELECT places, id FROM place WHERE tid = ? ORDER BY id LIMIT 1", q);
}

static int read_by(sqlite3_stmt *q, struct slice tid, struct place_list *out)
{
	int rc;

	*out = (struct place_list){0};
	bind_slice(q, 1, tid);
	rc = sql_next(q);
	if (rc == 1) {
		const unsigned char *p = sqlite3_column_blob(q, 0);

		rc = p ? list_read((struct peek){p, p + sqlite3_column_bytes(q, 0), false}, out) : 0;
		out->id = sqlite3_column_int64(q, 1);
	}
	sqlite3_reset(q);
	if (rc)
		place_list_free(out);
	return rc;
}

int place_read(struct store *s, struct slice tid, struct place_list *out)
{
	sqlite3_stmt *q;
	int rc = read_prepare(s, &q);

	*out = (struct place_list){0};
	if (!rc)
		rc = read_by(q, tid, out);
	sqlite3_finalize(q);
	return rc;
}

int place_parse(const void *places, size_t bytes, struct place_list *out)
{
	const unsigned char *p = places;
	int rc;

	*out = (struct place_list){0};
	rc = p ? list_read((struct peek){p, p + bytes, false}, out) : 0;
	if (rc)
		place_list_free(out);
	return rc;
}

void place_list_free(struct place_list *l)
{
	free(l->list);
	*l = (struct place_list){0};
}

const struct place_entry *place_find(const struct place_list *l, int64_t chunk)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (l->list[mid].chunk < chunk)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->n && l->list[low].chunk == chunk ? &l->list[low] : NULL;
}

/* ---- collecting ---- */

/* What is known of a transaction. */
struct entry {
	uint32_t events;
	int64_t last; /* chunk */
	uint32_t used, room;
	unsigned char *bytes; /* pairs; in small where they fit: most transactions are in one or two chunks */
	unsigned char small[16];
};

/* Entries of some chunks are held; then they go to the sorter, and those of the next chunks after them. */
struct place_set {
	struct intern tids;
	struct entry *v; /* by number of the tid */
	size_t room, most;
	int64_t chunk; /* the last */
	char *beside;
	struct sorter *spilled; /* by tid: its length, itself, its events, its pairs */
};

#define MOST         ((size_t)1 << 14) /* some 3 MB */
#define ROWS_AT_ONCE 32                /* that one statement writes */

int place_set_new(const char *beside, struct place_set **out)
{
	struct place_set *p = calloc(1, sizeof *p);

	if (!p || (beside && !(p->beside = strdup(beside)))) {
		free(p);
		return -ENOMEM;
	}
	p->most = MOST;
	*out = p;
	return 0;
}

static void forget(struct place_set *p)
{
	for (uint32_t i = 0; i < p->tids.n; i++)
		free(p->v[i].bytes);
	intern_done(&p->tids);
}

void place_set_free(struct place_set *p)
{
	if (!p)
		return;
	forget(p);
	sorter_free(p->spilled);
	free(p->beside);
	free(p->v);
	free(p);
}

bool place_set_is_empty(const struct place_set *p)
{
	return !p->tids.n && !p->spilled;
}

void place_set_most(struct place_set *p, size_t most)
{
	p->most = most;
}

static int pair_add(struct entry *e, int64_t chunk, unsigned blocks, bool respelled)
{
	unsigned char buf[VARINT_MAX + 1], *to;
	uint32_t n = varint_put(buf, (uint64_t)(chunk - e->last) << 1 | respelled);

	buf[n++] = (unsigned char)blocks;
	if (e->used + n > sizeof e->small && e->used + n > e->room) {
		bool moves = !e->bytes;

		if (array_reserve(e->bytes, e->room, e->used + n))
			return -ENOMEM;
		if (moves)
			memcpy(e->bytes, e->small, e->used);
	}
	to = e->bytes ? e->bytes : e->small;
	memcpy(to + e->used, buf, n);
	e->used += n;
	e->last = chunk;
	return 0;
}

static int pair_copy(struct entry *e, const struct place_entry *from)
{
	return pair_add(e, from->chunk, from->blocks, from->respelled);
}

/* Another spelling of a transaction in the chunk that came last: more blocks of it. */
static void pair_widen(struct entry *e, unsigned blocks, bool respelled)
{
	unsigned char *at = e->bytes ? e->bytes : e->small, *end = at + e->used, *last = at;

	while (at < end) {
		last = at;
		while (*at++ & 0x80)
			;
		at++; /* the blocks */
	}
	*last |= respelled;
	end[-1] |= (unsigned char)blocks;
}

static bool is_respelled(struct slice spelled, struct slice tid)
{
	return spelled.ptr != tid.ptr && !slice_same(spelled, tid);
}

/* ---- those of earlier chunks ---- */

/* A record of the sorter, taken apart. */
struct spilled {
	struct slice tid;
	uint32_t events;
	struct peek pairs;
};

static struct spilled spilled_of(struct slice record)
{
	struct peek in = {(const unsigned char *)record.ptr, (const unsigned char *)record.ptr + record.len, false};
	size_t len = peek_u32(&in);
	const char *tid = peek_bytes(&in, len);

	return (struct spilled){{tid, len}, peek_u32(&in), in};
}

/* Sorting asks for nothing else. */
static struct slice spilled_tid(struct slice record)
{
	struct peek in = {(const unsigned char *)record.ptr, (const unsigned char *)record.ptr + 4, false};
	size_t len = peek_u32(&in);

	return (struct slice){record.ptr + 4, len};
}

static int compare_spilled(struct slice a, struct slice b)
{
	return slice_compare(spilled_tid(a), spilled_tid(b));
}

static uint64_t key_spilled(struct slice record)
{
	return sorter_text_key(spilled_tid(record));
}

static int spilled_new(struct place_set *p)
{
	int rc = sorter_new(p->beside, 0, compare_spilled, &p->spilled);

	if (!rc)
		sorter_by_key(p->spilled, key_spilled);
	return rc;
}

/* What is held goes to the sorter. */
static int spill(struct place_set *p)
{
	struct bytes record = {0};
	int rc = p->spilled ? 0 : spilled_new(p);

	for (uint32_t i = 0; !rc && i < p->tids.n; i++) {
		const struct entry *e = &p->v[i];

		record.len = 0;
		bytes_u32(&record, (uint32_t)p->tids.text[i].len);
		bytes_add(&record, p->tids.text[i].ptr, p->tids.text[i].len);
		bytes_u32(&record, e->events);
		bytes_add(&record, e->bytes ? e->bytes : e->small, e->used);
		rc = record.failed ? -ENOMEM : sorter_add(p->spilled, (struct slice){record.ptr, record.len});
	}
	bytes_free(&record);
	if (!rc)
		forget(p);
	return rc;
}

/* Adds pairs behind those of e. */
static int pairs_add(struct entry *e, struct peek pairs)
{
	struct place_list new = {0};
	int rc = list_read(pairs, &new);

	for (size_t i = 0; i < new.n && !rc; i++)
		rc = pair_copy(e, &new.list[i]);
	place_list_free(&new);
	return rc;
}

/* All transactions in order, each once. */
struct walk {
	struct sorter *from;
	struct bytes tid;
	struct entry e;
	struct spilled next; /* the record after it */
	int more;            /* there is one */
};

static int walk_step(struct walk *w)
{
	struct slice record;

	w->more = sorter_next(w->from, &record);
	if (w->more == 1)
		w->next = spilled_of(record);
	return w->more < 0 ? w->more : 0;
}

static int walk_begin(struct walk *w, struct place_set *p)
{
	int rc = spill(p);

	*w = (struct walk){.from = p->spilled};
	if (!rc)
		rc = sorter_rewind(w->from);
	return rc ? rc : walk_step(w);
}

static void walk_end(struct walk *w)
{
	bytes_free(&w->tid);
	free(w->e.bytes);
}

static struct slice walk_tid(const struct walk *w)
{
	return (struct slice){w->tid.ptr ? w->tid.ptr : "", w->tid.len};
}

/* 1: the next is in w->tid and w->e; 0: there are no more. */
static int walk_next(struct walk *w)
{
	int rc = 0;

	if (!w->more)
		return 0;
	w->tid.len = 0;
	bytes_add(&w->tid, w->next.tid.ptr, w->next.tid.len);
	free(w->e.bytes);
	w->e = (struct entry){0};
	if (w->tid.failed)
		return -ENOMEM;
	while (!rc && w->more && slice_same(walk_tid(w), w->next.tid)) {
		w->e.events += w->next.events;
		rc = pairs_add(&w->e, w->next.pairs);
		if (!rc)
			rc = walk_step(w);
	}
	return rc ? rc : 1;
}

int place_set_add(struct place_set *p, struct slice spelled, int64_t chunk, uint32_t events, unsigned blocks)
{
	char buf[3 * LINE_MAX_TID];
	struct slice tid = spelled.len <= LINE_MAX_TID ? json_text(spelled, buf) : spelled;
	int rc = chunk != p->chunk && p->tids.n >= p->most ? spill(p) : 0;
	uint32_t before = p->tids.n, i;
	struct entry *e;

	p->chunk = chunk;
	if (!rc)
		rc = array_reserve(p->v, p->room, before + (size_t)1);
	if (!rc)
		rc = intern_add(&p->tids, tid, &i);
	if (rc)
		return rc;
	e = &p->v[i];
	if (i == before)
		*e = (struct entry){0};
	if (e->used && chunk == e->last)
		pair_widen(e, blocks, is_respelled(spelled, tid));
	else
		rc = pair_add(e, chunk, blocks, is_respelled(spelled, tid));
	e->events += events;
	return rc;
}

int place_set_add_chunk(struct place_set *p, struct chunk *c, int64_t id)
{
	struct {
		uint32_t events;
		unsigned groups;
	} *seen = calloc(CHUNK_ROWS, sizeof *seen);
	int rc = seen ? 0 : -ENOMEM;

	for (unsigned g = 0; !rc && g * SEGMENT_ROWS < chunk_rows(c); g++) {
		struct chunk_group rows;

		rc = chunk_group(c, g, CHUNK_COLUMN_TID, &rows);
		for (uint32_t i = 0; !rc && i < rows.n; i++) {
			seen[rows.tid[i]].events++;
			seen[rows.tid[i]].groups |= 1u << g;
		}
	}
	for (uint32_t i = 1; i < CHUNK_ROWS && !rc; i++) {
		struct slice tid;

		if (seen[i].events && !(rc = chunk_tid(c, (uint16_t)i, &tid)))
			rc = place_set_add(p, tid, id, seen[i].events, seen[i].groups);
	}
	free(seen);
	return rc;
}

/* ---- writing ---- */

/* Places that the table has already come first: the new chunks' ids are higher. */
static int entry_write(sqlite3_stmt *q, sqlite3_stmt *read, struct slice tid, const struct entry *e, int64_t *last_id)
{
	struct place_list old = {0};
	struct entry all = {.last = 0};
	int rc = read_by(read, tid, &old);

	for (size_t i = 0; i < old.n && !rc; i++)
		rc = pair_copy(&all, &old.list[i]);
	if (!rc && old.n) {
		const unsigned char *p = e->bytes ? e->bytes : e->small;

		rc = pairs_add(&all, (struct peek){p, p + e->used, false});
	}
	if (!rc) {
		const struct entry *w = old.n ? &all : e;

		bind_slice(q, 1, tid);
		sqlite3_bind_int64(q, 2, e->events);
		sqlite3_bind_blob(q, 3, w->bytes ? w->bytes : w->small, (int)w->used, SQLITE_STATIC);
		sqlite3_bind_int64(q, 4, old.id ? old.id : ++*last_id);
		rc = sql_step_reset(q);
	}
	free(all.bytes);
	place_list_free(&old);
	return rc;
}

/* Rows for a table that was empty. They come in the order of their keys, so that one statement with many of them finds
 * each time where the row before has just been put. */
struct rows {
	sqlite3_stmt *q;
	struct bytes bytes; /* of each row its transaction and its places */
	unsigned n;
	struct {
		uint32_t tid, places, events; /* tid, places: bytes */
	} v[ROWS_AT_ONCE];
};

/* For as many rows as are held. */
static int rows_prepare(struct rows *r, struct store *s)
{
	struct bytes sql = {0};
	int rc;

	sqlite3_finalize(r->q);
	r->q = NULL;
	bytes_str(&sql, "INSERT INTO place (tid, events, places, id) VALUES (?, ?, ?, ?)");
	for (unsigned i = 1; i < r->n; i++)
		bytes_str(&sql, ", (?, ?, ?, ?)");
	bytes_add(&sql, "", 1);
	rc = sql.failed ? -ENOMEM : sql_prepare(s->db, sql.ptr, &r->q);
	bytes_free(&sql);
	return rc;
}

/* All that are held; id: of the last of them. */
static int rows_put(struct rows *r, struct store *s, int64_t id)
{
	const char *at = r->bytes.ptr;
	int rc = r->q && r->n == ROWS_AT_ONCE ? 0 : rows_prepare(r, s);

	for (unsigned i = 0; i < r->n && !rc; i++) {
		bind_slice(r->q, 4 * (int)i + 1, (struct slice){at, r->v[i].tid});
		sqlite3_bind_int64(r->q, 4 * (int)i + 2, r->v[i].events);
		at += r->v[i].tid;
		sqlite3_bind_blob(r->q, 4 * (int)i + 3, at, (int)r->v[i].places, SQLITE_STATIC);
		sqlite3_bind_int64(r->q, 4 * (int)i + 4, id - r->n + 1 + i);
		at += r->v[i].places;
	}
	if (!rc)
		rc = sql_step_reset(r->q);
	r->n = 0;
	r->bytes.len = 0;
	return rc;
}

static int rows_add(struct rows *r, struct slice tid, const struct entry *e)
{
	r->v[r->n].tid = (uint32_t)tid.len;
	r->v[r->n].places = e->used;
	r->v[r->n++].events = e->events;
	bytes_add(&r->bytes, tid.ptr, tid.len);
	bytes_add(&r->bytes, e->bytes ? e->bytes : e->small, e->used);
	return r->bytes.failed ? -ENOMEM : 0;
}

static int rows_write(struct store *s, struct walk *w)
{
	struct rows r = {0};
	int64_t id = 0;
	int rc = 0;

	while (!rc && (rc = walk_next(w)) == 1) {
		rc = rows_add(&r, walk_tid(w), &w->e);
		id++;
		if (!rc && r.n == ROWS_AT_ONCE)
			rc = rows_put(&r, s, id);
	}
	if (!rc && r.n)
		rc = rows_put(&r, s, id);
	sqlite3_finalize(r.q);
	bytes_free(&r.bytes);
	return rc;
}

/* Rows beside others. */
static int rows_join(struct store *s, struct walk *w, int64_t last_id)
{
	sqlite3_stmt *q, *read = NULL;
	int rc = sql_prepare(s->db,
	                     "INSERT INTO place (tid, events, places, id) VALUES (?1, ?2, ?3, ?4) "
	                     "ON CONFLICT (tid, id) DO UPDATE SET events = events + ?2, places = ?3",
	                     &q);

	if (!rc)
		rc = read_prepare(s, &read);
	while (!rc && (rc = walk_next(w)) == 1)
		rc = entry_write(q, read, walk_tid(w), &w->e, &last_id);
	sqlite3_finalize(q);
	sqlite3_finalize(read);
	return rc;
}

int place_set_write(struct place_set *p, struct store *s)
{
	int64_t id = 0; /* the highest there is; 0 in an empty table */
	struct walk w;
	int rc;

	if (place_set_is_empty(p))
		return 0;
	rc = walk_begin(&w, p);

	if (!rc)
		rc = sql_number(s->db, "SELECT CASE WHEN min(id) < 1 THEN -1 ELSE max(id) END FROM place", &id);
	if (!rc && (id < 0 || id > PLACE_ID_MAX))
		rc = -EBADMSG;
	if (!rc)
		rc = id ? rows_join(s, &w, id) : rows_write(s, &w);
	walk_end(&w);
	if (!rc) {
		sorter_free(p->spilled);
		p->spilled = NULL;
	}
	return rc;
}

/* ---- one chunk less ---- */

static int row_write(struct store *s, struct slice tid, const struct entry *e, uint32_t events, int64_t id)
{
	static const char *const sql[] = {
	    "DELETE FROM place WHERE tid = ?1 AND id = ?4",
	    "UPDATE place SET places = ?3, events = events - ?2 WHERE tid = ?1 AND id = ?4"};
	sqlite3_stmt *q;
	int rc = sql_prepare(s->db, sql[e->used > 0], &q);

	if (rc)
		return rc;
	bind_slice(q, 1, tid);
	sqlite3_bind_int64(q, 4, id);
	if (e->used) {
		sqlite3_bind_int64(q, 2, events);
		sqlite3_bind_blob(q, 3, e->bytes ? e->bytes : e->small, (int)e->used, SQLITE_STATIC);
	}
	rc = sql_next(q);
	sqlite3_finalize(q);
	return rc;
}

int place_remove(struct store *s, struct slice spelled, int64_t chunk, uint32_t events)
{
	char buf[3 * LINE_MAX_TID];
	struct slice tid = spelled.len <= LINE_MAX_TID ? json_text(spelled, buf) : spelled;
	struct place_list old;
	struct entry e = {.last = 0};
	int rc = place_read(s, tid, &old);

	for (size_t i = 0; !rc && i < old.n; i++)
		if (old.list[i].chunk != chunk)
			rc = pair_copy(&e, &old.list[i]);
	if (!rc)
		rc = row_write(s, tid, &e, events, old.id);
	free(e.bytes);
	place_list_free(&old);
	return rc;
}

/* ---- comparing ---- */

static bool row_is(sqlite3_stmt *q, const struct entry *e)
{
	const void *places = sqlite3_column_blob(q, 1);

	return sqlite3_column_int64(q, 0) == e->events && (uint32_t)sqlite3_column_bytes(q, 1) == e->used && places &&
	       !memcmp(places, e->bytes ? e->bytes : e->small, e->used);
}

int place_set_compare(struct place_set *p, struct store *s, int64_t *wrong)
{
	sqlite3_stmt *q = NULL;
	struct walk w;
	int64_t found = 0, all = 0;
	int rc = walk_begin(&w, p);

	*wrong = 0;
	if (!rc)
		rc = sql_prepare(s->db, "SELECT events, places FROM place WHERE tid = ? ORDER BY id LIMIT 1", &q);
	while (!rc && (rc = walk_next(&w)) == 1) {
		bind_slice(q, 1, walk_tid(&w));
		rc = sql_next(q);
		found += rc == 1;
		*wrong += rc != 1 || !row_is(q, &w.e);
		sqlite3_reset(q);
		rc = rc < 0 ? rc : 0;
	}
	sqlite3_finalize(q);
	walk_end(&w);
	if (!rc)
		rc = sql_number(s->db, "SELECT count(*) FROM place WHERE events <> 0", &all);
	*wrong += rc ? 0 : all - found;
	return rc;
}
