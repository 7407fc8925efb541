/* SPDX-License-Identifier: GPL-3.0-or-later */
/* match.h - what users write to choose events: names, patterns with *, levels. */
#ifndef QUERY_MATCH_H
#define QUERY_MATCH_H

#include "base/slice.h"

/* The whole text; * in the pattern stands for anything, also nothing. */
bool match_glob(const char *pattern, struct slice text);
/* A target by any of its segments in a row: "cpu_q_invoke", "services::invocation"; with * as match_glob. */
bool match_target(const char *pattern, struct slice target);
/* error (logrus: fatal, panic) 0, warn 1, info 2, debug 3, trace 4, in any case; -1: no level */
int level_rank(struct slice level);

#endif
