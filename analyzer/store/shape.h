/* SPDX-License-Identifier: GPL-3.0-or-later */
/* shape.h - shapes: what is the same in many lines.
 *
 * The skeleton of half a line is its text with one control byte (enum slot_kind) for each value taken out. Ilúvatar's
 * lines have some hundred heads and some hundred tails, so a line is two numbers and a few values, and a line whose
 * shape was guessed right is read by comparing bytes. What is a value and what belongs to the shape:
 *
 *   head   values are all but level, target and message. The 257th message of one level, target and list of keys, and
 *          all later new ones, are values too: Ilúvatar interpolates.
 *   tail   values are numbers, ids ("id", "parent") and transaction ids; other strings belong to the shape, until
 *          there are 8 shapes that differ in them alone: then all but "name" and "worker" are values.
 *
 * A set is shared by the threads of a load: finding and adding lock it, a shape once found never changes. */
#ifndef STORE_SHAPE_H
#define STORE_SHAPE_H

#include "store/store.h"

#define SHAPE_MAX       (1u << 18) /* shapes in a database; lines beyond are kept raw */
#define SHAPE_MAX_SLOTS 512        /* a line with more values is kept raw */
#define SHAPE_MAX_BYTES (1u << 16) /* of a skeleton; longer: raw */
#define SHAPE_VARIANTS  256        /* of a head: messages */
#define TAIL_VARIANTS   8

/* Has a slot values of its own in a chunk? The others stand in the row: transaction and time. */
static inline bool slot_is_stored(enum slot_kind kind)
{
	return kind != SLOT_TID && kind != SLOT_STAMP && kind != SLOT_STAMP_Z;
}

struct shape_set;

int shape_set_new(struct shape_set **out);
void shape_set_free(struct shape_set *set);

/* Adds the shape of row id of table shape. -EBADMSG: not a skeleton, or the id is taken. */
int shape_set_load(struct shape_set *set, uint32_t id, unsigned part, const void *skeleton, size_t len);

/* The shape of one half of a parsed line, made if new. *out NULL: the line must be kept raw, as must one whose parts
 * stand in an unusual order. */
int shape_set_find(struct shape_set *set, const struct line *l, unsigned part, const struct shape **out);

/* The head that a skeleton with a form says (ingest/form.h), made if new. One of `exact`, or where there are
 * SHAPE_VARIANTS of its family already, of `family`, whose message is a value; either may be NONE: there is no such.
 * *out NULL: neither can be had. */
int shape_set_find_form(struct shape_set *set, struct slice exact, struct slice family, const struct shape **out);

const struct shape *shape_set_get(struct shape_set *set, uint32_t id); /* NULL: none */
uint32_t shape_set_count(struct shape_set *set);                       /* ids are 1 ... count */

/* Compares text with a shape and cuts out the values: values[i] for slot i, of at least nslots. *tid is given where the
 * caller knows it (ptr not NULL); else it is set from the first SLOT_TID. *stamp is set where the shape has one.
 * Returns the end of what matched, or NULL. Values were checked as a parser would have: strings and scalars are well
 * formed. */
const char *shape_match(const struct shape *sh, const char *text, const char *end, struct slice *values,
                        struct slice *tid, int64_t *stamp);

/* The same from literal `from` on: the caller knows the values before, and text is where the literal must be. */
const char *shape_match_from(const struct shape *sh, unsigned from, const char *text, const char *end,
                             struct slice *values, struct slice *tid, int64_t *stamp);

/* Where fields, span and spans are: positions in literals (index, offset), for the reader. */
struct shape_mark {
	uint32_t literal, offset;
};
struct shape_range {
	struct shape_mark from, to;
	bool there;
};
/* For SECTION_FIELDS (head), SECTION_SPAN and SECTION_SPANS (tail). */
struct shape_range shape_part_range(const struct shape *sh, enum section section);

/* A text of span (SECTION_SPAN) or of the top level (SECTION_TOP: threadName; logrus' level and msg) that is in the
 * skeleton; NONE: there is none. */
struct slice shape_constant(const struct shape *sh, enum section section, const char *key);

/* A shape that is in no set, of a skeleton (-EBADMSG: it is none). Free with shape_free. */
int shape_new(const char *skeleton, size_t len, unsigned part, struct shape **out);
/* The same of a line that is kept raw: what it is named after and which values it has, but no skeleton and no literals.
 * Its texts are the line's, and it may be used as long as they stand there. -ENOMEM. */
int shape_of_raw(const struct line *l, unsigned part, struct shape **out);
void shape_free(struct shape *sh);

/* The skeleton of half a line in buf (room: the line's length); 0: empty, or not to be had within the limits. */
enum shape_care {
	SHAPE_EXACT, /* with its texts */
	SHAPE_FAMILY /* without: what shapes that differ in texts alone have in common */
};
size_t shape_skeleton(const struct line *l, unsigned part, enum shape_care care, char *buf);

#endif
