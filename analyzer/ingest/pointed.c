/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pointed.c - spans, errors and workers, by the paths of formats.
 *
 * Their values stay fields like others. The reading says in which of them they stand ("as_span":"spanId"), which is the
 * same in all lines of a kind: so such lines are told by recipes, and whoever asks for a span reads the field. */
#include "ingest/layer.h"

/* How the reading names what v is. NULL: it has no name there. */
static const char *name_of(const struct found *v, const char *path)
{
	if (!v->whole || !v->field->used)
		return path;
	return v->field->taken & 1u << ROLE_TID       ? ":tid"
	       : v->field->taken & 1u << ROLE_MESSAGE ? ":message"
	       : v->field->taken & 1u << ROLE_TARGET  ? ":target"
	                                              : NULL;
}

static const char *role_find(struct record_reader *rr, struct layer *l, enum role role)
{
	const struct paths *p = &l->format->roles[role];

	rr->r->looking = ROLES_OF_READING;
	for (size_t i = 0; i < p->n; i++) {
		struct found v;
		const char *name;

		if (!layer_find(l, p->all[i], &v)) {
			look_note(rr, l, p->all[i], NULL);
			continue;
		}
		name = name_of(&v, p->all[i]);
		if (name == p->all[i] || !name)
			look_note(rr, l, p->all[i], &v);
		if (!name || found_is_nothing(&v))
			continue;
		v.field->pointed |= v.whole;
		return name;
	}
	return NULL;
}

static bool has_span_roles(const struct log_format *f)
{
	return f->roles[ROLE_DURATION].n || f->roles[ROLE_SPAN_UNTIL].n || f->nspan_begin || f->nspan_end;
}

/* What a line says of a span: its format says how a begin and an end look; a span with a length is whole. */
static enum span_line line_of(struct record_reader *rr, struct layer *l, const struct roles_found *out)
{
	const struct log_format *f = l->format;

	rr->r->looking = ROLES_OF_READING + 1;
	if (layer_has_keys(rr, l, f->span_begin, f->nspan_begin))
		return SPAN_LINE_BEGIN;
	if (layer_has_keys(rr, l, f->span_end, f->nspan_end))
		return SPAN_LINE_END;
	return (out->pointed[ROLE_DURATION] || out->pointed[ROLE_SPAN_UNTIL]) &&
	               (out->pointed[ROLE_SPAN] || !f->roles[ROLE_SPAN].n)
	           ? SPAN_LINE_WHOLE
	           : SPAN_LINE_NONE;
}

static void span_find(struct record_reader *rr, struct layer *l, struct roles_found *out)
{
	for (int role = ROLE_SPAN; role <= ROLE_SPAN_UNTIL; role++)
		out->pointed[role] = role_find(rr, l, (enum role)role);
	out->span_line = line_of(rr, l, out);
	out->span_format = l->format;
	for (int role = ROLE_SPAN; !out->span_line && role <= ROLE_SPAN_UNTIL; role++)
		out->pointed[role] = NULL;
}

/* Where a message is sent or received. The id that it has is the transaction, where the format names no other. */
static void pair_find(struct record_reader *rr, struct layer *l, struct roles_found *out)
{
	const struct log_format *f = l->format;

	rr->r->looking = ROLES_OF_READING + 1;
	out->pair = layer_has_keys(rr, l, f->sent, f->nsent)           ? "sent"
	            : layer_has_keys(rr, l, f->received, f->nreceived) ? "received"
	                                                               : NULL;
	if (out->pair)
		out->pointed[ROLE_PAIR] = role_find(rr, l, ROLE_PAIR);
}

void pointed_find(struct record_reader *rr, bool text, struct roles_found *out)
{
	struct record *r = rr->r;

	for (unsigned i = r->n; i--;) {
		struct layer *l = &r->layers[i];

		if (!l->format)
			continue;
		if (!text && !out->span_line && has_span_roles(l->format))
			span_find(rr, l, out);
		if (!text && !out->pair && (l->format->nsent || l->format->nreceived))
			pair_find(rr, l, out);
		for (int role = ROLE_ERROR; role <= ROLE_WORKER; role++)
			if (!out->pointed[role])
				out->pointed[role] = role_find(rr, l, (enum role)role);
	}
}
