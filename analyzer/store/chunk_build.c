/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_build.c - lines go in one by one, a chunk comes out.
 *
 * A builder is used for chunk after chunk: its buffers stay, since a fresh page costs more than what is written to it.
 */
#include "store/chunk.h"
#include "store/chunk_format.h"
#include "base/array.h"
#include "base/hash.h"
#include "base/table.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#define ROOM_KEPT  65536       /* bytes of a buffer that are not worth to be given back */
#define ROOM_MOST  (16u << 20) /* bytes of one that only a long line needs, and the next chunk hardly */
#define TIDS_ALONE 256         /* so many ids have a block of their own: there is nothing in them to pack together */

/* A shape of this chunk. */
struct local {
	const struct shape *shape;
	uint32_t column;              /* of its first stored slot */
	uint32_t n[CHUNK_GROUPS + 1]; /* lines before each group, and of all */
};

/* The shapes of one part, and where a shape's id is among them. */
struct local_set {
	struct local *list;
	uint32_t n, room;
	uint32_t *by_id; /* local number + 1 */
	uint32_t by_id_room;
};

struct chunk_builder {
	struct shape_set *set;
	uint32_t rows, pieces;
	uint64_t bytes;
	uint64_t group_offset[CHUNK_GROUPS];
	uint16_t head[CHUNK_ROWS], tail[CHUNK_ROWS], tid[CHUNK_ROWS];
	int64_t stamp[CHUNK_ROWS];
	bool has_stamp;
	int64_t min_stamp, max_stamp;
	struct local_set heads, tails;
	struct slot_values *columns; /* slots, in the order of first use; those beyond ncolumns keep their buffers */
	uint32_t ncolumns, columns_room;
	struct slot_values raw, tids;
	struct slice *lent; /* what the texts of raw are made of, where they are lent */
	uint32_t nlent, lent_room;
	bool borrows;        /* long ones are lent */
	bool lends;          /* there is one */
	struct table tid_at; /* of tids */
	uint32_t tid_events[CHUNK_ROWS];
	uint8_t tid_groups[CHUNK_ROWS];
	uint32_t group_tids[CHUNK_GROUPS]; /* transactions met up to the end of each group */
	uint32_t raw_n[CHUNK_GROUPS + 1];
	uint16_t last_tid;
	ZSTD_CCtx *zstd;
	struct bytes block, directory, body;
	uint32_t nblocks;
	struct bytes blocks; /* of the directory */
};

int chunk_builder_new(struct shape_set *set, struct chunk_builder **out)
{
	struct chunk_builder *b = calloc(1, sizeof *b);

	if (!b)
		return -ENOMEM;
	b->set = set;
	b->zstd = ZSTD_createCCtx();
	if (!b->zstd) {
		free(b);
		return -ENOMEM;
	}
	*out = b;
	return 0;
}

static void local_clear(struct local_set *l)
{
	for (uint32_t i = 0; i < l->n; i++)
		l->by_id[l->list[i].shape->id] = 0;
	l->n = 0;
}

static void column_reuse(struct slot_values *c)
{
	if (c->text.room > ROOM_MOST)
		column_free(c);
	column_clear(c);
}

/* A slot's buffer is as long as the longest column that ever stood in it, and each chunk has its columns in another
 * order: what is twice too long is given back where all of them together are. */
static void columns_clear(struct chunk_builder *b)
{
	size_t room = 0, used = 0;

	for (uint32_t i = 0; i < b->columns_room; i++) {
		room += b->columns[i].text.room;
		used += i < b->ncolumns ? b->columns[i].text.len : 0;
	}
	for (uint32_t i = 0; i < b->columns_room && room > 2 * used; i++) {
		struct slot_values *c = &b->columns[i];

		if (c->text.room > ROOM_KEPT && (i >= b->ncolumns || c->text.room > 2 * c->text.len)) {
			room -= c->text.room;
			column_free(c);
		}
	}
	for (uint32_t i = 0; i < b->ncolumns; i++)
		column_reuse(&b->columns[i]);
	b->ncolumns = 0;
}

static void bytes_reuse(struct bytes *b)
{
	if (b->room > ROOM_MOST)
		bytes_free(b);
	b->len = 0;
}

void chunk_builder_clear(struct chunk_builder *b)
{
	b->rows = b->pieces = 0;
	b->bytes = 0;
	b->has_stamp = false;
	local_clear(&b->heads);
	local_clear(&b->tails);
	columns_clear(b);
	column_reuse(&b->raw);
	b->nlent = 0;
	b->lends = false;
	column_clear(&b->tids);
	bytes_reuse(&b->block);
	bytes_reuse(&b->body);
	memset(b->raw_n, 0, sizeof b->raw_n);
	table_clear(&b->tid_at);
	b->last_tid = CHUNK_NO_TID;
}

void chunk_builder_free(struct chunk_builder *b)
{
	if (!b)
		return;
	for (uint32_t i = 0; i < b->columns_room; i++)
		column_free(&b->columns[i]);
	free(b->columns);
	column_free(&b->raw);
	free(b->lent);
	column_free(&b->tids);
	table_done(&b->tid_at);
	free(b->heads.list);
	free(b->heads.by_id);
	free(b->tails.list);
	free(b->tails.by_id);
	bytes_free(&b->block);
	bytes_free(&b->directory);
	bytes_free(&b->body);
	bytes_free(&b->blocks);
	ZSTD_freeCCtx(b->zstd);
	free(b);
}

void chunk_builder_borrow(struct chunk_builder *b)
{
	b->borrows = true;
}

bool chunk_builder_lends(const struct chunk_builder *b)
{
	return b->lends;
}

bool chunk_builder_takes(const struct chunk_builder *b, uint32_t n)
{
	return b->rows + n <= CHUNK_ROWS;
}

bool chunk_builder_full(const struct chunk_builder *b, size_t len)
{
	return b->rows == CHUNK_ROWS || b->lends || b->tids.n >= CHUNK_ROWS - 2 || b->heads.n >= CHUNK_ROWS - 4 ||
	       (b->rows && b->bytes + len > CHUNK_MAX_TEXT);
}

/* ---- transactions ---- */

static struct slice tid_text(const struct chunk_builder *b, uint32_t i)
{
	uint32_t start = i ? b->tids.ends[i - 1] : 0;

	return (struct slice){b->tids.text.ptr + start, b->tids.ends[i] - start};
}

static int tid_number(struct chunk_builder *b, struct slice tid)
{
	if (!tid.ptr)
		return CHUNK_NO_TID;
	if (b->last_tid && slice_same(tid, tid_text(b, b->last_tid - 1u)))
		return b->last_tid;
	struct table_walk w;
	uint64_t hash = hash_slice(tid, 0);
	uint32_t i = table_first(&w, &b->tid_at, hash);

	while (i != TABLE_NONE && !slice_same(tid, tid_text(b, i)))
		i = table_next(&w);
	if (i == TABLE_NONE) {
		i = b->tids.n;
		if (column_add(&b->tids, tid.ptr, tid.len) || table_add(&b->tid_at, hash, i))
			return -ENOMEM;
		b->tid_events[i] = 0;
		b->tid_groups[i] = 0;
	}
	return b->last_tid = (uint16_t)(i + 1);
}

/* ---- shapes ---- */

static int columns_take(struct chunk_builder *b, const struct shape *sh, uint32_t *first)
{
	uint32_t want = b->ncolumns;

	*first = want;
	for (unsigned i = 0; i < sh->nslots; i++)
		want += slot_is_stored(sh->slots[i].kind);
	if (array_reserve_zeroed(b->columns, b->columns_room, want))
		return -ENOMEM;
	b->ncolumns = want;
	return 0;
}

static int local_number(struct chunk_builder *b, struct local_set *l, const struct shape *sh, uint32_t *out)
{
	if (sh->id < l->by_id_room && l->by_id[sh->id]) {
		*out = l->by_id[sh->id] - 1;
		return 0;
	}
	if (array_reserve_zeroed(l->by_id, l->by_id_room, sh->id + (size_t)1) ||
	    array_reserve(l->list, l->room, l->n + (size_t)1))
		return -ENOMEM;
	l->list[l->n] = (struct local){.shape = sh};
	if (columns_take(b, sh, &l->list[l->n].column))
		return -ENOMEM;
	*out = l->n;
	l->by_id[sh->id] = ++l->n;
	return 0;
}

static int values_add(struct chunk_builder *b, const struct local *l, const struct slice *values)
{
	uint32_t c = l->column;
	int rc = 0;

	for (unsigned i = 0; i < l->shape->nslots && !rc; i++)
		if (slot_is_stored(l->shape->slots[i].kind))
			rc = column_add(&b->columns[c++], values[i].ptr, values[i].len);
	return rc;
}

/* ---- rows ---- */

void chunk_note_time(struct chunk_builder *b, int64_t stamp)
{
	if (!b->has_stamp || stamp < b->min_stamp)
		b->min_stamp = stamp;
	if (!b->has_stamp || stamp > b->max_stamp)
		b->max_stamp = stamp;
	b->has_stamp = true;
}

static int row_add(struct chunk_builder *b, uint32_t head, uint32_t tail, struct slice tid, int64_t stamp, size_t bytes)
{
	int number = tid_number(b, tid);
	uint32_t row = b->rows;

	if (number < 0)
		return number;
	if (row % SEGMENT_ROWS == 0)
		b->group_offset[row / SEGMENT_ROWS] = b->bytes;
	if (number) {
		b->tid_events[number - 1]++;
		b->tid_groups[number - 1] |= (uint8_t)(1u << row / SEGMENT_ROWS);
	}
	b->group_tids[row / SEGMENT_ROWS] = b->tids.n;
	b->head[row] = (uint16_t)head;
	b->tail[row] = (uint16_t)tail;
	b->tid[row] = (uint16_t)number;
	b->stamp[row] = stamp;
	b->rows++;
	b->bytes += bytes;
	if (chunk_is_event(head))
		chunk_note_time(b, stamp);
	b->pieces += head == CHUNK_PIECE;
	return 0;
}

int chunk_add_line(struct chunk_builder *b, const struct shape *head, const struct slice *head_values,
                   const struct shape *tail, const struct slice *tail_values, struct slice tid, int64_t stamp,
                   size_t bytes)
{
	uint32_t h, t;
	int rc;

	if ((rc = local_number(b, &b->heads, head, &h)) || (rc = local_number(b, &b->tails, tail, &t)) ||
	    (rc = values_add(b, &b->heads.list[h], head_values)) ||
	    (rc = values_add(b, &b->tails.list[t], tail_values)))
		return rc;
	b->heads.list[h].n[b->rows / SEGMENT_ROWS + 1]++;
	b->tails.list[t].n[b->rows / SEGMENT_ROWS + 1]++;
	return row_add(b, h + CHUNK_FIRST_HEAD, t, tid, stamp, bytes);
}

int chunk_add_raw(struct chunk_builder *b, enum chunk_raw how, struct slice text, struct slice tid, int64_t stamp,
                  size_t bytes)
{
	return chunk_add_raw_pieces(b, how, &text, 1, true, tid, stamp, bytes);
}

static int pieces_lend(struct chunk_builder *b, const struct slice *pieces, unsigned n, size_t len)
{
	int rc = array_reserve(b->lent, b->lent_room, b->nlent + n);

	if (rc || (rc = column_add_lent(&b->raw, len)))
		return rc;
	memcpy(b->lent + b->nlent, pieces, n * sizeof *pieces);
	b->nlent += n;
	return 0;
}

/* The rows before the first that is lent are a piece each of their column. */
static int lending_begin(struct chunk_builder *b)
{
	if (array_reserve(b->lent, b->lent_room, b->raw.n))
		return -ENOMEM;
	for (; b->nlent < b->raw.n; b->nlent++)
		b->lent[b->nlent] = column_value(&b->raw, b->nlent);
	return 0;
}

/* The text of a row: a long one of which the caller keeps the pieces, and what is added behind it, is not copied. */
static int pieces_add(struct chunk_builder *b, const struct slice *pieces, unsigned n, bool kept)
{
	size_t len = 0;
	int rc = 0;

	for (unsigned i = 0; i < n; i++)
		len += pieces[i].len;
	if (!b->lends && (!b->borrows || !kept || len < CHUNK_LENT))
		return column_add_pieces(&b->raw, pieces, n);
	if (!b->lends && (rc = lending_begin(b)))
		return rc;
	b->lends = true;
	return pieces_lend(b, pieces, n, len);
}

int chunk_add_raw_pieces(struct chunk_builder *b, enum chunk_raw how, const struct slice *pieces, unsigned n, bool kept,
                         struct slice tid, int64_t stamp, size_t bytes)
{
	int rc = pieces_add(b, pieces, n, kept);

	b->raw_n[b->rows / SEGMENT_ROWS + 1]++;
	/* what is no event takes the time before it, so that the time column stays smooth */
	if (!chunk_is_event(how))
		stamp = b->rows ? b->stamp[b->rows - 1] : 0;
	return rc ? rc : row_add(b, how, 0, chunk_is_event(how) ? tid : SLICE_NONE, stamp, bytes);
}

int chunk_add_stretch(struct chunk_builder *b, struct slice text)
{
	int rc = chunk_add_raw(b, CHUNK_REJECTED, text, SLICE_NONE, 0, text.len);

	b->pieces++;
	return rc;
}

struct chunk_summary chunk_builder_summary(const struct chunk_builder *b)
{
	return (struct chunk_summary){b->rows, b->rows - b->pieces, b->bytes, b->has_stamp, b->min_stamp, b->max_stamp};
}

int chunk_builder_tids(const struct chunk_builder *b, int (*fn)(void *, struct slice, uint32_t, unsigned), void *arg)
{
	int rc = 0;

	for (uint32_t i = 0; i < b->tids.n && !rc; i++)
		rc = fn(arg, tid_text(b, i), b->tid_events[i], b->tid_groups[i]);
	return rc;
}

const struct shape *chunk_builder_tail(const struct chunk_builder *b, uint32_t *i)
{
	return *i < b->tails.n ? b->tails.list[(*i)++].shape : NULL;
}

/* ---- sealing ---- */

/* Texts that belong behind a block, and are not copied. */
struct lent {
	const struct slice *texts;
	uint32_t n;
};

#define NOTHING_LENT ((struct lent){0})

static size_t lent_bytes(struct lent l)
{
	size_t bytes = 0;

	for (uint32_t i = 0; i < l.n; i++)
		bytes += l.texts[i].len;
	return bytes;
}

/* Packs the block that segments are collected in, and what is lent behind it. The packed bytes, or an error of zstd. */
static size_t block_pack(struct chunk_builder *b, char *to, size_t room, struct lent lent)
{
	ZSTD_outBuffer out = {to, room, 0};
	ZSTD_inBuffer in = {b->block.ptr, b->block.len, 0};
	size_t left = 0;

	if (!lent.n)
		return ZSTD_compress2(b->zstd, to, room, b->block.ptr, b->block.len);
	ZSTD_CCtx_reset(b->zstd, ZSTD_reset_session_only);
	ZSTD_CCtx_setPledgedSrcSize(b->zstd, in.size + lent_bytes(lent));
	for (uint32_t i = 0; i <= lent.n && !ZSTD_isError(left); i++) {
		while (in.pos < in.size && !ZSTD_isError(left))
			left = ZSTD_compressStream2(b->zstd, &out, &in, ZSTD_e_continue);
		if (i < lent.n)
			in = (ZSTD_inBuffer){lent.texts[i].ptr, lent.texts[i].len, 0};
	}
	while (!ZSTD_isError(left) && (left = ZSTD_compressStream2(b->zstd, &out, &in, ZSTD_e_end)))
		;
	return ZSTD_isError(left) ? left : out.pos;
}

/* Closes the block. */
static int block_flush(struct chunk_builder *b, int level, struct lent lent)
{
	size_t len = b->block.len + lent_bytes(lent), bound = ZSTD_compressBound(len), got;

	if (!len)
		return 0;
	if (b->block.failed)
		return -ENOMEM;
	if (array_reserve(b->body.ptr, b->body.room, b->body.len + bound))
		return -ENOMEM;
	ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_compressionLevel, level);
	ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_checksumFlag, 1);
	got = block_pack(b, b->body.ptr + b->body.len, bound, lent);
	if (ZSTD_isError(got))
		return -ENOMEM;
	b->body.len += got;
	bytes_u32(&b->blocks, (uint32_t)got);
	bytes_u32(&b->blocks, (uint32_t)len);
	b->nblocks++;
	b->block.len = 0;
	return 0;
}

/* A segment was written to the block from `start`, and what is lent belongs behind it: notes its place, and closes the
 * block when it is large enough. */
static int segment_placed(struct chunk_builder *b, int level, size_t start, size_t enough, struct lent lent)
{
	bytes_u32(&b->directory, b->nblocks);
	bytes_u32(&b->directory, (uint32_t)start);
	return lent.n || b->block.len >= enough ? block_flush(b, level, lent) : 0;
}

/* n values from `from` on as a segment, if there are any. */
static int values_seal(struct chunk_builder *b, int level, const struct slot_values *c, uint32_t from, uint32_t n)
{
	size_t start = b->block.len;
	struct slice lent;

	if (!n)
		return 0;
	column_write(c, from, n, &b->block, &lent);
	return segment_placed(b, level, start, CHUNK_BLOCK_BYTES, (struct lent){&lent, lent.ptr != NULL});
}

/* n raw rows from `from` on, whose texts are lent: of the pieces those from *at on. */
static int lent_seal(struct chunk_builder *b, int level, uint32_t from, uint32_t n, uint32_t *at)
{
	size_t start = b->block.len, left;
	struct lent lent = {b->lent + *at, 0};

	if (!n)
		return 0;
	column_write_lent(&b->raw, from, n, &b->block);
	left = b->raw.ends[from + n - 1] - (from ? b->raw.ends[from - 1] : 0);
	for (; left; left -= b->lent[*at].len, ++*at)
		lent.n++;
	return segment_placed(b, level, start, CHUNK_BLOCK_BYTES, lent);
}

/* A group's row columns, each in a block of its own: questions look at one or two of them. */
static int rows_seal(struct chunk_builder *b, int level)
{
	const uint16_t *const small[] = {b->head, b->tail, b->tid};
	int rc = 0;

	for (uint32_t from = 0; from < b->rows && !rc; from += SEGMENT_ROWS) {
		uint32_t n = b->rows - from < SEGMENT_ROWS ? b->rows - from : SEGMENT_ROWS;

		for (unsigned k = 0; k < 3 && !rc; k++) {
			small_write(small[k] + from, n, &b->block);
			rc = segment_placed(b, level, 0, 0, NOTHING_LENT);
		}
		numbers_write(b->stamp + from, n, &b->block);
		if (!rc)
			rc = segment_placed(b, level, 0, 0, NOTHING_LENT);
	}
	return rc;
}

/* The transactions, by the group they are met in first. */
static int tids_seal(struct chunk_builder *b, int level)
{
	uint32_t from = 0;
	int rc = 0;

	for (unsigned g = 0; g * SEGMENT_ROWS < b->rows && !rc; g++) {
		uint32_t n = b->group_tids[g] - from;

		bytes_u16(&b->directory, n);
		rc = values_seal(b, level, &b->tids, from, n);
		if (!rc && n >= TIDS_ALONE)
			rc = block_flush(b, level, NOTHING_LENT);
		from += n;
	}
	return rc ? rc : block_flush(b, level, NOTHING_LENT);
}

/* The shapes of the chunk: ids and lines in each group. */
static void shapes_list(struct chunk_builder *b, struct local_set *set)
{
	bytes_u32(&b->directory, set->n);
	for (uint32_t i = 0; i < set->n; i++) {
		struct local *l = &set->list[i];

		bytes_u32(&b->directory, l->shape->id);
		bytes_u32(&b->directory, l->shape->sum);
		for (unsigned g = 0; g < CHUNK_GROUPS; g++) {
			if (g * SEGMENT_ROWS < b->rows)
				bytes_u16(&b->directory, l->n[g + 1]);
			l->n[g + 1] += l->n[g];
		}
	}
}

/* The values of one group: of each shape that has lines in it, all slots. */
static int group_seal(struct chunk_builder *b, int level, const struct local_set *set, unsigned group)
{
	int rc = 0;

	for (uint32_t i = 0; i < set->n && !rc; i++) {
		const struct local *l = &set->list[i];
		uint32_t c = l->column;

		for (unsigned k = 0; k < l->shape->nslots && !rc; k++)
			if (slot_is_stored(l->shape->slots[k].kind))
				rc =
				    values_seal(b, level, &b->columns[c++], l->n[group], l->n[group + 1] - l->n[group]);
	}
	return rc;
}

static int groups_seal(struct chunk_builder *b, int level)
{
	uint32_t raw = 0, at = 0;
	int rc = 0;

	for (unsigned g = 0; g * SEGMENT_ROWS < b->rows && !rc; g++) {
		bytes_u16(&b->directory, b->raw_n[g + 1]);
		if ((rc = group_seal(b, level, &b->heads, g)) || (rc = group_seal(b, level, &b->tails, g)) ||
		    (rc = b->lends ? lent_seal(b, level, raw, b->raw_n[g + 1], &at)
		                   : values_seal(b, level, &b->raw, raw, b->raw_n[g + 1])))
			return rc;
		raw += b->raw_n[g + 1];
	}
	return rc ? rc : block_flush(b, level, NOTHING_LENT);
}

static int directory_seal(struct chunk_builder *b, struct bytes *out)
{
	size_t bound = ZSTD_compressBound(b->directory.len), got;
	char *packed = malloc(bound);

	if (!packed)
		return -ENOMEM;
	ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_checksumFlag, 1);
	got = ZSTD_compress2(b->zstd, packed, bound, b->directory.ptr, b->directory.len);
	if (!ZSTD_isError(got)) {
		bytes_add(out, CHUNK_MAGIC, 4);
		bytes_u32(out, CHUNK_VERSION);
		bytes_u32(out, (uint32_t)got);
		bytes_u32(out, (uint32_t)b->directory.len);
		bytes_add(out, packed, got);
	}
	free(packed);
	return ZSTD_isError(got) || out->failed ? -ENOMEM : 0;
}

int chunk_seal_apart(struct chunk_builder *b, int level, struct bytes *out)
{
	int rc;

	b->block.len = b->directory.len = b->body.len = b->blocks.len = 0;
	b->nblocks = 0;
	bytes_u32(&b->directory, b->rows);
	for (unsigned i = 0; i < CHUNK_GROUPS && i * SEGMENT_ROWS < b->rows; i++)
		bytes_u64(&b->directory, b->group_offset[i]);
	shapes_list(b, &b->heads);
	shapes_list(b, &b->tails);
	if ((rc = rows_seal(b, level)) || (rc = tids_seal(b, level)) || (rc = groups_seal(b, level)))
		return rc;
	bytes_u32(&b->directory, b->nblocks);
	bytes_add(&b->directory, b->blocks.ptr, b->blocks.len);
	if (b->directory.failed || b->blocks.failed || b->block.failed)
		return -ENOMEM;
	return directory_seal(b, out);
}

int chunk_seal(struct chunk_builder *b, int level, struct bytes *out)
{
	int rc = chunk_seal_apart(b, level, out);

	if (!rc)
		bytes_add(out, b->body.ptr, b->body.len);
	return rc ? rc : out->failed ? -ENOMEM : 0;
}

const char *chunk_seal_bodies(const struct chunk_builder *b)
{
	return b->body.ptr;
}

uint32_t chunk_seal_blocks(const struct chunk_builder *b)
{
	return b->nblocks;
}

size_t chunk_seal_block(const struct chunk_builder *b, uint32_t i)
{
	struct peek in = {(const unsigned char *)b->blocks.ptr + 8 * (size_t)i,
	                  (const unsigned char *)b->blocks.ptr + b->blocks.len, false};

	return peek_u32(&in);
}
