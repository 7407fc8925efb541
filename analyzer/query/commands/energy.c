/* SPDX-License-Identifier: GPL-3.0-or-later */
/* energy.c - what the machine used, by meter; and for whom, by function or invocation.
 *
 * Of the energy logs that are loaded beside a run's logs. Power is given in equal parts to the executions that run at
 * each instant; what was used while none ran stands apart as idle. */
#include "beside/energy_meter.h"
#include "base/array.h"
#include "query/core/command.h"
#include "query/core/select.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct meters {
	struct energy_meter *v;
	size_t n, room;
};

/* An execution, with whose it is. */
struct user {
	char *tid, *function;
	int64_t start_ns;
};

struct users {
	struct energy_user *v;
	struct user *who;
	size_t n, room, who_room;
};

struct energy {
	struct query *q;
	struct meters meters;
	struct users users;
	struct table *table;
	int64_t run, offset_s;
	double range_uj;
	const char *only; /* this meter, or NULL */
};

/* ---- the meters ---- */

static char *text_of(struct slice s)
{
	return s.ptr ? strndup(s.ptr, s.len) : NULL;
}

/* The meter that a reading is of; a new one where it is the first. NULL: no memory. */
static struct energy_meter *meter_of(struct meters *m, const struct energy_row *row, struct slice name)
{
	struct energy_meter *x;

	for (size_t i = m->n; i-- && m->v[i].source == row->source;)
		if (slice_is(name, m->v[i].name))
			return &m->v[i];
	if (array_reserve(m->v, m->room, m->n + 1))
		return NULL;
	x = &m->v[m->n];
	*x = (struct energy_meter){.run = row->run,
	                           .source = row->source,
	                           .kind = row->kind,
	                           .name = text_of(name),
	                           .worker = text_of(row->worker)};
	if (!x->name || (row->worker.ptr && !x->worker)) {
		energy_meter_done(x);
		return NULL;
	}
	m->n++;
	return x;
}

/* The counter's range as the worker said it when it wrapped around: "... = 5 + (RANGE - 9)". 0: it did not say. */
static double read_range(struct query *q, int64_t run)
{
	sqlite3_stmt *stmt = query_prepare(
	    q, "SELECT message FROM event WHERE run = ?1 AND message GLOB 'going around the energy horn *' LIMIT 1");
	double range = 0;

	sqlite3_bind_int64(stmt, 1, run);
	if (query_next(q, stmt)) {
		const char *text = (const char *)sqlite3_column_text(stmt, 0), *at = text ? strchr(text, '(') : NULL;

		range = at ? strtod(at + 1, NULL) : 0;
	}
	sqlite3_finalize(stmt);
	return range;
}

static int put_reading(struct energy *e, const struct energy_row *row)
{
	struct energy_meter *m;
	struct slice name;

	if (!energy_meter_name(row->kind, row->name, &name) || (e->only && !slice_is(name, e->only)))
		return 0;
	m = meter_of(&e->meters, row, name);
	if (!m)
		return -ENOMEM;
	if (m->kind == ENERGY_RAPL && m->started && row->value < m->last && !m->wraps) {
		m->range_uj = e->range_uj;
		if (!(m->range_uj > 0))
			m->range_uj = read_range(e->q, row->run);
	}
	return energy_meter_add(m, row);
}

static void read_all(struct energy *e)
{
	struct energy_rows *rows = NULL;
	struct energy_row row;
	int rc = e->q->status ? 0 : energy_rows_open(e->q->store, e->run, &rows);

	while (rows && !rc && !e->q->status && (rc = energy_rows_next(rows, &row)) == 1)
		rc = put_reading(e, &row);
	energy_rows_close(rows);
	query_ok(e->q, rc, "energy logs");
}

static void path_of(struct query *q, int64_t source, char *out, size_t room)
{
	sqlite3_stmt *stmt = query_prepare(q, "SELECT path FROM source WHERE id = ?1");

	snprintf(out, room, "source %lld", (long long)source);
	sqlite3_bind_int64(stmt, 1, source);
	if (query_next(q, stmt) && sqlite3_column_text(stmt, 0))
		snprintf(out, room, "%s", (const char *)sqlite3_column_text(stmt, 0));
	sqlite3_finalize(stmt);
}

/* What a sum leaves out. */
static void tell(struct energy *e, const struct energy_meter *m)
{
	char path[512];

	if (!m->unknown && !m->skipped)
		return;
	path_of(e->q, m->source, path, sizeof path);
	if (m->unknown)
		query_note(e->q,
		           "%s: the counter went back %lld time%s and its range is not known: the joules of these "
		           "stretches are left out; --rapl-max says it",
		           path, (long long)m->unknown, m->unknown == 1 ? "" : "s");
	if (m->skipped)
		query_note(e->q, "%s:%lld: not later than the line before; %lld such line%s passed over", path,
		           (long long)m->skipped_line, (long long)m->skipped, m->skipped == 1 ? "" : "s");
}

/* ---- by meter ---- */

static struct cell real(double v)
{
	return isnan(v) ? CELL_OF_NULL : CELL_OF_REAL(v);
}

static void put_meter(struct energy *e, const struct energy_meter *m)
{
	int64_t measured_ns = energy_meter_measured_ns(m);
	double joules = energy_meter_joules(m), least, largest;

	energy_meter_power(m, &least, &largest);

	struct cell c[] = {
	    CELL_OF_INT(e->offset_s),
	    CELL_OF_INT(m->run),
	    cell_of_text(m->worker),
	    cell_of_text(m->name),
	    CELL_OF_INT(m->samples),
	    CELL_OF_INT(m->first_ns),
	    CELL_OF_INT(m->last_ns),
	    CELL_OF_INT(measured_ns),
	    m->n ? CELL_OF_REAL(joules) : CELL_OF_NULL,
	    measured_ns ? CELL_OF_REAL(joules / ((double)measured_ns / 1e9)) : CELL_OF_NULL,
	    real(least),
	    real(largest),
	    CELL_OF_INT(m->wraps),
	    CELL_OF_INT(m->unknown),
	    CELL_OF_INT(m->skipped),
	};

	query_table_row(e->q, e->table, c);
}

static const struct column by_meter[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},       {"worker", UNIT_NONE},   {"meter", UNIT_NONE},
    {"samples", UNIT_COUNT},   {"first_ns", UNIT_TIME}, {"last_ns", UNIT_TIME},  {"measured_ns", UNIT_NS},
    {"joules", UNIT_VALUE},    {"mean_w", UNIT_VALUE},  {"min_w", UNIT_VALUE},   {"max_w", UNIT_VALUE},
    {"wraps", UNIT_COUNT},     {"unknown", UNIT_NONE},  {"skipped", UNIT_COUNT},
};

/* ---- for whom ---- */

static void users_done(struct users *u)
{
	for (size_t i = 0; i < u->n; i++) {
		free(u->who[i].tid);
		free(u->who[i].function);
	}
	free(u->v);
	free(u->who);
	*u = (struct users){0};
}

static int users_room(struct users *u)
{
	int rc = array_reserve(u->v, u->room, u->n + 1);

	return rc ? rc : array_reserve(u->who, u->who_room, u->n + 1);
}

static int user_add(struct users *u, sqlite3_stmt *stmt)
{
	const char *tid = (const char *)sqlite3_column_text(stmt, 0),
	           *function = (const char *)sqlite3_column_text(stmt, 1);
	int rc = users_room(u);

	if (rc)
		return rc;
	u->who[u->n] =
	    (struct user){strdup(tid ? tid : ""), strdup(function ? function : ""), sqlite3_column_int64(stmt, 2)};
	u->v[u->n] = (struct energy_user){
	    .from_ns = sqlite3_column_int64(stmt, 2),
	    .to_ns = sqlite3_column_type(stmt, 3) == SQLITE_NULL ? INT64_MAX : sqlite3_column_int64(stmt, 3)};
	u->n++;
	return u->who[u->n - 1].tid && u->who[u->n - 1].function ? 0 : -ENOMEM;
}

/* Who executed on the meter's machine: one function's after the other, one invocation's attempts together. */
static void read_users(struct energy *e, const struct energy_meter *m)
{
	sqlite3_stmt *stmt =
	    query_prepare(e->q, "SELECT a.tid, coalesce(i.function_name, i.fqdn, '(unknown)'), a.start_ns, a.end_ns "
	                        "FROM attempt a JOIN invocation i USING (run, tid)"
	                        " WHERE a.run = ?1 AND a.start_ns IS NOT NULL AND (?2 IS NULL OR a.worker IS NULL "
	                        "OR a.worker = ?2) ORDER BY 2, a.tid, a.n");

	users_done(&e->users);
	sqlite3_bind_int64(stmt, 1, m->run);
	sqlite3_bind_text(stmt, 2, m->worker, -1, SQLITE_STATIC);
	while (query_next(e->q, stmt))
		query_ok(e->q, user_add(&e->users, stmt), e->q->command);
	sqlite3_finalize(stmt);
}

/* The users from i on that have one key: *joules and *measured_ns of them all, *count of invocations. Where the next
 * ones begin. */
static size_t together(const struct users *u, size_t i, bool by_function, double *joules, int64_t *measured_ns,
                       int64_t *count)
{
	size_t from = i;

	*joules = 0;
	*measured_ns = *count = 0;
	for (; i < u->n && !strcmp(u->who[i].function, u->who[from].function) &&
	       (by_function || !strcmp(u->who[i].tid, u->who[from].tid));
	     i++) {
		*joules += u->v[i].joules;
		*measured_ns += u->v[i].measured_ns;
		*count += i == from || strcmp(u->who[i].tid, u->who[i - 1].tid);
	}
	return i;
}

static const struct column by_function[] = {
    {"run", UNIT_RUN},           {"worker", UNIT_NONE},     {"meter", UNIT_NONE},   {"function_name", UNIT_NONE},
    {"invocations", UNIT_COUNT}, {"executing_ns", UNIT_NS}, {"joules", UNIT_VALUE}, {"share", UNIT_SHARE},
    {"joules_each", UNIT_VALUE},
};

static bool put_function(struct energy *e, const struct energy_meter *m, const char *name, int64_t count, int64_t ns,
                         double joules, double all)
{
	struct cell c[] = {
	    CELL_OF_INT(m->run),
	    cell_of_text(m->worker),
	    cell_of_text(m->name),
	    cell_of_text(name),
	    count ? CELL_OF_INT(count) : CELL_OF_NULL,
	    CELL_OF_INT(ns),
	    CELL_OF_REAL(joules),
	    all > 0 ? CELL_OF_REAL(joules / all) : CELL_OF_NULL,
	    count ? CELL_OF_REAL(joules / (double)count) : CELL_OF_NULL,
	};

	return query_table_row(e->q, e->table, c);
}

static void put_functions(struct energy *e, const struct energy_meter *m, double idle, int64_t idle_ns)
{
	double joules, all = energy_meter_joules(m);
	int64_t ns, count;

	for (size_t i = 0, from; i < e->users.n;) {
		from = i;
		i = together(&e->users, i, true, &joules, &ns, &count);
		if (!put_function(e, m, e->users.who[from].function, count, ns, joules, all))
			return;
	}
	put_function(e, m, "(idle)", 0, idle_ns, idle, all);
}

static const struct column by_invocation[] = {
    {"offset_s", UNIT_OFFSET}, {"run", UNIT_RUN},         {"worker", UNIT_NONE},
    {"meter", UNIT_NONE},      {"tid", UNIT_ID},          {"function_name", UNIT_NONE},
    {"start_ns", UNIT_TIME},   {"executing_ns", UNIT_NS}, {"joules", UNIT_VALUE},
    {"mean_w", UNIT_VALUE},
};

struct part {
	size_t user;
	double joules;
	int64_t measured_ns;
};

static int most_first(const void *a, const void *b)
{
	const struct part *x = a, *y = b;

	if (x->joules != y->joules)
		return x->joules > y->joules ? -1 : 1;
	return (x->user > y->user) - (x->user < y->user);
}

static bool put_invocation(struct energy *e, const struct energy_meter *m, const struct part *part)
{
	const struct user *who = &e->users.who[part->user];
	int64_t ns = part->measured_ns;
	struct cell c[] = {
	    CELL_OF_INT(e->offset_s),   CELL_OF_INT(m->run),
	    cell_of_text(m->worker),    cell_of_text(m->name),
	    cell_of_text(who->tid),     cell_of_text(who->function),
	    CELL_OF_INT(who->start_ns), CELL_OF_INT(ns),
	    CELL_OF_REAL(part->joules), ns ? CELL_OF_REAL(part->joules / ((double)ns / 1e9)) : CELL_OF_NULL,
	};

	return query_table_row(e->q, e->table, c);
}

static void put_invocations(struct energy *e, const struct energy_meter *m)
{
	struct part *parts = malloc((e->users.n + 1) * sizeof *parts);
	int64_t count;
	size_t n = 0;

	if (!query_ok(e->q, parts ? 0 : -ENOMEM, e->q->command)) {
		free(parts);
		return;
	}
	for (size_t i = 0; i < e->users.n; n++) {
		parts[n].user = i;
		i = together(&e->users, i, false, &parts[n].joules, &parts[n].measured_ns, &count);
	}
	qsort(parts, n, sizeof *parts, most_first);
	for (size_t i = 0; i < n; i++)
		if (!put_invocation(e, m, &parts[i]))
			break;
	free(parts);
}

/* ---- the command ---- */

enum by { BY_METER, BY_FUNCTION, BY_INVOCATION };

static enum by read_options(struct energy *e)
{
	const char *what = args_value(e->q->args, "by"), *max = args_value(e->q->args, "rapl-max");
	enum by by = !what || !strcmp(what, "meter") ? BY_METER
	             : !strcmp(what, "function")     ? BY_FUNCTION
	                                             : BY_INVOCATION;
	int64_t range = 0;

	e->only = args_value(e->q->args, "meter");
	if (by == BY_INVOCATION && strcmp(what, "invocation"))
		query_fail(e->q, USAGE, "--by %s: it is meter, function or invocation", what);
	if (max && (args_number(max, &range) || !range))
		query_fail(e->q, USAGE, "--rapl-max %s: it is a number of microjoules, as in max_energy_range_uj", max);
	e->range_uj = (double)range;
	return by;
}

static void put(struct energy *e, const struct energy_meter *m, enum by by)
{
	double idle;
	int64_t idle_ns;

	e->offset_s = query_offset(e->q, m->run);
	tell(e, m);
	if (by == BY_METER) {
		put_meter(e, m);
		return;
	}
	read_users(e, m);
	if (e->q->status || !query_ok(e->q, energy_share(m, e->users.v, e->users.n, &idle, &idle_ns), e->q->command))
		return;
	if (by == BY_FUNCTION)
		put_functions(e, m, idle, idle_ns);
	else
		put_invocations(e, m);
}

static void run(struct query *q)
{
	static const struct {
		const struct column *columns;
		size_t n;
	} tables[] = {
	    {by_meter, sizeof by_meter / sizeof *by_meter},
	    {by_function, sizeof by_function / sizeof *by_function},
	    {by_invocation, sizeof by_invocation / sizeof *by_invocation},
	};
	struct energy e = {.q = q, .run = query_run(q)};
	enum by by = read_options(&e);

	read_all(&e);
	e.table = query_table_open(q, tables[by].columns, tables[by].n);
	for (size_t i = 0; !q->status && i < e.meters.n; i++)
		put(&e, &e.meters.v[i], by);
	query_table_close(q, e.table);
	if (!q->status && !e.meters.n)
		query_note(q,
		           "no energy was measured: no energy-rapl.log, energy-ipmi.log or energy-perf.log%s is loaded",
		           e.only ? " with such a meter" : "");
	for (size_t i = 0; i < e.meters.n; i++)
		energy_meter_done(&e.meters.v[i]);
	free(e.meters.v);
	users_done(&e.users);
}

static const struct option_spec options[] = {
    {.name = "by", .value = "WHAT", .help = "a row for each meter (as without it), function or invocation"},
    {.name = "meter", .value = "NAME", .help = "of this one: rapl, ipmi, energy_pkg, energy_ram, ..."},
    {.name = "rapl-max",
     .value = "UJ",
     .help = "microjoules at which RAPL's counter wraps around: max_energy_range_uj of the machine"},
    OPTION_LIMIT,
    OPTION_RUN,
    {0},
};

const struct command command_energy = {
    .name = "energy",
    .group = GROUP_ANSWERS,
    .help = "the energy that was measured, by meter; and for whom, by function or invocation",
    .more =
        "Of energy-rapl.log, energy-ipmi.log and energy-perf.log beside the run's logs: each is a meter, and they "
        "measure "
        "the same machine, so\n"
        "they are not to be added. RAPL is a counter, IPMI's watts hold until the next reading, perf tells joules. "
        "--by "
        "function and --by\n"
        "invocation give each instant's power in equal parts to the executions that run then; what was used while none "
        "ran is (idle).\n"
        "RAPL's counter wraps around: its range is taken from the worker's log where it tells it (level debug), else "
        "--rapl-max says it, else\n"
        "those stretches are left out, and counted as unknown. skipped counts readings that are not later than the one "
        "before.",
    .examples =
        "energy\nenergy --by function --meter rapl\nenergy --by invocation --limit 20\nenergy --rapl-max 262143328850",
    .options = options,
    .need = NEED_READ,
    .run = run,
};
