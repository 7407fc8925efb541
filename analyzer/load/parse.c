/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parse.c - lines by guessing: after a line of one shape mostly comes a line of a shape that came after it before.
 *
 * For each head the last few heads that followed it are remembered, and the last few tails it had. A guess is compared
 * with the text (shape_match); where none fits, the full parser takes the line apart and the shape is looked up or made. Whatever
 * way a line went, its values were cut out by shape_match: so the shapes and values give it back byte for byte. */
#include "load/parse.h"
#include "ingest/scan.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define GUESSES	   6
#define SAMPLE_MAX 120 /* bytes of a rejected line that are kept for reading */

struct guess {
	const struct shape *next[GUESSES]; /* heads that came next, latest first */
	const struct shape *tail[GUESSES];
};

int parser_init(struct parser *p, struct shape_set *set)
{
	*p = (struct parser){.set = set};
	line_init(&p->line);
	return chunk_builder_new(set, &p->builder);
}

void parser_clear(struct parser *p)
{
	chunk_builder_clear(p->builder);
	p->counts = (struct parse_counts){0};
	for (size_t i = 0; i < p->nrejects; i++)
		free(p->rejects[i].sample);
	p->nrejects = 0;
	p->saw_local = p->saw_utc = p->saw_event = false;
}

void parser_done(struct parser *p)
{
	if (p->builder)
		parser_clear(p);
	chunk_builder_free(p->builder);
	line_done(&p->line);
	free(p->rejects);
	free(p->guesses);
	free(p->values[0]);
	free(p->values[1]);
}

/* ---- guesses ---- */

static int guesses_room(struct parser *p, uint32_t id)
{
	uint32_t n = p->nguesses ? p->nguesses : 512;
	struct guess *more;

	while (n <= id)
		n *= 2;
	if (n == p->nguesses)
		return 0;
	more = realloc(p->guesses, n * sizeof *more);
	if (!more)
		return -ENOMEM;
	memset(more + p->nguesses, 0, (n - p->nguesses) * sizeof *more);
	p->guesses = more;
	p->nguesses = n;
	return 0;
}

static int values_room(struct parser *p, unsigned part, const struct shape *sh)
{
	struct slice *more;

	if (sh->nslots < p->room[part])
		return 0;
	more = realloc(p->values[part], (sh->nslots + 64) * sizeof *more);
	if (!more)
		return -ENOMEM;
	p->values[part] = more;
	p->room[part] = sh->nslots + 64;
	return 0;
}

/* To the front, so that the next look finds it first. */
static void guess_note(const struct shape **list, const struct shape *sh)
{
	unsigned i = 0;

	while (i < GUESSES - 1 && list[i] && list[i] != sh)
		i++;
	memmove(list + 1, list, i * sizeof *list);
	list[0] = sh;
}

static bool has_stamp(const struct shape *sh)
{
	for (unsigned i = 0; i < sh->nslots; i++)
		if (sh->slots[i].kind == SLOT_STAMP || sh->slots[i].kind == SLOT_STAMP_Z)
			return true;
	return false;
}

/* ---- one line ---- */

struct row {
	struct slice text; /* without line end */
	size_t bytes;	   /* with it */
	const struct shape *head, *tail;
	struct slice tid;
	int64_t stamp;
};

static bool tail_match(struct parser *p, const char *from, struct row *r, const struct shape *sh)
{
	const char *end = r->text.ptr + r->text.len;
	struct slice tid = r->tid;

	if (values_room(p, 1, sh) || shape_match(sh, from, end, p->values[1], &tid, NULL) != end)
		return false;
	r->tid = tid;
	r->tail = sh;
	return true;
}

static bool head_match(struct parser *p, struct row *r, const struct shape *sh, const char **behind)
{
	r->tid = SLICE_NONE;
	if (values_room(p, 0, sh))
		return false;
	*behind = shape_match(sh, r->text.ptr, r->text.ptr + r->text.len, p->values[0], &r->tid, &r->stamp);
	r->head = sh;
	return *behind != NULL;
}

static bool guess_line(struct parser *p, struct row *r)
{
	const struct shape **next;

	if (!p->last_head)
		return false;
	next = p->guesses[p->last_head].next;
	for (unsigned i = 0; i < GUESSES && next[i]; i++) {
		const struct shape *head = next[i], **tail = p->guesses[head->id].tail;
		const char *behind;

		if (!head_match(p, r, head, &behind))
			continue;
		for (unsigned k = 0; k < GUESSES && tail[k]; k++) {
			if (!tail_match(p, behind, r, tail[k]))
				continue;
			if (k)
				guess_note(tail, tail[k]);
			if (i)
				guess_note(next, head);
			return true;
		}
	}
	return false;
}

/* The shapes of a line that the full parser understood. */
static int shape_line(struct parser *p, struct row *r, bool *found)
{
	const struct shape *head, *tail;
	const char *behind;
	int rc;

	*found = false;
	if ((rc = shape_set_find(p->set, &p->line, 0, &head)) || !head || (rc = shape_set_find(p->set, &p->line, 1, &tail)) || !tail)
		return rc;
	r->stamp = p->line.stamp;
	if (!head_match(p, r, head, &behind) || !tail_match(p, behind, r, tail) || !slice_same(r->tid, p->line.tid))
		return 0;
	if (guesses_room(p, head->id > tail->id ? head->id : tail->id))
		return -ENOMEM;
	if (has_stamp(head)) {
		if (p->last_head)
			guess_note(p->guesses[p->last_head].next, head);
		guess_note(p->guesses[head->id].tail, tail);
	}
	*found = true;
	return 0;
}

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

static int reject(struct parser *p, const struct row *r, const char *reason)
{
	struct chunk_summary s = chunk_builder_summary(p->builder);
	struct parse_reject *j;

	if (p->nrejects == p->rejects_room) {
		size_t room = p->rejects_room ? p->rejects_room * 2 : 16;
		struct parse_reject *more = realloc(p->rejects, room * sizeof *more);

		if (!more)
			return -ENOMEM;
		p->rejects = more;
		p->rejects_room = room;
	}
	j = &p->rejects[p->nrejects];
	*j = (struct parse_reject){s.rows, s.bytes, (uint32_t)r->text.len, reason, sample_of(r->text)};
	if (!j->sample)
		return -ENOMEM;
	p->nrejects++;
	p->counts.rejected++;
	p->counts.rejected_bytes += r->bytes;
	return chunk_add_raw(p->builder, CHUNK_REJECTED, r->text, SLICE_NONE, 0, r->bytes);
}

static void event_seen(struct parser *p, const struct row *r, bool utc)
{
	if (!p->saw_event)
		p->first_stamp = r->stamp;
	p->saw_event = true;
	p->saw_utc |= utc;
	p->saw_local |= !utc;
}

static int row_add(struct parser *p, const struct row *r)
{
	p->counts.ok++;
	p->counts.ok_bytes += r->bytes;
	p->last_head = r->head->id;
	return chunk_add_line(p->builder, r->head, p->values[0], r->tail, p->values[1], r->tid, r->stamp, r->bytes);
}

static bool head_is_utc(const struct shape *sh)
{
	for (unsigned i = 0; i < sh->nslots; i++)
		if (sh->slots[i].kind == SLOT_STAMP_Z)
			return true;
	return false;
}

static int parse_slowly(struct parser *p, struct row *r, bool cut)
{
	enum line_verdict v = LINE_REJECTED;
	bool found = false;
	int rc;

	if (!r->text.len || (r->text.len == 1 && r->text.ptr[0] == '\r'))
		return reject(p, r, "empty line");
	rc = line_parse(&p->line, r->text.ptr, r->text.len, &v);
	if (rc)
		return rc;
	if (v == LINE_REJECTED)
		return reject(p, r, cut ? "cut short at the end of the file" : p->line.reason);
	if (v == LINE_OK && (rc = shape_line(p, r, &found)))
		return rc;
	if (found) {
		event_seen(p, r, p->line.stamp_is_utc);
		return row_add(p, r);
	}
	r->stamp = p->line.stamp;
	event_seen(p, r, p->line.stamp_is_utc);
	if (v == LINE_REPAIRED) {
		p->counts.repaired++;
		p->counts.repaired_bytes += r->bytes;
	} else {
		p->counts.ok++;
		p->counts.ok_bytes += r->bytes;
	}
	return chunk_add_raw(p->builder, CHUNK_RAW_EVENT, r->text, p->line.tid, r->stamp, r->bytes);
}

int parser_feed(struct parser *p, const char *text, size_t len, bool last, size_t *used)
{
	const char *at = text, *end = text + len;
	int rc = 0;

	while (at < end && !rc) {
		const char *nl = memchr(at, '\n', (size_t)(end - at)), *stop = nl ? nl : end;
		struct row r = {.text = {at, (size_t)(stop - at)}, .bytes = (size_t)(stop - at) + (nl != NULL)};

		if ((!nl && !last) || chunk_builder_full(p->builder, r.bytes))
			break;
		if (guess_line(p, &r)) {
			event_seen(p, &r, head_is_utc(r.head));
			rc = row_add(p, &r);
		} else {
			rc = parse_slowly(p, &r, !nl);
		}
		at = stop + (nl != NULL);
	}
	*used = (size_t)(at - text);
	return rc;
}
