/* SPDX-License-Identifier: Apache-2.0 */
/* stamp.h - what callers put into records instead of a time, and how the appender turns it into one.
 *
 * A stamp is the TSC where that is constant and never stops (reading it is the cheapest thing a caller can do), else
 * now_steady_ns. Wall time is a chain of straight lines over stamps: now and then the appender reads both clocks; when
 * they have drifted apart by little, the next line leans towards the clock, so that times never jump or run backwards;
 * when the wall clock was set, the line breaks. */
#ifndef STAMP_H
#define STAMP_H

#include <stdbool.h>
#include <stdint.h>

#define STAMP_LINES  4
#define STAMP_BREAKS 16

struct stamp_line {
	uint64_t stamp; /* where it begins */
	int64_t wall_ns;
	double ns_per_tick;
};

/* The wall clock was set: stamps from `stamp` on have a new line, those before it the old one. */
struct stamp_break {
	uint64_t stamp;
	struct stamp_line before;
};

struct stamp_scale {
	bool tsc;
	double ns_per_tick; /* measured over the longest time we have */
	uint64_t first_stamp;
	int64_t first_wall_ns;
	uint64_t next_ns;                        /* steady time of the next reading */
	uint64_t step_ns;                        /* between readings; grows */
	uint64_t steps;                          /* times the wall clock was set */
	int64_t stepped_ns;                      /* in all, forward */
	struct stamp_line lines[STAMP_LINES];    /* newest first */
	struct stamp_break breaks[STAMP_BREAKS]; /* the same; for stamps that are older than all lines */
	unsigned broken;                         /* so many of them */
};

/* Use the TSC? `reason` (a literal) says why not, or why. */
bool stamp_tsc_good(const char **reason);

/* Which clock stamps come from, for the process: once, before the first record. */
void stamp_use_tsc(bool tsc);

/* Begin: takes a millisecond to measure the TSC's frequency. */
void stamp_init(struct stamp_scale *scale, bool tsc);

/* Stamps of another process: one line, which it left. */
void stamp_from(struct stamp_scale *scale, bool tsc, uint64_t stamp, int64_t wall_ns, double ns_per_tick);

/* Read the clocks again if it is time to. */
void stamp_follow(struct stamp_scale *scale);

int64_t stamp_wall_ns(const struct stamp_scale *scale, uint64_t stamp);
uint64_t stamp_duration_ns(const struct stamp_scale *scale, uint64_t ticks);
uint64_t stamp_ticks(const struct stamp_scale *scale, uint64_t ns);

#endif
