/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse_reject.c - lines that should have been events: kept as they are, and each a row of table reject. */
#include "parse/parse_row.h"
#include "base/array.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define SAMPLE_MAX 120 /* bytes of a rejected line that are kept for reading */

static char *sample_of(struct slice text)
{
	size_t n = text.len < SAMPLE_MAX ? text.len : SAMPLE_MAX;
	char *out = malloc(4 * n + 4), *o = out;

	if (!out)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned char c = (unsigned char)text.ptr[i];

		if (c >= 0x20 && c < 0x7f && c != '\\')
			*o++ = (char)c;
		else
			o += sprintf(o, "\\x%02x", c);
	}
	strcpy(o, text.len > n ? "..." : "");
	return out;
}

/* Notes the text at a byte of the chunk's next line as rejected. */
static int reject_note(struct parser *p, struct slice text, size_t at, const char *reason)
{
	struct chunk_summary s = chunk_builder_summary(p->builder);
	struct parse_reject *j;

	if (array_reserve(p->rejects, p->rejects_room, p->nrejects + 1))
		return -ENOMEM;
	j = &p->rejects[p->nrejects];
	*j = (struct parse_reject){s.lines, (int64_t)(s.bytes + at), text.len, reason, sample_of(text)};
	if (!j->sample)
		return -ENOMEM;
	p->nrejects++;
	return 0;
}

int parse_reject_part(struct parser *p, const struct row *r, struct slice part, const char *reason)
{
	p->counts.rejected++;
	p->counts.rejected_bytes += r->bytes;
	return reject_note(p, part, (size_t)(part.ptr - r->text.ptr), reason);
}

int parse_reject_row(struct parser *p, const struct row *r, const char *reason)
{
	if (r->text.len > PARSE_STRETCH) {
		p->gives_up = reason;
		return 0;
	}
	if (reject_note(p, r->text, 0, reason))
		return -ENOMEM;
	p->counts.rejected++;
	p->counts.rejected_bytes += r->bytes;
	return chunk_add_raw(p->builder, CHUNK_REJECTED, r->text, SLICE_NONE, 0, r->bytes);
}

int parser_stretch(struct parser *p, struct slice text)
{
	p->counts.rejected_bytes += text.len;
	return chunk_add_stretch(p->builder, text);
}

int parser_give_up(struct parser *p, const char *reason, struct slice first, uint64_t bytes, size_t end)
{
	struct row r = {.text = {first.ptr, 0}, .bytes = end};
	int rc = parse_reject_row(p, &r, reason);
	struct parse_reject *j;

	p->gives_up = NULL;
	if (rc)
		return rc;
	j = &p->rejects[p->nrejects - 1];
	free(j->sample);
	j->sample = sample_of(first);
	j->offset = -(int64_t)bytes;
	j->length = bytes;
	return j->sample ? 0 : -ENOMEM;
}
