/* SPDX-License-Identifier: GPL-3.0-or-later */
/* blame.c - who made whom wait: of one request, or of a run function by function, by holder or by container.
 *
 * What is waited for is a core of the worker: blame/blame.h says who is charged for it. The sentences below the tables
 * say what stands out, and what the log could not tell. */
#include "blame/blame.h"
#include "blame/heat.h"
#include "base/sql.h"
#include "query/core/command.h"
#include "query/core/select.h"
#include "render/number.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static const char *text_of(struct slice s)
{
	return s.ptr; /* a NUL stands behind each */
}

/* ---- what the log tells ---- */

static struct number took(const struct query *q, int64_t ns)
{
	return number_duration_text(ns, q->out->utf8 ? "µ" : "u");
}

static void note_lane(struct query *q, const struct blame_lane *l)
{
	static const char *const from[] = {"as --cores says", "by the log",
	                                   "the most that executed at a time, as no line tells: --cores N says it"};
	static const char *const order[] = {"the queue's order is not known", "in order of arrival",
	                                    "in order of their priorities"};

	if (!l->cores) /* nothing executed there */
		return;
	query_note(q, "%s%s%.*s: %" PRId64 " cores (%s), %s%s", l->gpu ? "GPU of " : "", l->worker.ptr ? "" : "worker",
	           (int)l->worker.len, l->worker.ptr ? l->worker.ptr : "", l->cores, from[l->cores_from],
	           order[l->order],
	           l->told || !l->order ? "" : " (by who was taken first; level debug tells the order)");
}

/* What could not be known, and which level would tell. */
static void note_unknown(struct query *q, const struct blame_run *b, int64_t unknown, int64_t all)
{
	bool told = true;

	for (uint32_t i = 0; i < b->nlanes; i++)
		told &= b->lane[i].told || b->lane[i].order;
	if ((double)unknown > 0.0005 * (double)all)
		query_note(q, "%.1f %% of the waiting is unknown: a core was free, and %s",
		           100.0 * (double)unknown / (double)all,
		           told ? "nobody stood before: no line tells what it waited for"
		                : "no line tells the order of the queue; level debug would");
}

static void note_unknown_cold(struct query *q, const struct blame_run *b, int64_t unknown, int64_t all)
{
	if ((double)unknown > 0.0005 * (double)all)
		query_note(q, "%.1f %% of the time of cold starts is unknown: %s",
		           100.0 * (double)unknown / (double)all,
		           !b->made_told      ? "no line tells of containers that were made; level info would"
		           : !b->removed_told ? "no line tells of containers that were removed, and for whom; level "
		                                "debug would"
		                              : "a container was there, and no line tells why it was not used");
}

static int64_t given_cores(struct query *q)
{
	const char *given = args_value(q->args, "cores");
	int64_t cores = 0;

	if (given && (args_number(given, &cores) || !cores || cores > 1000000))
		query_fail(q, USAGE, "--cores %s: it is a number of cores, from 1", given);
	return cores;
}

/* Reads a run that is to be shown, with what its cold starts are charged to or without; false: it failed, or has no
 * queue. */
static bool read_run(struct query *q, int64_t run, bool cold, struct blame_run *b)
{
	int64_t cores = given_cores(q);

	if (q->status || !query_ok(q, blame_run_read(q->db, q->store, run, cores, b), q->path))
		return false;
	if (!b->phase)
		query_note(q, "run %" PRId64 ": its rules know no time in a queue (a phase from `insert` to `remove`)",
		           run);
	return b->phase && (!cold || query_ok(q, blame_cold_read(q->db, b), q->path));
}

static bool taken(const struct query *q, const struct blame_run *b, uint32_t function)
{
	const char *pattern = args_value(q->args, "function");

	return !pattern || !sqlite3_strglob(pattern, text_of(b->functions.text[function]));
}

/* ---- one request ---- */

static const struct column of_tid[] = {
    {"offset_s", UNIT_OFFSET},       {"run", UNIT_RUN},
    {"tid", LESS(UNIT_ID)},          {"phase", LESS(UNIT_NONE)},
    {"from_ns", LESS(UNIT_TIME)},    {"to_ns", LESS(UNIT_TIME)},
    {"holder", UNIT_NONE},           {"holder_tid", UNIT_ID},
    {"holder_function", UNIT_WHOLE}, {"ns", UNIT_NS},
    {"share", UNIT_SHARE},
};

static struct cell cell_of_tid(const struct blame_run *b, uint32_t request)
{
	struct slice tid = request == BLAME_NOBODY ? SLICE_NONE : blame_tid(b, request);

	return tid.ptr ? cell_of_bytes(tid.ptr, tid.len) : CELL_OF_NULL;
}

static int by_time(const void *a, const void *b)
{
	const struct blame_row *x = a, *y = b;

	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	return x->holder != y->holder ? (x->holder > y->holder) - (x->holder < y->holder) : x->kind - y->kind;
}

static void put_row(struct query *q, struct table *t, const struct blame_run *b, const struct blame_row *r, int64_t all)
{
	const struct blame_request *holder = r->holder == BLAME_NOBODY ? NULL : &b->request[r->holder];
	struct phase p = blame_phase(b, r);
	char name[PHASE_NAME_MAX];
	struct cell c[] = {
	    CELL_OF_INT(query_clock(q, b->run, r->first_ns)),
	    CELL_OF_INT(b->run),
	    cell_of_tid(b, r->request),
	    cell_of_text(phase_name(&p, name)),
	    CELL_OF_INT(r->first_ns),
	    CELL_OF_INT(r->last_ns),
	    cell_of_text(blame_holder_name(r->kind)),
	    cell_of_tid(b, r->holder),
	    holder ? cell_of_text(text_of(b->functions.text[holder->function])) : CELL_OF_NULL,
	    CELL_OF_INT(r->ns),
	    CELL_OF_REAL((double)r->ns / (double)all),
	};

	query_table_row(q, t, c);
}

static int64_t sum_of(const struct blame_row *row, size_t n, bool cold)
{
	int64_t all = 0;

	for (size_t i = 0; i < n; i++)
		all += row[i].cold == cold ? row[i].ns : 0;
	return all;
}

static void note_request(struct query *q, const struct blame_run *b, uint32_t request, const struct blame_row *row,
                         size_t n)
{
	const struct blame_request *of = &b->request[request];
	struct slice tid = blame_tid(b, request);
	int64_t unknown = 0, all = sum_of(row, n, false);
	size_t holders = 0;

	for (size_t i = 0; i < n; i++) {
		bool again = false;

		if (row[i].cold)
			continue;
		unknown += row[i].kind == BLAME_UNKNOWN ? row[i].ns : 0;
		for (size_t k = 0; k < i && !again; k++)
			again = row[k].holder == row[i].holder && !row[k].cold;
		holders += row[i].holder != BLAME_NOBODY && !again;
	}
	if (all)
		query_note(q,
		           holders ? "%.*s (%s) waited %s in the queue, behind these %zu"
		                   : "%.*s (%s) waited %s in the queue",
		           (int)tid.len, tid.ptr, text_of(b->functions.text[of->function]), took(q, all).text, holders);
	else
		query_note(q, "%.*s did not wait in a queue", (int)tid.len, tid.ptr);
	note_unknown(q, b, unknown, all);
}

/* Why it had a cold start. */
static void note_start(struct query *q, const struct blame_run *b, const struct blame_start *s)
{
	const struct blame_request *of = &b->request[s->request],
	                           *holder = s->nholders ? &b->request[b->start_holder[s->first_holder]] : NULL;
	struct slice tid = holder ? blame_tid(b, b->start_holder[s->first_holder]) : SLICE_NONE;
	const char *function = text_of(b->functions.text[of->function]);
	struct number time = took(q, s->to_ns - s->from_ns);

	if (s->kind == BLAME_MEMORY)
		query_note(q,
		           "its cold start took %s: a container of %s had been removed for %.*s (%s), which needed "
		           "the memory",
		           time.text, function, (int)tid.len, tid.ptr, text_of(b->functions.text[holder->function]));
	else if (s->kind == BLAME_COLD && holder)
		query_note(q, "its cold start took %s: all containers of %s were taken, by %u of its requests",
		           time.text, function, s->nholders);
	else if (s->kind == BLAME_COLD)
		query_note(q, "its cold start took %s: %s", time.text,
		           s->removed ? "a container of its function had been removed, for no request's sake"
		                      : "its function had no container yet");
	else
		note_unknown_cold(q, b, 1, 1);
}

static void put_request(struct query *q, struct table *t, const struct blame_run *b, uint32_t request,
                        struct blame_row *row, size_t n)
{
	int64_t all[] = {sum_of(row, n, false), sum_of(row, n, true)};
	bool cold = args_has(q->args, "cold");

	if (n)
		qsort(row, n, sizeof *row, by_time);
	for (size_t i = 0; i < n; i++)
		if (!cold || row[i].cold)
			put_row(q, t, b, &row[i], all[row[i].cold]);
	if (!cold)
		note_request(q, b, request, row, n);
	for (uint32_t i = 0; i < b->nstarts; i++)
		if (b->start[i].request == request)
			note_start(q, b, &b->start[i]);
}

/* ---- a run ---- */

/* What one container made others wait. */
struct total {
	const char *name; /* NULL: not told */
	int64_t ns;
	uint8_t kind;
};

static const struct column by_function[] = {
    {"run", UNIT_RUN}, {"function_name", UNIT_WHOLE}, {"holder", UNIT_NONE}, {"holder_function", UNIT_WHOLE},
    {"ns", UNIT_NS},   {"share", UNIT_SHARE},
};
static const struct column by_tid[] = {
    {"run", UNIT_RUN}, {"holder", UNIT_NONE}, {"holder_tid", UNIT_ID}, {"holder_function", UNIT_WHOLE},
    {"ns", UNIT_NS},   {"share", UNIT_SHARE},
};
static const struct column by_container[] = {
    {"run", UNIT_RUN}, {"holder", UNIT_NONE}, {"container_id", UNIT_ID}, {"ns", UNIT_NS}, {"share", UNIT_SHARE},
};

static void put_function(struct query *q, struct table *t, const struct blame_run *b, const struct blame_sum *s,
                         int64_t all)
{
	struct cell c[] = {
	    CELL_OF_INT(b->run),
	    cell_of_text(text_of(b->functions.text[s->waiter])),
	    cell_of_text(blame_holder_name(s->kind)),
	    s->holder == BLAME_NOBODY ? CELL_OF_NULL : cell_of_text(text_of(b->functions.text[s->holder])),
	    CELL_OF_INT(s->ns),
	    CELL_OF_REAL((double)s->ns / (double)all),
	};

	query_table_row(q, t, c);
}

/* "62 % of gzip's waiting was behind chameleon": of whom most waiting was, and what the most of that was. one: of one
 * request. */
static void note_functions(struct query *q, const struct blame_run *b, const struct blame_sum *v, size_t n, bool cold,
                           bool one)
{
	static const char *const none[2][2] = {{"nobody waited in a queue", "there were no cold starts"},
	                                       {"it did not wait in a queue", "it had no cold start"}};
	int64_t *ns = calloc((size_t)b->functions.n + 1, sizeof *ns), most = 0, of_it = 0, unknown = 0, all = 0;
	uint32_t who = 0;

	for (size_t i = 0, end; ns && i < n; i = end) {
		int64_t sum = 0;

		for (end = i; end < n && v[end].waiter == v[i].waiter; end++) {
			sum += v[end].ns;
			unknown += v[end].kind == BLAME_UNKNOWN ? v[end].ns : 0;
		}
		all += sum;
		if (sum > most) {
			most = sum;
			who = v[i].waiter;
		}
	}
	for (size_t i = 0; ns && i < n; i++)
		if (v[i].waiter == who && v[i].holder != BLAME_NOBODY)
			ns[v[i].holder] += v[i].ns;
	uint32_t behind = 0;
	for (uint32_t f = 0; ns && f < b->functions.n; f++)
		if (ns[f] > of_it) {
			of_it = ns[f];
			behind = f;
		}
	if (of_it)
		query_note(q,
		           cold ? "%.0f %% of the time of %s%s cold starts was for %s"
		                : "%.0f %% of %s%s waiting was behind %s",
		           100.0 * (double)of_it / (double)most, one ? "its" : text_of(b->functions.text[who]),
		           one ? "" : "'s", text_of(b->functions.text[behind]));
	else if (ns && !n)
		query_note(q, "%s", none[one][cold]);
	(cold ? note_unknown_cold : note_unknown)(q, b, unknown, all);
	query_ok(q, ns ? 0 : -ENOMEM, q->path);
	free(ns);
}

/* Cold starts that are not shown. */
static void note_starts(struct query *q, const struct blame_run *b)
{
	int64_t ns = 0;

	for (uint32_t i = 0; i < b->nstarts; i++)
		ns += b->start[i].to_ns - b->start[i].from_ns;
	if (b->nstarts)
		query_note(q, "%u cold starts took %s besides: blame --cold tells why", b->nstarts, took(q, ns).text);
}

static void put_functions(struct query *q, struct table *t, const struct blame_run *b, const struct blame_sum *v,
                          size_t n)
{
	for (size_t i = 0, end; i < n; i = end) {
		int64_t all = 0;

		for (end = i; end < n && v[end].waiter == v[i].waiter; end++)
			all += v[end].ns;
		for (; i < end && taken(q, b, v[i].waiter); i++)
			put_function(q, t, b, &v[i], all);
	}
}

static void show_functions(struct query *q, struct table *t, const struct blame_run *b, bool cold)
{
	struct blame_sum *v = NULL;
	size_t n = 0;

	if (!query_ok(q, blame_sums(b, BLAME_BY_FUNCTION, cold, &v, &n), q->path))
		return;
	put_functions(q, t, b, v, n);
	note_functions(q, b, v, n, cold, false);
	if (!cold)
		note_starts(q, b);
	free(v);
}

static int by_ns(const void *a, const void *b)
{
	const struct total *x = a, *y = b;

	if (x->ns != y->ns)
		return x->ns > y->ns ? -1 : 1;
	return x->kind != y->kind ? x->kind - y->kind : strcmp(x->name ? x->name : "", y->name ? y->name : "");
}

/* The container of each request's last attempt that names one: numbers of names, BLAME_NOBODY where none does. */
static int read_containers(struct query *q, const struct blame_run *b, struct intern *names, uint32_t **out)
{
	sqlite3_stmt *st = query_prepare(
	    q, "SELECT tid, container_id FROM attempt WHERE run = ?1 AND container_id IS NOT NULL ORDER BY tid, n");
	uint32_t *v = malloc(((size_t)b->nrequests + 1) * sizeof *v);
	int rc = v ? 0 : -ENOMEM;

	if (v)
		memset(v, 0xff, ((size_t)b->nrequests + 1) * sizeof *v);
	sqlite3_bind_int64(st, 1, b->run);
	while (!rc && query_next(q, st)) {
		uint32_t request = blame_find(b, column_slice(st, 0));

		if (request != BLAME_NOBODY)
			rc = intern_add(names, column_slice(st, 1), &v[request]);
	}
	sqlite3_finalize(st);
	*out = v;
	return rc;
}

/* The sums by request, added up by container and kind; v is used again, *n becomes less. */
static int add_up(const uint32_t *container, uint32_t containers, const struct blame_sum *v, size_t n,
                  const struct intern *names, struct total **out, size_t *lines)
{
	size_t all = ((size_t)containers + 1) * BLAME_HOLDERS, count = 0;
	struct total *l = calloc(all, sizeof *l);

	if (!l)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		uint32_t c = v[i].holder == BLAME_NOBODY ? BLAME_NOBODY : container[v[i].holder];
		struct total *x = &l[(size_t)(c == BLAME_NOBODY ? containers : c) * BLAME_HOLDERS + v[i].kind];

		x->kind = v[i].kind;
		x->name = c == BLAME_NOBODY ? NULL : text_of(names->text[c]);
		x->ns += v[i].ns;
	}
	for (size_t i = 0; i < all; i++)
		if (l[i].ns)
			l[count++] = l[i];
	qsort(l, count, sizeof *l, by_ns);
	*out = l;
	*lines = count;
	return 0;
}

/* Requests that held what was waited for, and of which no line says the container. */
static void note_unnamed(struct query *q, const struct total *l, size_t n, int64_t all)
{
	int64_t unnamed = 0;

	for (size_t i = 0; i < n; i++)
		unnamed += l[i].name || l[i].kind == BLAME_UNKNOWN || l[i].kind == BLAME_COLD ? 0 : l[i].ns;
	if ((double)unnamed > 0.0005 * (double)all)
		query_note(q,
		           "%.1f %% of the waiting was behind requests of which no line names the container; level "
		           "debug would",
		           100.0 * (double)unnamed / (double)all);
}

static void put_containers(struct query *q, struct table *t, const struct blame_run *b, const struct blame_sum *v,
                           size_t n, int64_t all)
{
	struct intern names = {0};
	uint32_t *container = NULL;
	struct total *l = NULL;
	size_t lines = 0;
	int rc = read_containers(q, b, &names, &container);

	if (!rc)
		rc = add_up(container, names.n, v, n, &names, &l, &lines);
	query_ok(q, rc, q->path);
	for (size_t i = 0; i < lines; i++) {
		struct cell c[] = {CELL_OF_INT(b->run), cell_of_text(blame_holder_name(l[i].kind)),
		                   cell_of_text(l[i].name), CELL_OF_INT(l[i].ns),
		                   CELL_OF_REAL((double)l[i].ns / (double)all)};

		query_table_row(q, t, c);
	}
	note_unnamed(q, l, lines, all);
	free(l);
	free(container);
	intern_done(&names);
}

static void put_tids(struct query *q, struct table *t, const struct blame_run *b, const struct blame_sum *v, size_t n,
                     int64_t all)
{
	for (size_t i = 0; i < n; i++) {
		const struct blame_request *h = v[i].holder == BLAME_NOBODY ? NULL : &b->request[v[i].holder];
		struct cell c[] = {CELL_OF_INT(b->run),
		                   cell_of_text(blame_holder_name(v[i].kind)),
		                   cell_of_tid(b, v[i].holder),
		                   h ? cell_of_text(text_of(b->functions.text[h->function])) : CELL_OF_NULL,
		                   CELL_OF_INT(v[i].ns),
		                   CELL_OF_REAL((double)v[i].ns / (double)all)};

		if (!query_table_row(q, t, c))
			break;
	}
}

static void put_holders(struct query *q, struct table *t, const struct blame_run *b, bool containers, bool cold,
                        const struct blame_sum *v, size_t n)
{
	int64_t all = 0, unknown = 0;

	for (size_t i = 0; i < n; i++) {
		all += v[i].ns;
		unknown += v[i].kind == BLAME_UNKNOWN ? v[i].ns : 0;
	}
	(containers ? put_containers : put_tids)(q, t, b, v, n, all);
	(cold ? note_unknown_cold : note_unknown)(q, b, unknown, all);
}

static void show_holders(struct query *q, struct table *t, const struct blame_run *b, bool containers, bool cold)
{
	struct blame_sum *v = NULL;
	size_t n = 0;

	if (query_ok(q, blame_sums(b, BLAME_BY_TID, cold, &v, &n), q->path))
		put_holders(q, t, b, containers, cold, v, n);
	free(v);
}

static void show_run(struct query *q, struct table *t, int64_t run, const char *by)
{
	struct blame_run b = {0};
	bool cold = args_has(q->args, "cold");

	if (read_run(q, run, cold, &b)) {
		for (uint32_t i = 0; i < b.nlanes && i < 8 && !cold; i++)
			note_lane(q, &b.lane[i]);
		if (!strcmp(by, "function"))
			show_functions(q, t, &b, cold);
		else
			show_holders(q, t, &b, !strcmp(by, "container"), cold);
	}
	blame_run_done(&b);
}

/* ---- one request, from when to when or added up ---- */

static void show_rows(struct query *q, struct table *t, const struct blame_run *b, uint32_t request)
{
	struct blame_row *row = NULL;
	size_t n = 0;

	if (query_ok(q, blame_rows(b, request, request + 1, &row, &n), q->path))
		put_request(q, t, b, request, row, n);
	free(row);
}

static void show_sums(struct query *q, struct table *t, const struct blame_run *b, uint32_t request, const char *by)
{
	bool cold = args_has(q->args, "cold"), functions = !strcmp(by, "function");
	struct blame_sum *v = NULL;
	size_t n = 0;

	if (!query_ok(q, blame_sums_of(b, request, functions ? BLAME_BY_FUNCTION : BLAME_BY_TID, cold, &v, &n),
	              q->path))
		return;
	if (functions) {
		put_functions(q, t, b, v, n);
		note_functions(q, b, v, n, cold, true);
	} else {
		put_holders(q, t, b, !strcmp(by, "container"), cold, v, n);
	}
	free(v);
}

/* by NULL: its rows. */
static void show_request(struct query *q, struct table *t, int64_t run, const char *tid, const char *by)
{
	struct blame_run b = {0};
	uint32_t request;

	if (read_run(q, run, true, &b) &&
	    (request = blame_find(&b, (struct slice){tid, strlen(tid)})) != BLAME_NOBODY) {
		if (by)
			show_sums(q, t, &b, request, by);
		else
			show_rows(q, t, &b, request);
	}
	blame_run_done(&b);
}

/* ---- the command ---- */

/* A name that no function has is a slip. */
static void check_function(struct query *q)
{
	const char *function = args_value(q->args, "function");
	sqlite3_stmt *st =
	    query_prepare(q, function ? "SELECT 1 FROM invocation_kind WHERE coalesce(function_name, '?') GLOB ?1 "
	                                "AND ?2 IN (0, run) LIMIT 1"
	                              : "SELECT 1");

	if (function) {
		sqlite3_bind_text(st, 1, function, -1, SQLITE_STATIC);
		sqlite3_bind_int64(st, 2, query_run(q));
	}
	if (!query_next(q, st) && !q->status)
		query_no_function(q, function, "no request is of it");
	sqlite3_finalize(st);
}

static void each_run(struct query *q, struct table *t, const char *by, const char *tid)
{
	struct select s = {0};
	sqlite3_stmt *st;

	select_add(&s, tid ? "SELECT run FROM invocation" : "SELECT id AS run FROM run");
	select_run(q, &s, tid ? "run" : "id");
	if (tid)
		select_where(&s, "tid = ?", tid);
	select_add(&s, " ORDER BY 1");
	st = select_prepare(q, &s);
	while (query_next(q, st)) {
		int64_t run = sqlite3_column_int64(st, 0);

		if (tid)
			show_request(q, t, run, tid, by);
		else
			show_run(q, t, run, by ? by : "function");
	}
	sqlite3_finalize(st);
	select_done(&s);
}

/* An object a run, a line each. */
static void put_heat(struct query *q)
{
	struct select s = {0};
	struct text t = {0};
	bool cold = args_has(q->args, "cold");
	sqlite3_stmt *st;

	select_add(&s, "SELECT id FROM run");
	select_run(q, &s, "id");
	select_add(&s, " ORDER BY 1");
	st = select_prepare(q, &s);
	while (query_next(q, st)) {
		struct blame_run b = {0};

		if (read_run(q, sqlite3_column_int64(st, 0), cold, &b))
			query_ok(q, blame_heat(&b, cold, &t), q->path);
		text_puts(&t, b.phase ? "\n" : "");
		blame_run_done(&b);
	}
	sqlite3_finalize(st);
	select_done(&s);
	if (query_wrote(q, t.failed ? -ENOMEM : 0))
		fwrite(text_str(&t), 1, t.len, q->out->file);
	text_done(&t);
	query_wrote(q, output_status(q->out));
}

/* by NULL: the rows of one request. */
static struct table *open_table(struct query *q, const char *by)
{
	if (!by)
		return query_table_open(q, of_tid, sizeof of_tid / sizeof *of_tid);
	if (!strcmp(by, "function"))
		return query_table_open(q, by_function, sizeof by_function / sizeof *by_function);
	if (!strcmp(by, "tid"))
		return query_table_open(q, by_tid, sizeof by_tid / sizeof *by_tid);
	if (!strcmp(by, "container"))
		return query_table_open(q, by_container, sizeof by_container / sizeof *by_container);
	query_fail(q, USAGE, "--by %s: it is one of function, tid, container", by);
	return NULL;
}

static void run(struct query *q)
{
	const char *by = args_value(q->args, "by");
	struct query_tid of = {0};
	struct table *t;

	if (args_has(q->args, "heat")) {
		if (q->args->nwords || (by && strcmp(by, "function") != 0) || args_has(q->args, "function"))
			query_fail(q, USAGE, "--heat is of a whole run, function by function");
		put_heat(q);
		return;
	}
	if (q->args->nwords && args_has(q->args, "function"))
		query_fail(q, USAGE, "--function is of a whole run: a request has one function");
	if (q->args->nwords)
		of = query_tid(q, q->args->words[0]);
	t = open_table(q, by || q->args->nwords ? by : "function");
	if (!q->status && !of.tid)
		check_function(q);
	if (!q->status)
		each_run(q, t, by, of.tid);
	query_table_close(q, t);
	query_tid_done(&of);
}

static const struct option_spec options[] = {
    {.name = "by", .value = "WHAT", .help = "by function (of a run a matrix), or the holders by tid or container"},
    {.name = "cold", .help = "what cold starts took, and who is to blame, instead of the queue"},
    {.name = "cores", .value = "N", .help = "cores of each worker, where the log does not say them, or wrongly"},
    {.name = "function",
     .value = "NAME",
     .help = "of the matrix of a run what this function waited for; * and ? stand for anything"},
    {.name = "heat", .help = "of a run: the matrix as JSON for a heat map, a line a run"},
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_blame = {
    .name = "blame",
    .group = GROUP_ANSWERS,
    .words = "[TID]",
    .most = 1,
    .hint = HINT_TID,
    .help = "who made whom wait, in a queue or for a container: of one request, or of a run function by function",
    .more =
        "Each nanosecond in the queue is given to those that held what was waited for: `memory` where the request "
        "itself was refused it,\n"
        "`executing` while all cores are taken, `ahead` while one is free and others stand before it; what the log "
        "cannot tell is `unknown`.\n"
        "Several share in equal parts, so that the sum is the time in the queue, to the nanosecond. Table `blame` has "
        "the same in SQL.\n\n"
        "A cold start is charged to the request for which a container of the function was removed (`memory`), else to "
        "those of the function that had\n"
        "all of its containers (`cold`), else to nobody: there was none yet, or it was removed for no request's sake. "
        "Lines of level debug tell of\n"
        "removals; without them it is `unknown`. Shown for one request, with --cold for what is added up, and in table "
        "`blame`.\n\n"
        "Cores are those that the worker reports, else the most that ever executed at a time. The order of the queue "
        "stands in lines of level debug;\n"
        "without them it is the order of arrival where no more than one in a hundred was taken before an earlier one.",
    .examples = "blame\nblame 3a294129\nblame 3a294129 --by function\nblame --by container\nblame --cold\nsql 'SELECT "
                "holder_tid, ns FROM blame "
                "WHERE tid = ''...'''",
    .options = options,
    .need = NEED_READ,
    .gives_back = true,
    .of_requests = true,
    .run = run,
};
