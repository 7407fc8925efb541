/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tidname.c - see tidname.h */
#include "parse/tidname.h"
#include "base/array.h"
#include "ingest/members.h"

#include <errno.h>
#include <stdlib.h>

#define ANY_SECTION 0xff
#define TEXT_ONLY   ":string"

struct tid_name {
	const char *path; /* as it was said; a template where it has brackets */
	struct slice key; /* of a plain one, without TEXT_ONLY and section */
	uint8_t section;  /* that it names itself, as fields.id does; else ANY_SECTION */
	uint16_t order;
	bool text_only, template, deep;
};

/* ---- the list ---- */

static int name_add(struct tid_names *n, const char *path, uint8_t section, size_t skip)
{
	size_t len = strlen(path), cut = strlen(TEXT_ONLY);
	struct tid_name *name = array_add(n->all, n->n, n->room);

	if (!name)
		return -ENOMEM;
	*name = (struct tid_name){.path = path, .section = section, .order = (uint16_t)(n->n - 1)};
	name->template = strchr(path, '{');
	name->text_only = !name->template && len > cut && !strcmp(path + len - cut, TEXT_ONLY);
	name->key = (struct slice){path + skip, len - skip - (name->text_only ? cut : 0)};
	name->deep = !name->template && memchr(name->key.ptr, '.', name->key.len);
	n->deep |= name->deep;
	n->templates |= name->template;
	n->lengths |= UINT64_C(1) << (name->key.len < 63 ? name->key.len : 63);
	return 0;
}

static int names_add(struct tid_names *n, const struct paths *paths)
{
	static const struct {
		const char *prefix;
		uint8_t section;
	} parts[] = {{"fields.", SECTION_FIELDS}, {"span.", SECTION_SPAN}};
	int rc = 0;

	for (size_t i = 0; i < paths->n && i < UINT16_MAX / 2 && !rc; i++) {
		rc = name_add(n, paths->all[i], ANY_SECTION, 0);
		for (size_t k = 0; k < sizeof parts / sizeof *parts && !rc; k++)
			if (!strncmp(paths->all[i], parts[k].prefix, strlen(parts[k].prefix)))
				rc = name_add(n, paths->all[i], parts[k].section, strlen(parts[k].prefix));
	}
	return rc;
}

int tid_names_init(struct tid_names *n, const struct record_options *o)
{
	const struct paths *paths = o->roles[ROLE_TID];
	int rc = 0;

	*n = (struct tid_names){.ready = true, .given = paths != NULL};
	if (!paths && o->formats && !o->formats->later && o->formats->fallback)
		paths = &o->formats->fallback->roles[ROLE_TID];
	if (!paths && o->formats) { /* all others are not needed */
		rc = format_built_in("default", &n->own);
		n->has_own = true;
		paths = &n->own.roles[ROLE_TID];
	}
	return rc || !paths ? rc : names_add(n, paths);
}

void tid_names_done(struct tid_names *n)
{
	if (n->has_own)
		format_done(&n->own);
	free(n->all);
	bytes_free(&n->made);
	*n = (struct tid_names){0};
}

/* ---- values ---- */

bool tid_names_counts(enum slot_kind kind, struct slice value)
{
	size_t zeros = 0;

	if (kind == SLOT_JSON || !value.len || value.len > LINE_MAX_TID || slice_is(value, "true") ||
	    slice_is(value, "false") || (kind == SLOT_SCALAR && slice_is(value, "null")))
		return false;
	while (zeros < value.len && (value.ptr[zeros] == '0' || value.ptr[zeros] == '-'))
		zeros++;
	return zeros < value.len;
}

static struct slice text_at(const struct line *l, uint32_t off, uint32_t len)
{
	return (struct slice){l->text + off, len};
}

/* Top level, fields, span, spans from the innermost to the outermost; in each the names in their order. */
static uint64_t rank_of(const struct tid_name *name, unsigned section, unsigned element)
{
	unsigned place = name->section == ANY_SECTION ? section : SECTION_TOP;

	return (uint64_t)(SECTION_SPANS + 1 - place) << 32 | (uint64_t)element << 16 | (UINT16_MAX - name->order);
}

static bool may_stand(const struct tid_name *name, unsigned section)
{
	return name->section == ANY_SECTION || name->section == section;
}

static bool is_key_of(const struct tid_name *name, const struct token *t, struct slice key)
{
	return slice_same(name->key, key) && may_stand(name, t->section) &&
	       !(name->text_only && t->kind != SLOT_STRING);
}

/* Most keys are of another length than all names. */
static inline bool may_be_key(const struct tid_names *n, uint32_t len)
{
	return n->lengths >> (len < 63 ? len : 63) & 1;
}

uint64_t tid_names_rank(const struct tid_names *n, const struct line *l, const struct token *t)
{
	struct slice key = text_at(l, t->key_off, t->key_len);

	if (!may_be_key(n, t->key_len))
		return 0;
	for (size_t i = 0; i < n->n; i++)
		if (!n->all[i].template && is_key_of(&n->all[i], t, key))
			return rank_of(&n->all[i], t->section, t->element);
	return 0;
}

struct best {
	uint64_t rank;
	struct slice text;
};

static void best_take(struct best *b, uint64_t rank, enum slot_kind kind, struct slice text)
{
	if (rank > b->rank && tid_names_counts(kind, text))
		*b = (struct best){rank, text};
}

/* Names that lead into an object. */
static void into_object(struct tid_names *n, const struct line *l, const struct token *t, struct best *b)
{
	for (size_t i = 0; i < n->n; i++) {
		const struct tid_name *name = &n->all[i];
		struct member m;
		char path[256];
		size_t len;

		if (!name->deep || !may_stand(name, t->section) || name->key.len <= t->key_len ||
		    name->key.ptr[t->key_len] != '.' || memcmp(name->key.ptr, l->text + t->key_off, t->key_len) != 0)
			continue;
		len = name->key.len - t->key_len - 1;
		if (len >= sizeof path)
			continue;
		memcpy(path, name->key.ptr + t->key_len + 1, len);
		path[len] = '\0';
		n->vague = true;
		if (member_at(text_at(l, t->off, t->len), path, &m) && !(name->text_only && m.kind != SLOT_STRING))
			best_take(b, rank_of(name, t->section, t->element), m.kind, m.value);
	}
}

/* ---- those that are put together ---- */

static const struct token *token_of(const struct line *l, unsigned section, unsigned element, struct slice key)
{
	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];

		if (t->section == section && t->element == element &&
		    slice_same(text_at(l, t->key_off, t->key_len), key))
			return t;
	}
	return NULL;
}

/* True where all of its values are there; the text is in out. */
static bool compose(const struct line *l, const char *template, unsigned section, unsigned element, struct bytes *out)
{
	out->len = 0;
	while (*template) {
		size_t n = strcspn(template, "{");
		const struct token *t;

		bytes_escape(out, template, n);
		template += n;
		if (!*template)
			break;
		n = strcspn(++template, "}");
		t = token_of(l, section, element, (struct slice){template, n});
		if (!t || t->kind == SLOT_JSON || !t->len ||
		    (t->kind == SLOT_SCALAR && slice_is(text_at(l, t->off, t->len), "null")))
			return false;
		bytes_add(out, l->text + t->off, t->len);
		template += n + (template[n] == '}');
	}
	return !out->failed && out->len;
}

static void composed_at(const struct tid_names *n, const struct line *l, unsigned section, unsigned element,
                        struct bytes *room, struct bytes *made, struct best *b)
{
	for (size_t i = 0; i < n->n; i++) {
		uint64_t rank = rank_of(&n->all[i], section, element);
		struct bytes swap;

		if (!n->all[i].template || rank <= b->rank || !compose(l, n->all[i].path, section, element, room) ||
		    !tid_names_counts(SLOT_STRING, (struct slice){room->ptr, room->len}))
			continue;
		swap = *made;
		*made = *room;
		*room = swap;
		*b = (struct best){rank, {made->ptr, made->len}};
	}
}

static void composed(struct tid_names *n, const struct line *l, struct best *b)
{
	struct bytes room = {0};

	composed_at(n, l, SECTION_TOP, 0, &room, &n->made, b);
	composed_at(n, l, SECTION_FIELDS, 0, &room, &n->made, b);
	composed_at(n, l, SECTION_SPAN, 0, &room, &n->made, b);
	for (unsigned i = l->nspans; i--;)
		composed_at(n, l, SECTION_SPANS, i, &room, &n->made, b);
	n->made.failed |= room.failed;
	bytes_free(&room);
}

/* ---- a line ---- */

bool tid_names_take(struct tid_names *n, struct line *l, bool *made)
{
	struct best b = {0, SLICE_NONE};

	*made = n->vague = false;
	if (!n->n || (l->tid.ptr && !n->given))
		return false;
	for (unsigned i = 0; i < l->ntokens; i++) {
		struct token *t = &l->tokens[i];
		uint64_t rank = may_be_key(n, t->key_len) ? tid_names_rank(n, l, t) : 0;

		t->named = rank != 0;
		if (rank)
			best_take(&b, rank, (enum slot_kind)t->kind, text_at(l, t->off, t->len));
		if (n->deep && t->kind == SLOT_JSON && l->text[t->off] == '{')
			into_object(n, l, t, &b);
	}
	n->vague |= n->templates;
	if (n->templates)
		composed(n, l, &b);
	if (!b.rank)
		return false;
	*made = n->made.len && b.text.ptr == n->made.ptr;
	l->tid = b.text;
	return true;
}
