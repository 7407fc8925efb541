/* SPDX-License-Identifier: GPL-3.0-or-later */
/* day_bench.c - a day of a cluster: what a load and the questions cost at 64 million lines, and a line against one of a
 * million.
 *
 * With ILU_BENCH_LARGE=1 alone, for it takes 58 GB of disk in ILU_BENCH_DIR (bench.h) and half an hour; ILU_BENCH_DAY
 * says how many seconds the day has (86,400). Both logs are of the same simulated cluster and removed when they are
 * loaded; the first is of a fortieth of the day. Each is loaded once, and every question asked once: processes of their
 * own. */
#include "bench.h"

#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define DAY_S       86400
#define SMALL_SHARE 40   /* of the day: the log that a line is set against */
#define BYTES_A_DAY 60e9 /* of logs and databases */

static const char *dir;
static char *logq, *sim;

/* What is asked, each by a command of its own; lint and summary end with 1 where they find something. */
static const struct {
	const char *name;
	const char *argv[4];
} questions[] = {
    {"lint", {"lint"}},
    {"report", {"report", "-o", "day.html"}},
    {"gaps", {"gaps"}},
    {"functions", {"functions"}},
    {"phases", {"phases"}},
    {"spans", {"spans"}},
    {"errors", {"errors"}},
    {"summary", {"summary"}},
    {"containers", {"containers"}},
};

static void room_for(double seconds)
{
	struct statvfs fs;
	double need = BYTES_A_DAY * seconds / DAY_S;

	if (statvfs(dir, &fs))
		bench_die(dir);
	if ((double)fs.f_bavail * (double)fs.f_frsize < need)
		bench_die(bench_text("%s: a day of %.0f s needs %.1f GB, %.1f GB are free", dir, seconds, need / 1e9,
		                     (double)fs.f_bavail * (double)fs.f_frsize / 1e9));
}

/* The cluster's logs and results of so many seconds. */
static char *simulate(long seconds)
{
	char *run = bench_text("%s/day-%ld", dir, seconds), *to = bench_text("%ld", seconds);
	char *argv[] = {sim,
	                (char *)"--directory",
	                run,
	                (char *)"--arrivals",
	                (char *)"azure",
	                (char *)"--generate",
	                (char *)"200",
	                (char *)"--seconds",
	                to,
	                (char *)"--rate",
	                (char *)"20",
	                (char *)"--time",
	                (char *)"virtual",
	                (char *)"--seed",
	                (char *)"7",
	                (char *)"--level",
	                (char *)"info",
	                (char *)"--cores",
	                (char *)"64",
	                (char *)"--memory",
	                (char *)"200000",
	                (char *)"--workers",
	                (char *)"4",
	                NULL};
	char *make[] = {(char *)"mkdir", (char *)"-p", run, NULL};

	room_for((double)seconds);
	bench_timed(make, 0);
	bench_timed(argv, 0);
	return run;
}

/* Loads a run, which goes then; the database. */
static char *load(char *run, struct bench_cost *o)
{
	char *db = bench_text("%s.db", run);
	char *argv[] = {logq, (char *)"load", (char *)"--quiet", (char *)"-d", db, run, NULL};
	char *rm[] = {(char *)"rm", (char *)"-r", run, NULL};

	unlink(db);
	*o = bench_timed(argv, 0);
	bench_timed(rm, 0);
	return db;
}

static void figures(const char *bench, const struct bench_cost *o)
{
	bench_figure(bench, o->seconds, "s");
	bench_figure(bench_text("%s.rss", bench), (double)o->rss_kb * 1024, "B");
}

static void ask(const char *db, const char *name, const char *const *command)
{
	char *argv[12] = {logq, (char *)"-d", (char *)db, (char *)"--quiet"};
	struct bench_cost o;

	for (int i = 0; i < 4 && command[i]; i++)
		argv[4 + i] = strcmp(command[i], "day.html") ? (char *)command[i] : bench_text("%s/day.html", dir);
	o = bench_timed(argv, 1);
	figures(bench_text("query.day.%s", name), &o);
}

int main(int argc, char **argv)
{
	const char *large = getenv("ILU_BENCH_LARGE"), *day = getenv("ILU_BENCH_DAY");
	long seconds = day ? atol(day) : DAY_S;
	struct bench_cost small, whole;
	double lines, few;
	char *db;

	(void)argc;
	if (!large)
		return 0;
	if (seconds < SMALL_SHARE)
		bench_die("ILU_BENCH_DAY is a number of seconds, 40 or more");
	logq = bench_program(argv[0], "ilu-logq");
	sim = bench_program(argv[0], "faas-sim");
	dir = bench_dir();
	db = load(simulate(seconds / SMALL_SHARE), &small);
	few = (double)bench_ask(db, "SELECT sum(lines) FROM source");
	unlink(db);
	db = load(simulate(seconds), &whole);
	lines = (double)bench_ask(db, "SELECT sum(lines) FROM source");
	fprintf(stderr, "%.0f lines, and %.0f to set them against\n", lines, few);
	figures("load.day", &whole);
	bench_figure("load.day.cpu", whole.cpu_seconds / lines * 1e6, "us");
	bench_figure("load.day.cpu.ratio", 100 * (whole.cpu_seconds / lines) / (small.cpu_seconds / few), "%");
	bench_figure("load.day.memory.ratio", 100.0 * (double)whole.rss_kb / (double)small.rss_kb, "%");
	for (size_t i = 0; i < sizeof questions / sizeof *questions; i++)
		ask(db, questions[i].name, questions[i].argv);
	unlink(bench_text("%s/day.html", dir));
	unlink(db);
	return 0;
}
