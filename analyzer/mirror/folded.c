/* SPDX-License-Identifier: GPL-3.0-or-later */
/* folded.c - see folded.h
 *
 * Each table is asked of all shards in the order of its key and merged, so that rows are written in the order in which
 * a load writes them, whichever shard they come from. Invocations and attempts go through the same writer as a load's,
 * as their rows here are numbers of kinds and differences of times. */
#include "mirror/folded.h"
#include "base/array.h"
#include "base/bytes.h"
#include "load/runkind.h"
#include "mirror/inputs.h"
#include "mirror/ledger.h"
#include "mirror/run_groups.h"
#include "remote/merged.h"
#include "remote/say.h"
#include "remote/schema.h"
#include "tables/moments.h"
#include "tables/write.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct folded {
	struct cluster *c;
	sqlite3 *db;
	struct slice only, other; /* of these runs alone; only NONE: of all, other NONE: of one */
	struct run_groups groups;
	char **why;
	bool without; /* invocations are not written */
	struct writer writer;
	struct intern words;
	struct moments moments;
	struct attempt *attempt; /* of the invocation at hand */
	size_t nattempts, attempts_room;
	struct arena texts; /* theirs */
	int64_t *inserted;  /* cache_insertions by kind */
	size_t kinds_room;
	struct slice run; /* the last that was looked up: words' */
	int64_t run_id;
};

/* ---- rows ---- */

static int64_t number(struct slice v)
{
	return v.ptr ? tsv_int(v) : NO_NS;
}

static double real(struct slice v)
{
	return v.ptr ? strtod(v.ptr, NULL) : NAN;
}

/* One of few texts, for as long as all lasts; NULL for NULL. */
static const char *word(struct folded *f, struct slice v, int *rc)
{
	uint32_t i;

	if (!v.ptr || *rc || (*rc = intern_add(&f->words, v, &i)))
		return NULL;
	return f->words.text[i].ptr;
}

static int run_of(struct folded *f, struct slice run, int64_t *id)
{
	int rc = 0;

	if (!f->run_id || !slice_same(f->run, run)) {
		rc = ledger_run(f->db, run, &f->run_id);
		f->run.ptr = rc ? NULL : word(f, run, &rc);
		f->run.len = run.len;
	}
	*id = f->run_id;
	return rc;
}

/* columns FROM table, of the run that is asked for, or of group i of all, in the order of key; yours, NULL: no memory.
 * Of rows that replace each other the newest is taken as they are sorted anyway: FINAL has buffers for each column of
 * each partition, and five times the memory. */
static char *rows_sql(const struct folded *f, size_t i, const char *table, const char *columns, const char *key)
{
	struct text sql = {0};
	char *out;

	text_printf(&sql, "SELECT %s FROM $%s", columns, table);
	if (f->only.len) {
		text_puts(&sql, " WHERE ");
		cluster_of_runs(&sql, f->only, f->other);
	} else {
		run_groups_where(&f->groups, i, &sql);
	}
	text_printf(&sql, " ORDER BY %s, version DESC LIMIT 1 BY %s FORMAT TabSeparated", key,
	            schema_folded_named(table)->key);
	out = sql.failed ? NULL : strdup(text_str(&sql));
	text_done(&sql);
	return out;
}

/* The rows of a table in the order of key, which begins with the run. */
static int open_rows(struct folded *f, const char *table, const char *columns, unsigned n, const char *key,
                     unsigned keys, bool by_number, struct merged **out)
{
	size_t statements = f->groups.n + 1;
	char **sql = calloc(statements + 1, sizeof *sql);
	int rc = sql ? 0 : -ENOMEM;

	*out = NULL;
	for (size_t i = 0; i < statements && !rc; i++)
		rc = (sql[i] = rows_sql(f, i, table, columns, key)) ? 0 : -ENOMEM;
	rc = rc ? rc : merged_open(f->c, (const char *const *)sql, n, keys, by_number, out, f->why);
	for (size_t i = 0; sql && i < statements; i++)
		free(sql[i]);
	free(sql);
	return rc;
}

/* ---- invocations and their attempts ---- */

enum {
	A_RUN,
	A_TID,
	A_N,
	A_WORKER,
	A_INSERT,
	A_REMOVE,
	A_START,
	A_END,
	A_CONTAINER,
	A_STATE,
	A_OUTCOME,
	A_ERROR,
	A_ALL
};
static const char attempt_columns[] =
    "run, tid, n, worker, insert_ns, remove_ns, start_ns, end_ns, container_id, state, outcome, error";

static struct slice kept(struct folded *f, struct slice v)
{
	char *p = v.ptr ? arena_text(&f->texts, v.ptr, v.len) : NULL;

	return (struct slice){p, p ? v.len : 0};
}

static int take_attempt(struct folded *f, const struct slice *v)
{
	struct attempt *a = array_add(f->attempt, f->nattempts, f->attempts_room);
	int rc = 0;

	if (!a)
		return -ENOMEM;
	*a = (struct attempt){.insert_ns = number(v[A_INSERT]),
	                      .remove_ns = number(v[A_REMOVE]),
	                      .start_ns = number(v[A_START]),
	                      .end_ns = number(v[A_END]),
	                      .worker = kept(f, v[A_WORKER]),
	                      .container_id = kept(f, v[A_CONTAINER]),
	                      .error = kept(f, v[A_ERROR])};
	a->outcome = word(f, v[A_OUTCOME], &rc);
	a->state = word(f, v[A_STATE], &rc);
	return f->texts.failed ? -ENOMEM : rc;
}

/* The attempts of a transaction; *next is the first row behind them, NULL: there is none. */
static int attempts_of(struct folded *f, struct merged *m, const struct slice *v, const struct slice **next)
{
	int rc = 0, c = 0;

	f->nattempts = 0;
	arena_done(&f->texts);
	f->texts = (struct arena){0};
	while (!rc && *next) {
		c = slice_compare((*next)[A_RUN], v[0]);
		c = c ? c : slice_compare((*next)[A_TID], v[1]);
		if (c > 0)
			break;
		rc = c ? 0 : take_attempt(f, *next);
		if (!rc && !(rc = merged_next(m, next)))
			*next = NULL;
		rc = rc == 1 ? 0 : rc;
	}
	return rc;
}

enum {
	I_RUN,
	I_TID,
	I_WORKER,
	I_FUNCTION,
	I_SOURCE,
	I_FQDN,
	I_STATUS,
	I_ATTEMPTS,
	I_SUCCESS,
	I_COLD,
	I_COMPUTE,
	I_STATE,
	I_SENT,
	I_CONTROLLER,
	I_DISPATCHED,
	I_ARRIVED,
	I_INSERT,
	I_REMOVE,
	I_START,
	I_END,
	I_RETURN,
	I_WORKER_US,
	I_CODE,
	I_E2E_US,
	I_CPU_QUEUE,
	I_CPU_RUN,
	I_GPU_QUEUE,
	I_GPU_RUN,
	I_CPU_EST,
	I_GPU_EST,
	I_CPU_LOAD,
	I_GPU_LOAD,
	I_INSERTED,
	I_WARM,
	I_BASE,
	I_SHARE,
	I_MOMENTS,
	I_ALL
};
static const char invocation_columns[] =
    "run, tid, worker, function_name, function_source, fqdn, status, attempts, success, was_cold, compute, state, "
    "sent_ns, controller_ns, dispatched_ns, arrived_ns, insert_ns, remove_ns, start_ns, end_ns, return_ns, "
    "worker_duration_us, code_duration_sec, e2e_duration_us, cpu_est_queue_sec, cpu_est_runtime_sec, "
    "gpu_est_queue_sec, gpu_est_runtime_sec, cpu_est_sec, gpu_est_sec, insert_cpu_load, insert_gpu_load, "
    "cache_insertions, warm_sec, base_sec, share, moments";

/* Those that FOLDED_BRIEF leaves out: a server opens files for each column of each partition. */
static bool is_left_out(int i)
{
	return i == I_SOURCE || i == I_SUCCESS || i == I_COMPUTE || i == I_WORKER_US ||
	       (i >= I_CPU_QUEUE && i <= I_SHARE);
}

static void put_columns(bool brief, struct text *sql)
{
	const char *p = invocation_columns;

	for (int i = 0; i < I_ALL; i++) {
		size_t n = strcspn(p, ",");

		text_puts(sql, i ? ", " : "");
		if (brief && is_left_out(i))
			text_puts(sql, "NULL");
		else
			text_add(sql, p, n);
		p += n + strspn(p + n, ", ");
	}
}

static int open_invocations(struct folded *f, bool brief, struct merged **out)
{
	struct text columns = {0};
	int rc;

	put_columns(brief, &columns);
	rc =
	    columns.failed ? -ENOMEM : open_rows(f, "invocation", text_str(&columns), I_ALL, "run, tid", 2, false, out);
	text_done(&columns);
	return rc;
}

static struct invocation invocation_of(const struct slice *v)
{
	return (struct invocation){.tid = v[I_TID],
	                           .worker = v[I_WORKER],
	                           .function_name = v[I_FUNCTION],
	                           .fqdn = v[I_FQDN],
	                           .nattempts = tsv_int(v[I_ATTEMPTS]),
	                           .success = number(v[I_SUCCESS]),
	                           .was_cold = number(v[I_COLD]),
	                           .sent_ns = number(v[I_SENT]),
	                           .controller_ns = number(v[I_CONTROLLER]),
	                           .dispatched_ns = number(v[I_DISPATCHED]),
	                           .arrived_ns = number(v[I_ARRIVED]),
	                           .insert_ns = number(v[I_INSERT]),
	                           .remove_ns = number(v[I_REMOVE]),
	                           .start_ns = number(v[I_START]),
	                           .end_ns = number(v[I_END]),
	                           .return_ns = number(v[I_RETURN]),
	                           .worker_duration_us = number(v[I_WORKER_US]),
	                           .e2e_duration_us = number(v[I_E2E_US]),
	                           .code_duration_sec = real(v[I_CODE]),
	                           .cpu_est_queue_sec = real(v[I_CPU_QUEUE]),
	                           .cpu_est_runtime_sec = real(v[I_CPU_RUN]),
	                           .gpu_est_queue_sec = real(v[I_GPU_QUEUE]),
	                           .gpu_est_runtime_sec = real(v[I_GPU_RUN]),
	                           .cpu_est_sec = real(v[I_CPU_EST]),
	                           .gpu_est_sec = real(v[I_GPU_EST]),
	                           .insert_cpu_load = real(v[I_CPU_LOAD]),
	                           .insert_gpu_load = real(v[I_GPU_LOAD]),
	                           .warm_sec = real(v[I_WARM]),
	                           .base_sec = real(v[I_BASE]),
	                           .share = real(v[I_SHARE])};
}

static int fill_invocation(struct folded *f, const struct slice *v, struct invocation *o)
{
	int rc = run_of(f, v[I_RUN], &o->run);

	o->function_source = word(f, v[I_SOURCE], &rc);
	o->status = word(f, v[I_STATUS], &rc);
	o->compute = word(f, v[I_COMPUTE], &rc);
	o->state = word(f, v[I_STATE], &rc);
	o->attempt = f->attempt;
	if (!rc && v[I_MOMENTS].len) {
		rc = moments_unpack(v[I_MOMENTS].ptr, v[I_MOMENTS].len, &f->moments);
		o->moment = f->moments.v;
		o->nmoments = f->moments.n;
	}
	if (!rc && o->nattempts != (int64_t)f->nattempts) {
		say(f->why, "%.*s has %lld attempts, and %zu are there; `ilu-logq fold` makes them anew",
		    (int)v[I_TID].len, v[I_TID].ptr, (long long)o->nattempts, f->nattempts);
		rc = -EBADMSG;
	}
	return rc ? rc : writer_place(&f->writer, o->run, o->tid, &o->place);
}

/* What all of a kind have, and the writer does not know. */
static int note_insertions(struct folded *f, uint32_t kind, int64_t n)
{
	size_t before = f->kinds_room;

	if (array_reserve(f->inserted, f->kinds_room, (size_t)kind + 1))
		return -ENOMEM;
	for (; before < f->kinds_room; before++)
		f->inserted[before] = NO_NS;
	f->inserted[kind] = n;
	return 0;
}

static int put_invocation(struct folded *f, const struct slice *v)
{
	struct invocation o = invocation_of(v);
	int rc = fill_invocation(f, v, &o);

	rc = rc ? rc : write_invocation(&f->writer, &o);
	return rc ? rc : note_insertions(f, o.kind, number(v[I_INSERTED]));
}

static int put_insertions(struct folded *f)
{
	sqlite3_stmt *st;
	int rc = sql_prepare(f->db, "UPDATE invocation_kind SET cache_insertions = ?2 WHERE id = ?1", &st);

	for (size_t i = 1; i < f->kinds_room && !rc; i++) {
		if (f->inserted[i] == NO_NS)
			continue;
		sqlite3_bind_int64(st, 1, (int64_t)i);
		sqlite3_bind_int64(st, 2, f->inserted[i]);
		rc = sql_step_reset(st);
	}
	sqlite3_finalize(st);
	return rc;
}

static int put_invocations(struct folded *f, bool brief)
{
	struct merged *m = NULL, *attempts = NULL;
	const struct slice *v, *next = NULL;
	int rc = open_invocations(f, brief, &m);

	if (!rc)
		rc = open_rows(f, "attempt", attempt_columns, A_ALL, "run, tid, n", 3, true, &attempts);
	if (!rc && (rc = merged_next(attempts, &next)) == 1)
		rc = 0;
	while (!rc && (rc = merged_next(m, &v)) == 1) {
		rc = attempts_of(f, attempts, v, &next);
		rc = rc ? rc : put_invocation(f, v);
	}
	merged_close(attempts);
	merged_close(m);
	return rc;
}

/* ---- the other tables ---- */

enum { L_RUN, L_TID, L_N, L_CONTAINER, L_WORKER, L_FROM, L_TO, L_ALL };

static int put_lock(struct folded *f, const struct slice *v)
{
	struct lock l = {.n = tsv_int(v[L_N]),
	                 .from_ns = number(v[L_FROM]),
	                 .to_ns = number(v[L_TO]),
	                 .container_id = v[L_CONTAINER],
	                 .worker = v[L_WORKER]};
	int rc = run_of(f, v[L_RUN], &l.run);

	rc = rc ? rc : writer_place(&f->writer, l.run, v[L_TID], &l.place);
	return rc ? rc : write_lock(&f->writer, &l);
}

enum { B_RUN, B_N, B_WORKER, B_FUNCTION, B_START, B_LEN, B_ALL };

static int put_batch(struct folded *f, const struct slice *v)
{
	int64_t run;
	int rc = run_of(f, v[B_RUN], &run);

	return rc ? rc
	          : write_batch(&f->writer, run, v[B_WORKER], v[B_FUNCTION], number(v[B_START]), tsv_int(v[B_LEN]));
}

/* A row of a plain table: the statement's ?1 is the run, the others are the columns behind it, by their kinds: t text,
 * n a number, d a real one (which SQLite does not read from text to the last digit). */
static int put_plain(struct folded *f, sqlite3_stmt *st, const struct slice *v, const char *kinds)
{
	int64_t run;
	int rc = run_of(f, v[0], &run);

	sqlite3_bind_int64(st, 1, run);
	for (int i = 1; kinds[i]; i++) {
		if (kinds[i] == 'n')
			bind_ns(st, i + 1, number(v[i]));
		else if (kinds[i] == 'd')
			bind_real(st, i + 1, real(v[i]));
		else
			bind_slice(st, i + 1, v[i]);
	}
	return rc ? rc : sql_step_reset(st);
}

typedef int put_fn(struct folded *f, const struct slice *v);

/* Tables of which every row is written as it comes. */
static const struct {
	enum folded_tables which;
	const char *table, *columns;
	unsigned n;
	const char *key;
	unsigned keys;
	bool number;
	put_fn *put; /* or, of a plain table: */
	const char *kinds, *sql;
} plain[] = {
    {FOLDED_LOCK, "lock", "run, tid, n, container_id, worker, from_ns, to_ns", L_ALL, "run, tid, n", 3, true, put_lock,
     NULL, NULL},
    {FOLDED_BATCH, "batch", "run, n, worker, function_name, start_ns, batch_len", B_ALL, "run, n", 2, true, put_batch,
     NULL, NULL},
    {FOLDED_FUNCTION, "function", "run, func_name, benchmark_name, avg_iat, iat_class", 5, "run, func_name", 2, false,
     NULL, "tttdd",
     "INSERT INTO function(run, func_name, benchmark_name, avg_iat, iat_class) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT "
     "DO UPDATE SET benchmark_name = excluded.benchmark_name, avg_iat = excluded.avg_iat, iat_class = "
     "excluded.iat_class"},
    {FOLDED_CONTAINER, "container",
     "run, container_id, fqdn, worker, compute, created_ns, removed_ns, created_by, invocations", 9,
     "run, container_id", 2, false, NULL, "tttttnntn",
     "INSERT INTO container VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
    {FOLDED_SERIES, "series", "run, n, name, time_ns, worker, whole, real", 7, "run, n", 2, true, NULL, "tntntnd",
     "INSERT INTO series(run, name, time_ns, worker, value) VALUES (?1, ?3, ?4, ?5, coalesce(?6, ?7))"},
    {FOLDED_PATTERN, "pattern", "run, n, level, target, template, count, first_ns, last_ns, example", 9, "run, n", 2,
     true, NULL, "tntttnnnt", "INSERT INTO temp.folded_pattern VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)"},
};

static int put_table(struct folded *f, size_t t)
{
	struct merged *m = NULL;
	sqlite3_stmt *st = NULL;
	const struct slice *v;
	int rc = plain[t].sql ? sql_prepare(f->db, plain[t].sql, &st) : 0;

	if (!rc)
		rc = open_rows(f, plain[t].table, plain[t].columns, plain[t].n, plain[t].key, plain[t].keys,
		               plain[t].number, &m);
	while (!rc && (rc = merged_next(m, &v)) == 1)
		rc = plain[t].put ? plain[t].put(f, v) : put_plain(f, st, v, plain[t].kinds);
	merged_close(m);
	sqlite3_finalize(st);
	return rc;
}

/* ---- functions ---- */

/* What the metadata of these runs says: a column for each name. */
static int put_metadata(struct folded *f)
{
	struct intern runs;
	sqlite3_stmt *st;
	uint32_t i;
	int rc = sql_prepare(f->db, "SELECT path FROM run WHERE ?1 IS NULL OR path IN (?1, ?2) ORDER BY id", &st);

	intern_init(&runs);
	bind_slice(st, 1, f->only);
	bind_slice(st, 2, f->other);
	while (!rc && (rc = sql_next(st)) == 1)
		rc = intern_add(&runs, column_slice(st, 0), &i);
	sqlite3_finalize(st);
	for (i = 0; i < runs.n && !rc; i++)
		rc = inputs_metadata(f->c, runs.text[i], f->db, f->why);
	intern_done(&runs);
	return rc;
}

/* ---- runs ---- */

/* A run has requests, though none of them is here: who has nothing to say does not say that there are none. */
static int put_kind(struct folded *f, int64_t run)
{
	sqlite3_stmt *st = NULL;
	int rc = sql_prepare(f->db,
	                     "INSERT INTO invocation_kind(run, base_ns, status, attempts) SELECT ?1, 0, 'ok', 1 WHERE "
	                     "NOT EXISTS (SELECT 1 FROM invocation_kind WHERE run = ?1)",
	                     &st);

	sqlite3_bind_int64(st, 1, run);
	return rc ? rc : sql_finish(st);
}

static int put_rule(void *arg, const struct slice *v)
{
	struct folded *f = arg;
	sqlite3_stmt *st = NULL;
	int64_t run;
	int rc = run_of(f, v[0], &run);

	if (!rc)
		rc =
		    sql_prepare(f->db,
		                "UPDATE run SET rules = CASE WHEN ?2 THEN 'inferred' ELSE coalesce(rules, (SELECT path "
		                "FROM rules WHERE id = 1), 'iluvatar') END WHERE id = ?1",
		                &st);
	sqlite3_bind_int64(st, 1, run);
	sqlite3_bind_int64(st, 2, tsv_int(v[1]));
	rc = rc ? rc : sql_finish(st);
	return rc || !f->without ? rc : put_kind(f, run);
}

/* By which rules the requests of a run were found: who asks is told where the log itself told them. */
static int put_rules(struct folded *f)
{
	int rc = 0;

	for (size_t i = 0; i < f->c->n && !rc; i++) {
		struct tsv t = {.columns = 2, .row = put_rule, .arg = f};

		rc = cluster_ask(f->c, i,
		                 "SELECT run, max(coalesce(function_source, '') = 'inferred') FROM $invocation GROUP "
		                 "BY run FORMAT TabSeparated",
		                 &t, f->why);
		tsv_done(&t);
	}
	return rc;
}

/* ---- the whole ---- */

static const char begin_sql[] =
    "DELETE FROM moment_row; DELETE FROM invocation_row; DELETE FROM invocation_kind; DELETE FROM attempt_row; "
    "DELETE FROM lock_row; DELETE FROM batch_row; DELETE FROM work_kind; DELETE FROM container; DELETE FROM pattern;"
    "CREATE TABLE series(run INTEGER, worker TEXT, name TEXT, time_ns INTEGER, value);"
    "CREATE TEMP TABLE folded_pattern(run, n, level, target, template, count, first_ns, last_ns, example);";

/* A pattern is of all runs. */
static const char end_sql[] =
    "INSERT INTO pattern(level, target, template, count, first_ns, last_ns, example) SELECT level, target, template, "
    "sum(count), min(first_ns), max(last_ns), (SELECT example FROM temp.folded_pattern e WHERE e.level IS p.level AND "
    "e.target IS p.target AND e.template IS p.template ORDER BY e.first_ns LIMIT 1) FROM temp.folded_pattern p GROUP "
    "BY level, target, template ORDER BY min(n), min(run);"
    "DROP TABLE temp.folded_pattern;"
    "UPDATE run SET kind = " RUN_KIND "";

static void folded_done(struct folded *f)
{
	writer_close(&f->writer);
	intern_done(&f->words);
	free(f->moments.v);
	free(f->attempt);
	arena_done(&f->texts);
	run_groups_done(&f->groups);
	free(f->inserted);
}

int folded_put(struct cluster *c, sqlite3 *db, unsigned tables, struct slice run, struct slice other, char **why)
{
	struct folded f = {.c = c,
	                   .db = db,
	                   .only = run,
	                   .other = other,
	                   .why = why,
	                   .without = (tables & FOLDED_BATCH) && !(tables & FOLDED_INVOCATION)};
	int rc = sql_exec_all(db, begin_sql);

	intern_init(&f.words);
	if (!rc && !run.len)
		rc = run_groups_of(c, &f.groups, why);
	if (!rc)
		rc = writer_open(&f.writer, db, true);
	if (!rc && (tables & FOLDED_INVOCATION))
		rc = put_invocations(&f, tables & FOLDED_BRIEF);
	if (!rc && (tables & FOLDED_FUNCTION))
		rc = put_metadata(&f);
	for (size_t t = 0; t < sizeof plain / sizeof *plain && !rc; t++)
		rc = tables & plain[t].which ? put_table(&f, t) : 0;
	if (!rc)
		rc = put_rules(&f);
	if (!rc)
		rc = writer_finish(&f.writer);
	if (!rc)
		rc = put_insertions(&f);
	if (!rc)
		rc = sql_exec_all(db, end_sql);
	folded_done(&f);
	return rc;
}

int folded_places(struct cluster *c, sqlite3 *db, struct slice run, struct slice other, char **why)
{
	struct folded f = {.c = c, .db = db, .only = run, .other = other, .why = why};
	struct merged *m = NULL;
	const struct slice *v;
	int64_t id, place;
	int rc = writer_open(&f.writer, db, true);

	intern_init(&f.words);
	if (!rc && !run.len)
		rc = run_groups_of(c, &f.groups, why);
	if (!rc)
		rc = open_rows(&f, "invocation", "run, tid", 2, "run, tid", 2, false, &m);
	while (!rc && (rc = merged_next(m, &v)) == 1) {
		rc = run_of(&f, v[0], &id);
		rc = rc ? rc : writer_place(&f.writer, id, v[1], &place);
	}
	merged_close(m);
	folded_done(&f);
	return rc;
}
