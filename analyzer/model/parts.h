/* SPDX-License-Identifier: GPL-3.0-or-later */
/* parts.h - a long reading in parts, by several threads. */
#ifndef MODEL_PARTS_H
#define MODEL_PARTS_H

#include "store/store.h"

/* Calls read(arg, s, i) once for each part i below n, by as many threads as there are processors, at most 16, and fewer
 * where there is little to read: each with a store of its own over the same state of the database, which s has open for
 * reading. Where these can't be had, the caller's thread reads all with s; part 0 is always read with s, and what is
 * borrowed from s alone outlives the call. What read returns, 0 or a negative errno, is the outcome where it is not 0:
 * of the first such part; others may not have been read then. */
int parts_read(struct store *s, size_t n, int (*read)(void *arg, struct store *s, size_t i), void *arg);

/* `here` in the caller's thread, while another one reads with a store of its own; where there is none, or it is not
 * worth it, the caller reads afterwards. What read returns. */
int parts_beside(struct store *s, void (*here)(void *arg), void *here_arg, int (*read)(void *arg, struct store *s),
                 void *arg);

/* The sources of a run (0: of all) as parts: in the order of their ids, and of about as many each. */
#define PARTS_OF_SOURCES 64
struct source_part {
	int64_t run, first, last; /* as in struct event_query */
};

/* How many parts there are, or a negative errno. */
int parts_of_sources(struct store *s, int64_t run, struct source_part out[PARTS_OF_SOURCES]);

#endif
