/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_csv.h - events as lines of CSV, straight from the columns of their chunks. */
#ifndef QUERY_EVENT_CSV_H
#define QUERY_EVENT_CSV_H

#include "base/text.h"
#include "store/event_plan.h"
#include "store/store.h"

struct event_csv;

/* The columns of a line, in their order; they are copied. The store is borrowed. */
int event_csv_new(struct store *s, const enum event_column *columns, size_t n, struct event_csv **out);
void event_csv_free(struct event_csv *x);

/* A group of a chunk's rows: there are so many, the last ones perhaps without rows. */
enum { EVENT_CSV_GROUPS = 8 };
struct event_csv_part {
	int64_t chunk, run, source, offset_ns; /* UTC minus the source's clock */
	int64_t first_line, first_offset;      /* of the chunk */
	unsigned group;
};

/* Adds the part's events to out. full is called whenever there is much in it, and may take that away. 0 or a negative
 * errno, full's own too. */
int event_csv_write(struct event_csv *x, const struct event_csv_part *part, struct text *out,
                    int (*full)(void *arg, struct text *out), void *arg);

#endif
