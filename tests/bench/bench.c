/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench.c - see bench.h */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

void bench_die(const char *what)
{
	fprintf(stderr, "%s: %s\n", program_invocation_short_name, what);
	exit(1);
}

char *bench_text(const char *format, ...)
{
	va_list args;
	char *s;

	va_start(args, format);
	if (vasprintf(&s, format, args) < 0)
		exit(1);
	va_end(args);
	return s;
}

const char *bench_dir(void)
{
	static const char *dir;

	if (!dir)
		dir = getenv("ILU_BENCH_DIR")
		          ? getenv("ILU_BENCH_DIR")
		          : bench_text("%s/ilu-bench", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
	if (mkdir(dir, 0755) && errno != EEXIST)
		bench_die("no directory to work in");
	return dir;
}

char *bench_program(const char *argv0, const char *name)
{
	const char *slash = strrchr(argv0, '/');

	return slash ? bench_text("%.*s/../bin/%s", (int)(slash - argv0), argv0, name) : bench_text("../bin/%s", name);
}

char *bench_run(const char *name)
{
	const char *runs = getenv("ILU_TEST_RUNS");
	char *to = bench_text("%s/%s", bench_dir(), name), *from, *cmd;

	if (!runs)
		return NULL;
	from = bench_text("%s/%s", runs, name);
	if (access(from, R_OK))
		return NULL;
	if (!access(to, R_OK))
		return to;
	fprintf(stderr, "unpacking %s\n", name);
	cmd = bench_text("set -e; mkdir -p '%s.part'; cp -L '%s'/*.* '%s.part/'; cd '%s.part'; chmod u+w *; for f in "
	                 "*.zst; do [ -e \"$f\" ] || continue; "
	                 "zstd -q -d --long=27 --rm \"$f\"; done; mv '%s.part' '%s'",
	                 to, from, to, to, to, to);
	if (system(cmd))
		bench_die("a run could not be unpacked");
	return to;
}

double bench_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct bench_cost bench_timed(char *const *argv, int most)
{
	struct bench_cost o = {0};
	struct rusage ru;
	double start = bench_now();
	int status, null;
	pid_t pid = fork();

	if (!pid) {
		null = open("/dev/null", O_WRONLY);
		dup2(null, 1);
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid < 0 || wait4(pid, &status, 0, &ru) != pid || !WIFEXITED(status) || WEXITSTATUS(status) > most)
		bench_die(bench_text("%s failed", argv[0]));
	o.seconds = bench_now() - start;
	o.rss_kb = ru.ru_maxrss;
	o.cpu_seconds = (double)(ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) +
	                (double)(ru.ru_utime.tv_usec + ru.ru_stime.tv_usec) / 1e6;
	return o;
}

int64_t bench_ask(const char *db, const char *sql)
{
	sqlite3 *c;
	sqlite3_stmt *q = NULL;
	int64_t n = -1;

	if (!sqlite3_open_v2(db, &c, SQLITE_OPEN_READONLY, NULL) && !sqlite3_prepare_v2(c, sql, -1, &q, NULL) &&
	    sqlite3_step(q) == SQLITE_ROW)
		n = sqlite3_column_int64(q, 0);
	sqlite3_finalize(q);
	sqlite3_close(c);
	return n;
}

int bench_by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

void bench_figure(const char *bench, double value, const char *unit)
{
	printf("{\"bench\":\"%s\",\"value\":%.6g,\"unit\":\"%s\"}\n", bench, value, unit);
	fflush(stdout);
}
