/* SPDX-License-Identifier: Apache-2.0 */
/* encode_span.c - records of spans: each open one is an object, rendered once, that its lines and those in it have. */
#include "encode/encode_line.h"
#include "base/dtoa.h"
#include "base/duration.h"

#include <errno.h>

/* Where each value of the record begins: the object is written in the order of keys. */
static void find_values(const struct line_view *v, const char *at, const char **begin)
{
	for (unsigned i = 0; i < v->site->count; i++) {
		unsigned type = v->site->types[i];
		uint32_t head;

		begin[i] = at;
		if (type == ILU_T_NULL_ || type == ILU_T_SECRET_)
			continue;
		if (type != ILU_T_STR_ && type != ILU_T_JSON_) {
			at += 8;
			continue;
		}
		memcpy(&head, at, 4);
		at += 4;
		if (head != ILU_NO_TEXT_)
			at += (head & ~ILU_CUT_) + (head & ILU_CUT_ ? 4 : 0);
	}
}

static char *put_field(struct encoder *enc, char *at, const struct line_view *v, unsigned i, const char *payload)
{
	bool cut = false;
	const char *end = payload;

	if (i == SITE_TID) {
		at = PUT(at, "\"tid\":\"");
		at = line_put_tid(enc, at, v);
		return PUT(at, "\",");
	}
	at = put(at, v->text->key[i], v->text->key_len[i]);
	at = value_put(at, v->site->types[i], &end, v->end, &cut);
	enc->cut += cut;
	*at++ = ',';
	if (v->site->types[i] == ILU_T_ERRNO_) {
		char *after = line_put_errno_name(at, v->text->key[i], v->text->key_len[i], payload);

		if (after != at)
			*after++ = ',';
		at = after;
	}
	return at;
}

/* {"fqdn":"hello-1","tid":"...","name":"invoke","id":"...","parent":"..."} */
static bool render_span(struct encoder *enc, struct span_text *span, struct line_view *v, uint64_t parent_id)
{
	const char *begin[17];
	char *at;

	if (!buf_room(&span->json, 6 * v->size + v->text->room + 512 + VALUE_ROOM * (v->site->count + 1u)))
		return false;
	find_values(v, v->at, begin);
	at = span->json.text;
	*at++ = '{';
	for (unsigned i = 0; i <= v->site->count; i++) {
		unsigned what = v->text->order[i];

		at = put_field(enc, at, v, what, what == SITE_TID ? NULL : begin[what]);
	}
	span->tail_at = (uint32_t)(at - span->json.text);
	at = put(at, v->text->name, v->text->name_len);
	span_id_put(at, span->id);
	at += 16;
	if (parent_id) {
		at = PUT(at, "\",\"parent\":\"");
		span_id_put(at, parent_id);
		at += 16;
	}
	at = PUT(at, "\"}");
	span->json.len = (size_t)(at - span->json.text);
	return true;
}

static void span_line(struct encoder *enc, struct ring *ring, struct line_view *v, const struct span_text *span,
                      const char *message, const char *more, uint64_t leaf)
{
	char *at = line_begin(enc, v);

	if (!at)
		return;
	at = put(at, message, strlen(message));
	at = PUT(at, "\"");
	at = put(at, more, strlen(more));
	line_end(enc, ring, at, v, span, leaf);
}

void encode_new(struct encoder *enc, struct ring *ring, struct line_view *v)
{
	struct span_text *span = span_texts_new(&enc->spans, v->record->span), *parent;
	uint64_t remote;

	if (!span) {
		enc->unmade += (enc->spanning & CONFIG_SPAN_NEW) != 0;
		return;
	}
	line_look_at_tid(v);
	span->id = line_take_word(v);
	span->parent = line_take_word(v);
	remote = line_take_word(v);
	span->opened = v->record->stamp;
	span->site = v->site->number;
	parent = span_texts_get(&enc->spans, span->parent);
	if (!render_span(enc, span, v, remote ? remote : parent ? parent->id : 0)) {
		span->handle = 0;
		enc->unmade += (enc->spanning & CONFIG_SPAN_NEW) != 0;
		return;
	}
	encode_tell_box(enc, span);
	if (enc->spanning & CONFIG_SPAN_NEW)
		span_line(enc, ring, v, span, "new", "", span->parent);
}

/* ,"KEY":"83.1µs" */
static char *put_duration(char *at, const char *key, size_t len, uint64_t ns)
{
	memcpy(at, key, len);
	at += len;
	at += duration_text(ns, at);
	*at++ = '"';
	return at;
}

static char *put_count(char *at, const char *key, size_t len, uint64_t value)
{
	memcpy(at, key, len);
	return at + len + itoa_u64(value, at + len);
}

#define LITERAL(text) text, sizeof text - 1

static void encode_close(struct encoder *enc, struct ring *ring, struct line_view *v, struct span_text *span)
{
	uint64_t leaf = line_take_word(v);
	uint64_t busy = stamp_duration_ns(&enc->scale, line_take_word(v));
	uint64_t open = stamp_duration_ns(&enc->scale, line_take_word(v));
	char more[192], *at = more;

	if (open < busy)
		open = busy;
	at = put_duration(at, LITERAL(",\"time.busy\":\""), busy);
	at = put_duration(at, LITERAL(",\"time.idle\":\""), open - busy);
	at = put_count(at, LITERAL(",\"busy_ns\":"), busy);
	at = put_count(at, LITERAL(",\"idle_ns\":"), open - busy);
	*at = '\0';
	if (enc->spanning & CONFIG_SPAN_CLOSE)
		span_line(enc, ring, v, span, "close", more, leaf);
	if (enc->recorder.on)
		recorder_keep_span(&enc->recorder, &enc->spans, span);
}

int encode_span_text(struct encoder *enc, struct span_text *span, const char *text, size_t len, uint32_t tail_at)
{
	const struct ilu_record_ record = {sizeof record, span->site << 8 | ILU_OP_NEW_, 0, span->handle};
	struct line_view v;
	char *at;

	if (!line_look(enc, &v, &record) || !buf_room(&span->json, len + v.text->room + 64 + PUT_SLACK))
		return -ENOMEM;
	at = put(span->json.text, text, len);
	span->tail_at = tail_at;
	if (!len) {
		*at++ = '{';
		span->tail_at = 1;
		at = put(at, v.text->name, v.text->name_len);
		span_id_put(at, span->id);
		at = PUT(at + 16, "\"}");
	}
	span->json.len = (size_t)(at - span->json.text);
	return 0;
}

void encode_left_open(struct encoder *enc, struct ring *ring, struct span_text *span, uint64_t stamp)
{
	const struct ilu_record_ record = {sizeof record, span->site << 8 | ILU_OP_CLOSE_, stamp, span->handle};
	uint64_t open = stamp > span->opened ? stamp_duration_ns(&enc->scale, stamp - span->opened) : 0;
	struct line_view v;
	char more[64];

	if (!(enc->spanning & CONFIG_SPAN_CLOSE) || !line_look(enc, &v, &record))
		return;
	*put_count(more, LITERAL(",\"open_ns\":"), open) = '\0';
	span_line(enc, ring, &v, span, "close", more, span->parent);
}

/* Fields that come later: each is set in the object. */
static void encode_fields(struct encoder *enc, struct line_view *v, struct span_text *span)
{
	for (unsigned i = 0; i < v->site->count; i++) {
		unsigned type = v->site->types[i];
		const char *key = v->text->key[i], *payload = v->at, *value;
		bool cut = false;
		char *end;

		if (!buf_room(&enc->out, 6 * v->size + 2 * VALUE_ROOM + v->text->room))
			return;
		value = enc->out.text + enc->out.len; /* scratch, after the last line */
		end = value_put(enc->out.text + enc->out.len, type, &v->at, v->end, &cut);
		enc->cut += cut;
		span_text_set(span, key, v->text->key_len[i] - 1, value, (size_t)(end - value));
		if (type == ILU_T_ERRNO_ && v->at - payload == 8) {
			/* `key_name":"ENOENT"`: the key's end is found by its length */
			size_t key_len = v->text->key_len[i] - 2 + sizeof("_name\"") - 1;
			char *named = enc->out.text + enc->out.len;

			end = line_put_errno_name(named, key, v->text->key_len[i], payload);
			if (end != named)
				span_text_set(span, named, key_len, named + key_len + 1,
				              (size_t)(end - named) - key_len - 1);
		}
	}
}

/* The time since the thread's last enter or exit was spent in `leaf` and what that is in. */
static void sample(struct encoder *enc, const struct ring *ring, const struct line_view *v, uint64_t leaf)
{
	static const char before[] = ",\"threadName\":\"";
	const struct span_text *stack[ENCODE_DEPTH];
	uint64_t ticks = flame_step(&enc->flame, (uint32_t)(ring - rings_at(0)), v->record->stamp);
	const char *name = ring->thread_json_len ? ring->thread_json + sizeof before - 1 : "\"";
	size_t room, n = line_chain(enc, leaf, stack, &room);

	if (!n)
		return;
	flame_begin(&enc->flame, name, (size_t)(strstr(name, "\"") - name));
	while (n-- > 0) {
		struct site *site = site_get(stack[n]->site);
		const struct site_text *text = site ? site_text(site) : NULL;

		if (text)
			flame_frame(&enc->flame, text->frame, text->frame_len);
	}
	flame_end(&enc->flame, stamp_duration_ns(&enc->scale, ticks));
}

void encode_span(struct encoder *enc, struct ring *ring, struct line_view *v, unsigned operation)
{
	struct span_text *span = span_texts_get(&enc->spans, v->record->span);

	if (span && enc->flame.sink && operation == ILU_OP_ENTER_)
		sample(enc, ring, v, span->parent);
	if (span && enc->flame.sink && operation == ILU_OP_EXIT_)
		sample(enc, ring, v, v->record->span);
	if (!span) {
		enc->unmade += line_is_made(enc, operation);
	} else {
		switch (operation) {
		case ILU_OP_ENTER_:
			if (enc->spanning & CONFIG_SPAN_ENTER)
				span_line(enc, ring, v, span, "enter", "", line_take_word(v));
			break;
		case ILU_OP_EXIT_:
			if (enc->spanning & CONFIG_SPAN_EXIT)
				span_line(enc, ring, v, span, "exit", "", line_take_word(v));
			break;
		case ILU_OP_RECORD_:
			encode_fields(enc, v, span);
			break;
		case ILU_OP_FOLLOWS_:
			span_text_follow(span, line_take_word(v));
			break;
		default:
			encode_close(enc, ring, v, span);
		}
	}
}
