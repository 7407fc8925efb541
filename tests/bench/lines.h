/* SPDX-License-Identifier: GPL-3.0-or-later */
/* lines.h - a log to load that is not a real one: as large as wanted, the same each time. */
#ifndef BENCH_LINES_H
#define BENCH_LINES_H

#include <stdio.h>

/* Writes a log of `transactions` times 40 lines and a quarter more of background, about 335 bytes a line: 64
 * transactions at a time, of the lines four in ten of spans (new and close, with their list), one in five of three
 * background threads. One line each ends with a numeric field duration_us, by function. Returns the lines, or -1. */
long lines_write(FILE *out, long transactions);

#endif
