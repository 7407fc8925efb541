/* SPDX-License-Identifier: GPL-3.0-or-later */
/* column.h - the values of one slot of one shape, and how they are written down.
 *
 * A column is written in segments of up to 8,192 values, each in the encoding that suits it (docs/store-format.md):
 * one value for all, a dictionary, integers, hexadecimal ids, times, or plain text. zstd does the rest, a block at a
 * time. */
#ifndef COLUMN_COLUMN_H
#define COLUMN_COLUMN_H

#include "base/bytes.h"
#include "base/slice.h"

#define SEGMENT_ROWS 8192

/* Values being collected. */
struct slot_values {
	uint32_t n, room;
	uint32_t *ends; /* of each value in text */
	struct bytes text;
};

int column_add(struct slot_values *c, const char *p, size_t len);
/* One value of several pieces. */
int column_add_pieces(struct slot_values *c, const struct slice *pieces, unsigned n);
/* One value whose text is kept by the caller. */
int column_add_lent(struct slot_values *c, size_t len);
struct slice column_value(const struct slot_values *c, uint32_t i);
void column_clear(struct slot_values *c);
void column_free(struct slot_values *c);

/* Writes values from ... from + n as a segment. Where it ends with COLUMN_LENT bytes of text or more, these are not
 * copied: *lent is what belongs behind out, borrowed from the column; else ptr NULL. */
#define COLUMN_LENT (256u << 10)
void column_write(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out, struct slice *lent);

/* The same of values whose text is not in the column, but lent to whoever writes it: all but the text, which belongs
 * behind out. */
void column_write_lent(const struct slot_values *c, uint32_t from, uint32_t n, struct bytes *out);

/* Bytes that a number needs, at least 1; and numbers in so many planes: all lowest bytes, then the next: like stands
 * beside like. */
unsigned numbers_width(uint64_t max);
void numbers_planes(const uint64_t *v, uint32_t n, unsigned width, struct bytes *out);
/* Numbers as a segment: for times and the like. */
void numbers_write(const int64_t *v, uint32_t n, struct bytes *out);
/* 16-bit numbers: row columns. */
void small_write(const uint16_t *v, uint32_t n, struct bytes *out);

/* A segment that was read. Text that encodings keep in one piece is borrowed from the segment's bytes. */
struct segment {
	uint32_t n;
	uint8_t encoding;
	uint16_t *codes;             /* of a dictionary, or how decimal fractions are written; ours */
	const unsigned char *ids;    /* transactions': 16 bytes each */
	const unsigned char *others; /* the numbers of the values that are no ids, two bytes each */
	uint32_t entries;            /* of a dictionary, of those that are no ids, or n */
	uint32_t *ends;              /* of each entry in text; ours */
	const char *text;
	int64_t *numbers; /* ours */
};

/* Returns 0, -EBADMSG or -ENOMEM. */
int segment_read(struct peek *in, struct segment *out);
void segment_free(struct segment *s);

/* Value i; buf has SEGMENT_TEXT bytes for those that must be printed. i >= n: NONE. */
#define SEGMENT_TEXT 48
struct slice segment_get(const struct segment *s, uint32_t i, char *buf);
/* What a segment has as text, where it is text: entries, with their ends in one piece of text. codes: of the values, in
 * a dictionary; without them the entries are the values, or the one value of all. */
struct segment_text {
	uint32_t entries;
	const uint32_t *ends;
	const char *text;
	const uint16_t *codes;
};
bool segment_texts(const struct segment *s, struct segment_text *out);
/* Transaction ids alone: the k-th value that is none, and its number; false where there are no more. */
bool segment_other(const struct segment *s, uint32_t k, uint32_t *i, struct slice *text);
/* False where no value can contain text, by the characters that the encoding prints; others among transaction ids are
 * not looked at. */
bool segment_may_have(const struct segment *s, struct slice text);
/* Value i as a number, where that can be told without printing it. */
bool segment_number(const struct segment *s, uint32_t i, double *out);
/* All values as the whole numbers that their texts are, or as what 16 hexadecimal digits each say; NULL: they are
 * written in another way. */
const int64_t *segment_integers(const struct segment *s);
const int64_t *segment_words(const struct segment *s);
/* Value i as a duration in nanoseconds, where its text has a unit: as duration_parse reads it. */
bool segment_duration(const struct segment *s, uint32_t i, int64_t *ns);
/* The first value that is text; n where none is. */
uint32_t segment_find(const struct segment *s, struct slice text);

int numbers_read(struct peek *in, uint32_t n, int64_t *out);
int small_read(struct peek *in, uint32_t n, uint16_t *out);
bool small_below(const uint16_t *v, uint32_t n, uint32_t limit);    /* are all? */
uint32_t small_count(const uint16_t *v, uint32_t n, uint16_t what); /* how many are `what` */

#endif
