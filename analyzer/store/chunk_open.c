/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_open.c - a chunk's directory: which shapes it has, how many lines of each, and where all that stands.
 *
 * All numbers from the file are checked before they are used. */
#include "store/chunk_stored.h"
#include "store/chunk_format.h"
#include "base/scan.h"

#include <errno.h>
#include <stdlib.h>

static void segment_close(struct segment *s)
{
	if (s)
		segment_free(s);
	free(s);
}

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

static int shapes_open(struct chunk *c, struct shape_set *set, struct peek *in, unsigned part,
                       struct stored_shape **out, uint32_t *n)
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

static struct place *group_places(struct stored_shape *shapes, uint32_t n, unsigned g, struct peek *in,
                                  struct place *at)
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
		c->raw |= c->groups[g].raw;
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

static int tids_open(struct chunk *c, struct peek *in)
{
	for (unsigned g = 0; g < c->ngroups; g++) {
		struct group *group = &c->groups[g];

		group->first_tid = c->ntids;
		group->tids = peek_u16(in);
		if (group->tids)
			group->tid_place = place_read_one(in);
		if (in->bad || group->tids > SEGMENT_ROWS)
			return -EBADMSG;
		c->ntids += group->tids;
	}
	return c->ntids < CHUNK_ROWS ? 0 : -EBADMSG;
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
	if ((rc = shapes_open(c, set, &in, 0, &c->heads, &c->nheads)) ||
	    (rc = shapes_open(c, set, &in, 1, &c->tails, &c->ntails)))
		return rc;
	for (unsigned g = 0; g < c->ngroups; g++)
		for (unsigned k = 0; k < ROW_COLUMNS; k++)
			c->groups[g].places[k] = place_read_one(&in);
	if ((rc = tids_open(c, &in)) || (rc = places_open(c, &in)))
		return rc;
	return blocks_open(c, &in);
}

static int body_open(struct chunk *c, struct shape_set *set, struct peek in)
{
	const char *magic = peek_bytes(&in, 4), *packed;
	uint32_t version = peek_u32(&in), len = peek_u32(&in), raw = peek_u32(&in);
	char *directory;
	size_t got;
	int rc;

	packed = peek_bytes(&in, len);
	if (in.bad || memcmp(magic, CHUNK_MAGIC, 4) || version != CHUNK_VERSION || raw > CHUNK_MAX_RAW)
		return -EBADMSG;
	if (!c->fetch) {
		c->body_len = (size_t)(in.end - in.p);
		c->body = malloc(c->body_len + SCAN_SLACK);
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
		rc = directory_open(c, set,
		                    (struct peek){(unsigned char *)directory, (unsigned char *)directory + raw, false});
	free(directory);
	return rc;
}

int chunk_room_new(struct chunk_room **out)
{
	struct chunk_room *r = calloc(1, sizeof *r);

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
	bytes_free(&r->block);
	free(r);
}

int chunk_open_stored(struct shape_set *set, const void *data, size_t len, chunk_fetch_fn *fetch, void *arg,
                      struct chunk_room *room, struct chunk **out)
{
	static _Atomic uint64_t serial;
	struct chunk *c = calloc(1, sizeof *c);
	int rc;

	if (!c)
		return -ENOMEM;
	c->serial = ++serial;
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
		segment_close(c->groups[g].tid_segment);
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
