/* SPDX-License-Identifier: GPL-3.0-or-later */
/* load_bench.c - loading, and the questions that must be quick.
 *
 * Inputs are the real runs below ILU_TEST_RUNS where they are there, and a synthetic log (lines.h). They are unpacked
 * and made once, in ILU_BENCH_DIR (default: ilu-bench in the temporary directory; 4 GB). ILU_BENCH_LARGE=1 adds 20
 * million lines (8 GB more), loaded once and set against the synthetic log for time and memory a line;
 * ILU_BENCH_LARGE=only does nothing else. Each load is a process of its own, timed three times, the best counts; its
 * database is checked for the number of lines. ILU_BENCH_KEEP=1 only asks: databases that are there already are not
 * loaded again. */
#include "bench.h"
#include "lines.h"
#include "store/store.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *dir;
static char *logq; /* beside this program: ../bin/ilu-logq */

static void figure(const char *bench, double value, const char *unit, const char *peer, double peer_value)
{
	if (!peer) {
		bench_figure(bench, value, unit);
		return;
	}
	printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"%s\",\"peer\":\"%s\",\"peer_value\":%.6g}\n", bench, value,
	       unit, peer, peer_value);
	fflush(stdout);
}

static int64_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) ? -1 : (int64_t)st.st_size;
}

/* ---- inputs ---- */

static char *synthetic(const char *name, long transactions)
{
	char *path = bench_text("%s/%s", dir, name), *part = bench_text("%s.part", path);
	FILE *f;

	if (!access(path, R_OK))
		return path;
	fprintf(stderr, "writing %s\n", path);
	f = fopen(part, "w");
	if (!f || lines_write(f, transactions) < 0 || fclose(f) || rename(part, path))
		bench_die("the synthetic log could not be written");
	return path;
}

/* A directory of as many logs of one line each. */
static char *small_files(const char *name, int files)
{
	char *path = bench_text("%s/%s", dir, name);
	struct stat st;

	if (!stat(path, &st))
		return path;
	if (mkdir(path, 0777))
		bench_die(path);
	for (int i = 0; i < files; i++) {
		char *file = bench_text("%s/worker_%d.log", path, i);
		FILE *f = fopen(file, "w");

		if (!f)
			bench_die(file);
		fprintf(f,
		        "{\"timestamp\":\"2026-11-23 "
		        "00:%02d:%02d.%03d1\",\"level\":\"INFO\",\"fields\":{\"message\":\"Item "
		        "enqueued\",\"tid\":\"%032x\",\"queue_len\":%d},\"target\":\"worker::queue\"}\n",
		        i / 60000, i / 1000 % 60, i % 1000, i, i % 7);
		if (fclose(f))
			bench_die(file);
		free(file);
	}
	return path;
}

static char *packed(const char *run)
{
	char *path = bench_text("%s/paper.log.zst", dir);

	if (access(path, R_OK) && system(bench_text("zstd -q -3 --long=27 -T2 '%s/worker_0.log' -o '%s'", run, path)))
		bench_die("zstd failed");
	return path;
}

/* ---- loading ---- */

static int64_t total_bytes(const char *input)
{
	char *cmd = bench_text("du -sbL '%s' | cut -f1", input);
	FILE *p = popen(cmd, "r");
	long long n = 0;

	if (!p || fscanf(p, "%lld", &n) != 1 || pclose(p))
		bench_die("du failed");
	return n;
}

/* DuckDB through Python, where it is installed: the fields that matter as columns, fields as JSON. */
static double duckdb(const char *input)
{
	char *db = bench_text("%s/peer.duckdb", dir);
	char *cmd = bench_text(
	    "rm -f '%s'; python3 -c \"import duckdb\" 2>/dev/null || exit 9; python3 - <<'END'\nimport duckdb,glob,os\n"
	    "c=duckdb.connect('%s'); c.execute('set threads=2')\n"
	    "p='%s'; f=[p] if os.path.isfile(p) else sorted(glob.glob(p+'/worker*.log'))\n"
	    "c.execute(\"create table e as select timestamp, level, json_extract_string(fields,'message') m, "
	    "coalesce(json_extract_string(fields,'tid'), json_extract_string(span,'tid')) tid, fields, target, span "
	    "from "
	    "read_json(?, format='newline_delimited', "
	    "columns={timestamp:'VARCHAR',level:'VARCHAR',fields:'JSON',target:'VARCHAR',span:'JSON',spans:'JSON'})\", "
	    "[f])\n"
	    "c.close()\nEND",
	    db, db, input);
	double start = bench_now();
	int status = system(cmd);

	return status ? -1 : bench_now() - start;
}

/* The database, loaded; its figures told. outcome (may be NULL): the best time and the most memory of so many turns. */
static char *load(const char *bench, char *input, bool with_peer, int turns, struct bench_cost *outcome)
{
	char *db = bench_text("%s/%s.db", dir, bench);
	char *argv[] = {logq, (char *)"load", (char *)"--quiet", (char *)"-d", db, input, NULL};
	struct bench_cost best = {.seconds = 1e9}, o;
	double peer;
	struct stat st;

	if (getenv("ILU_BENCH_KEEP") && !access(db, R_OK))
		return db;
	peer = with_peer ? duckdb(input) : -1;
	for (int i = 0; i < turns; i++) {
		unlink(db);
		o = bench_timed(argv, 0);
		best.seconds = o.seconds < best.seconds ? o.seconds : best.seconds;
		best.rss_kb = o.rss_kb > best.rss_kb ? o.rss_kb : best.rss_kb;
	}
	if (bench_ask(db, "SELECT sum(lines) - sum(ok) FROM source"))
		bench_die("not every line was loaded");
	figure(bench, best.seconds, "s", peer < 0 ? NULL : "duckdb", peer);
	figure(bench_text("%s.rss", bench), (double)best.rss_kb * 1024, "B", NULL, 0);
	if (!stat(input, &st))
		figure(bench_text("%s.stored", bench),
		       100.0 * (double)size_of(db) /
		           (double)(S_ISDIR(st.st_mode) ? total_bytes(input)
		                                        : bench_ask(db, "SELECT sum(bytes) FROM source")),
		       "%", NULL, 0);
	if (outcome)
		*outcome = best;
	return db;
}

/* Ten times the lines: does each cost as much, and the memory stay? */
static void large(void)
{
	struct bench_cost one = {0}, ten = {0};

	load("load.synthetic", synthetic("synthetic.log", 40000), false, 2, &one);
	load("load.large", synthetic("large.log", 400000), false, 1, &ten);
	if (one.seconds <= 0 || ten.seconds <= 0) /* kept from before */
		return;
	figure("load.large.time", 10 * ten.seconds / one.seconds, "%", NULL, 0);
	figure("load.large.memory", 100.0 * (double)ten.rss_kb / (double)one.rss_kb, "%", NULL, 0);
}

/* ---- questions ---- */

/* All events of a transaction, with their text. */
static long read_tid(struct store *s, const char *tid, size_t len, long most)
{
	struct event_query q = {.tid = {tid, len}};
	struct event_cursor *c;
	const struct event *e;
	struct slice line;
	long n = 0;

	if (event_cursor_open(s, &q, &c))
		bench_die("no cursor");
	while (n < most && event_cursor_next(c, &e) == 1) {
		if (event_line(e, &line))
			bench_die("no line");
		n++;
	}
	event_cursor_close(c);
	return n;
}

static void drop_cache(const char *db)
{
	int fd = open(db, O_RDONLY);

	if (fd >= 0) {
		fdatasync(fd);
		posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		close(fd);
	}
}

/* Median over transactions of at most 300 events; nothing decoded before each. cold: nothing in the page cache either.
 */
static double tid_median(const char *db, bool cold)
{
	struct store *s;
	sqlite3_stmt *q;
	char *why;
	double *seconds = calloc(1000, sizeof *seconds), median;
	int n = 0, most = cold ? 100 : 1000;

	if (store_open(db, STORE_READ, &s, &why))
		bench_die(why);
	if (sqlite3_prepare_v2(
	        store_db(s),
	        "SELECT tid, events FROM place WHERE events BETWEEN 10 AND 300 ORDER BY substr(tid, 7) LIMIT ?", -1, &q,
	        NULL))
		bench_die("place");
	sqlite3_bind_int(q, 1, most);
	while (sqlite3_step(q) == SQLITE_ROW) {
		double start;

		store_refresh(s);
		if (cold) {
			sqlite3_db_release_memory(store_db(s));
			drop_cache(db);
		}
		start = bench_now();
		if (read_tid(s, (const char *)sqlite3_column_text(q, 0), (size_t)sqlite3_column_bytes(q, 0), 301) !=
		    sqlite3_column_int64(q, 1))
			bench_die("a transaction has another number of events than table place says");
		seconds[n++] = bench_now() - start;
	}
	sqlite3_finalize(q);
	store_close(s);
	qsort(seconds, (size_t)n, sizeof *seconds, bench_by_value);
	median = n ? seconds[n / 2] : 0;
	free(seconds);
	return median;
}

static void first_rows(const char *bench, const char *db)
{
	struct store *s;
	sqlite3_stmt *q = NULL;
	char *why;
	double start;

	if (store_open(db, STORE_READ, &s, &why) ||
	    sqlite3_prepare_v2(store_db(s), "SELECT tid FROM place ORDER BY events DESC LIMIT 1", -1, &q, NULL) ||
	    sqlite3_step(q) != SQLITE_ROW)
		bench_die("no transaction");
	start = bench_now();
	read_tid(s, (const char *)sqlite3_column_text(q, 0), (size_t)sqlite3_column_bytes(q, 0), 1000);
	figure(bench_text("%s.first1000", bench), bench_now() - start, "s", NULL, 0);
	sqlite3_finalize(q);
	store_close(s);
}

static void questions(const char *bench, const char *db)
{
	figure(bench_text("query.tid.%s", bench), tid_median(db, false) * 1e6, "us", NULL, 0);
	figure(bench_text("query.tid.cold.%s", bench), tid_median(db, true) * 1e6, "us", NULL, 0);
	first_rows(bench_text("query.tid.%s", bench), db);
}

/* A question by the program's own sql command, without its start. */
static void sql_question(const char *bench, const char *db, const char *sql)
{
	char *ask[] = {logq,          (char *)"-d",  (char *)db,  (char *)"--format",
	               (char *)"csv", (char *)"sql", (char *)sql, NULL};
	char *nothing[] = {logq,          (char *)"-d",  (char *)db,         (char *)"--format",
	                   (char *)"csv", (char *)"sql", (char *)"SELECT 1", NULL};
	double best = 1e9, start = 1e9;

	for (int i = 0; i < 5; i++) {
		double t = bench_timed(ask, 0).seconds, z = bench_timed(nothing, 0).seconds;

		best = t < best ? t : best;
		start = z < start ? z : start;
	}
	figure(bench, best - start, "s", NULL, 0);
}

/* A load that finds its rules itself, against the same with rules, by turns: without results beside either. */
static void infer(char *input)
{
	char *db = bench_text("%s/infer.db", dir), *seconds[2] = {(char *)"iluvatar", (char *)"none"};
	char *rules = bench_text("%s/iluvatar.json", dir);
	char *dump[] = {(char *)"cp", (char *)"schema/rules/iluvatar.json", rules, NULL};
	double best[2] = {1e9, 1e9};
	long rss[2] = {0, 0};

	bench_timed(dump, 0);
	seconds[0] = rules;
	for (int turn = 0; turn < 6; turn++) {
		char *argv[] = {logq, (char *)"load",    (char *)"--quiet", (char *)"-d",
		                db,   (char *)"--rules", seconds[turn % 2], input,
		                NULL};
		struct bench_cost o;

		unlink(db);
		o = bench_timed(argv, 0);
		best[turn % 2] = o.seconds < best[turn % 2] ? o.seconds : best[turn % 2];
		rss[turn % 2] = o.rss_kb > rss[turn % 2] ? o.rss_kb : rss[turn % 2];
	}
	figure("model.infer", 100 * best[1] / best[0], "%", NULL, 0);
	figure("model.infer.memory", 100.0 * (double)rss[1] / (double)rss[0], "%", NULL, 0);
	unlink(db);
}

/* The verdict after a load, a program of its own; its cost is no part of the load's. */
static void summary(const char *bench, char *db)
{
	char *argv[] = {logq, (char *)"summary", (char *)"--quiet", (char *)"-d", db, NULL};
	struct bench_cost best = {.seconds = 1e9}, o;

	for (int i = 0; i < 3; i++) {
		o = bench_timed(argv, 0);
		best.seconds = o.seconds < best.seconds ? o.seconds : best.seconds;
		best.rss_kb = o.rss_kb > best.rss_kb ? o.rss_kb : best.rss_kb;
	}
	figure(bench, best.seconds, "s", NULL, 0);
	figure(bench_text("%s.rss", bench), (double)best.rss_kb * 1024, "B", NULL, 0);
}

int main(int argc, char **argv)
{
	const char *more = getenv("ILU_BENCH_LARGE");
	char *paper, *storm, *db;

	(void)argc;
	logq = bench_program(argv[0], "ilu-logq");
	dir = bench_dir();
	if (more && !strcmp(more, "only")) {
		large();
		return 0;
	}
	if ((paper = bench_run("paper-debug-spans"))) {
		db = load("load.paper", paper, true, 3, NULL);
		questions("paper", db);
		summary("load.summary", db);
		sql_question("query.histogram", db, "SELECT level, start_ns, sum(lines) FROM histogram GROUP BY 1, 2");
		infer(paper);
		load("load.paper.zst", packed(paper), false, 3, NULL);
	}
	if ((storm = bench_run("memory-storm"))) {
		db = load("load.storm", storm, true, 3, NULL);
		questions("storm", db);
		summary("load.summary.storm", db);
	}
	db = load("load.synthetic", synthetic("synthetic.log", 40000), true, 3, NULL);
	questions("synthetic", db);
	sql_question("query.quantiles", db,
	             "SELECT key, p50, p99 FROM quantiles('Invocation complete', 'duration_us', 'fqdn')");
	sql_question("query.quantiles.sql", db,
	             "SELECT field(event, 'fqdn') f, p50(field(event, 'duration_us')), p99(field(event, "
	             "'duration_us')) FROM event "
	             "WHERE message = 'Invocation complete' GROUP BY f");
	load("load.small", small_files("small", 10000), false, 1, NULL);
	sql_question("query.search", db, "SELECT count(*) FROM event WHERE event MATCH 'container'");
	if (more)
		large();
	return 0;
}
