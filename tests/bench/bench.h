/* SPDX-License-Identifier: GPL-3.0-or-later */
/* bench.h - what benchmark programs of the analyzer share: inputs, processes, figures. All end the program where
 * something fails. */
#ifndef BENCH_BENCH_H
#define BENCH_BENCH_H

#include <stdint.h>
#include <stdio.h>

struct bench_cost {
	double seconds;
	long rss_kb;
	double cpu_seconds; /* of processors, user and system */
};

/* Where inputs and databases are kept: ILU_BENCH_DIR, or ilu-bench in the temporary directory; made where it is absent.
 */
const char *bench_dir(void);
/* A program beside this one: ../bin/NAME. Yours. */
char *bench_program(const char *argv0, const char *name);
/* A real run of ILU_TEST_RUNS, its logs unpacked in bench_dir. Yours; NULL: not there. */
char *bench_run(const char *name);

void bench_die(const char *what) __attribute__((noreturn));
/* Formatted text, yours. */
char *bench_text(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Seconds on the monotonic clock. */
double bench_now(void);
/* Runs a command with its output thrown away. most: the highest exit status that is no failure. */
struct bench_cost bench_timed(char *const *argv, int most);
/* The first column of the first row; -1: none. */
int64_t bench_ask(const char *db, const char *sql);
/* For qsort of doubles. */
int bench_by_value(const void *a, const void *b);
/* One figure, without a peer. */
void bench_figure(const char *bench, double value, const char *unit);

#endif
