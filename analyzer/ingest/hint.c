/* SPDX-License-Identifier: GPL-3.0-or-later */
/* hint.c - keys of records without a time, and levels that nobody knows. */
#include "ingest/layer.h"

#include <stdio.h>

static void text_cut(char *to, size_t room, struct slice text)
{
	size_t n = text.len < room ? text.len : room - 1;

	while (n < text.len && n && ((unsigned char)text.ptr[n] & 0xC0) == 0x80)
		n--; /* no half a letter */
	memcpy(to, text.ptr, n);
	to[n] = '\0';
}

/* Could a value be the time of a record? Numbers are, of this century until 2100. */
static bool is_time(enum field_kind kind, struct slice value)
{
	const int64_t from = INT64_C(946684800000000000), to = INT64_C(4102444800000000000);
	struct spelt s;
	int64_t ns;

	if (kind == FIELD_JSON)
		return false;
	if (!time_number(value, UNIT_BY_SIZE, &ns))
		return ns >= from && ns < to && value.len >= 9;
	return kind != FIELD_SCALAR && !time_text(value, false, &s) && !s.no_day && !s.no_clock;
}

static void time_inside(struct record_hints *h, const struct field *f)
{
	struct members m;
	struct member one;

	if (*f->value.ptr != '{')
		return;
	for (members_start(&m, f->value); !h->time_path[0] && members_next(&m, &one) == 1;)
		if (is_time(field_kind_of(one.kind), one.value) && f->key.len + one.key.len + 1 < sizeof h->time_path)
			snprintf(h->time_path, sizeof h->time_path, "%.*s.%.*s", (int)f->key.len, f->key.ptr,
			         (int)one.key.len, one.key.ptr);
}

void hint_time(struct record_hints *h, struct record *r, struct slice odd)
{
	const struct layer *l = &r->layers[r->n - 1];
	size_t at = 0;

	if (odd.ptr && !h->odd_time[0])
		text_cut(h->odd_time, sizeof h->odd_time, odd);
	if (odd.ptr || h->timeless)
		return;
	h->timeless = true;
	for (size_t i = 0; i < l->n; i++) {
		const struct field *f = &l->fields[i];

		if (at + f->key.len + 8 < sizeof h->keys)
			at += (size_t)snprintf(h->keys + at, sizeof h->keys - at, "%s%.*s", at ? ", " : "",
			                       (int)f->key.len, f->key.ptr);
		else if (at && h->keys[at - 1] != '.')
			at += (size_t)snprintf(h->keys + at, sizeof h->keys - at, ", ...");
		if (!h->time_path[0] && is_time((enum field_kind)f->kind, f->value) && f->key.len < sizeof h->time_path)
			text_cut(h->time_path, sizeof h->time_path, f->key);
	}
	for (size_t i = 0; i < l->n && !h->time_path[0]; i++)
		if (l->fields[i].kind == FIELD_JSON)
			time_inside(h, &l->fields[i]);
}

void hint_level(struct record_hints *h, struct slice word)
{
	char text[sizeof h->levels[0]];

	text_cut(text, sizeof text, word);
	for (unsigned i = 0; i < h->nlevels; i++)
		if (!strcmp(h->levels[i], text))
			return;
	if (h->nlevels < HINT_LEVELS)
		strcpy(h->levels[h->nlevels++], text);
	else
		h->more_levels = true;
}

void hints_add(struct record_hints *h, const struct record_hints *other)
{
	if (!h->timeless && other->timeless) {
		h->timeless = true;
		strcpy(h->keys, other->keys);
		strcpy(h->time_path, other->time_path);
	}
	if (!h->odd_time[0])
		strcpy(h->odd_time, other->odd_time);
	for (unsigned i = 0; i < other->nlevels; i++)
		hint_level(h, (struct slice){other->levels[i], strlen(other->levels[i])});
	h->more_levels |= other->more_levels;
}
