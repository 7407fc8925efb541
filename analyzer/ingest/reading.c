/* SPDX-License-Identifier: GPL-3.0-or-later */
/* reading.c - what was found, written as one event line of our own form. */
#include "ingest/layer.h"
#include "base/scan.h"
#include "ingest/line.h"
#include "ingest/stamp.h"

#include <errno.h>

static void put_value(struct bytes *b, enum field_kind kind, struct slice v)
{
	if (kind == FIELD_STRING || kind == FIELD_TEXT)
		bytes_str(b, "\"");
	if (kind == FIELD_TEXT) {
		bytes_escape(b, v.ptr, v.len);
	} else if (kind == FIELD_JSON && memchr(v.ptr, '\n', v.len)) {
		size_t at = b->len;

		bytes_add(b, v.ptr, v.len);
		for (; !b->failed && at < b->len; at++) /* a line has no line ends; in JSON they are blanks */
			if (b->ptr[at] == '\n' || b->ptr[at] == '\r')
				b->ptr[at] = ' ';
	} else {
		bytes_add(b, v.ptr, v.len);
	}
	if (kind == FIELD_STRING || kind == FIELD_TEXT)
		bytes_str(b, "\"");
}

static void put_text(struct bytes *b, const char *key, const struct text_found *t)
{
	if (!t->there)
		return;
	bytes_str(b, ",\"");
	bytes_str(b, key);
	bytes_str(b, "\":");
	put_value(b, t->kind == FIELD_SCALAR ? FIELD_TEXT : t->kind, t->text);
}

static bool is_first(const struct record *r, unsigned layer, size_t field)
{
	struct slice key = r->layers[layer].fields[field].key;

	for (unsigned i = r->n; i-- > layer;) {
		const struct layer *l = &r->layers[i];
		size_t end = i == layer ? field : l->n;

		for (size_t k = 0; k < end; k++)
			if (!l->fields[k].used && slice_same(l->fields[k].key, key))
				return false;
	}
	return true;
}

/* `span` and `spans` of tracing stay what they are. */
static bool is_span_part(const struct field *f)
{
	return f->kind == FIELD_JSON && ((slice_is(f->key, "span") && *f->value.ptr == '{') ||
	                                 (slice_is(f->key, "spans") && *f->value.ptr == '['));
}

bool reading_has(const struct record *r, unsigned layer, size_t k)
{
	const struct field *f = &r->layers[layer].fields[k];

	return !f->used && !(layer == r->n - 1 && is_span_part(f)) && is_first(r, layer, k);
}

static void put_fields(struct bytes *b, struct record *r)
{
	const char *comma = "";

	bytes_str(b, ",\"fields\":{");
	for (unsigned i = r->n; i--;)
		for (size_t k = 0; k < r->layers[i].n; k++) {
			const struct field *f = &r->layers[i].fields[k];

			if (!reading_has(r, i, k))
				continue;
			bytes_str(b, comma);
			bytes_str(b, "\"");
			if (f->plain_key)
				bytes_escape(b, f->key.ptr, f->key.len);
			else
				bytes_add(b, f->key.ptr, f->key.len);
			bytes_str(b, "\":");
			put_value(b, (enum field_kind)f->kind, f->value);
			comma = ",";
		}
	bytes_str(b, "}");
}

static void put_spans(struct bytes *b, const struct record *r)
{
	static const char *const keys[] = {"span", "spans"};
	const struct layer *l = &r->layers[r->n - 1];

	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < l->n; k++)
			if (!l->fields[k].used && is_span_part(&l->fields[k]) && slice_is(l->fields[k].key, keys[i])) {
				bytes_str(b, ",\"");
				bytes_str(b, keys[i]);
				bytes_str(b, "\":");
				put_value(b, FIELD_JSON, l->fields[k].value);
				break;
			}
}

static void put_tid(struct bytes *b, const struct text_found *t, struct slice *out)
{
	size_t at;

	if (!t->there)
		return;
	bytes_str(b, ",\"tid\":\"");
	at = b->len;
	if (t->kind == FIELD_STRING)
		bytes_add(b, t->text.ptr, t->text.len);
	else
		bytes_escape(b, t->text.ptr, t->text.len);
	*out = (struct slice){(const char *)at, b->len - at}; /* where it stands, until the text moves no more */
	bytes_str(b, "\"");
}

/* Of a role that is no part of the reading the field where it stands. */
static void put_pointed(struct bytes *b, const struct roles_found *f)
{
	static const char *const lines[] = {NULL, "begin", "end", "whole"}, *const units[] = {"s", "ms", "us", "ns"};
	static const char *const keys[ROLES] = {
	    [ROLE_SPAN] = ",\"as_span\":\"",        [ROLE_PARENT] = ",\"as_parent\":\"",
	    [ROLE_SPAN_NAME] = ",\"as_name\":\"",   [ROLE_DURATION] = ",\"as_duration\":\"",
	    [ROLE_SPAN_UNTIL] = ",\"as_until\":\"", [ROLE_ERROR] = ",\"as_error\":\"",
	    [ROLE_WORKER] = ",\"as_worker\":\"",    [ROLE_PAIR] = ",\"as_id\":\"",
	};

	if (f->span_line) {
		bytes_str(b, ",\"as_line\":\"");
		bytes_str(b, lines[f->span_line]);
		bytes_str(b, f->span_format->time_is_start ? "\",\"as_time\":\"start\",\"as_unit\":\""
		                                           : "\",\"as_unit\":\"");
		bytes_str(b, units[f->span_format->duration_unit]);
		bytes_str(b, "\"");
	}
	if (f->pair) {
		bytes_str(b, ",\"as_pair\":\"");
		bytes_str(b, f->pair);
		bytes_str(b, "\"");
	}
	for (int role = ROLES_OF_READING; role < ROLES; role++) {
		if (!f->pointed[role])
			continue;
		bytes_str(b, keys[role]);
		bytes_escape(b, f->pointed[role], strlen(f->pointed[role]));
		bytes_str(b, "\"");
	}
}

/* Is it the path, or the first in a template? */
static bool path_begins_with(const char *path, const char *name)
{
	size_t n = name ? strlen(name) : 0;

	path += *path == '{';
	return n && !strncmp(path, name, n) && (!path[n] || path[n] == '}');
}

/* A line whose pattern has no place for a time: nobody misses it. */
static bool has_no_clock(const struct record *r)
{
	const struct layer *l = &r->layers[r->n - 1];

	for (size_t i = 0; l->pattern && i < l->format->roles[ROLE_TIME].n; i++)
		for (size_t k = 0; k < l->pattern->n; k++)
			if (path_begins_with(l->format->roles[ROLE_TIME].all[i], l->pattern->pieces[k].name))
				return false;
	return l->pattern && r->n == 1;
}

static void put_all(struct record_reader *rr, const struct roles_found *f, struct record_result *out)
{
	struct bytes *b = &rr->reading;
	char stamp[STAMP_MAX];

	b->len = 0;
	bytes_str(b, "{\"timestamp\":\"");
	bytes_add(b, stamp,
	          out->local ? stamp_print_iluvatar(f->time.ns, stamp) : stamp_print_rfc3339(f->time.ns, stamp));
	bytes_str(b, "\"");
	if (f->level.level)
		put_text(b, "level", &(struct text_found){level_name(f->level.level), FIELD_STRING, true});
	put_text(b, "message", &f->message);
	put_text(b, "target", &f->target);
	put_tid(b, &f->tid, &out->tid);
	put_fields(b, rr->r);
	put_pointed(b, f);
	put_spans(b, rr->r);
	if (f->level.there)
		put_text(b, "level_text",
		         &(struct text_found){f->level.text, f->level.json ? FIELD_STRING : FIELD_TEXT, true});
	if (!f->time.there && !out->text)
		bytes_str(b, has_no_clock(rr->r) ? ",\"no_time\":\"never\"" : ",\"no_time\":true");
	bytes_str(b, out->text ? ",\"kind\":\"text\"}" : "}");
}

#define OWN_KEYS 32 /* more than a reading has beside fields and spans */

/* No more keys than a reading may have, be they as few as the fields' and spans' lengths allow. */
static bool is_small(const struct record *r)
{
	size_t n = OWN_KEYS;

	for (unsigned i = 0; i < r->n; i++)
		n += r->layers[i].n;
	for (size_t k = 0; k < r->layers[r->n - 1].n; k++)
		if (is_span_part(&r->layers[r->n - 1].fields[k]))
			n += r->layers[r->n - 1].fields[k].value.len / 3; /* `{},` is the shortest of them */
	return n <= LINE_MAX_KEYS;
}

/* Can the reading be read? One of very many keys is tried; a repair that is noted in it is one key more. */
static int reading_fits(struct record *r, struct slice reading, bool *fits)
{
	enum line_verdict v = LINE_OK;
	struct line l;
	int rc;

	*fits = true;
	if (is_small(r))
		return 0;
	line_init(&l);
	rc = line_parse_reading(&l, reading.ptr, reading.len, &v);
	if (v == LINE_REJECTED || l.ntokens == LINE_MAX_KEYS) {
		*fits = false;
		r->reason = RECORD_TOO_MANY;
	}
	line_done(&l);
	return rc;
}

int reading_write(struct record_reader *rr, struct record_result *out)
{
	static const char slack[SCAN_SLACK];
	struct bytes *b = &rr->reading;
	struct roles_found f;
	bool fits;

	roles_find(rr, out->text, &f);
	pointed_find(rr, out->text, &f);
	out->local = !f.time.there && rr->has_near && rr->near_local;
	put_all(rr, &f, out);
	bytes_add(b, slack, sizeof slack);
	if (b->failed || rr->r->no_memory)
		return -ENOMEM;
	out->reading = (struct slice){b->ptr, b->len - sizeof slack};
	if (reading_fits(rr->r, out->reading, &fits))
		return -ENOMEM;
	if (!fits) {
		*out = (struct record_result){.verdict = RECORD_BROKEN, .reason = rr->r->reason};
		return 0;
	}
	if (f.tid.there)
		out->tid.ptr = b->ptr + (size_t)out->tid.ptr;
	out->has_time = f.time.there;
	out->time_ns = f.time.ns;
	out->offset_s = f.time.offset_s;
	if (f.level.there && !f.level.level)
		hint_level(&rr->hints, f.level.text);
	if (f.time.there) {
		rr->near_ns = rr->zone_prev = f.time.ns;
		rr->has_near = true;
		rr->near_local = false;
	} else if (f.time.odd || !has_no_clock(rr->r)) {
		rr->no_time += !f.time.odd;
		rr->odd_time += f.time.odd;
		hint_time(&rr->hints, rr->r, f.time.odd ? f.time.odd_text : SLICE_NONE);
	}
	return 0;
}
