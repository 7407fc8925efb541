/* SPDX-License-Identifier: GPL-3.0-or-later */
/* csv.c - a layer of columns with commas between them, some of them in quotes (RFC 4180). */
#include "ingest/layer.h"

struct columns {
	struct record *r;
	struct layer *l;
	const char *p, *end;
};

static bool is_count(struct slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.ptr[i] < '0' || s.ptr[i] > '9')
			return false;
	return s.len && s.len <= 18 && (*s.ptr != '0' || s.len == 1);
}

/* Where the quoted text that begins at p ends; NULL: on a later line. */
static const char *quotes_end(const char *p, const char *end, bool *doubled)
{
	for (; (p = memchr(p, '"', (size_t)(end - p))); p += 2) {
		if (p + 1 == end || p[1] != '"')
			return p;
		*doubled = true;
	}
	return NULL;
}

/* Quotes in it are doubled. */
static struct slice single_quotes(struct record *r, struct slice s)
{
	char *to = record_text_room(r, s.len);
	size_t n = 0;

	for (size_t i = 0; to && i < s.len; i++) {
		to[n++] = s.ptr[i];
		i += s.ptr[i] == '"';
	}
	return (struct slice){to, n};
}

enum column { COLUMN_TAKEN, COLUMN_OPEN, COLUMN_WRONG };

/* The column at p, without the comma behind it. */
static enum column column_take(struct columns *c, const char *name)
{
	struct field f = {.key = {name, strcspn(name, ":?")}, .kind = FIELD_TEXT, .plain_key = true};
	bool quoted = c->p < c->end && *c->p == '"', doubled = false;
	const char *stop;

	c->p += quoted;
	stop = quoted ? quotes_end(c->p, c->end, &doubled) : memchr(c->p, ',', (size_t)(c->end - c->p));
	if (quoted && !stop)
		return COLUMN_OPEN;
	stop = stop ? stop : c->end;
	f.value = (struct slice){c->p, (size_t)(stop - c->p)};
	c->p = stop + quoted;
	if (c->p < c->end && *c->p != ',')
		return COLUMN_WRONG;
	if (doubled && !(f.value = single_quotes(c->r, f.value)).ptr)
		return COLUMN_WRONG;
	if (strstr(name, ":int") && is_count(f.value))
		f.kind = FIELD_SCALAR;
	return !f.value.len || layer_field(c->r, c->l, f) ? COLUMN_TAKEN : COLUMN_WRONG;
}

static bool has_time(struct layer *l, const struct log_format *f)
{
	struct spelt s;
	struct found v;

	for (size_t i = 0; i < f->roles[ROLE_TIME].n; i++)
		if (layer_find(l, f->roles[ROLE_TIME].all[i], &v))
			return v.kind == FIELD_TEXT && !time_of_format(f, v.value, &s) && !s.no_clock;
	return false;
}

/* A line that is of the format's columns; it goes on behind its end where RECORD_OPEN is said. */
static enum record_verdict csv_take(struct record *r, const struct log_format *f, struct slice text)
{
	struct columns c = {.r = r, .l = layer_add(r, f), .p = text.ptr, .end = text.ptr + text.len};
	enum column how = COLUMN_TAKEN;
	size_t n = 0;

	while (how == COLUMN_TAKEN && n < f->columns.n) {
		how = column_take(&c, f->columns.all[n]);
		if (how == COLUMN_OPEN && has_time(c.l, f)) {
			r->quoted = true;
			r->reason = "a text in quotes has no end";
			return RECORD_OPEN;
		}
		n += how == COLUMN_TAKEN;
		if (c.p == c.end)
			break;
		c.p++;
	}
	if (how == COLUMN_TAKEN && c.p == c.end && n >= f->columns_least && has_time(c.l, f)) {
		r->composed = true;
		return RECORD_EVENT;
	}
	r->n--;
	return RECORD_TEXT;
}

enum record_verdict csv_read(struct record_reader *rr, struct record *r, struct slice text)
{
	const struct format_set *set = rr->options.formats;

	for (size_t i = 0; i < set->n; i++) {
		const struct log_format *f = &set->all[i];
		enum record_verdict v;

		if (!f->columns.n || !rr->usable[i] || (rr->options.only && r->n == 0 && f != rr->options.only))
			continue;
		v = csv_take(r, f, text);
		if (v != RECORD_TEXT)
			return v;
	}
	return RECORD_TEXT;
}
