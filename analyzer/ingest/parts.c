/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.c - the stretches of a line that may differ without anything else being different.
 *
 * A value is free where no path leads to it, or into it, that was gone on its way to the roles, and no format asks for
 * its key. What has a role is free within the bounds of that role (its guards). All else must be the same again. */
#include "ingest/parts.h"
#include "base/scan.h"
#include "ingest/layer.h"
#include "ingest/line.h"

#include <stdlib.h>

void record_watch(struct record_reader *rr, bool on)
{
	rr->r->watched = on;
}

bool record_in_pieces(const struct record_reader *rr)
{
	for (unsigned i = 0; rr->pieces && i < RECORD_PENDING; i++)
		if (rr->pending[i].text.len)
			return true;
	return false;
}

/* ---- who asks for a key ---- */

enum asked { ASKED_NOT, ASKED_KIND, ASKED_VALUE };

static bool leads_into(const char *path, struct slice key)
{
	return !strncmp(path, key.ptr, key.len) && path[key.len] == '.' && !memchr(path, '\0', key.len);
}

static enum asked asked_by_paths(const struct paths *p, const struct field *f)
{
	for (size_t i = 0; i < p->n; i++)
		if (slice_is(f->key, p->all[i]) || (f->kind == FIELD_JSON && leads_into(p->all[i], f->key)))
			return ASKED_VALUE;
	return ASKED_NOT;
}

/* By the keys that formats are recognised by, and by those of the layer's own format. */
static enum asked asked_by_formats(const struct record_reader *rr, const struct layer *l, const struct field *f)
{
	const struct format_set *set = rr->options.formats;
	enum asked how = ASKED_NOT;

	if (l->pattern)
		return ASKED_NOT;
	for (size_t i = 0; i < set->n; i++)
		for (size_t k = 0; k < set->all[i].nkeys; k++) {
			const struct format_key *key = &set->all[i].keys[k];

			if (f->kind == FIELD_JSON && leads_into(key->path, f->key))
				return ASKED_VALUE;
			if (!slice_is(f->key, key->path))
				continue;
			if (key->kind == '=')
				return ASKED_VALUE;
			how = ASKED_KIND;
		}
	return l->format && asked_by_paths(&l->format->open, f) ? ASKED_VALUE : how;
}

/* ---- one value ---- */

static bool is_plain(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if ((unsigned char)s.ptr[i] <= ' ' || (unsigned char)s.ptr[i] >= 0x7f || s.ptr[i] == '"' ||
		    s.ptr[i] == '\\' || s.ptr[i] == '=')
			return false;
	return true;
}

/* Nothing that is another text in JSON. */
static bool is_clean(struct slice s)
{
	bool high = false;
	const char *end = s.ptr + s.len;

	return scan_special(s.ptr, end, &high) == end && (!high || scan_utf8(s.ptr, s.len));
}

/* The piece that a field is of, where what it takes may be any text: not one of few words, each of which is a kind of
 * line, nor a number that JSON does not know, as 007. */
static const struct piece *piece_of(const struct layer *l, const struct field *f)
{
	for (size_t i = 0; l->pattern && i < l->pattern->n; i++) {
		const struct piece *p = &l->pattern->pieces[i];

		if (p->name && p->name == f->key.ptr)
			return p->kind == CAPTURE_ONE_OF || p->kind == CAPTURE_INT ? NULL : p;
	}
	return NULL;
}

static uint8_t scan_of(const struct layer *l, const struct field *f)
{
	switch ((enum field_kind)f->kind) {
	case FIELD_STRING:
		return SCAN_STRING;
	case FIELD_SCALAR:
		if (l->pattern)
			return SCAN_DIGITS;
		return f->value.len && (*f->value.ptr == '-' || (*f->value.ptr >= '0' && *f->value.ptr <= '9'))
		           ? SCAN_NUMBER
		           : SCAN_SCALAR;
	case FIELD_JSON:
		return *f->value.ptr == '{' ? SCAN_OBJECT : SCAN_ARRAY;
	default:
		if (l->pattern)
			return is_clean(f->value) && piece_of(l, f) ? SCAN_PIECE : SCAN_CONST;
		return is_plain(f->value) ? SCAN_WORD : SCAN_CONST;
	}
}

/* Where a value of the record inside stands in the line, of which the record was unescaped. False: not byte for byte.
 */
static bool place_in_line(const struct layer *outer, struct slice v, struct slice *out)
{
	const char *at = outer->escaped.ptr, *end = at + outer->escaped.len, *plain = outer->plain.ptr;

	if (v.ptr < plain || v.ptr + v.len > plain + outer->plain.len)
		return false;
	for (; plain < v.ptr && at < end; plain++) {
		if (*at == '\\' && (end - at < 2 || at[1] == 'u'))
			return false;
		at += *at == '\\' ? 2 : 1;
	}
	*out = (struct slice){at, v.len};
	return (size_t)(end - at) >= v.len && !memcmp(at, v.ptr, v.len) && !memchr(at, '\\', v.len);
}

/* How the value may differ, by who looked at it. */
static void scan_choose(const struct record_reader *rr, const struct layer *l, const struct field *f,
                        struct record_part *p)
{
	enum asked asked = asked_by_formats(rr, l, f);

	p->scan = scan_of(l, f);
	p->piece = piece_of(l, f);
	if (asked == ASKED_VALUE || (asked && p->scan == SCAN_SCALAR) ||
	    (l->format && l->format->partial && slice_is(f->key, l->format->partial)))
		p->scan = SCAN_CONST;
	else if (!asked && p->scan == SCAN_NUMBER && !f->taken && !f->pointed)
		p->scan = SCAN_SCALAR; /* the same field may be null */
	if (f->looked & ~f->taken & ~(f->pointed ? 1u << ROLES_OF_READING : 0))
		p->scan = SCAN_CONST;
	if (f->pointed) /* another one would count where it is nothing */
		p->guards = GUARD_NOTHING;
	if (f->pointed && p->scan == SCAN_SCALAR)
		p->scan = SCAN_CONST;
	if (f->taken == 1u << ROLE_MESSAGE &&
	    (p->scan == SCAN_STRING || p->scan == SCAN_WORD || p->scan == SCAN_PIECE)) {
		p->role = PART_MESSAGE;
		p->guards = GUARD_NOTHING | GUARD_OBJECT;
	} else if (f->taken == 1u << ROLE_TID) {
		p->role = PART_TID;
		p->guards = GUARD_NOTHING | GUARD_TID;
	} else if (f->taken) {
		p->scan = SCAN_CONST;
	}
	if (l->pattern && asked_by_paths(&l->format->open, f))
		p->guards |= GUARD_NOTHING | GUARD_TAIL;
	p->kind = f->kind == FIELD_SCALAR ? SLOT_SCALAR : f->kind == FIELD_JSON ? SLOT_JSON : SLOT_STRING;
}

/* The name of a zone, and not the half of a day. */
static bool is_zone(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < 'A' || s.ptr[i] > 'Z')
			return false;
	return s.len >= 3 || slice_is(s, "Z");
}

/* What may stand behind a time's fraction: nothing that changes what the clock says. */
static bool is_offset(struct slice s)
{
	if (s.len && *s.ptr == ' ')
		s = (struct slice){s.ptr + 1, s.len - 1};
	if (!s.len || is_zone(s))
		return true;
	if (*s.ptr != '+' && *s.ptr != '-')
		return false;
	for (size_t i = 1; i < s.len; i++)
		if ((s.ptr[i] < '0' || s.ptr[i] > '9') && s.ptr[i] != ':')
			return false;
	return s.len == 3 || s.len == 5 || s.len == 6;
}

static enum time_style style_by(enum time_unit unit, struct slice number)
{
	size_t digits = 0;

	switch (unit) {
	case UNIT_SECONDS:
		return STYLE_SECONDS;
	case UNIT_MILLIS:
		return STYLE_MILLIS;
	case UNIT_MICROS:
		return STYLE_MICROS;
	case UNIT_NANOS:
		return STYLE_NANOS;
	default:
		while (digits < number.len && number.ptr[digits] >= '0' && number.ptr[digits] <= '9')
			digits++;
		return digits <= 11   ? STYLE_SECONDS
		       : digits <= 14 ? STYLE_MILLIS
		       : digits <= 17 ? STYLE_MICROS
		                      : STYLE_NANOS;
	}
}

/* Does the layer's format read all texts of that style in one way, the style's? */
static bool style_holds(const struct log_format *f, enum time_style style)
{
	for (size_t i = 0; f && i < f->time_formats.n; i++)
		if (!time_style_fits(style, f->time_formats.all[i]))
			return false;
	if (f && f->time_formats.n)
		return true;
	return style != STYLE_SHORT && (style != STYLE_DAY_SLASHES || (f && f->day_first));
}

/* The form of a text that is a date, with what may stand behind one. */
static const char *date_form(const struct layer *l, struct slice text, int64_t near_ns, struct time_form *form,
                             int64_t *ns)
{
	const char *end = text.ptr + text.len, *stop = NULL;

	for (int i = 0; i < TIME_STYLES; i++) {
		if (time_style_is_number((enum time_style)i) || !style_holds(l->format, (enum time_style)i))
			continue;
		stop = time_form_find(text.ptr, end, (enum time_style)i, near_ns, form, ns);
		if (stop && is_offset((struct slice){stop, (size_t)(end - stop)}))
			return stop;
	}
	return NULL;
}

/* The form of a time; what stands behind it is text. near_ns: for times without a year. */
static bool time_part(const struct layer *l, const struct field *f, int64_t near_ns, struct record_part *p, int64_t *ns)
{
	enum time_unit unit = l->format ? l->format->unit : UNIT_BY_SIZE;
	bool own = l->format && l->format->time_formats.n;
	enum time_style style = own ? STYLE_SECONDS : style_by(unit, f->value);
	const char *end = f->value.ptr + f->value.len, *stop;

	if (f->kind == FIELD_JSON || (own && f->kind == FIELD_SCALAR))
		return false;
	stop = f->kind != FIELD_SCALAR && (own || !unit) ? date_form(l, f->value, near_ns, &p->form, ns) : NULL;
	p->by_size = !stop && !own && unit == UNIT_BY_SIZE;
	if (!stop && (!own || style_holds(l->format, style)))
		stop = time_form_find(f->value.ptr, end, style, near_ns, &p->form, ns);
	if (!stop || (time_style_is_number(p->form.style) && stop != end))
		return false;
	p->scan = SCAN_TIME;
	p->value.len = (size_t)(stop - f->value.ptr);
	return true;
}

/* ---- all of them ---- */

struct gather {
	struct record_reader *rr;
	struct slice text;
	const struct record_result *result;
	struct record_parts *out;
};

/* The field that the record inside stands in. */
static bool is_holder(const struct layer *l, const struct field *f)
{
	return l->plain.ptr && f->value.ptr == l->escaped.ptr;
}

static bool is_inside(struct slice v, struct slice in)
{
	return v.ptr >= in.ptr && v.ptr + v.len <= in.ptr + in.len;
}

/* An object that was opened: its members are parts. Where a path led into it, its values are not free. */
static bool holds_others(const struct layer *l, const struct field *f)
{
	for (size_t i = 0; f->kind == FIELD_JSON && i < l->n; i++)
		if (&l->fields[i] != f && is_inside(l->fields[i].value, f->value))
			return true;
	return false;
}

static bool is_envelope_time(const struct layer *l, const struct field *f)
{
	return l->format && l->format->rest && f->used && asked_by_paths(&l->format->roles[ROLE_TIME], f);
}

static bool part_time(const struct gather *g, const struct layer *l, const struct field *f, struct record_part *p)
{
	const struct record_result *r = g->result;
	int64_t ns;

	if (f->taken != 1u << ROLE_TIME || !time_part(l, f, r->time_ns, p, &ns))
		return false;
	p->role = PART_TIME;
	g->out->inner_time = l != g->rr->r->layers;
	g->out->yearless = time_style_is_yearless(p->form.style);
	if (!time_style_is_number(p->form.style)) {
		g->out->local = f->value.len == p->value.len;
		p->form.offset_s = (int32_t)r->offset_s;
		ns += r->offset_s * 1000000000;
	}
	return r->has_time && ns == r->time_ns;
}

static bool part_add(struct gather *g, unsigned layer, size_t k, unsigned field)
{
	const struct layer *l = &g->rr->r->layers[layer];
	const struct field *f = &l->fields[k];
	struct record_part *p = &g->out->all[g->out->n];
	bool escaped = layer && g->rr->r->layers[0].plain.ptr;
	struct slice value = f->value;
	int64_t ns;

	if (is_holder(l, f))
		return !f->taken && !f->pointed && !(f->looked & ~(1u << ROLE_MESSAGE));
	if (escaped && !place_in_line(&g->rr->r->layers[0], f->value, &value))
		return false;
	if (g->out->n == RECORD_PARTS || !is_inside(value, g->text) ||
	    (f->kind == FIELD_JSON &&
	     (slice_is(f->key, "fields") || slice_is(f->key, "span") || slice_is(f->key, "spans"))))
		return false;
	if (holds_others(l, f))
		return f->used && !f->looked;
	*p = (struct record_part){.value = value, .outer = l->pattern != NULL};
	if (f->taken & 1u << ROLE_TIME) {
		if (!part_time(g, l, f, p))
			return false;
	} else if (is_envelope_time(l, f) && time_part(l, f, g->result->time_ns, p, &ns)) {
		p->role = PART_OUTER_TIME;
	} else {
		scan_choose(g->rr, l, f, p);
		if (escaped && p->scan == SCAN_STRING)
			p->scan = SCAN_ESCAPED;
		if (!p->role)
			p->role = reading_has(g->rr->r, layer, k) ? PART_FIELD
			          : p->scan == SCAN_CONST         ? PART_TEXT
			                                          : PART_HIDDEN;
		p->field = field;
	}
	g->out->n++;
	return true;
}

static int by_place(const void *a, const void *b)
{
	const struct record_part *x = a, *y = b;

	return x->value.ptr < y->value.ptr ? -1 : x->value.ptr > y->value.ptr;
}

/* Between the parts is text; it must not have bytes that mean something where it is kept (ingest/form.h). */
static bool text_is_plain(struct slice text, const struct record_parts *p)
{
	const char *at = text.ptr;

	for (unsigned i = 0; i <= p->n; i++) {
		const char *to = i < p->n ? p->all[i].value.ptr : text.ptr + text.len;

		if (to < at)
			return false;
		for (; at < to; at++)
			if ((unsigned char)*at < ' ' && *at != '\t' && *at != '\r')
				return false;
		if (i < p->n)
			at += p->all[i].value.len;
	}
	return true;
}

/* Is the text in an envelope a field, since it is no record? */
static bool says_rest(const struct layer *l)
{
	const struct log_format *f = l->format;

	return l->pattern && f && f->rest && l->n && slice_is(l->fields[l->n - 1].key, f->rest);
}

/* Layers that can be told again: one that is JSON, logfmt or by a pattern, or one inside of a pattern's rest, or JSON
 * in a text of JSON. */
static bool layers_are_simple(const struct record_reader *rr)
{
	const struct record *r = rr->r;

	if (!r->n || r->n > 2 || r->composed || rr->options.roles[ROLE_MESSAGE] || record_in_pieces(rr))
		return false;
	if (r->n == 2)
		return !r->layers[1].pattern &&
		       (r->layers[0].pattern || (r->layers[0].plain.ptr && *r->layers[0].plain.ptr == '{'));
	return !r->layers[0].format || !r->layers[0].format->rest || says_rest(&r->layers[0]);
}

/* In the envelope only digits of times may differ, and no other pattern looks behind it. */
static bool pattern_is_sure(const struct gather *g)
{
	const struct record_parts *out = g->out;
	const char *limit = g->text.ptr + g->text.len, *last = g->text.ptr;

	if (!out->pattern || g->rr->r->n != 2)
		return false;
	for (unsigned i = 0; i < out->n; i++) {
		const struct record_part *p = &out->all[i];

		if (p->outer && p->scan != SCAN_CONST && (p->scan != SCAN_TIME || !time_style_is_digits(p->form.style)))
			return false;
		if (p->outer)
			last = p->value.ptr + p->value.len;
		else if (limit > p->value.ptr)
			limit = p->value.ptr;
	}
	/* the record begins before its first value */
	while (last < limit && *last != ' ')
		last++;
	return last + 1 < limit && layers_pattern_sure(g->rr, out->format, out->pattern, g->text, last + 1);
}

bool record_parts(struct record_reader *rr, struct slice text, const struct record_result *res,
                  struct record_parts *out)
{
	struct gather g = {rr, text, res, out};
	struct record *r = rr->r;
	unsigned time = 0;

	out->n = out->fields = 0;
	out->local = out->yearless = out->inner_time = false;
	if (res->verdict != RECORD_EVENT || !res->has_time || !layers_are_simple(rr))
		return false;
	out->format = r->layers[0].pattern ? r->layers[0].format : NULL;
	out->pattern = r->layers[0].pattern;
	out->says = r->n == 1 && says_rest(&r->layers[0]);
	if (out->format && out->format->partial_end)
		return false;
	/* the end of a whole record inside of JSON is in text that stays the same */
	out->pieces = r->layers[0].format && (r->layers[0].format->partial || r->layers[0].format->partial_end);
	for (unsigned i = r->n; i--;)
		for (size_t k = 0; k < r->layers[i].n; k++) {
			bool is_field = reading_has(r, i, k);

			if (!part_add(&g, i, k, out->fields))
				return false;
			out->fields += is_field;
		}
	qsort(out->all, out->n, sizeof *out->all, by_place);
	for (unsigned i = 0; i < out->n; i++)
		time += out->all[i].role == PART_TIME;
	out->sure = pattern_is_sure(&g);
	for (out->use = 0; out->use < rr->nuses; out->use++)
		if (rr->uses[out->use].inner == r->layers[r->n - 1].format &&
		    rr->uses[out->use].outer == (r->n > 1 ? r->layers[0].format : NULL))
			break;
	return time == 1 && out->use < rr->nuses && text_is_plain(text, out);
}

/* ---- told again ---- */

bool record_pattern_same(const struct record_reader *rr, const struct record_parts *p, struct slice text,
                         const struct slice *values, unsigned n)
{
	struct slice captures[LAYER_CAPTURES];
	unsigned k = 0;

	while (text.len && (*text.ptr == ' ' || *text.ptr == '\t'))
		text = (struct slice){text.ptr + 1, text.len - 1};
	while (text.len && text.ptr[text.len - 1] == '\r')
		text.len--;
	if (!layers_pattern_first(rr, p->format, p->pattern, text, captures))
		return false;
	for (size_t i = 0; i < p->pattern->n; i++) {
		const struct piece *piece = &p->pattern->pieces[i];
		bool rest = piece->name && p->format->rest && !strcmp(piece->name, p->format->rest);

		if (!piece->name || !*piece->name || piece->kind == CAPTURE_LITERAL || (rest && !p->says))
			continue;
		if (rest && !layers_no_record(rr, captures[i]))
			return false;
		/* of a time the value is without its offset */
		if (k == n || captures[i].ptr != values[k].ptr || captures[i].len < values[k].len)
			return false;
		k++;
	}
	return k == n;
}

bool record_told(struct record_reader *rr, const struct record_parts *p, int32_t offset_s, int64_t ns)
{
	if (p->local && rr->options.zone && record_zone_at(rr, ns - offset_s * INT64_C(1000000000)) != offset_s)
		return false;
	rr->assumed_zone += p->local && !rr->options.zone;
	rr->assumed_year += p->yearless;
	rr->near_ns = rr->zone_prev = ns;
	rr->has_near = true;
	rr->near_local = false;
	rr->uses[p->use].records++;
	return true;
}
