/* SPDX-License-Identifier: Apache-2.0 */
/* spantext.c - the spans as the appender sees them; see spantext.h. */
#include "encode/spantext.h"

#include "box/slab.h"

#include <errno.h>

int span_texts_init(struct span_texts *texts, uint32_t slots)
{
	texts->span = calloc(slots, sizeof *texts->span);
	texts->count = texts->span ? slots : 0;
	return texts->span ? 0 : -ENOMEM;
}

void span_texts_done(struct span_texts *texts)
{
	for (uint32_t i = 0; i < texts->used; i++)
		buf_done(&texts->span[i].json);
	free(texts->span);
	memset(texts, 0, sizeof *texts);
}

struct span_text *span_texts_get(struct span_texts *texts, uint64_t handle)
{
	uint32_t i = SLAB_INDEX(handle);

	if (!handle || i >= texts->count || texts->span[i].handle != handle)
		return NULL;
	return texts->span + i;
}

struct span_text *span_texts_new(struct span_texts *texts, uint64_t handle)
{
	uint32_t i = SLAB_INDEX(handle);

	if (i >= texts->count)
		return NULL;
	if (i >= texts->used)
		texts->used = i + 1;
	texts->span[i].handle = handle;
	texts->span[i].json.len = 0;
	texts->span[i].closed = texts->span[i].recorded = false;
	return texts->span + i;
}

void span_id_put(char out[16], uint64_t id)
{
	static const char hex[] = "0123456789abcdef";

	for (int i = 0; i < 16; i++)
		out[i] = hex[id >> (60 - 4 * i) & 15];
}

/* One past the JSON string that begins at `at`. */
static const char *past_string(const char *at)
{
	for (at++; *at != '"'; at++) {
		if (*at == '\\')
			at++;
	}
	return at + 1;
}

const char *span_text_past_value(const char *at)
{
	int depth = 0;

	for (;; at++) {
		if (*at == '"') {
			at = past_string(at) - 1;
			continue;
		}
		if (*at == '{' || *at == '[')
			depth++;
		else if (depth && (*at == '}' || *at == ']'))
			depth--;
		else if (!depth && (*at == ',' || *at == '}'))
			return at;
	}
}

/* Compare keys by their bytes between the quotes. */
static int compare(const char *a, size_t a_len, const char *b, size_t b_len)
{
	size_t n = a_len < b_len ? a_len : b_len;
	int c = memcmp(a + 1, b + 1, n - 2);

	return c ? c : (a_len > b_len) - (a_len < b_len);
}

/* Replace `old` bytes at `at` by `"key":value,`. */
static int splice(struct span_text *text, size_t at, size_t old, const char *key, size_t key_len, const char *value,
                  size_t value_len)
{
	size_t fresh = key_len + 1 + value_len + 1;
	char *p;

	if (!buf_room(&text->json, fresh + PUT_SLACK))
		return -ENOMEM;
	p = text->json.text + at;
	memmove(p + fresh, p + old, text->json.len - at - old);
	p = put(p, key, key_len);
	*p++ = ':';
	p = put(p, value, value_len);
	*p = ',';
	text->json.len += fresh - old;
	text->tail_at += (uint32_t)(fresh - old);
	return 0;
}

int span_text_set(struct span_text *text, const char *key, size_t key_len, const char *value, size_t value_len)
{
	const char *begin = text->json.text, *at = begin + 1, *tail = begin + text->tail_at;

	while (at < tail) {
		const char *colon = past_string(at), *end = span_text_past_value(colon + 1) + 1;
		int c = compare(key, key_len, at, (size_t)(colon - at));

		if (c <= 0)
			return splice(text, (size_t)(at - begin), c ? 0 : (size_t)(end - at), key, key_len, value,
			              value_len);
		at = end;
	}
	return splice(text, text->tail_at, 0, key, key_len, value, value_len);
}

int span_text_follow(struct span_text *text, uint64_t id)
{
	static const char key[] = "\"follows\"";
	const char *begin = text->json.text, *at = begin + 1, *tail = begin + text->tail_at;
	struct buf list = {0};
	int rc = -ENOMEM;

	for (; at < tail; at = span_text_past_value(past_string(at) + 1) + 1) {
		const char *colon = past_string(at), *end = span_text_past_value(colon + 1);

		if (!compare(key, sizeof key - 1, at, (size_t)(colon - at)) && colon[1] == '[') {
			list.len = (size_t)(end - colon - 2);
			if (!(list.text = malloc(list.len + 32)))
				return -ENOMEM;
			memcpy(list.text, colon + 1, list.len); /* without the "]" */
			list.text[list.len++] = ',';
			list.cap = list.len + 31;
		}
	}
	if (!list.len && buf_room(&list, 32))
		list.text[list.len++] = '[';
	if (buf_room(&list, 20)) {
		list.text[list.len++] = '"';
		span_id_put(list.text + list.len, id);
		list.len += 16;
		list.text[list.len++] = '"';
		list.text[list.len++] = ']';
		rc = span_text_set(text, key, sizeof key - 1, list.text, list.len);
	}
	buf_done(&list);
	return rc;
}
