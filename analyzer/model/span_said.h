/* SPDX-License-Identifier: GPL-3.0-or-later */
/* span_said.h - what a line of another program says of a span, by the roles that its format names. */
#ifndef MODEL_SPAN_SAID_H
#define MODEL_SPAN_SAID_H

#include "store/store.h"

enum span_part { SPAN_BEGINS, SPAN_ENDS, SPAN_IS_WHOLE };

/* Slices are borrowed until the next event is read; ptr NULL: not said. Times are INT64_MIN where not said. */
struct span_said {
	enum span_part part;
	struct slice id, parent, name; /* as they stand in the line */
	int64_t start_ns, end_ns;      /* by the line's own time, a duration and a time of its end */
};

/* Of a line whose head says as_span. 0 or a negative errno. */
int span_said_read(const struct event *e, struct span_said *out);

#endif
