/* SPDX-License-Identifier: GPL-3.0-or-later */
/* faas_sim.c - what a run teaches, for `faas-sim --from DIR` (docs/what-if.md): its requests with what each of them
 * took, its functions and how their times are spread, its containers and its settings.
 *
 * A request's time is cut at the moments that do not depend on others: what it took to its worker, to get a container
 * once it was out of the queue, to execute, and back. The queue is left out: that is what the simulation is for. What
 * no line tells is guessed, and each guess is said. */
#include "query/export/teach.h"
#include "base/array.h"
#include "model/fold.h"
#include "query/core/outfile.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define NS_PER_MS INT64_C(1000000)

const char *const teach_parts[TEACH_PARTS] = {"start", "acquire", "cold", "prewarm", "warm"};

/* ---- writing ---- */

void teach_add_ms(struct text *t, int64_t ns)
{
	int digits = 6;
	int64_t rest = ns % NS_PER_MS;

	text_add_int(t, ns / NS_PER_MS);
	if (!rest)
		return;
	for (; rest % 10 == 0; rest /= 10)
		digits--;
	text_printf(t, ".%0*" PRId64, digits, rest);
}

/* Nothing where it is not known. */
static void add_ms_or_not(struct text *t, int64_t ns)
{
	text_puts(t, ",");
	if (ns != NO_NS)
		teach_add_ms(t, ns < 0 ? 0 : ns);
}

static void add_name(struct export *x, struct slice name)
{
	if (name.ptr && name.len)
		export_add_csv_text(x, name);
}

static void put(struct teach *t)
{
	query_ok(t->x->q, export_put(t->x), t->x->directory);
}

/* ---- functions ---- */

/* NULL: no memory, which is the query's failure. */
static struct taught *function_of(struct teach *t, struct slice name)
{
	uint32_t number;
	int rc = intern_add(&t->names, name, &number);

	if (!rc)
		rc = array_reserve_zeroed(t->function, t->room, number + 1);
	return query_ok(t->x->q, rc, t->x->q->command) ? &t->function[number] : NULL;
}

static void learn(struct teach *t, struct taught *fn, enum teach_part part, int64_t ns)
{
	int rc = 0;

	if (ns == NO_NS)
		return;
	rc = sample_add(&fn->part[part], ns < 0 ? 0 : ns);
	if (!rc)
		rc = sample_add(&t->all[part], ns < 0 ? 0 : ns);
	query_ok(t->x->q, rc, t->x->q->command);
}

/* ---- requests ---- */

enum {
	R_TID,
	R_FUNCTION,
	R_WORKER,
	R_STATE,
	R_STATUS,
	R_ATTEMPTS,
	R_SENT,
	R_CONTROLLER,
	R_ARRIVED,
	R_INSERT,
	R_REMOVE,
	R_START,
	R_ENDED,
	R_RETURNED,
	R_ATTEMPT_STATE,
	R_FAILED,
	R_NOT_MADE,
	R_NOT_MADE_TIME,
	R_COMPUTE,
	R_ERROR,
	R_CODE
};

#define FIRST_MOMENT "coalesce(i.sent_ns, i.controller_ns, i.arrived_ns, i.insert_ns)"

/* Of the attempts before the last one. */
#define EARLIER(what, which)                          \
	"CASE WHEN i.attempts > 1 THEN (SELECT " what \
	" FROM attempt b WHERE b.run = i.run AND b.tid = i.tid AND b.n < i.attempts AND b.start_ns IS " which ") END"

static const char requests_sql[] =
    "SELECT i.tid, i.function_name, i.worker, i.state, i.status, i.attempts, i.sent_ns, i.controller_ns, i.arrived_ns, "
    "coalesce(a.insert_ns, i.insert_ns), coalesce(a.remove_ns, i.remove_ns), coalesce(a.start_ns, i.start_ns), "
    "a.end_ns, "
    "coalesce(i.return_ns, i.end_ns), a.state, " EARLIER(
        "CAST(avg(b.end_ns - b.start_ns) AS INTEGER)",
        "NOT NULL") ", " EARLIER("count(*)",
                                 "NULL") ", " EARLIER("CAST(avg(b.end_ns - b.remove_ns) AS INTEGER)",
                                                      "NULL") ", "
                                                              "i.compute, a.error IS NOT NULL, "
                                                              "nullif(i.worker_duration_us, 0) * 1000 "
                                                              "FROM invocation i LEFT JOIN attempt a ON a.run = i.run "
                                                              "AND a.tid = i.tid AND a.n = i.attempts";

/* The stretches of one request; NO_NS: not known. */
struct request {
	struct slice worker;
	enum teach_part state; /* what it found: cold, prewarm or warm */
	enum { OK, ERROR, FAILED, NO_CONTAINER, REFUSED } end;
	int64_t first, to_controller, to_worker, acquire, execute, code, back;
};

static int64_t between(int64_t from, int64_t to)
{
	return from == NO_NS || to == NO_NS ? NO_NS : to - from;
}

static int64_t first_of(int64_t a, int64_t b)
{
	return a == NO_NS ? b : a;
}

static bool says(sqlite3_stmt *st, int column, const char *word)
{
	return slice_is(column_slice(st, column), word);
}

/* Until the log ends, of what never came to an end. */
static void cut_unfinished(struct teach *t, struct request *r, int64_t start)
{
	t->unfinished++;
	r->execute = between(start, export_end_of(t->x, t->x->run));
	r->back = 0;
	r->end = OK;
}

static void cut(struct teach *t, sqlite3_stmt *st, struct request *r)
{
	int64_t sent = column_ns(st, R_SENT), controller = column_ns(st, R_CONTROLLER),
	        arrived = column_ns(st, R_ARRIVED), insert = first_of(column_ns(st, R_INSERT), arrived),
	        start = column_ns(st, R_START), ended = column_ns(st, R_ENDED), returned = column_ns(st, R_RETURNED);
	bool cold = says(st, R_ATTEMPT_STATE, "cold") || says(st, R_STATE, "cold");

	r->worker = column_slice(st, R_WORKER);
	r->first = first_of(first_of(sent, controller), insert);
	r->to_controller = controller == NO_NS ? NO_NS : first_of(between(sent, controller), 0);
	r->to_worker = between(first_of(controller, first_of(sent, insert)), insert);
	r->acquire = between(column_ns(st, R_REMOVE), start);
	r->execute = between(start, ended);
	r->code = column_ns(st, R_CODE);
	r->back = between(ended, returned);
	r->state = cold ? TEACH_COLD : says(st, R_STATE, "prewarm") ? TEACH_PREWARM : TEACH_WARM;
	r->end = !says(st, R_STATUS, "failed") ? OK : sqlite3_column_int(st, R_ERROR) ? FAILED : ERROR;
	if (says(st, R_STATUS, "unfinished")) {
		cut_unfinished(t, r, start);
	} else if (start == NO_NS && ended != NO_NS) {
		r->end = NO_CONTAINER;
		r->state = TEACH_COLD;
		r->acquire = between(first_of(column_ns(st, R_REMOVE), insert), ended);
	} else if (start == NO_NS) {
		r->end = REFUSED;
		r->back = between(insert, returned);
	}
}

static void learn_request(struct teach *t, struct taught *fn, const struct request *r)
{
	fn->requests++;
	fn->cold += r->state == TEACH_COLD;
	if (r->end == NO_CONTAINER || r->end == REFUSED)
		return;
	learn(t, fn, r->state == TEACH_COLD ? TEACH_START : TEACH_ACQUIRE, r->acquire);
	learn(t, fn, r->state, r->execute);
	fn->code_ns += r->code == NO_NS ? 0 : (double)r->code;
	fn->coded += r->code != NO_NS;
	query_ok(t->x->q, r->to_worker == NO_NS ? 0 : sample_add(&t->network, r->to_worker), t->x->q->command);
}

static void put_request(struct teach *t, sqlite3_stmt *st)
{
	static const char *const ends[] = {[OK] = "ok",
	                                   [ERROR] = "error",
	                                   [FAILED] = "failed",
	                                   [NO_CONTAINER] = "no container",
	                                   [REFUSED] = "refused"};
	struct request r;
	struct taught *fn = function_of(t, column_slice(st, R_FUNCTION));
	struct text *line = &t->x->line;
	int64_t attempts = sqlite3_column_int64(st, R_ATTEMPTS), not_made = sqlite3_column_int64(st, R_NOT_MADE);

	if (!fn)
		return;
	cut(t, st, &r);
	learn_request(t, fn, &r);
	if (!t->requests++)
		t->first_ns = r.first;
	t->gpu += says(st, R_COMPUTE, "gpu");
	t->controller |= column_ns(st, R_CONTROLLER) != NO_NS;
	t->retries = attempts - 1 > t->retries ? attempts - 1 : t->retries;
	teach_add_ms(line, r.first - t->first_ns); /* they are in order */
	text_puts(line, ",");
	add_name(t->x, column_slice(st, R_FUNCTION));
	text_puts(line, ",");
	add_name(t->x, r.worker);
	text_printf(line, ",%s,%s", teach_parts[r.state], ends[r.end]);
	add_ms_or_not(line, r.to_controller);
	add_ms_or_not(line, r.to_worker);
	add_ms_or_not(line, r.acquire);
	add_ms_or_not(line, r.execute);
	add_ms_or_not(line, r.code);
	add_ms_or_not(line, r.back);
	text_printf(line, ",%" PRId64, attempts > 1 ? attempts - 1 - not_made : 0);
	add_ms_or_not(line, column_ns(st, R_FAILED));
	text_printf(line, ",%" PRId64, not_made);
	add_ms_or_not(line, column_ns(st, R_NOT_MADE_TIME));
	text_puts(line, ",");
	add_name(t->x, column_slice(st, R_TID));
	text_puts(line, "\n");
	put(t);
}

static void put_requests(struct teach *t)
{
	struct select s = {0};
	struct outfile file;
	sqlite3_stmt *st;

	if (!export_open_file(t->x, &file, "requests.csv"))
		return;
	select_add(&s, requests_sql);
	export_select(t->x, &s,
	              &(struct export_columns){.run = "i.run",
	                                       .tid = "i.tid",
	                                       .function = "i.function_name",
	                                       .from = FIRST_MOMENT,
	                                       .to = FIRST_MOMENT});
	select_where_number(&s, FIRST_MOMENT " > ?", INT64_MIN);
	select_add(&s, " ORDER BY " FIRST_MOMENT ", i.tid");
	st = select_prepare(t->x->q, &s);
	text_puts(&t->x->line,
	          "sent_ms,function,worker,state,end,to_controller_ms,to_worker_ms,acquire_ms,execute_ms,code_ms,"
	          "return_ms,failures,failed_ms,not_made,not_made_ms,tid\n");
	put(t);
	while (query_next(t->x->q, st)) {
		if (sqlite3_column_type(st, R_FUNCTION) == SQLITE_NULL)
			t->nameless++;
		else
			put_request(t, st);
	}
	sqlite3_finalize(st);
	select_done(&s);
	outfile_close(t->x->q, &file);
}

/* ---- containers that were there before ---- */

/* All that a container was made for, if not for a request, took from the first to the last line of it. */
static void learn_prewarm(struct teach *t, struct taught *fn, struct slice by)
{
	sqlite3_stmt *st = query_prepare(
	    t->x->q, "SELECT max(time_ns) - min(time_ns) FROM event WHERE run = ?1 AND tid = ?2 AND NOT \"foreign\"");

	sqlite3_bind_int64(st, 1, t->x->run);
	bind_slice(st, 2, by);
	if (query_next(t->x->q, st))
		learn(t, fn, TEACH_START, column_ns(st, 0));
	sqlite3_finalize(st);
}

static void put_prewarms(struct teach *t)
{
	struct outfile file;
	sqlite3_stmt *st;

	if (!export_open_file(t->x, &file, "prewarms.csv"))
		return;
	st = query_prepare(t->x->q,
	                   "SELECT fqdn, worker, created_by FROM container WHERE run = ?1 AND fqdn IS NOT NULL AND "
	                   "created_by NOT IN (SELECT tid FROM invocation WHERE run = ?1) ORDER BY created_ns, "
	                   "container_id");
	sqlite3_bind_int64(st, 1, t->x->run);
	text_puts(&t->x->line, "function,worker,count,made_by\n");
	put(t);
	while (query_next(t->x->q, st)) {
		struct slice name = fold_function_of(column_slice(st, 0));

		if (intern_find(&t->names, name) == INTERN_NONE)
			continue; /* nothing that is replayed would use it */
		learn_prewarm(t, function_of(t, name), column_slice(st, 2));
		export_add_csv_text(t->x, name);
		text_puts(&t->x->line, ",");
		add_name(t->x, column_slice(st, 1));
		text_puts(&t->x->line, ",1,");
		add_name(t->x, column_slice(st, 2));
		text_puts(&t->x->line, "\n");
		put(t);
	}
	sqlite3_finalize(st);
	outfile_close(t->x->q, &file);
}

/* ---- how times are spread ---- */

static void put_spread(struct teach *t, struct slice name, enum teach_part part, struct sample *s, const char *from)
{
	static const double at[] = {0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1};
	struct text *line = &t->x->line;

	query_ok(t->x->q, sample_sort(s), t->x->q->command);
	export_add_csv_text(t->x, name);
	text_printf(line, ",%s,%s,%zu,", teach_parts[part], from, s->n);
	teach_add_ms(line, llround(sample_sum(s) / (double)s->n));
	for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
		text_puts(line, ",");
		teach_add_ms(line, sample_quantile(s, at[i]));
	}
	text_puts(line, "\n");
	put(t);
}

/* Where a part was never measured of this function: what is most like it. */
static const struct stand_in {
	enum teach_part part[3];
	bool others; /* before that: the same part of all functions */
} stand_in[TEACH_PARTS] = {
    [TEACH_START] = {{TEACH_START, TEACH_START, TEACH_START}, true},
    [TEACH_ACQUIRE] = {{TEACH_ACQUIRE, TEACH_ACQUIRE, TEACH_ACQUIRE}, true},
    [TEACH_COLD] = {{TEACH_PREWARM, TEACH_WARM, TEACH_COLD}, false},
    [TEACH_PREWARM] = {{TEACH_WARM, TEACH_COLD, TEACH_PREWARM}, false},
    [TEACH_WARM] = {{TEACH_PREWARM, TEACH_COLD, TEACH_WARM}, false},
};

/* A start that nobody saw, and what was never executed. */
static const int64_t last_resort_ns[TEACH_PARTS] = {1000000000, 0, 100000000, 100000000, 100000000};

static void put_part(struct teach *t, struct slice name, struct taught *fn, enum teach_part part)
{
	const struct stand_in *like = &stand_in[part];
	struct sample nothing = {0};

	if (fn->part[part].n) {
		put_spread(t, name, part, &fn->part[part], "measured");
		return;
	}
	t->guessed[part]++;
	for (int i = 0; i < 3; i++) {
		enum teach_part other = like->part[i];
		char from[64];

		if (!fn->part[other].n)
			continue;
		snprintf(from, sizeof from, "guessed: as %s", teach_parts[other]);
		put_spread(t, name, part, &fn->part[other], from);
		return;
	}
	if (t->all[part].n) {
		put_spread(t, name, part, &t->all[part], "guessed: as of all functions");
		return;
	}
	query_ok(t->x->q, sample_add(&nothing, last_resort_ns[part]), t->x->q->command);
	if (nothing.n)
		put_spread(t, name, part, &nothing, "guessed");
	sample_done(&nothing);
}

static void put_times(struct teach *t)
{
	struct outfile file;

	if (!export_open_file(t->x, &file, "times.csv"))
		return;
	text_puts(&t->x->line,
	          "function,part,from,n,mean_ms,p0_ms,p10_ms,p25_ms,p50_ms,p75_ms,p90_ms,p99_ms,p100_ms\n");
	put(t);
	for (uint32_t i = 0; i < t->names.n && !t->x->q->status; i++)
		for (int part = 0; part < TEACH_PARTS; part++)
			put_part(t, t->names.text[i], &t->function[i], (enum teach_part)part);
	outfile_close(t->x->q, &file);
}

/* ---- the command ---- */

static void init(struct teach *t, struct export *x)
{
	*t = (struct teach){.x = x};
	intern_init(&t->names);
	if (!x->run && query_number(x->q, "SELECT count(*) FROM run", 0) > 1)
		query_fail(x->q, USAGE, "several runs are loaded, and one is replayed: --run says which");
	if (!x->run)
		x->run = query_number(x->q, "SELECT max(id) FROM run", 0);
}

static void done(struct teach *t)
{
	for (uint32_t i = 0; i < t->room; i++)
		for (int part = 0; part < TEACH_PARTS; part++)
			sample_done(&t->function[i].part[part]);
	for (int part = 0; part < TEACH_PARTS; part++)
		sample_done(&t->all[part]);
	sample_done(&t->network);
	free(t->function);
	intern_done(&t->names);
}

static void say(const struct teach *t)
{
	static const char *const what[TEACH_PARTS] = {
	    "how long a container takes to start", "how long it takes to get one that is there",
	    "execution in a new container", "execution in a prewarmed container", "execution in a warm container"};
	const struct query *q = t->x->q;

	for (int part = 0; part < TEACH_PARTS; part++)
		if (t->guessed[part])
			query_note(q, "guessed, of %" PRIu32 " of %" PRIu32 " functions: %s (times.csv)",
			           t->guessed[part], t->names.n, what[part]);
	if (t->nameless)
		query_note(q, "left out: %" PRId64 " requests of which no line names the function", t->nameless);
	if (t->unfinished)
		query_note(q, "%" PRId64 " requests never ended: they execute until the log's end", t->unfinished);
	if (t->gpu)
		query_note(q, "%" PRId64 " requests ran on GPUs: faas-sim has cores alone", t->gpu);
	if (t->x->since_ns > INT64_MIN)
		query_note(q, "with --since the replay begins with an empty queue, and with the containers made ahead");
}

void export_faas_sim(struct export *x)
{
	struct teach t;

	init(&t, x);
	put_requests(&t);
	if (!x->q->status && !t.requests)
		query_fail(x->q, USAGE, "no requests in %s", x->q->cluster ? x->q->cluster : x->q->path);
	put_prewarms(&t);
	teach_put_functions(&t);
	put_times(&t);
	teach_put_settings(&t);
	if (!x->q->status)
		say(&t);
	done(&t);
}
