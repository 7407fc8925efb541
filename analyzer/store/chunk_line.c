/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk_line.c - a line put together again from its shapes and values, byte for byte. */
#include "base/array.h"
#include "ingest/stamp.h"
#include "store/chunk.h"
#include "ingest/form.h"

#include <errno.h>

#define LONG_VALUE (1u << 20) /* bytes; and what may be behind it in the line */

struct put {
	struct chunk *chunk;
	const struct chunk_row *row;
	struct bytes *out;
	struct chunk_parts *parts;
};

/* Where literal i begins in the output tells where the parts are. */
static void parts_mark(struct put *p, const struct shape *sh, unsigned literal)
{
	static const enum section sections[] = {SECTION_FIELDS, SECTION_SPAN, SECTION_SPANS};

	if (!p->parts)
		return;
	for (unsigned i = sh->part ? 1 : 0; i < (sh->part ? 3 : 1); i++) {
		struct shape_range r = shape_part_range(sh, sections[i]);
		struct slice *s = &p->parts->part[sections[i]];

		if (!r.there)
			continue;
		/* offsets for now: len holds the end */
		if (r.from.literal == literal)
			s->ptr = (const char *)(uintptr_t)(p->out->len + r.from.offset + 1);
		if (r.to.literal == literal)
			s->len = p->out->len + r.to.offset;
	}
}

/* A long value stands in memory a second time here: not a third while the room for it grows. */
static void value_add(struct bytes *out, struct slice v)
{
	if (v.len > LONG_VALUE && array_reserve(out->ptr, out->room, out->len + v.len + LONG_VALUE))
		out->failed = true;
	bytes_add(out, v.ptr, v.len);
}

static int value_put(struct put *p, const struct shape *sh, unsigned part, unsigned slot)
{
	char buf[SEGMENT_TEXT];
	struct slice v = SLICE_NONE;
	int rc = 0;

	switch (sh->slots[slot].kind) {
	case SLOT_TID:
		rc = chunk_tid(p->chunk, p->row->tid, &v);
		break;
	case SLOT_STAMP:
		v = (struct slice){buf, stamp_print_iluvatar(p->row->stamp, buf)};
		break;
	case SLOT_STAMP_Z:
		v = (struct slice){buf, stamp_print_rfc3339(p->row->stamp, buf)};
		break;
	default:
		rc = chunk_value(p->chunk, part, part ? p->row->tail : p->row->head, slot,
		                 part ? p->row->tail_ord : p->row->head_ord, buf, &v);
	}
	if (!rc)
		value_add(p->out, v);
	return rc;
}

static int half_put(struct put *p, const struct shape *sh, unsigned part)
{
	for (unsigned i = 0;; i++) {
		int rc;

		parts_mark(p, sh, i);
		bytes_add(p->out, sh->literals[i].ptr, sh->literals[i].len);
		if (i == sh->nline)
			return p->out->failed ? -ENOMEM : 0;
		rc = value_put(p, sh, part, i);
		if (rc)
			return rc;
	}
}

/* ---- a line by its form ---- */

/* A time that is kept as what it is behind the row's. */
static int outer_put(struct put *p, const struct form_piece *piece)
{
	char buf[SEGMENT_TEXT], text[TIME_FORM_MAX];
	uint64_t behind = 0;
	struct slice v;
	int rc = chunk_value(p->chunk, 0, p->row->head, piece->slot, p->row->head_ord, buf, &v);

	for (size_t i = 0; !rc && i < v.len; i++)
		if (v.ptr[i] >= '0' && v.ptr[i] <= '9')
			behind = behind * 10 + (uint64_t)(v.ptr[i] - '0');
	if (!rc && v.len && *v.ptr == '-')
		behind = -behind;
	if (!rc)
		bytes_add(p->out, text,
		          time_form_print(&piece->time, (int64_t)((uint64_t)p->row->stamp + behind), text));
	return rc;
}

static int piece_put(struct put *p, const struct shape *sh, const struct form_piece *piece)
{
	char text[TIME_FORM_MAX];
	struct slice tid = SLICE_NONE;
	int rc;

	switch (piece->kind) {
	case FORM_TEXT:
		bytes_add(p->out, piece->text.ptr, piece->text.len);
		return 0;
	case FORM_TID:
		rc = chunk_tid(p->chunk, p->row->tid, &tid);
		bytes_add(p->out, tid.ptr, tid.len);
		return rc;
	case FORM_TIME:
		bytes_add(p->out, text, time_form_print(&piece->time, p->row->stamp, text));
		return 0;
	case FORM_OUTER:
		return outer_put(p, piece);
	default:
		return value_put(p, sh, 0, piece->slot);
	}
}

static int form_put(struct put *p, const struct shape *sh)
{
	int rc = 0;

	for (unsigned i = 0; i < sh->form->n && !rc; i++)
		rc = piece_put(p, sh, &sh->form->pieces[i]);
	return rc ? rc : p->out->failed ? -ENOMEM : 0;
}

static void parts_settle(struct chunk_parts *parts, const struct bytes *out)
{
	for (unsigned i = 0; parts && i < 4; i++) {
		struct slice *s = &parts->part[i];
		size_t from = (uintptr_t)s->ptr;

		if (from)
			*s = (struct slice){out->ptr + from - 1, s->len - (from - 1)};
	}
}

/* From the range's first literal to its last. */
static int range_put(struct put *p, const struct shape *sh, const struct shape_range *r)
{
	for (uint32_t i = r->from.literal;; i++) {
		uint32_t from = i == r->from.literal ? r->from.offset : 0;
		uint32_t to = i == r->to.literal ? r->to.offset : (uint32_t)sh->literals[i].len;
		int rc;

		bytes_add(p->out, sh->literals[i].ptr + from, to - from);
		if (i == r->to.literal)
			return p->out->failed ? -ENOMEM : 0;
		rc = value_put(p, sh, 0, i);
		if (rc)
			return rc;
	}
}

int chunk_fields(struct chunk *c, const struct chunk_row *row, struct bytes *out, struct slice *fields)
{
	struct put p = {c, row, out, NULL};
	const struct shape *sh = chunk_head(c, row->head);
	struct shape_range r;
	int rc;

	out->len = 0;
	*fields = SLICE_NONE;
	if (!sh)
		return -EBADMSG;
	r = shape_part_range(sh, SECTION_FIELDS);
	rc = r.there ? range_put(&p, sh, &r) : 0;
	if (!rc && r.there)
		*fields = (struct slice){out->ptr ? out->ptr : "", out->len};
	return rc;
}

int chunk_half(struct chunk *c, const struct chunk_row *row, unsigned part, struct bytes *out,
               struct chunk_parts *parts)
{
	struct put p = {c, row, out, parts};
	const struct shape *sh = part ? chunk_tail(c, row->tail) : chunk_head(c, row->head);
	int rc;

	out->len = 0;
	memset(parts, 0, sizeof *parts);
	if (!sh)
		return -EBADMSG;
	rc = half_put(&p, sh, part);
	if (rc)
		return rc;
	parts_settle(parts, out);
	return 0;
}

int chunk_line(struct chunk *c, const struct chunk_row *row, struct bytes *out, struct chunk_parts *parts)
{
	struct put p = {c, row, out, parts};
	const struct shape *head = chunk_head(c, row->head), *tail = chunk_tail(c, row->tail);
	struct slice raw, reading;
	int rc;

	out->len = 0;
	if (parts)
		memset(parts, 0, sizeof *parts);
	if (!head) {
		rc = chunk_raw_row(c, row->head, row->head_ord, &raw, &reading);
		if (!rc)
			bytes_add(out, raw.ptr, raw.len);
		return rc ? rc : out->failed ? -ENOMEM : 0;
	}
	if (head->form)
		return form_put(&p, head);
	if (!tail)
		return -EBADMSG;
	if ((rc = half_put(&p, head, 0)) || (rc = half_put(&p, tail, 1)))
		return rc;
	parts_settle(parts, out);
	return 0;
}
