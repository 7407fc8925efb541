/* SPDX-License-Identifier: Apache-2.0 */
/* launch.h - an appender with its sinks, set going: at the start, and in a forked child again. With logger.control. */
#ifndef LAUNCH_H
#define LAUNCH_H

#include "appender/appender.h"
#include "config/config.h"

/* Choose the clock that stamps come from, once: those of two clocks must not meet. */
void launch_clock(const struct config *config);
/* The source of time is another (now.h): choose again. */
void launch_clock_anew(void);

/* What a forked child goes on with. */
struct inheritance {
	struct span_texts spans; /* of open spans; may be empty */
	struct outlet outlet;
};

/* It is the current one (current.h) after 0. `without`: why there is no control socket, or "". `from`: taken in any
 * case; NULL: at a start, as the configuration says. Else a negative errno and last_error. */
int launch(const struct config *config, const char *without, struct inheritance *from);

/* One that has ended, or that a child inherited at rest. NULL is fine. */
void launch_free(struct appender *a);

#endif
