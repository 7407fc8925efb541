/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tidfield.c - see tidfield.h */
#include "infer/tidfield.h"
#include "base/array.h"
#include "base/bytes.h"
#include "base/hash.h"
#include "base/intern.h"
#include "infer/part.h"
#include "infer/stretch.h"
#include "ingest/members.h"
#include "ingest/record.h"
#include "ingest/stamp.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	VALUE_MAX = 128,  /* bytes of an id */
	PATH_MOST = 200,  /* bytes of a path */
	DEPTH_MOST = 3,   /* of objects in one another */
	VALUES_LEAST = 10 /* that come in bursts: fewer are a coincidence */
};

/* A value of a field, and the lines that have it. */
struct burst {
	uint32_t field, value;
	uint32_t lines, messages;            /* messages: of the first few lines, different ones */
	uint32_t first_key, keys[4], firsts; /* firsts: lines with the first message */
	int64_t first_ns, last_ns;
};

struct field {
	uint32_t first;                    /* burst, once they are sorted */
	uint32_t bursts, good, good_lines; /* values; those that could be a transaction's, and their lines */
	uint32_t against;                  /* those that could not, though a transaction has such lines */
	uint32_t several;                  /* good ones with more than two messages */
	uint32_t paths;                    /* values that are a path or an address */
	uint32_t begins;                   /* of the good ones, those that begin as most do, and once */
	uint32_t begin_key;
	int64_t median_ns;
};

struct looking {
	struct intern paths, values, keys;
	struct burst *burst;
	uint32_t nbursts, room;
	struct table at; /* (field, value) */
	struct field *field;
	uint32_t lines;
	int64_t first_ns, last_ns;
	struct event_query query; /* the lines that are looked at */
	struct part part;
};

/* ---- the lines ---- */

static int message_key(struct looking *l, const struct event *e, uint32_t *out)
{
	struct bytes b = {0};
	int rc = part_template(e, &b);

	if (!rc)
		rc = intern_add(&l->keys, (struct slice){b.ptr, b.len}, out);
	bytes_free(&b);
	return rc;
}

static int burst_of(struct looking *l, uint32_t field, uint32_t value, struct burst **out)
{
	uint64_t hash = hash_pair(field, value);
	struct table_walk w;

	for (uint32_t i = table_first(&w, &l->at, hash); i != TABLE_NONE; i = table_next(&w))
		if (l->burst[i].field == field && l->burst[i].value == value) {
			*out = &l->burst[i];
			return 0;
		}
	if (table_add(&l->at, hash, l->nbursts))
		return -ENOMEM;
	*out = array_add(l->burst, l->nbursts, l->room);
	if (*out)
		**out = (struct burst){.field = field, .value = value, .first_ns = INT64_MAX, .last_ns = INT64_MIN};
	return *out ? 0 : -ENOMEM;
}

static void burst_add(struct burst *b, uint32_t key, int64_t ns)
{
	bool known = false;

	for (uint32_t i = 0; i < b->messages; i++)
		known |= b->keys[i] == key;
	if (!known && b->messages < sizeof b->keys / sizeof *b->keys)
		b->keys[b->messages++] = key;
	if (!b->lines)
		b->first_key = key;
	b->firsts += key == b->first_key;
	b->lines++;
	b->first_ns = ns < b->first_ns ? ns : b->first_ns;
	b->last_ns = ns > b->last_ns ? ns : b->last_ns;
}

/* An id is a text or a whole number, and no time. */
static bool may_be_id(const struct member *m)
{
	int64_t ns, offset_s;
	bool canonical, digits = false;

	if (!m->value.len || m->value.len > VALUE_MAX || (m->kind != SLOT_STRING && m->kind != SLOT_SCALAR))
		return false;
	for (size_t i = 0; i < m->value.len; i++) {
		digits |= m->value.ptr[i] >= '0' && m->value.ptr[i] <= '9';
		if (m->kind == SLOT_SCALAR && (m->value.ptr[i] < '0' || m->value.ptr[i] > '9'))
			return false;
		if (m->value.ptr[i] == ' ')
			return false; /* a sentence, or a date */
	}
	return digits && stamp_parse_rfc3339(m->value, &ns, &offset_s, &canonical) != 0;
}

#define SEEN_MOST 64 /* paths of a line that are remembered */

struct reading {
	uint32_t key;
	int64_t ns;
	uint32_t seen[SEEN_MOST], nseen; /* paths further inside, which go before those of spans around */
	bool in_span;
	char path[PATH_MOST];
	size_t len;
	unsigned depth;
};

static int object(struct looking *l, struct slice text, struct reading *r);

static bool is_seen(const struct reading *r, uint32_t field)
{
	for (uint32_t i = 0; i < r->nseen; i++)
		if (r->seen[i] == field)
			return true;
	return false;
}

/* A span's own id ties the lines of one span together, and no others. */
static bool is_span_id(const struct reading *r, const struct member *m)
{
	return r->in_span && (slice_is(m->key, "id") || slice_is(m->key, "parent"));
}

/* A value of the line; the path is r's. */
static int value_add(struct looking *l, const struct member *m, struct reading *r)
{
	struct burst *b;
	uint32_t field, value;
	int rc = intern_add(&l->paths, (struct slice){r->path, r->len}, &field);

	if (rc || (r->in_span && is_seen(r, field)))
		return rc;
	if (r->nseen < SEEN_MOST)
		r->seen[r->nseen++] = field;
	rc = intern_add(&l->values, m->value, &value);
	if (!rc)
		rc = burst_of(l, field, value, &b);
	if (!rc)
		burst_add(b, r->key, r->ns);
	return rc;
}

static int one(struct looking *l, const struct member *m, struct reading *r)
{
	size_t len = r->len;
	int rc = 0;

	if (len + m->key.len + 2 > sizeof r->path || memchr(m->key.ptr, '\\', m->key.len) ||
	    memchr(m->key.ptr, ',', m->key.len))
		return 0;
	if (len)
		r->path[r->len++] = '.';
	memcpy(r->path + r->len, m->key.ptr, m->key.len);
	r->len += m->key.len;
	if (m->kind == SLOT_JSON && m->value.ptr[0] == '{' && r->depth < DEPTH_MOST) {
		r->depth++;
		rc = object(l, m->value, r);
		r->depth--;
	} else if (may_be_id(m) && !is_span_id(r, m)) {
		rc = value_add(l, m, r);
	}
	r->len = len;
	return rc;
}

static int object(struct looking *l, struct slice text, struct reading *r)
{
	struct members all;
	struct member m;
	int rc = 0;

	members_start(&all, text);
	while (!rc && members_next(&all, &m) == 1)
		rc = one(l, &m, r);
	return rc;
}

#define SPANS_MOST 32 /* of a line, the innermost, that are looked at */

struct span_list {
	struct slice all[SPANS_MOST]; /* a ring */
	unsigned n;
};

static int span_take(void *arg, struct slice object)
{
	struct span_list *s = arg;

	s->all[s->n++ % SPANS_MOST] = object;
	return 0;
}

/* The line's objects, the innermost first: its fields, its span, the spans around it. each gets to see them until it
 * gives something else than 0. */
static int each_object(struct part *p, const struct event *e, int (*each)(void *, enum section, struct slice),
                       void *arg)
{
	struct span_list spans;
	struct slice text;
	int rc = 0;

	for (int section = SECTION_FIELDS; section <= SECTION_SPAN && !rc; section++) {
		rc = part_read(p, e, (enum section)section, &text);
		if (!rc && text.len)
			rc = each(arg, (enum section)section, text);
	}
	if (!rc)
		rc = part_read(p, e, SECTION_SPANS, &text);
	if (rc || !text.len)
		return rc;
	spans.n = 0;
	record_list(text, span_take, &spans);
	for (unsigned i = 0; i < spans.n && i < SPANS_MOST && !rc; i++)
		rc = each(arg, SECTION_SPANS, spans.all[(spans.n - 1 - i) % SPANS_MOST]);
	return rc;
}

struct line_reading {
	struct looking *l;
	const struct event *e;
	struct reading r;
	bool has_key;
};

static int line_object(void *arg, enum section section, struct slice text)
{
	struct line_reading *x = arg;
	int rc = x->has_key ? 0 : message_key(x->l, x->e, &x->r.key);

	x->has_key = true;
	x->r.in_span = section != SECTION_FIELDS;
	return rc ? rc : object(x->l, text, &x->r);
}

static int line(struct looking *l, const struct event *e)
{
	struct line_reading x = {.l = l, .e = e, .r.ns = e->time_ns};

	l->lines++;
	l->first_ns = e->time_ns < l->first_ns ? e->time_ns : l->first_ns;
	l->last_ns = e->time_ns > l->last_ns ? e->time_ns : l->last_ns;
	return each_object(&l->part, e, line_object, &x);
}

/* ---- which are good ---- */

/* Often what a request is for, with an id in it. */
static bool is_path(struct slice value)
{
	return value.ptr[0] == '/' || memmem(value.ptr, value.len, "://", 3);
}

/* A transaction has several lines of several messages, and does not last as long as the log. */
static bool is_good(const struct looking *l, const struct burst *b)
{
	return b->lines >= 2 && b->messages >= 2 && (b->last_ns - b->first_ns) / 2 <= (l->last_ns - l->first_ns) / 8;
}

static int compare_bursts(const void *pa, const void *pb)
{
	const struct burst *a = pa, *b = pb;
	int64_t x = a->last_ns - a->first_ns, y = b->last_ns - b->first_ns;

	if (a->field != b->field)
		return a->field < b->field ? -1 : 1;
	return x < y ? -1 : x > y;
}

/* The message that most of a field's good values begin with, once each. The field's bursts are v[from..to). */
static int begins(const struct looking *l, struct field *f, uint32_t from, uint32_t to)
{
	uint32_t *count = calloc((size_t)l->keys.n + 1, sizeof *count);

	if (!count)
		return -ENOMEM;
	for (uint32_t i = from; i < to; i++)
		if (is_good(l, &l->burst[i]) && l->burst[i].firsts == 1 && ++count[l->burst[i].first_key] > f->begins) {
			f->begins = count[l->burst[i].first_key];
			f->begin_key = l->burst[i].first_key;
		}
	free(count);
	return 0;
}

static bool has_key_of(const struct burst *b, const bool *keys)
{
	for (uint32_t i = 0; i < b->messages; i++)
		if (keys[b->keys[i]])
			return true;
	return false;
}

/* Samples and other care have an id on each line, often more of them than there are requests: that says nothing, as
 * long as no transaction has such a line. The field's bursts are v[from..to). */
static int count_against(const struct looking *l, struct field *f, uint32_t from, uint32_t to)
{
	bool *keys = calloc((size_t)l->keys.n + 1, sizeof *keys);

	if (!keys)
		return -ENOMEM;
	for (uint32_t i = from; i < to; i++)
		for (uint32_t k = 0; is_good(l, &l->burst[i]) && k < l->burst[i].messages; k++)
			keys[l->burst[i].keys[k]] = true;
	for (uint32_t i = from; i < to; i++)
		f->against += !is_good(l, &l->burst[i]) && has_key_of(&l->burst[i], keys);
	free(keys);
	return 0;
}

static int weigh(struct looking *l)
{
	int rc = 0;

	l->field = calloc((size_t)l->paths.n + 1, sizeof *l->field);
	if (!l->field)
		return -ENOMEM;
	if (l->nbursts)
		qsort(l->burst, l->nbursts, sizeof *l->burst, compare_bursts); /* l->at is of no use from here on */
	for (uint32_t from = 0, to; !rc && from < l->nbursts; from = to) {
		struct field *f = &l->field[l->burst[from].field];

		f->first = from;
		for (to = from; to < l->nbursts && l->burst[to].field == l->burst[from].field; to++) {
			f->bursts++;
			f->paths += is_path(l->values.text[l->burst[to].value]);
			if (is_good(l, &l->burst[to])) {
				f->several += l->burst[to].messages > 2;
				f->good++;
				f->good_lines += l->burst[to].lines;
			}
		}
		for (uint32_t i = from, n = 0; i < to; i++)
			if (is_good(l, &l->burst[i]) && n++ == f->good / 2)
				f->median_ns = l->burst[i].last_ns - l->burst[i].first_ns;
		if (f->good >= VALUES_LEAST && !(rc = begins(l, f, from, to)))
			rc = count_against(l, f, from, to);
	}
	return rc;
}

/* It goes along with a transaction, or there is hardly anything else. */
static bool goes_along(const struct looking *l, const struct field *f)
{
	return f->several * 2 >= f->good || f->good_lines * 2 >= l->lines;
}

/* Hardly more than one at a time. */
static bool is_brief(const struct looking *l, const struct field *f)
{
	return (double)f->median_ns * f->good <= 2.0 * (double)(l->last_ns - l->first_ns);
}

static bool has_paths(const struct field *f)
{
	return f->paths * 2 > f->bursts;
}

/* Of the values on such lines most are transactions, and most of these begin alike. Things that come and go have two
 * messages, too, and live as long as they like; a path is on the first and the last line of a request. */
static bool is_candidate(const struct looking *l, const struct field *f)
{
	if (f->good < VALUES_LEAST || f->good < f->against || f->begins * 2 < f->good)
		return false;
	return goes_along(l, f) || (!has_paths(f) && (f->good * 2 >= f->bursts || is_brief(l, f)));
}

/* paths: of those whose values are paths, else of the others. */
static uint32_t best_but(const struct looking *l, const bool *taken, bool paths)
{
	uint32_t best = INTERN_NONE;

	for (uint32_t i = 0; i < l->paths.n; i++)
		if (!taken[i] && has_paths(&l->field[i]) == paths && is_candidate(l, &l->field[i]) &&
		    (best == INTERN_NONE || l->field[i].good_lines > l->field[best].good_lines))
			best = i;
	return best;
}

/* Which values a field has, by number; free() it. */
static bool *values_of(const struct looking *l, uint32_t field)
{
	bool *has = calloc((size_t)l->values.n + 1, sizeof *has);

	for (uint32_t i = l->field[field].first; has && i < l->field[field].first + l->field[field].bursts; i++)
		has[l->burst[i].value] = true;
	return has;
}

/* Most of its values are among these, on the lines that have any of these: 1, 0 or -ENOMEM. */
static int has_most_of(const struct looking *l, const struct field *f, const bool *has)
{
	bool *keys = calloc((size_t)l->keys.n + 1, sizeof *keys);
	uint32_t n = 0, others = 0;

	if (!keys)
		return -ENOMEM;
	for (uint32_t i = f->first; i < f->first + f->bursts; i++)
		for (uint32_t k = 0; has[l->burst[i].value] && k < l->burst[i].messages; k++)
			keys[l->burst[i].keys[k]] = true;
	for (uint32_t i = f->first; i < f->first + f->bursts; i++) {
		n += has[l->burst[i].value];
		others += !has[l->burst[i].value] && has_key_of(&l->burst[i], keys);
	}
	free(keys);
	return n >= VALUES_LEAST && n * 10 >= (n + others) * 8;
}

/* ---- what is said ---- */

static int candidate_fill(const struct looking *l, uint32_t path, struct tidfield *out)
{
	const struct field *f = &l->field[path];
	struct tidfield_candidate *c = &out->v[out->n];

	*c = (struct tidfield_candidate){.path = strdup(l->paths.text[path].ptr),
	                                 .values = f->good,
	                                 .lines = f->good_lines,
	                                 .lines_each = (double)f->good_lines / f->good,
	                                 .median_ns = f->median_ns,
	                                 .share = (double)f->good_lines / l->lines};
	if (!c->path)
		return -ENOMEM;
	out->n++;
	return 0;
}

struct pair {
	const char *path[2];
	struct bytes value[2]; /* the innermost of each */
	bool has[2];
};

static int pair_take(void *arg, enum section section, struct slice text)
{
	struct pair *x = arg;
	struct member m;

	(void)section;
	for (int i = 0; i < 2; i++)
		if (!x->has[i] && member_at(text, x->path[i], &m)) {
			x->has[i] = true;
			x->value[i].len = 0;
			bytes_add(&x->value[i], m.value.ptr, m.value.len);
		}
	return x->value[0].failed || x->value[1].failed ? -ENOMEM : 0;
}

static bool pair_differs(const struct pair *x)
{
	return x->has[0] && x->has[1] &&
	       !slice_same((struct slice){x->value[0].ptr, x->value[0].len},
	                   (struct slice){x->value[1].ptr, x->value[1].len});
}

/* Whether there is a line where both stand, and are not the same: a parent's id beside one's own. */
static int differ(struct looking *l, struct store *s, const char *a, const char *b, bool *out)
{
	struct event_cursor *c = NULL;
	const struct event *e;
	struct pair x = {.path = {a, b}};
	int rc = event_cursor_open(s, &l->query, &c), got = 0;
	uint32_t n = 0;

	*out = false;
	while (!rc && !*out && n++ < l->lines && (got = event_cursor_next(c, &e)) == 1) {
		x.has[0] = x.has[1] = false;
		rc = each_object(&l->part, e, pair_take, &x);
		*out = !rc && pair_differs(&x);
	}
	event_cursor_close(c);
	bytes_free(&x.value[0]);
	bytes_free(&x.value[1]);
	return rc ? rc : got < 0 ? got : 0;
}

/* The best, and what names the same where that is not there: it has the same values, and never another beside it. */
static int choose(struct looking *l, struct store *s, uint32_t best, struct tidfield *out)
{
	const char *path = l->paths.text[best].ptr;
	bool *has = values_of(l, best), clear = true, other;
	struct bytes b = {0};
	int rc = has ? 0 : -ENOMEM;

	bytes_str(&b, path);
	for (uint32_t i = 0; i < l->paths.n && !rc; i++) {
		int same;

		if (i == best)
			continue;
		same = has_most_of(l, &l->field[i], has);
		if (same < 0) {
			rc = same;
			continue;
		}
		if (!same) {
			clear = clear && (!is_candidate(l, &l->field[i]) ||
			                  has_paths(&l->field[i]) != has_paths(&l->field[best]) ||
			                  l->field[i].good_lines * 2 <= l->field[best].good_lines);
			continue;
		}
		rc = differ(l, s, path, l->paths.text[i].ptr, &other);
		if (!rc && !other) {
			bytes_str(&b, ",");
			bytes_str(&b, l->paths.text[i].ptr);
		}
	}
	if (!rc && (b.failed || (clear && !(out->paths = strndup(b.ptr, b.len)))))
		rc = -ENOMEM;
	free(has);
	bytes_free(&b);
	return rc;
}

static int say(struct tidfield *out)
{
	struct bytes b = {0};
	char text[200];

	static const char none[] = "no line names a transaction, and no field has values that come in short bursts "
	                           "over several messages; --tid PATH says which field does";
	static const char unclear[] = "no line names a transaction, and it is not clear which field does; --tid PATH "
	                              "says it";

	bytes_str(&b, !out->n ? none : out->paths ? "no line names a transaction as others do, but " : unclear);
	if (out->paths) {
		bytes_str(&b, out->paths);
		bytes_str(&b, " does");
	}
	for (unsigned i = 0; i < out->n; i++) {
		const struct tidfield_candidate *c = &out->v[i];

		bytes_str(&b, i ? ", " : "; there are: ");
		bytes_str(&b, c->path);
		snprintf(text, sizeof text, " (%u values, %.1f lines each, %.3g ms, %.1f %% of the lines)", c->values,
		         c->lines_each, (double)c->median_ns / 1e6, 100 * c->share);
		bytes_str(&b, text);
	}
	out->why = b.failed ? NULL : strndup(b.ptr, b.len);
	bytes_free(&b);
	return out->why ? 0 : -ENOMEM;
}

/* Fields whose values are paths only where there are no others. */
static int decide(struct looking *l, struct store *s, struct tidfield *out)
{
	bool *taken = calloc((size_t)l->paths.n + 1, sizeof *taken), paths;
	uint32_t best = INTERN_NONE, path;
	int rc = taken ? 0 : -ENOMEM;

	paths = !rc && best_but(l, taken, false) == INTERN_NONE;
	while (!rc && out->n < TIDFIELD_SHOWN && (path = best_but(l, taken, paths)) != INTERN_NONE) {
		taken[path] = true;
		best = out->n ? best : path;
		rc = candidate_fill(l, path, out);
	}
	free(taken);
	if (!rc && out->n)
		rc = choose(l, s, best, out);
	return rc ? rc : say(out);
}

/* ---- the whole ---- */

void tidfield_done(struct tidfield *t)
{
	for (unsigned i = 0; i < t->n; i++)
		free(t->v[i].path);
	free(t->paths);
	free(t->why);
	*t = (struct tidfield){0};
}

int tidfield_find(struct store *s, int64_t run, struct tidfield *out)
{
	struct looking l = {.first_ns = INT64_MAX, .last_ns = INT64_MIN};
	struct event_cursor *c = NULL;
	struct stretch stretch;
	const struct event *e;
	int rc = stretch_find(s, run, TIDFIELD_LINES, &stretch), got = 0;

	*out = (struct tidfield){0};
	l.query =
	    (struct event_query){.run = run, .since_ns = stretch.since_ns, .until_ns = stretch.until_ns, .brief = true};
	if (!rc)
		rc = event_cursor_open(s, &l.query, &c);
	while (!rc && l.lines < 2 * TIDFIELD_LINES && (got = event_cursor_next(c, &e)) == 1)
		if (!(rc = event_complete(e)))
			rc = line(&l, e);
	if (!rc && got < 0)
		rc = got;
	event_cursor_close(c);
	if (!rc)
		rc = weigh(&l);
	if (!rc)
		rc = decide(&l, s, out);
	intern_done(&l.paths);
	intern_done(&l.values);
	intern_done(&l.keys);
	table_done(&l.at);
	free(l.burst);
	free(l.field);
	free(l.part.text);
	return rc;
}
