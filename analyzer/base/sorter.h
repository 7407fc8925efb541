/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sorter.h - records put in order, however many there are.
 *
 * So much is held in memory; what is more is written as sorted runs to a file without a name, and the runs are merged.
 * Records that compare the same come back in the order in which they were added. One thread at a time. All functions
 * return 0 or a negative errno, such as -ENOSPC; after an error the sorter is only good to be freed. */
#ifndef BASE_SORTER_H
#define BASE_SORTER_H

#include "base/slice.h"

/* < 0, 0, > 0. A record begins at no particular address. */
typedef int sorter_compare(struct slice a, struct slice b);
/* A number in no other order than the records: where two differ, their records compare alike. */
typedef uint64_t sorter_key(struct slice record);

struct sorter;

/* beside: the file in whose directory the runs are written (tempfile.h). memory: bytes of records that are held, at
 * most; 0: SORTER_MEMORY. *out is NULL on error, which sorter_free takes as well. */
#define SORTER_MEMORY ((size_t)2 << 20)
int sorter_new(const char *beside, size_t memory, sorter_compare *compare, struct sorter **out);
/* Before the first record: records are put in order by their keys, and compared only where those are the same. */
void sorter_by_key(struct sorter *s, sorter_key *key);
/* A key for what is in the order of a text: its first bytes. */
static inline uint64_t sorter_text_key(struct slice text)
{
	unsigned char first[8] = {0};
	uint64_t key = 0;

	if (text.len)
		memcpy(first, text.ptr, text.len < sizeof first ? text.len : sizeof first);
	for (size_t i = 0; i < sizeof first; i++)
		key = key << 8 | first[i];
	return key;
}

void sorter_free(struct sorter *s);

int sorter_add(struct sorter *s, struct slice record);
/* Begins with the first record; may be called again. Nothing is added after it. */
int sorter_rewind(struct sorter *s);
/* The next record, valid until the next call; 1, 0: there are no more, or a negative errno. */
int sorter_next(struct sorter *s, struct slice *out);

#endif
