/* SPDX-License-Identifier: GPL-3.0-or-later */
/* cold.h - the cold starts of a run: see blame.h. */
#ifndef BLAME_COLD_H
#define BLAME_COLD_H

#include "blame/blame.h"

/* Of b->start the kind and the holders. Requests, holds and lanes are there. 0 or a negative errno. */
int blame_cold_read(sqlite3 *db, struct blame_run *b);

#endif
