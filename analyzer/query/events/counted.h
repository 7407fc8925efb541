/* SPDX-License-Identifier: GPL-3.0-or-later */
/* counted.h - lines of which only their number is here: what a cluster has counted for `compare`, in a table beside the
 * lines that are to be looked at one by one. */
#ifndef QUERY_COUNTED_H
#define QUERY_COUNTED_H

#include "base/sql.h"

/* Lines of one side that are counted as the same: messages with one text ('m'), lines that are no record ('t'), or
 * spans of one name that begin ('n') or end ('c'). Texts are borrowed until the next one. */
struct counted {
	char kind;
	struct slice level, target, text;
	int64_t source, line;       /* of the first; source: by the order of runs and paths, from 1 */
	struct slice cells, counts; /* "[3,7]": in which cells of time there are some, and "[1,12]": how many */
};

/* Makes the table, and *add, which you finalize in any case; adds a row with it, with source.id for the source. 0 or a
 * negative errno. */
int counted_create(sqlite3 *db, sqlite3_stmt **add);
int counted_put(sqlite3_stmt *add, int side, const struct counted *of);

/* Those of a side in the order of their first lines. */
struct counted_reader;
/* *out NULL: nobody has counted anything. 0 or a negative errno; counted_close in any case. */
int counted_open(sqlite3 *db, int side, struct counted_reader **out);
/* 1, 0 or a negative errno. */
int counted_next(struct counted_reader *r, const struct counted **out);
/* The place of a source in that order; 0: there is none of this id. */
int64_t counted_source(const struct counted_reader *r, int64_t id);
void counted_close(struct counted_reader *r);

/* The next number of a list, which is moved on behind it; false: there is none. */
bool counted_number(struct slice *list, int64_t *out);

#endif
