/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.c - what a request's lines say of it once: fields with few values.
 *
 * A first look at some of the lines tells which fields have few values; of all lines then only those with such fields
 * are read, as columns: a value is looked at once where it stands in a dictionary. A field of which a request has two
 * values is not the request's, one whose values stand for what is known already (a function's name, a worker) says
 * nothing new: both are left out. */
#include "base/array.h"
#include "base/hash.h"
#include "base/sql.h"
#include "ingest/line.h"
#include "query/why/attribute.h"
#include "store/chunks.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FEW_LINES = 200000, /* of fewer lines all are looked at first */
	LOOKS = 16,
	LOOK = 8192, /* else at so many places so many */
	VALUES_MOST = FIELD_VALUES_MOST,
	VALUE_LENGTH = FIELD_VALUE_LENGTH,
	VALUE_ROOM = 3 * VALUE_LENGTH, /* without its escapes */
	FIELDS_MOST = FIELDS_READ_MOST,
	NUMBERS = 1 << 16, /* of a chunk's transactions */
	AGAIN_MOST = 100,  /* one request in so many may have two values */
	FETCHED = 128,     /* that are looked up one after the other */
	AHEAD = 16         /* rows */
};

struct field {
	bool out;           /* it has too many values, or too long ones */
	struct intern seen; /* at the first look */
	uint32_t attribute; /* 1 + its index in found; 0: not chosen */
	uint32_t lines;     /* of requests: those that say it; before it came, before it executed */
	uint32_t early, soon;
	uint32_t again; /* a request says it once more, and something else */
};

/* Which fields the lines of a shape have. */
struct shape_fields {
	uint32_t *v, n, room;
	bool known;
};

struct fields {
	struct store *store;
	int64_t asked_run; /* 0: all */
	const struct requests *r;
	struct intern names;
	struct field *v;
	uint32_t room;
	struct shape_fields *shape; /* by id */
	uint32_t nshapes;
	struct attributes found;
	struct table at;        /* requests by tid */
	int64_t *run;           /* by number of requests.runs: its id */
	uint32_t *request;      /* by number of a transaction in the chunk at hand: its request, or NO_SUCH */
	struct head_here *head; /* by local number, in the group at hand */
	uint32_t heads_room;
	struct values *values; /* of its heads */
	uint32_t nvalues, values_room;
};

/* What is done with the lines of a head. */
enum how { PASS, COLUMNS, EVENTS };

struct head_here {
	uint32_t first, n; /* of fields.values */
	uint8_t how;
	bool moved; /* times are those of the source's clock */
};

enum { NUMBERS_KEPT = 64 };

/* The values of one field of one head in the group at hand, and their codes. */
struct values {
	struct field *of;
	const struct segment *segment;
	enum slot_kind kind;
	bool texts;
	struct segment_text text;
	const int64_t *integers;
	uint32_t *code; /* by entry of text, or by number in kept: 0: not looked at yet; NO_NAME */
	uint32_t code_room;
	int64_t kept[NUMBERS_KEPT];
};

#define NO_SUCH UINT32_MAX /* a transaction that is no request */
#define NO_NAME UINT32_MAX /* a value that is no name */

void fields_free(struct fields *f)
{
	for (uint32_t i = 0; f && i < f->names.n; i++)
		intern_done(&f->v[i].seen);
	if (!f)
		return;
	for (uint32_t i = 0; i < f->nshapes; i++)
		free(f->shape[i].v);
	free(f->v);
	free(f->shape);
	intern_done(&f->names);
	attributes_done(&f->found);
	table_done(&f->at);
	free(f->run);
	free(f->request);
	free(f->head);
	for (uint32_t i = 0; i < f->values_room; i++)
		free(f->values[i].code);
	free(f->values);
	free(f);
}

/* ---- which fields a line has ---- */

static int field_number(struct fields *f, struct slice key, uint32_t *out)
{
	uint32_t before = f->names.n;
	int rc = array_reserve(f->v, f->room, before + 1) ? -ENOMEM : intern_add(&f->names, key, out);

	if (rc || *out < before) /* each name has its field: the room for it comes first */
		return rc;
	f->v[*out] = (struct field){.out = slice_is(key, "message") || slice_is(key, "tid")};
	return 0;
}

/* NULL: of a line that was kept whole, whose shape is its own. */
static int fields_of(struct fields *f, const struct shape *sh, const struct shape_fields **out)
{
	struct shape_fields *s;
	int rc = 0;

	*out = NULL;
	if (!sh->id || sh->span_line)
		return 0;
	if (array_reserve_zeroed(f->shape, f->nshapes, sh->id + 1))
		return -ENOMEM;
	*out = s = &f->shape[sh->id];
	for (unsigned i = 0; !s->known && !rc && i < sh->nslots; i++) {
		uint32_t *to;

		if (sh->slots[i].section != SECTION_FIELDS || sh->slots[i].kind == SLOT_TID ||
		    sh->slots[i].kind == SLOT_JSON)
			continue;
		to = array_add(s->v, s->n, s->room);
		rc = to ? field_number(f, sh->slots[i].key, to) : -ENOMEM;
	}
	s->known = !rc;
	return rc;
}

/* A number with a fraction, also as a string: a measurement. ("1.2.3" is a version.) */
static bool is_measured(struct slice s)
{
	size_t digits = 0, dots = 0;

	for (size_t i = *s.ptr == '-'; i < s.len; i++) {
		digits += s.ptr[i] >= '0' && s.ptr[i] <= '9';
		dots += s.ptr[i] == '.';
	}
	return dots == 1 && digits && digits + dots + (*s.ptr == '-') == s.len;
}

/* A value as text, in buf where it has escapes; false: it is no name. */
static bool name_of(enum slot_kind kind, char buf[VALUE_ROOM], struct slice *v)
{
	if (!kind || kind == SLOT_JSON || !v->ptr || !v->len || v->len > VALUE_LENGTH || is_measured(*v))
		return false;
	if (memchr(v->ptr, '\\', v->len))
		*v = (struct slice){buf, json_unescape(*v, buf)};
	return v->len > 0;
}

/* The same of a line's field. */
static bool value_of(const struct event *e, const char *name, char buf[VALUE_ROOM], struct slice *out)
{
	return name_of(event_field(e, name, out), buf, out);
}

/* ---- the first look ---- */

static int look_at(struct fields *f, const struct event *e)
{
	const struct shape_fields *s;
	int rc = fields_of(f, e->head, &s);

	for (uint32_t i = 0; s && !rc && i < s->n; i++) {
		struct field *x = &f->v[s->v[i]];
		char buf[VALUE_ROOM];
		struct slice value;
		uint32_t number;

		if (x->out)
			continue;
		if (!value_of(e, f->names.text[s->v[i]].ptr, buf, &value))
			x->out = !event_error(e);
		else
			rc = intern_add(&x->seen, value, &number);
		x->out |= x->seen.n > VALUES_MOST;
		rc = rc ? rc : event_error(e);
	}
	return rc;
}

/* Lines from one id to another; 0 to 0: all of the run's. */
static int look_from(struct fields *f, int64_t from, int64_t to)
{
	struct event_query want = {.run = f->asked_run, .first_id = from, .last_id = to, .brief = true};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = event_cursor_open(f->store, &want, &c);

	while (!rc && (rc = event_cursor_next(c, &e)) == 1)
		rc = query_interrupted ? -EINTR : look_at(f, e);
	event_cursor_close(c);
	return rc;
}

static int look(struct fields *f)
{
	sqlite3_stmt *st;
	int64_t n = 0;
	int rc = sql_prepare(store_db(f->store),
	                     "SELECT c.id, sum(c.lines) OVER (), count(*) OVER () FROM chunk c JOIN source s ON s.id = "
	                     "c.source WHERE ?1 IN (0, s.run) ORDER BY s.id, c.id",
	                     &st);

	if (!rc)
		sqlite3_bind_int64(st, 1, f->asked_run);
	for (; !rc && (rc = sql_next(st)) == 1; n++) {
		int64_t chunk = sqlite3_column_int64(st, 0), chunks = sqlite3_column_int64(st, 2), id;
		bool all = sqlite3_column_int64(st, 1) <= FEW_LINES;

		if (chunk < 0 || chunk >= CHUNK_ID_MAX) {
			rc = -EBADMSG;
			break;
		}
		rc = 0;
		id = chunk << 16;
		if (all || n * LOOKS / chunks != (n - 1) * LOOKS / chunks || !n)
			rc = look_from(f, id, id + (all ? NUMBERS : LOOK) - 1);
	}
	sqlite3_finalize(st);
	return rc;
}

/* Those that are worth reading; whether there are any. */
static int choose(struct fields *f)
{
	for (uint32_t i = 0; i < f->names.n; i++) {
		if (f->v[i].out || f->v[i].seen.n < 2 || f->found.n == FIELDS_MOST)
			continue;
		if (!attribute_add(&f->found, f->names.text[i].ptr, ATTRIBUTE_OUTCOME, f->r->n))
			return -ENOMEM;
		f->v[i].attribute = (uint32_t)f->found.n;
	}
	return 0;
}

/* ---- what somebody else has looked at ---- */

int fields_choose(sqlite3 *db, const struct intern *names)
{
	sqlite3_stmt *st = NULL;
	int rc = sql_exec_all(db, "CREATE TABLE chosen_field(name TEXT)");

	for (uint32_t i = 0; i < names->n && !rc; i++) {
		rc = sql_prepare(db, "INSERT INTO chosen_field VALUES (?1)", &st);
		bind_slice(st, 1, names->text[i]);
		rc = rc ? rc : sql_finish(st);
	}
	return rc;
}

static int take_chosen(struct fields *f)
{
	sqlite3_stmt *st;
	uint32_t i;
	int rc = sql_prepare(store_db(f->store), "SELECT name FROM chosen_field ORDER BY rowid", &st);

	while (!rc && (rc = sql_next(st)) == 1) {
		rc = field_number(f, column_slice(st, 0), &i);
		if (!rc && !attribute_add(&f->found, f->names.text[i].ptr, ATTRIBUTE_OUTCOME, f->r->n))
			rc = -ENOMEM;
		if (!rc)
			f->v[i].attribute = (uint32_t)f->found.n;
	}
	sqlite3_finalize(st);
	return rc;
}

/* Finds the fields that are worth reading. */
static int find_fields(struct fields *f)
{
	bool chosen = false;
	int rc = sql_has_table(store_db(f->store), "chosen_field", &chosen);

	if (rc || chosen)
		return rc ? rc : take_chosen(f);
	rc = f->r->n ? look(f) : 0;
	return rc ? rc : choose(f);
}

/* ---- all lines with such fields ---- */

static int find_requests(struct fields *f)
{
	int rc = 0;

	f->run = calloc((size_t)f->r->runs.n + 1, sizeof *f->run);
	f->request = calloc(NUMBERS, sizeof *f->request);
	if (!f->run || !f->request)
		return -ENOMEM;
	for (uint32_t k = 0; k < f->r->runs.n; k++)
		f->run[k] = strtoll(f->r->runs.text[k].ptr, NULL, 10);
	for (uint32_t i = 0; !rc && i < f->r->n; i++)
		rc = table_add(&f->at, hash_bytes(request_tid(f->r, i), strlen(request_tid(f->r, i)), 0), i);
	return rc;
}

static uint32_t find_request(const struct fields *f, int64_t run, struct slice tid)
{
	struct table_walk w;

	for (uint32_t i = table_first(&w, &f->at, hash_slice(tid, 0)); i != TABLE_NONE; i = table_next(&w))
		if ((f->r->runs.n == 1 ? f->run[0] : f->run[request_kind(f->r, i)->run]) == run &&
		    slice_is(tid, request_tid(f->r, i)))
			return i;
	return NO_SUCH;
}

static int put_tid(struct fields *f, const struct event_rows *rows, uint32_t number, struct slice tid)
{
	char *plain = NULL;

	if (tid.ptr && !json_is_plain(tid)) {
		plain = malloc(3 * tid.len + 1);
		if (!plain)
			return -ENOMEM;
		tid = (struct slice){plain, json_unescape(tid, plain)};
	}
	f->request[number] = tid.ptr ? find_request(f, rows->run, tid) : NO_SUCH;
	free(plain);
	return 0;
}

static void fetch_column(const struct requests *r, enum request_column column, uint32_t i)
{
	__builtin_prefetch(r->column[column].bytes + (size_t)i * r->column[column].width);
}

/* Whoever looks up many at once need not wait for the memory of each: first comes where they stand in the table, then
 * what that says. */
static void fetch_requests(const struct fields *f, const struct segment *ids, uint32_t from, uint32_t to)
{
	const struct table_slot *slot[FETCHED];
	char buf[SEGMENT_TEXT];

	if (!f->at.nslots)
		return;
	for (uint32_t i = from; i < to; i++) {
		slot[i - from] = &f->at.slot[(uint32_t)hash_slice(segment_get(ids, i, buf), 0) & (f->at.nslots - 1)];
		__builtin_prefetch(slot[i - from]);
	}
	for (uint32_t i = 0; i < to - from; i++)
		if (slot[i]->number)
			fetch_column(f->r, REQUEST_TID, slot[i]->number - 1);
	for (uint32_t i = 0; i < to - from; i++)
		if (slot[i]->number)
			__builtin_prefetch(request_tid(f->r, slot[i]->number - 1));
}

/* The requests of a chunk's transactions. */
static int chunk_begin(struct fields *f, const struct event_rows *rows)
{
	const struct segment *ids;
	char buf[SEGMENT_TEXT];
	uint32_t first;
	int rc = 0;

	for (uint32_t i = 0; i < NUMBERS; i++)
		f->request[i] = NO_SUCH;
	for (unsigned g = 0; !rc && (rc = chunk_tids(rows->chunk, g, &first, &ids)) == 1; g++) {
		rc = first + ids->n > NUMBERS ? -EBADMSG : 0;
		for (uint32_t i = 0; i < ids->n && !rc; i++) {
			if (i % FETCHED == 0)
				fetch_requests(f, ids, i, i + FETCHED < ids->n ? i + FETCHED : ids->n);
			rc = put_tid(f, rows, first + i, segment_get(ids, i, buf));
		}
	}
	return rc;
}

/* A request says a value, at a time. */
static int put_code(struct fields *f, struct field *x, uint32_t i, uint32_t code, int64_t ns)
{
	struct attribute *a = &f->found.v[x->attribute - 1];
	int64_t arrived = request_moment(f->r, i, REQUEST_ARRIVED), started = request_moment(f->r, i, REQUEST_STARTED);
	uint32_t was = attribute_at(a, i);

	if (was && was != code)
		x->again++;
	x->out |= a->values.n > VALUES_MOST;
	x->lines++;
	x->early += arrived != NO_NS && ns <= arrived;
	x->soon += started != NO_NS && ns <= started;
	return was ? 0 : attribute_set(a, i, code);
}

/* ---- a line as an event ---- */

static int read_event(struct fields *f, const struct event *e, uint32_t request)
{
	const struct shape_fields *s;
	int rc = fields_of(f, e->head, &s);

	for (uint32_t i = 0; !rc && s && i < s->n; i++) {
		struct field *x = &f->v[s->v[i]];
		char buf[VALUE_ROOM];
		struct slice value;
		uint32_t code = 0;

		if (!x->attribute || x->out)
			continue;
		if (value_of(e, f->names.text[s->v[i]].ptr, buf, &value))
			rc = attribute_code(&f->found.v[x->attribute - 1], value, &code);
		else
			x->out = !event_error(e);
		rc = rc ? rc : event_error(e);
		if (!rc && code)
			rc = put_code(f, x, request, code, e->time_ns);
	}
	return rc;
}

static int look_again(struct fields *f, int64_t id, uint32_t request)
{
	const struct event *e;
	int rc = event_get(f->store, id, &e);

	return rc == 1 ? read_event(f, e, request) : rc;
}

/* ---- lines as columns ---- */

/* The slot that a field's value is in: the first of that name, as event_field has it. */
static unsigned slot_of(const struct shape *sh, struct slice name)
{
	unsigned i = 0;

	while (i < sh->nslots && !(sh->slots[i].section == SECTION_FIELDS && slice_same(sh->slots[i].key, name)))
		i++;
	return i;
}

static int values_make(struct fields *f, const struct event_rows *rows, uint16_t local, unsigned slot, struct field *of)
{
	struct values *v;
	int rc = array_reserve_zeroed(f->values, f->values_room, f->nvalues + 1);

	if (rc)
		return rc;
	v = &f->values[f->nvalues++];
	v->of = of;
	v->kind = chunk_head(rows->chunk, local)->slots[slot].kind;
	rc = chunk_segment(rows->chunk, local, slot, rows->group, &v->segment);
	if (rc)
		return rc;
	v->texts = segment_texts(v->segment, &v->text);
	v->integers = segment_integers(v->segment);
	if (array_reserve(v->code, v->code_room, (v->texts ? v->text.entries : 0) + NUMBERS_KEPT))
		return -ENOMEM;
	memset(v->code, 0, ((v->texts ? v->text.entries : 0) + NUMBERS_KEPT) * sizeof *v->code);
	return 0;
}

/* Which fields of a head are to be read in a group. */
static int head_look(struct fields *f, const struct event_rows *rows, uint16_t local, struct head_here *h)
{
	const struct shape *sh = chunk_head(rows->chunk, local);
	const struct shape_fields *s;
	int rc = fields_of(f, sh, &s);

	*h = (struct head_here){.first = f->nvalues, .moved = event_head_clock(sh) == EVENT_CLOCK_SOURCE};
	for (uint32_t i = 0; !rc && s && i < s->n; i++) {
		struct field *x = &f->v[s->v[i]];
		unsigned slot = slot_of(sh, f->names.text[s->v[i]]);

		if (!x->attribute || x->out)
			continue;
		if (slot == sh->nslots || !slot_is_stored(sh->slots[slot].kind) ||
		    event_head_clock(sh) == EVENT_CLOCK_LINE)
			h->how = EVENTS;
		else if (h->how == PASS)
			h->how = COLUMNS;
		if (h->how == COLUMNS)
			rc = values_make(f, rows, local, slot, x);
	}
	h->n = f->nvalues - h->first;
	return rc;
}

static int heads_look(struct fields *f, const struct event_rows *rows)
{
	unsigned n = CHUNK_FIRST_HEAD + chunk_heads(rows->chunk);
	int rc = array_reserve(f->head, f->heads_room, n);

	f->nvalues = 0;
	for (unsigned i = 0; i < n && !rc; i++) {
		f->head[i] = (struct head_here){0}; /* what is kept whole has fields of its own */
		if (i >= CHUNK_FIRST_HEAD && chunk_head_lines(rows->chunk, (uint16_t)i, rows->group))
			rc = head_look(f, rows, (uint16_t)i, &f->head[i]);
	}
	return rc;
}

static int code_of_text(struct fields *f, const struct values *v, struct slice text, uint32_t *out)
{
	char buf[VALUE_ROOM];

	*out = NO_NAME;
	return name_of(v->kind, buf, &text) ? attribute_code(&f->found.v[v->of->attribute - 1], text, out) : 0;
}

/* Where the code of value i is kept; NULL: nowhere. */
static uint32_t *code_kept(struct values *v, uint32_t i)
{
	uint32_t at, entries = v->texts ? v->text.entries : 0;

	if (v->texts)
		return &v->code[v->text.codes ? v->text.codes[i] : entries == v->segment->n ? i : 0];
	if (!v->integers)
		return NULL;
	at = (uint64_t)v->integers[i] % NUMBERS_KEPT;
	if (v->kept[at] != v->integers[i])
		v->code[at] = 0;
	v->kept[at] = v->integers[i];
	return &v->code[at];
}

static int read_value(struct fields *f, struct values *v, uint32_t i, uint32_t request, int64_t ns)
{
	char buf[SEGMENT_TEXT];
	uint32_t code = 0, *kept;
	int rc = 0;

	if (v->of->out)
		return 0;
	if (i >= v->segment->n)
		return -EBADMSG;
	kept = code_kept(v, i);
	if (kept && *kept)
		code = *kept;
	else
		rc = code_of_text(f, v, segment_get(v->segment, i, buf), &code);
	if (rc)
		return rc;
	if (kept)
		*kept = code;
	if (code == NO_NAME)
		v->of->out = true;
	return code == NO_NAME ? 0 : put_code(f, v->of, request, code, ns);
}

/* The memory of a row's request, and of the codes that it gets. */
static void fetch_row(const struct fields *f, const struct chunk_group *g, uint32_t i)
{
	const struct head_here *h = &f->head[g->head[i]];
	uint32_t request = f->request[g->tid[i]];

	if (h->how != COLUMNS || request == NO_SUCH)
		return;
	fetch_column(f->r, REQUEST_BEGAN, request);
	fetch_column(f->r, REQUEST_ARRIVED, request);
	fetch_column(f->r, REQUEST_STARTED, request);
	for (uint32_t k = 0; k < h->n; k++) {
		const struct narrow *code = &f->found.v[f->values[h->first + k].of->attribute - 1].code;

		__builtin_prefetch(code->bytes + (size_t)request * code->width, 1);
	}
}

static int rows_take(struct fields *f, const struct event_rows *rows)
{
	const struct chunk_group *g = &rows->columns;
	int rc = rows->group ? 0 : chunk_begin(f, rows);

	if (!rc)
		rc = heads_look(f, rows);
	for (uint32_t i = 0; i < g->n && !rc; i++) {
		const struct head_here *h = &f->head[g->head[i]];
		uint32_t request = f->request[g->tid[i]];
		int64_t ns = h->moved ? ns_moved(g->stamp[i], rows->offset_ns) : g->stamp[i];

		if (i + AHEAD < g->n)
			fetch_row(f, g, i + AHEAD);
		if (h->how == PASS || request == NO_SUCH)
			continue;
		if (h->how == EVENTS)
			rc = look_again(f, rows->id + i, request);
		for (uint32_t k = 0; k < h->n && h->how == COLUMNS && !rc; k++)
			rc = read_value(f, &f->values[h->first + k], g->head_ord[i], request, ns);
	}
	return rc;
}

/* A shape that was not met at the first look may have them as well. */
static bool wanted(const struct shape *sh, void *arg)
{
	struct fields *f = arg;
	const struct shape_fields *s;
	bool any = false;

	if (fields_of(f, sh, &s) || !s)
		return false;
	for (uint32_t i = 0; i < s->n && !any; i++)
		any = f->v[s->v[i]].attribute != 0;
	return any;
}

static int read_lines(struct fields *f)
{
	const unsigned columns = CHUNK_COLUMN_HEAD | CHUNK_COLUMN_TID | CHUNK_COLUMN_STAMP | CHUNK_COLUMN_HEAD_ORD;
	struct event_query want = {.run = f->asked_run, .want = wanted, .want_arg = f};
	struct event_cursor *c = NULL;
	struct event_rows rows;
	int rc = event_cursor_open(f->store, &want, &c);

	while (!rc && (rc = event_cursor_rows(c, columns, &rows)) == 1)
		rc = query_interrupted ? -EINTR : rows_take(f, &rows);
	event_cursor_close(c);
	return rc;
}

/* ---- which of them say something new ---- */

/* Whether requests have the same value of a where they have the same of b, and the other way round. */
static int same(const struct attribute *a, const struct attribute *b, uint32_t n, bool *out)
{
	uint32_t *to = calloc((size_t)a->ncodes + 1, sizeof *to), *from = calloc((size_t)b->ncodes + 1, sizeof *from);

	*out = to && from;
	for (uint32_t i = 0; *out && i < n; i++) {
		uint32_t x = attribute_at(a, i), y = attribute_at(b, i);

		if (!to[x] && !from[y]) {
			to[x] = y + 1;
			from[y] = x + 1;
		}
		*out = to[x] == y + 1 && from[y] == x + 1;
	}
	free(to);
	free(from);
	return to && from ? 0 : -ENOMEM;
}

static int is_new(const struct fields *f, const struct attributes *known, const struct attribute *a, bool *out)
{
	int rc = 0;

	*out = true;
	for (size_t k = 0; !rc && *out && k < known->n; k++) {
		bool equal = false;

		if (!known->v[k].steps)
			rc = same(&known->v[k], a, f->r->n, &equal);
		*out = !equal;
	}
	return rc;
}

/* Functions of which all requests have one value each: it is the functions' own. */
static int of_function(const struct fields *f, const struct attribute *a, bool *out)
{
	uint32_t *value = calloc((size_t)f->r->functions.n + 1, sizeof *value);

	*out = value != NULL;
	for (uint32_t i = 0; *out && i < f->r->n; i++) {
		uint32_t *v = &value[request_function(f->r, i)];

		*out = !*v || *v == attribute_at(a, i) + 1;
		*v = attribute_at(a, i) + 1;
	}
	free(value);
	return value ? 0 : -ENOMEM;
}

/* What was said before the request came was so, what was said before it executed is a condition of that. */
static int keep(struct fields *f, const struct field *x, struct attributes *out)
{
	struct attribute *a = &f->found.v[x->attribute - 1], *to;
	bool good = !x->out && x->lines && (uint64_t)x->again * AGAIN_MOST <= x->lines && a->values.n;
	int rc = good ? is_new(f, out, a, &good) : 0;

	if (rc || !good)
		return rc;
	a->order = (uint64_t)x->early * 100 >= (uint64_t)x->lines * 95  ? ATTRIBUTE_GIVEN
	           : (uint64_t)x->soon * 100 >= (uint64_t)x->lines * 95 ? ATTRIBUTE_CONDITION
	                                                                : ATTRIBUTE_OUTCOME;
	rc = of_function(f, a, &a->of_function);
	if (rc || array_reserve(out->v, out->room, out->n + 1))
		return -ENOMEM;
	to = &out->v[out->n++];
	*to = *a;
	*a = (struct attribute){0};
	return 0;
}

int fields_read(struct store *store, int64_t run, const struct requests *r, struct fields **out)
{
	struct fields *f = *out = calloc(1, sizeof *f);
	int rc = f ? 0 : -ENOMEM;

	if (f)
		*f = (struct fields){.store = store, .asked_run = run, .r = r};
	if (!rc)
		rc = find_fields(f);
	if (!rc && f->found.n)
		rc = find_requests(f);
	if (!rc && f->found.n)
		rc = read_lines(f);
	if (f)
		table_done(&f->at);
	return rc;
}

int attributes_of_fields(struct fields *f, struct attributes *out)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < f->names.n; i++)
		if (f->v[i].attribute)
			rc = keep(f, &f->v[i], out);
	return rc;
}
