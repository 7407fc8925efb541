/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place.c - transactions and the blocks their lines are in. */
#include "store/place.h"
#include "store/column.h"
#include "base/hash.h"
#include "store/store_private.h"

#include <errno.h>
#include <stdlib.h>

/* ---- reading ---- */

static int list_read(struct peek in, struct place_list *out)
{
	int64_t chunk = 0;
	size_t room = 0;

	while (in.p < in.end && !in.bad) {
		if (out->n == room) {
			struct place_entry *more = realloc(out->list, (room = room ? room * 2 : 16) * sizeof *more);

			if (!more)
				return -ENOMEM;
			out->list = more;
		}
		chunk += (int64_t)peek_varint(&in, 63);
		out->list[out->n++] = (struct place_entry){chunk, peek_u8(&in)};
	}
	return in.bad ? -EBADMSG : 0;
}

static int read_prepare(struct store *s, sqlite3_stmt **q)
{
	return store_rc(
	    sqlite3_prepare_v2(s->db, "SELECT places, id FROM place WHERE tid = ? ORDER BY id LIMIT 1", -1, q, NULL));
}

static int read_by(sqlite3_stmt *q, struct slice tid, struct place_list *out)
{
	int rc;

	*out = (struct place_list){0};
	sqlite3_bind_text(q, 1, tid.ptr, (int)tid.len, SQLITE_STATIC);
	rc = sqlite3_step(q);
	if (rc == SQLITE_ROW) {
		const unsigned char *p = sqlite3_column_blob(q, 0);

		if (p)
			rc = list_read((struct peek){p, p + sqlite3_column_bytes(q, 0), false}, out);
		else
			rc = 0;
		out->id = sqlite3_column_int64(q, 1);
	} else {
		rc = rc == SQLITE_DONE ? 0 : store_rc(rc);
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

void place_list_free(struct place_list *l)
{
	free(l->list);
	*l = (struct place_list){0};
}

unsigned place_find(const struct place_list *l, int64_t chunk)
{
	size_t low = 0, high = l->n;

	while (low < high) {
		size_t mid = (low + high) / 2;

		if (l->list[mid].chunk < chunk)
			low = mid + 1;
		else
			high = mid;
	}
	return low < l->n && l->list[low].chunk == chunk ? l->list[low].blocks : 0;
}

/* ---- collecting ---- */

struct entry {
	uint64_t hash; /* 0: free */
	char *tid;
	uint32_t len, events;
	int64_t first, last; /* chunks */
	uint32_t used, room;
	unsigned char *bytes; /* pairs; in small where they fit: most transactions are in one or two chunks */
	unsigned char small[16];
};

struct place_set {
	struct entry *table;
	size_t room, used, most;
};

#define MOST 180000 /* what 256 Ki slots take, with room for those of one more chunk */

int place_set_new(struct place_set **out)
{
	struct place_set *p = calloc(1, sizeof *p);

	if (!p)
		return -ENOMEM;
	p->room = 4096;
	p->most = MOST;
	p->table = calloc(p->room, sizeof *p->table);
	if (!p->table) {
		free(p);
		return -ENOMEM;
	}
	*out = p;
	return 0;
}

static void forget(struct place_set *p)
{
	for (size_t i = 0; i < p->room; i++) {
		free(p->table[i].tid);
		free(p->table[i].bytes);
	}
	memset(p->table, 0, p->room * sizeof *p->table);
	p->used = 0;
}

void place_set_free(struct place_set *p)
{
	if (!p)
		return;
	forget(p);
	free(p->table);
	free(p);
}

bool place_set_full(const struct place_set *p)
{
	return p->used >= p->most;
}

void place_set_most(struct place_set *p, size_t most)
{
	p->most = most;
}

static int grow(struct place_set *p)
{
	size_t room = p->room * 2;
	struct entry *table;

	if (p->used * 4 < p->room * 3)
		return 0;
	table = calloc(room, sizeof *table);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < p->room; i++) {
		size_t k = p->table[i].hash & (room - 1);

		if (!p->table[i].hash)
			continue;
		while (table[k].hash)
			k = (k + 1) & (room - 1);
		table[k] = p->table[i];
	}
	free(p->table);
	p->table = table;
	p->room = room;
	return 0;
}

static int pair_add(struct entry *e, uint64_t delta, unsigned blocks)
{
	unsigned char buf[VARINT_MAX + 1], *to;
	uint32_t n = varint_put(buf, delta);

	buf[n++] = (unsigned char)blocks;
	if (e->used + n > sizeof e->small && e->used + n > e->room) {
		uint32_t room = (e->used + n) * 2;
		unsigned char *more = realloc(e->bytes, room);

		if (!more)
			return -ENOMEM;
		if (!e->bytes)
			memcpy(more, e->small, e->used);
		e->bytes = more;
		e->room = room;
	}
	to = e->bytes ? e->bytes : e->small;
	memcpy(to + e->used, buf, n);
	e->used += n;
	return 0;
}

int place_set_add(struct place_set *p, struct slice tid, int64_t chunk, uint32_t events, unsigned blocks)
{
	uint64_t hash = hash_text(tid, 0);
	size_t i = hash & (p->room - 1);
	struct entry *e;
	int rc;

	while (p->table[i].hash &&
	       !(p->table[i].hash == hash && slice_same((struct slice){p->table[i].tid, p->table[i].len}, tid)))
		i = (i + 1) & (p->room - 1);
	e = &p->table[i];
	if (!e->hash) {
		e->tid = malloc(tid.len + 1);
		if (!e->tid)
			return -ENOMEM;
		memcpy(e->tid, tid.ptr, tid.len);
		e->len = (uint32_t)tid.len;
		e->hash = hash;
		e->first = chunk;
		p->used++;
	}
	rc = pair_add(e, (uint64_t)(chunk - e->last), blocks);
	e->last = chunk;
	e->events += events;
	return rc ? rc : grow(p);
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

static int by_tid(const void *a, const void *b)
{
	const struct entry *x = *(struct entry *const *)a, *y = *(struct entry *const *)b;
	int c = memcmp(x->tid, y->tid, x->len < y->len ? x->len : y->len);

	return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* Places that the table has already come first: the new chunks' ids are higher. */
static int entry_write(sqlite3_stmt *q, sqlite3_stmt *read, const struct entry *e, int64_t *last_id)
{
	struct place_list old = {0};
	struct entry all = {.last = 0};
	int rc = read ? read_by(read, (struct slice){e->tid, e->len}, &old) : 0;

	for (size_t i = 0; i < old.n && !rc; i++) {
		rc = pair_add(&all, (uint64_t)(old.list[i].chunk - all.last), old.list[i].blocks);
		all.last = old.list[i].chunk;
	}
	if (!rc && old.n) {
		struct place_list new = {0};
		const unsigned char *p = e->bytes ? e->bytes : e->small;

		rc = list_read((struct peek){p, p + e->used, false}, &new);
		for (size_t i = 0; i < new.n && !rc; i++) {
			rc = pair_add(&all, (uint64_t)(new.list[i].chunk - all.last), new.list[i].blocks);
			all.last = new.list[i].chunk;
		}
		place_list_free(&new);
	}
	if (!rc) {
		const struct entry *w = old.n ? &all : e;

		sqlite3_bind_text(q, 1, e->tid, (int)e->len, SQLITE_STATIC);
		sqlite3_bind_int64(q, 2, e->events);
		sqlite3_bind_blob(q, 3, w->bytes ? w->bytes : w->small, (int)w->used, SQLITE_STATIC);
		sqlite3_bind_int64(q, 4, old.id ? old.id : ++*last_id);
		rc = store_rc(sqlite3_step(q));
		sqlite3_reset(q);
	}
	free(all.bytes);
	place_list_free(&old);
	return rc;
}

/* The highest id there is; 0 in an empty table. */
static int64_t last_id(struct store *s)
{
	sqlite3_stmt *q;
	int64_t id = 0;

	if (!sqlite3_prepare_v2(s->db, "SELECT max(id) FROM place", -1, &q, NULL) && sqlite3_step(q) == SQLITE_ROW)
		id = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	return id;
}

int place_set_write(struct place_set *p, struct store *s)
{
	struct entry **order = malloc((p->used + 1) * sizeof *order);
	int64_t id = last_id(s);
	sqlite3_stmt *q = NULL, *read = NULL;
	size_t n = 0;
	int rc = order ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < p->room; i++)
		if (p->table[i].hash)
			order[n++] = &p->table[i];
	if (!rc) {
		qsort(order, n, sizeof *order, by_tid);
		rc =
		    store_rc(sqlite3_prepare_v2(s->db,
		                                "INSERT INTO place (tid, events, places, id) VALUES (?1, ?2, ?3, ?4) "
		                                "ON CONFLICT (tid, id) DO UPDATE SET events = events + ?2, places = ?3",
		                                -1, &q, NULL));
	}
	if (!rc && id > 0)
		rc = read_prepare(s, &read);
	for (size_t i = 0; !rc && i < n; i++)
		rc = entry_write(q, read, order[i], &id);
	sqlite3_finalize(q);
	sqlite3_finalize(read);
	free(order);
	if (!rc)
		forget(p);
	return rc;
}

/* ---- one chunk less ---- */

static int row_write(struct store *s, struct slice tid, const struct entry *e, uint32_t events, int64_t id)
{
	static const char *const sql[] = {
	    "DELETE FROM place WHERE tid = ?1 AND id = ?4",
	    "UPDATE place SET places = ?3, events = events - ?2 WHERE tid = ?1 AND id = ?4"};
	sqlite3_stmt *q;
	int rc = sqlite3_prepare_v2(s->db, sql[e->used > 0], -1, &q, NULL);

	if (rc)
		return store_rc(rc);
	sqlite3_bind_text(q, 1, tid.ptr, (int)tid.len, SQLITE_STATIC);
	sqlite3_bind_int64(q, 4, id);
	if (e->used) {
		sqlite3_bind_int64(q, 2, events);
		sqlite3_bind_blob(q, 3, e->bytes ? e->bytes : e->small, (int)e->used, SQLITE_STATIC);
	}
	rc = store_rc(sqlite3_step(q));
	sqlite3_finalize(q);
	return rc;
}

int place_remove(struct store *s, struct slice tid, int64_t chunk, uint32_t events)
{
	struct place_list old;
	struct entry e = {.last = 0};
	int rc = place_read(s, tid, &old);

	for (size_t i = 0; !rc && i < old.n; i++) {
		if (old.list[i].chunk == chunk)
			continue;
		rc = pair_add(&e, (uint64_t)(old.list[i].chunk - e.last), old.list[i].blocks);
		e.last = old.list[i].chunk;
	}
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
	sqlite3_stmt *q, *all = NULL;
	int64_t found = 0;
	int rc = sqlite3_prepare_v2(s->db, "SELECT events, places FROM place WHERE tid = ? ORDER BY id LIMIT 1", -1, &q,
	                            NULL);

	if (!rc)
		rc = sqlite3_prepare_v2(s->db, "SELECT count(*) FROM place WHERE events <> 0", -1, &all, NULL);
	*wrong = 0;
	for (size_t i = 0; !rc && i < p->room; i++) {
		const struct entry *e = &p->table[i];

		if (!e->hash)
			continue;
		sqlite3_bind_text(q, 1, e->tid, (int)e->len, SQLITE_STATIC);
		rc = sqlite3_step(q);
		found += rc == SQLITE_ROW;
		*wrong += rc != SQLITE_ROW || !row_is(q, e);
		rc = rc == SQLITE_ROW || rc == SQLITE_DONE ? 0 : rc;
		sqlite3_reset(q);
	}
	if (!rc && (rc = sqlite3_step(all)) == SQLITE_ROW) {
		*wrong += sqlite3_column_int64(all, 0) - found;
		rc = 0;
	}
	sqlite3_finalize(q);
	sqlite3_finalize(all);
	return store_rc(rc);
}
