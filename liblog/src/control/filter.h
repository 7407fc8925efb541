/* SPDX-License-Identifier: Apache-2.0 */
/* filter.h - the directives in force, and those that are in force again after a while. */
#ifndef FILTER_H
#define FILTER_H

#include "appender/audit.h"
#include "config/directive.h"

#include <stdint.h>

#define FILTER_MAX_MS (365ll * 86400 * 1000)

struct filter_state {
	char *text;       /* in force; yours */
	char *base;       /* what it reverts to, yours; NULL: it stays */
	uint64_t left_ms; /* until then */
};

/* The directives in `text`; *out is yours: directive_free. 0, -ENOMEM, or -EINVAL and last_error. */
int filter_parse(const char *text, struct directive_set **out);

/* The logger starts, with logger.control: these are the directives of its configuration, borrowed until the next
 * start. */
void filter_configure(const char *text);
/* It runs: use them. The set is taken. */
void filter_begin(struct directive_set *set);

/* With logger.control: use others; after for_ms (0: never) those of before the first such change are in force again.
 * The set is in use after 0, else still yours. `who`: to be noted in the log; NULL: nobody. 0, -ENOMEM or -EDEADLK. */
int filter_use(const char *text, struct directive_set *set, uint64_t for_ms, const struct audit_who *who);

/* The text in force, with logger.control. */
const char *filter_text(void);

/* As ilu_log_set_filter, for a while, in the name of who. */
int filter_change(const char *directives, uint64_t for_ms, const struct audit_who *who);

/* 0, -ENOMEM or -EDEADLK. */
int filter_now(struct filter_state *out);

/* Revert if it is time. Returns after how many milliseconds to call again; -1: no need. */
int filter_revert_due(void);

/* With logger.control: revert now, if there is anything to. */
void filter_revert(void);

#endif
