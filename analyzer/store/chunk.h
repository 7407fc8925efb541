/* SPDX-License-Identifier: GPL-3.0-or-later */
/* chunk.h - up to 65,536 successive lines of one source as columns: building and reading. Format: docs/store-format.md.
 *
 *   row columns   head shape, tail shape, transaction, time: one number a line
 *   slot columns  for each slot of each shape, its values in the order of the lines
 *   raw column    lines that are kept whole: rejected ones, repaired ones, those beyond the limits of shapes
 *
 * A chunk is cut into groups of 8,192 lines, and each column into one segment a group, so that a transaction's few
 * lines cost the segments of their group. Segments are packed into blocks of about 32 KiB, each a zstd frame with a
 * checksum. */
#ifndef STORE_CHUNK_H
#define STORE_CHUNK_H

#include "column/column.h"
#include "store/shape.h"

#define CHUNK_ROWS     65536
#define CHUNK_MAX_TEXT (48u << 20) /* bytes of text after which a chunk is closed */
#define CHUNK_GROUPS   (CHUNK_ROWS / SEGMENT_ROWS)
#define CHUNK_NO_TID   0 /* in the tid column; else 1 + index of the dictionary */

/* In the head column, below the heads of the directory. CHUNK_REJECTED is of every line that is no event: table reject
 * has those that should have been one; empty lines, and those of energy logs, are not there. */
enum chunk_raw {
	CHUNK_REJECTED,
	CHUNK_RAW_EVENT, /* a line of ours that is kept whole */
	CHUNK_READING,   /* a line of another program, a line end, and its reading: an event line that says the same */
	CHUNK_PIECE,     /* the same for a part of a line: no line end follows, the next row goes on with the line */
	CHUNK_PART,      /* no event: what belongs to the event of another row */
	CHUNK_FIRST_HEAD
};

static inline bool chunk_is_event(unsigned head)
{
	return head != CHUNK_REJECTED && head != CHUNK_PART;
}

/* ---- building ---- */

struct chunk_builder;

int chunk_builder_new(struct shape_set *set, struct chunk_builder **out);
void chunk_builder_free(struct chunk_builder *b);
void chunk_builder_clear(struct chunk_builder *b);

/* Whether so many rows more have room in it; always where it is empty and n is at most CHUNK_ROWS. */
bool chunk_builder_takes(const struct chunk_builder *b, uint32_t n);
/* Whether another line of so many bytes belongs into the next chunk. */
bool chunk_builder_full(const struct chunk_builder *b, size_t len);

/* A line of known shape; values as shape_match or chunk_values cut them. bytes: of text, with line end. */
int chunk_add_line(struct chunk_builder *b, const struct shape *head, const struct slice *head_values,
                   const struct shape *tail, const struct slice *tail_values, struct slice tid, int64_t stamp,
                   size_t bytes);
/* A whole line; of CHUNK_READING and CHUNK_PIECE with its reading. tid and stamp are an event's. */
int chunk_add_raw(struct chunk_builder *b, enum chunk_raw how, struct slice text, struct slice tid, int64_t stamp,
                  size_t bytes);
/* The same of a text in pieces; kept: they stay where they are until the builder is cleared, as chunk_add_raw's text
 * does. */
int chunk_add_raw_pieces(struct chunk_builder *b, enum chunk_raw how, const struct slice *pieces, unsigned n, bool kept,
                         struct slice tid, int64_t stamp, size_t bytes);
/* From now on a row of so many bytes, if its text is kept, is not copied, but lent by the caller, as are the rows
 * behind it. The chunk is full then (chunk_builder_lends), and must be sealed before the text goes. */
#define CHUNK_LENT (8u << 20)
void chunk_builder_borrow(struct chunk_builder *b);
bool chunk_builder_lends(const struct chunk_builder *b);

/* A stretch of a line that is longer than LINE_MAX_BYTES: the line's end is in a chunk behind. The builder is empty,
 * and takes nothing else until it is cleared. */
int chunk_add_stretch(struct chunk_builder *b, struct slice text);

/* A time that is in the lines, where they are no events: it counts for what the chunk reaches over. */
void chunk_note_time(struct chunk_builder *b, int64_t stamp);

/* What is in it so far. */
struct chunk_summary {
	uint32_t rows, lines; /* lines: without rows that are pieces of one */
	uint64_t bytes;
	bool has_stamp;
	int64_t min_stamp, max_stamp; /* of events */
};
struct chunk_summary chunk_builder_summary(const struct chunk_builder *b);

/* Its transactions: calls fn for each with the number of its events and the bits of the groups they are in. */
int chunk_builder_tids(const struct chunk_builder *b,
                       int (*fn)(void *arg, struct slice tid, uint32_t events, unsigned groups), void *arg);
/* Its tail shapes, one after the other from *i = 0; NULL at the end. */
const struct shape *chunk_builder_tail(const struct chunk_builder *b, uint32_t *i);

/* The chunk's bytes, at the end of out: what table chunk has of it, then its blocks, which table block has one by one:
 * block i is chunk_seal_block(b, i) bytes long. */
int chunk_seal(struct chunk_builder *b, int level, struct bytes *out);
/* The same, but only what table chunk has of it: the blocks follow each other from chunk_seal_bodies on, until the
 * builder is sealed again or cleared. */
int chunk_seal_apart(struct chunk_builder *b, int level, struct bytes *out);
const char *chunk_seal_bodies(const struct chunk_builder *b);
uint32_t chunk_seal_blocks(const struct chunk_builder *b);
size_t chunk_seal_block(const struct chunk_builder *b, uint32_t i);

/* ---- reading ---- */

struct chunk;

/* Takes data apart; it is copied where needed. -EBADMSG: damaged. With fetch, data is without the blocks, and fetch
 * gives them when they are needed: 0 and *p, *n (in: how long the block should be), borrowed until the next call, or a
 * negative errno. */
struct chunk_room; /* what decoding needs for a moment: shared by the chunks of one thread, NULL: each its own */
int chunk_room_new(struct chunk_room **out);
void chunk_room_free(struct chunk_room *r);

/* A long block that was given is not needed any more. */
#define CHUNK_FETCH_DONE UINT32_MAX
typedef int chunk_fetch_fn(void *arg, uint32_t block, const void **p, size_t *n);
int chunk_open_stored(struct shape_set *set, const void *data, size_t len, chunk_fetch_fn *fetch, void *arg,
                      struct chunk_room *room, struct chunk **out);
int chunk_open(struct shape_set *set, const void *data, size_t len, struct chunk **out);
void chunk_close(struct chunk *c);

struct chunk_row {
	uint16_t head, tail, tid; /* local numbers; head below CHUNK_FIRST_HEAD: raw, head_ord is of the raw column */
	uint32_t head_ord, tail_ord; /* where the values stand: group * SEGMENT_ROWS + number within the group */
	int64_t stamp;
};

/* About how many bytes it holds, of what was unpacked so far. */
size_t chunk_memory(const struct chunk *c);

uint32_t chunk_rows(const struct chunk *c);
int chunk_row(struct chunk *c, uint32_t i, struct chunk_row *out);
/* Parts of it alone, which cost less: its head, and where that one's values stand. */
int chunk_row_head(struct chunk *c, uint32_t i, uint16_t *head);
int chunk_row_ord(struct chunk *c, uint32_t i, uint32_t *head_ord);
int chunk_row_stamp(struct chunk *c, uint32_t i, int64_t *stamp);
int chunk_row_tid(struct chunk *c, uint32_t i, uint16_t *tid);
/* The row columns of a group, for those who look at many rows and need few: CHUNK_COLUMN_... bits say which; n rows.
 * Borrowed. */
struct chunk_group {
	uint32_t n;
	const uint16_t *head, *tail, *tid;
	const uint16_t *head_ord, *tail_ord; /* how many rows of the group with its shape come before each */
	const int64_t *stamp;
};
enum {
	CHUNK_COLUMN_HEAD = 1,
	CHUNK_COLUMN_TAIL = 2,
	CHUNK_COLUMN_TID = 4,
	CHUNK_COLUMN_STAMP = 8,
	CHUNK_COLUMN_HEAD_ORD = 16,
	CHUNK_COLUMN_TAIL_ORD = 32
};
int chunk_group(struct chunk *c, unsigned group, unsigned columns, struct chunk_group *out);
const struct shape *chunk_head(const struct chunk *c, uint16_t local); /* NULL for raw rows */
const struct shape *chunk_tail(const struct chunk *c, uint16_t local);
unsigned chunk_heads(const struct chunk *c); /* local numbers are CHUNK_FIRST_HEAD ... CHUNK_FIRST_HEAD + heads - 1 */
unsigned chunk_tails(const struct chunk *c); /* local numbers are 0 ... tails - 1 */
bool chunk_has_raw_events(const struct chunk *c);
/* The number of a transaction in this chunk, or CHUNK_NO_TID. groups: bits of those it is in, where they are known: the
 * lowest is looked at first. Negative: error. */
int chunk_find_tid(struct chunk *c, struct slice tid, unsigned groups);
/* The same for an id that lines may spell in other ways: found[number] becomes 1 for each number that means tid, else
 * 0; of CHUNK_ROWS. 0 or negative. */
int chunk_find_spellings(struct chunk *c, struct slice tid, uint8_t *found);
/* The transactions that are met first in the group-th of the groups that have such: 1 with the number of the first and
 * the ids of all, 0 at the end, negative: error. */
int chunk_tids(struct chunk *c, unsigned group, uint32_t *first, const struct segment **ids);
/* Text by number; borrowed until the next call for this chunk. And whether a text that it gave is its own meaning:
 * without escapes. */
int chunk_tid(struct chunk *c, uint16_t local, struct slice *out);
bool chunk_tid_is_plain(const struct chunk *c, struct slice tid);
/* No other chunk that is opened by this process has the number; never 0. */
uint64_t chunk_serial(const struct chunk *c);
/* Value of a slot; part 0 head, 1 tail. buf: SEGMENT_TEXT bytes, used for numbers. */
int chunk_value(struct chunk *c, unsigned part, uint16_t local, unsigned slot, uint32_t ord, char *buf,
                struct slice *out);
/* Value of a head's slot as a duration, where that can be told without printing it: 1 and *ns, else 0, or a negative
 * errno. */
int chunk_duration(struct chunk *c, uint16_t head, unsigned slot, uint32_t ord, int64_t *ns);
/* The values of a head's slot in a group, and how many lines it has there; and those of a tail's. Borrowed until
 * chunk_close. */
int chunk_segment(struct chunk *c, uint16_t head, unsigned slot, unsigned group, const struct segment **out);
int chunk_tail_segment(struct chunk *c, uint16_t tail, unsigned slot, unsigned group, const struct segment **out);
uint32_t chunk_head_lines(const struct chunk *c, uint16_t head, unsigned group);
/* hits[i] (SEGMENT_ROWS of them) becomes CHUNK_HIT where line i of the group has needle in its message or a string of
 * its fields, however it is spelled, CHUNK_LOOK for a line kept whole, else CHUNK_MISS. */
enum chunk_hit { CHUNK_MISS, CHUNK_HIT, CHUNK_LOOK }; /* the last: the line must be looked at */
int chunk_search(struct chunk *c, unsigned group, struct slice needle, uint8_t *hits);
/* One line that is not kept whole: 1, 0 or a negative errno. */
int chunk_search_row(struct chunk *c, const struct chunk_row *row, struct slice needle);
/* The same for the bytes of the line's `fields`, as they stand there. */
int chunk_search_fields(struct chunk *c, unsigned group, struct slice needle, uint8_t *hits);
int chunk_raw_text(struct chunk *c, uint32_t ord, struct slice *out);
/* Of a raw row: the line as it stood there, and its reading (of CHUNK_READING and CHUNK_PIECE; else ptr NULL). */
int chunk_raw_row(struct chunk *c, uint16_t head, uint32_t ord, struct slice *line, struct slice *reading);
/* How many rows before row i are pieces of lines, so that lines can be counted. Negative: error. */
int chunk_pieces_before(struct chunk *c, uint32_t i);
/* Offset of the first line of a group within the chunk's text. */
uint64_t chunk_group_offset(const struct chunk *c, unsigned group);
/* The whole line into out (cleared first); its parts' positions where wanted (NULL: not), but of a line whose head has
 * a form (ingest/form.h) there are none: they are its reading's. */
struct chunk_parts {
	struct slice part[4]; /* by enum section; offsets into out as ptr after the call */
};
int chunk_line(struct chunk *c, const struct chunk_row *row, struct bytes *out, struct chunk_parts *parts);
/* The text of its head, part 0, or of its tail alone, and their parts: one behind the other they are the line, or the
 * reading of a line whose head has a form. Not of raw rows. */
int chunk_half(struct chunk *c, const struct chunk_row *row, unsigned part, struct bytes *out,
               struct chunk_parts *parts);
/* The text of its `fields` alone; ptr NULL: it has none. Not of raw rows. */
int chunk_fields(struct chunk *c, const struct chunk_row *row, struct bytes *out, struct slice *fields);
/* Reads every block: -EBADMSG where one is damaged. */
int chunk_verify(struct chunk *c);

#endif
