/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_private.h - what the files of the store share; nobody else includes it. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "base/sql.h"
#include "store/chunks.h"
#include "base/sums.h"

/* What rows of table source say of every event. */
struct source_info {
	int64_t run;
	int64_t offset_ns; /* UTC minus the clock */
	bool known;
	bool cluster;
	bool owned; /* the file's name says whose it is */
	char *worker;
	size_t worker_len;
};

#define CHUNK_CACHE      64          /* chunks that are open at a time */
#define CHUNK_IDLE_BYTES (48u << 20) /* of what is unpacked of those that nobody reads */

/* Where a chunk's blocks come from; lives as long as the chunk. */
struct chunk_home {
	struct store *store;
	int64_t id, source, first_line;
};

struct cached_chunk {
	int64_t id;
	struct chunk *chunk;
	struct chunk_home *home;
	unsigned pins;
	uint64_t used;
};

struct event_room;
struct run_clock;

struct store {
	sqlite3 *db;
	bool borrowed;    /* the connection is somebody else's */
	bool forgets;     /* each chunk is read once: none is kept when nobody reads it any more */
	bool left_joins;  /* statements may have one */
	bool one_of_many; /* a thread's: it keeps a quarter of what one alone does */
	struct shape_set *shapes;
	uint32_t shapes_saved;       /* rows of table shape */
	struct source_info *sources; /* by id */
	size_t nsources;
	bool sources_read;
	struct cached_chunk cache[CHUNK_CACHE];
	uint64_t tick;
	sqlite3_stmt *chunk_read, *block_read, *refs_read[2]; /* at rest between uses; the last: of cursor.c */
	struct chunk_room *room;
	struct bytes block;     /* what block_read gave last */
	struct event_room *got; /* of event_get */
	struct sums_texts texts;
	struct run_clock *clocks; /* by run */
	size_t nclocks, clocks_room;
	bool clocks_read;
};

const struct chunk_home *store_chunk_home(struct store *s, const struct chunk *c); /* of a pinned chunk */

/* A statement that is used again and again, in *q, which is NULL at first; and that it rests until the next time, also
 * after an error of its steps. 0 or a negative errno. */
int store_statement(struct store *s, sqlite3_stmt **q, const char *sql);
void store_statement_rest(struct store *s, sqlite3_stmt **q);

/* 0; -EBADMSG: no such source, or a damaged table; or another error. Borrowed until store_refresh. */
int store_source(struct store *s, int64_t id, const struct source_info **out);

/* clock.c: the SQL function clock_offset_s; 0 or an SQLite code. */
int store_clock_register(struct store *s);
void store_clocks_forget(struct store *s);

/* Whether a file's name says whose log it is: worker, worker_N, controller, load_gen. */
bool worker_is_owner(const char *worker);

#endif
