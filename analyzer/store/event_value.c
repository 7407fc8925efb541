/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_value.c - see event_value.h */
#include "store/event_value.h"

#include "store/event_room.h"
#include "store/event_where.h"

#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

/* Numbers in logs have a point, whatever the locale of the program that loaded us. */
static double number_read(const char *text, char **end)
{
	static locale_t c;
	locale_t mine = __atomic_load_n(&c, __ATOMIC_ACQUIRE);

	if (!mine) {
		locale_t none = NULL;

		mine = newlocale(LC_ALL_MASK, "C", NULL);
		if (mine && !__atomic_compare_exchange_n(&c, &none, mine, false, __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
			freelocale(mine);
			mine = none;
		}
	}
	return mine ? strtod_l(text, end, mine) : strtod(text, end);
}

enum number { NOT_A_NUMBER, INTEGER, REAL };

/* What the whole of v is. Integers beyond 64 bits are REAL here. */
static enum number number_of(struct slice v, int64_t *i, double *d)
{
	char buf[400], *end;
	bool integer;

	if (!v.len || v.len >= sizeof buf || strspn(v.ptr, "+-.0123456789eE") == 0)
		return NOT_A_NUMBER;
	memcpy(buf, v.ptr, v.len);
	buf[v.len] = '\0';
	integer = strspn(buf, "-0123456789") == v.len;
	if (integer) {
		errno = 0;
		*i = strtoll(buf, &end, 10);
		*d = (double)*i;
		if (!errno && end != buf && !*end)
			return INTEGER;
	}
	if (strspn(buf, "+-.0123456789eE") != v.len)
		return NOT_A_NUMBER;
	*d = number_read(buf, &end);
	return end != buf && !*end ? REAL : NOT_A_NUMBER;
}

bool event_number(struct slice v, double *out)
{
	int64_t i;

	if (slice_is(v, "true") || slice_is(v, "false")) {
		*out = v.len == 4;
		return true;
	}
	return number_of(v, &i, out) != NOT_A_NUMBER;
}

/* ---- text ---- */

/* v without escapes and invalid bytes, in *buf (free it) or v itself. ptr NULL: no memory. */
static struct slice plain_text(struct slice v, char **buf)
{
	*buf = NULL;
	if (json_is_plain(v))
		return v;
	*buf = malloc(3 * v.len);
	return *buf ? (struct slice){*buf, json_unescape(v, *buf)} : SLICE_NONE;
}

void event_text_result(sqlite3_context *ctx, struct slice v)
{
	struct slice plain;
	char *buf;

	if (!v.ptr) {
		sqlite3_result_null(ctx);
		return;
	}
	plain = plain_text(v, &buf);
	if (!plain.ptr)
		sqlite3_result_error_nomem(ctx);
	else
		sqlite3_result_text64(ctx, plain.ptr, plain.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	free(buf);
}

void event_constant_result(sqlite3_context *ctx, struct slice v)
{
	if (v.ptr && json_is_plain(v))
		sqlite3_result_text64(ctx, v.ptr, v.len, SQLITE_STATIC, SQLITE_UTF8);
	else
		event_text_result(ctx, v);
}

int event_text_is(struct slice escaped, const char *text, size_t len)
{
	struct slice plain;
	char *buf;
	int same;

	if (!escaped.ptr)
		return 0;
	plain = plain_text(escaped, &buf);
	same = plain.ptr ? plain.len == len && !memcmp(plain.ptr, text, len) : -ENOMEM;
	free(buf);
	return same;
}

static void scalar_result(sqlite3_context *ctx, struct slice v)
{
	int64_t i;
	double d;
	enum number n;

	if (slice_is(v, "true") || slice_is(v, "false")) {
		sqlite3_result_int(ctx, v.len == 4);
		return;
	}
	n = number_of(v, &i, &d);
	if (n == INTEGER)
		sqlite3_result_int64(ctx, i);
	else if (n == REAL && (memchr(v.ptr, '.', v.len) || memchr(v.ptr, 'e', v.len) || memchr(v.ptr, 'E', v.len)))
		sqlite3_result_double(ctx, d);
	else if (slice_is(v, "null"))
		sqlite3_result_null(ctx);
	else
		sqlite3_result_text64(ctx, v.ptr, v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
}

void event_value_result(sqlite3_context *ctx, enum slot_kind kind, struct slice v)
{
	if (!kind)
		sqlite3_result_null(ctx);
	else if (kind == SLOT_SCALAR)
		scalar_result(ctx, v);
	else if (kind == SLOT_JSON)
		sqlite3_result_text64(ctx, v.ptr, v.len, SQLITE_TRANSIENT, SQLITE_UTF8);
	else
		event_text_result(ctx, v);
}

/* ---- tests ---- */

int event_test_parse(const char *text, struct event_test *out)
{
	size_t name = strcspn(text, "=<>!"), op = 0;
	struct event_test t = {.op = '?'};

	if (!name)
		return -EINVAL;
	if (text[name] == '!' && text[name + 1] != '=')
		return -EINVAL;
	if (text[name]) {
		bool two = text[name] != '=' && text[name + 1] == '=';

		op = two ? 2 : 1;
		t.op = text[name];
		if (two && t.op != '!')
			t.op = t.op == '<' ? 'l' : 'g';
	}
	t.name = strdup(text);
	if (!t.name)
		return -ENOMEM;
	t.text = t.name + name + op;
	t.len = strlen(t.text);
	t.name[name] = '\0';
	*out = t;
	return 0;
}

void event_test_done(struct event_test *t)
{
	free(t->name);
	t->name = NULL;
}

/* -1, 0, 1. */
static int compare(struct slice a, struct slice b, bool numbers)
{
	int64_t i, k;
	double d, e;
	enum number n = numbers ? number_of(a, &i, &d) : NOT_A_NUMBER;
	enum number m = n ? number_of(b, &k, &e) : NOT_A_NUMBER;
	int c;

	if (n == INTEGER && m == INTEGER)
		return i < k ? -1 : i > k;
	if (n && m)
		return d < e ? -1 : d > e;
	c = slice_compare(a, b);
	return (c > 0) - (c < 0);
}

int event_test_passes(const struct event_test *t, const struct event *e)
{
	struct slice v, plain;
	char *buf = NULL;
	enum slot_kind kind = event_field(e, t->name, &v);
	bool equality = t->op == '=' || t->op == '!';
	int c;

	if (!kind && event_error(e))
		return event_error(e);
	if (!kind || t->op == '?')
		return kind != 0;
	plain = kind == SLOT_SCALAR || kind == SLOT_JSON ? v : plain_text(v, &buf);
	if (!plain.ptr)
		return -ENOMEM;
	c = compare(plain, (struct slice){t->text, t->len}, !equality || kind == SLOT_SCALAR);
	free(buf);
	switch (t->op) {
	case '=':
		return !c;
	case '!':
		return c != 0;
	case '<':
		return c < 0;
	case '>':
		return c > 0;
	case 'l':
		return c <= 0;
	default:
		return c >= 0;
	}
}

/* ---- a text ---- */

static void hits_forget(struct event_hits *h)
{
	free(h->text);
	free(h->hits);
	*h = (struct event_hits){0};
}

void event_matcher_done(struct event_matcher *m)
{
	for (unsigned i = 0; i < EVENT_MATCHES; i++)
		hits_forget(&m->of[i]);
}

/* Looks for text in all lines of e's group. */
static int group_match(struct event_matcher *m, struct event_hits *h, const struct event *e, struct slice text)
{
	int rc;

	hits_forget(h);
	h->text = malloc(text.len + 1);
	h->hits = malloc(SEGMENT_ROWS);
	rc = h->text && h->hits ? 0 : -ENOMEM;
	if (!rc) {
		memcpy(h->text, text.ptr, text.len);
		h->len = text.len;
		h->first = e->id - e->row % SEGMENT_ROWS;
		rc = chunk_search(e->chunk, e->row / SEGMENT_ROWS, text, h->hits);
		m->searched += SEGMENT_ROWS;
	}
	if (rc)
		hits_forget(h);
	return rc;
}

static struct event_hits *hits_find(struct event_matcher *m, const struct event *e, struct slice text)
{
	for (unsigned i = 0; i < EVENT_MATCHES; i++) {
		struct event_hits *h = &m->of[i];

		if (h->hits && h->first == e->id - e->row % SEGMENT_ROWS && h->len == text.len &&
		    !memcmp(h->text, text.ptr, text.len))
			return h;
	}
	return NULL;
}

/* Where the hits of another group may stand. Those that were asked for while a group was gone through are kept, so that
 * texts which take turns do not drive each other out and have a group searched for each line: NULL then. */
static struct event_hits *hits_place(struct event_matcher *m)
{
	struct event_hits *oldest = m->of;

	for (unsigned i = 0; i < EVENT_MATCHES; i++) {
		if (!m->of[i].hits)
			return &m->of[i];
		if (m->of[i].used < oldest->used)
			oldest = &m->of[i];
	}
	return m->calls - oldest->used > SEGMENT_ROWS ? oldest : NULL;
}

int event_matches(struct event_matcher *m, const struct event *e, struct slice text)
{
	struct event_hits *h;
	int rc = 0;

	if (!text.len)
		return 1;
	m->calls++;
	h = hits_find(m, e, text);
	if (!h && (h = hits_place(m)))
		rc = group_match(m, h, e, text);
	if (rc)
		return rc;
	if (h)
		h->used = m->calls;
	rc = h ? h->hits[e->row % SEGMENT_ROWS] : CHUNK_LOOK;
	if (rc == CHUNK_LOOK) {
		rc = event_search(e, text, false);
		m->searched++;
	}
	return event_error(e) ? event_error(e) : rc;
}

/* ---- columns ---- */

static int integer(struct event_datum *out, int rc, int64_t v)
{
	*out = (struct event_datum){.type = DATUM_INTEGER, .integer = v};
	return rc;
}

/* As it stands; ptr NULL: there is none. */
static void text(struct event_datum *out, struct slice v)
{
	*out = (struct event_datum){.type = v.ptr ? DATUM_TEXT : DATUM_NULL, .text = v};
}

/* A text of a shape lives as long as that; one of a line that is kept whole, or of a column, does not. */
static void shape_text(const struct event *e, enum event_column column, struct event_datum *out)
{
	text(out, event_text(e, column));
	out->escaped = true;
	out->lasting = e->head->id && (column != COL_MESSAGE || e->head->message_slot < 0);
}

static int text_datum(const struct event *e, enum event_column column, struct event_datum *out)
{
	struct slice line = SLICE_NONE;
	int rc = 0;

	switch (column) {
	case COL_KIND:
		text(out, event_is_text(e) ? SLICE("text") : SLICE("record"));
		out->lasting = true;
		break;
	case COL_TID:
		rc = event_complete(e);
		text(out, e->tid);
		break;
	case COL_FIELDS:
	case COL_SPAN:
	case COL_SPANS:
		text(out, event_part(e, SECTION_FIELDS + (enum section)(column - COL_FIELDS)));
		break;
	case COL_RAW:
		rc = event_line(e, &line);
		text(out, line);
		break;
	default:
		shape_text(e, column, out);
	}
	return rc ? rc : event_error(e);
}

int event_datum(const struct event *e, enum event_column column, struct event_datum *out)
{
	int rc;

	switch (column) {
	case COL_ID:
	case COL_EVENT:
		return integer(out, 0, e->id);
	case COL_RUN:
		return integer(out, 0, e->run);
	case COL_SOURCE:
		return integer(out, 0, e->source);
	case COL_LINE:
		return integer(out, 0, e->line);
	case COL_TIME_NS:
		rc = event_time(e);
		return integer(out, rc, e->time_ns);
	case COL_SECOND:
		rc = event_time(e);
		return integer(out, rc, event_second(e->time_ns));
	case COL_FOREIGN:
		rc = event_complete(e);
		return integer(out, rc, e->foreign);
	default:
		return text_datum(e, column, out);
	}
}

struct slice event_datum_text(const struct event_datum *d, char **buf, bool *failed)
{
	struct slice plain = d->text;

	*buf = NULL;
	if (d->type != DATUM_TEXT)
		return SLICE_NONE;
	if (d->escaped)
		plain = plain_text(d->text, buf);
	*failed |= !plain.ptr;
	return plain;
}

int event_offset_next(struct event_offsets *o, const struct event *e, int64_t *out)
{
	bool follows = o->id && o->id + 1 == e->id && e->id & 0xffff;
	struct slice line;
	int rc = 0;

	if (!o->id || o->id != e->id) {
		if (follows)
			o->offset = o->next;
		else
			rc = event_offset(e, &o->offset);
		if (!rc)
			rc = event_line(e, &line);
		if (rc)
			return rc;
		o->next = o->offset + (int64_t)line.len + !event_is_piece(e);
		o->id = e->id;
	}
	*out = o->offset;
	return 0;
}
