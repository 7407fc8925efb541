/* SPDX-License-Identifier: GPL-3.0-or-later */
/* rules_read.h - what the readers of a rules file share. For the files rules*.c alone. */
#ifndef MODEL_RULES_READ_H
#define MODEL_RULES_READ_H

#include "model/rules.h"

struct reading {
	struct rules *r;
	const char *text;
	size_t len;
	const char *where;
	char **why;
	const char *list; /* what is read is an element of this list of the file; NULL: of none */
	size_t element;
	bool kept; /* the database was made with them */
};

/* The same for an element of a list of the file. */
static inline struct reading reading_of(const struct reading *rd, const char *list, size_t element)
{
	struct reading of = *rd;

	of.list = list;
	of.element = element;
	return of;
}

/* *why becomes "WHERE:LINE: cause", the line being the one where word stands first in quotes, in the element that is
 * read; NULL: where that begins. -EINVAL. */
__attribute__((format(printf, 3, 4))) int reading_refuse(const struct reading *rd, const char *word, const char *format,
                                                         ...);
/* The string under key; *out NULL where it is absent. 0 or -EINVAL. */
int reading_string(const struct reading *rd, const json_t *object, const char *key, const char **out);
/* Refuses what is no object, and keys that are not among the known ones (NULL ends them). */
int reading_keys(const struct reading *rd, json_t *object, const char *what, const char *const *known);

/* The list `messages`: rules and the moments they name. */
int reading_messages(const struct reading *rd, json_t *list);
/* The number of a moment of the rules' own, new if need be. 0, -EINVAL (too many) or -ENOMEM. */
int reading_moment(const struct reading *rd, const char *name, unsigned *out);
/* One that a message has named, or MOMENT_NONE. */
unsigned moment_find(const struct rules *r, const char *name);
/* The moment of a built-in name, or MOMENT_NONE. */
unsigned moment_built_in(const char *name);

#endif
