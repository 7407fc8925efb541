/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shape_set.c - all shapes of a database, found by skeleton or by id.
 *
 * One table holds both shapes and families: a family is a skeleton with a count of the shapes that differ
 * from it in texts alone. shapes[] is by id - 1, in steps that never move, so that ids can be followed without the
 * lock. */
#include "base/array.h"
#include "base/hash.h"
#include "base/table.h"
#include "store/shape.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#define STEP_BITS 10
#define STEPS     (SHAPE_MAX >> STEP_BITS)

struct entry {
	struct shape *shape; /* NULL: nobody has that shape, the entry is a family's alone */
	char *skeleton;      /* of a family without shape */
	uint32_t len;
	uint32_t variants; /* of a family */
	uint8_t part;
};

struct shape_set {
	pthread_mutex_t lock;
	struct entry *v;
	uint32_t n, room;
	struct table at; /* by skeleton and part */
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
	if (pthread_mutex_init(&set->lock, NULL)) {
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
	for (uint32_t i = 0; i < set->n; i++)
		free(set->v[i].skeleton);
	free(set->v);
	table_done(&set->at);
	free(set->buf);
	pthread_mutex_destroy(&set->lock);
	free(set);
}

static struct slice entry_skeleton(const struct entry *e)
{
	return e->shape ? e->shape->skeleton : (struct slice){e->skeleton, e->len};
}

/* The entry of a skeleton; NULL: there is none. Borrowed until the next is made. */
static struct entry *look_up(struct shape_set *set, uint64_t hash, unsigned part, struct slice skeleton)
{
	struct table_walk w;

	for (uint32_t i = table_first(&w, &set->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (set->v[i].part == part && slice_same(entry_skeleton(&set->v[i]), skeleton))
			return &set->v[i];
	return NULL;
}

/* An entry more, which has nothing yet; NULL: out of memory. */
static struct entry *entry_new(struct shape_set *set, uint64_t hash, unsigned part)
{
	if (array_reserve(set->v, set->room, set->n + (size_t)1) || table_add(&set->at, hash, set->n))
		return NULL;
	set->v[set->n] = (struct entry){.part = (uint8_t)part};
	return &set->v[set->n++];
}

/* Makes the shape of a skeleton under the next id; e is its entry, or NULL: it has none yet. */
static int add(struct shape_set *set, struct entry *e, uint64_t hash, unsigned part, struct slice skeleton,
               const struct shape **out)
{
	struct shape ***step = &set->steps[set->count >> STEP_BITS], *sh;
	int rc;

	if (!*step && !(*step = calloc(1u << STEP_BITS, sizeof **step)))
		return -ENOMEM;
	rc = shape_new(skeleton.ptr, skeleton.len, part, &sh);
	if (rc)
		return rc;
	if (!e && !(e = entry_new(set, hash, part))) {
		shape_free(sh);
		return -ENOMEM;
	}
	sh->id = set->count + 1;
	(*step)[set->count & ((1u << STEP_BITS) - 1)] = sh;
	set->count++;
	free(e->skeleton);
	e->skeleton = NULL;
	e->shape = sh;
	*out = sh;
	return 0;
}

int shape_set_load(struct shape_set *set, uint32_t id, unsigned part, const void *skeleton, size_t len)
{
	struct slice text = {skeleton, len};
	uint64_t hash = hash_slice(text, part);
	const struct shape *sh;
	struct entry *e;

	if (id != set->count + 1 || id > SHAPE_MAX || part > 1 || len > SHAPE_MAX_BYTES)
		return -EBADMSG;
	e = look_up(set, hash, part, text);
	return e && e->shape ? -EBADMSG : add(set, e, hash, part, text, &sh);
}

/* One more shape of a family: true while there is room for it. */
static int family_room(struct shape_set *set, struct slice skeleton, unsigned part, bool *admits)
{
	uint64_t hash = hash_slice(skeleton, part);
	struct entry *e = look_up(set, hash, part, skeleton);

	if (!e) {
		char *copy = malloc(skeleton.len + 1);

		if (!copy || !(e = entry_new(set, hash, part))) {
			free(copy);
			return -ENOMEM;
		}
		memcpy(copy, skeleton.ptr, skeleton.len);
		e->skeleton = copy;
		e->len = (uint32_t)skeleton.len;
	}
	*admits = e->variants < (part ? TAIL_VARIANTS : SHAPE_VARIANTS);
	e->variants += *admits;
	return 0;
}

static int family_admits(struct shape_set *set, const struct line *l, unsigned part, bool *admits)
{
	return family_room(set, (struct slice){set->buf, shape_skeleton(l, part, SHAPE_FAMILY, set->buf)}, part,
	                   admits);
}

static int find(struct shape_set *set, const struct line *l, unsigned part, const struct shape **out)
{
	struct slice skeleton = {set->buf, 0};
	uint64_t hash;
	struct entry *e;
	bool admits = true;
	int rc;

	for (enum shape_care care = SHAPE_EXACT; care <= SHAPE_FAMILY; care++) {
		skeleton.len = shape_skeleton(l, part, care, set->buf);
		if (!skeleton.len && !(part && l->tail_off == l->len))
			return 0;
		hash = hash_slice(skeleton, part);
		e = look_up(set, hash, part, skeleton);
		if (e && e->shape) {
			*out = e->shape;
			return 0;
		}
		if (care == SHAPE_EXACT) {
			if ((rc = family_admits(set, l, part, &admits)))
				return rc;
			if (!admits)
				continue;
			skeleton.len = shape_skeleton(l, part, care, set->buf);
			e = look_up(set, hash, part, skeleton);
		}
		break;
	}
	if (set->count == SHAPE_MAX)
		return 0;
	rc = add(set, e, hash, part, skeleton, out);
	return rc == -EBADMSG ? 0 : rc; /* a line whose skeleton can't be read again stays raw */
}

/* The shape of a skeleton that is at hand; *out NULL: there can be no more. */
static int find_skeleton(struct shape_set *set, struct slice skeleton, const struct shape **out)
{
	uint64_t hash = hash_slice(skeleton, 0);
	struct entry *e = look_up(set, hash, 0, skeleton);
	int rc;

	if (e && e->shape) {
		*out = e->shape;
		return 0;
	}
	if (set->count == SHAPE_MAX || skeleton.len > SHAPE_MAX_BYTES)
		return 0;
	rc = add(set, e, hash, 0, skeleton, out);
	return rc == -EBADMSG ? 0 : rc;
}

int shape_set_find_form(struct shape_set *set, struct slice exact, struct slice family, const struct shape **out)
{
	struct entry *e;
	bool admits = true;
	int rc = 0;

	*out = NULL;
	pthread_mutex_lock(&set->lock);
	e = exact.ptr ? look_up(set, hash_slice(exact, 0), 0, exact) : NULL;
	if (!exact.ptr)
		admits = false;
	else if (family.ptr && !(e && e->shape))
		rc = family_room(set, family, 0, &admits);
	if (!rc)
		rc = find_skeleton(set, admits ? exact : family, out);
	pthread_mutex_unlock(&set->lock);
	return rc;
}

#define BUF_KEPT (1 << 20) /* of a line's skeleton */

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
		rc = find(set, l, part, out);
	if (set->buf_room > BUF_KEPT) {
		free(set->buf);
		set->buf = NULL;
		set->buf_room = 0;
	}
	pthread_mutex_unlock(&set->lock);
	return rc;
}
