/* SPDX-License-Identifier: GPL-3.0-or-later */
/* open.c - a line taken apart: JSON, logfmt or a pattern, and what is inside. */
#include "ingest/layer.h"
#include "base/scan.h"

#include <stdlib.h>

static bool key_fits(struct layer *l, const struct format_key *k)
{
	struct found v;

	if (!layer_find(l, k->path, &v))
		return false;
	switch (k->kind) {
	case 's':
		return v.kind == FIELD_STRING || v.kind == FIELD_TEXT;
	case 'n':
		return v.kind == FIELD_SCALAR && v.value.len &&
		       (*v.value.ptr == '-' || (*v.value.ptr >= '0' && *v.value.ptr <= '9'));
	case 'o':
		return v.kind == FIELD_JSON && *v.value.ptr == '{';
	case 'a':
		return v.kind == FIELD_JSON && *v.value.ptr == '[';
	case '=':
		return slice_is(v.value, k->value);
	default:
		return true;
	}
}

static bool keys_fit(struct layer *l, const struct log_format *f)
{
	for (size_t i = 0; i < f->nkeys; i++)
		if (!key_fits(l, &f->keys[i]))
			return false;
	return (f->nkeys || f->files.n) && !f->npatterns && !f->columns.n;
}

/* How much a format asks for: one that is for some files goes before all others, a user's before ours. */
static size_t asks_for(const struct log_format *f)
{
	return f->nkeys + (f->own ? RECORD_MAX_KEYS : 0) + (f->files.n ? 2 * RECORD_MAX_KEYS : 0);
}

bool layer_has_keys(struct record_reader *rr, struct layer *l, const struct format_key *keys, size_t n)
{
	bool all = n > 0;

	for (size_t i = 0; i < n; i++) {
		struct found v;

		look_note(rr, l, keys[i].path, layer_find(l, keys[i].path, &v) ? &v : NULL);
		all = all && key_fits(l, &keys[i]);
	}
	return all;
}

/* Values that the format takes apart: what is captured are fields like others. */
static bool fields_split(struct record *r, struct layer *l)
{
	const struct log_format *f = l->format;
	struct slice captures[LAYER_CAPTURES];

	for (size_t i = 0; f && i < f->nsplits; i++) {
		const struct field_split *split = &f->splits[i];
		const struct pattern *p = NULL;
		struct slice text;
		struct found v;

		r->composed = true;
		if (!layer_find(l, split->path, &v) || (v.kind != FIELD_STRING && v.kind != FIELD_TEXT))
			continue;
		text = v.value;
		if (v.kind == FIELD_STRING && memchr(text.ptr, '\\', text.len) &&
		    !(text = record_text_unescape(r, text)).ptr)
			return false;
		for (size_t k = 0; k < split->n && !p; k++)
			if (split->patterns[k].n <= LAYER_CAPTURES &&
			    pattern_match(&split->patterns[k], text, captures))
				p = &split->patterns[k];
		for (size_t k = 0; p && k < p->n; k++) {
			const char *name = p->pieces[k].name;
			struct field field = {.key = {name, name ? strlen(name) : 0},
			                      .value = captures[k],
			                      .kind = p->pieces[k].kind == CAPTURE_INT ? FIELD_SCALAR : FIELD_TEXT,
			                      .plain_key = true};

			if (field.key.len && !layer_field(r, l, field))
				return false;
		}
	}
	return true;
}

/* ---- a layer of JSON ---- */

/* Objects whose members are the record's own. */
static bool open_subtree(struct record *r, struct layer *l, const char *path)
{
	struct found v;

	if (!layer_find(l, path, &v) || v.kind != FIELD_JSON || *v.value.ptr != '{')
		return true;
	if (v.whole)
		v.field->used = true;
	return object_open(r, l, v.value);
}

static const struct log_format *format_by_keys(const struct record_reader *rr, struct layer *l)
{
	const struct format_set *set = rr->options.formats;
	const struct log_format *best = NULL;

	if (rr->options.only && keys_fit(l, rr->options.only))
		return rr->options.only;
	for (size_t i = 0; i < set->n; i++) /* the one that asks for most */
		if (rr->usable[i] && (!best || asks_for(&set->all[i]) > asks_for(best)) && keys_fit(l, &set->all[i]))
			best = &set->all[i];
	return best;
}

/* An object without its end on this line, not cut inside a text: it may go on. */
static bool is_open(struct slice s)
{
	bool text = false;
	long depth = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.ptr[i];

		if (text) {
			if (c == '\\')
				i++;
			else
				text = c != '"';
		} else if (c == '"') {
			text = true;
		} else if (c == '{' || c == '[') {
			depth++;
		} else if (c == '}' || c == ']') {
			depth--;
		}
	}
	return !text && depth > 0;
}

static bool json_layer(struct record_reader *rr, struct record *r, struct slice text, enum record_verdict *v)
{
	struct layer *l = layer_add(r, NULL);
	struct members m;
	struct member one;
	int rc;

	*v = RECORD_BROKEN;
	members_start(&m, text);
	while ((rc = members_next(&m, &one)) == 1)
		if (!layer_field(r, l,
		                 (struct field){.key = one.key, .value = one.value, .kind = field_kind_of(one.kind)}))
			return false;
	if (rc < 0) {
		r->reason = m.reason;
		if (is_open(text))
			*v = RECORD_OPEN;
		return false;
	}
	while (m.p < m.end && (*m.p == ' ' || *m.p == '\t' || *m.p == '\r' || *m.p == '\n'))
		m.p++;
	if (m.p < m.end) {
		r->reason = "text behind the JSON object";
		*v = RECORD_LIST;
		return false;
	}
	if (!l->n) {
		r->reason = "an empty object";
		return false;
	}
	l->format = format_by_keys(rr, l);
	for (size_t i = 0; l->format && i < l->format->open.n; i++)
		if (!open_subtree(r, l, l->format->open.all[i]))
			return false;
	if (!fields_split(r, l))
		return false;
	*v = RECORD_EVENT;
	return true;
}

/* ---- a layer of logfmt ---- */

/* Is the first value of a template there? */
static bool path_begins(struct layer *l, const char *template)
{
	const char *from = strchr(template, '{') + 1;
	struct slice key = {from, strcspn(from, "}")};

	for (size_t i = 0; i < l->n; i++)
		if (slice_same(l->fields[i].key, key))
			return true;
	return false;
}

/* Every word a pair; one of them names a time, or inside an envelope a level or a message. */
static bool logfmt_layer(struct record_reader *rr, struct record *r, struct slice text, bool inside)
{
	const struct log_format *d = rr->options.formats->fallback;
	const char *p = text.ptr, *end = p + text.len;
	struct layer *l;
	struct found v;

	if (!text.len || !pair_key_char(*p) || *p == '{' || *p == '[')
		return false;
	l = layer_add(r, NULL);
	while (p < end) {
		struct field f = {.plain_key = true};

		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p < end && (!pair_read(&p, end, &f) || !layer_field(r, l, f)))
			goto no;
	}
	l->format = format_by_keys(rr, l);
	if (!fields_split(r, l))
		goto no;
	for (int role = ROLE_TIME; role <= (inside ? ROLE_MESSAGE : ROLE_TIME); role++) {
		const struct paths *given = rr->options.roles[role], *paths = &d->roles[role];

		for (size_t i = 0; given && i < given->n; i++)
			if (path_is_template(given->all[i]) ? path_begins(l, given->all[i])
			                                    : layer_find(l, given->all[i], &v))
				return true;
		for (size_t i = 0; i < paths->n; i++)
			if (layer_find(l, paths->all[i], &v) && v.value.len)
				return true;
	}
	if (l->format)
		return true;
no:
	r->n--;
	return false;
}

/* ---- a layer by pattern ---- */

static const struct piece *capture_named(const struct pattern *p, const char *name, size_t *at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pieces[i].name && !strcmp(p->pieces[i].name, name)) {
			*at = i;
			return &p->pieces[i];
		}
	return NULL;
}

#define TIME_MAX 256 /* bytes of a time that is put together */

/* The text of a template's captures; false: one is not there. */
static bool captures_compose(const struct pattern *p, const struct slice *captures, const char *template, char *buf,
                             struct slice *out)
{
	char name[TIME_MAX];
	size_t len = 0, n, at;

	for (; *template; template += n) {
		struct slice part = {template, n = strcspn(template, "{")};

		if (!n) {
			n = strcspn(template, "}") + 1;
			if (n > sizeof name)
				return false;
			memcpy(name, template + 1, n - 2);
			name[n - 2] = '\0';
			if (!capture_named(p, name, &at))
				return false;
			part = captures[at];
		}
		if (len + part.len > TIME_MAX)
			return false;
		memcpy(buf + len, part.ptr, part.len);
		len += part.len;
	}
	*out = (struct slice){buf, len};
	return true;
}

/* What is opened and goes up to a brace are spans, or the pattern does not fit. */
static bool spans_fit(const struct log_format *f, const struct pattern *p, const struct slice *captures)
{
	for (size_t i = 0; f->open.n && i < p->n; i++)
		if (piece_is_spans(&p->pieces[i]) && !spans_are(captures[i]))
			return false;
	return true;
}

/* A pattern whose time is none does not fit. What is captured behind the text at hand may be one. */
static bool time_fits(const struct log_format *f, const struct pattern *p, const struct slice *captures)
{
	char buf[TIME_MAX];
	struct slice text;
	struct spelt s;
	size_t at = 0;

	if (!spans_fit(f, p, captures))
		return false;
	for (size_t i = 0; i < f->roles[ROLE_TIME].n; i++) {
		const char *path = f->roles[ROLE_TIME].all[i];

		if (!path_is_template(path) && capture_named(p, path, &at) && !captures[at].ptr)
			return true; /* it stands on a later line */
		if (path_is_template(path) ? captures_compose(p, captures, path, buf, &text)
		                           : capture_named(p, path, &at) != NULL)
			return !time_of_format(f, path_is_template(path) ? text : captures[at], &s) && !s.no_clock;
	}
	return true;
}

/* The name of a month or of a day of the week? */
static bool is_calendar_name(struct slice text)
{
	static const char names[] = "janfebmaraprmayjunjulaugsepoctnovdecmontuewedthufrisatsun";
	char three[3];

	if (text.len < 4 || !strchr("jfmasondtw", *text.ptr | 0x20))
		return false;
	for (int i = 0; i < 3; i++)
		three[i] = (char)(text.ptr[i] | 0x20);
	for (const char *p = names; *p; p += 3)
		if (!memcmp(p, three, 3))
			return true;
	return false;
}

/* Does one of the choices begin with c? */
static bool one_begins_with(const char *choices, char c)
{
	while (choices && *choices != c)
		choices = (choices = strchr(choices, '|')) ? choices + 1 : NULL;
	return choices != NULL;
}

#define FRONT_WORDS 3 /* as many as the captures that patterns begin with have */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* A text and where its first words end: most patterns begin with one, and all of them are held against the text. */
struct front {
	struct slice text;
	const char *behind[FRONT_WORDS]; /* the first n and a blank: the next word; NULL: there is no blank */
	bool dated;                      /* it may begin with a time */
};

static struct front front_of(struct slice text)
{
	const char *p = text.ptr, *end = p + text.len;
	struct front f = {.text = text};

	f.dated = p < end && ((*p >= '0' && *p <= '9') || is_blank(*p) || *p == '[' || is_calendar_name(text));
	for (int n = 0; n < FRONT_WORDS; n++) {
		const char *word = p, *blank;

		while (p < end && !is_blank(*p))
			p++;
		for (blank = p; p < end && is_blank(*p);)
			p++;
		if (blank == word || p == blank)
			break;
		f.behind[n] = p;
	}
	return f;
}

/* The pattern begins with words and a fixed text, or one of some, perhaps with a blank behind, which does not stand
 * behind them. */
static bool front_differs(const struct front *f, const struct pattern *p)
{
	const struct piece *first = &p->pieces[0], *third = &p->pieces[2];
	unsigned n = first->kind == CAPTURE_WORD ? 1 : first->kind == CAPTURE_WORDS ? first->words : 0;
	const char *end = f->text.ptr + f->text.len, *stop;

	if (!n || n > FRONT_WORDS || first->text || p->n < 3 || p->pieces[1].kind != CAPTURE_BLANKS)
		return false;
	if (!f->behind[n - 1])
		return true;
	if (third->kind != CAPTURE_LITERAL && third->kind != CAPTURE_ONE_OF)
		return false;
	stop = pattern_piece_end(third, f->behind[n - 1], end);
	return !stop || (p->n > 3 && p->pieces[3].kind == CAPTURE_BLANKS && (stop == end || !is_blank(*stop)));
}

/* Can text begin as the pattern does? One that begins with a time does with a digit, or the name of a month or day. */
static bool begins_so(const struct log_format *f, const struct pattern *p, const struct front *front)
{
	const struct piece *first = &p->pieces[0];
	struct slice text = front->text;
	const struct paths *times = &f->roles[ROLE_TIME];

	if (!text.len || first->kind == CAPTURE_LITERAL)
		return text.len && *text.ptr == *first->text;
	if (first->kind == CAPTURE_ONE_OF)
		return one_begins_with(first->text, *text.ptr);
	if (!front->dated && f->dated && first->name && times->n == 1 && !strcmp(first->name, times->all[0]))
		return false;
	return !front_differs(front, p);
}

/* What the program itself calls by a capture's name goes before that: `thread=` in a message. */
static void captures_yield(struct layer *l, size_t captured)
{
	for (size_t i = 0; i < captured && captured < l->n; i++)
		for (size_t k = captured; k < l->n; k++)
			l->fields[i].used |= slice_same(l->fields[i].key, l->fields[k].key);
}

static bool pattern_layer(struct record *r, const struct log_format *f, const struct pattern *p,
                          const struct front *front, struct slice *inside)
{
	struct slice captures[LAYER_CAPTURES];
	struct layer *l;
	size_t captured;

	if (p->n > LAYER_CAPTURES || !begins_so(f, p, front) || !pattern_match(p, front->text, captures) ||
	    !time_fits(f, p, captures))
		return false;
	l = layer_add(r, f);
	l->pattern = p;
	*inside = SLICE_NONE;
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->pieces[i];
		struct field field = {.value = captures[i], .kind = FIELD_TEXT, .plain_key = true};

		if (!piece->name || !*piece->name || piece->kind == CAPTURE_LITERAL)
			continue;
		if (f->rest && !strcmp(piece->name, f->rest)) {
			*inside = captures[i];
			continue;
		}
		field.key = (struct slice){piece->name, strlen(piece->name)};
		/* 007 is a number for people, and none for JSON */
		if ((piece->kind == CAPTURE_INT || piece->kind == CAPTURE_NUMBER) &&
		    (*field.value.ptr != '0' || field.value.len == 1 || field.value.ptr[1] == '.'))
			field.kind = FIELD_SCALAR;
		r->composed |= piece->kind == CAPTURE_NUMBER; /* a recipe knows digits alone */
		if (!layer_field(r, l, field))
			return true;
	}
	captured = l->n;
	for (size_t i = 0; i < f->open.n; i++)
		if (!tail_open(r, l, f->open.all[i]))
			return true;
	captures_yield(l, captured);
	fields_split(r, l);
	return true;
}

/* ---- what is inside ---- */

static struct slice trimmed(struct slice s)
{
	while (s.len && (s.ptr[s.len - 1] == '\r' || s.ptr[s.len - 1] == '\n'))
		s.len--;
	return s;
}

/* Does the record go on in a later line? */
static bool is_partial(struct layer *l, struct slice inside)
{
	const struct log_format *f = l->format;
	struct found v;

	if (f->partial)
		return layer_find(l, f->partial, &v) && slice_is(v.value, f->partial_is);
	if (f->partial_end) {
		size_t n = strlen(f->partial_end);

		return inside.len < n || memcmp(inside.ptr + inside.len - n, f->partial_end, n);
	}
	return false;
}

/* The pieces of a layer's stream; where there are none a free place, or the oldest. */
static struct record_pending *pending_of(struct record_reader *rr, struct layer *l)
{
	struct record_pending *best = &rr->pending[0];
	struct found v = {.value = SLICE("")};

	layer_find(l, "stream", &v);
	if (v.value.len >= sizeof best->stream)
		v.value.len = sizeof best->stream - 1;
	for (unsigned i = 0; i < RECORD_PENDING; i++) {
		struct record_pending *p = &rr->pending[i];

		if (p->text.len && slice_is(v.value, p->stream))
			return p;
		if (best->text.len && (!p->text.len || p->order < best->order))
			best = p;
	}
	best->text.len = 0;
	memcpy(best->stream, v.value.ptr, v.value.len);
	best->stream[v.value.len] = '\0';
	return best;
}

/* Keeps a piece, or puts those that were kept before the last one: *inside becomes all of it. True where the record
 * goes on in a later line. */
static bool pieces_join(struct record_reader *rr, struct record *r, struct layer *l, struct slice *inside)
{
	bool partial = is_partial(l, *inside);
	struct record_pending *p;
	struct slice all;

	if (!partial && !rr->pieces)
		return false;
	p = pending_of(rr, l);
	if (!partial && !p->text.len)
		return false;
	p->order = ++rr->pieces;
	bytes_add(&p->text, inside->ptr, inside->len);
	if (p->text.failed) {
		r->no_memory = true;
		return false;
	}
	if (partial && p->text.len < RECORD_JOIN_MAX)
		return true;
	all = record_text_copy(r, (struct slice){p->text.ptr, p->text.len});
	p->text.len = 0;
	if (all.ptr)
		*inside = all;
	return false;
}

enum record_verdict layers_read(struct record_reader *rr, struct record *r, struct slice text, struct slice *inside);

/* What is inside is a message where it is no record: the envelope is one itself, as syslog's. */
static bool says_inside(const struct log_format *f)
{
	const struct paths *paths = &f->roles[ROLE_MESSAGE];

	for (size_t i = 0; f->npatterns && i < paths->n; i++)
		if (!strcmp(paths->all[i], f->rest))
			return true;
	return false;
}

/* What an envelope holds: a record, or the text that it says. */
static enum record_verdict inside_read(struct record_reader *rr, struct record *r, struct layer *l, struct slice inside)
{
	struct slice bare = inside, deeper;
	const struct piece *piece;
	unsigned had = r->n;
	size_t at;
	enum record_verdict v = r->n < RECORD_LAYERS ? layers_read(rr, r, bare, &deeper) : RECORD_TEXT;

	if (v == RECORD_EVENT)
		return v;
	if (v != RECORD_TEXT || r->n == had) {
		r->n = had;
		r->reason = NULL;
	}
	if (r->n != had)
		return RECORD_TEXT;
	if (says_inside(l->format) && (piece = capture_named(l->pattern, l->format->rest, &at))) {
		struct slice key = {piece->name, strlen(piece->name)};

		layer_field(r, l,
		            (struct field){.key = key, .value = trimmed(bare), .kind = FIELD_TEXT, .plain_key = true});
		return RECORD_EVENT;
	}
	l->message = trimmed(bare);
	return RECORD_TEXT;
}

/* What is opened is no field any more. */
static void inside_note(struct layer *l, const struct found *v, struct slice plain)
{
	if (!v->whole)
		return;
	v->field->used = true;
	l->escaped = v->value;
	l->plain = plain;
}

/* The envelope of a JSON layer, where its format is one. */
static bool json_envelope(struct record *r, struct layer *l, struct slice *inside)
{
	struct found v;

	if (!l->format || !l->format->rest || !layer_find(l, l->format->rest, &v) || v.kind != FIELD_STRING)
		return false;
	*inside = record_text_unescape(r, v.value);
	inside_note(l, &v, *inside);
	return inside->ptr != NULL;
}

/* JSON text as the message of a record that is no envelope by its format. */
static void message_open(struct record_reader *rr, struct record *r, struct layer *l)
{
	const struct paths *paths = l->format && l->format->roles[ROLE_MESSAGE].n
	                                ? &l->format->roles[ROLE_MESSAGE]
	                                : &rr->options.formats->fallback->roles[ROLE_MESSAGE];
	unsigned had = r->n;
	struct slice text, deeper;
	struct found v;

	r->looking = ROLE_MESSAGE;
	for (size_t i = 0; i < paths->n; i++) {
		bool there = layer_find(l, paths->all[i], &v);

		if (!there || found_is_nothing(&v)) {
			look_note(rr, l, paths->all[i], there ? &v : NULL);
			continue;
		}
		if (v.kind != FIELD_STRING || *v.value.ptr != '{' || r->n == RECORD_LAYERS)
			return;
		text = record_text_unescape(r, v.value);
		if (!text.ptr)
			return;
		if (layers_read(rr, r, text, &deeper) == RECORD_EVENT) {
			inside_note(l, &v, text);
		} else {
			r->n = had;
			r->reason = NULL;
		}
		return;
	}
}

/* A line whose pattern fits, and what is inside of it. */
static enum record_verdict pattern_read(struct record_reader *rr, struct record *r, struct slice *inside)
{
	struct layer *l = &r->layers[r->n - 1];

	if (!l->format->rest)
		return RECORD_EVENT;
	if (pieces_join(rr, r, l, inside))
		return RECORD_PARTIAL;
	return inside_read(rr, r, l, *inside);
}

/* Is one of the envelopes so far of this format? Around records alone none is in another one of its kind. */
static bool is_within(const struct record *r, const struct log_format *f)
{
	for (unsigned i = 0; i < r->n; i++)
		if (r->layers[i].format == f)
			return true;
	return false;
}

/* Of the formats that ask for a record inside, or of the others. */
static enum record_verdict patterns_of(struct record_reader *rr, struct record *r, bool only_records, struct slice text,
                                       struct slice *inside)
{
	const struct format_set *set = rr->options.formats;
	const struct front front = front_of(text);
	unsigned had = r->n;

	for (size_t i = 0; i < set->n; i++) {
		const struct log_format *f = &set->all[i];

		if (!(r->several ? f->of_lines : f->of_line) || !rr->usable[i] || f->only_records != only_records ||
		    (only_records && is_within(r, f)) || (rr->options.only && !had && f != rr->options.only))
			continue;
		for (size_t k = 0; k < f->npatterns; k++) {
			enum record_verdict v;

			if ((r->several && f->patterns[k].lines == 1) ||
			    !pattern_layer(r, f, &f->patterns[k], &front, inside))
				continue;
			v = pattern_read(rr, r, inside);
			if (v != RECORD_TEXT || !only_records)
				return v;
			r->n = had;
		}
	}
	return RECORD_TEXT;
}

/* Patterns in the order in which they are tried, up to those of formats like `last`. */
struct pattern_walk {
	const struct record_reader *rr;
	const struct log_format *last, *of; /* of: whose the pattern is */
	size_t format, pattern;
	int only_records;
};

static const struct pattern *pattern_next(struct pattern_walk *w)
{
	const struct format_set *set = w->rr->options.formats;

	for (; w->only_records <= w->last->only_records; w->only_records++, w->format = 0)
		for (; w->format < set->n; w->format++, w->pattern = 0) {
			w->of = &set->all[w->format];
			if (w->rr->usable[w->format] && w->of->only_records == w->only_records &&
			    (!w->rr->options.only || w->of == w->rr->options.only) && w->pattern < w->of->npatterns)
				return &w->of->patterns[w->pattern++];
		}
	return NULL;
}

bool layers_pattern_first(const struct record_reader *rr, const struct log_format *f, const struct pattern *p,
                          struct slice text, struct slice *captures)
{
	struct pattern_walk w = {.rr = rr, .last = f};
	const struct front front = front_of(text);
	const struct pattern *at;

	while ((at = pattern_next(&w))) {
		if (at->n <= LAYER_CAPTURES && begins_so(w.of, at, &front) && pattern_match(at, text, captures) &&
		    time_fits(w.of, at, captures))
			return at == p;
		if (at == p)
			break;
	}
	return false;
}

/* The text is none by this pattern; around: an envelope that it is in, which is not in itself. */
static bool no_record_by(const struct record_reader *rr, const struct log_format *f, const struct pattern *p,
                         const struct front *front, const struct log_format *around);

static bool no_record_in(const struct record_reader *rr, struct slice text, const struct log_format *around)
{
	const char *end = text.ptr + text.len, *p = text.ptr;
	const struct format_set *set = rr->options.formats;
	const struct front front = front_of(text);

	while (p < end && pair_key_char(*p))
		p++;
	if (!text.len || (p < end && *p == '=') || strchr("{[ \t", *text.ptr) || memchr(text.ptr, '\x1b', text.len))
		return false;
	for (size_t i = 0; i < set->n; i++) {
		const struct log_format *f = &set->all[i];

		if (!rr->usable[i])
			continue;
		if (f->columns.n && *text.ptr >= '0' && *text.ptr <= '9')
			return false;
		for (size_t k = 0; k < f->npatterns; k++)
			if (!no_record_by(rr, f, &f->patterns[k], &front, around))
				return false;
	}
	return true;
}

static bool no_record_by(const struct record_reader *rr, const struct log_format *f, const struct pattern *p,
                         const struct front *front, const struct log_format *around)
{
	struct slice captures[LAYER_CAPTURES];
	size_t at;

	if (!begins_so(f, p, front) || p->n > LAYER_CAPTURES || !pattern_match(p, front->text, captures) ||
	    !time_fits(f, p, captures))
		return true;
	if (!f->only_records || f->time_formats.n || !f->rest || !capture_named(p, f->rest, &at))
		return false;
	return f == around || (!around && no_record_in(rr, captures[at], f));
}

bool layers_no_record(const struct record_reader *rr, struct slice text)
{
	return no_record_in(rr, text, NULL);
}

bool layers_pattern_sure(const struct record_reader *rr, const struct log_format *f, const struct pattern *p,
                         struct slice text, const char *limit)
{
	struct pattern_walk w = {.rr = rr, .last = f};
	const struct pattern *at;

	while ((at = pattern_next(&w))) {
		if (at == p)
			return true;
		if (!pattern_fails_before(at, text, limit))
			break;
	}
	return false;
}

static enum record_verdict patterns_read(struct record_reader *rr, struct record *r, struct slice text,
                                         struct slice *inside)
{
	unsigned had = r->n;
	enum record_verdict v = patterns_of(rr, r, false, text, inside);

	return v != RECORD_TEXT || r->n > had ? v : patterns_of(rr, r, true, text, inside);
}

/* A line that fits the first line of patterns of several: of how many at most; else 0. */
static unsigned lines_begun(const struct record_reader *rr, struct slice text)
{
	const struct front front = front_of(text);
	struct slice captures[LAYER_CAPTURES];
	unsigned lines = 0;

	while (text.len && (text.ptr[text.len - 1] == ' ' || text.ptr[text.len - 1] == '\t')) /* before its end */
		text.len--;
	for (unsigned i = 0; i < rr->nof_lines; i++) {
		const struct log_format *f = rr->of_lines[i];

		if (rr->options.only && f != rr->options.only)
			continue;
		for (size_t k = 0; k < f->npatterns; k++) {
			const struct pattern *p = &f->patterns[k];

			if (p->lines > 1 && p->lines > lines && p->n <= LAYER_CAPTURES && begins_so(f, p, &front) &&
			    pattern_begins(p, text, captures) && time_fits(f, p, captures))
				lines = p->lines;
		}
	}
	return lines;
}

/* Colours around JSON in an envelope that has coloured its prefix, and those in a text for people. */
static struct slice uncoloured(struct record *r, struct slice text)
{
	struct slice s = text, copy;

	for (size_t n; (n = repair_colour_len(s));)
		s = (struct slice){s.ptr + n, s.len - n};
	if (s.ptr != text.ptr && s.len && *s.ptr == '{') {
		while (s.len && s.ptr[s.len - 1] != '}')
			s.len--;
		return s;
	}
	if (!memchr(text.ptr, '\x1b', text.len))
		return text;
	r->composed = true;
	copy = record_text_copy(r, text);
	if (!copy.ptr)
		return text;
	copy.len = repair_colours_cut((char *)copy.ptr, copy.len);
	return copy;
}

/* A list of objects, or the beginning of one. */
static bool is_list(struct slice s)
{
	size_t i = 1;

	while (i < s.len && (s.ptr[i] == ' ' || s.ptr[i] == '\t'))
		i++;
	return *s.ptr == '[' && (i >= s.len || s.ptr[i] == '{');
}

enum record_verdict layers_read(struct record_reader *rr, struct record *r, struct slice text, struct slice *inside)
{
	bool outermost = !r->n;
	enum record_verdict v;
	struct layer *l;

	*inside = SLICE_NONE;
	while (text.len && (*text.ptr == ' ' || *text.ptr == '\t'))
		text = (struct slice){text.ptr + 1, text.len - 1};
	while (text.len && (text.ptr[text.len - 1] == '\r' || text.ptr[text.len - 1] == '\n'))
		text.len--;
	/* an envelope may have nothing inside, not even an empty text */
	if (!outermost && text.len)
		text = uncoloured(r, text);
	if (!text.len)
		return RECORD_TEXT;
	if (r->several)
		return patterns_read(rr, r, text, inside);
	if (*text.ptr == '{') {
		if (!json_layer(rr, r, text, &v))
			return v;
		l = &r->layers[r->n - 1];
		if (!json_envelope(r, l, inside)) {
			message_open(rr, r, l);
			return RECORD_EVENT;
		}
		if (pieces_join(rr, r, l, inside))
			return RECORD_PARTIAL;
		/* an envelope in JSON is a record, whatever is inside */
		return inside_read(rr, r, l, *inside);
	}
	if (outermost && is_list(text))
		return is_open(text) ? RECORD_OPEN : RECORD_LIST;
	if (logfmt_layer(rr, r, text, !outermost))
		return RECORD_EVENT;
	if (!r->no_memory && (v = csv_read(rr, r, text)) != RECORD_TEXT)
		return v;
	v = r->no_memory ? RECORD_TEXT : patterns_read(rr, r, text, inside);
	if (v == RECORD_TEXT && outermost && !r->n && (r->lines = lines_begun(rr, text)))
		v = RECORD_OPEN;
	return v;
}
