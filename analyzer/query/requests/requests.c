/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.c - see requests.h
 *
 * The rows of all invocations are read as they stand, by number of their transaction, in parts that threads share, and
 * what many of them have in common once; then they are put in the order of run and tid. Names and phases are numbered
 * by who has them first in that order: requests whose phases have the same names, one after the other, have one
 * pattern. */
#include "query/requests/requests.h"
#include "base/array.h"
#include "base/sql.h"
#include "base/threads.h"
#include "model/phase_numbers.h"
#include "tables/phase_read.h"
#include "tables/place_parts.h"
#include "tables/tids.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What many requests have in common, by the order of ids (struct invocation_read). */
struct kind {
	struct slice run, function, worker, state, status, compute; /* ptr NULL: not known; in reading.texts */
	int64_t run_id;
	bool wanted, unfinished, numbered; /* numbered: those of its names stand in requests.kind */
};

/* What was read of one part of the rows. */
struct part {
	/* by request, in the order of rows; n of them */
	struct narrow column[REQUEST_OF_PHASE]; /* without their ids */
	struct narrow pattern, place;
	struct narrow *phase; /* by number of the name */
	uint32_t phases_room;
	uint32_t n;
	int64_t unfinished;
	struct intern names, patterns; /* of phases, as they are met; a pattern: numbers of names */
	struct phases_known known;
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
	size_t nkinds, kinds_room, request_kinds_room;
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
	    "CAST(k.run AS TEXT), min(k.base_ns) OVER () FROM invocation_kind k LEFT JOIN run r ON r.id = k.run ORDER "
	    "BY k.id";
	sqlite3_stmt *st = query_prepare(q, sql);
	struct request_kind *as;
	struct kind *k;

	sqlite3_bind_int64(st, 1, query_run(q));
	sqlite3_bind_text(st, 2, function, -1, SQLITE_STATIC);
	sqlite3_bind_int(st, 3, function && strpbrk(function, "*?"));
	while (query_next(q, st)) {
		k = array_add(rd->kind, rd->nkinds, rd->kinds_room);
		as = k && !array_reserve(rd->r->kind, rd->request_kinds_room, rd->nkinds) ? &rd->r->kind[rd->nkinds - 1]
		                                                                          : NULL;
		if (!query_ok(q, as ? 0 : -ENOMEM, q->command))
			break;
		*k = (struct kind){.run_id = sqlite3_column_int64(st, 0),
		                   .function = kept(rd, st, 1),
		                   .worker = kept(rd, st, 2),
		                   .state = kept(rd, st, 3),
		                   .status = kept(rd, st, 4),
		                   .compute = kept(rd, st, 5),
		                   .wanted = sqlite3_column_int(st, 8),
		                   .run = kept(rd, st, 9)};
		k->unfinished = slice_is(k->status, "unfinished");
		*as = (struct request_kind){.attempts = sqlite3_column_int(st, 6),
		                            .offset_s = sqlite3_column_int64(st, 7)};
		rd->r->base_ns = sqlite3_column_int64(st, 10);
	}
	query_ok(q, rd->texts.failed ? -ENOMEM : 0, q->command);
	sqlite3_finalize(st);
}

/* ---- rows ---- */

/* More time of request i. */
static int add_time(struct narrow *c, uint32_t i, int64_t ns)
{
	return narrow_put(c, i, (i < c->n ? narrow_at(c, i) : 0) + ns);
}

/* What the phases of request i took. */
static int put_phases(struct part *p, uint32_t i, const struct phases *phases)
{
	struct slice last = intern_text(&p->patterns, p->last_pattern), own;
	int rc = array_reserve(p->names_of, p->names_room, phases->n);
	int64_t all = 0;

	for (int n = 0; n < phases->n && !rc; n++) {
		const struct phase *ph = &phases->v[n];
		uint32_t k;

		rc = phase_number_of(&p->known, &p->names, ph, &k);
		if (!rc)
			rc = array_reserve_zeroed(p->phase, p->phases_room, k + 1);
		if (rc)
			break;
		p->names_of[n] = k;
		all += ph->end_ns - ph->start_ns;
		rc = add_time(&p->phase[k], i, ph->end_ns - ph->start_ns);
	}
	if (rc || (rc = narrow_put(&p->column[REQUEST_NS], i, all)))
		return rc;
	own = (struct slice){(const char *)p->names_of, (size_t)phases->n * sizeof *p->names_of};
	if (!last.ptr || !slice_same(own, last))
		rc = intern_add(&p->patterns, own, &p->last_pattern);
	return rc ? rc : narrow_put(&p->pattern, i, p->last_pattern);
}

static int64_t first_known(int64_t a, int64_t b)
{
	return a != NO_NS ? a : b;
}

static int64_t bits_of(double load)
{
	float x = (float)load;
	int32_t bits;

	memcpy(&bits, &x, sizeof bits);
	return bits;
}

static int put_moments(const struct requests_reading *rd, struct part *p, uint32_t i, const struct invocation_read *in,
                       int64_t began)
{
	const int64_t moment[] = {[REQUEST_ARRIVED] = first_known(in->arrived_ns, in->insert_ns),
	                          [REQUEST_REMOVED] = in->remove_ns,
	                          [REQUEST_STARTED] = in->start_ns,
	                          [REQUEST_ENDED] = in->end_ns};
	int rc = narrow_put(&p->column[REQUEST_BEGAN], i, moment_code(began, rd->r->base_ns));

	for (int k = REQUEST_ARRIVED; k <= REQUEST_ENDED && !rc; k++)
		rc = narrow_put(&p->column[k], i, moment_code(moment[k], moments_from(began)));
	return rc;
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
	if ((rc = narrow_put(&p->column[REQUEST_KIND], i, (int64_t)in->kind)) ||
	    (rc = narrow_put(&p->column[REQUEST_LOAD], i, bits_of(in->insert_load))) ||
	    (rc = narrow_put(&p->place, i, in->place)) || (rc = put_moments(rd, p, i, in, phases->v[0].start_ns)))
		return rc;
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

static size_t kind_of(const struct part *p, uint32_t row)
{
	return (size_t)narrow_at(&p->column[REQUEST_KIND], row);
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
			of[kind_of(&rd->part[k], i)]++;
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
	int64_t run = o->rd->kind[kind_of(&o->rd->part[at.part], at.row)].run_id;
	uint32_t to;
	size_t k = 0;

	while (k + 1 < o->runs && o->run[k].run != run)
		k++;
	to = o->run[k].n++;
	o->rd->order[to] = at;
	return narrow_put(&o->rd->r->column[REQUEST_TID], to, (int64_t)o->rd->tids.at[i]);
}

static int find_order(struct requests_reading *rd)
{
	struct ordering o = {.rd = rd};
	int64_t *place = malloc(((size_t)rd->n + 1) * sizeof *place);
	int rc = place ? find_runs(rd, &o.run, &o.runs) : -ENOMEM;
	uint32_t n = 0;

	for (int k = 0; k < rd->nparts && !rc; k++) {
		struct part *p = &rd->part[k];

		o.begin[k] = n;
		for (uint32_t i = 0; i < p->n; i++)
			place[n++] = narrow_at(&p->place, i);
		narrow_done(&p->place);
	}
	if (!rc)
		rc = tids_walk(&rd->tids, place, n, take_tid, &o);
	free(place);
	free(o.run);
	return rc;
}

/* ---- numbers, in that order ---- */

static int number_kind(struct requests *r, struct kind *k, struct request_kind *as)
{
	const struct {
		struct intern *in;
		struct slice text;
		uint32_t *out;
	} names[] = {{&r->runs, k->run, &as->run},          {&r->functions, k->function, &as->function},
	             {&r->workers, k->worker, &as->worker}, {&r->words, k->state, &as->state},
	             {&r->words, k->status, &as->status},   {&r->words, k->compute, &as->compute}};
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

/* Names and phases as they are met in that order. */
static int number_requests(struct requests_reading *rd)
{
	int rc = 0;

	for (uint32_t i = 0; i < rd->n && !rc; i++) {
		struct row_at at = rd->order[i];
		struct part *p = &rd->part[at.part];
		size_t kind = kind_of(p, at.row);
		uint32_t pattern = (uint32_t)narrow_at(&p->pattern, at.row);

		if (!rd->kind[kind].numbered)
			rc = number_kind(rd->r, &rd->kind[kind], &rd->r->kind[kind]);
		if (!rc && !p->numbered[pattern])
			rc = number_pattern(rd, p, pattern);
	}
	for (int k = 0; k < rd->nparts; k++)
		narrow_done(&rd->part[k].pattern);
	return rc;
}

/* ---- columns, in that order ---- */

/* Puts what the parts have of one column into its place, behind what is there; they are given up. */
static int move_column(const struct requests_reading *rd, struct narrow *const of[PLACE_PARTS], struct narrow *to)
{
	bool more = to->n > 0;
	int rc = 0;

	for (uint32_t i = 0; i < rd->n && !rc; i++) {
		struct row_at at = rd->order[i];
		const struct narrow *from = of[at.part];
		int64_t x = from && at.row < from->n ? narrow_at(from, at.row) : 0;

		rc = !more ? narrow_put(to, i, x) : x ? add_time(to, i, x) : 0;
	}
	for (int k = 0; k < rd->nparts; k++)
		if (of[k])
			narrow_done(of[k]);
	return rc;
}

/* Where the times of a name are in the parts. */
static void find_phase(struct requests_reading *rd, uint32_t name, struct narrow *of[PLACE_PARTS])
{
	for (int k = 0; k < rd->nparts; k++) {
		struct part *p = &rd->part[k];

		of[k] = NULL;
		for (uint32_t i = 0; i < p->names.n && i < p->phases_room; i++)
			if (p->name[i] == name)
				of[k] = &p->phase[i];
	}
}

/* One column; of a phase that of all names that have its number. Threads share the columns. */
static int put_column(void *arg, size_t column)
{
	struct requests_reading *rd = arg;
	struct narrow *of[PLACE_PARTS];
	int rc = 0;

	if (column == REQUEST_TID)
		return 0;
	if (column < REQUEST_OF_PHASE) {
		for (int k = 0; k < rd->nparts; k++)
			of[k] = &rd->part[k].column[column];
		return move_column(rd, of, &rd->r->column[column]);
	}
	for (uint32_t name = 0; name < rd->names.n && !rc; name++) {
		if (rd->number[name] != column - REQUEST_OF_PHASE)
			continue;
		find_phase(rd, name, of);
		rc = move_column(rd, of, &rd->r->column[column]);
	}
	return rc;
}

static int put_in_order(struct requests_reading *rd)
{
	int rc;

	rd->order = malloc(((size_t)rd->n + 1) * sizeof *rd->order);
	rc = rd->order ? find_order(rd) : -ENOMEM;
	rd->r->tids = rd->tids.texts;
	rd->tids.texts = (struct text){0};
	tids_done(&rd->tids);
	if (!rc)
		rc = number_requests(rd);
	if (!rc)
		rc = threads_each(REQUEST_OF_PHASE + rd->r->phases.n, put_column, rd);
	rd->r->n = rc ? 0 : rd->n;
	return rc;
}

static void part_done(struct part *p)
{
	for (uint32_t k = 0; k < p->phases_room; k++)
		narrow_done(&p->phase[k]);
	for (int k = 0; k < REQUEST_OF_PHASE; k++)
		narrow_done(&p->column[k]);
	free(p->phase);
	narrow_done(&p->pattern);
	narrow_done(&p->place);
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
	for (int k = 0; k < REQUEST_COLUMNS; k++)
		narrow_done(&r->column[k]);
	free(r->kind);
	intern_done(&r->runs);
	intern_done(&r->functions);
	intern_done(&r->workers);
	intern_done(&r->words);
	intern_done(&r->phases);
	text_done(&r->tids);
}
