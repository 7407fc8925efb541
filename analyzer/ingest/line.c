/* SPDX-License-Identifier: GPL-3.0-or-later */
/* line.c - the full parser of a line.
 *
 * It walks the top level itself, so that it knows the section of each value, and leaves strings, scalars and nested
 * values to scan.h. It is the slow path: most lines of a log match a shape that is known already (store/shape.h). */
#include "ingest/line.h"
#include "base/array.h"
#include "base/scan.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdlib.h>

struct walk {
	struct line *l;
	const char *p, *end;
	bool high;          /* a byte above 0x7f occurred */
	const char *reason; /* of the failure */
};

void line_init(struct line *l)
{
	memset(l, 0, sizeof *l);
}

void line_done(struct line *l)
{
	free(l->tokens);
	line_init(l);
}

static const char too_many_keys[] = "more than 4096 keys", not_objects[] = "an element of spans is not an object";

static bool fail(struct walk *w, const char *reason)
{
	w->reason = reason;
	return false;
}

static void space(struct walk *w)
{
	while (w->p < w->end && (*w->p == ' ' || *w->p == '\t' || *w->p == '\r'))
		w->p++;
}

static bool token_add(struct walk *w, const struct token *t)
{
	struct line *l = w->l;

	struct token *to;

	if (l->ntokens >= LINE_MAX_KEYS)
		return fail(w, too_many_keys);
	to = array_add(l->tokens, l->ntokens, l->room);
	if (!to)
		return fail(w, NULL); /* out of memory */
	*to = *t;
	return true;
}

/* A value at w->p: fills in off, len and kind and adds the token. */
static bool value(struct walk *w, struct token *t)
{
	const char *start = w->p, *stop;

	if (start >= w->end)
		return fail(w, "cut short");
	if (*start == '"') {
		stop = scan_string(++start, w->end, &w->high);
		if (!stop)
			return fail(w, "bad string: no end, a control character or an unknown escape");
		w->p = stop + 1;
		t->kind = SLOT_STRING;
	} else if (*start == '{' || *start == '[') {
		const char *reason;

		stop = scan_nested(start, w->end, &w->high, &reason);
		if (!stop)
			return fail(w, reason);
		w->p = stop;
		t->kind = SLOT_JSON;
	} else {
		stop = scan_scalar(start, w->end);
		if (!stop)
			return fail(w, "not JSON: a value is expected");
		w->p = stop;
		t->kind = SLOT_SCALAR;
	}
	t->off = (uint32_t)(start - w->l->text);
	t->len = (uint32_t)(stop - start);
	return token_add(w, t);
}

/* `"key":` at w->p, space around it. */
static bool key(struct walk *w, struct token *t)
{
	const char *stop;

	space(w);
	if (w->p >= w->end)
		return fail(w, "cut short");
	if (*w->p != '"')
		return fail(w, "not JSON: a key is expected");
	stop = scan_string(w->p + 1, w->end, &w->high);
	if (!stop)
		return fail(w, "bad key: no end, a control character or an unknown escape");
	t->key_off = (uint32_t)(w->p + 1 - w->l->text);
	t->key_len = (uint32_t)(stop - w->p - 1);
	w->p = stop + 1;
	space(w);
	if (w->p >= w->end)
		return fail(w, "cut short");
	if (*w->p != ':')
		return fail(w, "not JSON: a colon is expected");
	w->p++;
	space(w);
	return true;
}

/* Behind a value: true at a comma (stepped over) or at the closing byte (stepped over, *last set). */
static bool more(struct walk *w, char closing, bool *last)
{
	space(w);
	if (w->p >= w->end)
		return fail(w, "cut short");
	*last = *w->p == closing;
	if (!*last && *w->p != ',')
		return fail(w, "not JSON: a comma is expected");
	w->p++;
	return true;
}

/* An object of one section, w->p at its bracket. */
static bool object(struct walk *w, enum section section, unsigned element)
{
	bool last = false;

	w->p++;
	space(w);
	if (w->p < w->end && *w->p == '}') {
		w->p++;
		return true;
	}
	while (!last) {
		struct token t = {.section = (uint8_t)section, .element = (uint16_t)element};

		if (!key(w, &t) || !value(w, &t) || !more(w, '}', &last))
			return false;
		if (section == SECTION_FIELDS && !w->l->reading && w->l->message_token < 0 && t.key_len == 7 &&
		    !memcmp(w->l->text + t.key_off, "message", 7))
			w->l->message_token = (int)w->l->ntokens - 1;
	}
	return true;
}

/* The list of spans, w->p at its bracket. Fails with not_objects where it is a list of something else. */
static bool span_list(struct walk *w)
{
	bool last = false;

	w->p++;
	space(w);
	if (w->p < w->end && *w->p == ']') {
		w->p++;
		return true;
	}
	for (unsigned n = 0; !last; n++) {
		space(w);
		if (n == LINE_MAX_KEYS)
			return fail(w, too_many_keys);
		if (w->p >= w->end)
			return fail(w, "cut short");
		if (*w->p != '{')
			return fail(w, not_objects);
		if (!object(w, SECTION_SPANS, n) || !more(w, ']', &last))
			return false;
		w->l->nspans = n + 1;
	}
	return true;
}

static struct slice slice_from(const struct walk *w, const char *start)
{
	return (struct slice){start, (size_t)(w->p - start)};
}

static bool key_is(const struct walk *w, const struct token *t, const char *name)
{
	size_t len = strlen(name);

	return t->key_len == len && !memcmp(w->l->text + t->key_off, name, len);
}

/* What the value of a top-level key is for; t is the token just added. */
static void top_meaning(struct walk *w, const struct token *t)
{
	struct line *l = w->l;
	int n = (int)l->ntokens - 1;

	if (t->kind != SLOT_STRING)
		return;
	if (l->stamp_token < 0 && (key_is(w, t, "timestamp") || key_is(w, t, "time")))
		l->stamp_token = n;
	else if (l->level_token < 0 && key_is(w, t, "level"))
		l->level_token = n;
	else if (l->target_token < 0 && key_is(w, t, "target"))
		l->target_token = n;
	else if (l->message_token < 0 && (key_is(w, t, "message") || key_is(w, t, "msg")))
		l->message_token = n;
}

static bool key_is_of(const struct walk *w, const struct token *t, const char *const *names)
{
	for (; *names; names++)
		if (key_is(w, t, *names))
			return true;
	return false;
}

/* Where the tail begins, and whether all stands on its side of that. comma is where the piece before the key ended;
 * NULL: it is the first. */
static void tail_note(struct walk *w, const struct token *t, const char *comma)
{
	static const char *const tail[] = {"span", "spans", "threadName", "threadId", "pid", "seq", NULL};
	static const char *const head[] = {"timestamp", "time", "level", "fields", "target", "message", "msg", NULL};
	struct line *l = w->l;

	if (l->tail_off != l->len)
		l->odd_order |= key_is_of(w, t, head);
	else if (key_is_of(w, t, tail)) {
		l->odd_order |= !comma;
		l->tail_off = comma ? (uint32_t)(comma - l->text) : l->len;
	}
}

/* One `"key":value` of the top level; comma is where the piece before it ended. */
static bool top_pair(struct walk *w, const char *comma)
{
	struct line *l = w->l;
	struct token t = {.section = SECTION_TOP};
	const char *start;

	if (!key(w, &t))
		return false;
	start = w->p;
	tail_note(w, &t, comma);
	if (start < w->end && *start == '{' && key_is(w, &t, "fields") && !l->fields.ptr) {
		if (!object(w, SECTION_FIELDS, 0))
			return false;
		l->fields = slice_from(w, start);
		if (l->repairing && w->end - w->p > 2 && w->p[0] == '}' && w->p[1] == ',')
			w->p++; /* one bracket too many: tracing#1627 */
		return true;
	}
	if (start < w->end && *start == '{' && key_is(w, &t, "span") && !l->span.ptr) {
		if (!object(w, SECTION_SPAN, 0))
			return false;
		l->span = slice_from(w, start);
		return true;
	}
	if (start < w->end && *start == '[' && key_is(w, &t, "spans") && !l->spans.ptr) {
		unsigned had = l->ntokens;

		if (span_list(w)) {
			l->spans = slice_from(w, start);
			return true;
		}
		if (w->reason != not_objects)
			return false;
		w->p = start; /* any other value */
		l->ntokens = had;
		l->nspans = 0;
	}
	if (!value(w, &t))
		return false;
	top_meaning(w, &t);
	return true;
}

static bool top(struct walk *w)
{
	bool last = false;
	const char *comma = NULL;

	if (w->end - w->p >= 3 && !memcmp(w->p, "\xef\xbb\xbf", 3))
		w->p += 3; /* byte-order mark at the start of a file */
	space(w);
	if (w->p >= w->end || *w->p != '{')
		return fail(w, "not JSON: the line does not start with {");
	w->p++;
	space(w);
	if (w->p < w->end && *w->p == '}')
		return fail(w, "an empty object");
	while (!last) {
		if (!top_pair(w, comma))
			return false;
		comma = w->p;
		if (!more(w, '}', &last))
			return false;
	}
	space(w);
	return w->p == w->end ? true : fail(w, "text behind the JSON object");
}

/* ---- what the values say ---- */

static struct slice token_text(const struct line *l, int n)
{
	return n < 0 ? SLICE_NONE : (struct slice){l->text + l->tokens[n].off, l->tokens[n].len};
}

static bool stamp(struct walk *w)
{
	struct line *l = w->l;
	struct slice text = token_text(l, l->stamp_token);
	struct token *t = &l->tokens[l->stamp_token];
	int64_t offset;
	bool canonical;

	l->stamp_is_utc = false;
	if (!stamp_parse_iluvatar(text, &l->stamp, &canonical)) {
		if (canonical)
			t->kind = SLOT_STAMP;
		return true;
	}
	if (stamp_parse_rfc3339(text, &l->stamp, &offset, &canonical))
		return fail(w, "the timestamp is not understood");
	if (canonical)
		t->kind = SLOT_STAMP_Z;
	l->stamp_is_utc = true;
	return true;
}

/* tid: fields.tid, else span.tid, else that of the innermost of spans (docs/tables.md). */
static void tid(struct line *l)
{
	int best = -1, rank = -1;

	for (unsigned i = 0; i < l->ntokens; i++) {
		const struct token *t = &l->tokens[i];
		int r;

		if (t->key_len != 3 || t->kind != SLOT_STRING || memcmp(l->text + t->key_off, "tid", 3))
			continue;
		if (!t->len || t->len > LINE_MAX_TID)
			continue; /* an empty id ties nothing together, and a long one is a text */
		if (l->reading && t->section != SECTION_TOP)
			continue;
		r = t->section == SECTION_FIELDS ? 3
		    : t->section == SECTION_TOP  ? 2
		    : t->section == SECTION_SPAN ? 1
		                                 : 0;
		/* the first tid of fields, span and top; the last of spans */
		if (r > rank || (r == 0 && rank == 0)) {
			best = (int)i;
			rank = r;
		}
	}
	l->tid = token_text(l, best);
}

static bool meaning(struct walk *w)
{
	struct line *l = w->l;

	if (l->stamp_token < 0)
		return fail(w, "no timestamp");
	if (!stamp(w))
		return false;
	l->level = token_text(l, l->level_token);
	l->target = token_text(l, l->target_token);
	l->message = token_text(l, l->message_token);
	tid(l);
	return true;
}

static bool attempt(struct walk *w, struct line *l, const char *text, size_t len)
{
	*w = (struct walk){.l = l, .p = text, .end = text + len};
	l->text = text;
	l->len = l->tail_off = (uint32_t)len;
	l->odd_order = false;
	l->ntokens = l->nspans = 0;
	l->stamp_token = l->message_token = l->level_token = l->target_token = -1;
	l->fields = l->span = l->spans = SLICE_NONE;
	l->reason = NULL;
	return top(w) && meaning(w);
}

static int parse(struct line *l, const char *text, size_t len, enum line_verdict *verdict)
{
	struct walk w;
	const char *reason;

	*verdict = LINE_REJECTED;
	if (len > LINE_MAX_BYTES && !l->any_length) {
		l->reason = "line longer than 64 MiB";
		return 0;
	}
	l->repairing = false;
	if (!attempt(&w, l, text, len)) {
		if (!w.reason)
			return -ENOMEM;
		reason = w.reason;
		l->repairing = true;
		if (!attempt(&w, l, text, len)) {
			l->reason = reason;
			return w.reason ? 0 : -ENOMEM;
		}
		l->reason = repair_what(REPAIR_BRACKET);
		l->repair = REPAIR_BRACKET;
		*verdict = LINE_REPAIRED;
	} else {
		*verdict = LINE_OK;
	}
	if (w.high && !scan_utf8(text, len)) {
		l->reason = repair_what(REPAIR_UTF8);
		l->repair = REPAIR_UTF8;
		*verdict = LINE_REPAIRED;
	}
	return 0;
}

int line_parse(struct line *l, const char *text, size_t len, enum line_verdict *verdict)
{
	l->reading = false;
	return parse(l, text, len, verdict);
}

int line_parse_reading(struct line *l, const char *text, size_t len, enum line_verdict *verdict)
{
	l->reading = true;
	return parse(l, text, len, verdict);
}
