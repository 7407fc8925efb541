/* SPDX-License-Identifier: GPL-3.0-or-later */
/* heat.h - who made whom wait over a run, as what a heat map is drawn of. */
#ifndef BLAME_HEAT_H
#define BLAME_HEAT_H

#include "base/text.h"
#include "blame/blame.h"

/* Functions with the most, on each side; the others are put together. */
enum { HEAT_MOST = 40 };

/* Appends an object of the run to out:
 *
 *     {"run":1,"phase":"worker
 * queue","total_ns":900,"functions":["gzip","aes"],"holders":["aes",null],"ns":[[500,0],[300,100]]}
 *
 * A row of ns for each function that waited, those with the most first; in it a number for each holder, the same. null
 * is a holder that is nobody, or that nobody knows; "others" comes last where there are more. All of ns add up to
 * total_ns. Without a queue, or where nobody waited, the lists are empty. cold: of cold starts, after blame_cold_read.
 * 0 or -ENOMEM. */
int blame_heat(const struct blame_run *b, bool cold, struct text *out);

#endif
