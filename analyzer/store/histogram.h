/* SPDX-License-Identifier: GPL-3.0-or-later */
/* histogram.h - how many lines of which level when, counted from the row columns alone. */
#ifndef STORE_HISTOGRAM_H
#define STORE_HISTOGRAM_H

#include "store/store.h"

struct histogram_row {
	int64_t run, source;
	int64_t start_ns; /* a multiple of the step */
	int64_t lines;
	struct slice level; /* of the store: until store_refresh */
};

/* Events by source, level and step (> 0 ns), ordered by run, source, start and level; run and source 0: all. Lines that
 * were kept whole count under their own level, too. *rows is yours: free(). 0 or a negative errno. */
int store_histogram(struct store *s, int64_t run, int64_t source, int64_t step_ns, struct histogram_row **rows,
                    size_t *n);

#endif
