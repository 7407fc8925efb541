/* SPDX-License-Identifier: GPL-3.0-or-later */
/* event_column.h - the columns of the table `event`, as values. */
#ifndef STORE_EVENT_COLUMN_H
#define STORE_EVENT_COLUMN_H

#include "store/event_plan.h"
#include "store/store.h"

struct event_datum {
	enum { DATUM_NULL, DATUM_INTEGER, DATUM_TEXT } type;
	int64_t integer;
	struct slice text; /* borrowed until the next event is read */
	bool escaped;      /* the inside of a JSON string: what it means is the value */
	bool lasting;      /* the text lives as long as the store, until store_refresh */
};

/* All columns but COL_OFFSET (event_offset). 0 or a negative errno. */
int event_datum(const struct event *e, enum event_column column, struct event_datum *out);

/* A time's column `second`: rounded down. */
static inline int64_t event_second(int64_t time_ns)
{
	return time_ns / 1000000000 - (time_ns % 1000000000 < 0);
}

#endif
