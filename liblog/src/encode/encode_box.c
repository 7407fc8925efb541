/* SPDX-License-Identifier: Apache-2.0 */
/* encode_box.c - the black box has the lines that are made, and what is said of the spans that are open. */
#include "encode/encode_line.h"
#include "box/box.h"
#include "box/slab.h"

#include <errno.h>

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

void encode_tell_box(const struct encoder *enc, const struct span_text *span)
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
			encode_tell_box(enc, &enc->spans.span[i]);
}
