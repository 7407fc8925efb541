/* SPDX-License-Identifier: GPL-3.0-or-later */
/* known.c - see known.h
 *
 * A database may have ten thousand sources, and a load as many files: none of them is looked for in a list. A change of
 * a row adds to the tables; what stands there of before is passed over, because the row no longer says so. */
#include "load/known.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/sql.h"

#include <stdlib.h>

#define HASH_START UINT64_C(0xcbf29ce484222325)

static uint64_t hash_byte(uint64_t h, unsigned char b)
{
	return (h ^ b) * UINT64_C(0x100000001b3);
}

static int64_t hash_end(uint64_t h)
{
	return (int64_t)(h >> 1);
}

int64_t head_hash_of(const void *p, size_t n)
{
	const unsigned char *b = p;
	uint64_t h = HASH_START;

	for (size_t i = 0; i < n; i++)
		h = hash_byte(h, b[i]);
	return hash_end(h);
}

static size_t head_bytes(const struct known_source *s)
{
	return s->bytes < 0 ? 0 : s->bytes < HEAD_BYTES ? (size_t)s->bytes : HEAD_BYTES;
}

static uint64_t head_key(int64_t head_hash, size_t n)
{
	return hash_pair((uint64_t)head_hash, n);
}

static size_t index_of(const struct known *k, int64_t id)
{
	size_t from = 0, to = k->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (k->v[middle].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

static int tables_add(struct known *k, size_t i, bool new_path)
{
	const struct known_source *s = &k->v[i];
	size_t n = head_bytes(s);
	int rc = new_path ? table_add(&k->by_path, hash_slice(s->path, 0), (uint32_t)i) : 0;

	if (rc || !n || s->copy)
		return rc;
	k->heads[n]++;
	return table_add(&k->by_head, head_key(s->head_hash, n), (uint32_t)i);
}

int known_note(struct known *k, const struct known_source *source)
{
	size_t i = index_of(k, source->id);
	bool new_path = true;
	struct slice path;

	if (i == k->n) {
		struct known_source *s = array_add(k->v, k->n, k->room);

		if (!s)
			return -ENOMEM;
		*s = (struct known_source){.id = source->id};
	} else if (k->v[i].id != source->id) {
		return -EBADMSG; /* ids are given upwards */
	} else {
		new_path = !slice_same(k->v[i].path, source->path);
	}
	path = k->v[i].path;
	if (new_path)
		path = (struct slice){arena_text(&k->paths, source->path.ptr, source->path.len), source->path.len};
	if (k->paths.failed)
		return -ENOMEM;
	k->v[i] = *source;
	k->v[i].path = path;
	return tables_add(k, i, new_path);
}

int known_read(struct known *k, struct store *s)
{
	sqlite3_stmt *q;
	int rc = sql_prepare(store_db(s),
	                     "SELECT id, path, bytes, coalesce(head_hash, 0), same_as IS NOT NULL AND bytes = "
	                     "duplicate_bytes FROM source ORDER BY id",
	                     &q);

	while (!rc && (rc = sql_next(q)) == 1) {
		struct known_source row = {sqlite3_column_int64(q, 0), column_slice(q, 1), sqlite3_column_int64(q, 2),
		                           sqlite3_column_int64(q, 3), sqlite3_column_int(q, 4)};

		rc = known_note(k, &row);
	}
	sqlite3_finalize(q);
	return rc;
}

void known_done(struct known *k)
{
	free(k->v);
	table_done(&k->by_path);
	table_done(&k->by_head);
	arena_done(&k->paths);
	*k = (struct known){0};
}

const struct known_source *known_path(const struct known *k, const char *path)
{
	struct slice s = {path, strlen(path)};
	const struct known_source *found = NULL;
	struct table_walk w;

	for (uint32_t i = table_first(&w, &k->by_path, hash_slice(s, 0)); i != TABLE_NONE; i = table_next(&w))
		if (slice_same(k->v[i].path, s) && (!found || k->v[i].id > found->id))
			found = &k->v[i];
	return found;
}

bool known_id(const struct known *k, int64_t id, struct known_source *out)
{
	size_t i = index_of(k, id);

	if (i == k->n || k->v[i].id != id)
		return false;
	*out = k->v[i];
	return true;
}

/* Into its place among out[0 ... *n). */
static void insert(struct known_source *out, size_t *n, size_t room, const struct known_source *s)
{
	size_t at = *n;

	for (size_t i = 0; i < *n; i++)
		if (out[i].id == s->id)
			return;
	while (at && (out[at - 1].bytes < s->bytes || (out[at - 1].bytes == s->bytes && out[at - 1].id < s->id)))
		at--;
	if (at == room)
		return;
	*n += *n < room;
	memmove(out + at + 1, out + at, (*n - at - 1) * sizeof *out);
	out[at] = *s;
}

size_t known_heads(const struct known *k, const void *head, size_t len, struct known_source *out, size_t room)
{
	const unsigned char *b = head;
	uint64_t h = HASH_START;
	size_t n = 0;

	for (size_t i = 1; i <= len && i <= HEAD_BYTES; i++) {
		struct table_walk w;

		h = hash_byte(h, b[i - 1]);
		if (!k->heads[i])
			continue;
		for (uint32_t at = table_first(&w, &k->by_head, head_key(hash_end(h), i)); at != TABLE_NONE;
		     at = table_next(&w)) {
			const struct known_source *s = &k->v[at];

			if (!s->copy && head_bytes(s) == i && s->head_hash == hash_end(h))
				insert(out, &n, room, s);
		}
	}
	return n;
}
