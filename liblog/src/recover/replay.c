/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - from what is in a box to its lines; see replay.h. */
#include "recover/replay.h"

#include "encode/encode.h"
#include "recover/merge.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK (1 << 20) /* bytes of lines before they are written */

/* ---- handing out ---- */

struct out {
	struct replay *r;
	uint64_t skip;
	bool first;
	int rc;
};

/* Bytes of a line that the log has at its end, where it is this one: without our mark or with it. */
static size_t half_of(const struct out *o, const char *line, size_t len)
{
	const struct replay *r = o->r;

	return r->half && r->half_len <= len && !memcmp(line, r->half, r->half_len) ? r->half_len : 0;
}

static void hand_out(struct out *o, const char *bytes, size_t len, size_t lines)
{
	if (!o->rc && len)
		o->rc = o->r->write(o->r->to, bytes, len, lines);
	if (!o->rc)
		o->r->lines += lines;
}

/* Lines that were encoded. */
static int give(void *to, const char *text, size_t len, size_t lines)
{
	struct out *o = to;
	const char *at = text, *end = text + len;

	for (; lines && o->skip; lines--, o->skip--)
		at = (const char *)memchr(at, '\n', (size_t)(end - at)) + 1;
	if (lines && o->first) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t half = half_of(o, at, (size_t)(newline - at));

		o->r->completed = half != 0;
		at += half;
		o->first = false;
	}
	hand_out(o, at, (size_t)(end - at), lines);
	return o->rc;
}

static void give_encoded(struct out *o, struct encoder *enc)
{
	if (enc->unmade)
		o->rc = -ENOMEM;
	else if (enc->lines)
		give(o, enc->out.text, enc->out.len, enc->lines);
	enc->out.len = enc->lines = 0;
}

/* ---- the batch ---- */

/* One of its lines, without its end, into `to`: with our mark, or what is missing of it. */
static bool copy_line(struct out *o, struct buf *to, const char *line, size_t len)
{
	size_t half = o->first ? half_of(o, line, len) : 0;
	char *at;

	if (!buf_room(to, len + sizeof REPLAY_MARK + 4))
		return false;
	if (half) { /* perhaps all but its newline */
		at = put(to->text + to->len, line + half, len - half);
		at = PUT(at, "\n");
		o->r->completed = true;
	} else {
		at = put(to->text + to->len, line, len - 1);
		at = PUT(at, REPLAY_MARK "}\n");
	}
	to->len = (size_t)(at - to->text);
	o->first = false;
	return true;
}

/* Those of its lines that are not in the log: it has the first ones, as they were written in this order. */
static void give_batch(struct out *o, const struct dead *d)
{
	const char *at = d->batch, *end = at + d->note.text_bytes;
	struct buf text = {.text = NULL};
	size_t lines = 0;

	while (at < end && !o->rc) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));

		if (!newline || newline - at < 2 || newline[-1] != '}')
			break;
		if (o->skip)
			o->skip--;
		else if (copy_line(o, &text, at, (size_t)(newline - at)))
			lines++;
		else
			o->rc = -ENOMEM;
		at = newline + 1;
	}
	hand_out(o, text.text, text.len, lines);
	buf_done(&text);
}

/* ---- spans ---- */

static int know_spans(const struct dead *d, struct encoder *enc)
{
	int rc = 0;

	for (size_t i = 0; i < d->cells && !rc; i++) {
		const struct region_cell *c = &d->cell[i];
		struct span_text *span = span_texts_new(&enc->spans, c->handle);

		if (!span)
			continue;
		span->parent = c->parent;
		span->id = c->id;
		span->opened = c->opened;
		span->site = c->site;
		span->closed = !c->open;
		rc = encode_span_text(enc, span, c->text, c->len, c->tail_at);
	}
	return rc;
}

static int by_id(const void *a, const void *b)
{
	const struct span_text *x = *(const struct span_text *const *)a, *y = *(const struct span_text *const *)b;

	return (x->id < y->id) - (x->id > y->id);
}

/* The innermost first: a span that is in another one was opened after it. */
static int close_spans(struct out *o, struct encoder *enc, struct ring *ring, uint64_t stamp)
{
	struct span_text **open = calloc(enc->spans.used + 1, sizeof(struct span_text *));
	size_t n = 0;

	if (!open)
		return -ENOMEM;
	for (uint32_t i = 0; i < enc->spans.used; i++)
		if (enc->spans.span[i].handle && !enc->spans.span[i].closed)
			open[n++] = &enc->spans.span[i];
	qsort(open, n, sizeof(struct span_text *), by_id);
	for (size_t i = 0; i < n; i++) {
		encode_left_open(enc, ring, open[i], stamp);
		if (enc->out.len >= CHUNK)
			give_encoded(o, enc);
	}
	give_encoded(o, enc);
	o->r->spans += n;
	free(open);
	return 0;
}

/* ---- all ---- */

static uint64_t last_known(const struct dead *d)
{
	return dead_stamp(d, d->note.last_stamp) ? d->note.last_stamp : d->h.clock[d->h.clock_now & 1].stamp;
}

int replay(struct dead *d, struct replay *r)
{
	static const struct region_taken nobody = {.name = "ilu-appender"};
	struct out o = {.r = r, .skip = r->skip, .first = true};
	struct ring *own = calloc(1, sizeof *own);
	struct encoder enc;
	struct merge merged = {.dead = d, .enc = &enc, .give = give, .to = &o};
	int rc = encoder_init_for(&enc, &d->h);

	if (!own)
		rc = -ENOMEM;
	if (!rc) {
		enc.site_of = dead_site;
		enc.process = d;
		enc.mark = REPLAY_MARK;
		enc.seq = d->note.next_seq;
		for (size_t i = 0; i < d->rings; i++) {
			const struct region_taken owner = d->ring[i].ring.owner_read;

			encode_owner_of(&enc, &d->ring[i].ring, &owner);
		}
		encode_owner_of(&enc, own, &nobody);
		if (d->batch)
			give_batch(&o, d);
		merged.last = last_known(d);
		rc = o.rc ? o.rc : know_spans(d, &enc);
		if (!rc)
			rc = merge(&merged);
		if (!rc)
			rc = close_spans(&o, &enc, own, merged.last);
	}
	encoder_done(&enc);
	free(own);
	return rc ? rc : o.rc;
}
