/* SPDX-License-Identifier: GPL-3.0-or-later */
/* tids.h - the ids of all transactions in their order, for those who read rows by number of the transaction. */
#ifndef TABLES_TIDS_H
#define TABLES_TIDS_H

#include "base/slice.h"
#include "base/text.h"
#include <sqlite3.h>

/* Zero-initialise. */
struct tids {
	struct text texts; /* one after the other, each with a NUL */
	size_t *at;        /* where each begins there */
	int64_t *place;    /* place.id of each */
	size_t n, at_room, place_room;
};

/* Reads table place, by tid, then id. 0 or a negative errno; tids_done in any case. */
int tids_read(sqlite3 *db, struct tids *out);
void tids_done(struct tids *t);

static inline size_t tids_length(const struct tids *t, size_t i)
{
	return (i + 1 < t->n ? t->at[i + 1] : t->texts.len) - t->at[i] - 1;
}

/* Calls take(arg, row, i), of which the i-th id is, for each of the n rows, whose places are in ascending order: in the
 * order of the ids. What take returns ends it where it is not 0. 0; -EBADMSG: a row has no id; -ENOMEM; or what take
 * said. */
int tids_walk(const struct tids *t, const int64_t *place, uint32_t n, int (*take)(void *arg, uint32_t row, size_t i),
              void *arg);

#endif
