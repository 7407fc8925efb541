/* SPDX-License-Identifier: GPL-3.0-or-later */
/* finish.c - the second step of a fold: what lies between the transactions of a run. See fold.h. */
#include "base/sql.h"
#include "findings/finding.h"
#include "mirror/folding.h"
#include "mirror/inputs.h"
#include "remote/rows.h"
#include <errno.h>
#include <stdlib.h>

/* ---- lines and results of a run ---- */

/* So many lines at a time that a server can put them in order. It looks at the whole run for each answer, so that small
 * sources come together. */
enum { LINES = 500000, NEEDED_LINES = 4 * LINES, NEEDED_BYTES = 100000 };

static int long_source(struct fold *f, size_t i, const char *also, int64_t lines, fetch_row *row, void *to, char **why)
{
	const struct needed_source *of = &f->needed->source[i];
	int rc = 0;

	for (int64_t first = 0; first <= of->last && !rc; first += lines) {
		struct fetch_which w = {
		    .run = f->run->run, .source = of->path, .first = first, .last = first + lines - 1, .only = also};

		rc = fetch_lines(f->c, &w, row, to, why);
	}
	return rc;
}

/* How many sources from i on are asked for together. */
static size_t together(const struct needed *n, size_t i, int64_t most)
{
	int64_t lines = n->source[i].last;
	size_t bytes = n->source[i].cost, end = i + 1;

	for (; end < n->n; end++) {
		lines += n->source[end].last;
		bytes += n->source[end].cost;
		if (lines > most || bytes > NEEDED_BYTES)
			break;
	}
	return end - i;
}

/* The lines of the run that are needed, source by source. */
static int run_lines(void *arg, fetch_row *row, void *to, char **why)
{
	struct fold *f = arg;
	const struct needed *x = f->needed;
	int64_t lines = x->all ? LINES : NEEDED_LINES;
	struct text also = {0};
	int rc = 0;

	for (size_t i = 0, n; i < x->n && !rc; i += n) {
		const char *sql;

		n = together(x, i, lines);
		text_reset(&also);
		if (!x->all)
			needed_where(x, i, i + n, &also);
		sql = x->all ? NULL : text_str(&also);
		if (also.failed)
			rc = -ENOMEM;
		else if (n > 1)
			rc = fetch_lines(f->c,
			                 &(struct fetch_which){.run = f->run->run,
			                                       .source = x->source[i].path,
			                                       .to = x->source[i + n - 1].path,
			                                       .last = lines,
			                                       .only = sql},
			                 row, to, why);
		else
			rc = long_source(f, i, sql, lines, row, to, why);
	}
	text_done(&also);
	return rc;
}

static int run_results(void *arg, fetch_row *row, void *to, char **why)
{
	const struct fold *f = arg;
	struct text sql = {0};
	int rc = 0;

	text_printf(&sql, "SELECT %s FROM $result FINAL WHERE run = ", schema_result_columns);
	cluster_quote(&sql, f->run->run);
	text_puts(&sql, " ORDER BY tid FORMAT TabSeparated");
	for (size_t i = 0; i < f->c->n && !rc; i++) {
		struct tsv t = {.columns = FETCH_RESULT_COLUMNS, .row = row, .arg = to};

		rc = sql.failed ? -ENOMEM : cluster_ask(f->c, i, text_str(&sql), &t, why);
		tsv_done(&t);
	}
	text_done(&sql);
	return rc;
}

static int run_inputs(void *arg, sqlite3 *db, char **why)
{
	const struct fold *f = arg;
	int rc = inputs_put(f->c, f->run->run, db, why);

	return rc || f->needed->all ? rc : needed_put(f->needed, db);
}

/* Some of the lines that are needed are not the same without those before them. */
static void run_lost(void *arg, const char *path, int64_t lines, int64_t all)
{
	struct fold *f = arg;

	if (f->needed->all)
		fold_lost(arg, path, lines, all);
	else
		f->needed->lost = true;
}

/* ---- findings ---- */

static struct slice word(const char *s)
{
	return s ? (struct slice){s, strlen(s)} : SLICE_NONE;
}

static void put_number(struct rowsof *r, int64_t v)
{
	bytes_u8(&r->data, v == INT64_MIN);
	if (v != INT64_MIN)
		bytes_u64(&r->data, (uint64_t)v);
}

/* path: the path of a source by its id. */
static int put_line(struct rowsof *r, struct store *s, sqlite3_stmt *path, const struct evidence *x)
{
	const struct event *e = NULL;
	int rc = x->event ? event_get(s, x->event, &e) : 0;
	bool there = rc == 1;

	if (rc < 0)
		return rc;
	sqlite3_bind_int64(path, 1, there ? e->source : 0);
	rc = sql_next(path);
	row_text_or_null(&r->data, rc == 1 ? column_slice(path, 0) : SLICE_NONE);
	put_number(r, there ? e->line : INT64_MIN);
	put_number(r, there ? e->time_ns : INT64_MIN);
	row_text_or_null(&r->data, word(x->remark));
	sqlite3_reset(path);
	return rc < 0 ? rc : 0;
}

static int put_evidence(struct rowsof *r, struct store *s, const char *command, size_t n, const struct finding *x)
{
	sqlite3_stmt *path = NULL;
	int rc = sql_prepare(store_db(s), "SELECT path FROM source WHERE id = ?1", &path);

	for (size_t i = 0; i < x->nevidence && !rc; i++) {
		rowsof_open(r);
		row_text(&r->data, word(command));
		bytes_u64(&r->data, n);
		bytes_u64(&r->data, i);
		rc = put_line(r, s, path, &x->evidence[i]);
	}
	sqlite3_finalize(path);
	return rc;
}

static void put_finding(struct rowsof *r, const char *command, size_t n, const struct finding *x)
{
	rowsof_open(r);
	row_text(&r->data, word(command));
	bytes_u64(&r->data, n);
	row_text(&r->data, word(x->rule));
	row_text(&r->data, word(finding_level_name(x->level)));
	row_text_or_null(&r->data, word(x->tid));
	row_text_or_null(&r->data, word(x->cause));
	bytes_u64(&r->data, (uint64_t)x->count);
	row_text_or_null(&r->data, word(x->message));
	put_number(r, x->first_ns);
	put_number(r, x->last_ns);
}

static void put_details(struct rowsof *r, const char *command, size_t n, const struct finding *x)
{
	for (size_t i = 0; i < x->ndetails; i++) {
		rowsof_open(r);
		row_text(&r->data, word(command));
		bytes_u64(&r->data, n);
		bytes_u64(&r->data, i);
		row_text(&r->data, word(x->detail[i].name));
		row_text_or_null(&r->data, word(x->detail[i].value));
	}
}

static const struct {
	const char *command;
	int (*find)(struct store *s, int64_t run, struct findings *out);
} finders[] = {{"lint", find_lint}, {"hangs", find_hangs}, {"storms", find_storms}, {"mount", find_mount_failures}};

static int put_findings(struct rowsof *r, struct store *s, size_t which, int64_t *n)
{
	struct findings found = {0};
	const char *command = finders[which].command;
	int rc = finders[which].find(s, 0, &found);

	rowsof_begin(r, "finding");
	for (size_t i = 0; i < found.n && !rc; i++)
		put_finding(r, command, i, &found.v[i]);
	rc = rc ? rc : rowsof_end(r);
	rowsof_begin(r, "detail");
	for (size_t i = 0; i < found.n && !rc; i++)
		put_details(r, command, i, &found.v[i]);
	rc = rc ? rc : rowsof_end(r);
	rowsof_begin(r, "evidence");
	for (size_t i = 0; i < found.n && !rc; i++)
		rc = put_evidence(r, s, command, i, &found.v[i]);
	rc = rc ? rc : rowsof_end(r);
	*n += (int64_t)found.n;
	findings_done(&found);
	return rc;
}

/* ---- rows of a run ---- */

static const char lone_locks_sql[] = "SELECT '', " LOCK_COLUMNS "WHERE l.place = 0";
static const char batches_sql[] = "SELECT b.id, k.worker, k.base_ns + b.since, k.function_name, b.batch_len "
                                  "FROM batch_row b CROSS JOIN work_kind k ON k.id = b.kind";
static const char series_sql[] =
    "SELECT rowid, worker, name, time_ns, CASE WHEN typeof(value) = 'integer' THEN value END, "
    "CASE WHEN typeof(value) <> 'integer' THEN value END FROM series";
static const char patterns_sql[] = "SELECT id, level, target, template, count, first_ns, last_ns, example FROM pattern";

/* The rules that the fold was given, for whoever asks: those that are built in he has himself. They stand among the
 * details, of no command, and on every shard: who asks without one of them would else take the built-in ones. */
static int put_rules(struct rowsof *r, sqlite3 *db)
{
	static const char sql[] =
	    "SELECT '', 0, 0, replace(path, rtrim(path, replace(path, '/', '')), ''), text FROM rules WHERE id = 1";
	size_t home = r->shard;
	int rc = 0;

	for (r->shard = 0; r->shard < r->c->n && !rc; r->shard++) {
		int64_t before = r->n;

		rc = rowsof_all(r, "detail", db, sql);
		if (!rc && r->n != before)
			rc = cluster_ruled(r->c, r->shard, r->why);
	}
	r->shard = home;
	return rc;
}

static int put_between(struct rowsof *r, struct store *s, int64_t *findings)
{
	sqlite3 *db = store_db(s);
	int rc = rowsof_same(r, "container", db);

	if (!rc)
		rc = rowsof_same(r, "function", db);
	if (!rc)
		rc = rowsof_all(r, "lock", db, lone_locks_sql);
	if (!rc)
		rc = rowsof_all(r, "batch", db, batches_sql);
	if (!rc)
		rc = rowsof_all(r, "series", db, series_sql);
	if (!rc)
		rc = rowsof_all(r, "pattern", db, patterns_sql);
	if (!rc)
		rc = put_rules(r, db);
	for (size_t i = 0; i < sizeof finders / sizeof *finders && !rc; i++)
		rc = put_findings(r, s, i, findings);
	return rc;
}

/* ---- invocations, completed ---- */

/* Which partition a shard has an invocation in. */
static int take_day(void *arg, const struct slice *v)
{
	sqlite3_stmt *st = arg;

	bind_slice(st, 1, v[0]);
	bind_slice(st, 2, v[1]);
	return sql_step_reset(st);
}

static int read_days(struct fold *f, sqlite3 *db)
{
	struct text sql = {0};
	sqlite3_stmt *st = NULL;
	int rc = sql_exec_all(db, "CREATE TEMP TABLE fold_day(tid TEXT PRIMARY KEY, day INTEGER) WITHOUT ROWID");

	if (!rc)
		rc = sql_prepare(db, "INSERT OR REPLACE INTO temp.fold_day VALUES(?1, ?2)", &st);
	text_puts(&sql, "SELECT tid, toUInt16(day) FROM $invocation FINAL WHERE run = ");
	cluster_quote(&sql, f->run->run);
	text_puts(&sql, " FORMAT TabSeparated");
	for (size_t i = 0; i < f->c->n && !rc; i++) {
		struct tsv t = {.columns = 2, .row = take_day, .arg = st};

		rc = sql.failed ? -ENOMEM : cluster_ask(f->c, i, text_str(&sql), &t, f->why);
		tsv_done(&t);
	}
	sqlite3_finalize(st);
	text_done(&sql);
	return rc;
}

/* Whether an invocation has something that other transactions say, here or on a shard. */
static int has_shares(struct fold *f, sqlite3 *db, bool *out)
{
	struct text sql = {0};
	int64_t n = 0;
	int rc = sql_number(db,
	                    "SELECT count(*) FROM (SELECT 1 FROM invocation_kind WHERE cache_insertions IS NOT NULL OR "
	                    "share IS NOT NULL OR function_source = 'trace' LIMIT 1)",
	                    &n);

	text_puts(&sql,
	          "SELECT count() FROM $invocation FINAL WHERE (cache_insertions IS NOT NULL OR share IS NOT NULL) "
	          "AND run = ");
	cluster_quote(&sql, f->run->run);
	text_puts(&sql, " FORMAT TabSeparated");
	for (size_t i = 0; i < f->c->n && !rc && !n; i++)
		rc = sql.failed ? -ENOMEM : cluster_numbers(f->c, i, text_str(&sql), &n, 1, f->why);
	text_done(&sql);
	*out = n > 0;
	return rc;
}

static const char completed_sql[] =
    "SELECT d.day, " INVOCATION_COLUMNS
    "v.cache_insertions, v.e2e_sec, v.e2e_overhead, v.exec_overhead, v.norm_e2e, v.e2e_overhead_portion, "
    "v.queue_portion, v.exec_overhead_norm, v.e2e_portion, v.e2e_norm_portion, k.warm_sec, k.base_sec, k.share, "
    "m.times" INVOCATION_FROM "JOIN temp.fold_day d ON d.tid = v.tid";

/* Those of one shard. */
static int put_completed(struct fold *f, sqlite3 *db, size_t shard, uint64_t version)
{
	struct rowsof r = {.c = f->c, .shard = shard, .run = f->run->run, .version = version, .why = f->why};
	sqlite3_stmt *st;
	int rc = sql_prepare(db, completed_sql, &st);

	rowsof_begin(&r, "invocation");
	while (!rc && (rc = sql_next(st)) == 1) {
		rc = r.rc;
		if (rc || cluster_shard_of(f->c, column_slice(st, 1), SLICE_NONE, 0) != shard)
			continue;
		r.day = (unsigned)sqlite3_column_int64(st, 0);
		rowsof_row(&r, st, 1);
	}
	sqlite3_finalize(st);
	rc = rc ? rc : rowsof_end(&r);
	rowsof_done(&r);
	return rc;
}

/* A version above that of every invocation which the shard has of the run: what folded them may have another clock. */
static int version_above(struct fold *f, size_t shard, uint64_t *out)
{
	struct text sql = {0};
	int64_t last = 0;
	int rc;

	text_puts(&sql, "SELECT toInt64(max(version)) FROM $invocation WHERE run = ");
	cluster_quote(&sql, f->run->run);
	text_puts(&sql, " FORMAT TabSeparated");
	rc = sql.failed ? -ENOMEM : cluster_numbers(f->c, shard, text_str(&sql), &last, 1, f->why);
	text_done(&sql);
	*out = unit_version((uint64_t)last);
	return rc;
}

static int complete_invocations(struct fold *f, sqlite3 *db)
{
	uint64_t version;
	bool any = false;
	int rc = has_shares(f, db, &any);

	if (!rc && any)
		rc = read_days(f, db);
	for (size_t i = 0; i < f->c->n && !rc && any; i++) {
		rc = version_above(f, i, &version);
		rc = rc ? rc : put_completed(f, db, i, version);
	}
	return rc;
}

/* ---- the second step ---- */

/* -EAGAIN: it takes all lines. */
static int put_run(struct fold *f, struct rowsof *r, struct store *s)
{
	int rc = 0;

	if (!f->needed->all)
		rc = f->needed->lost ? -EAGAIN : needed_patterns(f->needed, store_db(s));
	rc = rc == -EBADMSG ? -EAGAIN : rc;
	rc = rc ? rc : put_between(r, s, &f->sum->findings);

	return rc ? rc : complete_invocations(f, store_db(s));
}

static int make_rows(struct fold *f, uint64_t version)
{
	const struct mirror_from from = {.lines = run_lines,
	                                 .results = run_results,
	                                 .sources = fold_sources,
	                                 .more = run_inputs,
	                                 .lost = run_lost,
	                                 .arg = f,
	                                 .rules = f->o->rules,
	                                 .benchmark = f->o->benchmark,
	                                 .settled = true,
	                                 .piecewise = true};
	struct rowsof r = {.c = f->c,
	                   .shard = run_home(f->c, f->run->run),
	                   .run = f->run->run,
	                   .day = RUN_DAY,
	                   .version = version,
	                   .why = f->why};

	return fold_make(f, &from, &r, put_run);
}

static int make_run(struct fold *f, uint64_t version)
{
	struct needed n;
	int rc = needed_find(f->c, f->run->run, f->passed, &n, f->why);

	f->needed = &n;
	rc = rc ? rc : make_rows(f, version);
	if (rc == -EAGAIN) {
		n.all = true;
		rc = make_rows(f, version);
	}
	f->needed = NULL;
	needed_done(&n);
	return rc;
}

static int finish_run(struct fold *f, const struct unit_run *run)
{
	uint64_t version = unit_version(run->version);
	int rc;

	f->run = run;
	rc = run_mark(f->c, run, version, false, f->why);
	if (!rc)
		rc = run_drop(f->c, run, f->why);
	if (!rc && run->events + run->results + run->sources)
		rc = make_run(f, version);
	return rc ? rc : run_mark(f->c, run, version + 1, true, f->why);
}

int fold_finish(struct cluster *c, const struct fold_options *o, struct fold_sum *sum, char **why)
{
	struct fold f = {.c = c, .o = o, .sum = sum, .why = why};
	int rc = fold_begin(&f);

	if (!rc)
		rc = units_folded(c, f.manner, &f.units, why);
	for (size_t i = 0; i < f.units.nruns && !rc; i++) {
		const struct unit_run *run = &f.units.run[i];

		sum->runs++;
		sum->unfinished += run->unfinished;
		if (!run->due) {
			rc = run_seen(c, run, why);
			continue;
		}
		fold_show(&f, (int64_t)i, (int64_t)f.units.nruns, run->run.ptr);
		rc = finish_run(&f, run);
		sum->runs_made += !rc;
	}
	units_done(&f.units);
	return rc;
}
