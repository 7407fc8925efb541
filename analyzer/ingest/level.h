/* SPDX-License-Identifier: GPL-3.0-or-later */
/* level.h - the five levels, and how programs spell them. */
#ifndef INGEST_LEVEL_H
#define INGEST_LEVEL_H

#include "base/slice.h"

enum level { LEVEL_NONE, LEVEL_ERROR, LEVEL_WARN, LEVEL_INFO, LEVEL_DEBUG, LEVEL_TRACE };

enum level_scheme {
	LEVEL_COMMON,   /* words, letters, the numbers of pino and bunyan (10 to 60) and slog's offsets ("ERROR+2") */
	LEVEL_SYSLOG,   /* besides: 0 to 7, as journald's PRIORITY and GELF's level */
	LEVEL_PRIORITY, /* syslog's "<34>": eight times the facility and one of those */
};

/* The level of a word or number as a log has it, unescaped; blanks and colours around it do not count. LEVEL_NONE:
 * nobody knows that word, or a number means something else in each program. */
enum level level_read(struct slice text, enum level_scheme scheme);

/* What a format says of levels: a word, a number, or a range of numbers ("400..499", "500..", "..-1"), both ends
 * included; "*" is anything. */
struct level_word {
	char *word;
	enum level level;
	bool any, range;
	int64_t from, to; /* of a range */
};

struct level_map {
	struct level_word *all; /* the first that fits counts */
	size_t n;
};

/* The level of an unescaped text; LEVEL_NONE: the map does not know it. */
enum level level_mapped(const struct level_map *m, struct slice text);
/* Whether the map has this text itself, not only a range or "*" that it is in. */
bool level_named(const struct level_map *m, struct slice text);

/* Fills range, from, to and any from word. */
void level_word_read(struct level_word *w);

/* "ERROR" ... "TRACE"; NONE for LEVEL_NONE. Static. */
struct slice level_name(enum level level);

#endif
