/* SPDX-License-Identifier: GPL-3.0-or-later */
/* fields.c - what a request's lines say of it once: fields with few values.
 *
 * A first look at some of the lines tells which fields have few values; of all lines then only those with such fields
 * are read. A field of which a request has two values is not the request's, one whose values stand for what is known
 * already (a function's name, a worker) says nothing new: both are left out. */
#include "base/array.h"
#include "base/hash.h"
#include "base/sql.h"
#include "ingest/line.h"
#include "query/why/attribute.h"
#include "store/store.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
	FEW_LINES = 200000, /* of fewer lines all are looked at first */
	LOOKS = 16,
	LOOK = 8192,       /* else at so many places so many */
	VALUES_MOST = 64,  /* more different values are those of an id, or of a measurement */
	VALUE_LENGTH = 96, /* bytes; what is longer is no name */
	FIELDS_MOST = 64,  /* that are read in full */
	NUMBERS = 1 << 16, /* of a chunk's transactions */
	AGAIN_MOST = 100   /* one request in so many may have two values */
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
	struct query *q;
	const struct requests *r;
	struct intern names;
	struct field *v;
	uint32_t room;
	struct shape_fields *shape; /* by id */
	uint32_t nshapes;
	struct attributes found;
	struct table at;   /* requests by tid */
	int64_t *run;      /* by number of requests.runs: its id */
	uint32_t *request; /* by number of a transaction in the chunk at hand: 1 + its request; 0: not looked up yet */
	uint32_t *numbered, nnumbered, numbered_room; /* which are not 0 */
	int64_t chunk;
};

#define NO_SUCH UINT32_MAX /* a transaction that is no request */

static void fields_done(struct fields *f)
{
	for (uint32_t i = 0; i < f->names.n; i++)
		intern_done(&f->v[i].seen);
	for (uint32_t i = 0; i < f->nshapes; i++)
		free(f->shape[i].v);
	free(f->v);
	free(f->shape);
	intern_done(&f->names);
	attributes_done(&f->found);
	table_done(&f->at);
	free(f->run);
	free(f->request);
	free(f->numbered);
}

/* ---- which fields a line has ---- */

static int field_number(struct fields *f, struct slice key, uint32_t *out)
{
	uint32_t before = f->names.n;
	int rc = intern_add(&f->names, key, out);

	if (rc || *out < before)
		return rc;
	if (array_reserve(f->v, f->room, f->names.n))
		return -ENOMEM;
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

/* A field's value as text, in buf where it has escapes; false: none that is a name. */
static bool value_of(const struct event *e, const char *name, char buf[VALUE_LENGTH], struct slice *out)
{
	enum slot_kind kind = event_field(e, name, out);

	if (!kind || kind == SLOT_JSON || !out->ptr || !out->len || out->len > VALUE_LENGTH || is_measured(*out))
		return false;
	if (memchr(out->ptr, '\\', out->len))
		*out = (struct slice){buf, json_unescape(*out, buf)};
	return out->len > 0;
}

/* ---- the first look ---- */

static int look_at(struct fields *f, const struct event *e)
{
	const struct shape_fields *s;
	int rc = fields_of(f, e->head, &s);

	for (uint32_t i = 0; s && !rc && i < s->n; i++) {
		struct field *x = &f->v[s->v[i]];
		char buf[VALUE_LENGTH];
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
	struct event_query want = {.run = query_run(f->q), .first_id = from, .last_id = to, .brief = true};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = event_cursor_open(f->q->store, &want, &c);

	while (!rc && (rc = event_cursor_next(c, &e)) == 1)
		rc = query_interrupted ? -EINTR : look_at(f, e);
	event_cursor_close(c);
	return rc;
}

static int look(struct fields *f)
{
	sqlite3_stmt *st =
	    query_prepare(f->q, "SELECT c.id, sum(c.lines) OVER (), count(*) OVER () FROM chunk c JOIN "
	                        "source s ON s.id = c.source WHERE ?1 IN (0, s.run) ORDER BY s.id, c.id");
	int64_t n = 0;
	int rc = 0;

	sqlite3_bind_int64(st, 1, query_run(f->q));
	for (; !rc && query_next(f->q, st); n++) {
		int64_t id = sqlite3_column_int64(st, 0) << 16, chunks = sqlite3_column_int64(st, 2);
		bool all = sqlite3_column_int64(st, 1) <= FEW_LINES;

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

static uint32_t find_request(const struct fields *f, const struct event *e)
{
	struct table_walk w;

	for (uint32_t i = table_first(&w, &f->at, hash_bytes(e->tid.ptr, e->tid.len, 0)); i != TABLE_NONE;
	     i = table_next(&w))
		if (f->run[f->r->v[i].run] == e->run && slice_is(e->tid, request_tid(f->r, i)))
			return i;
	return NO_SUCH;
}

/* The request of a line, which is looked up once a chunk; NO_SUCH: none. */
static int request_of(struct fields *f, const struct event *e, uint32_t *out)
{
	int number = event_tid_number(e), rc = 0;

	if (number < 0)
		return number;
	while (f->chunk != e->id >> 16 && f->nnumbered)
		f->request[f->numbered[--f->nnumbered]] = 0;
	f->chunk = e->id >> 16;
	if (!f->request[number]) {
		uint32_t *to = array_add(f->numbered, f->nnumbered, f->numbered_room);

		rc = to ? event_complete(e) : -ENOMEM;
		if (rc)
			return rc;
		*to = (uint32_t)number;
		*out = e->tid.ptr ? find_request(f, e) : NO_SUCH;
		f->request[number] = *out == NO_SUCH ? NO_SUCH : *out + 1;
	}
	*out = f->request[number] == NO_SUCH ? NO_SUCH : f->request[number] - 1;
	return 0;
}

static int put_value(struct fields *f, const struct event *e, struct field *x, uint32_t i, struct slice value)
{
	struct attribute *a = &f->found.v[x->attribute - 1];
	const struct request *r = &f->r->v[i];
	uint32_t before = a->code[i];
	int rc = attribute_put(a, i, value);

	if (rc)
		return rc;
	x->out |= a->values.n > VALUES_MOST;
	if (before && before != a->code[i]) {
		x->again++;
		a->code[i] = before;
	}
	x->lines++;
	x->early += r->arrived_ns != NO_NS && e->time_ns <= r->arrived_ns;
	x->soon += r->started_ns != NO_NS && e->time_ns <= r->started_ns;
	return 0;
}

static int read_event(struct fields *f, const struct event *e)
{
	const struct shape_fields *s;
	uint32_t request = NO_SUCH;
	int rc = fields_of(f, e->head, &s);

	if (rc || !s)
		return rc;
	rc = request_of(f, e, &request);
	if (!rc && request != NO_SUCH)
		rc = event_time(e);
	for (uint32_t i = 0; !rc && request != NO_SUCH && i < s->n; i++) {
		struct field *x = &f->v[s->v[i]];
		char buf[VALUE_LENGTH];
		struct slice value;

		if (!x->attribute || x->out)
			continue;
		if (value_of(e, f->names.text[s->v[i]].ptr, buf, &value))
			rc = put_value(f, e, x, request, value);
		else
			x->out = !event_error(e);
		rc = rc ? rc : event_error(e);
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
	struct event_query want = {.run = query_run(f->q), .brief = true, .want = wanted, .want_arg = f};
	struct event_cursor *c = NULL;
	const struct event *e;
	int rc = event_cursor_open(f->q->store, &want, &c);

	f->chunk = -1;
	while (!rc && (rc = event_cursor_next(c, &e)) == 1)
		rc = query_interrupted ? -EINTR : read_event(f, e);
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
		uint32_t x = a->code[i], y = b->code[i];

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
		uint32_t *v = &value[f->r->v[i].function];

		*out = !*v || *v == a->code[i] + 1;
		*v = a->code[i] + 1;
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

void attributes_of_fields(struct query *q, const struct requests *r, struct attributes *out)
{
	struct fields f = {.q = q, .r = r};
	int rc = q->status || !r->n ? 0 : look(&f);

	if (!rc)
		rc = choose(&f);
	if (!rc && f.found.n)
		rc = find_requests(&f);
	if (!rc && f.found.n)
		rc = read_lines(&f);
	for (uint32_t i = 0; !rc && i < f.names.n; i++)
		if (f.v[i].attribute)
			rc = keep(&f, &f.v[i], out);
	fields_done(&f);
	query_ok(q, rc, q->command);
}
