/* SPDX-License-Identifier: GPL-3.0-or-later */
/* requests.c - see requests.h */
#include "query/why/requests.h"
#include "base/array.h"
#include "base/sql.h"
#include "query/core/select.h"
#include "tables/phase_read.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Behind PHASE_COLUMNS. */
enum {
	SENT = 2,
	CONTROLLER = 3,
	ARRIVED = 5,
	END = 6,
	STATUS = 8,
	ATTEMPTS = 9,
	INSERT,
	REMOVE,
	START,
	WORKER,
	FUNCTION,
	STATE,
	COMPUTE,
	LOAD,
	OFFSET
};

/* A phase's name and state are the same pointers in each request. */
struct known_phase {
	const char *name, *state;
	bool open;
	uint32_t number;
};

struct reading {
	struct requests *r;
	struct known_phase known[REQUEST_PHASES];
	size_t nknown;
};

static int phase_number(struct reading *rd, const struct phase *ph, uint32_t *out)
{
	static const char other[] = "other phases";
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
	*out = intern_find(&rd->r->phases, (struct slice){name, strlen(name)});
	if (*out != INTERN_NONE)
		return 0;
	if (rd->r->phases.n >= REQUEST_PHASES - 1)
		return intern_add(&rd->r->phases, (struct slice){other, sizeof other - 1}, out);
	rc = intern_add(&rd->r->phases, (struct slice){name, strlen(name)}, out);
	if (!rc && i < REQUEST_PHASES)
		rd->known[rd->nknown++] = (struct known_phase){ph->name, ph->state, ph->open, *out};
	return rc;
}

/* What the phases of request i took. */
static int put_phases(struct reading *rd, uint32_t i, const struct phases *phases)
{
	struct requests *r = rd->r;

	for (int p = 0; p < phases->n; p++) {
		const struct phase *ph = &phases->v[p];
		uint32_t k;
		int rc = phase_number(rd, ph, &k);

		if (rc || (rc = array_reserve_zeroed(r->ns[k], r->ns_room[k], i + 1)))
			return rc;
		r->ns[k][i] += ph->end_ns - ph->start_ns;
		r->v[i].ns += ph->end_ns - ph->start_ns;
	}
	return 0;
}

static int64_t first_known(int64_t a, int64_t b)
{
	return a != NO_NS ? a : b;
}

static int put_names(struct requests *r, struct request *x, sqlite3_stmt *of)
{
	char run[TEXT_DECIMAL];
	int rc = intern_add(&r->runs, (struct slice){run, text_decimal(sqlite3_column_int64(of, 0), run)}, &x->run);
	/* Mostly those of the request before. */
	const struct request *y = r->n ? x - 1 : NULL;
	const uint32_t last[] = {y ? y->function : INTERN_NONE, y ? y->worker : INTERN_NONE, y ? y->state : INTERN_NONE,
	                         y ? y->status : INTERN_NONE, y ? y->compute : INTERN_NONE};
	struct {
		struct intern *in;
		int column;
		uint32_t *out;
	} const names[] = {{&r->functions, FUNCTION, &x->function},
	                   {&r->workers, WORKER, &x->worker},
	                   {&r->words, STATE, &x->state},
	                   {&r->words, STATUS, &x->status},
	                   {&r->words, COMPUTE, &x->compute}};

	for (size_t i = 0; i < sizeof names / sizeof *names && !rc; i++) {
		struct slice s = column_slice(of, names[i].column);

		*names[i].out = last[i];
		if (!s.ptr || last[i] == INTERN_NONE || !slice_same(s, names[i].in->text[last[i]])) {
			*names[i].out = INTERN_NONE;
			rc = s.ptr ? intern_add(names[i].in, s, names[i].out) : 0;
		}
	}
	return rc;
}

static int put_request(struct reading *rd, sqlite3_stmt *of, const struct phases *phases)
{
	struct requests *r = rd->r;
	struct slice tid = column_slice(of, 1);
	struct request *x;
	int rc;

	if (slice_is(column_slice(of, STATUS), "unfinished") || !phases->n) {
		r->unfinished++;
		return 0;
	}
	if (array_reserve(r->v, r->room, r->n + 1))
		return -ENOMEM;
	x = &r->v[r->n];
	*x = (struct request){.began_ns = phases->v[0].start_ns,
	                      .arrived_ns = first_known(column_ns(of, ARRIVED), column_ns(of, INSERT)),
	                      .removed_ns = column_ns(of, REMOVE),
	                      .started_ns = column_ns(of, START),
	                      .ended_ns = column_ns(of, END),
	                      .offset_s = sqlite3_column_int64(of, OFFSET),
	                      .load = sqlite3_column_type(of, LOAD) == SQLITE_NULL ? (double)NAN
	                                                                           : sqlite3_column_double(of, LOAD),
	                      .attempts = sqlite3_column_int(of, ATTEMPTS),
	                      .tid = r->tids.len};
	text_add(&r->tids, tid.ptr, tid.len);
	text_add(&r->tids, "", 1);
	rc = r->tids.failed ? -ENOMEM : put_names(r, x, of);
	if (!rc)
		rc = put_phases(rd, r->n, phases);
	r->n += !rc;
	return rc;
}

/* A phase that no late request had is as long as the others. */
static int fill_up(struct requests *r)
{
	int rc = 0;

	for (uint32_t k = 0; k < r->phases.n && !rc; k++)
		rc = array_reserve_zeroed(r->ns[k], r->ns_room[k], r->n + 1);
	return rc;
}

void requests_read(struct query *q, const char *function, struct requests *out)
{
	struct reading rd = {.r = out};
	struct select s = {0};
	struct phase_reader *reader = NULL;
	const struct phases *phases;
	sqlite3_stmt *of;
	int rc;

	*out = (struct requests){0};
	select_add(&s, "SELECT " PHASE_COLUMNS ", i.attempts, i.insert_ns, i.remove_ns, i.start_ns, i.worker, "
	               "coalesce(i.function_name, i.fqdn, '?'), i.state, i.compute, coalesce(i.insert_cpu_load, "
	               "i.insert_gpu_load), "
	               "coalesce(r.offset_s, 0) FROM invocation i JOIN run r ON r.id = i.run");
	select_run(q, &s, "i.run");
	select_like(&s, "coalesce(i.function_name, i.fqdn, '?')", function);
	select_add(&s, PHASE_ORDER);
	of = select_prepare(q, &s);
	rc = of ? phase_reader_open(q->db, of, NULL, NULL, &reader) : 0;
	while (reader && !rc && (rc = phase_reader_next(reader, &phases)) == 1)
		rc = query_interrupted ? -EINTR : put_request(&rd, of, phases);
	if (!rc)
		rc = fill_up(out);
	query_ok(q, rc, q->path);
	phase_reader_close(reader);
	sqlite3_finalize(of);
	select_done(&s);
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
