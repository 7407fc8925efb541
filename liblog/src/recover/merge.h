/* SPDX-License-Identifier: Apache-2.0 */
/* merge.h - the records of a dead process's rings, the earliest first, as lines; by several threads, where there is
 * much to do and processors for it. */
#ifndef MERGE_H
#define MERGE_H

#include "encode/encode.h"
#include "recover/dead.h"

struct merge {
	struct dead *dead;
	struct encoder *enc; /* of that process: its spans, the number of the next line */
	/* Takes lines in their order, by one thread at a time. 0, or an error that ends it all. */
	int (*give)(void *to, const char *text, size_t len, size_t lines);
	void *to;
	uint64_t last; /* in and out: the latest stamp */
};

/* 0, -ENOMEM, or what `give` said. */
int merge(struct merge *m);

#endif
