/* SPDX-License-Identifier: GPL-3.0-or-later */
/* foreign.h - logs of other programs to load: the same requests as several loggers write them. */
#ifndef BENCH_FOREIGN_H
#define BENCH_FOREIGN_H

#include <stdio.h>

/* NULL at the end: "zap", "pino", "ecs", "cri" (zap's lines in a container runtime's), "logfmt". */
extern const char *const foreign_formats[];

/* Writes so many lines of 64 requests at a time, twenty lines each: twelve messages with two to five fields, an id of
 * 32 digits, times some microseconds apart; of the lines one in eight has no request. 0 or -1. */
int foreign_write(FILE *out, const char *format, long lines);

#endif
