/* SPDX-License-Identifier: Apache-2.0 */
/* encode_line.h - what the lines of events and of spans have in common; private to encode.c and its neighbours. */
#ifndef ENCODE_LINE_H
#define ENCODE_LINE_H

#include "base/value.h"
#include "encode/encode.h"
#include "encode/sitetext.h"

/* What a record says, taken apart. */
struct line_view {
	const struct ilu_record_ *record;
	struct site *site;
	const struct site_text *text;
	const char *tid; /* NULL: none; 16 bytes, or 48 of a name */
	bool named;
	const char *at, *end; /* words and values */
	size_t size;
};

/* ---- taking a record apart ---- */

/* On the way of each event, called from several places: a call costs as much as what it does. */
#define INLINED static inline __attribute__((always_inline))

INLINED bool line_look(const struct encoder *enc, struct line_view *v, const struct ilu_record_ *record)
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

static inline void line_look_at_tid(struct line_view *v)
{
	v->tid = v->at;
	v->at += v->named ? sizeof(ilu_tid) : 16;
}

static inline uint64_t line_take_word(struct line_view *v)
{
	uint64_t word = 0;

	if (v->end - v->at >= 8)
		memcpy(&word, v->at, 8);
	v->at += 8;
	return word;
}

/* ---- encode_line.c ---- */

/* The beginning of a line, up to the time's last digit. */
char *line_put_time(struct encoder *enc, char *out, int64_t wall_ns);
/* The id between its quotes. */
char *line_put_tid(struct encoder *enc, char *at, const struct line_view *v);
/* `,"errno_name":"ENOENT"` after a KV_ERRNO; the key as rendered. */
char *line_put_errno_name(char *at, const char *key, size_t key_len, const char *payload);
/* A span and those around it, at most ENCODE_DEPTH: how many, and room for their texts. */
size_t line_chain(struct encoder *enc, uint64_t handle, const struct span_text **out, size_t *room);
/* Would the record make a line, had there been memory for what it is made of? */
bool line_is_made(const struct encoder *enc, unsigned operation);

/* Room for the worst case of what comes before `target`; then the time and the head. NULL: no memory. */
INLINED char *line_begin(struct encoder *enc, const struct line_view *v)
{
	size_t room = 6 * v->size + v->text->room + 512 + VALUE_ROOM * (v->site->count + 1u);
	char *at;

	if (!buf_room(&enc->out, room)) {
		enc->unmade++;
		return NULL;
	}
	at = enc->out.text + enc->out.len;
	at = line_put_time(enc, at, stamp_wall_ns(&enc->scale, v->record->stamp));
	return put_wide(at, v->text->head + enc->iluvatar, v->text->head_len - enc->iluvatar);
}

/* Everything after the fields, and the line counts. `self` is shown as `span`, `leaf` and what it is in as `spans`. */
void line_end(struct encoder *enc, struct ring *ring, char *at, const struct line_view *v, const struct span_text *self,
              uint64_t leaf);

/* ---- encode_box.c ---- */

/* The text of an open span, to the box. */
void encode_tell_box(const struct encoder *enc, const struct span_text *span);

/* ---- encode_span.c ---- */

/* Records of spans: one that opens, and all others. */
void encode_new(struct encoder *enc, struct ring *ring, struct line_view *v);
void encode_span(struct encoder *enc, struct ring *ring, struct line_view *v, unsigned operation);

#endif
