/* SPDX-License-Identifier: GPL-3.0-or-later */
/* found.h - the findings of a cluster, as fold has written them, as tables of a database here: those that
 * findings/kept.c reads. 0, or as http.h has it, with *why. */
#ifndef MIRROR_FOUND_H
#define MIRROR_FOUND_H

#include "remote/fetch.h"
#include <sqlite3.h>

/* The lines that are evidence of something. Zero-initialise; found_places_done in any case. */
struct found_places {
	struct arena texts;
	struct fetch_place *v; /* by run, source and line, each once */
	size_t n, room;
};

/* Of a run; NONE: of all. */
int found_places(struct cluster *c, struct slice run, struct found_places *out, char **why);
void found_places_done(struct found_places *p);

/* Writes the tables; lines that are here (event must be known to db) are named by their ids. */
int found_put(struct cluster *c, sqlite3 *db, struct slice run, char **why);

#endif
