/* SPDX-License-Identifier: Apache-2.0 */
/* logger.h - the state of the process's one logger, as callers and the appender share it. */
#ifndef LOGGER_H
#define LOGGER_H

#include "box/region.h"

#include <stdbool.h>
#include <stdint.h>

enum logger_state {
	LOGGER_OFF,
	LOGGER_RUNNING,
	LOGGER_FORKED, /* a child that has not logged yet: its first call starts an appender again */
};

struct logger {
	uint32_t state; /* enum logger_state; atomic */
	uint32_t ready; /* the region is there */
	uint32_t bell;  /* 1: the appender sleeps until somebody commits a record */
	uint32_t wake;  /* futex the appender sleeps on; counts wakes */
	uint32_t naps;  /* 1: it sleeps a while, whatever is committed */
	bool tsc;
	bool timed;        /* spans measure their times */
	uint32_t spanning; /* enum config_spanning */
	uint64_t early;    /* calls below WARN while it did not run, not yet told */
	uint64_t early_ever;
};

extern struct logger logger;

static inline enum logger_state logger_state(void)
{
	return (enum logger_state)__atomic_load_n(&logger.state, __ATOMIC_ACQUIRE);
}

struct now_source;

/* Take time from there (now.h), or from the system again (NULL). Only while the logger is off. */
void logger_use_source(const struct now_source *source);

/* Make the region with the defaults if it is not there. 0 or -ENOMEM. */
int logger_prepare(void);

/* In a forked child: start anew. True when the logger runs. */
bool logger_revive(void);

/* By the appender: read the configuration again. 0 and the new directives in `said`, a negative errno and the reason
 * there, or -EBUSY: try again. */
int logger_reload(char *said, size_t cap);

/* Get the appender to work: at once, or only if it naps. */
void logger_wake(void);
void logger_wake_from_nap(void);

/* What the control socket (server.c) does to the filter. */
#define LOGGER_FILTER_MAX_MS (365ll * 86400 * 1000)

struct logger_filter {
	char *text;       /* in force; yours */
	char *base;       /* what it reverts to; NULL: it stays */
	uint64_t left_ms; /* until then */
};

/* 0, -ENOMEM or -EDEADLK. */
int logger_filter_now(struct logger_filter *out);
struct audit_who;

/* As ilu_log_set_filter; after for_ms (0: never) the filter of before the first such change is in force again, unless
 * somebody has set another by then. The log says who did it. */
int logger_filter_for(const char *directives, uint64_t for_ms, const struct audit_who *who);
/* Revert if it is time. Returns after how many milliseconds to call again; -1: no need. */
int logger_filter_revert(void);

/* The last reference of a span went (span.c). */
void span_close(uint64_t handle);
/* Count the ids of spans from the beginning again. */
void span_ids_restart(void);

#endif
