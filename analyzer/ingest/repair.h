/* SPDX-License-Identifier: GPL-3.0-or-later */
/* repair.h - what may be wrong with a line and yet be mended: by name, counted, and each to be switched off
 * (`load --no-repair`, "no_repair" of a format). */
#ifndef INGEST_REPAIR_H
#define INGEST_REPAIR_H

#include "base/slice.h"

#include <stdbool.h>

enum repair {
	REPAIR_NONE, /* nothing was wrong */
	REPAIR_NULS,
	REPAIR_COLOURS,
	REPAIR_COMMA,
	REPAIR_PIECES,
	REPAIR_BRACKET,
	REPAIR_UTF8,
	REPAIRS
};

#define REPAIRS_ALL ((1u << REPAIRS) - 2) /* bits of all of them */

const char *repair_name(enum repair r);   /* as users name it: "colours" */
const char *repair_what(enum repair r);   /* what was wrong: "colours in the line" */
const char *repair_is_off(enum repair r); /* the reason of a line that is rejected since it is off */

/* The length of a colour code at the front of s; 0: there is none. */
size_t repair_colour_len(struct slice s);

/* Takes all colour codes out of a text, and puts zeros behind it. Returns its length then. */
size_t repair_colours_cut(char *text, size_t len);

/* Adds the bits of "NAME[,NAME...]" or "all" to *bits. False: a name is none; *bits is untouched. */
bool repair_names(const char *text, unsigned *bits);

#endif
