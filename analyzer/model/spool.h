/* SPDX-License-Identifier: GPL-3.0-or-later */
/* spool.h - facts that are too many for memory: sorted runs in files without a name, and one merge.
 *
 * What is collected goes to a spool whenever so many facts are held; a run of a spool is in the order of facts_sort.
 * Then all runs are read side by side, and the facts come back a share at a time, in that order: a share is some
 * transactions, each whole. Each fact is written and read once, however many there are.
 *
 * Most removals of containers are loose, since one transaction may have them all: they come apart from the others, and
 * not by whole transactions. A fold of a transaction is the same without them. */
#ifndef MODEL_SPOOL_H
#define MODEL_SPOOL_H

#include "model/fact.h"

struct spool;

/* beside: the path of the database, in whose directory the file is made; NULL or "": in that of temporary files. 0 or a
 * negative errno. */
int spool_new(const char *beside, struct spool **out);
void spool_free(struct spool *s);

/* Sorts the facts of f and writes them as a run; f keeps nothing of them and none of their texts. 0 or a negative
 * errno, such as -ENOSPC. */
int spool_put(struct spool *s, struct facts *f);
/* The runs of `from`, whose facts were f's, become runs of `to`, whose facts are to_facts'; `from` is freed also on
 * error. */
int spool_adopt(struct spool *to, struct facts *to_facts, struct spool *from, const struct facts *f);

/* Begins with the first transaction. */
int spool_rewind(struct spool *s);
/* The next transactions, of so many facts or a few more, as if they had been collected and sorted; f has nothing else.
 * 1, 0: there are no more, or a negative errno. */
int spool_next(struct spool *s, struct facts *f, size_t facts);
/* The next loose facts, so many at most, in the order of facts_sort among themselves; else as spool_next. */
int spool_next_loose(struct spool *s, struct facts *f, size_t facts);

#endif
