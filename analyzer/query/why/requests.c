/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.c - see requests.h
 *
 * The rows of all invocations are read as they stand, by number of their transaction, in parts that threads share, and
 * what many of them have in common once; then they are put in the order of run and tid. Names and phases are numbered
 * by who has them first in that order: requests whose phases have the same names, one after the other, have one
 * pattern. */
#include "query/why/requests.h"
#include "base/array.h"
#include "base/sql.h"
#include "base/threads.h"
#include "tables/phase_read.h"
#include "tables/place_parts.h"
#include "tables/tids.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What many requests have in common, by the order of ids (struct invocation_read). */
struct kind {
	struct slice run, function, worker, state, status, compute; /* ptr NULL: not known; in reading.texts */
	int64_t run_id, offset_s;
	int32_t attempts;
	bool wanted, unfinished, numbered;
	struct request like; /* with the numbers of these names, once numbered */
};

/* A phase's name and state are the same pointers in each request. */
struct known_phase {
	const char *name, *state;
	bool open;
	uint32_t number;
};

/* One phase of all requests of a part, in the order of their rows. */
struct row_column {
	int64_t *ns;
	uint32_t room;
};

enum { KNOWN = 64 };
enum { AHEAD = 16 }; /* requests whose rows are fetched: they stand anywhere */

/* What was read of one part of the rows. */
struct part {
	/* by request, in the order of rows; n of them */
	struct request *v;
	uint32_t *kind_of, *pattern;
	int64_t *place;
	uint32_t n, room, kind_of_room, pattern_room, place_room;
	int64_t unfinished;
	struct intern names, patterns; /* of phases, as they are met; a pattern: numbers of names */
	struct known_phase known[KNOWN];
	size_t nknown;
	struct row_column *column; /* by number of the name */
	uint32_t columns_room;
	uint32_t last_pattern;
	uint32_t *names_of; /* of the request at hand */
	uint32_t names_room;
	uint32_t *name;    /* by number of the name: that of reading.names */
	uint8_t *numbered; /* by pattern: its names have numbers of requests.phases */
};

/* A row: of which part, and the how manieth there. */
struct row_at {
	uint32_t part, row;
};

struct requests_reading {
	struct requests *r;
	struct kind *kind;
	size_t nkinds, kinds_room;
	struct arena texts;
	struct place_part of[PLACE_PARTS];
	struct part part[PLACE_PARTS];
	int nparts;
	uint32_t n; /* rows of all parts */
	struct tids tids;
	struct intern names; /* of phases, of all parts */
	uint32_t *number;    /* by number of the name: that of requests.phases; REQUEST_PHASES: none yet */
	struct row_at *order;
};

/* ---- what they have in common ---- */

static struct slice kept(struct requests_reading *rd, sqlite3_stmt *st, int column)
{
	struct slice s = column_slice(st, column);

	return s.ptr ? (struct slice){arena_text(&rd->texts, s.ptr, s.len), s.len} : SLICE_NONE;
}

static void read_kinds(struct query *q, struct requests_reading *rd, const char *function)
{
	static const char sql[] =
	    "SELECT k.run, coalesce(k.function_name, k.fqdn, '?'), k.worker, k.state, k.status, k.compute, k.attempts, "
	    "r.offset_s, r.id IS NOT NULL AND ?1 IN (0, k.run) AND (?2 IS NULL OR CASE WHEN ?3 THEN "
	    "coalesce(k.function_name, k.fqdn, '?') GLOB ?2 ELSE coalesce(k.function_name, k.fqdn, '?') = ?2 END), "
	    "CAST(k.run AS TEXT) FROM invocation_kind k LEFT JOIN run r ON r.id = k.run ORDER BY k.id";
	sqlite3_stmt *st = query_prepare(q, sql);
	struct kind *k;

	sqlite3_bind_int64(st, 1, query_run(q));
	sqlite3_bind_text(st, 2, function, -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 3, function && strpbrk(function, "*?"));
	while (query_next(q, st)) {
		k = array_add(rd->kind, rd->nkinds, rd->kinds_room);
		if (!query_ok(q, k ? 0 : -ENOMEM, q->command))
			break;
		*k = (struct kind){.run_id = sqlite3_column_int64(st, 0),
		                   .function = kept(rd, st, 1),
		                   .worker = kept(rd, st, 2),
		                   .state = kept(rd, st, 3),
		                   .status = kept(rd, st, 4),
		                   .compute = kept(rd, st, 5),
		                   .attempts = sqlite3_column_int(st, 6),
		                   .offset_s = sqlite3_column_int64(st, 7),
		                   .wanted = sqlite3_column_int(st, 8),
		                   .run = kept(rd, st, 9)};
		k->unfinished = slice_is(k->status, "unfinished");
	}
	query_ok(q, rd->texts.failed ? -ENOMEM : 0, q->command);
	sqlite3_finalize(st);
}

/* ---- rows ---- */

static int name_number(struct part *p, const struct phase *ph, uint32_t *out)
{
	char name[PHASE_NAME_MAX];
	size_t i = 0;
	int rc;

	while (i < p->nknown &&
	       (p->known[i].name != ph->name || p->known[i].state != ph->state || p->known[i].open != ph->open))
		i++;
	if (i < p->nknown) {
		*out = p->known[i].number;
		return 0;
	}
	phase_name(ph, name);
	rc = intern_add(&p->names, (struct slice){name, strlen(name)}, out);
	if (!rc && i < KNOWN)
		p->known[p->nknown++] = (struct known_phase){ph->name, ph->state, ph->open, *out};
	return rc;
}

/* What the phases of request i took. */
static int put_phases(struct part *p, uint32_t i, const struct phases *phases)
{
	struct slice last = intern_text(&p->patterns, p->last_pattern), own;

	if (array_reserve(p->names_of, p->names_room, phases->n))
		return -ENOMEM;
	for (int n = 0; n < phases->n; n++) {
		const struct phase *ph = &phases->v[n];
		struct row_column *c;
		uint32_t k;
		int rc = name_number(p, ph, &k);

		if (rc || (rc = array_reserve_zeroed(p->column, p->columns_room, k + 1)))
			return rc;
		c = &p->column[k];
		if (array_reserve_zeroed(c->ns, c->room, i + 1))
			return -ENOMEM;
		c->ns[i] += ph->end_ns - ph->start_ns;
		p->v[i].ns += ph->end_ns - ph->start_ns;
		p->names_of[n] = k;
	}
	own = (struct slice){(const char *)p->names_of, (size_t)phases->n * sizeof *p->names_of};
	if (!last.ptr || !slice_same(own, last)) {
		int rc = intern_add(&p->patterns, own, &p->last_pattern);

		if (rc)
			return rc;
	}
	p->pattern[i] = p->last_pattern;
	return 0;
}

static int64_t first_known(int64_t a, int64_t b)
{
	return a != NO_NS ? a : b;
}

static int put_request(const struct requests_reading *rd, struct part *p, const struct invocation_read *in,
                       const struct phases *phases)
{
	const struct kind *k = in->kind < rd->nkinds ? &rd->kind[in->kind] : NULL;
	uint32_t i = p->n;
	int rc;

	if (!k)
		return -EBADMSG;
	if (!k->wanted)
		return 0;
	if (k->unfinished || !phases->n) {
		p->unfinished++;
		return 0;
	}
	if (array_reserve(p->v, p->room, i + 1) || array_reserve(p->kind_of, p->kind_of_room, i + 1) ||
	    array_reserve(p->pattern, p->pattern_room, i + 1) || array_reserve(p->place, p->place_room, i + 1))
		return -ENOMEM;
	p->kind_of[i] = (uint32_t)in->kind;
	p->place[i] = in->place;
	p->v[i] = (struct request){.began_ns = phases->v[0].start_ns,
	                           .arrived_ns = first_known(in->arrived_ns, in->insert_ns),
	                           .removed_ns = in->remove_ns,
	                           .started_ns = in->start_ns,
	                           .ended_ns = in->end_ns,
	                           .offset_s = k->offset_s,
	                           .load = in->insert_load,
	                           .attempts = k->attempts};
	rc = put_phases(p, i, phases);
	p->n += !rc;
	return rc;
}

/* The ids, then one part of the rows after the other. */
static int read_part(void *arg, sqlite3 *db, size_t i)
{
	struct requests_reading *rd = arg;
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc;

	if (i == 0)
		return tids_read(db, &rd->tids);
	rc = phase_reader_open_places(db, rd->of[i - 1].first, rd->of[i - 1].last, &reader);
	while (!rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = query_interrupted ? -EINTR : put_request(rd, &rd->part[i - 1], phase_reader_at(reader), phases);
	phase_reader_close(reader);
	return rc;
}

/* The parts' names of phases as one list. */
static int join_names(struct requests_reading *rd)
{
	int rc = 0;

	for (int k = 0; k < rd->nparts && !rc; k++) {
		struct part *p = &rd->part[k];

		p->name = calloc((size_t)p->names.n + 1, sizeof *p->name);
		p->numbered = calloc((size_t)p->patterns.n + 1, 1);
		rc = p->name && p->numbered ? 0 : -ENOMEM;
		for (uint32_t i = 0; i < p->names.n && !rc; i++)
			rc = intern_add(&rd->names, p->names.text[i], &p->name[i]);
		rd->n += p->n;
		rd->r->unfinished += p->unfinished;
	}
	rd->number = rc ? NULL : malloc(((size_t)rd->names.n + 1) * sizeof *rd->number);
	for (uint32_t i = 0; i < rd->names.n && rd->number; i++)
		rd->number[i] = REQUEST_PHASES;
	return rc ? rc : rd->number ? 0 : -ENOMEM;
}

static int read_rows(struct query *q, struct requests_reading *rd)
{
	int rc = rd->nparts = parts_of_places(q->db, rd->of);

	for (int k = 0; k < rd->nparts; k++)
		rd->part[k].last_pattern = INTERN_NONE;
	if (rc > 0)
		rc = place_parts_read(q->db, q->store, (size_t)rd->nparts + 1, read_part, rd);
	return rc ? rc : join_names(rd);
}

/* ---- their order ---- */

struct by_run {
	int64_t run;
	uint32_t n; /* requests, then where its next one goes */
};

static int by_run_id(const void *a, const void *b)
{
	const struct by_run *x = a, *y = b;

	return (x->run > y->run) - (x->run < y->run);
}

/* Where the requests of each run begin; *out is yours. */
static int find_runs(const struct requests_reading *rd, struct by_run **out, size_t *n)
{
	struct by_run *v = calloc(rd->nkinds + 1, sizeof *v);
	uint32_t *of = calloc(rd->nkinds + 1, sizeof *of), sum = 0;
	size_t runs = 0;

	*out = v;
	if (!v || !of) {
		free(of);
		return -ENOMEM;
	}
	for (int k = 0; k < rd->nparts; k++)
		for (uint32_t i = 0; i < rd->part[k].n; i++)
			of[rd->part[k].kind_of[i]]++;
	for (size_t k = 0; k < rd->nkinds; k++) {
		size_t at = 0;

		while (at < runs && v[at].run != rd->kind[k].run_id)
			at++;
		if (at == runs)
			v[runs++].run = rd->kind[k].run_id;
		v[at].n += of[k];
	}
	qsort(v, runs, sizeof *v, by_run_id);
	for (size_t k = 0; k < runs; k++) {
		uint32_t many = v[k].n;

		v[k].n = sum;
		sum += many;
	}
	*n = runs;
	free(of);
	return 0;
}

struct ordering {
	struct requests_reading *rd;
	struct by_run *run;
	size_t runs;
	uint32_t begin[PLACE_PARTS]; /* of each part: its first row among all */
};

static struct row_at row_at(const struct ordering *o, uint32_t row)
{
	uint32_t part = (uint32_t)o->rd->nparts - 1;

	while (part && row < o->begin[part])
		part--;
	return (struct row_at){part, row - o->begin[part]};
}

static int take_tid(void *arg, uint32_t row, size_t i)
{
	struct ordering *o = arg;
	struct row_at at = row_at(o, row);
	struct part *p = &o->rd->part[at.part];
	int64_t run = o->rd->kind[p->kind_of[at.row]].run_id;
	size_t k = 0;

	while (k + 1 < o->runs && o->run[k].run != run)
		k++;
	o->rd->order[o->run[k].n++] = at;
	p->v[at.row].tid = o->rd->tids.at[i];
	return 0;
}

static int find_order(struct requests_reading *rd)
{
	struct ordering o = {.rd = rd};
	int64_t *place = malloc(((size_t)rd->n + 1) * sizeof *place);
	int rc = place ? find_runs(rd, &o.run, &o.runs) : -ENOMEM;
	uint32_t n = 0;

	for (int k = 0; k < rd->nparts && !rc; k++) {
		o.begin[k] = n;
		if (rd->part[k].n)
			memcpy(place + n, rd->part[k].place, rd->part[k].n * sizeof *place);
		n += rd->part[k].n;
	}
	if (!rc)
		rc = tids_walk(&rd->tids, place, n, take_tid, &o);
	free(place);
	free(o.run);
	return rc;
}

/* ---- numbers, in that order ---- */

static int number_kind(struct requests *r, struct kind *k)
{
	const struct {
		struct intern *in;
		struct slice text;
		uint32_t *out;
	} names[] = {{&r->runs, k->run, &k->like.run},          {&r->functions, k->function, &k->like.function},
	             {&r->workers, k->worker, &k->like.worker}, {&r->words, k->state, &k->like.state},
	             {&r->words, k->status, &k->like.status},   {&r->words, k->compute, &k->like.compute}};
	int rc = 0;

	for (size_t i = 0; i < sizeof names / sizeof *names && !rc; i++) {
		*names[i].out = INTERN_NONE;
		rc = names[i].text.ptr ? intern_add(names[i].in, names[i].text, names[i].out) : 0;
	}
	k->numbered = !rc;
	return rc;
}

static int number_pattern(struct requests_reading *rd, struct part *p, uint32_t pattern)
{
	static const char other[] = "other phases";
	struct slice s = p->patterns.text[pattern];
	int rc = 0;

	for (size_t i = 0; i < s.len / sizeof(uint32_t) && !rc; i++) {
		uint32_t name, *number;

		memcpy(&name, s.ptr + i * sizeof name, sizeof name);
		number = &rd->number[p->name[name]];
		if (*number < REQUEST_PHASES)
			continue;
		rc = rd->r->phases.n >= REQUEST_PHASES - 1
		         ? intern_add(&rd->r->phases, (struct slice){other, sizeof other - 1}, number)
		         : intern_add(&rd->r->phases, p->names.text[name], number);
	}
	p->numbered[pattern] = !rc;
	return rc;
}

static void number_request(struct request *to, const struct kind *k)
{
	to->run = k->like.run;
	to->function = k->like.function;
	to->worker = k->like.worker;
	to->state = k->like.state;
	to->status = k->like.status;
	to->compute = k->like.compute;
}

static void fetch_row(const struct requests_reading *rd, uint32_t i)
{
	struct row_at at = i < rd->n ? rd->order[i] : rd->order[rd->n - 1];
	const struct part *p = &rd->part[at.part];

	__builtin_prefetch(&p->v[at.row]);
	__builtin_prefetch(&p->v[at.row + 1]);
	__builtin_prefetch(&p->kind_of[at.row]);
	__builtin_prefetch(&p->pattern[at.row]);
}

/* The requests, then the columns, one after the other. */
static int put_requests(struct requests_reading *rd)
{
	struct requests *r = rd->r;
	int rc = 0;

	r->v = malloc(((size_t)rd->n + 1) * sizeof *r->v);
	if (!r->v)
		return -ENOMEM;
	for (; r->n < rd->n && !rc; r->n++) {
		struct row_at at = rd->order[r->n];
		struct part *p = &rd->part[at.part];
		struct kind *k = &rd->kind[p->kind_of[at.row]];

		fetch_row(rd, r->n + AHEAD);
		if (!k->numbered)
			rc = number_kind(r, k);
		if (!rc && !p->numbered[p->pattern[at.row]])
			rc = number_pattern(rd, p, p->pattern[at.row]);
		r->v[r->n] = p->v[at.row];
		number_request(&r->v[r->n], k);
	}
	return rc;
}

/* Where the columns of a name are in the parts. */
static void find_columns(const struct requests_reading *rd, uint32_t name, struct row_column of[PLACE_PARTS])
{
	for (int k = 0; k < rd->nparts; k++) {
		const struct part *p = &rd->part[k];

		of[k] = (struct row_column){0};
		for (uint32_t i = 0; i < p->names.n && i < p->columns_room; i++)
			if (p->name[i] == name)
				of[k] = p->column[i];
	}
}

/* One column, of all names that have its number; threads share the columns. */
static int put_column(void *arg, size_t number)
{
	struct requests_reading *rd = arg;
	struct requests *r = rd->r;
	struct row_column of[PLACE_PARTS];
	int64_t *to = calloc((size_t)r->n + 1, sizeof *to);

	r->ns[number] = to;
	for (uint32_t name = 0; to && name < rd->names.n; name++) {
		if (rd->number[name] != number)
			continue;
		find_columns(rd, name, of);
		for (uint32_t i = 0; i < r->n; i++) {
			struct row_at at = rd->order[i];

			to[i] += at.row < of[at.part].room ? of[at.part].ns[at.row] : 0;
		}
	}
	return to ? 0 : -ENOMEM;
}

static int put_in_order(struct requests_reading *rd)
{
	int rc;

	rd->order = malloc(((size_t)rd->n + 1) * sizeof *rd->order);
	rc = rd->order ? find_order(rd) : -ENOMEM;
	if (!rc)
		rc = put_requests(rd);
	if (!rc)
		rc = threads_each(rd->r->phases.n, put_column, rd);
	rd->r->tids = rd->tids.texts;
	rd->tids.texts = (struct text){0};
	return rc;
}

static void part_done(struct part *p)
{
	for (uint32_t k = 0; k < p->columns_room; k++)
		free(p->column[k].ns);
	free(p->column);
	free(p->v);
	free(p->kind_of);
	free(p->pattern);
	free(p->place);
	free(p->names_of);
	free(p->name);
	free(p->numbered);
	intern_done(&p->names);
	intern_done(&p->patterns);
}

void requests_cancel(struct requests_reading *rd)
{
	if (!rd)
		return;
	for (int k = 0; k < rd->nparts; k++)
		part_done(&rd->part[k]);
	free(rd->kind);
	free(rd->number);
	free(rd->order);
	tids_done(&rd->tids);
	intern_done(&rd->names);
	arena_done(&rd->texts);
	free(rd);
}

static struct requests_reading *reading_new(struct query *q, const char *function, struct requests *out)
{
	struct requests_reading *rd = calloc(1, sizeof *rd);

	*out = (struct requests){0};
	if (!query_ok(q, rd ? 0 : -ENOMEM, q->command)) {
		free(rd);
		return NULL;
	}
	rd->r = out;
	read_kinds(q, rd, function);
	return rd;
}

void requests_read(struct query *q, const char *function, struct requests *out)
{
	struct requests_reading *rd = reading_new(q, function, out);
	int rc = q->status ? 0 : read_rows(q, rd);

	if (!rc && !q->status)
		rc = put_in_order(rd);
	query_ok(q, rc, q->path);
	requests_cancel(rd);
}

/* ---- beside others: one part, which is put in as the rows come ---- */

struct requests_reading *requests_begin(struct query *q, struct requests *out)
{
	struct requests_reading *rd = reading_new(q, NULL, out);

	if (rd) {
		rd->nparts = 1;
		rd->part[0].last_pattern = INTERN_NONE;
	}
	return rd;
}

int requests_take(void *reading, const struct invocation_read *of, const struct phases *phases)
{
	struct requests_reading *rd = reading;

	return put_request(rd, &rd->part[0], of, phases);
}

uint32_t requests_taken(const struct requests_reading *rd)
{
	return rd->part[0].n;
}

void requests_end(struct query *q, struct requests_reading *rd)
{
	int rc = q->status || !rd ? 0 : tids_read(q->db, &rd->tids);

	if (!rc && !q->status && rd && !(rc = join_names(rd)))
		rc = put_in_order(rd);
	query_ok(q, rc, q->path);
	requests_cancel(rd);
}

void requests_done(struct requests *r)
{
	free(r->v);
	for (int k = 0; k < REQUEST_PHASES; k++)
		free(r->ns[k]);
	intern_done(&r->runs);
	intern_done(&r->functions);
	intern_done(&r->workers);
	intern_done(&r->words);
	intern_done(&r->phases);
	text_done(&r->tids);
}

const char *request_tid(const struct requests *r, uint32_t i)
{
	return r->tids.ptr + r->v[i].tid;
}
