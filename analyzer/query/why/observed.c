/* SPDX-License-Identifier: GPL-3.0-or-later */
/* observed.c - the requests of both sides: by group, function and state, with the time of each phase.
 *
 * Rows are read in parts, which threads share where nothing but the rows is asked; what the parts number for themselves
 * is put together in their order, so that it comes out as if one had read them all. */
#include "base/arena.h"
#include "base/array.h"
#include "base/sql.h"
#include "base/text.h"
#include "model/phase_numbers.h"
#include "query/why/comparison.h"
#include "tables/phase_read.h"
#include "tables/place_parts.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What many requests have in common, by the order of ids (struct invocation_read); in texts. */
struct request_kind {
	int64_t run;
	const char *worker, *function, *status, *state; /* NULL: the database says nothing */
};

struct reading {
	struct query *q; /* the side's */
	struct side *side;
	struct observed *o;
	int at; /* A or B */
	enum { BY_FUNCTION, BY_WORKER, BY_HOUR, BY_VALUE } by;
	sqlite3_stmt *values; /* BY_VALUE: place and value, in the order of places; on a row where `more` */
	bool more, some;      /* some: a value was there */
	struct phases_known known;
	struct request_kind *kind;
	size_t nkinds, kinds_room;
	struct arena texts;
};

void observed_done(struct observed *o)
{
	for (int s = 0; s < SIDES; s++) {
		free(o->v[s]);
		narrow_done(&o->part[s].ns);
		narrow_done(&o->part[s].phase);
	}
	intern_done(&o->groups);
	intern_done(&o->functions);
	intern_done(&o->states);
	intern_done(&o->phases);
	intern_done(&o->keys);
	free(o->bucket);
	free(o->standing);
	*o = (struct observed){0};
}

static struct slice slice_of(const char *text, const char *otherwise)
{
	text = text ? text : otherwise;
	return (struct slice){text, strlen(text)};
}

/* ---- groups ---- */

static bool is_column(struct query *q, const char *name)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT 1 FROM pragma_table_info('invocation') WHERE name = ?1");
	bool found;

	sqlite3_bind_text(stmt, 1, name, -1, SQLITE_STATIC);
	found = query_next(q, stmt);
	sqlite3_finalize(stmt);
	return found;
}

#define PLACES                                                                                        \
	" FROM invocation i JOIN place p ON p.tid = i.tid JOIN invocation_row r ON r.id = p.id JOIN " \
	"invocation_kind k ON k.id = r.kind AND k.run = i.run WHERE ?1 IN (0, i.run) ORDER BY p.id"

static void prepare_values(struct reading *r, const char *by)
{
	struct text sql = {0};

	if (is_column(r->q, by))
		text_printf(&sql, "SELECT p.id, i.\"%s\"" PLACES, by);
	else
		text_puts(&sql, "SELECT p.id, (SELECT field(e.event, ?2) FROM event e WHERE e.run = i.run AND e.tid = "
		                "i.tid AND field(e.event, ?2) IS NOT NULL LIMIT 1)" PLACES);
	if (!r->q->status && query_ok(r->q, sql.failed ? -ENOMEM : 0, "memory"))
		r->values = query_prepare(r->q, text_str(&sql));
	sqlite3_bind_int64(r->values, 1, r->side->run);
	if (r->values && sqlite3_bind_parameter_count(r->values) > 1)
		sqlite3_bind_text(r->values, 2, by, -1, SQLITE_STATIC);
	r->more = query_next(r->q, r->values);
	text_done(&sql);
}

static struct slice value_of(struct reading *r, int64_t place)
{
	struct slice v;

	while (r->more && sqlite3_column_int64(r->values, 0) < place)
		r->more = query_next(r->q, r->values);
	if (!r->more || sqlite3_column_int64(r->values, 0) != place)
		return SLICE("(none)");
	v = column_slice(r->values, 1);
	r->some |= v.ptr != NULL;
	return v.ptr ? v : SLICE("(none)");
}

/* The hour of the day on the log's clock. */
static struct slice hour_of(struct reading *r, const struct request_kind *k, int64_t at_ns, char buf[16])
{
	time_t t = (time_t)(at_ns / 1000000000 - query_clock(r->q, k->run, at_ns));
	struct tm tm;

	return (struct slice){buf, gmtime_r(&t, &tm) ? strftime(buf, 16, "%H:00", &tm) : 0};
}

static int find_bucket(struct reading *r, const struct request_kind *k, int64_t place, int64_t at_ns, uint32_t *out)
{
	struct observed *o = r->o;
	struct slice function = slice_of(k->function, "(unknown)"), group = function;
	struct bucket b;
	char hour[16];
	int rc;

	if (r->by == BY_WORKER)
		group = slice_of(k->worker, "(unknown)");
	else if (r->by == BY_HOUR)
		group = hour_of(r, k, at_ns, hour);
	else if (r->by == BY_VALUE)
		group = value_of(r, place);
	if ((rc = intern_add(&o->groups, group, &b.group)) || (rc = intern_add(&o->functions, function, &b.function)) ||
	    (rc = intern_add(&o->states, slice_of(k->state, ""), &b.state)) ||
	    (rc = intern_add(&o->keys, (struct slice){(const char *)&b, sizeof b}, out)))
		return rc;
	if (array_reserve(o->bucket, o->buckets_room, o->keys.n))
		return -ENOMEM;
	o->bucket[*out] = b;
	return 0;
}

/* ---- phases ---- */

/* 0 or -ENOMEM: parts are numbered in 32 bits. */
static int put_last(struct parts_seen *parts, int64_t ns, uint32_t phase)
{
	size_t i = parts->ns.n;
	int rc = i < UINT32_MAX ? narrow_put(&parts->ns, i, ns) : -ENOMEM;

	return rc ? rc : narrow_put(&parts->phase, i, phase);
}

/* A phase of several attempts is their sum. */
static int put_part(struct reading *r, struct request_seen *q, const struct phase *ph, int ord)
{
	struct observed *o = r->o;
	struct parts_seen *parts = &o->part[r->at];
	int64_t ns = ph->end_ns - ph->start_ns;
	uint32_t phase;
	int rc = phase_number_of(&r->known, &r->o->phases, ph, &phase);

	if (rc)
		return rc;
	if (array_reserve_zeroed(o->standing, o->standing_room, phase + 1))
		return -ENOMEM;
	o->standing[phase].sum += ord;
	o->standing[phase].n++;
	q->ns += ns;
	for (uint32_t i = q->first_part; i < q->first_part + q->nparts; i++)
		if (narrow_at(&parts->phase, i) == phase)
			return narrow_put(&parts->ns, i, narrow_at(&parts->ns, i) + ns);
	q->nparts++;
	return put_last(parts, ns, phase);
}

static bool outside(const struct side *s, int64_t at_ns)
{
	return (s->since_ns != NO_NS && at_ns < s->since_ns) || (s->until_ns != NO_NS && at_ns >= s->until_ns);
}

/* When it arrived: the first that is known of it. */
static int64_t arrival_of(const struct invocation_read *i, const struct phases *phases)
{
	return i->sent_ns != NO_NS      ? i->sent_ns
	       : i->arrived_ns != NO_NS ? i->arrived_ns
	       : phases->n              ? phases->v[0].start_ns
	                                : i->insert_ns;
}

static int put_request(struct reading *r, const struct invocation_read *i, const struct phases *phases)
{
	struct observed *o = r->o;
	int64_t at = arrival_of(i, phases);
	const struct request_kind *k = &r->kind[i->kind];
	struct request_seen *q;
	int rc = 0;

	if ((r->side->run && k->run != r->side->run) || outside(r->side, at))
		return 0;
	q = array_add(o->v[r->at], o->n[r->at], o->room[r->at]);
	if (!q || o->n[r->at] > UINT32_MAX)
		return -ENOMEM;
	*q = (struct request_seen){.at_ns = at,
	                           .first_part = (uint32_t)o->part[r->at].ns.n,
	                           .answered = i->ok && phases->n,
	                           .failed = k->status && !strcmp(k->status, "failed"),
	                           .cold = k->state && !strcmp(k->state, "cold")};
	for (int p = 0; q->answered && p < phases->n && !rc; p++)
		rc = put_part(r, q, &phases->v[p], p);
	return rc ? rc : find_bucket(r, k, i->place, at, &q->bucket);
}

/* ---- a side ---- */

static void find_ends(struct reading *r)
{
	int64_t *first = &r->o->first_ns[r->at], *last = &r->o->last_ns[r->at];

	*first = *last = NO_NS;
	for (size_t i = 0; i < r->o->n[r->at]; i++) {
		int64_t at = r->o->v[r->at][i].at_ns;

		if (at == NO_NS)
			continue;
		*first = *first == NO_NS || at < *first ? at : *first;
		*last = *last == NO_NS || at > *last ? at : *last;
	}
	if (*first == NO_NS)
		return;
	*first = r->side->since_ns != NO_NS ? r->side->since_ns : *first;
	*last = r->side->until_ns != NO_NS ? r->side->until_ns : *last;
	for (size_t i = 0; i < r->o->n[r->at]; i++)
		r->o->v[r->at][i].cell = (uint8_t)stretch_cell(r->o->v[r->at][i].at_ns, *first, *last);
}

static void choose_groups(struct reading *r, const char *by)
{
	r->by = !strcmp(by, "function") ? BY_FUNCTION
	        : !strcmp(by, "worker") ? BY_WORKER
	        : !strcmp(by, "hour")   ? BY_HOUR
	                                : BY_VALUE;
	if (r->by == BY_VALUE)
		prepare_values(r, by);
}

static const char *text_of(struct reading *r, sqlite3_stmt *st, int i)
{
	struct slice v = column_slice(st, i);

	return v.ptr ? arena_text(&r->texts, v.ptr, v.len) : NULL;
}

static void read_kinds(struct reading *r)
{
	sqlite3_stmt *st = query_prepare(
	    r->q, "SELECT run, worker, coalesce(function_name, fqdn), status, state FROM invocation_kind ORDER "
	          "BY id");
	struct request_kind *k;

	while (query_next(r->q, st)) {
		k = array_add(r->kind, r->nkinds, r->kinds_room);
		if (!query_ok(r->q, k ? 0 : -ENOMEM, "memory"))
			break;
		*k = (struct request_kind){sqlite3_column_int64(st, 0), text_of(r, st, 1), text_of(r, st, 2),
		                           text_of(r, st, 3), text_of(r, st, 4)};
	}
	query_ok(r->q, r->texts.failed ? -ENOMEM : 0, "memory");
	sqlite3_finalize(st);
}

/* The sides of one database, and what was read of each part of its rows. */
struct sides {
	struct reading r[SIDES];
	int n;
	struct place_part of[PLACE_PARTS];
	struct observed part[PLACE_PARTS];
	int nparts;
};

/* Requests of all sides that are of one database: read once. */
static int read_part(void *arg, sqlite3 *db, size_t i)
{
	struct sides *w = arg;
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	struct reading r[SIDES];
	int rc = phase_reader_open_places(db, w->of[i].first, w->of[i].last, &reader);

	for (int s = 0; s < w->n; s++) {
		r[s] = w->r[s];
		r[s].o = &w->part[i];
	}
	while (!rc && !r->q->status && (rc = phase_reader_next(reader, &phases)) == 1) {
		const struct invocation_read *of = phase_reader_at(reader);

		rc = query_interrupted ? -EINTR : of->kind >= r->nkinds ? -EBADMSG : 0;
		for (int s = 0; s < w->n && !rc; s++)
			rc = put_request(&r[s], of, phases);
	}
	phase_reader_close(reader);
	for (int s = 0; s < w->n && w->nparts == 1; s++)
		w->r[s].some |= r[s].some;
	return rc;
}

/* What a part has numbered, by the numbers of the whole. */
struct numbers {
	uint32_t *phase, *bucket;
};

static int join_phases(struct observed *to, const struct observed *from, uint32_t *phase)
{
	int rc = 0;

	for (uint32_t i = 0; i < from->phases.n && !rc; i++) {
		rc = intern_add(&to->phases, from->phases.text[i], &phase[i]);
		if (!rc)
			rc = array_reserve_zeroed(to->standing, to->standing_room, phase[i] + 1);
		if (rc || i >= from->standing_room)
			continue;
		to->standing[phase[i]].sum += from->standing[i].sum;
		to->standing[phase[i]].n += from->standing[i].n;
	}
	return rc;
}

static int join_buckets(struct observed *to, const struct observed *from, uint32_t *bucket)
{
	int rc = 0;

	for (uint32_t i = 0; i < from->keys.n && !rc; i++) {
		struct bucket was = from->bucket[i], b;

		if ((rc = intern_add(&to->groups, from->groups.text[was.group], &b.group)) ||
		    (rc = intern_add(&to->functions, from->functions.text[was.function], &b.function)) ||
		    (rc = intern_add(&to->states, from->states.text[was.state], &b.state)) ||
		    (rc = intern_add(&to->keys, (struct slice){(const char *)&b, sizeof b}, &bucket[i])) ||
		    (rc = array_reserve(to->bucket, to->buckets_room, to->keys.n)))
			return rc;
		to->bucket[bucket[i]] = b;
	}
	return rc;
}

/* The requests of one side, behind those that are there; for them, not for their parts, there is room. */
static int join_side(struct observed *to, struct observed *from, int s, const struct numbers *is)
{
	struct request_seen *v = to->v[s] + to->n[s];
	const struct parts_seen *parts = &from->part[s];
	uint32_t first = (uint32_t)to->part[s].ns.n;
	int rc = 0;

	for (size_t i = 0; i < from->n[s]; i++) {
		v[i] = from->v[s][i];
		v[i].bucket = is->bucket[v[i].bucket];
		v[i].first_part += first;
	}
	for (size_t i = 0; i < parts->ns.n && !rc; i++)
		rc = put_last(&to->part[s], narrow_at(&parts->ns, i), is->phase[narrow_at(&parts->phase, i)]);
	to->n[s] += from->n[s];
	return rc;
}

static int join_part(struct observed *to, struct observed *from, int first, int last)
{
	struct numbers is = {malloc(((size_t)from->phases.n + 1) * sizeof *is.phase),
	                     malloc(((size_t)from->keys.n + 1) * sizeof *is.bucket)};
	int rc = is.phase && is.bucket ? join_phases(to, from, is.phase) : -ENOMEM;

	if (!rc)
		rc = join_buckets(to, from, is.bucket);
	for (int s = first; s <= last && !rc; s++)
		rc = join_side(to, from, s, &is);
	free(is.phase);
	free(is.bucket);
	observed_done(from);
	return rc;
}

static int reserve_all(struct observed *to, const struct sides *w, int s)
{
	size_t n = 0;

	for (int k = 0; k < w->nparts; k++)
		n += w->part[k].n[s];
	return n > UINT32_MAX ? -ENOMEM : array_reserve(to->v[s], to->room[s], n + 1);
}

/* The parts as one. */
static int join(struct sides *w, struct observed *o, int first)
{
	int last = first + w->n - 1, rc = 0;

	for (int s = first; s <= last && !rc; s++)
		rc = reserve_all(o, w, s);
	for (int k = 0; k < w->nparts && !rc; k++)
		rc = join_part(o, &w->part[k], first, last);
	return rc;
}

static int read_rows(struct sides *w, struct observed *o)
{
	const struct reading *r = w->r;
	bool shared = r->by == BY_FUNCTION || r->by == BY_WORKER; /* others ask the database for each */
	int rc = parts_of_places(r->q->db, w->of);

	w->nparts = rc < 0 ? 0 : shared ? rc : 1;
	if (!shared)
		w->of[0] = (struct place_part){INT64_MIN, INT64_MAX};
	if (rc > 0)
		rc = place_parts_read(r->q->db, shared ? r->q->store : NULL, (size_t)w->nparts, read_part, w);
	if (!rc)
		rc = join(w, o, r->at);
	for (int k = 0; k < w->nparts; k++)
		observed_done(&w->part[k]);
	return rc;
}

/* n sides of one database, from `at` on. Whether --by finds something in them. */
static bool read_sides(struct side *sides, const char *by, int at, int n, struct observed *o)
{
	struct sides w = {.n = n};
	struct reading *r = w.r;
	bool some = false, failed = false;

	for (int s = 0; s < n; s++) {
		r[s] = (struct reading){.q = &sides[at + s].q, .side = &sides[at + s], .o = o, .at = at + s};
		read_kinds(&r[s]);
		choose_groups(&r[s], by);
		failed |= r[s].q->status != DONE;
	}
	if (!failed)
		query_ok(r[0].q, read_rows(&w, o), sides[at].path);
	for (int s = 0; s < n; s++) {
		some |= r[s].some || r[s].by != BY_VALUE;
		sqlite3_finalize(r[s].values);
		free(r[s].kind);
		arena_done(&r[s].texts);
		find_ends(&r[s]);
	}
	return some;
}

void observed_read(struct query *q, struct side sides[SIDES], const char *by, struct observed *o)
{
	bool one = sides[A].q.db == sides[B].q.db, some = read_sides(sides, by, A, one ? SIDES : 1, o);

	if (!one && !sides[A].q.status)
		some |= read_sides(sides, by, B, 1, o);
	for (int s = 0; s < SIDES; s++)
		side_told(q, &sides[s]);
	if (!q->status && !some)
		query_fail(q, USAGE,
		           "--by %s: it is one of function, worker, hour, a column of the table invocation, or a "
		           "field of the requests' lines",
		           by);
}
