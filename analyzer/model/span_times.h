/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span_times.h - how long the spans of a log took, where its lines name them by id: what span_reader (span.h) says of
 * them but for their transactions, parents and the rest, from the columns alone. */
#ifndef MODEL_SPAN_TIMES_H
#define MODEL_SPAN_TIMES_H

#include "model/parts.h"

struct span_time {
	struct slice name, target;         /* live as long as the store */
	int64_t start_ns, end_ns, busy_ns; /* as in struct span_row */
};

/* Gives the spans of a part of the sources in the order in which span_reader does; take returns 0, or a negative errno
 * that ends it. 0 or a negative errno: -EAGAIN where lines say what only span_reader understands (spans without ids, of
 * other programs, of several processes in one log, lines that were kept whole); some spans were given then. */
int span_times_read(struct store *s, const struct source_part *of, int (*take)(void *arg, const struct span_time *t),
                    void *arg);

/* Can the sources of a run (0: of all) be read each by itself? 0, -EAGAIN where some are parts of one log that was
 * rotated, or another negative errno. */
int span_times_apart(struct store *s, int64_t run);

#endif
