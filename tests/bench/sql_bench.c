/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sql_bench.c - questions over all events, in rows a second.
 *
 * Four real runs below ILU_TEST_RUNS in one database (1.36 million lines). Beside each figure stands what SQLite itself
 * costs: the same question of a virtual table that gives as many rows of constants; and DuckDB on a table of its own
 * with the same rows, where python3 has it. The best of five counts. */
#include "bench.h"
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char *logq;
static double lines;

/* ---- a table of constants ---- */

struct constants {
	sqlite3_vtab_cursor base;
	int64_t at;
};

static int constants_connect(sqlite3 *db, void *aux, int argc, const char *const *argv, sqlite3_vtab **out, char **why)
{
	(void)aux, (void)argc, (void)argv, (void)why;
	*out = calloc(1, sizeof **out);
	return *out ? sqlite3_declare_vtab(db,
	                                   "CREATE TABLE x(time_ns INTEGER, second INTEGER, level TEXT, target TEXT, "
	                                   "message TEXT, fields TEXT)")
	            : SQLITE_NOMEM;
}

static int constants_disconnect(sqlite3_vtab *t)
{
	free(t);
	return SQLITE_OK;
}

/* In whatever order is asked for: they are all the same. */
static int constants_plan(sqlite3_vtab *t, sqlite3_index_info *info)
{
	(void)t;
	info->estimatedCost = lines;
	info->orderByConsumed = 1;
	return SQLITE_OK;
}

static int constants_open(sqlite3_vtab *t, sqlite3_vtab_cursor **out)
{
	struct constants *c = calloc(1, sizeof *c);

	(void)t;
	*out = &c->base;
	return c ? SQLITE_OK : SQLITE_NOMEM;
}

static int constants_close(sqlite3_vtab_cursor *c)
{
	free(c);
	return SQLITE_OK;
}

static int constants_filter(sqlite3_vtab_cursor *c, int n, const char *s, int argc, sqlite3_value **argv)
{
	(void)n, (void)s, (void)argc, (void)argv;
	((struct constants *)c)->at = 0;
	return SQLITE_OK;
}

static int constants_next(sqlite3_vtab_cursor *c)
{
	((struct constants *)c)->at++;
	return SQLITE_OK;
}

static int constants_end(sqlite3_vtab_cursor *c)
{
	return (double)((struct constants *)c)->at >= lines;
}

static int constants_column(sqlite3_vtab_cursor *c, sqlite3_context *ctx, int i)
{
	static const char *const texts[] = {"INFO", "iluvatar_worker_library::services::invocation",
	                                    "Item starting to execute",
	                                    "{\"message\":\"Item starting to execute\",\"insert_time\":\"2026\"}"};

	(void)c;
	if (i < 2)
		sqlite3_result_int64(ctx, i ? 1795395601 : 1795395601000000000);
	else
		sqlite3_result_text(ctx, texts[i - 2], (int)strlen(texts[i - 2]), SQLITE_STATIC);
	return SQLITE_OK;
}

static int constants_rowid(sqlite3_vtab_cursor *c, sqlite3_int64 *out)
{
	*out = ((struct constants *)c)->at;
	return SQLITE_OK;
}

static const sqlite3_module constants = {
    .xConnect = constants_connect,
    .xDisconnect = constants_disconnect,
    .xBestIndex = constants_plan,
    .xOpen = constants_open,
    .xClose = constants_close,
    .xFilter = constants_filter,
    .xNext = constants_next,
    .xEof = constants_end,
    .xColumn = constants_column,
    .xRowid = constants_rowid,
};

/* ---- questions ---- */

/* %s: the table. */
static const struct question {
	const char *bench, *sql;
} questions[] = {
    {"query.group.message", "SELECT message, count(*) FROM %s GROUP BY 1"},
    {"query.group.target", "SELECT target, count(*) FROM %s GROUP BY 1"},
    {"query.group.second", "SELECT level, second, count(*) FROM %s GROUP BY 1, 2"},
    {"query.group.expression", "SELECT time_ns / 1000000000, count(*) FROM %s GROUP BY 1"},
    {"query.scan.instr", "SELECT count(*) FROM %s WHERE instr(fields, 'cold')"},
};

#define QUESTIONS (sizeof questions / sizeof *questions)

static double best_of(sqlite3 *db, const char *sql, int turns)
{
	double best = 1e9;

	for (int i = 0; i < turns; i++) {
		double start = bench_now(), t;
		sqlite3_stmt *q;
		int rc;

		if (sqlite3_prepare_v2(db, sql, -1, &q, NULL))
			bench_die(sqlite3_errmsg(db));
		while ((rc = sqlite3_step(q)) == SQLITE_ROW)
			;
		if (rc != SQLITE_DONE)
			bench_die(sqlite3_errmsg(db));
		sqlite3_finalize(q);
		t = bench_now() - start;
		best = t < best ? t : best;
	}
	return best;
}

/* DuckDB's best time for each question, or false. */
static bool duckdb(const char *db, double seconds[QUESTIONS])
{
	char *csv = bench_text("%s/events.csv", bench_dir()), *script = bench_text("%s/duck.py", bench_dir());
	FILE *f = fopen(script, "w"), *p;
	bool told = f;

	if (!f)
		return false;
	fprintf(f,
	        "import duckdb, time\nc = duckdb.connect()\n"
	        "c.execute(\"create table event as select * from read_csv('%s', header=true, max_line_size=16000000, "
	        "columns={'time_ns':'BIGINT','second':'BIGINT','level':'VARCHAR','target':'VARCHAR','message':'VARCHAR'"
	        ",'fields':'VARCHAR'})\")\n",
	        csv);
	for (size_t i = 0; i < QUESTIONS; i++) {
		fprintf(f, "q = \"\"\"");
		fprintf(f, questions[i].sql, "event");
		fprintf(f, "\"\"\".replace(' / ', ' // ').replace(\"WHERE instr(fields, 'cold')\", \"WHERE "
		           "instr(fields, 'cold') > 0\")\n"
		           "t = []\nfor i in range(5):\n  s = time.perf_counter(); c.execute(q).fetchall(); "
		           "t.append(time.perf_counter() - s)\nprint(min(t))\n");
	}
	fclose(f);
	if (system("python3 -c 'import duckdb' 2>/dev/null") ||
	    system(bench_text("'%s' -d '%s' --format csv sql 'SELECT time_ns, second, level, target, message, fields "
	                      "FROM event' > '%s'",
	                      logq, db, csv)))
		return false;
	p = popen(bench_text("python3 '%s'", script), "r");
	for (size_t i = 0; told && i < QUESTIONS; i++)
		told = p && fscanf(p, "%lf", &seconds[i]) == 1;
	if (p)
		pclose(p);
	unlink(csv);
	return told;
}

static void beside(const char *bench, double value, const char *peer, double peer_value)
{
	printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"1/s\",\"peer\":\"%s\",\"peer_value\":%.6g}\n", bench, value,
	       peer, peer_value);
	fflush(stdout);
}

static void ask(struct store *s, const char *path)
{
	double duck[QUESTIONS];
	bool there = duckdb(path, duck);

	if (!there)
		fprintf(stderr, "sql_bench: no DuckDB beside (pip install duckdb)\n");
	for (size_t i = 0; i < QUESTIONS; i++) {
		char *ours = bench_text(questions[i].sql, "event"), *theirs = bench_text(questions[i].sql, "constants");
		double rows = lines / best_of(store_db(s), ours, 5);

		beside(questions[i].bench, rows, "constants", lines / best_of(store_db(s), theirs, 5));
		if (there)
			beside(questions[i].bench, rows, "duckdb", lines / duck[i]);
	}
}

static void export(const char *path)
{
	char *all[] = {logq,
	               (char *)"-d",
	               (char *)path,
	               (char *)"--format",
	               (char *)"csv",
	               (char *)"sql",
	               (char *)"SELECT * FROM event",
	               NULL};
	double best = 1e9;

	for (int i = 0; i < 3; i++) {
		double t = bench_timed(all, 0).seconds;

		best = t < best ? t : best;
	}
	bench_figure("query.export.csv", lines / best, "1/s");
}

int main(int argc, char **argv)
{
	static const char *const runs[] = {"paper-debug-spans", "paper-info-spans", "cluster-leastloaded",
	                                   "paper-info"};
	char *db = bench_text("%s/four-runs.db", bench_dir()), *why;
	char *load[16] = {NULL, (char *)"load", (char *)"--quiet", (char *)"-d", db};
	struct store *s;

	(void)argc;
	logq = load[0] = bench_program(argv[0], "ilu-logq");
	for (size_t i = 0; i < sizeof runs / sizeof *runs; i++)
		if (!(load[5 + i] = bench_run(runs[i])))
			return 0;
	if (!getenv("ILU_BENCH_KEEP") || access(db, R_OK)) {
		unlink(db);
		bench_timed(load, 0);
	}
	if (store_open(db, STORE_READ, &s, &why))
		bench_die(why);
	lines = (double)bench_ask(db, "SELECT sum(lines) - sum(rejected) FROM source WHERE same_as IS NULL");
	if (sqlite3_create_module(store_db(s), "constants", &constants, NULL))
		bench_die("constants");
	ask(s, db);
	store_close(s);
	export(db);
	return 0;
}
