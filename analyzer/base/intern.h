/* SPDX-License-Identifier: GPL-3.0-or-later */
/* intern.h - each byte string once, as a small number.
 *
 * Numbers count from 0 in the order of first appearance. Slices live until intern_done. */
#ifndef BASE_INTERN_H
#define BASE_INTERN_H

#include "base/arena.h"
#include "base/slice.h"
#include "base/table.h"

#define INTERN_NONE UINT32_MAX

/* Zero-initialise, or intern_init. */
struct intern {
	struct slice *text; /* by number; a NUL stands behind each */
	uint32_t n, room;
	struct table at;
	struct arena bytes;
};

void intern_init(struct intern *in);
void intern_done(struct intern *in);

/* The number of text, a new one if need be. 0 or -ENOMEM. */
int intern_add(struct intern *in, struct slice text, uint32_t *out);
/* The number of text, or INTERN_NONE. */
uint32_t intern_find(const struct intern *in, struct slice text);

/* The text of a number; NONE for INTERN_NONE. */
static inline struct slice intern_text(const struct intern *in, uint32_t number)
{
	return number == INTERN_NONE ? SLICE_NONE : in->text[number];
}

#endif
