/* SPDX-License-Identifier: GPL-3.0-or-later */
/* pairs.c - key=value as logfmt has it, and what stands behind a message for people: such pairs, or a JSON object. */
#include "ingest/layer.h"
#include "base/scan.h"
#include "ingest/parts.h"

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

/* Behind a message a key looks like a name: no path of a URL, no padding of base64, no comparison, no option. */
static bool name_char(char c, bool first)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || (c & 0x80) ||
	       (!first && ((c >= '0' && c <= '9') || c == '.' || c == '-'));
}

static bool tail_pair_read(const char **p, const char *end, struct field *f)
{
	const char *at = *p;

	while (at < end && name_char(*at, at == *p))
		at++;
	return at > *p && end - at > 0 && *at == '=' && !(end - at > 1 && at[1] == '=') && pair_read(p, end, f);
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
		} else if (tail_pair_read(&p, end, &f)) {
			first = first ? first : word;
		} else {
			first = NULL;
			for (p = word; p < end && !is_blank(*p);)
				p++;
		}
	}
	return first ? first : end;
}

/* The object that the text ends with, behind a tab; the end: none. */
static const char *object_at(const char *p, const char *end)
{
	const char *at = memmem(p, (size_t)(end - p), "\t{", 2), *reason;
	bool high = false;

	return at && at > p && scan_nested(at + 1, end, &high, &reason) == end ? at + 1 : end;
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

static bool is_message(const struct layer *l, struct slice key)
{
	const struct paths *p = &l->format->roles[ROLE_MESSAGE];

	for (size_t i = 0; i < p->n; i++)
		if (slice_is(key, p->all[i]))
			return true;
	return false;
}

/* A text without the blanks behind it, and where it stands in quotes without them. Where nothing of it is
 * left, the message stays as it was, and another text is told by its pairs. */
static void text_cut(const struct layer *l, struct field *f, const char *stop)
{
	const char *p = f->value.ptr;
	struct field was = *f;
	bool high = false;

	while (stop > p && is_blank(stop[-1]))
		stop--;
	f->value.len = (size_t)(stop - p);
	if (stop - p > 1 && *p == '"' && scan_string(p + 1, stop, &high) == stop - 1) {
		f->value = (struct slice){p + 1, (size_t)(stop - p) - 2};
		f->kind = FIELD_STRING;
	}
	if (!f->value.len) {
		*f = was;
		f->used |= !is_message(l, f->key);
	}
}

bool record_has_tail(struct slice text)
{
	return *text.ptr == '"' || memchr(text.ptr, '=', text.len) || memmem(text.ptr, text.len, "\t{", 2);
}

static bool text_open(struct record *r, struct layer *l, struct field *f)
{
	const char *p = f->value.ptr, *end = p + f->value.len, *object, *stop;

	if (!record_has_tail(f->value))
		return true;
	r->composed = true;
	while (end > p && is_blank(end[-1]))
		end--;
	object = object_at(p, end);
	stop = object < end ? object : pairs_at(p, end);
	if (stop < end || *p == '"')
		text_cut(l, f, stop);
	return object < end ? object_open(r, l, (struct slice){object, (size_t)(end - object)})
	                    : pairs_open(r, l, stop, end);
}

/* ---- spans as tracing prints them: outer{a=1}:inner{b="x"} ---- */

/* Behind the name of a span its opening brace; NULL: none begins at p. */
static const char *span_brace(const char *p, const char *end)
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

bool piece_is_spans(const struct piece *piece)
{
	return piece->kind == CAPTURE_UNTIL && *piece->text == '}';
}

/* What stands in the braces of the next span at *p; false: there is none. *p is behind it and its colon then. */
static bool span_next(const char **p, const char *end, struct slice *fields)
{
	const char *brace = span_brace(*p, end), *stop = brace ? closing_brace(brace + 1, end) : end;

	if (stop == end)
		return false;
	*fields = (struct slice){brace + 1, (size_t)(stop - brace) - 1};
	*p = stop + 1;
	if (*p < end && **p == ':')
		++*p;
	return true;
}

bool spans_are(struct slice captured)
{
	const char *p = captured.ptr, *end = p + captured.len + 1;
	struct slice fields;

	while (p < end && span_next(&p, end, &fields))
		;
	return p == end;
}

#define SPANS_MAX 64 /* around one another; of those further outside the fields are not told */

/* The fields of spans, those of the innermost first. The pattern took the last brace for the end of the text. */
static bool spans_open(struct record *r, struct layer *l, struct field *whole)
{
	const char *p = whole->value.ptr, *end = p + ++whole->value.len;
	struct slice fields[SPANS_MAX];
	size_t n = 0;

	r->composed = true;
	while (p < end && span_next(&p, end, &fields[n % SPANS_MAX]))
		n++;
	for (size_t i = n; i > 0 && n - i < SPANS_MAX; i--) {
		const char *from = fields[(i - 1) % SPANS_MAX].ptr, *stop = from + fields[(i - 1) % SPANS_MAX].len;

		if (!pairs_open(r, l, pairs_at(from, stop), stop))
			return false;
	}
	return true;
}

static bool holds_spans(const struct layer *l, const struct field *f)
{
	for (size_t i = 0; i < l->pattern->n; i++)
		if (l->pattern->pieces[i].name == f->key.ptr)
			return piece_is_spans(&l->pattern->pieces[i]);
	return false;
}

#define TAIL_KEYS (RECORD_MAX_KEYS - 128) /* of the layer, with those of the tail; a message of more stays whole */

bool tail_open(struct record *r, struct layer *l, const char *path)
{
	size_t had = l->n, at;
	struct field before;
	struct found v;

	if (!layer_find(l, path, &v) || !v.whole || v.kind != FIELD_TEXT || !v.value.len)
		return true;
	at = (size_t)(v.field - l->fields);
	before = *v.field;
	if ((holds_spans(l, v.field) ? spans_open(r, l, v.field) : text_open(r, l, v.field)) && l->n <= TAIL_KEYS)
		return true;
	if (r->no_memory)
		return false;
	l->n = had;
	l->fields[at] = before;
	r->reason = NULL;
	return true;
}
