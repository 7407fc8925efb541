/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shape.c - skeletons made from lines, shapes made from skeletons, and the matching of text against them. */
#include "store/shape.h"
#include "base/scan.h"
#include "ingest/level.h"
#include "ingest/stamp.h"
#include "column/column.h"
#include "ingest/form.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* What store.h shows, and what stands behind it. */
struct shape_full {
	struct shape shape;
	struct shape_range fields, span, spans;
	struct constant {
		uint8_t section;
		struct slice key, value;
	} * constants;
	unsigned nconstants;
	struct form form;
	char *skeleton;
	char *sample; /* the skeleton as a line, with made-up values: names and texts point into it */
};

/* ---- a line's skeleton ---- */

static bool is_key(const struct line *l, const struct token *t, const char *name)
{
	size_t len = strlen(name);

	return t->key_len == len && !memcmp(l->text + t->key_off, name, len);
}

static bool is_hex(const char *p, size_t len, size_t want)
{
	if (len != want)
		return false;
	for (size_t i = 0; i < len; i++)
		if (!((p[i] >= '0' && p[i] <= '9') || (p[i] >= 'a' && p[i] <= 'f')))
			return false;
	return true;
}

/* The kind of slot that a token becomes; 0: it stays in the skeleton. */
static unsigned slot_of(const struct line *l, const struct token *t, bool family)
{
	const char *text = l->text + t->off;

	if (t->kind == SLOT_STAMP || t->kind == SLOT_STAMP_Z)
		return t->kind;
	if (t->kind == SLOT_STRING && is_key(l, t, "tid")) {
		if (l->tid.ptr && t->len == l->tid.len && !memcmp(text, l->tid.ptr, t->len))
			return SLOT_TID;
		return t->section == SECTION_FIELDS || is_hex(text, t->len, 32) || family ? SLOT_STRING : 0;
	}
	if (text == l->level.ptr || text == l->target.ptr)
		return 0;
	if (text == l->message.ptr)
		return family || t->kind != SLOT_STRING ? t->kind : 0;
	if (t->off < l->tail_off || t->kind != SLOT_STRING || t->named)
		return t->kind;
	if (t->section != SECTION_TOP && (is_key(l, t, "id") || is_key(l, t, "parent")))
		return SLOT_STRING;
	return family && !is_key(l, t, "name") && !is_key(l, t, "worker") ? SLOT_STRING : 0;
}

size_t shape_skeleton(const struct line *l, unsigned part, enum shape_care care, char *buf)
{
	uint32_t from = part ? l->tail_off : 0, to = part ? l->len : l->tail_off;
	bool family = care == SHAPE_FAMILY;
	unsigned slots = 0;
	char *out = buf;

	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];
		unsigned kind;

		if (t->off < from)
			continue;
		if (t->off >= to)
			break;
		kind = slot_of(l, t, family);
		if (!kind)
			continue;
		if (++slots > SHAPE_MAX_SLOTS)
			return 0;
		memcpy(out, l->text + from, t->off - from);
		out += t->off - from;
		*out++ = (char)kind;
		from = t->off + t->len;
	}
	memcpy(out, l->text + from, to - from);
	out += to - from;
	return (size_t)(out - buf) <= SHAPE_MAX_BYTES ? (size_t)(out - buf) : 0;
}

/* ---- a shape from its skeleton ---- */

static const char *const sample_of[SLOT_KINDS] = {
    [SLOT_TID] = "t",
    [SLOT_STRING] = "1970-01-01T00:00:00Z" /* a time is a string, too */,
    [SLOT_SCALAR] = "0",
    [SLOT_JSON] = "[0]" /* an empty one would be a list of spans */,
    [SLOT_STAMP] = "1970-01-01 00:00:00.0",
    [SLOT_STAMP_Z] = "1970-01-01T00:00:00.000000000Z",
};

static const char tail_start[] = "{\"timestamp\":\"1970-01-01 00:00:00.0\"";

static size_t sample_room(const char *skeleton, size_t len)
{
	size_t room = sizeof tail_start + len + 2 + SCAN_SLACK;

	for (size_t i = 0; i < len; i++)
		if ((unsigned char)skeleton[i] < SLOT_KINDS)
			room += STAMP_MAX;
	return room;
}

/* Writes the sample and where each slot's value stands in it. Returns its length, or 0: not a skeleton. */
static size_t sample_write(const char *skeleton, size_t len, unsigned part, char *out, uint32_t *at, unsigned *nslots)
{
	char *p = out;

	*nslots = 0;
	if (part)
		p = stpcpy(p, tail_start);
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)skeleton[i];

		if (!c)
			return 0;
		if (c >= SLOT_KINDS) {
			*p++ = (char)c;
			continue;
		}
		if (*nslots == SHAPE_MAX_SLOTS)
			return 0;
		at[(*nslots)++] = (uint32_t)(p - out);
		p = stpcpy(p, sample_of[c]);
	}
	return (size_t)(p - out);
}

/* Parses the sample; a head needs a closing bracket where its tail had it. */
static int sample_parse(struct line *l, char *sample, size_t *len, unsigned part, bool empty, bool reading)
{
	int (*parse)(struct line *, const char *, size_t, enum line_verdict *) =
	    reading ? line_parse_reading : line_parse;
	enum line_verdict v;
	int rc;

	l->any_length = true;
	memset(sample + *len, 0, SCAN_SLACK);
	if (part && empty)
		sample[(*len)++] = '}';
	rc = parse(l, sample, *len, &v);
	if (rc || v != LINE_REJECTED)
		return rc;
	sample[(*len)++] = '}';
	rc = parse(l, sample, *len, &v);
	return rc ? rc : v != LINE_REJECTED ? 0 : -EBADMSG;
}

/* A position in the sample as a position in the literals. */
static struct shape_mark mark_of(const struct shape_full *f, const uint32_t *at, const char *p)
{
	struct shape_mark m = {0, 0};
	uint32_t off = (uint32_t)(p - f->sample), start = f->shape.part ? sizeof tail_start - 1 : 0;

	for (unsigned i = 0; i < f->shape.nline && at[i] < off; i++) {
		m.literal = i + 1;
		start = at[i] + (uint32_t)strlen(sample_of[f->shape.slots[i].kind]);
	}
	m.offset = off - start;
	return m;
}

static struct shape_range range_of(const struct shape_full *f, const uint32_t *at, struct slice s)
{
	if (!s.ptr)
		return (struct shape_range){.there = false};
	return (struct shape_range){mark_of(f, at, s.ptr), mark_of(f, at, s.ptr + s.len), true};
}

/* tokens of the sample that are slots become them; the others tell names. */
static int slots_fill(struct shape_full *f, const struct line *l, const uint32_t *at)
{
	struct slot *slots = (struct slot *)f->shape.slots;
	unsigned n = 0;

	for (unsigned i = 0; i < l->ntokens && n < f->shape.nline; i++) {
		const struct token *t = &l->tokens[i];

		if (t->off != at[n])
			continue;
		slots[n].section = t->section;
		slots[n].key = (struct slice){l->text + t->key_off, t->key_len};
		if (l->message.ptr == l->text + t->off)
			f->shape.message_slot = (int)n;
		n++;
	}
	return n == f->shape.nline ? 0 : -EBADMSG;
}

static struct slice token_slice(const struct line *l, const struct token *t)
{
	return (struct slice){l->text + t->off, t->len};
}

/* Of the innermost enter_worker in spans, else of span itself. */
static void tail_names(struct shape *sh, const struct line *l)
{
	struct slice worker[2] = {SLICE_NONE, SLICE_NONE}, candidate = SLICE_NONE;
	int element = -1;

	sh->depth = l->nspans;
	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];
		int e = t->section == SECTION_SPANS ? t->element : -2;

		if (t->section != SECTION_SPAN && t->section != SECTION_SPANS)
			continue;
		if (e != element)
			candidate = SLICE_NONE;
		element = e;
		if (t->kind != SLOT_STRING)
			continue;
		if (is_key(l, t, "worker"))
			candidate = token_slice(l, t);
		if (!is_key(l, t, "name"))
			continue;
		if (t->section == SECTION_SPAN)
			sh->span_name = token_slice(l, t);
		if (slice_is(token_slice(l, t), "enter_worker") && candidate.ptr)
			worker[t->section == SECTION_SPANS] = candidate;
	}
	sh->worker = worker[1].ptr ? worker[1] : worker[0];
}

static int constants_fill(struct shape_full *f, const struct line *l, const uint32_t *at)
{
	unsigned n = 0;

	f->constants = calloc(l->ntokens + 1, sizeof *f->constants);
	if (!f->constants)
		return -ENOMEM;
	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];

		if (n < f->shape.nline && t->off == at[n])
			n++;
		else if (t->kind == SLOT_STRING && (t->section == SECTION_SPAN || t->section == SECTION_TOP))
			f->constants[f->nconstants++] =
			    (struct constant){t->section, {l->text + t->key_off, t->key_len}, token_slice(l, t)};
	}
	return 0;
}

struct slice shape_constant(const struct shape *sh, enum section section, const char *key)
{
	const struct shape_full *f = (const struct shape_full *)sh;

	for (unsigned i = 0; i < f->nconstants; i++)
		if (f->constants[i].section == section && slice_is(f->constants[i].key, key))
			return f->constants[i].value;
	return SLICE_NONE;
}

/* In the text, or of a line that is kept whole among the values. */
static bool top_has(const struct shape *sh, const char *key)
{
	for (unsigned i = 0; i < sh->nline; i++)
		if (sh->slots[i].section == SECTION_TOP && slice_is(sh->slots[i].key, key))
			return true;
	return shape_constant(sh, SECTION_TOP, key).ptr;
}

static void head_names(struct shape *sh, const struct line *l)
{
	sh->as_span = l->reading && top_has(sh, "as_line");
	sh->as_worker = l->reading && top_has(sh, "as_worker");
	sh->as_error = l->reading && top_has(sh, "as_error");
	sh->as_pair = l->reading && top_has(sh, "as_pair");
	sh->level_text = sh->form ? shape_constant(sh, SECTION_TOP, "level_text") : l->level;
	sh->level = level_name(level_read(l->level, LEVEL_COMMON));
	sh->target = l->target;
	if (sh->message_slot < 0)
		sh->message = l->message;
	sh->span_line = l->target.ptr && (slice_is(sh->message, "new") || slice_is(sh->message, "close") ||
	                                  slice_is(sh->message, "enter") || slice_is(sh->message, "exit"));
}

/* Slots and literals of a skeleton whose sample is written. */
static int cut(struct shape_full *f, size_t len)
{
	unsigned all = f->shape.nline + f->form.nmore;
	struct slot *slots = calloc(all + 1, sizeof *slots);
	struct slice *literals = calloc(f->shape.nline + 1, sizeof *literals);
	const char *start = f->skeleton;
	unsigned n = 0;

	f->shape.slots = slots;
	f->shape.literals = literals;
	if (!slots || !literals)
		return -ENOMEM;
	for (size_t i = 0; i < len; i++) {
		if ((unsigned char)f->skeleton[i] >= SLOT_KINDS)
			continue;
		literals[n] = (struct slice){start, (size_t)(f->skeleton + i - start)};
		slots[n++].kind = (enum slot_kind)f->skeleton[i];
		start = f->skeleton + i + 1;
	}
	literals[n] = (struct slice){start, (size_t)(f->skeleton + len - start)};
	for (unsigned i = n; i < all; i++)
		slots[i] = (struct slot){
		    .kind = (enum slot_kind)f->form.more[i - n], .section = SECTION_SPANS, .key = SLICE("")};
	for (unsigned i = 1; i < all; i++)
		slots[i].stored = (uint16_t)(slots[i - 1].stored + slot_is_stored(slots[i - 1].kind));
	f->shape.nslots = all;
	return 0;
}

void shape_free(struct shape *sh)
{
	struct shape_full *f = (struct shape_full *)sh;

	if (!f)
		return;
	free((void *)f->shape.slots);
	free((void *)f->shape.literals);
	free(f->constants);
	form_done(&f->form);
	free(f->skeleton);
	free(f->sample);
	free(f);
}

/* FNV-1a, which sees each changed byte. */
static uint32_t sum_of(const char *p, size_t len)
{
	uint32_t h = 2166136261u;

	for (; len; p++, len--)
		h = (h ^ (unsigned char)*p) * 16777619u;
	return h;
}

/* Bytes of a skeleton without the form behind it. */
static size_t line_len(const char *skeleton, size_t len)
{
	const char *form = memchr(skeleton, FORM_START, len);

	return form ? (size_t)(form - skeleton) : len;
}

/* The form behind a skeleton, where there is one. */
static int form_take(struct shape_full *f, size_t line, size_t len)
{
	if (line == len)
		return 0;
	f->shape.form = &f->form;
	return f->shape.part ? -EBADMSG : form_parse(f->skeleton + line + 1, len - line - 1, f->shape.nline, &f->form);
}

/* skeleton is taken, whatever comes of it. */
static int shape_make(char *skeleton, size_t len, unsigned part, struct shape **out)
{
	struct shape_full *f = calloc(1, sizeof *f);
	uint32_t at[SHAPE_MAX_SLOTS];
	struct line l;
	size_t n, line;
	int rc = -ENOMEM;

	line_init(&l);
	if (!f) {
		free(skeleton);
		return rc;
	}
	f->skeleton = skeleton;
	f->sample = malloc(sample_room(skeleton, len));
	if (!f->sample)
		goto fail;
	f->shape.skeleton = (struct slice){f->skeleton, len};
	f->shape.part = (uint8_t)part;
	f->shape.sum = sum_of(skeleton, len);
	f->shape.message_slot = -1;
	line = line_len(skeleton, len);
	n = sample_write(skeleton, line, part, f->sample, at, &f->shape.nline);
	rc = n || (part && !len) ? form_take(f, line, len) : -EBADMSG;
	if (!rc)
		rc = cut(f, line);
	if (rc || (rc = sample_parse(&l, f->sample, &n, part, !len, f->shape.form != NULL)) ||
	    (rc = slots_fill(f, &l, at)) || (rc = constants_fill(f, &l, at)))
		goto fail;
	if (part)
		tail_names(&f->shape, &l);
	else
		head_names(&f->shape, &l);
	f->fields = range_of(f, at, part ? SLICE_NONE : l.fields);
	f->span = range_of(f, at, part ? l.span : SLICE_NONE);
	f->spans = range_of(f, at, part ? l.spans : SLICE_NONE);
	line_done(&l);
	*out = &f->shape;
	return 0;
fail:
	line_done(&l);
	shape_free(&f->shape);
	return rc;
}

int shape_new(const char *skeleton, size_t len, unsigned part, struct shape **out)
{
	char *copy = malloc(len + 1);

	return copy ? shape_make(memcpy(copy, skeleton, len), len, part, out) : -ENOMEM;
}

struct shape_range shape_part_range(const struct shape *sh, enum section section)
{
	const struct shape_full *f = (const struct shape_full *)sh;

	return section == SECTION_FIELDS ? f->fields : section == SECTION_SPAN ? f->span : f->spans;
}

/* ---- the shape of a line that is kept whole ---- */

/* Does the token belong to that half? Where parts stand in an unusual order, what has no part of its own belongs to
 * neither. */
static bool is_of_half(const struct line *l, const struct token *t, unsigned part)
{
	int n = (int)(t - l->tokens);

	if (!l->odd_order)
		return (t->off >= l->tail_off) == part;
	if (t->section == SECTION_TOP)
		return !part && (n == l->stamp_token || n == l->level_token || n == l->target_token ||
		                 (n == l->message_token && !l->fields.ptr));
	return (t->section != SECTION_FIELDS) == part;
}

/* A token as a slot, or as a text that stays the same. */
static void raw_token(struct shape_full *f, const struct line *l, const struct token *t)
{
	struct slice key = {l->text + t->key_off, t->key_len}, text = token_slice(l, t);
	struct slot *slots = (struct slot *)f->shape.slots;
	unsigned kind = slot_of(l, t, false);

	if (kind) {
		if (text.ptr == l->message.ptr)
			f->shape.message_slot = (int)f->shape.nslots;
		slots[f->shape.nslots++] =
		    (struct slot){.kind = (enum slot_kind)kind, .section = t->section, .key = key};
	} else if (t->kind == SLOT_STRING && (t->section == SECTION_SPAN || t->section == SECTION_TOP)) {
		f->constants[f->nconstants++] = (struct constant){t->section, key, text};
	}
}

/* In the order of the text; in an unusual one by sections, since span stands before spans elsewhere. */
static void raw_tokens(struct shape_full *f, const struct line *l)
{
	for (unsigned section = SECTION_TOP; section <= (l->odd_order ? SECTION_SPANS : SECTION_TOP); section++)
		for (unsigned i = 0; i < l->ntokens; i++)
			if (is_of_half(l, &l->tokens[i], f->shape.part) &&
			    (!l->odd_order || l->tokens[i].section == section))
				raw_token(f, l, &l->tokens[i]);
	f->shape.nline = f->shape.nslots;
}

int shape_of_raw(const struct line *l, unsigned part, struct shape **out)
{
	struct shape_full *f = calloc(1, sizeof *f);

	if (!f)
		return -ENOMEM;
	f->shape.part = (uint8_t)part;
	f->shape.message_slot = -1;
	f->shape.slots = calloc(l->ntokens + 1, sizeof *f->shape.slots);
	f->constants = calloc(l->ntokens + 1, sizeof *f->constants);
	if (!f->shape.slots || !f->constants) {
		shape_free(&f->shape);
		return -ENOMEM;
	}
	raw_tokens(f, l);
	if (part)
		tail_names(&f->shape, l);
	else
		head_names(&f->shape, l);
	f->fields.there = !part && l->fields.ptr;
	f->span.there = part && l->span.ptr;
	f->spans.there = part && l->spans.ptr;
	*out = &f->shape;
	return 0;
}
