/* SPDX-License-Identifier: Apache-2.0 */
/* encode.c - from a record to its line; see encode.h.
 *
 * Key order: timestamp level fields target span spans threadName pid seq. Room is asked for once a line, for the worst
 * case, so that nothing is checked in between. */
#include "encode/encode_line.h"

#include "base/dtoa.h"
#include "base/escape.h"
#include "call/limit.h"
#include "base/now.h"
#include "box/box.h"
#include "box/slab.h"
#include "base/tid.h"

#include <errno.h>
#include <time.h>
#include <unistd.h>

int encoder_init(struct encoder *enc, const struct config *config, bool tsc)
{
	time_t now = (time_t)(now_wall_ns() / 1000000000);
	struct tm local;

	memset(enc, 0, sizeof *enc);
	enc->list = config->include_spans_json;
	enc->iluvatar = config->timestamp_format == CONFIG_TIMESTAMP_ILUVATAR;
	enc->spanning = config->spanning;
	enc->second_ns = INT64_MIN / 2;
	enc->pid = now_replaced() ? VIRTUAL_PID : getpid();
	enc->seq = 1;
	if (enc->iluvatar && localtime_r(&now, &local))
		enc->offset_s = (int32_t)local.tm_gmtoff;
	tid_hex(enc->tid_bits, enc->tid_hex);
	if (span_texts_init(&enc->spans, slab_size()))
		return -ENOMEM;
	stamp_init(&enc->scale, tsc);
	return 0;
}

int encoder_init_for(struct encoder *enc, const struct region_header *h)
{
	const struct region_clock *clock = &h->clock[h->clock_now & 1];

	memset(enc, 0, sizeof *enc);
	enc->list = h->list;
	enc->iluvatar = h->iluvatar;
	enc->offset_s = h->offset_s;
	enc->spanning = h->spanning;
	enc->second_ns = INT64_MIN / 2;
	enc->pid = (int64_t)h->pid;
	tid_hex(enc->tid_bits, enc->tid_hex);
	stamp_from(&enc->scale, h->tsc, clock->stamp, clock->wall_ns, clock->ns_per_tick);
	return span_texts_init(&enc->spans, (uint32_t)h->slots) ? -ENOMEM : 0;
}

void encoder_done(struct encoder *enc)
{
	flame_close(&enc->flame);
	recorder_done(&enc->recorder);
	buf_done(&enc->out);
	span_texts_done(&enc->spans);
}

/* ---- values ---- */

/* The common values, in place: numbers, and text that is whole. NULL: it is none of these, nothing is taken. */
static inline char *put_plain_value(char *at, unsigned type, const char **payload, const char *end)
{
	const char *from = *payload;
	uint64_t word;
	double real;
	uint32_t len;

	if (type == ILU_T_STR_ && end - from >= 4) {
		memcpy(&len, from, 4);
		if (len > (size_t)(end - from) - 4)
			return NULL; /* cut, or NULL */
		*payload = from + 4 + len;
		*at++ = '"';
		at += escape_json(at, from + 4, len);
		*at++ = '"';
		return at;
	}
	if (end - from < 8)
		return NULL;
	memcpy(&word, from, 8);
	*payload = from + 8;
	switch (type) {
	case ILU_T_I64_:
		return at + itoa_i64((int64_t)word, at);
	case ILU_T_U64_:
		return at + itoa_u64(word, at);
	case ILU_T_F64_:
		memcpy(&real, &word, 8);
		return at + dtoa_json(real, at);
	case ILU_T_BOOL_:
		memcpy(at, word ? "true " : "false", 5);
		return at + 5 - (word != 0);
	default:
		*payload = from;
		return NULL;
	}
}

/* The values of a site's keys, each after its key. */
static char *put_values(struct encoder *enc, char *at, struct line_view *v)
{
	const struct site_text *text = v->text;
	const uint8_t *types = v->site->types;
	const char *payload = v->at, *end = v->end, *before;

	for (unsigned i = 0, count = v->site->count; i < count; i++) {
		bool cut = false;
		char *next;

		at = put_wide(at, text->key[i], text->key_len[i]);
		next = put_plain_value(at, types[i], &payload, end);
		if (ILU_LIKELY_(next)) {
			at = next;
			continue;
		}
		before = payload;
		at = value_put(at, types[i], &payload, end, &cut);
		if (types[i] == ILU_T_ERRNO_ && payload - before == 8)
			at = line_put_errno_name(at, text->key[i], text->key_len[i], before);
		enc->cut += cut;
	}
	v->at = payload;
	return at;
}

/* ---- events ---- */

static char *put_event_tid(struct encoder *enc, char *at, const struct line_view *v)
{
	at = line_put_tid(enc, at, v);
	return PUT(at, "\"");
}

/* How many calls of the site made no line since its last one. */
static char *put_suppressed(char *at, const struct line_view *v)
{
	bool taken = false;

	for (unsigned i = 0; i < v->site->count; i++)
		taken |= !strcmp(v->site->keys[i], "suppressed");
	return limit_put(v->site->limit, taken ? "suppressed_" : "suppressed", at);
}

static bool recorded(const struct line_view *v)
{
	return v->record->word & ILU_RECORDED_;
}

static void encode_event(struct encoder *enc, struct ring *ring, struct line_view *v)
{
	struct span_text *span = encode_span_of(enc, v->record->span);
	char *at = line_begin(enc, v);

	if (!at)
		return;
	line_look_at_tid(v);
	at = put_event_tid(enc, at, v);
	at = put_values(enc, at, v);
	if (ILU_UNLIKELY_(v->site->limit != NULL) && !recorded(v))
		at = put_suppressed(at, v);
	if (!span && v->record->span)
		enc->orphans++;
	line_end(enc, ring, at, v, span, v->record->span);
}

/* A key of ilu_log_array, made different from those before it. */
struct array_key {
	const char *text;
	uint32_t len, under; /* `under` underscores follow */
};

static bool key_taken(const struct array_key *keys, size_t n, const char *text, uint32_t len, uint32_t under)
{
	static const char *const reserved[] = {"message", "tid"};

	for (size_t i = 0; i < 2 && !under; i++) {
		if (len == strlen(reserved[i]) && !memcmp(text, reserved[i], len))
			return true;
	}
	for (size_t i = 0; i < n; i++) {
		if (keys[i].len == len && keys[i].under == under && !memcmp(keys[i].text, text, len))
			return true;
	}
	return false;
}

/* The keys lie in the record, each before its value: u8 type, u8 length, text. */
static char *put_array(struct encoder *enc, char *at, struct line_view *v)
{
	struct array_key keys[256];
	uint64_t count = line_take_word(v);

	for (size_t n = 0; n < count && n < 256 && v->end - v->at >= 2; n++) {
		unsigned type = (unsigned char)v->at[0];
		struct array_key *key = &keys[n];
		const char *rendered = at, *payload;
		bool cut = false;

		*key = (struct array_key){v->at + 2, (unsigned char)v->at[1], 0};
		v->at += 2 + key->len;
		while (key_taken(keys, n, key->text, key->len, key->under))
			key->under++;
		at = PUT(at, ",\"");
		at += escape_json(at, key->text, key->len);
		memset(at, '_', key->under);
		at = PUT(at + key->under, "\":");
		size_t key_len = (size_t)(at - rendered);

		payload = v->at;
		at = value_put(at, type, &v->at, v->end, &cut);
		if (type == ILU_T_ERRNO_ && v->at - payload == 8)
			at = line_put_errno_name(at, rendered, key_len, payload);
		enc->cut += cut;
	}
	if (v->site->limit && !recorded(v))
		at = limit_put(
		    v->site->limit,
		    key_taken(keys, count < 256 ? count : 256, "suppressed", 10, 0) ? "suppressed_" : "suppressed", at);
	return at;
}

static void encode_array(struct encoder *enc, struct ring *ring, struct line_view *v)
{
	struct span_text *span = encode_span_of(enc, v->record->span);
	char *at;

	/* up to 256 keys, each with at most 256 underscores and a name of an errno */
	if (!buf_room(&enc->out, 6 * v->size + v->text->room + 256 * (VALUE_ROOM + 6 * 256 + 320))) {
		enc->unmade++;
		return;
	}
	at = line_begin(enc, v);
	if (!at)
		return;
	line_look_at_tid(v);
	at = put_event_tid(enc, at, v);
	at = put_array(enc, at, v);
	line_end(enc, ring, at, v, span, v->record->span);
}

/* ---- the ring's owner ---- */

static void encode_owner(struct encoder *enc, struct ring *ring, const struct ilu_record_ *record)
{
	struct region_taken taken = {.at = 0};
	struct ring_owner owner;

	if (enc->flame.sink)
		flame_owner(&enc->flame, (uint32_t)(ring - rings_at(0)));
	memcpy(&owner, record + 1, sizeof owner);
	taken.thread_id = owner.thread_id;
	memcpy(taken.name, owner.name, sizeof owner.name);
	encode_owner_of(enc, ring, &taken);
}

void encode_owner_of(struct encoder *enc, struct ring *ring, const struct region_taken *owner)
{
	char *at = ring->thread_json;

	ring->owner_read = *owner;
	at = PUT(at, ",\"threadName\":\"");
	at += escape_json(at, owner->name, strnlen(owner->name, sizeof owner->name));
	at = PUT(at, "\",\"pid\":");
	at += itoa_i64(enc->pid, at);
	at = PUT(at, ",\"seq\":");
	ring->thread_json_len = (uint32_t)(at - ring->thread_json);
}

/* ---- the recorder ---- */

static void keep(struct encoder *enc, const struct ring *ring, const struct ilu_record_ *record)
{
	struct span_text *span = span_texts_get(&enc->spans, record->span);

	if (!enc->recorder.on)
		return; /* it is of another process, or of an earlier start */
	if (span)
		span->recorded = true;
	recorder_keep(&enc->recorder, ring, record);
}

void encode_recorded(struct encoder *enc, struct ring *ring, const struct ilu_record_ *record)
{
	const char *mark = enc->mark;
	struct line_view v;

	enc->begin = enc->out.len;
	enc->mark = ENCODE_RECORDED;
	if (!line_look(enc, &v, record))
		enc->unmade++;
	else if ((record->word & ILU_OP_MASK_) == ILU_OP_EVENT_)
		encode_event(enc, ring, &v);
	else
		encode_array(enc, ring, &v);
	enc->mark = mark;
}

/* An event, now that it is known to make a line. */
INLINED void encode_said(struct encoder *enc, struct ring *ring, struct line_view *v, unsigned operation)
{
	if (ILU_UNLIKELY_(v->site->level <= enc->recorder.on) && enc->ask) {
		enc->ask(enc->who, v->record);
		enc->begin = enc->out.len;
	}
	if (ILU_LIKELY_(operation == ILU_OP_EVENT_))
		encode_event(enc, ring, v);
	else
		encode_array(enc, ring, v);
}

/* A record of a site that may not speak as often as it likes. */
static void encode_limited(struct encoder *enc, struct ring *ring, struct line_view *v, unsigned operation)
{
	struct limit *limit = v->site->limit;
	uint64_t written;

	if (operation == ILU_OP_WITHHELD_) {
		limit_add(limit, line_take_word(v));
		return;
	}
	if (!limit_wants(limit, v->record, &enc->scale))
		return;
	written = enc->written;
	encode_said(enc, ring, v, operation);
	if (enc->written != written)
		limit_told(limit);
}

void encode_record(struct encoder *enc, struct ring *ring, const struct ilu_record_ *record)
{
	unsigned operation = record->word & ILU_OP_MASK_;
	struct line_view v;

	enc->begin = enc->out.len;
	if (operation == ILU_OP_OWNER_) {
		encode_owner(enc, ring, record);
		return;
	}
	if (ILU_UNLIKELY_(record->word & ILU_RECORDED_)) {
		keep(enc, ring, record);
		return;
	}
	if (!line_look(enc, &v, record))
		enc->unmade += line_is_made(enc, operation);
	else if (ILU_UNLIKELY_(v.site->limit != NULL))
		encode_limited(enc, ring, &v, operation);
	else if (ILU_LIKELY_(operation == ILU_OP_EVENT_) || operation == ILU_OP_ARRAY_)
		encode_said(enc, ring, &v, operation);
	else if (operation == ILU_OP_NEW_)
		encode_new(enc, ring, &v);
	else
		encode_span(enc, ring, &v, operation);
	if (operation != ILU_OP_CLOSE_)
		return;
	if (enc->boxed)
		box_span_close(record->span);
	if (!enc->site_of) {
		slab_give(SLAB_INDEX(record->span));
	} else {
		struct span_text *span = span_texts_get(&enc->spans, record->span);

		if (span)
			span->closed = true;
	}
}
