/* SPDX-License-Identifier: GPL-3.0-or-later */
/* model_bench.c - what the model costs while loading, and how long its questions take.
 *
 * Inputs are the real runs below ILU_TEST_RUNS where they are there; else a day of faas-sim in virtual time, and a log
 * in which one transaction turns in a circle. They are kept in ILU_BENCH_DIR (default: ilu-bench in the temporary
 * directory; 4 GB).
 *
 * A question is a process of its own, start and output included, asked five times; the best counts. "model.timeline"
 * and "model.tree" are the median over 200 transactions, ".worst" the one with the most lines; ".storm" is the same in
 * a transaction of two million lines. */
#include "bench.h"
#include "build/model.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIDS = 200, TIMES = 5 };

static char *logq, *sim;

/* ---- inputs ---- */

/* About a million lines of eight thousand invocations. */
static char *simulated(void)
{
	char *to = bench_text("%s/faas-sim", bench_dir()), *part = bench_text("%s.part", to);
	char *argv[] = {sim,
	                (char *)"--directory",
	                part,
	                (char *)"--time",
	                (char *)"virtual",
	                (char *)"--seed",
	                (char *)"1",
	                (char *)"--seconds",
	                (char *)"200",
	                (char *)"--spanning",
	                (char *)"FULL",
	                NULL};

	if (!access(to, R_OK))
		return to;
	fprintf(stderr, "writing %s\n", to);
	mkdir(part, 0755);
	bench_timed(argv, 0);
	if (rename(part, to))
		bench_die("the simulated run could not be written");
	return to;
}

/* Three million lines, of which one transaction repeats three over and over. */
static char *circle(void)
{
	static const char *const messages[] = {"checking resources", "Insufficient resources to run item",
	                                       "Popped item from queue"};
	char *path = bench_text("%s/circle_0.log", bench_dir()), *part = bench_text("%s.part", path);
	FILE *f;

	if (!access(path, R_OK))
		return path;
	fprintf(stderr, "writing %s\n", path);
	f = fopen(part, "w");
	for (int i = 0; f && i < 3000000; i++)
		fprintf(f,
		        "{\"timestamp\":\"2026-11-23 "
		        "%02d:%02d:%02d.%06d\",\"level\":\"DEBUG\",\"fields\":{\"message\":\"%s\",\"tid\":\"%s\"},"
		        "\"target\":\"w\"}\n",
		        i / 36000000, i / 600000 % 60, i / 10000 % 60, i % 10000 * 100 + 1, messages[i % 3],
		        i % 10 ? "spins" : "CtrMrgWorker");
	if (!f || fclose(f) || rename(part, path))
		bench_die("the log could not be written");
	return path;
}

/* ---- the model while loading ---- */

/* Seconds that model_build takes on a database as the load leaves it, with the load's threads; nothing is changed. */
static double model_seconds(const char *db)
{
	struct model_options o = {.threads = (unsigned)sysconf(_SC_NPROCESSORS_ONLN)};
	double best = 1e9, start, seconds;
	struct store *s;
	char *why;

	for (int i = 0; i < TIMES; i++) {
		if (store_open(db, STORE_WRITE, &s, &why) || store_exec(s, "BEGIN IMMEDIATE"))
			bench_die("the database could not be opened");
		start = bench_now();
		if (model_build(s, &o, &why))
			bench_die(why ? why : "no model");
		seconds = bench_now() - start;
		best = seconds < best ? seconds : best;
		store_exec(s, "ROLLBACK");
		store_close(s);
	}
	return best;
}

/* The database of input; bench: the figures' name, NULL: only to be asked. */
static char *load(const char *bench, const char *name, char *input)
{
	char *db = bench_text("%s/model.%s.db", bench_dir(), name);
	char *argv[] = {logq, (char *)"load", (char *)"--quiet", (char *)"-d", db, input, NULL};
	double best = 1e9, model;

	for (int i = 0; i < (bench ? TIMES : 1); i++) {
		double t;

		unlink(db);
		t = bench_timed(argv, 0).seconds;
		best = t < best ? t : best;
	}
	if (bench_ask(db, "SELECT sum(lines) - sum(ok) FROM source"))
		bench_die("not every line was loaded");
	if (!bench)
		return db;
	model = model_seconds(db);
	bench_figure(bench, best, "s");
	bench_figure(bench_text("%s.share", bench), 100 * model / (best - model), "%");
	return db;
}

/* ---- questions ---- */

static double best_of(const char *db, const char *command, const char *word)
{
	char *argv[] = {logq, (char *)"--quiet", (char *)"-d", (char *)db, (char *)command, (char *)word, NULL};
	double best = 1e9;

	for (int i = 0; i < TIMES; i++) {
		double t = bench_timed(argv, 1).seconds;

		best = t < best ? t : best;
	}
	return best;
}

static void question(const char *db, const char *command)
{
	bench_figure(bench_text("model.%s", command), best_of(db, command, NULL), "s");
}

/* Invocations, spread evenly: what stands where in an id is chance. */
static int read_tids(const char *db, const char *sql, char **tids, int most)
{
	sqlite3 *c;
	sqlite3_stmt *q;
	int n = 0;

	if (sqlite3_open_v2(db, &c, SQLITE_OPEN_READONLY, NULL) || sqlite3_prepare_v2(c, sql, -1, &q, NULL))
		bench_die("no transactions");
	while (n < most && sqlite3_step(q) == SQLITE_ROW)
		tids[n++] = strdup((const char *)sqlite3_column_text(q, 0));
	sqlite3_finalize(q);
	sqlite3_close(c);
	return n;
}

static void of_a_transaction(const char *db, const char *command)
{
	char *tids[TIDS], *worst;
	double seconds[TIDS];
	int n = read_tids(db, "SELECT tid FROM invocation ORDER BY substr(tid, 7)", tids, TIDS);

	if (!n ||
	    !read_tids(db, "SELECT tid FROM invocation JOIN place USING (tid) ORDER BY events DESC, tid", &worst, 1))
		bench_die("no invocation");
	for (int i = 0; i < n; i++)
		seconds[i] = best_of(db, command, tids[i]);
	qsort(seconds, (size_t)n, sizeof *seconds, bench_by_value);
	bench_figure(bench_text("model.%s", command), seconds[n / 2], "s");
	bench_figure(bench_text("model.%s.worst", command), best_of(db, command, worst), "s");
}

/* The transaction with the most lines. */
static void of_a_storm(const char *db, const char *command)
{
	char *tid;

	if (read_tids(db, "SELECT tid FROM place ORDER BY events DESC", &tid, 1))
		bench_figure(bench_text("model.%s.storm", command), best_of(db, command, tid), "s");
}

int main(int argc, char **argv)
{
	char *paper, *storm, *db;

	(void)argc;
	logq = bench_program(argv[0], "ilu-logq");
	sim = bench_program(argv[0], "faas-sim");
	paper = bench_run("paper-debug-spans");
	storm = bench_run("memory-storm");
	db = paper ? load("model.paper", "paper", paper) : load("model.simulated", "simulated", simulated());
	question(db, "phases");
	question(db, "lint");
	question(db, "hangs");
	of_a_transaction(db, "timeline");
	of_a_transaction(db, "tree");
	question(db, "spans");
	question(db, "gaps");
	question(db, "describe");
	bench_figure("model.start", best_of(db, "sql", "SELECT 1"), "s");
	db = storm ? load(NULL, "storm", storm) : load(NULL, "circle", circle());
	question(db, "storms");
	bench_figure("model.hangs.storm", best_of(db, "hangs", NULL), "s");
	of_a_storm(db, "timeline");
	of_a_storm(db, "tree");
	return 0;
}
