/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_read.c - a chunk's rows and values, decoded when they are asked for.
 *
 * A group's row columns are decoded when one of its rows is asked for, and for each row it
 * is counted how many of its shape came before: that is where its values stand. Blocks are fetched and decompressed
 * once, segments decoded once. All numbers from the file are checked before they are used. */
#include "store/chunk_stored.h"
#include "base/scan.h"

#include <errno.h>
#include <stdlib.h>

#define LONG_BLOCK (1u << 20) /* packed bytes that are not kept */

enum { HEAD_RANK = CHUNK_COLUMN_HEAD_ORD, TAIL_RANK = CHUNK_COLUMN_TAIL_ORD };
#define RANK_FEW 64 /* rows that are counted for one by one before it is done for all */

/* ---- blocks and segments ---- */

static int block_packed(struct chunk *c, uint32_t i, const void **p, size_t *n)
{
	struct stored_block *b = &c->blocks[i];

	*n = b->packed;
	if (c->fetch)
		return c->fetch(c->fetch_arg, i, p, n);
	if (b->packed > c->body_len || b->off > c->body_len - b->packed)
		return -EBADMSG;
	*p = c->body + b->off;
	return 0;
}

/* Block i into `to`, which has room for it. */
static int block_unpack(struct chunk *c, uint32_t i, char *to)
{
	uint32_t len = c->blocks[i].len;
	const void *p;
	size_t got, n;
	int rc = block_packed(c, i, &p, &n);

	if (rc)
		return rc;
	got = ZSTD_decompressDCtx(c->room->zstd, to, len, p, n);
	if (c->fetch && n > LONG_BLOCK)
		c->fetch(c->fetch_arg, CHUNK_FETCH_DONE, &p, &n);
	return ZSTD_isError(got) || got != len ? -EBADMSG : 0;
}

static int block_text(struct chunk *c, uint32_t i, struct peek *out)
{
	struct stored_block *b;
	int rc;

	if (i >= c->nblocks || c->blocks[i].len > CHUNK_MAX_RAW)
		return -EBADMSG;
	b = &c->blocks[i];
	if (!b->text) {
		char *text = malloc((size_t)b->len + SCAN_SLACK); /* values are scanned where they stand */

		rc = text ? block_unpack(c, i, text) : -ENOMEM;
		if (rc) {
			free(text);
			return rc;
		}
		b->text = text;
		c->memory += b->len;
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

/* The same for what is read at once: valid until the next block is. */
static int place_peek_once(struct chunk *c, struct place p, struct peek *out)
{
	struct bytes *to = &c->room->block;
	uint32_t len;
	int rc;

	if (p.block >= c->nblocks || c->blocks[p.block].text || c->blocks[p.block].len > CHUNK_MAX_RAW)
		return place_peek(c, p, out);
	len = c->blocks[p.block].len;
	if (to->room <= len) {
		free(to->ptr);
		*to = (struct bytes){.ptr = malloc((size_t)len + SCAN_SLACK)};
		if (!to->ptr)
			return -ENOMEM;
		to->room = (size_t)len + 1;
	}
	rc = block_unpack(c, p.block, to->ptr);
	if (rc)
		return rc;
	*out = (struct peek){(unsigned char *)to->ptr, (unsigned char *)to->ptr + len, false};
	return peek_bytes(out, p.off) ? 0 : -EBADMSG;
}

/* The segment at a place, decoded once into *cache. */
static int segment_at(struct chunk *c, struct place place, uint32_t n, struct segment **cache)
{
	struct peek in;
	struct segment *s;
	int rc;

	if (*cache)
		return 0;
	rc = place_peek(c, place, &in);
	if (rc)
		return rc;
	s = malloc(sizeof *s);
	if (!s)
		return -ENOMEM;
	rc = segment_read(&in, s);
	if (!rc && s->n != n) {
		segment_free(s);
		rc = -EBADMSG;
	}
	if (rc)
		free(s);
	else
		*cache = s;
	c->memory += sizeof *s + (s && !rc ? 8 * (size_t)n : 0);
	return rc;
}

/* ---- groups: the row columns ---- */

static uint32_t group_rows(const struct chunk *c, unsigned g)
{
	return c->rows - g * SEGMENT_ROWS < SEGMENT_ROWS ? c->rows - g * SEGMENT_ROWS : SEGMENT_ROWS;
}

/* How many of each row's shape came before it in the group; kept whole: of such lines. */
static int head_rank(struct chunk *c, struct group *g, unsigned index, uint32_t n)
{
	uint16_t raw = 0, *count = c->room->counter;
	uint32_t all = 0;

	memset(count, 0, (c->nheads + CHUNK_FIRST_HEAD) * sizeof *count);
	for (uint32_t i = 0; i < n; i++)
		g->head_ord[i] = count[g->head[i]]++;
	for (uint32_t i = 0; i < c->nheads; i++)
		if (count[i + CHUNK_FIRST_HEAD] != c->heads[i].n[index])
			return -EBADMSG;
	for (unsigned i = 0; i < CHUNK_FIRST_HEAD; i++)
		all += count[i];
	if (all != g->raw)
		return -EBADMSG;
	for (uint32_t i = 0; g->raw && i < n; i++)
		if (g->head[i] < CHUNK_FIRST_HEAD)
			g->head_ord[i] = raw++;
	return 0;
}

static int tail_rank(struct chunk *c, struct group *g, unsigned index, uint32_t n)
{
	uint16_t *count = c->room->counter;

	if (!c->ntails)
		return g->raw == n ? 0 : -EBADMSG;
	memset(count, 0, c->ntails * sizeof *count);
	for (uint32_t i = 0; i < n; i++)
		g->tail_ord[i] = g->head[i] < CHUNK_FIRST_HEAD ? 0 : count[g->tail[i]]++;
	for (uint32_t i = 0; i < c->ntails; i++)
		if (count[i] != c->tails[i].n[index])
			return -EBADMSG;
	return 0;
}

/* A row column of numbers below `limit`, with room for as many again. */
static int small_column(struct chunk *c, struct group *g, enum row_column k, uint32_t n, uint32_t limit, uint16_t **out)
{
	struct peek in;
	int rc = place_peek_once(c, g->places[k], &in);

	if (!rc && !*out && !(*out = malloc(n * 2 * sizeof **out)))
		return -ENOMEM;
	if (!rc)
		rc = small_read(&in, n, *out);
	c->memory += rc ? 0 : n * 2 * sizeof **out;
	return rc ? rc : small_below(*out, n, limit) ? 0 : -EBADMSG;
}

static int stamp_column(struct chunk *c, struct group *g, uint32_t n)
{
	struct peek in;
	int rc = place_peek_once(c, g->places[ROW_STAMP], &in);

	if (!rc && !g->stamp && !(g->stamp = malloc(n * sizeof *g->stamp)))
		return -ENOMEM;
	return rc ? rc : numbers_read(&in, n, g->stamp);
}

/* One column that is not there yet; those that it builds on are. */
static int column_read(struct chunk *c, unsigned index, unsigned column)
{
	struct group *g = &c->groups[index];
	uint32_t n = group_rows(c, index);

	switch (column) {
	case CHUNK_COLUMN_HEAD:
		return small_column(c, g, ROW_HEAD, n, c->nheads + CHUNK_FIRST_HEAD, &g->head);
	case CHUNK_COLUMN_TAIL:
		return small_column(c, g, ROW_TAIL, n, c->ntails ? c->ntails : 1, &g->tail);
	case CHUNK_COLUMN_TID:
		return small_column(c, g, ROW_TID, n, c->ntids + 1, &g->tid);
	case CHUNK_COLUMN_STAMP:
		return stamp_column(c, g, n);
	case HEAD_RANK:
		g->head_ord = g->head + n;
		return head_rank(c, g, index, n);
	default:
		g->tail_ord = g->tail + n;
		return tail_rank(c, g, index, n);
	}
}

static int group_read(struct chunk *c, unsigned index, unsigned want)
{
	struct group *g = &c->groups[index];
	int rc = 0;

	want |= want & (HEAD_RANK | TAIL_RANK) ? CHUNK_COLUMN_HEAD : 0;
	want |= want & TAIL_RANK ? CHUNK_COLUMN_TAIL : 0;
	for (unsigned column = CHUNK_COLUMN_HEAD; column <= TAIL_RANK && !rc; column <<= 1)
		if (want & ~g->have & column && !(rc = column_read(c, index, column)))
			g->have |= column;
	return rc;
}

static inline int group_need(struct chunk *c, unsigned g, unsigned columns)
{
	return (c->groups[g].have & columns) == columns ? 0 : group_read(c, g, columns);
}

int chunk_group(struct chunk *c, unsigned group, unsigned columns, struct chunk_group *out)
{
	int rc = group < c->ngroups ? group_need(c, group, columns) : -EINVAL;
	const struct group *g = c->groups + (rc ? 0 : group);

	if (!rc)
		*out = (struct chunk_group){group_rows(c, group), g->head,     g->tail, g->tid,
		                            g->head_ord,          g->tail_ord, g->stamp};
	return rc;
}

/* ---- rows and values ---- */

size_t chunk_memory(const struct chunk *c)
{
	return c->memory + sizeof *c;
}

uint32_t chunk_rows(const struct chunk *c)
{
	return c->rows;
}

/* How many of the shape of row k of a group come before it. Where few rows are asked for, it is counted for each. */
static int rank_of(struct chunk *c, unsigned index, uint32_t k, unsigned which, uint32_t *ord)
{
	struct group *g = &c->groups[index];
	const uint16_t *shape = which == HEAD_RANK ? g->head : g->tail;
	int rc = 0;

	*ord = index * SEGMENT_ROWS;
	if (!(g->have & which) && !g->raw && c->ntails && g->counted < RANK_FEW) {
		g->counted++;
		*ord += small_count(shape, k, shape[k]);
	} else if (!(rc = group_need(c, index, which))) {
		*ord += which == HEAD_RANK ? g->head_ord[k] : g->tail_ord[k];
	}
	return rc;
}

int chunk_row(struct chunk *c, uint32_t i, struct chunk_row *out)
{
	unsigned index = i / SEGMENT_ROWS, k = i % SEGMENT_ROWS;
	const struct group *g = &c->groups[index];
	int rc;

	if (i >= c->rows)
		return -EINVAL;
	rc = group_need(c, index, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TAIL | CHUNK_COLUMN_TID | CHUNK_COLUMN_STAMP);
	if (rc)
		return rc;
	*out = (struct chunk_row){.head = g->head[k], .tail = g->tail[k], .tid = g->tid[k], .stamp = g->stamp[k]};
	rc = rank_of(c, index, k, HEAD_RANK, &out->head_ord);
	return rc ? rc : rank_of(c, index, k, TAIL_RANK, &out->tail_ord);
}

int chunk_row_head(struct chunk *c, uint32_t i, uint16_t *head)
{
	int rc = i < c->rows ? group_need(c, i / SEGMENT_ROWS, CHUNK_COLUMN_HEAD) : -EINVAL;

	if (!rc)
		*head = c->groups[i / SEGMENT_ROWS].head[i % SEGMENT_ROWS];
	return rc;
}

int chunk_row_stamp(struct chunk *c, uint32_t i, int64_t *stamp)
{
	int rc = i < c->rows ? group_need(c, i / SEGMENT_ROWS, CHUNK_COLUMN_STAMP) : -EINVAL;

	if (!rc)
		*stamp = c->groups[i / SEGMENT_ROWS].stamp[i % SEGMENT_ROWS];
	return rc;
}

int chunk_row_tid(struct chunk *c, uint32_t i, uint16_t *tid)
{
	int rc = i < c->rows ? group_need(c, i / SEGMENT_ROWS, CHUNK_COLUMN_TID) : -EINVAL;

	if (!rc)
		*tid = c->groups[i / SEGMENT_ROWS].tid[i % SEGMENT_ROWS];
	return rc;
}

int chunk_row_ord(struct chunk *c, uint32_t i, uint32_t *head_ord)
{
	int rc = i < c->rows ? group_need(c, i / SEGMENT_ROWS, CHUNK_COLUMN_HEAD) : -EINVAL;

	return rc ? rc : rank_of(c, i / SEGMENT_ROWS, i % SEGMENT_ROWS, HEAD_RANK, head_ord);
}

const struct shape *chunk_head(const struct chunk *c, uint16_t local)
{
	return local < CHUNK_FIRST_HEAD || local - CHUNK_FIRST_HEAD >= (int)c->nheads
	           ? NULL
	           : c->heads[local - CHUNK_FIRST_HEAD].shape;
}

const struct shape *chunk_tail(const struct chunk *c, uint16_t local)
{
	return local < c->ntails ? c->tails[local].shape : NULL;
}

unsigned chunk_heads(const struct chunk *c)
{
	return c->nheads;
}

unsigned chunk_tails(const struct chunk *c)
{
	return c->ntails;
}

bool chunk_has_raw_events(const struct chunk *c)
{
	return c->raw;
}

/* Looks for it among those that are met first in one group. */
static int tid_in_group(struct chunk *c, struct group *g, struct slice tid)
{
	uint32_t at;
	int rc;

	if (!g->tids)
		return CHUNK_NO_TID;
	rc = segment_at(c, g->tid_place, g->tids, &g->tid_segment);
	if (rc)
		return rc;
	at = segment_find(g->tid_segment, tid);
	return at < g->tids ? (int)(g->first_tid + at) + 1 : CHUNK_NO_TID;
}

int chunk_find_tid(struct chunk *c, struct slice tid, unsigned groups)
{
	unsigned first = groups ? (unsigned)__builtin_ctz(groups) : 0;
	int rc = CHUNK_NO_TID;

	if (first < c->ngroups)
		rc = tid_in_group(c, &c->groups[first], tid);
	for (unsigned g = 0; g < c->ngroups && rc == CHUNK_NO_TID; g++)
		if (g != first)
			rc = tid_in_group(c, &c->groups[g], tid);
	return rc;
}

int chunk_find_spellings(struct chunk *c, struct slice tid, uint8_t *found)
{
	char buf[SEGMENT_TEXT], text[3 * LINE_MAX_TID];
	int rc = 0;

	memset(found, 0, CHUNK_ROWS);
	for (unsigned g = 0; g < c->ngroups && !rc; g++) {
		struct group *group = &c->groups[g];

		if (group->tids)
			rc = segment_at(c, group->tid_place, group->tids, &group->tid_segment);
		for (uint32_t i = 0; i < group->tids && !rc; i++) {
			struct slice v = segment_get(group->tid_segment, i, buf);

			if (v.len <= LINE_MAX_TID)
				v = json_text(v, text);
			found[group->first_tid + i + 1] = slice_same(v, tid);
		}
	}
	return rc;
}

int chunk_tids(struct chunk *c, unsigned group, uint32_t *first, const struct segment **ids)
{
	struct group *g = c->groups, *end = c->groups + c->ngroups;
	int rc;

	for (; g < end && (!g->tids || group--); g++)
		;
	if (g == end)
		return 0;
	rc = segment_at(c, g->tid_place, g->tids, &g->tid_segment);
	*first = g->first_tid + 1;
	*ids = g->tid_segment;
	return rc ? rc : 1;
}

int chunk_tid(struct chunk *c, uint16_t local, struct slice *out)
{
	uint32_t i = local - 1u;
	struct group *g = c->groups;
	int rc;

	*out = SLICE_NONE;
	if (local == CHUNK_NO_TID)
		return 0;
	if (i >= c->ntids)
		return -EBADMSG;
	while (i - g->first_tid >= g->tids)
		g++;
	rc = segment_at(c, g->tid_place, g->tids, &g->tid_segment);
	if (!rc)
		*out = segment_get(g->tid_segment, i - g->first_tid, c->tid_buf);
	return rc;
}

bool chunk_tid_is_plain(const struct chunk *c, struct slice tid)
{
	return tid.ptr == c->tid_buf || json_is_plain(tid);
}

uint64_t chunk_serial(const struct chunk *c)
{
	return c->serial;
}

static int slot_segment(struct chunk *c, struct stored_shape *s, unsigned slot, unsigned g, const struct segment **out)
{
	unsigned k = s->shape->slots[slot].stored;
	struct segment **cache;
	int rc;

	if (g >= c->ngroups || !s->places[g])
		return -EBADMSG;
	if (!s->segments && !(s->segments = calloc((size_t)s->nstored * c->ngroups + 1, sizeof *s->segments)))
		return -ENOMEM;
	cache = &s->segments[g * s->nstored + k];
	rc = *cache ? 0 : segment_at(c, s->places[g][k], s->n[g], cache);
	*out = *cache;
	return rc;
}

int chunk_value(struct chunk *c, unsigned part, uint16_t local, unsigned slot, uint32_t ord, char *buf,
                struct slice *out)
{
	struct stored_shape *s = part ? &c->tails[local] : &c->heads[local - CHUNK_FIRST_HEAD];
	const struct segment *seg;
	int rc = slot_segment(c, s, slot, ord / SEGMENT_ROWS, &seg);

	if (rc)
		return rc;
	if (ord % SEGMENT_ROWS >= seg->n)
		return -EBADMSG;
	*out = segment_get(seg, ord % SEGMENT_ROWS, buf);
	return 0;
}

int chunk_duration(struct chunk *c, uint16_t head, unsigned slot, uint32_t ord, int64_t *ns)
{
	const struct segment *seg;
	int rc = slot_segment(c, &c->heads[head - CHUNK_FIRST_HEAD], slot, ord / SEGMENT_ROWS, &seg);

	return rc ? rc : segment_duration(seg, ord % SEGMENT_ROWS, ns);
}

int chunk_segment(struct chunk *c, uint16_t head, unsigned slot, unsigned group, const struct segment **out)
{
	return slot_segment(c, &c->heads[head - CHUNK_FIRST_HEAD], slot, group, out);
}

int chunk_tail_segment(struct chunk *c, uint16_t tail, unsigned slot, unsigned group, const struct segment **out)
{
	return slot_segment(c, &c->tails[tail], slot, group, out);
}

uint32_t chunk_head_lines(const struct chunk *c, uint16_t head, unsigned group)
{
	return c->heads[head - CHUNK_FIRST_HEAD].n[group];
}

int chunk_raw_text(struct chunk *c, uint32_t ord, struct slice *out)
{
	struct group *g = &c->groups[ord / SEGMENT_ROWS];
	int rc;

	if (ord >= CHUNK_ROWS || ord % SEGMENT_ROWS >= g->raw)
		return -EBADMSG;
	rc = segment_at(c, g->raw_place, g->raw, &g->raw_segment);
	if (!rc)
		*out = segment_get(g->raw_segment, ord % SEGMENT_ROWS, c->tid_buf);
	return rc;
}

int chunk_raw_row(struct chunk *c, uint16_t head, uint32_t ord, struct slice *line, struct slice *reading)
{
	const char *nl;
	int rc = chunk_raw_text(c, ord, line);

	*reading = SLICE_NONE;
	if (rc || (head != CHUNK_READING && head != CHUNK_PIECE))
		return rc;
	nl = memchr(line->ptr, '\n', line->len);
	if (!nl)
		return -EBADMSG;
	*reading = (struct slice){nl + 1, line->len - (size_t)(nl + 1 - line->ptr)};
	line->len = (size_t)(nl - line->ptr);
	return 0;
}

/* On from the row that was asked for last. */
int chunk_pieces_before(struct chunk *c, uint32_t i)
{
	if (!c->raw)
		return 0;
	if (i < c->pieces_row)
		c->pieces_row = c->pieces = 0;
	while (c->pieces_row < i && c->pieces_row < c->rows) {
		unsigned g = c->pieces_row / SEGMENT_ROWS;
		uint32_t end = (g + 1) * SEGMENT_ROWS < i ? (g + 1) * SEGMENT_ROWS : i;
		struct chunk_group rows;
		int rc = c->groups[g].raw ? chunk_group(c, g, CHUNK_COLUMN_HEAD, &rows) : 0;

		if (rc)
			return rc;
		for (uint32_t k = c->pieces_row; c->groups[g].raw && k < end && k % SEGMENT_ROWS < rows.n; k++)
			c->pieces += rows.head[k % SEGMENT_ROWS] == CHUNK_PIECE;
		c->pieces_row = end;
	}
	return (int)c->pieces;
}

uint64_t chunk_group_offset(const struct chunk *c, unsigned group)
{
	return group < c->ngroups ? c->group_offset[group] : 0;
}

int chunk_verify(struct chunk *c)
{
	struct peek in;
	int rc = 0;

	for (uint32_t i = 0; i < c->nblocks && !rc; i++)
		rc = block_text(c, i, &in);
	return rc;
}
