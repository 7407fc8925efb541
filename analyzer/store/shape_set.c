/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shape_set.c - all shapes of a database, found by skeleton or by id.
 *
 * One open hash table holds both shapes and families: a family is a skeleton with a count of the shapes that differ
 * from it in texts alone. shapes[] is by id - 1, in steps that never move, so that ids can be followed without the
 * lock. */
#include "base/hash.h"
#include "store/shape.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define STEP_BITS 10
#define STEPS     (SHAPE_MAX >> STEP_BITS)

struct entry {
	uint64_t hash;       /* 0: free */
	struct shape *shape; /* NULL: nobody has that shape, the entry is a family's alone */
	char *skeleton;      /* of a family without shape */
	uint32_t len;
	uint32_t variants; /* of a family */
	uint8_t part;
};

struct shape_set {
	pthread_mutex_t lock;
	struct entry *table;
	size_t room, used; /* room: a power of two */
	struct shape **steps[STEPS];
	_Atomic uint32_t count;
	char *buf; /* skeletons are made here, under the lock */
	size_t buf_room;
};

int shape_set_new(struct shape_set **out)
{
	struct shape_set *set = calloc(1, sizeof *set);

	if (!set)
		return -ENOMEM;
	set->room = 1024;
	set->table = calloc(set->room, sizeof *set->table);
	if (!set->table || pthread_mutex_init(&set->lock, NULL)) {
		free(set->table);
		free(set);
		return -ENOMEM;
	}
	*out = set;
	return 0;
}

const struct shape *shape_set_get(struct shape_set *set, uint32_t id)
{
	if (!id || id > set->count)
		return NULL;
	return set->steps[(id - 1) >> STEP_BITS][(id - 1) & ((1u << STEP_BITS) - 1)];
}

uint32_t shape_set_count(struct shape_set *set)
{
	return set->count;
}

void shape_set_free(struct shape_set *set)
{
	if (!set)
		return;
	for (uint32_t id = 1; id <= set->count; id++)
		shape_free((struct shape *)shape_set_get(set, id));
	for (unsigned i = 0; i < STEPS; i++)
		free(set->steps[i]);
	for (size_t i = 0; i < set->room; i++)
		free(set->table[i].skeleton);
	free(set->table);
	free(set->buf);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

static struct slice entry_skeleton(const struct entry *e)
{
	return e->shape ? e->shape->skeleton : (struct slice){e->skeleton, e->len};
}

/* The entry of a skeleton, or the free one where it belongs. */
static struct entry *probe(struct shape_set *set, uint64_t hash, unsigned part, const char *p, size_t len)
{
	for (size_t i = hash & (set->room - 1);; i = (i + 1) & (set->room - 1)) {
		struct entry *e = &set->table[i];

		if (!e->hash ||
		    (e->hash == hash && e->part == part && slice_same(entry_skeleton(e), (struct slice){p, len})))
			return e;
	}
}

static int grow(struct shape_set *set)
{
	size_t room = set->room * 2;
	struct entry *old = set->table, *table;

	if (set->used * 4 < set->room * 3)
		return 0;
	table = calloc(room, sizeof *table);
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < set->room; i++) {
		size_t k = old[i].hash & (room - 1);

		if (!old[i].hash)
			continue;
		while (table[k].hash)
			k = (k + 1) & (room - 1);
		table[k] = old[i];
	}
	free(old);
	set->table = table;
	set->room = room;
	return 0;
}

/* Makes the shape of a skeleton under the next id and puts it into e. */
static int add(struct shape_set *set, struct entry *e, uint64_t hash, unsigned part, const char *p, size_t len)
{
	struct shape ***step = &set->steps[set->count >> STEP_BITS], *sh;
	int rc;

	if (!*step && !(*step = calloc(1u << STEP_BITS, sizeof **step)))
		return -ENOMEM;
	rc = shape_new(p, len, part, &sh);
	if (rc)
		return rc;
	sh->id = set->count + 1;
	(*step)[set->count & ((1u << STEP_BITS) - 1)] = sh;
	set->count++;
	set->used += !e->hash;
	free(e->skeleton);
	e->skeleton = NULL;
	e->hash = hash;
	e->part = (uint8_t)part;
	e->shape = sh;
	return 0;
}

int shape_set_load(struct shape_set *set, uint32_t id, unsigned part, const void *skeleton, size_t len)
{
	uint64_t hash = hash_text((struct slice){skeleton, len}, part);
	struct entry *e;

	if (id != set->count + 1 || id > SHAPE_MAX || part > 1 || len > SHAPE_MAX_BYTES)
		return -EBADMSG;
	if (grow(set))
		return -ENOMEM;
	e = probe(set, hash, part, skeleton, len);
	return e->shape ? -EBADMSG : add(set, e, hash, part, skeleton, len);
}

/* One more shape of a family: true while there is room for it. */
static int family_admits(struct shape_set *set, const struct line *l, unsigned part, bool *admits)
{
	size_t len = shape_skeleton(l, part, SHAPE_FAMILY, set->buf);
	uint64_t hash = hash_text((struct slice){set->buf, len}, part);
	struct entry *e = probe(set, hash, part, set->buf, len);

	if (!e->hash) {
		e->skeleton = malloc(len + 1);
		if (!e->skeleton)
			return -ENOMEM;
		memcpy(e->skeleton, set->buf, len);
		e->len = (uint32_t)len;
		e->part = (uint8_t)part;
		e->hash = hash;
		set->used++;
	}
	*admits = e->variants < (part ? TAIL_VARIANTS : SHAPE_VARIANTS);
	e->variants += *admits;
	return 0;
}

static int find(struct shape_set *set, const struct line *l, unsigned part, const struct shape **out)
{
	size_t len;
	uint64_t hash;
	struct entry *e;
	bool admits = true;
	int rc;

	for (enum shape_care care = SHAPE_EXACT; care <= SHAPE_FAMILY; care++) {
		len = shape_skeleton(l, part, care, set->buf);
		if (!len && !(part && l->tail_off == l->len))
			return 0;
		hash = hash_text((struct slice){set->buf, len}, part);
		e = probe(set, hash, part, set->buf, len);
		if (e->shape)
			break;
		if (care == SHAPE_EXACT) {
			if ((rc = family_admits(set, l, part, &admits)) || (rc = grow(set)))
				return rc;
			if (!admits)
				continue;
			len = shape_skeleton(l, part, care, set->buf);
			e = probe(set, hash, part, set->buf, len);
		}
		if (set->count == SHAPE_MAX)
			return 0;
		rc = add(set, e, hash, part, set->buf, len);
		if (rc)
			return rc == -EBADMSG ? 0 : rc; /* a line whose skeleton can't be read again stays raw */
		break;
	}
	*out = e->shape;
	return 0;
}

int shape_set_find(struct shape_set *set, const struct line *l, unsigned part, const struct shape **out)
{
	int rc = 0;

	*out = NULL;
	if (l->odd_order)
		return 0;
	pthread_mutex_lock(&set->lock);
	if (l->len + 1 > set->buf_room) {
		free(set->buf);
		set->buf_room = l->len + 1 < 65536 ? 65536 : l->len + 1;
		set->buf = malloc(set->buf_room);
		if (!set->buf) {
			set->buf_room = 0;
			rc = -ENOMEM;
		}
	}
	if (!rc)
		rc = grow(set);
	if (!rc)
		rc = find(set, l, part, out);
	pthread_mutex_unlock(&set->lock);
	return rc;
}
