/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span_keys.c - the keys of a span's line; see span_keys.h. */
#include "model/span_keys.h"
#include "model/span_said.h"
#include "base/array.h"
#include "base/hash.h"

#include <errno.h>
#include <stdlib.h>

#define REMEMBERED 1024
#define TID_ROOM   48

/* What the texts of a line's tail hash to. */
struct tail_hash {
	uint64_t span, ancestors, path;
	bool has_id, has_stack, has_ancestors, has_path;
};

struct remembered {
	const struct shape *tail; /* NULL: free */
	uint8_t tid_len;
	char tid[TID_ROOM];
	struct tail_hash hash;
};

int span_keys_init(struct span_keys *r)
{
	*r = (struct span_keys){.remembered = calloc(REMEMBERED, sizeof *r->remembered)};
	return r->remembered ? 0 : -ENOMEM;
}

void span_keys_done(struct span_keys *r)
{
	free(r->remembered);
	free(r->plain);
	free(r->heads);
	free(r->scratch);
}

static struct slice inner(struct slice list)
{
	return list.len >= 2 ? (struct slice){list.ptr + 1, list.len - 2} : SLICE("");
}

/* The hash of the path that children print: the ancestors, a comma, the span itself. */
static int path_hash(struct span_keys *r, struct slice ancestors, struct slice span, uint64_t *out)
{
	size_t n = ancestors.len + 1 + span.len;

	if (array_reserve(r->scratch, r->scratch_room, n))
		return -ENOMEM;
	char *p = r->scratch;

	if (ancestors.len) {
		memcpy(p, ancestors.ptr, ancestors.len);
		p += ancestors.len;
		*p++ = ',';
	}
	if (span.len)
		memcpy(p, span.ptr, span.len);
	p += span.len;
	*out = hash_bytes(r->scratch, (size_t)(p - r->scratch), 3);
	return 0;
}

static uint64_t join(uint64_t a, uint64_t b)
{
	uint64_t both[2] = {a, b};

	return hash_bytes(both, sizeof both, 1);
}

/* Each process that writes to a log counts its ids from 1. */
static int keys_by_id(const struct event *e, struct slice id, struct line_keys *k)
{
	struct slice parent, pid;
	uint64_t process = event_top_field(e, "pid", &pid) ? hash_bytes(pid.ptr, pid.len, 11) : 0;

	k->has_id = true;
	k->key[BY_NAME] = hash_bytes(id.ptr, id.len, 11);
	k->key[BY_ALL] = k->key[BY_PATH] = join(k->key[BY_NAME], process);
	k->has_parent = event_span_field(e, "parent", &parent);
	if (k->has_parent) {
		k->any_parent = hash_bytes(parent.ptr, parent.len, 11);
		k->parent = join(k->any_parent, process);
	}
	return 0;
}

/* An array by shape id, with room for this one: false where it has no id, or memory is out. */
#define BY_ID_MAX              (1u << 24)
#define has_room(array, n, id) ((id) && (id) <= BY_ID_MAX && !array_reserve_zeroed(array, n, (id) + 1))

static bool is_plain(struct span_keys *r, const struct shape *tail)
{
	if (!has_room(r->plain, r->nplain, tail->id))
		return false;
	if (!r->plain[tail->id]) {
		r->plain[tail->id] = 1;
		for (unsigned i = 0; i < tail->nslots; i++)
			if (tail->slots[i].kind != SLOT_TID &&
			    (tail->slots[i].section == SECTION_SPAN || tail->slots[i].section == SECTION_SPANS))
				r->plain[tail->id] = 2;
	}
	return r->plain[tail->id] == 1;
}

static struct span_head facts_of(const struct shape *head)
{
	struct span_head f = {hash_bytes(head->target.ptr, head->target.len, 1), true, !head->id,
	                      !head->id}; /* of a line kept whole one can't say */

	for (unsigned i = 0; i < head->nslots; i++) {
		f.busy_ns |= slice_is(head->slots[i].key, "busy_ns");
		f.idle_ns |= slice_is(head->slots[i].key, "idle_ns");
	}
	return f;
}

struct span_head span_head(struct span_keys *r, const struct shape *head)
{
	if (!has_room(r->heads, r->nheads, head->id))
		return facts_of(head);
	if (!r->heads[head->id].known)
		r->heads[head->id] = facts_of(head);
	return r->heads[head->id];
}

/* Where a line like this one is or is to be remembered; NULL: its texts are its own. */
static struct remembered *recall(struct span_keys *r, const struct event *e, uint64_t tid_key, bool *there)
{
	struct remembered *m;

	*there = false;
	if (e->tid.len > TID_ROOM || !is_plain(r, e->tail))
		return NULL;
	m = &r->remembered[(tid_key ^ (uintptr_t)e->tail >> 5 ^ e->tail->id * 31u) % REMEMBERED];
	*there =
	    m->tail == e->tail && m->tid_len == e->tid.len && !memcmp(m->tid, e->tid.ptr ? e->tid.ptr : "", e->tid.len);
	return m;
}

static struct tail_hash *remember(struct remembered *m, const struct event *e, const struct tail_hash *h)
{
	m->tail = e->tail;
	m->tid_len = (uint8_t)e->tid.len;
	if (e->tid.len)
		memcpy(m->tid, e->tid.ptr, e->tid.len);
	m->hash = *h;
	return &m->hash;
}

static void keys_by_text(struct span_keys *r, const struct event *e, const struct tail_hash *h, struct line_keys *k)
{
	k->has_stack = h->has_stack;
	k->key[BY_NAME] = join(h->span, span_head(r, e->head).target);
	k->key[BY_ALL] = join(h->ancestors, k->key[BY_NAME]);
	k->has_parent = h->has_ancestors;
	k->parent = h->ancestors;
	k->has_path = h->has_path;
	k->key[BY_PATH] = h->path;
}

int line_keys_read(struct span_keys *r, const struct event *e, struct line_keys *k)
{
	struct tail_hash h = {0};
	struct slice id, span, stack, ancestors;
	struct remembered *m;
	bool there;

	*k = (struct line_keys){0};
	k->key[BY_TID] = e->tid.ptr ? hash_bytes(e->tid.ptr, e->tid.len, 5) : 0;
	m = recall(r, e, k->key[BY_TID], &there);
	if (there) {
		k->hash = &m->hash;
		keys_by_text(r, e, k->hash, k);
		return 0;
	}
	if (event_span_field(e, "id", &id))
		return keys_by_id(e, id, k);
	span = event_part(e, SECTION_SPAN);
	stack = event_part(e, SECTION_SPANS);
	ancestors = inner(stack);
	h.has_stack = stack.ptr;
	h.span = hash_bytes(span.ptr, span.len, 1);
	h.ancestors = hash_bytes(ancestors.ptr, ancestors.len, 3);
	h.has_ancestors = ancestors.len;
	if (m && !event_error(e))
		k->hash = remember(m, e, &h);
	keys_by_text(r, e, &h, k);
	return 0;
}

int line_keys_path(struct span_keys *r, const struct event *e, struct line_keys *k)
{
	int rc;

	if (k->has_id || k->has_path)
		return 0;
	rc = path_hash(r, inner(event_part(e, SECTION_SPANS)), event_part(e, SECTION_SPAN), &k->key[BY_PATH]);
	k->has_path = !rc;
	if (k->hash && !rc && !event_error(e)) {
		k->hash->path = k->key[BY_PATH];
		k->hash->has_path = true;
	}
	return rc;
}

/* ---- spans of other programs ---- */

static uint64_t hash_of(struct slice s, uint64_t seed)
{
	return hash_bytes(s.ptr ? s.ptr : "", s.len, seed);
}

uint64_t line_keys_waiting(uint64_t parent)
{
	return join(parent, 77);
}

uint64_t line_keys_alone(uint64_t self)
{
	return join(self, 78);
}

/* An id is one of its transaction; a name is one of its worker, too. */
void line_keys_said(const struct event *e, const struct span_said *s, struct line_keys *k)
{
	uint64_t tid = hash_of(e->tid, 5), self;

	*k = (struct line_keys){.said = s, .has_id = s->id.ptr, .has_path = true};
	self =
	    s->id.ptr ? join(hash_of(s->id, 11), tid) : join(join(hash_of(s->name, 13), hash_of(e->worker, 17)), tid);
	k->key[BY_TID] = tid;
	k->key[BY_ALL] = k->key[BY_PATH] = self;
	k->has_parent = s->parent.ptr && !slice_same(s->parent, s->id);
	k->has_stack =
	    k->has_parent || s->part == SPAN_IS_WHOLE; /* else the open one of the transaction is around it */
	k->parent = k->has_parent ? join(hash_of(s->parent, 11), tid) : 0;
	k->key[BY_NAME] = k->has_parent ? line_keys_waiting(k->parent) : line_keys_alone(self);
}
