/* SPDX-License-Identifier: GPL-3.0-or-later */
/* timed.h - when the lines of a source are, which stand here without those before them.
 *
 * A line whose time is missing, or not understood, has that of the line before it. Where that one is not here, a line
 * that says nothing but the time leads it. */
#ifndef MIRROR_TIMED_H
#define MIRROR_TIMED_H

#include "base/slice.h"
#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Lines of a source, in their order. Zero-initialise; timed_done. */
struct timed {
	struct timed_line {
		int64_t line, time_ns; /* as the cluster has it */
		bool led;
	} * v;
	size_t n, room, at;
};

int timed_add(struct timed *t, int64_t line, int64_t time_ns);
void timed_done(struct timed *t);
/* Compares with the events of the source in table event, of which there are t->n: of those that have other times, and
 * of those behind them, the lines are to be led. *any is set where there are such. 0 or negative. */
int timed_compare(struct timed *t, sqlite3 *db, struct slice run, struct slice path, bool *any);
/* Whether it is; lines are asked for in their order. */
bool timed_is_led(struct timed *t, int64_t line);
/* Writes the line that leads one of this time. 0 or a negative errno. */
int timed_lead(FILE *to, int64_t time_ns);

#endif
