/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunks.h - the chunks of a store, for those who read or write them whole. Others read events (store.h). */
#ifndef STORE_CHUNKS_H
#define STORE_CHUNKS_H

#include "store/chunk.h"
#include "store/store.h"

/* Chunks: pinned until store_chunk_unpin. -ENOENT: no such chunk. */
int store_chunk_pin(struct store *s, int64_t id, struct chunk **out);
void store_chunk_unpin(struct store *s, struct chunk *c);

/* A group of rows as columns (chunk.h), for those who look at all lines and need little of most. Local numbers are the
 * chunk's. */
struct event_rows {
	struct chunk *chunk;
	int64_t id; /* of the event of its first row; the others follow */
	int64_t run, source, offset_ns;
	int64_t first_stamp, last_stamp; /* of the chunk's events, as stored; first > last: it has none */
	unsigned group;                  /* of the chunk */
	bool ends;                       /* the chunk's last one */
	struct chunk_group columns;
};

/* Moves on to the next group with rows of a query that asks for a run, a source, ids, times or heads alone: rows that
 * were not asked for are among them. 1 and *out, borrowed until the next call; 0: no more; negative: error. columns:
 * CHUNK_COLUMN_... bits. A cursor reads either rows or events. */
int event_cursor_rows(struct event_cursor *c, unsigned columns, struct event_rows *out);

/* The clock of a head's times: its source's (event.time_ns is the stamp moved by offset_ns), UTC, or whatever each line
 * says, which event_get tells. */
enum event_clock { EVENT_CLOCK_SOURCE, EVENT_CLOCK_UTC, EVENT_CLOCK_LINE };
enum event_clock event_head_clock(const struct shape *head);
/* Whether a span line (with a head that is not as_worker) with this tail is another worker's: event.foreign. 1, 0 or a
 * negative errno. */
int event_tail_is_foreign(struct store *s, int64_t source, const struct shape *tail);

/* What an id that chunk_tid gave means: itself, or in buf, of 3 * LINE_MAX_TID bytes, without its escapes. -EBADMSG: it
 * is longer than an id can be. */
int chunk_tid_meaning(const struct chunk *c, struct slice spelled, char *buf, struct slice *out);

/* on: each chunk will be read once, so none is kept when nobody reads it any more. */
void store_read_once(struct store *s, bool on);
/* Others read the same database beside it: it keeps less of what nobody reads any more, and store_stop_many stops it.
 */
void store_is_one_of_many(struct store *s);

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
/* A chunk that was sealed apart, under an id, and the shapes that are new: first_line from 1, first_offset in the
 * source's text. */
int chunk_writer_put(struct store *s, struct chunk_writer *w, int64_t id, int64_t source, int64_t first_line,
                     int64_t first_offset, const struct chunk_builder *b, const struct bytes *sealed);

#endif
