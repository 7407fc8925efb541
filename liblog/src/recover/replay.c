/* SPDX-License-Identifier: Apache-2.0 */
/* replay.c - from what is in a box to its lines; see replay.h. */
#include "recover/replay.h"

#include "encode/encode.h"

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
}

/* Lines that were encoded. */
static void give(struct out *o, struct encoder *enc)
{
	const char *at = enc->out.text, *end;
	size_t lines = enc->lines;

	if (!lines)
		return;
	end = at + enc->out.len;
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
	o->r->lines += lines;
	enc->out.len = 0;
	enc->lines = 0;
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
	o->r->lines += lines;
	buf_done(&text);
}

/* ---- the rings ---- */

/* A heap of rings by the stamp of their next record. */
struct heap {
	struct dead_ring **ring;
	uint64_t *stamp;
	size_t n;
};

static bool earlier(const struct heap *h, size_t a, size_t b)
{
	return h->stamp[a] != h->stamp[b] ? h->stamp[a] < h->stamp[b] : h->ring[a] < h->ring[b];
}

static void swap(struct heap *h, size_t a, size_t b)
{
	struct dead_ring *ring = h->ring[a];
	uint64_t stamp = h->stamp[a];

	h->ring[a] = h->ring[b];
	h->stamp[a] = h->stamp[b];
	h->ring[b] = ring;
	h->stamp[b] = stamp;
}

static void sink_down(struct heap *h, size_t i)
{
	for (;;) {
		size_t least = i;

		for (size_t child = 2 * i + 1; child <= 2 * i + 2 && child < h->n; child++)
			if (earlier(h, child, least))
				least = child;
		if (least == i)
			return;
		swap(h, i, least);
		i = least;
	}
}

static int heap_make(struct heap *h, struct dead *d)
{
	h->ring = calloc(d->rings + 1, sizeof *h->ring);
	h->stamp = calloc(d->rings + 1, sizeof *h->stamp);
	h->n = 0;
	if (!h->ring || !h->stamp)
		return -ENOMEM;
	for (size_t i = 0; i < d->rings; i++) {
		const struct ilu_record_ *r = dead_peek(d, &d->ring[i]);

		if (r) {
			h->ring[h->n] = &d->ring[i];
			h->stamp[h->n++] = r->stamp;
		}
	}
	for (size_t i = h->n; i-- > 0;)
		sink_down(h, i);
	return 0;
}

/* Returns the stamp of the last record. */
static uint64_t give_records(struct out *o, struct dead *d, struct encoder *enc, struct heap *h)
{
	uint64_t last = dead_stamp(d, d->note.last_stamp) ? d->note.last_stamp : d->h.clock[d->h.clock_now & 1].stamp;

	while (h->n && !o->rc) {
		struct dead_ring *ring = h->ring[0];
		const struct ilu_record_ *r = dead_peek(d, ring);

		if (r->stamp > last)
			last = r->stamp;
		encode_record(enc, &ring->ring, r);
		dead_take(ring, r);
		if (enc->out.len >= CHUNK)
			give(o, enc);
		r = dead_peek(d, ring);
		if (r)
			h->stamp[0] = r->stamp;
		else
			swap(h, 0, --h->n);
		sink_down(h, 0);
	}
	give(o, enc);
	return last;
}

/* ---- spans ---- */

static void know_spans(const struct dead *d, struct encoder *enc)
{
	for (size_t i = 0; i < d->cells; i++) {
		const struct region_cell *c = &d->cell[i];
		struct span_text *span = span_texts_new(&enc->spans, c->handle);

		if (!span)
			continue;
		span->parent = c->parent;
		span->id = c->id;
		span->opened = c->opened;
		span->site = c->site;
		span->closed = !c->open;
		if (encode_span_text(enc, span, c->text, c->len, c->tail_at))
			span->handle = 0;
	}
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
			give(o, enc);
	}
	give(o, enc);
	o->r->spans += n;
	free(open);
	return 0;
}

/* ---- all ---- */

int replay(struct dead *d, struct replay *r)
{
	static const struct region_taken nobody = {.name = "ilu-appender"};
	struct out o = {.r = r, .skip = r->skip, .first = true};
	struct heap heap = {NULL, NULL, 0};
	struct ring *own = calloc(1, sizeof *own);
	struct encoder enc;
	uint64_t last;
	int rc = encoder_init_for(&enc, &d->h);

	if (!own)
		rc = -ENOMEM;
	if (!rc)
		rc = heap_make(&heap, d);
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
		know_spans(d, &enc);
		last = give_records(&o, d, &enc, &heap);
		rc = close_spans(&o, &enc, own, last);
	}
	encoder_done(&enc);
	free(heap.ring);
	free(heap.stamp);
	free(own);
	return rc ? rc : o.rc;
}
