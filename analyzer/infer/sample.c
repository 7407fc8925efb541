/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sample.c - see sample.h */
#include "infer/sample.h"
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

/* ---- which transactions ---- */

static uint64_t spread(struct slice tid)
{
	return hash_slice(tid, 0) * UINT64_C(0x9e3779b97f4a7c15);
}

/* Those with at least two lines whose hash is below a limit, which is halved until they are few enough. */
static int choose(struct sample *s, sqlite3 *db)
{
	uint64_t limit = UINT64_MAX;
	sqlite3_stmt *st;
	int rc = sql_prepare(db, "SELECT tid, sum(events) FROM place GROUP BY tid HAVING sum(events) > 1", &st);

	while (!rc && (rc = sql_next(st)) == 1) {
		struct slice tid = column_slice(st, 0);
		uint32_t ignored;

		s->tids_of_run++;
		rc = spread(tid) <= limit ? intern_add(&s->tids, tid, &ignored) : 0;
		while (!rc && s->tids.n > SAMPLE_TIDS) {
			struct intern fewer = {0};

			limit /= 2;
			for (uint32_t i = 0; i < s->tids.n && !rc; i++)
				if (spread(s->tids.text[i]) <= limit)
					rc = intern_add(&fewer, s->tids.text[i], &ignored);
			intern_done(&s->tids);
			s->tids = fewer;
		}
	}
	sqlite3_finalize(st);
	if (!rc && !(s->count = calloc(s->tids.n + 1, sizeof *s->count)))
		rc = -ENOMEM;
	return rc;
}

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

static int key_of(struct sample *s, const struct event *e, uint32_t *out)
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
	*f = (struct sample_field){.key = key, .name = n, .in_span = in_span};
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
	s->field[field].many = s->field[field].values > SAMPLE_VALUES;
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

static int take(struct sample *s, const struct event *e)
{
	uint32_t tid = e->tid.ptr ? intern_find(&s->tids, e->tid) : INTERN_NONE, key;
	struct sample_line *l;
	int rc;

	if (tid == INTERN_NONE || s->count[tid]++ >= SAMPLE_LINES)
		return 0;
	rc = key_of(s, e, &key);
	if (rc)
		return rc;
	l = array_add(s->line, s->nlines, s->line_room);
	if (!l)
		return -ENOMEM;
	*l = (struct sample_line){e->time_ns, e->id, e->source, tid, key};
	rc = s->key[key].enters ? 0 : values_of(s, e, tid, key, false);
	return rc || s->key[key].enters ? rc : values_of(s, e, tid, key, true);
}

static int compare_lines(const void *pa, const void *pb)
{
	const struct sample_line *a = pa, *b = pb;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	if (a->time_ns != b->time_ns)
		return a->time_ns < b->time_ns ? -1 : 1;
	return a->id < b->id ? -1 : a->id > b->id;
}

static int compare_values(const void *pa, const void *pb)
{
	const struct sample_value *a = pa, *b = pb;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->field < b->field ? -1 : a->field > b->field;
}

static int arrange(struct sample *s)
{
	if (s->nlines)
		qsort(s->line, s->nlines, sizeof *s->line, compare_lines);
	if (s->nvalues)
		qsort(s->value, s->nvalues, sizeof *s->value, compare_values);
	s->first = calloc(s->tids.n + 2, sizeof *s->first);
	s->fields = calloc(s->tids.n + 2, sizeof *s->fields);
	if (!s->first || !s->fields)
		return -ENOMEM;
	for (size_t i = 0; i < s->nlines; i++)
		s->first[s->line[i].tid + 1]++;
	for (size_t i = 0; i < s->nvalues; i++)
		s->fields[s->value[i].tid + 1]++;
	for (uint32_t t = 0; t < s->tids.n; t++) {
		s->first[t + 1] += s->first[t];
		s->fields[t + 1] += s->fields[t];
	}
	return 0;
}

/* A run while it is read. Most of its lines are of no sampled transaction: of these only the columns of times and
 * transactions are looked at. */
struct reading {
	struct sample *s;
	struct store *store;
	uint32_t chunks; /* so many were begun */
	struct {
		uint32_t chunk, tid; /* chunk: which of them it was looked up for; tid: its number in s->tids */
	} * tid;                     /* by local number, of CHUNK_ROWS */
	uint8_t *clock;              /* enum event_clock, by local number of a head */
	size_t clock_room;
};

static int chunk_begin(struct reading *r, const struct event_rows *rows)
{
	unsigned heads = chunk_heads(rows->chunk) + CHUNK_FIRST_HEAD;

	r->chunks++;
	if (array_reserve(r->clock, r->clock_room, heads))
		return -ENOMEM;
	for (unsigned i = CHUNK_FIRST_HEAD; i < heads; i++)
		r->clock[i] = (uint8_t)event_head_clock(chunk_head(rows->chunk, (uint16_t)i));
	return 0;
}

static int tid_find(struct reading *r, struct chunk *c, uint16_t number)
{
	char text[3 * LINE_MAX_TID];
	struct slice tid;
	int rc = chunk_tid(c, number, &tid);

	if (!rc)
		rc = chunk_tid_meaning(c, tid, text, &tid);
	if (rc)
		return rc;
	r->tid[number].chunk = r->chunks;
	r->tid[number].tid = tid.ptr ? intern_find(&r->s->tids, tid) : INTERN_NONE;
	return 0;
}

/* Whether the line must be looked at as an event: 1 or 0, or a negative errno. */
static int is_wanted(struct reading *r, struct chunk *c, uint16_t number)
{
	uint32_t tid;
	int rc = 0;

	if (number == CHUNK_NO_TID)
		return 0;
	if (r->tid[number].chunk != r->chunks)
		rc = tid_find(r, c, number);
	tid = r->tid[number].tid;
	return rc ? rc : tid != INTERN_NONE && r->s->count[tid] < SAMPLE_LINES;
}

static void note_time(struct sample *s, int64_t ns)
{
	s->first_ns = ns < s->first_ns ? ns : s->first_ns;
	s->last_ns = ns > s->last_ns ? ns : s->last_ns;
}

static int event_take(struct reading *r, int64_t id)
{
	const struct event *e;
	int rc = event_get(r->store, id, &e);

	if (rc <= 0)
		return rc;
	note_time(r->s, e->time_ns);
	rc = e->foreign ? 0 : take(r->s, e);
	return rc ? rc : event_error(e);
}

static int row_take(struct reading *r, const struct event_rows *rows, uint32_t i)
{
	uint16_t head = rows->columns.head[i];
	bool kept_whole = head < CHUNK_FIRST_HEAD;
	int wanted = kept_whole ? chunk_is_event(head) : is_wanted(r, rows->chunk, rows->columns.tid[i]);

	if (wanted < 0 || (kept_whole && !wanted))
		return wanted;
	if (wanted || (r->clock[head] == EVENT_CLOCK_LINE && rows->offset_ns))
		return event_take(r, rows->id + i);
	note_time(r->s, r->clock[head] == EVENT_CLOCK_SOURCE ? ns_moved(rows->columns.stamp[i], rows->offset_ns)
	                                                     : rows->columns.stamp[i]);
	return 0;
}

static int rows_take(struct reading *r, const struct event_rows *rows)
{
	int rc = rows->group ? 0 : chunk_begin(r, rows);

	for (uint32_t i = 0; i < rows->columns.n && !rc; i++)
		rc = row_take(r, rows, i);
	return rc;
}

static int lines_read(struct reading *r, int64_t run)
{
	const unsigned columns = CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TID | CHUNK_COLUMN_STAMP;
	struct event_query q = {.run = run};
	struct event_cursor *c;
	struct event_rows rows;
	int rc = event_cursor_open(r->store, &q, &c);

	if (rc)
		return rc;
	while ((rc = event_cursor_rows(c, columns, &rows)) == 1 && !(rc = rows_take(r, &rows)))
		;
	event_cursor_close(c);
	return rc;
}

int sample_read(struct sample *s, struct store *store, int64_t run)
{
	struct reading r = {.s = s, .store = store};
	int rc;

	*s = (struct sample){.first_ns = INT64_MAX, .last_ns = INT64_MIN};
	rc = choose(s, store_db(store));
	if (!rc && !(r.tid = calloc(CHUNK_ROWS, sizeof *r.tid)))
		rc = -ENOMEM;
	if (!rc)
		rc = lines_read(&r, run);
	free(r.tid);
	free(r.clock);
	return rc ? rc : arrange(s);
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
	free(s->count);
	free(s->part.text);
	*s = (struct sample){0};
}
