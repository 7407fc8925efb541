/* SPDX-License-Identifier: GPL-3.0-or-later */
/* sums.h - sum(), avg() and total() that remember the texts they could not add, and duration_ns(). */
#ifndef BASE_SUMS_H
#define BASE_SUMS_H

#include <sqlite3.h>
#include <stdint.h>

/* Texts that were no numbers, since they were asked for last. */
struct sums_texts {
	int64_t n;
	const char *function; /* that met the first one */
	char first[48];       /* its beginning */
};

/* sum(x), avg(x) and total(x) give what SQLite's own do (a text counts as the number that it begins with, or 0), and
 * count such texts in *texts, which outlives db's use of them. duration_ns(text): base/textduration.h; NULL of anything
 * else. 0 or an SQLite code. */
int sums_register(sqlite3 *db, struct sums_texts *texts);

#endif
