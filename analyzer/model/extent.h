/* SPDX-License-Identifier: GPL-3.0-or-later */
/* extent.h - how long a run lasts by its lines, without what its clock jumped over. */
#ifndef MODEL_EXTENT_H
#define MODEL_EXTENT_H

#include "store/store.h"

/* More than this between one line and the next is no silence: a machine without a battery begins in 1970 until it
 * hears from a time server. */
#define CLOCK_JUMP_NS (INT64_C(365) * 86400 * 1000000000)

/* From the first to the last line of a run, stretches without a line that are longer than a jump left out. Reads the
 * time of every line. 0 where it has no line. Returns 0 or a negative errno. */
int extent_read(struct store *s, int64_t run, int64_t *ns);

#endif
