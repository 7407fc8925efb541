/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunks.h - the chunks of a store, for those who read or write them whole. Others read events (store.h). */
#ifndef STORE_CHUNKS_H
#define STORE_CHUNKS_H

#include "store/chunk.h"
#include "store/store.h"

/* Chunks: pinned until store_chunk_unpin. -ENOENT: no such chunk. */
int store_chunk_pin(struct store *s, int64_t id, struct chunk **out);
void store_chunk_unpin(struct store *s, struct chunk *c);

/* on: each chunk will be read once, so none is kept when nobody reads it any more. */
void store_read_once(struct store *s, bool on);

struct shape_set *store_shapes(struct store *s); /* the store's own */
/* Reads the rows of table shape that are not known yet; writes those that are not in the table yet. */
int store_shapes_read(struct store *s);
int store_shapes_write(struct store *s);

#define CHUNK_ID_MAX (INT64_C(1) << 46) /* of a chunk: ids of its lines and blocks are 65,536 times it, and more */

#define CHUNK_LEVEL                                                                                                    \
	1 /* of zstd: what it gets are differences and dictionaries; 3 saves no hundredth, and takes three of the time \
	   */

/* As store_cat, but of a copy only what is not the other source's. *offset: how much is. */
int store_cat_own(struct store *s, int64_t source, int64_t *offset, int (*put)(void *, const void *, size_t),
                  void *arg);

struct chunk_writer {
	sqlite3_stmt *chunk, *block;
};

int chunk_writer_open(struct store *s, struct chunk_writer *w);
void chunk_writer_close(struct chunk_writer *w);
/* A sealed chunk under an id, and the shapes that are new: first_line from 1, first_offset in the source's text. */
int chunk_writer_put(struct store *s, struct chunk_writer *w, int64_t id, int64_t source, int64_t first_line,
                     int64_t first_offset, const struct chunk_builder *b, const struct bytes *sealed);

#endif
