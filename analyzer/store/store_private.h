/* SPDX-License-Identifier: GPL-3.0-or-later */
/* store_private.h - what the files of the store share, and the loader uses. */
#ifndef STORE_STORE_PRIVATE_H
#define STORE_STORE_PRIVATE_H

#include "base/sql.h"
#include "store/chunk.h"
#include "store/store.h"
#include "store/sums.h"

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

struct store {
	sqlite3 *db;
	bool borrowed; /* the connection is somebody else's */
	bool forgets;  /* each chunk is read once: none is kept when nobody reads it any more */
	struct shape_set *shapes;
	uint32_t shapes_saved;       /* rows of table shape */
	struct source_info *sources; /* by id */
	size_t nsources;
	bool sources_read;
	struct cached_chunk cache[CHUNK_CACHE];
	uint64_t tick;
	sqlite3_stmt *chunk_read, *block_read; /* at rest between uses */
	struct chunk_room *room;
	struct bytes block;     /* what block_read gave last */
	struct event_room *got; /* of event_get */
	struct sums_texts texts;
};

/* How others that write are waited for: step(arg, n) is asked before the n-th wait, from 0, and waits a little itself;
 * 0: no longer. */
struct store_wait {
	int (*step)(void *arg, int n);
	void *arg;
};

/* As store_open. wait is borrowed until store_close; NULL: ten seconds, in silence. */
int store_open_waiting(const char *path, enum store_mode mode, const struct store_wait *wait, struct store **out,
                       char **why);

/* A store on a connection that is open already; store_close leaves it open. For the loadable extension. */
int store_attach(sqlite3 *db, struct store **out, char **why);

/* Chunks: pinned until store_chunk_unpin. -ENOENT: no such chunk. */
int store_chunk_pin(struct store *s, int64_t id, struct chunk **out);
void store_chunk_unpin(struct store *s, struct chunk *c);

const struct chunk_home *store_chunk_home(struct store *s, const struct chunk *c); /* of a pinned chunk */

const struct source_info *store_source(struct store *s, int64_t id); /* NULL: no such source */

/* Reads the rows of table shape that are not known yet; writes those that are not in the table yet. */
int store_shapes_read(struct store *s);
int store_shapes_write(struct store *s);

/* Whether a file's name says whose log it is: worker, worker_N, controller, load_gen. */
bool worker_is_owner(const char *worker);

/* ---- writing chunks ---- */

#define CHUNK_LEVEL                                                                                                    \
	1 /* of zstd: what it gets are differences and dictionaries; 3 saves no hundredth, and takes three of the time \
	   */

struct chunk_writer {
	sqlite3_stmt *chunk, *block;
};

int chunk_writer_open(struct store *s, struct chunk_writer *w);
void chunk_writer_close(struct chunk_writer *w);
/* A sealed chunk under an id, and the shapes that are new: first_line from 1, first_offset in the source's text. */
int chunk_writer_put(struct store *s, struct chunk_writer *w, int64_t id, int64_t source, int64_t first_line,
                     int64_t first_offset, const struct chunk_builder *b, const struct bytes *sealed);

#endif
