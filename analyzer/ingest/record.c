/* SPDX-License-Identifier: GPL-3.0-or-later */
/* record.c - envelopes opened, roles found, the reading written.
 *
 * A line is a pile of layers: the envelope that a container runtime put around it, perhaps another one that a collector
 * put around that, and the record that the program wrote. Each layer is a list of fields. Nothing is copied but texts
 * that have to be unescaped, before what is inside them can be read. */
#include "ingest/record.h"
#include "base/array.h"
#include "ingest/members.h"
#include "base/scan.h"
#include "ingest/stamp.h"
#include "ingest/zone.h"

#include <errno.h>
#include <stdlib.h>

enum field_kind { FIELD_STRING, FIELD_SCALAR, FIELD_JSON, FIELD_TEXT };

struct field {
	struct slice key, value; /* FIELD_STRING with its JSON escapes, FIELD_TEXT without */
	uint8_t kind;
	bool used;      /* it has a role, or was opened */
	bool plain_key; /* the key is no inside of a JSON string */
};

struct layer {
	struct field *fields;
	size_t n, room;
	const struct format *format; /* NULL: none fits */
	struct slice message;        /* of a layer whose rest is plain text */
};

/* A value that was found by its path. */
struct found {
	enum field_kind kind;
	struct slice value;
	struct field *field; /* the one that it is, or is in */
	bool whole;          /* it is that field */
};

struct record {
	struct layer layers[RECORD_LAYERS];
	unsigned n;
	char **texts; /* unescaped ones */
	size_t ntexts, texts_room;
	bool no_memory;
	const char *reason;
};

int record_reader_init(struct record_reader *r, const struct record_options *o)
{
	*r = (struct record_reader){.options = *o, .zone_prev = INT64_MIN};
	r->r = calloc(1, sizeof *r->r);
	return r->r ? 0 : -ENOMEM;
}

static void texts_free(struct record *r)
{
	for (size_t i = 0; i < r->ntexts; i++)
		free(r->texts[i]);
	r->ntexts = 0;
}

void record_reader_done(struct record_reader *r)
{
	if (r->r) {
		texts_free(r->r);
		free(r->r->texts);
		for (unsigned i = 0; i < RECORD_LAYERS; i++)
			free(r->r->layers[i].fields);
	}
	free(r->r);
	for (unsigned i = 0; i < RECORD_PENDING; i++)
		bytes_free(&r->pending[i].text);
	bytes_free(&r->reading);
	*r = (struct record_reader){0};
}

/* ---- layers ---- */

static struct layer *layer_add(struct record *r, const struct format *f)
{
	struct layer *l = &r->layers[r->n++];

	l->n = 0;
	l->format = f;
	l->message = SLICE_NONE;
	return l;
}

static bool field_add(struct record *r, struct layer *l, struct field f)
{
	struct field *to;

	if (l->n >= RECORD_MAX_KEYS) {
		r->reason = "more than 4096 keys";
		return false;
	}
	to = array_add(l->fields, l->n, l->room);
	if (!to) {
		r->no_memory = true;
		return false;
	}
	*to = f;
	return true;
}

static enum field_kind kind_of(enum slot_kind kind)
{
	return kind == SLOT_STRING ? FIELD_STRING : kind == SLOT_SCALAR ? FIELD_SCALAR : FIELD_JSON;
}

/* Room for a text that lives as long as the record, with slack behind it; NULL: no memory. */
static char *text_room(struct record *r, size_t len)
{
	char *room = NULL;

	if (!array_reserve(r->texts, r->texts_room, r->ntexts + 1))
		room = malloc(len + SCAN_SLACK);
	if (!room) {
		r->no_memory = true;
		return NULL;
	}
	memset(room + len, 0, SCAN_SLACK);
	return r->texts[r->ntexts++] = room;
}

static struct slice text_copy(struct record *r, struct slice text)
{
	char *copy = text_room(r, text.len);

	return copy ? (struct slice){memcpy(copy, text.ptr, text.len), text.len} : SLICE_NONE;
}

static struct slice text_unescape(struct record *r, struct slice escaped)
{
	char *copy = text_room(r, 3 * escaped.len);
	size_t len;

	if (!copy)
		return SLICE_NONE;
	len = json_unescape(escaped, copy);
	memset(copy + len, 0, SCAN_SLACK);
	return (struct slice){copy, len};
}

/* ---- values by path ---- */

static bool path_find(struct layer *l, const char *path, struct found *out)
{
	size_t len = strlen(path);

	for (size_t i = 0; i < l->n; i++) {
		struct field *f = &l->fields[i];
		struct member m;

		if (f->key.len == len && !memcmp(f->key.ptr, path, len)) {
			*out = (struct found){(enum field_kind)f->kind, f->value, f, true};
			return true;
		}
		if (f->kind == FIELD_JSON && f->key.len < len && path[f->key.len] == '.' &&
		    !memcmp(f->key.ptr, path, f->key.len) && member_at(f->value, path + f->key.len + 1, &m)) {
			*out = (struct found){kind_of(m.kind), m.value, f, false};
			return true;
		}
	}
	return false;
}

/* Not there, empty, null or all zeros: then the next path counts. */
static bool is_nothing(const struct found *v)
{
	if (!v->value.len)
		return true;
	if (v->kind == FIELD_SCALAR && slice_is(v->value, "null"))
		return true;
	if (v->kind == FIELD_JSON)
		return false;
	for (size_t i = 0; i < v->value.len; i++)
		if (v->value.ptr[i] != '0' && v->value.ptr[i] != '-')
			return false;
	return true;
}

static bool key_fits(struct layer *l, const struct format_key *k)
{
	struct found v;

	if (!path_find(l, k->path, &v))
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

static bool keys_fit(struct layer *l, const struct format *f)
{
	for (size_t i = 0; i < f->nkeys; i++)
		if (!key_fits(l, &f->keys[i]))
			return false;
	return f->nkeys && !f->npatterns;
}

/* ---- a layer of JSON ---- */

/* Objects whose members are the record's own. */
static bool open_subtree(struct record *r, struct layer *l, const char *path)
{
	struct found v;
	struct members m;
	struct member one;

	if (!path_find(l, path, &v) || v.kind != FIELD_JSON || *v.value.ptr != '{')
		return true;
	if (v.whole)
		v.field->used = true;
	for (members_start(&m, v.value); members_next(&m, &one) == 1;)
		if (!field_add(r, l, (struct field){.key = one.key, .value = one.value, .kind = kind_of(one.kind)}))
			return false;
	return true;
}

static const struct format *format_by_keys(const struct record_reader *rr, struct layer *l)
{
	const struct format_set *set = rr->options.formats;
	const struct format *best = NULL;

	if (rr->options.only && keys_fit(l, rr->options.only))
		return rr->options.only;
	for (size_t i = 0; i < set->n; i++) /* the one that asks for most */
		if ((!best || set->all[i].nkeys > best->nkeys) && keys_fit(l, &set->all[i]))
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
		if (!field_add(r, l, (struct field){.key = one.key, .value = one.value, .kind = kind_of(one.kind)}))
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
	*v = RECORD_EVENT;
	return true;
}

/* ---- a layer of logfmt ---- */

static bool is_key_char(char c)
{
	return (unsigned char)c > ' ' && c != '=' && c != '"';
}

/* One pair at *p; false: no pair. */
static bool pair(const char **p, const char *end, struct field *f)
{
	const char *start = *p, *q = start, *stop;
	bool high = false;

	while (q < end && is_key_char(*q))
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

/* Every word a pair; one of them names a time, or inside an envelope a level or a message. */
static bool logfmt_layer(struct record_reader *rr, struct record *r, struct slice text, bool inside)
{
	const struct format *d = rr->options.formats->fallback;
	const char *p = text.ptr, *end = p + text.len;
	struct layer *l;
	struct found v;

	if (!text.len || !is_key_char(*p) || *p == '{' || *p == '[')
		return false;
	l = layer_add(r, NULL);
	while (p < end) {
		struct field f = {.plain_key = true};

		while (p < end && (*p == ' ' || *p == '\t' || *p == '\r'))
			p++;
		if (p < end && (!pair(&p, end, &f) || !field_add(r, l, f)))
			goto no;
	}
	l->format = format_by_keys(rr, l);
	for (int role = ROLE_TIME; role <= (inside ? ROLE_MESSAGE : ROLE_TIME); role++) {
		const struct paths *given = rr->options.roles[role], *paths = &d->roles[role];

		for (size_t i = 0; given && i < given->n; i++)
			if (path_find(l, given->all[i], &v))
				return true;
		for (size_t i = 0; i < paths->n; i++)
			if (path_find(l, paths->all[i], &v) && v.value.len)
				return true;
	}
	if (l->format)
		return true;
no:
	r->n--;
	return false;
}

/* ---- a layer by pattern ---- */

#define CAPTURES 64

static const struct piece *capture_named(const struct pattern *p, const char *name, size_t *at)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->pieces[i].name && !strcmp(p->pieces[i].name, name)) {
			*at = i;
			return &p->pieces[i];
		}
	return NULL;
}

/* A pattern whose time is none does not fit. */
static bool time_fits(const struct format *f, const struct pattern *p, const struct slice *captures)
{
	struct spelt s;
	size_t at;

	for (size_t i = 0; i < f->roles[ROLE_TIME].n; i++)
		if (capture_named(p, f->roles[ROLE_TIME].all[i], &at))
			return !time_text(captures[at], f->day_first, &s) && !s.no_clock;
	return true;
}

static bool pattern_layer(struct record *r, const struct format *f, const struct pattern *p, struct slice text,
                          struct slice *inside)
{
	struct slice captures[CAPTURES];
	struct layer *l;

	if (p->n > CAPTURES || !pattern_match(p, text, captures) || !time_fits(f, p, captures))
		return false;
	l = layer_add(r, f);
	*inside = SLICE_NONE;
	for (size_t i = 0; i < p->n; i++) {
		const struct piece *piece = &p->pieces[i];
		struct field field = {.value = captures[i], .kind = FIELD_TEXT, .plain_key = true};

		if (!piece->name || piece->kind == CAPTURE_LITERAL)
			continue;
		if (f->rest && !strcmp(piece->name, f->rest)) {
			*inside = captures[i];
			continue;
		}
		field.key = (struct slice){piece->name, strlen(piece->name)};
		if (piece->kind == CAPTURE_INT)
			field.kind = FIELD_SCALAR;
		if (!field_add(r, l, field))
			return true;
	}
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
	const struct format *f = l->format;
	struct found v;

	if (f->partial)
		return path_find(l, f->partial, &v) && slice_is(v.value, f->partial_is);
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

	path_find(l, "stream", &v);
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
	all = text_copy(r, (struct slice){p->text.ptr, p->text.len});
	p->text.len = 0;
	if (all.ptr)
		*inside = all;
	return false;
}

static enum record_verdict layers_read(struct record_reader *rr, struct record *r, struct slice text,
                                       struct slice *inside);

/* What an envelope holds: a record, or the text that it says. */
static enum record_verdict inside_read(struct record_reader *rr, struct record *r, struct layer *l, struct slice inside)
{
	struct slice bare = inside, deeper;
	unsigned had = r->n;
	enum record_verdict v = r->n < RECORD_LAYERS ? layers_read(rr, r, bare, &deeper) : RECORD_TEXT;

	if (v == RECORD_EVENT)
		return v;
	if (v != RECORD_TEXT || r->n == had) {
		r->n = had;
		r->reason = NULL;
	}
	if (r->n == had)
		l->message = trimmed(bare);
	return RECORD_TEXT;
}

/* The envelope of a JSON layer, where its format is one. */
static bool json_envelope(struct record *r, struct layer *l, struct slice *inside)
{
	struct found v;

	if (!l->format || !l->format->rest || !path_find(l, l->format->rest, &v) || v.kind != FIELD_STRING)
		return false;
	*inside = text_unescape(r, v.value);
	if (v.whole)
		v.field->used = true;
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

	for (size_t i = 0; i < paths->n; i++) {
		if (!path_find(l, paths->all[i], &v) || is_nothing(&v))
			continue;
		if (v.kind != FIELD_STRING || *v.value.ptr != '{' || r->n == RECORD_LAYERS)
			return;
		text = text_unescape(r, v.value);
		if (!text.ptr)
			return;
		if (layers_read(rr, r, text, &deeper) == RECORD_EVENT) {
			if (v.whole)
				v.field->used = true;
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

/* Of the formats that ask for a record inside, or of the others. */
static enum record_verdict patterns_of(struct record_reader *rr, struct record *r, bool only_records, struct slice text,
                                       struct slice *inside)
{
	const struct format_set *set = rr->options.formats;
	unsigned had = r->n;

	for (size_t i = 0; i < set->n; i++) {
		const struct format *f = &set->all[i];

		if (f->only_records != only_records || (rr->options.only && !had && f != rr->options.only))
			continue;
		for (size_t k = 0; k < f->npatterns; k++) {
			enum record_verdict v;

			if (!pattern_layer(r, f, &f->patterns[k], text, inside))
				continue;
			v = pattern_read(rr, r, inside);
			if (v != RECORD_TEXT || !only_records)
				return v;
			r->n = had;
		}
	}
	return RECORD_TEXT;
}

static enum record_verdict patterns_read(struct record_reader *rr, struct record *r, struct slice text,
                                         struct slice *inside)
{
	unsigned had = r->n;
	enum record_verdict v = patterns_of(rr, r, false, text, inside);

	return v != RECORD_TEXT || r->n > had ? v : patterns_of(rr, r, true, text, inside);
}

static enum record_verdict layers_read(struct record_reader *rr, struct record *r, struct slice text,
                                       struct slice *inside)
{
	bool outermost = !r->n;
	enum record_verdict v;
	struct layer *l;

	*inside = SLICE_NONE;
	while (text.len && (*text.ptr == ' ' || *text.ptr == '\t'))
		text = (struct slice){text.ptr + 1, text.len - 1};
	while (text.len && (text.ptr[text.len - 1] == '\r' || text.ptr[text.len - 1] == '\n'))
		text.len--;
	if (!text.len)
		return RECORD_TEXT;
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
	if (outermost && *text.ptr == '[' && (text.len == 1 || strchr("{ \t", text.ptr[1])))
		return is_open(text) ? RECORD_OPEN : RECORD_LIST;
	if (logfmt_layer(rr, r, text, !outermost))
		return RECORD_EVENT;
	return r->no_memory ? RECORD_TEXT : patterns_read(rr, r, text, inside);
}

/* ---- roles ---- */

static const struct paths *role_paths(const struct record_reader *rr, const struct layer *l, enum role role)
{
	if (l->format && l->format->roles[role].n)
		return &l->format->roles[role];
	return l->format && l->format->npatterns ? NULL : &rr->options.formats->fallback->roles[role];
}

/* Calls take for each value of a role, the innermost layer's first, until one is taken. */
typedef bool take_fn(struct record_reader *rr, const struct layer *l, const struct found *v, void *out);

static bool path_take(struct record_reader *rr, struct layer *l, const char *path, take_fn *take, void *out)
{
	size_t len = strlen(path);
	bool text_only = len > 7 && !strcmp(path + len - 7, ":string");
	char plain[256];
	struct found v;

	if (text_only) {
		if (len - 7 >= sizeof plain)
			return false;
		memcpy(plain, path, len - 7);
		plain[len - 7] = '\0';
		path = plain;
	}
	if (!path_find(l, path, &v) || is_nothing(&v) ||
	    (text_only && v.kind != FIELD_STRING && v.kind != FIELD_TEXT) || !take(rr, l, &v, out))
		return false;
	if (v.whole)
		v.field->used = true;
	return true;
}

static bool paths_take(struct record_reader *rr, struct layer *l, const struct paths *p, take_fn *take, void *out)
{
	for (size_t i = 0; p && i < p->n; i++)
		if (path_take(rr, l, p->all[i], take, out))
			return true;
	return false;
}

static bool role_take(struct record_reader *rr, enum role role, take_fn *take, void *out)
{
	const struct paths *given = rr->options.roles[role];
	struct record *r = rr->r;

	for (unsigned i = r->n; given && i--;)
		if (paths_take(rr, &r->layers[i], given, take, out))
			return true;
	if (given && role == ROLE_TID)
		return false;
	for (unsigned i = r->n; i--;)
		if (paths_take(rr, &r->layers[i], role_paths(rr, &r->layers[i], role), take, out))
			return true;
	return false;
}

/* ---- time ---- */

/* UTC minus the zone's clock when it showed ns. In the hour that comes twice the order of the file decides. */
static int64_t zone_at(struct record_reader *rr, int64_t ns)
{
	const int64_t hour = INT64_C(3600000000000);
	int64_t bucket = ns / hour, first = 0, later = 0;

	if (!rr->options.zone)
		return 0;
	if (rr->zone_known && rr->zone_bucket == bucket)
		first = rr->zone_offset;
	else if (zone_offset(rr->options.zone, ns, &first, NULL))
		return 0;
	rr->zone_known = true;
	rr->zone_bucket = bucket;
	rr->zone_offset = first;
	if (rr->zone_prev == INT64_MIN || ns + first * 1000000000 >= rr->zone_prev ||
	    zone_offset(rr->options.zone, ns + 3 * hour, &later, NULL) || later <= first)
		return first;
	/* the second reading, where there is one: an hour's step back makes the same clock show it again */
	if (zone_offset(rr->options.zone, ns + (later - first) * 1000000000, &bucket, NULL) || bucket != later)
		return first;
	return later;
}

struct time_found {
	bool there, odd;
	int64_t ns, offset_s;
	const struct layer *layer;
};

static bool seconds_and_nanos(struct slice object, int64_t *ns)
{
	static const char *const seconds[] = {"epochSecond", "seconds", "epoch_second", NULL};
	static const char *const nanos[] = {"nanoOfSecond", "nanos", "nanoseconds", NULL};
	struct member s = {0}, n = {0};
	int64_t whole, part = 0;

	for (int i = 0; seconds[i] && !s.value.len; i++)
		member_at(object, seconds[i], &s);
	for (int i = 0; nanos[i] && !n.value.len; i++)
		member_at(object, nanos[i], &n);
	if (!s.value.len || time_number(s.value, UNIT_SECONDS, &whole) ||
	    (n.value.len && time_number(n.value, UNIT_NANOS, &part)))
		return false;
	return !__builtin_add_overflow(whole, part, ns);
}

static bool time_of_text(struct record_reader *rr, const struct layer *l, struct slice text, struct time_found *t)
{
	bool day_first = l->format && l->format->day_first;
	struct spelt s;
	char buf[400];

	if (memchr(text.ptr, '\\', text.len)) {
		if (text.len > 128)
			return false;
		text = (struct slice){buf, json_unescape(text, buf)};
	}
	if (time_text(text, day_first, &s) || s.no_day)
		return false;
	if (l->format && l->format->unit && !s.local && !s.offset_s && time_number(text, l->format->unit, &t->ns) == 0)
		return true;
	if (s.no_year) {
		rr->assumed_year++;
		s.ns = time_with_year(s.ns, rr->has_near ? rr->near_ns : 0);
	}
	rr->either_day += s.either;
	t->offset_s = s.offset_s;
	if (s.local && !s.uptime) {
		t->offset_s = zone_at(rr, s.ns);
		rr->assumed_zone += !rr->options.zone;
		if (__builtin_add_overflow(s.ns, t->offset_s * 1000000000, &s.ns))
			return false;
	}
	t->ns = s.ns;
	return true;
}

static bool time_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	struct time_found *t = out;
	enum time_unit unit = l->format ? l->format->unit : UNIT_BY_SIZE;
	bool ok = v->kind == FIELD_SCALAR ? !time_number(v->value, unit, &t->ns)
	          : v->kind == FIELD_JSON ? seconds_and_nanos(v->value, &t->ns)
	                                  : time_of_text(rr, l, v->value, t);

	t->odd |= !ok;
	t->there |= ok;
	t->layer = l;
	return ok;
}

/* ---- level, message, target, transaction ---- */

struct level_found {
	enum level level;
	struct slice text; /* as written */
	const struct layer *layer;
	bool there, json;
};

static bool level_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	struct level_found *f = out;
	enum level_scheme scheme = l->format ? l->format->scheme : LEVEL_COMMON;
	struct slice plain = v->value;
	char buf[256];

	(void)rr;
	if (v->kind == FIELD_JSON || v->value.len > sizeof buf / 4)
		return false;
	if (v->kind == FIELD_STRING && memchr(plain.ptr, '\\', plain.len))
		plain = (struct slice){buf, json_unescape(v->value, buf)};
	f->text = v->value;
	f->json = v->kind == FIELD_STRING;
	f->there = true;
	f->layer = l;
	for (size_t i = 0; l->format && i < l->format->nlevels; i++)
		if (slice_is(plain, l->format->levels[i].word)) {
			f->level = l->format->levels[i].level;
			return true;
		}
	f->level = level_read(plain, scheme);
	return true;
}

struct text_found {
	struct slice text;
	enum field_kind kind;
	const struct layer *layer;
	bool there;
};

static bool text_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	(void)rr;
	if (v->kind == FIELD_JSON || v->kind == FIELD_SCALAR)
		return false;
	*(struct text_found *)out = (struct text_found){v->value, v->kind, l, true};
	return true;
}

/* A message may also be a list of bytes: journald's way to write what is no UTF-8. */
static bool message_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	struct text_found *t = out;
	char *bytes;
	size_t n = 0;

	if (v->kind != FIELD_JSON)
		return text_take(rr, l, v, out);
	if (*v->value.ptr != '[' || !l->format || !l->format->scheme)
		return false;
	bytes = text_room(rr->r, v->value.len);
	if (!bytes)
		return false;
	for (const char *p = v->value.ptr + 1, *end = v->value.ptr + v->value.len; p < end;) {
		unsigned b = 0;
		const char *q = p;

		while (q < end && *q >= '0' && *q <= '9')
			b = b * 10 + (unsigned)(*q++ - '0');
		if (q > p)
			bytes[n++] = (char)b;
		p = q + 1;
	}
	*t = (struct text_found){{bytes, n}, FIELD_TEXT, l, true};
	return true;
}

static bool tid_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	(void)rr;
	if (v->kind == FIELD_JSON || v->value.len > RECORD_MAX_TID || slice_is(v->value, "true") ||
	    slice_is(v->value, "false"))
		return false;
	*(struct text_found *)out = (struct text_found){v->value, v->kind, l, true};
	return true;
}

/* ---- the reading ---- */

static void put(struct bytes *b, const char *text)
{
	bytes_add(b, text, strlen(text));
}

/* Plain text as the inside of a JSON string. */
static void put_escaped(struct bytes *b, struct slice s)
{
	static const char hex[] = "0123456789abcdef";
	size_t from = 0;

	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.ptr[i];
		char e[6] = {'\\', 'u', '0', '0', hex[c >> 4], hex[c & 15]};

		if (c >= 0x20 && c != '"' && c != '\\')
			continue;
		bytes_add(b, s.ptr + from, i - from);
		from = i + 1;
		if (c == '"' || c == '\\') {
			e[1] = (char)c;
			bytes_add(b, e, 2);
		} else if (c == '\n' || c == '\t' || c == '\r') {
			e[1] = c == '\n' ? 'n' : c == '\t' ? 't' : 'r';
			bytes_add(b, e, 2);
		} else {
			bytes_add(b, e, 6);
		}
	}
	bytes_add(b, s.ptr + from, s.len - from);
}

static void put_value(struct bytes *b, enum field_kind kind, struct slice v)
{
	if (kind == FIELD_STRING || kind == FIELD_TEXT)
		put(b, "\"");
	if (kind == FIELD_TEXT) {
		put_escaped(b, v);
	} else if (kind == FIELD_JSON && memchr(v.ptr, '\n', v.len)) {
		for (size_t i = 0; i < v.len; i++) /* a line has no line ends; in JSON they are blanks */
			bytes_add(b, v.ptr[i] == '\n' || v.ptr[i] == '\r' ? " " : v.ptr + i, 1);
	} else {
		bytes_add(b, v.ptr, v.len);
	}
	if (kind == FIELD_STRING || kind == FIELD_TEXT)
		put(b, "\"");
}

static void put_text(struct bytes *b, const char *key, const struct text_found *t)
{
	if (!t->there)
		return;
	put(b, ",\"");
	put(b, key);
	put(b, "\":");
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

static void put_fields(struct bytes *b, struct record *r)
{
	const char *comma = "";

	put(b, ",\"fields\":{");
	for (unsigned i = r->n; i--;)
		for (size_t k = 0; k < r->layers[i].n; k++) {
			const struct field *f = &r->layers[i].fields[k];

			if (f->used || (i == r->n - 1 && is_span_part(f)) || !is_first(r, i, k))
				continue;
			put(b, comma);
			put(b, "\"");
			if (f->plain_key)
				put_escaped(b, f->key);
			else
				bytes_add(b, f->key.ptr, f->key.len);
			put(b, "\":");
			put_value(b, (enum field_kind)f->kind, f->value);
			comma = ",";
		}
	put(b, "}");
}

static void put_spans(struct bytes *b, const struct record *r)
{
	static const char *const keys[] = {"span", "spans"};
	const struct layer *l = &r->layers[r->n - 1];

	for (int i = 0; i < 2; i++)
		for (size_t k = 0; k < l->n; k++)
			if (!l->fields[k].used && is_span_part(&l->fields[k]) && slice_is(l->fields[k].key, keys[i])) {
				put(b, ",\"");
				put(b, keys[i]);
				put(b, "\":");
				put_value(b, FIELD_JSON, l->fields[k].value);
				break;
			}
}

static void use_note(struct record_reader *rr)
{
	const struct record *r = rr->r;
	const struct format *inner = r->layers[r->n - 1].format, *outer = r->n > 1 ? r->layers[0].format : NULL;
	unsigned i = 0;

	while (i < rr->nuses && (rr->uses[i].inner != inner || rr->uses[i].outer != outer))
		i++;
	if (i == RECORD_USES)
		return;
	if (i == rr->nuses)
		rr->uses[rr->nuses++] = (struct record_use){inner, outer, 0};
	rr->uses[i].records++;
}

/* The transaction: of the record, else of its `fields`, else of the innermost span (contract §9). */
static void tid_in_spans(struct record_reader *rr, struct text_found *tid)
{
	static const char *const places[] = {"fields", "span", "spans", NULL};
	struct record *r = rr->r;
	struct layer *l = &r->layers[r->n - 1];
	struct found v;

	if (rr->options.roles[ROLE_TID])
		return;
	for (int i = 0; places[i] && !tid->there; i++) {
		struct layer inner = {.format = l->format};
		struct slice object;

		if (!path_find(l, places[i], &v) || v.kind != FIELD_JSON)
			continue;
		object = v.value;
		if (*object.ptr == '[') { /* the last object of the list */
			const char *p = object.ptr + object.len - 1, *reason;
			bool high = false;

			while (p > object.ptr && *p != '{')
				p--;
			if (p == object.ptr || !scan_nested(p, object.ptr + object.len, &high, &reason))
				continue;
			object = (struct slice){p, (size_t)(object.ptr + object.len - p)};
		}
		{
			struct members m;
			struct member one;

			for (members_start(&m, object); members_next(&m, &one) == 1;)
				if (!field_add(
				        r, &inner,
				        (struct field){.key = one.key, .value = one.value, .kind = kind_of(one.kind)}))
					break;
		}
		paths_take(rr, &inner, role_paths(rr, &inner, ROLE_TID), tid_take, tid);
		free(inner.fields);
	}
}

/* What an envelope says of time and pieces is no field of the record. */
static void envelopes_hide(struct record *r)
{
	for (unsigned i = 0; i < r->n; i++) {
		struct layer *l = &r->layers[i];
		struct found v;

		if (!l->format || !l->format->rest)
			continue;
		for (size_t k = 0; k < l->format->roles[ROLE_TIME].n; k++)
			if (path_find(l, l->format->roles[ROLE_TIME].all[k], &v) && v.whole)
				v.field->used = true;
		if (l->format->partial && path_find(l, l->format->partial, &v) && v.whole)
			v.field->used = true;
	}
}

static int reading_write(struct record_reader *rr, struct record_result *out)
{
	struct record *r = rr->r;
	struct bytes *b = &rr->reading;
	struct time_found time = {0};
	struct level_found level = {0};
	struct text_found message = {0}, target = {0}, tid = {0};
	char stamp[STAMP_MAX];
	size_t tid_at = 0;

	if (rr->has_near)
		time.ns = rr->near_ns;
	role_take(rr, ROLE_TIME, time_take, &time);
	if (!time.there)
		time.ns = rr->has_near ? rr->near_ns : 0;
	role_take(rr, ROLE_LEVEL, level_take, &level);
	role_take(rr, ROLE_MESSAGE, message_take, &message);
	role_take(rr, ROLE_TARGET, text_take, &target);
	role_take(rr, ROLE_TID, tid_take, &tid);
	tid_in_spans(rr, &tid);
	envelopes_hide(r);
	for (unsigned i = r->n; out->text && !message.there && i--;)
		if (r->layers[i].message.ptr)
			message = (struct text_found){r->layers[i].message, FIELD_TEXT, NULL, true};
	b->len = 0;
	put(b, "{\"timestamp\":\"");
	bytes_add(b, stamp, stamp_print_rfc3339(time.ns, stamp));
	put(b, "\"");
	if (level.level) {
		put(b, ",\"level\":\"");
		bytes_add(b, level_name(level.level).ptr, level_name(level.level).len);
		put(b, "\"");
	}
	put_text(b, "message", &message);
	put_text(b, "target", &target);
	if (tid.there) {
		put(b, ",\"tid\":\"");
		tid_at = b->len;
		if (tid.kind == FIELD_TEXT || tid.kind == FIELD_SCALAR)
			put_escaped(b, tid.text);
		else
			bytes_add(b, tid.text.ptr, tid.text.len);
		out->tid = (struct slice){NULL, b->len - tid_at};
		put(b, "\"");
	}
	put_fields(b, r);
	put_spans(b, r);
	if (level.there) {
		struct text_found text = {level.text, level.json ? FIELD_STRING : FIELD_TEXT, NULL, true};

		put_text(b, "level_text", &text);
	}
	put(b, "}");
	if (b->failed)
		return -ENOMEM;
	bytes_add(b, (char[SCAN_SLACK]){0}, SCAN_SLACK);
	if (b->failed)
		return -ENOMEM;
	out->reading = (struct slice){b->ptr, b->len - SCAN_SLACK};
	if (tid.there)
		out->tid.ptr = b->ptr + tid_at;
	out->has_time = time.there;
	out->time_ns = time.ns;
	out->offset_s = time.offset_s;
	if (time.there) {
		rr->near_ns = rr->zone_prev = time.ns;
		rr->has_near = true;
	} else {
		rr->no_time += !time.odd;
		rr->odd_time += time.odd;
	}
	return 0;
}

/* ---- one record ---- */

static int result(struct record_reader *rr, enum record_verdict v, struct record_result *out)
{
	struct record *r = rr->r;

	*out = (struct record_result){.verdict = v, .reason = r->reason};
	if (r->no_memory)
		return -ENOMEM;
	if (v != RECORD_EVENT && (v != RECORD_TEXT || !r->n))
		return 0;
	out->text = v == RECORD_TEXT;
	use_note(rr);
	return reading_write(rr, out);
}

static void clear(struct record *r)
{
	texts_free(r);
	r->n = 0;
	r->no_memory = false;
	r->reason = NULL;
}

int record_read(struct record_reader *rr, struct slice text, struct record_result *out)
{
	struct slice inside;

	clear(rr->r);
	return result(rr, layers_read(rr, rr->r, text, &inside), out);
}

int record_flush(struct record_reader *rr, struct record_result *out)
{
	struct record *r = rr->r;
	struct slice all, inside;
	enum record_verdict v;

	clear(r);
	for (unsigned i = 0; i < RECORD_PENDING; i++) {
		if (!rr->pending[i].text.len)
			continue;
		all = text_copy(r, (struct slice){rr->pending[i].text.ptr, rr->pending[i].text.len});
		rr->pending[i].text.len = 0;
		if (!all.ptr)
			return -ENOMEM;
		v = layers_read(rr, r, all, &inside);
		if (v != RECORD_EVENT) {
			r->n = 0;
			layer_add(r, NULL)->message = trimmed(all);
			v = RECORD_TEXT;
		}
		return result(rr, v, out);
	}
	*out = (struct record_result){.verdict = RECORD_PARTIAL};
	return 0;
}

int record_list(struct slice text, int (*each)(void *arg, struct slice object), void *arg)
{
	const char *p = text.ptr, *end = p + text.len, *reason, *stop;
	int rc = 0;

	while (p < end && !rc) {
		bool high = false;

		p = memchr(p, '{', (size_t)(end - p));
		if (!p)
			break;
		stop = scan_nested(p, end, &high, &reason);
		if (stop) {
			rc = each(arg, (struct slice){p, (size_t)(stop - p)});
			p = stop;
		} else {
			p++;
		}
	}
	return rc;
}
