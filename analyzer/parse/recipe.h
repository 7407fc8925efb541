/* SPDX-License-Identifier: GPL-3.0-or-later */
/* recipe.h - lines of other programs by guessing: a line that is like one before needs no format.
 *
 * What was read once by its format (ingest/record.h) is remembered as a recipe: the text that stays the same, the
 * stretches that may differ and what must hold of them (ingest/parts.h), and the shape that its reading has, with the
 * form of the line (ingest/form.h). The next line of that kind is compared with it, its values are cut out, and stored
 * as those of a line of ours are. What it would have been read as is the same by construction; a line that fits no
 * recipe, or not now (a zone's other offset, a record in pieces), goes the long way. */
#ifndef PARSE_RECIPE_H
#define PARSE_RECIPE_H

#include "parse/parse_row.h"

#define RECIPES_MAX 4096 /* of a source: lines of more kinds are read one by one */

struct recipes;

/* Makes a recipe of the line that p->records has just read as r, whose text begins row's. *taken: it was added to the
 * chunk. 0 or a negative errno. */
int recipe_learn(struct parser *p, const struct row *row, const struct record_result *r, bool *taken);

/* Adds the line to the chunk if there is a recipe for it. */
int recipe_take(struct parser *p, const struct row *row, bool *taken);

void recipes_free(struct recipes *r);
/* Gives back what a line of more than so many bytes has left. */
void recipes_trim(struct recipes *r, size_t bytes);

#endif
