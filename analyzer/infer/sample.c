/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample.c - see sample.h */
#include "infer/sample.h"
#include "infer/naming.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/sql.h"
#include "base/template.h"
#include "ingest/line.h"
#include "ingest/members.h"
#include "ingest/stamp.h"
#include "model/compose.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdlib.h>

/* ---- messages ---- */

static void key_match(struct sample_key *k, struct slice message)
{
	const char *value;

	if (slice_same(k->text, message))
		return;
	k->match = KEY_TEMPLATE;
	if (template_fits(k->text, message))
		return;
	value = memmem(k->text.ptr, k->text.len, TEMPLATE_VALUE, sizeof TEMPLATE_VALUE - 1);
	k->match = KEY_PREFIX;
	k->text.len = value ? (size_t)(value - k->text.ptr) : k->text.len;
	if (k->text.len > message.len || memcmp(k->text.ptr, message.ptr, k->text.len))
		k->text.len = 0; /* blanks were put together: no rule can name it */
}

static int key_new(struct sample *s, const struct event *e, struct slice span, struct slice text, struct slice message)
{
	struct sample_key *k = array_add(s->key, s->nkeys, s->key_room);
	struct arena *a = &s->arena;

	if (!k)
		return -ENOMEM;
	*k = (struct sample_key){.span_line = e->head->span_line};
	k->text = (struct slice){arena_copy(a, text), text.len};
	if (e->head->level.ptr)
		k->level = (struct slice){arena_copy(a, e->head->level), e->head->level.len};
	if (e->head->target.ptr && e->head->target.len)
		k->target = (struct slice){arena_copy(a, e->head->target), e->head->target.len};
	if (span.ptr)
		k->span = (struct slice){arena_copy(a, span), span.len};
	k->enters = k->span_line && (slice_is(text, "enter") || slice_is(text, "exit"));
	k->severity = slice_is(k->level, "ERROR") ? 2 : slice_is(k->level, "WARN") ? 1 : 0;
	if (a->failed)
		return -ENOMEM;
	key_match(k, message);
	return 0;
}

int sample_key_of(struct sample *s, const struct event *e, uint32_t *out)
{
	struct slice message = event_message(e), span = SLICE_NONE;
	struct bytes b = {0};
	int rc;

	if (!message.ptr)
		message = SLICE("");
	if (e->head->span_line && !event_span_field(e, "name", &span))
		span = SLICE_NONE;
	if (part_template(e, &b))
		return -ENOMEM;
	struct slice text = {b.ptr, b.len};

	bytes_add(&b, "\x1f", 1);
	bytes_add(&b, e->head->level.ptr, e->head->level.len);
	bytes_add(&b, "\x1f", 1);
	bytes_add(&b, e->head->target.ptr, e->head->target.len);
	bytes_add(&b, "\x1f", 1);
	bytes_add(&b, span.ptr, span.len);
	text.ptr = b.ptr;
	rc = b.failed ? -ENOMEM : intern_add(&s->key_texts, (struct slice){b.ptr, b.len}, out);
	if (!rc && *out == s->nkeys)
		rc = key_new(s, e, span, text, message);
	bytes_free(&b);
	return rc;
}

/* ---- fields ---- */

static int field_of(struct sample *s, uint32_t key, struct slice name, bool in_span, uint32_t *out)
{
	struct table_walk w;
	uint32_t n;
	int rc = intern_add(&s->names, name, &n);
	uint64_t hash = hash_pair(key, (uint64_t)n << 1 | in_span);

	if (rc)
		return rc;
	for (uint32_t i = table_first(&w, &s->field_at, hash); i != TABLE_NONE; i = table_next(&w))
		if (s->field[i].key == key && s->field[i].name == n && s->field[i].in_span == in_span) {
			*out = i;
			return 0;
		}
	if ((rc = table_add(&s->field_at, hash, s->nfields)))
		return rc;
	*out = s->nfields;
	struct sample_field *f = array_add(s->field, s->nfields, s->field_room);

	if (!f)
		return -ENOMEM;
	*f = (struct sample_field){.key = key, .name = n, .in_span = in_span, .known = naming_is_known(name)};
	return 0;
}

/* Counts a value that this field did not have before. */
static int value_count(struct sample *s, uint32_t field, uint32_t value)
{
	uint64_t hash = hash_pair(field, value);
	struct table_walk w;

	for (uint32_t i = table_first(&w, &s->seen_at, hash); i != TABLE_NONE; i = table_next(&w))
		if (s->seen_field[i] == field && s->seen_value[i] == value)
			return 0;
	if (array_reserve(s->seen_field, s->seen_field_room, s->nseen + 1) ||
	    array_reserve(s->seen_value, s->seen_value_room, s->nseen + 1))
		return -ENOMEM;
	s->seen_field[s->nseen] = field;
	s->seen_value[s->nseen] = value;
	s->field[field].values++;
	s->field[field].many = s->field[field].values > (s->field[field].known ? SAMPLE_NAMES : SAMPLE_VALUES);
	return table_add(&s->seen_at, hash, s->nseen++);
}

static int64_t stamp_of(const struct event *e, struct slice v)
{
	int64_t ns, offset_s;
	bool canonical;

	if (v.len < 19 || v.ptr[0] < '0' || v.ptr[0] > '9')
		return NO_NS;
	if (!stamp_parse_iluvatar(v, &ns, &canonical))
		return ns + (e->time_ns - e->stamp);
	return stamp_parse_rfc3339(v, &ns, &offset_s, &canonical) ? NO_NS : ns;
}

static int value_text(struct sample *s, struct sample_field *f, struct slice v, uint32_t *out)
{
	struct bytes b = {0};
	int rc;

	if (v.len && memchr(v.ptr, '/', v.len))
		f->path = true;
	if (!f->path)
		return intern_add(&s->values, v, out);
	compose_without_ids(v, &b);
	rc = b.failed ? -ENOMEM : intern_add(&s->values, (struct slice){b.ptr, b.len}, out);
	bytes_free(&b);
	return rc;
}

/* A text or a whole number that has digits, no blanks, and about as many letters as the transaction's own id. */
static bool may_be_id(const struct member *m, struct slice tid)
{
	bool digits = false;

	if ((m->kind != SLOT_STRING && m->kind != SLOT_SCALAR) || m->value.len > 2 * tid.len ||
	    2 * m->value.len < tid.len)
		return false;
	for (size_t i = 0; i < m->value.len; i++) {
		char c = m->value.ptr[i];

		if (c == ' ' || c == '\\' || (m->kind == SLOT_SCALAR && (c < '0' || c > '9')))
			return false;
		digits |= c >= '0' && c <= '9';
	}
	return digits;
}

static int id_add(struct sample *s, struct sample_field *f, uint32_t tid, uint32_t field, struct slice v)
{
	struct sample_id *id;

	if (f->ids >= SAMPLE_IDS || (f->ids && f->last_id == tid))
		return 0;
	id = array_add(s->id, s->nids, s->id_room);
	if (!id)
		return -ENOMEM;
	f->ids++;
	f->last_id = tid;
	*id = (struct sample_id){tid, field, {arena_copy(&s->arena, v), v.len}};
	return s->arena.failed ? -ENOMEM : 0;
}

static int value_add(struct sample *s, const struct event *e, uint32_t tid, uint32_t key, const struct member *m,
                     bool in_span)
{
	uint32_t field, value = SAMPLE_NONE;
	struct sample_value *v;
	int rc = field_of(s, key, m->key, in_span, &field);

	if (rc || m->kind == SLOT_JSON || (m->kind == SLOT_SCALAR && slice_is(m->value, "null")))
		return rc;
	struct sample_field *f = &s->field[field];
	int64_t ns = m->kind == SLOT_STRING && !in_span ? stamp_of(e, m->value) : NO_NS;

	f->seen++;
	f->stamps += ns != NO_NS;
	if (ns == NO_NS && may_be_id(m, e->tid) && (rc = id_add(s, f, tid, field, m->value)))
		return rc;
	if (ns == NO_NS && !f->many && m->value.len <= SAMPLE_VALUE_MAX) {
		rc = value_text(s, f, m->value, &value);
		if (!rc)
			rc = value_count(s, field, value);
		if (rc)
			return rc;
	} else if (ns == NO_NS) {
		s->field[field].many = true;
		return 0;
	}
	v = array_add(s->value, s->nvalues, s->value_room);
	if (!v)
		return -ENOMEM;
	*v = (struct sample_value){tid, field, value, ns};
	return 0;
}

static int values_of(struct sample *s, const struct event *e, uint32_t tid, uint32_t key, bool in_span)
{
	struct slice part;
	struct members all;
	struct member m;
	int rc = part_read(&s->part, e, in_span ? SECTION_SPAN : SECTION_FIELDS, &part), got;

	if (rc || !part.len)
		return rc;
	members_start(&all, part);
	while (!rc && (got = members_next(&all, &m)) == 1) {
		if (slice_same(m.value, e->tid) || slice_is(m.key, "message") || slice_is(m.key, "tid") ||
		    (in_span && slice_is(m.key, "name")))
			continue;
		rc = value_add(s, e, tid, key, &m, in_span);
	}
	return rc;
}

/* ---- the whole ---- */

static int line_values(struct sample *s, struct store *store, const struct sample_line *l)
{
	const struct event *e;
	int rc = event_get(store, l->id, &e);

	if (rc <= 0)
		return rc ? rc : -EBADMSG;
	rc = values_of(s, e, l->tid, l->key, false);
	if (!rc)
		rc = values_of(s, e, l->tid, l->key, true);
	return rc ? rc : event_error(e);
}

static int compare_places(const void *pa, const void *pb)
{
	const struct sample_line *a = *(const struct sample_line *const *)pa,
	                         *b = *(const struct sample_line *const *)pb;

	if (a->source != b->source)
		return a->source < b->source ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int compare_values(const void *pa, const void *pb)
{
	const struct sample_value *a = pa, *b = pb;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->field < b->field ? -1 : a->field > b->field;
}

uint32_t *sample_index(const struct sample *s, const void *things, size_t n, size_t step, size_t tid)
{
	uint32_t *first = calloc((size_t)s->tids.n + 2, sizeof *first);

	if (!first)
		return NULL;
	for (size_t i = 0; i < n; i++)
		first[*(const uint32_t *)(const void *)((const char *)things + i * step + tid) + 1]++;
	for (uint32_t t = 0; t < s->tids.n; t++)
		first[t + 1] += first[t];
	return first;
}

static int values_arrange(struct sample *s)
{
	if (s->nvalues)
		qsort(s->value, s->nvalues, sizeof *s->value, compare_values);
	s->fields = sample_index(s, s->value, s->nvalues, sizeof *s->value, offsetof(struct sample_value, tid));
	return s->fields ? 0 : -ENOMEM;
}

int sample_values(struct sample *s, struct store *store)
{
	const struct sample_line **line = calloc(s->nlines + 1, sizeof *line);
	size_t n = 0;
	int rc = line ? 0 : -ENOMEM;

	for (size_t i = 0; !rc && i < s->nlines; i++)
		if (!s->key[s->line[i].key].enters)
			line[n++] = &s->line[i];
	if (!rc)
		qsort(line, n, sizeof *line, compare_places);
	store_read_once(store, true);
	for (size_t i = 0; i < n && !rc; i++)
		rc = line_values(s, store, line[i]);
	store_read_once(store, false);
	free(line);
	return rc ? rc : values_arrange(s);
}

uint32_t *sample_count(const struct sample *s, const uint32_t *tids, uint32_t n)
{
	uint32_t *in = calloc((size_t)s->nkeys + 1, sizeof *in), *seen = calloc((size_t)s->nkeys + 1, sizeof *seen);

	for (uint32_t i = 0; in && seen && i < n; i++)
		for (uint32_t l = s->first[tids[i]]; l < s->first[tids[i] + 1]; l++) {
			uint32_t key = s->line[l].key;

			in[key] += seen[key] != i + 1;
			seen[key] = i + 1;
		}
	if (!seen) {
		free(in);
		in = NULL;
	}
	free(seen);
	return in;
}

void sample_free(struct sample *s)
{
	intern_done(&s->tids);
	intern_done(&s->key_texts);
	intern_done(&s->names);
	intern_done(&s->values);
	table_done(&s->field_at);
	table_done(&s->seen_at);
	arena_done(&s->arena);
	free(s->key);
	free(s->field);
	free(s->seen_field);
	free(s->seen_value);
	free(s->line);
	free(s->value);
	free(s->id);
	free(s->first);
	free(s->fields);
	free(s->by_key);
	free(s->of_key);
	free(s->part.text);
	*s = (struct sample){0};
}
