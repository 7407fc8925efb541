/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.c - see requests.h
 *
 * The rows of all invocations are read as they stand, by number of their transaction, and what many of them have in
 * common once; then they are put in the order of run and tid. Names and phases are numbered by who has them first in
 * that order: requests whose phases have the same names, one after the other, have one pattern. */
#include "query/why/requests.h"
#include "base/array.h"
#include "base/sql.h"
#include "tables/phase_read.h"
#include <errno.h>
#include <math.h>
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

/* One phase of all requests, in the order of their rows. */
struct row_column {
	int64_t *ns;
	uint32_t room;
};

enum { KNOWN = 64 };

struct reading {
	struct requests *r;
	struct kind *kind;
	size_t nkinds, kinds_room;
	struct arena texts;
	struct intern names, patterns; /* of phases, as they are met; a pattern: numbers of names */
	struct known_phase known[KNOWN];
	size_t nknown;
	struct row_column *column; /* by number of the name */
	uint32_t columns_room;
	/* by request, in the order of rows */
	uint32_t *kind_of, *pattern;
	int64_t *place;
	uint32_t kind_of_room, pattern_room, place_room;
	uint32_t last_pattern;
	uint32_t *names_of; /* of the request at hand */
	uint32_t names_room;
};

/* ---- what they have in common ---- */

static struct slice kept(struct reading *rd, sqlite3_stmt *st, int column)
{
	struct slice s = column_slice(st, column);

	return s.ptr ? (struct slice){arena_text(&rd->texts, s.ptr, s.len), s.len} : SLICE_NONE;
}

static void read_kinds(struct query *q, struct reading *rd, const char *function)
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

static int name_number(struct reading *rd, const struct phase *ph, uint32_t *out)
{
	char name[PHASE_NAME_MAX];
	size_t i = 0;
	int rc;

	while (i < rd->nknown &&
	       (rd->known[i].name != ph->name || rd->known[i].state != ph->state || rd->known[i].open != ph->open))
		i++;
	if (i < rd->nknown) {
		*out = rd->known[i].number;
		return 0;
	}
	phase_name(ph, name);
	rc = intern_add(&rd->names, (struct slice){name, strlen(name)}, out);
	if (!rc && i < KNOWN)
		rd->known[rd->nknown++] = (struct known_phase){ph->name, ph->state, ph->open, *out};
	return rc;
}

/* What the phases of request i took. */
static int put_phases(struct reading *rd, uint32_t i, const struct phases *phases)
{
	struct slice last = intern_text(&rd->patterns, rd->last_pattern), own;

	if (array_reserve(rd->names_of, rd->names_room, phases->n))
		return -ENOMEM;
	for (int p = 0; p < phases->n; p++) {
		const struct phase *ph = &phases->v[p];
		struct row_column *c;
		uint32_t k;
		int rc = name_number(rd, ph, &k);

		if (rc || (rc = array_reserve_zeroed(rd->column, rd->columns_room, k + 1)))
			return rc;
		c = &rd->column[k];
		if (array_reserve_zeroed(c->ns, c->room, i + 1))
			return -ENOMEM;
		c->ns[i] += ph->end_ns - ph->start_ns;
		rd->r->v[i].ns += ph->end_ns - ph->start_ns;
		rd->names_of[p] = k;
	}
	own = (struct slice){(const char *)rd->names_of, (size_t)phases->n * sizeof *rd->names_of};
	if (!last.ptr || !slice_same(own, last)) {
		int rc = intern_add(&rd->patterns, own, &rd->last_pattern);

		if (rc)
			return rc;
	}
	rd->pattern[i] = rd->last_pattern;
	return 0;
}

static int64_t first_known(int64_t a, int64_t b)
{
	return a != NO_NS ? a : b;
}

static int put_request(struct reading *rd, const struct invocation_read *in, const struct phases *phases)
{
	struct requests *r = rd->r;
	const struct kind *k = in->kind < rd->nkinds ? &rd->kind[in->kind] : NULL;
	uint32_t i = r->n;
	int rc;

	if (!k)
		return -EBADMSG;
	if (!k->wanted)
		return 0;
	if (k->unfinished || !phases->n) {
		r->unfinished++;
		return 0;
	}
	if (array_reserve(r->v, r->room, i + 1) || array_reserve(rd->kind_of, rd->kind_of_room, i + 1) ||
	    array_reserve(rd->pattern, rd->pattern_room, i + 1) || array_reserve(rd->place, rd->place_room, i + 1))
		return -ENOMEM;
	rd->kind_of[i] = (uint32_t)in->kind;
	rd->place[i] = in->place;
	r->v[i] = (struct request){.began_ns = phases->v[0].start_ns,
	                           .arrived_ns = first_known(in->arrived_ns, in->insert_ns),
	                           .removed_ns = in->remove_ns,
	                           .started_ns = in->start_ns,
	                           .ended_ns = in->end_ns,
	                           .offset_s = k->offset_s,
	                           .load = in->insert_load,
	                           .attempts = k->attempts};
	rc = put_phases(rd, i, phases);
	r->n += !rc;
	return rc;
}

static int read_rows(struct query *q, struct reading *rd)
{
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	int rc = phase_reader_open_all(q->db, &reader);

	while (!rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = query_interrupted ? -EINTR : put_request(rd, phase_reader_at(reader), phases);
	phase_reader_close(reader);
	return rc;
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
static int find_runs(const struct reading *rd, struct by_run **out, size_t *n)
{
	struct by_run *v = calloc(rd->nkinds + 1, sizeof *v);
	uint32_t *of = calloc(rd->nkinds + 1, sizeof *of), sum = 0;
	size_t runs = 0;

	*out = v;
	if (!v || !of) {
		free(of);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < rd->r->n; i++)
		of[rd->kind_of[i]]++;
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

/* order: rows as they are to stand. Table place is in the order of the tids. */
static int find_order(struct query *q, struct reading *rd, struct by_run *run, size_t runs, uint32_t *order)
{
	struct requests *r = rd->r;
	int64_t most = r->n ? rd->place[r->n - 1] : -1; /* rows come by place */
	uint32_t *row = most < -1 ? NULL : calloc((size_t)most + 2, sizeof *row), found = 0;
	sqlite3_stmt *st = query_prepare(q, "SELECT id, tid FROM place ORDER BY tid, id");
	int rc = row ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < r->n && !rc; i++) {
		if (rd->place[i] < 0 || rd->place[i] > most)
			rc = -EBADMSG;
		else
			row[rd->place[i]] = i + 1;
	}
	while (!rc && found < r->n && query_next(q, st)) {
		int64_t place = sqlite3_column_int64(st, 0);
		uint32_t i = place > most || place < 0 ? 0 : row[place];
		struct slice tid = column_slice(st, 1);
		size_t at = 0;

		if (!i--)
			continue;
		while (at + 1 < runs && run[at].run != rd->kind[rd->kind_of[i]].run_id)
			at++;
		order[run[at].n++] = i;
		r->v[i].tid = r->tids.len;
		text_add(&r->tids, tid.ptr, tid.len);
		text_add(&r->tids, "", 1);
		found++;
	}
	sqlite3_finalize(st);
	free(row);
	if (!rc && r->tids.failed)
		rc = -ENOMEM;
	if (rc)
		return rc;
	return found < r->n && !q->status ? -EBADMSG : 0;
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

/* number: by name as it was met, what it is from now on; REQUEST_PHASES where it has none yet. */
static int number_pattern(struct reading *rd, uint32_t pattern, uint32_t *number)
{
	static const char other[] = "other phases";
	struct slice s = rd->patterns.text[pattern];
	int rc = 0;

	for (size_t i = 0; i < s.len / sizeof(uint32_t) && !rc; i++) {
		uint32_t name;

		memcpy(&name, s.ptr + i * sizeof name, sizeof name);
		if (number[name] < REQUEST_PHASES)
			continue;
		rc = rd->r->phases.n >= REQUEST_PHASES - 1
		         ? intern_add(&rd->r->phases, (struct slice){other, sizeof other - 1}, &number[name])
		         : intern_add(&rd->r->phases, rd->names.text[name], &number[name]);
	}
	return rc;
}

/* The requests, then the columns, one after the other. */
static int put_requests(struct reading *rd, const uint32_t *order, uint32_t *number)
{
	struct requests *r = rd->r;
	struct request *v = malloc(((size_t)r->n + 1) * sizeof *v);
	uint8_t *numbered = calloc((size_t)rd->patterns.n + 1, 1);
	int rc = v && numbered ? 0 : -ENOMEM;

	for (uint32_t i = 0; i < r->n && !rc; i++) {
		uint32_t row = order[i], p = rd->pattern[row];
		struct kind *k = &rd->kind[rd->kind_of[row]];

		if (!k->numbered)
			rc = number_kind(r, k);
		if (!rc && !numbered[p])
			rc = number_pattern(rd, p, number);
		numbered[p] = 1;
		v[i] = r->v[row];
		v[i].run = k->like.run;
		v[i].function = k->like.function;
		v[i].worker = k->like.worker;
		v[i].state = k->like.state;
		v[i].status = k->like.status;
		v[i].compute = k->like.compute;
	}
	free(numbered);
	if (rc) {
		free(v);
		return rc;
	}
	free(r->v);
	r->v = v;
	r->room = r->n;
	return 0;
}

static int put_columns(struct reading *rd, const uint32_t *order, const uint32_t *number)
{
	struct requests *r = rd->r;

	for (uint32_t k = 0; k < rd->names.n; k++) {
		struct row_column *c = &rd->column[k];
		int64_t *to = number[k] < REQUEST_PHASES ? r->ns[number[k]] : NULL;

		if (number[k] < REQUEST_PHASES && !to) {
			to = r->ns[number[k]] = calloc((size_t)r->n + 1, sizeof *to);
			r->ns_room[number[k]] = r->n + 1;
			if (!to)
				return -ENOMEM;
		}
		for (uint32_t i = 0; i < r->n && to; i++)
			to[i] += order[i] < c->room ? c->ns[order[i]] : 0;
		free(c->ns);
		*c = (struct row_column){0};
	}
	return 0;
}

static int put_in_order(struct query *q, struct reading *rd)
{
	uint32_t *order = malloc(((size_t)rd->r->n + 1) * sizeof *order),
	         *number = malloc(((size_t)rd->names.n + 1) * sizeof *number);
	struct by_run *run = NULL;
	size_t runs = 0;
	int rc = order && number ? find_runs(rd, &run, &runs) : -ENOMEM;

	for (uint32_t k = 0; k < rd->names.n && number; k++)
		number[k] = REQUEST_PHASES;
	if (!rc)
		rc = find_order(q, rd, run, runs, order);
	if (!rc && !q->status)
		rc = put_requests(rd, order, number);
	if (!rc && !q->status)
		rc = put_columns(rd, order, number);
	free(run);
	free(order);
	free(number);
	return rc;
}

static void reading_done(struct reading *rd)
{
	for (uint32_t k = 0; k < rd->columns_room; k++)
		free(rd->column[k].ns);
	free(rd->column);
	free(rd->kind);
	free(rd->kind_of);
	free(rd->pattern);
	free(rd->place);
	free(rd->names_of);
	intern_done(&rd->names);
	intern_done(&rd->patterns);
	arena_done(&rd->texts);
}

void requests_read(struct query *q, const char *function, struct requests *out)
{
	struct reading rd = {.r = out, .last_pattern = INTERN_NONE};
	int rc;

	*out = (struct requests){0};
	read_kinds(q, &rd, function);
	rc = q->status ? 0 : read_rows(q, &rd);
	if (!rc && !q->status)
		rc = put_in_order(q, &rd);
	query_ok(q, rc, q->path);
	reading_done(&rd);
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
