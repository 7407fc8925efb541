/* SPDX-License-Identifier: GPL-3.0-or-later */
/* at_once.h - lines of one instant in several files: their order is the one that makes sense.
 *
 * A clock that counts milliseconds gives an error, and the next attempt in another daemon's log, one time. Lines of one
 * file keep their order; between files what an attempt does not have yet comes before what failed, that before what
 * begins once more, and the end of the request is last. Which file was loaded first says nothing. */
#ifndef MODEL_AT_ONCE_H
#define MODEL_AT_ONCE_H

#include "model/fact.h"
#include <sqlite3.h>

/* Which file a chunk is of: chunks of one database, by id. Zero-initialised it knows one file. */
struct chunk_sources {
	struct chunk_source {
		int64_t chunk, source;
	} * v;
	size_t n, room;
};

/* 0 or a negative errno; chunk_sources_done in any case. */
int chunk_sources_read(sqlite3 *db, struct chunk_sources *out);
void chunk_sources_done(struct chunk_sources *c);

/* What decides where a line of several files comes. */
enum at_once_rank {
	AT_ONCE_BEGINS,       /* a step that the attempt does not have yet */
	AT_ONCE_OTHER,        /* whatever else it says */
	AT_ONCE_FAILS,        /* something failed */
	AT_ONCE_BEGINS_AGAIN, /* what the attempt has already: the next one's */
	AT_ONCE_ENDS,         /* the request ends */
	AT_ONCE_ENDS_FAILED
};

/* The facts of one line. */
struct at_once_line {
	const struct fact *v;
	size_t n;
	int64_t source;
};

/* Of one file, those that are left. */
struct at_once_file {
	size_t next, end; /* line */
};

/* Room, kept from instant to instant. */
struct at_once {
	struct at_once_line *line;
	struct at_once_file *file;
	size_t n, room, nfiles, files_room;
};

/* How many of the facts v[0..n) are of v[0]'s instant. */
size_t at_once_facts(const struct fact *v, size_t n);
/* Takes the facts v[0..n) of one instant. 1: they are of several files; 0: their order is known; or -ENOMEM. */
int at_once_take(struct at_once *a, const struct chunk_sources *files, const struct fact *v, size_t n);
/* The line that comes next; NULL: no more. rank is asked of the first line that each file has left. */
typedef enum at_once_rank at_once_rank_of(void *arg, const struct at_once_line *line);
const struct at_once_line *at_once_next(struct at_once *a, at_once_rank_of *rank, void *arg);
void at_once_done(struct at_once *a);

#endif
