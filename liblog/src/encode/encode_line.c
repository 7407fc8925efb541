/* SPDX-License-Identifier: Apache-2.0 */
/* encode_line.c - time and transaction of a line, and everything after its fields. */
#include "encode/encode_line.h"
#include "base/dtoa.h"
#include "base/escape.h"
#include "base/tid.h"

#include <stdio.h>
#include <time.h>

#define NANO 1000000000

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

char *line_put_time(struct encoder *enc, char *out, int64_t wall_ns)
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

/* ---- ids and names ---- */

char *line_put_tid(struct encoder *enc, char *at, const struct line_view *v)
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

char *line_put_errno_name(char *at, const char *key, size_t key_len, const char *payload)
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

bool line_is_made(const struct encoder *enc, unsigned operation)
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

/* ---- spans in a line ---- */

struct span_text *encode_span_of(struct encoder *enc, uint64_t handle)
{
	struct span_text *span;

	if (!handle)
		return NULL;
	span = span_texts_get(&enc->spans, handle);
	return span || ILU_LIKELY_(!enc->recorder.on) ? span : recorder_span(&enc->recorder, handle);
}

INLINED size_t chain(struct encoder *enc, uint64_t handle, const struct span_text **out, size_t *room)
{
	size_t n = 0;

	*room = 64;
	for (struct span_text *s; n < ENCODE_DEPTH && (s = encode_span_of(enc, handle)); handle = s->parent) {
		*room += s->json.len + 1;
		out[n++] = s;
	}
	return n;
}

size_t line_chain(struct encoder *enc, uint64_t handle, const struct span_text **out, size_t *room)
{
	return chain(enc, handle, out, room);
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
static bool put_rest(struct encoder *enc, struct ring *ring, char *at, const struct line_view *v,
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

void line_end(struct encoder *enc, struct ring *ring, char *at, const struct line_view *v, const struct span_text *self,
              uint64_t leaf)
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

/* ---- lines of the library itself ---- */

bool encode_own_room(struct encoder *enc)
{
	return buf_room(&enc->out, ENCODE_OWN_FIELDS + 512);
}

void encode_own(struct encoder *enc, const char *level, const char *message, const char *tid, const char *fields,
                uint64_t seq)
{
	char *at = enc->out.text + enc->out.len;

	at = line_put_time(enc, at, stamp_wall_ns(&enc->scale, ilu_stamp_()));
	at +=
	    sprintf(at, "%s\",\"level\":\"%s\",\"fields\":{\"message\":\"%s\",\"tid\":\"%s\"%s},\"target\":\"ilulog\"",
	            enc->iluvatar ? "" : "Z", level, message, tid, fields);
	at += sprintf(at, ",\"threadName\":\"ilu-appender\",\"pid\":%lld,\"seq\":%llu}\n", (long long)enc->pid,
	              (unsigned long long)seq);
	enc->out.len = (size_t)(at - enc->out.text);
	enc->lines++;
	enc->written++;
}
