/* SPDX-License-Identifier: GPL-3.0-or-later */
/* stretch.h - a stretch of a run's time in which as many of its logs as can be have lines.
 *
 * The first lines of a run would be those of one log, where what belongs together stands in several; and of each log
 * the first ones would be of different times. */
#ifndef INFER_STRETCH_H
#define INFER_STRETCH_H

#include "store/store.h"

/* since <= time < until, ns; until 0: to the end, both 0: everything. */
struct stretch {
	int64_t since_ns, until_ns;
};

/* A stretch of about so many lines, of a run or (0) all; everything where there are no more. The times of chunks are
 * looked at, no lines. 0 or a negative errno. */
int stretch_find(struct store *s, int64_t run, int64_t lines, struct stretch *out);

#endif
