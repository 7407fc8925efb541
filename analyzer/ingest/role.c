/* SPDX-License-Identifier: GPL-3.0-or-later */
/* role.c - time, level, message, target and transaction, found by the formats' paths.
 *
 * What the user named goes first, in any layer; then each layer's format, the innermost layer's first; a format that
 * does not say leaves it to the names that most programs use. */
#include "ingest/layer.h"
#include "base/scan.h"
#include "ingest/stamp.h"
#include "ingest/timeform.h"
#include "ingest/zone.h"

#include <errno.h>
#include <stdlib.h>

/* ---- roles ---- */

static const struct paths *role_paths(const struct record_reader *rr, const struct layer *l, enum role role)
{
	if (l->format && l->format->roles[role].n)
		return &l->format->roles[role];
	return l->format && (l->format->npatterns || l->format->columns.n)
	           ? NULL
	           : &rr->options.formats->fallback->roles[role];
}

/* A field was looked at for a role, or into: where its value changes, another one may count. */
void look_note(struct record_reader *rr, struct layer *l, const char *path, const struct found *v)
{
	uint8_t bit = (uint8_t)(1u << rr->r->looking);

	if (!rr->r->watched)
		return;
	if (v) {
		v->field->looked |= bit;
		return;
	}
	for (size_t i = 0; i < l->n; i++) {
		struct field *f = &l->fields[i];

		if (f->kind == FIELD_JSON && !strncmp(path, f->key.ptr, f->key.len) && path[f->key.len] == '.')
			f->looked |= bit;
	}
}

/* A value of a template. */
static bool value_add(struct bytes *b, const struct found *v)
{
	char *plain;

	if (v->kind == FIELD_JSON || !v->value.len || (v->kind == FIELD_SCALAR && slice_is(v->value, "null")))
		return false;
	if (v->kind != FIELD_STRING || !memchr(v->value.ptr, '\\', v->value.len)) {
		bytes_add(b, v->value.ptr, v->value.len);
		return true;
	}
	plain = malloc(3 * v->value.len);
	b->failed |= !plain;
	if (plain)
		bytes_add(b, plain, json_unescape(v->value, plain));
	free(plain);
	return plain != NULL;
}

bool layer_compose(struct record_reader *rr, struct layer *l, const char *template, bool used, struct bytes *b)
{
	char path[256];
	struct found v;

	while (*template) {
		size_t n = strcspn(template, "{");

		bytes_add(b, template, n);
		template += n;
		if (!*template)
			break;
		n = strcspn(++template, "}");
		if (n >= sizeof path)
			return false;
		memcpy(path, template, n);
		path[n] = '\0';
		template += n + (template[n] == '}');
		if (!layer_find(l, path, &v)) {
			look_note(rr, l, path, NULL);
			return false;
		}
		look_note(rr, l, path, &v);
		if (!value_add(b, &v))
			return false;
		v.field->used |= used && v.whole;
	}
	return !b->failed;
}

/* A value that is put together from several. What a time is made of is no field any more. */
static bool template_take(struct record_reader *rr, struct layer *l, const char *template, take_fn *take, void *out)
{
	struct record *r = rr->r;
	enum role role = r->looking;
	struct bytes b = {0};
	struct found v = {.kind = FIELD_TEXT};
	bool is = layer_compose(rr, l, template, false, &b) && b.len;

	if (is)
		v.value = record_text_copy(r, (struct slice){b.ptr, b.len});
	r->no_memory |= b.failed;
	bytes_free(&b);
	if (!is || !v.value.ptr || found_is_nothing(&v) || !take(rr, l, &v, out))
		return false;
	r->composed |= role == ROLE_TIME || role == ROLE_MESSAGE || role == ROLE_TID;
	if (role == ROLE_TIME)
		layer_compose(rr, l, template, true, &b);
	bytes_free(&b);
	return true;
}

/* "0" is the highest level of syslog, and "-" a level of Redis's: where a format says so, they are no missing value. */
static bool is_low_level(const struct record *r, const struct layer *l, const struct found *v)
{
	return r->looking == ROLE_LEVEL && l->format && v->kind != FIELD_JSON &&
	       ((l->format->scheme != LEVEL_COMMON && slice_is(v->value, "0")) ||
	        level_named(&l->format->levels, v->value));
}

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
	if (path_is_template(path))
		return template_take(rr, l, path, take, out);
	if (!layer_find(l, path, &v)) {
		look_note(rr, l, path, NULL);
		return false;
	}
	look_note(rr, l, path, &v);
	if ((found_is_nothing(&v) && !is_low_level(rr->r, l, &v)) ||
	    (text_only && v.kind != FIELD_STRING && v.kind != FIELD_TEXT) || !take(rr, l, &v, out))
		return false;
	if (v.whole) {
		v.field->used = true;
		v.field->taken |= (uint8_t)(1u << rr->r->looking);
	}
	return true;
}

static bool paths_take(struct record_reader *rr, struct layer *l, const struct paths *p, take_fn *take, void *out)
{
	for (size_t i = 0; p && i < p->n; i++)
		if (path_take(rr, l, p->all[i], take, out))
			return true;
	return false;
}

/* Calls take for each value of a role, the innermost layer's first, until one is taken. */
static bool role_take(struct record_reader *rr, enum role role, take_fn *take, void *out)
{
	const struct paths *given = rr->options.roles[role];
	struct record *r = rr->r;

	r->looking = role;
	for (unsigned i = r->n; given && i--;)
		if (paths_take(rr, &r->layers[i], given, take, out))
			return true;
	if (given && role == ROLE_TID)
		return false;
	for (unsigned i = 0; role == ROLE_TIME && i < r->n; i++) {
		const struct log_format *f = r->layers[i].format;

		if (f && f->time_wins && paths_take(rr, &r->layers[i], &f->roles[role], take, out))
			return true;
	}
	for (unsigned i = r->n; i--;)
		if (paths_take(rr, &r->layers[i], role_paths(rr, &r->layers[i], role), take, out))
			return true;
	return false;
}

/* ---- time ---- */

/* UTC minus the zone's clock when it showed ns. In the hour that comes twice the order of the file decides. */
int64_t record_zone_at(struct record_reader *rr, int64_t ns)
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
	if ((rr->zone_prev != INT64_MIN && ns + first * 1000000000 >= rr->zone_prev) ||
	    zone_offset(rr->options.zone, ns + 3 * hour, &later, NULL) || later <= first)
		return first;
	rr->depended |= rr->zone_prev == INT64_MIN;
	if (rr->zone_prev == INT64_MIN)
		return first;
	/* the second reading, where there is one: an hour's step back makes the same clock show it again */
	if (zone_offset(rr->options.zone, ns + (later - first) * 1000000000, &bucket, NULL) || bucket != later)
		return first;
	return later;
}

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
	return !__builtin_add_overflow(whole, part, ns) && *ns >= STAMP_NS_LEAST && *ns <= STAMP_NS_MOST;
}

int time_of_format(const struct log_format *f, struct slice text, struct spelt *out)
{
	int64_t ns;
	int rc = -EINVAL;

	if (f && f->unit && !time_number(text, f->unit, &ns)) {
		*out = (struct spelt){.ns = ns};
		return 0;
	}
	if (!f || !f->time_formats.n)
		return time_text(text, f && f->day_first, out);
	for (size_t i = 0; i < f->time_formats.n && rc; i++)
		rc = time_by_format(f->time_formats.all[i], text, out);
	return rc;
}

static bool time_of_text(struct record_reader *rr, const struct layer *l, struct slice text, struct time_found *t)
{
	struct spelt s;
	char buf[400];

	if (memchr(text.ptr, '\\', text.len)) {
		if (text.len > 128)
			return false;
		text = (struct slice){buf, json_unescape(text, buf)};
	}
	if (time_of_format(l->format, text, &s) || s.no_day)
		return false;
	if (s.no_year) {
		rr->assumed_year++;
		rr->depended |= !rr->has_near;
		s.ns = time_with_year(s.ns, rr->has_near ? rr->near_ns : rr->options.file_ns);
	}
	rr->either_day += s.either;
	t->offset_s = s.offset_s;
	if (s.local && !s.uptime) {
		t->offset_s = record_zone_at(rr, s.ns);
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
	bool text = v->kind != FIELD_SCALAR || (l->format && l->format->time_formats.n),
	     ok = v->kind == FIELD_JSON ? seconds_and_nanos(v->value, &t->ns)
	          : text                ? time_of_text(rr, l, v->value, t)
	                                : !time_number(v->value, unit, &t->ns);

	if (!ok && !t->odd)
		t->odd_text = v->value;
	t->odd |= !ok;
	if (ok && !t->any && l != rr->r->layers && time_is_since_start(t->ns)) {
		t->since_start = true;
		rr->r->composed = true; /* a line of the same make may have another time there */
		return false;
	}
	t->there |= ok;
	return ok;
}

/* The innermost time; one since a start only where nothing around it has another. */
static void time_find(struct record_reader *rr, struct time_found *t)
{
	role_take(rr, ROLE_TIME, time_take, t);
	if (t->there || !t->since_start)
		return;
	t->any = true;
	role_take(rr, ROLE_TIME, time_take, t);
}

/* ---- level, message, target, transaction ---- */

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
	if (l->format)
		f->level = level_mapped(&l->format->levels, plain);
	if (!f->level)
		f->level = level_read(plain, scheme);
	return true;
}

/* The level by the map that a format has for another field, which stays one. */
static bool level_of_field(struct record_reader *rr, struct layer *l, struct level_found *f)
{
	char buf[256];

	for (size_t i = 0; l->format && i < l->format->nlevel_of; i++) {
		const struct field_levels *by = &l->format->level_of[i];
		struct slice plain;
		struct found v;

		if (!layer_find(l, by->path, &v)) {
			look_note(rr, l, by->path, NULL);
			continue;
		}
		look_note(rr, l, by->path, &v);
		if (found_is_nothing(&v) && !(v.kind == FIELD_SCALAR && *v.value.ptr == '0'))
			continue;
		/* of what is long, or an object, it only counts that it is there */
		plain = v.kind == FIELD_JSON || v.value.len > sizeof buf / 4 ? SLICE("") : v.value;
		if (v.kind == FIELD_STRING && memchr(plain.ptr, '\\', plain.len))
			plain = (struct slice){buf, json_unescape(plain, buf)};
		f->level = level_mapped(&by->map, plain);
		if (!f->level)
			continue;
		f->text = plain.ptr == buf ? v.value : plain;
		f->json = v.kind == FIELD_STRING;
		f->there = plain.len > 0;
		return true;
	}
	return false;
}

static void level_find(struct record_reader *rr, struct level_found *f)
{
	struct record *r = rr->r;
	bool is = false;

	r->looking = ROLE_LEVEL;
	for (unsigned i = r->n; i-- && !is && !rr->options.roles[ROLE_LEVEL];)
		is = level_of_field(rr, &r->layers[i], f);
	if (!is)
		role_take(rr, ROLE_LEVEL, level_take, f);
}

static bool text_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	(void)l;
	(void)rr;
	if (v->kind == FIELD_JSON || v->kind == FIELD_SCALAR)
		return false;
	*(struct text_found *)out = (struct text_found){v->value, v->kind, true};
	return true;
}

static bool is_byte_list(struct slice v)
{
	for (size_t i = 1; i + 1 < v.len; i++)
		if ((v.ptr[i] < '0' || v.ptr[i] > '9') && v.ptr[i] != ',' && v.ptr[i] != ' ')
			return false;
	return v.len > 2 && *v.ptr == '[';
}

/* A message may also be a list of bytes: journald's way to write what is no UTF-8. */
static bool message_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	struct text_found *t = out;
	char *bytes;
	size_t n = 0;

	if (v->kind != FIELD_JSON)
		return text_take(rr, l, v, out);
	if (!is_byte_list(v->value) || !l->format || !l->format->scheme)
		return false;
	bytes = record_text_room(rr->r, v->value.len);
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
	*t = (struct text_found){{bytes, n}, FIELD_TEXT, true};
	return true;
}

static bool tid_take(struct record_reader *rr, const struct layer *l, const struct found *v, void *out)
{
	(void)l;
	(void)rr;
	if (v->kind == FIELD_JSON || v->value.len > RECORD_MAX_TID || slice_is(v->value, "true") ||
	    slice_is(v->value, "false"))
		return false;
	*(struct text_found *)out = (struct text_found){v->value, v->kind, true};
	return true;
}

struct span_tid {
	struct record_reader *rr;
	struct text_found *tid;
};

/* Of an object in the record; one behind it in a list is further inside, and goes before it. */
static int tid_in_object(void *arg, struct slice object)
{
	struct span_tid *s = arg;
	struct record *r = s->rr->r;
	struct layer inner = {.format = r->layers[r->n - 1].format};
	const struct paths *given = s->rr->options.roles[ROLE_TID];
	struct members m;
	struct member one;

	for (members_start(&m, object); members_next(&m, &one) == 1;)
		if (!layer_field(r, &inner,
		                 (struct field){.key = one.key, .value = one.value, .kind = field_kind_of(one.kind)}))
			break;
	paths_take(s->rr, &inner, given ? given : role_paths(s->rr, &inner, ROLE_TID), tid_take, s->tid);
	free(inner.fields);
	return 0;
}

/* The transaction: of the record, else of its `fields`, else of the innermost span that has one (docs/formats.md). */
static void tid_in_spans(struct record_reader *rr, struct text_found *tid)
{
	static const char *const places[] = {"fields", "span", "spans", NULL};
	struct record *r = rr->r;
	struct layer *l = &r->layers[r->n - 1];
	struct span_tid s = {rr, tid};
	struct found v;

	for (int i = 0; places[i] && !tid->there; i++) {
		if (!layer_find(l, places[i], &v) || v.kind != FIELD_JSON)
			continue;
		if (*v.value.ptr == '[')
			record_list(v.value, tid_in_object, &s);
		else
			tid_in_object(&s, v.value);
	}
}

/* What an envelope says of time and pieces is no field of the record. */
static void envelopes_hide(struct record_reader *rr)
{
	struct record *r = rr->r;

	for (unsigned i = 0; i < r->n; i++) {
		struct layer *l = &r->layers[i];
		struct found v;

		if (!l->format || !l->format->rest)
			continue;
		for (size_t k = 0; k < l->format->roles[ROLE_TIME].n; k++) {
			const char *path = l->format->roles[ROLE_TIME].all[k];
			struct bytes b = {0};

			if (path_is_template(path))
				layer_compose(rr, l, path, true, &b);
			else if (layer_find(l, path, &v) && v.whole)
				v.field->used = true;
			bytes_free(&b);
		}
		if (l->format->partial && layer_find(l, l->format->partial, &v) && v.whole)
			v.field->used = true;
	}
}

void roles_find(struct record_reader *rr, bool text, struct roles_found *out)
{
	struct record *r = rr->r;

	*out = (struct roles_found){0};
	time_find(rr, &out->time);
	if (!out->time.there)
		rr->depended |= !rr->has_near;
	if (!out->time.there)
		out->time.ns = rr->has_near ? rr->near_ns : rr->options.file_ns;
	level_find(rr, &out->level);
	/* what an envelope says is the message, without its line end; not the key that it stands in */
	for (unsigned i = r->n; text && !rr->options.roles[ROLE_MESSAGE] && !out->message.there && i--;)
		if (r->layers[i].message.ptr)
			out->message = (struct text_found){r->layers[i].message, FIELD_TEXT, true};
	if (!out->message.there)
		role_take(rr, ROLE_MESSAGE, message_take, &out->message);
	role_take(rr, ROLE_TARGET, text_take, &out->target);
	role_take(rr, ROLE_TID, tid_take, &out->tid);
	tid_in_spans(rr, &out->tid);
	envelopes_hide(rr);
	for (unsigned i = r->n; text && !out->message.there && i--;)
		if (r->layers[i].message.ptr)
			out->message = (struct text_found){r->layers[i].message, FIELD_TEXT, true};
}
