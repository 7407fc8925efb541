/* SPDX-License-Identifier: Apache-2.0 */
/* sitetext.c - a site's fixed parts; see sitetext.h. */
#include "encode/sitetext.h"

#include "base/buf.h"
#include "base/escape.h"

/* In a span object these are ours. */
static bool key_taken(const struct site *site, const char *key)
{
	return site->kind != ILU_SITE_EVENT_ && (!strcmp(key, "name") || !strcmp(key, "id") || !strcmp(key, "parent"));
}

static char *put_key(char *at, const struct site *site, unsigned i)
{
	if (site->kind == ILU_SITE_EVENT_)
		*at++ = ',';
	*at++ = '"';
	at += escape_json(at, site->keys[i], site->key_lens[i]);
	if (key_taken(site, site->keys[i]))
		*at++ = '_';
	return PUT(at, "\":");
}

static const char *key_name(const struct site *site, unsigned i)
{
	return i == SITE_TID ? "tid" : site->keys[i];
}

static void sort_keys(struct site_text *t, const struct site *site)
{
	unsigned n = 0;

	for (unsigned i = 0; i <= site->count; i++) {
		unsigned what = i == site->count ? SITE_TID : i, at = n++;

		while (at && strcmp(key_name(site, t->order[at - 1]), key_name(site, what)) > 0) {
			t->order[at] = t->order[at - 1];
			at--;
		}
		t->order[at] = (uint8_t)what;
	}
}

static size_t room_of(const struct site *site)
{
	size_t room = 256 + PUT_SLACK + ESCAPE_ROOM(site->text_len) * 3 + ESCAPE_ROOM(site->target_len) * 2;

	for (unsigned i = 0; i < site->count; i++)
		room += ESCAPE_ROOM(site->key_lens[i]) + 8;
	return room;
}

static char *put_head(char *at, const struct site *site)
{
	const char *level = site_level_name(site->level);

	at = PUT(at, "Z\",\"level\":\"");
	at = put(at, level, strlen(level));
	at = PUT(at, "\",\"fields\":{\"message\":\"");
	if (site->kind != ILU_SITE_EVENT_)
		return at;
	at += escape_json(at, site->text, site->text_len);
	return PUT(at, "\",\"tid\":\"");
}

static struct site_text *render(const struct site *site)
{
	struct site_text *t = calloc(1, sizeof *t + room_of(site));
	char *at = t ? (char *)(t + 1) : NULL;

	if (!t)
		return NULL;
	t->head = at;
	at = put_head(at, site);
	t->head_len = (uint32_t)(at - t->head);
	t->tail = at;
	at = PUT(at, "},\"target\":\"");
	at += escape_json(at, site->target, site->target_len);
	*at++ = '"';
	t->tail_len = (uint32_t)(at - t->tail);
	for (unsigned i = 0; i < site->count; i++) {
		t->key[i] = at;
		at = put_key(at, site, i);
		t->key_len[i] = (uint32_t)(at - t->key[i]);
	}
	t->name = at;
	at = PUT(at, "\"name\":\"");
	at += escape_json(at, site->text, site->text_len);
	at = PUT(at, "\",\"id\":\"");
	t->name_len = (uint32_t)(at - t->name);
	t->frame = at;
	at += escape_json(at, site->target, site->target_len);
	at = PUT(at, "::");
	at += escape_json(at, site->text, site->text_len);
	t->frame_len = (uint32_t)(at - t->frame);
	sort_keys(t, site);
	t->room = (size_t)(at - t->head) + 64;
	return t;
}

const struct site_text *site_text(struct site *site)
{
	if (!site->rendered)
		site->rendered = render(site);
	return site->rendered;
}
