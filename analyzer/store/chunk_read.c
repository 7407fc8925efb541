/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_read.c - a chunk's rows and values, decoded when they are asked for.
 *
 * Opening reads the directory. A group's row columns are decoded when one of its rows is asked for, and for each row it is counted how many
 * of its shape came before: that is where its values stand. Blocks are fetched and decompressed once, segments decoded once.
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

struct stored_shape {
	const struct shape *shape;
	uint16_t n[CHUNK_GROUPS];	   /* lines in each group */
	unsigned nstored;		   /* slots with values in columns */
	struct place *places[CHUNK_GROUPS]; /* by stored slot; into chunk.places */
	struct segment **segments;	   /* decoded ones, group * nstored + stored slot */
};

struct stored_block {
	uint64_t off; /* in body, where there is one */
	uint32_t packed, len;
	char *text; /* decompressed */
};

/* The row columns of a group; each is decoded when it is asked for. */
struct group {
	struct place place;
	unsigned have;	       /* CHUNK_COLUMN_... */
	uint16_t *head, *head_ord, *tail, *tail_ord, *tid;
	int64_t *stamp;
	uint16_t raw;	       /* lines kept whole */
	struct place raw_place;
	struct segment *raw_segment;
};

struct chunk {
	uint32_t rows;
	unsigned ngroups;
	uint64_t group_offset[CHUNK_GROUPS];
	struct group groups[CHUNK_GROUPS];
	struct stored_shape *heads, *tails;
	uint32_t nheads, ntails;
	uint32_t ntids;
	struct place tid_places[CHUNK_GROUPS];
	struct segment *tid_segments[CHUNK_GROUPS];
	struct place *places;
	struct stored_block *blocks;
	uint32_t nblocks;
	chunk_fetch_fn *fetch;
	void *fetch_arg;
	char *body;
	size_t body_len;
	struct chunk_room *room;
	bool own_room;
	size_t memory;
	char tid_buf[SEGMENT_TEXT];
};

struct chunk_room {
	ZSTD_DCtx *zstd;
	uint16_t counter[CHUNK_ROWS]; /* for ranks */
};

/* ---- blocks and segments ---- */

static int block_packed(struct chunk *c, uint32_t i, const void **p, size_t *n)
{
	struct stored_block *b = &c->blocks[i];

	if (c->fetch)
		return c->fetch(c->fetch_arg, i, p, n);
	if (b->packed > c->body_len || b->off > c->body_len - b->packed)
		return -EBADMSG;
	*p = c->body + b->off;
	*n = b->packed;
	return 0;
}

static int block_text(struct chunk *c, uint32_t i, struct peek *out)
{
	struct stored_block *b;
	const void *p;
	size_t got, n;
	int rc;

	if (i >= c->nblocks)
		return -EBADMSG;
	b = &c->blocks[i];
	if (!b->text) {
		rc = b->len > MAX_RAW ? -EBADMSG : block_packed(c, i, &p, &n);
		if (rc)
			return rc;
		b->text = malloc((size_t)b->len + 1);
		if (!b->text)
			return -ENOMEM;
		got = ZSTD_decompressDCtx(c->room->zstd, b->text, b->len, p, n);
		if (ZSTD_isError(got) || got != b->len) {
			free(b->text);
			b->text = NULL;
			return -EBADMSG;
		}
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

static void segment_close(struct segment *s)
{
	if (s)
		segment_free(s);
	free(s);
}

/* ---- opening ---- */

static int shape_open(struct chunk *c, struct shape_set *set, struct peek *in, unsigned part, struct stored_shape *s)
{
	uint32_t sum;

	s->shape = shape_set_get(set, peek_u32(in));
	sum = peek_u32(in);
	for (unsigned g = 0; g < c->ngroups; g++)
		s->n[g] = (uint16_t)peek_u16(in);
	if (in->bad || !s->shape || s->shape->part != part || s->shape->sum != sum)
		return -EBADMSG;
	for (unsigned i = 0; i < s->shape->nslots; i++)
		s->nstored += slot_is_stored(s->shape->slots[i].kind);
	for (unsigned g = 0; g < c->ngroups; g++)
		if (s->n[g] > SEGMENT_ROWS)
			return -EBADMSG;
	return 0;
}

static int shapes_open(struct chunk *c, struct shape_set *set, struct peek *in, unsigned part, struct stored_shape **out, uint32_t *n)
{
	uint32_t count = peek_u32(in);
	int rc = 0;

	if (in->bad || count > CHUNK_ROWS)
		return -EBADMSG;
	*out = calloc(count + 1, sizeof **out);
	if (!*out)
		return -ENOMEM;
	for (*n = 0; *n < count && !rc; ++*n)
		rc = shape_open(c, set, in, part, &(*out)[*n]);
	return rc;
}

static void shapes_close(struct chunk *c, struct stored_shape *shapes, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		for (uint32_t k = 0; shapes[i].segments && k < shapes[i].nstored * c->ngroups; k++)
			segment_close(shapes[i].segments[k]);
		free(shapes[i].segments);
	}
	free(shapes);
}

static struct place place_read_one(struct peek *in)
{
	uint32_t block = peek_u32(in);

	return (struct place){block, peek_u32(in)};
}

static size_t places_count(const struct chunk *c, const struct stored_shape *shapes, uint32_t n)
{
	size_t count = 0;

	for (uint32_t i = 0; i < n; i++)
		for (unsigned g = 0; g < c->ngroups; g++)
			count += shapes[i].n[g] ? shapes[i].nstored : 0;
	return count;
}

static struct place *group_places(struct stored_shape *shapes, uint32_t n, unsigned g, struct peek *in, struct place *at)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!shapes[i].n[g])
			continue;
		shapes[i].places[g] = at;
		for (unsigned k = 0; k < shapes[i].nstored; k++)
			*at++ = place_read_one(in);
	}
	return at;
}

static int places_open(struct chunk *c, struct peek *in)
{
	size_t n = places_count(c, c->heads, c->nheads) + places_count(c, c->tails, c->ntails);
	struct place *at;

	if (n > (size_t)(in->end - in->p) / 8)
		return -EBADMSG;
	at = c->places = malloc((n + 1) * sizeof *c->places);
	if (!at)
		return -ENOMEM;
	for (unsigned g = 0; g < c->ngroups; g++) {
		c->groups[g].raw = (uint16_t)peek_u16(in);
		at = group_places(c->heads, c->nheads, g, in, at);
		at = group_places(c->tails, c->ntails, g, in, at);
		if (c->groups[g].raw)
			c->groups[g].raw_place = place_read_one(in);
		if (c->groups[g].raw > SEGMENT_ROWS)
			return -EBADMSG;
	}
	return in->bad ? -EBADMSG : 0;
}

static int blocks_open(struct chunk *c, struct peek *in)
{
	uint64_t off = 0;

	c->nblocks = peek_u32(in);
	if (in->bad || c->nblocks > (size_t)(in->end - in->p) / 8)
		return -EBADMSG;
	c->blocks = calloc(c->nblocks + 1, sizeof *c->blocks);
	if (!c->blocks)
		return -ENOMEM;
	for (uint32_t i = 0; i < c->nblocks; i++) {
		c->blocks[i].off = off;
		c->blocks[i].packed = peek_u32(in);
		c->blocks[i].len = peek_u32(in);
		off += c->blocks[i].packed;
	}
	return 0;
}

static int directory_open(struct chunk *c, struct shape_set *set, struct peek in)
{
	int rc;

	c->rows = peek_u32(&in);
	if (in.bad || !c->rows || c->rows > CHUNK_ROWS)
		return -EBADMSG;
	c->ngroups = (c->rows + SEGMENT_ROWS - 1) / SEGMENT_ROWS;
	for (unsigned g = 0; g < c->ngroups; g++)
		c->group_offset[g] = peek_u64(&in);
	if ((rc = shapes_open(c, set, &in, 0, &c->heads, &c->nheads)) || (rc = shapes_open(c, set, &in, 1, &c->tails, &c->ntails)))
		return rc;
	c->ntids = peek_u32(&in);
	if (in.bad || c->ntids >= CHUNK_ROWS)
		return -EBADMSG;
	for (unsigned g = 0; g < c->ngroups; g++)
		c->groups[g].place = place_read_one(&in);
	for (uint32_t i = 0; i * SEGMENT_ROWS < c->ntids; i++)
		c->tid_places[i] = place_read_one(&in);
	rc = places_open(c, &in);
	return rc ? rc : blocks_open(c, &in);
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
	if (!c->fetch) {
		c->body_len = (size_t)(in.end - in.p);
		c->body = malloc(c->body_len + 1);
		if (!c->body)
			return -ENOMEM;
		memcpy(c->body, in.p, c->body_len);
	}
	directory = malloc((size_t)raw + 1);
	if (!directory)
		return -ENOMEM;
	got = ZSTD_decompressDCtx(c->room->zstd, directory, raw, packed, len);
	rc = ZSTD_isError(got) || got != raw ? -EBADMSG : 0;
	if (!rc)
		rc = directory_open(c, set, (struct peek){(unsigned char *)directory, (unsigned char *)directory + raw, false});
	free(directory);
	return rc;
}

int chunk_room_new(struct chunk_room **out)
{
	struct chunk_room *r = malloc(sizeof *r);

	if (!r || !(r->zstd = ZSTD_createDCtx())) {
		free(r);
		return -ENOMEM;
	}
	*out = r;
	return 0;
}

void chunk_room_free(struct chunk_room *r)
{
	if (!r)
		return;
	ZSTD_freeDCtx(r->zstd);
	free(r);
}

int chunk_open_stored(struct shape_set *set, const void *data, size_t len, chunk_fetch_fn *fetch, void *arg, struct chunk_room *room,
		      struct chunk **out)
{
	struct chunk *c = calloc(1, sizeof *c);
	int rc;

	if (!c)
		return -ENOMEM;
	c->fetch = fetch;
	c->fetch_arg = arg;
	c->room = room;
	c->own_room = !room;
	rc = room ? 0 : chunk_room_new(&c->room);
	if (!rc)
		rc = body_open(c, set, (struct peek){data, (const unsigned char *)data + len, false});
	if (rc)
		chunk_close(c);
	else
		*out = c;
	return rc;
}

int chunk_open(struct shape_set *set, const void *data, size_t len, struct chunk **out)
{
	return chunk_open_stored(set, data, len, NULL, NULL, NULL, out);
}

void chunk_close(struct chunk *c)
{
	if (!c)
		return;
	shapes_close(c, c->heads, c->nheads);
	shapes_close(c, c->tails, c->ntails);
	for (unsigned g = 0; g < CHUNK_GROUPS; g++) {
		free(c->groups[g].head);
		free(c->groups[g].tail);
		free(c->groups[g].tid);
		free(c->groups[g].stamp);
		segment_close(c->groups[g].raw_segment);
		segment_close(c->tid_segments[g]);
	}
	for (uint32_t i = 0; c->blocks && i < c->nblocks; i++)
		free(c->blocks[i].text);
	free(c->blocks);
	free(c->places);
	free(c->body);
	if (c->own_room)
		chunk_room_free(c->room);
	free(c);
}

/* ---- groups: the row columns ---- */

static uint32_t group_rows(const struct chunk *c, unsigned g)
{
	return c->rows - g * SEGMENT_ROWS < SEGMENT_ROWS ? c->rows - g * SEGMENT_ROWS : SEGMENT_ROWS;
}

/* How many of each row's shape came before it in the group. */
static int head_rank(struct chunk *c, struct group *g, unsigned index, uint32_t n)
{
	uint16_t raw = 0, *count = c->room->counter;

	memset(count, 0, c->nheads * sizeof *count);
	for (uint32_t i = 0; i < n; i++) {
		unsigned h = g->head[i];

		if (h < CHUNK_FIRST_HEAD) {
			g->head_ord[i] = raw++;
		} else if (h - CHUNK_FIRST_HEAD >= c->nheads) {
			return -EBADMSG;
		} else {
			g->head_ord[i] = count[h - CHUNK_FIRST_HEAD]++;
		}
	}
	for (uint32_t i = 0; i < c->nheads; i++)
		if (count[i] != c->heads[i].n[index])
			return -EBADMSG;
	return raw == g->raw ? 0 : -EBADMSG;
}

static int tail_rank(struct chunk *c, struct group *g, unsigned index, uint32_t n)
{
	uint16_t *count = c->room->counter;

	memset(count, 0, c->ntails * sizeof *count);
	for (uint32_t i = 0; i < n; i++) {
		if (g->head[i] < CHUNK_FIRST_HEAD)
			g->tail_ord[i] = 0;
		else if (g->tail[i] >= c->ntails)
			return -EBADMSG;
		else
			g->tail_ord[i] = count[g->tail[i]]++;
	}
	for (uint32_t i = 0; i < c->ntails; i++)
		if (count[i] != c->tails[i].n[index])
			return -EBADMSG;
	return 0;
}

static int small_column(struct peek *in, uint32_t n, uint16_t **out, unsigned copies)
{
	if (!*out && !(*out = malloc(n * copies * sizeof **out)))
		return -ENOMEM;
	return small_read(in, n, *out);
}

static int tids_check(const struct chunk *c, const struct group *g, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		if (g->tid[i] > c->ntids)
			return -EBADMSG;
	return 0;
}

/* Reads or passes over each column in turn: they stand one behind the other. */
static int group_read(struct chunk *c, unsigned index, unsigned want)
{
	struct group *g = &c->groups[index];
	uint32_t n = group_rows(c, index);
	struct peek in;
	int rc = place_peek(c, g->place, &in);

	if (want & CHUNK_COLUMN_TAIL)
		want |= CHUNK_COLUMN_HEAD;
	want &= ~g->have;
	if (rc || !want)
		return rc;
	if (!(want & CHUNK_COLUMN_HEAD))
		rc = small_skip(&in, n);
	else if (!(rc = small_column(&in, n, &g->head, 2))) {
		g->head_ord = g->head + n;
		rc = head_rank(c, g, index, n);
	}
	if (rc || (!(want & CHUNK_COLUMN_TAIL) && (rc = small_skip(&in, n))))
		return rc;
	if (want & CHUNK_COLUMN_TAIL) {
		if ((rc = small_column(&in, n, &g->tail, 2)))
			return rc;
		g->tail_ord = g->tail + n;
		if ((rc = tail_rank(c, g, index, n)))
			return rc;
	}
	if (!(want & CHUNK_COLUMN_TID))
		rc = small_skip(&in, n);
	else if (!(rc = small_column(&in, n, &g->tid, 1)))
		rc = tids_check(c, g, n);
	if (!rc && want & CHUNK_COLUMN_STAMP) {
		if (!g->stamp && !(g->stamp = malloc(n * sizeof *g->stamp)))
			return -ENOMEM;
		rc = numbers_read(&in, n, g->stamp);
	}
	g->have |= rc ? 0 : want;
	return rc;
}

static inline int group_need(struct chunk *c, unsigned g, unsigned columns)
{
	return (c->groups[g].have & columns) == columns ? 0 : group_read(c, g, columns);
}

int chunk_group(struct chunk *c, unsigned group, unsigned columns, struct chunk_group *out)
{
	int rc = group < c->ngroups ? group_need(c, group, columns) : -EINVAL;

	if (!rc)
		*out = (struct chunk_group){group_rows(c, group), c->groups[group].head, c->groups[group].tid, c->groups[group].stamp};
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

int chunk_row(struct chunk *c, uint32_t i, struct chunk_row *out)
{
	unsigned index = i / SEGMENT_ROWS, k = i % SEGMENT_ROWS;
	const struct group *g = &c->groups[index];
	int rc;

	if (i >= c->rows)
		return -EINVAL;
	rc = group_need(c, index, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TAIL | CHUNK_COLUMN_TID | CHUNK_COLUMN_STAMP);
	if (!rc)
		*out = (struct chunk_row){g->head[k], g->tail[k], g->tid[k], index * SEGMENT_ROWS + g->head_ord[k], index * SEGMENT_ROWS + g->tail_ord[k],
					  g->stamp[k]};
	return rc;
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
	for (unsigned g = 0; g < c->ngroups; g++)
		if (c->groups[g].raw)
			return true;
	return false;
}

static int tid_segment(struct chunk *c, uint32_t i)
{
	uint32_t left = c->ntids - i * SEGMENT_ROWS;

	return segment_at(c, c->tid_places[i], left < SEGMENT_ROWS ? left : SEGMENT_ROWS, &c->tid_segments[i]);
}

int chunk_find_tid(struct chunk *c, struct slice tid)
{
	for (uint32_t i = 0; i * SEGMENT_ROWS < c->ntids; i++) {
		int rc = tid_segment(c, i);
		uint32_t at;

		if (rc)
			return rc;
		at = segment_find(c->tid_segments[i], tid);
		if (at < c->tid_segments[i]->n)
			return (int)(i * SEGMENT_ROWS + at) + 1;
	}
	return CHUNK_NO_TID;
}

int chunk_tid(struct chunk *c, uint16_t local, struct slice *out)
{
	uint32_t i = local - 1u;
	int rc;

	*out = SLICE_NONE;
	if (local == CHUNK_NO_TID)
		return 0;
	if (i >= c->ntids)
		return -EBADMSG;
	rc = tid_segment(c, i / SEGMENT_ROWS);
	if (!rc)
		*out = segment_get(c->tid_segments[i / SEGMENT_ROWS], i % SEGMENT_ROWS, c->tid_buf);
	return rc;
}

/* The number of a slot among those that are stored. */
static unsigned stored_slot(const struct shape *sh, unsigned slot)
{
	unsigned k = 0;

	for (unsigned i = 0; i < slot; i++)
		k += slot_is_stored(sh->slots[i].kind);
	return k;
}

static int slot_segment(struct chunk *c, struct stored_shape *s, unsigned slot, unsigned g, const struct segment **out)
{
	unsigned k = stored_slot(s->shape, slot);
	struct segment **cache;
	int rc;

	if (g >= c->ngroups || !s->places[g])
		return -EBADMSG;
	if (!s->segments && !(s->segments = calloc((size_t)s->nstored * c->ngroups + 1, sizeof *s->segments)))
		return -ENOMEM;
	cache = &s->segments[g * s->nstored + k];
	rc = segment_at(c, s->places[g][k], s->n[g], cache);
	*out = *cache;
	return rc;
}

int chunk_value(struct chunk *c, unsigned part, uint16_t local, unsigned slot, uint32_t ord, char *buf, struct slice *out)
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

int chunk_segment(struct chunk *c, uint16_t head, unsigned slot, unsigned group, const struct segment **out)
{
	return slot_segment(c, &c->heads[head - CHUNK_FIRST_HEAD], slot, group, out);
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
