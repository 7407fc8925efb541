/* SPDX-License-Identifier: GPL-3.0-or-later */
/* formats_bench.c - loading logs of other programs, set against the synthetic log of load_bench.
 *
 * Of each format a million lines (foreign.h) are made once in ILU_BENCH_DIR. load.formats.NAME is the time (the best of
 * three), .speed its bytes a second in percent of load.synthetic's, measured here as well, .stored the database's size
 * in percent of the log's. DuckDB's read_json reads the same file, where Python finds it; no log in lines of text. */
#include "bench.h"
#include "foreign.h"
#include "lines.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES 1000000

static const char *dir;
static char *logq;

static double size_of(const char *path)
{
	struct stat st;

	if (stat(path, &st))
		bench_die(path);
	return (double)st.st_size;
}

static char *input(const char *format)
{
	char *path = bench_text("%s/%s.%s", dir, format ? format : "synthetic", format ? "jsonl" : "log");
	char *part = bench_text("%s.part", path);
	FILE *f;

	if (!access(path, R_OK))
		return path;
	fprintf(stderr, "writing %s\n", path);
	f = fopen(part, "w");
	if (!f || (format ? foreign_write(f, format, LINES) : lines_write(f, 40000) < 0) || fclose(f) ||
	    rename(part, path))
		bench_die("a log could not be written");
	free(part);
	return path;
}

/* Seconds of the best of three loads; the database stays. */
static double load(const char *db, char *log)
{
	char *argv[] = {logq, (char *)"load", (char *)"--quiet", (char *)"-d", (char *)db, log, NULL};
	double best = 1e9;

	for (int i = 0; i < 3; i++) {
		double s;

		unlink(db);
		s = bench_timed(argv, 0).seconds;
		best = s < best ? s : best;
	}
	if (bench_ask(db, "SELECT sum(lines) - sum(ok) FROM source"))
		bench_die("not every line was loaded");
	return best;
}

/* -1: no DuckDB, or no JSON. */
static double duckdb(const char *log)
{
	char *cmd = bench_text("rm -f '%s/peer.duckdb'; python3 -c \"import duckdb\" 2>/dev/null || exit 9; "
	                       "head -c1 '%s' | grep -q '{' || exit 9; python3 - <<'END'\nimport duckdb\n"
	                       "c=duckdb.connect('%s/peer.duckdb'); c.execute('set threads=2')\n"
	                       "c.execute(\"create table e as select * from read_json('%s', "
	                       "format='newline_delimited', map_inference_threshold=-1)\")\nc.close()\nEND",
	                       dir, log, dir, log);
	double start = bench_now();
	int status = system(cmd);

	free(cmd);
	return status ? -1 : bench_now() - start;
}

static void format_measure(const char *format, double synthetic)
{
	char *log = input(format), *db = bench_text("%s/load.formats.%s.db", dir, format);
	double peer = duckdb(log), seconds = load(db, log);

	if (peer < 0)
		bench_figure(bench_text("load.formats.%s", format), seconds, "s");
	else
		printf(
		    "{\"bench\":\"load.formats.%s\",\"value\":%.6g,\"unit\":\"s\",\"peer\":\"duckdb\",\"peer_value\":"
		    "%.6g}\n",
		    format, seconds, peer);
	bench_figure(bench_text("load.formats.%s.speed", format), 100 * size_of(log) / seconds / synthetic, "%");
	bench_figure(bench_text("load.formats.%s.stored", format), 100 * size_of(db) / size_of(log), "%");
}

int main(int argc, char **argv)
{
	char *log;

	(void)argc;
	logq = bench_program(argv[0], "ilu-logq");
	dir = bench_dir();
	log = input(NULL);
	if (system("python3 -c 'import duckdb' 2>/dev/null"))
		fprintf(stderr, "load.formats: no DuckDB to set beside (pip install duckdb)\n");
	double synthetic = size_of(log) / load(bench_text("%s/load.formats.db", dir), log);

	for (int i = 0; foreign_formats[i]; i++)
		format_measure(foreign_formats[i], synthetic);
	return 0;
}
