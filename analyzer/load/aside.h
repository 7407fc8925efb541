/* SPDX-License-Identifier: GPL-3.0-or-later */
/* aside.h - the files beside the logs (results, trace, metadata, benchmark), read by a thread of their own while the
 * logs are parsed.
 *
 * Results of a run are a file of megabytes and one row each, and nothing of them is asked for before the logs are in.
 * So they are queued here in the order in which they were found, and what became of each is known after aside_finish,
 * in that order again. The connection is shared with the writer of chunks: it is one that SQLite locks (store.h). */
#ifndef LOAD_ASIDE_H
#define LOAD_ASIDE_H

#include "load/discover.h"
#include "store/store.h"

struct aside_file {
	const struct input *in; /* the caller's, until aside_free */
	int64_t run;
	int rc;    /* of beside_file_load */
	char *why; /* of beside_file_load, or NULL; freed by aside_free */
	bool read; /* false: the pass was stopped before */
};

struct aside;

/* For at most room files. threads 1: no thread, each file is read where it is added. stop: as for source_load. */
int aside_new(struct store *s, size_t room, unsigned threads, volatile const int *stop, struct aside **out);
/* Queues one file on behalf of a run. Caller's thread alone. */
void aside_add(struct aside *a, const struct input *in, int64_t run);
/* Waits until all are read: *n files in the order in which they were added; borrowed until aside_free. */
const struct aside_file *aside_finish(struct aside *a, size_t *n);
/* Finishes too, where nobody did. NULL is fine. */
void aside_free(struct aside *a);

#endif
