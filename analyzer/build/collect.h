/* SPDX-License-Identifier: GPL-3.0-or-later */
/* collect.h - the facts of a whole store, by several threads.
 *
 * Chunks are independent, so each thread reads a stretch of them with a store of its own on the same connection, into
 * facts and patterns of its own; those are joined in the order of the stretches. Facts are put in order afterwards and
 * patterns have none, so the outcome is the same for any number of threads. */
#ifndef BUILD_COLLECT_H
#define BUILD_COLLECT_H

#include "build/build.h"

struct spool;

struct collect_options {
	unsigned threads;          /* at least 1; a small store takes fewer */
	struct patterns *patterns; /* joined by the lines that are no span's, or NULL */
	/* Called once by the caller's thread while the others read; what it writes is not read by them. NULL: nothing
	 * to do. A failure is returned. */
	int (*meanwhile)(void *arg);
	void *meanwhile_arg;
};

/* collect_rows.c: the facts of whole chunks, and the patterns of their lines (NULL: nobody wants them, of either).
 * f->full is called when max facts are held. 0 or a negative errno. */
int collect_rows(struct facts *f, struct store *s, struct patterns *p, const struct event_query *q, size_t max);

/* As facts_collect with no filter: at most max facts are held. Where there are more, all of them are in *spool
 * afterwards, which is yours also on error: spool_free; else it is NULL. */
int collect_facts(struct facts *f, struct spool **spool, struct store *s, const struct collect_options *o, size_t max);

#endif
