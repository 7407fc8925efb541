/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pairs.c - key=value as logfmt has it, and what stands behind a message for people: such pairs, or a JSON object. */
#include "ingest/layer.h"
#include "base/scan.h"

bool pair_key_char(char c)
{
	return (unsigned char)c > ' ' && c != '=' && c != '"';
}

bool pair_read(const char **p, const char *end, struct field *f)
{
	const char *start = *p, *q = start, *stop;
	bool high = false;

	while (q < end && pair_key_char(*q))
		q++;
	if (q == start || q >= end || *q != '=')
		return false;
	f->key = (struct slice){start, (size_t)(q - start)};
	start = ++q;
	if (q < end && *q == '"') {
		stop = scan_string(++start, end, &high);
		if (!stop)
			return false;
		f->kind = FIELD_STRING;
		q = stop + 1;
	} else {
		while (q < end && (unsigned char)*q > ' ' && *q != '"')
			q++;
		stop = q;
		f->kind = FIELD_TEXT;
		if (stop > start && (slice_is((struct slice){start, (size_t)(stop - start)}, "true") ||
		                     slice_is((struct slice){start, (size_t)(stop - start)}, "false") ||
		                     scan_scalar(start, stop) == stop))
			f->kind = FIELD_SCALAR;
	}
	f->value = (struct slice){start, (size_t)(stop - start)};
	*p = q;
	return q == end || *q == ' ' || *q == '\t' || *q == '\r';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* From where on every word is a pair; the end: from nowhere. */
static const char *pairs_at(const char *p, const char *end)
{
	const char *first = NULL;

	while (p < end) {
		const char *word = p;
		struct field f;

		if (is_blank(*p)) {
			p++;
		} else if (pair_read(&p, end, &f)) {
			first = first ? first : word;
		} else {
			first = NULL;
			for (p = word; p < end && !is_blank(*p);)
				p++;
		}
	}
	return first ? first : end;
}

/* The object that the text ends with, behind a tab or all of it; the end: none. */
static const char *object_at(const char *p, const char *end)
{
	const char *at = *p == '{' ? p : memmem(p, (size_t)(end - p), "\t{", 2), *reason;
	bool high = false;

	if (!at)
		return end;
	at += *at == '\t';
	return scan_nested(at, end, &high, &reason) == end ? at : end;
}

static bool pairs_open(struct record *r, struct layer *l, const char *p, const char *end)
{
	while (p < end) {
		struct field f = {.plain_key = true};

		if (is_blank(*p))
			p++;
		else if (!pair_read(&p, end, &f) || !layer_field(r, l, f))
			return false;
	}
	return true;
}

bool object_open(struct record *r, struct layer *l, struct slice object)
{
	struct members m;
	struct member one;

	for (members_start(&m, object); members_next(&m, &one) == 1;)
		if (!layer_field(r, l,
		                 (struct field){.key = one.key, .value = one.value, .kind = field_kind_of(one.kind)}))
			return false;
	return true;
}

/* A text without the blanks behind it, and where it stands in quotes without them. */
static void text_cut(struct field *f, const char *stop)
{
	const char *p = f->value.ptr;
	bool high = false;

	while (stop > p && is_blank(stop[-1]))
		stop--;
	f->value.len = (size_t)(stop - p);
	if (stop - p > 1 && *p == '"' && scan_string(p + 1, stop, &high) == stop - 1) {
		f->value = (struct slice){p + 1, (size_t)(stop - p) - 2};
		f->kind = FIELD_STRING;
	}
}

/* ---- spans as tracing prints them: outer{a=1}:inner{b="x"} ---- */

const char *span_brace(const char *p, const char *end)
{
	const char *at = p;

	while (at < end && !is_blank(*at) && *at != '{' && *at != '=' && *at != '"')
		at++;
	return at > p && at < end && *at == '{' ? at : NULL;
}

/* The brace that closes the one before p; the end: none does. Those in texts do not count. */
static const char *closing_brace(const char *p, const char *end)
{
	int depth = 1;

	for (bool text = false; p < end; p++) {
		if (text && *p == '\\')
			p++;
		else if (*p == '"')
			text = !text;
		else if (!text)
			depth += (*p == '{') - (*p == '}');
		if (!depth)
			return p;
	}
	return end;
}

/* The fields of spans, the innermost last. The pattern took the last brace for the end of the text. */
static bool spans_open(struct record *r, struct layer *l, struct field *whole)
{
	const char *p = whole->value.ptr, *end = p + whole->value.len, *brace;

	whole->value.len++;
	while ((brace = span_brace(p, end))) {
		const char *stop = closing_brace(brace + 1, end), *from = pairs_at(brace + 1, stop);

		if (!pairs_open(r, l, from, stop))
			return false;
		p = stop + (stop < end);
		p += p < end && *p == ':';
	}
	return true;
}

bool tail_open(struct record *r, struct layer *l, const char *path)
{
	const char *p, *end, *object, *stop;
	struct found v;

	r->composed = true;
	if (!layer_find(l, path, &v) || !v.whole || v.kind != FIELD_TEXT || !v.value.len)
		return true;
	p = v.value.ptr;
	end = p + v.value.len;
	while (end > p && is_blank(end[-1]))
		end--;
	if (p == end)
		return true;
	if (*end == '}' && span_brace(p, end))
		return spans_open(r, l, v.field);
	object = object_at(p, end);
	stop = object < end ? object : pairs_at(p, end);
	text_cut(v.field, stop);
	return object < end ? object_open(r, l, (struct slice){object, (size_t)(end - object)})
	                    : pairs_open(r, l, stop, end);
}
