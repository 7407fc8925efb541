/* SPDX-License-Identifier: Apache-2.0 */
/* encode.c - from a record to its line; see encode.h.
 *
 * Key order: timestamp level fields target span spans threadName pid seq. Room is asked for once a line, for the worst
 * case, so that nothing is checked in between. */
#include "encode/encode.h"

#include "base/dtoa.h"
#include "base/duration.h"
#include "base/escape.h"
#include "call/limit.h"
#include "base/now.h"
#include "encode/sitetext.h"
#include "box/box.h"
#include "box/slab.h"
#include "base/tid.h"
#include "base/value.h"

#include <errno.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

#define NANO 1000000000

/* What a record says, taken apart. */
struct view {
	const struct ilu_record_ *record;
	struct site *site;
	const struct site_text *text;
	const char *tid; /* NULL: none; 16 bytes, or 48 of a name */
	bool named;
	const char *at, *end; /* words and values */
	size_t size;
};

int encoder_init(struct encoder *enc, const struct config *config, bool tsc)
{
	time_t now = (time_t)(now_wall_ns() / NANO);
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

/* ---- the black box ---- */

/* The box's memory grows where it is; past its end the batch goes on in the heap. */
static bool grow_in_box(struct buf *b, size_t cap)
{
	char *text;

	if (region_reach(REGION_BATCH, cap)) {
		b->cap = cap;
		return true;
	}
	text = malloc(cap);
	if (!text)
		return false;
	memcpy(text, b->text, b->len);
	*b = (struct buf){text, b->len, cap, NULL};
	return true;
}

void encoder_back_to_box(struct encoder *enc)
{
	if (!enc->boxed || enc->out.grow || enc->out.len || !region_reach(REGION_BATCH, 1))
		return;
	buf_done(&enc->out);
	enc->out = (struct buf){region.base + region.header->batch_at, 0, 1, grow_in_box};
}

int encoder_leave_box(struct encoder *enc)
{
	struct buf own = {.text = NULL};

	enc->boxed = false;
	if (!enc->out.grow)
		return 0;
	if (!buf_room(&own, enc->out.len + 1))
		return -ENOMEM;
	memcpy(own.text, enc->out.text, enc->out.len);
	own.len = enc->out.len;
	enc->out = own;
	return 0;
}

uint64_t encoder_in_box(const struct encoder *enc)
{
	return enc->out.grow && region_kept(REGION_BATCH) ? enc->out.len : 0;
}

static void tell_box(const struct encoder *enc, const struct span_text *span)
{
	if (enc->boxed)
		box_span_put(&(struct box_span){span->handle, span->parent, span->id, span->opened, span->site,
		                                span->tail_at, span->json.text, span->json.len});
}

void encoder_use_box(struct encoder *enc)
{
	enc->boxed = true;
	encoder_back_to_box(enc);
	for (uint32_t i = 0; i < enc->spans.used; i++)
		if (enc->spans.span[i].handle && slab_open(enc->spans.span[i].handle))
			tell_box(enc, &enc->spans.span[i]);
}

/* ---- time ---- */

static void render_second(struct encoder *enc, int64_t wall_ns)
{
	int64_t second = wall_ns / NANO - (wall_ns % NANO < 0);
	time_t t = (time_t)second + enc->offset_s;
	struct tm tm;
	int n;

	gmtime_r(&t, &tm);
	n = snprintf(enc->second_text, sizeof enc->second_text, "{\"timestamp\":\"%04d-%02d-%02d%c%02d:%02d:%02d.",
	             tm.tm_year + 1900, tm.tm_mon + 1, tm.tm_mday, enc->iluvatar ? ' ' : 'T', tm.tm_hour, tm.tm_min,
	             tm.tm_sec);
	enc->second_len = (uint32_t)n;
	enc->second_ns = second * NANO;
}

/* The beginning of a line, up to the time's last digit. */
static char *put_time(struct encoder *enc, char *out, int64_t wall_ns)
{
	uint64_t rest = (uint64_t)wall_ns - (uint64_t)enc->second_ns;

	if (ILU_UNLIKELY_(rest >= NANO)) {
		render_second(enc, wall_ns);
		rest = (uint64_t)(wall_ns - enc->second_ns);
	}
	memcpy(out, enc->second_text, sizeof enc->second_text);
	out += enc->second_len;
	itoa_9((uint32_t)rest, out);
	out += 9;
	if (ILU_UNLIKELY_(enc->iluvatar)) {
		while (out[-1] == '0' && out[-2] != '.')
			out--;
	}
	return out;
}

/* ---- taking a record apart ---- */

/* On the way of each event, called from several places: a call costs as much as what it does. */
#define INLINED static inline __attribute__((always_inline))

INLINED bool look(const struct encoder *enc, struct view *v, const struct ilu_record_ *record)
{
	v->record = record;
	v->site =
	    ILU_LIKELY_(!enc->site_of) ? site_get(record->word >> 8) : enc->site_of(enc->process, record->word >> 8);
	v->text = !v->site ? NULL : v->site->rendered ? v->site->rendered : site_text(v->site);
	v->size = record->size;
	v->at = (const char *)(record + 1);
	v->end = (const char *)record + record->size;
	v->named = record->word & ILU_NAMED_;
	v->tid = NULL;
	return v->text != NULL;
}

static void look_at_tid(struct view *v)
{
	v->tid = v->at;
	v->at += v->named ? sizeof(ilu_tid) : 16;
}

static uint64_t take_word(struct view *v)
{
	uint64_t word = 0;

	if (v->end - v->at >= 8)
		memcpy(&word, v->at, 8);
	v->at += 8;
	return word;
}

/* The id between its quotes. */
static char *put_tid(struct encoder *enc, char *at, const struct view *v)
{
	ilu_tid tid;
	uint64_t bits[2];

	if (v->named) {
		memcpy(&tid, v->tid, sizeof tid);
		return at + escape_json(at, (const char *)&tid, tid.length_ < ILU_TID_MAX ? tid.length_ : 0);
	}
	memcpy(bits, v->tid, 16);
	if (bits[0] != enc->tid_bits[0] || bits[1] != enc->tid_bits[1]) {
		memcpy(enc->tid_bits, bits, 16);
		tid_hex(bits, enc->tid_hex);
	}
	memcpy(at, enc->tid_hex, sizeof enc->tid_hex);
	return at + sizeof enc->tid_hex;
}

/* `,"errno_name":"ENOENT"` after a KV_ERRNO; the key as rendered. */
static char *put_errno_name(char *at, const char *key, size_t key_len, const char *payload)
{
	const char *name;
	int64_t number;

	memcpy(&number, payload, 8);
	name = value_errno_name(number);
	if (!name)
		return at;
	at = put(at, key, key_len - 2); /* without `":` */
	at = PUT(at, "_name\":\"");
	at = put(at, name, strlen(name));
	return PUT(at, "\"");
}

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
static char *put_values(struct encoder *enc, char *at, struct view *v)
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
			at = put_errno_name(at, text->key[i], text->key_len[i], before);
		enc->cut += cut;
	}
	v->at = payload;
	return at;
}

/* ---- spans in a line ---- */

struct span_text *encode_span_of(struct encoder *enc, uint64_t handle)
{
	struct span_text *span;

	if (!handle)
		return NULL;
	span = span_texts_get(&enc->spans, handle);
	return span || ILU_LIKELY_(!enc->recorder.on) ? span : recorder_span(&enc->recorder, handle);
}

static size_t chain(struct encoder *enc, uint64_t handle, const struct span_text **out, size_t *room)
{
	size_t n = 0;

	*room = 64;
	for (struct span_text *s; n < ENCODE_DEPTH && (s = encode_span_of(enc, handle)); handle = s->parent) {
		*room += s->json.len + 1;
		out[n++] = s;
	}
	return n;
}

static char *put_list(char *at, const struct span_text *const *span, size_t n)
{
	at = PUT(at, ",\"spans\":[");
	while (n-- > 0) {
		at = put_wide(at, span[n]->json.text, span[n]->json.len);
		if (n)
			*at++ = ',';
	}
	return PUT(at, "]");
}

/* Everything after the fields. `self` is shown as `span`, `leaf` and what it is in as `spans`. */
static bool put_rest(struct encoder *enc, struct ring *ring, char *at, const struct view *v,
                     const struct span_text *self, uint64_t leaf)
{
	const struct span_text *stack[ENCODE_DEPTH];
	size_t room = 64, n = enc->list && self ? chain(enc, leaf, stack, &room) : 0;

	enc->out.len = (size_t)(at - enc->out.text);
	if (!buf_room(&enc->out, v->text->room + room + (self ? self->json.len : 0) + ring->thread_json_len + 128))
		return false;
	at = enc->out.text + enc->out.len;
	at = put_wide(at, v->text->tail, v->text->tail_len);
	if (self) {
		at = PUT(at, ",\"span\":");
		at = put_wide(at, self->json.text, self->json.len);
		if (enc->list)
			at = put_list(at, stack, n);
	}
	at = put_wide(at, ring->thread_json, ring->thread_json_len);
	at += itoa_u64(enc->seq++, at);
	if (ILU_UNLIKELY_(enc->mark != NULL))
		at = put(at, enc->mark, strlen(enc->mark));
	at = PUT(at, "}\n");
	enc->out.len = (size_t)(at - enc->out.text);
	enc->lines++;
	enc->written++;
	return true;
}

/* Room for the worst case of what comes before `target`; then the time and the head. NULL: no memory. */
INLINED char *begin_line(struct encoder *enc, const struct view *v)
{
	size_t room = 6 * v->size + v->text->room + 512 + VALUE_ROOM * (v->site->count + 1u);
	char *at;

	if (!buf_room(&enc->out, room)) {
		enc->unmade++;
		return NULL;
	}
	at = enc->out.text + enc->out.len;
	at = put_time(enc, at, stamp_wall_ns(&enc->scale, v->record->stamp));
	return put_wide(at, v->text->head + enc->iluvatar, v->text->head_len - enc->iluvatar);
}

static void end_line(struct encoder *enc, struct ring *ring, char *at, const struct view *v,
                     const struct span_text *self, uint64_t leaf)
{
	size_t begin = enc->out.len;

	if (!put_rest(enc, ring, at, v, self, leaf)) {
		enc->out.len = begin;
		enc->unmade++;
		return;
	}
	/* nobody else counts, but somebody may look; of another process's nobody does */
	if (!enc->site_of)
		__atomic_store_n(&v->site->lines, v->site->lines + 1, __ATOMIC_RELAXED);
}

/* ---- events ---- */

static char *put_event_tid(struct encoder *enc, char *at, const struct view *v)
{
	at = put_tid(enc, at, v);
	return PUT(at, "\"");
}

/* How many calls of the site made no line since its last one. */
static char *put_suppressed(char *at, const struct view *v)
{
	bool taken = false;

	for (unsigned i = 0; i < v->site->count; i++)
		taken |= !strcmp(v->site->keys[i], "suppressed");
	return limit_put(v->site->limit, taken ? "suppressed_" : "suppressed", at);
}

static bool recorded(const struct view *v)
{
	return v->record->word & ILU_RECORDED_;
}

static void encode_event(struct encoder *enc, struct ring *ring, struct view *v)
{
	struct span_text *span = encode_span_of(enc, v->record->span);
	char *at = begin_line(enc, v);

	if (!at)
		return;
	look_at_tid(v);
	at = put_event_tid(enc, at, v);
	at = put_values(enc, at, v);
	if (ILU_UNLIKELY_(v->site->limit != NULL) && !recorded(v))
		at = put_suppressed(at, v);
	if (!span && v->record->span)
		enc->orphans++;
	end_line(enc, ring, at, v, span, v->record->span);
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
static char *put_array(struct encoder *enc, char *at, struct view *v)
{
	struct array_key keys[256];
	uint64_t count = take_word(v);

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
			at = put_errno_name(at, rendered, key_len, payload);
		enc->cut += cut;
	}
	if (v->site->limit && !recorded(v))
		at = limit_put(
		    v->site->limit,
		    key_taken(keys, count < 256 ? count : 256, "suppressed", 10, 0) ? "suppressed_" : "suppressed", at);
	return at;
}

static void encode_array(struct encoder *enc, struct ring *ring, struct view *v)
{
	struct span_text *span = encode_span_of(enc, v->record->span);
	char *at;

	/* up to 256 keys, each with at most 256 underscores and a name of an errno */
	if (!buf_room(&enc->out, 6 * v->size + v->text->room + 256 * (VALUE_ROOM + 6 * 256 + 320))) {
		enc->unmade++;
		return;
	}
	at = begin_line(enc, v);
	if (!at)
		return;
	look_at_tid(v);
	at = put_event_tid(enc, at, v);
	at = put_array(enc, at, v);
	end_line(enc, ring, at, v, span, v->record->span);
}

/* ---- spans ---- */

/* Where each value of the record begins: the object is written in the order of keys. */
static void find_values(const struct view *v, const char *at, const char **begin)
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

static char *put_field(struct encoder *enc, char *at, const struct view *v, unsigned i, const char *payload)
{
	bool cut = false;
	const char *end = payload;

	if (i == SITE_TID) {
		at = PUT(at, "\"tid\":\"");
		at = put_tid(enc, at, v);
		return PUT(at, "\",");
	}
	at = put(at, v->text->key[i], v->text->key_len[i]);
	at = value_put(at, v->site->types[i], &end, v->end, &cut);
	enc->cut += cut;
	*at++ = ',';
	if (v->site->types[i] == ILU_T_ERRNO_) {
		char *after = put_errno_name(at, v->text->key[i], v->text->key_len[i], payload);

		if (after != at)
			*after++ = ',';
		at = after;
	}
	return at;
}

/* {"fqdn":"hello-1","tid":"...","name":"invoke","id":"...","parent":"..."} */
static bool render_span(struct encoder *enc, struct span_text *span, struct view *v, uint64_t parent_id)
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

static void span_line(struct encoder *enc, struct ring *ring, struct view *v, const struct span_text *span,
                      const char *message, const char *more, uint64_t leaf)
{
	char *at = begin_line(enc, v);

	if (!at)
		return;
	at = put(at, message, strlen(message));
	at = PUT(at, "\"");
	at = put(at, more, strlen(more));
	end_line(enc, ring, at, v, span, leaf);
}

static void encode_new(struct encoder *enc, struct ring *ring, struct view *v)
{
	struct span_text *span = span_texts_new(&enc->spans, v->record->span), *parent;
	uint64_t remote;

	if (!span) {
		enc->unmade += (enc->spanning & CONFIG_SPAN_NEW) != 0;
		return;
	}
	look_at_tid(v);
	span->id = take_word(v);
	span->parent = take_word(v);
	remote = take_word(v);
	span->opened = v->record->stamp;
	span->site = v->site->number;
	parent = span_texts_get(&enc->spans, span->parent);
	if (!render_span(enc, span, v, remote ? remote : parent ? parent->id : 0)) {
		span->handle = 0;
		enc->unmade += (enc->spanning & CONFIG_SPAN_NEW) != 0;
		return;
	}
	tell_box(enc, span);
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

static void encode_close(struct encoder *enc, struct ring *ring, struct view *v, struct span_text *span)
{
	uint64_t leaf = take_word(v);
	uint64_t busy = stamp_duration_ns(&enc->scale, take_word(v));
	uint64_t open = stamp_duration_ns(&enc->scale, take_word(v));
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
	struct view v;
	char *at;

	if (!look(enc, &v, &record) || !buf_room(&span->json, len + v.text->room + 64 + PUT_SLACK))
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
	struct view v;
	char more[64];

	if (!(enc->spanning & CONFIG_SPAN_CLOSE) || !look(enc, &v, &record))
		return;
	*put_count(more, LITERAL(",\"open_ns\":"), open) = '\0';
	span_line(enc, ring, &v, span, "close", more, span->parent);
}

/* Fields that come later: each is set in the object. */
static void encode_fields(struct encoder *enc, struct view *v, struct span_text *span)
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

			end = put_errno_name(named, key, v->text->key_len[i], payload);
			if (end != named)
				span_text_set(span, named, key_len, named + key_len + 1,
				              (size_t)(end - named) - key_len - 1);
		}
	}
}

/* The time since the thread's last enter or exit was spent in `leaf` and what that is in. */
static void sample(struct encoder *enc, const struct ring *ring, const struct view *v, uint64_t leaf)
{
	static const char before[] = ",\"threadName\":\"";
	const struct span_text *stack[ENCODE_DEPTH];
	uint64_t ticks = flame_step(&enc->flame, (uint32_t)(ring - rings_at(0)), v->record->stamp);
	const char *name = ring->thread_json_len ? ring->thread_json + sizeof before - 1 : "\"";
	size_t room, n = chain(enc, leaf, stack, &room);

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

/* Would the record make a line, had there been memory for what it is made of? */
static bool makes_line(const struct encoder *enc, unsigned operation)
{
	switch (operation) {
	case ILU_OP_EVENT_:
	case ILU_OP_ARRAY_:
		return true;
	case ILU_OP_NEW_:
		return enc->spanning & CONFIG_SPAN_NEW;
	case ILU_OP_ENTER_:
		return enc->spanning & CONFIG_SPAN_ENTER;
	case ILU_OP_EXIT_:
		return enc->spanning & CONFIG_SPAN_EXIT;
	case ILU_OP_CLOSE_:
		return enc->spanning & CONFIG_SPAN_CLOSE;
	default:
		return false;
	}
}

static void encode_span(struct encoder *enc, struct ring *ring, struct view *v, unsigned operation)
{
	struct span_text *span = span_texts_get(&enc->spans, v->record->span);

	if (span && enc->flame.sink && operation == ILU_OP_ENTER_)
		sample(enc, ring, v, span->parent);
	if (span && enc->flame.sink && operation == ILU_OP_EXIT_)
		sample(enc, ring, v, v->record->span);
	if (!span) {
		enc->unmade += makes_line(enc, operation);
	} else {
		switch (operation) {
		case ILU_OP_ENTER_:
			if (enc->spanning & CONFIG_SPAN_ENTER)
				span_line(enc, ring, v, span, "enter", "", take_word(v));
			break;
		case ILU_OP_EXIT_:
			if (enc->spanning & CONFIG_SPAN_EXIT)
				span_line(enc, ring, v, span, "exit", "", take_word(v));
			break;
		case ILU_OP_RECORD_:
			encode_fields(enc, v, span);
			break;
		case ILU_OP_FOLLOWS_:
			span_text_follow(span, take_word(v));
			break;
		default:
			encode_close(enc, ring, v, span);
		}
	}
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
	struct view v;

	enc->begin = enc->out.len;
	enc->mark = ENCODE_RECORDED;
	if (!look(enc, &v, record))
		enc->unmade++;
	else if ((record->word & ILU_OP_MASK_) == ILU_OP_EVENT_)
		encode_event(enc, ring, &v);
	else
		encode_array(enc, ring, &v);
	enc->mark = mark;
}

/* An event, now that it is known to make a line. */
INLINED void encode_said(struct encoder *enc, struct ring *ring, struct view *v, unsigned operation)
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
static void encode_limited(struct encoder *enc, struct ring *ring, struct view *v, unsigned operation)
{
	struct limit *limit = v->site->limit;
	uint64_t written;

	if (operation == ILU_OP_WITHHELD_) {
		limit_add(limit, take_word(v));
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
	struct view v;

	enc->begin = enc->out.len;
	if (operation == ILU_OP_OWNER_) {
		encode_owner(enc, ring, record);
		return;
	}
	if (ILU_UNLIKELY_(record->word & ILU_RECORDED_)) {
		keep(enc, ring, record);
		return;
	}
	if (!look(enc, &v, record))
		enc->unmade += makes_line(enc, operation);
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

bool encode_own_room(struct encoder *enc)
{
	return buf_room(&enc->out, ENCODE_OWN_FIELDS + 512);
}

void encode_own(struct encoder *enc, const char *level, const char *message, const char *tid, const char *fields,
                uint64_t seq)
{
	char *at = enc->out.text + enc->out.len;

	at = put_time(enc, at, stamp_wall_ns(&enc->scale, ilu_stamp_()));
	at +=
	    sprintf(at, "%s\",\"level\":\"%s\",\"fields\":{\"message\":\"%s\",\"tid\":\"%s\"%s},\"target\":\"ilulog\"",
	            enc->iluvatar ? "" : "Z", level, message, tid, fields);
	at += sprintf(at, ",\"threadName\":\"ilu-appender\",\"pid\":%lld,\"seq\":%llu}\n", (long long)enc->pid,
	              (unsigned long long)seq);
	enc->out.len = (size_t)(at - enc->out.text);
	enc->lines++;
	enc->written++;
}
