/* SPDX-License-Identifier: GPL-3.0-or-later */
/* search.c - which lines of a group have a text in their message or in a string of their fields.
 *
 * Nothing is put together for this: a message that is part of a shape is looked at once, a dictionary's entries once
 * each, and the text of other columns is searched as one piece. What is searched is what a line means, not how it
 * spells it: a value with a backslash is looked at without its escapes. */
#include "store/chunk.h"

#include <errno.h>
#include <stdlib.h>

struct search {
	struct slice needle; /* plain text, or bytes of the line: */
	bool spelled;
	bool literal; /* no letter of it has an escape of its own: only \\u may spell it otherwise */
	char *plain;  /* room for a value without its escapes */
	size_t room;
	int error;
};

static bool is_literal(struct slice needle)
{
	for (size_t i = 0; i < needle.len; i++) {
		unsigned char c = (unsigned char)needle.ptr[i];

		if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\' || c == '/')
			return false;
	}
	return true;
}

/* Whether there is a \\u in it, perhaps behind another backslash. */
static bool has_unicode(const char *text, size_t len)
{
	enum { AT_ONCE = 64 };
	size_t i = 0;
	unsigned char any;

	for (; i + AT_ONCE < len; i += AT_ONCE) {
		any = 0;
		for (size_t k = 0; k < AT_ONCE; k++)
			any |= (text[i + k] == '\\') & (text[i + k + 1] == 'u');
		if (any)
			return true;
	}
	return len > i && memmem(text + i, len - i, "\\u", 2);
}

/* Whether text may have the needle although its letters are not there one after the other. */
static bool may_hide(const struct search *s, const char *text, size_t len)
{
	return !s->spelled && memchr(text, '\\', len) && (!s->literal || has_unicode(text, len));
}

/* Whether a value has the text. Of one with escapes, what it means is looked at. */
static bool has(struct search *s, struct slice v)
{
	if (s->literal && !memmem(v.ptr, v.len, s->needle.ptr, s->needle.len) && !may_hide(s, v.ptr, v.len))
		return false;
	if (!s->spelled && memchr(v.ptr, '\\', v.len)) {
		if (s->room < 3 * v.len) {
			free(s->plain);
			s->room = 3 * v.len;
			s->plain = malloc(s->room);
		}
		if (!s->plain) {
			s->room = 0;
			s->error = -ENOMEM;
			return false;
		}
		v = (struct slice){s->plain, json_unescape(v, s->plain)};
	}
	return memmem(v.ptr, v.len, s->needle.ptr, s->needle.len) != NULL;
}

/* Entry i of a column's text has it. */
static void mark(const struct segment *s, const struct segment_text *t, uint32_t i, uint8_t *hits)
{
	if (t->codes) {
		for (uint32_t k = 0; k < s->n; k++)
			hits[k] |= t->codes[k] == i;
	} else if (t->entries == s->n) {
		hits[i] = 1;
	} else {
		memset(hits, 1, s->n); /* one value for all */
	}
}

static void entries_search(struct search *q, const struct segment *s, const struct segment_text *t, uint8_t *hits)
{
	uint32_t end = t->entries ? t->ends[t->entries - 1] : 0;
	bool hides = end && may_hide(q, t->text, end);

	for (uint32_t i = 0; i < t->entries; i++) {
		uint32_t start = i ? t->ends[i - 1] : 0;

		if (!hides) { /* on to the entry in which the next hit begins */
			const char *hit = memmem(t->text + start, end - start, q->needle.ptr, q->needle.len);

			if (!hit)
				break;
			while (t->ends[i] <= (uint32_t)(hit - t->text) && i + 1 < t->entries)
				i++;
			start = i ? t->ends[i - 1] : 0;
		}
		if (has(q, (struct slice){t->text + start, t->ends[i] - start}))
			mark(s, t, i, hits);
	}
}

/* Marks the values of a segment that contain the needle. */
static void segment_search(struct search *q, const struct segment *s, uint8_t *hits)
{
	char buf[SEGMENT_TEXT];
	struct segment_text t;
	struct slice v;

	for (uint32_t k = 0, i; segment_other(s, k, &i, &v); k++)
		hits[i] |= has(q, v);
	if (segment_texts(s, &t))
		entries_search(q, s, &t, hits);
	else if (segment_may_have(s, q->needle))
		for (uint32_t i = 0; i < s->n; i++)
			hits[i] |= has(q, segment_get(s, i, buf));
}

static bool is_searched(const struct shape *sh, unsigned slot)
{
	const struct slot *s = &sh->slots[slot];

	if (sh->form) /* at the top level a reading has what has a role */
		return s->kind == SLOT_STRING && (s->section == SECTION_FIELDS || (int)slot == sh->message_slot);
	return s->kind == SLOT_STRING &&
	       (s->section == SECTION_FIELDS ||
	        (s->section == SECTION_TOP && !slice_is(s->key, "timestamp") && !slice_is(s->key, "time")));
}

/* The lines of one head in the group: *all, or hits by their number among them. */
static int head_search(struct chunk *c, unsigned group, uint16_t local, struct search *q, bool *all, uint8_t *hits)
{
	const struct shape *sh = chunk_head(c, local);
	const struct segment *s;

	*all = sh->message.ptr && has(q, sh->message);
	for (unsigned k = 0; !*all && k < sh->nslots; k++) {
		int rc = is_searched(sh, k) ? chunk_segment(c, local, k, group, &s) : 0;

		if (rc)
			return rc;
		if (is_searched(sh, k))
			segment_search(q, s, hits);
	}
	return 0;
}

/* Bytes of `fields`: between the values it is the shape's text. *crosses: a hit may begin in one and end in the other.
 */
static bool literals_have(const struct search *q, const struct shape *sh, const struct shape_range *r, bool *crosses)
{
	*crosses = false;
	for (uint32_t i = r->from.literal; i <= r->to.literal; i++) {
		uint32_t from = i == r->from.literal ? r->from.offset : 0;
		uint32_t to = i == r->to.literal ? r->to.offset : (uint32_t)sh->literals[i].len;
		const char *p = sh->literals[i].ptr + from;
		size_t n = to - from;

		if (memmem(p, n, q->needle.ptr, q->needle.len))
			return true;
		/* one that crosses has the byte beside the value */
		*crosses |= (i > r->from.literal && (!n || memchr(q->needle.ptr, p[0], q->needle.len))) ||
		            (i < r->to.literal && (!n || memchr(q->needle.ptr, p[n - 1], q->needle.len)));
	}
	return false;
}

static int fields_search(struct chunk *c, unsigned group, uint16_t local, struct search *q, bool *all, uint8_t *hits)
{
	const struct shape *sh = chunk_head(c, local);
	struct shape_range r = shape_part_range(sh, SECTION_FIELDS);
	const struct segment *s;
	bool crosses;
	int rc = 0;

	*all = false;
	if (!r.there)
		return 0;
	*all = literals_have(q, sh, &r, &crosses);
	for (uint32_t k = r.from.literal; !*all && !rc && k < r.to.literal; k++) {
		if (!slot_is_stored(sh->slots[k].kind))
			crosses |= sh->slots[k].kind != SLOT_TID;
		else if (!(rc = chunk_segment(c, local, k, group, &s)))
			segment_search(q, s, hits);
	}
	for (uint32_t i = 0, n = chunk_head_lines(c, local, group); crosses && !*all && i < n; i++)
		hits[i] = hits[i] ? CHUNK_HIT : CHUNK_LOOK;
	return rc;
}

static bool has_tid_field(const struct shape *sh, bool fields)
{
	for (unsigned k = 0; k < sh->nslots; k++)
		if (sh->slots[k].kind == SLOT_TID && (sh->slots[k].section == SECTION_FIELDS ||
		                                      (!fields && !sh->form && sh->slots[k].section == SECTION_TOP)))
			return true;
	return false;
}

/* A transaction id among the fields is a string, too, but stands in the row. */
static int tids_search(struct chunk *c, unsigned group, struct search *q, uint8_t *hits)
{
	uint8_t *found = calloc(CHUNK_ROWS, 1); /* by number */
	const struct segment *s;
	struct chunk_group rows;
	uint32_t first;
	int rc = found ? 0 : -ENOMEM;

	for (unsigned g = 0; !rc && (rc = chunk_tids(c, g, &first, &s)) == 1; g++) {
		segment_search(q, s, found + first);
		rc = 0;
	}
	if (!rc && memchr(found, 1, CHUNK_ROWS) &&
	    !(rc = chunk_group(c, group, CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TID, &rows)))
		for (uint32_t i = 0; i < rows.n; i++)
			if (found[rows.tid[i]] && rows.head[i] >= CHUNK_FIRST_HEAD)
				hits[i] = has_tid_field(chunk_head(c, rows.head[i]), q->spelled) ? CHUNK_HIT : hits[i];
	free(found);
	return rc;
}

static int group_search(struct chunk *c, unsigned group, struct search *q, uint8_t *hits)
{
	unsigned n = chunk_heads(c) + CHUNK_FIRST_HEAD;
	struct {
		uint8_t *hits; /* of its lines */
		uint32_t lines, taken;
	} *of = calloc(n, sizeof *of); /* each head */
	struct chunk_group rows;
	int rc = of ? chunk_group(c, group, CHUNK_COLUMN_HEAD, &rows) : -ENOMEM;

	for (unsigned h = CHUNK_FIRST_HEAD; h < n && !rc; h++) {
		uint32_t lines = chunk_head_lines(c, (uint16_t)h, group);
		bool all;

		if (!lines)
			continue;
		of[h].lines = lines;
		of[h].hits = calloc(lines, 1);
		if (!of[h].hits)
			rc = -ENOMEM;
		else
			rc = (q->spelled ? fields_search : head_search)(c, group, (uint16_t)h, q, &all, of[h].hits);
		if (!rc && all)
			memset(of[h].hits, 1, lines);
	}
	for (uint32_t i = 0; !rc && i < rows.n; i++) {
		unsigned h = rows.head[i];

		/* the directory's count may be less than there are */
		if (h >= CHUNK_FIRST_HEAD && (h >= n || of[h].taken == of[h].lines))
			rc = -EBADMSG;
		else if (h < CHUNK_FIRST_HEAD)
			hits[i] = CHUNK_LOOK;
		else
			hits[i] = of[h].hits[of[h].taken++];
	}
	if (!rc && q->needle.len <= LINE_MAX_TID)
		rc = tids_search(c, group, q, hits);
	if (!rc)
		rc = q->error;
	free(q->plain);
	for (unsigned h = 0; of && h < n; h++)
		free(of[h].hits);
	free(of);
	return rc;
}

int chunk_search(struct chunk *c, unsigned group, struct slice needle, uint8_t *hits)
{
	return group_search(c, group, &(struct search){.needle = needle, .literal = is_literal(needle)}, hits);
}

int chunk_search_fields(struct chunk *c, unsigned group, struct slice needle, uint8_t *hits)
{
	return group_search(c, group, &(struct search){.needle = needle, .spelled = true}, hits);
}

static int row_search(struct chunk *c, const struct chunk_row *row, struct search *q, bool *found)
{
	const struct shape *sh = chunk_head(c, row->head);
	char buf[SEGMENT_TEXT];
	struct slice v;
	int rc = 0;

	*found = sh->message.ptr && has(q, sh->message);
	for (unsigned k = 0; !*found && !rc && k < sh->nslots; k++)
		if (is_searched(sh, k) && !(rc = chunk_value(c, 0, row->head, k, row->head_ord, buf, &v)))
			*found = has(q, v);
	if (!*found && !rc && q->needle.len <= LINE_MAX_TID && has_tid_field(sh, false) &&
	    !(rc = chunk_tid(c, row->tid, &v)))
		*found = v.ptr && has(q, v);
	return rc;
}

int chunk_search_row(struct chunk *c, const struct chunk_row *row, struct slice needle)
{
	struct search q = {.needle = needle, .literal = is_literal(needle)};
	bool found;
	int rc = row_search(c, row, &q, &found);

	free(q.plain);
	return rc ? rc : q.error ? q.error : found;
}
