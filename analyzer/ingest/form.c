/* SPDX-License-Identifier: GPL-3.0-or-later */
/* form.c - forms read from skeletons. */
#include "ingest/form.h"
#include "base/array.h"

#include <errno.h>
#include <stdlib.h>

void form_done(struct form *f)
{
	free(f->pieces);
	free(f->more);
	*f = (struct form){0};
}

static int piece_add(struct form *f, struct form_piece p)
{
	struct form_piece *to = array_add(f->pieces, f->n, f->room);

	if (to)
		*to = p;
	return to ? 0 : -ENOMEM;
}

/* A value more than the reading has; its slot is behind those. */
static int more_add(struct form *f, unsigned nslots, enum slot_kind kind, struct form_piece *p)
{
	uint8_t *to;

	if (f->nmore + nslots >= 512)
		return -EBADMSG;
	to = array_add(f->more, f->nmore, f->more_room);
	if (!to)
		return -ENOMEM;
	*to = (uint8_t)kind;
	p->slot = (uint16_t)(nslots + f->nmore - 1);
	return 0;
}

static unsigned digit(char c)
{
	return (unsigned char)(c - '0');
}

/* What a mark says, at `at`. */
static int mark_parse(const char **at, const char *end, unsigned nslots, struct form *f)
{
	struct form_piece p = {.kind = FORM_TEXT};
	const char *q = *at;
	size_t left = (size_t)(end - q);
	int rc = 0;

	if (!left)
		return -EBADMSG;
	switch (*q) {
	case FORM_SLOT:
		if (left < 3 || digit(q[1]) > 63 || digit(q[2]) > 63)
			return -EBADMSG;
		p.slot = (uint16_t)(digit(q[1]) << 6 | digit(q[2]));
		if (p.slot >= nslots)
			return -EBADMSG;
		*at = q + 3;
		break;
	case FORM_TID:
		*at = q + 1;
		break;
	case FORM_TIME:
	case FORM_OUTER:
		if (left < 1 + TIME_FORM_LEN || !time_form_parse(q + 1, &p.time))
			return -EBADMSG;
		rc = *q == FORM_OUTER ? more_add(f, nslots, SLOT_SCALAR, &p) : 0;
		*at = q + 1 + TIME_FORM_LEN;
		break;
	case FORM_MORE:
		if (left < 2 || digit(q[1]) < SLOT_STRING || digit(q[1]) > SLOT_JSON)
			return -EBADMSG;
		rc = more_add(f, nslots, (enum slot_kind)digit(q[1]), &p);
		*at = q + 2;
		break;
	default:
		return -EBADMSG;
	}
	p.kind = (enum form_kind) * q;
	return rc ? rc : piece_add(f, p);
}

int form_parse(const char *text, size_t len, unsigned nslots, struct form *out)
{
	const char *at = text, *end = text + len;
	int rc = 0;

	*out = (struct form){0};
	while (at < end && !rc) {
		const char *mark = memchr(at, FORM_MARK, (size_t)(end - at)), *stop = mark ? mark : end;

		if (stop > at)
			rc = piece_add(out, (struct form_piece){.kind = FORM_TEXT, .text = {at, (size_t)(stop - at)}});
		at = mark ? mark + 1 : end;
		if (mark && !rc)
			rc = mark_parse(&at, end, nslots, out);
	}
	return rc;
}

void form_put_slot(struct bytes *b, unsigned slot)
{
	char text[] = {FORM_MARK, FORM_SLOT, (char)('0' + (slot >> 6)), (char)('0' + (slot & 63))};

	bytes_add(b, text, sizeof text);
}

void form_put_time(struct bytes *b, enum form_kind kind, const struct time_form *f)
{
	char text[2 + TIME_FORM_LEN] = {FORM_MARK, (char)kind};

	time_form_write(f, text + 2);
	bytes_add(b, text, sizeof text);
}

void form_put_more(struct bytes *b, enum slot_kind kind)
{
	char text[] = {FORM_MARK, FORM_MORE, (char)('0' + kind)};

	bytes_add(b, text, sizeof text);
}
