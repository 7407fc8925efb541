/* SPDX-License-Identifier: GPL-3.0-or-later */
/* why_bench.c - how long the questions why take, and how much memory.
 *
 * Of a tenth of a day, 100,000 requests ("why.slow.tenth" ...); with ILU_BENCH_LARGE=1 of a day of a million. The day
 * is the sample daemon's ("faas-sim.day" of clock_bench), logged at info: 4.9 million lines, 3.3 GB while they are
 * written. What is kept in ILU_BENCH_DIR is its database. "why.compare" sets the first half beside the second. */
#include "bench.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TIMES = 5 };

static char *logq, *sim;

static void make_day(const char *db, long seconds)
{
	char *dir = bench_text("%s/day", bench_dir()), *part = bench_text("%s.part", db);
	char *options =
	    bench_text("%s --time virtual --seed 1 --fail-rate 0 --seconds %ld --rate 11.58 --keep-alive 600000 "
	               "--cores 16 --memory 8192 --level info --spanning NONE --directory %s",
	               sim, seconds, dir);
	char *load[] = {logq, (char *)"load", (char *)"--quiet", (char *)"-d", part, dir, NULL};
	char *remove[] = {(char *)"/bin/rm", (char *)"-r", dir, NULL};
	char *run[] = {(char *)"/bin/sh", (char *)"-c", options, NULL};

	fprintf(stderr, "writing %s\n", db);
	mkdir(dir, 0755);
	unlink(part);
	bench_timed(run, 0);
	bench_timed(load, 0);
	bench_timed(remove, 0);
	if (rename(part, db))
		bench_die("the day could not be written");
}

/* A question's best time, and the most memory it took. */
static void question(const char *what, const char *db, bool whole, const char *const *words)
{
	const char *name = bench_text("why.%s%s", what, whole ? "" : ".tenth");
	char *argv[16] = {logq, (char *)"--quiet", (char *)"-d", (char *)db};
	double best = 1e9;
	long most = 0;

	for (int i = 0; words[i] && i < 11; i++)
		argv[4 + i] = (char *)words[i];
	for (int i = 0; i < TIMES; i++) {
		struct bench_cost c = bench_timed(argv, 1);

		best = c.seconds < best ? c.seconds : best;
		most = c.rss_kb > most ? c.rss_kb : most;
	}
	bench_figure(name, best, "s");
	bench_figure(bench_text("%s.memory", name), (double)most * 1024, "B");
}

int main(int argc, char **argv)
{
	const char *large = getenv("ILU_BENCH_LARGE");
	bool whole = large && *large && strcmp(large, "0");
	long seconds = whole ? 86400 : 8640;
	char *db;

	(void)argc;
	logq = bench_program(argv[0], "ilu-logq");
	sim = bench_program(argv[0], "faas-sim");
	db = bench_text("%s/why.day-%ld.db", bench_dir(), seconds);
	if (access(db, R_OK))
		make_day(db, seconds);
	fprintf(stderr, "%lld requests\n", (long long)bench_ask(db, "SELECT count(*) FROM invocation_row"));
	question("compare", db, whole,
	         (const char *const[]){"compare", bench_text("..+%lds", seconds / 2),
	                               bench_text("+%lds..", seconds / 2), NULL});
	question("slow", db, whole, (const char *const[]){"slow", NULL});
	question("blame", db, whole, (const char *const[]){"blame", NULL});
	return 0;
}
