/* SPDX-License-Identifier: GPL-3.0-or-later */
/* search.c - which lines of a group have a text in their message or in a string of their fields.
 *
 * Nothing is put together for this: a message that is part of a shape is looked at once, a dictionary's entries once
 * each, and the text of other columns is searched as one piece. */
#include "store/chunk.h"

#include <errno.h>
#include <stdlib.h>

/* Marks the values of a segment that contain the needle. */
static void segment_search(const struct segment *s, struct slice needle, uint8_t *hits)
{
	char buf[SEGMENT_TEXT];
	struct segment_text t;
	struct slice v;

	for (uint32_t k = 0, i; segment_other(s, k, &i, &v); k++)
		hits[i] |= memmem(v.ptr, v.len, needle.ptr, needle.len) != NULL;
	if (!segment_may_have(s, needle))
		return;
	if (!segment_texts(s, &t)) {
		for (uint32_t i = 0; i < s->n; i++) {
			v = segment_get(s, i, buf);
			hits[i] |= memmem(v.ptr, v.len, needle.ptr, needle.len) != NULL;
		}
		return;
	}
	for (uint32_t i = 0; i < t.entries; i++) {
		uint32_t start = i ? t.ends[i - 1] : 0;
		const char *hit = memmem(t.text + start, t.ends[t.entries - 1] - start, needle.ptr, needle.len);

		if (!hit)
			break;
		/* the hit is in a later entry, or begins in one and ends in the next: then it is none */
		while (t.ends[i] <= (uint32_t)(hit - t.text) && i + 1 < t.entries)
			i++;
		start = i ? t.ends[i - 1] : 0;
		if (!memmem(t.text + start, t.ends[i] - start, needle.ptr, needle.len))
			continue;
		if (t.codes) {
			for (uint32_t k = 0; k < s->n; k++)
				hits[k] |= t.codes[k] == i;
		} else if (t.entries == s->n) {
			hits[i] = 1;
		} else {
			memset(hits, 1, s->n); /* one value for all */
		}
	}
}

static bool is_searched(const struct shape *sh, unsigned slot)
{
	const struct slot *s = &sh->slots[slot];

	return (s->kind == SLOT_STRING || s->kind == SLOT_WORD) &&
	       (s->section == SECTION_FIELDS ||
	        (s->section == SECTION_TOP && !slice_is(s->key, "timestamp") && !slice_is(s->key, "time")));
}

/* The lines of one head in the group: *all, or hits by their number among them. */
static int head_search(struct chunk *c, unsigned group, uint16_t local, struct slice needle, bool *all, uint8_t *hits)
{
	const struct shape *sh = chunk_head(c, local);
	const struct segment *s;

	*all = sh->message.ptr && memmem(sh->message.ptr, sh->message.len, needle.ptr, needle.len);
	for (unsigned k = 0; !*all && k < sh->nslots; k++) {
		int rc = is_searched(sh, k) ? chunk_segment(c, local, k, group, &s) : 0;

		if (rc)
			return rc;
		if (is_searched(sh, k))
			segment_search(s, needle, hits);
	}
	return 0;
}

static bool has_tid_field(const struct shape *sh)
{
	for (unsigned k = 0; k < sh->nslots; k++)
		if (sh->slots[k].kind == SLOT_TID && sh->slots[k].section != SECTION_SPAN &&
		    sh->slots[k].section != SECTION_SPANS)
			return true;
	return false;
}

/* A transaction id among the fields is a string, too, but stands in the row. */
static int tids_search(struct chunk *c, unsigned group, struct slice needle, uint8_t *hits)
{
	uint8_t *has = calloc(CHUNK_ROWS, 1); /* by number */
	const struct segment *s;
	struct chunk_group rows;
	uint32_t first;
	int rc = has ? 0 : -ENOMEM;

	for (unsigned g = 0; !rc && (rc = chunk_tids(c, g, &first, &s)) == 1; g++) {
		segment_search(s, needle, has + first);
		rc = 0;
	}
	if (!rc && memchr(has, 1, CHUNK_ROWS) &&
	    !(rc = chunk_group(c, group, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TID, &rows)))
		for (uint32_t i = 0; i < rows.n; i++)
			if (has[rows.tid[i]] && rows.head[i] >= CHUNK_FIRST_HEAD)
				hits[i] |= has_tid_field(chunk_head(c, rows.head[i]));
	free(has);
	return rc;
}

/* Can there be such a text in a transaction id? What is escaped is in none. */
static bool may_be_tid(struct slice needle)
{
	return needle.len <= LINE_MAX_TID && !memchr(needle.ptr, '\\', needle.len);
}

int chunk_search(struct chunk *c, unsigned group, struct slice needle, uint8_t *hits)
{
	unsigned n = chunk_heads(c) + CHUNK_FIRST_HEAD;
	uint8_t **by_head = calloc(n, sizeof *by_head);
	uint32_t *seen = calloc(n, sizeof *seen);
	struct chunk_group rows;
	int rc = by_head && seen ? chunk_group(c, group, CHUNK_COLUMN_HEAD, &rows) : -ENOMEM;

	for (unsigned h = CHUNK_FIRST_HEAD; h < n && !rc; h++) {
		uint32_t lines = chunk_head_lines(c, (uint16_t)h, group);
		bool all;

		if (!lines)
			continue;
		by_head[h] = calloc(lines, 1);
		rc = by_head[h] ? head_search(c, group, (uint16_t)h, needle, &all, by_head[h]) : -ENOMEM;
		if (!rc && all)
			memset(by_head[h], 1, lines);
	}
	for (uint32_t i = 0; !rc && i < rows.n; i++) {
		unsigned h = rows.head[i];
		struct slice text;

		if (h >= CHUNK_FIRST_HEAD) {
			hits[i] = by_head[h][seen[h]++];
			continue;
		}
		rc = chunk_raw_text(c, group * SEGMENT_ROWS + seen[CHUNK_REJECTED]++, &text);
		hits[i] = !rc && memmem(text.ptr, text.len, needle.ptr, needle.len);
	}
	if (!rc && may_be_tid(needle))
		rc = tids_search(c, group, needle, hits);
	for (unsigned h = 0; by_head && h < n; h++)
		free(by_head[h]);
	free(by_head);
	free(seen);
	return rc;
}
