/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_read.c - a chunk's rows and values, decoded when they are asked for.
 *
 * Opening decodes the row columns, since every question needs them, and counts for each row how many of its shape
 * came before: that is where its values stand in the slot columns. Blocks are decompressed once, segments decoded once.
 * All numbers from the file are checked before they are used. */
#include "store/chunk.h"
#include "store/chunk_format.h"

#include <errno.h>
#include <stdlib.h>
#include <zstd.h>

#define MAX_RAW (1u << 30) /* of a directory or block */

struct place {
	uint32_t block, off;
};

struct stored_column {
	uint32_t n;
	uint32_t nsegments;
	struct place *places;	  /* into chunk.places */
	struct segment **segments; /* decoded ones */
};

struct stored_shape {
	const struct shape *shape;
	uint32_t n;
	struct stored_column *columns; /* by slot; those without values have n 0 */
};

struct stored_block {
	uint32_t off, packed, len;
	char *text; /* decompressed */
};

struct chunk {
	uint32_t rows;
	uint64_t block_offset[CHUNK_BLOCKS];
	uint16_t *head, *tail, *tid;
	int64_t *stamp;
	uint16_t *head_ord, *tail_ord;
	struct stored_shape *heads, *tails;
	uint32_t nheads, ntails;
	struct stored_column raw, tids;
	struct stored_block *blocks;
	uint32_t nblocks;
	char *body;
	size_t body_len;
	struct place *row_places;
	bool raw_events;
	ZSTD_DCtx *zstd;
	struct bytes line; /* scratch for chunk_tid */
	char tid_buf[SEGMENT_TEXT];
};

/* ---- blocks and segments ---- */

static int block_text(struct chunk *c, uint32_t i, struct peek *out)
{
	struct stored_block *b;
	size_t got;

	if (i >= c->nblocks)
		return -EBADMSG;
	b = &c->blocks[i];
	if (!b->text) {
		if (b->len > MAX_RAW || b->packed > c->body_len || b->off > c->body_len - b->packed)
			return -EBADMSG;
		b->text = malloc(b->len + 1);
		if (!b->text)
			return -ENOMEM;
		got = ZSTD_decompressDCtx(c->zstd, b->text, b->len, c->body + b->off, b->packed);
		if (ZSTD_isError(got) || got != b->len) {
			free(b->text);
			b->text = NULL;
			return -EBADMSG;
		}
	}
	*out = (struct peek){(unsigned char *)b->text, (unsigned char *)b->text + b->len, false};
	return 0;
}

static int place_peek(struct chunk *c, struct place p, struct peek *out)
{
	int rc = block_text(c, p.block, out);

	if (!rc && !peek_bytes(out, p.off))
		rc = -EBADMSG;
	return rc;
}

static int column_segment(struct chunk *c, struct stored_column *col, uint32_t ord, struct segment **out)
{
	uint32_t i = ord / SEGMENT_ROWS;
	struct segment *s;
	struct peek in;
	int rc;

	if (ord >= col->n)
		return -EBADMSG;
	if (!col->segments && !(col->segments = calloc(col->nsegments, sizeof *col->segments)))
		return -ENOMEM;
	if (!col->segments[i]) {
		rc = place_peek(c, col->places[i], &in);
		if (rc)
			return rc;
		s = malloc(sizeof *s);
		if (!s)
			return -ENOMEM;
		rc = segment_read(&in, s);
		if (!rc && s->n != (i + 1 < col->nsegments ? SEGMENT_ROWS : col->n - i * SEGMENT_ROWS)) {
			segment_free(s);
			rc = -EBADMSG;
		}
		if (rc) {
			free(s);
			return rc;
		}
		col->segments[i] = s;
	}
	*out = col->segments[i];
	return 0;
}

static int column_get(struct chunk *c, struct stored_column *col, uint32_t ord, char *buf, struct slice *out)
{
	struct segment *s;
	int rc = column_segment(c, col, ord, &s);

	if (!rc)
		*out = segment_get(s, ord % SEGMENT_ROWS, buf);
	return rc;
}

/* ---- opening ---- */

static int column_open(struct peek *in, struct stored_column *col, uint32_t most)
{
	col->n = peek_u32(in);
	if (in->bad || col->n > most)
		return -EBADMSG;
	col->nsegments = (col->n + SEGMENT_ROWS - 1) / SEGMENT_ROWS;
	col->places = calloc(col->nsegments + 1, sizeof *col->places);
	if (!col->places)
		return -ENOMEM;
	for (uint32_t i = 0; i < col->nsegments; i++) {
		col->places[i].block = peek_u32(in);
		col->places[i].off = peek_u32(in);
	}
	return in->bad ? -EBADMSG : 0;
}

static void column_close(struct stored_column *col)
{
	for (uint32_t i = 0; col->segments && i < col->nsegments; i++) {
		if (col->segments[i])
			segment_free(col->segments[i]);
		free(col->segments[i]);
	}
	free(col->segments);
	free(col->places);
}

static bool is_stored(enum slot_kind kind)
{
	return kind != SLOT_TID && kind != SLOT_STAMP && kind != SLOT_STAMP_Z;
}

static int shape_open(struct shape_set *set, struct peek *in, unsigned part, struct stored_shape *s)
{
	int rc = 0;

	s->shape = shape_set_get(set, peek_u32(in));
	s->n = peek_u32(in);
	if (in->bad || !s->shape || s->shape->part != part || s->n > CHUNK_ROWS)
		return -EBADMSG;
	s->columns = calloc(s->shape->nslots + 1, sizeof *s->columns);
	if (!s->columns)
		return -ENOMEM;
	for (unsigned i = 0; i < s->shape->nslots && !rc; i++) {
		if (!is_stored(s->shape->slots[i].kind))
			continue;
		rc = column_open(in, &s->columns[i], s->n);
		if (!rc && s->columns[i].n != s->n)
			rc = -EBADMSG;
	}
	return rc;
}

static int shapes_open(struct shape_set *set, struct peek *in, unsigned part, struct stored_shape **out, uint32_t *n)
{
	uint32_t count = peek_u32(in);
	int rc = 0;

	if (in->bad || count > CHUNK_ROWS)
		return -EBADMSG;
	*out = calloc(count + 1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	for (*n = 0; *n < count && !rc; ++*n)
		rc = shape_open(set, in, part, &(*out)[*n]);
	return rc;
}

static void shapes_close(struct stored_shape *shapes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (unsigned k = 0; shapes[i].columns && k < shapes[i].shape->nslots; k++)
			column_close(&shapes[i].columns[k]);
		free(shapes[i].columns);
	}
	free(shapes);
}

static int directory_open(struct chunk *c, struct shape_set *set, struct peek in)
{
	uint32_t nrow_blocks;
	int rc;

	c->rows = peek_u32(&in);
	if (in.bad || !c->rows || c->rows > CHUNK_ROWS)
		return -EBADMSG;
	nrow_blocks = (c->rows + SEGMENT_ROWS - 1) / SEGMENT_ROWS;
	for (uint32_t i = 0; i < nrow_blocks; i++)
		c->block_offset[i] = peek_u64(&in);
	c->row_places = calloc(nrow_blocks, sizeof *c->row_places);
	if (!c->row_places)
		return -ENOMEM;
	for (uint32_t i = 0; i < nrow_blocks; i++) {
		c->row_places[i].block = peek_u32(&in);
		c->row_places[i].off = peek_u32(&in);
	}
	if ((rc = column_open(&in, &c->tids, CHUNK_ROWS)) || (rc = shapes_open(set, &in, 0, &c->heads, &c->nheads)) ||
	    (rc = shapes_open(set, &in, 1, &c->tails, &c->ntails)) || (rc = column_open(&in, &c->raw, c->rows)))
		return rc;
	c->nblocks = peek_u32(&in);
	if (in.bad || c->nblocks > (size_t)(in.end - in.p) / 12)
		return -EBADMSG;
	c->blocks = calloc(c->nblocks + 1, sizeof *c->blocks);
	if (!c->blocks)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nblocks; i++) {
		c->blocks[i].off = peek_u32(&in);
		c->blocks[i].packed = peek_u32(&in);
		c->blocks[i].len = peek_u32(&in);
	}
	return in.bad ? -EBADMSG : 0;
}

static int rows_room(struct chunk *c)
{
	uint32_t n = c->rows;

	c->head = malloc(5 * n * sizeof(uint16_t));
	c->stamp = malloc(n * sizeof *c->stamp);
	if (!c->head || !c->stamp)
		return -ENOMEM;
	c->tail = c->head + n;
	c->tid = c->tail + n;
	c->head_ord = c->tid + n;
	c->tail_ord = c->head_ord + n;
	return 0;
}

static int rows_read(struct chunk *c)
{
	int rc = rows_room(c);

	for (uint32_t from = 0; from < c->rows && !rc; from += SEGMENT_ROWS) {
		uint32_t n = c->rows - from < SEGMENT_ROWS ? c->rows - from : SEGMENT_ROWS;
		struct peek in;

		if ((rc = place_peek(c, c->row_places[from / SEGMENT_ROWS], &in)) || (rc = small_read(&in, n, c->head + from)) ||
		    (rc = small_read(&in, n, c->tail + from)) || (rc = small_read(&in, n, c->tid + from)))
			return rc;
		rc = numbers_read(&in, n, c->stamp + from);
	}
	return rc;
}

/* Where each row's values stand: the number of rows of its shape before it. */
static int rows_rank(struct chunk *c)
{
	uint32_t *heads = calloc(c->nheads + 1, sizeof *heads), *tails = calloc(c->ntails + 1, sizeof *tails), raw = 0;
	int rc = heads && tails ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < c->rows && !rc; i++) {
		unsigned h = c->head[i];

		if (c->tid[i] > c->tids.n)
			rc = -EBADMSG;
		if (h < CHUNK_FIRST_HEAD) {
			c->raw_events |= h == CHUNK_RAW_EVENT;
			c->head_ord[i] = (uint16_t)raw++;
			c->tail_ord[i] = 0;
			continue;
		}
		if (h - CHUNK_FIRST_HEAD >= c->nheads || c->tail[i] >= c->ntails) {
			rc = -EBADMSG;
			break;
		}
		c->head_ord[i] = (uint16_t)heads[h - CHUNK_FIRST_HEAD]++;
		c->tail_ord[i] = (uint16_t)tails[c->tail[i]]++;
	}
	for (uint32_t i = 0; !rc && i < c->nheads; i++)
		rc = heads[i] == c->heads[i].n ? 0 : -EBADMSG;
	for (uint32_t i = 0; !rc && i < c->ntails; i++)
		rc = tails[i] == c->tails[i].n ? 0 : -EBADMSG;
	if (!rc && raw != c->raw.n)
		rc = -EBADMSG;
	free(heads);
	free(tails);
	return rc;
}

static int body_open(struct chunk *c, struct shape_set *set, struct peek in)
{
	const char *magic = peek_bytes(&in, 4), *packed;
	uint32_t version = peek_u32(&in), len = peek_u32(&in), raw = peek_u32(&in);
	char *directory;
	size_t got;
	int rc;

	packed = peek_bytes(&in, len);
	if (in.bad || memcmp(magic, CHUNK_MAGIC, 4) || version != CHUNK_VERSION || raw > MAX_RAW)
		return -EBADMSG;
	c->body_len = (size_t)(in.end - in.p);
	c->body = malloc(c->body_len + 1);
	directory = malloc(raw + 1);
	c->zstd = ZSTD_createDCtx();
	if (!c->body || !directory || !c->zstd) {
		free(directory);
		return -ENOMEM;
	}
	memcpy(c->body, in.p, c->body_len);
	got = ZSTD_decompressDCtx(c->zstd, directory, raw, packed, len);
	rc = ZSTD_isError(got) || got != raw ? -EBADMSG : 0;
	if (!rc)
		rc = directory_open(c, set, (struct peek){(unsigned char *)directory, (unsigned char *)directory + raw, false});
	free(directory);
	return rc;
}

int chunk_open(struct shape_set *set, const void *data, size_t len, struct chunk **out)
{
	struct chunk *c = calloc(1, sizeof *c);
	int rc;

	if (!c)
		return -ENOMEM;
	rc = body_open(c, set, (struct peek){data, (const unsigned char *)data + len, false});
	if (!rc)
		rc = rows_read(c);
	if (!rc)
		rc = rows_rank(c);
	if (rc)
		chunk_close(c);
	else
		*out = c;
	return rc;
}

void chunk_close(struct chunk *c)
{
	if (!c)
		return;
	shapes_close(c->heads, c->nheads);
	shapes_close(c->tails, c->ntails);
	column_close(&c->raw);
	column_close(&c->tids);
	for (uint32_t i = 0; c->blocks && i < c->nblocks; i++)
		free(c->blocks[i].text);
	free(c->blocks);
	free(c->row_places);
	free(c->head);
	free(c->stamp);
	free(c->body);
	ZSTD_freeDCtx(c->zstd);
	bytes_free(&c->line);
	free(c);
}

/* ---- rows and values ---- */

uint32_t chunk_rows(const struct chunk *c)
{
	return c->rows;
}

int chunk_row(struct chunk *c, uint32_t i, struct chunk_row *out)
{
	if (i >= c->rows)
		return -EINVAL;
	*out = (struct chunk_row){c->head[i], c->tail[i], c->tid[i], c->head_ord[i], c->tail_ord[i], c->stamp[i]};
	return 0;
}

const struct shape *chunk_head(const struct chunk *c, uint16_t local)
{
	return local < CHUNK_FIRST_HEAD || local - CHUNK_FIRST_HEAD >= (int)c->nheads ? NULL : c->heads[local - CHUNK_FIRST_HEAD].shape;
}

const struct shape *chunk_tail(const struct chunk *c, uint16_t local)
{
	return local < c->ntails ? c->tails[local].shape : NULL;
}

unsigned chunk_heads(const struct chunk *c)
{
	return c->nheads;
}

bool chunk_has_raw_events(const struct chunk *c)
{
	return c->raw_events;
}

int chunk_find_tid(struct chunk *c, struct slice tid)
{
	char buf[SEGMENT_TEXT];
	struct slice s;

	for (uint32_t i = 0; i < c->tids.n; i++) {
		int rc = column_get(c, &c->tids, i, buf, &s);

		if (rc)
			return rc;
		if (slice_same(s, tid))
			return (int)i + 1;
	}
	return CHUNK_NO_TID;
}

int chunk_tid(struct chunk *c, uint16_t local, struct slice *out)
{
	*out = SLICE_NONE;
	return local == CHUNK_NO_TID ? 0 : column_get(c, &c->tids, local - 1u, c->tid_buf, out);
}

int chunk_value(struct chunk *c, unsigned part, uint16_t local, unsigned slot, uint32_t ord, char *buf, struct slice *out)
{
	struct stored_shape *s = part ? &c->tails[local] : &c->heads[local - CHUNK_FIRST_HEAD];

	return column_get(c, &s->columns[slot], ord, buf, out);
}

int chunk_raw_text(struct chunk *c, uint32_t ord, struct slice *out)
{
	return column_get(c, &c->raw, ord, c->tid_buf, out);
}

uint64_t chunk_block_offset(const struct chunk *c, unsigned block)
{
	return block < CHUNK_BLOCKS ? c->block_offset[block] : 0;
}

int chunk_verify(struct chunk *c)
{
	struct peek in;
	int rc = 0;

	for (uint32_t i = 0; i < c->nblocks && !rc; i++)
		rc = block_text(c, i, &in);
	return rc;
}
