/* SPDX-License-Identifier: GPL-3.0-or-later */
/* place_parts.h - all invocations in stretches of their places, which threads may read side by side. */
#ifndef TABLES_PLACE_PARTS_H
#define TABLES_PLACE_PARTS_H

#include "model/parts.h"

enum { PLACE_PARTS = 8 };

/* Places from first to last, inclusive. */
struct place_part {
	int64_t first, last;
};

/* In ascending order: how many there are, at least one; or a negative errno. */
int parts_of_places(sqlite3 *db, struct place_part out[PLACE_PARTS]);

/* Calls read(arg, db, i) once for each i below n: as parts_read does where s is not NULL, each thread with a connection
 * of its own; else one after the other, with db. */
int place_parts_read(sqlite3 *db, struct store *s, size_t n, int (*read)(void *arg, sqlite3 *db, size_t i), void *arg);

#endif
