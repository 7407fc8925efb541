/* SPDX-License-Identifier: GPL-3.0-or-later */
/* layer.c - lists of fields, and values by their paths. */
#include "ingest/layer.h"
#include "base/array.h"
#include "base/scan.h"

#include <stdlib.h>

struct layer *layer_add(struct record *r, const struct log_format *f)
{
	struct layer *l = &r->layers[r->n++];

	l->n = 0;
	l->format = f;
	l->pattern = NULL;
	l->message = l->escaped = l->plain = SLICE_NONE;
	return l;
}

bool layer_field(struct record *r, struct layer *l, struct field f)
{
	struct field *to;

	if (l->n >= RECORD_MAX_KEYS) {
		r->reason = RECORD_TOO_MANY;
		return false;
	}
	to = array_add(l->fields, l->n, l->room);
	if (!to) {
		r->no_memory = true;
		return false;
	}
	*to = f;
	return true;
}

enum field_kind field_kind_of(enum slot_kind kind)
{
	return kind == SLOT_STRING ? FIELD_STRING : kind == SLOT_SCALAR ? FIELD_SCALAR : FIELD_JSON;
}

/* Room for a text that lives as long as the record, with slack behind it; NULL: no memory. */
char *record_text_room(struct record *r, size_t len)
{
	char *room = NULL;

	if (!array_reserve(r->texts, r->texts_room, r->ntexts + 1))
		room = malloc(len + SCAN_SLACK);
	if (!room) {
		r->no_memory = true;
		return NULL;
	}
	memset(room + len, 0, SCAN_SLACK);
	return r->texts[r->ntexts++] = room;
}

struct slice record_text_copy(struct record *r, struct slice text)
{
	char *copy = record_text_room(r, text.len);

	return copy ? (struct slice){memcpy(copy, text.ptr, text.len), text.len} : SLICE_NONE;
}

struct slice record_text_unescape(struct record *r, struct slice escaped)
{
	char *copy = record_text_room(r, 3 * escaped.len);
	size_t len;

	if (!copy)
		return SLICE_NONE;
	len = json_unescape(escaped, copy);
	memset(copy + len, 0, SCAN_SLACK);
	return (struct slice){copy, len};
}

bool layer_find(struct layer *l, const char *path, struct found *out)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < l->n; i++) {
		struct field *f = &l->fields[i];
		struct member m;

		if (f->key.len == len && !memcmp(f->key.ptr, path, len)) {
			*out = (struct found){(enum field_kind)f->kind, f->value, f, true};
			return true;
		}
		if (f->kind == FIELD_JSON && f->key.len < len && path[f->key.len] == '.' &&
		    !memcmp(f->key.ptr, path, f->key.len) && member_at(f->value, path + f->key.len + 1, &m)) {
			*out = (struct found){field_kind_of(m.kind), m.value, f, false};
			return true;
		}
	}
	return false;
}

/* Not there, empty, null or all zeros: then the next path counts. */
bool found_is_nothing(const struct found *v)
{
	if (!v->value.len)
		return true;
	if (v->kind == FIELD_SCALAR && slice_is(v->value, "null"))
		return true;
	if (v->kind == FIELD_JSON)
		return false;
	for (size_t i = 0; i < v->value.len; i++)
		if (v->value.ptr[i] != '0' && v->value.ptr[i] != '-')
			return false;
	return true;
}

/* ---- lists of records ---- */

int record_list(struct slice text, int (*each)(void *arg, struct slice object), void *arg)
{
	const char *p = text.ptr, *end = p + text.len, *reason, *stop;
	int rc = 0;

	while (p < end && !rc) {
		bool high = false;

		p = memchr(p, '{', (size_t)(end - p));
		if (!p)
			break;
		stop = scan_nested(p, end, &high, &reason);
		if (stop) {
			rc = each(arg, (struct slice){p, (size_t)(stop - p)});
			p = stop;
		} else {
			p++;
		}
	}
	return rc;
}
